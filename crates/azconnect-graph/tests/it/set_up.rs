//! Registering an application step by step: what is sent, what is ridden out, and what is never lost or doubled.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect_core::{ApplicationObjectId, ClientId, Clock as _, Effect, Error, ErrorKind, PrincipalObjectId, Retry};
use azconnect_credential::Marker;
use azconnect_graph::{
    ApplicationChange, Audience, Consent, DirectoryObjectId, NewApplication, Permission, Platform, RedirectUris,
};
use azconnect_http::{Request, Response, answer_lost};
use azconnect_testkit::VirtualClock;
use http::Method;
use serde_json::{Value, json};

use crate::stage::{CLIENT, KEY, OBJECT, PRINCIPAL, Scripted, answer, application, refusal};

fn object() -> ApplicationObjectId {
    OBJECT.parse().unwrap()
}

fn client() -> ClientId {
    CLIENT.parse().unwrap()
}

fn principal() -> PrincipalObjectId {
    PRINCIPAL.parse().unwrap()
}

fn wish() -> NewApplication {
    NewApplication::new(Marker::new("set-up 1").unwrap(), "Portal")
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(request.body()).unwrap_or_default()
}

/// A Graph that keeps one document, gives it to every reading, and remembers what is written.
fn keeper(document: Value) -> (Arc<Scripted>, Arc<Mutex<Vec<Value>>>) {
    let written = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&written);
    let scripted = Scripted::new(move |_, request| {
        if *request.method() == Method::GET {
            return Ok(answer(200, &document));
        }
        assert_eq!(*request.method(), Method::PATCH);
        notes.lock().unwrap().push(body(request));
        Ok(http::Response::builder().status(204).body(bytes::Bytes::new()).unwrap())
    });
    (scripted, written)
}

/// Graph answers the whole of a property that has an inside, and no document says whether a PATCH merges or replaces it.
#[tokio::test(start_paused = true)]
async fn a_redirect_address_is_added_and_removed_without_losing_anything() {
    let document = json!({
        "web": {"redirectUris": ["https://a.example/"], "homePageUrl": "https://a.example/home", "logoutUrl": null,
                "implicitGrantSettings": {"enableIdTokenIssuance": true},
                "redirectUriSettings": [{"uri": "https://a.example/", "index": null}]},
        "spa": {"redirectUris": ["https://spa.example/"]},
        "publicClient": {"redirectUris": []},
    });
    let (graph, written) = keeper(document);
    let client = graph.client();
    client.add_redirect_uri(object(), Platform::Web, "https://b.example/").await.unwrap();
    client.remove_redirect_uri(object(), Platform::Web, "https://a.example/").await.unwrap();
    client.add_redirect_uri(object(), Platform::PublicClient, "http://localhost").await.unwrap();
    let rest =
        json!({"homePageUrl": "https://a.example/home", "implicitGrantSettings": {"enableIdTokenIssuance": true}});
    let web = |addresses: Value| {
        let mut web = rest.clone();
        web["redirectUris"] = addresses;
        json!({ "web": web })
    };
    let expected = [
        web(json!(["https://a.example/", "https://b.example/"])),
        web(json!([])),
        json!({"publicClient": {"redirectUris": ["http://localhost"]}}),
    ];
    assert_eq!(*written.lock().unwrap(), expected);

    // What is so already is not written.
    client.add_redirect_uri(object(), Platform::Web, "https://a.example/").await.unwrap();
    client.remove_redirect_uri(object(), Platform::SinglePage, "https://b.example/").await.unwrap();
    assert_eq!(written.lock().unwrap().len(), 3);
    let read = client.redirect_uris(object()).await.unwrap();
    let wanted = RedirectUris::new()
        .with(Platform::Web, "https://a.example/")
        .with(Platform::SinglePage, "https://spa.example/");
    assert_eq!(read, wanted);
}

#[tokio::test(start_paused = true)]
async fn permissions_are_added_and_removed_without_losing_any() {
    let other = json!({"resourceAppId": KEY, "resourceAccess": [{"id": OBJECT, "type": "Role"}]});
    let user_read = json!({"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"});
    let graph_id = "00000003-0000-0000-c000-000000000000";
    let document =
        json!({"requiredResourceAccess": [other, {"resourceAppId": graph_id, "resourceAccess": [user_read]}]});
    let (graph, written) = keeper(document);
    let client = graph.client();
    let devops = json!({"resourceAppId": "499b84ac-1321-427f-aa17-267ca6975798",
                        "resourceAccess": [{"id": "ee69721e-6c3a-468f-a9ec-302d16a4c599", "type": "Scope"}]});
    let wanted = [Permission::graph_user_read(), Permission::devops_user_impersonation()];
    client.add_required_permissions(object(), &wanted).await.unwrap();
    client.remove_required_permissions(object(), &wanted).await.unwrap();
    let expected = [
        json!({"requiredResourceAccess": [other, {"resourceAppId": graph_id, "resourceAccess": [user_read]}, devops]}),
        json!({"requiredResourceAccess": [other]}),
    ];
    assert_eq!(*written.lock().unwrap(), expected);
    client.add_required_permissions(object(), &wanted[..1]).await.unwrap();
    client.remove_required_permissions(object(), &wanted[1..]).await.unwrap();
    assert_eq!(written.lock().unwrap().len(), 2, "what is so already is not written");
}

/// A proxy or a later version may leave a list out.
#[tokio::test(start_paused = true)]
async fn a_missing_list_is_not_written_back_as_an_empty_one() {
    for document in [
        json!({}),
        json!({"web": {}, "spa": {}, "publicClient": {}}),
        json!({"web": {"redirectUris": null}, "spa": {"redirectUris": []}, "publicClient": {"redirectUris": []}}),
        json!({"requiredResourceAccess": null}),
        json!({"requiredResourceAccess": [{"resourceAppId": KEY, "resourceAccess": [{"id": KEY, "type": "New"}]}]}),
    ] {
        let (graph, written) = keeper(document);
        let client = graph.client();
        let outcomes = [
            client.add_redirect_uri(object(), Platform::Web, "https://b.example/").await,
            client.add_required_permissions(object(), &[Permission::graph_user_read()]).await,
        ];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unexpected);
        }
        assert!(written.lock().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_sends_what_it_sets_and_nothing_else() {
    let (graph, written) = keeper(json!({}));
    let client = graph.client();
    let changes = [
        ApplicationChange::new().with_display_name("New"),
        ApplicationChange::new().with_audience(Audience::AnyTenant).with_notes("of the set-up"),
    ];
    for change in &changes {
        client.update_application(object(), change).await.unwrap();
    }
    let expected =
        [json!({"displayName": "New"}), json!({"signInAudience": "AzureADMultipleOrgs", "notes": "of the set-up"})];
    assert_eq!(*written.lock().unwrap(), expected);
    for change in [ApplicationChange::new(), ApplicationChange::new().with_display_name("")] {
        let error = client.update_application(object(), &change).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::InvalidInput, Effect::None));
    }
    assert_eq!(graph.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_registration_says_all_that_was_wished_for_at_once() {
    let seen = Arc::new(Mutex::new(Value::Null));
    let note = Arc::clone(&seen);
    let graph = Scripted::new(move |_, request| {
        *note.lock().unwrap() = body(request);
        Ok(answer(201, &application(&json!([]))))
    });
    let wish = wish()
        .with_audience(Audience::AnyTenant)
        .with_redirect_uris(RedirectUris::new().with(Platform::Web, "https://portal.example/"))
        .with_permissions([Permission::devops_user_impersonation(), Permission::graph_user_read()]);
    assert_eq!(graph.client().create_application(&wish).await.unwrap().client_id, client());
    let expected = json!({
        "web": {"redirectUris": ["https://portal.example/"]},
        "displayName": "Portal", "signInAudience": "AzureADMultipleOrgs", "tags": ["set-up 1"],
        "requiredResourceAccess": [
            {"resourceAppId": "499b84ac-1321-427f-aa17-267ca6975798",
             "resourceAccess": [{"id": "ee69721e-6c3a-468f-a9ec-302d16a4c599", "type": "Scope"}]},
            {"resourceAppId": "00000003-0000-0000-c000-000000000000",
             "resourceAccess": [{"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"}]},
        ],
    });
    assert_eq!(*seen.lock().unwrap(), expected);
}

/// How many registrations were sent.
fn creations(graph: &Scripted) -> usize {
    graph.seen().iter().filter(|seen| *seen == "POST /v1.0/applications").count()
}

/// Nothing keeps markers unique at Graph: a second registration would be a second application.
#[tokio::test(start_paused = true)]
async fn a_registration_that_may_have_happened_is_looked_for_and_never_sent_again() {
    type Lose = fn() -> Result<Response, Error>;
    let losses: [Lose; 3] =
        [|| Err(answer_lost("reset")), || Ok(answer(500, &json!({}))), || Ok(answer(201, &json!({"cut": "off"})))];
    for lose in losses {
        // It turns up in the third reading, or never.
        for turns_up in [true, false] {
            let graph = Scripted::new(move |number, request| {
                if *request.method() == Method::POST {
                    return lose();
                }
                let found = if turns_up && number > 4 { json!([application(&json!([]))]) } else { json!([]) };
                Ok(answer(200, &json!({ "value": found })))
            });
            let outcome = graph.client().ensure_application(&wish()).await;
            assert_eq!(creations(&graph), 1);
            match outcome {
                Ok(found) => assert!(turns_up && found.client_id == client()),
                Err(error) => {
                    assert!(!turns_up);
                    assert_eq!(error.effect(), Effect::Unknown);
                    // Not at once, since lists lag: a second one would be made.
                    assert_eq!(error.retry(), Retry::After(Duration::from_secs(120)));
                    assert!(error.advice().contains("marker"), "{}", error.advice());
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_was_refused_is_not_looked_for() {
    let graph = Scripted::new(|_, request| {
        Ok(match *request.method() {
            Method::POST => refusal(403, "Authorization_RequestDenied", "Insufficient privileges"),
            _ => answer(200, &json!({"value": []})),
        })
    });
    let error = graph.client().ensure_application(&wish()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), graph.seen().len()), (ErrorKind::PermissionDenied, Effect::None, 2));
    assert!(error.advice().contains("Application.ReadWrite.OwnedBy"), "{}", error.advice());
    assert!(error.advice().contains("Privileged Role Administrator"), "{}", error.advice());
}

#[tokio::test(start_paused = true)]
async fn several_applications_of_one_marker_are_a_conflict_that_names_them() {
    let mut other = application(&json!([]));
    other["appId"] = json!(KEY);
    let list = json!({"value": [application(&json!([])), other]});
    let graph = Scripted::new(move |_, _| Ok(answer(200, &list)));
    let error = graph.client().ensure_application(&wish()).await.unwrap_err();
    assert_eq!((error.kind(), error.field(), error.effect()), (ErrorKind::Conflict, Some("marker"), Effect::None));
    assert!(error.message().contains(CLIENT) && error.message().contains(KEY), "{error}");
    assert_eq!(creations(&graph), 0);
}

/// What Graph says for some time of an application that was made moments ago.
const PASSING: [(u16, &str, &str); 4] = [
    (404, "Request_ResourceNotFound", "Resource 'x' does not exist"),
    (403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    (409, "Error_MsaAppDoesNotExist", "The application does not exist."),
    (
        400,
        "Request_BadRequest",
        "The appId 'x' of the service principal does not reference a valid application object.",
    ),
];

#[tokio::test(start_paused = true)]
async fn refusals_that_pass_are_ridden_out_for_as_long_as_was_asked_for() {
    for (status, code, message) in PASSING {
        let begin = |passes_after: usize| {
            Scripted::new(move |number, _| {
                if number <= passes_after {
                    return Ok(refusal(status, code, message));
                }
                Ok(answer(200, &json!({"keyId": KEY, "secretText": "text", "endDateTime": "2027-01-31T12:00:00Z"})))
            })
        };
        let add = async |graph: &Arc<Scripted>, settling: u64| {
            let client = graph.client().with_settling_time(Duration::from_secs(settling));
            client.add_owner(object(), DirectoryObjectId::from(principal())).await
        };
        // One that repeats by itself for the pipeline's own reasons is asked more often, and ends too.
        let graph = begin(3);
        assert!(add(&graph, 60).await.is_ok(), "{code}");
        let graph = begin(usize::MAX);
        let error = add(&graph, 0).await.unwrap_err();
        assert_eq!((error.effect(), error.service_code()), (Effect::None, Some(code)));
        let without = graph.seen().len();
        let graph = begin(usize::MAX);
        assert!(add(&graph, 20).await.is_err());
        // After 1, 2, 4 and 8 seconds.
        assert!(graph.seen().len() > without && graph.seen().len() <= 5 * without, "{code} {}", graph.seen().len());
    }
}

/// Whoever asked for a time may hold a lease, or a person's attention, for so long and no longer.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_passes_after_the_time_asked_for_is_not_waited_for() {
    let clock = VirtualClock::new();
    // It is asked after 0, 1, 3, 7 and 15 seconds, and would be after 30.
    let graph = Scripted::new(|number, _| {
        Ok(if number <= 5 { refusal(404, "Request_ResourceNotFound", "x") } else { answer(200, &json!({})) })
    });
    let client = graph.client().with_settling_time(Duration::from_secs(20));
    let error = client.add_owner(object(), DirectoryObjectId::from(principal())).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, Effect::None));
    assert_eq!((graph.seen().len(), clock.elapsed()), (5, Duration::from_secs(15)));
}

/// A code that passes by itself proves nothing beside a status that says that somebody ceased to wait, that something was
/// found at work, or that the service failed.
#[tokio::test(start_paused = true)]
async fn a_code_that_passes_is_not_ridden_out_where_its_status_leaves_doubt() {
    for status in [408, 409, 499, 500, 503] {
        let graph = Scripted::new(move |_, _| Ok(refusal(status, "Authorization_RequestDenied", "x")));
        let client = graph.client().with_settling_time(Duration::from_secs(600));
        let error = client.create_application(&wish()).await.unwrap_err();
        assert_eq!((error.effect(), error.service_code()), (Effect::Unknown, Some("Authorization_RequestDenied")));
        assert_eq!(creations(&graph), 1, "{status}");
    }
}

/// The refusal is of the second attempt alone: the first, whose answer was lost, may have been applied.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_is_not_ridden_out() {
    // The conflict is repeated by the pipeline itself.
    for (status, code, message) in PASSING.into_iter().filter(|(status, ..)| *status != 409) {
        let graph = Scripted::new(move |number, _| match number {
            1 => Err(answer_lost("reset")),
            _ => Ok(refusal(status, code, message)),
        });
        let client = graph.client().with_settling_time(Duration::from_secs(600));
        let error = client.add_owner(object(), DirectoryObjectId::from(principal())).await.unwrap_err();
        assert_eq!((error.effect(), graph.seen().len()), (Effect::Unknown, 2), "{code}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_or_may_have_been_applied_is_not_ridden_out() {
    for (status, code) in [(400, "Request_BadRequest"), (401, "InvalidAuthenticationToken"), (500, "")] {
        let graph = Scripted::new(move |_, request| {
            Ok(match *request.method() {
                Method::POST => refusal(status, code, "x"),
                _ => answer(200, &json!({"value": []})),
            })
        });
        let client = graph.client().with_settling_time(Duration::from_secs(600));
        client.create_application(&wish()).await.unwrap_err();
        assert!(creations(&graph) <= 2, "{status}: a fresh token is tried once");
        assert!(status == 401 || creations(&graph) == 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_principal_that_exists_after_all_is_found() {
    let document = crate::stage::principal(&json!([]));
    let graph = Scripted::new(move |number, request| {
        Ok(match *request.method() {
            Method::POST => refusal(409, "Request_MultipleObjectsWithSameKeyValue", "already in use"),
            _ if number < 4 => refusal(404, "Request_ResourceNotFound", "x"),
            _ => answer(200, &document),
        })
    });
    let client = graph.client().with_settling_time(Duration::from_secs(30));
    assert_eq!(client.ensure_service_principal(self::client()).await.unwrap().id, principal());
    assert_eq!(graph.seen().iter().filter(|seen| seen.starts_with("POST")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_by_the_answer_and_there_by_the_next_is_not_said_to_be_gone() {
    let documents = [application(&json!([])), crate::stage::principal(&json!([]))];
    let graph = Scripted::new(move |_, request| {
        let principal = request.uri().path().contains("servicePrincipals");
        Ok(match *request.method() {
            Method::DELETE => refusal(404, "Request_ResourceNotFound", "x"),
            _ => answer(200, &documents[usize::from(principal)]),
        })
    });
    let client = graph.client();
    for outcome in [client.delete_application(object()).await, client.delete_service_principal(principal()).await] {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Backoff));
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_is_named_with_who_can_grant_it() {
    let graph = Scripted::new(|_, request| {
        Ok(match *request.method() {
            Method::GET => answer(200, &json!({"value": []})),
            _ => refusal(403, "Authorization_RequestDenied", "Insufficient privileges"),
        })
    });
    let resource: PrincipalObjectId = KEY.parse().unwrap();
    for (consent, permission) in [
        (Consent::delegated(principal(), resource, "user_impersonation"), "DelegatedPermissionGrant.ReadWrite.All"),
        (Consent::role(principal(), resource, OBJECT.parse().unwrap()), "AppRoleAssignment.ReadWrite.All"),
    ] {
        let error = graph.client().grant_consent(&consent).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None));
        assert!(error.advice().contains(permission), "{}", error.advice());
        assert!(error.advice().contains("Privileged Role Administrator"), "{}", error.advice());
    }
}

/// Consents of single persons stand in the same list. They are theirs.
#[tokio::test(start_paused = true)]
async fn a_person_s_own_consent_is_neither_listed_nor_changed() {
    let resource: PrincipalObjectId = KEY.parse().unwrap();
    let own = json!({"id": "a", "clientId": PRINCIPAL, "consentType": "Principal", "principalId": OBJECT,
                     "resourceId": KEY, "scope": "user_impersonation"});
    let graph = Scripted::new(move |_, request| {
        Ok(match request.uri().path() {
            "/v1.0/oauth2PermissionGrants" if *request.method() == Method::GET => answer(200, &json!({"value": [own]})),
            "/v1.0/oauth2PermissionGrants" => answer(201, &json!({})),
            path if path.ends_with("appRoleAssignments") => answer(
                200,
                &json!({"value": [
                {"id": "b", "resourceId": KEY, "appRoleId": "00000000-0000-0000-0000-000000000000"}]}),
            ),
            path => panic!("{path}"),
        })
    });
    let client = graph.client();
    assert_eq!(client.consents(principal()).await.unwrap(), []);
    let consent = Consent::delegated(principal(), resource, "user_impersonation");
    client.revoke_consent(&consent).await.unwrap();
    client.grant_consent(&consent).await.unwrap();
    let changes: Vec<_> = graph.seen().into_iter().filter(|seen| !seen.starts_with("GET")).collect();
    assert_eq!(changes, ["POST /v1.0/oauth2PermissionGrants"], "a consent for everybody beside it");
}

/// The service refuses every change of a certificate that is there, and a PATCH replaces the whole list.
#[tokio::test(start_paused = true)]
async fn a_certificate_is_added_and_removed_and_the_others_go_back_as_they_came() {
    let other = json!({"keyId": KEY, "key": null, "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": "old",
                       "customKeyIdentifier": "AB", "endDateTime": "2027-01-31T12:00:00Z"});
    let (graph, written) = keeper(json!({"keyCredentials": [other]}));
    assert!(graph.client().add_certificate(object(), "new", "MAA=").await.unwrap());
    graph.client().remove_certificate(object(), OBJECT.parse().unwrap()).await.unwrap();
    let made = written.lock().unwrap()[0]["keyCredentials"][1].clone();
    assert_ne!(made["keyId"], KEY, "an id of its own: {made}");
    let new = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": "MAA=", "displayName": "new",
                     "keyId": made["keyId"]});
    assert_eq!(*written.lock().unwrap(), [json!({"keyCredentials": [other, new]})]);

    let (graph, written) = keeper(json!({"keyCredentials": [other, {"keyId": OBJECT, "key": "MAA="}]}));
    assert!(!graph.client().add_certificate(object(), "new", "MAA=").await.unwrap(), "it is there already");
    graph.client().remove_certificate(object(), OBJECT.parse().unwrap()).await.unwrap();
    assert_eq!(*written.lock().unwrap(), [json!({"keyCredentials": [other]})]);

    let (graph, written) = keeper(json!({}));
    let error = graph.client().add_certificate(object(), "new", "MAA=").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected);
    assert!(written.lock().unwrap().is_empty(), "a missing list is not an empty one");
}

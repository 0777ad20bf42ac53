//! A federated connection from its creation to its end, with its trust: at no time does one that works lose it unnoticed.

use std::sync::atomic::{AtomicU32, Ordering};

use azconnect_core::{Clock, Effect, Error, ErrorKind};
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureScope, CreatedConnection, FederatedTrust, FederationIssuer, Progress,
    ProjectRef,
};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::federated_site::{
    Directory, ISSUER, ORGANIZATION, OTHER_CLIENT, SUBJECT, Site, current, federated, new_issuer, new_subject, normal,
    old, web, wish,
};
use crate::support::{Answer, CLIENT, ID, PROJECT, Script, TENANT, endpoint, plain, project};

#[tokio::test(start_paused = true)]
async fn a_connection_is_created_first_and_trusted_from_the_values_it_returned() {
    let site = Site::new(current(), normal);
    let directory = Directory::default();
    let (created, trust) = site.endpoints().create_federated(&wish(), &directory).await.unwrap();
    assert_eq!(directory.subjects(), [new_subject()]);
    assert_eq!((trust.audience.as_str(), trust.name), ("api://AzureADTokenExchange", format!("azure-devops-{ID}")));
    assert_eq!(created.id().to_string(), ID);

    let site = Site::new(current(), normal);
    let failed = site.endpoints().create_federated(&wish(), &Directory::default().refuse("ensure")).await.unwrap_err();
    assert_eq!((failed.error().effect(), failed.created().unwrap().id), (Effect::Unknown, created.id()));
    for part in [new_subject().as_str(), CLIENT, "ask an owner", ID, "deploy"] {
        assert!(failed.error().advice().contains(part), "{}", failed.error().advice());
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_that_cannot_be_read_back_names_the_connection_and_can_be_completed() {
    // The answer to the creation has no issuer yet, and the reading after it is refused.
    let site = Site::new(Value::Null, |method, path, state| {
        if method == "POST" && path.ends_with("/endpoints") {
            *state = current();
            let mut early = current();
            early["authorization"]["parameters"].as_object_mut().unwrap().shift_remove(SUBJECT);
            return Some(plain(200, early));
        }
        (method == "GET").then(|| plain(403, json!({"typeKey": "AccessDeniedException", "message": "no"})))
    });
    let directory = Directory::default();
    let failed = site.endpoints().create_federated(&wish(), &directory).await.unwrap_err();
    let created = failed.created().unwrap().clone();
    assert_eq!((created.id.to_string().as_str(), created.name.as_str()), (ID, "deploy"));
    assert!(directory.subjects().is_empty());
    let error = Error::from(failed);
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::Unknown));
    assert!(error.advice().contains(ID) && error.advice().contains("complete_federated"), "{}", error.advice());

    let later = Site::new(current(), normal);
    let (_, trust) = later.endpoints().complete_federated(&created, &directory).await.unwrap();
    assert_eq!(directory.subjects(), [trust.subject]);
    assert_eq!(later.sent("POST"), 0, "it is not created twice");
}

/// Else a lost answer would make somebody else's connection look like the one that was created.
#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_refused_before_anything_is_created() {
    let colleague = Script::new(|request| match request.method().as_str() {
        "GET" => plain(200, json!({"value": [current()]})),
        method => panic!("{method} was sent"),
    });
    let endpoints = colleague.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
    let failed = endpoints.create_federated(&wish(), &Directory::default()).await.unwrap_err();
    assert_eq!((failed.error().kind(), failed.error().effect()), (ErrorKind::Conflict, Effect::None));
    assert!(failed.created().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_creation_is_looked_for_by_name_and_application() {
    for (client, known) in [(CLIENT, true), (OTHER_CLIENT, false)] {
        let site = Site::new(Value::Null, move |method, path, _| {
            if method == "POST" {
                return Some(plain(0, Value::Null));
            }
            let mut listed = current();
            listed["authorization"]["parameters"]["serviceprincipalid"] = client.into();
            path.ends_with("/endpoints").then(|| plain(200, json!({"value": [listed]})))
        });
        let failed = site.endpoints().create_federated(&wish(), &Directory::default()).await.unwrap_err();
        assert_eq!(failed.error().effect(), Effect::Unknown);
        assert_eq!(failed.created().map(|created| created.id.to_string()), known.then(|| ID.to_owned()));
        assert!(failed.error().advice().contains("\"deploy\""), "{}", failed.error().advice());
        assert_eq!(site.sent("POST"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_a_new_connection_was_not_created_for_is_not_made_to_trust_it() {
    for late in [false, true] {
        let site = Site::new(Value::Null, move |method, _, _| {
            let mut shown = current();
            shown["authorization"]["parameters"]["serviceprincipalid"] = OTHER_CLIENT.into();
            if method == "POST" && late {
                // The second reading tells of the other application.
                shown["authorization"]["parameters"][SUBJECT] = Value::Null;
            }
            Some(plain(200, shown))
        });
        let directory = Directory::default();
        let failed = site.endpoints().create_federated(&wish(), &directory).await.unwrap_err();
        assert_eq!((failed.error().kind(), failed.error().effect()), (ErrorKind::Conflict, Effect::Unknown));
        assert!(directory.calls().is_empty() && failed.created().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_creation_in_the_background_is_waited_for_and_its_failure_told() {
    let slow = Site::new(Value::Null, |method, _, state| {
        if method == "POST" {
            *state = current();
            state["isReady"] = false.into();
            state["operationStatus"] = json!({"state": "InProgress"});
            state["authorization"]["parameters"].as_object_mut().unwrap().shift_remove(ISSUER);
            return Some(plain(200, state.clone()));
        }
        let shown = state.clone();
        *state = current();
        Some(plain(200, shown))
    });
    let directory = Directory::default();
    slow.endpoints().create_federated(&wish(), &directory).await.unwrap();
    assert_eq!(directory.subjects(), [new_subject()]);
    assert!(slow.clock.elapsed().as_secs() >= 10);

    let failing = Site::new(Value::Null, |_, _, _| {
        let mut shown = current();
        shown["isReady"] = false.into();
        shown["operationStatus"] = json!({"state": "Failed", "statusMessage": "No subscription", "errorCode": "E7"});
        Some(plain(200, shown))
    });
    let directory = Directory::default();
    let failed = failing.endpoints().create_federated(&wish(), &directory).await.unwrap_err();
    assert_eq!((failed.error().service_code(), failed.created().is_some()), (Some("E7"), true));
    assert!(failed.error().message().contains("No subscription") && directory.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_a_federation_with_an_application_of_one_s_own_is_created_with_a_trust() {
    let site = Site::new(current(), normal);
    let credential = AzureCredential::FederationAutomatic { tenant: TENANT.parse().unwrap() };
    let scope = AzureScope::subscription(ORGANIZATION.parse().unwrap(), "P");
    let automatic = AzureConnection::new("deploy", scope, credential).build(&project()).unwrap();
    let failed = site.endpoints().create_federated(&automatic, &Directory::default()).await.unwrap_err();
    assert_eq!((failed.error().field(), failed.error().effect()), (Some("credential"), Effect::None));
    assert!(site.script.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_and_its_trust_are_deleted_the_trust_first() {
    let site = Site::new(current(), normal);
    let directory = Directory::trusting(&current());
    let deleted = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap();
    assert_eq!((deleted, site.now()), (Progress::Done(()), Value::Null));
    assert_eq!((directory.subjects().len(), directory.calls()), (0, vec!["count", "remove"]));
    // Repeated, it finds nothing left to do.
    let again = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap();
    assert_eq!((again, directory.calls()), (Progress::Done(()), vec!["count"]));
    assert_eq!(site.sent("DELETE"), 1);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_delete_the_connection_does_not_lose_its_trust() {
    // Administering in the project is not enough: the right on collection level is asked for. Unknown is not enough either.
    for (status, value, kind) in [(200, false, ErrorKind::PermissionDenied), (500, true, ErrorKind::Unavailable)] {
        let site = Site::new(current(), move |method, path, _| {
            (method == "POST" && path.ends_with("/permissionevaluationbatch")).then(|| {
                let answer = json!({"token": format!("endpoints/Collection/{ID}"), "permissions": 2, "value": value});
                plain(status, json!({"evaluations": [answer]}))
            })
        });
        let directory = Directory::trusting(&current());
        let error = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::None));
        assert_eq!((directory.subjects().len(), directory.calls()), (1, vec![]));
        assert_eq!(site.sent("DELETE"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_trust_comes_back_where_the_deletion_was_refused() {
    let refuse = |method: &str, _: &str, _: &mut Value| {
        (method == "DELETE").then(|| plain(403, json!({"typeKey": "AccessDeniedException", "message": "no"})))
    };
    let site = Site::new(current(), refuse);
    let directory = Directory::trusting(&current());
    let error = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None));
    assert_eq!((directory.subjects(), directory.calls()), (vec![new_subject()], vec!["count", "remove", "ensure"]));
    assert!(error.advice().contains("as before"), "{}", error.advice());

    // Where it does not come back, nobody is told that nothing happened.
    let directory = Directory::trusting(&current()).refuse("ensure");
    let error = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown);
    for part in [new_subject(), new_issuer(), CLIENT.to_owned()] {
        assert!(error.advice().contains(&part), "{}", error.advice());
    }

    // A trust that was not there is not made.
    let directory = Directory::default();
    site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap_err();
    assert_eq!(directory.calls(), ["count"]);
}

#[tokio::test(start_paused = true)]
async fn the_trust_comes_back_where_the_deletion_failed_in_the_background() {
    // The service takes the deletion, and says later that it could not do it.
    let site = Site::new(current(), |method, _, state| {
        (method == "DELETE").then(|| {
            state["operationStatus"] = json!({"state": "Failed", "statusMessage": "Still used", "errorCode": "E9"});
            plain(204, Value::Null)
        })
    });
    let directory = Directory::trusting(&current());
    let error = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap_err();
    assert_eq!((error.service_code(), error.effect()), (Some("E9"), Effect::Unknown));
    assert!(error.message().contains("Still used") && error.advice().contains("as before"), "{error:?}");
    assert_eq!(directory.subjects(), [new_subject()]);
}

/// A connection goes on telling what failed last until the service begins something else.
#[tokio::test(start_paused = true)]
async fn an_earlier_failure_is_not_taken_for_that_of_the_deletion() {
    let failed = || json!({"state": "Failed", "statusMessage": "No subscription", "errorCode": "E7"});
    for goes in [true, false] {
        let looks = AtomicU32::new(0);
        let site = Site::new(current(), move |method, path, state| {
            state["operationStatus"] = failed();
            if method == "DELETE" {
                looks.store(1, Ordering::SeqCst);
                return Some(plain(204, Value::Null));
            }
            let counts = method == "GET" && path.contains("/endpoints/") && looks.load(Ordering::SeqCst) > 0;
            if goes && counts && looks.fetch_add(1, Ordering::SeqCst) == 3 {
                *state = Value::Null;
            }
            None
        });
        let directory = Directory::trusting(&current());
        let outcome = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await;
        if goes {
            assert_eq!(outcome.unwrap(), Progress::Done(()));
            assert!(directory.subjects().is_empty(), "the trust did not come back in between");
            assert_eq!(directory.calls(), ["count", "remove"]);
        } else {
            // It still says so when the time is over, and the trust does no harm to a deletion that comes later.
            let error = outcome.unwrap_err();
            assert_eq!((error.service_code(), error.effect()), (Some("E7"), Effect::Unknown));
            assert_eq!(directory.subjects(), [new_subject()]);
            assert_eq!(site.clock.elapsed().as_secs(), 120);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_takes_longer_than_anybody_waits_is_pending() {
    let site = Site::new(current(), |method, _, state| {
        (method == "DELETE").then(|| {
            state["operationStatus"] = json!({"state": "InProgress"});
            plain(204, Value::Null)
        })
    });
    let directory = Directory::trusting(&current());
    let deleted = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap();
    assert!(deleted.is_pending());
    assert_eq!(deleted.done().unwrap_err().effect(), Effect::Unknown);
    assert_eq!(site.clock.elapsed().as_secs(), 120);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_deletion_is_told_apart_by_reading() {
    for stays in [true, false] {
        let site = Site::new(current(), move |method, _, state| {
            (method == "DELETE").then(|| {
                if !stays {
                    *state = Value::Null;
                }
                plain(0, Value::Null)
            })
        });
        let directory = Directory::trusting(&current());
        let outcome = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await;
        assert_eq!(directory.subjects().len(), usize::from(stays));
        match outcome {
            Ok(deleted) => assert!(!stays && deleted == Progress::Done(())),
            Err(error) => assert!(stays && error.effect() == Effect::Unknown, "{error:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_would_stay_in_another_project_keeps_its_trust() {
    let mut shared = current();
    shared["isShared"] = true.into();
    let hidden = shared.clone();
    let other = json!({"projectReference": {"id": ORGANIZATION, "name": "Mobile"}, "name": "deploy"});
    shared["serviceEndpointProjectReferences"].as_array_mut().unwrap().push(other);
    for (document, kind) in [(shared, ErrorKind::InvalidInput), (hidden, ErrorKind::PermissionDenied)] {
        let site = Site::new(document.clone(), normal);
        let directory = Directory::trusting(&document);
        let error = site.endpoints().delete_federated(&endpoint(document), &directory, &web()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::None), "{error:?}");
        assert_eq!((directory.calls(), site.sent("DELETE")), (vec![], 0));
    }
}

/// Of a shared connection, nobody can tell from its document whether there are projects that are hidden.
#[tokio::test(start_paused = true)]
async fn a_shared_connection_keeps_its_trust_however_many_projects_are_named() {
    let mut shared = current();
    shared["isShared"] = true.into();
    let other = json!({"projectReference": {"id": ORGANIZATION, "name": "Mobile"}, "name": "deploy"});
    shared["serviceEndpointProjectReferences"].as_array_mut().unwrap().push(other);
    let site = Site::new(shared.clone(), normal);
    let directory = Directory::trusting(&shared);
    let projects = [PROJECT.parse().unwrap(), ORGANIZATION.parse().unwrap()];
    let error = site.endpoints().delete_federated(&endpoint(shared), &directory, &projects).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None), "{error:?}");
    assert!(error.advice().contains("unshare"), "{}", error.advice());
    assert_eq!((directory.calls(), site.sent("DELETE")), (vec![], 0));
}

#[tokio::test(start_paused = true)]
async fn only_a_trust_that_is_certainly_the_connection_s_own_is_removed() {
    // Another audience, and another issuer, are other trusts.
    let mut own = FederatedTrust::of(&endpoint(current())).unwrap();
    let directory = Directory::trusting(&current());
    own.audience = "api://other".to_owned();
    directory.with(|held| held.trusted.push(own));
    let site = Site::new(current(), normal);
    drop(site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap());
    assert_eq!(directory.with(|held| held.trusted[0].audience.clone()), "api://other");

    // Two that match are none that is certain.
    let directory = Directory::trusting(&current());
    directory.with(|held| held.trusted.push(held.trusted[0].clone()));
    let site = Site::new(current(), normal);
    let error = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), directory.calls()), (ErrorKind::Conflict, Effect::None, vec!["count"]));

    // A connection that names somebody else's issuer or subject takes nobody's trust away.
    for (issuer, subject) in [
        ("https://token.actions.githubusercontent.com", "repo:contoso/shop:ref:refs/heads/main".to_owned()),
        (&*new_issuer(), new_subject().replace(ID, ORGANIZATION)),
    ] {
        let foreign = federated(issuer, &subject);
        let directory = Directory::trusting(&foreign);
        let site = Site::new(foreign.clone(), normal);
        let error = site.endpoints().delete_federated(&endpoint(foreign), &directory, &web()).await.unwrap_err();
        assert_eq!((error.effect(), directory.subjects().len()), (Effect::None, 1), "{error:?}");
        assert!(site.script.calls().is_empty());
    }

    // One that names another trust by now is decided upon again.
    let directory = Directory::trusting(&old());
    let site = Site::new(current(), normal);
    let error = site.endpoints().delete_federated(&endpoint(old()), &directory, &web()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), directory.calls()), (ErrorKind::Conflict, Effect::None, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_sees_does_not_lose_its_trust() {
    let site = Site::new(Value::Null, normal);
    let directory = Directory::trusting(&current());
    let error = site.endpoints().delete_federated(&endpoint(current()), &directory, &web()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, Effect::None));
    assert_eq!(directory.subjects(), [new_subject()]);
}

/// A service that moves a connection to the current issuer, to a subject of its own choice.
fn moving(to: Value) -> impl Fn(&str, &str, &mut Value) -> Option<Answer> + Send + Sync {
    move |method, _, state| {
        (method == "PUT").then(|| {
            *state = to.clone();
            plain(200, to.clone())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_moved_connection_is_trusted_before_it_names_the_new_issuer() {
    let directory = Directory::trusting(&old());
    let held = directory.clone();
    let site = Site::new(old(), move |method, path, state| {
        if method == "PUT" {
            assert_eq!(held.subjects().last(), Some(&new_subject()), "the new trust is there first");
        }
        moving(current())(method, path, state)
    });
    let moved = site.endpoints().migrate_issuer(&endpoint(old()), Some(&directory)).await.unwrap().done().unwrap();
    assert_eq!(moved.federation_issuer(), FederationIssuer::Entra);
    assert_eq!(directory.subjects(), ["sc://contoso/Web/deploy".to_owned(), new_subject()]);

    // Repeated on the moved connection, only a missing trust is made.
    let directory = Directory::default();
    let again = site.endpoints().migrate_issuer(&moved, Some(&directory)).await.unwrap().done().unwrap();
    assert_eq!((again, directory.subjects(), site.sent("PUT")), (moved.clone(), vec![new_subject()], 1));

    let error = site.endpoints().migrate_issuer(&moved, None).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
    let error = site.endpoints().migrate_issuer(&endpoint(old()), None).await.unwrap_err();
    assert_eq!((error.field(), error.effect()), (Some("credentials"), Effect::None));
}

#[tokio::test(start_paused = true)]
async fn a_subject_in_another_form_than_expected_is_trusted_as_the_service_returned_it() {
    // The form is not documented: what was prepared is compared, and taken back where it differs.
    let to = federated(&new_issuer(), &format!("/eid2/t/x/sc/{ORGANIZATION}/{ID}"));
    let site = Site::new(old(), moving(to.clone()));
    let directory = Directory::trusting(&old());
    drop(site.endpoints().migrate_issuer(&endpoint(old()), Some(&directory)).await.unwrap());
    let returned = to["authorization"]["parameters"][SUBJECT].as_str().unwrap().to_owned();
    assert_eq!(directory.subjects(), ["sc://contoso/Web/deploy".to_owned(), returned]);
}

#[tokio::test(start_paused = true)]
async fn a_move_that_the_service_refuses_leaves_everything_as_it_was() {
    let site = Site::new(old(), |method, _, _| {
        let refusal = json!({"typeKey": "ArgumentException", "message": "neither an upgrade or a downgrade"});
        (method == "PUT").then(|| plain(400, refusal))
    });
    let directory = Directory::trusting(&old());
    let error = site.endpoints().migrate_issuer(&endpoint(old()), Some(&directory)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
    assert!(error.advice().contains("portal"));
    assert_eq!(directory.subjects(), ["sc://contoso/Web/deploy"]);
    // An application that cannot trust the new issuer stays with the old one.
    let directory = Directory::trusting(&old()).refuse("ensure");
    let error = site.endpoints().migrate_issuer(&endpoint(old()), Some(&directory)).await.unwrap_err();
    assert_eq!((error.effect(), site.sent("PUT")), (Effect::None, 1), "{error:?}");
}

/// Another process, or a person in the portal, has moved the connection before our own call was refused.
#[tokio::test(start_paused = true)]
async fn a_trust_that_the_connection_uses_by_now_is_not_taken_back() {
    let site = Site::new(old(), |method, _, state| {
        (method == "PUT").then(|| {
            *state = current();
            plain(400, json!({"typeKey": "ArgumentException", "message": "neither an upgrade or a downgrade"}))
        })
    });
    let directory = Directory::trusting(&old());
    // It may be seen as moved, or reported as unknown; the trust stays in any case.
    let outcome = site.endpoints().migrate_issuer(&endpoint(old()), Some(&directory)).await;
    assert!(outcome.is_ok_and(|progress| matches!(progress, Progress::Done(_))));
    assert!(directory.subjects().contains(&new_subject()), "{:?}", directory.subjects());

    // Our reading before the write finds the connection moved: a conflict, in which we changed nothing.
    let reads = AtomicU32::new(0);
    let site = Site::new(old(), move |method, path, state| {
        if method == "GET" && path.ends_with(ID) && reads.fetch_add(1, Ordering::SeqCst) == 0 {
            *state = current();
        }
        None
    });
    let directory = Directory::trusting(&old());
    let error = site.endpoints().migrate_issuer(&endpoint(old()), Some(&directory)).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::Unknown), "{error:?}");
    assert!(directory.subjects().contains(&new_subject()), "{:?}", directory.subjects());
}

#[tokio::test(start_paused = true)]
async fn a_move_to_another_application_organization_or_tenant_is_not_trusted() {
    let mut application = current();
    application["authorization"]["parameters"]["serviceprincipalid"] = OTHER_CLIENT.into();
    let organization = federated(&new_issuer(), &new_subject().replace(ORGANIZATION, OTHER_CLIENT));
    let tenant = federated(&new_issuer(), &new_subject().replace("b6ZyEujiiE6rQ0h0CRhsPw", "AAAA_wAAAAAAAAAAAAAAAA"));
    for to in [application, organization, tenant] {
        let returned = to["authorization"]["parameters"][SUBJECT].as_str().unwrap().to_owned();
        let own = FederatedTrust::of(&endpoint(to.clone())).unwrap();
        let site = Site::new(old(), moving(to));
        let directory = Directory::trusting(&old());
        let error = site.endpoints().migrate_issuer(&endpoint(old()), Some(&directory)).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown, "{error:?}");
        let trusts = directory
            .with(|held| held.trusted.iter().any(|known| known.subject == returned && known.client == own.client));
        assert!(!trusts, "{returned}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_that_is_still_under_way_is_pending_and_trusted_already() {
    let site = Site::new(old(), |method, _, state| {
        (method == "PUT").then(|| {
            state["operationStatus"] = json!({"state": "InProgress"});
            plain(200, state.clone())
        })
    });
    let directory = Directory::trusting(&old());
    let moved = site.endpoints().migrate_issuer(&endpoint(old()), Some(&directory)).await.unwrap();
    assert!(moved.is_pending());
    assert_eq!(directory.subjects().len(), 2, "both issuers are trusted meanwhile");
}

#[test]
fn a_created_connection_is_kept_without_a_secret() {
    let created =
        CreatedConnection::new(ID.parse().unwrap(), "deploy", TENANT.parse().unwrap(), CLIENT.parse().unwrap());
    let kept = serde_json::to_value(&created).unwrap();
    assert_eq!(kept, json!({"id": ID, "name": "deploy", "tenant": TENANT, "client": CLIENT}));
}

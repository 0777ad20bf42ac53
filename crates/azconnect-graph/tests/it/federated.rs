//! Federated identity credentials: as documented over a real socket, under doubt, and at the emulator.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{ApplicationObjectId, ClientId, Clock, Effect, Error, ErrorKind, Secret};
use azconnect_emulator::{CannedAnswer, Emulator, Fault, FaultAction, Seed, Service, Settings};
use azconnect_graph::{
    ApplicationRef, FederatedCredential, FederatedCredentialChange, FederatedCredentialId, FederatedCredentialName,
    FederatedCredentialRef, GraphClient, NewFederatedCredential,
};
use azconnect_http::{Pipeline, Response, answer_lost, no_answer};
use azconnect_identity::{ClientSecretSource, TokenCache, TokenEndpoint};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{CLIENT, KEY, OBJECT, Scripted, answer, client_of, refusal};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SUBJECT: &str = "repo:contoso/shop:ref:refs/heads/main";
const AUDIENCE: &str = "api://AzureADTokenExchange";

fn name(text: &str) -> FederatedCredentialName {
    FederatedCredentialName::new(text).unwrap()
}

fn wish() -> NewFederatedCredential {
    NewFederatedCredential::new(name("build-main"), ISSUER, SUBJECT)
}

fn application() -> ApplicationRef {
    CLIENT.parse::<ClientId>().unwrap().into()
}

/// A federated identity credential as the service lists it.
fn credential(name: &str, subject: &str) -> Value {
    json!({"id": KEY, "name": name, "issuer": ISSUER, "subject": subject, "description": null, "audiences": [AUDIENCE]})
}

fn listing(credentials: &[Value]) -> Response {
    answer(200, &json!({"value": credentials}))
}

#[tokio::test]
async fn each_call_is_made_as_documented_by_either_id_of_the_application() {
    let object: ApplicationObjectId = OBJECT.parse().unwrap();
    for (application, base) in [
        (ApplicationRef::from(object), format!("/v1.0/applications/{OBJECT}/federatedIdentityCredentials")),
        (application(), format!("/v1.0/applications(appId='{CLIENT}')/federatedIdentityCredentials")),
    ] {
        let server = MockServer::start().await;
        let document = credential("build-main", SUBJECT);
        let created = ResponseTemplate::new(201).set_body_json(&document);
        Mock::given(method("POST"))
            .and(path(&base))
            .and(header("authorization", "Bearer a-token"))
            .and(body_json(
                json!({"name": "build-main", "issuer": ISSUER, "subject": SUBJECT, "audiences": [AUDIENCE]}),
            ))
            .respond_with(created)
            .expect(1)
            .mount(&server)
            .await;
        let found = ResponseTemplate::new(200).set_body_json(&document);
        for which in [KEY, "build-main"] {
            let answer = found.clone();
            Mock::given(method("GET"))
                .and(path(format!("{base}/{which}")))
                .respond_with(answer)
                .expect(1)
                .mount(&server)
                .await;
        }
        Mock::given(method("PATCH"))
            .and(path(format!("{base}/build-main")))
            .and(body_json(json!({"subject": "other", "description": "why"})))
            .respond_with(ResponseTemplate::new(204))
            .expect(1)
            .mount(&server)
            .await;
        let gone = ResponseTemplate::new(204);
        Mock::given(method("DELETE"))
            .and(path(format!("{base}/{KEY}")))
            .respond_with(gone)
            .expect(1)
            .mount(&server)
            .await;
        let graph = client_of(&server, "a-token");
        let created = graph.create_federated_credential(application, &wish()).await.unwrap();
        let id: FederatedCredentialId = KEY.parse().unwrap();
        assert_eq!(created, graph.federated_credential(application, id).await.unwrap());
        assert_eq!(created, graph.federated_credential(application, name("build-main")).await.unwrap());
        assert!(created.trusts(ISSUER, SUBJECT) && created.accepts(AUDIENCE));
        let change = FederatedCredentialChange::new().with_subject("other").with_description("why");
        graph.update_federated_credential(application, name("build-main"), &change).await.unwrap();
        graph.delete_federated_credential(application, id).await.unwrap();
    }
}

#[tokio::test]
async fn they_are_listed_over_all_pages_and_an_odd_one_hides_nothing() {
    let server = MockServer::start().await;
    let base = format!("/v1.0/applications(appId='{CLIENT}')/federatedIdentityCredentials");
    let next = format!("{}{base}?$skiptoken=two", server.uri());
    let second = json!({"value": [{"id": KEY, "subject": null, "claimsMatchingExpression": {"value": "x"}}]});
    Mock::given(path(&base))
        .and(query_param("$skiptoken", "two"))
        .respond_with(ResponseTemplate::new(200).set_body_json(second))
        .with_priority(1)
        .mount(&server)
        .await;
    let first = json!({"value": [credential("build-main", SUBJECT)], "@odata.nextLink": next});
    let first = ResponseTemplate::new(200).set_body_json(first);
    Mock::given(path(&base)).respond_with(first).mount(&server).await;
    let listed = client_of(&server, "a-token").federated_credentials(application()).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].name.as_deref(), listed[1].subject.as_deref()), (Some("build-main"), None));
}

#[tokio::test]
async fn what_the_service_would_refuse_is_refused_before_anything_is_sent() {
    let server = MockServer::start().await;
    let graph = client_of(&server, "a-token");
    let long = "x".repeat(601);
    for (field, wish) in [
        ("issuer", NewFederatedCredential::new(name("abc"), &long, SUBJECT)),
        ("subject", NewFederatedCredential::new(name("abc"), ISSUER, "")),
        ("audience", wish().with_audience(" ")),
        ("description", wish().with_description(&long)),
    ] {
        let created = graph.create_federated_credential(application(), &wish).await.unwrap_err();
        assert_eq!(created.operation(), Some("graph.federated_credential.create"));
        let ensured = graph.ensure_federated_credential(application(), &wish).await.unwrap_err();
        assert_eq!(ensured.operation(), Some("graph.federated_credential.ensure"));
        for error in [created, ensured] {
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)));
            assert_eq!(error.effect(), Effect::None);
            assert!(!error.advice().is_empty() && !error.to_string().contains(&long));
        }
    }
    let change = FederatedCredentialChange::new();
    let error = graph.update_federated_credential(application(), name("abc"), &change).await.unwrap_err();
    assert_eq!((error.field(), error.operation()), (Some("change"), Some("graph.federated_credential.update")));
    assert!(server.received_requests().await.unwrap().is_empty());
}

type Step = fn() -> Result<Response, Error>;

/// Ensures the wish at a service that gives these answers to its writes, and these lists, of which the last one stays.
async fn ensure(writes: &[Step], lists: Vec<Vec<Value>>) -> (Result<FederatedCredential, Error>, usize) {
    let writes = writes.to_vec();
    let done = std::sync::Mutex::new((0, 0));
    let script = Scripted::new(move |_, request| {
        let mut done = done.lock().unwrap();
        if request.method() == "POST" {
            done.0 += 1;
            return writes[done.0 - 1]();
        }
        done.1 += 1;
        Ok(listing(lists.get(done.1 - 1).or(lists.last()).unwrap()))
    });
    let outcome = script.client().ensure_federated_credential(application(), &wish()).await;
    let posts = script.seen().iter().filter(|request| request.starts_with("POST")).count();
    (outcome, posts)
}

fn created() -> Result<Response, Error> {
    Ok(answer(201, &credential("build-main", SUBJECT)))
}

#[tokio::test(start_paused = true)]
async fn a_trust_that_is_there_is_a_success_under_any_name_and_nothing_is_written() {
    let (outcome, posts) = ensure(&[], vec![vec![credential("made-in-the-portal", SUBJECT)]]).await;
    assert_eq!((outcome.unwrap().name.as_deref(), posts), (Some("made-in-the-portal"), 0));
}

#[tokio::test(start_paused = true)]
async fn what_stands_in_the_way_is_told_by_its_field_and_nothing_is_written() {
    let mut other_audience = credential("build-main", SUBJECT);
    other_audience["audiences"] = json!(["api://other"]);
    let full = (0..20).map(|number| credential(&format!("c{number}"), &format!("s{number}"))).collect();
    for (field, list) in [
        ("audience", vec![other_audience]),
        ("name", vec![credential("build-main", "somebody-else")]),
        ("federated_credentials", full),
    ] {
        let (outcome, posts) = ensure(&[], vec![list]).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.field(), posts), (ErrorKind::Conflict, Some(field), 0));
        assert_eq!(error.effect(), Effect::None);
        assert!(error.advice().contains("delete"), "{}", error.advice());
    }
    let nineteen = (0..19).map(|number| credential(&format!("c{number}"), &format!("s{number}"))).collect();
    let (outcome, posts) = ensure(&[created], vec![nineteen]).await;
    assert_eq!((outcome.is_ok(), posts), (true, 1), "the twentieth fits");
}

#[tokio::test(start_paused = true)]
async fn every_doubt_is_settled_by_reading_again_until_the_list_has_caught_up() {
    let doubts: [Step; 6] = [
        || Err(answer_lost("reset")),
        || Err(no_answer(Duration::from_secs(60))),
        || Ok(refusal(500, "Service_InternalServerError", "oops")),
        || Ok(answer(201, &json!({"name": "no id"}))),
        || Ok(refusal(409, "Request_MultipleObjectsWithSameKeyValue", "… with name build-main already exists.")),
        || {
            let text = "The combination of issuer and subject must be unique for the application.";
            Ok(refusal(400, "InvalidFederatedIdentityCredentialValue", text))
        },
    ];
    for (number, doubt) in doubts.into_iter().enumerate() {
        let there = vec![credential("build-main", SUBJECT)];
        let (outcome, posts) = ensure(&[doubt], vec![vec![], vec![], vec![], there]).await;
        assert!(outcome.unwrap().trusts(ISSUER, SUBJECT), "{number}");
        assert_eq!(posts, 1, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_is_sent_once_more_and_a_second_loss_is_told_as_unknown() {
    let lost: Step = || Err(answer_lost("reset"));
    let (outcome, posts) = ensure(&[lost, created], vec![vec![]]).await;
    assert_eq!((outcome.is_ok(), posts), (true, 2));

    let denied: Step = || Ok(refusal(403, "Authorization_RequestDenied", "x"));
    for (second, kind) in [(lost, ErrorKind::Unavailable), (denied, ErrorKind::PermissionDenied)] {
        let (outcome, posts) = ensure(&[lost, second], vec![vec![]]).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.effect(), posts), (kind, Effect::Unknown, 2), "{error}");
        assert!(error.advice().contains("never makes two"), "{}", error.advice());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_at_once() {
    let refusals: [(Step, ErrorKind); 3] = [
        (|| Ok(refusal(403, "Authorization_RequestDenied", "x")), ErrorKind::PermissionDenied),
        (|| Ok(refusal(404, "Request_ResourceNotFound", "x")), ErrorKind::NotFound),
        (|| Ok(refusal(400, "InvalidFederatedIdentityCredentialValue", "x")), ErrorKind::InvalidInput),
    ];
    for (refused, kind) in refusals {
        let (outcome, posts) = ensure(&[refused], vec![vec![]]).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.effect(), posts), (kind, Effect::None, 1));
    }
    let taken: Step = || Ok(refusal(409, "Request_MultipleObjectsWithSameKeyValue", "x"));
    let (outcome, posts) = ensure(&[taken], vec![vec![], vec![credential("build-main", "somebody-else")]]).await;
    assert_eq!((outcome.unwrap_err().field().map(str::to_owned), posts), (Some("name".to_owned()), 1));
}

#[tokio::test(start_paused = true)]
async fn a_creation_alone_is_not_sent_again_under_doubt_and_a_change_is() {
    let script = Scripted::new(|_, _| Err(answer_lost("reset")));
    let error = script.client().create_federated_credential(application(), &wish()).await.unwrap_err();
    assert_eq!((error.effect(), script.seen().len()), (Effect::Unknown, 1));

    let script =
        Scripted::new(|number, _| if number == 1 { Err(answer_lost("reset")) } else { Ok(answer(204, &Value::Null)) });
    let change = FederatedCredentialChange::new().with_subject("s");
    script.client().update_federated_credential(application(), name("abc"), &change).await.unwrap();
    assert_eq!(script.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_deletion_of_what_is_gone_succeeds_only_if_the_list_agrees() {
    let delete = async |list: fn() -> Response| {
        let script = Scripted::new(move |_, request| match request.method().as_str() {
            "DELETE" => Ok(refusal(404, "Request_ResourceNotFound", "Resource 'x' does not exist")),
            _ => Ok(list()),
        });
        script.client().delete_federated_credential(application(), name("build-main")).await
    };
    delete(|| listing(&[credential("another", "s")])).await.unwrap();
    let error = delete(|| listing(&[credential("build-main", SUBJECT)])).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
    let error = delete(|| refusal(404, "Request_ResourceNotFound", "x")).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotFound, Some("graph.federated_credential.list")));
}

/// The emulator with an application, and a caller that owns it.
struct World {
    clock: VirtualClock,
    emulator: Emulator,
    graph: GraphClient,
}

fn world(settings: Settings) -> World {
    const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
    const CALLER: &str = "10000000-0000-4000-8000-000000000003";
    const PRINCIPAL: &str = "30000000-0000-4000-8000-000000000003";
    let seed = json!({"tenants": [{"id": TENANT, "domain": "contoso.onmicrosoft.com", "applications": [
        {"displayName": "Deployer", "clientId": CLIENT, "owners": [PRINCIPAL]},
        {"displayName": "Caller", "clientId": CALLER, "servicePrincipalId": PRINCIPAL,
         "graphRoles": ["Application.ReadWrite.OwnedBy"], "passwords": [{"secret": "the-callers-secret"}]},
    ]}]});
    let clock = VirtualClock::new();
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let seed = Seed::from_json(&seed.to_string()).unwrap();
    let emulator = Emulator::from_seed(seed, shared.clone()).unwrap().with_settings(settings);
    let pipeline = Pipeline::new(emulator.transport(), shared.clone());
    let endpoint = TokenEndpoint::new(pipeline.clone(), &emulator.cloud(), TENANT.parse().unwrap());
    let secret = Secret::new("the-callers-secret");
    let source = ClientSecretSource::new(endpoint, CALLER.parse().unwrap(), secret).unwrap();
    let graph = GraphClient::new(pipeline, &emulator.cloud(), Arc::new(TokenCache::new(source, shared)));
    World { clock, emulator, graph }
}

fn lagging() -> Settings {
    Settings::default().with_create_lag(Duration::from_secs(5))
}

#[tokio::test(start_paused = true)]
async fn an_owner_creates_reads_changes_and_deletes_at_the_emulator() {
    let World { emulator, graph, .. } = world(Settings::default());
    let made = graph.create_federated_credential(application(), &wish().with_description("why")).await.unwrap();
    assert_eq!(made.description.as_deref(), Some("why"));
    let by_name = FederatedCredentialRef::from(name("build-main"));
    let change = FederatedCredentialChange::new().with_subject("other").with_audience("api://other");
    graph.update_federated_credential(application(), by_name.clone(), &change).await.unwrap();
    let read = graph.federated_credential(application(), made.id).await.unwrap();
    assert!(read.trusts(ISSUER, "other") && read.accepts("api://other") && !read.accepts(AUDIENCE));
    assert_eq!(read.description.as_deref(), Some("why"), "what a change does not name stays");
    graph.delete_federated_credential(application(), by_name.clone()).await.unwrap();
    graph.delete_federated_credential(application(), by_name.clone()).await.unwrap();
    let error = graph.federated_credential(application(), by_name).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(graph.federated_credentials(application()).await.unwrap(), []);
    let truth = emulator.truth();
    assert_eq!(truth.unknown_routes, 0, "{:?}", truth.unknown_route_names);
}

#[tokio::test(start_paused = true)]
async fn ensuring_however_often_and_under_every_fault_makes_one() {
    let unavailable =
        CannedAnswer::new(503).with_body(json!({"error": {"code": "Service_ServiceUnavailable", "message": "x"}}));
    for fault in [
        None,
        Some(FaultAction::LoseAnswer),
        Some(FaultAction::DropBefore),
        Some(FaultAction::Refuse),
        Some(FaultAction::Answer(unavailable)),
    ] {
        let World { clock, emulator, graph } = world(lagging());
        if let Some(action) = &fault {
            let fault = Fault::new(action.clone()).with_service(Service::Graph).with_method("POST");
            emulator.faults().add(fault);
        }
        let first = graph.ensure_federated_credential(application(), &wish()).await.unwrap();
        let again = graph.ensure_federated_credential(application(), &wish()).await.unwrap();
        assert!(first.trusts(ISSUER, SUBJECT) && again.id == first.id, "{fault:?}");
        clock.sleep(Duration::from_secs(60)).await;
        let listed = graph.federated_credentials(application()).await.unwrap();
        assert_eq!(listed.len(), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_twenty_first_is_refused_by_us_and_by_the_service_alike() {
    let World { graph, .. } = world(Settings::default());
    for number in 0..20 {
        let wish = NewFederatedCredential::new(name(&format!("c-{number}")), ISSUER, format!("s{number}"));
        graph.ensure_federated_credential(application(), &wish).await.unwrap();
    }
    let ours = graph.ensure_federated_credential(application(), &wish()).await.unwrap_err();
    let theirs = graph.create_federated_credential(application(), &wish()).await.unwrap_err();
    for error in [ours, theirs] {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None));
        assert!(error.advice().contains("delete one"), "{}", error.advice());
    }
    let taken = NewFederatedCredential::new(name("fresh"), ISSUER, "s7");
    assert_eq!(graph.ensure_federated_credential(application(), &taken).await.unwrap().name.as_deref(), Some("c-7"));
}

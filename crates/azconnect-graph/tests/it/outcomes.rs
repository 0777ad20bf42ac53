//! Both outcomes of what nobody has settled about Graph: the client does the same under each, at the emulator.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Effect, Error, ErrorKind, KeyId, Secret};
use azconnect_credential::{CredentialIssuer, Marker, MintRequest, Retirement};
use azconnect_emulator::graph::{
    BusyAnswer, FederatedDuplicate, ForbiddenCredential, GraphSettings, MissingPassword, YoungObject,
};
use azconnect_emulator::{CannedAnswer, Emulator, Fault, FaultAction, Seed, Service, Settings};
use azconnect_graph::{
    FederatedCredentialName, GraphClient, GraphIssuer, NewApplication, NewFederatedCredential, NewPassword,
    PasswordHolder, Platform,
};
use azconnect_http::{Pipeline, Request, Response, Transport};
use azconnect_identity::{ClientSecretSource, TokenCache, TokenEndpoint};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::stage::CLIENT;

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const CALLER: &str = "10000000-0000-4000-8000-000000000003";
const PRINCIPAL: &str = "30000000-0000-4000-8000-000000000003";

/// An application, and a caller that owns it.
struct World {
    clock: VirtualClock,
    emulator: Emulator,
    graph: GraphClient,
}

impl World {
    fn new(graph: GraphSettings) -> Self {
        Self::with(Settings::default().with_graph(graph), json!({}), json!({}))
    }

    fn with(settings: Settings, application: Value, tenant: Value) -> Self {
        let mut deployer = json!({"displayName": "Deployer", "clientId": CLIENT, "owners": [PRINCIPAL]});
        merge(&mut deployer, application);
        let mut contoso = json!({"id": TENANT, "domain": "contoso.onmicrosoft.com", "applications": [deployer,
            {"displayName": "Caller", "clientId": CALLER, "servicePrincipalId": PRINCIPAL, "owns": [CLIENT],
             "graphRoles": ["Application.ReadWrite.OwnedBy"], "passwords": [{"secret": "the-callers-secret"}]}]});
        merge(&mut contoso, tenant);
        let clock = VirtualClock::new();
        let seed = Seed::from_json(&json!({"tenants": [contoso]}).to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap().with_settings(settings);
        let graph = client(&emulator, &clock, emulator.transport());
        Self { clock, emulator, graph }
    }

    fn issuer(&self) -> GraphIssuer {
        GraphIssuer::new(self.graph.clone(), CLIENT.parse().unwrap()).unwrap()
    }

    fn wish(&self, marker: &str) -> NewPassword {
        NewPassword::new(Marker::new(marker).unwrap(), self.end())
    }

    fn end(&self) -> OffsetDateTime {
        self.clock.now() + Duration::from_secs(30 * 86_400)
    }

    /// The live secrets of the application under a marker.
    fn live(&self, marker: &str) -> Vec<KeyId> {
        let truth = self.emulator.truth();
        let application = truth.application(CLIENT.parse().unwrap()).unwrap();
        let marked = |name: &Option<String>| name.as_deref() == Some(marker);
        application.passwords.iter().filter(|one| one.live && marked(&one.display_name)).map(|one| one.key_id).collect()
    }
}

fn merge(document: &mut Value, more: Value) {
    for (key, value) in more.as_object().unwrap() {
        document[key] = value.clone();
    }
}

fn client(emulator: &Emulator, clock: &VirtualClock, transport: Arc<dyn Transport>) -> GraphClient {
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let pipeline = Pipeline::new(transport, shared.clone());
    let endpoint = TokenEndpoint::new(pipeline.clone(), &emulator.cloud(), TENANT.parse().unwrap());
    let secret = Secret::new("the-callers-secret");
    let source = ClientSecretSource::new(endpoint, CALLER.parse().unwrap(), secret).unwrap();
    GraphClient::new(pipeline, &emulator.cloud(), Arc::new(TokenCache::new(source, shared)))
}

fn application() -> ClientId {
    CLIENT.parse().unwrap()
}

fn holder() -> PasswordHolder {
    PasswordHolder::ApplicationOf(application())
}

const BUSY: [BusyAnswer; 4] =
    [BusyAnswer::Conflict409, BusyAnswer::Unavailable503, BusyAnswer::BadRequest400, BusyAnswer::Error500];

// The same refusal for changes under way comes as 409, 503 and 400, and for a removal as 500.
#[tokio::test(start_paused = true)]
async fn a_busy_directory_delays_each_change_and_doubles_none() {
    for answer in BUSY {
        let world = World::new(GraphSettings::default().with_busy_every(2, answer));
        let issuer = world.issuer();
        for marker in ["azconnect 1", "azconnect 2", "azconnect 3"] {
            let request = MintRequest::new(Marker::new(marker).unwrap(), world.end());
            let minted = issuer.mint(&request).await.unwrap();
            assert_eq!(world.live(marker), [minted.key], "{answer:?}");
            assert_eq!(issuer.retire(minted.key).await.unwrap(), Retirement::Accepted, "{answer:?}");
            assert_eq!(world.live(marker), [], "{answer:?}");
        }
    }
}

// A directory that stays busy is told as such, and nothing was added.
#[tokio::test(start_paused = true)]
async fn a_directory_that_stays_busy_proves_that_nothing_was_added() {
    for answer in BUSY {
        let world = World::new(GraphSettings::default().with_busy_every(1, answer));
        let error = world.graph.add_password(holder(), &world.wish("azconnect 1")).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{answer:?}: {error}");
        assert_eq!(world.live("azconnect 1"), []);
    }
}

// 409 in the documents, 400 as reported.
#[tokio::test(start_paused = true)]
async fn a_second_trust_is_the_same_conflict_under_either_answer() {
    for answer in [FederatedDuplicate::Conflict409, FederatedDuplicate::Invalid400] {
        let world = World::new(GraphSettings::default().with_federated_duplicate(answer));
        let wish = |name: &str| {
            NewFederatedCredential::new(FederatedCredentialName::new(name).unwrap(), "https://issuer.example", "s")
        };
        let first = world.graph.create_federated_credential(application(), &wish("first")).await.unwrap();
        let error = world.graph.create_federated_credential(application(), &wish("second")).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::None), "{answer:?}");
        let ensured = world.graph.ensure_federated_credential(application(), &wish("second")).await.unwrap();
        assert_eq!(ensured.id, first.id, "{answer:?}");
        // As where two do it at once: the list does not show yet what the service refuses to double.
        let empty = CannedAnswer::new(200).with_body(json!({"value": []}));
        world
            .emulator
            .faults()
            .add(Fault::new(FaultAction::Answer(empty)).with_service(Service::Graph).with_method("GET"));
        let ensured = world.graph.ensure_federated_credential(application(), &wish("third")).await.unwrap();
        assert_eq!(ensured.id, first.id, "{answer:?}");
    }
}

// The status of `CredentialTypeNotAllowedAsPerAppPolicy` is not documented.
#[tokio::test(start_paused = true)]
async fn a_policy_that_forbids_secrets_is_told_with_the_remedy_under_either_status() {
    for answer in [ForbiddenCredential::BadRequest400, ForbiddenCredential::Denied403] {
        let graph = GraphSettings::default().with_forbidden_credential(answer);
        let settings = Settings::default().with_graph(graph);
        let world = World::with(settings, json!({}), json!({"passwordPolicy": {"forbidsNew": true}}));
        let request = MintRequest::new(Marker::new("azconnect 1").unwrap(), world.end());
        let error = world.issuer().mint(&request).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None), "{answer:?}");
        assert!(error.advice().contains("certificate"), "{}", error.advice());
        assert_eq!(error.service_code(), Some("CredentialTypeNotAllowedAsPerAppPolicy"));
    }
}

// A missing key is refused with 400, which the documents do not show: a 404 may come as well.
#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_there_is_not_listed_under_either_answer() {
    for answer in [MissingPassword::BadRequest400, MissingPassword::NotFound404] {
        let world = World::new(GraphSettings::default().with_missing_password(answer));
        let added = world.graph.add_password(holder(), &world.wish("azconnect 1")).await.unwrap();
        assert_eq!(world.issuer().retire(added.key).await.unwrap(), Retirement::Accepted);
        assert_eq!(world.issuer().retire(added.key).await.unwrap(), Retirement::NotListed, "{answer:?}");
        // The application itself is another matter.
        let stranger = PasswordHolder::ApplicationOf("10000000-0000-4000-8000-0000000000ff".parse().unwrap());
        let error = world.graph.remove_password(stranger, added.key).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{answer:?}");
    }
}

// A replica that lags refuses the removal of a live key as if it were not there.
#[tokio::test(start_paused = true)]
async fn a_key_that_a_replica_has_not_heard_of_is_removed_once_it_has() {
    for answer in [MissingPassword::BadRequest400, MissingPassword::NotFound404] {
        let graph = GraphSettings::default().with_missing_password(answer);
        let settings = Settings::default().with_graph(graph).with_list_lag(Duration::from_secs(20)).with_replicas(1);
        let world = World::with(settings, json!({}), json!({}));
        let added = world.graph.add_password(holder(), &world.wish("azconnect 1")).await.unwrap();
        assert_eq!(world.issuer().retire(added.key).await.unwrap(), Retirement::NotListed, "{answer:?}");
        assert_eq!(world.live("azconnect 1"), [added.key], "it proves nothing by itself");
        world.clock.sleep(Duration::from_secs(20)).await;
        assert_eq!(world.issuer().retire(added.key).await.unwrap(), Retirement::Accepted, "{answer:?}");
    }
}

// Right after its creation an object is refused with 404, 403 or 409, all of which pass.
#[tokio::test(start_paused = true)]
async fn an_application_that_was_made_moments_ago_is_ridden_out_however_it_is_refused() {
    for answer in [YoungObject::NotFound404, YoungObject::Denied403, YoungObject::Incomplete409] {
        let graph = GraphSettings::default().with_young_object(answer);
        let settings = Settings::default().with_graph(graph).with_create_lag(Duration::from_secs(20)).with_replicas(1);
        let world = World::with(settings, json!({}), json!({}));
        // The caller itself is known: it comes from the seed.
        let settling = world.graph.clone().with_settling_time(Duration::from_secs(120));
        let wish = NewApplication::new(Marker::new("set-up 1").unwrap(), "Portal");
        let made = settling.create_application(&wish).await.unwrap();
        let added = settling.add_password(made.id, &world.wish("azconnect 1")).await;
        added.unwrap_or_else(|error| panic!("{answer:?}: {error}"));
        let truth = world.emulator.truth();
        assert_eq!(truth.application(made.client_id).unwrap().passwords.len(), 1, "{answer:?}");
    }
}

// `hint` is documented; the client reads nothing from it.
#[tokio::test(start_paused = true)]
async fn secrets_are_read_with_and_without_their_hint() {
    for shown in [true, false] {
        let world = World::new(GraphSettings::default().with_hints(shown));
        let added = world.graph.add_password(holder(), &world.wish("azconnect 1")).await.unwrap();
        let inventory = world.issuer().inventory().await.unwrap();
        assert!(inventory.key(added.key).is_some(), "{shown}");
    }
}

/// A proxy that takes the headers of an answer away which name the request.
struct Nameless(Arc<dyn Transport>);

#[async_trait]
impl Transport for Nameless {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let mut answer = self.0.send(request).await?;
        answer.headers_mut().remove("request-id");
        answer.headers_mut().remove("client-request-id");
        Ok(answer)
    }
}

// Errors come with `innerError` and with `innererror`.
#[tokio::test(start_paused = true)]
async fn the_id_of_a_refused_request_is_found_under_either_spelling() {
    for small in [false, true] {
        let world = World::new(GraphSettings::default().with_small_inner_error(small));
        let graph = client(&world.emulator, &world.clock, Arc::new(Nameless(world.emulator.transport())));
        let stranger: ClientId = "10000000-0000-4000-8000-0000000000ff".parse().unwrap();
        let error = graph.application_by_client_id(stranger).await.unwrap_err();
        assert!(error.request_id().is_some(), "{small}: {error:?}");
    }
}

// 60 changes a minute for an application of personal accounts; then 429, mostly with `Retry-After`.
#[tokio::test(start_paused = true)]
async fn a_budget_that_is_used_up_is_waited_for_with_and_without_a_named_pause() {
    for named in [true, false] {
        let graph = GraphSettings::default().with_throttling().with_named_pauses(named);
        let personal = json!({"signInAudience": "AzureADandPersonalMicrosoftAccount"});
        let world = World::with(Settings::default().with_graph(graph), personal, json!({}));
        let begun = world.clock.elapsed();
        for number in 0..40 {
            let marker = format!("azconnect {number}");
            let added = world.graph.add_password(holder(), &world.wish(&marker)).await;
            let added = added.unwrap_or_else(|error| panic!("{named} {number}: {error}"));
            assert_eq!(world.live(&marker), [added.key], "{named}");
            let removed = world.graph.remove_password(holder(), added.key).await;
            removed.unwrap_or_else(|error| panic!("{named} {number}: {error}"));
        }
        // Eighty changes take twenty seconds more than a minute's budget gives at once.
        assert!(world.clock.elapsed() - begun >= Duration::from_secs(15), "{named}");
    }
}

// The secret is shown once: an answer that came without it leaves a key that nobody can use.
#[tokio::test(start_paused = true)]
async fn an_answer_without_the_secret_leaves_a_key_that_is_found_by_its_marker() {
    for body in [json!({"keyId": CLIENT}), json!({"keyId": CLIENT, "secretText": null}), Value::Null] {
        let world = World::new(GraphSettings::default());
        let answer = CannedAnswer::new(200).with_body(body).with_effect_applied();
        let fault = Fault::new(FaultAction::Answer(answer)).with_service(Service::Graph).with_path("addPassword");
        world.emulator.faults().add(fault);
        let error = world.graph.add_password(holder(), &world.wish("azconnect 1")).await.unwrap_err();
        assert_eq!(error.effect(), Effect::Unknown, "{error}");
        let inventory = world.issuer().inventory().await.unwrap();
        let orphan = inventory.keys.iter().find(|key| key.display_name.as_deref() == Some("azconnect 1")).unwrap();
        assert_eq!(world.issuer().retire(orphan.key).await.unwrap(), Retirement::Accepted);
        assert_eq!(world.live("azconnect 1"), []);
    }
}

// No document says whether a PATCH merges a property that has an inside: the client sends all of it.
#[tokio::test(start_paused = true)]
async fn a_redirect_address_comes_and_goes_whether_the_service_merges_or_replaces() {
    for merged in [false, true] {
        let world = World::new(GraphSettings::default().with_nested_merged(merged));
        let graph = &world.graph;
        for (platform, address) in [
            (Platform::Web, "https://a.example/"),
            (Platform::Web, "https://b.example/"),
            (Platform::SinglePage, "https://c.example/"),
        ] {
            graph.add_redirect_uri(application(), platform, address).await.unwrap();
        }
        graph.remove_redirect_uri(application(), Platform::Web, "https://a.example/").await.unwrap();
        let found = graph.redirect_uris(application()).await.unwrap();
        assert_eq!(found.web, ["https://b.example/"], "{merged}");
        assert_eq!(found.single_page, ["https://c.example/"], "{merged}");
    }
}

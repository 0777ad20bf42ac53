//! The issuer of certificates, with a proof of possession and by writing the list, and what it does for others' entries.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, ErrorKind, Retry, Secret};
use azconnect_credential::{CredentialIssuer, CredentialVerifier, Marker, MintRequest, TokenProvider};
use azconnect_emulator::graph::GraphSettings;
use azconnect_emulator::{CertificateTruth, Emulator, Fault, FaultAction, Seed, Service, Settings};
use azconnect_graph::{CertificateIssuer, GraphClient};
use azconnect_http::{Pipeline, Response};
use azconnect_identity::{
    Application, CertificateProof, ClientCertificate, ClientSecretSource, SecretVerifier, TokenCache, TokenEndpoint,
};
use azconnect_testkit::conformance::credential_issuer::{self, IssuerHarness};
use azconnect_testkit::{Canary, VirtualClock};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::stage::{CLIENT, KEY, OBJECT, PRINCIPAL, Scripted, answer, application, principal};

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const CALLER: &str = "10000000-0000-4000-8000-000000000003";
const CALLER_PRINCIPAL: &str = "30000000-0000-4000-8000-000000000003";
const DAY: Duration = Duration::from_secs(86_400);

/// Longer than the emulator's replicas need.
const SETTLED: Duration = Duration::from_secs(60);

struct World {
    clock: VirtualClock,
    emulator: Emulator,
    issuer: Arc<CertificateIssuer>,
    /// Where a new certificate is sent to: method and a part of the path.
    way: (&'static str, &'static str),
}

fn made(name: &str) -> ClientCertificate {
    let now = VirtualClock::new().now();
    ClientCertificate::self_signed(name, now, now + 300 * DAY).unwrap()
}

/// The certificate without its key.
fn public_part(certificate: &ClientCertificate) -> String {
    let pem = certificate.to_pem().unwrap();
    let end = "-----END CERTIFICATE-----\n";
    let at = pem.expose().find(end).unwrap() + end.len();
    pem.expose()[..at].to_owned()
}

impl World {
    /// A caller that owns the application, and has no key of it.
    fn writing(settings: Settings) -> Self {
        let by_hand = made("by hand");
        let world = Self::seeded(&[&by_hand], settings, json!({}));
        let tokens = world.secret_tokens();
        world.issued_by(tokens, |issuer| issuer)
    }

    /// The application itself, which signs in with the certificate that it rolls.
    fn rolling(settings: Settings) -> Self {
        let by_hand = made("by hand");
        let world = Self::seeded(&[&by_hand], settings, json!({}));
        let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
        let proof = CertificateProof::new(CLIENT.parse().unwrap(), by_hand, clock.clone()).unwrap();
        let source = Application::new(world.endpoint(), CLIENT.parse().unwrap(), Arc::new(proof.clone()));
        let tokens = Arc::new(TokenCache::new(source, clock));
        let mut world = world.issued_by(tokens, |issuer| issuer.with_possession(proof));
        world.way = ("POST", "addKey");
        world
    }

    fn seeded(certificates: &[&ClientCertificate], settings: Settings, tenant: Value) -> Self {
        let clock = VirtualClock::new();
        let certificates: Vec<_> =
            certificates.iter().map(|one| json!({"displayName": "by hand", "pem": public_part(one)})).collect();
        let mut contoso = json!({"id": TENANT, "domain": "contoso.onmicrosoft.com", "applications": [
            {"displayName": "Deployer", "clientId": CLIENT, "objectId": OBJECT, "certificates": certificates,
             "graphRoles": ["Application.Read.All"]},
            {"displayName": "Caller", "clientId": CALLER, "servicePrincipalId": CALLER_PRINCIPAL, "owns": [CLIENT],
             "graphRoles": ["Application.ReadWrite.OwnedBy", "Policy.Read.All"],
             "passwords": [{"secret": "the-callers-secret"}]}]});
        if let (Value::Object(contoso), Value::Object(more)) = (&mut contoso, tenant) {
            contoso.extend(more);
        }
        let seed = Seed::from_json(&json!({"tenants": [contoso]}).to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(clock.clone())).unwrap().with_settings(settings);
        let nobody = Scripted::new(|_, _| panic!("not asked")).client();
        let issuer = Arc::new(CertificateIssuer::new(nobody, CLIENT.parse().unwrap()).unwrap());
        Self { clock, emulator, issuer, way: ("PATCH", "applications") }
    }

    fn pipeline(&self) -> Pipeline {
        Pipeline::new(self.emulator.transport(), Arc::new(self.clock.clone()))
    }

    fn endpoint(&self) -> TokenEndpoint {
        TokenEndpoint::new(self.pipeline(), &self.emulator.cloud(), TENANT.parse().unwrap())
    }

    fn secret_tokens(&self) -> Arc<dyn TokenProvider> {
        let secret = Secret::new("the-callers-secret");
        let source = ClientSecretSource::new(self.endpoint(), CALLER.parse().unwrap(), secret).unwrap();
        Arc::new(TokenCache::new(source, Arc::new(self.clock.clone())))
    }

    fn issued_by(
        mut self,
        tokens: Arc<dyn TokenProvider>,
        with: impl FnOnce(CertificateIssuer) -> CertificateIssuer,
    ) -> Self {
        let client = GraphClient::new(self.pipeline(), &self.emulator.cloud(), tokens);
        self.issuer = Arc::new(with(CertificateIssuer::new(client, CLIENT.parse().unwrap()).unwrap()));
        self
    }

    fn fault(&self, action: FaultAction) {
        let fault = Fault::new(action).with_service(Service::Graph).with_method(self.way.0).with_path(self.way.1);
        self.emulator.faults().add(fault);
    }

    fn request(&self, marker: &str) -> MintRequest {
        MintRequest::new(Marker::new(marker).unwrap(), self.clock.now() + 30 * DAY)
    }

    fn live(&self) -> Vec<CertificateTruth> {
        let truth = self.emulator.truth();
        let application = truth.application(CLIENT.parse().unwrap()).unwrap();
        application.certificates.iter().filter(|one| one.live).cloned().collect()
    }
}

#[async_trait]
impl IssuerHarness for World {
    fn issuer(&self) -> Arc<dyn CredentialIssuer> {
        self.issuer.clone()
    }

    fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    async fn settle(&self) {
        self.clock.sleep(SETTLED).await;
    }

    async fn works(&self, secret: &Secret) -> bool {
        let verifier = SecretVerifier::for_certificates(&self.endpoint(), CLIENT.parse().unwrap());
        verifier.verify(&azconnect_credential::Candidate::new(secret)).await.is_accepted()
    }

    async fn lose_next_mint(&self) {
        self.fault(FaultAction::LoseAnswer);
    }

    async fn drop_next_mint(&self) {
        self.fault(FaultAction::DropBefore);
    }
}

fn lagging() -> Settings {
    let lag = Duration::from_secs(20);
    Settings::default().with_add_lag(lag).with_remove_lag(lag).with_list_lag(lag)
}

#[tokio::test(start_paused = true)]
async fn the_issuer_of_certificates_conforms_where_it_writes_the_list() {
    credential_issuer::all(async || World::writing(lagging())).await;
}

#[tokio::test(start_paused = true)]
async fn the_issuer_of_certificates_conforms_where_it_proves_possession() {
    credential_issuer::all(async || World::rolling(lagging())).await;
}

#[tokio::test(start_paused = true)]
async fn other_certificates_stay_as_they_are() {
    for needed in [false, true] {
        let settings = Settings::default().with_graph(GraphSettings::default().with_key_bytes_required(needed));
        let world = World::writing(settings);
        let before = world.live();
        let minted = world.issuer.mint(&world.request("azconnect 0001")).await.unwrap();
        let after = world.live();
        assert_eq!((before.len(), after.len()), (1, 2));
        assert_eq!((after[0].key_id, &after[0].display_name), (before[0].key_id, &before[0].display_name));
        assert_eq!((after[1].key_id, after[1].display_name.as_deref()), (minted.key, Some("azconnect 0001")));
        world.issuer.retire(minted.key).await.unwrap();
        assert_eq!(world.live()[0].key_id, before[0].key_id);
        assert_eq!(world.emulator.truth().unknown_routes, 0);
    }
}

/// Whoever reads once, right after somebody else has written, writes back a list without that.
#[tokio::test(start_paused = true)]
async fn what_somebody_added_a_moment_ago_is_not_lost_to_a_stale_replica() {
    for number in 0..6 {
        let world = World::writing(lagging());
        let rival = CertificateIssuer::new(
            GraphClient::new(world.pipeline(), &world.emulator.cloud(), world.secret_tokens()),
            CLIENT.parse().unwrap(),
        );
        let theirs = rival.unwrap().mint(&world.request(&format!("theirs {number}"))).await.unwrap();
        world.clock.sleep(Duration::from_secs(number)).await;
        let outcome = world.issuer.mint(&world.request("azconnect 0001")).await;
        assert!(world.live().iter().any(|one| one.key_id == theirs.key), "{number}: {outcome:?}");
    }
}

/// A Graph whose list is what the function says, by the number of the read before the write or after it, from 1; and by what
/// was written.
fn listing(list: fn(usize, Option<&Value>) -> Value) -> (Arc<Scripted>, CertificateIssuer) {
    let state = Mutex::new((0, None));
    let graph = Scripted::new(move |_, request| {
        let mut state = state.lock().unwrap();
        if request.method() == http::Method::PATCH {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            *state = (0, Some(body["keyCredentials"].clone()));
            return Ok(http::Response::builder().status(204).body("".into()).unwrap());
        }
        state.0 += 1;
        Ok(answer(200, &json!({"keyCredentials": list(state.0, state.1.as_ref())})))
    });
    let issuer = CertificateIssuer::new(graph.client(), CLIENT.parse().unwrap()).unwrap();
    (graph, issuer)
}

fn shown(key: &str) -> Value {
    json!({"keyId": key, "displayName": "x", "type": "AsymmetricX509Cert", "usage": "Verify", "key": "MAA="})
}

fn scripted_request() -> MintRequest {
    MintRequest::new(Marker::new("azconnect 0001").unwrap(), VirtualClock::new().now() + 30 * DAY)
}

#[tokio::test(start_paused = true)]
async fn a_list_that_flaps_is_not_written() {
    let (graph, issuer) = listing(|number, _| if number % 2 == 0 { json!([shown(KEY)]) } else { json!([]) });
    let error = issuer.mint(&scripted_request()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), error.retry()), (ErrorKind::Unavailable, Effect::None, Retry::Backoff));
    let error = issuer.retire(KEY.parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::None));
    assert!(graph.seen().iter().all(|line| line.starts_with("GET")), "{:?}", graph.seen());
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_came_and_went_during_the_write_is_named() {
    let (_, issuer) = listing(|number, written| match (number, written) {
        // A replica that has heard of another writer's, and not of ours.
        (1, Some(_)) => json!([shown(OBJECT), shown(KEY)]),
        (_, None) => json!([shown(OBJECT)]),
        (_, Some(written)) => written.clone(),
    });
    let error = issuer.mint(&scripted_request()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, Effect::Unknown));
    assert!(error.message().contains(KEY), "{error}");
}

#[tokio::test(start_paused = true)]
async fn replicas_that_list_in_another_order_agree() {
    let (_, issuer) = listing(|number, written| match (number % 2, written) {
        (_, Some(written)) => written.clone(),
        (0, None) => json!([shown(OBJECT), shown(KEY)]),
        (_, None) => json!([shown(KEY), shown(OBJECT)]),
    });
    issuer.mint(&scripted_request()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_the_list_is_never_written_back_as_an_empty_one() {
    let graph = Scripted::new(|_, _| Ok(answer(200, &json!({}))));
    let issuer = CertificateIssuer::new(graph.client(), CLIENT.parse().unwrap()).unwrap();
    let error = issuer.mint(&scripted_request()).await.unwrap_err();
    assert_eq!(error.effect(), Effect::None, "{error}");
    assert!(graph.seen().iter().all(|line| line.starts_with("GET")));
}

#[tokio::test(start_paused = true)]
async fn without_a_valid_proof_the_list_is_written() {
    let registered = made("registered");
    let world = World::seeded(&[&registered], Settings::default(), json!({}));
    let tokens = world.secret_tokens();
    let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
    let strange = CertificateProof::new(CLIENT.parse().unwrap(), made("strange"), clock).unwrap();
    let world = world.issued_by(tokens, |issuer| issuer.with_possession(strange));
    let minted = world.issuer.mint(&world.request("azconnect 0001")).await.unwrap();
    assert!(world.works(&minted.secret).await);
    world.issuer.retire(minted.key).await.unwrap();
    assert!(!world.works(&minted.secret).await);
}

#[tokio::test(start_paused = true)]
async fn the_tenant_s_policy_on_certificates_is_read_and_told() {
    let policy = json!({"certificatePolicy": {"maxLifetimeDays": 20}});
    let world = World::seeded(&[&made("x")], Settings::default(), policy);
    let tokens = world.secret_tokens();
    let world = world.issued_by(tokens, |issuer| issuer);
    assert_eq!(world.issuer.inventory().await.unwrap().max_lifetime, Some(20 * DAY));
    let error = world.issuer.mint(&world.request("azconnect 0001")).await.unwrap_err();
    assert_eq!((error.field(), error.effect()), (Some("ends_at"), Effect::None), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_the_service_principal_is_listed_and_left_alone() {
    let own = json!([shown(KEY)]);
    let graph = Scripted::new(move |_, request| -> Result<Response, _> {
        let path = request.uri().path();
        Ok(if path.contains("servicePrincipals") {
            let mut shown = principal(&json!([]));
            shown["keyCredentials"] = own.clone();
            answer(200, &shown)
        } else if path.contains("policies") {
            answer(403, &json!({"error": {"code": "Authorization_RequestDenied", "message": "no"}}))
        } else {
            answer(200, &application(&json!([])))
        })
    });
    let issuer = CertificateIssuer::new(graph.client(), CLIENT.parse().unwrap()).unwrap();
    let inventory = issuer.inventory().await.unwrap();
    assert_eq!(inventory.keys.len(), 1);
    let error = issuer.retire(KEY.parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
    assert!(!PRINCIPAL.is_empty() && graph.seen().iter().all(|line| line.starts_with("GET")));
}

/// The key exists in what is handed over, and nowhere else; the service sees the certificate without it.
#[tokio::test(start_paused = true)]
async fn nothing_of_a_new_key_is_shown() {
    for world in [World::writing(lagging()), World::rolling(lagging())] {
        let canary = Canary::new();
        let ears = canary.listen();
        let minted = world.issuer.mint(&world.request("azconnect 0001")).await.unwrap();
        let pem = minted.secret.expose();
        canary.watch(&minted.secret);
        // Any line of the key, as a body or a message would hold it.
        let (_, key) = pem.split_once("PRIVATE KEY-----\n").unwrap();
        let key = key.lines().next().unwrap();
        assert!(key.len() > 60 && !public_part(&ClientCertificate::from_pem(&minted.secret).unwrap()).contains(key));
        canary.watch(&Secret::new(key));
        world.fault(FaultAction::LoseAnswer);
        let error = world.issuer.mint(&world.request("azconnect 0002")).await.unwrap_err();
        let retired = world.issuer.retire(minted.key).await;
        drop(ears);
        let shown = format!("{:?} {minted:?} {error} {error:?} {retired:?}", world.issuer);
        canary.assert_absent("Debug", shown.as_bytes());
        canary.assert_absent("the directory", format!("{:?}", world.live()).as_bytes());
        canary.assert_absent_from_logs();
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_past_is_refused_before_anything_is_sent() {
    let graph = Scripted::new(|_, _| panic!("not asked"));
    let issuer = CertificateIssuer::new(graph.client(), CLIENT.parse().unwrap()).unwrap();
    let past = MintRequest::new(Marker::new("x").unwrap(), OffsetDateTime::UNIX_EPOCH);
    let error = issuer.mint(&past).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), error.field()), (ErrorKind::InvalidInput, Effect::None, Some("ends_at")));
}

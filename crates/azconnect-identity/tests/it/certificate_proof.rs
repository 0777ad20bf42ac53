//! Proving a certificate that is not in use yet, and replacing the one that is.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Cloud, Effect, Error, ErrorKind, KeyId, Secret};
use azconnect_credential::{Candidate, CredentialSink, CredentialVerdict, CredentialVerifier, Minted, TokenProvider};
use azconnect_emulator::{Fault, FaultAction, Service, Settings};
use azconnect_http::{Pipeline, Request, Response, Transport};
use azconnect_identity::{
    AssertionForm, Authority, CertificateProof, OwnCredentialSink, OwnRecord, ProviderEndpoints, SecretVerifier,
    TokenCache, TokenEndpoint,
};
use azconnect_testkit::VirtualClock;
use azconnect_testkit::conformance::credential_verifier::{self, VerifierHarness};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::certified::{Hall, Made, elliptic, first, proof_of, rsa_key, second};
use crate::conformance::graph;
use crate::stage::{Scripted, client, refusal, tenant, token};

/// Longer than the emulator's replicas need.
const SETTLED: Duration = Duration::from_secs(60);

struct Harness {
    hall: Hall,
    verifier: Arc<SecretVerifier>,
}

impl Harness {
    fn new() -> Self {
        let lag = Duration::from_secs(20);
        let hall = Hall::new(&[first()], Settings::default().with_add_lag(lag).with_remove_lag(lag));
        let verifier = Arc::new(SecretVerifier::for_certificates(&hall.endpoint(), client()));
        Self { hall, verifier }
    }

    async fn listed(&self) -> Vec<Value> {
        let read = graph(&self.hall.emulator, "GET", "?$select=keyCredentials", Value::Null).await;
        read["keyCredentials"].as_array().unwrap().clone()
    }

    async fn write(&self, all: &[Value]) {
        graph(&self.hall.emulator, "PATCH", "", json!({"keyCredentials": all})).await;
    }
}

/// Registers a certificate of its own, as an administrator would.
async fn register(harness: &Harness, made: &Made) -> Minted {
    let body: String = made.certificate.lines().filter(|line| !line.starts_with('-')).collect();
    let key = uuid();
    let mut all = harness.listed().await;
    all.push(json!({"keyId": key, "type": "AsymmetricX509Cert", "usage": "Verify", "key": body}));
    harness.write(&all).await;
    Minted::new(key.parse().unwrap(), made.both(), rcgen::date_time_ymd(2035, 1, 1))
}

fn uuid() -> String {
    let mut id = [0; 16];
    aws_lc_rs::rand::fill(&mut id).unwrap();
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

#[async_trait]
impl VerifierHarness for Harness {
    fn verifier(&self) -> Arc<dyn CredentialVerifier> {
        self.verifier.clone()
    }

    fn now(&self) -> OffsetDateTime {
        self.hall.clock.now()
    }

    async fn mint(&self) -> Minted {
        register(self, second()).await
    }

    async fn remove(&self, key: KeyId) {
        let mut all = self.listed().await;
        all.retain(|one| one["keyId"] != key.to_string());
        self.write(&all).await;
    }

    async fn settle(&self) {
        self.hall.clock.sleep(SETTLED).await;
    }

    async fn disconnect(&self) {
        let broken = Fault::new(FaultAction::DropBefore).with_service(Service::Login).forever();
        self.hall.emulator.faults().add(broken);
    }

    fn wrong(&self) -> Secret {
        Made::of(&rsa_key(), "nobody registered it").both()
    }
}

#[tokio::test(start_paused = true)]
async fn the_verifier_of_certificates_conforms() {
    credential_verifier::all(async || Harness::new()).await;
}

#[tokio::test(start_paused = true)]
async fn each_sign_in_shows_an_assertion_of_its_own() {
    let hall = Hall::new(&[first()], Settings::default().with_single_use_assertions(true));
    let verifier = SecretVerifier::for_certificates(&hall.endpoint(), client());
    let assessment = verifier.verify(&Candidate::new(&first().both())).await;
    assert!(assessment.is_accepted(), "{assessment:?}");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_sign_in_is_rejected_without_a_request() {
    let script = Scripted::new(|_| Ok(token()));
    let verifier = SecretVerifier::for_certificates(&script.endpoint(), client());
    for text in [elliptic().both(), Secret::new("a~client~secret"), Secret::new(first().certificate.clone())] {
        let assessment = verifier.verify(&Candidate::new(&text)).await;
        assert_eq!(assessment.verdict, CredentialVerdict::Rejected, "{assessment:?}");
        assert!(assessment.advice().is_some());
    }
    assert_eq!(script.requests(), 0);
}

/// A record that notes what was in use when it was asked to store.
struct Record {
    proof: CertificateProof,
    stored: Mutex<Vec<(Secret, bool)>>,
    broken: bool,
}

#[async_trait]
impl OwnRecord for Record {
    async fn load(&self) -> Result<Option<Secret>, Error> {
        Ok(self.stored.lock().unwrap().last().map(|(secret, _)| secret.duplicate()))
    }

    async fn store(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        let still_former = self.proof.holds(&first().both());
        self.stored.lock().unwrap().push((candidate.secret.duplicate(), still_former));
        if self.broken { Err(Error::new(ErrorKind::Unavailable, "the database is gone")) } else { Ok(()) }
    }
}

fn own(harness: &Harness, broken: bool) -> (CertificateProof, Arc<Record>, OwnCredentialSink) {
    let proof = harness.hall.proof(first());
    let record = Arc::new(Record { proof: proof.clone(), stored: Mutex::default(), broken });
    let id = "own:deployer".parse().unwrap();
    let sink = OwnCredentialSink::of_certificate(id, &harness.hall.endpoint(), proof.clone(), record.clone());
    (proof, record, sink)
}

#[tokio::test(start_paused = true)]
async fn a_push_signs_in_then_stores_then_switches() {
    let harness = Harness::new();
    let (proof, record, sink) = own(&harness, false);
    let tokens = TokenCache::new(harness.hall.application(&proof), Arc::new(harness.hall.clock.clone()));
    let scope = harness.hall.emulator.cloud().graph_scope();
    let before = tokens.token(&scope).await.unwrap();
    let minted = harness.mint().await;
    harness.settle().await;
    let candidate = Candidate::new(&minted.secret).with_key(minted.key).with_minted_at(harness.now());
    sink.push(&candidate).await.unwrap();
    assert!(record.stored.lock().unwrap()[0].1, "stored while the former one was still in use");
    assert!(proof.holds(&minted.secret) && !proof.holds(&first().both()));
    tokens.invalidate(&scope, &before).await;
    tokens.token(&scope).await.unwrap();
    assert!(sink.verify(&candidate).await.is_accepted());
    assert!(sink.inspect().await.unwrap().is_issuers_own);
}

/// An old authority, which knows one form only, and an application that is trusted by a subject's name.
struct Old;

#[async_trait]
impl Transport for Old {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let mut form = url::form_urlencoded::parse(request.body());
        let (_, assertion) = form.find(|(name, _)| name == "client_assertion").unwrap();
        let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        match (header["alg"].as_str(), header["x5c"].as_array()) {
            (Some("RS256"), Some(_)) => Ok(token()),
            (Some("RS256"), None) => Ok(refusal(401, "invalid_client", 700_030)),
            _ => Ok(refusal(401, "invalid_client", 700_027)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_candidate_is_tried_in_the_form_of_the_proof_and_with_its_chain() {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new());
    let endpoint = TokenEndpoint::new(Pipeline::new(Arc::new(Old), clock.clone()), &Cloud::public(), tenant());
    let proof = proof_of(&first().both(), clock).with_form(AssertionForm::Rs256).with_chain(true);
    let record = Arc::new(Record { proof: proof.clone(), stored: Mutex::default(), broken: false });
    let id = "own:deployer".parse().unwrap();
    let sink = OwnCredentialSink::of_certificate(id, &endpoint, proof.clone(), record);
    let (secret, other) = (second().both(), Secret::new("a~client~secret"));
    let candidate = Candidate::new(&secret);
    sink.push(&candidate).await.unwrap();
    assert!(proof.holds(&secret));
    assert!(sink.verify(&candidate).await.is_accepted());

    let verifier = SecretVerifier::for_certificates(&endpoint, client());
    let code = async |verifier: SecretVerifier| verifier.verify(&candidate).await.service_code().map(str::to_owned);
    assert_eq!(code(verifier.clone()).await.as_deref(), Some("AADSTS700027"));
    assert_eq!(code(verifier.clone().with_form(AssertionForm::Rs256)).await.as_deref(), Some("AADSTS700030"));
    assert_eq!(code(verifier.with_form(AssertionForm::Rs256).with_chain(true)).await, None);
    // A client secret has neither.
    let script = Scripted::new(|_| Ok(token()));
    let verifier = SecretVerifier::new(&script.endpoint(), client()).with_form(AssertionForm::Rs256).with_chain(true);
    assert!(verifier.verify(&Candidate::new(&other)).await.is_accepted());
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_nobody_registered_is_neither_stored_nor_used() {
    let harness = Harness::new();
    let (proof, record, sink) = own(&harness, false);
    for candidate in [second().both(), Secret::new("a~client~secret"), elliptic().both()] {
        let error = sink.push(&Candidate::new(&candidate)).await.unwrap_err();
        assert_eq!(error.effect(), Effect::None, "{error}");
    }
    assert!(record.stored.lock().unwrap().is_empty() && proof.holds(&first().both()));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_stored_is_not_used() {
    let harness = Harness::new();
    let (proof, _, sink) = own(&harness, true);
    let minted = harness.mint().await;
    harness.settle().await;
    let error = sink.push(&Candidate::new(&minted.secret)).await.unwrap_err();
    assert_eq!(error.effect(), Effect::Unknown, "the record may name it all the same");
    assert!(proof.holds(&first().both()));
}

/// Replicas answer by turns only where connections are new.
#[tokio::test(start_paused = true)]
async fn a_candidate_is_tried_on_fresh_connections_at_another_provider_too() {
    let login = Scripted::new(|number| {
        Ok(match number {
            1 => http::Response::new(
                json!({"issuer": "https://login.example/", "authorization_endpoint": "https://login.example/authorize",
                       "token_endpoint": "https://login.example/token"})
                .to_string()
                .into(),
            ),
            _ => token(),
        })
    });
    let issuer = "https://login.example/".parse().unwrap();
    let pipeline = Pipeline::new(login.clone() as Arc<dyn Transport>, Arc::new(login.clock().clone()));
    let found = ProviderEndpoints::discover(&pipeline, &issuer).await.unwrap();
    let endpoint = TokenEndpoint::at(pipeline, &Cloud::public(), Authority::of_provider(found));
    let verifier = SecretVerifier::for_certificates(&endpoint, client());
    let proof = verifier.verify(&Candidate::new(&first().both())).await;
    assert!(proof.is_accepted(), "{}", proof.evidence);
    let fresh = login.fresh();
    assert!(fresh.len() > 2 && !fresh[0] && fresh[1..].iter().all(|fresh| *fresh), "{fresh:?}");
}

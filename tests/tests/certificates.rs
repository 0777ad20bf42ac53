//! The rotation of a certificate, killed at every append and around every exchange, under the eyes of the judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect::Azure;
use azconnect::core::{Clock, Effect, Error, ErrorKind, Secret};
use azconnect::credential::CredentialSink;
use azconnect::http::{Request, Response, Transport};
use azconnect::identity::{AssertionForm, CertificateProof, ClientCertificate, ClientSecretSource, TokenEndpoint};
use azconnect::rotation::{RotationOutcome, SinkBinding, Target};
use azconnect_emulator::{Held, Settings};
use azconnect_testkit::Canary;
use azconnect_tests::certified::Certified;
use azconnect_tests::contoso::{connections, deploy, operator, policy};
use azconnect_tests::deadly::{DeadlyJournal, DeadlyTransport, Death, Moment};
use azconnect_tests::judge::Judge;

type By = fn(&Certified, Arc<dyn Transport>) -> Target;

/// Runs one process. Returns whether it died, and how many appends and exchanges it made.
async fn process(world: &Certified, judge: &Arc<Judge>, by: By, moments: (Moment, Moment)) -> (bool, u32, u32) {
    let (by_append, by_exchange) = (Arc::new(Death::default()), Arc::new(Death::default()));
    let transport = DeadlyTransport { inner: judge.transport(), moment: moments.1, death: by_exchange.clone() };
    let mut ports = world.contoso.ports();
    ports.journal = Arc::new(DeadlyJournal { inner: judge.journal(), moment: moments.0, death: by_append.clone() });
    let rotator = world.contoso.rotator(ports);
    let target = by(world, Arc::new(transport));
    let died = tokio::select! {
        biased;
        outcome = rotator.rotate(&target) => {
            let outcome = outcome.unwrap();
            assert!(matches!(outcome, RotationOutcome::Rotated { .. } | RotationOutcome::NotDue { .. } | RotationOutcome::Idle { .. }), "{outcome:?}");
            false
        }
        () = by_append.come() => true,
        () = by_exchange.come() => true,
    };
    judge.judge();
    (died, by_append.count(), by_exchange.count())
}

/// The next start of the program, and what must be true when it has ended.
async fn finish(world: &Certified, judge: &Arc<Judge>, by: By) {
    world.contoso.outlive_the_dead().await;
    let (died, ..) = process(world, judge, by, (Moment::Never, Moment::Never)).await;
    assert!(!died);
    let mut ports = world.contoso.ports();
    ports.journal = judge.journal();
    let outcome = world.contoso.rotator(ports).resume(&by(world, judge.transport())).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Idle { .. }), "nothing is left to do: {outcome:?}");
    assert_finished(world).await;
}

async fn assert_finished(world: &Certified) {
    let (case, truth) = (world.case(), world.contoso.emulator.truth());
    let all = case.all(&truth);
    let new: Vec<_> = all.iter().filter(|key| key.live && key.key_id != case.foreign).collect();
    assert_eq!(new.len(), 1, "one new certificate is alive: {all:?}");
    assert_ne!(new[0].key_id, case.old);
    assert_eq!(truth.connection(connections()[0]).unwrap().holds, Held::Key(new[0].key_id));
    assert!(world.contoso.journal.unfinished().await.unwrap().is_empty());
    assert_eq!(truth.unknown_routes, 0, "{:?}", truth.unknown_route_names);
}

#[tokio::test(start_paused = true)]
async fn undisturbed_it_rotates_and_every_invariant_holds() {
    let both: [By; 2] = [Certified::by_operator, Certified::by_itself];
    for by in both {
        for settings in [Settings::default(), Settings::realistic()] {
            let world = Certified::new(settings);
            let judge = Judge::of(&world.contoso, world.case());
            let (died, appends, exchanges) = process(&world, &judge, by, (Moment::Never, Moment::Never)).await;
            assert!(!died);
            assert!(appends > 12 && exchanges > 20, "{appends} appends, {exchanges} exchanges");
            assert_finished(&world).await;
        }
    }
}

async fn killed_at_every(by: By, moments: impl Fn(u32) -> [(Moment, Moment); 2], fewest: u32) {
    for side in 0..2 {
        for number in 1.. {
            let world = Certified::new(Settings::realistic());
            let judge = Judge::of(&world.contoso, world.case());
            let (died, ..) = process(&world, &judge, by, moments(number)[side]).await;
            if !died {
                assert!(number > fewest);
                break;
            }
            finish(&world, &judge, by).await;
        }
    }
}

fn at_append(number: u32) -> [(Moment, Moment); 2] {
    [(Moment::Before(number), Moment::Never), (Moment::After(number), Moment::Never)]
}

fn at_exchange(number: u32) -> [(Moment, Moment); 2] {
    [(Moment::Never, Moment::Before(number)), (Moment::Never, Moment::After(number))]
}

#[tokio::test(start_paused = true)]
async fn killed_at_every_append_it_is_finished_by_the_next_process() {
    killed_at_every(Certified::by_operator, at_append, 12).await;
}

#[tokio::test(start_paused = true)]
async fn killed_around_every_exchange_it_is_finished_by_the_next_process() {
    killed_at_every(Certified::by_operator, at_exchange, 20).await;
}

#[tokio::test(start_paused = true)]
async fn an_application_that_rolls_its_own_certificate_is_finished_after_every_append() {
    killed_at_every(Certified::by_itself, at_append, 12).await;
}

#[tokio::test(start_paused = true)]
async fn an_application_that_rolls_its_own_certificate_is_finished_after_every_exchange() {
    killed_at_every(Certified::by_itself, at_exchange, 20).await;
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_with_the_new_certificate_and_its_key_is_shown_nowhere() {
    let canary = Canary::new();
    let ears = canary.listen();
    let world = Certified::new(Settings::realistic());
    canary.watch(&world.record.0.lock().unwrap());
    let identity = world.deployer(world.contoso.emulator.transport());
    let target = world.by_itself(world.contoso.emulator.transport());
    let outcome = world.contoso.rotator(world.contoso.ports()).rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    canary.watch(&world.record.0.lock().unwrap());
    // Another process, whose certificate is gone by now, follows the record.
    let other = identity.with_record(world.record.clone()).unwrap();
    world.contoso.clock.sleep(Duration::from_secs(7200)).await;
    other.graph().application_by_client_id(deploy()).await.unwrap();
    let mut written = format!("{outcome:?}");
    for stream in world.contoso.journal.unfinished().await.unwrap() {
        written += &format!("{stream}");
    }
    drop(ears);
    canary.assert_absent("what is shown", written.as_bytes());
    canary.assert_absent_from_logs();
}

#[tokio::test(start_paused = true)]
async fn a_rotation_of_the_own_certificate_without_its_own_consumer_is_refused() {
    let world = Certified::new(Settings::default());
    let identity = world.deployer(world.contoso.emulator.transport());
    let target = identity.certificate_target(deploy()).unwrap().with_adopted(world.case().old);
    let outcome = world.contoso.rotator(world.contoso.ports()).rotate_now(&target).await.unwrap();
    let RotationOutcome::Refused { plan, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(plan.blockers().iter().any(|(_, check)| check.code == "own-credential-unbound"), "{plan:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_takes_certificates_or_secrets_and_never_the_other() {
    let world = Certified::new(Settings::default());
    let operator = world.contoso.operator(world.contoso.emulator.transport());
    let sink = || operator.service_connection("contoso", "Web", connections()[0].into(), deploy()).unwrap();
    let codes = async |sink: azconnect::devops::ServiceConnectionSink| {
        let report = sink.inspect().await.unwrap();
        report.checks.failures().map(|check| check.code.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(codes(sink()).await, ["certificate"]);
    assert!(codes(sink().with_certificates()).await.is_empty());
    let secret = Secret::new("a~client~secret");
    let candidate = azconnect::credential::Candidate::new(&secret);
    let error = sink().with_certificates().push(&candidate).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.effect(), error.field()),
        (ErrorKind::InvalidInput, Effect::None, Some("certificate"))
    );

    let plain = azconnect_tests::contoso::Contoso::new();
    let operator = plain.operator(plain.emulator.transport());
    let sink = operator.service_connection("contoso", "Web", connections()[0].into(), deploy()).unwrap();
    assert_eq!(codes(sink.with_certificates()).await, ["no-certificate"]);
}

#[tokio::test(start_paused = true)]
async fn an_identity_over_any_source_acts_and_says_what_it_cannot_replace() {
    let world = Certified::new(Settings::default());
    let clock: Arc<dyn Clock> = Arc::new(world.contoso.clock.clone());
    let azure = Azure::new(world.contoso.emulator.cloud(), world.contoso.emulator.transport(), clock);
    let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap();
    let endpoint = TokenEndpoint::new(azure.pipeline().clone(), azure.cloud(), tenant);
    let source = ClientSecretSource::new(endpoint, operator(), world.contoso.operator_secret()).unwrap();
    let identity = azure.identity_with(tenant, operator(), Arc::new(source));
    assert_eq!((identity.tenant(), identity.client()), (tenant, operator()));
    identity.graph().application_by_client_id(deploy()).await.unwrap();
    for error in [
        identity.clone().with_record(world.record.clone()).err().unwrap(),
        identity.own_credential(world.record.clone()).err().unwrap(),
    ] {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None));
        assert!(!error.advice().is_empty());
    }
    // Nobody knows what such a source signs in with, so the own application's keys of either kind are its own.
    for target in [identity.target(operator()).unwrap(), identity.certificate_target(operator()).unwrap()] {
        let outcome = world.contoso.rotator(world.contoso.ports()).rotate_now(&target).await.unwrap();
        let RotationOutcome::Refused { plan, .. } = &outcome else { panic!("{outcome:?}") };
        assert!(plan.blockers().iter().any(|(_, check)| check.code == "own-credential-unbound"), "{plan:?}");
    }
}

/// A login that knows the older form of assertions only.
struct OldLogin(Arc<dyn Transport>);

#[async_trait]
impl Transport for OldLogin {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        // The first letters of a header that begins with `{"alg":"PS256"`.
        if !String::from_utf8_lossy(request.body()).contains("client_assertion=eyJhbGciOiJQUzI1NiIs") {
            return self.0.send(request).await;
        }
        let body = r#"{"error":"invalid_client","error_codes":[700027]}"#;
        Ok(http::Response::builder().status(401).body(body.into()).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_rotated_in_the_form_of_the_proof() {
    let world = Certified::new(Settings::default());
    let clock: Arc<dyn Clock> = Arc::new(world.contoso.clock.clone());
    let transport = Arc::new(OldLogin(world.contoso.emulator.transport()));
    let azure = Azure::new(world.contoso.emulator.cloud(), transport, clock.clone());
    let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap();
    let certificate = || ClientCertificate::from_pem(&world.record.0.lock().unwrap()).unwrap();
    let usual = azure.identity_with_certificate(tenant, deploy(), certificate()).unwrap();
    let error = usual.tokens().token(&azure.cloud().graph_scope()).await.unwrap_err();
    assert_eq!(error.service_code(), Some("AADSTS700027"));

    let proof = CertificateProof::new(deploy(), certificate(), clock).unwrap().with_form(AssertionForm::Rs256);
    let identity = azure.identity_with_certificate_proof(tenant, proof.clone()).unwrap();
    let target = identity.certificate_target(deploy()).unwrap().with_policy(policy()).with_adopted(world.case().old);
    let own = identity.own_credential(world.record.clone()).unwrap();
    let held = identity.service_connection("contoso", "Web", connections()[0].into(), deploy()).unwrap();
    let target = target
        .with_sink(SinkBinding::new(Arc::new(own)))
        .with_sink(SinkBinding::new(Arc::new(held.with_certificates())));
    let outcome = world.contoso.rotator(world.contoso.ports()).rotate_now(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(proof.holds(&world.record.0.lock().unwrap()), "the new one, which the record keeps");
}

#[tokio::test(start_paused = true)]
async fn an_elliptic_certificate_makes_no_identity() {
    let world = Certified::new(Settings::default());
    let clock: Arc<dyn Clock> = Arc::new(world.contoso.clock.clone());
    let azure = Azure::new(world.contoso.emulator.cloud(), world.contoso.emulator.transport(), clock);
    let pem = Secret::new(include_str!("data/elliptic.pem"));
    let certificate = ClientCertificate::from_pem(&pem).unwrap();
    let tenant = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap();
    let error = azure.identity_with_certificate(tenant, deploy(), certificate).err().unwrap();
    assert_eq!(error.field(), Some("certificate"));
}

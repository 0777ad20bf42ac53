//! A consumer that is told by somebody else where its secret goes.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind};
use azconnect_credential::{
    Assessment, Candidate, Check, CredentialSink, CredentialVerdict, PushReceipt, SinkId, SinkReport,
};
use azconnect_rotation::{Decision, RotationOutcome, SinkBinding, Target};

use crate::stage::{DAY, Stage, sink};

/// Where a consumer sends its secret, and where it has sent one.
#[derive(Clone)]
struct Address {
    now: Arc<Mutex<String>>,
    /// What the next secret that is pushed finds here.
    next: Arc<Mutex<Option<String>>>,
    agreed: Arc<Mutex<Vec<Option<String>>>>,
    sent: Arc<Mutex<Vec<String>>>,
}

/// A consumer that holds to what was agreed, as the port asks.
struct Editable {
    inner: Arc<dyn CredentialSink>,
    address: Address,
}

impl Address {
    fn new(host: &str) -> Self {
        let now = Arc::new(Mutex::new(host.to_owned()));
        Self { now, next: Arc::default(), agreed: Arc::default(), sent: Arc::default() }
    }

    fn edit(&self, host: &str) {
        host.clone_into(&mut self.now.lock().unwrap());
    }

    fn sent(&self) -> Vec<String> {
        let mut sent = self.sent.lock().unwrap().clone();
        sent.dedup();
        sent
    }

    fn check(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        self.agreed.lock().unwrap().push(candidate.destination.map(str::to_owned));
        let now = self.now.lock().unwrap().clone();
        if candidate.destination == Some(now.as_str()) {
            self.sent.lock().unwrap().push(now);
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, format!("it goes to {now}")).with_effect(Effect::None))
    }
}

#[async_trait]
impl CredentialSink for Editable {
    fn id(&self) -> &SinkId {
        self.inner.id()
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        let now = self.address.now.lock().unwrap().clone();
        Ok(self.inner.inspect().await?.with_destination(Some(now)))
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        if let Some(next) = self.address.next.lock().unwrap().take() {
            self.address.edit(&next);
        }
        self.address.check(candidate)?;
        self.inner.push(candidate).await
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        match self.address.check(candidate) {
            Ok(()) => self.inner.verify(candidate).await,
            Err(_) => Assessment::new(CredentialVerdict::Rejected, "it goes elsewhere"),
        }
    }
}

fn binding(stage: &Stage, address: &Address) -> SinkBinding {
    SinkBinding::new(Arc::new(Editable { inner: stage.directory.sink(&sink("a")), address: address.clone() }))
}

fn target(stage: &Stage, binding: SinkBinding) -> Target {
    stage.bare_target().with_sink(binding).with_sink(SinkBinding::new(stage.directory.sink(&sink("b"))))
}

fn changed(outcome: &RotationOutcome) -> Check {
    let RotationOutcome::Refused { plan, .. } = outcome else { panic!("{outcome:?}") };
    let checks = plan.blockers();
    checks.into_iter().find(|(_, check)| check.code == "destination-changed").expect("the check").1.clone()
}

#[tokio::test(start_paused = true)]
async fn the_host_that_the_first_plan_finds_is_shown_and_is_what_every_push_and_proof_is_held_to() {
    let (stage, address) = (Stage::new(), Address::new("registry.contoso.com"));
    let target = target(&stage, binding(&stage, &address));
    let plan = stage.rotator().plan(&target).await.unwrap();
    assert_eq!(plan.sinks[0].destination.as_deref(), Some("registry.contoso.com"));
    assert!(serde_json::to_string(&plan).unwrap().contains("registry.contoso.com"));
    let outcome = stage.rotator().rotate(&target).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.assert_rotated();
    let agreed = address.agreed.lock().unwrap().clone();
    assert!(
        agreed.len() >= 3 && agreed.iter().all(|host| host.as_deref() == Some("registry.contoso.com")),
        "{agreed:?}"
    );
    let (state, _) = stage.rotator().state(target.subject()).await.unwrap();
    assert_eq!(state.destinations[&sink("a")], "registry.contoso.com");
    assert!(!state.destinations.contains_key(&sink("b")));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_changed_since_the_last_rotation_keeps_the_next_one_from_beginning() {
    let (stage, address) = (Stage::new(), Address::new("registry.contoso.com"));
    stage.rotator().rotate(&target(&stage, binding(&stage, &address))).await.unwrap();
    let first = stage.ours();
    stage.clock.sleep(61 * DAY).await;
    address.edit("thief.example");
    // Each run asks the journal, not a memory of its own.
    for _ in 0..2 {
        let outcome = stage.rotator().rotate(&target(&stage, binding(&stage, &address))).await.unwrap();
        let check = changed(&outcome);
        assert!(check.cause.contains("thief.example") && check.cause.contains("registry.contoso.com"), "{check:?}");
        assert!(check.remedy.contains("with_destination(\"thief.example\")"), "{check:?}");
        assert_eq!(stage.ours(), first, "nothing was minted");
    }
    assert_eq!(address.sent(), ["registry.contoso.com"]);
}

#[tokio::test(start_paused = true)]
async fn a_changed_host_is_taken_once_it_is_bound_by_name_and_is_held_to_from_then_on() {
    let (stage, address) = (Stage::new(), Address::new("registry.contoso.com"));
    stage.rotator().rotate(&target(&stage, binding(&stage, &address))).await.unwrap();
    stage.clock.sleep(61 * DAY).await;
    address.edit("new.contoso.com");
    let named = target(&stage, binding(&stage, &address).with_destination("new.contoso.com"));
    let outcome = stage.rotator().rotate(&named).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    // The name need not be said again.
    stage.clock.sleep(61 * DAY).await;
    let outcome = stage.rotator().rotate(&target(&stage, binding(&stage, &address))).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    stage.clock.sleep(61 * DAY).await;
    address.edit("registry.contoso.com");
    changed(&stage.rotator().rotate(&target(&stage, binding(&stage, &address))).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn another_host_than_the_one_that_was_bound_by_name_is_refused_from_the_first_rotation_on() {
    let (stage, address) = (Stage::new(), Address::new("thief.example"));
    let named = target(&stage, binding(&stage, &address).with_destination("registry.contoso.com"));
    let plan = stage.rotator().plan(&named).await.unwrap();
    assert_eq!(plan.decision, Decision::Refuse);
    changed(&stage.rotator().rotate(&named).await.unwrap());
    assert!(stage.ours().is_empty() && address.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_optional_consumer_whose_host_was_changed_is_left_out() {
    let (stage, address) = (Stage::new(), Address::new("thief.example"));
    let named = binding(&stage, &address).with_destination("registry.contoso.com").optional();
    let outcome = stage.rotator().rotate(&target(&stage, named)).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(address.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_changed_during_a_rotation_gets_no_secret_and_the_old_one_stays() {
    let (stage, address) = (Stage::new(), Address::new("registry.contoso.com"));
    let target = target(&stage, binding(&stage, &address));
    *address.next.lock().unwrap() = Some("thief.example".to_owned());
    let outcome = stage.rotator().rotate(&target).await.unwrap();
    let problem = match &outcome {
        RotationOutcome::RolledBack { problem, .. } | RotationOutcome::Blocked { problem, .. } => problem.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(problem.contains("it goes to thief.example"), "{problem}");
    assert!(stage.is_alive(stage.old) && address.sent().is_empty());
    assert!(stage.directory.failing_sinks().is_empty(), "every consumer works");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_changed_after_the_push_keeps_the_old_secret() {
    let (stage, address) = (Stage::new(), Address::new("registry.contoso.com"));
    let impatient = || stage.rotator().with_patience(DAY / 144);
    let outcome = impatient().rotate(&target(&stage, binding(&stage, &address))).await.unwrap();
    // The grace is longer than this run waits.
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "{outcome:?}");
    address.edit("new.contoso.com");
    stage.clock.sleep(2 * DAY).await;
    let outcome = stage.rotator().resume(&target(&stage, binding(&stage, &address))).await.unwrap();
    assert!(!matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(stage.is_alive(stage.old), "{outcome:?}");
    assert_eq!(address.sent(), ["registry.contoso.com"]);
}

//! Whatever breaks, whenever: after going on or cleaning up there is no leak and no lost key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_arm::spec::Ipv6;
use azconnect_arm::{Phase, ProvisionPlan, Provisioner, SshKey};
use azconnect_core::{
    Append, Clock, Entry, Error, ErrorKind, Integrity, Journal, SecretId, SecretStore, Sequence, StreamId,
};
use azconnect_credential::TokenProvider;
use azconnect_emulator::arm::Failure;
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Intervention};
use azconnect_store::MemoryJournal;

use crate::stage::{OneToken, Stage, id, plan, spec, subscription_id};

/// A journal that dies before or after one of its appends.
pub(crate) struct Dying {
    inner: MemoryJournal,
    count: AtomicU64,
    at: u64,
    after: bool,
}

impl Dying {
    pub(crate) fn new(inner: MemoryJournal, at: u64, after: bool) -> Self {
        Self { inner, count: AtomicU64::new(0), at, after }
    }
}

#[async_trait]
impl Journal for Dying {
    async fn append(&self, append: Append) -> Result<Sequence, Error> {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let dead = || Error::new(ErrorKind::Unavailable, "the process died");
        if number > self.at || (number == self.at && !self.after) {
            return Err(dead());
        }
        let sequence = self.inner.append(append).await?;
        if number == self.at { Err(dead()) } else { Ok(sequence) }
    }

    async fn read(&self, stream: &StreamId, after: Sequence) -> Result<Vec<Entry>, Error> {
        self.inner.read(stream, after).await
    }

    async fn latest(&self, stream: &StreamId) -> Result<Vec<Entry>, Error> {
        self.inner.latest(stream).await
    }

    async fn unfinished(&self) -> Result<Vec<StreamId>, Error> {
        self.inner.unfinished().await
    }

    fn integrity(&self) -> Integrity {
        self.inner.integrity()
    }
}

pub(crate) async fn provisioner(stage: &Stage) -> Provisioner {
    let token = stage.sign_in().token(&stage.emulator.cloud().resource_manager_scope()).await.unwrap();
    let arm = stage.arm_with(Arc::new(OneToken(token)));
    stage.provisioner_in(arm.subscription(subscription_id()))
}

/// No machine may exist whose key nobody holds.
async fn assert_key_is_kept(stage: &Stage) {
    if stage.live().iter().any(|id| id.ends_with("/virtualMachines/web")) {
        let key = stage.secrets.get(&SecretId::new("machine/contoso/web/ssh").unwrap()).await.unwrap();
        let key = SshKey::read(key.expect("the machine's key is lost")).unwrap();
        let machine = stage.emulator.resource_manager().resource(&machine_id()).unwrap();
        assert!(machine.to_string().contains(key.public.split(' ').nth(1).unwrap()), "the sealed key is another");
    }
}

fn machine_id() -> String {
    format!(
        "/subscriptions/{}/resourceGroups/rg-web/providers/Microsoft.Compute/virtualMachines/web",
        subscription_id()
    )
}

async fn assert_done(stage: &Stage, provisioner: &Provisioner, name: &str) {
    assert_key_is_kept(stage).await;
    assert_eq!(stage.ever("Microsoft.Compute/virtualMachines"), 1, "{name}");
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new(), "{name}");
}

/// How many exchanges an undisturbed provisioning takes.
async fn exchanges(plan: &ProvisionPlan) -> u64 {
    let stage = Stage::new();
    let provisioner = provisioner(&stage).await;
    let before = stage.emulator.exchanges();
    provisioner.run(plan).await.unwrap();
    stage.emulator.exchanges() - before
}

/// Breaks one exchange for good, as a killed process sees it: nothing after it happens either.
async fn die_at(stage: &Stage, provisioner: &Provisioner, plan: &ProvisionPlan, nth: u64, verdict: Intervention) {
    let first = stage.emulator.exchanges();
    stage.emulator.on_exchange(Arc::new(move |exchange| {
        let number = exchange.number - first;
        if number < nth {
            Intervention::Proceed
        } else if number == nth {
            verdict.clone()
        } else {
            Intervention::DropBefore
        }
    }));
    // The process is killed as soon as its exchange is over.
    let (emulator, clock) = (stage.emulator.clone(), stage.clock.clone());
    let run = std::pin::pin!(provisioner.run(plan));
    let killed = std::pin::pin!(async move {
        while emulator.exchanges() < first + nth {
            clock.sleep(Duration::from_millis(20)).await;
        }
    });
    futures_util::future::select(run, killed).await;
    stage.emulator.on_exchange(Arc::new(|_| Intervention::Proceed));
    lease_runs_out(stage).await;
}

/// A process that was killed gives no lease back: the next one waits for the end of its term.
async fn lease_runs_out(stage: &Stage) {
    stage.clock.sleep(Duration::from_secs(60)).await;
}

/// One more address is one more thing to leak.
#[tokio::test(start_paused = true)]
async fn killed_around_every_exchange_a_machine_with_ipv6_goes_on() {
    let plan = plan(spec().with_ipv6(Ipv6::private().unwrap()));
    let total = exchanges(&plan).await;
    assert!(total > exchanges(&crate::stage::plan(spec())).await, "{total} exchanges");
    for nth in 1..=total {
        let name = format!("exchange {nth}");
        let stage = Stage::new();
        let provisioner = provisioner(&stage).await;
        die_at(&stage, &provisioner, &plan, nth, Intervention::LoseAnswer).await;
        if nth % 2 == 0 {
            let machine = provisioner.resume(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert!(machine.ipv6.is_some(), "{name}");
        }
        provisioner.clean_up(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(stage.live(), Vec::<String>::new(), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn killed_around_every_exchange_it_goes_on() {
    let total = exchanges(&plan(spec())).await;
    assert!(total >= 12, "{total} exchanges");
    for nth in 1..=total {
        for verdict in [Intervention::DropBefore, Intervention::LoseAnswer] {
            let name = format!("exchange {nth}, {verdict:?}");
            let stage = Stage::new();
            let provisioner = provisioner(&stage).await;
            die_at(&stage, &provisioner, &plan(spec()), nth, verdict).await;
            assert_key_is_kept(&stage).await;
            provisioner.resume(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_done(&stage, &provisioner, &name).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_around_every_exchange_it_cleans_up() {
    let total = exchanges(&plan(spec())).await;
    for nth in 1..=total {
        for verdict in [Intervention::DropBefore, Intervention::LoseAnswer] {
            let name = format!("exchange {nth}, {verdict:?}");
            let stage = Stage::new();
            let provisioner = provisioner(&stage).await;
            die_at(&stage, &provisioner, &plan(spec()), nth, verdict).await;
            provisioner.clean_up(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(stage.live(), Vec::<String>::new(), "{name}");
            assert_eq!(provisioner.state(&id()).await.unwrap().phase, Phase::CleanedUp);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_lost_answer_anywhere_is_outlived() {
    for nth in 1..=exchanges(&plan(spec())).await {
        let stage = Stage::new();
        let provisioner = provisioner(&stage).await;
        let first = stage.emulator.exchanges();
        stage.emulator.on_exchange(Arc::new(move |exchange| {
            if exchange.number - first == nth { Intervention::LoseAnswer } else { Intervention::Proceed }
        }));
        provisioner.run(&plan(spec())).await.unwrap_or_else(|error| panic!("exchange {nth}: {error:?}"));
        assert_done(&stage, &provisioner, &format!("exchange {nth}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_anywhere_leaves_nothing_that_a_clean_up_does_not_find() {
    let total = exchanges(&plan(spec())).await;
    for (status, code) in [(403, "AuthorizationFailed"), (400, "InvalidParameter"), (500, "InternalServerError")] {
        for nth in 1..=total {
            let name = format!("exchange {nth}, {code}");
            let stage = Stage::new();
            let provisioner = provisioner(&stage).await;
            let first = stage.emulator.exchanges();
            let body = serde_json::json!({"error": {"code": code, "message": "scripted"}});
            stage.emulator.on_exchange(Arc::new(move |exchange| {
                if exchange.number - first == nth {
                    Intervention::Answer(CannedAnswer::new(status).with_body(body.clone()))
                } else {
                    Intervention::Proceed
                }
            }));
            let outcome = provisioner.run(&plan(spec())).await;
            assert_key_is_kept(&stage).await;
            match provisioner.state(&id()).await.unwrap().phase {
                Phase::Finished => assert!(outcome.is_ok(), "{name}"),
                // A refusal for good was cleaned up at once, by the run itself.
                Phase::CleanedUp => assert_eq!(stage.live(), Vec::<String>::new(), "{name}"),
                _ => {
                    provisioner.resume(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
                }
            }
            provisioner.clean_up(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(stage.live(), Vec::<String>::new(), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_code_of_the_catalogue_leaves_anything_behind() {
    const CODES: &str = "OperationNotAllowed QuotaExceeded SkuNotAvailable AllocationFailed ZonalAllocationFailed \
        OverconstrainedAllocationRequest LocationNotAvailableForResourceType SubscriptionNotFound \
        MissingSubscriptionRegistration AuthorizationFailed LinkedAuthorizationFailed RequestDisallowedByPolicy \
        MarketplacePurchaseEligibilityFailed PlatformImageNotFound InvalidParameter PublicIPCountLimitReached SubnetIsFull \
        PrivateIPAddressIsAllocated ResourceGroupBeingDeleted ReservedResourceName Conflict PropertyChangeNotAllowed \
        AnotherOperationInProgress RetryableError NicReservedForAnotherVm OSProvisioningTimedOut InternalExecutionError \
        VMExtensionProvisioningError TooManyRequests ExpiredAuthenticationToken InvalidAuthenticationTokenTenant NotFound \
        GatewayTimeout";
    for code in CODES.split_whitespace() {
        for path in ["/publicIPAddresses/", "/virtualMachines/web?"] {
            for (in_operation, count) in [(false, 1), (true, 500)] {
                let name = format!("{code} at {path}, {count} times, in the operation: {in_operation}");
                let stage = Stage::new();
                let failure = Failure::new(code);
                let failure = if in_operation { failure.in_operation() } else { failure };
                let fault = Fault::new(FaultAction::Fail(failure)).with_method("PUT").with_path(path).with_count(count);
                stage.emulator.faults().add(fault);
                let provisioner = provisioner(&stage).await;
                let outcome = provisioner.run(&plan(spec())).await;
                if let Err(error) = &outcome {
                    assert!(!error.advice().is_empty(), "{name}");
                }
                stage.emulator.faults().clear();
                provisioner.clean_up(&id()).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
                assert_eq!(stage.live(), Vec::<String>::new(), "{name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dead_before_and_after_every_append_it_goes_on() {
    let mut appends = 1;
    for after in [false, true] {
        let mut at = 1;
        loop {
            let stage = Stage::new();
            let journal = Arc::new(Dying::new(stage.journal.clone(), at, after));
            let dying = Provisioner::new(
                stage.subscription(),
                journal.clone(),
                Arc::new(stage.secrets.clone()),
                Arc::new(stage.lease.clone()),
            );
            let died = dying.run(&plan(spec())).await.is_err();
            assert_key_is_kept(&stage).await;
            let provisioner = provisioner(&stage).await;
            provisioner.run(&plan(spec())).await.unwrap_or_else(|error| panic!("append {at} {after}: {error:?}"));
            assert_done(&stage, &provisioner, &format!("append {at} {after}")).await;
            if !died {
                break;
            }
            at += 1;
            appends = appends.max(at);
        }
    }
    assert!(appends > 12, "{appends} appends");
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_killed_around_every_exchange_is_finished_by_the_next() {
    let stage = Stage::new();
    let undisturbed = provisioner(&stage).await;
    undisturbed.run(&plan(spec())).await.unwrap();
    let before = stage.emulator.exchanges();
    undisturbed.clean_up(&id()).await.unwrap();
    for nth in 1..=stage.emulator.exchanges() - before {
        let stage = Stage::new();
        let provisioner = provisioner(&stage).await;
        provisioner.run(&plan(spec())).await.unwrap();
        let first = stage.emulator.exchanges();
        stage.emulator.on_exchange(Arc::new(move |exchange| {
            if exchange.number - first >= nth { Intervention::LoseAnswer } else { Intervention::Proceed }
        }));
        let (emulator, clock) = (stage.emulator.clone(), stage.clock.clone());
        let id = id();
        let run = std::pin::pin!(provisioner.clean_up(&id));
        let killed = std::pin::pin!(async move {
            while emulator.exchanges() < first + nth {
                clock.sleep(Duration::from_millis(20)).await;
            }
        });
        futures_util::future::select(run, killed).await;
        stage.emulator.on_exchange(Arc::new(|_| Intervention::Proceed));
        lease_runs_out(&stage).await;
        provisioner.clean_up(&id).await.unwrap_or_else(|error| panic!("exchange {nth}: {error:?}"));
        assert_eq!(stage.live(), Vec::<String>::new(), "exchange {nth}");
    }
}

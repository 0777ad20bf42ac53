//! The life of one process of the product: it runs again and again, dies, and is started anew.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use azconnect::core::{Attempt, Clock, Error, Retry, RetryPolicy, Secret};
use azconnect::credential::SinkId;
use azconnect::rotation::{Ports, Resolution, RotationOutcome, Rotator};
use azconnect::{Azure, Identity};
use time::OffsetDateTime;
use uuid::Uuid;

use super::cloud::{OPERATOR_SECRET, connection_id, operator, tenant};
use super::dice::Dice;
use super::gate::Life;
use super::plan::Cadence;
use super::ports::{Process, WorldJournal, WorldLease, WorldSecrets, WorldTransport};
use super::product::Product;
use super::stage::World;
use super::words::Span;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// How long a dead process keeps its lease.
const TERM: Duration = Duration::from_secs(60);

/// How long an operator leaves a rotation waiting in calm times.
const PATIENCE_OF_OPERATORS: Duration = Duration::from_secs(2 * 24 * HOUR);

/// Lives the life of a process, with all its deaths. It never ends by itself.
pub(super) async fn live(world: Arc<World>, number: usize) {
    let mut dice = Dice::new(world.plan.seed ^ (number as u64 + 1).wrapping_mul(0x6c69_6665));
    world.clock.sleep(world.plan.orchestrators[number].starts_after).await;
    loop {
        let gate = world.born(number);
        let process = Process { number, gate: gate.clone(), world: world.clone() };
        let one = OneLife {
            process: process.clone(),
            dice: Dice::new(dice.throw()),
            blocked: false,
            waits_since: None,
            tried: 0,
            failed: 0,
        };
        Life::new(gate, one.run()).await;
        world.judge.died(number);
        world.runs(number, false);
        let most = if world.calm_since().is_some() { 2 * MINUTE } else { dice.pick(&[MINUTE, 10 * MINUTE, 5 * HOUR]) };
        let pause = dice.seconds(0, most);
        world.tell_of(number, &format!("is dead, and starts again in {}", Span(pause)));
        world.clock.sleep(pause).await;
    }
}

/// From a start to a death.
struct OneLife {
    process: Process,
    dice: Dice,
    blocked: bool,
    /// Since when every outcome has been to wait.
    waits_since: Option<Duration>,
    /// How often an operator has tried to resolve it.
    tried: u32,
    failed: u32,
}

/// How a run ended, as far as the product's schedule cares.
enum End {
    Again(Option<OffsetDateTime>),
    Blocked(Option<OffsetDateTime>),
    Refused,
    Failed,
}

impl OneLife {
    async fn run(mut self) {
        let world = self.process.world.clone();
        let identity = self.identity();
        let rotator = self.rotator();
        loop {
            let product = world.product();
            world.judge.begins(self.process.number, &product);
            world.runs(self.process.number, true);
            let outcome = self.once(&rotator, &identity, &product).await;
            world.runs(self.process.number, false);
            let end = self.take(&outcome);
            world.heed();
            let pause = self.pause(end);
            self.process.gate.pass().await;
            world.clock.sleep(pause).await;
        }
    }

    async fn once(
        &mut self,
        rotator: &Rotator,
        identity: &Identity,
        product: &Product,
    ) -> Result<RotationOutcome, Error> {
        let target = product.target(identity);
        let world = self.process.world.clone();
        if self.is_stuck() && (world.calm_since().is_some() || self.dice.chance(60)) {
            let (resolution, words) = self.resolution(product);
            self.tried += 1;
            world.tell_of(self.process.number, &format!("an operator says: {words}"));
            world.judge.resolves(self.process.number, &resolution);
            return rotator.resolve(&target, resolution).await;
        }
        if world.take_force() {
            world.tell_of(self.process.number, "is asked to rotate now");
            return rotator.rotate_now(&target).await;
        }
        rotator.rotate(&target).await
    }

    /// Whether an operator looks at it: it is blocked, or has waited for days although nothing goes wrong any more.
    fn is_stuck(&mut self) -> bool {
        let world = &self.process.world;
        let now = world.clock.elapsed();
        let calm = world.calm_since().unwrap_or(now);
        let waits = self.waits_since.is_some_and(|since| now.saturating_sub(since.max(calm)) > PATIENCE_OF_OPERATORS);
        if waits {
            self.waits_since = Some(now);
        }
        self.blocked || waits
    }

    /// What an operator does who reads that it is blocked. In calm times he tries everything, the mildest first.
    fn resolution(&mut self, product: &Product) -> (Resolution, String) {
        let world = &self.process.world;
        let connections = world.plan.connections.len() as u64;
        let at = self.dice.below(connections) as usize;
        let calm = world.calm_since().is_some();
        let choice = if calm { u64::from(self.tried) } else { self.dice.weighted(&[(6, 1), (1, 3), (1, 4), (2, 5)]) };
        match choice {
            0..=1 => (Resolution::Retry, "try again".to_owned()),
            2 | 3 => {
                let existing = world.judge.existing();
                let gone = (0..connections as usize).find(|number| !existing.contains(number));
                let at = if calm { gone.unwrap_or(at) } else { at };
                let sink = SinkId::new(format!("devops:{}/{}", product.organization, connection_id(at))).unwrap();
                (Resolution::LeaveOut(sink), format!("leave connection {at} out"))
            }
            4 => (Resolution::TakeAsIs, "take it as it is".to_owned()),
            _ => (Resolution::Abandon, "abandon".to_owned()),
        }
    }

    /// Takes the outcome in, and tells it.
    fn take(&mut self, outcome: &Result<RotationOutcome, Error>) -> End {
        let world = &self.process.world;
        let (label, text, end) = match outcome {
            Err(error) => ("error".to_owned(), error.to_string(), End::Failed),
            Ok(outcome) => {
                let json = serde_json::to_value(outcome).unwrap_or_default();
                let label = json["outcome"].as_str().unwrap_or_default().to_owned();
                let end = match outcome {
                    RotationOutcome::Blocked { run_again_at, .. } => End::Blocked(*run_again_at),
                    RotationOutcome::Refused { .. } => End::Refused,
                    _ => End::Again(outcome.run_again_at()),
                };
                (label, words(outcome), end)
            }
        };
        world.ended(&label);
        let plain = world.judge.plain(&text);
        world.tell_of(self.process.number, &format!("ends its run: {label}; {plain}"));
        world.judge.concluded(self.process.number, outcome);
        self.blocked = matches!(end, End::Blocked(_));
        let waits = matches!(outcome, Ok(RotationOutcome::Waiting { .. }));
        self.waits_since = if waits { self.waits_since.or(Some(world.clock.elapsed())) } else { None };
        // It may wait, or fail otherwise, before it is blocked again: the operator remembers what he has tried.
        if matches!(
            outcome,
            Ok(RotationOutcome::Rotated { .. } | RotationOutcome::RolledBack { .. } | RotationOutcome::NotDue { .. })
        ) {
            self.tried = 0;
        }
        self.failed = if matches!(end, End::Failed) { self.failed + 1 } else { 0 };
        end
    }

    /// When the product runs it again.
    fn pause(&mut self, end: End) -> Duration {
        let world = &self.process.world;
        let now = world.clock_of(self.process.number).now();
        let told = |at: Option<OffsetDateTime>| at.map(|at| Duration::try_from(at - now).unwrap_or_default());
        if let Some(since) = world.calm_since() {
            let early = world.clock.elapsed().saturating_sub(since) < Duration::from_secs(6 * HOUR);
            let most = Duration::from_secs(if early { HOUR } else { 12 * HOUR });
            return match end {
                End::Again(at) => told(at).unwrap_or(most).min(most) + Duration::from_secs(1),
                End::Failed => Duration::from_secs(10 * MINUTE * u64::from(self.failed.min(12))),
                End::Blocked(_) | End::Refused => Duration::from_secs(4 * HOUR),
            };
        }
        let cadence = world.plan.orchestrators[self.process.number].cadence;
        match (end, cadence) {
            // A block may heal by itself, and says when.
            (End::Blocked(Some(at)), Cadence::AsTold) if self.dice.chance(50) => {
                told(Some(at)).unwrap_or_default().min(Duration::from_secs(12 * HOUR)) + Duration::from_secs(1)
            }
            (End::Blocked(_) | End::Refused, _) => self.dice.seconds(10 * MINUTE, 36 * HOUR),
            (End::Failed, _) => self.dice.seconds(1, 30 * MINUTE),
            (End::Again(at), Cadence::AsTold) => {
                let most = Duration::from_secs(12 * HOUR);
                told(at).unwrap_or(most).min(most) + Duration::from_secs(1)
            }
            (_, Cadence::Hourly) => Duration::from_secs(HOUR),
            (_, Cadence::AnyTime) => self.dice.seconds(MINUTE, 9 * HOUR),
        }
    }

    fn identity(&self) -> Identity {
        let world = &self.process.world;
        let inner = world.emulator.transport();
        let transport = Arc::new(WorldTransport { process: self.process.clone(), inner });
        let clock = Arc::new(world.clock_of(self.process.number));
        let azure = Azure::new(world.emulator.cloud(), transport, clock).with_retry(Arc::new(Evenly));
        azure.identity_with_secret(tenant(), operator(), Secret::new(OPERATOR_SECRET)).unwrap()
    }

    fn rotator(&self) -> Rotator {
        let process = || self.process.clone();
        let clock = Arc::new(self.process.world.clock_of(self.process.number));
        let (journal, secrets) = (Arc::new(WorldJournal(process())), Arc::new(WorldSecrets(process())));
        let ports = Ports::new(journal, secrets, Arc::new(WorldLease(process())), clock);
        let patience = self.process.world.plan.orchestrators[self.process.number].patience;
        let ids = Mutex::new(Dice::new(self.dice.clone().throw()));
        let next = move || {
            let mut dice = ids.lock().unwrap();
            Uuid::from_u64_pair(dice.throw(), dice.throw())
        };
        Rotator::new(ports).with_lease_term(TERM).with_patience(patience).with_ids(Arc::new(next))
    }
}

/// Repeats twice after even pauses: the usual policy adds a jitter that differs each time.
struct Evenly;

impl RetryPolicy for Evenly {
    fn pause(&self, attempt: &Attempt<'_>) -> Option<Duration> {
        let asked = match attempt.error.retry() {
            Retry::Backoff => Duration::from_secs(u64::from(attempt.number)),
            Retry::After(pause) => pause,
            _ => return None,
        };
        (attempt.number < 3 && attempt.elapsed + asked <= Duration::from_secs(60)).then_some(asked)
    }
}

/// An outcome in words, without a whole plan.
fn words(outcome: &RotationOutcome) -> String {
    match outcome {
        RotationOutcome::Refused { plan, .. } => {
            let blockers = plan.blockers();
            blockers.iter().map(|(_, check)| format!("{}: {}", check.code, check.cause)).collect::<Vec<_>>().join("; ")
        }
        RotationOutcome::NotDue { plan } => format!("due at {:?}", plan.due_at),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

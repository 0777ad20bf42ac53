//! One story in the small world, from its beginning to its end.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Error, ErrorKind, Journal, Lease, Retry, SecretStore};
use azconnect_credential::{CredentialIssuer, CredentialSink, CredentialVerifier};
use azconnect_rotation::{Policy, Ports, Resolution, RotationOutcome, Rotator, SinkBinding, Target};
use azconnect_testkit::fake::{Fault, Step};

use crate::judge::Process;
use crate::luck::{Kind, Luck};
use crate::ports::Port;
use crate::world::{DAY, TERM, World, sink};

/// How many runs a story may take.
const MOST_RUNS: u32 = 150;

/// How a story begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// The consumers hold a secret that was made by hand and adopted.
    ByHand,
    /// The consumers hold a secret of an earlier rotation, which is sealed.
    Sealed,
    /// As `Sealed`, and the second consumer refuses, so that the rotation turns back.
    WayBack,
}

#[derive(Clone, Copy, Debug)]
pub struct Story {
    pub beginning: Beginning,
    /// How long a run waits by itself.
    pub patience: Duration,
    /// Whether the second consumer is required.
    pub both_required: bool,
    /// What a person says of a rotation that is blocked.
    pub resolution: Answer,
}

/// What a person says first; if the rotation is blocked again, that person abandons it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Retry,
    LeaveOut,
    TakeAsIs,
    Abandon,
}

impl Answer {
    pub const ALL: [Self; 4] = [Self::Retry, Self::LeaveOut, Self::TakeAsIs, Self::Abandon];
}

impl Story {
    pub fn new(beginning: Beginning) -> Self {
        Self { beginning, patience: 30 * DAY, both_required: true, resolution: Answer::Retry }
    }
}

/// What came of a story.
pub struct Told {
    pub calls: Vec<Kind>,
    pub was_blocked: bool,
    pub violations: Vec<String>,
    pub story: Vec<String>,
}

pub fn policy() -> Policy {
    Policy::default().with_settle(Duration::from_secs(30)).with_attempts(3)
}

/// Tells a story with things that go wrong, each at a call of its own.
pub async fn tell(story: Story, plan: &[(usize, Luck)]) -> Told {
    let world = World::new();
    world.inner().judge.grace = policy().grace;
    let mut teller = Teller { world: world.clone(), story, log: Vec::new(), last: None, told_by: 0, resolved: 0 };
    if story.beginning != Beginning::ByHand {
        teller.rotate_calmly().await;
        let first = world.inner().judge.newest().unwrap();
        world.inner().judge.first = first;
        world.clock.sleep(61 * DAY).await;
    }
    let bound = [(sink("a"), true), (sink("b"), story.both_required)];
    world.inner().judge.bound = bound.into_iter().collect();
    if story.beginning == Beginning::WayBack {
        world.directory.break_down(Step::Push(sink("b")), Fault::Refused(ErrorKind::PermissionDenied));
    }
    world.begin(plan);
    teller.go_on().await;
    let mut inner = world.inner();
    let (calls, violations) = (inner.calls.clone(), std::mem::take(&mut inner.judge.violations));
    Told { calls, was_blocked: teller.resolved > 0, violations, story: teller.log }
}

struct Teller {
    world: Arc<World>,
    story: Story,
    log: Vec<String>,
    last: Option<RotationOutcome>,
    /// The process whose outcome that is.
    told_by: Process,
    /// How often a person was asked.
    resolved: u32,
}

/// How a run ended, as the world outside sees it.
enum Run {
    Ended(Result<RotationOutcome, Error>),
    Died,
}

impl Teller {
    fn accuse(&self, what: impl Into<String>) {
        self.world.inner().judge.accuse(what.into());
    }

    async fn rotate_calmly(&mut self) {
        let (rotator, target) = self.process();
        let outcome = rotator.with_patience(30 * DAY).rotate(&target).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    }

    fn process(&self) -> (Rotator, Target) {
        let process = {
            let mut inner = self.world.inner();
            inner.processes += 1;
            inner.processes
        };
        let world = &self.world;
        macro_rules! port {
            ($port:ty, $inner:expr) => {
                Arc::new(Port::<$port> { world: world.clone(), process, inner: $inner }) as Arc<$port>
            };
        }
        let ports = Ports::new(
            port!(dyn Journal, world.journal.clone()),
            port!(dyn SecretStore, world.secrets.clone()),
            port!(dyn Lease, world.lease.clone()),
            Arc::new(world.clock.clone()),
        );
        let binding = |name: &str| SinkBinding::new(port!(dyn CredentialSink, world.directory.sink(&sink(name))));
        let b = binding("b");
        let first = world.inner().judge.first;
        let target = Target::new(
            port!(dyn CredentialIssuer, world.directory.issuer()),
            port!(dyn CredentialVerifier, world.directory.verifier()),
        )
        .with_policy(policy())
        .with_sink(binding("a"))
        .with_sink(if self.story.both_required { b } else { b.optional() });
        let adopted = self.story.beginning == Beginning::ByHand && !world.inner().unadopted;
        world.inner().judge.builds(process, adopted || self.story.beginning != Beginning::ByHand);
        let target = if adopted { target.with_adopted(first) } else { target };
        (Rotator::new(ports).with_lease_term(TERM).with_patience(self.story.patience), target)
    }

    /// Runs until nothing is left to do, like a product that calls again when it was told to.
    async fn go_on(&mut self) {
        let mut asleep = None;
        for _ in 0..MOST_RUNS {
            let (rotator, target) = self.process();
            let ended_before = self.ended();
            let mut run = Box::pin(async move {
                if ended_before { rotator.resume(&target).await } else { rotator.rotate(&target).await }
            });
            let ended = tokio::select! {
                biased;
                outcome = &mut run => Run::Ended(outcome),
                () = self.world.stopped.notified() => Run::Died,
            };
            if std::mem::take(&mut self.world.inner().asleep) {
                asleep = Some(run);
            } else {
                drop(run);
            }
            if self.conclude(ended).await {
                if let Some(sleeper) = asleep.take() {
                    // Everything is done when it wakes.
                    self.log.push("the sleeper wakes".into());
                    self.world.woken.notify_one();
                    if tokio::time::timeout(DAY, sleeper).await.is_err() {
                        self.accuse("I12: a process that woke late does not end");
                    }
                    self.world.inner().judge.look(&self.world.directory);
                    continue;
                }
                return self.end().await;
            }
        }
        self.accuse("I12: no end");
    }

    fn ended(&self) -> bool {
        matches!(
            self.last,
            Some(
                RotationOutcome::Rotated { .. }
                    | RotationOutcome::RolledBack { .. }
                    | RotationOutcome::Abandoned { .. }
            )
        )
    }

    /// Notes how a run ended, waits as long as it said, and answers whether nothing is left to do.
    async fn conclude(&mut self, ended: Run) -> bool {
        let world = self.world.clone();
        match ended {
            Run::Died => {
                self.log.push(format!("{} the process stops", world.clock.now()));
                world.clock.sleep(TERM).await;
                return false;
            }
            Run::Ended(Err(error)) => {
                self.log.push(format!("{} error: {error}", world.clock.now()));
                world.clock.sleep(Duration::from_secs(60)).await;
                return false;
            }
            Run::Ended(Ok(outcome)) => {
                self.log.push(format!("{} {}", world.clock.now(), told(&outcome)));
                if let RotationOutcome::Blocked { .. } = &outcome {
                    self.resolve().await;
                    return false;
                }
                let again = outcome.run_again_at();
                self.note(&outcome);
                if !matches!(outcome, RotationOutcome::Waiting { .. })
                    && world.journal.unfinished().await.unwrap().is_empty()
                {
                    return true;
                }
                let pause = again.map(|at| Duration::try_from(at - world.clock.now()).unwrap_or_default());
                world.clock.sleep(pause.unwrap_or(Duration::from_secs(3600))).await;
            }
        }
        false
    }

    /// A person comes: everything works again, and that person says what is to be done.
    async fn resolve(&mut self) {
        self.world.calm();
        let answer = match self.resolved {
            0 => self.story.resolution,
            1 | 2 => Answer::Abandon,
            _ => return self.accuse("I12: blocked again and again"),
        };
        self.resolved += 1;
        let outcome = match self.say(answer).await {
            Err(error) if error.kind() == ErrorKind::InvalidInput && answer != Answer::Abandon => {
                self.log.push(format!("{answer:?} is refused: {error}"));
                self.say(Answer::Abandon).await
            }
            // The last process could not give its lease back, and the refusal says for how long it stays.
            Err(error) if pause_named_by(&error).is_some() => {
                self.log.push(format!("{answer:?} has to wait: {error}"));
                self.world.clock.sleep(pause_named_by(&error).unwrap_or_default()).await;
                self.say(answer).await
            }
            other => other,
        };
        match outcome {
            Ok(outcome) => {
                self.log.push(format!("{} {answer:?}: {}", self.world.clock.now(), told(&outcome)));
                self.note(&outcome);
            }
            Err(error) => self.accuse(format!("I12: the operator's call fails: {error}")),
        }
    }

    async fn say(&mut self, answer: Answer) -> Result<RotationOutcome, Error> {
        let (rotator, target) = self.process();
        let mut left_out = Vec::new();
        let resolution = match answer {
            Answer::Retry => Resolution::Retry,
            Answer::LeaveOut => {
                left_out.push(sink("b"));
                Resolution::LeaveOut(sink("b"))
            }
            Answer::TakeAsIs => {
                left_out.extend([sink("a"), sink("b")]);
                Resolution::TakeAsIs
            }
            Answer::Abandon => Resolution::Abandon,
        };
        {
            let judge = &mut self.world.inner().judge;
            judge.left_out.extend(left_out);
            judge.settled_by_hand |= matches!(answer, Answer::TakeAsIs | Answer::Abandon);
        }
        rotator.resolve(&target, resolution).await
    }

    fn note(&mut self, outcome: &RotationOutcome) {
        if !self.ended() {
            self.told_by = self.world.inner().processes;
            self.last = Some(outcome.clone());
        }
    }

    /// Nothing is left to do. Whatever happened, a rotation in a calm world then succeeds.
    async fn end(&mut self) {
        let rotated = matches!(self.last, Some(RotationOutcome::Rotated { .. }));
        self.world.inner().judge.at_the_end(self.told_by, &self.world.directory, rotated);
        if rotated || !self.world.inner().judge.violations.is_empty() {
            return;
        }
        self.world.calm();
        {
            let judge = &mut self.world.inner().judge;
            judge.left_out.clear();
            judge.settled_by_hand = false;
        }
        // The last run may have died before it gave its lease back.
        self.world.clock.sleep(TERM).await;
        let (rotator, target) = self.process();
        match rotator.with_patience(30 * DAY).rotate_now(&target).await {
            Ok(outcome @ RotationOutcome::Rotated { .. }) => {
                self.log.push(format!("afterwards: {}", told(&outcome)));
                let process = self.world.inner().processes;
                self.world.inner().judge.at_the_end(process, &self.world.directory, true);
            }
            other => self.accuse(format!("I12: the next rotation does not succeed: {}", short(&format!("{other:?}")))),
        }
    }
}

fn pause_named_by(error: &Error) -> Option<Duration> {
    match error.retry() {
        Retry::After(pause) => Some(pause),
        _ => None,
    }
}

fn told(outcome: &RotationOutcome) -> String {
    short(&format!("{outcome:?}"))
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

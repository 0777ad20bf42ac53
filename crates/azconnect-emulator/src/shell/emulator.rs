//! The emulator itself: one world, its faults, and the way of a request through it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

#[cfg(feature = "cli")]
use azconnect_core::ErrorKind;
use azconnect_core::{Clock, Cloud, Error, KeyId, Scope, Secret};
use azconnect_http::Transport;
use serde_json::json;

use super::control::Controls;
use super::fault::{CannedAnswer, Fault, FaultAction, Faults};
use super::person::Person;
#[cfg(feature = "cli")]
use super::record::{KeptRequest, Record, ReplayFault};
use super::resource_manager::ResourceManager;
#[cfg(feature = "cli")]
use super::seen::Log;
use super::seen::{Seen, SeenRequest};
use super::transport::InProcess;
use super::truth::Truth;
use super::visitor::Visitor;
use crate::base::answer::{Answer, WithHeader, json_answer, unknown_route};
use crate::base::call::Call;
use crate::base::moment::Moment;
use crate::base::origins::Service;
use crate::base::settings::Settings;
use crate::base::signer::Signer;
use crate::model::arm::failure::Failure;
use crate::model::key_maker::KeyMaker;
use crate::model::world::World;
use crate::service::arm::refusal;
use crate::service::{arm, devops, entra, graph, registry, vault};
use crate::setup::populate::populate;
use crate::setup::seed::Seed;

/// Microsoft Entra ID, Graph, Azure Resource Manager and Azure DevOps in one process.
///
/// Cheap to clone; clones share one world. Time is the clock's alone, so under a virtual clock nothing waits.
#[derive(Clone)]
pub struct Emulator(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    world: Mutex<World>,
    faults: Faults,
    exchanges: AtomicU64,
    observer: RwLock<Option<Observer>>,
    late: Mutex<Vec<Late>>,
    seen: Mutex<Seen>,
    /// What every exchange takes longer.
    latency: AtomicDuration,
    /// The text of the seed, to begin anew with.
    seed: Option<Secret>,
    controls: OnceLock<Controls>,
    #[cfg(feature = "cli")]
    record: Mutex<Option<Record>>,
}

/// A request that is still on its way, and when the service gets it.
struct Late {
    due: Duration,
    call: Call,
}

/// Decides about each exchange before it happens. See [`Emulator::on_exchange`].
pub type Observer = Arc<dyn Fn(&Exchange) -> Intervention + Send + Sync>;

/// An exchange that is about to happen.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// The number of the exchange, counted from 1 over all services.
    pub number: u64,
    /// The service that the request is for.
    pub service: Service,
    /// The HTTP method, such as `POST`.
    pub method: String,
    /// The path, percent-encoded as it came, without the query.
    pub path: String,
}

/// What an observer makes of an exchange.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Intervention {
    /// It happens, subject to the fault script.
    Proceed,
    /// The connection breaks before the service acts.
    DropBefore,
    /// The service acts, and its answer is lost.
    LoseAnswer,
    /// The connection is refused, so the service does not act.
    Refuse,
    /// The caller gets this answer instead of the service's.
    Answer(CannedAnswer),
    /// The connection breaks now, and the service acts this much later, when nobody waits for its answer any more.
    ArriveLate(Duration),
    /// No answer ever comes, and the connection does not break: only the caller's own time limit ends the call.
    Hang {
        /// Whether the service has acted.
        applied: bool,
    },
}

/// How an exchange ended, as the caller's transport reports it.
pub(crate) enum ExchangeOutcome {
    Answered(Answer),
    Broken,
    Refused,
}

impl ExchangeOutcome {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(answer) => Some(answer.status().as_u16()),
            Self::Broken | Self::Refused => None,
        }
    }
}

/// A request on its way. It is seen when its exchange ends, also where the caller gives it up.
struct Noted<'a> {
    emulator: &'a Emulator,
    request: Option<SeenRequest>,
    began: Duration,
    status: Option<u16>,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        if let Some(request) = self.request.take() {
            let request = request.answered(self.status, self.began, self.emulator.now());
            self.emulator.seen().add(request);
        }
    }
}

/// A duration that is read without a lock, in whole microseconds.
#[derive(Default)]
struct AtomicDuration(AtomicU64);

impl AtomicDuration {
    #[cfg(feature = "cli")]
    fn set(&self, duration: Duration) {
        self.0.store(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst))
    }
}

impl Emulator {
    /// An emulator without tenants, organizations or subscriptions, under the default settings.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::beginning(clock, None)
    }

    fn beginning(clock: Arc<dyn Clock>, seed: Option<Secret>) -> Self {
        let world = World::empty(Settings::default(), moment(&*clock));
        Self(Arc::new(Inner {
            clock,
            world: Mutex::new(world),
            faults: Faults::default(),
            exchanges: AtomicU64::new(0),
            observer: RwLock::new(None),
            late: Mutex::default(),
            seen: Mutex::default(),
            latency: AtomicDuration::default(),
            seed,
            controls: OnceLock::new(),
            #[cfg(feature = "cli")]
            record: Mutex::default(),
        }))
    }

    /// An emulator filled from a seed, whose relative times count from now.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) where parts of the seed contradict each other, such
    /// as a connection that holds a password no application has.
    pub fn from_seed(seed: Seed, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let emulator = Self::beginning(clock, seed.source.as_ref().map(Secret::duplicate));
        let now = emulator.now();
        populate(&mut emulator.world(), seed, now)?;
        Ok(emulator)
    }

    /// Replaces the settings, and with them the seed of every later choice.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        let now = self.now();
        self.world().adopt(settings, now);
        self
    }

    /// Changes the settings while the emulator runs, such as a lag, and keeps the course of all later choices.
    pub fn adjust(&self, change: impl FnOnce(Settings) -> Settings) {
        let mut world = self.world();
        world.settings = change(world.settings.clone());
    }

    /// Begins anew: the world is what the seed says, under the settings of this moment. Faults, requests that are on their
    /// way and those that were seen are forgotten; the clock goes on.
    ///
    /// # Errors
    /// None, where the seed could be used before.
    pub fn reset(&self) -> Result<(), Error> {
        self.begin_at(self.now())
    }

    fn begin_at(&self, now: Moment) -> Result<(), Error> {
        let (settings, keeps_keys, signer) = {
            let world = self.world();
            (world.settings.clone(), world.key_maker.is_keeping(), world.tokens.signer)
        };
        let mut fresh = World::empty(Settings::default(), now);
        fresh.key_maker = KeyMaker::keeping(keeps_keys);
        fresh.tokens.signer = signer;
        if let Some(text) = &self.0.seed {
            populate(&mut fresh, Seed::from_json(text.expose())?, now)?;
        }
        fresh.settings = settings;
        {
            let mut world = self.world();
            *world = fresh;
            // Under the lock of the world: a request belongs to the record of the world that acts on it.
            #[cfg(feature = "cli")]
            if let Some(record) = &mut *self.0.record.lock().unwrap_or_else(PoisonError::into_inner) {
                *record = Record::beginning(now);
            }
        }
        self.faults().clear();
        self.0.late.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.seen().clear();
        Ok(())
    }

    /// Keeps what the services act on from now on, after they have acted on what was kept before. The settings are those of
    /// this moment.
    ///
    /// # Errors
    /// If what was kept is no record, or its requests are answered in another way than they were.
    #[cfg(feature = "cli")]
    pub(crate) fn keep_record(&self, former: Option<Record>) -> Result<(), ReplayFault> {
        let record = former.unwrap_or_else(|| Record::beginning(self.now()));
        let began = record.began.moment().ok_or(ReplayFault::Damaged)?;
        // Made anew also where nothing was kept: ids follow from the very moment that the record names.
        self.begin_at(began).map_err(|_| ReplayFault::Damaged)?;
        self.world().key_maker = record.key_maker()?;
        for (place, request) in record.requests.iter().enumerate() {
            let (call, failure) = request.call().ok_or(ReplayFault::Damaged)?;
            // What was answered was read then, or lost.
            let (then, now) = (request.status, self.serve(&call, failure).status().as_u16());
            if then != now {
                let (number, of) = (place + 1, record.requests.len());
                return Err(ReplayFault::AnsweredOtherwise { number, of, then, now });
            }
        }
        if !record.is_made_by(&self.world().key_maker) {
            return Err(ReplayFault::Damaged);
        }
        self.0.exchanges.store(record.requests.len() as u64, Ordering::SeqCst);
        *self.0.record.lock().unwrap_or_else(PoisonError::into_inner) = Some(record);
        Ok(())
    }

    /// What the services have acted on since the start, where it is kept.
    ///
    /// # Errors
    /// [`Unexpected`](azconnect_core::ErrorKind::Unexpected) if a key of a vault cannot be written.
    #[cfg(feature = "cli")]
    pub(crate) fn record(&self) -> Result<Option<Record>, Error> {
        // Under the lock of the world: the keys are those of these requests.
        let world = self.world();
        let record = self.0.record.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let unwritten = || Error::new(ErrorKind::Unexpected, "a key of a vault cannot be written");
        record.map(|record| record.with_keys(&world.key_maker).ok_or_else(unwritten)).transpose()
    }

    /// What people do behind everybody's back, in a portal or a terminal.
    pub fn person(&self) -> Person {
        Person::new(self.clone())
    }

    /// Adds a fault to the script that applies to every matching exchange from now on, for this long. Returns its number.
    pub fn inflict(&self, fault: Fault, time: Duration) -> u64 {
        self.faults().add(fault.forever().with_end(self.now().elapsed_after(time)))
    }

    /// Has a service answer 429 for this long, with what is left of it in `Retry-After`. Returns the fault's number.
    pub fn throttle(&self, service: Service, time: Duration) -> u64 {
        let elapsed = self.now().elapsed_after(time);
        self.faults().add(Fault::new(FaultAction::ThrottleUntil { elapsed }).with_service(service).forever())
    }

    /// The cloud that clients of [`Emulator::transport`] use: the public one, whose host names are routed.
    pub fn cloud(&self) -> Cloud {
        Cloud::public()
    }

    /// A transport that reaches the emulator without a socket.
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(InProcess::new(self.clone()))
    }

    /// The fault script, shared by all clones of the emulator.
    pub fn faults(&self) -> Faults {
        self.0.faults.clone()
    }

    /// The ground truth at this moment, whatever lags and replicas show.
    pub fn truth(&self) -> Truth {
        self.catch_up();
        let now = self.now();
        let mut world = self.world();
        // The truth is that of this moment, also where no request has come since.
        arm::settle(&mut world, now);
        Truth::of(&world, now, self.exchanges())
    }

    /// Sets Azure Resource Manager up and looks inside: roles, quotas, the inside of machines, the ledger.
    pub fn resource_manager(&self) -> ResourceManager {
        ResourceManager::new(self.clone())
    }

    /// The text of a secret, by the id of its key, also after its removal. Only in process: no route serves it.
    pub fn secret_of(&self, key: KeyId) -> Option<Secret> {
        self.world().directory.secret_of(&key.to_string())
    }

    /// A token of a person for a scope, such as an interactive sign-in gives. `None` if no tenant has that person or the
    /// scope names no resource.
    pub fn sign_in(&self, user_principal_name: &str, scope: &Scope) -> Option<Secret> {
        let now = self.now();
        entra::user_token(&mut self.world(), user_principal_name, scope.as_str(), now)
    }

    /// Somebody in front of a browser, who reaches the emulator without a socket. See [`Visitor`].
    pub fn visitor(&self) -> Visitor {
        Visitor::over(self.transport())
    }

    /// How many requests were received, including those that a fault applied to.
    pub fn exchanges(&self) -> u64 {
        self.0.exchanges.load(Ordering::SeqCst)
    }

    /// Asks `observer` about every exchange before it happens, in place of any earlier observer.
    ///
    /// The observer may call any method of the emulator, such as [`Emulator::truth`]. Its decision takes precedence over
    /// the fault script.
    pub fn on_exchange(&self, observer: Observer) {
        *self.0.observer.write().unwrap_or_else(PoisonError::into_inner) = Some(observer);
    }

    pub(crate) fn has_registry(&self, host: &str) -> bool {
        self.world().registries.iter().any(|registry| registry.host.eq_ignore_ascii_case(host))
    }

    /// The names of the seed's key vaults, in its order.
    pub(crate) fn vault_names(&self) -> Vec<String> {
        self.world().vaults.iter().map(|vault| vault.name.clone()).collect()
    }

    /// The host names of the seed's registries.
    #[cfg(feature = "cli")]
    pub(crate) fn registry_hosts(&self) -> Vec<String> {
        self.world().registries.iter().map(|registry| registry.host.clone()).collect()
    }

    /// Whether a text is a token that was issued here, for whatever and however long ago.
    pub(crate) fn issued(&self, token: &str) -> bool {
        self.world().tokens.is_known(token)
    }

    /// Signs tokens from now on.
    pub(crate) fn sign_tokens(&self) {
        let signer = Signer::of_process();
        self.world().tokens.signer = signer;
    }

    /// The requests that were seen.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how many requests seen are remembered, and where a line for each request goes.
    #[cfg(feature = "cli")]
    pub(crate) fn remember(&self, kept: usize, log: Option<Log>) {
        self.seen().set(kept, log);
    }

    /// Makes every exchange take this much longer, by the emulator's clock.
    #[cfg(feature = "cli")]
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.0.latency.set(latency);
    }

    /// Gives the control routes what only the program can do; once.
    #[cfg(feature = "cli")]
    pub(crate) fn set_controls(&self, controls: Controls) {
        drop(self.0.controls.set(controls));
    }

    pub(crate) fn controls(&self) -> Option<&Controls> {
        self.0.controls.get()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn now(&self) -> Moment {
        moment(self.clock())
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The whole way of one request.
    ///
    /// # Cancel safety
    /// Dropped during a delay, the service has acted or not as the delay says.
    pub(crate) async fn exchange(&self, call: Call) -> ExchangeOutcome {
        let number = self.0.exchanges.fetch_add(1, Ordering::SeqCst) + 1;
        let (request, began) = (SeenRequest::of(number, &call), call.now.elapsed);
        let mut noted = Noted { emulator: self, request: Some(request), began, status: None };
        let actions = match self.verdict(number, &call) {
            Intervention::Proceed => self.0.faults.meet(&call),
            Intervention::DropBefore => vec![FaultAction::DropBefore],
            Intervention::LoseAnswer => vec![FaultAction::LoseAnswer],
            Intervention::Refuse => vec![FaultAction::Refuse],
            Intervention::Answer(answer) => vec![FaultAction::Answer(answer)],
            Intervention::ArriveLate(after) => vec![FaultAction::ArriveLate { after }],
            Intervention::Hang { applied } => vec![FaultAction::Hang { applied }],
        };
        // The world is not locked during a pause: other requests go on.
        self.pause(&actions, false).await;
        let outcome = self.decide(call, &actions);
        self.pause(&actions, true).await;
        match outcome {
            Some(outcome) => {
                noted.status = outcome.status();
                outcome
            }
            // Whoever sent the request gives it up, and drops this future.
            None => std::future::pending().await,
        }
    }

    /// Lets the services have the requests that were held back until now, in the order in which they arrive.
    pub(crate) fn catch_up(&self) {
        let now = self.now();
        let mut due: Vec<Late> = {
            let mut late = self.0.late.lock().unwrap_or_else(PoisonError::into_inner);
            late.extract_if(.., |late| late.due <= now.elapsed).collect()
        };
        // Stable: what was held back first arrives first.
        due.sort_by_key(|late| late.due);
        for Late { due, call } in due {
            self.serve(&Call { now: now.at(due), ..call }, None);
        }
    }

    fn hold_back(&self, call: Call, after: Duration) {
        let due = call.now.elapsed_after(after);
        self.0.late.lock().unwrap_or_else(PoisonError::into_inner).push(Late { due, call });
    }

    fn verdict(&self, number: u64, call: &Call) -> Intervention {
        let observer = self.0.observer.read().unwrap_or_else(PoisonError::into_inner).clone();
        // A copy, so that no lock is held while the observer runs: it may call the emulator.
        let Some(observer) = observer else { return Intervention::Proceed };
        observer(&Exchange { number, service: call.service, method: call.method.to_string(), path: call.path.clone() })
    }

    async fn pause(&self, actions: &[FaultAction], after: bool) {
        let total: Duration = actions
            .iter()
            .map(|action| match action {
                FaultAction::Delay { time, applied } if *applied == after => *time,
                _ => Duration::ZERO,
            })
            .sum();
        let total = if after { total } else { total.saturating_add(self.0.latency.get()) };
        if !total.is_zero() {
            self.clock().sleep(total).await;
        }
    }

    /// What becomes of an exchange; nothing if no answer ever comes.
    fn decide(&self, call: Call, actions: &[FaultAction]) -> Option<ExchangeOutcome> {
        self.catch_up();
        // A delay may have passed since the request came in.
        let call = Call { now: self.now(), ..call };
        let mut failure = None;
        for action in actions {
            match action {
                FaultAction::LoseAnswer => {
                    self.serve(&call, failure);
                    return Some(ExchangeOutcome::Broken);
                }
                FaultAction::DropBefore => return Some(ExchangeOutcome::Broken),
                FaultAction::ArriveLate { after } => {
                    self.hold_back(call, *after);
                    return Some(ExchangeOutcome::Broken);
                }
                FaultAction::Hang { applied } => {
                    if *applied {
                        self.serve(&call, failure);
                    }
                    return None;
                }
                FaultAction::Refuse => return Some(ExchangeOutcome::Refused),
                FaultAction::Answer(answer) => {
                    if answer.is_applied() {
                        self.serve(&call, failure);
                    }
                    return Some(ExchangeOutcome::Answered(answer.to_answer()));
                }
                FaultAction::Throttle { status, retry_after } => {
                    return Some(ExchangeOutcome::Answered(throttled(*status, *retry_after)));
                }
                FaultAction::ThrottleUntil { elapsed } => {
                    let left = elapsed.saturating_sub(call.now.elapsed);
                    // Rounded up: a pause that ends too soon would be an invitation to be throttled again.
                    let left = Duration::from_secs(left.as_secs() + u64::from(left.subsec_nanos() > 0));
                    return Some(ExchangeOutcome::Answered(throttled(429, Some(left))));
                }
                // Accepted for now: the operation that the request begins will fail.
                FaultAction::Fail(later) if later.in_operation => failure = Some(later),
                FaultAction::Fail(failure) => {
                    return Some(ExchangeOutcome::Answered(refusal::answer(&failure.refusal)));
                }
                FaultAction::AddHeaders(_) | FaultAction::Delay { .. } => {}
            }
        }
        let answer = actions.iter().fold(self.serve(&call, failure), |answer, action| match action {
            FaultAction::AddHeaders(headers) => {
                headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
            }
            _ => answer,
        });
        Some(ExchangeOutcome::Answered(answer))
    }

    /// Lets the service answer, and act on its world.
    fn serve(&self, call: &Call, failure: Option<&Failure>) -> Answer {
        let mut world = self.world();
        let answer = match call.service {
            Service::Login => entra::answer(call, &mut world),
            Service::ResourceManager => arm::answer(call, failure, &mut world),
            Service::Graph => graph::answer(call, &mut world),
            Service::DevOps | Service::DevOpsIdentity | Service::DevOpsProfile => devops::answer(call, &mut world),
            Service::Registry => registry::answer(call, &mut world),
            Service::KeyVault => vault::answer(call, &mut world),
        };
        let answer = answer.unwrap_or_else(|| {
            world.note_unknown_route(call);
            unknown_route(call)
        });
        // Still under the lock of the world: the order of the record is the order in which the services act.
        #[cfg(feature = "cli")]
        if let Some(record) = &mut *self.0.record.lock().unwrap_or_else(PoisonError::into_inner) {
            record.requests.push(KeptRequest::of(call, failure, &answer));
        }
        answer
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("exchanges", &self.exchanges()).finish_non_exhaustive()
    }
}

fn moment(clock: &dyn Clock) -> Moment {
    Moment { wall: clock.now(), elapsed: clock.elapsed() }
}

/// A request to slow down, in words every service's clients read: they decide on the status and `Retry-After`.
fn throttled(status: u16, retry_after: Option<Duration>) -> Answer {
    let (code, message) = if status == 503 {
        ("ServiceUnavailable", "The service is temporarily unavailable.")
    } else {
        ("TooManyRequests", "Too many requests.")
    };
    let answer = json_answer(status, &json!({"error": {"code": code, "message": message}}));
    match retry_after {
        Some(pause) => answer.with_header("retry-after", &pause.as_secs().to_string()),
        None => answer,
    }
}

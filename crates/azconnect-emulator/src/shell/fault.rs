//! Scripted faults: what goes wrong on the way to a service and back.

mod script;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::Error;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::base::answer::{Answer, WithHeader, empty, json_answer, typed};
use crate::base::call::Call;
use crate::base::origins::Service;
use crate::model::arm::failure::Failure;

/// What goes wrong in an exchange.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FaultAction {
    /// The service acts, and the connection breaks before its answer.
    LoseAnswer,
    /// The connection breaks before the service has seen the request. The client cannot tell this from
    /// [`FaultAction::LoseAnswer`].
    DropBefore,
    /// The connection is refused. Over a real socket, where the request is read before the fault is found, this is
    /// [`FaultAction::DropBefore`].
    Refuse,
    /// The script answers instead of the service.
    Answer(CannedAnswer),
    /// The service is asked to slow down: 429 or 503, with a pause.
    Throttle {
        /// The HTTP status, 429 or 503.
        status: u16,
        /// The pause that the answer names in `Retry-After`, if any.
        retry_after: Option<Duration>,
    },
    /// The service is asked to slow down, 429, until its clock has run for this long; `Retry-After` says what is left.
    ThrottleUntil {
        /// The emulator's [`Clock::elapsed`](azconnect_core::Clock::elapsed) from which on the service serves again.
        elapsed: Duration,
    },
    /// The connection breaks now, and the request reaches the service later, as from a network that held it back: the
    /// service acts when nobody waits for its answer any more.
    ArriveLate {
        /// How much later the service acts, by the emulator's clock.
        after: Duration,
    },
    /// No answer ever comes, and the connection does not break: only the caller's own time limit ends the call.
    Hang {
        /// Whether the service has acted.
        applied: bool,
    },
    /// The service acts and answers, and these headers are added, such as `Retry-After` on a success.
    AddHeaders(Vec<(String, String)>),
    /// Azure Resource Manager refuses the request, or accepts it and fails later.
    Fail(Failure),
    /// The exchange takes longer, by the emulator's clock.
    Delay {
        /// How much longer the exchange takes.
        time: Duration,
        /// Whether the service has already acted when the pause begins.
        applied: bool,
    },
}

/// An answer that the script gives instead of the service.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CannedAnswer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Value,
    applied: bool,
}

impl CannedAnswer {
    /// An answer with a status and no body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Value::Null, applied: false }
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body: a text is sent as it is, anything else as JSON, and `null` as nothing.
    #[must_use]
    pub fn with_body(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    /// Makes the service act first, so that the answer hides what it did.
    #[must_use]
    pub fn with_effect_applied(mut self) -> Self {
        self.applied = true;
        self
    }

    pub(crate) fn is_applied(&self) -> bool {
        self.applied
    }

    pub(crate) fn to_answer(&self) -> Answer {
        let answer = match &self.body {
            Value::Null => empty(self.status),
            Value::String(text) => typed(self.status, "text/plain; charset=utf-8", Bytes::from(text.clone())),
            other => json_answer(self.status, other),
        };
        self.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
    }
}

/// A fault: the exchanges it applies to, and what happens to them.
///
/// ```
/// use azconnect_emulator::{Fault, FaultAction, Service};
///
/// // The second secret that is added is added, and nobody learns of it.
/// let fault = Fault::new(FaultAction::LoseAnswer)
///     .with_service(Service::Graph)
///     .with_path("/v1.0/applications/{id}/addPassword")
///     .with_nth(2);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    service: Option<Service>,
    method: Option<String>,
    path: Option<String>,
    nth: u32,
    count: Option<u32>,
    end: Option<Duration>,
    action: FaultAction,
}

impl Fault {
    /// A fault that applies to the first exchange, once.
    pub fn new(action: FaultAction) -> Self {
        Self { service: None, method: None, path: None, nth: 1, count: Some(1), end: None, action }
    }

    /// Limits the fault to exchanges with this service.
    #[must_use]
    pub fn with_service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Limits the fault to exchanges with this method, such as `POST`, in any case.
    #[must_use]
    pub fn with_method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only exchanges with this path. With braces it is a template of the whole path, in which each pair stands for one
    /// segment (`/a/{id}/b`); without braces it is a part of the path and query. Case does not matter.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Begins with the nth exchange that matches, counted from 1.
    #[must_use]
    pub fn with_nth(mut self, nth: u32) -> Self {
        self.nth = nth.max(1);
        self
    }

    /// Applies to this many matching exchanges from there on.
    #[must_use]
    pub fn with_count(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Applies to every matching exchange from there on, until [`Faults::clear`].
    #[must_use]
    pub fn forever(mut self) -> Self {
        self.count = None;
        self
    }

    /// Ends when the emulator's [`Clock::elapsed`](azconnect_core::Clock::elapsed) has reached `elapsed`, however often
    /// it has applied. [`Emulator::inflict`](crate::Emulator::inflict) counts from now.
    #[must_use]
    pub fn with_end(mut self, elapsed: Duration) -> Self {
        self.end = Some(elapsed);
        self
    }

    fn is_over(&self, elapsed: Duration) -> bool {
        let throttled_until = match self.action {
            FaultAction::ThrottleUntil { elapsed } => Some(elapsed),
            _ => None,
        };
        [self.end, throttled_until].into_iter().flatten().any(|end| end <= elapsed)
    }

    fn meets(&self, call: &Call) -> bool {
        !self.is_over(call.now.elapsed)
            && self.service.is_none_or(|service| service == call.service)
            && self.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(call.method.as_str()))
            && self.path.as_deref().is_none_or(|path| path_matches(path, call))
    }
}

/// Whether a template or a part matches the path of a call.
fn path_matches(pattern: &str, call: &Call) -> bool {
    if pattern.contains('{') {
        let wanted: Vec<&str> = pattern.trim_matches('/').split('/').collect();
        return wanted.len() == call.segments.len()
            && wanted.iter().zip(&call.segments).all(|(wanted, segment)| {
                (wanted.starts_with('{') && wanted.ends_with('}')) || wanted.eq_ignore_ascii_case(segment)
            });
    }
    let query: Vec<String> = call.query.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!("/{}?{}", call.segments.join("/"), query.join("&")).to_ascii_lowercase();
    text.contains(&pattern.to_ascii_lowercase())
}

/// A fault of the script, with how often it matched and applied so far.
#[derive(Debug)]
struct ScriptedFault {
    id: u64,
    fault: Fault,
    matched: u32,
    hits: u32,
}

#[derive(Debug, Default)]
struct Script {
    next_id: u64,
    standing: Vec<ScriptedFault>,
}

/// The fault script of an emulator. Cheap to clone; clones share the script.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Script>>);

impl Faults {
    /// Adds a fault to the script, and returns its number.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut script = self.lock();
        script.next_id += 1;
        let id = script.next_id;
        script.standing.push(ScriptedFault { id, fault, matched: 0, hits: 0 });
        id
    }

    /// Removes every fault from the script.
    pub fn clear(&self) {
        self.lock().standing.clear();
    }

    /// How many exchanges a fault has applied to.
    pub fn hits(&self, id: u64) -> u32 {
        self.lock().standing.iter().find(|standing| standing.id == id).map_or(0, |standing| standing.hits)
    }

    /// How many exchanges all faults together have applied to.
    pub fn total_hits(&self) -> u32 {
        self.lock().standing.iter().map(|standing| standing.hits).sum()
    }

    /// Reads one fault, or a list of them, from JSON and adds them; nothing is added unless all can be read.
    ///
    /// ```json
    /// {"service": "graph", "method": "POST", "path": "addPassword", "nth": 1, "count": 1,
    ///  "action": {"kind": "throttle", "status": 429, "retryAfter": 5}}
    /// ```
    /// Kinds: `lose_answer`; `drop_before`; `refuse`; `answer` with `status`, `headers`, `body`, `applied`; `throttle`
    /// with `status`, `retryAfter` (seconds); `arrive_late` with `milliseconds`; `hang` with `applied`; `add_headers` with `headers`; `fail` (Azure Resource Manager) with `code`,
    /// `status`, `message`, `target`, `shape`, `retryAfter`, `inOperation`, `canceled`, `seconds`; `delay` with
    /// `milliseconds`, `applied`.
    /// A `count` of `null` means forever.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput), naming the field.
    pub fn add_json(&self, text: &str) -> Result<Vec<u64>, Error> {
        Ok(script::read(text)?.into_iter().map(|fault| self.add(fault)).collect())
    }

    /// The script as JSON, with how often each fault has applied.
    pub(crate) fn to_json(&self) -> Value {
        let script = self.lock();
        script
            .standing
            .iter()
            .map(|standing| {
                json!({
                    "id": standing.id,
                    "service": standing.fault.service,
                    "method": standing.fault.method,
                    "path": standing.fault.path,
                    "nth": standing.fault.nth,
                    "count": standing.fault.count,
                    "action": kind(&standing.fault.action),
                    "hits": standing.hits,
                })
            })
            .collect()
    }

    /// What this exchange meets: at most one action that decides the answer, and any number of delays and headers.
    pub(crate) fn meet(&self, call: &Call) -> Vec<FaultAction> {
        let mut decided = false;
        let mut actions = Vec::new();
        for standing in &mut self.lock().standing {
            if !standing.fault.meets(call) {
                continue;
            }
            standing.matched += 1;
            let spent = standing.fault.count.is_some_and(|count| standing.hits >= count);
            let decides = !matches!(standing.fault.action, FaultAction::Delay { .. } | FaultAction::AddHeaders(_));
            // One fault decides the answer; the next of its kind waits for another exchange.
            if standing.matched < standing.fault.nth || spent || (decides && decided) {
                continue;
            }
            standing.hits += 1;
            decided |= decides;
            actions.push(standing.fault.action.clone());
        }
        actions
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn kind(action: &FaultAction) -> &'static str {
    match action {
        FaultAction::LoseAnswer => "lose_answer",
        FaultAction::DropBefore => "drop_before",
        FaultAction::Refuse => "refuse",
        FaultAction::Answer(_) => "answer",
        FaultAction::Throttle { .. } => "throttle",
        FaultAction::ThrottleUntil { .. } => "throttle_until",
        FaultAction::ArriveLate { .. } => "arrive_late",
        FaultAction::Hang { .. } => "hang",
        FaultAction::AddHeaders(_) => "add_headers",
        FaultAction::Fail(_) => "fail",
        FaultAction::Delay { .. } => "delay",
    }
}

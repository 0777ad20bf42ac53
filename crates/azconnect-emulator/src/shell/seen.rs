//! The requests that were seen: the last ones, without what may be secret in them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use super::mask;
use crate::base::call::Call;
use crate::base::moment::{Moment, rfc3339};

/// How many requests are kept unless another number is asked for.
pub(crate) const KEPT: usize = 1_000;

/// A request as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SeenRequest {
    /// Counted from 1 over all services.
    number: u64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    service: &'static str,
    method: String,
    address: String,
    headers: BTreeMap<&'static str, String>,
    /// What it was answered; nothing where no answer was given.
    status: Option<u16>,
    milliseconds: u64,
}

impl SeenRequest {
    /// Notes a request that has just arrived.
    pub(crate) fn of(number: u64, call: &Call) -> Self {
        Self {
            number,
            at: call.now.wall,
            service: call.service.name(),
            method: call.method.to_string(),
            address: mask::address(call),
            headers: mask::headers(&call.headers).into_iter().collect(),
            status: None,
            milliseconds: 0,
        }
    }

    /// Notes its answer.
    pub(crate) fn answered(mut self, status: Option<u16>, began: Duration, now: Moment) -> Self {
        self.status = status;
        self.milliseconds = u64::try_from(now.elapsed.saturating_sub(began).as_millis()).unwrap_or(u64::MAX);
        self
    }

    fn line(&self) -> String {
        let Self { number, service, method, address, milliseconds, .. } = self;
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        format!("{} {number} {service} {method} {address} {status} {milliseconds} ms", rfc3339(self.at))
    }
}

/// Where the line of each request goes.
pub(crate) type Log = Box<dyn Fn(&str) + Send + Sync>;

/// The last requests, and a log for all of them.
pub(crate) struct Seen {
    kept: usize,
    requests: VecDeque<SeenRequest>,
    log: Option<Log>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { kept: KEPT, requests: VecDeque::new(), log: None }
    }
}

impl Seen {
    /// Sets how many are kept, and where a line for each goes.
    #[cfg(feature = "cli")]
    pub(crate) fn set(&mut self, kept: usize, log: Option<Log>) {
        (self.kept, self.log) = (kept, log);
    }

    pub(crate) fn add(&mut self, request: SeenRequest) {
        if let Some(log) = &self.log {
            log(&request.line());
        }
        self.requests.push_back(request);
        let surplus = self.requests.len().saturating_sub(self.kept);
        self.requests.drain(..surplus);
    }

    pub(crate) fn all(&self) -> Vec<SeenRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }
}

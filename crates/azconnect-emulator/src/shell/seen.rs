//! The requests that were seen: the last ones, without what may be secret in them, and those that a port refused.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use http::{HeaderMap, Method, Uri};
use serde::Serialize;
use time::OffsetDateTime;

use super::mask;
use crate::base::call::{Call, Query};
use crate::base::moment::{Moment, rfc3339};
use crate::base::origins::Service;

/// How many requests are kept unless another number is asked for.
pub(crate) const KEPT: usize = 1_000;

/// A request as it is shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SeenRequest {
    /// Counted from 1 over all services; nothing for one that no service has seen.
    number: Option<u64>,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    service: Option<&'static str>,
    method: String,
    address: String,
    headers: BTreeMap<&'static str, String>,
    /// What it was answered; nothing where no answer was given.
    status: Option<u16>,
    milliseconds: u64,
    /// Why it was refused at the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl SeenRequest {
    /// Notes a request that has just arrived.
    pub(crate) fn of(number: u64, call: &Call) -> Self {
        Self {
            number: Some(number),
            at: call.now.wall,
            service: Some(call.service.name()),
            method: mask::sentence(call.method.as_str()),
            address: mask::address(&call.path, &call.query),
            headers: mask::headers(&call.headers).into_iter().collect(),
            status: None,
            milliseconds: 0,
            refused: None,
        }
    }

    /// Notes what a port has refused, and why.
    pub(crate) fn refused(now: Moment, reason: &str) -> Self {
        Self {
            number: None,
            at: now.wall,
            service: None,
            method: String::new(),
            address: String::new(),
            headers: BTreeMap::new(),
            status: None,
            milliseconds: 0,
            refused: Some(mask::sentence(reason)),
        }
    }

    /// Notes what it was answered.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Notes what was read of it.
    pub(crate) fn with_head(
        self,
        service: Option<Service>,
        method: &Method,
        address: &Uri,
        headers: &HeaderMap,
    ) -> Self {
        Self {
            service: service.map(Service::name),
            method: mask::sentence(method.as_str()),
            // Of `CONNECT`, the address is a host.
            address: match address.authority().filter(|_| address.path().is_empty()) {
                Some(host) => mask::sentence(host.as_str()),
                None => mask::address(address.path(), &Query::of(address)),
            },
            headers: mask::headers(headers).into_iter().collect(),
            ..self
        }
    }

    /// Notes its answer.
    pub(crate) fn answered(mut self, status: Option<u16>, began: Duration, now: Moment) -> Self {
        self.status = status;
        self.milliseconds = u64::try_from(now.elapsed.saturating_sub(began).as_millis()).unwrap_or(u64::MAX);
        self
    }

    fn line(&self) -> String {
        let Self { method, address, milliseconds, .. } = self;
        let number = self.number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let service = self.service.unwrap_or("-");
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let request = [&number, service, method, address].into_iter().filter(|word| !word.is_empty());
        let request = request.collect::<Vec<_>>().join(" ");
        match &self.refused {
            Some(reason) => format!("{} {request} {status} refused: {reason}", rfc3339(self.at)),
            None => format!("{} {request} {status} {milliseconds} ms", rfc3339(self.at)),
        }
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

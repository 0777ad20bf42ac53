//! The requests that the services have acted on, so that another process can make the same world of them.
//!
//! The emulator is deterministic: the same seed, the same start and the same requests at the same moments make the same world.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::form_urlencoded::Serializer;

use crate::base::answer::Answer;
use crate::base::call::Call;
use crate::base::moment::Moment;
use crate::base::origins::{Origins, Service};
use crate::model::arm::failure::Failure;
use crate::model::key_maker::KeyMaker;

/// When a world began, and what its services have acted on since.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) began: At,
    pub(crate) requests: Vec<KeptRequest>,
    /// The keys that vaults have made on the way, in order. They come of chance, as nothing else does.
    keys: Vec<String>,
}

/// Why requests could not be acted on again.
#[derive(Debug)]
pub(crate) enum ReplayFault {
    /// They are no requests, or the keys are not theirs.
    Damaged,
    /// A request is answered in another way than it was, so the world is another one.
    AnsweredOtherwise {
        /// Counted from 1.
        number: usize,
        of: usize,
        then: u16,
        now: u16,
    },
}

impl Record {
    pub(crate) fn beginning(now: Moment) -> Self {
        Self { began: now.into(), requests: Vec::new(), keys: Vec::new() }
    }

    /// With the keys that were made while the requests were acted on; nothing if one of them cannot be written.
    pub(crate) fn with_keys(self, made: &KeyMaker) -> Option<Self> {
        let keys = made.pkcs8()?.iter().map(|key| STANDARD.encode(key)).collect();
        Some(Self { keys, ..self })
    }

    /// What makes these keys again.
    pub(crate) fn key_maker(&self) -> Result<KeyMaker, ReplayFault> {
        let keys = self.keys.iter().map(|key| STANDARD.decode(key).ok()).collect::<Option<Vec<_>>>();
        keys.and_then(|keys| KeyMaker::again(&keys)).ok_or(ReplayFault::Damaged)
    }

    /// Whether exactly these keys were made again.
    pub(crate) fn is_made_by(&self, made: &KeyMaker) -> bool {
        made.made() == self.keys.len() && !made.has_former()
    }
}

/// A moment, exactly.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    /// Seconds and nanoseconds since 1970.
    wall: (i64, u32),
    elapsed: Duration,
}

impl From<Moment> for At {
    fn from(moment: Moment) -> Self {
        Self { wall: (moment.wall.unix_timestamp(), moment.wall.nanosecond()), elapsed: moment.elapsed }
    }
}

impl At {
    /// The moment, unless no calendar has it.
    pub(crate) fn moment(self) -> Option<Moment> {
        let (seconds, nanoseconds) = self.wall;
        let wall = OffsetDateTime::from_unix_timestamp(seconds).ok()?.replace_nanosecond(nanoseconds).ok()?;
        Some(Moment { wall, elapsed: self.elapsed })
    }
}

/// One request, as a service got it. It holds the caller's secrets.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptRequest {
    at: At,
    service: Service,
    origin: String,
    origins: Origins,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vault: Option<String>,
    method: String,
    address: String,
    headers: BTreeMap<String, Vec<String>>,
    body: String,
    failure: Option<Failure>,
    /// What it was answered with, though the answer may have been lost.
    pub(crate) status: u16,
}

impl KeptRequest {
    pub(crate) fn of(call: &Call, failure: Option<&Failure>, answer: &Answer) -> Self {
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &call.headers {
            headers.entry(name.to_string()).or_default().push(STANDARD.encode(value.as_bytes()));
        }
        let query = Serializer::new(String::new()).extend_pairs(&call.query.0).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        Self {
            at: call.now.into(),
            service: call.service,
            origin: call.origin.clone(),
            origins: call.origins.clone(),
            vault: call.vault.clone(),
            method: call.method.to_string(),
            address: format!("{}{mark}{query}", call.path),
            headers,
            body: STANDARD.encode(&call.body),
            failure: failure.cloned(),
            status: answer.status().as_u16(),
        }
    }

    /// The request again, unless it cannot be one.
    pub(crate) fn call(&self) -> Option<(Call, Option<&Failure>)> {
        let mut builder = http::Request::builder().method(self.method.as_str()).uri(self.address.as_str());
        for (name, values) in &self.headers {
            for value in values {
                builder = builder.header(name.as_str(), STANDARD.decode(value).ok()?);
            }
        }
        let request = builder.body(STANDARD.decode(&self.body).ok()?.into()).ok()?;
        let call = Call::new(self.service, self.origins.clone(), self.origin.clone(), request, self.at.moment()?);
        Some((call.with_vault(self.vault.clone()), self.failure.as_ref()))
    }
}

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

use crate::base::call::Call;
use crate::base::moment::Moment;
use crate::base::origins::{Origins, Service};
use crate::model::arm::failure::Failure;

/// When a world began, and what its services have acted on since.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) began: At,
    pub(crate) requests: Vec<KeptRequest>,
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
    method: String,
    address: String,
    headers: BTreeMap<String, Vec<String>>,
    body: String,
    failure: Option<Failure>,
}

impl KeptRequest {
    pub(crate) fn of(call: &Call, failure: Option<&Failure>) -> Self {
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
            method: call.method.to_string(),
            address: format!("{}{mark}{query}", call.path),
            headers,
            body: STANDARD.encode(&call.body),
            failure: failure.cloned(),
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
        Some((call, self.failure.as_ref()))
    }
}

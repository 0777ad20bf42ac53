//! The client, and how its requests are made.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Cloud, Effect, Error, ErrorKind};
use azconnect_credential::TokenProvider;
use azconnect_http::{Authorizer, Bearer, Call, Dialect, Pipeline, Response, endpoint, json, with_query};
use http::{HeaderName, Method};
use serde::de::DeserializeOwned;
use url::Url;

use crate::dialect::GraphDialect;
use crate::holder::PasswordHolder;

/// The name under which Graph takes and echoes the id of a request. It is for tracing only: nothing is de-duplicated.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// The pauses in which an object that was made moments ago becomes known: the first, and the longest.
const SETTLING_PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// The codes of refusals that pass once the directory knows an object everywhere.
const SETTLING_CODES: [&str; 2] = ["Authorization_RequestDenied", "Error_MsaAppDoesNotExist"];

/// A client of Microsoft Graph v1.0 for the operations that azconnect needs. Cheap to clone.
#[derive(Clone)]
pub struct GraphClient {
    pub(crate) pipeline: Pipeline,
    base: Url,
    authorizer: Arc<dyn Authorizer>,
    settling: Duration,
}

impl GraphClient {
    /// A client of a cloud's Microsoft Graph, which signs with tokens for [`Cloud::graph_scope`].
    pub fn new(pipeline: Pipeline, cloud: &Cloud, tokens: Arc<dyn TokenProvider>) -> Self {
        let mut base = cloud.graph().clone();
        base.set_path("/v1.0");
        Self {
            pipeline,
            base,
            authorizer: Arc::new(Bearer::new(tokens, cloud.graph_scope())),
            settling: Duration::ZERO,
        }
    }

    /// Rides out, in each call that changes something, the refusals that an object brings which was made moments ago: that it
    /// is not found, that the caller may not change it, that it is not complete. For so long at most; not at all unless set.
    /// For a flow that makes an application and goes on with it; elsewhere such a refusal is final, and waiting delays it.
    ///
    /// Only what provably was not applied is sent again.
    #[must_use]
    pub fn with_settling_time(mut self, time: Duration) -> Self {
        self.settling = time;
        self
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &**self.pipeline.clock()
    }

    /// The most that a caller waits for what was made moments ago.
    pub(crate) fn settling(&self) -> Duration {
        self.settling
    }

    pub(crate) fn authorizer(&self) -> Arc<dyn Authorizer> {
        Arc::clone(&self.authorizer)
    }

    pub(crate) fn address(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
        Ok(with_query(endpoint(&self.base, segments)?, query))
    }

    pub(crate) fn read_call(&self, operation: &'static str, url: Url) -> Call {
        self.prepared(Call::get(operation, url))
    }

    /// A request that must not be sent twice, unless an answer proves that nothing was applied.
    pub(crate) fn write_call(&self, operation: &'static str, url: Url) -> Call {
        self.prepared(Call::new(operation, Method::POST, url, azconnect_http::Idempotency::Once))
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let operation = call.operation();
        let answer: Response = self.pipeline.execute(call, &GraphDialect).await?;
        json(&answer).map_err(|error| error.in_operation(operation))
    }

    /// Executes a call that changes something, or that prepares a change, and rides out what passes by itself.
    pub(crate) async fn change(&self, call: Call, dialect: &dyn Dialect) -> Result<Response, Error> {
        let started = self.clock().elapsed();
        let (mut pause, longest) = SETTLING_PAUSES;
        loop {
            let error = match self.pipeline.execute(call.clone(), dialect).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let spent = self.clock().elapsed().saturating_sub(started);
            if !may_settle(&error) || spent.saturating_add(pause) > self.settling {
                return Err(error);
            }
            self.clock().sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
        }
    }

    /// The address of an application or a service principal, or of what is below it.
    pub(crate) fn holder_address(
        &self,
        holder: &PasswordHolder,
        below: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Url, Error> {
        let path = holder.segments();
        let segments: Vec<&str> = path.iter().map(String::as_str).chain(below.iter().copied()).collect();
        self.address(&segments, query)
    }

    pub(crate) fn prepared(&self, call: Call) -> Call {
        call.with_authorizer(self.authorizer()).with_request_id_header(CLIENT_REQUEST_ID)
    }
}

/// Whether a refusal may pass once the directory knows an object everywhere. What may have been applied is not asked again.
pub(crate) fn may_settle(error: &Error) -> bool {
    let code = error.service_code().is_some_and(|code| SETTLING_CODES.contains(&code));
    error.effect() == Effect::None && (error.kind() == ErrorKind::NotFound || code)
}

/// An error with the advice of an operation for whose refusal a permission of its own lacks.
pub(crate) fn needing(permission: &str, error: Error) -> Error {
    if error.kind() == ErrorKind::PermissionDenied { error.with_advice(permission) } else { error }
}

impl fmt::Debug for GraphClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphClient").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

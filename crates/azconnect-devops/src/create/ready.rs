//! Waiting until the service has set a connection up.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};

use crate::dialect::says_no_such_connection;
use crate::document::{Endpoint, EndpointId, OperationState, shown};
use crate::endpoint::Endpoints;

/// How often, and for how long, to look whether a connection is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadyPolicy {
    /// The pause between two readings of the connection.
    pub interval: Duration,
    /// How long to wait in all before giving up.
    pub time_limit: Duration,
}

impl Default for ReadyPolicy {
    /// Reads the connection every 10 seconds for 2 minutes.
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), time_limit: Duration::from_secs(120) }
    }
}

impl ReadyPolicy {
    /// Sets the pause between two readings of the connection.
    #[must_use]
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets how long to wait in all before giving up.
    #[must_use]
    pub fn with_time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }
}

impl Endpoints {
    /// Waits until a connection is ready, and returns it. Idempotent, without effect.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) with the service's own text if setting it up failed;
    /// [`Timeout`](ErrorKind::Timeout) if it is not ready in time. A reading that fails in between is tried again.
    pub async fn wait_until_ready(&self, id: EndpointId, policy: ReadyPolicy) -> Result<Endpoint, Error> {
        let clock = self.organization.client.pipeline().clock().clone();
        let started = clock.elapsed();
        loop {
            let error = match self.get(id).await {
                Ok(endpoint) => match progress(endpoint)? {
                    Some(endpoint) => return Ok(endpoint),
                    None => waiting(),
                },
                Err(error) if passes(&error) => error,
                Err(error) => return Err(error),
            };
            // The pause counts too: a look that could only come too late is not waited for.
            if clock.elapsed().saturating_sub(started).saturating_add(policy.interval) > policy.time_limit {
                return Err(error);
            }
            clock.sleep(policy.interval).await;
        }
    }

    /// Waits until a connection that was deleted is gone. Idempotent, without effect.
    ///
    /// # Errors
    /// As [`Endpoints::wait_until_ready`]; a connection whose federated credentials stand in the way fails so.
    pub async fn wait_until_deleted(&self, id: EndpointId, policy: ReadyPolicy) -> Result<(), Error> {
        let clock = self.organization.client.pipeline().clock().clone();
        let started = clock.elapsed();
        loop {
            match self.get(id).await {
                Err(error) if says_no_such_connection(&error) => return Ok(()),
                Err(error) if !passes(&error) => return Err(error),
                // A deletion that failed shows in the status of the connection, which is still there.
                Ok(endpoint) => drop(progress(endpoint)?),
                Err(_) => {}
            }
            if clock.elapsed().saturating_sub(started).saturating_add(policy.interval) > policy.time_limit {
                return Err(waiting());
            }
            clock.sleep(policy.interval).await;
        }
    }
}

/// Whether the failure may pass, so that another look may help.
fn passes(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled)
}

/// The connection if it is ready, nothing while it is being set up, the service's text if that failed.
fn progress(endpoint: Endpoint) -> Result<Option<Endpoint>, Error> {
    let status = endpoint.operation_status();
    let is = |state: &OperationState| status.is_some_and(|status| status.is(state));
    if is(&OperationState::Failed) {
        let status = status.unwrap_or_default();
        let error = Error::new(
            ErrorKind::Unsupported,
            format!("Azure DevOps could not do this to the connection: {}", shown(status.message)),
        )
        .with_effect(Effect::Unknown)
        .in_operation("devops.endpoint.wait")
        .with_advice("remove the cause that the service names, then delete the connection or try again");
        return Err(match status.error_code.filter(|code| code.len() <= 80) {
            Some(code) => error.with_service_code(code),
            None => error,
        });
    }
    Ok((endpoint.is_ready() != Some(false) && !is(&OperationState::InProgress)).then_some(endpoint))
}

fn waiting() -> Error {
    Error::new(ErrorKind::Timeout, "the connection is still being set up")
        .in_operation("devops.endpoint.wait")
        .with_advice("wait longer, or look at the connection in the portal")
}

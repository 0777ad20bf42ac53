//! Waiting until the service has set a connection up, or taken it down.

use std::time::Duration;

use azconnect_core::{Error, ErrorKind};

use crate::background::{ReadyPolicy, failure, is_under_way, passes};
use crate::dialect::says_no_such_connection;
use crate::document::{Endpoint, EndpointId};
use crate::endpoint::Endpoints;

/// The least pause between two readings, so that a policy without one does not keep the service busy.
const SHORTEST: Duration = Duration::from_millis(100);

impl Endpoints {
    /// Sets how often, and for how long, conversions, creations and deletions look whether the service has finished them.
    #[must_use]
    pub fn with_ready_policy(mut self, policy: ReadyPolicy) -> Self {
        self.ready = policy;
        self
    }

    /// Waits until a connection is ready, and returns it. Idempotent, without effect.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) with the service's own text if setting it up failed;
    /// [`Timeout`](ErrorKind::Timeout) if it is not ready in time. A reading that fails in between is tried again.
    pub async fn wait_until_ready(&self, id: EndpointId, policy: ReadyPolicy) -> Result<Endpoint, Error> {
        let started = self.elapsed();
        loop {
            let error = match self.get(id).await {
                Ok(endpoint) => match failure(&endpoint) {
                    Some(failure) => return Err(failure),
                    None if !is_under_way(&endpoint) => return Ok(endpoint),
                    None => waiting(),
                },
                Err(error) if passes(&error) => error,
                Err(error) => return Err(error),
            };
            if !self.pause(policy, started).await {
                return Err(error);
            }
        }
    }

    /// Waits until a connection that was deleted is gone. Idempotent, without effect.
    ///
    /// # Errors
    /// As [`Endpoints::wait_until_ready`]; a connection whose federated credentials stand in the way fails so.
    pub async fn wait_until_deleted(&self, id: EndpointId, policy: ReadyPolicy) -> Result<(), Error> {
        let started = self.elapsed();
        loop {
            match self.get(id).await {
                Err(error) if says_no_such_connection(&error) => return Ok(()),
                Err(error) if !passes(&error) => return Err(error),
                // A deletion that failed shows in the status of the connection, which is still there.
                Ok(endpoint) => failure(&endpoint).map_or(Ok(()), Err)?,
                Err(_) => {}
            }
            if !self.pause(policy, started).await {
                return Err(waiting());
            }
        }
    }

    /// The clock's elapsed time, from which a wait is measured.
    pub(crate) fn elapsed(&self) -> Duration {
        self.organization.client.pipeline().clock().elapsed()
    }

    /// Sleeps until the next look at a connection. `false` at once where that look would come too late.
    pub(crate) async fn pause(&self, policy: ReadyPolicy, started: Duration) -> bool {
        // The pause that the service asked for with its last answer counts too: a look before it would only wait for it,
        // and one that could only come too late is not waited for.
        let pause = policy.interval.max(SHORTEST).max(self.organization.budget.pause());
        if self.elapsed().saturating_sub(started).saturating_add(pause) > policy.time_limit {
            return false;
        }
        self.organization.client.pipeline().clock().sleep(pause).await;
        true
    }
}

fn waiting() -> Error {
    Error::new(ErrorKind::Timeout, "the connection is still being set up")
        .in_operation("devops.endpoint.wait")
        .with_advice("wait longer, or look at the connection in the portal")
}

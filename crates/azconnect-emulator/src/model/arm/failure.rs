//! Scripted failures of Azure Resource Manager.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error_codes;
use crate::base::refusal::{ErrorShape, Refusal};

/// A scripted failure of one exchange with Azure Resource Manager.
///
/// The code decides status and message, as Microsoft documents them; both can be replaced. As a fault:
///
/// ```
/// use azconnect_emulator::{Fault, FaultAction, Service};
/// use azconnect_emulator::arm::{ErrorShape, Failure};
///
/// // The machine is accepted, and its creation fails later for lack of capacity.
/// let failure = Failure::new("AllocationFailed").in_operation().with_shape(ErrorShape::NestedJson);
/// let fault = Fault::new(FaultAction::Fail(failure))
///     .with_service(Service::ResourceManager)
///     .with_method("PUT")
///     .with_path("/virtualMachines/");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Failure {
    pub(crate) refusal: Box<Refusal>,
    pub(crate) in_operation: bool,
    pub(crate) canceled: bool,
    pub(crate) time: Option<Duration>,
}

impl Failure {
    /// A synchronous refusal with a code, such as `SkuNotAvailable`. A code that no document mentions gets status 400.
    pub fn new(code: &str) -> Self {
        // The documented status and words, so that a test need not repeat them.
        let (status, message) = error_codes::entry(code);
        let mut refusal = Refusal::new(status, code, message);
        error_codes::complete(&mut refusal);
        Self { refusal, in_operation: false, canceled: false, time: None }
    }

    /// The service accepts the request, and the operation ends as failed. A request that starts no operation is
    /// answered as usual.
    #[must_use]
    pub fn in_operation(mut self) -> Self {
        self.in_operation = true;
        self
    }

    /// As [`Failure::in_operation`], but the operation ends as canceled.
    #[must_use]
    pub fn canceled(mut self) -> Self {
        self.in_operation = true;
        self.canceled = true;
        self
    }

    /// Sets how long the operation runs before it fails, in place of its usual duration.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// Sets the status of a synchronous refusal.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.refusal.status = status;
        self
    }

    /// Sets the message that the error carries, in place of the documented one.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.refusal.message = message.into();
        self
    }

    /// Sets the error's `target`, the parameter or resource that it is about.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.refusal.target = Some(target.into());
        self
    }

    /// Adds an entry to the error's `details`.
    #[must_use]
    pub fn with_detail(mut self, code: impl Into<String>, message: impl Into<String>) -> Self {
        self.refusal.details.push(*Refusal::new(self.refusal.status, code, message));
        self
    }

    /// Adds additional information of a type, such as `PolicyViolation`.
    #[must_use]
    pub fn with_additional_info(mut self, kind: impl Into<String>, info: Value) -> Self {
        self.refusal.additional.push((kind.into(), info));
        self
    }

    /// Sets how the body of the error is written.
    #[must_use]
    pub fn with_shape(mut self, shape: ErrorShape) -> Self {
        self.refusal.shape = shape;
        self
    }

    /// Adds `Retry-After` to a synchronous refusal.
    #[must_use]
    pub fn with_retry_after(self, pause: Duration) -> Self {
        self.with_header("retry-after", pause.as_secs().to_string())
    }

    /// Adds a header to a synchronous refusal.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.refusal.headers.push((name.into(), value.into()));
        self
    }

    /// Every code that the emulator knows a status and a message for.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        error_codes::codes()
    }
}

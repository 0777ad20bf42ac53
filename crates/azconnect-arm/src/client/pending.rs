//! A write that may still go on at the service.

use azconnect_core::{Effect, Error};
use azconnect_http::{Begun, Call, Finish, Operation, OperationOutcome, Poller, Response};
use bytes::Bytes;

use super::arm::Arm;

/// A write that the service accepted: done, or going on.
///
/// # Cancel safety
/// Dropping it, or [`Pending::wait`], loses nothing that [`Pending::operation`] does not hold.
#[must_use = "the write may still fail: wait for it"]
pub struct Pending<T> {
    arm: Arm,
    template: Call,
    begun: Begun,
    resumed: bool,
    read: fn(&Response) -> Result<T, Error>,
}

impl<T> Pending<T> {
    pub(super) fn begun(arm: Arm, template: Call, begun: Begun, read: fn(&Response) -> Result<T, Error>) -> Self {
        Self { arm, template, begun, resumed: false, read }
    }

    pub(super) fn resumed(
        arm: Arm,
        template: Call,
        operation: Operation,
        read: fn(&Response) -> Result<T, Error>,
    ) -> Self {
        Self { arm, template, begun: Begun::Running(operation), resumed: true, read }
    }

    /// The operation to poll; what [`Operation::stored`] gives is to be stored before waiting. `None` if the service was done at once.
    pub fn operation(&self) -> Option<&Operation> {
        match &self.begun {
            Begun::Running(operation) => Some(operation),
            _ => None,
        }
    }

    /// Skips reading the result, which saves one exchange for a caller that needs the outcome only.
    pub fn without_result(mut self) -> Self {
        if let Begun::Running(operation) = self.begun {
            self.begun = Begun::Running(operation.with_finish(Finish::Nothing));
        }
        self
    }

    /// Waits for the end of the operation, and reads its result.
    ///
    /// # Errors
    /// The failure of the operation; why its status could not be read; or
    /// [`Timeout`](azconnect_core::ErrorKind::Timeout) if it still goes on. The effect is unknown in all of them.
    pub async fn wait(self) -> Result<T, Error> {
        let (operation, read) = (self.template.operation(), self.read);
        let answer = match self.outcome().await {
            // A refusal to tell the status says nothing about what the operation did.
            OperationOutcome::Unread(error) => {
                return Err(error.with_effect(Effect::Unknown).in_operation(operation));
            }
            outcome => outcome.into_result().map_err(|error| error.in_operation(operation))?,
        };
        read(&answer).map_err(|error| error.in_operation(operation))
    }

    /// Waits for the end, and returns which of the four outcomes it came to.
    pub async fn outcome(self) -> OperationOutcome {
        let operation = match self.begun {
            Begun::Done(answer) => return OperationOutcome::Done(answer),
            Begun::Running(operation) => operation,
            // `Begun` may grow: a beginning that this version does not know is not taken for an end.
            _ => return OperationOutcome::InProgress,
        };
        let arm = self.arm;
        let mut poller = Poller::new(arm.pipeline(), self.template, arm.dialect(), operation)
            .with_policy(arm.polling())
            .with_time_limit(arm.operation_time_limit());
        if self.resumed {
            poller = poller.resumed();
        }
        poller.wait().await
    }
}

impl Pending<()> {
    /// A deletion that is complete, since the resource does not exist.
    pub(super) fn absent(arm: Arm, template: Call) -> Self {
        Self::begun(arm, template, Begun::Done(http::Response::new(Bytes::new())), |_| Ok(()))
    }
}

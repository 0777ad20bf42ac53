//! Long-running operations as they are kept.

use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::failure::Failure;
use super::machine::Power;
use crate::base::moment::Moment;
use crate::base::settings::resource_manager::OperationKind;

/// What an operation does when its time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Nothing more: the subject is already as the request described it.
    Provision,
    /// A machine begins to run.
    CreateMachine,
    /// The subject is removed with all that is inside it.
    Delete,
    /// The subject is removed from the resource that it is inside.
    DeleteEmbedded,
    /// A machine is removed, with the disks, interfaces and addresses that say `deleteOption: Delete`.
    DeleteMachine,
    /// A group is removed with everything in it.
    DeleteGroup,
    Power(Power),
    /// A deployment has ended, because its steps have.
    Deployment,
    Register(String),
    /// Nothing changes: the operation is there for its result.
    Answer(Value),
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Succeeded,
    Failed,
    Canceled,
}

impl Progress {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }
}

/// A long-running operation, kept after its end so that it can still be read.
pub(crate) struct Operation {
    pub(crate) id: Uuid,
    pub(crate) number: u64,
    pub(crate) kind: OperationKind,
    pub(crate) subject: String,
    pub(crate) work: Work,
    pub(crate) namespace: &'static str,
    pub(crate) subscription: String,
    pub(crate) location: String,
    pub(crate) started: Moment,
    /// When it ends, in elapsed time.
    pub(crate) ends: Duration,
    pub(crate) progress: Progress,
    pub(crate) ended: Option<OffsetDateTime>,
    /// Why it ends, or has ended, without success.
    pub(crate) failure: Option<Failure>,
    pub(crate) by: Uuid,
    /// What follows `api-version` in its addresses, in order.
    pub(crate) token: Vec<(String, String)>,
    pub(crate) partition: Uuid,
    pub(crate) api_version: String,
}

impl Operation {
    /// When it ends, or ended: now, moved back to the end that was set.
    pub(crate) fn moment_of_end(&self, now: Moment) -> Moment {
        // Whoever looks late must still see the moment at which it ended.
        Moment { wall: now.at(self.ends.min(now.elapsed)).wall, elapsed: self.ends }
    }
}

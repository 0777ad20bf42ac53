//! What became of a consumer since it was bound.

use azconnect_core::ClientId;
use serde::{Deserialize, Serialize};

use crate::bindings::Binding;
use crate::bound_consumer::EndpointId;
use crate::check_report::CheckReport;

/// What became of a bound consumer since. Where several things changed, the gravest counts; the checks beside it name all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum BindingState {
    /// It is as it was bound.
    Fits,
    /// It has another name. It is still the one that was bound.
    Renamed {
        /// Its name now.
        to: String,
    },
    /// It is disabled.
    Disabled,
    /// It would send the secret to another host than was agreed.
    DestinationChanged {
        /// The host now, where it names one.
        to: Option<String>,
    },
    /// It signs in by workload identity federation now, and holds no secret.
    Federated,
    /// It is gone, and another one of its name stands in its place. Nobody agreed that this one receives the secret.
    Replaced {
        /// The id of the other one.
        by: EndpointId,
    },
    /// It is not shared any more with the project in which it was bound. Others use it, or may, so that its secret still counts.
    Unshared {
        /// The names of the projects that are known to use it. None if that is not known.
        seen_by: Vec<String>,
    },
    /// It signs in as another application now, and holds no secret of this one.
    OtherApplication {
        /// The client id of the other one.
        client: ClientId,
    },
    /// It is there, and holds no secret. A rotation gives it one.
    Empty,
    /// It is gone: who may see all that there is does not see it.
    Gone,
    /// It could not be seen, which says nothing of whether it is there.
    Unreadable,
}

/// A bound consumer, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BindingSeen {
    /// The stable name of the consumer.
    pub name: String,
    /// The consumer as it was bound.
    pub binding: Binding,
    /// What became of it.
    pub state: BindingState,
    /// Everything that differs, and what to do about it.
    pub checks: CheckReport,
}

impl BindingSeen {
    /// A consumer that was looked at.
    pub fn new(name: impl Into<String>, binding: Binding, state: BindingState, checks: CheckReport) -> Self {
        Self { name: name.into(), binding, state, checks }
    }

    /// Whether a new secret can go there as things are: neither a name that changed nor a secret that is missing stands in the
    /// way.
    pub fn is_fit(&self) -> bool {
        let fits = matches!(self.state, BindingState::Fits | BindingState::Renamed { .. } | BindingState::Empty);
        fits && self.checks.is_clear()
    }
}

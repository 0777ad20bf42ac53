//! How a run ended.

use azconnect_core::KeyId;
use serde::Serialize;
use time::OffsetDateTime;

use crate::plan::RotationPlan;
use crate::problem::Problem;

/// How a run ended. A run that ends otherwise returns an error, and the next run goes on from the journal.
///
/// As JSON, `outcome` is `rotated`, `not_due`, `refused`, `waiting`, `rolled_back`, `blocked` or `idle`, and times are
/// RFC 3339.
///
/// ```
/// use azconnect_rotation::RotationOutcome;
///
/// assert_eq!(serde_json::to_string(&RotationOutcome::Idle).unwrap(), r#"{"outcome":"idle"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RotationOutcome {
    /// The new secret is in place everywhere, and the old one is gone.
    Rotated {
        /// The public id of the new secret.
        key: Option<KeyId>,
        /// Until when lost secrets of ours are looked for; run again before then.
        #[serde(with = "time::serde::rfc3339::option")]
        watching_until: Option<OffsetDateTime>,
    },
    /// No secret of ours is near its end, so nothing was begun.
    NotDue {
        /// The plan that was made; its `due_at` says when to look again.
        plan: Box<RotationPlan>,
    },
    /// A rotation is due, and a check that failed keeps it from beginning. Nothing was changed.
    Refused {
        /// The plan, whose checks say what stands in the way and what to do.
        plan: Box<RotationPlan>,
    },
    /// Nothing can be done before a moment: run again then.
    Waiting {
        /// The earliest moment at which a run can do something.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
        /// What is waited for, in words for a person.
        why: &'static str,
    },
    /// The new secret was not usable, and is gone again; the old one serves on.
    RolledBack {
        /// Why the new secret was given up.
        problem: Problem,
        /// Until when lost secrets of ours are looked for; run again before then.
        #[serde(with = "time::serde::rfc3339::option")]
        watching_until: Option<OffsetDateTime>,
    },
    /// Nothing safe can be done without a person. Both secrets are alive.
    Blocked {
        /// What stands in the way, and the remedy.
        problem: Problem,
    },
    /// Nothing is under way, and what an earlier rotation left to look after is done.
    Idle,
}

impl RotationOutcome {
    /// When to run again at the latest. `None` where nothing is left to do, or only a person can change the outcome.
    pub fn run_again_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Waiting { until, .. } => Some(*until),
            Self::Rotated { watching_until, .. } | Self::RolledBack { watching_until, .. } => *watching_until,
            Self::NotDue { plan } => plan.due_at,
            Self::Refused { .. } | Self::Blocked { .. } | Self::Idle => None,
        }
    }
}

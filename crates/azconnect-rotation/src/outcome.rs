//! How a run ended.

use azconnect_core::KeyId;
use serde::Serialize;
use time::OffsetDateTime;

use crate::plan::RotationPlan;
use crate::problem::Problem;
use crate::waiting::WaitingFor;

/// How a run ended. A run that ends otherwise returns an error, and the next run goes on from the journal.
///
/// As JSON, `outcome` is `rotated`, `not_due`, `refused`, `waiting`, `rolled_back`, `blocked`, `abandoned` or `idle`, and
/// times are RFC 3339.
///
/// ```
/// use azconnect_rotation::RotationOutcome;
///
/// let idle = RotationOutcome::Idle { run_again_at: None };
/// assert_eq!(serde_json::to_string(&idle).unwrap(), r#"{"outcome":"idle","run_again_at":null}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RotationOutcome {
    /// The new secret is in place everywhere, and the old one is gone.
    Rotated {
        /// The public id of the new secret.
        key: Option<KeyId>,
        /// When lost secrets of ours are to be looked for again, or the new secret is due.
        #[serde(with = "time::serde::rfc3339::option")]
        run_again_at: Option<OffsetDateTime>,
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
        /// When to look again, in case a person has put it right by then.
        #[serde(with = "time::serde::rfc3339")]
        run_again_at: OffsetDateTime,
    },
    /// Nothing can be done before a moment: run again then.
    Waiting {
        /// The earliest moment at which a run can do something.
        #[serde(with = "time::serde::rfc3339")]
        until: OffsetDateTime,
        /// What is waited for.
        what: WaitingFor,
        /// The same in words for a person, with the last failure where there is one.
        why: String,
    },
    /// The new secret was not usable, and is gone again; the old one serves on.
    RolledBack {
        /// Why the new secret was given up, with the consumer's name if one refused it.
        problem: Problem,
        /// When the next rotation may begin, or lost secrets are to be looked for again.
        #[serde(with = "time::serde::rfc3339::option")]
        run_again_at: Option<OffsetDateTime>,
    },
    /// A person is needed; both secrets are alive. [`Resolution`](crate::Resolution) names the ways out.
    Blocked {
        /// What stands in the way, with the consumer's name if it is one, and the remedy.
        problem: Problem,
        /// When it is tried again all the same, if the cause may pass by itself.
        #[serde(with = "time::serde::rfc3339::option")]
        run_again_at: Option<OffsetDateTime>,
    },
    /// A person ended what was under way.
    Abandoned {
        /// When to look again.
        #[serde(with = "time::serde::rfc3339::option")]
        run_again_at: Option<OffsetDateTime>,
    },
    /// Nothing is under way, and what an earlier rotation left to look after is done.
    Idle {
        /// When a secret of ours is due, where one is known.
        #[serde(with = "time::serde::rfc3339::option")]
        run_again_at: Option<OffsetDateTime>,
    },
}

impl RotationOutcome {
    /// When to run again at the latest. `None` where nothing is left to do and no end of a secret is known, or where only a
    /// person can change the outcome.
    pub fn run_again_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Waiting { until, .. } => Some(*until),
            Self::Refused { run_again_at, .. } => Some(*run_again_at),
            Self::Rotated { run_again_at, .. }
            | Self::RolledBack { run_again_at, .. }
            | Self::Blocked { run_again_at, .. }
            | Self::Abandoned { run_again_at }
            | Self::Idle { run_again_at } => *run_again_at,
            Self::NotDue { plan } => plan.due_at,
        }
    }

    /// Whether a person is needed before it can go on.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, Self::Blocked { .. } | Self::Refused { .. })
    }
}

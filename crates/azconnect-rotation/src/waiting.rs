//! What a rotation waits for.

use std::fmt;

use azconnect_core::ErrorKind;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// What a rotation waits for, for a program; the outcome says it in words beside.
///
/// As JSON it is `replication`, `throttling`, `grace`, `consumer`, `issuer`, `lost_secret`, `removal` or `backoff`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitingFor {
    /// The new secret is to reach every replica of the issuer.
    Replication,
    /// A service asked for a pause.
    Throttling,
    /// The old secret stays alive for a while after every consumer has proved the new one.
    Grace,
    /// A consumer failed, and is tried again.
    Consumer,
    /// The issuer failed, and is tried again.
    Issuer,
    /// A secret whose answer was lost may still turn up.
    LostSecret,
    /// A removed key is to disappear everywhere.
    Removal,
    /// Earlier rotations were rolled back, so the next one begins later.
    Backoff,
}

impl WaitingFor {
    /// The same, or [`Throttling`](Self::Throttling) if that is why the last try failed.
    pub(crate) fn because_of(self, problem: Option<&Problem>) -> Self {
        match problem.map(|problem| problem.diagnosis.kind()) {
            Some(ErrorKind::Throttled) => Self::Throttling,
            _ => self,
        }
    }
}

impl fmt::Display for WaitingFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replication => "the new secret to reach every replica",
            Self::Throttling => "a service that asked for a pause",
            Self::Grace => "the grace of the old secret to pass",
            Self::Consumer => "a consumer to be tried again",
            Self::Issuer => "the issuer to be tried again",
            Self::LostSecret => "a lost secret to turn up",
            Self::Removal => "the removed key to disappear everywhere",
            Self::Backoff => "a while after rotations that failed",
        })
    }
}

//! A point on the way of a credential to its end that it has come to, of which somebody is to be told.

use azconnect_core::Diagnosis;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::expiry_end::EndSource;
use crate::expiry_policy::ExpiryStep;
use crate::record::ConnectionId;

azconnect_core::guid_id!(
    /// The id of a crossing, which no other has: a mail that carries it is recognised when it is sent again.
    CrossingId, "crossing id"
);

/// A credential has come to a point on the way to its end. Each is noted once, whoever looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Crossing {
    /// Which crossing.
    pub id: CrossingId,
    /// Whose credential.
    pub connection: ConnectionId,
    /// The point. Where several were passed since the last look, the one that is nearest to the end stands for all.
    pub step: ExpiryStep,
    /// The end, where it is known.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<OffsetDateTime>,
    /// Where the end is known from.
    pub source: EndSource,
    /// When it was noted.
    #[serde(with = "time::serde::rfc3339")]
    pub noted_at: OffsetDateTime,
    /// What the service says, where the credential is [gone](ExpiryStep::Gone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Diagnosis>,
}

impl Crossing {
    /// A crossing that is noted now.
    pub fn new(connection: ConnectionId, step: ExpiryStep, source: EndSource, noted_at: OffsetDateTime) -> Self {
        let id = CrossingId::from(uuid::Uuid::new_v4());
        Self { id, connection, step, ends_at: None, source, noted_at, problem: None }
    }

    /// Sets the end.
    #[must_use]
    pub fn with_ends_at(mut self, ends_at: Option<OffsetDateTime>) -> Self {
        self.ends_at = ends_at;
        self
    }

    /// Sets what the service says.
    #[must_use]
    pub fn with_problem(mut self, problem: Option<Diagnosis>) -> Self {
        self.problem = problem;
        self
    }
}

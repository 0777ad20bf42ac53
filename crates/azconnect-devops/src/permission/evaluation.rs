//! The permission bits of the endpoint namespace.

use azconnect_core::{Error, ErrorKind};
use azconnect_http::{Call, Idempotency};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::organization::Organization;

/// The id of the service's security namespace `ServiceEndpoints`.
const NAMESPACE: &str = "49b48001-ca20-4adc-8111-5b60c903a50c";

/// A right on service connections, by its bit in the endpoint namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EndpointRight {
    /// Use a connection in a pipeline.
    Use,
    /// Change a connection, and say who may use it.
    Administer,
    /// Create new connections.
    Create,
    /// See how a connection signs in.
    ViewAuthorization,
    /// See that a connection exists.
    View,
}

impl EndpointRight {
    /// The bit of this right in the endpoint namespace.
    pub fn bit(self) -> u32 {
        match self {
            Self::Use => 1,
            Self::Administer => 2,
            Self::Create => 4,
            Self::ViewAuthorization => 8,
            Self::View => 16,
        }
    }
}

/// What the caller may do with one connection. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConnectionPermission {
    /// Whether the caller may see it in the project.
    pub view: bool,
    /// Whether the caller may use it in the project's pipelines.
    pub r#use: bool,
    /// Whether the caller may administer it in the project.
    pub administer: bool,
    /// Whether the caller may administer it on the collection, without which its secret cannot be changed.
    pub change_secret: bool,
}

/// One question to the permission service: whether the caller has a right on a token.
pub(super) struct Evaluation {
    token: String,
    right: EndpointRight,
}

impl Evaluation {
    pub(super) fn new(token: String, right: EndpointRight) -> Self {
        Self { token, right }
    }
}

#[derive(Deserialize)]
struct Answers {
    evaluations: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    token: String,
    permissions: u32,
    value: bool,
}

impl Organization {
    /// The answers in the order of the questions. Follows Microsoft's *Has Permissions Batch*.
    pub(super) async fn evaluate(&self, asked: &[Evaluation]) -> Result<Vec<bool>, Error> {
        let questions: Vec<_> = asked
            .iter()
            .map(|question| json!({"securityNamespaceId": NAMESPACE, "token": question.token, "permissions": question.right.bit()}))
            .collect();
        let url = self.preview_url(&["_apis", "security", "permissionevaluationbatch"], &[])?;
        // Only the bits are asked for: otherwise members of the administrators' group pass every question.
        let call = Call::post("devops.permission.evaluate", url)
            .with_idempotency(Idempotency::Idempotent)
            .with_json(&json!({"alwaysAllowAdministrators": false, "evaluations": questions}))?;
        let answers: Answers = self.read(call).await?;
        // Matched by token and right: an answer in another order must not count for another question.
        let find = |question: &Evaluation| {
            answers.evaluations.iter().find(|answer| {
                answer.token.eq_ignore_ascii_case(&question.token) && answer.permissions == question.right.bit()
            })
        };
        asked.iter().map(|question| find(question).map(|answer| answer.value).ok_or_else(unanswered)).collect()
    }

    /// Whether the caller has a right on each of some tokens. Idempotent, without effect.
    ///
    /// Tokens are `endpoints/{projectId}`, `endpoints/{projectId}/{endpointId}` and `endpoints/Collection/{endpointId}`.
    /// Follows Microsoft's *Has Permissions*.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected) if the service answers for fewer tokens than were asked.
    pub async fn has_right(&self, right: EndpointRight, tokens: &[&str]) -> Result<Vec<bool>, Error> {
        let bits = right.bit().to_string();
        let url = self.url(&["_apis", "permissions", NAMESPACE, &bits], &[("tokens", &tokens.join(","))])?;
        let answers: crate::tolerant::List<bool> = self.read(Call::get("devops.permission.has", url)).await?;
        if answers.value.len() == tokens.len() { Ok(answers.value) } else { Err(unanswered()) }
    }
}

fn unanswered() -> Error {
    Error::new(ErrorKind::Unexpected, "the service did not answer for every token that was asked about")
}

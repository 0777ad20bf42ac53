//! What used a connection.

use azconnect_core::Error;
use azconnect_http::Call;
use serde::{Deserialize, Serialize};

use crate::document::EndpointId;
use crate::endpoint::Endpoints;
use crate::tolerant::List;

/// One use of a connection by a pipeline. Every field may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"), default)]
#[non_exhaustive]
pub struct Execution {
    /// The number of the use; later ones are higher.
    pub id: Option<i64>,
    /// `Build`, `Release`, or a word that is new.
    pub plan_type: Option<String>,
    /// The pipeline that used it.
    pub definition: Option<ExecutionPart>,
    /// The run of that pipeline.
    pub owner: Option<ExecutionPart>,
    /// When it began, as the service wrote it.
    pub start_time: Option<String>,
    /// When it ended, as the service wrote it.
    pub finish_time: Option<String>,
    /// `succeeded`, `failed`, `canceled`, or a word that is new.
    pub result: Option<String>,
}

/// A pipeline, or a run of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ExecutionPart {
    /// The number (id) of the pipeline or run.
    pub id: Option<i64>,
    /// The pipeline's name, or the run's.
    pub name: Option<String>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(default, deserialize_with = "crate::tolerant::or_default")]
    data: Execution,
}

/// A page of uses, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExecutionPage {
    /// The uses, the latest first.
    pub executions: Vec<Execution>,
    /// The continuation token for the next page, if there is one.
    pub next: Option<i64>,
}

impl Endpoints {
    /// One page of the uses of a connection, the latest first. Idempotent, without effect.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) for a connection that the project does not see.
    pub async fn executions(
        &self,
        id: EndpointId,
        top: u32,
        continuation: Option<i64>,
    ) -> Result<ExecutionPage, Error> {
        let (project, id, top_text) = (self.project.as_str(), id.to_string(), top.to_string());
        let token = continuation.map(|token| token.to_string());
        let mut query = vec![("top", top_text.as_str())];
        query.extend(token.as_deref().map(|token| ("continuationToken", token)));
        let segments = [&*project, "_apis", "serviceendpoint", &id, "executionhistory"];
        let call = Call::get("devops.endpoint.executions", self.organization.url(&segments, &query)?);
        let answer = self.organization.send(call).await?;
        let records: List<Record> = azconnect_http::json(&answer)?;
        let next =
            answer.headers().get("x-ms-continuationtoken").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(ExecutionPage { executions: records.value.into_iter().map(|record| record.data).collect(), next })
    }

    /// The latest uses of a connection, at most `limit`, over as many pages as it takes. Idempotent, without effect.
    ///
    /// # Errors
    /// As [`Endpoints::executions`].
    pub async fn all_executions(&self, id: EndpointId, limit: usize) -> Result<Vec<Execution>, Error> {
        let mut found = Vec::new();
        let mut next = None;
        let mut watch = self.organization.watch("devops.endpoint.executions");
        loop {
            watch.begin_page()?;
            let page = self.executions(id, 50, next).await?;
            watch.count(page.executions.len())?;
            let empty = page.executions.is_empty();
            found.extend(page.executions);
            next = page.next;
            match next {
                Some(place) if !empty && found.len() < limit => watch.follow(&place.to_string())?,
                _ => {
                    found.truncate(limit);
                    return Ok(found);
                }
            }
        }
    }
}

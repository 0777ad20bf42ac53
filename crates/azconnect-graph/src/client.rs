//! The client, and how its requests are made.

use std::fmt;
use std::sync::Arc;

use azconnect_core::{Clock, Cloud, Error};
use azconnect_credential::TokenProvider;
use azconnect_http::{Authorizer, Bearer, Call, Pipeline, Response, endpoint, json, with_query};
use http::{HeaderName, Method};
use serde::de::DeserializeOwned;
use url::Url;

use crate::dialect::GraphDialect;

/// The name under which Graph takes and echoes the id of a request. It is for tracing only: nothing is de-duplicated.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// A client of Microsoft Graph v1.0 for the operations that azconnect needs. Cheap to clone.
#[derive(Clone)]
pub struct GraphClient {
    pub(crate) pipeline: Pipeline,
    base: Url,
    authorizer: Arc<dyn Authorizer>,
}

impl GraphClient {
    /// A client of a cloud's Microsoft Graph, which signs with tokens for [`Cloud::graph_scope`].
    pub fn new(pipeline: Pipeline, cloud: &Cloud, tokens: Arc<dyn TokenProvider>) -> Self {
        let mut base = cloud.graph().clone();
        base.set_path("/v1.0");
        Self { pipeline, base, authorizer: Arc::new(Bearer::new(tokens, cloud.graph_scope())) }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &**self.pipeline.clock()
    }

    pub(crate) fn address(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, Error> {
        Ok(with_query(endpoint(&self.base, segments)?, query))
    }

    pub(crate) fn read_call(&self, operation: &'static str, url: Url) -> Call {
        self.prepared(Call::get(operation, url))
    }

    /// A request that must not be sent twice, unless an answer proves that nothing was applied.
    pub(crate) fn write_call(&self, operation: &'static str, url: Url) -> Call {
        self.prepared(Call::new(operation, Method::POST, url, azconnect_http::Idempotency::Once))
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let operation = call.operation();
        let answer: Response = self.pipeline.execute(call, &GraphDialect).await?;
        json(&answer).map_err(|error| error.in_operation(operation))
    }

    pub(crate) fn prepared(&self, call: Call) -> Call {
        call.with_authorizer(Arc::clone(&self.authorizer)).with_request_id_header(CLIENT_REQUEST_ID)
    }
}

impl fmt::Debug for GraphClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphClient").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

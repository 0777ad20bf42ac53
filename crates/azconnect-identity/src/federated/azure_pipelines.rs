//! The tokens that Azure Pipelines signs for a job, in the name of a service connection.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_http::{Call, Idempotency, Pipeline, with_query};
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::oidc::{Question, address, ask};
use super::proof::AUDIENCE;
use super::source::AssertionSource;
use crate::available::{Availability, Variables, in_variable};

const URL: &str = "SYSTEM_OIDCREQUESTURI";
const TOKEN: &str = "SYSTEM_ACCESSTOKEN";

/// Asks for a plain refusal in place of a redirect to a page where a person signs in.
const NO_REDIRECT: HeaderName = HeaderName::from_static("x-tfs-fedauthredirect");

/// The tokens that Azure Pipelines signs for a running job, in the name of a service connection that signs in by workload
/// identity federation.
///
/// The job hands `SYSTEM_ACCESSTOKEN` to the program by mapping `$(System.AccessToken)` to it, and the pipeline must be
/// authorised to use the connection.
#[derive(Clone)]
pub struct AzurePipelines {
    pipeline: Pipeline,
    url: Url,
    token: Arc<Secret>,
    connection: Box<str>,
}

impl AzurePipelines {
    /// The endpoint and the token that a job was handed, and the id of a service connection. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `SYSTEM_OIDCREQUESTURI` unless it is an `https`
    /// address.
    pub fn new(pipeline: Pipeline, url: &str, token: Secret, connection: &str) -> Result<Self, Error> {
        let url = address(url, URL).map_err(|error| in_variable(error, URL))?;
        Ok(Self { pipeline, url, token: Arc::new(token), connection: connection.into() })
    }

    /// The endpoint and the token in the job's variables, such as `|name| std::env::var(name).ok()`.
    ///
    /// # Errors
    /// As [`AzurePipelines::new`].
    pub fn from_variables(
        pipeline: Pipeline,
        connection: &str,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Availability<Self>, Error> {
        let variables = Variables::new(&lookup);
        match (variables.find(URL), variables.find_secret(TOKEN)) {
            (Some(url), Some(token)) => Ok(Availability::Here(Self::new(pipeline, &url, token, connection)?)),
            (Some(_), None) => {
                let reason = format!("{TOKEN} is not set; map $(System.AccessToken) to it in the step");
                Ok(Availability::NotHere(reason.into()))
            }
            (None, _) => Ok(Availability::NotHere(format!("{URL} is not set").into())),
        }
    }
}

#[derive(Deserialize)]
struct Signed {
    #[serde(rename = "oidcToken")]
    token: Secret,
}

#[async_trait]
impl AssertionSource for AzurePipelines {
    /// A token for the one audience of Azure Pipelines, `api://AzureADTokenExchange`.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `audience` for any other.
    async fn assertion(&self, audience: &str) -> Result<Secret, Error> {
        if audience != AUDIENCE {
            return Err(Error::invalid("audience", format!("Azure Pipelines signs tokens for {AUDIENCE} only"))
                .with_advice("leave the audience as it is, also in other clouds"));
        }
        let url = with_query(self.url.clone(), &[("api-version", "7.1"), ("serviceConnectionId", &self.connection)]);
        let question = Question {
            pipeline: &self.pipeline,
            call: Call::post("pipelines.oidc_token", url)
                .with_idempotency(Idempotency::Idempotent)
                .with_header(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .with_header(NO_REDIRECT, HeaderValue::from_static("Suppress")),
            bearer: &self.token,
            advice: "check the id of the service connection, that it signs in by workload identity federation, and that the \
                     pipeline is authorised to use it; the job's token ends with the job",
        };
        ask(question, |answer: Signed| answer.token).await
    }
}

impl fmt::Debug for AzurePipelines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzurePipelines")
            .field("host", &self.url.host_str())
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

//! The tokens that GitHub signs for a job of GitHub Actions.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_http::{Call, Pipeline, with_query};
use serde::Deserialize;
use url::Url;

use super::oidc::{Question, address, ask};
use super::source::AssertionSource;
use crate::available::{Availability, Variables, in_variable};

const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// The tokens that GitHub signs for a running job. Each is for whatever audience is asked for, and lives for some minutes.
///
/// The job needs `permissions: id-token: write`. What a token says of the job (`sub`) names the repository, and since July 2026
/// in new, renamed and transferred repositories its owner's and its own id as well.
///
/// Document: GitHub's *OpenID Connect reference*, section *Methods for requesting the OIDC token*.
#[derive(Clone)]
pub struct GitHubActions {
    pipeline: Pipeline,
    url: Url,
    token: Arc<Secret>,
}

impl GitHubActions {
    /// The endpoint and the token that a job was handed. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `ACTIONS_ID_TOKEN_REQUEST_URL` unless it is an
    /// `https` address.
    pub fn new(pipeline: Pipeline, url: &str, token: Secret) -> Result<Self, Error> {
        let url = address(url, URL).map_err(|error| in_variable(error, URL))?;
        Ok(Self { pipeline, url, token: Arc::new(token) })
    }

    /// The endpoint and the token in the job's variables, such as `|name| std::env::var(name).ok()`.
    ///
    /// # Errors
    /// As [`GitHubActions::new`].
    pub fn from_variables(
        pipeline: Pipeline,
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Availability<Self>, Error> {
        let variables = Variables::new(&lookup);
        match (variables.find(URL), variables.find_secret(TOKEN)) {
            (Some(url), Some(token)) => Ok(Availability::Here(Self::new(pipeline, &url, token)?)),
            (url, _) => {
                let missing = if url.is_none() { URL } else { TOKEN };
                let reason = format!("{missing} is not set, as in a job without the permission id-token: write");
                Ok(Availability::NotHere(reason.into()))
            }
        }
    }
}

#[derive(Deserialize)]
struct Signed {
    value: Secret,
}

#[async_trait]
impl AssertionSource for GitHubActions {
    async fn assertion(&self, audience: &str) -> Result<Secret, Error> {
        // The address has a query already.
        let url = with_query(self.url.clone(), &[("audience", audience)]);
        let question = Question {
            pipeline: &self.pipeline,
            call: Call::get("github.id_token", url),
            bearer: &self.token,
            advice: "give the job the permission id-token: write; GitHub takes its token for as long as the job runs",
        };
        ask(question, |answer: Signed| answer.value).await
    }
}

impl fmt::Debug for GitHubActions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its query names the run; it is of no use to a reader.
        f.debug_struct("GitHubActions").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

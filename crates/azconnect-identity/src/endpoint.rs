//! The token endpoint of an authority.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Cloud, Effect, Error, ErrorKind, NoRetry, Retry, Scope, Secret, TenantId};
use azconnect_credential::entra::EntraCode;
use azconnect_http::{Call, Dialect, Idempotency, Pipeline, Response, SendOptions, sensitive_json};
use http::HeaderName;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::authority::Authority;
use crate::refusal::EntraDialect;
use crate::skew::OUT_OF_TIME;
use crate::source::FetchedToken;

/// What every request to it is called in errors and spans.
const OPERATION: &str = "entra.token";

/// Tokens are a few kilobytes; whatever is larger is not an answer of this endpoint.
const ANSWER_LIMIT: usize = 256 * 1024;

/// The name under which Entra ID takes and echoes the id of a request.
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");

/// The token endpoint of an authority: `POST {login}/{tenant}/oauth2/v2.0/token`. Cheap to clone.
///
/// Document: Microsoft's *OAuth 2.0 client credentials flow on the Microsoft identity platform*.
#[derive(Clone)]
pub struct TokenEndpoint {
    pipeline: Pipeline,
    authority: Authority,
    url: Url,
    probe_scope: Scope,
}

impl TokenEndpoint {
    /// The endpoint of a tenant in a cloud.
    pub fn new(pipeline: Pipeline, cloud: &Cloud, tenant: TenantId) -> Self {
        Self::at(pipeline, cloud, Authority::of_tenant(cloud, tenant))
    }

    /// The endpoint of another authority than a tenant by its id, such as any organization, or AD FS.
    pub fn at(pipeline: Pipeline, cloud: &Cloud, authority: Authority) -> Self {
        let url = authority.token_url();
        Self { pipeline, authority, url, probe_scope: cloud.resource_manager_scope() }
    }

    /// The same endpoint of another authority of the same login.
    #[must_use]
    pub fn with_authority(&self, authority: Authority) -> Self {
        Self { url: authority.token_url(), authority, ..self.clone() }
    }

    /// Whose tokens it gives.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The pipeline it sends with.
    pub(crate) fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// A scope for which every application gets a token, whatever it may do there.
    pub(crate) fn probe_scope(&self) -> &Scope {
        &self.probe_scope
    }

    /// The same endpoint, asked once and never again by itself.
    pub(crate) fn without_retry(&self) -> Self {
        Self { pipeline: self.pipeline.clone().with_retry(Arc::new(NoRetry)), ..self.clone() }
    }

    /// Asks for a token. Idempotent: a token asked for twice is two tokens, and neither changes anything.
    pub(crate) async fn ask(&self, form: &[(&str, &str)], options: SendOptions) -> Result<TokenAnswer, Error> {
        self.send(form, options, Idempotency::Idempotent).await
    }

    /// Gives something in for a token that may be accepted once only, such as a code. After an answer that was lost it is not
    /// given in again: some services take a second use for a theft.
    pub(crate) async fn redeem(&self, form: &[(&str, &str)], options: SendOptions) -> Result<TokenAnswer, Error> {
        self.send(form, options, Idempotency::Once).await
    }

    async fn send(
        &self,
        form: &[(&str, &str)],
        options: SendOptions,
        idempotency: Idempotency,
    ) -> Result<TokenAnswer, Error> {
        let call = Call::post(OPERATION, self.url.clone())
            .with_idempotency(idempotency)
            .with_request_id_header(CLIENT_REQUEST_ID)
            .with_options(options.with_answer_limit(ANSWER_LIMIT))
            .with_form(form);
        let outcome = match self.pipeline.execute(call, &SameBody).await {
            Ok(answer) => read(&answer),
            // A proof that is made anew may be accepted.
            Err(error) if is_untimely(&error) => Err(error.with_retry(Retry::Backoff)),
            Err(error) => Err(error),
        };
        // Whatever was answered, or lost: a token that nobody received changes nothing at the service.
        outcome.map_err(|error| error.in_operation(OPERATION).with_effect(Effect::None))
    }
}

impl fmt::Debug for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEndpoint").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// How the endpoint says no to a body that the pipeline would send again as it is: what came too early or too late would be
/// refused again.
struct SameBody;

impl Dialect for SameBody {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        EntraDialect.judge(answer).map_err(|error| match is_untimely(&error) {
            true => error.with_retry(Retry::No),
            false => error,
        })
    }
}

/// Whether a proof came too early or too late: it was signed long before it was sent, or the clocks differ.
pub(crate) fn is_untimely(error: &Error) -> bool {
    error.kind() == ErrorKind::Unauthenticated && EntraCode::of(error).is_some_and(|code| code.number() == OUT_OF_TIME)
}

/// What a token endpoint answers.
pub(crate) struct TokenAnswer {
    pub(crate) token: FetchedToken,
    /// Where a refresh token was asked for and given.
    pub(crate) refresh: Option<Secret>,
    /// Who signed in, as a signed token, where that was asked for.
    pub(crate) id_token: Option<Secret>,
}

#[derive(Deserialize)]
struct Wire {
    access_token: Secret,
    #[serde(deserialize_with = "seconds")]
    expires_in: Duration,
    #[serde(default, deserialize_with = "optional_seconds")]
    refresh_in: Option<Duration>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    scope: Option<Box<str>>,
    #[serde(default)]
    refresh_token: Option<Secret>,
    #[serde(default)]
    id_token: Option<Secret>,
}

/// Some endpoints of the family write numbers as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Figure(u32),
    Text(String),
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = match Number::deserialize(deserializer)? {
        Number::Figure(seconds) => seconds,
        Number::Text(text) => text.parse().map_err(serde::de::Error::custom)?,
    };
    Ok(Duration::from_secs(seconds.into()))
}

fn optional_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    #[derive(Deserialize)]
    struct Present(#[serde(deserialize_with = "seconds")] Duration);
    Ok(Option::<Present>::deserialize(deserializer)?.map(|present| present.0))
}

fn read(answer: &Response) -> Result<TokenAnswer, Error> {
    let wire: Wire = sensitive_json(answer)?;
    let bearer = wire.token_type.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
    if !bearer || wire.access_token.is_empty() {
        return Err(Error::new(ErrorKind::Unexpected, "the answer holds no bearer token")
            .with_http_status(answer.status().as_u16()));
    }
    // A time of renewal at or after the end would come too late; the cache's own rule then decides.
    let refresh_in = wire.refresh_in.filter(|refresh| *refresh < wire.expires_in);
    let token = FetchedToken::new(wire.access_token, wire.expires_in);
    Ok(TokenAnswer {
        token: token.with_refresh_in(refresh_in).with_granted(wire.scope),
        refresh: wire.refresh_token.filter(|refresh| !refresh.is_empty()),
        id_token: wire.id_token,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(body: &'static str) -> Result<FetchedToken, Error> {
        read(&http::Response::new(body.into())).map(|answer| answer.token)
    }

    #[test]
    fn numbers_are_read_as_figures_and_as_text() {
        let figure = token(r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"t"}"#);
        assert_eq!(figure.unwrap().expires_in, Duration::from_secs(3599));
        let text = token(r#"{"token_type":"bearer","expires_in":"86399","refresh_in":"43199","access_token":"t"}"#);
        assert_eq!(text.unwrap().refresh_in, Some(Duration::from_secs(43_199)));
    }

    #[test]
    fn an_answer_without_a_bearer_token_is_refused_without_being_shown() {
        for body in [
            r#"{"token_type":"pop","expires_in":3599,"access_token":"s3cr3t"}"#,
            r#"{"token_type":"Bearer","expires_in":3599,"access_token":""}"#,
            r#"{"token_type":"Bearer","expires_in":"s3cr3t","access_token":"s3cr3t"}"#,
            r#"{"expires_in":3599}"#,
            "<html>s3cr3t</html>",
        ] {
            let error = token(body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unexpected, "{body}");
            assert!(!format!("{error:?}{error}").contains("s3cr3t"));
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_is_shown(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            seconds in any::<i64>(),
            text in "[G-Z]{12}",
        ) {
            drop(read(&http::Response::new(body.into())));
            let odd = serde_json::json!({"access_token": [&text], "expires_in": seconds, "id_token": 17, "refresh_token": text});
            let error = read(&http::Response::new(odd.to_string().into())).err().unwrap();
            let shown = format!("{error} {error:?}");
            prop_assert!(!shown.contains(odd["refresh_token"].as_str().unwrap()));
        }
    }
}

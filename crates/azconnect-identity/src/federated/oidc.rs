//! What the endpoints that sign tokens for a job have in common.

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_http::{Authorization, Call, Pipeline, PlainDialect, require_safe_scheme};
use http::header::AUTHORIZATION;
use serde::de::DeserializeOwned;
use url::Url;

use super::jwt::{no_token, signed_token};

/// A token takes one to three kilobytes.
const ANSWER_LIMIT: usize = 64 * 1024;

/// The address of an endpoint, which receives the job's own token and so must be encrypted.
pub(super) fn address(text: &str, field: &str) -> Result<Url, Error> {
    let wrong = |message: &str| {
        Error::invalid(field, message.to_owned()).with_advice("give the variable's value as the job was handed it")
    };
    let url = Url::parse(text).map_err(|_| wrong("is not an address"))?;
    let uri = url.as_str().parse().map_err(|_| wrong("is not an address"))?;
    // Whether plain http on loopback is opted in to, is the transport's to say.
    require_safe_scheme(&uri, true).map_err(|_| wrong("is not encrypted"))?;
    Ok(url)
}

/// An endpoint that is asked with the token of a job.
pub(super) struct Question<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) call: Call,
    pub(super) bearer: &'a Secret,
    /// What to do if the job's token is refused.
    pub(super) advice: &'static str,
}

/// Asks, and reads the token out of the answer. Idempotent: a token that is signed twice changes nothing.
pub(super) async fn ask<T: DeserializeOwned>(
    question: Question<'_>,
    token: impl FnOnce(T) -> Secret,
) -> Result<Secret, Error> {
    let Question { pipeline, call, bearer, advice } = question;
    let operation = call.operation();
    let text = Secret::new(format!("bearer {}", bearer.expose()));
    let call =
        call.with_header(AUTHORIZATION, Authorization::new(text.expose())?.header).with_answer_limit(ANSWER_LIMIT);
    let outcome = match pipeline.execute(call, &PlainDialect).await {
        // A redirect and a page to sign in at are how Azure DevOps refuses a token, so those are not its answer.
        Ok(answer) => azconnect_http::sensitive_json::<T>(&answer)
            .and_then(|answer| signed_token(&token(answer)).ok_or_else(|| no_token("what was answered"))),
        Err(error) => Err(error),
    };
    outcome.map_err(|error| {
        let refused = matches!(
            error.kind(),
            ErrorKind::Unauthenticated | ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::NotFound
        );
        let error = error.in_operation(operation).with_effect(Effect::None);
        if refused { error.with_advice(advice) } else { error }
    })
}

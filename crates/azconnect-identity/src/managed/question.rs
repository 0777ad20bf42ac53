//! One request for a token to a platform.

use std::time::Duration;

use azconnect_core::{Effect, Error, Secret};
use azconnect_http::{Authorization, Call, Idempotency, Pipeline, SendOptions};
use http::{HeaderName, HeaderValue};
use url::Url;

use super::answer::token;
use super::refusal::PlatformDialect;
use crate::source::FetchedToken;

/// Tokens are a few kilobytes.
const ANSWER_LIMIT: usize = 256 * 1024;

/// How long a platform takes to answer at most. It asks Entra ID itself where it has no token at hand.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Shows that the request was meant for the platform: nobody can be tricked into sending a header of this name.
pub(super) const METADATA: HeaderName = HeaderName::from_static("metadata");
pub(super) const TRUE: HeaderValue = HeaderValue::from_static("true");

/// A `GET` to the platform.
pub(super) fn get(operation: &'static str, url: Url) -> Call {
    to_platform(Call::get(operation, url))
}

/// A `POST` to the platform that changes nothing there.
pub(super) fn post(operation: &'static str, url: Url) -> Call {
    to_platform(Call::post(operation, url).with_idempotency(Idempotency::Idempotent))
}

fn to_platform(call: Call) -> Call {
    let options = SendOptions::default().with_answer_limit(ANSWER_LIMIT).with_timeout(TIMEOUT);
    call.with_options(options).to_platform_host()
}

/// A header whose value is a secret, so that it is not logged.
pub(super) fn secret_header(value: &Secret) -> Result<HeaderValue, Error> {
    Ok(Authorization::new(value.expose())?.header)
}

/// Asks a platform, and reads the token that it gives. Whatever happens, nothing has changed.
pub(super) async fn ask(pipeline: &Pipeline, call: Call, place: &'static str) -> Result<FetchedToken, Error> {
    let operation = call.operation();
    let outcome = match pipeline.execute(call, &PlatformDialect { place }).await {
        Ok(answer) => token(&answer, pipeline.clock().now()),
        Err(error) => Err(error),
    };
    outcome.map_err(|error| error.in_operation(operation).with_effect(Effect::None))
}

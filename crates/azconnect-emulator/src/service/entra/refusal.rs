//! The refusals of the token endpoint, in the words and with the escapes of the real one.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::format_description;

use super::Context;
use crate::base::answer::{Answer, WithHeader, typed};
use crate::base::call::Call;
use crate::base::refusal::Refusal;
use crate::model::world::World;

/// A refusal with its AADSTS number, which the token endpoint writes beside its OAuth code.
pub(super) fn aadsts(number: u32, error: &'static str, status: u16, text: impl Into<String>) -> Box<Refusal> {
    let mut refusal = Refusal::new(status, error, text);
    refusal.number = number;
    refusal
}

pub(super) fn tenant_not_found(tenant: &str) -> Box<Refusal> {
    aadsts(
        90002,
        "invalid_request",
        400,
        format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into \
             the correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        ),
    )
}

pub(super) fn tenant_malformed(tenant: &str) -> Box<Refusal> {
    aadsts(
        900_023,
        "invalid_request",
        400,
        format!("Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain."),
    )
}

pub(super) fn parameter_missing(name: &str) -> Box<Refusal> {
    let text = format!("The request body must contain the following parameter: '{name}'.");
    aadsts(900_144, "invalid_request", 400, text)
}

pub(super) fn grant_unsupported(grant: &str) -> Box<Refusal> {
    let text = format!("The app requested an unsupported grant type '{grant}'.");
    aadsts(70003, "unsupported_grant_type", 400, text)
}

pub(super) fn credential_missing() -> Box<Refusal> {
    aadsts(
        7_000_216,
        "invalid_client",
        401,
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
    )
}

pub(super) fn application_not_found(client: &str, tenant: &str) -> Box<Refusal> {
    aadsts(
        700_016,
        "unauthorized_client",
        400,
        format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user \
             in the tenant. You may have sent your authentication request to the wrong tenant."
        ),
    )
}

pub(super) fn application_disabled(client: &str, name: &str) -> Box<Refusal> {
    aadsts(7_000_112, "unauthorized_client", 400, format!("Application '{client}'({name}) is disabled."))
}

pub(super) fn secret_invalid(client: &str) -> Box<Refusal> {
    aadsts(
        7_000_215,
        "invalid_client",
        401,
        format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
             value, not the client secret ID, for a secret added to app '{client}'."
        ),
    )
}

pub(super) fn secret_expired(client: &str) -> Box<Refusal> {
    aadsts(
        7_000_222,
        "invalid_client",
        401,
        format!(
            "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new \
             keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for \
             added security: https://aka.ms/certCreds."
        ),
    )
}

/// A refusal of a client's assertion.
fn assertion(number: u32, text: impl Into<String>) -> Box<Refusal> {
    aadsts(number, "invalid_client", 401, text)
}

pub(super) fn assertion_kind(kind: &str) -> Box<Refusal> {
    let text = format!("The client_assertion_type '{kind}' is not supported.");
    aadsts(70002, "invalid_request", 400, text)
}

pub(super) fn assertion_malformed() -> Box<Refusal> {
    assertion(50027, "JWT token is invalid or malformed.")
}

pub(super) fn claim_missing(name: &str) -> Box<Refusal> {
    assertion(50027, format!("JWT token is invalid or malformed. The claim '{name}' is missing."))
}

pub(super) fn algorithm_unsupported(name: &str) -> Box<Refusal> {
    let text = format!(
        "Invalid JWT token. '{name}' is not a supported signature algorithm. Supported signing algorithms are: 'RS256, PS256'."
    );
    assertion(5_002_738, text)
}

pub(super) fn assertion_of_another() -> Box<Refusal> {
    assertion(700_021, "Client assertion application identifier doesn't match 'client_id' parameter.")
}

pub(super) fn assertion_audience() -> Box<Refusal> {
    assertion(700_023, "Client assertion audience claim does not match Realm issuer.")
}

/// With the times, from which a caller learns whose clock is wrong.
pub(super) fn assertion_out_of_time(now: OffsetDateTime, begins: Option<f64>, ends: f64) -> Box<Refusal> {
    #[expect(clippy::cast_possible_truncation, reason = "a number of seconds, whose fraction is not shown")]
    let moment =
        |seconds: f64| OffsetDateTime::from_unix_timestamp(seconds as i64).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let written = |moment: OffsetDateTime| {
        let (date, time) = (moment.date(), moment.time());
        format!("{date}T{:02}:{:02}:{:02}.0000000Z", time.hour(), time.minute(), time.second())
    };
    let text = format!(
        "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of \
         assertion {}. Review the documentation at \
         https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        written(now),
        written(moment(begins.unwrap_or_default())),
        written(moment(ends)),
    );
    assertion(700_024, text)
}

/// By RFC 7523, section 3, a server may refuse it. Microsoft's does not say that it does.
pub(super) fn assertion_used() -> Box<Refusal> {
    assertion(50027, "JWT token is invalid or malformed. The assertion was used before.")
}

pub(super) fn key_not_found(thumbprint: &str) -> Box<Refusal> {
    certificate("The key was not found.", thumbprint)
}

pub(super) fn key_expired(thumbprint: &str) -> Box<Refusal> {
    certificate("The key used is expired.", thumbprint)
}

pub(super) fn signature_wrong(thumbprint: &str) -> Box<Refusal> {
    certificate("The provided signature value did not match the expected signature value.", thumbprint)
}

fn certificate(reason: &str, thumbprint: &str) -> Box<Refusal> {
    assertion(
        700_027,
        format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. \
             [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']"
        ),
    )
}

/// No federated credential says what the assertion says of one field.
pub(super) fn no_federation(number: u32, field: &str, value: &str) -> Box<Refusal> {
    assertion(
        number,
        format!(
            "No matching federated identity record found for presented assertion {field} '{value}'. Check your \
             federated identity credential Subject, Audience and Issuer against the presented assertion."
        ),
    )
}

pub(super) fn issuer_unreachable() -> Box<Refusal> {
    aadsts(90061, "invalid_request", 400, "Request to External OIDC endpoint failed.")
}

pub(super) fn issuer_signature_wrong() -> Box<Refusal> {
    assertion(50013, "Assertion failed signature validation. [Reason - The key was not found.]")
}

pub(super) fn scope_not_default(scope: &str) -> Box<Refusal> {
    aadsts(
        1_002_012,
        "invalid_scope",
        400,
        format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value \
             with /.default suffixed to the resource identifier (application ID URI)."
        ),
    )
}

pub(super) fn resource_not_found(resource: &str, tenant: &str) -> Box<Refusal> {
    aadsts(
        500_011,
        "invalid_resource",
        400,
        format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen \
             if the application has not been installed by the administrator of the tenant or consented to by any \
             user in the tenant. You might have sent your authentication request to the wrong tenant."
        ),
    )
}

pub(super) fn user_not_found(user: &str, tenant: &str) -> Box<Refusal> {
    aadsts(
        50034,
        "invalid_grant",
        400,
        format!(
            "The user account {user} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory."
        ),
    )
}

pub(super) fn password_invalid() -> Box<Refusal> {
    let text = "Error validating credentials due to invalid username or password.";
    aadsts(50126, "invalid_grant", 400, text)
}

/// Number and text, as other services quote them.
pub(super) fn description(refusal: &Refusal) -> String {
    format!("AADSTS{}: {}", refusal.number, refusal.message)
}

/// A refusal as it is told: with the ids by which support finds it.
pub(super) struct Told {
    pub(super) description: String,
    timestamp: String,
    trace: String,
    correlation: String,
    pub(super) uri: String,
}

/// Draws the ids of a refusal and writes its text.
pub(super) fn told(refusal: &Refusal, call: &Call, world: &mut World) -> Told {
    let trace = world.dice.guid().to_string();
    let correlation = call.header("client-request-id").map_or_else(|| world.dice.guid().to_string(), str::to_owned);
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    let timestamp = call.now.wall.format(format).unwrap_or_default();
    let description = format!(
        "{}\r\nTrace ID: {trace}\r\nCorrelation ID: {correlation}\r\nTimestamp: {timestamp}",
        description(refusal)
    );
    let uri = format!("{}/error?code={}", call.origin, refusal.number);
    Told { description, timestamp, trace, correlation, uri }
}

/// The answer that carries a refusal.
pub(super) fn answer(refusal: &Refusal, call: &Call, world: &mut World) -> Answer {
    let told = told(refusal, call, world);
    let mut body = json!({
        "error": refusal.code,
        "error_description": told.description,
        "error_codes": [refusal.number],
        "timestamp": told.timestamp,
        "trace_id": told.trace,
        "correlation_id": told.correlation,
        "error_uri": told.uri,
    });
    if let Some(body) = body.as_object_mut() {
        body.extend(refusal.additional.iter().cloned());
    }
    let answer = typed(refusal.status, "application/json; charset=utf-8", escape(&body));
    refusal.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
}

/// A GET where only a POST is accepted.
pub(super) fn not_a_post(cx: &Context<'_>) -> Box<Refusal> {
    let text = format!("The endpoint only accepts POST requests. Received a {} request.", cx.call.method);
    aadsts(900_561, "invalid_request", 400, text)
}

/// The real service escapes apostrophes, which has broken parsers that look for them.
fn escape(body: &Value) -> String {
    body.to_string().replace('\'', "\\u0027")
}

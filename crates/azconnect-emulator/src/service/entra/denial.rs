//! The refusals of sign-ins of people and of what follows from them, by *Microsoft Entra authentication and authorization
//! error codes*. The wording is the service's where it is known.

use serde_json::{Value, json};

use super::refusal::aadsts;
use crate::base::refusal::Refusal;
use crate::model::registration::Registration;

fn invalid_grant(number: u32, text: impl Into<String>) -> Box<Refusal> {
    aadsts(number, "invalid_grant", 400, text)
}

fn invalid_request(number: u32, text: impl Into<String>) -> Box<Refusal> {
    aadsts(number, "invalid_request", 400, text)
}

/// With what tells a client which way out there is.
fn with(mut refusal: Box<Refusal>, name: &str, value: Value) -> Box<Refusal> {
    refusal.additional.push((name.to_owned(), value));
    refusal
}

fn suberror(refusal: Box<Refusal>, value: &str) -> Box<Refusal> {
    with(refusal, "suberror", json!(value))
}

// Of the request to sign in, before anybody is asked anything.

pub(super) fn redirect_mismatch(redirect: &str, client: &str) -> Box<Refusal> {
    let text = format!(
        "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the \
         application '{client}'. Make sure the redirect URI sent in the request matches one added to your application in the \
         Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this error."
    );
    invalid_request(50011, text)
}

pub(super) fn no_redirect() -> Box<Refusal> {
    invalid_request(500_113, "No reply address is registered for the application.")
}

pub(super) fn not_multi_tenant(registration: &Registration, endpoint: &str) -> Box<Refusal> {
    let text = format!(
        "Application '{}'({}) is not configured as a multi-tenant application. Usage of the /{endpoint} endpoint is not supported \
         for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
        registration.client_id, registration.name
    );
    invalid_request(50194, text)
}

pub(super) fn not_for_consumers(registration: &Registration) -> Box<Refusal> {
    let text = format!(
        "The client '{}'({}) is not enabled for consumers. If you are the owner of this application and would like to enable \
         personal Microsoft accounts to sign in to your application, please complete the new app registration through the Microsoft \
         App Registration Portal.",
        registration.client_id, registration.name
    );
    aadsts(70001, "unauthorized_client", 400, text)
}

pub(super) fn response_type_unsupported(kind: &str) -> Box<Refusal> {
    let text = format!("The response_type '{kind}' is not supported.");
    aadsts(70005, "unsupported_response_type", 400, text)
}

pub(super) fn response_type_not_enabled(kind: &str) -> Box<Refusal> {
    let text = format!("response_type '{kind}' is not enabled for the application.");
    aadsts(700_054, "unsupported_response_type", 400, text)
}

pub(super) fn response_mode_unsupported(mode: &str) -> Box<Refusal> {
    invalid_request(70007, format!("'{mode}' is not a supported value of 'response_mode' when requesting a token."))
}

pub(super) fn prompt_unsupported(prompt: &str) -> Box<Refusal> {
    let text = format!("The value '{prompt}' of the parameter 'prompt' is not supported.");
    invalid_request(901_001, text)
}

pub(super) fn hint_and_choice() -> Box<Refusal> {
    invalid_request(90023, "The parameters 'login_hint' and 'prompt=select_account' do not combine.")
}

pub(super) fn challenge_size() -> Box<Refusal> {
    invalid_request(501_491, "Invalid size of Code_Challenge parameter.")
}

pub(super) fn challenge_method(method: &str) -> Box<Refusal> {
    invalid_request(50147, format!("The Code_Challenge_Method '{method}' is not supported."))
}

pub(super) fn challenge_required() -> Box<Refusal> {
    invalid_request(
        9_002_325,
        "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
    )
}

pub(super) fn form_expired() -> Box<Refusal> {
    invalid_request(
        165_000,
        "Invalid Request: The request tokens do not match the user context. One or more of the user context values (cookies; form \
         fields; headers) were incorrect or invalid. These values should not be copied between requests or user sessions; always \
         maintain the ALL of the supplied values across a complete single user flow.",
    )
}

// Of scopes.

pub(super) fn scope_unknown(client: &str, scope: &str, resource: &str) -> Box<Refusal> {
    let text = format!(
        "The application '{client}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact the app vendor."
    );
    aadsts(650_053, "invalid_client", 400, text)
}

pub(super) fn default_with_others(scope: &str) -> Box<Refusal> {
    let text = format!(
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not \
         valid. The scope {scope} is not valid. .default scope can't be combined with resource-specific scopes."
    );
    aadsts(70011, "invalid_scope", 400, text)
}

pub(super) fn several_resources(scope: &str) -> Box<Refusal> {
    let text = format!(
        "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {scope} is not valid."
    );
    aadsts(28000, "invalid_scope", 400, text)
}

pub(super) fn resource_not_registered(registration: &Registration, resource: &str) -> Box<Refusal> {
    let text = format!(
        "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the \
         client's application registration. Client app ID: {}({}). Resource value from request: {resource}.",
        registration.client_id, registration.name
    );
    aadsts(650_057, "invalid_resource", 400, text)
}

// Of the person.

pub(super) fn nobody_signed_in() -> Box<Refusal> {
    let text = "A silent sign-in request was sent but no user is signed in.";
    aadsts(50058, "login_required", 400, text)
}

pub(super) fn several_signed_in() -> Box<Refusal> {
    let text = "Either multiple user identities are available for the current request or selected account is not supported for the scenario.";
    aadsts(16000, "interaction_required", 400, text)
}

pub(super) fn not_in_tenant(user: &str, home: &str, tenant: &str) -> Box<Refusal> {
    let text = format!(
        "User account '{user}' from identity provider '{home}' does not exist in tenant '{tenant}' and cannot access the application \
         in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a \
         different Azure Active Directory user account."
    );
    invalid_grant(50020, text)
}

pub(super) fn account_disabled() -> Box<Refusal> {
    invalid_grant(50057, "The user account is disabled.")
}

pub(super) fn strong_sign_in_needed() -> Box<Refusal> {
    let text = "Due to a configuration change made by your administrator, or because you moved to a new location, you must use \
                multi-factor authentication to access the resource.";
    let claims =
        r#"{"access_token":{"capolids":{"essential":true,"values":["e3f0d1a2-6b0c-4d8e-9f11-2a3b4c5d6e7f"]}}}"#;
    with(suberror(invalid_grant(50076, text), "basic_action"), "claims", json!(claims))
}

/// The same where the OAuth error is `interaction_required`: in a redirect, and on behalf of somebody.
pub(super) fn interaction_needed() -> Box<Refusal> {
    let mut refusal = strong_sign_in_needed();
    refusal.code = "interaction_required".to_owned();
    refusal
}

pub(super) fn sign_in_revoked() -> Box<Refusal> {
    let text = "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or \
                reset their password.";
    suberror(invalid_grant(50173, text), "bad_token")
}

// Of consent.

fn consent_text(registration: &Registration) -> String {
    format!(
        "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an interactive \
         authorization request for this user and resource.",
        registration.client_id, registration.name
    )
}

pub(super) fn consent_missing(registration: &Registration) -> Box<Refusal> {
    suberror(invalid_grant(65001, consent_text(registration)), "consent_required")
}

/// The same in a redirect.
pub(super) fn consent_required(registration: &Registration) -> Box<Refusal> {
    aadsts(65001, "consent_required", 400, consent_text(registration))
}

pub(super) fn consent_declined(registration: &Registration) -> Box<Refusal> {
    let text = format!("User declined to consent to access the app '{}'.", registration.name);
    aadsts(65004, "access_denied", 400, text)
}

pub(super) fn administrator_needed(registration: &Registration) -> Box<Refusal> {
    let text = format!(
        "An administrator of your organization has set a policy that prevents you from granting {} the permissions it is requesting. \
         Contact an administrator, who can grant permissions to this app on your behalf.",
        registration.name
    );
    aadsts(90094, "consent_required", 400, text)
}

pub(super) fn consent_endpoint(name: &str) -> Box<Refusal> {
    invalid_request(90023, format!("The endpoint /{name} is not supported for the consent of an administrator."))
}

// Of the client, where it asks on behalf of a person.

pub(super) fn credential_missing() -> Box<Refusal> {
    let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
    aadsts(7_000_218, "invalid_client", 401, text)
}

pub(super) fn public_with_credential() -> Box<Refusal> {
    let text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
    aadsts(700_025, "invalid_client", 401, text)
}

pub(super) fn cross_origin(origin: &str) -> Box<Refusal> {
    let text = format!(
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '{origin}'."
    );
    invalid_request(9_002_326, text)
}

pub(super) fn not_cross_origin() -> Box<Refusal> {
    let text =
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.";
    invalid_request(9_002_327, text)
}

// Of codes, refresh tokens, devices and assertions.

pub(super) fn grant_malformed() -> Box<Refusal> {
    suberror(invalid_grant(70000, "Provided grant is invalid or malformed."), "bad_token")
}

pub(super) fn code_malformed() -> Box<Refusal> {
    let text = "The provided authorization code or refresh token is invalid or malformed.";
    invalid_grant(9_002_313, text)
}

pub(super) fn code_used() -> Box<Refusal> {
    let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.";
    invalid_grant(54005, text)
}

pub(super) fn code_expired() -> Box<Refusal> {
    let text = "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization \
                request for this user and resource.";
    invalid_grant(70008, text)
}

pub(super) fn redirect_differs() -> Box<Refusal> {
    let text = "The reply address does not match the reply address provided when requesting Authorization code.";
    invalid_grant(500_112, text)
}

pub(super) fn verifier_missing() -> Box<Refusal> {
    invalid_grant(
        50148,
        "The Code_Verifier is missing, though a code_challenge was supplied in the authorization request.",
    )
}

pub(super) fn verifier_wrong() -> Box<Refusal> {
    let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
    invalid_grant(501_481, text)
}

pub(super) fn refresh_token_inactive(issued: &str, days: i64) -> Box<Refusal> {
    let text = format!(
        "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for {days}.00:00:00."
    );
    suberror(invalid_grant(700_082, text), "bad_token")
}

pub(super) fn refresh_token_of_page_ended(issued: &str) -> Box<Refusal> {
    let text = format!(
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which \
         cannot be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page. The token was \
         issued on {issued}."
    );
    invalid_grant(700_084, text)
}

pub(super) fn authorization_pending() -> Box<Refusal> {
    let text = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
    aadsts(70016, "authorization_pending", 400, text)
}

pub(super) fn authorization_declined() -> Box<Refusal> {
    aadsts(70017, "authorization_declined", 400, "The end user denied the authorization request.")
}

pub(super) fn verification_code_bad() -> Box<Refusal> {
    aadsts(70018, "bad_verification_code", 400, "The device_code sent to the token endpoint was not recognized.")
}

pub(super) fn device_code_expired() -> Box<Refusal> {
    aadsts(
        70020,
        "expired_token",
        400,
        "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
    )
}

pub(super) fn slow_down() -> Box<Refusal> {
    aadsts(70021, "slow_down", 400, "The device polls faster than the interval that it was given.")
}

pub(super) fn loop_detected() -> Box<Refusal> {
    let text = "The server terminated an operation because it encountered a client request loop. Please contact your app vendor.";
    invalid_grant(50196, text)
}

pub(super) fn throttled(seconds: u64) -> Box<Refusal> {
    let text = "There are too many incoming requests. This request was throttled.";
    aadsts(90055, "temporarily_unavailable", 429, text).header("retry-after", &seconds.to_string())
}

pub(super) fn assertion_audience(client: &str) -> Box<Refusal> {
    let text = format!(
        "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion was not '{client}'."
    );
    invalid_grant(500_131, text)
}

pub(super) fn assertion_invalid() -> Box<Refusal> {
    invalid_grant(50013, "Assertion failed signature validation. [Reason - The key was not found.]")
}

pub(super) fn assertion_ended() -> Box<Refusal> {
    invalid_grant(
        500_133,
        "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion.",
    )
}

pub(super) fn assertion_of_application(client: &str) -> Box<Refusal> {
    let text = format!("Application '{client}' is not allowed to make application on-behalf-of calls.");
    aadsts(7_000_114, "invalid_grant", 400, text)
}

//! Personal access tokens: made, listed, extended and revoked.

use azconnect_core::{Effect, Error, ErrorKind, KeyId, Secret};
use azconnect_http::{Call, Idempotency, sensitive_json};
use http::Method;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;

use crate::dialect::says_something_else_is_missing;
use crate::organization::Organization;
use crate::tolerant::{moment, moment_text};

/// A personal access token as the service lists it; its value is never shown again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenEntry {
    /// The public id (`authorizationId`), by which it is extended and revoked.
    pub id: KeyId,
    /// The name under which it was made (`displayName`).
    pub display_name: Option<String>,
    /// What it may do, such as `vso.serviceendpoint_manage`.
    pub scope: Option<String>,
    /// When it begins to be valid.
    pub valid_from: Option<OffsetDateTime>,
    /// When it ends.
    pub valid_to: Option<OffsetDateTime>,
}

/// A personal access token to be made. Always for one organization: those for all stop on 1 December 2026.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewToken {
    /// The name, which finds the token if the answer is lost.
    pub display_name: String,
    /// What it may do, such as `vso.serviceendpoint_manage`; several are separated by blanks.
    pub scope: String,
    /// When it shall end: in the future, at most a year from now.
    pub valid_to: OffsetDateTime,
}

impl NewToken {
    /// A token with this name, scope and end.
    pub fn new(display_name: impl Into<String>, scope: impl Into<String>, valid_to: OffsetDateTime) -> Self {
        Self { display_name: display_name.into(), scope: scope.into(), valid_to }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenAnswer {
    #[serde(default)]
    pat_token: Option<Wire>,
    #[serde(default)]
    pat_token_error: Option<String>,
}

/// No `Debug`: it may hold the token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    authorization_id: KeyId,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    valid_from: Option<String>,
    #[serde(default)]
    valid_to: Option<String>,
    #[serde(default)]
    token: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default, deserialize_with = "crate::tolerant::or_default")]
    pat_tokens: Vec<Wire>,
    #[serde(default)]
    continuation_token: Option<String>,
}

impl Wire {
    fn entry(self) -> (TokenEntry, Option<Secret>) {
        let entry = TokenEntry {
            id: self.authorization_id,
            display_name: self.display_name,
            scope: self.scope,
            valid_from: self.valid_from.as_deref().and_then(moment),
            valid_to: self.valid_to.as_deref().and_then(moment),
        };
        (entry, self.token)
    }
}

/// The caller's personal access tokens in an organization. They are kept only for the Entra token of a user: neither a
/// service principal nor a personal access token may do this.
impl Organization {
    /// Makes a token, and returns it with its value, which is shown this once. **Not idempotent.** Follows Microsoft's
    /// *Pats - Create*.
    ///
    /// # Errors
    /// With effect [`Unknown`](Effect::Unknown) it may exist: look for its name with
    /// [`Organization::personal_tokens`].
    ///
    /// # Cancel safety
    /// Not cancel safe: it may exist afterwards.
    pub async fn create_personal_token(&self, token: &NewToken) -> Result<(TokenEntry, Secret), Error> {
        if token.display_name.trim().is_empty() || token.scope.trim().is_empty() {
            return Err(Error::invalid("token", "needs a name and a scope")
                .with_advice("give a scope such as vso.serviceendpoint"));
        }
        let valid_to = moment_text("valid_to", token.valid_to)?;
        let body =
            json!({"displayName": token.display_name, "scope": token.scope, "validTo": valid_to, "allOrgs": false});
        let call = Call::post("devops.token.create", self.tokens_url(&[])?).with_json(&body)?;
        let (entry, secret) = self.one_token(call).await?.entry();
        let secret = secret.ok_or_else(|| {
            Error::new(ErrorKind::Unexpected, "the service made a token and did not show it")
                .in_operation("devops.token.create")
                .with_advice("revoke the token of this name, and make another")
        })?;
        Ok((entry, secret))
    }

    /// The caller's tokens, those that are valid and of this organization. Idempotent, without effect.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) for a caller who is not a user with an Entra token.
    pub async fn personal_tokens(&self) -> Result<Vec<TokenEntry>, Error> {
        let mut tokens: Vec<TokenEntry> = Vec::new();
        let mut next: Option<String> = None;
        let mut watch = self.watch("devops.token.list");
        loop {
            watch.begin_page()?;
            let query: Vec<_> = next.as_deref().map(|token| ("continuationToken", token)).into_iter().collect();
            let call = Call::get("devops.token.list", self.tokens_url(&query)?);
            let answer = self.send(call).await.map_err(of_users_only)?;
            let page: Listed = sensitive_json(&answer).map_err(|error| error.in_operation("devops.token.list"))?;
            let count = page.pat_tokens.len();
            watch.count(count)?;
            tokens.extend(page.pat_tokens.into_iter().map(|token| token.entry().0));
            // The service names a next page after the last one, which is empty.
            match page.continuation_token.filter(|token| !token.is_empty() && count > 0) {
                Some(token) => {
                    watch.follow(&token)?;
                    next = Some(token);
                }
                None => return Ok(tokens),
            }
        }
    }

    /// Gives a token another end. Its value stays. Idempotent. Follows Microsoft's *Pats - Update*.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a token that is revoked or of somebody else.
    pub async fn extend_personal_token(&self, id: KeyId, valid_to: OffsetDateTime) -> Result<TokenEntry, Error> {
        let body = json!({"authorizationId": id.to_string(), "validTo": moment_text("valid_to", valid_to)?});
        let url = self.tokens_url(&[])?;
        let call = Call::new("devops.token.extend", Method::PUT, url, Idempotency::Idempotent).with_json(&body)?;
        Ok(self.one_token(call).await?.entry().0)
    }

    /// Revokes a token. Idempotent; says whether the service knew it. Follows Microsoft's *Pats - Revoke*.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) for a caller who is not a user with an Entra token.
    pub async fn revoke_personal_token(&self, id: KeyId) -> Result<bool, Error> {
        let url = self.tokens_url(&[("authorizationId", &id.to_string())])?;
        match self.send(Call::delete("devops.token.revoke", url)).await {
            Ok(_) => Ok(true),
            // Any other 404 says nothing of the token: an organization that is not there, or a proxy on the way.
            Err(error) if says_something_else_is_missing(&error) => Ok(false),
            Err(error) => Err(of_users_only(error)),
        }
    }

    async fn one_token(&self, call: Call) -> Result<Wire, Error> {
        let operation = call.operation();
        let answer = self.send(call).await.map_err(of_users_only)?;
        let outcome: TokenAnswer = sensitive_json(&answer).map_err(|error| error.in_operation(operation))?;
        match (outcome.pat_token_error.as_deref(), outcome.pat_token) {
            (None | Some("none" | "None" | ""), Some(token)) => Ok(token),
            // With a token beside it the name of a failure proves nothing: there is a token.
            (Some(code), Some(_)) => Err(refusal(code).with_effect(Effect::Unknown).in_operation(operation)),
            (Some(code), None) if !matches!(code, "none" | "None" | "") => Err(refusal(code).in_operation(operation)),
            _ => Err(Error::new(ErrorKind::Unexpected, "the service answered without a token").in_operation(operation)),
        }
    }

    fn tokens_url(&self, query: &[(&str, &str)]) -> Result<url::Url, Error> {
        self.identity_url(&["_apis", "tokens", "pats"], query)
    }
}

/// The error for a `patTokenError`, with which the service refuses under HTTP status 200.
fn refusal(code: &str) -> Error {
    let (kind, message, advice) = match code.to_ascii_lowercase().as_str() {
        "displaynamerequired" | "invaliddisplayname" => {
            (ErrorKind::InvalidInput, "the token's name is not taken", "choose another name")
        }
        "invalidvalidto" => {
            (ErrorKind::InvalidInput, "the token's end is not taken", "choose an end in the future, within a year")
        }
        "invalidscope" | "invalidauthorizationscopes" => (
            ErrorKind::InvalidInput,
            "the token's scope is not known",
            "give scopes such as vso.serviceendpoint_manage",
        ),
        "globalpatpolicyviolation" | "fullscopepatpolicyviolation" | "patlifespanpolicyviolation" => (
            ErrorKind::PermissionDenied,
            "a policy of the tenant forbids such a token",
            "shorten its life or narrow its scope, or ask an administrator of the tenant",
        ),
        "accessdenied" | "userpermissiondenied" | "deploymenthostnotsupported" => {
            (ErrorKind::PermissionDenied, "the caller may not do this to tokens", OF_USERS)
        }
        "authorizationnotfound" | "tokennotfound" | "hostauthorizationnotfound" | "invalidauthorizationid" => {
            (ErrorKind::NotFound, "there is no such token", "list the tokens: it may be revoked already")
        }
        _ => (ErrorKind::Unexpected, "the service refused the token", "report this with the request id"),
    };
    // The names above are the documented ones of refusals, with which no token comes. One that is new proves nothing.
    let effect = if kind == ErrorKind::Unexpected { Effect::Unknown } else { Effect::None };
    let plain = code.len() <= 80 && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let error = Error::new(kind, message).with_effect(effect).with_advice(advice);
    if plain { error.with_service_code(code) } else { error }
}

const OF_USERS: &str =
    "sign in as a user through Entra ID: neither service principals nor personal access tokens may manage such tokens";

fn of_users_only(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => error.with_advice(OF_USERS),
        _ => error,
    }
}

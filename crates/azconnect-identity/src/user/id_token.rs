//! Who signed in, by a token that the login signed.

use std::time::Duration;

use azconnect_core::{ClientId, Effect, Error, ErrorKind, Retry, Secret, TenantId};
use azconnect_credential::{Person, PersonId};
use serde::Deserialize;
use time::OffsetDateTime;

use super::jwt::Unverified;
use super::keys::{ANY_TENANT, LoginKeys, Published};
use crate::application::Application;

/// How far the clocks of the login and of this machine may be apart.
const SKEW: Duration = Duration::from_secs(120);

/// How many characters of what is shown of a person are kept.
const LONGEST_SHOWN: usize = 256;

/// What an id token must say besides being signed.
pub(super) struct Expected<'a> {
    pub(super) client: ClientId,
    /// The tenant, where the authority is one.
    pub(super) tenant: Option<TenantId>,
    /// Whether the login is Microsoft's, whose issuer names the tenant.
    pub(super) is_entra: bool,
    /// The value that the sign-in was begun with. A device has none.
    pub(super) nonce: Option<&'a Secret>,
    pub(super) now: OffsetDateTime,
}

/// The claims that are looked at (*ID token claims reference*).
#[derive(Deserialize)]
struct Claims {
    aud: Audience,
    iss: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    nonce: Option<Secret>,
    #[serde(default)]
    tid: Option<String>,
    #[serde(default)]
    oid: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    preferred_username: Option<String>,
    #[serde(default)]
    idp: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    /// Whether it is for this client alone: what is for others as well may have come from one of them.
    fn is(&self, client: &str) -> bool {
        match self {
            Self::One(one) => one == client,
            Self::Several(several) => matches!(several.as_slice(), [one] if one == client),
        }
    }
}

/// Who signed in, if the token is the login's, is meant for us, and answers this very sign-in.
pub(super) async fn person(
    application: &Application,
    keys: &LoginKeys,
    (token, nonce): (&Secret, Option<&Secret>),
) -> Result<Person, Error> {
    let unverified = Unverified::read(token.expose()).ok_or_else(|| wrong("it is not signed by RS256"))?;
    let published = keys.with_key(&unverified.key).await?;
    let endpoint = application.endpoint();
    let expected = Expected {
        client: application.client(),
        tenant: endpoint.authority().tenant(),
        is_entra: endpoint.authority().provider().is_none(),
        nonce,
        now: endpoint.pipeline().clock().now(),
    };
    judged(&unverified, &published, &expected)
}

fn judged(token: &Unverified<'_>, published: &Published, expected: &Expected<'_>) -> Result<Person, Error> {
    let key = published.key(&token.key).ok_or_else(|| wrong("the login does not know the key that signed it"))?;
    let claims: Claims = token.verified(&key.key).ok_or_else(|| wrong("its signature is not the login's"))?;
    if !claims.aud.is(&expected.client.to_string()) {
        return Err(wrong("it is for another application"));
    }
    let tenant: Option<TenantId> = claims.tid.as_deref().and_then(|tenant| tenant.parse().ok());
    let tenant = tenant.ok_or_else(|| wrong("it names no tenant (tid)"))?;
    // What is for any tenant is that of the token's own.
    let own = |issuer: &str| issuer.replace(ANY_TENANT, &tenant.to_string());
    if claims.iss != own(&published.issuer) || key.issuer.as_deref().is_some_and(|issuer| claims.iss != own(issuer)) {
        return Err(wrong("another login issued it"));
    }
    if expected.tenant.is_some_and(|expected| expected != tenant) || (expected.is_entra && !is_of(&claims.iss, tenant))
    {
        return Err(wrong("it is of another tenant").with_field("tenant"));
    }
    let (seconds, skew) = (expected.now.unix_timestamp_nanos() as f64 / 1e9, SKEW.as_secs_f64());
    if claims.exp + skew <= seconds || claims.nbf.is_some_and(|nbf| nbf - skew > seconds) {
        return Err(
            wrong("it is not valid now").with_advice("check this machine's clock, then start the sign-in again")
        );
    }
    let answers = |nonce: &Secret| claims.nonce.as_ref().is_some_and(|claimed| claimed.same_as(nonce));
    if expected.nonce.is_some_and(|nonce| !answers(nonce)) {
        return Err(wrong("it answers another sign-in"));
    }
    let object = claims.oid.as_deref().and_then(|object| object.parse().ok());
    let object = object.ok_or_else(|| wrong("it names no object id (oid), which the scope profile asks for"))?;
    Ok(Person::new(PersonId::new(tenant, object))
        .with_display_name(claims.name.map(shown))
        .with_email(claims.email.map(shown))
        .with_user_name(claims.preferred_username.map(shown))
        .with_home(claims.idp.map(shown)))
}

/// Whether an answer that names its issuer (RFC 9207) is of the login that published this.
pub(super) fn is_by(issuer: &str, published: &Published) -> bool {
    match published.issuer.split_once(ANY_TENANT) {
        None => issuer == published.issuer,
        Some((before, after)) => {
            let tenant = issuer.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            tenant.is_some_and(|tenant| tenant.parse::<TenantId>().is_ok())
        }
    }
}

/// Whether the name of an issuer is that of a tenant.
fn is_of(issuer: &str, tenant: TenantId) -> bool {
    let tenant = tenant.to_string();
    issuer.split('/').any(|segment| segment == tenant)
}

/// A text for a page: in one line, and no longer than a page needs.
fn shown(text: String) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_SHOWN).collect()
}

pub(super) fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, format!("the id token cannot be believed: {why}"))
        .with_effect(Effect::None)
        .with_retry(Retry::No)
        .with_advice("start the sign-in again; if it goes on, check the authority and the client id")
}

//! The keys with which a login signs, as it publishes them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use azconnect_http::{Call, json, require_safe_scheme};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::jwt::PublicKey;
use crate::endpoint::TokenEndpoint;
use crate::refusal::EntraDialect;

/// What the requests are called in errors and spans.
const OPERATION: &str = "entra.keys";

/// How long keys are used before they are read again.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long a known key is believed while the login cannot be asked again.
const BELIEVED: Duration = Duration::from_secs(48 * 3600);

/// How long an unknown key leads to no other request after one that did not know it.
const PAUSE: Duration = Duration::from_secs(300);

/// The most keys of a login that are kept. Entra ID has about ten.
const MOST_KEYS: usize = 100;

/// The longest list of keys, and the longest configuration, in bytes.
const ANSWER_LIMIT: usize = 512 * 1024;

/// What stands for any tenant in the name of an issuer.
pub(super) const ANY_TENANT: &str = "{tenantid}";

/// The keys of one login, read when they are needed. Cheap to clone; clones share them.
///
/// Document: *OpenID Connect Discovery*; Microsoft's *Signing key rollover*.
#[derive(Clone)]
pub(super) struct LoginKeys {
    endpoint: TokenEndpoint,
    known: Arc<Mutex<Option<Arc<Published>>>>,
}

/// What a login published, and when it was read.
pub(super) struct Published {
    /// Who signs, as tokens name it. It may hold [`ANY_TENANT`].
    pub(super) issuer: String,
    keys: Vec<LoginKey>,
    /// By the clock's elapsed time.
    read_at: Duration,
}

/// One key, and whose tokens it may sign, where that is said.
pub(super) struct LoginKey {
    id: String,
    pub(super) issuer: Option<String>,
    pub(super) key: PublicKey,
}

impl Published {
    /// The key of a name.
    pub(super) fn key(&self, id: &str) -> Option<&LoginKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl LoginKeys {
    pub(super) fn new(endpoint: &TokenEndpoint) -> Self {
        Self { endpoint: endpoint.clone(), known: Arc::default() }
    }

    /// What the login published, with the key of a name if there is one. The keys are read again once a day, and for an unknown
    /// name, which a new key has, at most every 5 minutes.
    pub(super) async fn with_key(&self, id: &str) -> Result<Arc<Published>, Error> {
        let has_key = |published: &Published| published.key(id).is_some();
        self.at_hand(|age, published| age < PAUSE || (age < KEPT && has_key(published)), has_key).await
    }

    /// What the login published, with whatever keys. Before anything is redeemed that serves once: with it, whoever signs in can
    /// be told.
    pub(super) async fn published(&self) -> Result<Arc<Published>, Error> {
        self.at_hand(|age, _| age < KEPT, |_| true).await
    }

    /// What is known, if that is fresh; else what the login says now, or, while it cannot be asked, what is known and of use.
    async fn at_hand(
        &self,
        is_fresh: impl Fn(Duration, &Published) -> bool,
        is_of_use: impl Fn(&Published) -> bool,
    ) -> Result<Arc<Published>, Error> {
        let now = self.endpoint.pipeline().clock().elapsed();
        let known = self.known().clone().map(|published| (now.saturating_sub(published.read_at), published));
        if let Some((age, published)) = &known
            && is_fresh(*age, published)
        {
            return Ok(Arc::clone(published));
        }
        let published = match (self.read(now).await, known) {
            (Ok(published), _) => Arc::new(published),
            // Whoever has signed in must not lose that to an outage of a document.
            (Err(error), Some((age, published))) if is_passing(&error) && age < BELIEVED && is_of_use(&published) => {
                return Ok(published);
            }
            (Err(error), _) => return Err(error),
        };
        *self.known() = Some(Arc::clone(&published));
        Ok(published)
    }

    async fn read(&self, now: Duration) -> Result<Published, Error> {
        let configuration: Configuration = self.fetch(self.endpoint.authority().configuration_url()).await?;
        let address = Url::parse(&configuration.jwks_uri).ok().filter(|address| self.is_safe(address));
        let address = address.ok_or_else(|| foreign("the address of its keys is none"))?;
        let list: KeyList = self.fetch(address).await?;
        let keys = list.keys.into_iter().filter_map(read_key).take(MOST_KEYS).collect();
        Ok(Published { issuer: configuration.issuer, keys, read_at: now })
    }

    /// Whether keys may be read there.
    fn is_safe(&self, address: &Url) -> bool {
        is_safe_beside(self.endpoint.authority().login(), address)
    }

    async fn fetch<T: DeserializeOwned>(&self, address: Url) -> Result<T, Error> {
        let call = Call::get(OPERATION, address).with_answer_limit(ANSWER_LIMIT);
        let outcome = match self.endpoint.pipeline().execute(call, &EntraDialect).await {
            Ok(answer) => json(&answer).map_err(|_| foreign("it is no such document")),
            Err(error) => Err(error),
        };
        outcome.map_err(|error| error.in_operation(OPERATION).with_effect(Effect::None))
    }

    fn known(&self) -> MutexGuard<'_, Option<Arc<Published>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an address that a login names is over TLS, or on this machine where the login itself is.
pub(super) fn is_safe_beside(login: &Url, address: &Url) -> bool {
    let uri: Option<http::Uri> = address.as_str().parse().ok();
    uri.is_some_and(|uri| require_safe_scheme(&uri, login.scheme() == "http").is_ok())
}

fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout)
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeyList {
    keys: Vec<Value>,
}

/// A JSON Web Key (RFC 7517, RFC 7518 section 6.3).
#[derive(Deserialize)]
struct WireKey {
    kid: String,
    kty: String,
    n: String,
    e: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    issuer: Option<String>,
}

/// A key that signs by RS256; others are passed over.
fn read_key(value: Value) -> Option<LoginKey> {
    let wire: WireKey = serde_json::from_value(value).ok()?;
    let is = |field: &Option<String>, wanted: &str| field.as_deref().is_none_or(|field| field == wanted);
    if wire.kty != "RSA" || !is(&wire.purpose, "sig") || !is(&wire.alg, "RS256") {
        return None;
    }
    let number = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let key = PublicKey { modulus: number(&wire.n)?, exponent: number(&wire.e)? };
    Some(LoginKey { id: wire.kid, issuer: wire.issuer, key })
}

fn foreign(why: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("something other than the login answered: {why}"))
        .with_retry(Retry::No)
        .with_advice("check the cloud's login address, and whether a proxy or a firewall answers in its place")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_keys_for_signatures_by_rs256_are_kept() {
        let key = json!({"kid": "k", "kty": "RSA", "use": "sig", "n": "AQAB", "e": "AQAB", "issuer": "i", "x5c": []});
        assert_eq!(read_key(key.clone()).unwrap().issuer.as_deref(), Some("i"));
        for (name, value) in [
            ("kty", json!("EC")),
            ("use", json!("enc")),
            ("alg", json!("PS256")),
            ("n", json!("=")),
            ("e", json!(17)),
            ("kid", json!(null)),
        ] {
            let mut other = key.clone();
            other[name] = value;
            assert!(read_key(other).is_none(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_list_of_keys_makes_it_panic(kid in ".{0,8}", n in ".{0,20}", e in ".{0,20}") {
            drop(read_key(json!({"kid": kid, "kty": "RSA", "n": n, "e": e})));
            drop(read_key(json!([kid])));
        }
    }
}

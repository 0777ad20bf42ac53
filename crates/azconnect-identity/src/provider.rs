//! An OpenID provider that is not Microsoft's.

use azconnect_core::{Effect, Error, ErrorKind, Retry};
use azconnect_http::{Call, Pipeline, json, require_safe_scheme};
use serde::Deserialize;
use url::Url;

use crate::refusal::EntraDialect;

/// What the request is called in errors and spans.
const OPERATION: &str = "openid.discovery";

/// Where an OpenID provider is asked for what, as its own configuration says.
///
/// Document: *OpenID Connect Discovery 1.0*, sections 3 and 4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderEndpoints {
    issuer: Url,
    authorize: Url,
    token: Url,
    device_authorization: Option<Url>,
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    #[serde(default)]
    device_authorization_endpoint: Option<Url>,
}

impl ProviderEndpoints {
    /// Reads the configuration of a provider. Idempotent, without effect and without any secret.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected) if what answers calls itself otherwise, or names an address that is not encrypted while
    /// the issuer is; else if nobody answers.
    pub async fn discover(pipeline: &Pipeline, issuer: &Url) -> Result<Self, Error> {
        let call = Call::get(OPERATION, Self::configuration(issuer));
        let outcome = match pipeline.execute(call, &EntraDialect).await {
            Ok(answer) => json(&answer).and_then(|read| Self::checked(read, issuer)),
            Err(error) => Err(error),
        };
        outcome.map_err(|error| error.in_operation(OPERATION).with_effect(Effect::None))
    }

    fn checked(read: Configuration, issuer: &Url) -> Result<Self, Error> {
        // Section 4.3: whoever calls itself otherwise may be another provider, whose people are not this one's.
        if read.issuer.trim_end_matches('/') != issuer.as_str().trim_end_matches('/') {
            return Err(foreign("it calls itself by another name"));
        }
        let named = [
            Some(&read.authorization_endpoint),
            Some(&read.token_endpoint),
            read.device_authorization_endpoint.as_ref(),
        ];
        let is_safe = |address: &Url| {
            let uri: Option<http::Uri> = address.as_str().parse().ok();
            uri.is_some_and(|uri| require_safe_scheme(&uri, issuer.scheme() == "http").is_ok())
        };
        if !named.into_iter().flatten().all(is_safe) {
            return Err(foreign("it names an address that is not encrypted"));
        }
        Ok(Self {
            issuer: issuer.clone(),
            authorize: read.authorization_endpoint,
            token: read.token_endpoint,
            device_authorization: read.device_authorization_endpoint,
        })
    }

    /// Who the provider is, as its tokens name it.
    pub fn issuer(&self) -> &Url {
        &self.issuer
    }

    pub(crate) fn authorize(&self) -> &Url {
        &self.authorize
    }

    pub(crate) fn token(&self) -> &Url {
        &self.token
    }

    pub(crate) fn device_authorization(&self) -> Option<&Url> {
        self.device_authorization.as_ref()
    }

    /// Where a provider describes itself.
    pub(crate) fn configuration(issuer: &Url) -> Url {
        let mut address = issuer.clone();
        let path = format!("{}/.well-known/openid-configuration", issuer.path().trim_end_matches('/'));
        address.set_path(&path);
        address
    }
}

fn foreign(why: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("what answers is not the provider that was asked: {why}"))
        .with_retry(Retry::No)
        .with_field("issuer")
        .with_advice("check the issuer's address, letter by letter")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(issuer: &str, named: &str, token: &str) -> Result<ProviderEndpoints, Error> {
        let read = Configuration {
            issuer: named.to_owned(),
            authorization_endpoint: "https://login.example/authorize".parse().unwrap(),
            token_endpoint: token.parse().unwrap(),
            device_authorization_endpoint: None,
        };
        ProviderEndpoints::checked(read, &issuer.parse().unwrap())
    }

    #[test]
    fn only_the_provider_that_was_asked_is_believed() {
        let (own, token) = ("https://login.example/a", "https://login.example/token");
        assert!(checked(own, own, token).is_ok());
        assert!(checked("https://login.example", "https://login.example", token).is_ok());
        for (named, token) in [
            ("https://evil.example/a", token),
            ("https://login.example/b", token),
            (own, "http://login.example/token"),
            (own, "http://127.0.0.1/token"),
        ] {
            assert_eq!(checked(own, named, token).unwrap_err().field(), Some("issuer"), "{named} {token}");
        }
        assert!(checked("http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:1/token").is_ok());
    }

    #[test]
    fn it_describes_itself_below_its_own_path() {
        let of = |issuer: &str| ProviderEndpoints::configuration(&issuer.parse().unwrap());
        assert_eq!(of("https://login.example/a/").as_str(), "https://login.example/a/.well-known/openid-configuration");
        assert_eq!(of("https://login.example").as_str(), "https://login.example/.well-known/openid-configuration");
    }
}

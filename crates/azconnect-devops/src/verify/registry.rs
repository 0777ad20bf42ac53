//! The login of a Docker registry, as `docker login` does it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, NoRetry, Secret};
use azconnect_credential::entra::{self, Meaning, PROPAGATION};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict};
use azconnect_http::{
    Authorization, Authorizer, Call, Dialect, Pipeline, Response, endpoint, require_safe_scheme, with_query,
};
use http::header::WWW_AUTHENTICATE;
use serde::Deserialize;
use time::OffsetDateTime;
use url::{Host, Url};
use zeroize::Zeroizing;

use crate::authorization::basic;

/// Registries whose tokens come from another host of the same operator.
const KNOWN_TOKEN_HOSTS: &[(&str, &str)] = &[
    ("index.docker.io", "auth.docker.io"),
    ("registry-1.docker.io", "auth.docker.io"),
    ("registry.gitlab.com", "gitlab.com"),
    ("registry.redhat.io", "sso.redhat.com"),
];

/// Checks a user name and password at a registry's own `/v2/` login.
///
/// Where a credential may go: to the registry's host over `https`; and to the host that the registry names for tokens
/// (`realm`) only if it is the same host, a known host of the same operator (such as `auth.docker.io` for Docker Hub), or
/// one that the caller allowed with [`RegistryCheck::with_token_host`]. A registry could otherwise name any host, and
/// collect the password there. Addresses by number and names of internal networks are refused as well, since the
/// registry's address is written by whoever may edit the connection. Every call is marked as one to a foreign host
/// ([`Call::to_foreign_host`]), so that the transport refuses a public name that leads into a private network.
///
/// Follows the *Docker Registry v2 authentication* specification.
#[derive(Clone)]
pub struct RegistryCheck {
    pipeline: Pipeline,
    token_hosts: Vec<String>,
    private_hosts: Vec<String>,
    http_loopback: bool,
    propagation: Duration,
}

/// How a registry wants to be logged in to.
enum Challenge {
    /// It answers anybody, without a login.
    Open,
    /// It takes user name and password themselves (HTTP Basic).
    Basic,
    /// It takes a token, for which this address wants user name and password.
    Token(Url),
}

impl RegistryCheck {
    /// A check over a pipeline. The calls carry no authorization of the pipeline's own, and none is repeated: whoever
    /// asks does the waiting.
    pub fn new(pipeline: Pipeline) -> Self {
        let pipeline = pipeline.with_retry(Arc::new(NoRetry));
        Self {
            pipeline,
            token_hosts: Vec::new(),
            private_hosts: Vec::new(),
            http_loopback: false,
            propagation: PROPAGATION,
        }
    }

    /// Allows one more host to receive the credential when a registry names it for tokens: `auth.example.com`, which is its
    /// port 443 alone, or with another port, `auth.example.com:8443`.
    #[must_use]
    pub fn with_token_host(mut self, host: impl Into<String>) -> Self {
        let host = host.into().to_ascii_lowercase();
        self.token_hosts.push(host.strip_suffix(":443").map_or(host.clone(), str::to_owned));
        self
    }

    /// Allows a registry of your own in a private network, or its realm: a name or a number, without a port. The transport
    /// has to allow it too, with `with_allowed_private_hosts`.
    #[must_use]
    pub fn with_private_host(mut self, host: impl Into<String>) -> Self {
        self.private_hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// Sets how long after it was minted a refused password may still be on its way to every replica of the directory that
    /// the registry asks. It is [`PROPAGATION`] unless set.
    #[must_use]
    pub fn with_propagation(mut self, propagation: Duration) -> Self {
        self.propagation = propagation;
        self
    }

    /// Allows plain `http`, numbers and internal names for loopback: passwords travel in the clear on this machine. For
    /// emulators and tests.
    #[must_use]
    pub fn danger_allow_http_loopback(mut self) -> Self {
        self.http_loopback = true;
        self
    }

    /// Whether the registry can be asked at all. Sends no credential.
    ///
    /// # Errors
    /// If the registry does not answer, asks for no login, or wants the credential sent to a foreign host.
    pub async fn reachable(&self, registry: &str) -> Result<(), Error> {
        let base = self.base(registry)?;
        match self.challenge(&base).await? {
            Challenge::Open => Err(unverifiable("the registry answers anybody, so a login proves nothing")),
            Challenge::Basic | Challenge::Token(_) => Ok(()),
        }
    }

    /// Logs in with a candidate. Idempotent; the registry stores nothing. Errors are
    /// [`Inconclusive`](CredentialVerdict::Inconclusive).
    pub async fn verify(&self, registry: &str, user: &str, candidate: &Candidate<'_>) -> Assessment {
        self.login(registry, user, candidate).await.unwrap_or_else(|error| Assessment::inconclusive(&error))
    }

    async fn login(&self, registry: &str, user: &str, candidate: &Candidate<'_>) -> Result<Assessment, Error> {
        let base = self.base(registry)?;
        let host = base.host_str().unwrap_or_default().to_owned();
        let ping = endpoint(&base, &["v2"])?;
        let answer = match self.challenge(&base).await? {
            Challenge::Open => return Err(unverifiable("the registry answers anybody, so a login proves nothing")),
            Challenge::Basic => self.get(slash(ping), Some(&basic(user, candidate.secret))).await?,
            Challenge::Token(url) => {
                let answer = self.get(url, Some(&basic(user, candidate.secret))).await?;
                if !answer.status().is_success() {
                    return Ok(self.judge(&answer, &host, candidate.minted_at));
                }
                let token: Token = azconnect_http::sensitive_json(&answer)?;
                let token =
                    token.token.or(token.access_token).ok_or_else(|| unverifiable("the registry gave no token"))?;
                // The token is used once: one that the registry itself does not take proves nothing.
                let bearer = Zeroizing::new(format!("Bearer {}", token.expose()));
                let answer = self.get(slash(ping), Some(&bearer)).await?;
                if !answer.status().is_success() {
                    return Err(unverifiable("the registry does not take the token that it gave for the login"));
                }
                answer
            }
        };
        Ok(self.judge(&answer, &host, candidate.minted_at))
    }

    fn judge(&self, answer: &Response, host: &str, minted_at: Option<OffsetDateTime>) -> Assessment {
        match answer.status().as_u16() {
            200..=299 => Assessment::new(
                CredentialVerdict::Accepted,
                format!("the registry {host} accepts the user and password"),
            ),
            401 => Assessment::new(
                Meaning::NoMatch.verdict(entra::age(minted_at, self.pipeline.clock().now()), self.propagation),
                format!("the registry {host} refuses the user or password"),
            )
            .with_service_code("RegistryUnauthorized")
            .with_advice("check the user name of the connection, and that the password belongs to it"),
            // The firewall of an Azure Container Registry answers so too, and has not looked at the password.
            403 => Assessment::inconclusive(
                &unverifiable(&format!("the registry {host} answered 403: it may be the registry's firewall"))
                    .with_service_code("RegistryForbidden")
                    .with_advice(
                        "allow this machine's address in the registry's network rules, and give the application \
                         AcrPull; or check the login by hand",
                    ),
            ),
            status => Assessment::inconclusive(&unverifiable(&format!("the registry answered {status} to the login"))),
        }
    }

    async fn challenge(&self, base: &Url) -> Result<Challenge, Error> {
        let answer = self.get(slash(endpoint(base, &["v2"])?), None).await?;
        match answer.status().as_u16() {
            200..=299 => return Ok(Challenge::Open),
            401 => {}
            status => return Err(unverifiable(&format!("the registry answered {status} to /v2/"))),
        }
        let challenges: Vec<_> =
            answer.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
        if let Some(parameters) = challenges.iter().find_map(|challenge| after_scheme(challenge, "bearer")) {
            return self.token_address(base, parameters).map(Challenge::Token);
        }
        if challenges.iter().any(|challenge| after_scheme(challenge, "basic").is_some()) {
            return Ok(Challenge::Basic);
        }
        Err(unverifiable("the registry does not say how to log in"))
    }

    fn token_address(&self, base: &Url, parameters: &str) -> Result<Url, Error> {
        let realm =
            parameter(parameters, "realm").ok_or_else(|| unverifiable("the registry names no realm for tokens"))?;
        let realm = Url::parse(&realm).map_err(|_| unverifiable("the registry's realm is not an address"))?;
        self.require_safe(&realm)?;
        if !self.may_receive(base, &realm) {
            let host = server(&realm).unwrap_or_default();
            return Err(unverifiable("the registry wants the credential sent to another host")
                .with_service_code("ForeignRealm")
                .with_advice(format!(
                    "if {host:?} belongs to the registry's operator, allow it with with_token_host"
                )));
        }
        Ok(match parameter(parameters, "service") {
            Some(service) => with_query(realm, &[("service", &service)]),
            None => realm,
        })
    }

    /// Whether a token host may see the credential of a registry.
    fn may_receive(&self, base: &Url, realm: &Url) -> bool {
        let (Some(registry), Some(host)) = (base.host_str(), realm.host_str()) else { return false };
        if host == registry {
            // Another port on this machine is another server.
            return base.scheme() == realm.scheme()
                && (base.scheme() == "http" || base.port_or_known_default() == realm.port_or_known_default());
        }
        // Another port is another server, which may be somebody else's.
        let (Some(registry), Some(server)) = (server(base), server(realm)) else { return false };
        KNOWN_TOKEN_HOSTS.contains(&(&*registry, &*server)) || self.token_hosts.contains(&server)
    }

    /// The origin of a registry, which connections hold with or without scheme and path.
    fn base(&self, registry: &str) -> Result<Url, Error> {
        let wrong = || {
            Error::invalid("registry", "is not the address of a registry")
                .with_advice("give the registry as in https://registry.example.com")
        };
        let text = registry.trim();
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
        let mut url = url.map_err(|_| wrong())?;
        if url.host().is_none() || !url.username().is_empty() || url.password().is_some() {
            return Err(wrong());
        }
        self.require_safe(&url)?;
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        Ok(url)
    }

    fn require_safe(&self, url: &Url) -> Result<(), Error> {
        let uri = url.as_str().parse().map_err(|_| unverifiable("the registry's address cannot be called"))?;
        require_safe_scheme(&uri, self.http_loopback)?;
        let allowed = |host: &str| self.private_hosts.iter().any(|own| own == host.trim_end_matches('.'));
        if self.http_loopback || url.host_str().is_some_and(allowed) {
            return Ok(());
        }
        let internal = match url.host() {
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                !name.contains('.')
                    || [".local", ".internal", ".localhost", ".svc", ".home.arpa"].iter().any(|end| name.ends_with(end))
            }
            _ => true,
        };
        if internal {
            return Err(unverifiable("the registry is on an internal network, which is not called from here")
                .with_advice("allow a registry of your own by name: with_private_host, and the transport's own list"));
        }
        Ok(())
    }

    async fn get(&self, url: Url, authorization: Option<&str>) -> Result<Response, Error> {
        let mut call = Call::get("devops.registry.login", url);
        // On this machine by opt-in, nothing is foreign.
        if !self.http_loopback {
            call = call.to_foreign_host();
        }
        if let Some(text) = authorization {
            call = call.with_authorizer(std::sync::Arc::new(Fixed(Secret::new(text))));
        }
        self.pipeline.execute(call, &RegistryDialect).await
    }
}

impl fmt::Debug for RegistryCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryCheck").field("token_hosts", &self.token_hosts).finish_non_exhaustive()
    }
}

/// The answer of a registry's token host, which names the token in one of two ways.
#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    token: Option<Secret>,
    #[serde(default)]
    access_token: Option<Secret>,
}

/// Signs one call with a fixed `authorization` header.
struct Fixed(Secret);

#[async_trait::async_trait]
impl Authorizer for Fixed {
    async fn authorize(&self) -> Result<Authorization, Error> {
        Authorization::new(self.0.expose())
    }

    async fn refused(&self, _: &Authorization, _: &Error) -> bool {
        false
    }
}

/// The dialect of a registry: refusals are answers to read, and only faults and throttles are errors.
struct RegistryDialect;

impl Dialect for RegistryDialect {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        let kind = match answer.status().as_u16() {
            429 => ErrorKind::Throttled,
            500..=599 => ErrorKind::Unavailable,
            _ => return Ok(()),
        };
        // Effect none: a login stores nothing.
        Err(Error::new(kind, "the registry does not answer now").with_effect(Effect::None))
    }
}

/// A registry that was not asked, or that answered a login, which stores nothing: effect none.
fn unverifiable(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, message)
        .with_effect(Effect::None)
        .in_operation("devops.registry.login")
        .with_service_code("NotVerifiable")
        .with_advice("check the login by hand, or accept that the connection was read back as written")
}

/// A server by its host, and by its port where that is not the usual one.
fn server(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// The ping of a registry ends with a slash; some redirect without it.
fn slash(mut url: Url) -> Url {
    let path = format!("{}/", url.path());
    url.set_path(&path);
    url
}

/// What follows a scheme of an authentication challenge.
fn after_scheme<'a>(challenge: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, tail) = challenge.trim().split_once(' ').unwrap_or((challenge.trim(), ""));
    head.eq_ignore_ascii_case(scheme).then_some(tail)
}

/// One quoted or bare parameter of a challenge.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    let mut rest = parameters;
    while let Some((key, tail)) = rest.split_once('=') {
        let key = key.trim_start_matches([',', ' ']).trim();
        let tail = tail.trim_start();
        let (value, after) = match tail.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => tail.split_once(',').unwrap_or((tail, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A check that sends nothing.
    fn check() -> RegistryCheck {
        struct Nowhere;

        #[async_trait::async_trait]
        impl azconnect_http::Transport for Nowhere {
            async fn send(&self, _: azconnect_http::Request) -> Result<Response, Error> {
                Err(azconnect_http::not_connected("nothing is sent"))
            }
        }

        RegistryCheck::new(Pipeline::new(Arc::new(Nowhere), Arc::new(azconnect_testkit::VirtualClock::new())))
    }

    #[tokio::test(start_paused = true)]
    async fn another_port_of_a_token_host_is_another_server() {
        let may = |check: &RegistryCheck, registry: &str, realm: &str| {
            check.may_receive(&Url::parse(registry).unwrap(), &Url::parse(realm).unwrap())
        };
        let (hub, auth) = ("https://index.docker.io", "https://auth.docker.io/token");
        assert!(may(&check(), hub, auth));
        assert!(may(&check(), hub, "https://auth.docker.io:443/token"));
        assert!(!may(&check(), hub, "https://auth.docker.io:8443/token"));
        assert!(!may(&check(), "https://index.docker.io:8443", auth));
        assert!(!may(&check(), "https://r.example", "https://r.example:8443/token"));
        let (own, elsewhere) = ("https://auth.example/token", "https://auth.example:8443/token");
        let allowed = check().with_token_host("Auth.example");
        assert!(may(&allowed, "https://r.example", own) && !may(&allowed, "https://r.example", elsewhere));
        let allowed = check().with_token_host("auth.example:443");
        assert!(may(&allowed, "https://r.example", own) && !may(&allowed, "https://r.example", elsewhere));
        let allowed = check().with_token_host("auth.example:8443");
        assert!(!may(&allowed, "https://r.example", own) && may(&allowed, "https://r.example", elsewhere));
    }

    #[test]
    fn parameters_of_a_challenge_are_read_quoted_and_bare() {
        let text = r#"realm="https://a.example/token?x=1,2", service=b.example , scope="""#;
        assert_eq!(parameter(text, "realm").as_deref(), Some("https://a.example/token?x=1,2"));
        assert_eq!(parameter(text, "Service").as_deref(), Some("b.example"));
        assert_eq!(parameter(text, "nothing"), None);
        assert_eq!(parameter("realm=\"unclosed", "realm"), None);
    }
}

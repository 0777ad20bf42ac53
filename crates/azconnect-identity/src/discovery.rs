//! Which tenant a name stands for, asked of the login before anybody signs in.

use std::fmt;

use azconnect_core::{Cloud, Effect, Error, ErrorKind, TenantId};
use azconnect_credential::entra::EntraCode;
use azconnect_http::{Call, Pipeline, endpoint, json};
use serde::Deserialize;
use url::Url;

use crate::refusal::EntraDialect;

/// What the request is called in errors and spans.
const OPERATION: &str = "entra.discovery";

/// What stands for any tenant: the login answers for it whoever asks.
const ANY: &str = "common";

/// The codes by which Entra ID says that there is no such tenant, or that the text cannot be the name of one.
const NO_TENANT: [u32; 3] = [90_002, 900_021, 900_023];

/// The names of the public cloud's login, which stand for each other.
const PUBLIC: [&str; 4] = ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"];

/// The login of a cloud, as far as it answers everybody. Cheap to clone.
///
/// Document: *OpenID Connect on the Microsoft identity platform*, section *Find your app's OpenID configuration document URI*.
#[derive(Clone)]
pub struct TenantDiscovery {
    pipeline: Pipeline,
    login: Url,
}

impl TenantDiscovery {
    /// The login of a cloud. Nothing is sent.
    pub fn new(pipeline: Pipeline, cloud: &Cloud) -> Self {
        Self { pipeline, login: cloud.login().clone() }
    }

    /// The tenant that a GUID or a name stands for, such as `contoso.onmicrosoft.com`. Idempotent, without effect, and without
    /// any secret.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) with the service's code if there is none; [`Unsupported`](ErrorKind::Unsupported) with the
    /// field `cloud` if it is in another cloud, whose login must be asked then; [`Unexpected`](ErrorKind::Unexpected) if something
    /// else than Entra ID answered; else if nobody did.
    pub async fn find(&self, tenant: &str) -> Result<TenantId, Error> {
        let issuer = self.issuer_of(tenant).await?;
        // `{login}/{tenant}/v2.0`, and `https://sts.windows.net/{tenant}/` at some logins.
        let named = Url::parse(&issuer).ok();
        let first = named.as_ref().and_then(|url| url.path_segments()?.next());
        let found =
            first.and_then(|segment| segment.parse().ok()).ok_or_else(|| foreign("its issuer names no tenant"))?;
        if named.as_ref().is_some_and(|issuer| is_of(issuer, &self.login)) { Ok(found) } else { Err(elsewhere(named)) }
    }

    /// Whether the login answers at all, whatever the tenant.
    ///
    /// # Errors
    /// As [`TenantDiscovery::find`].
    pub async fn is_reachable(&self) -> Result<(), Error> {
        self.issuer_of(ANY).await.map(drop)
    }

    async fn issuer_of(&self, tenant: &str) -> Result<String, Error> {
        let url = endpoint(&self.login, &[tenant, "v2.0", ".well-known", "openid-configuration"])?;
        let outcome = match self.pipeline.execute(Call::get(OPERATION, url), &EntraDialect).await {
            Ok(answer) => {
                json::<Configuration>(&answer).map(|read| read.issuer).map_err(|_| foreign("it is no configuration"))
            }
            Err(error) if is_no_tenant(&error) => Err(error.with_kind(ErrorKind::NotFound)),
            Err(error) => Err(error),
        };
        outcome.map_err(|error| error.in_operation(OPERATION).with_effect(Effect::None))
    }
}

impl fmt::Debug for TenantDiscovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantDiscovery").field("login", &self.login.as_str()).finish_non_exhaustive()
    }
}

/// The part of the configuration that is read.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
}

fn is_no_tenant(error: &Error) -> bool {
    // What is not working now proves nothing about the tenant, whatever number comes with it.
    !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Throttled)
        && EntraCode::of(error).is_some_and(|code| NO_TENANT.contains(&code.number()))
}

/// Whether an issuer is a login itself. The names of the public cloud's stand for each other.
fn is_of(issuer: &Url, login: &Url) -> bool {
    let is_public = |url: &Url| url.host_str().is_some_and(|host| PUBLIC.contains(&host));
    issuer.host() == login.host() || (is_public(issuer) && is_public(login))
}

/// A login answers for the tenants of other clouds as well. Whoever signed in there would send the secret to the wrong cloud.
fn elsewhere(issuer: Option<Url>) -> Error {
    let issuer = issuer.as_ref();
    let clouds = [Cloud::public(), Cloud::us_government(), Cloud::china()];
    let cloud = clouds.iter().find(|cloud| issuer.is_some_and(|issuer| is_of(issuer, cloud.login())));
    let name = cloud.map(|cloud| format!(", {}", cloud.name())).unwrap_or_default();
    Error::new(ErrorKind::Unsupported, format!("the tenant is in another cloud{name}"))
        .with_field("cloud")
        .with_effect(Effect::None)
        .in_operation(OPERATION)
        .with_advice("use the cloud of the tenant: public, US Government or China")
}

/// A page with a success's status, such as that of a proxy.
fn foreign(why: &str) -> Error {
    Error::new(ErrorKind::Unexpected, format!("something other than Microsoft Entra ID answered: {why}"))
        .with_advice("check the cloud's login address, and whether a proxy or a firewall answers in its place")
}

//! What a cloud says of itself: where to sign in, and what for.

use std::fmt;

use azconnect_core::{Cloud, CustomCloud, Effect, Error, ErrorKind, TenantId, danger};
use azconnect_http::{Call, Pipeline, PlainDialect, endpoint, json, with_query};
use serde::Deserialize;
use url::Url;

use crate::audience::require_own;
use crate::authority::Authority;
use crate::site::is_beside;

/// What the request is called in errors and spans.
const OPERATION: &str = "arm.metadata";

/// The versions of the document, the newest first. Azure Stack Hub knows the last one only.
const VERSIONS: [&str; 2] = ["2022-09-01", "2015-01-01"];

/// The document takes some kilobytes, also where it lists several clouds.
const ANSWER_LIMIT: usize = 256 * 1024;

/// What service connections call a cloud that does not say its name.
const STACK: &str = "AzureStack";

/// What an Azure Resource Manager says of its cloud, whoever asks: Azure Stack Hub, a cloud of a government, or a public one.
///
/// The login that it names will receive secrets. So it must be one of Microsoft's, or a host beside the Resource Manager that
/// was asked: `adfs.local.azurestack.external` beside `management.local.azurestack.external`. Any other is agreed to by name,
/// with [`CloudDiscovery::with_login_host`].
///
/// What it says tokens are for must be its own as well: with a token for a service of Microsoft's, whoever runs the Resource Manager
/// could act there. Any other audience is agreed to by name, with [`CloudDiscovery::with_audience`].
///
/// Document: Microsoft's *Resource Manager metadata endpoints*, and *Make API requests to Azure Stack Hub*.
#[derive(Clone)]
pub struct CloudDiscovery {
    pipeline: Pipeline,
    resource_manager: Box<str>,
    login_hosts: Vec<Box<str>>,
    audiences: Vec<Box<str>>,
    http_loopback: bool,
}

impl CloudDiscovery {
    /// The cloud of an Azure Resource Manager, such as `https://management.local.azurestack.external`. Nothing is sent.
    pub fn new(pipeline: Pipeline, resource_manager: &str) -> Self {
        let resource_manager = resource_manager.trim().into();
        Self { pipeline, resource_manager, login_hosts: vec![], audiences: vec![], http_loopback: false }
    }

    /// Accepts a login at this host, such as `login.contoso.example`.
    #[must_use]
    pub fn with_login_host(mut self, host: &str) -> Self {
        self.login_hosts.push(host.to_ascii_lowercase().into());
        self
    }

    /// Accepts this audience of tokens, such as `https://management.core.contoso.example/`, although it is another service's or an
    /// application's id. The Resource Manager that was asked can act there with the tokens that it is sent.
    #[must_use]
    pub fn with_audience(mut self, audience: &str) -> Self {
        self.audiences.push(audience.trim_end_matches('/').into());
        self
    }

    /// Accepts plain `http` on loopback: for emulators and tests.
    #[must_use]
    pub fn danger_allow_http_loopback(mut self) -> Self {
        self.http_loopback = true;
        self
    }

    /// Asks the cloud. Idempotent, without effect, and without any secret.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `resource_manager_address` for what is no origin;
    /// [`NotFound`](ErrorKind::NotFound) if it lists other clouds only; [`Unsupported`](ErrorKind::Unsupported) with the field
    /// `login_host` for a login that somebody must agree to first, and with `audience` for what tokens are for; [`Unexpected`](ErrorKind::Unexpected) for what describes no
    /// cloud; else if nobody answered.
    pub async fn discover(&self) -> Result<DiscoveredCloud, Error> {
        let asked = self.custom("asked").with_resource_manager(&self.resource_manager)?.build();
        let arm = asked.resource_manager();
        let found = self.ask(arm).await.and_then(|answer| self.read(arm, answer));
        found.map_err(|error| error.in_operation(OPERATION).with_effect(Effect::None))
    }

    async fn ask(&self, arm: &Url) -> Result<Document, Error> {
        let url = endpoint(arm, &["metadata", "endpoints"])?;
        let call = |version| {
            let url = with_query(url.clone(), &[("api-version", version)]);
            Call::get(OPERATION, url).with_answer_limit(ANSWER_LIMIT)
        };
        let [newest, oldest] = VERSIONS;
        let answer = match self.pipeline.execute(call(newest), &PlainDialect).await {
            // It does not know this version.
            Err(error) if matches!(error.http_status(), Some(400 | 404)) => {
                self.pipeline.execute(call(oldest), &PlainDialect).await?
            }
            outcome => outcome?,
        };
        json(&answer)
    }

    fn read(&self, arm: &Url, document: Document) -> Result<DiscoveredCloud, Error> {
        let described = document.of(arm)?;
        let Described { authentication, .. } = &described;
        let named = described.login()?;
        let (login, is_ad_fs) = self.login(arm, named, authentication.identity_provider.as_deref())?;
        let known = known_cloud(&login);
        let name = described.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(STACK);
        let wrong = |error: Error| unexpected(&format!("the cloud describes itself wrongly: {error}"));
        let mut cloud = self.custom(name).with_resource_manager(arm.as_str()).map_err(wrong)?;
        cloud =
            cloud.with_login(known.as_ref().map_or(login.as_str(), |known| known.login().as_str())).map_err(wrong)?;
        if let Some(audience) = described.audience(arm) {
            if !self.audiences.iter().any(|agreed| **agreed == *audience.trim_end_matches('/')) {
                require_own(audience, arm, known.is_some())?;
            }
            cloud = cloud.with_resource_manager_audience(audience);
        }
        let graph = described.graph(known.as_ref());
        if let Some(graph) = graph {
            cloud = cloud.with_graph(&graph).map_err(wrong)?;
        }
        if let Some(suffix) = described.vault_suffix(arm) {
            cloud = cloud.with_key_vault_suffix(&suffix);
        }
        let tenant = described.authentication.tenant.filter(|tenant| !tenant.is_empty());
        Ok(DiscoveredCloud { cloud: cloud.build(), is_ad_fs, tenant })
    }

    /// The login as an origin, and whether it is AD FS.
    fn login(&self, arm: &Url, named: &str, provider: Option<&str>) -> Result<(Url, bool), Error> {
        let mut login = Url::parse(named).map_err(|_| unexpected("the login that the cloud names is no address"))?;
        let path = login.path().trim_matches('/').to_ascii_lowercase();
        let is_ad_fs = path == "adfs" || provider.is_some_and(|provider| provider.eq_ignore_ascii_case("adfs"));
        if !matches!(path.as_str(), "" | "adfs") || login.query().is_some() || login.fragment().is_some() {
            return Err(unexpected("the login that the cloud names is more than an address of a host"));
        }
        login.set_path("/");
        let host = login.host_str().unwrap_or_default().to_owned();
        let agreed = self.login_hosts.iter().any(|agreed| **agreed == *host);
        if agreed || known_cloud(&login).is_some() || is_beside(&login, arm) {
            return Ok((login, is_ad_fs));
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("the cloud sends whoever signs in to {host:?}, which is not its own"),
        )
        .with_field("login_host")
        .with_advice("ask the operator of the cloud whether this is its login, and agree to the host by name"))
    }

    fn custom(&self, name: &str) -> CustomCloud {
        match self.http_loopback {
            true => danger::allow_http_loopback(Cloud::custom(name)),
            false => Cloud::custom(name),
        }
    }
}

impl fmt::Debug for CloudDiscovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudDiscovery").field("resource_manager", &self.resource_manager).finish_non_exhaustive()
    }
}

/// A cloud as it describes itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DiscoveredCloud {
    /// Its addresses. What it does not name is as in the public cloud; an Azure Stack with AD FS names the Graph of its own
    /// directory.
    pub cloud: Cloud,
    /// Whether people and applications sign in at AD FS, which has no tenants, in place of Entra ID.
    pub is_ad_fs: bool,
    /// The tenant that it names, such as `common`, a domain or an id.
    pub tenant: Option<String>,
}

impl DiscoveredCloud {
    /// Where an application of a tenant signs in; at AD FS, whatever the tenant.
    pub fn authority(&self, tenant: TenantId) -> Authority {
        match self.is_ad_fs {
            true => Authority::ad_fs(&self.cloud),
            false => Authority::of_tenant(&self.cloud, tenant),
        }
    }

    /// Where somebody signs in whose tenant nobody named: at AD FS, at the tenant that the cloud names, or at `common`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `tenant` if the cloud names what can be none.
    pub fn default_authority(&self) -> Result<Authority, Error> {
        let cloud = &self.cloud;
        match self.tenant.as_deref() {
            _ if self.is_ad_fs => Ok(Authority::ad_fs(cloud)),
            None | Some("common") => Ok(Authority::common(cloud)),
            Some("organizations") => Ok(Authority::organizations(cloud)),
            Some(tenant) => match tenant.parse() {
                Ok(tenant) => Ok(Authority::of_tenant(cloud, tenant)),
                Err(_) => Authority::of_domain(cloud, tenant),
            },
        }
    }
}

/// One cloud, or a list of those that the Resource Manager knows.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Clouds(Vec<Described>),
    // Boxed, since it is much larger than a list.
    Cloud(Box<Described>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    resource_manager: Option<String>,
    #[serde(default)]
    authentication: Authentication,
    #[serde(default)]
    graph: Option<String>,
    #[serde(default)]
    graph_endpoint: Option<String>,
    #[serde(default)]
    microsoft_graph_resource_id: Option<String>,
    #[serde(default)]
    suffixes: Option<Suffixes>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authentication {
    #[serde(default)]
    login_endpoint: Option<String>,
    #[serde(default)]
    audiences: Option<Vec<String>>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    identity_provider: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suffixes {
    #[serde(default)]
    key_vault_dns: Option<String>,
}

impl Document {
    /// The cloud of the Resource Manager that was asked.
    fn of(self, arm: &Url) -> Result<Described, Error> {
        let is_asked = |cloud: &Described| match cloud.resource_manager.as_deref().map(Url::parse) {
            // The oldest form does not say whose it is; it is no list either.
            None => true,
            Some(named) => named.is_ok_and(|named| named.origin() == arm.origin()),
        };
        let elsewhere = || {
            Error::new(ErrorKind::NotFound, "the Resource Manager describes other clouds, and not its own")
                .with_advice("give the address of the Resource Manager as its cloud names it")
        };
        match self {
            Self::Cloud(cloud) if is_asked(&cloud) => Ok(*cloud),
            Self::Cloud(_) => Err(elsewhere()),
            Self::Clouds(clouds) => clouds
                .into_iter()
                .find(|cloud| cloud.resource_manager.is_some() && is_asked(cloud))
                .ok_or_else(elsewhere),
        }
    }
}

impl Described {
    fn login(&self) -> Result<&str, Error> {
        let named = self.authentication.login_endpoint.as_deref().filter(|login| !login.is_empty());
        named.ok_or_else(|| unexpected("the answer describes no cloud: it names no login"))
    }

    /// What tokens for the Resource Manager are for: its own address where that is among the audiences, else the first.
    fn audience(&self, arm: &Url) -> Option<&str> {
        let audiences = self.authentication.audiences.as_deref().unwrap_or_default();
        let is_arm = |audience: &&String| Url::parse(audience).is_ok_and(|audience| audience.origin() == arm.origin());
        let chosen = audiences.iter().find(is_arm).or(audiences.first())?;
        (!chosen.is_empty()).then_some(chosen)
    }

    /// Microsoft Graph: as the cloud names it, as the cloud of the login has it, or the Graph of an own directory.
    fn graph(&self, known: Option<&Cloud>) -> Option<String> {
        let origin = |address: &String| {
            let mut url = Url::parse(address).ok()?;
            url.set_path("/");
            Some(url.into())
        };
        if let Some(graph) = self.microsoft_graph_resource_id.as_ref().and_then(origin) {
            return Some(graph);
        }
        // What older documents call Graph is that of Azure AD, which is no more.
        known
            .map(|known| known.graph().to_string())
            .or_else(|| self.graph.as_ref().or(self.graph_endpoint.as_ref()).and_then(origin))
    }

    /// What follows a vault's name. Azure Stack does not say so, and has its vaults beside its Resource Manager.
    fn vault_suffix(&self, arm: &Url) -> Option<String> {
        let named = self.suffixes.as_ref().and_then(|suffixes| suffixes.key_vault_dns.as_deref());
        match named.map(|suffix| suffix.trim_start_matches('.')).filter(|suffix| !suffix.is_empty()) {
            Some(suffix) => Some(suffix.to_owned()),
            None => {
                let (first, site) = arm.host_str()?.split_once('.')?;
                match first {
                    "management" => Some(format!("vault.{site}")),
                    "adminmanagement" => Some(format!("adminvault.{site}")),
                    _ => None,
                }
            }
        }
    }
}

/// The cloud of Microsoft's whose login this is.
fn known_cloud(login: &Url) -> Option<Cloud> {
    match (login.scheme(), login.host_str()?, login.port()) {
        ("https", "login.microsoftonline.com" | "login.windows.net" | "login.microsoft.com", None) => {
            Some(Cloud::public())
        }
        ("https", "login.microsoftonline.us", None) => Some(Cloud::us_government()),
        ("https", "login.partner.microsoftonline.cn" | "login.chinacloudapi.cn", None) => Some(Cloud::china()),
        _ => None,
    }
}

fn unexpected(why: &str) -> Error {
    Error::new(ErrorKind::Unexpected, why.to_owned())
        .with_advice("check the address of the Resource Manager, and whether a proxy answers in its place")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_beside_its_resource_manager_or_not() {
        let beside = |login: &str, arm: &str| is_beside(&Url::parse(login).unwrap(), &Url::parse(arm).unwrap());
        let arm = "https://management.local.azurestack.external";
        assert!(beside("https://adfs.local.azurestack.external/", arm));
        assert!(beside("https://management.local.azurestack.external:8443/", arm));
        assert!(beside("http://127.0.0.1:2/", "http://127.0.0.1:1/"));
        for other in [
            "https://evil.example/",
            "https://adfs.local.azurestack.external.evil.example/",
            "https://evil.azurestack.external/",
            "https://azurestack.external/",
            "https://1.2.3.4/",
        ] {
            assert!(!beside(other, arm), "{other}");
        }
        assert!(!beside("https://evil.com/", "https://contoso.com/"), "everybody's site");
        assert!(!beside("http://127.0.0.2/", "http://127.0.0.1/"));
    }
}

//! Where the services of one Azure cloud live.

use url::{Host, Url};

use crate::error::Error;
use crate::scope::Scope;

/// Azure DevOps as a resource of Entra ID. It is named by its id, which is the same in every cloud; its address is not one
/// that Entra ID knows.
const DEVOPS_RESOURCE: &str = "499b84ac-1321-427f-aa17-267ca6975798";

/// The login of the public cloud, which is the only one that Azure DevOps trusts.
const PUBLIC_LOGIN: &str = "https://login.microsoftonline.com/";

/// The endpoints of one cloud. Each is an origin with a trailing slash.
///
/// Sources: Microsoft's *Compare Azure Government and global Azure*, *Azure China developer guide* and
/// *National cloud deployments* (Microsoft Graph).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    name: Box<str>,
    login: Url,
    resource_manager: Url,
    // Apart from the address, since Azure Stack names an audience that is not its address.
    resource_manager_audience: Box<str>,
    graph: Url,
    devops: Url,
    devops_identity: Url,
    devops_profile: Url,
    devops_login: Option<Url>,
    key_vault_suffix: Box<str>,
}

impl Cloud {
    /// The public cloud (`AzureCloud`).
    pub fn public() -> Self {
        Self::known(
            "AzureCloud",
            PUBLIC_LOGIN,
            "https://management.azure.com/",
            "https://graph.microsoft.com/",
            "vault.azure.net",
        )
    }

    /// The cloud for the government of the United States (`AzureUSGovernment`).
    pub fn us_government() -> Self {
        Self::known(
            "AzureUSGovernment",
            "https://login.microsoftonline.us/",
            "https://management.usgovcloudapi.net/",
            "https://graph.microsoft.us/",
            "vault.usgovcloudapi.net",
        )
    }

    /// The cloud in China, run by 21Vianet (`AzureChinaCloud`).
    pub fn china() -> Self {
        Self::known(
            "AzureChinaCloud",
            "https://login.partner.microsoftonline.cn/",
            "https://management.chinacloudapi.cn/",
            "https://microsoftgraph.chinacloudapi.cn/",
            "vault.azure.cn",
        )
    }

    /// A cloud of the caller's own: Azure Stack, or an emulator.
    pub fn custom(name: impl Into<String>) -> CustomCloud {
        CustomCloud { cloud: Self { name: name.into().into(), ..Self::public() }, http_loopback: false }
    }

    /// The name of the cloud, such as `AzureCloud`: the one that service connections use (`data.environment`).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where Microsoft Entra ID signs in: `https://login.microsoftonline.com/` in the public cloud.
    pub fn login(&self) -> &Url {
        &self.login
    }

    /// The address of Azure Resource Manager: `https://management.azure.com/` in the public cloud.
    pub fn resource_manager(&self) -> &Url {
        &self.resource_manager
    }

    /// The address of Microsoft Graph: `https://graph.microsoft.com/` in the public cloud.
    pub fn graph(&self) -> &Url {
        &self.graph
    }

    /// The address of Azure DevOps, `https://dev.azure.com/`; an organization is the first segment of the path.
    pub fn devops(&self) -> &Url {
        &self.devops
    }

    /// Where Azure DevOps keeps identities, groups and personal access tokens: `https://vssps.dev.azure.com/`.
    pub fn devops_identity(&self) -> &Url {
        &self.devops_identity
    }

    /// Where Azure DevOps keeps profiles and accounts: `https://app.vssps.visualstudio.com/`.
    pub fn devops_profile(&self) -> &Url {
        &self.devops_profile
    }

    /// Where whoever calls Azure DevOps signs in: at the public cloud's login, whatever the cloud, since `dev.azure.com` trusts
    /// no other. A custom cloud whose Azure DevOps is elsewhere signs in at its own [`login`](Self::login), unless it was told
    /// otherwise.
    pub fn devops_login(&self) -> &Url {
        self.devops_login.as_ref().unwrap_or(&self.login)
    }

    /// What follows a vault's name and a dot in its host, such as `vault.azure.net`.
    pub fn key_vault_suffix(&self) -> &str {
        &self.key_vault_suffix
    }

    /// The scope of tokens for Azure Resource Manager.
    pub fn resource_manager_scope(&self) -> Scope {
        Scope::of_resource(&self.resource_manager_audience)
    }

    /// The scope of tokens for Microsoft Graph.
    pub fn graph_scope(&self) -> Scope {
        Scope::of_resource(self.graph.as_str())
    }

    /// The scope of tokens for Azure DevOps, the same in every cloud.
    pub fn devops_scope(&self) -> Scope {
        Scope::of_resource(DEVOPS_RESOURCE)
    }

    fn known(name: &str, login: &str, arm: &str, graph: &str, vault: &str) -> Self {
        Self {
            name: name.into(),
            login: constant(login),
            resource_manager: constant(arm),
            resource_manager_audience: arm.into(),
            graph: constant(graph),
            // Azure DevOps has these hosts only: its connections lead from them to every cloud.
            devops: constant("https://dev.azure.com/"),
            devops_identity: constant("https://vssps.dev.azure.com/"),
            devops_profile: constant("https://app.vssps.visualstudio.com/"),
            devops_login: Some(constant(PUBLIC_LOGIN)),
            key_vault_suffix: vault.into(),
        }
    }
}

/// Parses an address that stands in this file.
fn constant(address: &str) -> Url {
    #[expect(clippy::expect_used, reason = "a literal of this file, read by a test")]
    Url::parse(address).expect("an address in this file")
}

/// Builds a [`Cloud`] of the caller's own. What is not set is as in the public cloud.
///
/// ```
/// use azconnect_core::{Cloud, danger};
///
/// let cloud = danger::allow_http_loopback(Cloud::custom("Emulator"))
///     .with_login("http://127.0.0.1:8001")?
///     .build();
/// assert_eq!(cloud.login().as_str(), "http://127.0.0.1:8001/");
/// assert!(Cloud::custom("Plain").with_graph("http://example.com").is_err());
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CustomCloud {
    cloud: Cloud,
    http_loopback: bool,
}

/// Accepts `http://` for loopback addresses in a custom cloud: tokens and secrets travel in the clear on this machine.
pub fn allow_http_loopback(cloud: CustomCloud) -> CustomCloud {
    CustomCloud { http_loopback: true, ..cloud }
}

impl CustomCloud {
    /// Sets where Entra ID is.
    ///
    /// # Errors
    /// As for every address here: [`InvalidInput`](crate::ErrorKind::InvalidInput) unless it is an `https` origin,
    /// or an `http` one on loopback after [`danger::allow_http_loopback`](crate::danger::allow_http_loopback).
    pub fn with_login(mut self, address: &str) -> Result<Self, Error> {
        self.cloud.login = self.origin("login", address)?;
        Ok(self)
    }

    /// Sets where Azure Resource Manager is; its audience stays.
    ///
    /// # Errors
    /// See [`CustomCloud::with_login`].
    pub fn with_resource_manager(mut self, address: &str) -> Result<Self, Error> {
        self.cloud.resource_manager = self.origin("resource_manager", address)?;
        Ok(self)
    }

    /// Sets the audience of Azure Resource Manager, which Azure Stack names in its metadata.
    #[must_use]
    pub fn with_resource_manager_audience(mut self, audience: &str) -> Self {
        self.cloud.resource_manager_audience = audience.into();
        self
    }

    /// Sets where Microsoft Graph is, which is its audience too.
    ///
    /// # Errors
    /// See [`CustomCloud::with_login`].
    pub fn with_graph(mut self, address: &str) -> Result<Self, Error> {
        self.cloud.graph = self.origin("graph", address)?;
        Ok(self)
    }

    /// Sets where Azure DevOps is. It then trusts this cloud's own login.
    ///
    /// # Errors
    /// See [`CustomCloud::with_login`].
    pub fn with_devops(mut self, address: &str) -> Result<Self, Error> {
        self.cloud.devops = self.origin("devops", address)?;
        self.cloud.devops_login = None;
        Ok(self)
    }

    /// Sets which login Azure DevOps trusts, after [`CustomCloud::with_devops`].
    ///
    /// # Errors
    /// See [`CustomCloud::with_login`].
    pub fn with_devops_login(mut self, address: &str) -> Result<Self, Error> {
        self.cloud.devops_login = Some(self.origin("devops_login", address)?);
        Ok(self)
    }

    /// Sets where Azure DevOps keeps identities and personal access tokens.
    ///
    /// # Errors
    /// See [`CustomCloud::with_login`].
    pub fn with_devops_identity(mut self, address: &str) -> Result<Self, Error> {
        self.cloud.devops_identity = self.origin("devops_identity", address)?;
        Ok(self)
    }

    /// Sets where Azure DevOps keeps profiles and accounts.
    ///
    /// # Errors
    /// See [`CustomCloud::with_login`].
    pub fn with_devops_profile(mut self, address: &str) -> Result<Self, Error> {
        self.cloud.devops_profile = self.origin("devops_profile", address)?;
        Ok(self)
    }

    /// Sets what follows a vault's name and a dot in its host, such as `vault.azure.net`.
    #[must_use]
    pub fn with_key_vault_suffix(mut self, suffix: &str) -> Self {
        self.cloud.key_vault_suffix = suffix.into();
        self
    }

    /// The cloud with the addresses that were set, and the public cloud's for the others.
    pub fn build(self) -> Cloud {
        self.cloud
    }

    fn origin(&self, field: &str, address: &str) -> Result<Url, Error> {
        let wrong = |message: &str| {
            Error::invalid(format!("{field}_address"), message)
                .with_advice("give an origin such as https://login.example.com")
        };
        let url = Url::parse(address).map_err(|_| wrong("is not an address"))?;
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
            || url.path() != "/"
        {
            return Err(wrong("must be an origin only, without path, query or user"));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.http_loopback && is_loopback(&url) => Ok(url),
            "http" => Err(wrong("is not encrypted")
                .with_advice("use https; plain http is for loopback only, after danger::allow_http_loopback")),
            _ => Err(wrong("must begin with https://")),
        }
    }
}

/// Whether an address is on this machine by number, or is `localhost`.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_clouds_have_their_documented_endpoints() {
        let china = Cloud::china();
        assert_eq!(china.login().host_str(), Some("login.partner.microsoftonline.cn"));
        assert_eq!(china.graph_scope().as_str(), "https://microsoftgraph.chinacloudapi.cn/.default");
        assert_eq!(
            Cloud::us_government().resource_manager_scope().as_str(),
            "https://management.usgovcloudapi.net/.default"
        );
        assert_eq!(Cloud::public().devops_scope().as_str(), "499b84ac-1321-427f-aa17-267ca6975798/.default");
    }

    #[test]
    fn azure_devops_is_signed_in_to_at_the_public_login_unless_it_is_elsewhere() {
        for cloud in [Cloud::public(), Cloud::us_government(), Cloud::china()] {
            assert_eq!(cloud.devops_login().as_str(), "https://login.microsoftonline.com/", "{}", cloud.name());
        }
        let stack = Cloud::custom("Stack").with_login("https://login.stack.example").unwrap();
        assert_eq!(stack.clone().build().devops_login().as_str(), "https://login.microsoftonline.com/");
        let own = stack.with_devops("https://devops.stack.example").unwrap();
        assert_eq!(own.clone().build().devops_login().as_str(), "https://login.stack.example/");
        let told = own.with_devops_login("https://other.example").unwrap().build();
        assert_eq!(told.devops_login().as_str(), "https://other.example/");
    }

    #[test]
    fn a_custom_origin_is_https_or_loopback_by_opt_in() {
        assert!(Cloud::custom("x").with_login("http://127.0.0.1:1").is_err());
        let open = allow_http_loopback(Cloud::custom("x"));
        assert!(open.clone().with_login("http://127.0.0.1:1").is_ok());
        assert!(open.clone().with_login("http://[::1]:1").is_ok());
        assert!(open.clone().with_login("http://127.0.0.1.example.com").is_err());
        assert!(open.clone().with_login("https://user:pw@login.example.com").is_err());
        assert!(open.with_login("https://login.example.com/path").is_err());
    }
}

//! The services the emulator stands in for, and where each of them is.

use std::collections::BTreeMap;

use azconnect_core::{Cloud, Error, danger};
use serde::{Deserialize, Serialize};

/// An emulated service. Each is an origin of its own, as in reality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Service {
    /// Microsoft Entra ID, at `login.microsoftonline.com` in the public cloud.
    Login,
    /// Azure Resource Manager, at `management.azure.com`.
    ResourceManager,
    /// Microsoft Graph, at `graph.microsoft.com`.
    Graph,
    /// Azure DevOps: projects and service connections, at `dev.azure.com`.
    #[serde(rename = "devops")]
    DevOps,
    /// Azure DevOps identities, groups and personal access tokens.
    #[serde(rename = "devops_identity")]
    DevOpsIdentity,
    /// Azure DevOps profiles and accounts, at `app.vssps.visualstudio.com`.
    #[serde(rename = "devops_profile")]
    DevOpsProfile,
    /// The container registries of the seed. They have host names of their own, and no port in a server.
    Registry,
    /// The key vaults of the seed, at `{name}.vault.azure.net`. Each has an address of its own in a server, see
    /// [`Origins::vaults`].
    KeyVault,
}

impl Service {
    /// All services that have an origin, in the order of their ports in a server.
    pub(crate) const ALL: [Self; 6] =
        [Self::Login, Self::ResourceManager, Self::Graph, Self::DevOps, Self::DevOpsIdentity, Self::DevOpsProfile];

    /// Its name in fault scripts, the ground truth and refusals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::ResourceManager => "resource_manager",
            Self::Graph => "graph",
            Self::DevOps => "devops",
            Self::DevOpsIdentity => "devops_identity",
            Self::DevOpsProfile => "devops_profile",
            Self::Registry => "registry",
            Self::KeyVault => "key_vault",
        }
    }

    /// A service by its [`name`](Self::name).
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Registry, Self::KeyVault]).find(|service| service.name() == name)
    }

    /// The service behind a real host name, of any cloud.
    pub(crate) fn of_host(host: &str) -> Option<Self> {
        if vault_of_host(host).is_some() {
            return Some(Self::KeyVault);
        }
        HOSTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(host)).map(|(_, service)| *service)
    }
}

/// The name of the vault behind a host name.
pub(crate) fn vault_of_host(host: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(".vault.azure.net").filter(|name| !name.is_empty() && !name.contains('.')).map(str::to_owned)
}

/// The real host names, of every cloud, and whose they are.
pub(crate) const HOSTS: [(&str, Service); 15] = [
    ("login.microsoftonline.com", Service::Login),
    ("login.windows.net", Service::Login),
    ("sts.windows.net", Service::Login),
    ("login.microsoftonline.us", Service::Login),
    ("login.partner.microsoftonline.cn", Service::Login),
    ("login.chinacloudapi.cn", Service::Login),
    ("management.azure.com", Service::ResourceManager),
    ("management.usgovcloudapi.net", Service::ResourceManager),
    ("management.chinacloudapi.cn", Service::ResourceManager),
    ("graph.microsoft.com", Service::Graph),
    ("graph.microsoft.us", Service::Graph),
    ("microsoftgraph.chinacloudapi.cn", Service::Graph),
    ("dev.azure.com", Service::DevOps),
    ("vssps.dev.azure.com", Service::DevOpsIdentity),
    ("app.vssps.visualstudio.com", Service::DevOpsProfile),
];

/// Where each service of an emulator answers: origins without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Origins {
    /// Microsoft Entra ID, such as `https://login.microsoftonline.com`.
    pub login: String,
    /// Azure Resource Manager, such as `https://management.azure.com`.
    pub resource_manager: String,
    /// Microsoft Graph, such as `https://graph.microsoft.com`.
    pub graph: String,
    /// Azure DevOps, such as `https://dev.azure.com`.
    pub devops: String,
    /// Azure DevOps identities, groups and personal access tokens.
    pub devops_identity: String,
    /// Azure DevOps profiles and accounts, such as `https://app.vssps.visualstudio.com`.
    pub devops_profile: String,
    /// The address of each key vault of the seed, by its name, where they have not the real ones. An address has no path, as
    /// clients take the ids of secrets apart.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vaults: BTreeMap<String, String>,
}

impl Origins {
    /// The real origins, which the in-process transport routes.
    pub(crate) fn public() -> Self {
        let origin = |url: &url::Url| url.as_str().trim_end_matches('/').to_owned();
        let cloud = Cloud::public();
        Self {
            login: origin(cloud.login()),
            resource_manager: origin(cloud.resource_manager()),
            graph: origin(cloud.graph()),
            devops: origin(cloud.devops()),
            devops_identity: origin(cloud.devops_identity()),
            devops_profile: origin(cloud.devops_profile()),
            vaults: BTreeMap::new(),
        }
    }

    /// One origin for every service.
    pub(crate) fn one(origin: &str) -> Self {
        Self::each(|_| origin.to_owned())
    }

    /// The origin that is given for each service.
    pub(crate) fn each(origin: impl Fn(Service) -> String) -> Self {
        Self {
            login: origin(Service::Login),
            resource_manager: origin(Service::ResourceManager),
            graph: origin(Service::Graph),
            devops: origin(Service::DevOps),
            devops_identity: origin(Service::DevOpsIdentity),
            devops_profile: origin(Service::DevOpsProfile),
            vaults: BTreeMap::new(),
        }
    }

    /// With the address of each vault.
    pub(crate) fn with_vaults<'a>(mut self, names: impl Iterator<Item = &'a str>, at: impl Fn(&str) -> String) -> Self {
        self.vaults = names.map(|name| (name.to_owned(), at(name))).collect();
        self
    }

    /// Whether all services share one origin, so that an audience cannot tell them apart.
    pub(crate) fn are_one(&self) -> bool {
        Service::ALL.into_iter().all(|service| self.of(service) == self.login)
    }

    /// Where one service is; empty for [`Service::Registry`] and [`Service::KeyVault`], each of which has a host of its own.
    pub fn of(&self, service: Service) -> &str {
        match service {
            Service::Login => &self.login,
            Service::ResourceManager => &self.resource_manager,
            Service::Graph => &self.graph,
            Service::DevOps => &self.devops,
            Service::DevOpsIdentity => &self.devops_identity,
            Service::DevOpsProfile => &self.devops_profile,
            // Neither registries nor vaults are at one origin.
            Service::Registry | Service::KeyVault => "",
        }
    }

    /// The cloud a client is given to reach these origins on loopback.
    pub(crate) fn cloud(&self) -> Result<Cloud, Error> {
        Ok(danger::allow_http_loopback(Cloud::custom("AzureCloud"))
            .with_login(&self.login)?
            .with_resource_manager(&self.resource_manager)?
            .with_graph(&self.graph)?
            .with_devops(&self.devops)?
            .with_devops_identity(&self.devops_identity)?
            .with_devops_profile(&self.devops_profile)?
            .build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_cloud_routes_to_every_service() {
        let origins = Origins::public();
        for service in Service::ALL {
            let host = origins.of(service).trim_start_matches("https://");
            assert_eq!(Service::of_host(host), Some(service));
        }
        assert_eq!(Service::of_host("example.com"), None);
    }
}

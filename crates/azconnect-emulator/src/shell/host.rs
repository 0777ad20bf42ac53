//! Real host names: which service a request to one of them is for.

use azconnect_core::Error;
use http::Uri;

use super::emulator::Emulator;
use crate::base::origins::Service;

/// Whom a host name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) service: Service,
    /// The organization, where it is a part of the host name, as in older addresses of Azure DevOps.
    organization: Option<String>,
}

impl Played {
    /// Whom the emulator plays under a host name, or nothing if it is somebody else's.
    pub(crate) fn at(emulator: &Emulator, host: &str) -> Option<Self> {
        if let Some(service) = Service::of_host(host) {
            return Some(Self { service, organization: None });
        }
        if let Some((service, organization)) = legacy(&host.to_ascii_lowercase()) {
            return Some(Self { service, organization: Some(organization.to_owned()) });
        }
        emulator.has_registry(host).then_some(Self { service: Service::Registry, organization: None })
    }

    /// The address as the service knows it: the organization is the first segment of the path.
    ///
    /// # Errors
    /// If the address cannot be read.
    pub(crate) fn address(&self, uri: &Uri) -> Result<Uri, Error> {
        let Some(organization) = &self.organization else { return Ok(uri.clone()) };
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        format!("https://dev.azure.com/{organization}{path}")
            .parse()
            .map_err(|_| Error::invalid("address", "the address cannot be read").with_advice("check its path"))
    }
}

/// The service and the organization of an older address, in which the organization is part of the host name.
fn legacy(host: &str) -> Option<(Service, &str)> {
    let name = host.strip_suffix(".visualstudio.com")?;
    let (service, organization) = match name.strip_suffix(".vssps") {
        Some(organization) => (Service::DevOpsIdentity, organization),
        None => (Service::DevOps, name),
    };
    (!organization.contains('.')).then_some((service, organization))
}

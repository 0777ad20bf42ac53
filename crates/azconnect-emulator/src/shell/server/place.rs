//! Where a request came in: for which service, and by which address the caller knows it and all others.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Request, Uri};

use super::bind::{one_origin, origins_by_port};
use super::path::service_of;
use super::refused::Refused;
use super::{Behind, Door, Here};
use crate::base::origins::{Origins, Service};
use crate::shell::host::Played;

/// The service of a request, and the caller's words for it and for the others.
pub(super) struct Place {
    pub(super) service: Service,
    pub(super) origin: String,
    pub(super) origins: Origins,
    /// The key vault, where its host name does not say which.
    pub(super) vault: Option<String>,
    /// The address as the service knows it.
    pub(super) address: Uri,
}

impl Place {
    /// Finds the place of a request, or says why it has none.
    pub(super) fn of<B>(here: &Here, request: &Request<B>) -> Result<Self, Refused> {
        let address = request.uri().clone();
        let (scheme, host) = caller_sees(here, request)?;
        let origin = format!("{scheme}://{host}");
        match &here.behind {
            Behind::One(door, ports) => {
                let name = name_of(&host).to_owned();
                let origins = origins_by_port(ports, &here.vaults, |port| format!("{scheme}://{name}:{port}"));
                let (service, vault) = match door {
                    Door::Service(service) => (*service, None),
                    Door::Vault(name) => (Service::KeyVault, Some(name.clone())),
                };
                Ok(Self { service, origin, origins, vault, address })
            }
            Behind::Everything => {
                let service = service_of(address.path());
                let vault = (service == Service::KeyVault).then(|| vault_at(here, &host)).transpose()?;
                let origin = here.public_url.clone().unwrap_or(origin);
                let origins = one_origin(&origin, &here.vaults);
                Ok(Self { service, origin, origins, vault, address })
            }
            Behind::RealHosts | Behind::Proxy => {
                let name = name_of(&host);
                let played = Played::at(&here.emulator, name).ok_or_else(|| not_played(name))?;
                let address = played.address(&address).map_err(|error| bad(error.message()))?;
                let other = |service| Origins::public().of(service).replacen("https", scheme, 1);
                Ok(Self { service: played.service, origin, origins: Origins::each(other), vault: None, address })
            }
        }
    }
}

/// Which vault a request to the one origin is for: the only one there is, or the one whose name the host begins with.
fn vault_at(here: &Here, host: &str) -> Result<String, Refused> {
    let named = name_of(host).strip_suffix(LOCALHOST).map(str::to_ascii_lowercase);
    if let Some(name) = here.vaults.iter().find(|name| Some(*name) == named.as_ref()) {
        return Ok(name.clone());
    }
    match &*here.vaults {
        [one] => Ok(one.clone()),
        [] => Err(Refused::new(404, "the seed has no key vault")),
        [first, ..] => Err(Refused::new(
            404,
            format!("there are several key vaults: ask https://{first}{LOCALHOST}, or start with --origins each"),
        )),
    }
}

/// What follows the name of a vault in its host name. All such names are this machine.
const LOCALHOST: &str = ".localhost";

/// The address of a vault under a host name of its own, at the port of an origin.
pub(super) fn vault_host(origin: &str, vault: &str) -> String {
    let (scheme, authority) = origin.split_once("://").unwrap_or(("https", origin));
    let port = authority.strip_prefix(name_of(authority)).unwrap_or_default();
    format!("{scheme}://{vault}{LOCALHOST}{port}")
}

fn bad(reason: &str) -> Refused {
    Refused::new(400, reason)
}

/// The refusal of a host that is not emulated. Nobody dials it.
pub(super) fn not_played(name: &str) -> Refused {
    Refused::new(403, format!("the emulator plays no host called {name}, and reaches none"))
}

/// The scheme and the host by which the caller knows this server.
fn caller_sees<B>(here: &Here, request: &Request<B>) -> Result<(&'static str, String), Refused> {
    let headers = request.headers();
    let forwarded = |name: &str| if here.trusts_forwarded { first_of(headers, name) } else { None };
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        Some("http") => "http",
        Some(_) => return Err(bad("X-Forwarded-Proto is neither http nor https")),
        None => here.scheme(),
    };
    // A proxy's client names the host in the address; what `Host` says beside it does not count.
    let named = request.uri().authority().map(Authority::as_str);
    let told = forwarded("x-forwarded-host").or(named).or_else(|| headers.get(HOST)?.to_str().ok());
    let host = match told {
        Some(host) => host.parse::<Authority>().ok().filter(|host| !host.as_str().contains('@')),
        // The first version of HTTP has no such header.
        None => here.bound.to_string().parse().ok(),
    };
    let host = host.ok_or_else(|| bad("the Host of the request is no host"))?;
    Ok((scheme, host.to_string()))
}

/// The first value of a header with a list, as each proxy adds its own at the end.
fn first_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

/// The name or number of a host, without its port.
pub(super) fn name_of(host: &str) -> &str {
    if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or(host)
    } else {
        host.split(':').next().unwrap_or(host)
    }
}

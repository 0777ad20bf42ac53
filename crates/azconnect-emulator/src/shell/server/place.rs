//! Where a request came in: for which service, and by which address the caller knows it and all others.

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Request, Uri};

use super::path::service_of;
use super::{Behind, Here};
use crate::base::answer::Answer;
use crate::base::origins::{Origins, Service};
use crate::shell::control::refusal;
use crate::shell::host::Played;

/// The service of a request, and the caller's words for it and for the others.
pub(super) struct Place {
    pub(super) service: Service,
    pub(super) origin: String,
    pub(super) origins: Origins,
    /// The address as the service knows it.
    pub(super) address: Uri,
}

impl Place {
    /// Finds the place of a request, or says why it has none.
    pub(super) fn of<B>(here: &Here, request: &Request<B>) -> Result<Self, Nowhere> {
        let address = request.uri().clone();
        let (scheme, host) = caller_sees(here, request)?;
        let origin = format!("{scheme}://{host}");
        match &here.behind {
            Behind::Service(service, ports) => {
                let name = name_of(&host).to_owned();
                let port =
                    |other: Service| ports.iter().find(|(known, _)| *known == other).map_or(0, |(_, port)| *port);
                let origins = Origins::each(|other| format!("{scheme}://{name}:{}", port(other)));
                Ok(Self { service: *service, origin, origins, address })
            }
            Behind::Everything => {
                let origin = here.public_url.clone().unwrap_or(origin);
                let origins = Origins::one(&origin);
                Ok(Self { service: service_of(address.path()), origin, origins, address })
            }
            Behind::RealHosts | Behind::Proxy => {
                let name = name_of(&host);
                let played = Played::at(&here.emulator, name).ok_or_else(|| Nowhere::not_played(name))?;
                let address = played.address(&address).map_err(|error| Nowhere::bad(error.message()))?;
                let other = |service| Origins::public().of(service).replacen("https", scheme, 1);
                Ok(Self { service: played.service, origin, origins: Origins::each(other), address })
            }
        }
    }
}

/// Why a request has no place.
pub(super) struct Nowhere {
    status: u16,
    message: String,
}

impl Nowhere {
    fn bad(message: &str) -> Self {
        Self { status: 400, message: message.to_owned() }
    }

    /// The refusal of a host that is not emulated. Nobody dials it.
    pub(super) fn not_played(name: &str) -> Self {
        Self { status: 403, message: format!("the emulator plays no host called {name}, and reaches none") }
    }

    pub(super) fn answer(&self) -> Answer {
        refusal(self.status, &self.message)
    }
}

/// The scheme and the host by which the caller knows this server.
fn caller_sees<B>(here: &Here, request: &Request<B>) -> Result<(&'static str, String), Nowhere> {
    let headers = request.headers();
    let forwarded = |name: &str| if here.trusts_forwarded { first_of(headers, name) } else { None };
    let scheme = match forwarded("x-forwarded-proto") {
        Some("https") => "https",
        Some("http") => "http",
        Some(_) => return Err(Nowhere::bad("X-Forwarded-Proto is neither http nor https")),
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
    let host = host.ok_or_else(|| Nowhere::bad("the Host of the request is no host"))?;
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

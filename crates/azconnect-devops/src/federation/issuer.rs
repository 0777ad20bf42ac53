//! The issuer of a connection's tokens: the old one retires.

use azconnect_core::Error;
use azconnect_credential::{Check, CheckReport};
use serde::Serialize;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::document::{AuthorizationScheme, Endpoint, EnvironmentName, shown};
use crate::endpoint::{EndpointQuery, Endpoints};

/// When the issuer `https://vstoken.dev.azure.com/…` stops.
pub const OLD_ISSUER_RETIRES: OffsetDateTime = datetime!(2027-07-01 00:00 UTC);

/// Who issues the tokens with which a federated connection signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FederationIssuer {
    /// `https://vstoken.dev.azure.com/{organization}` with subject `sc://…`: retires at [`OLD_ISSUER_RETIRES`].
    AzureDevOps,
    /// `https://login.microsoftonline.com/{tenant}/v2.0`, or that of another cloud.
    Entra,
    /// The connection names no issuer, or one that is not known here.
    Unknown,
}

impl Endpoint {
    /// The issuer of the tokens with which it signs in, told by the address that the connection names.
    pub fn federation_issuer(&self) -> FederationIssuer {
        let issuer = self.parameter("workloadIdentityFederationIssuer").filter(|_| self.is_federated());
        issuer.map_or(FederationIssuer::Unknown, FederationIssuer::of)
    }
}

/// The hosts of Entra ID that issue tokens, in the public cloud, the one for the US government, and the one in China.
const ENTRA: [&str; 4] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
];

impl FederationIssuer {
    /// Whose address this is. One of a host that is not Microsoft's is unknown, whatever its path.
    pub(super) fn of(issuer: &str) -> Self {
        let Ok(url) = url::Url::parse(issuer) else { return Self::Unknown };
        let plain = url.scheme() == "https"
            && url.port().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        match url.host_str() {
            Some("vstoken.dev.azure.com") if plain => Self::AzureDevOps,
            Some(host) if plain && ENTRA.contains(&host) && url.path().trim_end_matches('/').ends_with("/v2.0") => {
                Self::Entra
            }
            _ => Self::Unknown,
        }
    }
}

/// What a search for connections of the issuer that retires has found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OldIssuerScan {
    /// The connections whose issuer retires.
    pub connections: Vec<Endpoint>,
    /// Each connection of which nobody can tell from here, by name: `low-permission`, `issuer-unknown` and
    /// `unreadable-record`.
    pub checks: CheckReport,
}

impl Endpoints {
    /// The connections of the project whose issuer retires, and those that could not be judged. Idempotent, without effect.
    ///
    /// Only those to the public cloud: elsewhere the old issuer goes on (Microsoft's *Convert service connections to the
    /// Microsoft Entra issuer*). An application of several tenants is out of scope too, which a connection does not show.
    ///
    /// # Errors
    /// As [`Endpoints::list`], but that an odd record is a check.
    pub async fn with_old_issuer(&self) -> Result<OldIssuerScan, Error> {
        let query =
            EndpointQuery::new().with_scheme(AuthorizationScheme::WorkloadIdentityFederation).with_details(true);
        let mut found = OldIssuerScan::default();
        for record in self.scan(&query).await? {
            match record {
                Ok(endpoint) => match unjudged(&endpoint) {
                    Some(check) => found.checks.push(check),
                    None if retires(&endpoint) => found.connections.push(endpoint),
                    None => {}
                },
                Err(error) => found.checks.push(Check::unknown_by("unreadable-record", "connection", &error)),
            }
        }
        Ok(found)
    }
}

fn retires(endpoint: &Endpoint) -> bool {
    endpoint.federation_issuer() == FederationIssuer::AzureDevOps
        && endpoint.environment().is_none_or(|name| *name == EnvironmentName::AzureCloud)
}

/// Why nobody can tell from a record whether its issuer retires.
fn unjudged(endpoint: &Endpoint) -> Option<Check> {
    let named = || format!("connection {} ({})", shown(endpoint.name()), endpoint.id());
    if endpoint.authorization().is_none() {
        return Some(Check::unknown(
            "low-permission",
            named(),
            "only the connection's id and name may be seen",
            "ask for the role Administrator on the connection, and search again",
        ));
    }
    (endpoint.is_federated() && endpoint.federation_issuer() == FederationIssuer::Unknown).then(|| {
        Check::unknown(
            "issuer-unknown",
            named(),
            "the connection names no issuer that is known here",
            "read the connection when it is ready; look at its issuer in the portal",
        )
    })
}

//! Where a connection sends the secret that it holds.
//!
//! Whoever may edit a connection names the host. A secret goes there only if the host is Azure's own, or if it is the one
//! that was agreed when the connection was bound: a connection that names another by then is a way to collect the secret.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::Check;
use url::Url;

use super::prover::registry;
use crate::document::{ConnectionType, Endpoint, EnvironmentName, shown};

/// Azure's own hosts in its clouds: those that manage resources, and those at which an application signs in.
///
/// Source: the endpoints of the clouds in `az cloud list`, and the data of Azure DevOps' own connections.
const CLOUDS: [(EnvironmentName, &[&str]); 4] = [
    (
        EnvironmentName::AzureCloud,
        &["management.azure.com", "management.core.windows.net", "login.microsoftonline.com", "login.windows.net"],
    ),
    (
        EnvironmentName::AzureChinaCloud,
        &[
            "management.chinacloudapi.cn",
            "management.core.chinacloudapi.cn",
            "login.chinacloudapi.cn",
            "login.partner.microsoftonline.cn",
        ],
    ),
    (
        EnvironmentName::AzureUsGovernment,
        &["management.usgovcloudapi.net", "management.core.usgovcloudapi.net", "login.microsoftonline.us"],
    ),
    (
        EnvironmentName::AzureGermanCloud,
        &["management.microsoftazure.de", "management.core.cloudapi.de", "login.microsoftonline.de"],
    ),
];

/// The code of an error for a connection that names another host than was agreed.
pub(super) const CHANGED: &str = "DestinationChanged";

/// Where a connection sends its secret.
pub(super) struct Destination {
    /// The hosts, as a person and a journal read them.
    pub(super) hosts: String,
    /// Whether Azure owns them, so that they need no agreement.
    is_azures_own: bool,
}

impl Destination {
    /// Reads it out of a connection. None for one of a type that takes no secret here, or that hides it.
    pub(super) fn of(endpoint: &Endpoint) -> Option<Self> {
        match endpoint.connection_type()? {
            ConnectionType::DockerRegistry => {
                let hosts = host(registry(endpoint)?);
                Some(Self { hosts, is_azures_own: false })
            }
            ConnectionType::AzureRm => Some(azure(endpoint)),
            // Whatever stands there gets the password, or the token that the key was changed for.
            ConnectionType::Generic | ConnectionType::Kubernetes => {
                let hosts = host(endpoint.url()?);
                Some(Self { hosts, is_azures_own: false })
            }
            _ => None,
        }
    }

    /// A failed check, if a connection to one of Azure's clouds leads elsewhere. A cloud of the customer's own is held to
    /// the host that was agreed.
    pub(super) fn foreign(endpoint: &Endpoint) -> Option<Check> {
        if let Some(cloud) = unknown_cloud(endpoint) {
            return Some(Check::failed(
                "foreign-address",
                "address",
                format!("it would sign in to the cloud {cloud}, whose address nobody has agreed to"),
                "name one of Azure's clouds in its azureEnvironment",
            ));
        }
        let of_azure = endpoint.is_type(ConnectionType::AzureRm)
            && endpoint.environment().is_none_or(|name| *name != EnvironmentName::AzureStack);
        let destination = Self::of(endpoint).filter(|found| of_azure && !found.is_azures_own)?;
        Some(Check::failed(
            "foreign-address",
            "address",
            format!("it would sign in at {}, which is not Azure's in the cloud that it names", destination.hosts),
            "correct the connection's address and authority; for a cloud of your own its environment is AzureStack",
        ))
    }
}

/// The hosts that a connection sends its secret to, as a person and a journal read them.
pub(crate) fn destination_of(endpoint: &Endpoint) -> Option<String> {
    Destination::of(endpoint).map(|found| found.hosts)
}

/// Permits a secret to go where a connection sends it.
///
/// # Errors
/// With effect [`None`](Effect::None), if that is another host than was agreed, or if none was.
pub(super) fn require_agreed(endpoint: &Endpoint, agreed: Option<&str>) -> Result<(), Error> {
    let found = Destination::of(endpoint);
    let hosts = found.as_ref().map_or("a host that is hidden", |found| found.hosts.as_str());
    let Some(agreed) = agreed else {
        return match &found {
            Some(found) if !found.is_azures_own => Err(refusal(
                "DestinationNotAgreed",
                format!("the connection sends its secret to {hosts}, and nobody has said that it may"),
                format!("bind the connection by name of its host: with_destination({hosts:?})"),
            )),
            _ => Ok(()),
        };
    };
    if found.as_ref().is_some_and(|found| found.hosts.eq_ignore_ascii_case(agreed)) {
        return Ok(());
    }
    Err(refusal(
        CHANGED,
        format!("the connection sends its secret to {hosts} now, and {agreed} was agreed"),
        format!(
            "find out who changed it; if {hosts} is right, bind the connection again by name: with_destination({hosts:?})"
        ),
    ))
}

/// A refusal of ours, before the secret goes anywhere: effect none.
fn refusal(code: &'static str, message: String, advice: String) -> Error {
    Error::new(ErrorKind::Unsupported, message)
        .with_effect(Effect::None)
        .with_field("destination")
        .with_service_code(code)
        .with_advice(advice)
}

/// The cloud that a connection to a cluster signs in to, unless it is one of Azure's: the key itself would go there.
fn unknown_cloud(endpoint: &Endpoint) -> Option<String> {
    let named = endpoint.parameter("azureEnvironment").filter(|name| !name.trim().is_empty())?;
    let known = CLOUDS.iter().any(|(cloud, _)| *cloud == EnvironmentName::from(named.trim()));
    (endpoint.is_type(ConnectionType::Kubernetes) && !known).then(|| shown(Some(named)))
}

fn azure(endpoint: &Endpoint) -> Destination {
    let named = endpoint.environment().unwrap_or(&EnvironmentName::AzureCloud);
    let own = CLOUDS.iter().find(|(cloud, _)| cloud == named).map(|(_, hosts)| *hosts);
    // The pipelines' own tasks sign in at this authority where there is one.
    let hosts: Vec<String> = [endpoint.url().unwrap_or_default()]
        .into_iter()
        .chain(endpoint.data("environmentAuthorityUrl"))
        .map(host)
        .collect();
    let is_azures_own = own.is_some_and(|own| hosts.iter().all(|host| own.contains(&host.as_str())));
    Destination { hosts: hosts.join(" and "), is_azures_own }
}

/// The host of an address, with its port where it names one, and with its scheme where that is `http`: what was agreed for
/// an encrypted connection does not permit one in the clear. The address itself where it is none, or has another scheme:
/// `docker login` reads the host of `a.example://b.example` as the former, and others as the latter.
fn host(address: &str) -> String {
    let text = address.trim();
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) };
    let Some((url, host)) = url.ok().and_then(|url| Some((url.clone(), url.host_str()?.to_ascii_lowercase()))) else {
        return shown(Some(text));
    };
    let host = host.trim_end_matches('.');
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    match url.scheme() {
        "https" => host,
        "http" => format!("http://{host}"),
        _ => shown(Some(text)),
    }
}

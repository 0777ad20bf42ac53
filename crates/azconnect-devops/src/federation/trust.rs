//! The federated credential at the application, behind a port.

use async_trait::async_trait;
use azconnect_core::{ClientId, Error, ErrorKind, TenantId};
use serde::Serialize;

use super::issuer::FederationIssuer;
use super::subject::{EntraSubject, tenant_of_issuer};
use crate::document::{Endpoint, EndpointId, EnvironmentName, shown};

/// The tokens that an application shall accept on behalf of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FederatedTrust {
    /// The application's tenant.
    pub tenant: TenantId,
    /// The client id of the application.
    pub client: ClientId,
    /// A name for the federated credential: letters, digits and hyphens.
    pub name: String,
    /// The issuer of the tokens: their `iss` claim.
    pub issuer: String,
    /// The subject of the tokens: their `sub` claim, which names the connection.
    pub subject: String,
    /// The audience of the tokens: their `aud` claim, `api://AzureADTokenExchange` in the public cloud.
    pub audience: String,
}

/// The audience of tokens that are exchanged at Microsoft Entra ID.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The audience in the cloud that a connection leads to: those of the United States' government and of China have their own.
fn audience(environment: Option<&EnvironmentName>) -> &'static str {
    match environment {
        Some(EnvironmentName::AzureUsGovernment) => "api://AzureADTokenExchangeUSGov",
        Some(EnvironmentName::AzureChinaCloud) => "api://AzureADTokenExchangeChina",
        _ => AUDIENCE,
    }
}

impl FederatedTrust {
    /// Trust in the tokens of an issuer for a subject, for the usual audience.
    pub fn new(tenant: TenantId, client: ClientId, issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        let (issuer, subject) = (issuer.into(), subject.into());
        Self { tenant, client, name: "azure-devops".to_owned(), issuer, subject, audience: AUDIENCE.to_owned() }
    }

    /// Sets the name of the federated credential: letters, digits and hyphens.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Reads the trust that a connection needs out of the connection.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) unless it signs in by workload identity federation and the service has given
    /// it issuer and subject.
    pub fn of(endpoint: &Endpoint) -> Result<Self, Error> {
        let missing = |what: &str| {
            Error::new(ErrorKind::Unsupported, format!("the connection has no {what}"))
                .in_operation("devops.federation.trust")
                .with_advice(
                    "read the connection again when it is ready; it must sign in by workload identity federation",
                )
        };
        if !endpoint.is_federated() {
            return Err(missing("workload identity federation"));
        }
        let text =
            |key: &'static str| endpoint.parameter(key).filter(|text| !text.is_empty()).ok_or_else(|| missing(key));
        Ok(Self {
            tenant: text("tenantid")?.parse()?,
            client: text("serviceprincipalid")?.parse()?,
            name: format!("azure-devops-{}", endpoint.id()),
            issuer: text("workloadIdentityFederationIssuer")?.to_owned(),
            subject: text("workloadIdentityFederationSubject")?.to_owned(),
            audience: audience(endpoint.environment()).to_owned(),
        })
    }

    /// The instruction for a person who adds the trust by hand.
    pub(super) fn by_hand(&self) -> String {
        format!(
            "add a federated credential with issuer {} and subject {} to application {}",
            self.issuer, self.subject, self.client
        )
    }

    /// Whether both are of one application.
    pub(super) fn is_of(&self, tenant: TenantId, client: ClientId) -> bool {
        (self.tenant, self.client) == (tenant, client)
    }

    /// Whether both accept the same tokens for the same application. Their names say nothing about that.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let key = |trust: &Self| (trust.issuer.clone(), trust.subject.clone(), trust.audience.clone());
        self.is_of(other.tenant, other.client) && key(self) == key(other)
    }
}

/// Keeps the federated credentials of applications: Microsoft Graph, or whatever a consumer has in its place.
///
/// What the suite `azconnect_testkit::conformance::federated_credentials` enforces: a trust that is ensured is accepted,
/// once, however often it is ensured and also after an answer was lost; one that was removed through this port is made anew,
/// though lists still show it; a trust is known by issuer, subject and audience,
/// so that another trust under the same name neither stands in its way nor is removed with it; an application that is not
/// there is refused with effect [`None`](azconnect_core::Effect::None); a directory out of reach is an error.
#[async_trait]
pub trait FederatedCredentials: Send + Sync {
    /// Makes an application accept a trust. Idempotent: one that is there already is a success.
    async fn ensure(&self, trust: &FederatedTrust) -> Result<(), Error>;

    /// Makes an application no longer accept a trust. Idempotent: one that is gone already is a success. A federated
    /// credential that differs in issuer, subject or audience stays.
    async fn remove(&self, trust: &FederatedTrust) -> Result<(), Error>;

    /// How many federated credentials of an application accept a trust, by issuer, subject and audience. Idempotent,
    /// without effect.
    async fn count(&self, trust: &FederatedTrust) -> Result<usize, Error>;
}

/// Has the application trust the connection, and says how to do it by hand if that fails.
pub(super) async fn ensure(
    credentials: &dyn FederatedCredentials,
    trust: &FederatedTrust,
    connection: EndpointId,
    organization: &str,
) -> Result<(), Error> {
    require_own(trust, connection, organization)?;
    credentials.ensure(trust).await.map_err(|error| {
        let advice = format!(
            "the connection exists, and its application does not trust it yet: {}; the cause: {}",
            trust.by_hand(),
            error.advice()
        );
        error.with_effect(azconnect_core::Effect::Unknown).with_advice(advice)
    })
}

/// Refuses a trust that is not in the tokens of one connection.
///
/// The connection names the issuer, so nobody but Microsoft's own is trusted: another could sign in as the application. It names
/// the subject too, and anybody has a tenant of Entra ID or an organization whose tokens Microsoft issues: so only one that is
/// the connection's own is trusted.
pub(super) fn require_own(trust: &FederatedTrust, connection: EndpointId, organization: &str) -> Result<(), Error> {
    let issuer = FederationIssuer::of(&trust.issuer);
    if issuer == FederationIssuer::Unknown {
        return Err(foreign("issuer", &trust.issuer, "not Microsoft's"));
    }
    if !is_own(issuer, trust, connection, organization) {
        return Err(foreign("subject", &trust.subject, "not this connection's own"));
    }
    Ok(())
}

/// Whether a subject is one that the issuer gives to this connection: `sc://{organization}/…`, or
/// `…/sc/{organization's id}/{connection's id}` of the issuer's own tenant.
fn is_own(issuer: FederationIssuer, trust: &FederatedTrust, connection: EndpointId, organization: &str) -> bool {
    if issuer == FederationIssuer::AzureDevOps {
        let name = trust.subject.strip_prefix("sc://").and_then(|rest| rest.split_once('/')).map(|(name, _)| name);
        return name.is_some_and(|name| name.eq_ignore_ascii_case(organization));
    }
    let Some(subject) = EntraSubject::parse(&trust.subject) else { return false };
    // A prefix of another form names no tenant that could be compared.
    let tenants = subject.tenant.zip(tenant_of_issuer(&trust.issuer));
    subject.connection.eq_ignore_ascii_case(&connection.to_string()) && tenants.is_none_or(|(own, of)| own == of)
}

pub(super) fn foreign(field: &'static str, found: &str, why: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("the connection names the {field} {}, which is {why}", shown(Some(found))),
    )
    .in_operation("devops.federation.trust")
    .with_field(field)
    .with_advice("the application does not trust it; find out who changed the connection, or make another one")
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// The clouds for the United States' government and for China exchange tokens for an audience of their own.
    #[test]
    fn the_audience_is_that_of_the_cloud() {
        let trust = |environment: serde_json::Value| {
            let parameters = serde_json::json!({"tenantid": CONNECTION, "serviceprincipalid": CONNECTION,
                "workloadIdentityFederationIssuer": "https://i", "workloadIdentityFederationSubject": "s"});
            let endpoint = Endpoint::from_value(serde_json::json!({"id": CONNECTION, "type": "azurerm",
                "data": {"environment": environment},
                "authorization": {"scheme": "WorkloadIdentityFederation", "parameters": parameters}}));
            FederatedTrust::of(&endpoint.unwrap()).unwrap().audience
        };
        assert_eq!(trust(serde_json::Value::Null), "api://AzureADTokenExchange");
        assert_eq!(trust("AzureCloud".into()), "api://AzureADTokenExchange");
        assert_eq!(trust("azureusgovernment".into()), "api://AzureADTokenExchangeUSGov");
        assert_eq!(trust("AzureChinaCloud".into()), "api://AzureADTokenExchangeChina");
    }

    #[derive(Default)]
    struct Trusted(Mutex<Vec<String>>);

    #[async_trait]
    impl FederatedCredentials for Trusted {
        async fn ensure(&self, trust: &FederatedTrust) -> Result<(), Error> {
            self.0.lock().unwrap().push(trust.issuer.clone());
            Ok(())
        }

        async fn remove(&self, _: &FederatedTrust) -> Result<(), Error> {
            Ok(())
        }

        async fn count(&self, _: &FederatedTrust) -> Result<usize, Error> {
            Ok(self.0.lock().unwrap().len())
        }
    }

    const CONNECTION: &str = "5e6a3b0c-6d0e-4a3f-9d52-0c8a3f1b7e21";

    async fn ensured(issuer: &str) -> Result<usize, Error> {
        let subject = match FederationIssuer::of(issuer) {
            FederationIssuer::AzureDevOps => "sc://contoso/Web/deploy".to_owned(),
            _ => format!("/eid1/c/pub/t/t/a/a/sc/o/{CONNECTION}"),
        };
        ensured_for(issuer, &subject).await
    }

    async fn ensured_for(issuer: &str, subject: &str) -> Result<usize, Error> {
        let (tenant, client) = ("1272a66f-e2e8-4e88-ab43-487409186c3f", "7c86b535-818b-423f-b0fd-19a2e9f32710");
        let trust = FederatedTrust::new(tenant.parse()?, client.parse()?, issuer, subject);
        let trusted = Trusted::default();
        let outcome = ensure(&trusted, &trust, CONNECTION.parse()?, "contoso").await;
        let count = trusted.0.lock().unwrap().len();
        assert_eq!(count, usize::from(outcome.is_ok()), "{issuer}");
        outcome.map(|()| count)
    }

    #[tokio::test]
    async fn an_application_trusts_no_issuer_but_microsoft_s_that_a_connection_names() {
        for own in [
            "https://login.microsoftonline.com/1272a66f-e2e8-4e88-ab43-487409186c3f/v2.0",
            "https://login.microsoftonline.us/1272a66f-e2e8-4e88-ab43-487409186c3f/v2.0",
            "https://vstoken.dev.azure.com/0f1c5b38-4bd1-4a35-9c2a-4c94d1b3d2a1",
        ] {
            assert_eq!(ensured(own).await.unwrap(), 1, "{own}");
        }
        for foreign in [
            "https://thief.example/1272a66f-e2e8-4e88-ab43-487409186c3f/v2.0",
            "https://login.microsoftonline.com.thief.example/t/v2.0",
            "https://login.microsoftonline.com@thief.example/t/v2.0",
            "https://thief@login.microsoftonline.com/t/v2.0",
            "http://login.microsoftonline.com/t/v2.0",
            "https://login.microsoftonline.com:8443/t/v2.0",
            "https://vstoken.dev.azure.com.thief.example/o",
            "https://login.microsoftonline.com/t/v2.0?x=1",
            "not an address",
            "",
        ] {
            let error = ensured(foreign).await.unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("issuer")), "{foreign}");
        }
    }

    #[tokio::test]
    async fn an_application_trusts_no_subject_but_the_connection_s_own() {
        let entra = "https://login.microsoftonline.com/1272a66f-e2e8-4e88-ab43-487409186c3f/v2.0";
        let devops = "https://vstoken.dev.azure.com/0f1c5b38-4bd1-4a35-9c2a-4c94d1b3d2a1";
        let own = format!("/eid1/c/pub/t/t/a/a/sc/o/{}", CONNECTION.to_uppercase());
        assert_eq!(ensured_for(entra, &own).await.unwrap(), 1);
        assert_eq!(ensured_for(devops, "sc://Contoso/Web/deploy").await.unwrap(), 1);
        for (issuer, foreign) in [
            // The service principal of somebody's own tenant, another connection, and one of another organization.
            (entra, "7c86b535-818b-423f-b0fd-19a2e9f32710".to_owned()),
            (entra, CONNECTION.to_owned()),
            (entra, format!("/sc//{CONNECTION}")),
            (entra, format!("/eid1/c/pub/t/t/a/a/sc/o/{CONNECTION}/7c86b535-818b-423f-b0fd-19a2e9f32710")),
            (entra, "sc://contoso/Web/deploy".to_owned()),
            (devops, "sc://thief/Web/deploy".to_owned()),
            (devops, "sc://contoso.thief/Web/deploy".to_owned()),
            (devops, "sc://contoso".to_owned()),
            (devops, own),
            // A subject of another tenant than its issuer's: t is the id ff000000-… as .NET orders its bytes.
            (entra, format!("/eid1/c/pub/t/AAAA_wAAAAAAAAAAAAAAAA/a/a/sc/o/{CONNECTION}")),
        ] {
            let error = ensured_for(issuer, &foreign).await.unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("subject")), "{foreign}");
        }
    }
}

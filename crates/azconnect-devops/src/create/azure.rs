//! Connections to Azure Resource Manager.

use azconnect_core::{ClientId, Effect, Error, ErrorKind, ResourceGroupName, Secret, SubscriptionId, TenantId};
use azconnect_credential::check_client_secret;
use serde_json::{Map, Value};
use url::Url;

use super::{NewConnection, Parts, texts};
use crate::project::Project;

/// The Azure that a connection leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AzureEnvironment {
    /// Azure for everyone.
    Public,
    /// Azure in China.
    China,
    /// Azure for the government of the United States.
    UsGovernment,
    /// The former Azure in Germany.
    Germany,
    /// Azure Stack, by its Resource Manager's address.
    Stack(Url),
}

impl AzureEnvironment {
    fn name(&self) -> &'static str {
        match self {
            Self::Public => "AzureCloud",
            Self::China => "AzureChinaCloud",
            Self::UsGovernment => "AzureUSGovernment",
            Self::Germany => "AzureGermanCloud",
            Self::Stack(_) => "AzureStack",
        }
    }

    fn url(&self) -> &str {
        match self {
            Self::Public => "https://management.azure.com/",
            Self::China => "https://management.chinacloudapi.cn/",
            Self::UsGovernment => "https://management.usgovcloudapi.net/",
            Self::Germany => "https://management.microsoftazure.de/",
            Self::Stack(url) => url.as_str(),
        }
    }
}

/// What a connection reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AzureScope {
    /// A subscription, or one resource group of it.
    Subscription {
        /// Its id.
        id: SubscriptionId,
        /// Its name, which the portal shows.
        name: String,
        /// The one group to which automatic creation limits the role; with a credential of one's own the group's role
        /// assignment decides, and the portal shows this.
        resource_group: Option<ResourceGroupName>,
    },
    /// A management group.
    ManagementGroup {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// A workspace of Azure Machine Learning.
    MachineLearning {
        /// The subscription it is in.
        subscription: SubscriptionId,
        /// The subscription's name.
        subscription_name: String,
        /// The group it is in.
        resource_group: ResourceGroupName,
        /// Its name.
        workspace: String,
        /// Its region.
        location: String,
    },
}

impl AzureScope {
    /// A subscription.
    pub fn subscription(id: SubscriptionId, name: impl Into<String>) -> Self {
        Self::Subscription { id, name: name.into(), resource_group: None }
    }

    /// The fields of `data` that name it; those of other scopes are `None`.
    pub(crate) fn data(&self) -> Vec<(&'static str, Option<String>)> {
        let (mut subscription, mut group, mut management, mut workspace) =
            ((None, None), None, (None, None), (None, None));
        let level = match self {
            Self::Subscription { id, name, resource_group } => {
                subscription = (Some(id.to_string()), Some(name.clone()));
                group = resource_group.as_ref().map(ToString::to_string);
                "Subscription"
            }
            Self::ManagementGroup { id, name } => {
                management = (Some(id.clone()), Some(name.clone()));
                "ManagementGroup"
            }
            Self::MachineLearning {
                subscription: id,
                subscription_name,
                resource_group,
                workspace: name,
                location,
            } => {
                subscription = (Some(id.to_string()), Some(subscription_name.clone()));
                group = Some(resource_group.to_string());
                workspace = (Some(name.clone()), Some(location.clone()));
                "AzureMLWorkspace"
            }
        };
        vec![
            ("scopeLevel", Some(level.to_owned())),
            ("subscriptionId", subscription.0),
            ("subscriptionName", subscription.1),
            ("resourceGroupName", group),
            ("managementGroupId", management.0),
            ("managementGroupName", management.1),
            ("mlWorkspaceName", workspace.0),
            ("mlWorkspaceLocation", workspace.1),
        ]
    }

    /// The path by which `authorization.parameters.scope` limits a connection to one group.
    pub(crate) fn limit(&self) -> Option<String> {
        match self {
            Self::Subscription { id, resource_group: Some(group), .. } => {
                Some(format!("/subscriptions/{id}/resourcegroups/{group}"))
            }
            _ => None,
        }
    }

    fn require_complete(&self) -> Result<(), Error> {
        let texts: Vec<(&str, &str)> = match self {
            Self::Subscription { name, .. } => vec![("subscription name", name)],
            Self::ManagementGroup { id, name } => vec![("management group", id), ("management group name", name)],
            Self::MachineLearning { subscription_name, workspace, location, .. } => vec![
                ("subscription name", subscription_name),
                ("workspace", workspace),
                ("workspace location", location),
            ],
        };
        match texts.into_iter().find(|(_, text)| text.trim().is_empty()) {
            Some((field, _)) => Err(Error::invalid(field, "is empty").with_advice(format!("give the {field}"))),
            None => Ok(()),
        }
    }
}

/// How a connection signs in.
#[non_exhaustive]
pub enum AzureCredential<'a> {
    /// By workload identity federation; Azure DevOps makes application, federated credential and role assignment.
    FederationAutomatic {
        /// The subscription's tenant.
        tenant: TenantId,
    },
    /// By workload identity federation with an application of one's own. Issuer and subject are known once the connection
    /// exists: see [`Organization::create_federated`](crate::Organization::create_federated).
    FederationManual {
        /// The application's tenant.
        tenant: TenantId,
        /// The application.
        client: ClientId,
    },
    /// With the managed identity of the machine on which the agent runs.
    ManagedIdentity {
        /// The identity's tenant.
        tenant: TenantId,
    },
    /// As a service principal, with a secret.
    Secret {
        /// The application's tenant.
        tenant: TenantId,
        /// The application.
        client: ClientId,
        /// The secret.
        secret: &'a Secret,
    },
    /// As a service principal, with a certificate.
    Certificate {
        /// The application's tenant.
        tenant: TenantId,
        /// The application.
        client: ClientId,
        /// Certificate and private key, in PEM.
        pem: &'a Secret,
    },
    /// With the publish profile of one web application.
    PublishProfile {
        /// The application's tenant.
        tenant: TenantId,
        /// The web application's resource id.
        resource: String,
        /// The profile, an XML document.
        profile: &'a Secret,
    },
}

impl<'a> AzureCredential<'a> {
    fn scheme(&self) -> &'static str {
        match self {
            Self::FederationAutomatic { .. } | Self::FederationManual { .. } => "WorkloadIdentityFederation",
            Self::ManagedIdentity { .. } => "ManagedServiceIdentity",
            Self::Secret { .. } | Self::Certificate { .. } => "ServicePrincipal",
            Self::PublishProfile { .. } => "PublishProfile",
        }
    }

    fn tenant(&self) -> TenantId {
        match self {
            Self::FederationAutomatic { tenant }
            | Self::FederationManual { tenant, .. }
            | Self::ManagedIdentity { tenant }
            | Self::Secret { tenant, .. }
            | Self::Certificate { tenant, .. }
            | Self::PublishProfile { tenant, .. } => *tenant,
        }
    }

    fn client(&self) -> Option<ClientId> {
        match self {
            Self::FederationManual { client, .. } | Self::Secret { client, .. } | Self::Certificate { client, .. } => {
                Some(*client)
            }
            _ => None,
        }
    }

    fn creation_mode(&self) -> Option<&'static str> {
        match self {
            Self::FederationAutomatic { .. } => Some("Automatic"),
            Self::FederationManual { .. } | Self::Secret { .. } | Self::Certificate { .. } => Some("Manual"),
            Self::ManagedIdentity { .. } | Self::PublishProfile { .. } => None,
        }
    }

    fn secret(&self) -> Option<(&'static str, &'a Secret)> {
        match self {
            Self::Secret { secret, .. } => Some(("serviceprincipalkey", secret)),
            Self::Certificate { pem, .. } => Some(("servicePrincipalCertificate", pem)),
            Self::PublishProfile { profile, .. } => Some(("publishProfile", profile)),
            _ => None,
        }
    }

    fn require_usable(&self) -> Result<(), Error> {
        match self {
            Self::Secret { secret, .. } => check_client_secret(secret),
            Self::Certificate { pem, .. } => {
                let text = pem.expose();
                if text.contains("BEGIN CERTIFICATE") && text.contains("PRIVATE KEY") {
                    return Ok(());
                }
                Err(Error::invalid("certificate", "lacks the certificate or its private key")
                    .with_advice("give both in PEM, one after the other"))
            }
            Self::PublishProfile { profile, .. } if !profile.expose().contains("publishData") => {
                Err(Error::invalid("publish profile", "is not one")
                    .with_advice("download it from the web application's overview"))
            }
            _ => Ok(()),
        }
    }
}

/// Builds a connection to Azure Resource Manager.
///
/// ```
/// use azconnect_core::Secret;
/// use azconnect_devops::{AzureConnection, AzureCredential, AzureEnvironment, AzureScope};
/// # fn example(project: &azconnect_devops::Project) -> Result<(), azconnect_core::Error> {
/// let secret = Secret::new("Abc8Q~example");
/// let tenant = "1272a66f-e2e8-4e88-ab43-487409186c3f".parse()?;
/// let client = "7c86b535-818b-423f-b0fd-19a2e9f32710".parse()?;
/// let scope = AzureScope::subscription("1272a66f-e2e8-4e88-ab43-487409186c3f".parse()?, "Production");
/// let connection = AzureConnection::new("deploy", scope, AzureCredential::Secret { tenant, client, secret: &secret })
///     .with_environment(AzureEnvironment::China)
///     .build(project)?;
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
pub struct AzureConnection<'a> {
    name: String,
    description: Option<String>,
    environment: AzureEnvironment,
    scope: AzureScope,
    credential: AzureCredential<'a>,
}

impl<'a> AzureConnection<'a> {
    /// A connection to the public cloud.
    pub fn new(name: impl Into<String>, scope: AzureScope, credential: AzureCredential<'a>) -> Self {
        Self { name: name.into(), description: None, environment: AzureEnvironment::Public, scope, credential }
    }

    /// Sets the Azure that it leads to.
    #[must_use]
    pub fn with_environment(mut self, environment: AzureEnvironment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets its description.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The finished connection of a project.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a value that cannot be used; [`Unsupported`](ErrorKind::Unsupported)
    /// for a combination that Azure DevOps does not offer. Nothing was sent.
    pub fn build(&self, project: &Project) -> Result<NewConnection<'a>, Error> {
        self.require_possible()?;
        self.scope.require_complete()?;
        self.credential.require_usable()?;
        let mut data: Map<String, Value> =
            self.scope.data().into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into()))).collect();
        data.insert("environment".to_owned(), self.environment.name().into());
        if let Some(mode) = self.credential.creation_mode() {
            data.insert("creationMode".to_owned(), mode.into());
        }
        let parts = Parts {
            name: &self.name,
            description: self.description.as_deref(),
            type_name: "azurerm",
            url: self.environment.url(),
            scheme: self.credential.scheme(),
            project,
        };
        parts.build(data, self.parameters(), self.credential.secret())
    }

    fn parameters(&self) -> Map<String, Value> {
        let tenant = self.credential.tenant().to_string();
        let client = self.credential.client().map(|client| client.to_string());
        let kind = match &self.credential {
            AzureCredential::Secret { .. } => Some("spnKey"),
            AzureCredential::Certificate { .. } => Some("spnCertificate"),
            _ => None,
        };
        let resource = match &self.credential {
            AzureCredential::PublishProfile { resource, .. } => Some(resource.as_str()),
            _ => None,
        };
        texts(&[
            ("tenantid", Some(&tenant)),
            ("serviceprincipalid", client.as_deref()),
            ("authenticationType", kind),
            ("scope", self.scope.limit().as_deref()),
            ("resourceId", resource),
        ])
    }

    fn require_possible(&self) -> Result<(), Error> {
        let refuse = |message: &str, advice: &str| {
            Err(Error::new(ErrorKind::Unsupported, message.to_owned()).with_effect(Effect::None).with_advice(advice))
        };
        let federated = self.credential.scheme() == "WorkloadIdentityFederation";
        let automatic = self.credential.creation_mode() == Some("Automatic");
        match (&self.environment, &self.credential, &self.scope) {
            (AzureEnvironment::Stack(url), ..) if url.scheme() != "https" => {
                Err(Error::invalid("Azure Stack address", "is not encrypted").with_advice("give an address with https"))
            }
            (AzureEnvironment::Stack(_), ..) if federated => refuse(
                "Azure Stack does not take workload identity federation",
                "use a service principal with a secret or certificate",
            ),
            (AzureEnvironment::UsGovernment, ..) if automatic => refuse(
                "Azure DevOps makes no federated connection to US Government by itself",
                "make the application, and use FederationManual",
            ),
            (AzureEnvironment::Germany, ..) if federated => refuse(
                "the former cloud in Germany does not take workload identity federation",
                "use a service principal",
            ),
            (_, AzureCredential::PublishProfile { .. }, scope) if !matches!(scope, AzureScope::Subscription { .. }) => {
                refuse(
                    "a publish profile belongs to one web application of a subscription",
                    "use scope Subscription, or another credential",
                )
            }
            (_, AzureCredential::PublishProfile { resource, .. }, _) if resource.trim().is_empty() => {
                Err(Error::invalid("resource", "is empty").with_advice("give the web application's resource id"))
            }
            (_, _, AzureScope::ManagementGroup { .. }) if automatic => refuse(
                "Azure DevOps gives a federated connection no role on a management group by itself",
                "make the application and its role assignment, and use FederationManual",
            ),
            _ => Ok(()),
        }
    }
}

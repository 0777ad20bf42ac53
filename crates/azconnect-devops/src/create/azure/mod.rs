//! Connections to Azure Resource Manager.

mod credential;

use azconnect_core::{Effect, Error, ErrorKind};
use serde_json::{Map, Value};

pub use self::credential::AzureCredential;
pub(crate) use self::credential::check_certificate;
use super::{NewConnection, Parts};
use crate::directory::Project;
use crate::document::{AuthorizationScheme, AzureEnvironment, AzureScope, ConnectionType};

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
    /// A connection with this name, scope and credential, to the public cloud.
    pub fn new(name: impl Into<String>, scope: AzureScope, credential: AzureCredential<'a>) -> Self {
        Self { name: name.into(), description: None, environment: AzureEnvironment::Public, scope, credential }
    }

    /// Sets the cloud that the connection leads to; the public one unless set.
    #[must_use]
    pub fn with_environment(mut self, environment: AzureEnvironment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the description that the portal shows.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Checks the values, and returns the connection ready to be created in a project.
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
        data.insert("environment".to_owned(), self.environment.name().as_str().into());
        if let Some(mode) = self.credential.creation_mode() {
            data.insert("creationMode".to_owned(), mode.as_str().into());
        }
        if let AzureCredential::PublishProfile { resource, .. } = &self.credential {
            data.insert("resourceId".to_owned(), resource.as_str().into());
        }
        let mut parameters = self.credential.parameters();
        if let Some(limit) = self.scope.limit() {
            parameters.insert("scope".to_owned(), limit.into());
        }
        let parts = Parts {
            name: &self.name,
            description: self.description.as_deref(),
            connection_type: ConnectionType::AzureRm,
            url: self.environment.url(),
            scheme: self.credential.scheme(),
            is_ready: !self.credential.is_automatic(),
            project,
        };
        parts.build(data, parameters, self.credential.secret())
    }

    fn require_possible(&self) -> Result<(), Error> {
        // Effect none: the document is only built.
        let refuse = |message: &str, advice: &str| {
            Err(Error::new(ErrorKind::Unsupported, message.to_owned()).with_effect(Effect::None).with_advice(advice))
        };
        let federated = self.credential.scheme() == AuthorizationScheme::WorkloadIdentityFederation;
        let automatic = self.credential.is_automatic();
        match (&self.environment, &self.credential, &self.scope) {
            (AzureEnvironment::Stack(url), ..) if url.scheme() != "https" => {
                Err(Error::invalid("azure_stack_address", "is not encrypted").with_advice("give an address with https"))
            }
            (AzureEnvironment::Stack(_), ..) if federated => refuse(
                "Azure Stack does not take workload identity federation",
                "use a service principal with a secret or certificate",
            ),
            (AzureEnvironment::Stack(_), ..) if automatic => refuse(
                "Azure DevOps makes no application for Azure Stack by itself",
                "make the application, and use Secret or Certificate",
            ),
            (AzureEnvironment::UsGovernment, ..) if automatic && federated => refuse(
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
            (_, credential, scope) if scope.limit().is_some() && !credential.takes_scope() => refuse(
                "this credential cannot be limited to a resource group in the connection",
                "leave the resource group out: the role assignment decides what is reached",
            ),
            (_, _, AzureScope::ManagementGroup { .. }) if automatic && federated => refuse(
                "Azure DevOps gives a federated connection no role on a management group by itself",
                "make the application and its role assignment, and use FederationManual",
            ),
            _ => Ok(()),
        }
    }
}

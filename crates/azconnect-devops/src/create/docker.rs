//! Connections to Docker registries.

use azconnect_core::{Effect, Error, ErrorKind, Secret, SubscriptionId};

use super::{AzureCredential, NewConnection, Parts, texts};
use crate::directory::Project;
use crate::document::{AuthorizationScheme, ConnectionType, CreationMode, RegistryType};

/// The registry, and how the connection logs in to it.
#[non_exhaustive]
pub enum DockerRegistry<'a> {
    /// Any registry, with user name and password.
    Others {
        /// The registry's address, such as `https://registry.example.com`; `https` is assumed where it has no scheme.
        registry: String,
        /// The user name at the registry.
        user: String,
        /// The password, or an access token of the registry.
        password: &'a Secret,
        /// The user's mail address, which old registries ask for.
        email: Option<String>,
    },
    /// Docker Hub, with user name and password.
    DockerHub {
        /// The user name at the registry.
        user: String,
        /// The password, or better an access token.
        password: &'a Secret,
        /// The user's mail address, which old registries ask for.
        email: Option<String>,
    },
    /// Azure Container Registry (`ACR`), which the connection signs in to as it does to Azure.
    AzureContainerRegistry {
        /// The registry's login server, such as `contoso.azurecr.io`.
        login_server: String,
        /// The registry's resource id, `/subscriptions/…/providers/Microsoft.ContainerRegistry/registries/{name}`.
        scope: String,
        /// The name of the registry's subscription, which the portal shows.
        subscription_name: String,
        /// How the connection signs in; a publish profile leads to no registry.
        credential: AzureCredential<'a>,
    },
}

/// Builds a connection to a Docker registry.
#[non_exhaustive]
pub struct DockerConnection<'a> {
    name: String,
    description: Option<String>,
    registry: DockerRegistry<'a>,
}

/// The address of Docker Hub, which connections of type Others carry too.
const HUB: &str = "https://hub.docker.com/";

impl<'a> DockerConnection<'a> {
    /// A connection with this name to a registry.
    pub fn new(name: impl Into<String>, registry: DockerRegistry<'a>) -> Self {
        Self { name: name.into(), description: None, registry }
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
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field. Nothing was sent.
    pub fn build(&self, project: &Project) -> Result<NewConnection<'a>, Error> {
        match &self.registry {
            DockerRegistry::Others { registry, user, password, email } => {
                let address = if registry.contains("://") { registry.clone() } else { format!("https://{registry}") };
                let host = url::Url::parse(&address).ok().filter(|url| url.host().is_some() && url.scheme() == "https");
                if host.is_none() {
                    return Err(Error::invalid("registry", "is not an address with https")
                        .with_advice("give the registry as in https://registry.example.com"));
                }
                self.with_password(project, &RegistryType::Others, (&address, user, password, email.as_deref()))
            }
            DockerRegistry::DockerHub { user, password, email } => self.with_password(
                project,
                &RegistryType::DockerHub,
                ("https://index.docker.io/v1/", user, password, email.as_deref()),
            ),
            DockerRegistry::AzureContainerRegistry { login_server, scope, subscription_name, credential } => {
                self.of_azure(project, (login_server, scope, subscription_name), credential)
            }
        }
    }

    fn parts<'p>(&'p self, project: &'p Project, url: &'p str, scheme: AuthorizationScheme) -> Parts<'p> {
        let description = self.description.as_deref();
        let connection_type = ConnectionType::DockerRegistry;
        Parts { name: &self.name, description, connection_type, url, scheme, is_ready: true, project }
    }

    fn with_password(
        &self,
        project: &Project,
        kind: &RegistryType,
        (registry, user, password, email): (&str, &str, &'a Secret, Option<&str>),
    ) -> Result<NewConnection<'a>, Error> {
        if user.trim().is_empty() {
            return Err(Error::invalid("user", "is empty").with_advice("give the user name of the registry"));
        }
        if password.is_empty() {
            return Err(Error::invalid("password", "is empty").with_advice("give the password of the registry"));
        }
        let parameters = texts(&[
            ("registry", Some(registry)),
            ("username", Some(user)),
            ("email", Some(email.unwrap_or_default())),
        ]);
        let data = texts(&[("registrytype", Some(kind.as_str()))]);
        self.parts(project, HUB, AuthorizationScheme::UsernamePassword).build(
            data,
            parameters,
            Some(("password", password)),
        )
    }

    fn of_azure(
        &self,
        project: &Project,
        (login_server, scope, subscription_name): (&str, &str, &str),
        credential: &AzureCredential<'a>,
    ) -> Result<NewConnection<'a>, Error> {
        if login_server.is_empty() || login_server.contains(['/', ':', ' ']) || !login_server.contains('.') {
            return Err(
                Error::invalid("login_server", "is not a host name").with_advice("give it as in contoso.azurecr.io")
            );
        }
        let Some(subscription) = subscription_of(scope) else {
            return Err(Error::invalid("scope", "is not the resource id of a container registry")
                .with_advice("give /subscriptions/…/providers/Microsoft.ContainerRegistry/registries/{name}"));
        };
        if subscription_name.trim().is_empty() {
            return Err(Error::invalid("subscription_name", "is empty").with_advice("give the subscription's name"));
        }
        if matches!(credential, AzureCredential::PublishProfile { .. }) {
            return Err(Error::new(ErrorKind::Unsupported, "a publish profile leads to no container registry")
                .with_effect(Effect::None)
                .with_advice("use another credential"));
        }
        credential.require_usable()?;
        let mut parameters = credential.parameters();
        parameters.insert("loginServer".to_owned(), login_server.into());
        if credential.takes_scope() {
            parameters.insert("scope".to_owned(), scope.into());
        }
        // Only a federation names the mode: a service principal that Azure DevOps makes is known by its empty id.
        let federated = credential.scheme() == AuthorizationScheme::WorkloadIdentityFederation;
        let mode = credential.creation_mode().filter(|_| federated);
        let data = texts(&[
            ("registrytype", Some(RegistryType::AzureContainerRegistry.as_str())),
            ("registryId", Some(scope)),
            ("subscriptionId", Some(&subscription.to_string())),
            ("subscriptionName", Some(subscription_name)),
            ("creationMode", mode.as_ref().map(CreationMode::as_str)),
        ]);
        let url = format!("https://{login_server}");
        let mut parts = self.parts(project, &url, credential.scheme());
        parts.is_ready = !credential.is_automatic();
        parts.build(data, parameters, credential.secret())
    }
}

/// The subscription in the resource id of a container registry.
fn subscription_of(scope: &str) -> Option<SubscriptionId> {
    let lower = scope.to_ascii_lowercase();
    let (head, name) = lower.split_once("/providers/microsoft.containerregistry/registries/")?;
    let (subscription, group) = head.strip_prefix("/subscriptions/")?.split_once("/resourcegroups/")?;
    let plain = |part: &str| !part.is_empty() && !part.contains('/');
    (plain(group) && plain(name)).then(|| subscription.parse().ok())?
}

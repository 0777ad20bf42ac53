//! Connections to Docker registries.

use azconnect_core::{ClientId, Error, Secret, TenantId};
use azconnect_credential::check_client_secret;

use super::{NewConnection, Parts, texts};
use crate::directory::Project;
use crate::document::{AuthorizationScheme, ConnectionType, CreationMode, RegistryType, ServicePrincipalProof};

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
    /// Azure Container Registry (`ACR`), as a service principal.
    AzureContainerRegistry {
        /// The registry's login server, such as `contoso.azurecr.io`.
        login_server: String,
        /// The registry's resource id, `/subscriptions/…/providers/Microsoft.ContainerRegistry/registries/{name}`.
        scope: String,
        /// The tenant in which the application signs in.
        tenant: TenantId,
        /// The client id of the application.
        client: ClientId,
        /// The application's client secret. Without one, the connection signs in by workload identity federation.
        secret: Option<&'a Secret>,
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
            DockerRegistry::AzureContainerRegistry { login_server, scope, tenant, client, secret } => {
                self.of_azure(project, (login_server, scope), (*tenant, *client, *secret))
            }
        }
    }

    fn parts<'p>(&'p self, project: &'p Project, url: &'p str, scheme: AuthorizationScheme) -> Parts<'p> {
        let description = self.description.as_deref();
        Parts { name: &self.name, description, connection_type: ConnectionType::DockerRegistry, url, scheme, project }
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
        (login_server, scope): (&str, &str),
        (tenant, client, secret): (TenantId, ClientId, Option<&'a Secret>),
    ) -> Result<NewConnection<'a>, Error> {
        if login_server.is_empty() || login_server.contains(['/', ':', ' ']) || !login_server.contains('.') {
            return Err(
                Error::invalid("login_server", "is not a host name").with_advice("give it as in contoso.azurecr.io")
            );
        }
        if !scope.to_ascii_lowercase().contains("/providers/microsoft.containerregistry/registries/") {
            return Err(Error::invalid("scope", "is not the resource id of a container registry")
                .with_advice("give /subscriptions/…/providers/Microsoft.ContainerRegistry/registries/{name}"));
        }
        if let Some(secret) = secret {
            check_client_secret(secret)?;
        }
        let (tenant, client, proof) = (tenant.to_string(), client.to_string(), ServicePrincipalProof::Key);
        let parameters = texts(&[
            ("loginServer", Some(login_server)),
            ("scope", Some(scope)),
            ("tenantId", Some(&tenant)),
            ("servicePrincipalId", Some(&client)),
            ("authenticationType", secret.map(|_| proof.as_str())),
        ]);
        let scheme = match secret {
            Some(_) => AuthorizationScheme::ServicePrincipal,
            None => AuthorizationScheme::WorkloadIdentityFederation,
        };
        let url = format!("https://{login_server}");
        let data = texts(&[
            ("registrytype", Some(RegistryType::AzureContainerRegistry.as_str())),
            ("registryId", Some(scope)),
            ("creationMode", Some(CreationMode::Manual.as_str())),
        ]);
        self.parts(project, &url, scheme).build(data, parameters, secret.map(|secret| ("serviceprincipalkey", secret)))
    }
}

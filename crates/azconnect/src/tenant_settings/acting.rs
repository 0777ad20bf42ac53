//! Who acts in a tenant's organizations, signed in.

use azconnect_core::{Effect, Error, ErrorKind, Secret, TenantId};
use azconnect_credential::{ActingAs, ConnectionId, TenantSettings};
use azconnect_devops::DevOpsClient;

use super::{TenantIntegrations, sealed};

impl TenantIntegrations {
    /// Azure DevOps in the name of whoever acts for a tenant. Nothing is sent before the client's first call.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the tenant has no settings, or what acts is not in the store any more;
    /// [`Unsupported`](ErrorKind::Unsupported) if its integration is off, or belongs to another cloud; else if the store
    /// fails, or a sealed secret cannot be opened.
    pub async fn devops(&self, tenant: TenantId) -> Result<DevOpsClient, Error> {
        let settings = self.get(tenant).await?.ok_or_else(|| unknown(tenant))?.value;
        self.devops_of(&settings).await
    }

    /// The same for settings that were read already.
    ///
    /// # Errors
    /// As [`TenantIntegrations::devops`].
    pub async fn devops_of(&self, settings: &TenantSettings) -> Result<DevOpsClient, Error> {
        if !settings.is_enabled {
            return Err(off(settings.tenant));
        }
        self.check_cloud(settings)?;
        match &settings.acting {
            Some(ActingAs::ServicePrincipal { connection }) => {
                self.through(connection, settings.tenant).await.map_err(|error| error.with_field("acting.connection"))
            }
            Some(ActingAs::PersonalToken { .. }) => self.azure.devops_with_pat(self.open(settings).await?),
            _ => Err(nobody(settings.tenant)),
        }
    }

    /// Azure DevOps in the name of a connection's service principal, which must be of this tenant: a token of another one
    /// opens no organization.
    pub(super) async fn through(&self, connection: &ConnectionId, tenant: TenantId) -> Result<DevOpsClient, Error> {
        let identity = self.connections.identity(connection).await?;
        if identity.tenant() != tenant {
            return Err(another_tenant(connection, identity.tenant(), tenant));
        }
        identity.require_devops()?;
        let record = self.connections.own_record_of(connection, identity.tenant(), identity.client());
        Ok(identity.with_record(record)?.devops())
    }

    /// The sealed token of settings.
    pub(super) async fn open(&self, settings: &TenantSettings) -> Result<Secret, Error> {
        self.check_cloud(settings)?;
        let token = match sealed::token(settings)? {
            Some(token) => self.secrets.get(token).await?,
            None => None,
        };
        token.ok_or_else(|| {
            let message = format!("the personal access token of the tenant {} is not in the store", settings.tenant);
            Error::new(ErrorKind::NotFound, message)
                .with_field("acting.token")
                .with_effect(Effect::None)
                .with_advice("save the settings again with a personal access token")
        })
    }

    /// A token must not be sent to another cloud.
    pub(super) fn check_cloud(&self, settings: &TenantSettings) -> Result<(), Error> {
        let own = self.azure.cloud().name();
        match &settings.cloud {
            Some(cloud) if cloud != own => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the settings of the tenant {} belong to the cloud {cloud}, and this is {own}",
                    settings.tenant
                ),
            )
            .with_field("tenant_settings.cloud")
            .with_effect(Effect::None)
            .with_advice("use an Azure that was built for the settings' cloud")),
            _ => Ok(()),
        }
    }
}

fn another_tenant(connection: &ConnectionId, found: TenantId, tenant: TenantId) -> Error {
    let message = format!("the connection {connection} signs in to the tenant {found}, and not to {tenant}");
    Error::new(ErrorKind::InvalidInput, message)
        .with_service_code("ConnectionOfAnotherTenant")
        .with_effect(Effect::None)
        .with_advice("choose a connection of this tenant: Azure DevOps takes a token of the organization's tenant only")
}

pub(crate) fn unknown(tenant: TenantId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there are no settings of the tenant {tenant}"))
        .with_field("tenant")
        .with_effect(Effect::None)
        .with_advice("save the settings of the tenant first: whether the integration is on, and who acts")
}

fn off(tenant: TenantId) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the integration of the tenant {tenant} is off"))
        .with_field("is_enabled")
        .with_service_code("IntegrationOff")
        .with_effect(Effect::None)
        .with_advice("turn the integration on in the settings of the tenant")
}

fn nobody(tenant: TenantId) -> Error {
    Error::new(ErrorKind::Unsupported, format!("nobody acts in Azure DevOps for the tenant {tenant}"))
        .with_field("acting")
        .with_effect(Effect::None)
        .with_advice("choose who acts in the settings of the tenant")
}

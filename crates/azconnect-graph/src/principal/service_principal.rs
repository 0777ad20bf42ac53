//! Service principals: what an application is in a tenant.

use azconnect_core::{ClientId, Error, PrincipalObjectId};
use azconnect_http::Call;
use serde::{Deserialize, Serialize};

use crate::client::GraphClient;
use crate::holder::PasswordHolder;
use crate::password::{KeyCredential, PasswordCredential};
use crate::wire;

/// What is read of a service principal.
pub(super) const FIELDS: &str =
    "id,appId,displayName,accountEnabled,servicePrincipalType,passwordCredentials,keyCredentials";

/// A service principal, with the properties that azconnect reads. Serialised, each stands under its field's name here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all(deserialize = "camelCase"))]
#[non_exhaustive]
pub struct ServicePrincipal {
    /// Its object id, which role assignments name.
    pub id: PrincipalObjectId,
    /// The client id of its application.
    #[serde(rename(deserialize = "appId"))]
    pub client_id: ClientId,
    /// The name that the portal shows (`displayName`).
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub display_name: Option<String>,
    /// Whether it may sign in (`accountEnabled`): an administrator can switch it off.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub account_enabled: Option<bool>,
    /// The service's `servicePrincipalType`, such as `Application` or `ManagedIdentity`.
    #[serde(rename(deserialize = "servicePrincipalType"), default, deserialize_with = "wire::tolerant")]
    pub kind: Option<String>,
    /// Its own passwords, which authenticate like those of the application. Required, as for an
    /// [`Application`](crate::Application).
    #[serde(rename(deserialize = "passwordCredentials"))]
    pub passwords: Vec<PasswordCredential>,
    /// Its own certificates (`keyCredentials`), where the service lists them.
    #[serde(rename(deserialize = "keyCredentials"), default, deserialize_with = "wire::tolerant")]
    pub certificates: Option<Vec<KeyCredential>>,
}

impl ServicePrincipal {
    /// The service principal of an application, without passwords of its own.
    pub fn new(id: PrincipalObjectId, client_id: ClientId) -> Self {
        Self {
            id,
            client_id,
            display_name: None,
            account_enabled: None,
            kind: None,
            passwords: Vec::new(),
            certificates: None,
        }
    }

    /// Sets the name that the portal shows.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets whether it may sign in.
    #[must_use]
    pub fn with_account_enabled(mut self, enabled: bool) -> Self {
        self.account_enabled = Some(enabled);
        self
    }

    /// Sets the passwords that it holds itself.
    #[must_use]
    pub fn with_passwords(mut self, passwords: Vec<PasswordCredential>) -> Self {
        self.passwords = passwords;
        self
    }
}

impl GraphClient {
    /// A service principal by its object id. Idempotent; reads lag behind writes, and may flap.
    ///
    /// Document: Microsoft Graph, *Get servicePrincipal*.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) also for one that was made moments ago.
    pub async fn service_principal(&self, id: PrincipalObjectId) -> Result<ServicePrincipal, Error> {
        self.one_service_principal(&id.into()).await
    }

    /// The service principal of an application. As [`GraphClient::service_principal`].
    ///
    /// # Errors
    /// As [`GraphClient::service_principal`].
    pub async fn service_principal_by_client_id(&self, client: ClientId) -> Result<ServicePrincipal, Error> {
        self.one_service_principal(&PasswordHolder::ServicePrincipalOf(client)).await
    }

    async fn one_service_principal(&self, holder: &PasswordHolder) -> Result<ServicePrincipal, Error> {
        self.read(self.principal_call("graph.service_principal.get", holder)?).await
    }

    /// The call that reads one service principal.
    pub(super) fn principal_call(&self, operation: &'static str, holder: &PasswordHolder) -> Result<Call, Error> {
        Ok(self.read_call(operation, self.holder_address(holder, &[], &[("$select", FIELDS)])?))
    }
}

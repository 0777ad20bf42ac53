//! An application that acts, and the clients in its name.

use std::sync::Arc;

use azconnect_arm::{Arm, Fleet, Provisioner};
use azconnect_core::{ClientId, Effect, Error, ErrorKind, Secret, SubscriptionId, TenantId};
use azconnect_credential::{SinkId, TokenProvider};
use azconnect_devops::{DevOpsClient, EndpointId, OrganizationName, ProjectRef, ServiceConnectionSink};
use azconnect_graph::{GraphClient, GraphIssuer};
use azconnect_identity::{ClientSecretSource, OwnCredentialSink, OwnRecord, TokenCache};
use azconnect_rotation::Target;

use crate::azure::Azure;
use crate::federation::ApplicationFederation;
use crate::storage::Storage;

/// An application of a tenant, and the clients that act in its name. It signs in when the first call needs a token. Cheap
/// to clone.
#[derive(Clone)]
pub struct Identity {
    pub(crate) azure: Azure,
    tenant: TenantId,
    source: ClientSecretSource,
    tokens: Arc<dyn TokenProvider>,
    /// Who acts in Azure DevOps, where that is another sign-in.
    pub(crate) devops: Option<DevOpsClient>,
}

impl Azure {
    /// An application that will sign in with a client secret when the first call needs a token. Nothing is sent here, so a
    /// wrong secret shows at that call; [`Azure::verifier`] asks at once.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the text cannot be a secret, such as the secret's
    /// ID.
    pub fn identity_with_secret(&self, tenant: TenantId, client: ClientId, secret: Secret) -> Result<Identity, Error> {
        let source = ClientSecretSource::new(self.token_endpoint(tenant), client, secret)?;
        Ok(Identity::new(self.clone(), tenant, source))
    }
}

impl Azure {
    /// An application that will sign in with the secret that a record holds, and follows the record: see
    /// [`Identity::with_record`]. Reads the record; nothing is sent to Entra ID.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) if the record holds no secret yet; as
    /// [`OwnRecord::load`] if it cannot be read.
    pub async fn identity_with_record(
        &self,
        tenant: TenantId,
        client: ClientId,
        record: Arc<dyn OwnRecord>,
    ) -> Result<Identity, Error> {
        let secret = record.load().await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("the record holds no secret of {client} yet"))
                .with_effect(Effect::None)
                .with_advice("store a working secret in the record first, or sign in with one and follow the record")
        })?;
        Ok(self.identity_with_secret(tenant, client, secret)?.with_record(record))
    }
}

impl Identity {
    pub(crate) fn new(azure: Azure, tenant: TenantId, source: ClientSecretSource) -> Self {
        // One cache for all clients of this identity: whichever needs a token first, the others use it too.
        let tokens = Arc::new(TokenCache::new(source.clone(), azure.pipeline().clock().clone()));
        Self { azure, tenant, source, tokens, devops: None }
    }

    /// Follows the record in which the product keeps the secret of this identity, here and in every clone: when Entra ID
    /// refuses the secret in use, the one in the record is tried. Every process of a product needs that whose own secret is
    /// rotated by one of them.
    #[must_use]
    pub fn with_record(mut self, record: Arc<dyn OwnRecord>) -> Self {
        self.source = self.source.with_record(record);
        self
    }

    /// The tenant that this identity signs in to.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The client id of the application that acts.
    pub fn client(&self) -> ClientId {
        self.source.client()
    }

    /// The access tokens of this identity, from the cache that all its clients share.
    pub fn tokens(&self) -> Arc<dyn TokenProvider> {
        self.tokens.clone()
    }

    /// A client of Microsoft Graph that acts as this identity.
    pub fn graph(&self) -> GraphClient {
        GraphClient::new(self.azure.pipeline().clone(), self.azure.cloud(), self.tokens())
    }

    /// A client of Azure Resource Manager that acts as this identity: subscriptions, machines, roles.
    pub fn arm(&self) -> Arm {
        Arm::new(self.azure.pipeline().clone(), self.azure.cloud(), self.tokens())
    }

    /// Machines in a subscription, made and removed in its name, with a journal and sealed keys in a storage.
    pub fn provisioner(&self, subscription: SubscriptionId, storage: &Storage) -> Provisioner {
        let subscription = self.arm().subscription(subscription);
        Provisioner::new(subscription, storage.journal(), storage.secrets(), storage.lease())
    }

    /// Several machines that share a network, made and removed in its name: a fleet of its [`provisioner`](Self::provisioner).
    pub fn fleet(&self, subscription: SubscriptionId, storage: &Storage) -> Fleet {
        Fleet::new(self.provisioner(subscription, storage))
    }

    /// The rotation of an application's secret, in the same tenant, still without consumers: minted and retired
    /// through Microsoft Graph, proven at the token endpoint.
    ///
    /// # Errors
    /// As [`GraphIssuer::new`].
    pub fn target(&self, application: ClientId) -> Result<Target, Error> {
        // Named so that a rotation of this identity's own secret is noticed: it is refused without a sink for itself.
        let issuer = GraphIssuer::new(self.graph(), application)?.with_acting_client(self.client());
        let verifier = self.azure.verifier(self.tenant, application);
        Ok(Target::new(Arc::new(issuer), Arc::new(verifier)))
    }

    /// The federated credentials of an application, in the same tenant: for service connections without a secret, such as
    /// [`Endpoints::create_federated`](azconnect_devops::Endpoints::create_federated) makes. This identity needs
    /// `Application.ReadWrite.OwnedBy` as an owner of the application, or `Application.ReadWrite.All`.
    pub fn federated_credentials(&self, application: ClientId) -> ApplicationFederation {
        ApplicationFederation::new(self.graph(), self.tenant, application)
    }

    /// A service connection of Azure DevOps as a consumer of an application's secret. The application lives in this
    /// identity's tenant and cloud; the organization may belong to another tenant ([`Identity::with_devops`]).
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that Azure DevOps cannot have;
    /// [`Unsupported`](azconnect_core::ErrorKind::Unsupported) if nobody can sign in there for this identity.
    pub fn service_connection(
        &self,
        organization: &str,
        project: &str,
        connection: EndpointId,
        application: ClientId,
    ) -> Result<ServiceConnectionSink, Error> {
        self.require_devops()?;
        let organization = self.devops().organization(&OrganizationName::new(organization)?)?;
        let endpoints = organization.endpoints(ProjectRef::new(project)?);
        let sink = ServiceConnectionSink::new(endpoints, connection)?;
        Ok(sink.with_application(self.tenant, application).with_cloud(self.azure.cloud().name()))
    }

    /// The very credential that this identity signs in with, as a consumer: for an orchestrator that rotates its own
    /// secret. `record` keeps the secret for the next start of the program, and for its other processes, each of which follows
    /// it ([`Identity::with_record`]); this one does so from now on.
    ///
    /// # Errors
    /// None in practice: a client id always makes a sink's id.
    pub fn own_credential(&self, record: Arc<dyn OwnRecord>) -> Result<OwnCredentialSink, Error> {
        Ok(self.own_credential_as(SinkId::new(format!("own:{}", self.client()))?, record))
    }

    /// The same under a name of its own, such as that of the connection whose secret it is.
    pub(crate) fn own_credential_as(&self, id: SinkId, record: Arc<dyn OwnRecord>) -> OwnCredentialSink {
        OwnCredentialSink::new(id, self.source.clone(), record)
    }
}

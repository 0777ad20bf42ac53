//! An application that acts, and the clients in its name.

use std::sync::Arc;

use azconnect_arm::{Arm, Fleet, Provisioner};
use azconnect_core::{ClientId, Effect, Error, ErrorKind, Secret, SubscriptionId, TenantId};
use azconnect_credential::{SinkId, TokenProvider};
use azconnect_devops::{DevOpsClient, EndpointId, OrganizationName, ProjectRef, ServiceConnectionSink};
use azconnect_graph::{CertificateIssuer, GraphClient, GraphIssuer};
use azconnect_identity::{
    Application, CertificateProof, ClientCertificate, ClientSecretSource, OwnCredentialSink, OwnRecord, SecretVerifier,
    TokenCache, TokenSource,
};
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
    client: ClientId,
    credential: SignsInBy,
    tokens: Arc<dyn TokenProvider>,
    /// Who acts in Azure DevOps, where that is another sign-in.
    pub(crate) devops: Option<DevOpsClient>,
}

/// What an identity signs in by: what is kept here can be replaced while it is in use.
#[derive(Clone)]
enum SignsInBy {
    Secret(Box<ClientSecretSource>),
    Certificate(CertificateProof),
    /// Something that is the caller's: nothing is known of it here.
    Source,
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
        let credential = SignsInBy::Secret(Box::new(source.clone()));
        Ok(Identity::new(self.clone(), (tenant, client), credential, source))
    }

    /// An application that will sign in with a certificate when the first call needs a token. Nothing is sent here;
    /// [`Azure::certificate_verifier`] asks at once.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `certificate` for an elliptic key, which Entra ID
    /// refuses.
    pub fn identity_with_certificate(
        &self,
        tenant: TenantId,
        client: ClientId,
        certificate: ClientCertificate,
    ) -> Result<Identity, Error> {
        let proof = CertificateProof::new(client, certificate, self.pipeline().clock().clone())?;
        self.identity_with_certificate_proof(tenant, proof)
    }

    /// The same with a proof of the caller's, such as one that signs in another form
    /// ([`CertificateProof::with_form`]) or sends its chain along ([`CertificateProof::with_chain`]). What is replaced or rotated
    /// through this identity is tried in the same way.
    ///
    /// # Errors
    /// As [`Azure::identity_with_certificate`].
    pub fn identity_with_certificate_proof(
        &self,
        tenant: TenantId,
        proof: CertificateProof,
    ) -> Result<Identity, Error> {
        proof.certificate()?.require_rsa()?;
        let client = proof.client();
        let source = Application::new(self.token_endpoint(tenant), client, Arc::new(proof.clone()));
        Ok(Identity::new(self.clone(), (tenant, client), SignsInBy::Certificate(proof), source))
    }

    /// An application that signs in in a way of the caller's: with a managed identity, as a person, or through a system of its
    /// own. What it signs in with is the caller's to renew: [`Identity::with_record`] and [`Identity::own_credential`] say so.
    pub fn identity_with(&self, tenant: TenantId, client: ClientId, source: Arc<dyn TokenSource>) -> Identity {
        Identity::new(self.clone(), (tenant, client), SignsInBy::Source, source)
    }

    /// The verifier of an application's certificates, each with its private key in one text in PEM. Otherwise as
    /// [`Azure::verifier`].
    pub fn certificate_verifier(&self, tenant: TenantId, client: ClientId) -> SecretVerifier {
        SecretVerifier::for_certificates(&self.token_endpoint(tenant), client)
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
        self.identity_with_secret(tenant, client, secret)?.with_record(record)
    }
}

impl Identity {
    fn new(
        azure: Azure,
        (tenant, client): (TenantId, ClientId),
        credential: SignsInBy,
        source: impl TokenSource + 'static,
    ) -> Self {
        // One cache for all clients of this identity: whichever needs a token first, the others use it too.
        let tokens = Arc::new(TokenCache::new(source, azure.pipeline().clock().clone()));
        Self { azure, tenant, client, credential, tokens, devops: None }
    }

    /// Follows the record in which the product keeps the secret or the certificate of this identity, here and in every clone:
    /// when Entra ID refuses the one in use, the one in the record is tried. Every process of a product needs that whose own
    /// secret is rotated by one of them.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for an identity that signs in through a source of the caller's
    /// ([`Azure::identity_with`]): there is nothing that the record could hold.
    pub fn with_record(mut self, record: Arc<dyn OwnRecord>) -> Result<Self, Error> {
        self.credential = match self.credential {
            SignsInBy::Secret(source) => SignsInBy::Secret(Box::new(source.with_record(record))),
            SignsInBy::Certificate(proof) => SignsInBy::Certificate(proof.with_record(record)),
            SignsInBy::Source => return Err(not_kept_here(self.client)),
        };
        Ok(self)
    }

    /// The tenant that this identity signs in to.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The client id of the application that acts.
    pub fn client(&self) -> ClientId {
        self.client
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
        let mut issuer = GraphIssuer::new(self.graph(), application)?;
        // Named so that a rotation of this identity's own secret is noticed: it is refused without a sink for itself. Nobody
        // knows what a source of the caller's signs in with.
        if !matches!(self.credential, SignsInBy::Certificate(_)) {
            issuer = issuer.with_acting_client(self.client());
        }
        let verifier = self.azure.verifier(self.tenant, application);
        Ok(Target::new(Arc::new(issuer), Arc::new(verifier)))
    }

    /// The rotation of an application's certificate, in the same tenant, still without consumers: made here, registered and
    /// removed through Microsoft Graph, proven at the token endpoint. What is pushed to consumers is the certificate with its
    /// private key, in one text in PEM, so a service connection is told
    /// [`with_certificates`](ServiceConnectionSink::with_certificates).
    ///
    /// The certificate that this identity signs in with itself is rolled with a proof of its key, which takes no permission.
    ///
    /// # Errors
    /// As [`CertificateIssuer::new`].
    pub fn certificate_target(&self, application: ClientId) -> Result<Target, Error> {
        let mut issuer = CertificateIssuer::new(self.graph(), application)?;
        if !matches!(self.credential, SignsInBy::Secret(_)) {
            issuer = issuer.with_acting_client(self.client());
        }
        let mut verifier = self.azure.certificate_verifier(self.tenant, application);
        if let SignsInBy::Certificate(proof) = &self.credential {
            // The authority is the same, whichever application signs in there.
            verifier = proof.form().into_iter().fold(verifier, SecretVerifier::with_form);
            if application == self.client() {
                verifier = verifier.with_chain(proof.sends_chain());
                issuer = issuer.with_possession(proof.clone());
            }
        }
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
    /// secret or certificate. `record` keeps the secret for the next start of the program, and for its other processes, each of which follows
    /// it ([`Identity::with_record`]); this one does so from now on.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for an identity that signs in through a source of the caller's
    /// ([`Azure::identity_with`]).
    pub fn own_credential(&self, record: Arc<dyn OwnRecord>) -> Result<OwnCredentialSink, Error> {
        self.own_credential_as(SinkId::new(format!("own:{}", self.client()))?, record)
    }

    /// The same under a name of its own, such as that of the connection whose secret it is.
    pub(crate) fn own_credential_as(&self, id: SinkId, record: Arc<dyn OwnRecord>) -> Result<OwnCredentialSink, Error> {
        match &self.credential {
            SignsInBy::Secret(source) => Ok(OwnCredentialSink::new(id, (**source).clone(), record)),
            SignsInBy::Certificate(proof) => {
                let endpoint = self.azure.token_endpoint(self.tenant);
                Ok(OwnCredentialSink::of_certificate(id, &endpoint, proof.clone(), record))
            }
            SignsInBy::Source => Err(not_kept_here(self.client)),
        }
    }
}

fn not_kept_here(client: ClientId) -> Error {
    let message = format!(
        "{client} signs in through a source of the caller's, which keeps no secret that could be replaced here"
    );
    Error::new(ErrorKind::Unsupported, message)
        .with_effect(Effect::None)
        .with_field("record")
        .with_advice("renew it where the source keeps it, or sign in with a client secret or a certificate")
}

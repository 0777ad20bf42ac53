//! How a connection signs in.

use azconnect_core::{ClientId, Error, Secret, TenantId};
use azconnect_credential::check_client_secret;
use serde_json::{Map, Value};

use super::super::texts;
use crate::document::{AuthorizationScheme, CreationMode, ServicePrincipalProof};

/// How a connection to Azure Resource Manager signs in.
#[non_exhaustive]
pub enum AzureCredential<'a> {
    /// By workload identity federation; Azure DevOps makes application, federated credential and role assignment.
    FederationAutomatic {
        /// The subscription's tenant.
        tenant: TenantId,
    },
    /// By workload identity federation with an application of one's own. Issuer and subject are known once the connection
    /// exists: see [`Endpoints::create_federated`](crate::Endpoints::create_federated).
    FederationManual {
        /// The tenant in which the application signs in.
        tenant: TenantId,
        /// The client id of the application.
        client: ClientId,
    },
    /// As a service principal; Azure DevOps makes the application with its secret and role assignment, and renews the secret.
    ServicePrincipalAutomatic {
        /// The subscription's tenant.
        tenant: TenantId,
    },
    /// With the managed identity of the machine on which the agent runs.
    ManagedIdentity {
        /// The tenant of the managed identity.
        tenant: TenantId,
    },
    /// As a service principal, with a client secret that a person renews.
    Secret {
        /// The tenant in which the application signs in.
        tenant: TenantId,
        /// The client id of the application.
        client: ClientId,
        /// The client secret: the portal's *Value*, not its *Secret ID*.
        secret: &'a Secret,
    },
    /// As a service principal, with a certificate and its private key.
    Certificate {
        /// The tenant in which the application signs in.
        tenant: TenantId,
        /// The client id of the application.
        client: ClientId,
        /// Certificate and private key, both in PEM, one after the other.
        pem: &'a Secret,
    },
    /// With the publish profile of one web application.
    PublishProfile {
        /// The tenant in which the application signs in.
        tenant: TenantId,
        /// The web application's resource id, `/subscriptions/…/providers/Microsoft.Web/sites/{name}`.
        resource: String,
        /// The publish profile: the XML document that the web application's overview offers for download.
        profile: &'a Secret,
    },
}

impl<'a> AzureCredential<'a> {
    pub(in crate::create) fn scheme(&self) -> AuthorizationScheme {
        match self {
            Self::FederationAutomatic { .. } | Self::FederationManual { .. } => {
                AuthorizationScheme::WorkloadIdentityFederation
            }
            Self::ManagedIdentity { .. } => AuthorizationScheme::ManagedServiceIdentity,
            Self::Secret { .. } | Self::Certificate { .. } | Self::ServicePrincipalAutomatic { .. } => {
                AuthorizationScheme::ServicePrincipal
            }
            Self::PublishProfile { .. } => AuthorizationScheme::PublishProfile,
        }
    }

    pub(in crate::create) fn tenant(&self) -> TenantId {
        match self {
            Self::FederationAutomatic { tenant }
            | Self::ServicePrincipalAutomatic { tenant }
            | Self::FederationManual { tenant, .. }
            | Self::ManagedIdentity { tenant }
            | Self::Secret { tenant, .. }
            | Self::Certificate { tenant, .. }
            | Self::PublishProfile { tenant, .. } => *tenant,
        }
    }

    pub(in crate::create) fn client(&self) -> Option<ClientId> {
        match self {
            Self::FederationManual { client, .. } | Self::Secret { client, .. } | Self::Certificate { client, .. } => {
                Some(*client)
            }
            _ => None,
        }
    }

    pub(in crate::create) fn creation_mode(&self) -> Option<CreationMode> {
        match self {
            Self::FederationAutomatic { .. } | Self::ServicePrincipalAutomatic { .. } => Some(CreationMode::Automatic),
            Self::FederationManual { .. } | Self::Secret { .. } | Self::Certificate { .. } => {
                Some(CreationMode::Manual)
            }
            Self::ManagedIdentity { .. } | Self::PublishProfile { .. } => None,
        }
    }

    pub(in crate::create) fn proof(&self) -> Option<ServicePrincipalProof> {
        match self {
            Self::Secret { .. } | Self::ServicePrincipalAutomatic { .. } => Some(ServicePrincipalProof::Key),
            Self::Certificate { .. } => Some(ServicePrincipalProof::Certificate),
            _ => None,
        }
    }

    pub(in crate::create) fn secret(&self) -> Option<(&'static str, &'a Secret)> {
        match self {
            Self::Secret { secret, .. } => Some(("serviceprincipalkey", secret)),
            Self::Certificate { pem, .. } => Some(("servicePrincipalCertificate", pem)),
            Self::PublishProfile { profile, .. } => Some(("publishProfile", profile)),
            _ => None,
        }
    }

    /// Whether Azure DevOps makes the application.
    pub(in crate::create) fn is_automatic(&self) -> bool {
        self.creation_mode() == Some(CreationMode::Automatic)
    }

    /// The parameters of the scheme that every type of connection has: tenant, application, and how it proves itself.
    pub(in crate::create) fn parameters(&self) -> Map<String, Value> {
        let tenant = self.tenant().to_string();
        let client = self.client().map(|client| client.to_string());
        // Named even where Azure DevOps fills it in: the service fails on a body without it.
        let client = client.as_deref().or_else(|| self.is_automatic().then_some(""));
        let proof = self.proof();
        let key = matches!(self, Self::ServicePrincipalAutomatic { .. }).then_some("");
        texts(&[
            ("tenantid", Some(&tenant)),
            ("serviceprincipalid", client),
            ("authenticationType", proof.as_ref().map(ServicePrincipalProof::as_str)),
            ("serviceprincipalkey", key),
        ])
    }

    /// Whether the scheme has a parameter that limits the connection to a scope.
    pub(in crate::create) fn takes_scope(&self) -> bool {
        !matches!(self, Self::ManagedIdentity { .. } | Self::PublishProfile { .. })
    }

    pub(in crate::create) fn require_usable(&self) -> Result<(), Error> {
        match self {
            Self::Secret { secret, .. } => check_client_secret(secret),
            Self::Certificate { pem, .. } => check_certificate(pem),
            Self::PublishProfile { profile, .. } if !profile.expose().contains("publishData") => {
                Err(Error::invalid("publish_profile", "is not one")
                    .with_advice("download it from the web application's overview"))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses a text that cannot be a certificate with its private key.
pub(crate) fn check_certificate(pem: &Secret) -> Result<(), Error> {
    let text = pem.expose();
    if text.contains("BEGIN CERTIFICATE") && text.contains("PRIVATE KEY") {
        return Ok(());
    }
    Err(Error::invalid("certificate", "lacks the certificate or its private key")
        .with_advice("give both in PEM, one after the other"))
}

//! The parts that a setup gives an application, one after the other.

use std::fmt;
use std::time::Duration;

use azconnect_core::PrincipalObjectId;
use azconnect_credential::Region;
use serde::{Deserialize, Serialize};

use crate::permission::ApiPermission;
use crate::spec::{
    CredentialWish, FederatedTrust, Platform, PublicCertificate, RedirectUri, SetupSpec, SubscriptionAccess,
};

/// A step of a setup, as a person counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The application is found or registered.
    Application,
    /// It becomes a service principal of the tenant.
    Principal,
    /// It gets its owners.
    Owner,
    /// It asks for its permissions, and has its redirect addresses.
    Permissions,
    /// It gets what it signs in with.
    Credential,
    /// The resource group is found or created.
    Group,
    /// It gets its role.
    Role,
    /// Its permissions are consented to.
    Consent,
    /// It is tried out: the sign-in works, and the role is seen.
    Verified,
}

impl Step {
    /// The stable name of the step, such as `principal`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Principal => "principal",
            Self::Owner => "owner",
            Self::Permissions => "permissions",
            Self::Credential => "credential",
            Self::Group => "group",
            Self::Role => "role",
            Self::Consent => "consent",
            Self::Verified => "verified",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One part of what an application is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// Its service principal in the tenant.
    Principal,
    /// An owner.
    Owner {
        /// The object id of a person or a service principal.
        owner: PrincipalObjectId,
    },
    /// An address to which a sign-in may lead back.
    RedirectUri {
        /// The address.
        uri: RedirectUri,
    },
    /// A permission that it asks for.
    Permission {
        /// The permission.
        permission: ApiPermission,
    },
    /// A permission that it asks for no longer.
    NoPermission {
        /// The permission.
        permission: ApiPermission,
    },
    /// A client secret.
    Secret {
        /// How long it lives.
        lifetime: Duration,
    },
    /// A certificate.
    Certificate {
        /// Its public part.
        certificate: PublicCertificate,
    },
    /// A federated credential.
    Trust {
        /// Whose tokens are accepted.
        trust: FederatedTrust,
    },
    /// The resource group.
    Group {
        /// The access that names it.
        access: SubscriptionAccess,
        /// Where it is created; without a region it must be there.
        create_in: Option<Region>,
    },
    /// The role at the subscription or the group.
    Role {
        /// What it may do where.
        access: SubscriptionAccess,
    },
    /// An administrator's consent to a permission, for the whole tenant.
    Consent {
        /// The permission.
        permission: ApiPermission,
    },
}

impl Part {
    /// All parts of a specification, in their order.
    pub(crate) fn all_of(spec: &SetupSpec) -> Vec<Self> {
        let mut parts = vec![Self::Principal];
        parts.extend(spec.owners.iter().map(|owner| Self::Owner { owner: *owner }));
        parts.extend(spec.redirect_uris.iter().map(|uri| Self::RedirectUri { uri: uri.clone() }));
        parts.extend(spec.permissions.iter().map(|one| Self::Permission { permission: one.clone() }));
        if spec.without_user_read {
            parts.push(Self::NoPermission { permission: ApiPermission::graph_user_read() });
        }
        parts.push(match &spec.credential {
            CredentialWish::Secret { lifetime } => Self::Secret { lifetime: *lifetime },
            CredentialWish::Certificate { certificate } => Self::Certificate { certificate: certificate.clone() },
            CredentialWish::Federated { trust } => Self::Trust { trust: trust.clone() },
        });
        if let Some(access) = &spec.access {
            if let Some(group) = &access.group {
                parts.push(Self::Group { access: access.clone(), create_in: group.create_in.clone() });
            }
            parts.push(Self::Role { access: access.clone() });
        }
        if spec.admin_consent {
            parts.extend(spec.permissions.iter().map(|one| Self::Consent { permission: one.clone() }));
        }
        parts
    }

    /// The step that it belongs to.
    pub fn step(&self) -> Step {
        match self {
            Self::Principal => Step::Principal,
            Self::Owner { .. } => Step::Owner,
            Self::RedirectUri { .. } | Self::Permission { .. } | Self::NoPermission { .. } => Step::Permissions,
            Self::Secret { .. } | Self::Certificate { .. } | Self::Trust { .. } => Step::Credential,
            Self::Group { .. } => Step::Group,
            Self::Role { .. } => Step::Role,
            Self::Consent { .. } => Step::Consent,
        }
    }

    /// Whether it is a property of the application or of its service principal, and goes with a deleted application.
    pub(crate) fn goes_with_application(&self) -> bool {
        matches!(self.step(), Step::Principal | Step::Owner | Step::Permissions)
    }

    /// Whether it lies in the directory, which knows a new application everywhere only after a while.
    pub(crate) fn is_in_directory(&self) -> bool {
        !matches!(self, Self::Group { .. } | Self::Role { .. })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal => f.write_str("the service principal"),
            Self::Owner { owner } => write!(f, "the owner {owner}"),
            Self::RedirectUri { uri } => {
                let kind = match uri.platform {
                    Platform::Web => "web",
                    Platform::SinglePage => "single-page",
                    Platform::PublicClient => "public-client",
                };
                write!(f, "the {kind} redirect address {}", uri.address)
            }
            Self::Permission { permission } => {
                write!(f, "the permission {} of {}", permission.name, permission.resource_title())
            }
            Self::NoPermission { permission } => {
                write!(f, "no permission {} of {}", permission.name, permission.resource_title())
            }
            Self::Secret { lifetime } => write!(f, "a client secret for {} days", lifetime.as_secs() / 86_400),
            Self::Certificate { .. } => f.write_str("the certificate"),
            Self::Trust { trust } => write!(f, "trust in {} of {}", trust.subject, trust.issuer),
            Self::Group { access, .. } => match &access.group {
                Some(group) => write!(f, "the resource group {}", group.name),
                None => f.write_str("no resource group"),
            },
            Self::Role { access } => write!(f, "the role {} at {}", access.role.name, access.scope()),
            Self::Consent { permission } => {
                write!(f, "consent to {} of {}", permission.name, permission.resource_title())
            }
        }
    }
}

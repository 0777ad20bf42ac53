//! The checks of a connection, by stable codes.

use std::fmt;

use azconnect_core::Error;

use crate::check::Check;

/// One check of a connection, before it is kept or later.
///
/// ```
/// use azconnect_credential::ConnectionCheck;
///
/// assert_eq!(ConnectionCheck::Secret.code(), "client-secret");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ConnectionCheck {
    /// Whether the name that the product gives the connection can be one, and is free.
    Name,
    /// Whether what else was entered can be kept: the name for people, the labels.
    Details,
    /// Whether what was entered can be a tenant: its GUID, or a name that is looked up.
    TenantEntry,
    /// Whether what was entered can be the client id of an application.
    ClientEntry,
    /// Whether what was entered can be a client secret.
    SecretEntry,
    /// Whether what was entered can be the public id of the secret.
    KeyEntry,
    /// Whether what was entered can be the id of a subscription.
    SubscriptionEntry,
    /// Whether what was entered can be the name of a region.
    RegionEntry,
    /// Whether what was entered can be the name of a resource group.
    GroupEntry,
    /// Whether what was entered can be the name of an organization of Azure DevOps.
    OrganizationEntry,
    /// Whether the cloud's login answers, and not something in its place.
    Authority,
    /// Whether the tenant exists.
    Tenant,
    /// Whether the application is known in the tenant, and enabled.
    Application,
    /// Whether the secret is accepted.
    Secret,
    /// Whether the application sees the subscription.
    Subscription,
    /// Whether the subscription is enabled.
    SubscriptionState,
    /// Whether the subscription belongs to the tenant.
    SubscriptionTenant,
    /// Whether the role of the application allows what the product needs, at the subscription or the one resource group.
    Role,
    /// Whether the region exists, and the subscription may use it.
    Region,
    /// Whether the resource providers that the product needs are registered.
    Providers,
    /// Whether the one resource group exists.
    Group,
    /// Whether the application reaches the organization of Azure DevOps.
    Organization,
}

impl ConnectionCheck {
    /// The stable code, by which a report is asked for the check, such as `client-secret`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Name => "connection-name",
            Self::Details => "details",
            Self::TenantEntry => "tenant-id",
            Self::ClientEntry => "client-id",
            Self::SecretEntry => "secret-text",
            Self::KeyEntry => "secret-id",
            Self::SubscriptionEntry => "subscription-id",
            Self::RegionEntry => "region-name",
            Self::GroupEntry => "resource-group-name",
            Self::OrganizationEntry => "organization-name",
            Self::Authority => "authority",
            Self::Tenant => "tenant",
            Self::Application => "application",
            Self::Secret => "client-secret",
            Self::Subscription => "subscription",
            Self::SubscriptionState => "subscription-state",
            Self::SubscriptionTenant => "subscription-tenant",
            Self::Role => "role",
            Self::Region => "region",
            Self::Providers => "providers",
            Self::Group => "resource-group",
            Self::Organization => "organization",
        }
    }

    /// The subject of the check in words, such as `client secret`.
    pub fn subject(self) -> &'static str {
        match self {
            Self::Name => "name of the connection",
            Self::TenantEntry => "tenant id as entered",
            Self::ClientEntry => "client id as entered",
            Self::SecretEntry => "client secret as entered",
            Self::KeyEntry => "secret id as entered",
            Self::SubscriptionEntry => "subscription id as entered",
            Self::RegionEntry => "region as entered",
            Self::GroupEntry => "resource group as entered",
            Self::OrganizationEntry => "organization as entered",
            Self::Authority => "login of the cloud",
            Self::Secret => "client secret",
            Self::SubscriptionState => "state of the subscription",
            Self::SubscriptionTenant => "tenant of the subscription",
            Self::Providers => "resource providers",
            Self::Group => "resource group",
            one_word => one_word.code(),
        }
    }

    /// The check with the result that it passed.
    pub fn passed(self, cause: impl Into<String>) -> Check {
        Check::passed(self.code(), self.subject(), cause)
    }

    /// The check with the result that it failed.
    pub fn failed(self, cause: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check::failed(self.code(), self.subject(), cause, remedy)
    }

    /// The check with the result that it could not be made.
    pub fn unknown(self, cause: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check::unknown(self.code(), self.subject(), cause, remedy)
    }

    /// The check with the result that it was not made; the cause says what has to pass first.
    pub fn skipped(self, cause: impl Into<String>) -> Check {
        Check::skipped(self.code(), self.subject(), cause)
    }

    /// The check with the result that it failed, for the reason that an error gives.
    pub fn failed_by(self, error: &Error) -> Check {
        Check::failed_by(self.code(), self.subject(), error).with_cause(error.message())
    }

    /// The check with the result that an error kept it from being made.
    pub fn unknown_by(self, error: &Error) -> Check {
        Check::unknown_by(self.code(), self.subject(), error).with_cause(error.message())
    }
}

impl AsRef<str> for ConnectionCheck {
    fn as_ref(&self) -> &str {
        self.code()
    }
}

impl fmt::Display for ConnectionCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

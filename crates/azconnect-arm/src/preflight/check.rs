//! The checks of a preflight, by stable codes.

use std::fmt;

use azconnect_core::Error;
use azconnect_credential::Check;

/// One check of a preflight.
///
/// ```
/// use azconnect_arm::PreflightCheck;
///
/// assert_eq!(PreflightCheck::CoreQuota.code(), "core-quota");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PreflightCheck {
    /// The specification itself: names, reserved words, rules, address ranges.
    Specification,
    /// Whether the identity can sign in, and the service accepts its token.
    Token,
    /// Whether the subscription is visible and enabled.
    Subscription,
    /// Whether the role of the identity suffices.
    Role,
    /// Whether the subscription may use the region.
    Region,
    /// Whether the resource group can be used.
    Group,
    /// Whether the subnet that is to be used exists in the region, and the identity may attach a machine to it.
    Network,
    /// Whether the network security group that is to be used exists in the region.
    SecurityGroup,
    /// Whether the machine's name is free in its resource group.
    MachineName,
    /// Whether the label of the public address's name is free in the region.
    DnsLabel,
    /// Whether the user-assigned identities exist, and may be given to a machine.
    Identities,
    /// Whether a size is offered here, to this subscription, in the zone.
    Size,
    /// Whether the size offers what is asked for beyond processors: disks, Trusted Launch, accelerated networking, Spot.
    Options,
    /// Whether the quotas of processors suffice.
    CoreQuota,
    /// Whether the quota of machines suffices.
    MachineQuota,
    /// Whether the quotas of network interfaces, networks and security groups suffice.
    NetworkQuota,
    /// Whether the quota of public addresses suffices.
    AddressQuota,
    /// Whether the image exists, and is not withdrawn.
    Image,
    /// Whether the image runs on the size: generation and architecture.
    ImageFit,
    /// Whether one placement, a size in a zone, has all that it needs: each other check may pass for another one.
    Placement,
    /// Whether the image is sold under terms that must be accepted.
    Terms,
    /// Whether the resource providers are registered.
    Providers,
    /// Whether the service's own validation, which knows the policies of the subscription, finds nothing wrong.
    Validation,
}

impl PreflightCheck {
    /// The stable code, by which a report is asked for the check, such as `core-quota`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Specification => "specification",
            Self::Token => "sign-in",
            Self::Subscription => "subscription",
            Self::Role => "role",
            Self::Region => "region",
            Self::Group => "resource-group",
            Self::Network => "network",
            Self::SecurityGroup => "security-group",
            Self::MachineName => "machine-name",
            Self::DnsLabel => "dns-label",
            Self::Identities => "identities",
            Self::Size => "size",
            Self::Options => "size-options",
            Self::CoreQuota => "core-quota",
            Self::MachineQuota => "machine-quota",
            Self::NetworkQuota => "network-quota",
            Self::AddressQuota => "address-quota",
            Self::Image => "image",
            Self::ImageFit => "image-on-size",
            Self::Placement => "placement",
            Self::Terms => "marketplace-terms",
            Self::Providers => "providers",
            Self::Validation => "policies",
        }
    }

    /// The subject of the check in words, such as `core quota`.
    fn subject(self) -> &'static str {
        match self {
            Self::Group => "resource group",
            Self::SecurityGroup => "network security group",
            Self::MachineName => "machine name",
            Self::DnsLabel => "DNS label",
            Self::Options => "size options",
            Self::CoreQuota => "core quota",
            Self::MachineQuota => "machine quota",
            Self::NetworkQuota => "network quota",
            Self::AddressQuota => "address quota",
            Self::ImageFit => "image on size",
            Self::Terms => "marketplace terms",
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
        Check::failed_by(self.code(), self.subject(), error)
    }

    /// The check with the result that an error kept it from being made.
    pub fn unknown_by(self, error: &Error) -> Check {
        Check::unknown_by(self.code(), self.subject(), error)
    }
}

impl AsRef<str> for PreflightCheck {
    fn as_ref(&self) -> &str {
        self.code()
    }
}

impl fmt::Display for PreflightCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

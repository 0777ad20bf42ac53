//! What a preflight found.

use std::fmt;

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Check {
    /// The specification itself: names, reserved words, rules, address ranges.
    Specification,
    /// Whether the service accepts the identity.
    Token,
    /// Whether the subscription is visible and enabled.
    Subscription,
    /// Whether the role of the identity suffices.
    Role,
    /// Whether the subscription may use the region.
    Region,
    /// Whether the resource group can be used.
    Group,
    /// Whether the subnet that is to be used exists in the region.
    Network,
    /// Whether a size is offered here, to this subscription, in the zone.
    Size,
    /// Whether the quotas of processors suffice.
    CoreQuota,
    /// Whether the quota of public addresses suffices.
    AddressQuota,
    /// Whether the image exists, and is not withdrawn.
    Image,
    /// Whether the image runs on the size: generation and architecture.
    ImageFit,
    /// Whether the image is sold under terms that must be accepted.
    Terms,
    /// Whether the resource providers are registered.
    Providers,
}

impl Check {
    /// What was looked at, in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Specification => "specification",
            Self::Token => "sign-in",
            Self::Subscription => "subscription",
            Self::Role => "role",
            Self::Region => "region",
            Self::Group => "resource group",
            Self::Network => "network",
            Self::Size => "size",
            Self::CoreQuota => "core quota",
            Self::AddressQuota => "address quota",
            Self::Image => "image",
            Self::ImageFit => "image on size",
            Self::Terms => "marketplace terms",
            Self::Providers => "providers",
        }
    }
}

/// How it turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing stands in the way here.
    Passed,
    /// The provisioning would fail.
    Failed,
    /// It could not be read: the provisioning may succeed.
    Unknown,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it turned out.
    pub verdict: Verdict,
    /// What was seen.
    pub cause: String,
    /// What the person should do; empty where nothing is to be done.
    pub remedy: String,
}

impl Finding {
    pub(super) fn passed(check: Check, cause: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Passed, cause: cause.into(), remedy: String::new() }
    }

    pub(super) fn failed(check: Check, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Failed, cause: cause.into(), remedy: remedy.into() }
    }

    pub(super) fn unknown(check: Check, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Unknown, cause: cause.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Unknown => "unknown",
        };
        write!(f, "{}: {verdict}: {}", self.check.name(), self.cause)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, " ({})", self.remedy) }
    }
}

/// All findings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Them, in the order of [`Check`].
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.check);
        Self { findings }
    }

    /// Whether nothing is known to stand in the way.
    pub fn is_clear(&self) -> bool {
        self.failures().next().is_none()
    }

    /// What stands in the way.
    pub fn failures(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.verdict == Verdict::Failed)
    }

    /// The finding of a check.
    pub fn of(&self, check: Check) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }
}

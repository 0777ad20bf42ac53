//! What happened in a provisioning, as a page or a report shows it.

use azconnect_core::SubscriptionId;
use serde::Serialize;
use time::OffsetDateTime;

use super::event::{ProvisionEvent, Step};
use super::id::ProvisionId;
use super::part::Part;
use super::state::Phase;

/// One thing that was intended or that happened, in words. It is safe to send to a browser: it holds no secret, no script, no
/// address of an operation and no key but the public one's fingerprint.
///
/// ```
/// use azconnect_arm::provision::{ProvisionHistoryEntry, Step};
/// use azconnect_arm::ProvisionEvent;
/// use time::macros::datetime;
///
/// let event = ProvisionEvent::Removed { step: Step::PublicIp };
/// let entry = ProvisionHistoryEntry::new(datetime!(2026-01-01 0:00 UTC), &event);
/// let text = serde_json::to_string(&entry).unwrap();
/// assert_eq!(
///     text,
///     r#"{"at":"2026-01-01T00:00:00Z","kind":"removed","step":"public_ip","what":"public address: deleted","proof":"it is gone"}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProvisionHistoryEntry {
    /// When it was recorded, by the provisioner's clock; in JSON as RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The stable name of its kind, such as `completed`.
    pub kind: &'static str,
    /// The step that it is about, where it is about one.
    pub step: Option<Step>,
    /// What was done, in a few words.
    pub what: String,
    /// What shows that it was done, or why it was not, in one line.
    pub proof: String,
}

/// A provisioning that is neither finished nor cleaned up, and where it is built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnfinishedProvision {
    /// The name of the provisioning.
    pub id: ProvisionId,
    /// The subscription that it is built in: a provisioner of this one can resume it.
    pub subscription: SubscriptionId,
    /// The phase that it is in.
    pub phase: Phase,
    /// Who goes on with it: a provisioner with a machine, [`Fleet`](super::Fleet) with a foundation.
    pub part: Part,
}

impl UnfinishedProvision {
    /// A machine that is to be resumed.
    pub fn new(id: ProvisionId, subscription: SubscriptionId, phase: Phase) -> Self {
        Self { id, subscription, phase, part: Part::Machine }
    }

    /// Sets whether it is a machine, or what the machines of a fleet share.
    #[must_use]
    pub fn with_part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }
}

impl ProvisionHistoryEntry {
    /// The entry of an event that was recorded at a moment.
    pub fn new(at: OffsetDateTime, event: &ProvisionEvent) -> Self {
        Self { at, kind: event.name(), step: event.step(), what: event.what(), proof: event.proof() }
    }
}

impl ProvisionEvent {
    /// Whether nothing happened: the journal says that no extension was wanted.
    pub(super) fn is_of_nothing(&self) -> bool {
        matches!(self, Self::Completed { step: Step::Extension, created: false })
    }

    /// The step that it is about, where it is about one.
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Intended { step }
            | Self::Accepted { step, .. }
            | Self::Completed { step, .. }
            | Self::Failed { step, .. }
            | Self::Removing { step, .. }
            | Self::Removed { step } => Some(*step),
            Self::FellBack { .. } | Self::Cleared => Some(Step::Machine),
            Self::Planned { .. }
            | Self::KeySealed { .. }
            | Self::MemberAdded { .. }
            | Self::MemberRemoved { .. }
            | Self::MembersSettled
            | Self::PasswordSealed { .. }
            | Self::CleanUpBegun
            | Self::CleanedUp { .. }
            | Self::Finished { .. } => None,
        }
    }

    /// What was done, in a few words, such as `network: created`.
    pub fn what(&self) -> String {
        let done = match self {
            Self::Planned { .. } => "plan",
            Self::KeySealed { .. } => "key pair",
            Self::PasswordSealed { .. } => "password",
            Self::Intended { .. } => "about to be written",
            Self::Accepted { .. } => "the service is at it",
            // Whoever has an agent by cloud-init, or none, never heard of an extension.
            Self::Completed { step: Step::Extension, created: false } => {
                return "agent: it comes with the machine, or none is wanted".to_owned();
            }
            Self::Completed { step: Step::Agent, created: false } => "online, or none is wanted",
            Self::Completed { created: true, .. } => "created",
            Self::Completed { created: false, .. } => "nothing to create",
            Self::FellBack { .. } => "no room: tried elsewhere",
            Self::Cleared => "what was left of it is deleted",
            Self::MemberAdded { .. } => "a machine joins",
            Self::MemberRemoved { .. } => "a machine is gone",
            Self::MembersSettled => "every machine has begun",
            Self::Failed { .. } => "failed",
            Self::CleanUpBegun => "clean up",
            Self::Removing { .. } => "the service deletes it",
            Self::Removed { .. } => "deleted",
            Self::CleanedUp { .. } => "cleaned up",
            Self::Finished { .. } => "the machine runs",
        };
        self.step().map_or_else(|| done.to_owned(), |step| format!("{}: {done}", step.name()))
    }

    /// What shows that it was done, or why it was not. One line, without any secret or address of an operation.
    pub fn proof(&self) -> String {
        let text = |text: &str| text.to_owned();
        match self {
            Self::Planned { plan } if !plan.part.is_machine() => {
                format!("{} in {}: what the machines of a fleet share", plan.spec.name, plan.spec.location)
            }
            Self::Planned { plan } => {
                let placements: Vec<String> = plan.placements.iter().map(ToString::to_string).collect();
                format!("{} in {}: {}", plan.spec.name, plan.spec.location, placements.join(", else "))
            }
            Self::KeySealed { fingerprint, .. } => format!("public key {fingerprint}"),
            Self::PasswordSealed { .. } => text("it is sealed, and told to nobody"),
            Self::Intended { .. } => text("from here on a clean-up looks for it"),
            Self::Accepted { .. } | Self::Removing { .. } => text("accepted: another process can wait for it as well"),
            Self::Completed { step: Step::Agent | Step::Extension, .. } => text("as the service or the probe said"),
            Self::Completed { created: true, .. } => text("it bears the tag of this provisioning"),
            Self::Completed { created: false, .. } => text("it is never deleted"),
            Self::FellBack { code, .. } => format!("the service said {code}"),
            Self::Cleared => text("read again: it is gone"),
            Self::MemberAdded { plan } => {
                format!("{}: from here on what is shared stays until it is gone", plan.spec.name)
            }
            Self::MemberRemoved { member } => member.to_string(),
            Self::MembersSettled => text("each has a journal of its own"),
            Self::Failed { diagnosis, .. } => diagnosis.message().to_owned(),
            Self::CleanUpBegun => text("by recorded name, in the order of what needs what"),
            Self::Removed { .. } => text("it is gone"),
            Self::CleanedUp { kept } => kept.clone().unwrap_or_else(|| text("nothing is left")),
            Self::Finished { address, ipv6, warning, .. } => {
                let known: Vec<&str> = address.iter().chain(ipv6).map(String::as_str).collect();
                let address = if known.is_empty() { text("no public address") } else { known.join(" and ") };
                warning.as_ref().map_or_else(|| address.to_owned(), |warning| format!("{address}; {warning}"))
            }
        }
    }
}

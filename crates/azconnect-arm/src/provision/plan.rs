//! The plan of a provisioning: what would be created, and under which names.

use std::fmt;

use azconnect_core::{Error, SecretId, SubscriptionId};
use serde::{Deserialize, Serialize};

use super::event::Step;
use super::id::ProvisionId;
use super::part::Part;
use super::shown;
use crate::resource::image::ImagePlan;
use crate::spec::{ImageChoice, OnFailure, VmSpec};

/// A size and a zone to build the machine with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Placement {
    /// The size, such as `Standard_B2s`.
    pub size: String,
    /// The zone, such as `1`; `None` if the service chooses.
    pub zone: Option<String>,
    /// Whether image and size allow Trusted Launch. `None`: not known, so the service decides.
    pub trusted_launch: Option<bool>,
    /// Whether image and size allow accelerated networking. `None`: not known, so it stays off unless the specification says on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerated_networking: Option<bool>,
}

impl Placement {
    /// A size in a zone, of which it is not known whether Trusted Launch is possible.
    pub fn new(size: impl Into<String>, zone: Option<String>) -> Self {
        Self { size: size.into(), zone, trusted_launch: None, accelerated_networking: None }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{} in zone {zone}", self.size),
            None => f.write_str(&self.size),
        }
    }
}

/// The placements of a specification, in the order in which they are tried: every size in every zone.
pub(crate) fn placements(spec: &VmSpec) -> Vec<Placement> {
    let zones: Vec<Option<String>> =
        if spec.zones.is_empty() { vec![None] } else { spec.zones.iter().cloned().map(Some).collect() };
    let sizes = spec.sizes.iter();
    sizes.flat_map(|size| zones.iter().map(move |zone| Placement::new(size, zone.clone()))).collect()
}

/// The image of a plan, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResolvedImage {
    /// The image, in one version where that could be read.
    pub choice: ImageChoice,
    /// The marketplace plan that it is sold under: name, publisher, product.
    pub plan: Option<(String, String, String)>,
}

impl ResolvedImage {
    /// An image without a marketplace plan, in the version that was asked for.
    pub fn new(choice: ImageChoice) -> Self {
        Self { choice, plan: None }
    }

    /// The same image, sold under a marketplace plan or none.
    pub(crate) fn with_plan(mut self, plan: Option<&ImagePlan>) -> Self {
        self.plan = plan.map(|plan| (plan.name.clone(), plan.publisher.clone(), plan.product.clone()));
        self
    }
}

/// The names of everything that is created. They follow from the provisioning's own name, and no others are accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Names {
    /// The name of the network security group, such as `web-nsg-1b2c3d4e`.
    pub security_group: String,
    /// The name of the virtual network.
    pub network: String,
    /// The name of the public address.
    pub public_ip: String,
    /// The name of the public address of IPv6; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub public_ipv6: String,
    /// The name of the network interface.
    pub interface: String,
    /// The beginning of the names of all disks.
    pub disks: String,
}

impl Names {
    /// The names that follow from a provisioning's own.
    pub(super) fn of(id: &ProvisionId, subscription: SubscriptionId, spec: &VmSpec) -> Self {
        // What Azure takes of each: a machine may be named with 64 characters, and a network as well.
        Self::within(id, subscription, spec, |kind| match kind {
            "vnet" => 64,
            // Each disk's own name adds its kind and its place.
            "disk" => 72,
            _ => 80,
        })
    }

    /// The same, and those that earlier versions made of a long name.
    pub(super) fn all_of(id: &ProvisionId, subscription: SubscriptionId, spec: &VmSpec) -> [Self; 2] {
        [Self::of(id, subscription, spec), Self::within(id, subscription, spec, |_| usize::MAX)]
    }

    /// Whether one of these is the name of a resource. Of disks, only a plan knows the whole names.
    pub(super) fn include(&self, name: &str) -> bool {
        let known = [&self.security_group, &self.network, &self.public_ip, &self.public_ipv6, &self.interface];
        known.iter().filter(|known| !known.is_empty()).any(|known| known.eq_ignore_ascii_case(name))
    }

    fn within(id: &ProvisionId, subscription: SubscriptionId, spec: &VmSpec, limit: impl Fn(&str) -> usize) -> Self {
        // The same id gives the same names, and another id others: no clash with what an earlier machine left behind.
        let suffix = uuid::Uuid::new_v5(&subscription.as_uuid(), id.as_str().as_bytes()).simple().to_string();
        let suffix = suffix.get(..8).unwrap_or_default();
        let name = |kind: &str| {
            let room = limit(kind).saturating_sub(kind.len() + suffix.len() + 2);
            if spec.name.len() <= room {
                return format!("{}-{kind}-{suffix}", spec.name);
            }
            let own: String = spec.name.chars().take(room).collect();
            format!("{}-{kind}-{suffix}", own.trim_end_matches(['-', '.', '_']))
        };
        Self {
            security_group: name("nsg"),
            network: name("vnet"),
            public_ip: name("ip"),
            public_ipv6: if spec.has_public_ipv6() { name("ip6") } else { String::new() },
            interface: name("nic"),
            disks: name("disk"),
        }
    }
}

/// What a provisioning would create. `Display` prints it for a person. To make a plan has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProvisionPlan {
    /// The name of the provisioning, under which it is journalled.
    pub id: ProvisionId,
    /// The subscription that it is built in.
    pub subscription: SubscriptionId,
    /// The specification of the machine.
    pub spec: VmSpec,
    /// How much of the specification is built: all of it, unless it is a fleet's foundation.
    #[serde(default, skip_serializing_if = "Part::is_machine")]
    pub part: Part,
    /// The names of what is created beside the machine.
    pub names: Names,
    /// The sizes and zones to try, in order.
    pub placements: Vec<Placement>,
    /// The image that the machine starts from.
    pub image: ResolvedImage,
    /// The name under which the private key is sealed.
    pub key: SecretId,
}

impl ProvisionPlan {
    /// A plan made without asking the service: the image's version and Trusted Launch stay open.
    ///
    /// # Errors
    /// As [`VmSpec::check`]; for a script that is sealed under another name than [`ProvisionId::script_secret`] gives.
    pub fn new(id: ProvisionId, subscription: SubscriptionId, spec: VmSpec) -> Result<Self, Error> {
        spec.check()?;
        let names = Names::of(&id, subscription, &spec);
        let placements = placements(&spec);
        let key = id.key_secret()?;
        let image = ResolvedImage::new(spec.image.clone());
        let plan = Self { id, subscription, names, placements, image, key, spec, part: Part::Machine };
        plan.check_own()?;
        Ok(plan)
    }

    /// What happens to what was created when a step fails.
    pub(super) fn after_failure_of(&self, step: Step) -> OnFailure {
        match step {
            // The machine runs by then, and deleting it would lose what may be a working one.
            Step::Extension | Step::Agent => self.spec.on_agent_failure,
            _ => self.spec.on_failure,
        }
    }

    /// The name of the system disk at a placement. Each placement has a name of its own, since the disk of the one
    /// before may still be being deleted.
    pub fn os_disk(&self, placement: usize) -> String {
        format!("{}-os-{placement}", self.names.disks)
    }

    /// The name of a data disk at a placement, by its position in the specification.
    pub fn data_disk(&self, placement: usize, disk: usize) -> String {
        format!("{}-{disk}-{placement}", self.names.disks)
    }
}

impl fmt::Display for ProvisionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.part.is_machine() { "machine" } else { "what the machines share:" };
        let mut lines = vec![format!("{what} {} in {} ({})", self.spec.name, self.spec.location, self.subscription)];
        lines.extend(shown::shared(self));
        if self.part.is_machine() {
            lines.extend(shown::own(self));
        }
        f.write_str(&shown::page(&lines))
    }
}

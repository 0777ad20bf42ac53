//! The specification of a machine.

use std::collections::BTreeMap;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use super::agent::AgentInstall;
use super::disk::DataDisk;
use super::group::GroupChoice;
use super::image::ImageChoice;
use super::ipv6::Ipv6;
use super::names::check_machine_name;
use super::network::NetworkChoice;
use super::rule::InboundRule;
use super::spot::Spot;
use super::switch::Switch;
use super::windows::Windows;
use crate::key::KeyKind;
use crate::resource::ResourceId;

/// What happens to what was created, when the provisioning fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnFailure {
    /// What was created is deleted.
    #[default]
    CleanUp,
    /// What was created stays, so that it can be looked at. `Provisioner::clean_up` deletes it later.
    Keep,
}

/// The specification of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VmSpec {
    /// The name, which is the host name as well.
    pub name: String,
    /// The region, such as `westeurope`.
    pub location: String,
    /// The size, then those to fall back to, in order, if Azure lacks capacity for it.
    pub sizes: Vec<String>,
    /// The image that the machine starts from.
    pub image: ImageChoice,
    /// The resource group that it is built in.
    pub group: GroupChoice,
    /// The network that it is attached to.
    pub network: NetworkChoice,
    /// The zone, then those to fall back to, in order. If empty, the service chooses.
    pub zones: Vec<String>,
    /// The size of the system disk in GiB; `None` for the size of the image.
    pub os_disk_gib: Option<u32>,
    /// The kind of storage of the system disk, such as `StandardSSD_LRS`.
    pub os_disk_kind: String,
    /// The data disks, which are created empty.
    pub data_disks: Vec<DataDisk>,
    /// The name of the administrator, such as `azureuser`.
    pub admin: String,
    /// The kind of the key pair that the administrator signs in with.
    pub key: KeyKind,
    /// A public key of the caller's own in one line, as in `authorized_keys`, instead of a key pair that is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// A network security group that exists, by its id, instead of one that is created with the rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group: Option<ResourceId>,
    /// The inbound rules. Without one, nobody can connect.
    pub rules: Vec<InboundRule>,
    /// Whether it gets a public address, which is static.
    pub public_ip: bool,
    /// IPv6 beside IPv4, if it gets that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<Ipv6>,
    /// The label of the public address's name, such as `web` in `web.westeurope.cloudapp.azure.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_label: Option<String>,
    /// The tags of everything that is created for it, value by name.
    pub tags: BTreeMap<String, String>,
    /// The installation of the agent, if it has one.
    pub agent: Option<AgentInstall>,
    /// A `#cloud-config` document of the caller, which is not for secrets.
    pub cloud_config: Option<String>,
    /// Whether it gets a system-assigned managed identity.
    pub identity: bool,
    /// The user-assigned managed identities that it gets, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<ResourceId>,
    /// Whether it starts with Trusted Launch: secure boot, and a virtual TPM.
    #[serde(default, skip_serializing_if = "Switch::is_auto")]
    pub trusted_launch: Switch,
    /// Whether its network interface bypasses the host's virtual switch.
    #[serde(default, skip_serializing_if = "Switch::is_auto")]
    pub accelerated_networking: Switch,
    /// The settings of a Windows machine; `None` for Linux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<Windows>,
    /// How it uses Spot capacity; `None` for an ordinary machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
    /// What happens to what was created, when the provisioning fails before the machine runs.
    pub on_failure: OnFailure,
    /// What happens to a machine that runs, and whose agent fails or is late. It stays by default: the agent can be
    /// probed again.
    #[serde(default = "kept")]
    pub on_agent_failure: OnFailure,
}

fn kept() -> OnFailure {
    OnFailure::Keep
}

impl VmSpec {
    /// A machine of a name in a region, with a size, an image and a group. It gets a network and a public address of its
    /// own, an Ed25519 key, and no rule: nobody can connect to it until one is given.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that the service would refuse.
    pub fn new(name: &str, location: &str, size: &str, image: ImageChoice, group: GroupChoice) -> Result<Self, Error> {
        check_machine_name(name)?;
        Ok(Self {
            name: name.to_owned(),
            // People also copy the display name, such as `West Europe`, which differs in these two only.
            location: location.to_ascii_lowercase().replace(' ', ""),
            sizes: vec![size.to_owned()],
            image,
            group,
            network: NetworkChoice::Create {
                space: "10.0.0.0/16".parse()?,
                subnet: "10.0.0.0/24".parse()?,
                outbound: true,
            },
            zones: Vec::new(),
            os_disk_gib: None,
            os_disk_kind: "StandardSSD_LRS".to_owned(),
            data_disks: Vec::new(),
            admin: "azureuser".to_owned(),
            key: KeyKind::default(),
            public_key: None,
            security_group: None,
            rules: Vec::new(),
            public_ip: true,
            ipv6: None,
            dns_label: None,
            tags: BTreeMap::new(),
            agent: None,
            cloud_config: None,
            identity: false,
            identities: Vec::new(),
            trusted_launch: Switch::Auto,
            accelerated_networking: Switch::Auto,
            windows: None,
            spot: None,
            on_failure: OnFailure::default(),
            on_agent_failure: kept(),
        })
    }

    /// Adds a size to fall back to if Azure lacks capacity for those before it.
    #[must_use]
    pub fn with_fallback_size(mut self, size: impl Into<String>) -> Self {
        self.sizes.push(size.into());
        self
    }

    /// Adds a zone. The first is tried first, the others are fallen back to in order.
    #[must_use]
    pub fn with_zone(mut self, zone: impl Into<String>) -> Self {
        self.zones.push(zone.into());
        self
    }

    /// Sets the network; one of its own by default.
    #[must_use]
    pub fn with_network(mut self, network: NetworkChoice) -> Self {
        self.network = network;
        self
    }

    /// Sets the size in GiB of the system disk, or `None` for that of the image, and its kind of storage.
    #[must_use]
    pub fn with_os_disk(mut self, size_gib: Option<u32>, kind: impl Into<String>) -> Self {
        self.os_disk_gib = size_gib;
        self.os_disk_kind = kind.into();
        self
    }

    /// Adds a data disk.
    #[must_use]
    pub fn with_data_disk(mut self, disk: DataDisk) -> Self {
        self.data_disks.push(disk);
        self
    }

    /// Sets the administrator's name and the kind of key.
    #[must_use]
    pub fn with_admin(mut self, name: impl Into<String>, key: KeyKind) -> Self {
        self.admin = name.into();
        self.key = key;
        self
    }

    /// Lets the administrator in with a public key of the caller's own, in one line as in `authorized_keys`: no key pair is
    /// made, and none is sealed.
    #[must_use]
    pub fn with_public_key(mut self, line: impl Into<String>) -> Self {
        self.public_key = Some(line.into());
        self
    }

    /// Attaches the machine to a network security group that exists, by its id. Its rules hold, so the machine has none of its
    /// own. It must be in the region of the machine, and is never changed or deleted.
    #[must_use]
    pub fn with_security_group(mut self, id: ResourceId) -> Self {
        self.security_group = Some(id);
        self
    }

    /// Adds an inbound rule.
    #[must_use]
    pub fn with_rule(mut self, rule: InboundRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Sets whether the machine gets a public address; it does by default.
    #[must_use]
    pub fn with_public_ip(mut self, public_ip: bool) -> Self {
        self.public_ip = public_ip;
        self
    }

    /// Gives the machine IPv6 beside IPv4: a private address, and a public one if it gets a public address at all. A subnet that
    /// exists must have a range of IPv6. Rules say for which family they are: [`Source::Anyone`](super::Source::Anyone) is
    /// both.
    #[must_use]
    pub fn with_ipv6(mut self, ipv6: Ipv6) -> Self {
        self.ipv6 = Some(ipv6);
        self
    }

    /// Names the public address in Azure's own domain: `web` becomes `web.westeurope.cloudapp.azure.com`. The label is unique in
    /// the region; `Provisioned::fqdn` gives the name.
    #[must_use]
    pub fn with_dns_label(mut self, label: impl Into<String>) -> Self {
        self.dns_label = Some(label.into());
        self
    }

    /// Adds a tag to everything that is created.
    #[must_use]
    pub fn with_tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }

    /// Sets how the agent is installed; without this, the machine has none.
    #[must_use]
    pub fn with_agent(mut self, agent: AgentInstall) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Sets a `#cloud-config` document, which begins with that line and must hold no secret.
    #[must_use]
    pub fn with_cloud_config(mut self, text: impl Into<String>) -> Self {
        self.cloud_config = Some(text.into());
        self
    }

    /// Gives the machine a system-assigned managed identity.
    #[must_use]
    pub fn with_identity(mut self) -> Self {
        self.identity = true;
        self
    }

    /// Gives the machine a user-assigned managed identity, by its id. Whoever provisions needs the action
    /// `Microsoft.ManagedIdentity/userAssignedIdentities/assign/action` on it.
    #[must_use]
    pub fn with_user_assigned_identity(mut self, identity: ResourceId) -> Self {
        self.identities.push(identity);
        self
    }

    /// Sets whether the machine starts with Trusted Launch. By default it does where image and size allow it.
    #[must_use]
    pub fn with_trusted_launch(mut self, trusted_launch: Switch) -> Self {
        self.trusted_launch = trusted_launch;
        self
    }

    /// Sets whether networking is accelerated. By default it is where the size allows it.
    #[must_use]
    pub fn with_accelerated_networking(mut self, accelerated: Switch) -> Self {
        self.accelerated_networking = accelerated;
        self
    }

    /// Says that the image is of Windows, and how the machine is set up. Its administrator gets a password, which is made, sealed
    /// and given by [`Provisioner::admin_password`](crate::Provisioner::admin_password).
    #[must_use]
    pub fn with_windows(mut self, windows: Windows) -> Self {
        self.windows = Some(windows);
        self
    }

    /// Makes it a Spot machine, which is cheaper and may be evicted at any time.
    #[must_use]
    pub fn with_spot(mut self, spot: Spot) -> Self {
        self.spot = Some(spot);
        self
    }

    /// Sets what happens to a machine that runs, and whose agent fails or is late. It stays by default.
    #[must_use]
    pub fn with_on_agent_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_agent_failure = on_failure;
        self
    }

    /// Sets what happens to what was created, when the provisioning fails before the machine runs.
    #[must_use]
    pub fn with_on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }

    /// Whether it gets a public address of IPv6.
    #[must_use]
    pub fn has_public_ipv6(&self) -> bool {
        self.public_ip && self.ipv6.is_some()
    }
}

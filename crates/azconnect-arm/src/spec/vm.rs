//! The specification of a machine.

use std::collections::BTreeMap;

use azconnect_core::{Error, ResourceGroupName};
use serde::{Deserialize, Serialize};

use super::agent::{AgentInstall, Way};
use super::cidr::Cidr;
use super::cloud_init::CloudInit;
use super::image::ImageChoice;
use super::names::{check_admin_name, check_machine_name, check_reserved};
use super::rule::{InboundRule, check_rules};
use super::script;
use crate::key::{KeyKind, read_public};
use crate::resource::ResourceId;

/// The resource group that the machine is built in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupChoice {
    /// A group for the machine, created if it does not exist. One that exists already is used, and never deleted.
    Create(ResourceGroupName),
    /// A group that exists, for an identity that may act in this group only.
    Existing(ResourceGroupName),
}

impl GroupChoice {
    /// The name of the group.
    pub fn name(&self) -> &ResourceGroupName {
        match self {
            Self::Create(name) | Self::Existing(name) => name,
        }
    }
}

/// The network that the machine is attached to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NetworkChoice {
    /// A network for the machine, which is created.
    Create {
        /// The addresses of the network, such as `10.0.0.0/16`.
        space: Cidr,
        /// The addresses of its one subnet, such as `10.0.0.0/24`.
        subnet: Cidr,
        /// Whether machines in it reach the internet without a public address of their own.
        outbound: bool,
    },
    /// A subnet that exists, by its id. It must be in the region of the machine.
    Existing(ResourceId),
}

/// A data disk, which is created empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataDisk {
    /// The size in GiB.
    pub size_gib: u32,
    /// The kind of storage, such as `Premium_LRS`.
    pub kind: String,
}

impl DataDisk {
    /// A disk of a size in GiB, of the kind `StandardSSD_LRS`.
    pub fn new(size_gib: u32) -> Self {
        Self { size_gib, kind: "StandardSSD_LRS".to_owned() }
    }

    /// Sets the kind of storage, such as `Premium_LRS`.
    #[must_use]
    pub fn with_kind(mut self, kind: impl Into<String>) -> Self {
        self.kind = kind.into();
        self
    }
}

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
    /// The inbound rules. Without one, nobody can connect.
    pub rules: Vec<InboundRule>,
    /// Whether it gets a public address, which is static.
    pub public_ip: bool,
    /// The tags of everything that is created for it, value by name.
    pub tags: BTreeMap<String, String>,
    /// The installation of the agent, if it has one.
    pub agent: Option<AgentInstall>,
    /// A `#cloud-config` document of the caller, which is not for secrets.
    pub cloud_config: Option<String>,
    /// Whether it gets a system-assigned managed identity.
    pub identity: bool,
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
            rules: Vec::new(),
            public_ip: true,
            tags: BTreeMap::new(),
            agent: None,
            cloud_config: None,
            identity: false,
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

    /// Checks everything that can be checked without asking the service.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field and its remedy.
    pub fn check(&self) -> Result<(), Error> {
        check_machine_name(&self.name)?;
        check_admin_name(&self.admin)?;
        check_reserved("resource_group", self.group.name().as_str())?;
        check_rules(&self.rules)?;
        self.public_key.as_deref().map_or(Ok(()), |line| read_public(line).map(|_| ()))?;
        self.check_words()?;
        self.check_network()?;
        self.check_disks()?;
        self.check_tags()?;
        if let Some(agent) = &self.agent {
            agent.check()?;
        }
        self.user_data().map(|_| ())
    }

    /// The user data in base64, if there is any.
    pub(crate) fn user_data(&self) -> Result<Option<String>, Error> {
        let mut data = CloudInit::new();
        if let Some(config) = &self.cloud_config {
            data = data.with_config(config.as_str());
        }
        if let Some(Way::CloudInit(text)) = self.agent.as_ref().map(|agent| &agent.way) {
            if !text.starts_with("#!") {
                return Err(Error::invalid("agent_script", "does not begin with #!")
                    .with_advice("begin the script with a line such as #!/bin/sh"));
            }
            data = data.with_script("azconnect-agent.sh", script::wrapped(text));
        }
        if data == CloudInit::new() { Ok(None) } else { data.encode().map(Some) }
    }

    fn check_words(&self) -> Result<(), Error> {
        let word =
            |text: &String| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !word(&self.location) || self.location.contains(['_', '-']) {
            return Err(
                Error::invalid("location", "is not the name of a region").with_advice("give it as in westeurope")
            );
        }
        if self.sizes.is_empty() || !self.sizes.iter().all(word) {
            return Err(Error::invalid("size", "is not the name of a size").with_advice("give it as in Standard_B2s"));
        }
        if !self.zones.iter().all(|zone| matches!(zone.as_str(), "1" | "2" | "3")) {
            return Err(Error::invalid("zone", "is not 1, 2 or 3").with_advice("give the zone as a number"));
        }
        Ok(())
    }

    fn check_network(&self) -> Result<(), Error> {
        match &self.network {
            NetworkChoice::Create { space, subnet, .. } => {
                if !space.contains(subnet) {
                    return Err(Error::invalid("subnet", format!("{subnet} is not within {space}"))
                        .with_advice("choose a subnet within the network's addresses"));
                }
                if !space.is_ipv4() || space.prefix() < 8 || subnet.prefix() > 29 {
                    return Err(Error::invalid("subnet", "is too small, or its network too large")
                        .with_advice("use IPv4, a network of /8 or smaller, and a subnet of /29 or larger"));
                }
            }
            NetworkChoice::Existing(subnet) => {
                if subnet.after("virtualNetworks").is_none() || subnet.after("subnets").is_none() {
                    return Err(Error::invalid("subnet", "is not the id of a subnet")
                        .with_advice("give an id of the form …/virtualNetworks/NAME/subnets/NAME"));
                }
            }
        }
        Ok(())
    }

    fn check_disks(&self) -> Result<(), Error> {
        if self.os_disk_gib.is_some_and(|size| size == 0 || size > 4_095) {
            return Err(Error::invalid("os_disk", "is of an impossible size")
                .with_advice("use 1 to 4,095 GiB for the system disk, and data disks for more"));
        }
        let mut sizes = self.data_disks.iter().map(|disk| disk.size_gib);
        if self.data_disks.len() > 64 || sizes.any(|size| size == 0 || size > 65_536) {
            return Err(Error::invalid("disk", "is of an impossible size, or there are too many")
                .with_advice("use at most 64 disks of 1 to 65,536 GiB"));
        }
        Ok(())
    }

    fn check_tags(&self) -> Result<(), Error> {
        let bad = self.tags.iter().find(|(name, value)| {
            name.is_empty()
                || name.len() > 512
                || value.len() > 256
                || name.contains(['<', '>', '%', '&', '\\', '?', '/'])
        });
        if bad.is_some() || self.tags.len() > 45 {
            return Err(Error::invalid("tags", "are too many, too long, or named with one of < > % & \\ ? /")
                .with_advice("use at most 45 tags with plain names"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> VmSpec {
        let group = GroupChoice::Create(ResourceGroupName::new("rg-web").unwrap());
        VmSpec::new("web", "West Europe", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap()
    }

    #[test]
    fn bad_values_name_their_field() {
        let field = |spec: VmSpec| spec.check().unwrap_err().field().map(str::to_owned);
        assert!(spec().check().is_ok());
        assert_eq!(spec().location, "westeurope");
        assert_eq!(field(spec().with_zone("4")).as_deref(), Some("zone"));
        assert_eq!(field(spec().with_fallback_size("a b")).as_deref(), Some("size"));
        assert_eq!(field(spec().with_data_disk(DataDisk::new(0))).as_deref(), Some("disk"));
        assert_eq!(field(spec().with_os_disk(Some(4_096), "Premium_LRS")).as_deref(), Some("os_disk"));
        assert!(spec().with_os_disk(Some(4_095), "Premium_LRS").check().is_ok());
        assert_eq!(field(spec().with_admin("root", KeyKind::Ed25519)).as_deref(), Some("administrator_name"));
        assert_eq!(field(spec().with_tag("a/b", "")).as_deref(), Some("tags"));
        assert_eq!(field(spec().with_cloud_config("packages: []")).as_deref(), Some("user_data"));
        assert_eq!(field(spec().with_agent(AgentInstall::cloud_init("echo"))).as_deref(), Some("agent_script"));
        let outside = NetworkChoice::Create {
            space: "10.0.0.0/16".parse().unwrap(),
            subnet: "10.1.0.0/24".parse().unwrap(),
            outbound: true,
        };
        assert_eq!(field(spec().with_network(outside)).as_deref(), Some("subnet"));
    }
}

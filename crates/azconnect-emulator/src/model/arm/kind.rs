//! The kinds of resource, and how their types are written.

/// A kind of resource that is emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ResourceKind {
    Group,
    VirtualNetwork,
    Subnet,
    SecurityGroup,
    SecurityRule,
    PublicIp,
    Nic,
    Disk,
    Machine,
    Extension,
    RunCommand,
    Image,
    Gallery,
    GalleryImage,
    GalleryVersion,
    Deployment,
}

impl ResourceKind {
    /// Every kind whose id names a group and a provider.
    const IN_GROUPS: [Self; 15] = [
        Self::VirtualNetwork,
        Self::Subnet,
        Self::SecurityGroup,
        Self::SecurityRule,
        Self::PublicIp,
        Self::Nic,
        Self::Disk,
        Self::Machine,
        Self::Extension,
        Self::RunCommand,
        Self::Image,
        Self::Gallery,
        Self::GalleryImage,
        Self::GalleryVersion,
        Self::Deployment,
    ];

    pub(crate) fn namespace(self) -> &'static str {
        match self {
            Self::Group | Self::Deployment => "Microsoft.Resources",
            Self::VirtualNetwork
            | Self::Subnet
            | Self::SecurityGroup
            | Self::SecurityRule
            | Self::PublicIp
            | Self::Nic => "Microsoft.Network",
            Self::Disk
            | Self::Machine
            | Self::Extension
            | Self::RunCommand
            | Self::Image
            | Self::Gallery
            | Self::GalleryImage
            | Self::GalleryVersion => "Microsoft.Compute",
        }
    }

    /// The types below the namespace, parents first.
    pub(crate) fn types(self) -> &'static [&'static str] {
        match self {
            Self::Group => &["resourceGroups"],
            Self::VirtualNetwork => &["virtualNetworks"],
            Self::Subnet => &["virtualNetworks", "subnets"],
            Self::SecurityGroup => &["networkSecurityGroups"],
            Self::SecurityRule => &["networkSecurityGroups", "securityRules"],
            Self::PublicIp => &["publicIPAddresses"],
            Self::Nic => &["networkInterfaces"],
            Self::Disk => &["disks"],
            Self::Machine => &["virtualMachines"],
            Self::Extension => &["virtualMachines", "extensions"],
            Self::RunCommand => &["virtualMachines", "runCommands"],
            Self::Image => &["images"],
            Self::Gallery => &["galleries"],
            Self::GalleryImage => &["galleries", "images"],
            Self::GalleryVersion => &["galleries", "images", "versions"],
            Self::Deployment => &["deployments"],
        }
    }

    /// Its full type, such as `Microsoft.Network/virtualNetworks/subnets`.
    pub(crate) fn full(self) -> String {
        format!("{}/{}", self.namespace(), self.types().join("/"))
    }

    /// The type as actions write it.
    pub(crate) fn action_prefix(self) -> String {
        match self {
            Self::Group => "Microsoft.Resources/subscriptions/resourceGroups".to_owned(),
            other => other.full(),
        }
    }

    /// The kind of a namespace and its types, in any case.
    pub(crate) fn of(namespace: &str, types: &[&str]) -> Option<Self> {
        Self::IN_GROUPS.into_iter().find(|kind| {
            kind.namespace().eq_ignore_ascii_case(namespace)
                && kind.types().len() == types.len()
                && kind.types().iter().zip(types).all(|(known, given)| known.eq_ignore_ascii_case(given))
        })
    }

    /// The parent's kind, if this one lives inside another.
    pub(crate) fn parent(self) -> Option<Self> {
        match self {
            Self::Subnet => Some(Self::VirtualNetwork),
            Self::SecurityRule => Some(Self::SecurityGroup),
            Self::Extension | Self::RunCommand => Some(Self::Machine),
            Self::GalleryImage => Some(Self::Gallery),
            Self::GalleryVersion => Some(Self::GalleryImage),
            _ => None,
        }
    }

    /// The kind that lives inside the document of this one.
    pub(crate) fn embedded(self) -> Option<Self> {
        match self {
            Self::VirtualNetwork => Some(Self::Subnet),
            Self::SecurityGroup => Some(Self::SecurityRule),
            _ => None,
        }
    }

    /// The property of the parent's document that lists this kind, if it lives there.
    pub(crate) fn list(self) -> Option<&'static str> {
        match self {
            Self::Subnet => Some("subnets"),
            Self::SecurityRule => Some("securityRules"),
            _ => None,
        }
    }

    /// The name of a write's operation in messages of Microsoft.Network.
    pub(crate) fn put_name(self) -> &'static str {
        match self {
            Self::VirtualNetwork => "PutVirtualNetworkOperation",
            Self::Subnet => "PutSubnetOperation",
            Self::SecurityGroup => "PutNetworkSecurityGroupOperation",
            Self::SecurityRule => "PutSecurityRuleOperation",
            Self::PublicIp => "PutPublicIpAddressOperation",
            Self::Nic => "PutNicOperation",
            _ => "PutOperation",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_match_in_any_case() {
        assert_eq!(ResourceKind::of("microsoft.network", &["VirtualNetworks", "SUBNETS"]), Some(ResourceKind::Subnet));
        assert_eq!(ResourceKind::of("Microsoft.Compute", &["subnets"]), None);
    }
}

//! What can be checked of a specification without asking the service.

use azconnect_core::Error;

use super::agent::Way;
use super::cloud_init::CloudInit;
use super::disk::{check_data_disks, check_os_disk};
use super::dns::check_dns_label;
use super::identity::check_identities;
use super::ipv6::Ipv6;
use super::names::{check_admin_name, check_machine_name, check_reserved};
use super::network::check_security_group;
use super::rule::check_rules;
use super::script;
use super::vm::VmSpec;
use crate::key::read_public;

impl VmSpec {
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
        self.network.check()?;
        self.ipv6.as_ref().map_or(Ok(()), Ipv6::check)?;
        check_dns_label(self.dns_label.as_deref(), self.public_ip)?;
        check_security_group(self.security_group.as_ref(), &self.rules)?;
        check_os_disk(self.os_disk_gib, &self.os_disk_kind)?;
        check_data_disks(&self.data_disks)?;
        self.image.check()?;
        self.check_windows()?;
        self.check_tags()?;
        check_identities(&self.identities)?;
        if let Some(agent) = &self.agent {
            agent.check(self.windows.is_some())?;
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
    use azconnect_core::ResourceGroupName;

    use super::super::{AgentInstall, DataDisk, GroupChoice, InboundRule, NetworkChoice};
    use super::*;
    use crate::key::KeyKind;

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

    #[test]
    fn a_machine_has_a_security_group_or_rules_and_not_both() {
        let id = |kind: &str| format!("/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/{kind}/shared");
        let group = |kind: &str| spec().with_security_group(id(kind).parse().unwrap());
        assert!(group("networkSecurityGroups").check().is_ok());
        let refused = group("virtualNetworks").check().unwrap_err();
        assert_eq!(refused.field(), Some("security_group"));
        let rule = InboundRule::ssh(vec!["203.0.113.7/32".parse().unwrap()]);
        let refused = group("networkSecurityGroups").with_rule(rule).check().unwrap_err();
        assert_eq!(refused.field(), Some("inbound_rule"));
    }
}

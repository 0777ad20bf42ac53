//! The inbound rules: who may reach which ports of the machine.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use super::cidr::Cidr;

/// A source of connections that a rule lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// A range of addresses in CIDR form.
    Range(Cidr),
    /// A service tag, such as `AzureCloud.WestEurope`.
    ServiceTag(String),
    /// The whole internet. Never a default: whoever chooses it opens the port to everyone.
    Anyone,
}

impl Source {
    /// Whether the source means everyone, in whatever form.
    pub fn is_anyone(&self) -> bool {
        match self {
            Self::Anyone => true,
            Self::Range(range) => range.prefix() == 0,
            Self::ServiceTag(tag) => tag == "*" || tag.eq_ignore_ascii_case("Internet"),
        }
    }

    pub(crate) fn prefix(&self) -> String {
        match self {
            Self::Range(range) => range.to_string(),
            Self::ServiceTag(tag) => tag.clone(),
            Self::Anyone => "*".to_owned(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range(range) => range.fmt(f),
            Self::ServiceTag(tag) => f.write_str(tag),
            Self::Anyone => f.write_str("anyone"),
        }
    }
}

/// The protocol that a rule lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Protocol {
    /// TCP, as SSH and HTTPS use it.
    Tcp,
    /// UDP, as DNS and WireGuard use it.
    Udp,
    /// ICMP, as `ping` uses it. It has no ports.
    Icmp,
    /// ESP, as IPsec uses it. It has no ports.
    Esp,
    /// AH, as IPsec uses it. It has no ports.
    Ah,
    /// Every protocol, those without ports among them.
    Any,
}

/// The ports of a rule about a protocol that has none, and of one about all ports of every protocol.
const ALL_PORTS: (u16, u16) = (0, u16::MAX);

impl Protocol {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tcp => "Tcp",
            Self::Udp => "Udp",
            Self::Icmp => "Icmp",
            Self::Esp => "Esp",
            Self::Ah => "Ah",
            Self::Any => "*",
        }
    }

    fn has_ports(self) -> bool {
        !matches!(self, Self::Icmp | Self::Esp | Self::Ah)
    }

    fn reaches_ssh(self) -> bool {
        matches!(self, Self::Tcp | Self::Any)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::Esp => "ESP",
            Self::Ah => "AH",
            Self::Any => "any protocol",
        })
    }
}

/// A rule that lets sources connect to a range of ports. In words, it is `allow-ssh: TCP 22 from 203.0.113.7/32`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InboundRule {
    /// The name, unique in the machine's security group, such as `allow-ssh`.
    pub name: String,
    /// The priority, from 100 to 4096 and unique. The rule with the lowest decides first.
    pub priority: u16,
    /// The first and the last port that it opens; 0 and 65535 where the protocol has no ports, or for all of every protocol.
    pub ports: (u16, u16),
    /// The protocol that the rule lets in.
    pub protocol: Protocol,
    /// The sources that may connect. There must be at least one.
    pub sources: Vec<Source>,
}

impl fmt::Display for InboundRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.protocol)?;
        match (self.protocol.has_ports(), self.ports) {
            (false, _) | (true, ALL_PORTS) => {}
            (true, (first, last)) if first == last => write!(f, " {first}")?,
            (true, (first, last)) => write!(f, " {first}-{last}")?,
        }
        let sources: Vec<String> = self.sources.iter().map(ToString::to_string).collect();
        write!(f, " from {}", sources.join(", "))
    }
}

impl InboundRule {
    /// A rule that lets sources connect to ports by TCP.
    pub fn tcp(name: impl Into<String>, priority: u16, ports: RangeInclusive<u16>, sources: Vec<Source>) -> Self {
        Self { name: name.into(), priority, ports: (*ports.start(), *ports.end()), protocol: Protocol::Tcp, sources }
    }

    /// A rule that lets ranges of addresses connect by SSH.
    pub fn ssh(sources: Vec<Cidr>) -> Self {
        Self::tcp("allow-ssh", 100, 22..=22, sources.into_iter().map(Source::Range).collect())
    }

    /// A rule that lets ranges of addresses connect by Remote Desktop.
    pub fn rdp(sources: Vec<Cidr>) -> Self {
        Self::tcp("allow-rdp", 110, 3389..=3389, sources.into_iter().map(Source::Range).collect())
    }

    /// A rule that lets sources in by a protocol, whatever the port: for one without ports, such as [`Protocol::Icmp`], or for
    /// everything that [`Protocol::Any`] stands for.
    pub fn portless(name: impl Into<String>, priority: u16, protocol: Protocol, sources: Vec<Source>) -> Self {
        Self { name: name.into(), priority, ports: ALL_PORTS, protocol, sources }
    }

    /// A rule that lets ranges of addresses send ICMP, as `ping` does.
    pub fn ping(priority: u16, sources: Vec<Cidr>) -> Self {
        Self::portless("allow-ping", priority, Protocol::Icmp, sources.into_iter().map(Source::Range).collect())
    }

    /// Sets the protocol; TCP by default. One without ports opens no port: the rule's ports are forgotten.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        if !protocol.has_ports() {
            self.ports = ALL_PORTS;
        }
        self
    }

    pub(crate) fn port_range(&self) -> String {
        if self.ports == ALL_PORTS {
            "*".to_owned()
        } else if self.ports.0 == self.ports.1 {
            self.ports.0.to_string()
        } else {
            format!("{}-{}", self.ports.0, self.ports.1)
        }
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |message: String, advice: &str| {
            Err(Error::invalid("inbound_rule", format!("{:?} {message}", self.name)).with_advice(advice))
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let starts = self.name.starts_with(|c: char| c.is_ascii_alphanumeric());
        let ends = self.name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if self.name.len() > 80 || !starts || !ends || !self.name.chars().all(plain) {
            return wrong(
                "is no name of a rule".into(),
                "use 1 to 80 letters, digits, . _ -, beginning with a letter or digit",
            );
        }
        if !(100..=4096).contains(&self.priority) {
            return wrong(format!("has priority {}", self.priority), "choose a priority from 100 to 4096");
        }
        if !self.protocol.has_ports() && self.ports != ALL_PORTS {
            return wrong(
                format!("has ports, and {} has none", self.protocol.word()),
                "make the rule with InboundRule::portless",
            );
        }
        let all_are_meant = self.ports == ALL_PORTS && !matches!(self.protocol, Protocol::Tcp | Protocol::Udp);
        if !all_are_meant && (self.ports.0 > self.ports.1 || self.ports.0 == 0) {
            return wrong(
                format!("has the ports {}-{}", self.ports.0, self.ports.1),
                "give the lower port first, from 1 on",
            );
        }
        if self.sources.is_empty() {
            return wrong("has no source".into(), "name the address ranges that may connect, such as 203.0.113.7/32");
        }
        // A port is opened to everyone by that word only, so that a reader of the code sees it.
        let spelled = self.sources.iter().find(|source| source.is_anyone() && **source != Source::Anyone);
        if spelled.is_some() {
            return wrong(
                "opens the ports to everyone".into(),
                "name the ranges that may connect; if everyone is meant, say Source::Anyone",
            );
        }
        let tag = |c: char| c.is_ascii_alphanumeric() || c == '.';
        let odd = self
            .sources
            .iter()
            .any(|source| matches!(source, Source::ServiceTag(t) if t.is_empty() || !t.chars().all(tag)));
        if odd {
            return wrong("names something that is no service tag".into(), "give a service tag such as AzureCloud");
        }
        let is_v4 = |source: &Source| match source {
            Source::Range(range) => Some(range.is_ipv4()),
            _ => None,
        };
        let families: BTreeSet<bool> = self.sources.iter().filter_map(is_v4).collect();
        if families.len() > 1 {
            return wrong(
                "has sources of IPv4 and of IPv6".into(),
                "make two rules: the service takes one family in each",
            );
        }
        let reaches_ssh = self.protocol.reaches_ssh() && (self.ports.0..=self.ports.1).contains(&22);
        if reaches_ssh && self.sources.contains(&Source::Anyone) {
            return wrong("opens SSH to everyone".into(), "name the address ranges that may connect by SSH");
        }
        Ok(())
    }
}

/// Checks rules one by one and together: names and priorities are unique.
pub(crate) fn check_rules(rules: &[InboundRule]) -> Result<(), Error> {
    let mut priorities = BTreeSet::new();
    let mut names = BTreeSet::new();
    for rule in rules {
        rule.check()?;
        if !priorities.insert(rule.priority) || !names.insert(rule.name.to_ascii_lowercase()) {
            return Err(Error::invalid(
                "inbound_rule",
                format!("{:?} has the name or the priority of another", rule.name),
            )
            .with_advice("give every rule a name and a priority of its own"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn office() -> Vec<Source> {
        vec![Source::Range("203.0.113.0/24".parse().unwrap())]
    }

    #[test]
    fn ssh_is_never_open_to_everyone() {
        let open = |source: Source| check_rules(&[InboundRule::tcp("a", 100, 1..=65535, vec![source])]).is_err();
        assert!(open(Source::Anyone));
        assert!(open(Source::Range("0.0.0.0/0".parse().unwrap())));
        assert!(open(Source::Range("::/0".parse().unwrap())));
        assert!(open(Source::ServiceTag("Internet".into())));
        assert!(open(Source::ServiceTag("*".into())));
        assert!(check_rules(&[InboundRule::tcp("web", 100, 443..=443, vec![Source::Anyone])]).is_ok());
        assert!(check_rules(&[InboundRule::ssh(vec!["203.0.113.7/32".parse().unwrap()])]).is_ok());
    }

    #[test]
    fn a_protocol_without_ports_opens_none() {
        let ping = InboundRule::ping(100, vec!["203.0.113.0/24".parse().unwrap()]);
        assert_eq!((ping.protocol.word(), ping.port_range().as_str()), ("Icmp", "*"));
        assert!(check_rules(std::slice::from_ref(&ping)).is_ok());
        let changed = InboundRule::tcp("a", 100, 500..=500, office()).with_protocol(Protocol::Esp);
        assert_eq!((changed.port_range().as_str(), check_rules(std::slice::from_ref(&changed)).is_ok()), ("*", true));
        for protocol in [Protocol::Icmp, Protocol::Esp, Protocol::Ah] {
            let refused = check_rules(&[InboundRule { ports: (22, 22), protocol, ..ping.clone() }]).unwrap_err();
            assert_eq!(refused.field(), Some("inbound_rule"));
        }
        // Everyone may send ICMP, and nobody has that for SSH by it.
        assert!(check_rules(&[InboundRule { sources: vec![Source::Anyone], ..ping }]).is_ok());
    }

    #[test]
    fn every_protocol_reaches_ssh_as_well() {
        let any = |sources| InboundRule::portless("any", 100, Protocol::Any, sources);
        assert_eq!((any(office()).protocol.word(), any(office()).port_range().as_str()), ("*", "*"));
        assert!(check_rules(&[any(office())]).is_ok());
        assert!(check_rules(&[any(vec![Source::Anyone])]).is_err());
        let web = InboundRule::tcp("web", 100, 443..=443, vec![Source::Anyone]).with_protocol(Protocol::Any);
        assert_eq!((web.port_range().as_str(), check_rules(std::slice::from_ref(&web)).is_ok()), ("443", true));
        // All ports of TCP are not what somebody means who wrote a zero.
        assert!(check_rules(&[InboundRule { protocol: Protocol::Tcp, ..any(office()) }]).is_err());
    }

    #[test]
    fn one_rule_is_about_one_family() {
        let both = vec!["203.0.113.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let refused = check_rules(&[InboundRule::ssh(both.clone())]).unwrap_err();
        assert_eq!(refused.field(), Some("inbound_rule"));
        assert!(refused.advice().contains("two rules"));
        assert!(check_rules(&[InboundRule::ssh(both[1..].to_vec())]).is_ok());
    }

    #[test]
    fn duplicates_and_impossible_ranges_are_refused() {
        let rule = |name: &str, priority, from, to| InboundRule {
            ports: (from, to),
            ..InboundRule::tcp(name, priority, 1..=1, office())
        };
        assert!(check_rules(&[rule("a", 100, 1, 2), rule("b", 100, 3, 4)]).is_err());
        assert!(check_rules(&[rule("a", 100, 1, 2), rule("A", 101, 3, 4)]).is_err());
        assert!(check_rules(&[rule("a", 100, 2, 1)]).is_err());
        assert!(check_rules(&[rule("a", 100, 0, 1)]).is_err());
        assert!(check_rules(&[rule("a", 99, 1, 1)]).is_err());
        assert!(check_rules(&[rule("a", 4097, 1, 1)]).is_err());
        assert!(check_rules(&[rule("", 100, 1, 1)]).is_err());
        assert!(check_rules(&[InboundRule::tcp("a", 100, 1..=1, vec![])]).is_err());
    }

    proptest! {
        #[test]
        fn accepted_rules_have_unique_priorities(
            rules in prop::collection::vec((0_u16..5000, any::<u16>(), any::<u16>()), 0..6)
        ) {
            let rules: Vec<_> = rules
                .into_iter()
                .enumerate()
                .map(|(i, (priority, a, b))| InboundRule { ports: (a, b), ..InboundRule::tcp(format!("r{i}"), priority, 1..=1, office()) })
                .collect();
            if check_rules(&rules).is_ok() {
                let unique: BTreeSet<_> = rules.iter().map(|rule| rule.priority).collect();
                prop_assert_eq!(unique.len(), rules.len());
                prop_assert!(rules.iter().all(|rule| rule.ports.0 <= rule.ports.1 && (100..=4096).contains(&rule.priority)));
            }
        }
    }

    #[test]
    fn a_rule_is_told_in_words() {
        let from = || vec!["203.0.113.7/32".parse().unwrap()];
        assert_eq!(InboundRule::ssh(from()).to_string(), "allow-ssh: TCP 22 from 203.0.113.7/32");
        assert_eq!(InboundRule::ping(100, from()).to_string(), "allow-ping: ICMP from 203.0.113.7/32");
        let web = InboundRule::tcp("web", 200, 80..=443, vec![Source::Anyone, Source::ServiceTag("AzureCloud".into())]);
        assert_eq!(web.to_string(), "web: TCP 80-443 from anyone, AzureCloud");
        let all = InboundRule::portless("all", 300, Protocol::Any, vec![Source::Anyone]);
        assert_eq!(all.to_string(), "all: any protocol from anyone");
    }
}

//! The inbound rules: who may reach which ports of the machine.

use std::collections::BTreeSet;
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

/// The protocol that a rule lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Protocol {
    /// TCP, as SSH and HTTPS use it.
    Tcp,
    /// UDP, as DNS and WireGuard use it.
    Udp,
}

impl Protocol {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tcp => "Tcp",
            Self::Udp => "Udp",
        }
    }
}

/// A rule that lets sources connect to a range of ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InboundRule {
    /// The name, unique in the machine's security group, such as `allow-ssh`.
    pub name: String,
    /// The priority, from 100 to 4096 and unique. The rule with the lowest decides first.
    pub priority: u16,
    /// The first and the last port that it opens.
    pub ports: (u16, u16),
    /// The protocol that the rule lets in.
    pub protocol: Protocol,
    /// The sources that may connect. There must be at least one.
    pub sources: Vec<Source>,
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

    /// Sets the protocol; TCP by default.
    #[must_use]
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    pub(crate) fn port_range(&self) -> String {
        if self.ports.0 == self.ports.1 {
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
        if self.ports.0 > self.ports.1 || self.ports.0 == 0 {
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
        let reaches_ssh = self.protocol == Protocol::Tcp && (self.ports.0..=self.ports.1).contains(&22);
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
}

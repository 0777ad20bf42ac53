//! A plan as a person reads it: what is created and what is there already, in lines that fit a page.

use super::plan::ProvisionPlan;
use crate::resource::ResourceId;
use crate::spec::{GroupChoice, NetworkChoice, Switch, VmSpec};

/// How wide a page is.
const PAGE: usize = 80;

/// What machines share, or what one has of that by itself: the group, the network, and who is let in.
pub(super) fn shared(plan: &ProvisionPlan) -> Vec<String> {
    let spec = &plan.spec;
    let mut lines = vec![match &spec.group {
        GroupChoice::Create(name) => format!("  + resource group {name}, unless it exists"),
        GroupChoice::Existing(name) => format!("    resource group {name} (exists)"),
    }];
    match &spec.security_group {
        Some(group) => lines.push(format!("    network security group {} (exists)", group.name())),
        None if spec.rules.is_empty() => {
            lines.push(format!("  + network security group {}: nobody is let in", plan.names.security_group));
        }
        None => {
            lines.push(format!("  + network security group {}, which lets in", plan.names.security_group));
            lines.extend(spec.rules.iter().map(|rule| format!("      {rule}")));
        }
    }
    lines.push(match &spec.network {
        NetworkChoice::Create { space, subnet, .. } => {
            format!("  + network {} {space}, subnet {subnet}", plan.names.network)
        }
        NetworkChoice::Existing(subnet) => format!("    {} (exists)", subnet_in_words(subnet)),
    });
    if let (NetworkChoice::Create { .. }, Some(ipv6)) = (&spec.network, &spec.ipv6) {
        lines.push(format!("    and {}, {}", ipv6.space, ipv6.subnet));
    }
    lines
}

/// What is one machine's alone.
pub(super) fn own(plan: &ProvisionPlan) -> Vec<String> {
    let (spec, names) = (&plan.spec, &plan.names);
    let mut lines = Vec::new();
    if spec.public_ip {
        let label = spec.dns_label.as_ref().map(|label| format!(", {label}.{}.…", spec.location)).unwrap_or_default();
        lines.push(format!("  + public address {} (Standard, static{label})", names.public_ip));
    }
    if spec.has_public_ipv6() {
        lines.push(format!("  + public IPv6 address {} (Standard, static)", names.public_ipv6));
    }
    lines.push(format!("  + network interface {}", names.interface));
    let placements: Vec<String> = plan.placements.iter().map(ToString::to_string).collect();
    lines.push(format!("  + virtual machine {}: {}", spec.name, placements.join(", else ")));
    lines.extend(options(spec).into_iter().map(|option| format!("    {option}")));
    let disks = spec.data_disks.iter().enumerate();
    lines.extend(disks.map(|(position, disk)| format!("    data disk {}: {disk}", disk.lun_at(position))));
    if spec.agent.is_some() {
        lines.push("    then wait for its agent".to_owned());
    }
    lines
}

/// Lines of which none is wider than a page, unless one word is. What is broken off stands below, further in.
pub(super) fn page(lines: &[String]) -> String {
    let mut page = Vec::new();
    for line in lines {
        let indent = line.chars().take_while(|character| *character == ' ').count();
        let mut present = " ".repeat(indent);
        let mut is_empty = true;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            if !is_empty && present.chars().count() + 1 + word.chars().count() > PAGE {
                page.push(std::mem::replace(&mut present, " ".repeat(indent + 4)));
                is_empty = true;
            }
            if !is_empty {
                present.push(' ');
            }
            present.push_str(word);
            is_empty = false;
        }
        page.push(present);
    }
    page.join("\n")
}

/// A subnet that exists, by the names of its network and its group.
fn subnet_in_words(subnet: &ResourceId) -> String {
    let (network, group) = (subnet.after("virtualNetworks").unwrap_or_default(), subnet.group().unwrap_or_default());
    format!("subnet {network}/{} in {group}", subnet.name())
}

/// What was asked for beyond size and image, one thing a line.
fn options(spec: &VmSpec) -> Vec<String> {
    let switched = |name: &str, switch: Switch| match switch {
        Switch::Auto => None,
        Switch::On => Some(format!("{name}: on")),
        Switch::Off => Some(format!("{name}: off")),
    };
    let mut options: Vec<String> = spec.spot.iter().map(ToString::to_string).collect();
    if spec.windows.is_some() {
        options.push(format!("Windows, computer name {}: the password is made and sealed", spec.computer_name()));
    }
    options.extend(switched("Trusted Launch", spec.trusted_launch));
    options.extend(switched("accelerated networking", spec.accelerated_networking));
    options.extend(spec.identities.iter().map(|id| format!("identity {} (exists)", id.name())));
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_wide_is_broken_between_words() {
        let line = format!("  + {} {} {}", "a".repeat(40), "b".repeat(40), "c".repeat(90));
        let shown = page(&[line, "short".to_owned()]);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 4, "{shown}");
        assert_eq!(lines[1], format!("      {}", "b".repeat(40)));
        assert_eq!(lines[2], format!("      {}", "c".repeat(90)), "a word is never broken");
        assert_eq!(lines[3], "short");
    }
}

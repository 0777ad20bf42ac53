//! Rules of network security groups.

use serde_json::{Value, json};

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::same;
use crate::model::arm::kind::ResourceKind;

/// Refuses a rule with an impossible field, or one that conflicts with an earlier one.
pub(crate) fn check(name: &str, rule: &Value, others: &[Value]) -> OrRefusal<()> {
    let text = |field: &str| rule.pointer(&format!("/properties/{field}")).and_then(Value::as_str);
    let priority = rule.pointer("/properties/priority").and_then(Value::as_i64).unwrap_or_default();
    if !(100..=4096).contains(&priority) {
        return Err(Refusal::new(
            400,
            "SecurityRuleInvalidPriority",
            format!("Security rule has invalid Priority. Value provided: {priority} Allowed range 100-4096."),
        ));
    }
    for (field, allowed) in [
        ("direction", &["Inbound", "Outbound"][..]),
        ("access", &["Allow", "Deny"][..]),
        ("protocol", &["*", "Tcp", "Udp", "Icmp", "Esp", "Ah"][..]),
    ] {
        let value = text(field).unwrap_or_default();
        if !allowed.iter().any(|one| same(one, value)) {
            return Err(Refusal::new(
                400,
                "SecurityRuleParameterContainsUnsupportedValue",
                format!("Security rule parameter {field} for rule {name} has unsupported value {value}."),
            ));
        }
    }
    for field in ["sourcePortRange", "destinationPortRange"] {
        for port in one_or_many(rule, field) {
            check_port(port)?;
        }
    }
    check_portless(name, rule, text("protocol").unwrap_or_default())?;
    for field in ["sourceAddressPrefix", "destinationAddressPrefix"] {
        check_families(name, rule, field)?;
        if one_or_many(rule, field).next().is_none() {
            return Err(Refusal::new(
                400,
                "SecurityRuleParameterMissing",
                format!("Security rule {name} needs {field} or {field}es."),
            ));
        }
    }
    let clash = others.iter().find(|other| {
        other.pointer("/properties/priority").and_then(Value::as_i64) == Some(priority)
            && other
                .pointer("/properties/direction")
                .and_then(Value::as_str)
                .is_some_and(|direction| same(direction, text("direction").unwrap_or_default()))
    });
    match clash.and_then(|other| other.get("name")?.as_str()) {
        None => Ok(()),
        Some(other) => Err(Refusal::new(
            400,
            "SecurityRuleConflict",
            format!(
                "Security rule {other} conflicts with rule {name}. Rules cannot have the same Priority and Direction."
            ),
        )),
    }
}

/// The values of a field that may be one text or, in the plural, a list.
fn one_or_many<'a>(rule: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    let one = rule.pointer(&format!("/properties/{field}")).and_then(Value::as_str);
    let plural = if field.ends_with("Prefix") { format!("{field}es") } else { format!("{field}s") };
    let many = rule.pointer(&format!("/properties/{plural}")).and_then(Value::as_array);
    one.into_iter().filter(|text| !text.is_empty()).chain(many.into_iter().flatten().filter_map(Value::as_str))
}

fn check_port(text: &str) -> OrRefusal<()> {
    let port = |text: &str| text.parse::<u16>().ok();
    let sound = text == "*"
        || match text.split_once('-') {
            Some((first, last)) => port(first).zip(port(last)).is_some_and(|(first, last)| first <= last),
            None => port(text).is_some(),
        };
    if sound {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "SecurityRuleInvalidPortRange",
        format!(
            "Security rule has invalid Port range. Value provided: {text}. Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535."
        ),
    ))
}

/// ICMP, ESP and AH have no ports, so a rule about one of them names all.
fn check_portless(name: &str, rule: &Value, protocol: &str) -> OrRefusal<()> {
    let has_ports = !["Icmp", "Esp", "Ah"].iter().any(|one| same(one, protocol));
    let fields = ["sourcePortRange", "destinationPortRange"];
    if has_ports || fields.into_iter().all(|field| one_or_many(rule, field).all(|port| port == "*")) {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "SecurityRuleInvalidPortRange",
        format!("Security rule {name} has invalid Port range. Protocol {protocol} takes '*' only."),
    ))
}

/// Prefixes of one field are all of IPv4, or all of IPv6.
fn check_families(name: &str, rule: &Value, field: &str) -> OrRefusal<()> {
    let mut families =
        one_or_many(rule, field).filter(|prefix| prefix.contains('/')).map(|prefix| prefix.contains(':'));
    let first = families.next();
    if families.all(|family| Some(family) == first) {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "SecurityRuleParameterContainsUnsupportedValue",
        format!("Security rule {name} has {field} of IPv4 and of IPv6. All prefixes of a rule are of one family."),
    ))
}

/// The rules that every group has.
pub(crate) fn defaults(group: &str) -> Value {
    let rule = |name: &str, priority: u32, access: &str, direction: &str, source: &str, destination: &str| {
        json!({
            "name": name,
            "id": format!("{group}/defaultSecurityRules/{name}"),
            "type": format!("{}/defaultSecurityRules", ResourceKind::SecurityGroup.full()),
            "properties": {
                "provisioningState": "Succeeded", "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
                "sourceAddressPrefix": source, "destinationAddressPrefix": destination,
                "access": access, "priority": priority, "direction": direction,
            },
        })
    };
    json!([
        rule("AllowVnetInBound", 65000, "Allow", "Inbound", "VirtualNetwork", "VirtualNetwork"),
        rule("AllowAzureLoadBalancerInBound", 65001, "Allow", "Inbound", "AzureLoadBalancer", "*"),
        rule("DenyAllInBound", 65500, "Deny", "Inbound", "*", "*"),
        rule("AllowVnetOutBound", 65000, "Allow", "Outbound", "VirtualNetwork", "VirtualNetwork"),
        rule("AllowInternetOutBound", 65001, "Allow", "Outbound", "*", "Internet"),
        rule("DenyAllOutBound", 65500, "Deny", "Outbound", "*", "*"),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(priority: i64, port: &str) -> Value {
        json!({"name": "ssh", "properties": {
            "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
            "sourcePortRange": "*", "destinationPortRange": port,
            "sourceAddressPrefix": "203.0.113.0/24", "destinationAddressPrefix": "*",
        }})
    }

    #[test]
    fn a_sound_rule_passes() {
        assert!(check("ssh", &rule(100, "22"), &[]).is_ok());
        assert!(check("ssh", &rule(4096, "22-80"), &[rule(100, "22")]).is_ok());
    }

    #[test]
    fn impossible_rules_are_refused_each_with_its_code() {
        let code = |rule: Value, others: &[Value]| check("x", &rule, others).unwrap_err().code;
        assert_eq!(code(rule(99, "22"), &[]), "SecurityRuleInvalidPriority");
        assert_eq!(code(rule(100, "70000"), &[]), "SecurityRuleInvalidPortRange");
        assert_eq!(code(rule(100, "80-22"), &[]), "SecurityRuleInvalidPortRange");
        assert_eq!(code(rule(100, "22"), &[rule(100, "80")]), "SecurityRuleConflict");
        let mut odd = rule(100, "22");
        odd["properties"]["protocol"] = json!("Smoke");
        assert_eq!(code(odd, &[]), "SecurityRuleParameterContainsUnsupportedValue");
        let mut ping = rule(100, "22");
        ping["properties"]["protocol"] = json!("Icmp");
        assert_eq!(code(ping.clone(), &[]), "SecurityRuleInvalidPortRange");
        ping["properties"]["destinationPortRange"] = json!("*");
        assert!(check("x", &ping, &[]).is_ok());
        let mut mixed = rule(100, "22");
        mixed["properties"]["sourceAddressPrefixes"] = json!(["203.0.113.0/24", "2001:db8::/32"]);
        assert_eq!(code(mixed, &[]), "SecurityRuleParameterContainsUnsupportedValue");
    }
}

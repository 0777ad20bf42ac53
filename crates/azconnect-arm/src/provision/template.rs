//! The writes of a plan as a template, for the service's own check. Nothing is deployed by it.

use azconnect_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::body::{self, Ids};
use super::credential::Access;
use super::machine_body::{MachineBody, MachineInput, Security};
use super::plan::ProvisionPlan;
use crate::password;
use crate::resource::compute::VirtualMachines;
use crate::resource::network::{NetworkInterfaces, NetworkSecurityGroups, PublicIps, VirtualNetworks};
use crate::resource::{Kind, RESOURCES_API};

const GROUP_SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
const SUBSCRIPTION_SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#";

/// What a template writes: what machines share, and each of them. One machine by itself shares with nobody.
pub(crate) struct Writes<'a> {
    pub(crate) shared: &'a ProvisionPlan,
    pub(crate) machines: &'a [ProvisionPlan],
    /// Which of their placements the machines are at.
    pub(crate) at: usize,
    pub(crate) public_key: &'a str,
}

/// The writes as a template for their group. What an agent's extension would run is not in it: it may hold a secret, and no
/// policy reads it.
pub(crate) fn group_template(writes: &Writes<'_>) -> Result<Value, Error> {
    let shared = writes.shared;
    let ids = Ids::of(shared)?;
    let names = &shared.names;
    let (mut resources, mut before) = (Vec::new(), Vec::new());
    // What exists already is no part of the template, and nothing in a template waits for it.
    if shared.spec.security_group.is_none() {
        resources.push(resource::<NetworkSecurityGroups>(&names.security_group, &[], body::security_group(shared)));
        before.push(ids.security_group.to_string());
    }
    if let Some(network) = body::network(shared) {
        resources.push(resource::<VirtualNetworks>(&names.network, &[], network));
        before.extend(ids.subnet.as_str().split_once("/subnets/").map(|(network, _)| network.to_owned()));
    }
    for plan in writes.machines {
        resources.extend(of_machine(plan, writes, before.clone())?);
    }
    Ok(template(GROUP_SCHEMA, resources))
}

/// What is one machine's alone. It waits for what is shared.
fn of_machine(plan: &ProvisionPlan, writes: &Writes<'_>, mut before: Vec<String>) -> Result<Vec<Value>, Error> {
    let (ids, at) = (Ids::of(plan)?, writes.at);
    let names = &plan.names;
    let mut resources = Vec::new();
    if let Some(address) = &ids.public_ip {
        resources.push(resource::<PublicIps>(&names.public_ip, &[], body::public_ip(plan)));
        before.push(address.to_string());
    }
    if let Some(address) = &ids.public_ipv6 {
        resources.push(resource::<PublicIps>(&names.public_ipv6, &[], body::public_ipv6(plan)));
        before.push(address.to_string());
    }
    resources.push(resource::<NetworkInterfaces>(
        &names.interface,
        &before,
        body::interface(plan, &ids, plan.placements.get(at)),
    ));
    if let Some(placement) = plan.placements.get(at) {
        let security = match Security::of(&plan.spec, placement) {
            // Not every subscription may say so, and the provisioning leaves it out where it may not.
            Security::Standard => Security::Unsaid,
            said => said,
        };
        // A password that is made for this question opens nothing: the machine gets another.
        let access = match plan.spec.windows {
            Some(_) => Access::Password(password::generate(&plan.spec.admin)?),
            None => Access::PublicKey(writes.public_key.to_owned()),
        };
        let machine = MachineBody::new(plan, &ids, &MachineInput { placement, at, access: &access, security })?;
        let machine = serde_json::to_value(&machine)
            .map_err(|_| Error::new(ErrorKind::Unexpected, "the machine's body cannot be written"))?;
        let interface = [ids.interface.to_string()];
        resources.push(resource::<VirtualMachines>(&plan.spec.name, &interface, machine));
    }
    Ok(resources)
}

/// The same with the group, as a template for the subscription, where the group does not exist yet.
pub(crate) fn subscription_template(writes: &Writes<'_>) -> Result<Value, Error> {
    let plan = writes.shared;
    let group = plan.spec.group.name().as_str();
    let mut of_group = object(literal(body::group(plan)));
    of_group.insert("type".to_owned(), json!("Microsoft.Resources/resourceGroups"));
    of_group.insert("apiVersion".to_owned(), json!(RESOURCES_API));
    of_group.insert("name".to_owned(), json!(group));
    let id = format!("/subscriptions/{}/resourceGroups/{group}", plan.subscription);
    let within = json!({
        "type": "Microsoft.Resources/deployments",
        "apiVersion": RESOURCES_API,
        // Not named as the machine is: a deployment's name has at most 64 characters.
        "name": "azconnect-preflight",
        "resourceGroup": group,
        "dependsOn": [id],
        "properties": {
            "mode": "Incremental",
            // Evaluated once, within: else a doubled bracket would be taken for an expression the second time.
            "expressionEvaluationOptions": {"scope": "inner"},
            "template": group_template(writes)?,
        },
    });
    Ok(template(SUBSCRIPTION_SCHEMA, vec![Value::Object(of_group), within]))
}

fn template(schema: &str, resources: Vec<Value>) -> Value {
    json!({"$schema": schema, "contentVersion": "1.0.0.0", "resources": resources})
}

fn resource<K: Kind>(name: &str, depends: &[String], body: Value) -> Value {
    let mut resource = object(literal(body));
    resource.insert("type".to_owned(), json!(K::TYPE));
    resource.insert("apiVersion".to_owned(), json!(K::API));
    resource.insert("name".to_owned(), json!(name));
    resource.insert("dependsOn".to_owned(), json!(depends));
    Value::Object(resource)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The same value for a template, in which a text in brackets is an expression unless the first bracket is doubled.
fn literal(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with('[') && text.ends_with(']') => Value::String(format!("[{text}")),
        Value::Array(items) => items.into_iter().map(literal).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, literal(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::ResourceGroupName;

    use super::*;
    use crate::provision::{FleetPlan, ProvisionId};
    use crate::resource::ResourceId;
    use crate::spec::{FleetSpec, GroupChoice, NetworkChoice, VmSpec};

    fn plan() -> ProvisionPlan {
        let group = GroupChoice::Create(ResourceGroupName::new("rg-web").unwrap());
        let spec = VmSpec::new("web", "westeurope", "Standard_B2s", "Ubuntu2404".parse().unwrap(), group).unwrap();
        let spec = spec.with_tag("owner", "[parameters('x')]").with_tag("team", "[blue");
        let subscription = "20000000-0000-4000-8000-000000000001".parse().unwrap();
        ProvisionPlan::new(ProvisionId::new("web").unwrap(), subscription, spec).unwrap()
    }

    fn alone(plan: &ProvisionPlan) -> Writes<'_> {
        Writes { shared: plan, machines: std::slice::from_ref(plan), at: 0, public_key: "ssh-ed25519 AAAA" }
    }

    /// *Understand the structure and syntax of ARM templates*: a leading bracket is doubled to mean itself.
    #[test]
    fn what_looks_like_an_expression_is_sent_as_a_text() {
        let template = group_template(&alone(&plan())).unwrap();
        let tags = &template["resources"][0]["tags"];
        assert_eq!((&tags["owner"], &tags["team"]), (&json!("[[parameters('x')]"), &json!("[blue")));
    }

    /// A template that waits for what it does not hold is refused as a whole.
    #[test]
    fn nothing_waits_for_what_exists_already() {
        let mut plan = plan();
        let group = "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/rg-hub/providers";
        let of_hub = |rest: &str| format!("{group}/Microsoft.Network/{rest}").parse::<ResourceId>().unwrap();
        plan.spec.security_group = Some(of_hub("networkSecurityGroups/shared"));
        plan.spec.network = NetworkChoice::Existing(of_hub("virtualNetworks/hub/subnets/machines"));
        let template = group_template(&alone(&plan)).unwrap();
        assert_eq!(template["resources"].as_array().unwrap().len(), 3);
        let waits: Vec<_> =
            template["resources"].as_array().unwrap().iter().map(|one| one["dependsOn"].to_string()).collect();
        assert!(waits.iter().all(|waits| !waits.contains("rg-hub")), "{waits:?}");
    }

    /// Every machine waits for the one network and the one security group, and each has an interface and an address of its own.
    #[test]
    fn machines_of_a_fleet_share_one_network_in_the_template() {
        let alone = plan();
        let fleet = FleetPlan::new(alone.id, alone.subscription, FleetSpec::of(&alone.spec, 3)).unwrap();
        let writes =
            Writes { shared: &fleet.foundation, machines: &fleet.machines, at: 0, public_key: "ssh-ed25519 AAAA" };
        let template = group_template(&writes).unwrap();
        let resources = template["resources"].as_array().unwrap();
        let of = |kind: &str| resources.iter().filter(|one| one["type"].as_str().unwrap().ends_with(kind)).count();
        let counts =
            ["networkSecurityGroups", "virtualNetworks", "publicIPAddresses", "networkInterfaces", "virtualMachines"];
        assert_eq!(counts.map(of), [1, 1, 3, 3, 3]);
        let interfaces = resources.iter().filter(|one| one["type"].as_str().unwrap().ends_with("/networkInterfaces"));
        assert!(interfaces.into_iter().all(|one| one["dependsOn"].as_array().unwrap().len() == 3), "{template}");
    }

    // The service refuses a deployment whose name has more than 64 characters.
    #[test]
    fn a_long_name_of_a_machine_is_no_longer_name_of_a_deployment() {
        let mut plan = plan();
        plan.spec.name = "m".repeat(64);
        let plan = ProvisionPlan::new(plan.id, plan.subscription, plan.spec).unwrap();
        let template = subscription_template(&alone(&plan)).unwrap();
        let name = template["resources"][1]["name"].as_str().unwrap();
        assert!((1..=64).contains(&name.len()), "{name}");
    }

    #[test]
    fn the_group_comes_first_and_the_machine_last() {
        let template = subscription_template(&alone(&plan())).unwrap();
        let (group, within) = (&template["resources"][0], &template["resources"][1]);
        assert_eq!(group["name"], within["resourceGroup"]);
        let kinds: Vec<_> = within["properties"]["template"]["resources"].as_array().unwrap().iter().collect();
        assert_eq!(kinds.last().unwrap()["type"], "Microsoft.Compute/virtualMachines");
        assert_eq!(kinds.len(), 5);
    }
}

//! What a web page or a log shows keeps its names.

use azconnect_arm::port::{MachineStatus, MachineSummary};
use azconnect_arm::provision::{Placement, ProvisionFailure, ProvisionProgress, StepProgress, StepStatus};
use azconnect_arm::resource::sku::Sku;
use azconnect_arm::resource::subscription::Location;
use azconnect_arm::{Assigned, Assignment, Phase, Power, ProvisionId, Provisioned, ResourceId, Role, Step};
use azconnect_core::{Diagnosis, ErrorKind};
use serde_json::{Value, json, to_value};

const MACHINE: &str = "/subscriptions/20000000-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web";

fn machine() -> ResourceId {
    MACHINE.parse().unwrap()
}

#[test]
fn sizes_and_locations_are_written_with_the_names_of_their_fields() {
    let sku: Sku = serde_json::from_value(json!({
        "resourceType": "virtualMachines",
        "name": "Standard_B2s",
        "restrictions": [{"type": "Location", "reasonCode": "QuotaId", "restrictionInfo": {"zones": ["1"]}}]
    }))
    .unwrap();
    let written = to_value(&sku).unwrap();
    assert_eq!(written["resource_type"], "virtualMachines");
    assert_eq!(written["restrictions"][0]["kind"], "Location");
    assert_eq!(written["restrictions"][0]["restriction_info"]["zones"], json!(["1"]));
    let location: Location = serde_json::from_value(json!({
        "name": "westeurope",
        "displayName": "West Europe",
        "type": "Region",
        "metadata": {"regionType": "Physical", "geographyGroup": "Europe", "pairedRegion": [{"name": "northeurope"}]}
    }))
    .unwrap();
    let written = to_value(&location).unwrap();
    assert_eq!((&written["name"], &written["display_name"]), (&json!("westeurope"), &json!("West Europe")));
    assert_eq!((&written["kind"], &written["availability_zone_mappings"]), (&json!("Region"), &json!([])));
    assert_eq!(written["metadata"]["region_type"], "Physical");
    assert_eq!(written["metadata"]["geography_group"], "Europe");
    assert_eq!(written["metadata"]["paired_region"][0]["name"], "northeurope");
}

#[test]
fn machines_are_written_with_stable_names() {
    let summary = MachineSummary::new(machine(), "westeurope", "Standard_B2s").with_zone("1");
    assert_eq!(
        to_value(summary).unwrap(),
        json!({"id": MACHINE, "name": "web", "location": "westeurope", "size": "Standard_B2s", "zone": "1",
            "provision": null})
    );
    let status = MachineStatus::new(Power::Deallocated).with_provisioning_state("succeeded");
    assert_eq!(to_value(status).unwrap(), json!({"power": "deallocated", "provisioning_state": "succeeded"}));
}

#[test]
fn roles_are_written_with_stable_names() {
    let principal = "1272a66f-e2e8-4e88-ab43-487409186c3f".parse().unwrap();
    let assignment = Assignment::new(machine(), Role::READER, principal);
    assert_eq!(
        to_value(assignment).unwrap(),
        json!({"scope": MACHINE, "role": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            "principal": "1272a66f-e2e8-4e88-ab43-487409186c3f", "principal_type": "service_principal"})
    );
    assert_eq!(to_value(Assigned::Before).unwrap(), "before");
}

#[test]
fn progress_is_written_with_stable_names() {
    let id = ProvisionId::new("contoso/web").unwrap();
    let mut progress = ProvisionProgress::new(id.clone(), Phase::CleaningUp);
    progress.steps = vec![StepProgress::new(Step::PublicIp, StepStatus::Deleting)];
    progress.failure = Some(ProvisionFailure::new(Step::Machine, Diagnosis::new(ErrorKind::Unavailable, "no room")));
    let written = to_value(&progress).unwrap();
    assert_eq!(written["phase"], "cleaning_up");
    assert_eq!(written["steps"], json!([{"step": "public_ip", "status": "deleting"}]));
    assert_eq!(written["failure"]["step"], "machine");
    assert_eq!(written["failure"]["diagnosis"]["kind"], "unavailable");
    assert_eq!(written["failure"]["diagnosis"]["message"], "no room");
    assert_eq!(serde_json::from_value::<ProvisionProgress>(written).unwrap(), progress);
    let placement = Placement::new("Standard_B2s", None);
    let machine = Provisioned::new(id, machine(), "azureuser", "SHA256:x", placement);
    let names: Vec<String> = match to_value(machine).unwrap() {
        Value::Object(fields) => fields.keys().cloned().collect(),
        _ => Vec::new(),
    };
    assert_eq!(names, ["id", "machine", "address", "admin", "fingerprint", "placement", "warning"]);
}

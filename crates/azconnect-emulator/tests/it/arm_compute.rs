//! What Compute refuses of a machine's body.

use azconnect_emulator::arm::{AgentOutcome, AgentScript, ArmSettings};
use serde_json::{Value, json};

use crate::arm::{Azure, refused};
use crate::arm_machines::{compute, machine};
use crate::harness::Way;

/// A machine whose body differs from a good one in one place.
async fn differing(azure: &Azure, pointer: &str, member: &str, value: Value) -> crate::harness::Reply {
    let mut body = machine(azure);
    body.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert(member.to_owned(), value);
    azure.put(&compute("virtualMachines/vm"), &body).await
}

async fn a_member_that_the_service_does_not_know_is_refused(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    for (pointer, member) in [
        ("/properties", "evictionpolicies"),
        ("/properties/storageProfile/osDisk", "sizeGB"),
        ("/properties/osProfile/linuxConfiguration", "passwordAuthentication"),
        ("/properties/networkProfile/networkInterfaces/0/properties", "delete"),
    ] {
        let message = refused(differing(&azure, pointer, member, json!(true)).await, 400, "BadRequest");
        assert!(message.to_string().contains(member), "{message}");
    }
    refused(differing(&azure, "", "property", json!({})).await, 400, "InvalidRequestContent");
}

async fn disks_that_a_machine_cannot_have_are_refused(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let disk = |fields: Value| {
        let mut disk = json!({"lun": 0, "createOption": "Empty", "diskSizeGB": 4});
        disk.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        disk
    };
    let with = async |disks: Value| differing(&azure, "/properties/storageProfile", "dataDisks", disks).await;
    refused(with(json!([disk(json!({})), disk(json!({}))])).await, 400, "InvalidParameter");
    refused(with(json!([disk(json!({"caching": "Some"}))])).await, 400, "BadRequest");
    refused(with(json!([disk(json!({"deleteOption": "Keep"}))])).await, 400, "BadRequest");
    refused(with(json!([disk(json!({"diskSizeGB": 4096, "caching": "ReadOnly"}))])).await, 400, "InvalidParameter");
    let ultra = json!({"managedDisk": {"storageAccountType": "UltraSSD_LRS"}});
    refused(with(json!([disk(ultra)])).await, 400, "InvalidParameter");
    let many: Vec<Value> = (0..9).map(|lun| disk(json!({"lun": lun}))).collect();
    refused(with(json!(many)).await, 409, "OperationNotAllowed");
}

async fn spot_security_and_identities_that_do_not_agree_are_refused(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let with = async |member: &str, value: Value| differing(&azure, "/properties", member, value).await;
    let eviction = with("evictionPolicy", json!("Delete")).await;
    refused(eviction, 409, "EvictionPolicyCanBeSetOnlyOnAzureSpotVirtualMachines");
    let price = with("billingProfile", json!({"maxPrice": 1})).await;
    refused(price, 409, "MaxPriceIsSupportedOnlyForAzureSpotVirtualMachines");
    refused(with("priority", json!("Cheap")).await, 400, "BadRequest");
    refused(with("securityProfile", json!({"securityType": "Standard"})).await, 400, "InvalidParameter");
    let settings = json!({"uefiSettings": {"vTpmEnabled": true}});
    refused(with("securityProfile", settings).await, 400, "InvalidParameter");
    let identity = json!({"type": "UserAssigned"});
    refused(differing(&azure, "", "identity", identity).await, 400, "InvalidIdentity");

    let mut body = machine(&azure);
    let spot = json!({"priority": "Spot", "billingProfile": {"maxPrice": -2}});
    body["properties"].as_object_mut().unwrap().extend(spot.as_object().unwrap().clone());
    refused(azure.put(&compute("virtualMachines/vm"), &body).await, 400, "MaxPriceValueInvalid");
    body["properties"]["billingProfile"]["maxPrice"] = json!(-1);
    azure.make(&compute("virtualMachines/vm"), &body).await;
    let evicted = azure.ask("POST", &compute("virtualMachines/vm/simulateEviction")).send().await;
    evicted.expect(204);
    let view = azure.get(&compute("virtualMachines/vm/instanceView")).await.expect(200);
    assert!(view.to_string().contains("PowerState/deallocated"), "{view}");
}

async fn a_windows_machine_has_rules_of_its_own(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let mut body = machine(&azure);
    let image = json!({"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "sku": "2025-datacenter-g2", "version": "latest"});
    body["properties"]["storageProfile"]["imageReference"] = image;
    let path = compute("virtualMachines/vm");
    let linux = refused(azure.put(&path, &body).await, 400, "InvalidParameter");
    assert_eq!(linux["target"], "linuxConfiguration");
    let profile = |fields: Value| {
        let mut profile =
            json!({"computerName": "vm", "adminUsername": "azureuser", "adminPassword": "Correct-Horse-7"});
        profile.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        profile
    };
    let manual = json!({"enableAutomaticUpdates": true, "patchSettings": {"patchMode": "Manual"}});
    for (fields, target) in [
        (json!({"adminPassword": "Password22"}), "adminPassword"),
        (json!({"adminPassword": "onlylowercaseletters"}), "adminPassword"),
        (json!({"computerName": "a-name-of-sixteen"}), "computerName"),
        (json!({"windowsConfiguration": manual}), "patchMode"),
    ] {
        body["properties"]["osProfile"] = profile(fields);
        assert_eq!(refused(azure.put(&path, &body).await, 400, "InvalidParameter")["target"], target);
    }
    body["properties"]["osProfile"] = profile(json!({}));
    azure.make(&path, &body).await;
    let script = json!({"location": "westeurope", "properties": {
        "publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1",
        "protectedSettings": {"commandToExecute": "true"}
    }});
    refused(azure.put(&compute("virtualMachines/vm/extensions/script"), &script).await, 404, "ArtifactNotFound");
}

/// The guest runs a handler again only if its settings or its tag differ; else it reports what it reported before.
async fn an_extension_that_failed_runs_again_only_if_it_is_written_otherwise(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    let manager = azure.harness.emulator.resource_manager();
    manager.on_machines("vm", AgentScript::new(AgentOutcome::Fails(3)).with_output("no disk"));
    azure.make_network().await;
    let made = azure.make(&compute("virtualMachines/vm"), &machine(&azure)).await;
    let path = compute("virtualMachines/vm/extensions/agent");
    let mut body = json!({"location": "westeurope", "properties": {
        "publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1",
        "settings": {"commandToExecute": "install"}
    }});
    let ended = async |body: &Value| {
        let reply = azure.put(&path, body).await;
        azure.finish(&reply).await["error"]["code"].clone()
    };
    assert_eq!(ended(&body).await, "VMExtensionProvisioningError");
    manager.change_machine(made["id"].as_str().unwrap(), AgentScript::new(AgentOutcome::Succeeds));
    assert_eq!(ended(&body).await, "VMExtensionProvisioningError", "nothing ran");
    body["properties"]["forceUpdateTag"] = json!("2");
    assert_eq!(ended(&body).await, Value::Null);
    body["properties"]["forceUpdatesTag"] = json!("3");
    refused(azure.put(&path, &body).await, 400, "BadRequest");
}

mod ways {
    crate::both_ways! {
        a_member_that_the_service_does_not_know_is_refused
        spot_security_and_identities_that_do_not_agree_are_refused
        a_windows_machine_has_rules_of_its_own
        an_extension_that_failed_runs_again_only_if_it_is_written_otherwise
        disks_that_a_machine_cannot_have_are_refused
    }
}

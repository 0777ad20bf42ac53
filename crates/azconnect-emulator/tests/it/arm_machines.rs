//! Virtual machines: their life, their inside, and deployments of them.

use std::sync::Arc;
use std::time::Duration;

use azconnect_emulator::arm::{AgentOutcome, AgentScript, ArmSettings, CommandOutcome, Failure};
use azconnect_emulator::{Fault, FaultAction};
use base64::Engine;
use serde_json::{Value, json};

use crate::arm::{Azure, GROUP, network, public_ip, refused, virtual_network};
use crate::harness::{Reply, SUBSCRIPTION, Way};

pub(crate) fn compute(rest: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Compute/{rest}")
}

pub(crate) fn machine(azure: &Azure) -> Value {
    let user_data = base64::engine::general_purpose::STANDARD.encode("#!/bin/sh\ntouch /run/agent.ok\n");
    json!({"location": "westeurope", "tags": {"owner": "test"}, "properties": {
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "storageProfile": {
            "imageReference": {"publisher": "Canonical", "offer": "ubuntu-24_04-lts", "sku": "server", "version": "latest"},
            "osDisk": {"name": "vm-os", "createOption": "FromImage", "deleteOption": "Delete"},
        },
        "osProfile": {
            "computerName": "vm", "adminUsername": "azureuser", "customData": user_data,
            "linuxConfiguration": {"disablePasswordAuthentication": true, "ssh": {"publicKeys": [{
                "path": "/home/azureuser/.ssh/authorized_keys",
                "keyData": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2FJdmPVbGpZFm3W8Wg2nuxZKbDmYBTrVX9ovBWZ4fG me@home",
            }]}},
        },
        "networkProfile": {"networkInterfaces": [
            {"id": azure.id(&network("networkInterfaces/nic")), "properties": {"deleteOption": "Delete"}},
        ]},
    }})
}

async fn act(azure: &Azure, action: &str) -> Reply {
    azure.ask("POST", &compute(&format!("virtualMachines/vm/{action}"))).send().await
}

async fn power(azure: &Azure) -> String {
    let view = azure.get(&compute("virtualMachines/vm/instanceView")).await.expect(200);
    let statuses = view["statuses"].as_array().unwrap();
    let power = statuses.iter().find(|status| status["code"].as_str().unwrap().starts_with("PowerState/"));
    power.map_or(String::new(), |status| status["displayStatus"].as_str().unwrap().to_owned())
}

async fn a_machine_lives_and_takes_its_parts_with_it(way: Way) {
    let azure = Azure::new(way).await;
    azure.make_network().await;
    let path = compute("virtualMachines/vm");
    let reply = azure.put(&path, &machine(&azure)).await;
    assert_eq!((reply.status, reply.header("retry-after")), (201, "10"));
    let body = reply.json();
    assert_eq!(body["properties"]["provisioningState"], "Creating");
    assert!(body["properties"]["osProfile"].get("customData").is_none(), "never shown");
    assert_eq!(body["properties"]["storageProfile"]["imageReference"]["exactVersion"], "24.04.202510010");
    azure.harness.advance(42);
    let poll = azure.ask("GET", reply.header("azure-asyncoperation")).send().await;
    assert_eq!((poll.header("retry-after"), &poll.json()["status"]), ("30", &json!("InProgress")));
    azure.harness.advance(1);
    let done = azure.finish(&reply).await;
    assert_eq!(done["status"], "Succeeded");
    assert!(done["endTime"].is_string());
    assert_eq!(power(&azure).await, "VM running");

    assert_eq!(act(&azure, "deallocate").await.status, 202);
    refused(act(&azure, "start").await, 409, "Conflict");
    azure.harness.advance(51);
    assert_eq!(power(&azure).await, "VM deallocated");
    refused(act(&azure, "restart").await, 409, "OperationNotAllowed");
    let resize = json!({"properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v5"}}});
    let resized = azure.ask("PATCH", &path).json(&resize).send().await;
    assert_eq!((resized.status, &resized.json()["properties"]["provisioningState"]), (200, &json!("Updating")));
    azure.finish(&resized).await;
    let started = act(&azure, "start").await;
    let result = azure.ask("GET", started.header("location")).send().await;
    assert_eq!(result.status, 202);
    azure.finish(&started).await;
    assert_eq!(power(&azure).await, "VM running");
    let shown = azure.get(&path).await.expect(200);
    assert_eq!(shown["properties"]["hardwareProfile"]["vmSize"], "Standard_D4s_v5");

    refused(azure.delete(&network("networkInterfaces/nic")).await, 400, "NicInUse");
    refused(azure.delete(&compute("disks/vm-os")).await, 409, "OperationNotAllowed");
    let delete = azure.delete(&path).await;
    assert_eq!(azure.finish(&delete).await["status"], "Succeeded");
    for gone in [path, compute("disks/vm-os"), network("networkInterfaces/nic"), network("publicIPAddresses/pip")] {
        azure.get(&gone).await.expect(404);
    }
    let manager = azure.harness.emulator.resource_manager();
    let disk = manager.ledger().into_iter().find(|entry| entry.kind == "Microsoft.Compute/disks").unwrap();
    assert!(disk.created_with.unwrap().ends_with("/virtualMachines/vm") && disk.deleted_at.is_some());
}

async fn parts_stay_behind_by_default(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let mut body = machine(&azure);
    body["properties"]["storageProfile"]["osDisk"].as_object_mut().unwrap().remove("deleteOption");
    body["properties"]["networkProfile"]["networkInterfaces"][0].as_object_mut().unwrap().remove("properties");
    azure.make(&compute("virtualMachines/vm"), &body).await;
    azure.delete(&compute("virtualMachines/vm")).await.expect(202);
    azure.get(&compute("disks/vm-os")).await.expect(200);
    azure.get(&network("networkInterfaces/nic")).await.expect(200);
    let again = azure.put(&compute("virtualMachines/vm"), &body).await;
    refused(again, 409, "ConflictingUserInput");
}

async fn machines_that_cannot_be_are_refused(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let path = compute("virtualMachines/vm");
    let cases: [(&str, Value, u16, &str); 12] = [
        ("/properties/hardwareProfile/vmSize", json!("Standard_Nope"), 400, "InvalidParameter"),
        ("/properties/hardwareProfile/vmSize", json!("Standard_F2s_v2"), 409, "SkuNotAvailable"),
        ("/properties/hardwareProfile/vmSize", json!("Standard_D2ps_v5"), 400, "BadRequest"),
        ("/properties/hardwareProfile/vmSize", json!("Standard_A1_v2"), 400, "BadRequest"),
        ("/properties/storageProfile/imageReference/sku", json!("nope"), 404, "PlatformImageNotFound"),
        ("/properties/storageProfile/imageReference/version", json!("1.2.3"), 404, "PlatformImageNotFound"),
        ("/properties/osProfile/adminUsername", json!("admin"), 400, "InvalidParameter"),
        ("/properties/osProfile/customData", json!("not base64!"), 400, "InvalidParameter"),
        (
            "/properties/osProfile/linuxConfiguration/ssh/publicKeys/0/keyData",
            json!("ssh-rsa AAAA"),
            400,
            "InvalidParameter",
        ),
        ("/properties/osProfile/linuxConfiguration/ssh/publicKeys", json!([]), 400, "InvalidParameter"),
        ("/properties/networkProfile/networkInterfaces", json!([]), 400, "InvalidParameter"),
        ("/location", json!("eastus"), 400, "InvalidResourceReference"),
    ];
    for (pointer, value, status, code) in cases {
        let mut body = machine(&azure);
        *body.pointer_mut(pointer).unwrap() = value;
        let reply = azure.put(&path, &body).await;
        assert_eq!(reply.status, status, "{pointer}: {}", reply.text);
        refused(reply, status, code);
    }
    let manager = azure.harness.emulator.resource_manager();
    manager.set_quota(SUBSCRIPTION.parse().unwrap(), "westeurope", "standardDSv5Family", 1).unwrap();
    let error = refused(azure.put(&path, &machine(&azure)).await, 409, "OperationNotAllowed");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("standardDSv5Family Cores quota"), "{message}");
    assert!(
        message.contains("Location: westeurope, Current Limit: 1, Current Usage: 0, Additional Required: 2"),
        "{message}"
    );
    let mut market = machine(&azure);
    market["properties"]["storageProfile"]["imageReference"] =
        json!({"publisher": "kali-linux", "offer": "kali", "sku": "kali-2025-2", "version": "latest"});
    refused(azure.put(&path, &market).await, 400, "VMMarketplaceInvalidInput");
    market["plan"] = json!({"publisher": "kali-linux", "product": "kali", "name": "kali-2024-1"});
    refused(azure.put(&path, &market).await, 400, "VMMarketplaceInvalidInput");
    let mut unsold = machine(&azure);
    unsold["plan"] = market["plan"].clone();
    refused(azure.put(&path, &unsold).await, 400, "VMMarketplaceInvalidInput");
    market["plan"]["name"] = json!("kali-2025-2");
    refused(azure.put(&path, &market).await, 400, "MarketplacePurchaseEligibilityFailed");
    manager.accept_terms(SUBSCRIPTION.parse().unwrap(), "kali-linux", "kali", "kali-2025-2");
    refused(azure.put(&path, &market).await, 409, "OperationNotAllowed");
    azure.get(&path).await.expect(404);
}

async fn what_is_fixed_at_creation_stays_so(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    let path = compute("virtualMachines/vm");
    azure.make(&path, &machine(&azure)).await;
    azure.put(&path, &machine(&azure)).await.expect(200);
    azure.get(&path).await.expect(200);
    let mut other = machine(&azure);
    other["properties"]["osProfile"]["customData"] = json!("AAAA");
    let error = refused(azure.put(&path, &other).await, 409, "PropertyChangeNotAllowed");
    assert_eq!(error["target"], "osProfile.customData");
    let tags = azure.ask("PATCH", &path).json(&json!({"tags": {"a": "b"}})).send().await.expect(200);
    assert_eq!(tags["tags"], json!({"a": "b"}));
}

async fn a_failed_creation_keeps_its_interfaces(way: Way) {
    let azure = Azure::new(way).await;
    azure.make_network().await;
    let failure = Failure::new("AllocationFailed").in_operation().with_time(Duration::from_secs(20));
    azure
        .harness
        .emulator
        .faults()
        .add(Fault::new(FaultAction::Fail(failure)).with_method("PUT").with_path("/virtualMachines/vm"));
    let path = compute("virtualMachines/vm");
    let reply = azure.put(&path, &machine(&azure)).await;
    assert_eq!(reply.status, 201);
    let status = azure.finish(&reply).await;
    assert_eq!((&status["status"], &status["error"]["code"]), (&json!("Failed"), &json!("AllocationFailed")));
    assert_eq!(azure.get(&path).await.expect(200)["properties"]["provisioningState"], "Failed");
    let mut other = machine(&azure);
    other["properties"]["storageProfile"]["osDisk"]["name"] = json!("other-os");
    let rival = azure.put(&compute("virtualMachines/other"), &other).await;
    refused(rival, 400, "NicInUse");
    // Without its interface going with it, the machine leaves it reserved.
    let keep = json!({"properties": {"networkProfile": {"networkInterfaces": [{"id": azure.id(&network("networkInterfaces/nic"))}]}}});
    let kept = azure.ask("PATCH", &path).json(&keep).send().await;
    azure.finish(&kept).await;
    let reply = azure.delete(&path).await;
    azure.finish(&reply).await;
    let error = refused(azure.delete(&network("networkInterfaces/nic")).await, 400, "NicReservedForAnotherVm");
    assert!(error["message"].as_str().unwrap().contains("for 180 seconds"));
    azure.harness.advance(180);
    assert_eq!(azure.delete(&network("networkInterfaces/nic")).await.status, 202);
}

async fn a_failed_creation_is_tried_again_by_the_same_request(way: Way) {
    let azure = Azure::new(way).await;
    azure.make_network().await;
    let failure = Failure::new("InternalExecutionError").in_operation();
    azure
        .harness
        .emulator
        .faults()
        .add(Fault::new(FaultAction::Fail(failure)).with_method("PUT").with_path("/virtualMachines/vm"));
    let path = compute("virtualMachines/vm");
    let reply = azure.put(&path, &machine(&azure)).await;
    assert_eq!(azure.finish(&reply).await["status"], "Failed");
    assert_eq!(power(&azure).await, "");
    let again = azure.put(&path, &machine(&azure)).await;
    assert_eq!(again.status, 200);
    assert_eq!(azure.finish(&again).await["status"], "Succeeded");
    assert_eq!(power(&azure).await, "VM running");
    let ledger = azure.harness.emulator.resource_manager().ledger();
    assert_eq!(ledger.iter().filter(|entry| entry.kind == "Microsoft.Compute/disks").count(), 1);
    let tagged = azure
        .get(&format!("{SUBSCRIPTION}/resources?$filter=tagName%20eq%20'owner'%20and%20tagValue%20eq%20'test'"))
        .await;
    let tagged = tagged.expect(200);
    assert_eq!((tagged["value"].as_array().unwrap().len(), &tagged["value"][0]["name"]), (1, &json!("vm")));
}

async fn a_machine_that_was_slow_to_report_runs_all_the_same(way: Way) {
    let azure = Azure::new(way).await;
    azure.make_network().await;
    let failure = Failure::new("OSProvisioningTimedOut").in_operation();
    let fault = Fault::new(FaultAction::Fail(failure)).with_method("PUT").with_path("/virtualMachines/vm");
    azure.harness.emulator.faults().add(fault);
    let reply = azure.put(&compute("virtualMachines/vm"), &machine(&azure)).await;
    assert_eq!(azure.finish(&reply).await["status"], "Failed");
    assert_eq!(power(&azure).await, "VM running");
    assert_eq!(run(&azure, "a", "cloud-init status").await["output"], "status: done\n");
}

async fn a_deletion_overtakes_a_creation(way: Way) {
    let azure = Azure::new(way).await;
    azure.make_network().await;
    let path = compute("virtualMachines/vm");
    let created = azure.put(&path, &machine(&azure)).await;
    let deleted = azure.delete(&path).await;
    assert_eq!(azure.finish(&created).await["error"]["code"], "OperationPreempted");
    assert_eq!(azure.finish(&deleted).await["status"], "Succeeded");
    azure.get(&path).await.expect(404);
    azure.get(&compute("disks/vm-os")).await.expect(404);
}

async fn run(azure: &Azure, name: &str, script: &str) -> Value {
    let path = compute(&format!("virtualMachines/vm/runCommands/{name}"));
    let body = json!({"location": "westeurope", "properties": {"source": {"script": script}, "timeoutInSeconds": 120}});
    let reply = azure.put(&path, &body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    azure.finish(&reply).await;
    azure.get(&format!("{path}?$expand=instanceView")).await.expect(200)["properties"]["instanceView"].clone()
}

async fn commands_see_the_inside_of_a_machine(way: Way) {
    let azure = Azure::new(way).await;
    let manager = azure.harness.emulator.resource_manager();
    let script = AgentScript::default().with_boot(Duration::from_secs(20)).with_run(Duration::from_secs(30));
    manager.on_machines("vm", script);
    azure.make_network().await;
    azure.make(&compute("virtualMachines/vm"), &machine(&azure)).await;
    let marker = "test -f /run/agent.ok && echo online";
    let early = run(&azure, "a", &format!("cloud-init status; {marker}")).await;
    assert_eq!((&early["executionState"], &early["exitCode"]), (&json!("Failed"), &json!(1)));
    assert_eq!(early["output"], "status: running\n", "the guest agent answers 20 s after the start");
    let waited = run(&azure, "b", &format!("cloud-init status --wait\n{marker}")).await;
    assert_eq!((&waited["executionState"], &waited["output"]), (&json!("Succeeded"), &json!("status: done\nonline\n")));
    let data = manager.user_data(&azure.id(&compute("virtualMachines/vm"))).unwrap();
    assert_eq!(data, b"#!/bin/sh\ntouch /run/agent.ok\n");
}

async fn a_failing_script_and_one_that_never_ends_are_told(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    let manager = azure.harness.emulator.resource_manager();
    manager.on_machines("vm", AgentScript::new(AgentOutcome::Fails(100)).with_output("E: no such package\n"));
    azure.make_network().await;
    azure.make(&compute("virtualMachines/vm"), &machine(&azure)).await;
    let status = run(&azure, "a", "cloud-init status --long\ntail -n 20 /var/log/cloud-init-output.log").await;
    let output = status["output"].as_str().unwrap();
    assert!(output.starts_with("status: error\n") && output.ends_with("E: no such package\n"), "{output}");
    let extension = compute("virtualMachines/vm/extensions/agent");
    let body = |public: Value, protected: Value| {
        json!({"location": "westeurope", "properties": {
            "publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1",
            "settings": public, "protectedSettings": protected,
        }})
    };
    let reply = azure.put(&extension, &body(json!({}), json!({"commandToExecute": "sh -c x"}))).await;
    assert_eq!(reply.status, 201);
    assert!(reply.json()["properties"].get("protectedSettings").is_none(), "never shown");
    let ended = azure.finish(&reply).await;
    assert_eq!(ended["error"]["code"], "VMExtensionProvisioningError");
    assert!(ended["error"]["message"].as_str().unwrap().contains("exit status=100"));
    let second = compute("virtualMachines/vm/extensions/second");
    refused(azure.put(&second, &body(json!({}), json!({"commandToExecute": "x"}))).await, 400, "BadRequest");
    let both = body(json!({"commandToExecute": "x"}), json!({"commandToExecute": "x"}));
    let reply = azure.put(&extension, &both).await;
    let error = azure.finish(&reply).await["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("both in public and protected"));

    azure.delete(&compute("virtualMachines/vm")).await.expect(202);
    let never = AgentScript::new(AgentOutcome::Never).with_responder(Arc::new(|run| {
        run.script.starts_with("probe").then(|| CommandOutcome::new(0, format!("finished: {}", run.finished)))
    }));
    manager.on_machines("vm", never);
    azure.put(&network("publicIPAddresses/pip"), &public_ip()).await.expect(201);
    azure.put(&network("networkInterfaces/nic"), &crate::arm::interface(&azure)).await.expect(201);
    azure.make(&compute("virtualMachines/vm"), &machine(&azure)).await;
    assert_eq!(run(&azure, "p", "probe").await["output"], "finished: false");
    let late = run(&azure, "w", "cloud-init status --wait").await;
    assert_eq!(late["executionState"], "TimedOut");
}

async fn a_command_need_not_be_waited_for_and_may_be_strict(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    let script = AgentScript::default().with_run(Duration::from_secs(30));
    azure.harness.emulator.resource_manager().on_machines("vm", script);
    azure.make_network().await;
    azure.make(&compute("virtualMachines/vm"), &machine(&azure)).await;
    let send = async |name: &str, script: &str, field: &str| {
        let mut body = json!({"location": "westeurope", "properties": {"source": {"script": script}}});
        body["properties"][field] = json!(true);
        azure.put(&compute(&format!("virtualMachines/vm/runCommands/{name}")), &body).await
    };
    let reply = send("slow", "cloud-init status --wait", "asyncExecution").await;
    assert_eq!(azure.finish(&reply).await["status"], "Succeeded");
    let path = compute("virtualMachines/vm/runCommands/slow?$expand=instanceView");
    let state = async || azure.get(&path).await.expect(200)["properties"]["instanceView"]["executionState"].clone();
    assert_eq!(state().await, "Running");
    azure.harness.advance(30);
    assert_eq!(state().await, "Succeeded");
    let reply = send("strict", "exit 3", "treatFailureAsDeploymentFailure").await;
    assert_eq!(azure.finish(&reply).await["error"]["code"], "VMRunCommandExecutionFailed");
    let plain = azure.get(&compute("virtualMachines/vm/runCommands/slow")).await.expect(200);
    assert!(plain["properties"].get("instanceView").is_none());
}

async fn lists_come_in_pages(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant().with_page_size(2)).await;
    azure.make_network().await;
    let subnet = json!({"id": azure.id(&network("virtualNetworks/vnet/subnets/default"))});
    for at in 0..2 {
        let nic = json!({"location": "westeurope", "properties": {"ipConfigurations": [{"name": "a", "properties": {"subnet": subnet}}]}});
        azure.put(&network(&format!("networkInterfaces/nic{at}")), &nic).await.expect(201);
    }
    for (at, nic) in ["nic", "nic0", "nic1"].into_iter().enumerate() {
        let mut body = machine(&azure);
        body["properties"]["storageProfile"]["osDisk"]["name"] = json!(format!("disk{at}"));
        body["properties"]["networkProfile"]["networkInterfaces"][0]["id"] =
            json!(azure.id(&network(&format!("networkInterfaces/{nic}"))));
        azure.make(&compute(&format!("virtualMachines/vm{at}")), &body).await;
    }
    let first = azure
        .get(&format!("{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines?statusOnly=true"))
        .await
        .expect(200);
    assert_eq!(first["value"].as_array().unwrap().len(), 2);
    let status = &first["value"][0]["properties"]["instanceView"]["statuses"][1]["code"];
    assert_eq!(status, "PowerState/running");
    let next = first["nextLink"].as_str().unwrap();
    let second = azure.ask("GET", next).send().await.expect(200);
    assert_eq!(second["value"].as_array().unwrap().len(), 1);
    assert!(second.get("nextLink").is_none());
    assert_eq!(second["value"][0]["name"], "vm2");
}

async fn a_group_takes_everything_with_it(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.make_network().await;
    azure.make(&compute("virtualMachines/vm"), &machine(&azure)).await;
    // Something elsewhere that uses the network blocks the group.
    let nic = format!("{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Network/networkInterfaces/foreign");
    let subnet = json!({"id": azure.id(&network("virtualNetworks/vnet/subnets/default"))});
    let body = json!({"location": "westeurope", "properties": {"ipConfigurations": [{"name": "a", "properties": {"subnet": subnet}}]}});
    azure.put(&nic, &body).await.expect(201);
    let error = refused(azure.delete(GROUP).await, 409, "ResourceGroupDeletionBlocked");
    assert_eq!(error["details"][0]["code"], "InUseSubnetCannotBeDeleted");
    azure.delete(&nic).await.expect(202);
    azure.delete(GROUP).await.expect(202);
    azure.get(GROUP).await.expect(404);
    let live: Vec<String> = azure
        .harness
        .emulator
        .truth()
        .ledger
        .into_iter()
        .filter(|entry| entry.is_live())
        .map(|entry| entry.id)
        .collect();
    assert_eq!(live, [format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shared")]);
}

/// A template as command-line tools send it: parameters, variables, dependencies and a reference.
fn template() -> Value {
    json!({
        "$schema": "https://schema.management.azure.com/schemas/2015-01-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"prefix": {"type": "String"}, "password": {"type": "securestring", "defaultValue": "s3cret!"}},
        "variables": {"nic": "[concat(parameters('prefix'), '-nic')]"},
        "resources": [
            {
                "type": "Microsoft.Network/networkInterfaces", "name": "[variables('nic')]", "apiVersion": "2025-05-01",
                "location": "[resourceGroup().location]",
                "dependsOn": ["[resourceId('Microsoft.Network/publicIPAddresses', 'ip')]", "Microsoft.Network/virtualNetworks/net"],
                "properties": {"ipConfigurations": [{"name": "primary", "properties": {
                    "subnet": {"id": "[resourceId('Microsoft.Network/virtualNetworks/subnets', 'net', 'default')]"},
                    "publicIPAddress": {"id": "[resourceId('Microsoft.Network/publicIPAddresses', 'ip')]"},
                }}]},
            },
            {
                "type": "Microsoft.Network/publicIPAddresses", "name": "ip", "apiVersion": "2025-05-01", "location": "westeurope",
                "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"},
            },
            {
                "type": "Microsoft.Network/virtualNetworks", "name": "net", "apiVersion": "2025-05-01", "location": "westeurope",
                "properties": virtual_network()["properties"],
            },
        ],
        "outputs": {"address": {"type": "string", "value": "[reference(resourceId('Microsoft.Network/publicIPAddresses', 'ip')).ipAddress]"}},
    })
}

async fn a_template_is_checked_and_carried_out_in_order(way: Way) {
    let azure = Azure::new(way).await;
    azure.put(GROUP, &json!({"location": "westeurope"})).await.expect(201);
    let path = format!("{GROUP}/providers/Microsoft.Resources/deployments/one");
    let properties = |template: Value| {
        json!({"properties": {
            "mode": "Incremental", "template": template, "parameters": {"prefix": {"value": "x"}},
        }})
    };
    let valid = azure.ask("POST", &format!("{path}/validate")).json(&properties(template())).send().await.expect(200);
    assert_eq!(valid["properties"]["provisioningState"], "Succeeded");
    assert_eq!(azure.harness.emulator.resource_manager().ledger().len(), 2, "nothing but groups");
    let reply = azure.put(&path, &properties(template())).await;
    assert_eq!(reply.status, 201);
    assert!(!reply.text.contains("s3cret!"));
    assert_eq!(azure.get(&path).await.expect(200)["properties"]["provisioningState"], "Running");
    assert_eq!(azure.get(&network("networkInterfaces/x-nic")).await.status, 404, "it waits for its dependencies");
    assert_eq!(azure.finish(&reply).await["status"], "Succeeded");
    let done = azure.get(&path).await.expect(200);
    assert!(done["properties"]["outputs"]["address"]["value"].as_str().unwrap().starts_with("198.18."));
    azure.get(&network("networkInterfaces/x-nic")).await.expect(200);

    let mut broken = template();
    broken["resources"][2]["location"] = json!("atlantis");
    let check = azure.ask("POST", &format!("{path}/validate")).json(&properties(broken)).send().await;
    let error = refused(check, 400, "InvalidTemplateDeployment");
    assert_eq!(error["details"][0]["code"], "LocationNotAvailableForResourceType");
    let mut impossible = template();
    impossible["resources"][1]["sku"]["name"] = json!("Basic");
    let reply = azure.put(&path, &properties(impossible)).await;
    let ended = azure.finish(&reply).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("Failed"), &json!("DeploymentFailed")));
    let inner: Value = serde_json::from_str(ended["error"]["details"][0]["message"].as_str().unwrap()).unwrap();
    assert_eq!(inner["error"]["code"], "IPv4BasicSkuPublicIpCountLimitReached");
}

mod each_way {
    crate::both_ways! {
        a_machine_lives_and_takes_its_parts_with_it
        parts_stay_behind_by_default
        machines_that_cannot_be_are_refused
        what_is_fixed_at_creation_stays_so
        a_failed_creation_keeps_its_interfaces
        a_failed_creation_is_tried_again_by_the_same_request
        a_machine_that_was_slow_to_report_runs_all_the_same
        a_deletion_overtakes_a_creation
        commands_see_the_inside_of_a_machine
        a_failing_script_and_one_that_never_ends_are_told
        a_command_need_not_be_waited_for_and_may_be_strict
        lists_come_in_pages
        a_group_takes_everything_with_it
        a_template_is_checked_and_carried_out_in_order
    }
}

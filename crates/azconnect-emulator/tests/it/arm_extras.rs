//! What official clients ask of Azure Resource Manager beside the life of machines: commands, locks, tags, tags of state.

use serde_json::{Value, json};

use crate::arm::{Azure, GROUP, network, refused, virtual_network};
use crate::arm_machines::{compute, machine};
use crate::harness::{DEPLOYER, Reply, SUBSCRIPTION, Way};

async fn with_machine(way: Way) -> Azure {
    let azure = Azure::new(way).await;
    azure.make_network().await;
    azure.make(&compute("virtualMachines/vm"), &machine(&azure)).await;
    // The guest agent answers some time after the start.
    azure.harness.advance(300);
    azure
}

async fn post(azure: &Azure, path: &str, body: &Value) -> Reply {
    azure.ask("POST", &compute(&format!("virtualMachines/vm/{path}"))).json(body).send().await
}

// The result of an action is where its Location leads, and in the status of the operation.
async fn a_command_is_run_by_an_action(way: Way) {
    let azure = with_machine(way).await;
    let reply =
        post(&azure, "runCommand", &json!({"commandId": "RunShellScript", "script": ["echo one", "echo two"]})).await;
    assert_eq!(reply.status, 202);
    let status = azure.finish(&reply).await;
    let message = status["properties"]["output"]["value"][0]["message"].as_str().unwrap();
    assert!(message.contains("[stdout]\none\ntwo"), "{message}");
    let result = azure.ask("GET", reply.header("location")).send().await.expect(200);
    assert_eq!(result["value"][0]["message"], message);
    assert_eq!(result["value"][0]["code"], "ProvisioningState/succeeded");
    refused(post(&azure, "runCommand", &json!({"script": ["x"]})).await, 400, "InvalidParameter");
    refused(post(&azure, "runCommand", &json!({"commandId": "Nothing"})).await, 404, "RunCommandNotFound");
    let list = format!("{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope/runCommands");
    let known = azure.get(&list).await.expect(200);
    assert!(
        known["value"].as_array().unwrap().iter().any(|one| one["id"] == "RunShellScript" && one["osType"] == "Linux")
    );
    assert_eq!(azure.get(&format!("{list}/runshellscript")).await.expect(200)["id"], "RunShellScript");
}

// A machine that was generalized never starts again.
async fn a_machine_is_reapplied_redeployed_and_generalized(way: Way) {
    let azure = with_machine(way).await;
    for action in ["reapply", "redeploy"] {
        let reply = post(&azure, action, &Value::Null).await;
        assert_eq!(reply.status, 202, "{action}");
        assert_eq!(azure.finish(&reply).await["status"], "Succeeded");
    }
    refused(post(&azure, "generalize", &Value::Null).await, 409, "OperationNotAllowed");
    let reply = post(&azure, "deallocate", &Value::Null).await;
    azure.finish(&reply).await;
    post(&azure, "generalize", &Value::Null).await.expect(200);
    let view = azure.get(&compute("virtualMachines/vm/instanceView")).await.expect(200);
    assert!(view["statuses"].as_array().unwrap().iter().any(|status| status["code"] == "OSState/generalized"));
    refused(post(&azure, "start", &Value::Null).await, 409, "OperationNotAllowed");
}

// What a PATCH leaves out stays, and a machine shows its extensions.
async fn an_extension_is_changed_in_part_and_shown_with_its_machine(way: Way) {
    let azure = with_machine(way).await;
    let path = compute("virtualMachines/vm/extensions/script");
    let body = json!({"location": "westeurope", "properties": {
        "publisher": "Microsoft.Azure.Extensions", "type": "CustomScript", "typeHandlerVersion": "2.1",
        "settings": {"timestamp": 1}, "protectedSettings": {"commandToExecute": "true"},
    }});
    azure.make(&path, &body).await;
    let change = json!({"properties": {"settings": {"timestamp": 2}}, "tags": {"a": "b"}});
    let reply = azure.ask("PATCH", &path).json(&change).send().await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(azure.finish(&reply).await["status"], "Succeeded");
    let shown = azure.get(&path).await.expect(200);
    assert_eq!((&shown["properties"]["settings"]["timestamp"], &shown["tags"]["a"]), (&json!(2), &json!("b")));
    assert_eq!(shown["properties"]["publisher"], "Microsoft.Azure.Extensions");
    assert!(shown["properties"].get("protectedSettings").is_none());
    let vm = azure.get(&compute("virtualMachines/vm")).await.expect(200);
    assert_eq!(
        (&vm["resources"][0]["id"], &vm["resources"][0]["properties"]["type"]),
        (&shown["id"], &json!("CustomScript"))
    );
    assert_eq!(vm["properties"]["storageProfile"]["osDisk"]["osType"], "Linux");
    let missing = azure.ask("PATCH", &compute("virtualMachines/vm/extensions/none")).json(&change).send().await;
    assert_eq!(missing.status, 404);
}

// `az vm extension set` looks its handler up before it installs it.
async fn the_handlers_of_a_publisher_are_listed_with_their_versions(way: Way) {
    let azure = Azure::new(way).await;
    let base = format!(
        "{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope/publishers/Microsoft.Azure.Extensions/artifacttypes/vmextension/types"
    );
    let types = azure.get(&base).await.expect(200);
    assert!(types.as_array().unwrap().iter().any(|one| one["name"] == "CustomScript"), "{types}");
    let versions = azure.get(&format!("{base}/CustomScript/versions?$top=1&$orderby=name%20desc")).await;
    let versions = versions.expect(200);
    assert_eq!(versions.as_array().unwrap().len(), 1);
    let one =
        azure.get(&format!("{base}/customscript/versions/{}", versions[0]["name"].as_str().unwrap())).await.expect(200);
    assert_eq!(one["properties"]["operatingSystem"], "Linux");
    assert_eq!(azure.get(&format!("{base}/Nothing/versions")).await.status, 404);
}

async fn a_lock_keeps_what_is_below_it(way: Way) {
    let azure = Azure::new(way).await;
    azure.make_network().await;
    let lock = format!("{GROUP}/providers/Microsoft.Authorization/locks/keep");
    let level = |level: &str| json!({"properties": {"level": level, "notes": "n"}});
    refused(azure.put(&lock, &level("Sometimes")).await, 400, "LockLevelNotSupported");
    let body = azure.put(&lock, &level("CanNotDelete")).await.expect(201);
    assert_eq!((&body["name"], &body["properties"]["level"]), (&json!("keep"), &json!("CanNotDelete")));
    let nic = network("networkInterfaces/nic");
    let error = refused(azure.delete(&nic).await, 409, "ScopeLocked");
    assert!(error["message"].as_str().unwrap().contains("cannot perform delete operation"), "{error}");
    refused(azure.delete(GROUP).await, 409, "ScopeLocked");
    azure.ask("PATCH", &nic).json(&json!({"tags": {"a": "b"}})).send().await.expect(200);
    azure.put(&lock, &level("ReadOnly")).await.expect(200);
    refused(azure.ask("PATCH", &nic).json(&json!({"tags": {}})).send().await, 409, "ScopeLocked");
    let listed = azure.get(&format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/locks")).await.expect(200);
    assert_eq!(listed["value"].as_array().unwrap().len(), 1);
    azure.delete(&lock).await.expect(200);
    assert_eq!(azure.delete(&lock).await.status, 204);
    azure.ask("PATCH", &nic).json(&json!({"tags": {}})).send().await.expect(200);
}

async fn a_role_of_ones_own_goes_unless_it_is_given(way: Way) {
    let azure = Azure::new(way).await;
    let id = "70000000-0000-4000-8000-000000000001";
    let path = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}");
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let role = json!({"properties": {
        "roleName": "Own", "assignableScopes": [scope], "permissions": [{"actions": ["*/read"], "notActions": []}],
    }});
    azure.put(&path, &role).await.expect(201);
    let assignment = format!(
        "{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/70000000-0000-4000-8000-000000000002"
    );
    let principal = principal_of(&azure, DEPLOYER).await;
    let body = json!({"properties": {
        "roleDefinitionId": format!("{scope}/providers/Microsoft.Authorization/roleDefinitions/{id}"), "principalId": principal,
    }});
    azure.put(&assignment, &body).await.expect(201);
    refused(azure.delete(&path).await, 400, "RoleDefinitionHasAssignments");
    azure.delete(&assignment).await.expect(200);
    assert_eq!(azure.delete(&path).await.expect(200)["properties"]["roleName"], "Own");
    assert_eq!(azure.delete(&path).await.status, 204);
    let reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
    let reader = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{reader}");
    refused(azure.delete(&reader).await, 400, "RoleDefinitionCannotBeDeleted");
}

async fn principal_of(azure: &Azure, client: &str) -> Value {
    let token = azure.harness.token(crate::harness::GRAPH_SCOPE).await;
    let path = format!("/servicePrincipals(appId='{client}')");
    azure.harness.graph("GET", &path).bearer(&token).send().await.expect(200)["id"].clone()
}

async fn tag_names_are_made_counted_and_deleted(way: Way) {
    let azure = Azure::new(way).await;
    azure.make(GROUP, &json!({"location": "westeurope", "tags": {"Owner": "ann"}})).await;
    let names = format!("{SUBSCRIPTION}/tagNames");
    azure.put(&format!("{names}/cost"), &Value::Null).await.expect(201);
    azure.put(&format!("{names}/cost/tagValues/low"), &Value::Null).await.expect(201);
    azure.put(&format!("{names}/cost/tagValues/low"), &Value::Null).await.expect(200);
    let all = azure.get(&names).await.expect(200);
    let named: Vec<&str> =
        all["value"].as_array().unwrap().iter().map(|one| one["tagName"].as_str().unwrap()).collect();
    assert!(named.contains(&"cost") && named.contains(&"owner"), "{all}");
    refused(azure.delete(&format!("{names}/owner")).await, 409, "TagNameIsInUse");
    azure.delete(&format!("{names}/cost/tagValues/low")).await.expect(200);
    azure.delete(&format!("{names}/cost")).await.expect(200);
    assert_eq!(azure.delete(&format!("{names}/cost")).await.status, 204);
}

async fn a_network_is_changed_only_in_the_state_that_was_seen(way: Way) {
    let azure = Azure::new(way).await;
    azure.make(GROUP, &json!({"location": "westeurope"})).await;
    let path = network("virtualNetworks/vnet");
    azure.make(&path, &virtual_network()).await;
    let reply = azure.get(&path).await;
    let tag = reply.header("etag").to_owned();
    assert_eq!(reply.json()["etag"], tag);
    let put = |tag: &str| azure.ask("PUT", &path).json(&virtual_network()).header("if-match", tag).send();
    refused(put("W/\"00000000-0000-0000-0000-000000000000\"").await, 412, "PreconditionFailed");
    assert_eq!(azure.finish(&put(&tag).await).await["status"], "Succeeded");
    // It is another state now.
    refused(put(&tag).await, 412, "PreconditionFailed");
    let only_new = azure.ask("PUT", &path).json(&virtual_network()).header("if-none-match", "*").send().await;
    refused(only_new, 412, "PreconditionFailed");
    let absent = azure.ask("DELETE", &network("virtualNetworks/none")).header("if-match", "*").send().await;
    refused(absent, 412, "PreconditionFailed");
    // What is inside it changes it, and so do its tags.
    let before = azure.get(&path).await.header("etag").to_owned();
    azure
        .make(&network("virtualNetworks/vnet/subnets/second"), &json!({"properties": {"addressPrefix": "10.0.1.0/24"}}))
        .await;
    let between = azure.get(&path).await.header("etag").to_owned();
    azure.ask("PATCH", &path).json(&json!({"tags": {"a": "b"}})).send().await.expect(200);
    let after = azure.get(&path).await.header("etag").to_owned();
    assert!(before != between && between != after && before != after);
    let subnet = azure.get(&network("virtualNetworks/vnet/subnets/default")).await;
    assert_eq!(subnet.header("etag"), subnet.json()["etag"].as_str().unwrap());
}

mod ways {
    crate::both_ways! {
        a_command_is_run_by_an_action
        a_machine_is_reapplied_redeployed_and_generalized
        an_extension_is_changed_in_part_and_shown_with_its_machine
        the_handlers_of_a_publisher_are_listed_with_their_versions
        a_lock_keeps_what_is_below_it
        a_role_of_ones_own_goes_unless_it_is_given
        tag_names_are_made_counted_and_deleted
        a_network_is_changed_only_in_the_state_that_was_seen
    }
}

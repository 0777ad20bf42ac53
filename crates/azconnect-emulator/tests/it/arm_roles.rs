//! The bodies of role assignments and role definitions: what is misspelt is refused, and what is said is shown.

use azconnect_emulator::arm::ArmSettings;
use serde_json::{Value, json};

use crate::arm::{Azure, refused};
use crate::harness::{DEPLOYER, SUBSCRIPTION, Way};

const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const CONDITION: &str = "((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'})))";

fn path(kind: &str, at: u8) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/{kind}/00000000-0000-4000-8000-00000000000{at}")
}

fn role(id: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{id}")
}

fn assignment(azure: &Azure) -> Value {
    let truth = azure.harness.emulator.truth();
    let principal = truth.application(DEPLOYER.parse().unwrap()).unwrap().service_principal_id.unwrap();
    json!({"properties": {"roleDefinitionId": role(READER), "principalId": principal, "principalType": "ServicePrincipal"}})
}

fn definition() -> Value {
    json!({"properties": {
        "roleName": "Own", "assignableScopes": [format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg")],
        "permissions": [{"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": ["x/y"]}],
    }})
}

/// A body in which the member at a path has another name.
fn misspelt(body: &Value, parent: &str, name: &str) -> Value {
    let mut body = body.clone();
    let map = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    let value = map.remove(name).unwrap();
    map.insert(format!("{name}x"), value);
    body
}

// The members are those of RoleAssignmentCreateParameters and RoleDefinition in Microsoft's specification.
async fn every_misspelt_member_of_a_role_is_refused(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    for (kind, body, parents) in [
        ("roleAssignments", assignment(&azure), vec!["", "/properties"]),
        ("roleDefinitions", definition(), vec!["", "/properties", "/properties/permissions/0"]),
    ] {
        for parent in parents {
            for name in body.pointer(parent).unwrap().as_object().unwrap().keys() {
                let odd = misspelt(&body, parent, name);
                let told = refused(azure.put(&path(kind, 1), &odd).await, 400, "BadRequestFormat");
                assert!(told.to_string().contains(&format!("'{name}x'")), "{told}");
            }
        }
    }
    let mut list = definition();
    list["properties"]["permissions"][0]["actions"] = json!("*/read");
    refused(azure.put(&path("roleDefinitions", 1), &list).await, 400, "BadRequestFormat");
    for member in ["permissions", "assignableScopes"] {
        let mut empty = definition();
        empty["properties"][member] = json!([]);
        refused(azure.put(&path("roleDefinitions", 1), &empty).await, 400, "InvalidRoleDefinition");
    }
    let made = azure.put(&path("roleDefinitions", 1), &definition()).await.expect(201);
    assert_eq!(made["properties"]["permissions"][0]["notDataActions"], json!(["x/y"]));
}

async fn the_words_and_conditions_of_an_assignment_are_looked_at(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    let with = |member: &str, value: Value| {
        let mut body = assignment(&azure);
        body["properties"][member] = value;
        body
    };
    for (odd, code) in [
        (with("principalType", json!("Robot")), "BadRequestFormat"),
        (with("principalType", json!("Group")), "UnmatchedPrincipalType"),
        (with("description", json!(7)), "BadRequestFormat"),
        (with("condition", json!(CONDITION)), "BadRequestFormat"),
        (with("conditionVersion", json!("2.0")), "BadRequestFormat"),
        (with("principalId", json!("me")), "InvalidPrincipalId"),
    ] {
        refused(azure.put(&path("roleAssignments", 2), &odd).await, 400, code);
    }
    let named = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/mine");
    refused(azure.put(&named, &assignment(&azure)).await, 400, "InvalidRoleAssignmentId");
    let mut body = with("description", json!("for the nightly run"));
    body["properties"]["condition"] = json!(CONDITION);
    body["properties"]["conditionVersion"] = json!("2.0");
    let made = azure.put(&path("roleAssignments", 2), &body).await.expect(201);
    for member in ["description", "condition", "conditionVersion"] {
        assert_eq!(made["properties"][member], body["properties"][member], "{member}");
    }
    refused(azure.put(&path("roleAssignments", 2), &body).await, 409, "RoleAssignmentExists");
    body["properties"]["description"] = json!("another");
    let changed = azure.put(&path("roleAssignments", 2), &body).await.expect(200);
    assert_eq!(changed["properties"]["description"], "another");
}

async fn a_role_is_given_only_where_it_may_be(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.put(&path("roleDefinitions", 3), &definition()).await.expect(201);
    let mut body = assignment(&azure);
    body["properties"]["roleDefinitionId"] = json!(role("00000000-0000-4000-8000-000000000003"));
    refused(azure.put(&path("roleAssignments", 3), &body).await, 400, "RoleDefinitionDoesNotExist");
}

mod ways {
    crate::both_ways! {
        every_misspelt_member_of_a_role_is_refused
        the_words_and_conditions_of_an_assignment_are_looked_at
        a_role_is_given_only_where_it_may_be
    }
}

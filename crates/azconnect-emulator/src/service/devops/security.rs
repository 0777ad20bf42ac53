//! Permission checks in the namespace of service connections.

use serde_json::{Map, Value, json};

use super::{Context, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::field;
use crate::model::devops::permissions::{ADMINISTER, CREATE, NAMESPACE, USE, VIEW, VIEW_AUTHORIZATION};
use crate::model::world::World;

/// `GET {org}/_apis/permissions/{namespace}/{bits}?tokens=`: one answer for each token.
pub(super) fn permissions(cx: &Context<'_>, world: &World, (namespace, bits): (&str, &str)) -> OrRefusal<Answer> {
    check_namespace(namespace)?;
    let bits: u32 = bits.parse().map_err(|_| refusal::argument("The permissions are not a number."))?;
    let organization = cx.organization(world)?;
    let query = &cx.call.query;
    let delimiter = query.filled("delimiter").unwrap_or(",");
    let tokens = query.filled("tokens").or_else(|| query.filled("token"));
    let tokens = tokens.ok_or_else(|| refusal::argument("Value cannot be null.\r\nParameter name: tokens"))?;
    let value: Vec<bool> =
        tokens.split(delimiter).map(|token| organization.allows(cx.caller.id(), bits, token)).collect();
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

/// Answers `POST {org}/_apis/security/permissionevaluationbatch`: one value for each evaluation.
pub(super) fn batch(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let body = cx.call.json().map_err(|_| refusal::argument("The body of the request is not valid JSON."))?;
    let evaluations = body.as_object().and_then(|map| field(map, "evaluations")).and_then(Value::as_array);
    let evaluations =
        evaluations.ok_or_else(|| refusal::argument("Value cannot be null.\r\nParameter name: evaluations"))?;
    let organization = cx.organization(world)?;
    let mut answered = Vec::new();
    for evaluation in evaluations {
        let none = Map::new();
        let map = evaluation.as_object().unwrap_or(&none);
        let text = |name: &str| field(map, name).and_then(Value::as_str).unwrap_or_default();
        let namespace = text("securityNamespaceId");
        check_namespace(namespace)?;
        let bits = field(map, "permissions").and_then(Value::as_u64).and_then(|bits| u32::try_from(bits).ok());
        let bits = bits.ok_or_else(|| refusal::argument("The permissions of an evaluation are not a number."))?;
        answered.push(json!({
            "securityNamespaceId": namespace,
            "token": text("token"),
            "permissions": bits,
            "value": organization.allows(cx.caller.id(), bits, text("token")),
        }));
    }
    Ok(json_answer(200, &json!({"evaluations": answered})))
}

/// Answers `GET {org}/_apis/securitynamespaces[/{namespace}]` with the one namespace that is emulated.
pub(super) fn namespaces(id: Option<&str>) -> OrRefusal<Answer> {
    if let Some(id) = id {
        check_namespace(id)?;
    }
    let action =
        |bit: u32, name: &str| json!({"bit": bit, "name": name, "displayName": name, "namespaceId": NAMESPACE});
    let namespace = json!({
        "namespaceId": NAMESPACE,
        "name": "ServiceEndpoints",
        "displayName": "ServiceEndpoints",
        "separatorValue": "/",
        "elementLength": -1,
        "writePermission": ADMINISTER,
        "readPermission": USE,
        "dataspaceCategory": "Default",
        "actions": [
            action(USE, "Use"),
            action(ADMINISTER, "Administer"),
            action(CREATE, "Create"),
            action(VIEW_AUTHORIZATION, "ViewAuthorization"),
            action(VIEW, "ViewEndpoint"),
        ],
        "structureValue": 1,
        "extensionType": null,
        "isRemotable": false,
        "useTokenTranslator": false,
    });
    Ok(json_answer(200, &json!({"count": 1, "value": [namespace]})))
}

/// Every other namespace is somebody else's.
fn check_namespace(id: &str) -> OrRefusal<()> {
    if id.eq_ignore_ascii_case(NAMESPACE) { Ok(()) } else { Err(Refusal::not_emulated()) }
}

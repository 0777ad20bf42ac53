//! The refusal of what a policy forbids.

use serde_json::{Value, json};

use super::context::Context;
use crate::base::dice::named_guid;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::world::World;

/// The code of such a refusal, alone or in the details of a validation.
pub(crate) const CODE: &str = "RequestDisallowedByPolicy";

/// Refuses a write that a policy of the subscription forbids, in the words of the service.
pub(crate) fn check(cx: &Context<'_>, world: &mut World, kind: &str, name: &str, body: &Value) -> OrRefusal<()> {
    let policies = &world.arm.account(cx.subscription).policies;
    let Some(policy) = policies.iter().find(|policy| policy.refuses(kind, body)) else { return Ok(()) };
    let id = named_guid(&policy.display_name);
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    let definition = format!("/providers/Microsoft.Authorization/policyDefinitions/{id}");
    let assignment = format!("{scope}/providers/Microsoft.Authorization/policyAssignments/{}", id.simple());
    let identifiers = json!([{
        "policyAssignment": {"name": policy.display_name, "id": assignment},
        "policyDefinition": {"name": policy.display_name, "id": definition},
    }]);
    let message = format!("Resource '{name}' was disallowed by policy. Policy identifiers: '{identifiers}'.");
    let mut refusal = Refusal::new(403, CODE, message).at(name);
    let info = json!({
        "evaluationDetails": {},
        "policyDefinitionId": definition,
        "policyDefinitionName": id,
        "policyDefinitionDisplayName": policy.display_name,
        "policyDefinitionEffect": "deny",
        "policyAssignmentId": assignment,
        "policyAssignmentName": id.simple().to_string(),
        "policyAssignmentDisplayName": policy.display_name,
        "policyAssignmentScope": scope,
        "policyAssignmentParameters": {},
    });
    refusal.additional.push(("PolicyViolation".to_owned(), info));
    Err(refusal)
}

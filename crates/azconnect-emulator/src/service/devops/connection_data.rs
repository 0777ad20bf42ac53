//! `GET {org}/_apis/connectionData`: who the caller is here.

use serde_json::{Value, json};

use super::refusal::with_tenant_headers;
use super::{Context, identity};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::OrRefusal;
use crate::model::devops::{Member, Organization};
use crate::model::world::World;

pub(super) fn answer(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let who = person(organization, &cx.caller.member);
    let body = json!({
        "authenticatedUser": who,
        "authorizedUser": who,
        "instanceId": organization.id.to_string(),
        "deploymentId": "a5ca35eb-148e-4ccd-bbb3-d31576d75958",
        "deploymentType": "hosted",
        "locationServiceData": {
            "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
            "defaultAccessMappingMoniker": "PublicAccessMapping",
            "lastChangeId": 1,
            "lastChangeId64": 1,
        },
    });
    // Even this answer names the way to sign in.
    Ok(with_tenant_headers(json_answer(200, &body), cx.call, organization.tenant))
}

fn person(organization: &Organization, member: &Member) -> Value {
    json!({
        "id": member.id.to_string(),
        "descriptor": identity::legacy_descriptor(organization, member),
        "subjectDescriptor": identity::descriptor(organization, member),
        "providerDisplayName": member.display_name,
        "isActive": true,
        "properties": {"Account": {"$type": "System.String", "$value": member.unique_name}},
        "resourceVersion": 2,
        "metaTypeId": 0,
    })
}

//! Identities as Azure DevOps shows them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Context;
use crate::base::origins::Service;
use crate::model::devops::{Group, Member, Organization};
use crate::model::token::Identity;

/// The subject descriptor of a member.
pub(super) fn descriptor(organization: &Organization, member: &Member) -> String {
    let prefix = match (member.identity, organization.tenant) {
        (Identity::ServicePrincipal(_), _) => "aadsp",
        (Identity::User(_), Some(_)) => "aad",
        (Identity::User(_), None) => "msa",
    };
    format!("{prefix}.{}", URL_SAFE_NO_PAD.encode(member.id.to_string()))
}

/// The security identifier behind a group's descriptor.
pub(super) fn group_sid(group: &Group) -> String {
    let (high, low) = group.id.as_u64_pair();
    let part = |number: u64, shift: u32| (number >> shift) & 0xffff_ffff;
    format!("S-1-9-1551374245-{}-{}-{}-{}", part(high, 32), part(high, 0), part(low, 32), part(low, 0))
}

/// The subject descriptor of a group.
pub(super) fn group_descriptor(group: &Group) -> String {
    format!("vssgp.{}", URL_SAFE_NO_PAD.encode(group_sid(group)))
}

/// The descriptor of a project, or of the organization, as a scope of groups.
pub(super) fn scope_descriptor(id: Uuid) -> String {
    format!("scp.{}", URL_SAFE_NO_PAD.encode(id.to_string()))
}

/// The identity descriptor of the older kind.
pub(super) fn legacy_descriptor(organization: &Organization, member: &Member) -> String {
    match (member.identity, organization.tenant) {
        (Identity::ServicePrincipal(id), tenant) => {
            format!("Microsoft.VisualStudio.Services.Claims.AadServicePrincipal;{}\\{id}", tenant.unwrap_or_default())
        }
        (Identity::User(_), Some(tenant)) => {
            format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;{tenant}\\{}", member.unique_name)
        }
        (Identity::User(_), None) => {
            format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;{}@Live.com", member.unique_name)
        }
    }
}

/// A reference to a member, as in `createdBy`.
pub(super) fn reference(cx: &Context<'_>, organization: &Organization, member: &Member) -> Value {
    let descriptor = descriptor(organization, member);
    let avatar = format!("{}/_apis/GraphProfile/MemberAvatars/{descriptor}", cx.base(Service::DevOps));
    json!({
        "displayName": member.display_name,
        "url": format!("{}/_apis/Identities/{}", cx.base(Service::DevOpsIdentity), member.id),
        "_links": {"avatar": {"href": avatar}},
        "id": member.id.to_string(),
        "uniqueName": member.unique_name,
        "imageUrl": avatar,
        "descriptor": descriptor,
    })
}

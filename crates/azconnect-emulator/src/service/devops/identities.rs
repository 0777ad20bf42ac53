//! Identities of the older kind, which also tell of membership through other groups.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::identity::{descriptor, group_descriptor, group_sid, legacy_descriptor};
use super::{Context, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::{Group, Member, Organization};
use crate::model::token::Identity;
use crate::model::world::World;

/// `GET {org}/_apis/identities`: one entry for each that was asked for, `null` for one that is not there.
pub(super) fn answer(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let query = &cx.call.query;
    let mut found: Vec<Option<Uuid>> = Vec::new();
    // Ids come with and without hyphens.
    found.extend(query.list("identityIds").iter().map(|text| known(organization, Uuid::parse_str(text).ok())));
    for text in query.list("subjectDescriptors") {
        found.push(find(organization, |_, subject, _| subject == text));
    }
    for text in query.list("descriptors") {
        found.push(find(organization, |_, _, legacy| legacy.eq_ignore_ascii_case(text)));
    }
    if let Some(filter) = query.filled("searchFilter") {
        let value = query.filled("filterValue").unwrap_or_default();
        if !["general", "mailaddress", "accountname", "displayname"].contains(&filter.to_ascii_lowercase().as_str()) {
            return Err(Refusal::not_emulated());
        }
        found.extend(search(organization, value).into_iter().map(Some));
    }
    if found.is_empty() && query.filled("searchFilter").is_none() {
        return Err(refusal::argument("Value cannot be null.\r\nParameter name: identityIds"));
    }
    let membership = query.filled("queryMembership").unwrap_or("None").to_ascii_lowercase();
    let value: Vec<Value> =
        found.into_iter().map(|id| id.map_or(Value::Null, |id| show(organization, id, &membership))).collect();
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

fn known(organization: &Organization, id: Option<Uuid>) -> Option<Uuid> {
    find(organization, |known, _, _| Some(known) == id)
}

/// The id of the first member or group whose id, subject descriptor and descriptor pass.
fn find(organization: &Organization, passes: impl Fn(Uuid, &str, &str) -> bool) -> Option<Uuid> {
    let member = organization
        .members
        .iter()
        .find(|member| passes(member.id, &descriptor(organization, member), &legacy_descriptor(organization, member)));
    let group =
        organization.groups.iter().find(|group| passes(group.id, &group_descriptor(group), &legacy_group(group)));
    member.map(|member| member.id).or(group.map(|group| group.id))
}

fn search(organization: &Organization, value: &str) -> Vec<Uuid> {
    let same = |text: &str| text.eq_ignore_ascii_case(value);
    let members = organization.members.iter().filter(|m| same(&m.display_name) || same(&m.unique_name)).map(|m| m.id);
    let groups =
        organization.groups.iter().filter(|g| same(&g.name) || same(&organization.group_name(g))).map(|g| g.id);
    members.chain(groups).collect()
}

fn legacy_group(group: &Group) -> String {
    format!("Microsoft.TeamFoundation.Identity;{}", group_sid(group))
}

fn legacy(organization: &Organization, id: Uuid) -> Option<String> {
    let group = organization.groups.iter().find(|group| group.id == id).map(legacy_group);
    organization.member(id).map(|member| legacy_descriptor(organization, member)).or(group)
}

fn show(organization: &Organization, id: Uuid, membership: &str) -> Value {
    let descriptors =
        |ids: &BTreeSet<Uuid>| -> Vec<String> { ids.iter().filter_map(|id| legacy(organization, *id)).collect() };
    let direct_up: BTreeSet<Uuid> =
        organization.groups.iter().filter(|group| group.members.contains(&id)).map(|group| group.id).collect();
    let above = match membership {
        "expanded" | "expandedup" => organization.groups_above(id),
        "direct" => direct_up,
        _ => BTreeSet::new(),
    };
    let below = match membership {
        "expanded" | "expandeddown" => members_below(organization, id),
        "direct" => direct_members(organization, id),
        _ => BTreeSet::new(),
    };
    let common = json!({
        "isActive": true,
        "members": descriptors(&below),
        "memberOf": descriptors(&above),
        "memberIds": below.iter().map(Uuid::to_string).collect::<Vec<_>>(),
        "resourceVersion": 2,
    });
    let mut shown = match (organization.member(id), organization.groups.iter().find(|group| group.id == id)) {
        (Some(member), _) => member_part(organization, member),
        (None, Some(group)) => group_part(organization, group),
        (None, None) => Value::Null,
    };
    if let (Some(map), Value::Object(common)) = (shown.as_object_mut(), common) {
        map.extend(common);
    }
    shown
}

fn text(value: &str) -> Value {
    json!({"$type": "System.String", "$value": value})
}

fn member_part(organization: &Organization, member: &Member) -> Value {
    let principal = matches!(member.identity, Identity::ServicePrincipal(_));
    json!({
        "id": member.id.to_string(),
        "descriptor": legacy_descriptor(organization, member),
        "subjectDescriptor": descriptor(organization, member),
        "providerDisplayName": member.display_name,
        "properties": {
            "SchemaClassName": text("User"),
            "Domain": text(&organization.tenant.unwrap_or_default().to_string()),
            "Account": text(&member.unique_name),
            "Mail": text(if principal { "" } else { &member.unique_name }),
            "SpecialType": text("Generic"),
            "http://schemas.microsoft.com/identity/claims/objectidentifier":
                text(&member.identity.object_id().to_string()),
        },
        "metaTypeId": if principal { 3 } else { 0 },
    })
}

fn group_part(organization: &Organization, group: &Group) -> Value {
    json!({
        "id": group.id.to_string(),
        "descriptor": legacy_group(group),
        "subjectDescriptor": group_descriptor(group),
        "providerDisplayName": organization.group_name(group),
        "isContainer": true,
        "properties": {
            "SchemaClassName": text("Group"),
            "Description": text(&group.description),
            "Account": text(&group.name),
            "SecurityGroup": text("SecurityGroup"),
            "SpecialType": text("Generic"),
        },
        "metaTypeId": 255,
    })
}

fn direct_members(organization: &Organization, id: Uuid) -> BTreeSet<Uuid> {
    let group = organization.groups.iter().find(|group| group.id == id);
    group.map(|group| group.members.iter().copied().collect()).unwrap_or_default()
}

fn members_below(organization: &Organization, id: Uuid) -> BTreeSet<Uuid> {
    let (mut below, mut frontier) = (BTreeSet::new(), vec![id]);
    while let Some(group) = frontier.pop() {
        for member in direct_members(organization, group) {
            // Each one once, since groups may contain each other.
            if below.insert(member) {
                frontier.push(member);
            }
        }
    }
    below
}

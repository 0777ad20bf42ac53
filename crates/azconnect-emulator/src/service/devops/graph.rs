//! Groups, members and descriptors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::identity::{descriptor, group_descriptor, scope_descriptor};
use super::{Context, endpoints, refusal};
use crate::base::answer::{Answer, WithHeader, empty, json_answer};
use crate::base::origins::Service;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::{Group, Member, Organization};
use crate::model::token::Identity;
use crate::model::world::World;

/// A person, principal or group.
enum Subject<'a> {
    Member(&'a Member),
    Group(&'a Group),
}

impl Subject<'_> {
    fn id(&self) -> Uuid {
        match self {
            Self::Member(member) => member.id,
            Self::Group(group) => group.id,
        }
    }

    fn descriptor(&self, organization: &Organization) -> String {
        match self {
            Self::Member(member) => descriptor(organization, member),
            Self::Group(group) => group_descriptor(group),
        }
    }

    /// The collection of the subject in links.
    fn collection(&self) -> &'static str {
        match self {
            Self::Member(Member { identity: Identity::ServicePrincipal(_), .. }) => "ServicePrincipals",
            Self::Member(_) => "Users",
            Self::Group(_) => "Groups",
        }
    }
}

/// The people of an organization.
pub(super) fn users(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    members(cx, world, |identity| matches!(identity, Identity::User(_)))
}

/// The service principals of an organization.
pub(super) fn service_principals(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    members(cx, world, |identity| matches!(identity, Identity::ServicePrincipal(_)))
}

/// Whether a subject may sign in: here everyone may.
pub(super) fn membership_state(cx: &Context<'_>, world: &World, subject: &str) -> OrRefusal<Answer> {
    find(cx.organization(world)?, subject)?;
    Ok(json_answer(200, &json!({"active": true})))
}

fn find<'a>(organization: &'a Organization, text: &str) -> OrRefusal<Subject<'a>> {
    let member = organization.members.iter().find(|member| descriptor(organization, member) == text);
    let group = organization.groups.iter().find(|group| group_descriptor(group) == text);
    member.map(Subject::Member).or(group.map(Subject::Group)).ok_or_else(|| {
        let text = format!("VS860016: Could not find a subject with the descriptor '{text}'.");
        Refusal::new(404, "GraphSubjectNotFoundException", text)
    })
}

fn address(cx: &Context<'_>, collection: &str, name: &str) -> String {
    format!("{}/_apis/Graph/{collection}/{name}", cx.base(Service::DevOpsIdentity))
}

fn link(cx: &Context<'_>, collection: &str, name: &str) -> Value {
    json!({"href": address(cx, collection, name)})
}

pub(super) fn storage_to_descriptor(cx: &Context<'_>, world: &World, key: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let missing = || {
        let text = format!("VS860008: Could not find a subject with the storage key '{key}'.");
        Refusal::new(404, "GraphSubjectNotFoundException", text)
    };
    let id = Uuid::parse_str(key).map_err(|_| missing())?;
    let member = organization.members.iter().find(|member| member.id == id).map(Subject::Member);
    let subject = member.or_else(|| organization.groups.iter().find(|group| group.id == id).map(Subject::Group));
    let value = match &subject {
        Some(subject) => subject.descriptor(organization),
        None if id == organization.id || organization.project_by_id(id).is_some() => scope_descriptor(id),
        None => return Err(missing()),
    };
    let mut links = json!({
        "self": link(cx, "Descriptors", key),
        "storageKey": link(cx, "StorageKeys", &value),
    });
    if let (Some(subject), Some(map)) = (&subject, links.as_object_mut()) {
        map.insert("subject".to_owned(), link(cx, subject.collection(), &value));
    }
    Ok(json_answer(200, &json!({"value": value, "_links": links})))
}

pub(super) fn descriptor_to_storage(cx: &Context<'_>, world: &World, text: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let id = match scope_of(organization, text) {
        Some(scope) => scope.unwrap_or(organization.id),
        None => find(organization, text)?.id(),
    };
    let links = json!({"self": link(cx, "StorageKeys", text), "descriptor": link(cx, "Descriptors", &id.to_string())});
    Ok(json_answer(200, &json!({"value": id.to_string(), "_links": links})))
}

/// The scope that a descriptor names: a project, or none for the organization.
fn scope_of(organization: &Organization, text: &str) -> Option<Option<Uuid>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix("scp.")?).ok()?;
    let id = Uuid::parse_str(std::str::from_utf8(&bytes).ok()?).ok()?;
    if id == organization.id {
        return Some(None);
    }
    organization.project_by_id(id).map(|project| Some(project.id))
}

fn wanted_scope(cx: &Context<'_>, organization: &Organization) -> OrRefusal<Option<Option<Uuid>>> {
    let Some(text) = cx.call.query.filled("scopeDescriptor") else { return Ok(None) };
    scope_of(organization, text).map(Some).ok_or_else(|| {
        let text = format!("VS860017: Could not find a scope with the descriptor '{text}'.");
        Refusal::new(404, "GraphSubjectNotFoundException", text)
    })
}

/// A page of groups, of one scope or of all. The token of the next page comes in a header.
pub(super) fn groups(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let scope = wanted_scope(cx, organization)?;
    let matching = organization.groups.iter().filter(|group| scope.is_none_or(|scope| scope == group.project));
    let shown = matching.map(|group| show_group(cx, organization, group)).collect();
    page(cx, world, shown)
}

fn members(cx: &Context<'_>, world: &World, wanted: fn(Identity) -> bool) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let matching = organization.members.iter().filter(|member| wanted(member.identity));
    let shown = matching.map(|member| show_member(cx, organization, member)).collect();
    page(cx, world, shown)
}

fn page(cx: &Context<'_>, world: &World, all: Vec<Value>) -> OrRefusal<Answer> {
    let start = match cx.call.query.filled("continuationToken") {
        Some(token) => token.parse().map_err(|_| refusal::argument("Invalid continuation token."))?,
        None => 0,
    };
    let total = all.len();
    let value: Vec<Value> = all.into_iter().skip(start).take(world.settings.page_size).collect();
    let end = start + value.len();
    let answer = json_answer(200, &json!({"count": value.len(), "value": value}));
    if end < total {
        return Ok(answer.with_header("x-ms-continuationtoken", &end.to_string()));
    }
    Ok(answer)
}

pub(super) fn one(cx: &Context<'_>, world: &World, text: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let shown = match find(organization, text)? {
        Subject::Group(group) => show_group(cx, organization, group),
        Subject::Member(member) => show_member(cx, organization, member),
    };
    Ok(json_answer(200, &shown))
}

fn links(cx: &Context<'_>, collection: &str, name: &str) -> Value {
    json!({
        "self": link(cx, collection, name),
        "memberships": link(cx, "Memberships", name),
        "membershipState": link(cx, "MembershipStates", name),
        "storageKey": link(cx, "StorageKeys", name),
    })
}

fn show_group(cx: &Context<'_>, organization: &Organization, group: &Group) -> Value {
    let name = group_descriptor(group);
    let domain = match group.project {
        Some(project) => format!("vstfs:///Classification/TeamProject/{project}"),
        None => format!("vstfs:///Framework/IdentityDomain/{}", organization.id),
    };
    json!({
        "subjectKind": "group",
        "description": group.description,
        "domain": domain,
        "principalName": organization.group_name(group),
        "mailAddress": null,
        "origin": "vsts",
        "originId": group.id.to_string(),
        "displayName": group.name,
        "_links": links(cx, "Groups", &name),
        "url": address(cx, "Groups", &name),
        "descriptor": name,
    })
}

fn show_member(cx: &Context<'_>, organization: &Organization, member: &Member) -> Value {
    let name = descriptor(organization, member);
    let subject = Subject::Member(member);
    let principal = matches!(member.identity, Identity::ServicePrincipal(_));
    json!({
        "subjectKind": if principal { "servicePrincipal" } else { "user" },
        "domain": organization.tenant.unwrap_or_default().to_string(),
        "principalName": member.unique_name,
        "mailAddress": (!principal).then_some(&member.unique_name),
        "origin": "aad",
        "originId": member.identity.object_id().to_string(),
        "displayName": member.display_name,
        "_links": links(cx, subject.collection(), &name),
        "url": address(cx, subject.collection(), &name),
        "descriptor": name,
    })
}

/// The direct memberships of a subject, upwards unless the caller asks for those below it.
pub(super) fn memberships(cx: &Context<'_>, world: &World, text: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let subject = find(organization, text)?;
    let down = cx.call.query.filled("direction").is_some_and(|d| d.eq_ignore_ascii_case("down"));
    let pair = |member: &str, container: &str| json!({"containerDescriptor": container, "memberDescriptor": member});
    let value: Vec<Value> = match (&subject, down) {
        (Subject::Group(group), true) => {
            let known = group.members.iter().filter_map(|id| by_id(organization, *id));
            known.map(|member| pair(&member.descriptor(organization), text)).collect()
        }
        (_, true) => Vec::new(),
        (subject, false) => {
            let above = organization.groups.iter().filter(|group| group.members.contains(&subject.id()));
            above.map(|group| pair(text, &group_descriptor(group))).collect()
        }
    };
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

fn by_id(organization: &Organization, id: Uuid) -> Option<Subject<'_>> {
    let group = organization.groups.iter().find(|group| group.id == id).map(Subject::Group);
    organization.member(id).map(Subject::Member).or(group)
}

/// One direct membership: asked for, made, or ended.
pub(super) fn membership(cx: &Context<'_>, world: &mut World, subject: &str, container: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let (below, above) = (find(organization, subject)?, find(organization, container)?);
    let Subject::Group(group) = &above else { return Err(refusal::argument("The container is not a group.")) };
    let (member_id, group_id) = (below.id(), group.id);
    let exists = group.members.contains(&member_id);
    let shown = json!({
        "containerDescriptor": container,
        "memberDescriptor": subject,
        "_links": {
            "self": link(cx, "Memberships", &format!("{subject}/{container}")),
            "member": link(cx, below.collection(), subject),
            "container": link(cx, "Groups", container),
        },
    });
    let absent = || Refusal::new(404, "GraphMembershipNotFoundException", "VS860018: The membership was not found.");
    match cx.call.method {
        Method::HEAD => Ok(empty(if exists { 200 } else { 404 })),
        Method::GET if exists => Ok(json_answer(200, &shown)),
        Method::GET => Err(absent()),
        Method::PUT | Method::DELETE => {
            check_administrator(cx, organization, group.project)?;
            let put = cx.call.method == Method::PUT;
            let organization = cx.organization_mut(world)?;
            if let Some(group) = organization.groups.iter_mut().find(|group| group.id == group_id) {
                group.members.retain(|id| *id != member_id);
                if put {
                    group.members.push(member_id);
                }
            }
            match (put, exists) {
                (true, _) => Ok(json_answer(201, &shown)),
                (false, true) => Ok(empty(200)),
                (false, false) => Err(absent()),
            }
        }
        _ => Err(Refusal::not_emulated()),
    }
}

/// Changing groups takes an administrator of their project, or of the organization.
fn check_administrator(cx: &Context<'_>, organization: &Organization, project: Option<Uuid>) -> OrRefusal<()> {
    let id = cx.caller.id();
    let administers = organization.is_in(id, None, "Project Collection Administrators")
        || project.is_some_and(|project| organization.is_in(id, Some(project), "Project Administrators"));
    if administers { Ok(()) } else { Err(refusal::denied(&cx.caller.member.display_name, "Edit identity information")) }
}

pub(super) fn create_group(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    let body = endpoints::body(cx)?;
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text("displayName");
    // Groups of Entra ID are taken in by their origin id.
    if name.is_empty() {
        return Err(Refusal::not_emulated());
    }
    let organization = cx.organization(world)?;
    let project = wanted_scope(cx, organization)?.flatten();
    check_administrator(cx, organization, project)?;
    if organization.groups.iter().any(|group| group.project == project && group.name.eq_ignore_ascii_case(&name)) {
        let text = format!("TF50205: The group {name} already exists.");
        return Err(Refusal::new(409, "GraphGroupAlreadyExistsException", text));
    }
    let group = Group { id: world.dice.guid(), project, name, description: text("description"), members: Vec::new() };
    let organization = cx.organization_mut(world)?;
    organization.groups.push(group);
    let organization = cx.organization(world)?;
    let shown = organization.groups.last().map(|group| show_group(cx, organization, group)).unwrap_or_default();
    let url = shown.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(json_answer(201, &shown).with_header("location", &url))
}

pub(super) fn delete_group(cx: &Context<'_>, world: &mut World, text: &str) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let Subject::Group(group) = find(organization, text)? else {
        return Err(refusal::argument("The subject is not a group."));
    };
    check_administrator(cx, organization, group.project)?;
    let id = group.id;
    let organization = cx.organization_mut(world)?;
    organization.groups.retain(|group| group.id != id);
    for group in &mut organization.groups {
        group.members.retain(|member| *member != id);
    }
    Ok(empty(204))
}

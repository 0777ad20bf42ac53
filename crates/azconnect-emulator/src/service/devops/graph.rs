//! Groups, members and descriptors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::error::Fail;
use super::identity::{descriptor, group_descriptor, scope_descriptor};
use super::{Visit, endpoints};
use crate::base::answer::{Answer, WithHeader, empty, json_answer};
use crate::base::origins::Service;
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

/// `rest` is in the case it came in: descriptors are case-sensitive.
pub(super) fn route(visit: &Visit<'_>, world: &mut World, rest: &[&str]) -> Result<Answer, Fail> {
    let Some((collection, rest)) = rest.split_first() else { return Err(Fail::Gap) };
    let method = &visit.call.method;
    match (method, collection.to_ascii_lowercase().as_str(), rest) {
        (&Method::GET, "descriptors", [key]) => storage_to_descriptor(visit, world, key),
        (&Method::GET, "storagekeys", [subject]) => descriptor_to_storage(visit, world, subject),
        (&Method::GET, "groups", []) => groups(visit, world),
        (&Method::POST, "groups", []) => create_group(visit, world),
        (&Method::DELETE, "groups", [group]) => delete_group(visit, world, group),
        (&Method::GET, "groups" | "users" | "serviceprincipals", [subject]) => one(visit, world, subject),
        (&Method::GET, "users", []) => members(visit, world, |identity| matches!(identity, Identity::User(_))),
        (&Method::GET, "serviceprincipals", []) => {
            members(visit, world, |identity| matches!(identity, Identity::ServicePrincipal(_)))
        }
        (&Method::GET, "memberships", [subject]) => memberships(visit, world, subject),
        (_, "memberships", [subject, container]) => membership(visit, world, subject, container),
        (&Method::GET, "membershipstates", [subject]) => {
            find(visit.organization(world)?, subject)?;
            Ok(json_answer(200, &json!({"active": true})))
        }
        _ => Err(Fail::Gap),
    }
}

fn find<'a>(organization: &'a Organization, text: &str) -> Result<Subject<'a>, Fail> {
    let member = organization.members.iter().find(|member| descriptor(organization, member) == text);
    let group = organization.groups.iter().find(|group| group_descriptor(group) == text);
    member.map(Subject::Member).or(group.map(Subject::Group)).ok_or_else(|| {
        let text = format!("VS860016: Could not find a subject with the descriptor '{text}'.");
        Fail::new(404, "GraphSubjectNotFoundException", text)
    })
}

fn address(visit: &Visit<'_>, collection: &str, name: &str) -> String {
    format!("{}/_apis/Graph/{collection}/{name}", visit.base(Service::DevOpsIdentity))
}

fn link(visit: &Visit<'_>, collection: &str, name: &str) -> Value {
    json!({"href": address(visit, collection, name)})
}

fn storage_to_descriptor(visit: &Visit<'_>, world: &World, key: &str) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let missing = || {
        let text = format!("VS860008: Could not find a subject with the storage key '{key}'.");
        Fail::new(404, "GraphSubjectNotFoundException", text)
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
        "self": link(visit, "Descriptors", key),
        "storageKey": link(visit, "StorageKeys", &value),
    });
    if let (Some(subject), Some(map)) = (&subject, links.as_object_mut()) {
        map.insert("subject".to_owned(), link(visit, subject.collection(), &value));
    }
    Ok(json_answer(200, &json!({"value": value, "_links": links})))
}

fn descriptor_to_storage(visit: &Visit<'_>, world: &World, text: &str) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let id = match scope_of(organization, text) {
        Some(scope) => scope.unwrap_or(organization.id),
        None => find(organization, text)?.id(),
    };
    let links =
        json!({"self": link(visit, "StorageKeys", text), "descriptor": link(visit, "Descriptors", &id.to_string())});
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

fn wanted_scope(visit: &Visit<'_>, organization: &Organization) -> Result<Option<Option<Uuid>>, Fail> {
    let Some(text) = visit.call.query.filled("scopeDescriptor") else { return Ok(None) };
    scope_of(organization, text).map(Some).ok_or_else(|| {
        let text = format!("VS860017: Could not find a scope with the descriptor '{text}'.");
        Fail::new(404, "GraphSubjectNotFoundException", text)
    })
}

/// A page of groups, of one scope or of all. The token of the next page comes in a header.
fn groups(visit: &Visit<'_>, world: &World) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let scope = wanted_scope(visit, organization)?;
    let matching = organization.groups.iter().filter(|group| scope.is_none_or(|scope| scope == group.project));
    let shown = matching.map(|group| show_group(visit, organization, group)).collect();
    page(visit, world, shown)
}

fn members(visit: &Visit<'_>, world: &World, wanted: fn(Identity) -> bool) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let matching = organization.members.iter().filter(|member| wanted(member.identity));
    let shown = matching.map(|member| show_member(visit, organization, member)).collect();
    page(visit, world, shown)
}

fn page(visit: &Visit<'_>, world: &World, all: Vec<Value>) -> Result<Answer, Fail> {
    let start = match visit.call.query.filled("continuationToken") {
        Some(token) => token.parse().map_err(|_| Fail::argument("Invalid continuation token."))?,
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

fn one(visit: &Visit<'_>, world: &World, text: &str) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let shown = match find(organization, text)? {
        Subject::Group(group) => show_group(visit, organization, group),
        Subject::Member(member) => show_member(visit, organization, member),
    };
    Ok(json_answer(200, &shown))
}

fn links(visit: &Visit<'_>, collection: &str, name: &str) -> Value {
    json!({
        "self": link(visit, collection, name),
        "memberships": link(visit, "Memberships", name),
        "membershipState": link(visit, "MembershipStates", name),
        "storageKey": link(visit, "StorageKeys", name),
    })
}

fn show_group(visit: &Visit<'_>, organization: &Organization, group: &Group) -> Value {
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
        "_links": links(visit, "Groups", &name),
        "url": address(visit, "Groups", &name),
        "descriptor": name,
    })
}

fn show_member(visit: &Visit<'_>, organization: &Organization, member: &Member) -> Value {
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
        "_links": links(visit, subject.collection(), &name),
        "url": address(visit, subject.collection(), &name),
        "descriptor": name,
    })
}

/// The direct memberships of a subject, upwards unless the caller asks for those below it.
fn memberships(visit: &Visit<'_>, world: &World, text: &str) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let subject = find(organization, text)?;
    let down = visit.call.query.filled("direction").is_some_and(|d| d.eq_ignore_ascii_case("down"));
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
fn membership(visit: &Visit<'_>, world: &mut World, subject: &str, container: &str) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let (below, above) = (find(organization, subject)?, find(organization, container)?);
    let Subject::Group(group) = &above else { return Err(Fail::argument("The container is not a group.")) };
    let (member_id, group_id) = (below.id(), group.id);
    let exists = group.members.contains(&member_id);
    let shown = json!({
        "containerDescriptor": container,
        "memberDescriptor": subject,
        "_links": {
            "self": link(visit, "Memberships", &format!("{subject}/{container}")),
            "member": link(visit, below.collection(), subject),
            "container": link(visit, "Groups", container),
        },
    });
    let absent = || Fail::new(404, "GraphMembershipNotFoundException", "VS860018: The membership was not found.");
    match visit.call.method {
        Method::HEAD => Ok(empty(if exists { 200 } else { 404 })),
        Method::GET if exists => Ok(json_answer(200, &shown)),
        Method::GET => Err(absent()),
        Method::PUT | Method::DELETE => {
            check_administrator(visit, organization, group.project)?;
            let put = visit.call.method == Method::PUT;
            let organization = visit.organization_mut(world)?;
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
        _ => Err(Fail::Gap),
    }
}

/// Changing groups takes an administrator of their project, or of the organization.
fn check_administrator(visit: &Visit<'_>, organization: &Organization, project: Option<Uuid>) -> Result<(), Fail> {
    let id = visit.caller.id();
    let administers = organization.is_in(id, None, "Project Collection Administrators")
        || project.is_some_and(|project| organization.is_in(id, Some(project), "Project Administrators"));
    if administers { Ok(()) } else { Err(Fail::denied(&visit.caller.member.display_name, "Edit identity information")) }
}

fn create_group(visit: &Visit<'_>, world: &mut World) -> Result<Answer, Fail> {
    let body = endpoints::body(visit)?;
    let text = |field: &str| body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text("displayName");
    // Groups of Entra ID are taken in by their origin id.
    if name.is_empty() {
        return Err(Fail::Gap);
    }
    let organization = visit.organization(world)?;
    let project = wanted_scope(visit, organization)?.flatten();
    check_administrator(visit, organization, project)?;
    if organization.groups.iter().any(|group| group.project == project && group.name.eq_ignore_ascii_case(&name)) {
        let text = format!("TF50205: The group {name} already exists.");
        return Err(Fail::new(409, "GraphGroupAlreadyExistsException", text));
    }
    let group = Group { id: world.dice.guid(), project, name, description: text("description"), members: Vec::new() };
    let organization = visit.organization_mut(world)?;
    organization.groups.push(group);
    let organization = visit.organization(world)?;
    let shown = organization.groups.last().map(|group| show_group(visit, organization, group)).unwrap_or_default();
    let url = shown.get("url").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(json_answer(201, &shown).with_header("location", &url))
}

fn delete_group(visit: &Visit<'_>, world: &mut World, text: &str) -> Result<Answer, Fail> {
    let organization = visit.organization(world)?;
    let Subject::Group(group) = find(organization, text)? else {
        return Err(Fail::argument("The subject is not a group."));
    };
    check_administrator(visit, organization, group.project)?;
    let id = group.id;
    let organization = visit.organization_mut(world)?;
    organization.groups.retain(|group| group.id != id);
    for group in &mut organization.groups {
        group.members.retain(|member| *member != id);
    }
    Ok(empty(204))
}

//! Makes organizations of a seed.

use std::collections::{BTreeMap, HashMap};

use azconnect_core::{Error, Secret};
use serde_json::{Map, Value};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::{NamedSecrets, tenant_id};
use crate::base::dice::named_guid;
use crate::base::moment::Moment;
use crate::model::devops::confidential::{confidential_parameter, mark_secret, take_secrets};
use crate::model::devops::{
    Connection, Conversion, Execution, Grant, Group, Member, Organization, Pat, PipelineGrant, Project, Reference,
    field,
};
use crate::model::token::Identity;
use crate::model::world::World;
use crate::setup::seed::{ConnectionSeed, HeldSecret, MemberSeed, OrganizationSeed, PatSeed, ProjectSeed};

pub(super) fn add_organization(
    world: &mut World,
    seed: OrganizationSeed,
    named: &NamedSecrets,
    now: Moment,
) -> Result<(), Error> {
    let tenant = seed.tenant.map(|tenant| tenant_id(world, &tenant, "seed.organizations")).transpose()?;
    let mut organization = Organization {
        id: seed.id,
        name: seed.name,
        tenant,
        latest_version: seed.latest_version,
        projects: Vec::new(),
        connections: Vec::new(),
        members: Vec::new(),
        groups: Vec::new(),
        grants: Vec::new(),
        pats: Vec::new(),
        usage: HashMap::new(),
    };
    organization.create_collection_groups();
    // Built when all projects are there, since a connection may be shared with any of them.
    let mut connections = Vec::new();
    for project in seed.projects {
        let ProjectSeed { id, name, description, state, connections: seeds } = project;
        organization.projects.push(Project {
            id,
            name,
            description,
            state,
            updated: now.wall.saturating_sub(Duration::days(200)),
        });
        organization.create_project_groups(id);
        connections.extend(seeds.into_iter().map(|seed| (id, seed)));
    }
    for group in seed.groups {
        let id = named_guid(&format!("{}/{}", organization.name, group.name));
        let (scope, name) = organization.split_group_name(&group.name).ok_or_else(|| {
            Error::invalid("seed.organizations.groups", format!("{} is not the name of a group", group.name))
                .with_advice(r"write [Project]\Name or [Organization]\Name")
        })?;
        organization.groups.push(Group { id, project: scope, name, description: String::new(), members: Vec::new() });
        for container in &group.member_of {
            join(&mut organization, id, container, "seed.organizations.groups")?;
        }
    }
    for member in seed.members {
        add_member(world, &mut organization, member)?;
    }
    for pat in seed.pats {
        add_pat(world, &mut organization, pat, now)?;
    }
    for (project, seed) in connections {
        let connection = build_connection(world, &organization, project, (seed, named, now))?;
        organization.connections.push(connection);
    }
    world.devops.organizations.push(organization);
    Ok(())
}

/// Lets a principal or person into an organization, as administrator of all of it.
pub(super) fn add_administrator(world: &mut World, object_id: Uuid, organization: &str) -> Result<(), Error> {
    let person = identity_of(world, object_id);
    let missing = || {
        Error::invalid(
            "seed.tenants.devopsOrganizations",
            format!("there is no organization called {organization} in the seed"),
        )
        .with_advice("add it to organizations, or correct the name")
    };
    let organization = world.devops.organization_mut(organization).ok_or_else(missing)?;
    let id = organization.enter(person.ok_or_else(missing)?);
    let name = format!(r"[{}]\Project Collection Administrators", organization.name);
    join(organization, id, &name, "seed.tenants.devopsOrganizations")
}

fn add_member(world: &World, organization: &mut Organization, seed: MemberSeed) -> Result<(), Error> {
    let member = find_person(world, &seed.who, &seed.path)?;
    let id = organization.enter(member);
    for group in &seed.groups {
        join(organization, id, group, &seed.path)?;
    }
    organization.grants.extend(seed.grants.into_iter().map(|(token, allow)| Grant { token, holder: id, allow }));
    Ok(())
}

fn add_pat(world: &mut World, organization: &mut Organization, seed: PatSeed, now: Moment) -> Result<(), Error> {
    let member = find_person(world, &seed.user, &seed.path)?;
    let owner = organization.enter(member);
    organization.pats.push(Pat {
        authorization_id: world.dice.guid(),
        owner,
        display_name: seed.display_name,
        scope: seed.scope,
        valid_from: now.wall.saturating_add(Duration::days(seed.starts_in_days)),
        valid_to: now.wall.saturating_add(Duration::days(seed.ends_in_days)),
        all_organizations: false,
        token: seed.token.unwrap_or_else(|| Secret::new(world.dice.pat())),
        revoked: None,
    });
    Ok(())
}

/// Puts a member or group into a group, which is created if it is one of those that appear when they are first used.
fn join(organization: &mut Organization, id: Uuid, group: &str, path: &str) -> Result<(), Error> {
    let known = organization.group_by_name(group).map(|group| group.id);
    let found = known.or_else(|| organization.create_lazily(group));
    let found = found.and_then(|found| organization.groups.iter_mut().find(|group| group.id == found));
    let found = found.ok_or_else(|| {
        Error::invalid(path, format!("{path} names the group {group}, which does not exist"))
            .with_advice(r"write it as [Project]\Endpoint Administrators, or add it to groups first")
    })?;
    if !found.members.contains(&id) {
        found.members.push(id);
    }
    Ok(())
}

/// A person or principal that a seed names by client id or user principal name.
fn find_person(world: &World, who: &str, path: &str) -> Result<Member, Error> {
    let client = Uuid::parse_str(who).ok();
    let found = world.directory.tenants.iter().find_map(|tenant| {
        let principal = tenant.principals.iter().find(|principal| Some(principal.client_id) == client);
        let user = tenant.users.iter().find(|user| user.principal_name.eq_ignore_ascii_case(who));
        principal.map(|principal| principal.object_id).or(user.map(|user| user.object_id))
    });
    found.and_then(|id| identity_of(world, id)).ok_or_else(|| {
        Error::invalid(path, format!("{path} names {who}, who is in no tenant of the seed"))
            .with_advice("give the client id of an application with a service principal, or a userPrincipalName")
    })
}

fn identity_of(world: &World, object_id: Uuid) -> Option<Member> {
    if let Some(principal) = world.directory.principal(object_id) {
        return Some(Member {
            id: named_guid(&format!("member/{object_id}")),
            identity: Identity::ServicePrincipal(object_id),
            display_name: principal.display_name.clone(),
            unique_name: object_id.to_string(),
        });
    }
    world.directory.user(object_id).map(|user| Member {
        id: named_guid(&format!("member/{object_id}")),
        identity: Identity::User(object_id),
        display_name: user.display_name.clone(),
        unique_name: user.principal_name.clone(),
    })
}

fn build_connection(
    world: &mut World,
    organization: &Organization,
    project: Uuid,
    (seed, named, now): (ConnectionSeed, &NamedSecrets, Moment),
) -> Result<Connection, Error> {
    let text = seed.secret.map(|held| held_text(held, named, &seed.path)).transpose()?;
    let mut document = seed.document;
    let secrets = place_secret(&mut document, (text, seed.parameter), &seed.path)?;
    let creator = match &seed.created_by {
        Some(who) => Some(find_person(world, who, &seed.path)?.id),
        None => None,
    };
    let references = read_references(organization, project, &mut document, &seed.path)?;
    let converted = seed.revert_deadline_in_days.map(|days| Conversion {
        authorization: earlier_authorization(&document),
        secrets: Vec::new(),
        deadline: now.wall.saturating_add(Duration::days(days)),
    });
    if let (Some(conversion), Some(data)) = (&converted, document.get_mut("data").and_then(Value::as_object_mut)) {
        let deadline = conversion.deadline.format(&Rfc3339).unwrap_or_default();
        data.insert("revertSchemeDeadline".to_owned(), Value::from(deadline));
    }
    let granted_by = creator.unwrap_or_default();
    Ok(Connection {
        id: seed.id,
        owner_project: project,
        references,
        document,
        secrets,
        broken: seed.broken,
        creator,
        created: now.wall.saturating_sub(Duration::days(100)),
        modified: now.wall.saturating_sub(Duration::days(100)),
        modified_by: creator,
        ready_at: seed
            .ready_in_seconds
            .map(|seconds| now.elapsed.saturating_add(std::time::Duration::from_secs(seconds.into()))),
        failure: seed.failure,
        deleted_at: None,
        executions: (1..=seed.executions)
            .map(|id| Execution {
                id,
                started: now.wall.saturating_sub(Duration::hours(i64::from(seed.executions - id) + 1)),
            })
            .collect(),
        // A seed says it of the project in which it has the connection.
        pipelines: BTreeMap::from([(
            project,
            PipelineGrant {
                all: seed.all_pipelines.then_some((granted_by, now.wall)),
                some: seed.pipelines.into_iter().map(|id| (id, granted_by, now.wall)).collect(),
            },
        )]),
        converted,
        background: None,
    })
}

/// Puts the secret of a connection aside, and marks its place in the document.
fn place_secret(
    document: &mut Map<String, Value>,
    (text, parameter): (Option<Secret>, Option<String>),
    path: &str,
) -> Result<Vec<(String, Secret)>, Error> {
    if !take_secrets(document).secrets.is_empty() {
        return Err(Error::invalid(path, format!("{path} holds a secret in its document"))
            .with_advice("move the text to the connection's \"secret\": {\"text\": …}"));
    }
    let Some(text) = text else { return Ok(Vec::new()) };
    let usual = parameter.or_else(|| confidential_parameter(document).map(str::to_owned));
    let parameter = usual.ok_or_else(|| {
        Error::invalid(path, format!("the scheme of {path} holds no secret"))
            .with_advice("remove the secret, or name its parameter")
    })?;
    mark_secret(document, &parameter);
    Ok(vec![(parameter, text)])
}

fn held_text(held: HeldSecret, named: &NamedSecrets, path: &str) -> Result<Secret, Error> {
    match held {
        HeldSecret::Text(text) => Ok(text),
        HeldSecret::Password { application, name } => {
            let found = named.iter().find(|(client_id, known, _)| *client_id == application && *known == name);
            found.map(|(.., text)| text.duplicate()).ok_or_else(|| {
                Error::invalid(path, format!("{path} holds the password {name} of {application}, which is not there"))
                    .with_advice("give that password of the application the same \"name\"")
            })
        }
    }
}

/// Takes the project references out of a document; the owner's own comes first, and is made if it is absent.
fn read_references(
    organization: &Organization,
    owner: Uuid,
    document: &mut Map<String, Value>,
    path: &str,
) -> Result<Vec<Reference>, Error> {
    let name = field(document, "name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let description = field(document, "description").and_then(Value::as_str).map(str::to_owned);
    let mut references = vec![Reference { project: owner, name: name.clone(), description }];
    let Some(Value::Array(listed)) = document.remove("serviceEndpointProjectReferences") else { return Ok(references) };
    for reference in &listed {
        let project = reference.get("projectReference");
        let key = project.and_then(|p| p.get("id").or_else(|| p.get("name"))).and_then(Value::as_str);
        let found = key.and_then(|key| organization.project(key)).map(|project| project.id).ok_or_else(|| {
            Error::invalid(path, format!("{path} refers to a project that its organization does not have"))
                .with_advice("correct serviceEndpointProjectReferences[].projectReference")
        })?;
        let called = reference.get("name").and_then(Value::as_str).unwrap_or(&name).to_owned();
        let description = reference.get("description").and_then(Value::as_str).map(str::to_owned);
        match references.iter_mut().find(|reference| reference.project == found) {
            Some(own) => *own = Reference { project: found, name: called, description },
            None => references.push(Reference { project: found, name: called, description }),
        }
    }
    Ok(references)
}

/// What a connection that was converted before the start was: the same, with a service principal's key.
fn earlier_authorization(document: &Map<String, Value>) -> Map<String, Value> {
    let mut authorization = document.get("authorization").and_then(Value::as_object).cloned().unwrap_or_default();
    authorization.insert("scheme".to_owned(), Value::from("ServicePrincipal"));
    if let Some(parameters) = authorization.get_mut("parameters").and_then(Value::as_object_mut) {
        parameters.retain(|name, _| !name.to_ascii_lowercase().starts_with("workloadidentity"));
        parameters.insert("authenticationType".to_owned(), Value::from("spnKey"));
    }
    authorization
}

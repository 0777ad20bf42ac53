//! The part of a seed that Azure DevOps holds.

use azconnect_core::Secret;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::fault::SeedFault;
use super::node::Node;
use crate::base::dice::named_guid;

/// An organization of a seed.
pub(crate) struct OrganizationSeed {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) tenant: Option<String>,
    pub(crate) latest_version: Option<(u32, u32)>,
    pub(crate) projects: Vec<ProjectSeed>,
    pub(crate) groups: Vec<GroupSeed>,
    pub(crate) members: Vec<MemberSeed>,
    pub(crate) pats: Vec<PatSeed>,
}

/// A project of an organization of a seed.
pub(crate) struct ProjectSeed {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) state: String,
    pub(crate) connections: Vec<ConnectionSeed>,
}

/// A service connection of a project of a seed.
pub(crate) struct ConnectionSeed {
    pub(crate) path: String,
    pub(crate) id: Uuid,
    pub(crate) document: Map<String, Value>,
    pub(crate) secret: Option<HeldSecret>,
    pub(crate) parameter: Option<String>,
    pub(crate) broken: bool,
    pub(crate) created_by: Option<String>,
    pub(crate) executions: u32,
    pub(crate) ready_in_seconds: Option<u32>,
    pub(crate) failure: Option<String>,
    pub(crate) revert_deadline_in_days: Option<i64>,
    pub(crate) all_pipelines: bool,
    pub(crate) pipelines: Vec<u32>,
}

/// What a service connection holds.
pub(crate) enum HeldSecret {
    Password { application: Uuid, name: String },
    Text(Secret),
}

/// A group beyond those every organization and project has.
pub(crate) struct GroupSeed {
    pub(crate) name: String,
    pub(crate) member_of: Vec<String>,
}

/// A member of an organization: a client id or a user principal name.
pub(crate) struct MemberSeed {
    pub(crate) path: String,
    pub(crate) who: String,
    pub(crate) groups: Vec<String>,
    pub(crate) grants: Vec<(String, u32)>,
}

/// A personal access token of an organization of a seed.
pub(crate) struct PatSeed {
    pub(crate) path: String,
    pub(crate) user: String,
    pub(crate) display_name: String,
    pub(crate) scope: String,
    pub(crate) starts_in_days: i64,
    pub(crate) ends_in_days: i64,
    pub(crate) token: Option<Secret>,
}

pub(super) fn read_organization(node: &Node<'_>) -> Result<OrganizationSeed, SeedFault> {
    node.only(&["name", "id", "tenant", "latestApiVersion", "projects", "groups", "members", "personalAccessTokens"])?;
    let name_node = node.required("name")?;
    let name = name_node.text()?.to_owned();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(name_node.wrong("is not the name of an organization", "use letters, digits and hyphens"));
    }
    Ok(OrganizationSeed {
        id: node.maybe_guid("id")?.unwrap_or_else(|| named_guid(&format!("organization/{name}"))),
        tenant: node.maybe_text("tenant")?,
        latest_version: node.optional("latestApiVersion")?.map(|version| read_version(&version)).transpose()?,
        projects: node.each("projects", |node| read_project(node, &name))?,
        groups: node.each("groups", |node| {
            node.only(&["name", "memberOf"])?;
            Ok(GroupSeed { name: node.required("name")?.text()?.to_owned(), member_of: node.texts("memberOf")? })
        })?,
        members: node.each("members", read_member)?,
        pats: node.each("personalAccessTokens", read_pat)?,
        name,
    })
}

fn read_version(node: &Node<'_>) -> Result<(u32, u32), SeedFault> {
    let parts = node.text()?.split_once('.');
    let numbers = parts.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    numbers.ok_or_else(|| node.wrong("is not a version", "write it as \"7.0\""))
}

fn read_project(node: &Node<'_>, organization: &str) -> Result<ProjectSeed, SeedFault> {
    node.only(&["name", "id", "description", "state", "connections"])?;
    let name = node.required("name")?.text()?.to_owned();
    let inside = format!("{organization}/{name}");
    Ok(ProjectSeed {
        id: node.maybe_guid("id")?.unwrap_or_else(|| named_guid(&format!("project/{inside}"))),
        description: node.maybe_text("description")?,
        state: node.maybe_text("state")?.unwrap_or_else(|| "wellFormed".to_owned()),
        connections: node.each("connections", |node| read_connection(node, &inside))?,
        name,
    })
}

fn read_connection(node: &Node<'_>, inside: &str) -> Result<ConnectionSeed, SeedFault> {
    node.only(&[
        "id",
        "document",
        "secret",
        "broken",
        "createdBy",
        "executions",
        "readyInSeconds",
        "failure",
        "revertDeadlineInDays",
        "allPipelines",
        "pipelines",
    ])?;
    let document = node.required("document")?;
    let name = document.required("name")?.text()?.to_owned();
    let path = document.path().to_owned();
    let secret = node.optional("secret")?;
    let number = |key: &str| node.optional(key)?.map(|value| value.number()).transpose();
    Ok(ConnectionSeed {
        path,
        id: node.maybe_guid("id")?.unwrap_or_else(|| named_guid(&format!("connection/{inside}/{name}"))),
        document: document.value().as_object().cloned().unwrap_or_default(),
        parameter: secret.as_ref().map_or(Ok(None), |secret| secret.maybe_text("parameter"))?,
        secret: secret.as_ref().map(read_held).transpose()?,
        broken: node.flag_or("broken", false)?,
        created_by: node.maybe_text("createdBy")?,
        executions: number("executions")?.unwrap_or_default(),
        ready_in_seconds: number("readyInSeconds")?,
        failure: node.maybe_text("failure")?,
        revert_deadline_in_days: node.optional("revertDeadlineInDays")?.map(|days| days.signed()).transpose()?,
        all_pipelines: node.flag_or("allPipelines", false)?,
        pipelines: node.each("pipelines", |id| id.number())?,
    })
}

fn read_held(node: &Node<'_>) -> Result<HeldSecret, SeedFault> {
    node.only(&["application", "password", "text", "parameter"])?;
    // Read also where a text stands in for them, so that no field is passed over.
    let (_, _) = (node.maybe_guid("application")?, node.maybe_text("password")?);
    if let Some(text) = node.maybe_text("text")? {
        return Ok(HeldSecret::Text(Secret::new(text)));
    }
    Ok(HeldSecret::Password {
        application: node.required("application")?.guid()?,
        name: node.required("password")?.text()?.to_owned(),
    })
}

fn read_member(node: &Node<'_>) -> Result<MemberSeed, SeedFault> {
    node.only(&["application", "user", "groups", "grants"])?;
    let who = match (node.maybe_guid("application")?, node.maybe_text("user")?) {
        (Some(client_id), _) => client_id.to_string(),
        (None, Some(user)) => user,
        (None, None) => node.required("user")?.text()?.to_owned(),
    };
    Ok(MemberSeed {
        path: node.path().to_owned(),
        who,
        groups: node.texts("groups")?,
        grants: node.each("grants", |grant| {
            grant.only(&["token", "allow"])?;
            Ok((grant.required("token")?.text()?.to_owned(), grant.required("allow")?.number()?))
        })?,
    })
}

fn read_pat(node: &Node<'_>) -> Result<PatSeed, SeedFault> {
    node.only(&["user", "displayName", "scope", "startsInDays", "endsInDays", "token"])?;
    let days = |key: &str, default: i64| node.optional(key)?.map_or(Ok(default), |days| days.signed());
    Ok(PatSeed {
        path: node.path().to_owned(),
        user: node.required("user")?.text()?.to_owned(),
        display_name: node.maybe_text("displayName")?.unwrap_or_else(|| "token".to_owned()),
        scope: node.maybe_text("scope")?.unwrap_or_else(|| "app_token".to_owned()),
        starts_in_days: days("startsInDays", -1)?,
        ends_in_days: days("endsInDays", 30)?,
        token: node.maybe_text("token")?.map(Secret::new),
    })
}

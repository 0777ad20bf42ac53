//! What tokens are for: the resources, by the names that callers have for them.

use serde_json::Value;
use uuid::{Uuid, uuid};

use crate::base::origins::Origins;
use crate::model::consent::{self, ARM, DEVOPS as DEVOPS_ID, GRAPH as GRAPH_ID, VAULT};
use crate::model::directory::Directory;
use crate::model::token::Audience;

/// A resource, as a caller named it.
#[derive(Clone)]
pub(super) struct Resource {
    /// The client id of its application.
    pub(super) app: Uuid,
    pub(super) audience: Audience,
    pub(super) text: String,
}

/// A delegated permission that a resource has for applications.
pub(super) struct Permission {
    pub(super) id: Option<Uuid>,
    pub(super) name: String,
    pub(super) for_administrators: bool,
}

impl Resource {
    /// The resource of a name, or nothing if there is none.
    pub(super) fn find(directory: &Directory, origins: &Origins, text: &str) -> Option<Self> {
        let audience = audience(directory, origins, text)?;
        let app = match &audience {
            Audience::Graph => GRAPH_ID,
            Audience::DevOps => DEVOPS_ID,
            // One origin stands for everything; its permissions are those of the largest.
            Audience::ResourceManager | Audience::OneOrigin => ARM,
            Audience::Other(name) => other(directory, name)?,
        };
        Some(Self { app, audience, text: text.to_owned() })
    }

    /// Microsoft Graph, which scopes without a resource belong to.
    pub(super) fn graph() -> Self {
        Self { app: GRAPH_ID, audience: Audience::Graph, text: GRAPH_ID.to_string() }
    }

    /// What it may be asked for on behalf of people.
    pub(super) fn permissions(&self, directory: &Directory) -> Vec<Permission> {
        permissions_of(directory, self.app)
    }
}

/// The delegated permissions of the application with a client id.
pub(super) fn permissions_of(directory: &Directory, app: Uuid) -> Vec<Permission> {
    if consent::is_known(app) {
        let known = consent::delegated(app);
        return known
            .map(|one| Permission {
                id: Some(one.id),
                name: one.value.to_owned(),
                for_administrators: one.for_administrators,
            })
            .collect();
    }
    let Some((_, application)) = directory.application(app) else {
        return vec![Permission { id: None, name: "user_impersonation".to_owned(), for_administrators: false }];
    };
    let scopes = application.document.get("api").and_then(|api| api.get("oauth2PermissionScopes")?.as_array());
    let enabled = |scope: &&Value| scope.get("isEnabled").and_then(Value::as_bool).unwrap_or(true);
    let permission = |scope: &Value| {
        let id = scope.get("id").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
        let for_administrators = scope.get("type").and_then(Value::as_str) == Some("Admin");
        Some(Permission { id, name: scope.get("value")?.as_str()?.to_owned(), for_administrators })
    };
    scopes.into_iter().flatten().filter(enabled).filter_map(permission).collect()
}

/// The client id behind a name that is none of the emulated services.
fn other(directory: &Directory, name: &str) -> Option<Uuid> {
    let name = name.trim_end_matches('/');
    OTHER
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))
        .map(|(_, id)| *id)
        .or_else(|| named(directory, name))
}

/// An application of some tenant, by its client id or one of its own addresses.
fn named(directory: &Directory, name: &str) -> Option<Uuid> {
    let id = Uuid::parse_str(name.trim_start_matches("api://")).ok();
    if let Some(id) = id.filter(|id| directory.application(*id).is_some()) {
        return Some(id);
    }
    let mut all = directory.tenants.iter().flat_map(|tenant| &tenant.applications);
    let is_called =
        |uris: &Value| uris.as_array().is_some_and(|uris| uris.iter().any(|uri| uri.as_str() == Some(name)));
    let found = all.find(|application| application.document.get("identifierUris").is_some_and(is_called));
    found.map(|application| application.client_id)
}

/// The resource of a scope such as `https://graph.microsoft.com/User.Read`.
pub(super) fn resource_of(scope: &str) -> &str {
    scope.rsplit_once('/').map_or(scope, |(resource, _)| resource)
}

/// What a resource stands for, or nothing if the tenant knows no such resource.
pub(super) fn audience(directory: &Directory, origins: &Origins, resource: &str) -> Option<Audience> {
    let resource = resource.trim_end_matches('/');
    let is = |origin: &str| resource.eq_ignore_ascii_case(origin.trim_end_matches('/'));
    if origins.are_one() && is(&origins.login) {
        return Some(Audience::OneOrigin);
    }
    if is(&origins.graph) || GRAPH.iter().any(|name| is(name)) {
        return Some(Audience::Graph);
    }
    if is(&origins.resource_manager) || RESOURCE_MANAGER.iter().any(|name| is(name)) {
        return Some(Audience::ResourceManager);
    }
    if is(&origins.devops) || DEVOPS.iter().any(|name| is(name)) {
        return Some(Audience::DevOps);
    }
    other(directory, resource).map(|_| Audience::Other(resource.to_owned()))
}

const GRAPH: [&str; 4] = [
    "https://graph.microsoft.com",
    "00000003-0000-0000-c000-000000000000",
    "https://graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];

const RESOURCE_MANAGER: [&str; 5] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "https://management.usgovcloudapi.net",
    "https://management.chinacloudapi.cn",
];

const DEVOPS: [&str; 3] =
    ["499b84ac-1321-427f-aa17-267ca6975798", "https://app.vssps.visualstudio.com", "https://dev.azure.com"];

/// Resources that are not emulated, with the client ids of their applications.
const OTHER: [(&str, Uuid); 5] = [
    ("https://vault.azure.net", VAULT),
    ("cfa8b339-82a2-471a-a3c9-0fc0be7a4093", VAULT),
    ("https://storage.azure.com", uuid!("e406a681-f3d4-42a8-90b6-c2b029497af1")),
    ("https://database.windows.net", uuid!("022907d3-0f1b-48f7-badc-1ba6abab6d66")),
    ("https://containerregistry.azure.net", uuid!("6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26")),
];

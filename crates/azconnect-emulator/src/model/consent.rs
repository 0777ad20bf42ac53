//! What an administrator consented to: delegated permissions, and application roles. And the resources they are for.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::{Uuid, uuid};

use super::directory::{Birth, ServicePrincipal};

/// A delegated permission grant: the scopes of one resource that a client may use for everybody, or for one person.
pub(crate) struct Grant {
    pub(crate) id: Uuid,
    pub(crate) client: Uuid,
    pub(crate) person: Option<Uuid>,
    pub(crate) resource: Uuid,
    pub(crate) scope: String,
    pub(crate) created: Birth,
}

/// An application role of a resource that a principal was given.
pub(crate) struct Assignment {
    pub(crate) id: Uuid,
    pub(crate) principal: Uuid,
    pub(crate) resource: Uuid,
    pub(crate) role: Uuid,
    pub(crate) created: Birth,
}

/// Everything that a tenant consented to.
#[derive(Default)]
pub(crate) struct Consents {
    pub(crate) grants: Vec<Grant>,
    pub(crate) assignments: Vec<Assignment>,
}

impl Consents {
    /// Forgets what a principal was given, and what others were given of it.
    pub(crate) fn forget(&mut self, principal: Uuid) {
        self.grants.retain(|grant| grant.client != principal && grant.resource != principal);
        self.assignments.retain(|one| one.principal != principal && one.resource != principal);
    }
}

const GRAPH: Uuid = uuid!("00000003-0000-0000-c000-000000000000");
const DEVOPS: Uuid = uuid!("499b84ac-1321-427f-aa17-267ca6975798");

/// The application roles of Graph that the emulator knows, by the *Microsoft Graph permissions reference*.
const GRAPH_ROLES: [(&str, Uuid); 7] = [
    ("Application.ReadWrite.OwnedBy", uuid!("18a4783c-866b-4cc7-a460-3d5e5662c884")),
    ("Application.ReadWrite.All", uuid!("1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9")),
    ("Application.Read.All", uuid!("9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30")),
    ("Directory.Read.All", uuid!("7ab1d382-f21e-4acd-a863-ba3e13f7da61")),
    ("Directory.ReadWrite.All", uuid!("19dbc75e-c2e2-444c-a770-ec69d8559fc7")),
    ("DelegatedPermissionGrant.ReadWrite.All", uuid!("8e8e4742-1d95-4f68-9d56-6ee75648c72a")),
    ("AppRoleAssignment.ReadWrite.All", uuid!("06b708a9-e830-4db3-a914-8e69da51d44f")),
];

/// The service principals that Microsoft's own applications have in a tenant.
pub(crate) fn resources_of(tenant: Uuid, wall: OffsetDateTime) -> Vec<ServicePrincipal> {
    let roles = GRAPH_ROLES.map(|(value, id)| {
        json!({"id": id.to_string(), "value": value, "isEnabled": true,
        "allowedMemberTypes": ["Application"], "displayName": value})
    });
    let scope = |value: &str, id: &str| json!([{"id": id, "value": value, "isEnabled": true, "type": "User"}]);
    let resource = |client_id: Uuid, name: &str, roles: Value, scopes: Value| {
        let document = json!({"appRoles": roles, "oauth2PermissionScopes": scopes, "appOwnerOrganizationId":
            "f8cdef31-a31e-4b4a-93e4-5f571e91255a"});
        ServicePrincipal {
            // Each tenant has its own; the same in every run.
            object_id: Uuid::new_v5(&tenant, client_id.as_bytes()),
            client_id,
            display_name: name.to_owned(),
            enabled: true,
            hidden: None,
            passwords: Vec::new(),
            owners: Vec::new(),
            graph_roles: Vec::new(),
            created: Birth { wall, elapsed: None },
            document: document.as_object().cloned().unwrap_or_default(),
        }
    };
    vec![
        resource(GRAPH, "Microsoft Graph", json!(roles), scope("User.Read", "e1fe6dd8-ba31-4d61-89e7-88639da4683d")),
        resource(
            DEVOPS,
            "Microsoft Visual Studio Team Services",
            json!([]),
            scope("user_impersonation", "ee69721e-6c3a-468f-a9ec-302d16a4c599"),
        ),
    ]
}

/// The name of an application role of Graph.
pub(crate) fn graph_role(role: Uuid) -> Option<&'static str> {
    GRAPH_ROLES.iter().find(|(_, id)| *id == role).map(|(name, _)| *name)
}

/// Whether a service principal is that of Graph.
pub(crate) fn is_graph(principal: &ServicePrincipal) -> bool {
    principal.client_id == GRAPH
}

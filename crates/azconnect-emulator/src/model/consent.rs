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

/// The client ids of the resources that people let applications use.
pub(crate) const GRAPH: Uuid = uuid!("00000003-0000-0000-c000-000000000000");
pub(crate) const DEVOPS: Uuid = uuid!("499b84ac-1321-427f-aa17-267ca6975798");
pub(crate) const ARM: Uuid = uuid!("797f4846-ba00-4fd7-ba43-dac1f8f63013");
pub(crate) const VAULT: Uuid = uuid!("cfa8b339-82a2-471a-a3c9-0fc0be7a4093");

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
    let scopes = |resource: Uuid| -> Value {
        delegated(resource)
            .map(|one| {
                let kind = if one.for_administrators { "Admin" } else { "User" };
                json!({"id": one.id.to_string(), "value": one.value, "isEnabled": true, "type": kind})
            })
            .collect()
    };
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
            certificates: Vec::new(),
            owners: Vec::new(),
            graph_roles: Vec::new(),
            created: Birth { wall, elapsed: None },
            document: document.as_object().cloned().unwrap_or_default(),
        }
    };
    vec![
        resource(GRAPH, "Microsoft Graph", json!(roles), scopes(GRAPH)),
        resource(DEVOPS, "Microsoft Visual Studio Team Services", json!([]), scopes(DEVOPS)),
        resource(ARM, "Windows Azure Service Management API", json!([]), scopes(ARM)),
        resource(VAULT, "Azure Key Vault", json!([]), scopes(VAULT)),
    ]
}

/// A delegated permission of one of Microsoft's resources.
pub(crate) struct Delegated {
    resource: Uuid,
    pub(crate) id: Uuid,
    pub(crate) value: &'static str,
    pub(crate) for_administrators: bool,
}

const fn user(resource: Uuid, value: &'static str, id: Uuid) -> Delegated {
    Delegated { resource, id, value, for_administrators: false }
}

const fn administrator(resource: Uuid, value: &'static str, id: Uuid) -> Delegated {
    Delegated { resource, id, value, for_administrators: true }
}

/// Some of each resource's delegated permissions, by the *Microsoft Graph permissions reference* and the service principals of
/// the others. The ids of the granular ones of Azure DevOps are assumed.
const DELEGATED: [Delegated; 26] = [
    user(GRAPH, "User.Read", uuid!("e1fe6dd8-ba31-4d61-89e7-88639da4683d")),
    user(GRAPH, "openid", uuid!("37f7f235-527c-4136-accd-4a02d197296e")),
    user(GRAPH, "profile", uuid!("14dad69e-099b-42c9-810b-d002981feec1")),
    user(GRAPH, "email", uuid!("64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0")),
    user(GRAPH, "offline_access", uuid!("7427e0e9-2fba-42fe-b0c0-848c9e6a8182")),
    user(GRAPH, "User.ReadBasic.All", uuid!("b340eb25-3456-403f-be2f-af7a0d370277")),
    administrator(GRAPH, "User.Read.All", uuid!("a154be20-db9c-4678-8ab7-66f6cc099a59")),
    administrator(GRAPH, "Directory.Read.All", uuid!("06da0dbc-49e2-44d2-8312-53f166ab848a")),
    administrator(GRAPH, "Directory.AccessAsUser.All", uuid!("0e263e50-5827-48a4-b97c-d940288653c7")),
    administrator(GRAPH, "Application.Read.All", uuid!("c79f8feb-a9db-4090-85f9-90d820caa0eb")),
    administrator(GRAPH, "Application.ReadWrite.All", uuid!("bdfbf15f-ee85-4955-8675-146e8e5296b5")),
    user(DEVOPS, "user_impersonation", uuid!("ee69721e-6c3a-468f-a9ec-302d16a4c599")),
    user(DEVOPS, "vso.profile", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a01")),
    user(DEVOPS, "vso.code", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a02")),
    user(DEVOPS, "vso.code_write", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a03")),
    user(DEVOPS, "vso.project", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a04")),
    user(DEVOPS, "vso.graph", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a05")),
    user(DEVOPS, "vso.build", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a06")),
    user(DEVOPS, "vso.tokens", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a07")),
    user(DEVOPS, "vso.serviceendpoint", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a08")),
    user(DEVOPS, "vso.serviceendpoint_query", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a09")),
    user(DEVOPS, "vso.serviceendpoint_manage", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a0a")),
    user(DEVOPS, "vso.variablegroups_manage", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a0b")),
    user(DEVOPS, "vso.security_manage", uuid!("0b2f8a1e-4d4c-4b0e-9a70-6c1b6f0e5a0c")),
    user(ARM, "user_impersonation", uuid!("41094075-9dad-400e-a0bd-54e686782033")),
    user(VAULT, "user_impersonation", uuid!("f53da476-18e3-4152-8e01-aec403e6edc0")),
];

/// The delegated permissions of one of Microsoft's resources.
pub(crate) fn delegated(resource: Uuid) -> impl Iterator<Item = &'static Delegated> {
    DELEGATED.iter().filter(move |one| one.resource == resource)
}

/// Whether a resource is one of Microsoft's that are known here.
pub(crate) fn is_known(resource: Uuid) -> bool {
    delegated(resource).next().is_some()
}

/// An application role of one of Microsoft's resources, by its name.
pub(crate) fn role_of(resource: Uuid, name: &str) -> Option<Uuid> {
    GRAPH_ROLES.iter().find(|(known, _)| resource == GRAPH && *known == name).map(|(_, id)| *id)
}

/// The name of an application role of Graph.
pub(crate) fn graph_role(role: Uuid) -> Option<&'static str> {
    GRAPH_ROLES.iter().find(|(_, id)| *id == role).map(|(name, _)| *name)
}

/// Whether a service principal is that of Graph.
pub(crate) fn is_graph(principal: &ServicePrincipal) -> bool {
    principal.client_id == GRAPH
}

//! The permissions of other services that an application asks for.

use azconnect_core::{ClientId, guid_id};
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

guid_id!(
    /// The id of a permission of a resource: of a scope, or of an application role.
    ApiPermissionId, "permission id"
);

/// How a permission is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiPermissionKind {
    /// On behalf of a person who signed in.
    Delegated,
    /// By the application itself.
    Application,
}

/// A permission of another service, by its id and by its name: a registration asks for the id, a consent to a delegated one
/// names the scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiPermission {
    /// The client id of the service, such as Azure DevOps or Microsoft Graph.
    pub resource: ClientId,
    /// Which of its permissions.
    pub id: ApiPermissionId,
    /// Its name at the service, such as `user_impersonation`.
    pub name: String,
    /// How it is used.
    pub kind: ApiPermissionKind,
}

const DEVOPS: Uuid = uuid!("499b84ac-1321-427f-aa17-267ca6975798");
const GRAPH: Uuid = uuid!("00000003-0000-0000-c000-000000000000");

impl ApiPermission {
    /// A permission of a service.
    pub fn new(resource: ClientId, id: ApiPermissionId, name: impl Into<String>, kind: ApiPermissionKind) -> Self {
        Self { resource, id, name: name.into(), kind }
    }

    /// `user_impersonation` of Azure DevOps: to act there as the person who signed in.
    pub fn devops_user_impersonation() -> Self {
        let id = uuid!("ee69721e-6c3a-468f-a9ec-302d16a4c599");
        Self::new(DEVOPS.into(), id.into(), "user_impersonation", ApiPermissionKind::Delegated)
    }

    /// `User.Read` of Microsoft Graph, which the portal gives to every application that is made there.
    pub fn graph_user_read() -> Self {
        let id = uuid!("e1fe6dd8-ba31-4d61-89e7-88639da4683d");
        Self::new(GRAPH.into(), id.into(), "User.Read", ApiPermissionKind::Delegated)
    }

    /// The service's name for a person, where it is one of those known here; else its client id.
    pub fn resource_title(&self) -> String {
        match self.resource.as_uuid() {
            DEVOPS => "Azure DevOps".to_owned(),
            GRAPH => "Microsoft Graph".to_owned(),
            other => other.to_string(),
        }
    }
}

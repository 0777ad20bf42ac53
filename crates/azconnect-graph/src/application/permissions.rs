//! The permissions that an application asks for: its `requiredResourceAccess`.

use azconnect_core::{ClientId, Error, guid_id};
use serde::{Deserialize, Serialize};
use uuid::{Uuid, uuid};

use super::ApplicationRef;
use crate::client::GraphClient;

guid_id!(
    /// The id of a permission of a resource: of a scope, or of an application role.
    PermissionId, "permission id"
);

/// How a permission is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[non_exhaustive]
pub enum PermissionKind {
    /// On behalf of a person who signed in (`Scope`).
    #[serde(rename = "Scope")]
    Delegated,
    /// By the application itself (`Role`).
    #[serde(rename = "Role")]
    Application,
}

/// A permission of a resource that an application asks for. Asking grants nothing: see
/// [`Consent`](crate::Consent).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Permission {
    /// The client id of the resource, such as Azure DevOps or Microsoft Graph.
    pub resource: ClientId,
    /// Which of its permissions.
    pub id: PermissionId,
    /// How it is used.
    pub kind: PermissionKind,
}

const DEVOPS: Uuid = uuid!("499b84ac-1321-427f-aa17-267ca6975798");
const GRAPH: Uuid = uuid!("00000003-0000-0000-c000-000000000000");

impl Permission {
    /// A permission of a resource.
    pub fn new(resource: ClientId, id: PermissionId, kind: PermissionKind) -> Self {
        Self { resource, id, kind }
    }

    /// `user_impersonation` of Azure DevOps: to act there as the person who signed in.
    pub fn devops_user_impersonation() -> Self {
        let id = uuid!("ee69721e-6c3a-468f-a9ec-302d16a4c599");
        Self::new(DEVOPS.into(), id.into(), PermissionKind::Delegated)
    }

    /// `User.Read` of Microsoft Graph: to sign people in and read who they are.
    pub fn graph_user_read() -> Self {
        let id = uuid!("e1fe6dd8-ba31-4d61-89e7-88639da4683d");
        Self::new(GRAPH.into(), id.into(), PermissionKind::Delegated)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asking {
    /// Required: a list that is missing must not be written back as an empty one.
    required_resource_access: Vec<Resource>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource_app_id: ClientId,
    resource_access: Vec<Access>,
}

#[derive(Deserialize, Serialize)]
struct Access {
    id: PermissionId,
    #[serde(rename = "type")]
    kind: PermissionKind,
}

impl GraphClient {
    /// The permissions that an application asks for, in their order. Idempotent.
    ///
    /// Document: Microsoft Graph, *Get application* (`requiredResourceAccess`).
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) also for an application that was made moments ago;
    /// [`Unexpected`](azconnect_core::ErrorKind::Unexpected) for one of a kind that this version does not know.
    pub async fn required_permissions(&self, application: impl Into<ApplicationRef>) -> Result<Vec<Permission>, Error> {
        const OPERATION: &str = "graph.application.permissions";
        let read: Asking = self.application_part(OPERATION, application.into(), "requiredResourceAccess").await?;
        let all = read.required_resource_access.into_iter().flat_map(|resource| {
            let of = move |access: Access| Permission::new(resource.resource_app_id, access.id, access.kind);
            resource.resource_access.into_iter().map(of)
        });
        Ok(all.collect())
    }

    /// Has an application ask for permissions as well as for those it asks for already. Idempotent; reads and writes the
    /// whole list, so two writers at once lose what one of them added. Grants nothing.
    ///
    /// Permission: `Application.ReadWrite.OwnedBy` for an owner, or `Application.ReadWrite.All`. Document: Microsoft Graph,
    /// *Update application*. After a timeout it may have been written.
    ///
    /// # Errors
    /// As every call.
    pub async fn add_required_permissions(
        &self,
        application: impl Into<ApplicationRef>,
        permissions: &[Permission],
    ) -> Result<(), Error> {
        let application = application.into();
        let mut all = self.required_permissions(application).await?;
        let known = all.len();
        for permission in permissions {
            if !all.contains(permission) {
                all.push(*permission);
            }
        }
        if all.len() == known { Ok(()) } else { self.write_permissions(application, &all).await }
    }

    /// Has an application no longer ask for permissions. Idempotent; what it was granted stays until that is revoked.
    /// Otherwise as [`GraphClient::add_required_permissions`].
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_required_permissions(
        &self,
        application: impl Into<ApplicationRef>,
        permissions: &[Permission],
    ) -> Result<(), Error> {
        let application = application.into();
        let mut all = self.required_permissions(application).await?;
        let known = all.len();
        all.retain(|permission| !permissions.contains(permission));
        if all.len() == known { Ok(()) } else { self.write_permissions(application, &all).await }
    }

    async fn write_permissions(&self, application: ApplicationRef, all: &[Permission]) -> Result<(), Error> {
        const OPERATION: &str = "graph.application.require";
        let body = serde_json::json!({ "requiredResourceAccess": written(all) });
        self.patch_application(OPERATION, application, &body).await
    }
}

/// Permissions as the service takes them: each resource once.
pub(super) fn written(permissions: &[Permission]) -> impl Serialize + use<> {
    let mut resources: Vec<Resource> = Vec::new();
    for permission in permissions {
        let access = Access { id: permission.id, kind: permission.kind };
        match resources.iter_mut().find(|resource| resource.resource_app_id == permission.resource) {
            Some(resource) => resource.resource_access.push(access),
            None => resources.push(Resource { resource_app_id: permission.resource, resource_access: vec![access] }),
        }
    }
    resources
}

//! The owners of an application: who may change it with `Application.ReadWrite.OwnedBy`.

use azconnect_core::{Effect, Error, ErrorKind, PrincipalObjectId, Retry, guid_id};
use azconnect_http::{Call, Idempotency, PageStyle, Pages};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ApplicationRef;
use crate::client::GraphClient;
use crate::dialect::{AbsenceDialect, GraphDialect, PresenceDialect};
use crate::wire;

/// How many owners are read at most: the service allows 100.
const MOST_READ: usize = 1_000;

guid_id!(
    /// The object id of a person or a service principal.
    DirectoryObjectId, "directory object id"
);

impl From<PrincipalObjectId> for DirectoryObjectId {
    fn from(id: PrincipalObjectId) -> Self {
        Self::from(id.as_uuid())
    }
}

/// What an owner is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "String")]
#[non_exhaustive]
pub enum OwnerKind {
    /// A person.
    User,
    /// A service principal.
    ServicePrincipal,
    /// Something else, by the service's word for it.
    Other(String),
}

impl From<String> for OwnerKind {
    fn from(text: String) -> Self {
        match text.as_str() {
            "#microsoft.graph.user" => Self::User,
            "#microsoft.graph.servicePrincipal" => Self::ServicePrincipal,
            _ => Self::Other(text),
        }
    }
}

/// An owner of an application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct Owner {
    /// Its object id.
    pub id: DirectoryObjectId,
    /// What it is, where the service says so.
    #[serde(rename(deserialize = "@odata.type"), default, deserialize_with = "wire::tolerant")]
    pub kind: Option<OwnerKind>,
    /// Its name, where the caller may see it.
    #[serde(rename(deserialize = "displayName"), default, deserialize_with = "wire::tolerant")]
    pub display_name: Option<String>,
}

impl Owner {
    /// An owner of whom nothing else is known.
    pub fn new(id: DirectoryObjectId) -> Self {
        Self { id, kind: None, display_name: None }
    }
}

impl GraphClient {
    /// The owners of an application, over all pages. Idempotent; reads lag behind writes.
    ///
    /// Permission: `Application.Read.All`, or one that may write. Document: Microsoft Graph, *List owners of an application*.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the application is not there, or was made moments ago.
    pub async fn owners(&self, application: impl Into<ApplicationRef>) -> Result<Vec<Owner>, Error> {
        let url = self.holder_address(&application.into().into(), &["owners"], &[])?;
        let call = self.read_call("graph.application.owners", url);
        Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).all(MOST_READ).await
    }

    /// Makes a person or a service principal an owner of an application. Idempotent: whoever is one already stays one.
    ///
    /// Permission: as [`GraphClient::update_application`]. Document: Microsoft Graph, *Add owner to an application*.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the application or the new owner is not there, or was made moments ago.
    pub async fn add_owner(
        &self,
        application: impl Into<ApplicationRef>,
        owner: impl Into<DirectoryObjectId>,
    ) -> Result<(), Error> {
        const OPERATION: &str = "graph.application.add_owner";
        let url = self.holder_address(&application.into().into(), &["owners", "$ref"], &[])?;
        let object = self.address(&["directoryObjects", &owner.into().to_string()], &[])?;
        let call = Call::new(OPERATION, Method::POST, url, Idempotency::Idempotent);
        let call = call.with_json(&json!({ "@odata.id": object.as_str() }))?;
        self.change(self.prepared(call), &PresenceDialect).await.map(drop)
    }

    /// Takes an application from an owner. Idempotent: whoever is none is a success. The last owner is never removed, since
    /// nobody but an administrator could change the application then. A caller that removes itself can change it no more,
    /// unless it may change all.
    ///
    /// Permission: as [`GraphClient::update_application`]. Document: Microsoft Graph, *Remove owner from an application*.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) with the field `owner` for the last one, before anything is sent. Two callers that
    /// each remove another owner at once can still leave none.
    pub async fn remove_owner(
        &self,
        application: impl Into<ApplicationRef>,
        owner: impl Into<DirectoryObjectId>,
    ) -> Result<(), Error> {
        const OPERATION: &str = "graph.application.remove_owner";
        let (application, owner) = (application.into(), owner.into());
        let owners = self.owners(application).await?;
        if !owners.iter().any(|known| known.id == owner) {
            return Ok(());
        }
        if owners.len() == 1 {
            return Err(last_owner().in_operation(OPERATION));
        }
        let url = self.holder_address(&application.into(), &["owners", &owner.to_string(), "$ref"], &[])?;
        self.pipeline.execute(self.prepared(Call::delete(OPERATION, url)), &AbsenceDialect).await.map(drop)
    }
}

fn last_owner() -> Error {
    Error::new(ErrorKind::Conflict, "the application has no other owner")
        .with_field("owner")
        .with_effect(Effect::None)
        .with_retry(Retry::No)
        .with_advice("add another owner first")
}

//! Applications that were deleted: for 30 days they can be restored.

use azconnect_core::{ApplicationObjectId, Error, ErrorKind};
use azconnect_http::{Call, Idempotency, ListBounds, PageStyle, Pages};
use http::Method;

use super::reads::FIELDS;
use super::{Application, ApplicationQuery};
use crate::client::GraphClient;
use crate::dialect::{AbsenceDialect, GraphDialect};

/// How many bytes of a page of 100 applications are read.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

impl GraphClient {
    /// The deleted applications of the tenant, over all pages, up to as many as a query reads. Idempotent.
    ///
    /// Permission: `Application.Read.All`. Document: Microsoft Graph, *List deletedItems*.
    ///
    /// # Errors
    /// As [`GraphClient::applications`].
    pub async fn deleted_applications(&self) -> Result<Vec<Application>, Error> {
        let path = ["directory", "deletedItems", "microsoft.graph.application"];
        let url = self.address(&path, &[("$select", FIELDS), ("$top", "100")])?;
        let call = self.read_call("graph.application.list_deleted", url);
        let bounds = ListBounds::new().with_page_bytes(PAGE_BYTES);
        let pages = Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).with_bounds(bounds);
        pages.all(ApplicationQuery::new().limit).await
    }

    /// Restores a deleted application, with its secrets and owners. Idempotent: one that exists already is a success.
    /// Whether its service principal comes back too is not documented:
    /// [`GraphClient::ensure_service_principal`] makes sure.
    ///
    /// Permission: `Application.ReadWrite.OwnedBy` for an owner, or `Application.ReadWrite.All`. Document: Microsoft Graph,
    /// *Restore deleted item*.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it is neither deleted nor there.
    pub async fn restore_application(&self, id: ApplicationObjectId) -> Result<(), Error> {
        const OPERATION: &str = "graph.application.restore";
        let url = self.address(&["directory", "deletedItems", &id.to_string(), "restore"], &[])?;
        let call = Call::new(OPERATION, Method::POST, url, Idempotency::Idempotent);
        match self.pipeline.execute(self.prepared(call), &GraphDialect).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.application(id).await.map(drop).map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes a deleted application for good, with its secrets. Idempotent: one that is not among the deleted is a success,
    /// also where it was never deleted, which then stays. Nothing brings it back.
    ///
    /// Permission: `Application.ReadWrite.All`, or that of an owner. Document: Microsoft Graph, *Permanently delete item*.
    ///
    /// # Errors
    /// As every call. After a timeout it may have been deleted.
    pub async fn purge_deleted_application(&self, id: ApplicationObjectId) -> Result<(), Error> {
        const OPERATION: &str = "graph.application.purge";
        let url = self.address(&["directory", "deletedItems", &id.to_string()], &[])?;
        self.pipeline.execute(self.prepared(Call::delete(OPERATION, url)), &AbsenceDialect).await.map(drop)
    }
}

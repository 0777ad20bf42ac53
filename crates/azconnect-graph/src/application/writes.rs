//! Making, changing and deleting app registrations.

use azconnect_core::{Error, ErrorKind, Retry};
use azconnect_http::{Call, Idempotency, json};
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Application, ApplicationChange, ApplicationRef, NewApplication};
use crate::client::GraphClient;
use crate::dialect::{AbsenceDialect, GraphDialect};
use crate::holder::PasswordHolder;

impl GraphClient {
    /// Registers an application. **Not idempotent**: sent once, and again only after an answer that proves that none was
    /// registered. [`GraphClient::ensure_application`] may be repeated.
    ///
    /// After a timeout or a lost answer it may exist: its marker finds it, see
    /// [`ApplicationQuery::marked`](crate::ApplicationQuery::marked). The caller's service principal becomes its owner.
    /// It has no service principal yet. Secrets handled: none.
    ///
    /// Permission: `Application.ReadWrite.OwnedBy` or `Application.ReadWrite.All`. Document: Microsoft Graph,
    /// *Create application*.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field, before anything is sent; [`Conflict`](ErrorKind::Conflict)
    /// if the caller or the tenant holds as many objects as it may.
    ///
    /// # Cancel safety
    /// Not cancel safe: it may exist afterwards, findable by its marker.
    pub async fn create_application(&self, wish: &NewApplication) -> Result<Application, Error> {
        const OPERATION: &str = "graph.application.create";
        let body = wish.body().map_err(|error| error.in_operation(OPERATION))?;
        let call = self.write_call(OPERATION, self.address(&["applications"], &[])?).with_json(&body)?;
        let answer = self.change(call, &GraphDialect).await?;
        // It was registered, whatever the answer says of it.
        json(&answer).map_err(|error| error.in_operation(OPERATION).with_advice("find it by its marker"))
    }

    /// Changes an application: what the change sets is sent, and nothing else. Idempotent: after a timeout it may have been
    /// changed, and is changed by doing it again.
    ///
    /// Permission: `Application.ReadWrite.OwnedBy` for an owner, or `Application.ReadWrite.All`. Document: Microsoft Graph,
    /// *Update application*.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field, before anything is sent.
    pub async fn update_application(
        &self,
        application: impl Into<ApplicationRef>,
        change: &ApplicationChange,
    ) -> Result<(), Error> {
        const OPERATION: &str = "graph.application.update";
        let body = change.body().map_err(|error| error.in_operation(OPERATION))?;
        self.patch_application(OPERATION, application.into(), &body).await
    }

    /// Deletes an application. Its service principal goes with it, and nobody can sign in with it from then on. For 30 days
    /// [`GraphClient::restore_application`] brings it back. Idempotent: one that is not there is a success, once a second
    /// reading agrees.
    ///
    /// Permission: as [`GraphClient::update_application`]. Document: Microsoft Graph, *Delete application*.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the service says that it is gone and shows it still. After a timeout it
    /// may have been deleted.
    pub async fn delete_application(&self, application: impl Into<ApplicationRef>) -> Result<(), Error> {
        const OPERATION: &str = "graph.application.delete";
        let application = application.into();
        let url = self.holder_address(&application.into(), &[], &[])?;
        let answer = self.pipeline.execute(self.prepared(Call::delete(OPERATION, url)), &AbsenceDialect).await?;
        if answer.status() != StatusCode::NOT_FOUND {
            return Ok(());
        }
        // The same answer stands for a replica that has not heard of it yet.
        match self.one_application(&application.into()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.in_operation(OPERATION)),
            Ok(_) => Err(Error::new(ErrorKind::Unavailable, "the application is not found and shown still")
                .in_operation(OPERATION)
                .with_retry(Retry::Backoff)
                .with_advice("delete it again in some seconds, when the directory has caught up")),
        }
    }

    /// Some properties of an application.
    pub(super) async fn application_part<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        application: ApplicationRef,
        fields: &str,
    ) -> Result<T, Error> {
        let url = self.holder_address(&application.into(), &[], &[("$select", fields)])?;
        let answer = self.change(self.read_call(operation, url), &GraphDialect).await?;
        json(&answer).map_err(|error| error.in_operation(operation))
    }

    pub(super) async fn patch_application(
        &self,
        operation: &'static str,
        application: ApplicationRef,
        body: &Value,
    ) -> Result<(), Error> {
        let url = self.holder_address(&PasswordHolder::from(application), &[], &[])?;
        let call = Call::new(operation, Method::PATCH, url, Idempotency::Idempotent).with_json(body)?;
        self.change(self.prepared(call), &GraphDialect).await.map(drop)
    }
}

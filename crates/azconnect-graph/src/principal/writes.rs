//! Making and deleting service principals.

use azconnect_core::{ClientId, Effect, Error, ErrorKind, PrincipalObjectId, Retry};
use azconnect_http::{Call, Idempotency, PageStyle, Pages, json};
use http::{Method, StatusCode};
use serde_json::json;

use super::ServicePrincipal;
use super::service_principal::FIELDS;
use crate::client::GraphClient;
use crate::dialect::{AbsenceDialect, GraphDialect};
use crate::holder::PasswordHolder;

impl GraphClient {
    /// The service principals of exactly this display name, which need not be unique. Idempotent.
    ///
    /// Document: Microsoft Graph, *List servicePrincipals*.
    ///
    /// # Errors
    /// As every call.
    pub async fn service_principals_named(&self, display_name: &str) -> Result<Vec<ServicePrincipal>, Error> {
        // OData doubles a quote inside a text; a single one would end the text, and the rest would be read as a filter.
        let filter = format!("displayName eq '{}'", display_name.replace('\'', "''"));
        let url =
            self.address(&["servicePrincipals"], &[("$select", FIELDS), ("$filter", &filter), ("$top", "100")])?;
        let call = self.read_call("graph.service_principal.list", url);
        Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).all(10_000).await
    }

    /// Has an application be a service principal of this tenant, and returns that. Idempotent, also across processes: the
    /// service allows one an application, so its *already exists* and a lost answer are settled by reading.
    ///
    /// An application that was made moments ago may not be known everywhere:
    /// [`with_settling_time`](GraphClient::with_settling_time) rides that out. Secrets handled: none.
    ///
    /// Permission: `Application.ReadWrite.OwnedBy` for an owner of the application, or `Application.ReadWrite.All`. Document:
    /// Microsoft Graph, *Create servicePrincipal*.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the application is not there, or not for accounts of this tenant. With effect
    /// [`Unknown`](Effect::Unknown) it may exist: do the same again.
    ///
    /// # Cancel safety
    /// Not cancel safe, but to be repeated: that finds what was made.
    pub async fn ensure_service_principal(&self, client: ClientId) -> Result<ServicePrincipal, Error> {
        const OPERATION: &str = "graph.service_principal.ensure";
        match self.service_principal_by_client_id(client).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            known => return known.map_err(|error| error.in_operation(OPERATION)),
        }
        let url = self.address(&["servicePrincipals"], &[])?;
        // A second one cannot be made, so it may be sent again where it may have been applied.
        let call =
            Call::new(OPERATION, Method::POST, url, Idempotency::Idempotent).with_json(&json!({"appId": client}))?;
        let error = match self.change(self.prepared(call), &GraphDialect).await {
            Ok(answer) => return json(&answer).map_err(|error| error.in_operation(OPERATION)),
            Err(error) => error,
        };
        let exists = error.kind() == ErrorKind::Conflict && error.retry() == Retry::No;
        if !exists && error.effect() == Effect::None {
            return Err(error);
        }
        let call = self.principal_call(OPERATION, &PasswordHolder::ServicePrincipalOf(client))?;
        match self.change(call, &GraphDialect).await {
            Ok(answer) => json(&answer).map_err(|error| error.in_operation(OPERATION)),
            Err(_) => Err(error.with_advice("it may exist: do the same again in some seconds, which finds it")),
        }
    }

    /// Deletes a service principal: the application can do nothing in this tenant from then on, and its roles and consents
    /// here go with it. The application itself stays. Idempotent: one that is not there is a success, once a second reading
    /// agrees.
    ///
    /// Permission: as [`GraphClient::ensure_service_principal`]. Document: Microsoft Graph, *Delete servicePrincipal*.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the service says that it is gone and shows it still. After a timeout it
    /// may have been deleted.
    pub async fn delete_service_principal(&self, id: PrincipalObjectId) -> Result<(), Error> {
        const OPERATION: &str = "graph.service_principal.delete";
        let url = self.holder_address(&id.into(), &[], &[])?;
        let answer = self.pipeline.execute(self.prepared(Call::delete(OPERATION, url)), &AbsenceDialect).await?;
        if answer.status() != StatusCode::NOT_FOUND {
            return Ok(());
        }
        match self.service_principal(id).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.in_operation(OPERATION)),
            Ok(_) => Err(Error::new(ErrorKind::Unavailable, "the service principal is not found and shown still")
                .in_operation(OPERATION)
                .with_retry(Retry::Backoff)
                .with_advice("delete it again in some seconds, when the directory has caught up")),
        }
    }
}

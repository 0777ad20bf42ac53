//! The calls about federated identity credentials.

use azconnect_core::{Error, ErrorKind, Retry};
use azconnect_http::{Call, Idempotency, PageStyle, Pages};
use http::{Method, StatusCode};
use url::Url;

use super::{FederatedCredential, FederatedCredentialChange, FederatedCredentialRef, NewFederatedCredential};
use crate::application::ApplicationRef;
use crate::client::GraphClient;
use crate::dialect::{AbsenceDialect, GraphDialect};
use crate::holder::PasswordHolder;

/// How many federated credentials are read at most: the limit is 20 today, and the service may raise it.
const MOST_READ: usize = 1_000;

impl GraphClient {
    /// The federated identity credentials of an application, over all pages. Idempotent; reads lag behind writes, and
    /// may flap.
    ///
    /// Permission: `Application.Read.All`, or one that may write. Document: Microsoft Graph,
    /// *List federatedIdentityCredentials*.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the application is not there, or was made moments ago.
    pub async fn federated_credentials(
        &self,
        application: impl Into<ApplicationRef>,
    ) -> Result<Vec<FederatedCredential>, Error> {
        let url = self.federated_address(application.into(), None)?;
        let call = self.read_call("graph.federated_credential.list", url);
        Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).all(MOST_READ).await
    }

    /// One federated identity credential, by its id or its name. Idempotent; as [`GraphClient::federated_credentials`].
    ///
    /// Document: Microsoft Graph, *Get federatedIdentityCredential*.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) also for one that was made moments ago.
    pub async fn federated_credential(
        &self,
        application: impl Into<ApplicationRef>,
        which: impl Into<FederatedCredentialRef>,
    ) -> Result<FederatedCredential, Error> {
        let url = self.federated_address(application.into(), Some(&which.into()))?;
        self.read(self.read_call("graph.federated_credential.get", url)).await
    }

    /// Creates a federated identity credential. **Not idempotent**: sent once, and again only after an answer that
    /// proves that none was created. [`GraphClient::ensure_federated_credential`] may be repeated.
    ///
    /// After a timeout or a lost answer it may exist: its issuer and subject find it in the list. It holds no secret.
    /// It may take minutes until tokens are accepted, and a first success is no proof that every later one succeeds.
    ///
    /// Permission: `Application.ReadWrite.OwnedBy` for an owner, or `Application.ReadWrite.All`. Document: Microsoft
    /// Graph, *Create federatedIdentityCredential*.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field for what the service would refuse, or would take and
    /// never match, before anything is sent; [`Conflict`](ErrorKind::Conflict) for a second one of its name, or of its
    /// issuer and subject, and for the twenty-first.
    ///
    /// # Cancel safety
    /// Not cancel safe: it may exist afterwards.
    pub async fn create_federated_credential(
        &self,
        application: impl Into<ApplicationRef>,
        wish: &NewFederatedCredential,
    ) -> Result<FederatedCredential, Error> {
        const OPERATION: &str = "graph.federated_credential.create";
        let body = wish.body().map_err(|error| error.in_operation(OPERATION))?;
        let url = self.federated_address(application.into(), None)?;
        self.read(self.write_call(OPERATION, url).with_json(&body)?).await
    }

    /// Changes a federated identity credential, by its id or its name; the name itself never changes. Idempotent: the
    /// same values written again are the same, so it is sent again where it may not have been applied. From then on
    /// the old issuer and subject are not accepted, with the delay of a new one.
    ///
    /// Permission: as [`GraphClient::create_federated_credential`]. Document: Microsoft Graph,
    /// *Update federatedIdentityCredential*.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field, before anything is sent;
    /// [`Conflict`](ErrorKind::Conflict) if another one has the issuer and subject already. After a timeout it may have
    /// been changed.
    pub async fn update_federated_credential(
        &self,
        application: impl Into<ApplicationRef>,
        which: impl Into<FederatedCredentialRef>,
        change: &FederatedCredentialChange,
    ) -> Result<(), Error> {
        const OPERATION: &str = "graph.federated_credential.update";
        let body = change.body().map_err(|error| error.in_operation(OPERATION))?;
        let url = self.federated_address(application.into(), Some(&which.into()))?;
        let call = Call::new(OPERATION, Method::PATCH, url, Idempotency::Idempotent).with_json(&body)?;
        self.pipeline.execute(self.prepared(call), &GraphDialect).await.map(drop)
    }

    /// Deletes a federated identity credential, by its id or its name. Idempotent: one that is not there is a success,
    /// once the list of the application agrees.
    ///
    /// Tokens that were exchanged before stay valid until they end. Permission: as
    /// [`GraphClient::create_federated_credential`]. Document: Microsoft Graph, *Delete federatedIdentityCredential*.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the application itself is not there;
    /// [`Unavailable`](ErrorKind::Unavailable) if the service says that it is gone and lists it still. After a timeout
    /// it may have been deleted.
    pub async fn delete_federated_credential(
        &self,
        application: impl Into<ApplicationRef>,
        which: impl Into<FederatedCredentialRef>,
    ) -> Result<(), Error> {
        const OPERATION: &str = "graph.federated_credential.delete";
        let (application, which) = (application.into(), which.into());
        let url = self.federated_address(application, Some(&which))?;
        let answer = self.pipeline.execute(self.prepared(Call::delete(OPERATION, url)), &AbsenceDialect).await?;
        if answer.status() != StatusCode::NOT_FOUND {
            return Ok(());
        }
        // The same answer stands for an application that does not exist, and for a replica that lags.
        let listed = self.federated_credentials(application).await?;
        if listed.iter().any(|credential| which.names(credential)) {
            return Err(Error::new(ErrorKind::Unavailable, "the federated credential is not found and listed still")
                .in_operation(OPERATION)
                .with_retry(Retry::Backoff)
                .with_advice("delete it again in some seconds, when the directory has caught up"));
        }
        Ok(())
    }

    fn federated_address(
        &self,
        application: ApplicationRef,
        which: Option<&FederatedCredentialRef>,
    ) -> Result<Url, Error> {
        let which = which.map(FederatedCredentialRef::segment);
        let below: Vec<&str> = ["federatedIdentityCredentials"].into_iter().chain(which.as_deref()).collect();
        self.holder_address(&PasswordHolder::from(application), &below, &[])
    }
}

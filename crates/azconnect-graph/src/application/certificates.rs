//! The certificates that an application signs in with: its `keyCredentials`, which are written as a whole.

use azconnect_core::{Error, KeyId};

use super::ApplicationRef;
use super::key_list::{Added, Entry, KeyList};
use crate::client::GraphClient;

impl GraphClient {
    /// Adds a certificate to those of an application, under a name; the private key stays where it is. Idempotent: one with
    /// the same bytes stays as it is, and `false` says so. Secrets handled: none.
    ///
    /// Graph takes the whole list only. It is read until all reads of 24 seconds agree, and every other entry is sent back
    /// unchanged, so that the call takes half a minute. What somebody else adds within the second between the last read and the
    /// write is lost at the service.
    ///
    /// `der` is the base64 of the certificate's DER form. Permission: `Application.ReadWrite.OwnedBy` for an owner, or
    /// `Application.ReadWrite.All`. Documents: Microsoft Graph, *Update application* and *keyCredential resource type*. After
    /// a timeout it may have been written.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the service does not take it for a certificate;
    /// [`Unavailable`](azconnect_core::ErrorKind::Unavailable) if the list does not settle, and nothing was written;
    /// [`Conflict`](azconnect_core::ErrorKind::Conflict) if somebody else wrote at the same time, so that what they added may be
    /// lost: it is named.
    pub async fn add_certificate(
        &self,
        application: impl Into<ApplicationRef>,
        name: &str,
        der: &str,
    ) -> Result<bool, Error> {
        let fields = [("type", "AsymmetricX509Cert"), ("usage", "Verify"), ("key", der), ("displayName", name)];
        let entry: Entry = fields.map(|(field, value)| (field.to_owned(), value.into())).into_iter().collect();
        let list = KeyList::new(self.clone(), application);
        Ok(list.add("graph.application.add_certificate", &entry).await? != Added::Before)
    }

    /// Removes exactly one certificate of an application. Idempotent: one that is not there is a success. Otherwise as
    /// [`GraphClient::add_certificate`].
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_certificate(&self, application: impl Into<ApplicationRef>, key: KeyId) -> Result<(), Error> {
        KeyList::new(self.clone(), application).remove("graph.application.remove_certificate", key).await.map(drop)
    }
}

//! The certificates that an application signs in with: its `keyCredentials`, which are written as a whole.

use azconnect_core::{Error, KeyId};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ApplicationRef;
use crate::client::GraphClient;

/// The certificates as they are read: whatever an entry holds is written back unchanged, since the service refuses every
/// change of one that is there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Certificates {
    /// Required: a list that is missing must not be written back as an empty one.
    key_credentials: Vec<Map<String, Value>>,
}

impl GraphClient {
    /// Adds a certificate to those of an application, under a name; the private key stays where it is. Idempotent: one with
    /// the same bytes stays as it is, and `false` says so. Reads and writes the whole list, so two writers at once lose what
    /// one of them added. Secrets handled: none.
    ///
    /// `der` is the base64 of the certificate's DER form. Permission: `Application.ReadWrite.OwnedBy` for an owner, or
    /// `Application.ReadWrite.All`. Documents: Microsoft Graph, *Update application* and *keyCredential resource type*. After
    /// a timeout it may have been written.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the service does not take it for a certificate.
    pub async fn add_certificate(
        &self,
        application: impl Into<ApplicationRef>,
        name: &str,
        der: &str,
    ) -> Result<bool, Error> {
        let application = application.into();
        let mut all = self.key_credentials(application).await?;
        if all.iter().any(|known| known.get("key").and_then(Value::as_str) == Some(der)) {
            return Ok(false);
        }
        let new = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": der, "displayName": name});
        if let Value::Object(new) = new {
            all.push(new);
        }
        self.write_key_credentials(application, &all).await.map(|()| true)
    }

    /// Removes exactly one certificate of an application. Idempotent: one that is not there is a success. Otherwise as
    /// [`GraphClient::add_certificate`].
    ///
    /// # Errors
    /// As every call.
    pub async fn remove_certificate(&self, application: impl Into<ApplicationRef>, key: KeyId) -> Result<(), Error> {
        let application = application.into();
        let mut all = self.key_credentials(application).await?;
        let known = all.len();
        let named =
            |entry: &Map<String, Value>| entry.get("keyId").and_then(Value::as_str).and_then(|id| id.parse().ok());
        all.retain(|entry| named(entry) != Some(key));
        if all.len() == known { Ok(()) } else { self.write_key_credentials(application, &all).await }
    }

    /// The certificates of an application with their bytes, each as the service shows it.
    pub(crate) async fn key_credentials(&self, application: ApplicationRef) -> Result<Vec<Map<String, Value>>, Error> {
        let read: Certificates =
            self.application_part("graph.application.certificates", application, "keyCredentials").await?;
        Ok(read.key_credentials)
    }

    async fn write_key_credentials(
        &self,
        application: ApplicationRef,
        all: &[Map<String, Value>],
    ) -> Result<(), Error> {
        let body = json!({ "keyCredentials": all });
        self.patch_application("graph.application.set_certificates", application, &body).await
    }
}

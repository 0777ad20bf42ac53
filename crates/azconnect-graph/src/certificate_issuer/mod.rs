//! The issuer of one application's certificates.

mod inventory;
mod possession;

use std::fmt;

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, KeyId};
use azconnect_credential::{CredentialIssuer, Inventory, KeyHolder, MintRequest, Minted, Retirement, SubjectId};
use azconnect_identity::{CertificateProof, ClientCertificate};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use self::inventory::PolicyMemory;
use self::possession::Possession;
use crate::application::{Added, Entry, KeyList};
use crate::client::GraphClient;
use crate::issuer::unseen::service_principal;

/// What the addition of a certificate is called in errors.
const MINT: &str = "graph.application.add_certificate";

/// What the removal of a certificate is called in errors.
const RETIRE: &str = "graph.application.remove_certificate";

/// Mints and retires the certificates that one application signs in with.
///
/// It makes an RSA key and a certificate that the key signs itself, under the marker as common name and display name, and
/// registers it on the application. [`Minted::secret`] is the certificate with its key, in one text in PEM. The key exists there
/// only: if it is lost before it is sealed, the certificate is found by its marker and removed, like a secret whose answer was
/// lost.
///
/// Where the caller holds the key of a certificate that is registered and valid
/// ([`with_possession`](Self::with_possession)), it adds and removes one certificate at a time with `addKey` and `removeKey`,
/// which take no permission and touch no other. Otherwise it writes the whole list (`keyCredentials`), since Graph has no other
/// way: it reads until all reads of 24 seconds agree, sends every other entry back unchanged, and reads again. What somebody else
/// adds within the second between the last read and the write is lost at the service; where a read has shown it, the call ends
/// as [`Conflict`](ErrorKind::Conflict) and names it. That takes up to 45 seconds: a caller that gives less, such as a rotator with
/// a lease term below 60 seconds, drops the call on the way.
///
/// The certificates of the service principal are listed, since they authenticate as well, and are never removed.
///
/// Documents: Microsoft Graph, *application: addKey*, *application: removeKey*, *Update application*, and *keyCredential resource
/// type*.
pub struct CertificateIssuer {
    client: GraphClient,
    application: ClientId,
    subject: SubjectId,
    acting: Option<ClientId>,
    possession: Option<Possession>,
    list: KeyList,
    policy: PolicyMemory,
}

impl CertificateIssuer {
    /// The issuer for an application, by its client id. Its subject is another than that of the application's secrets: both may
    /// be rotated at once.
    ///
    /// # Errors
    /// Never, as things are: every client id makes a valid [`SubjectId`].
    pub fn new(client: GraphClient, application: ClientId) -> Result<Self, Error> {
        let subject = SubjectId::new(format!("certificate/{application}"))?;
        let list = KeyList::new(client.clone(), application);
        Ok(Self { client, application, subject, acting: None, possession: None, list, policy: PolicyMemory::default() })
    }

    /// Says which application the client's tokens are for, where it signs in with a certificate. If it is the same, its
    /// certificates are the issuer's own.
    #[must_use]
    pub fn with_acting_client(mut self, acting: ClientId) -> Self {
        self.acting = Some(acting);
        self
    }

    /// Proves by the certificate in use that the caller holds the key of one that is registered, so that it may roll it without
    /// any permission. It is the application's own; the live proof, so that it is the new one after a rotation.
    #[must_use]
    pub fn with_possession(mut self, proof: CertificateProof) -> Self {
        self.possession = Some(Possession::new(self.client.clone(), self.application, proof));
        self
    }

    async fn register(&self, entry: &Entry) -> Result<KeyId, Error> {
        if let Some(possession) = &self.possession {
            match possession.add(entry).await {
                Err(error) if possession::is_about_the_proof(&error) => {}
                outcome => return outcome,
            }
        }
        match self.list.add(MINT, entry).await? {
            Added::Now(key) => Ok(key),
            Added::Before => Err(unexpected()),
        }
    }

    /// Removes a key of the application; the effect is [`None`](Effect::None) if nothing was removed.
    async fn remove(&self, key: KeyId) -> Result<(Retirement, Effect), Error> {
        if let Some(possession) = &self.possession {
            match possession.remove(key).await {
                Err(error) if possession::is_about_the_proof(&error) => {}
                outcome => return outcome,
            }
        }
        self.list.remove(RETIRE, key).await
    }
}

#[async_trait]
impl CredentialIssuer for CertificateIssuer {
    fn subject(&self) -> &SubjectId {
        &self.subject
    }

    async fn inventory(&self) -> Result<Inventory, Error> {
        let own = self.acting == Some(self.application);
        inventory::read(&self.client, self.application, &self.policy)
            .await
            .map(|read| read.with_issuer_signs_in_with_these(own))
    }

    async fn mint(&self, request: &MintRequest) -> Result<Minted, Error> {
        let ends_at = whole(request.ends_at);
        let made = ClientCertificate::self_signed(request.marker.as_str(), self.client.clock().now(), ends_at);
        let made = made.map_err(|error| error.in_operation(MINT))?;
        // Written before it is registered: what cannot be handed over must not be registered.
        let secret = made.to_pem().map_err(|error| error.in_operation(MINT))?;
        let entry = entry(&made, request.marker.as_str(), ends_at)?;
        let key = self.register(&entry).await.map_err(|error| error.in_operation(MINT))?;
        Ok(Minted::new(key, secret, ends_at).with_holder(KeyHolder::Application))
    }

    async fn retire(&self, key: KeyId) -> Result<Retirement, Error> {
        let (retirement, effect) = self.remove(key).await.map_err(|error| error.in_operation(RETIRE))?;
        if retirement == Retirement::Accepted {
            return Ok(retirement);
        }
        match service_principal(&self.client, self.application).await? {
            Ok(principal) if holds(principal.certificates.as_deref(), key) => Err(on_the_principal(effect)),
            Ok(_) => Ok(Retirement::NotListed),
            Err(unseen) => Err(unseen.error(effect, RETIRE)),
        }
    }
}

impl fmt::Debug for CertificateIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateIssuer")
            .field("client", &self.client)
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

fn holds(certificates: Option<&[crate::password::KeyCredential]>, key: KeyId) -> bool {
    certificates.is_some_and(|all| all.iter().any(|one| one.key == Some(key)))
}

/// A certificate has whole seconds only.
fn whole(moment: OffsetDateTime) -> OffsetDateTime {
    let moment = moment.checked_to_offset(UtcOffset::UTC).unwrap_or(moment);
    moment.replace_nanosecond(0).unwrap_or(moment)
}

/// A certificate as Graph takes it, without the key.
fn entry(made: &ClientCertificate, name: &str, ends_at: OffsetDateTime) -> Result<Entry, Error> {
    let unwritten = |_| Error::invalid("ends_at", "cannot be written").with_advice("choose an earlier end");
    let mut entry = Entry::new();
    for (field, value) in [
        ("type", "AsymmetricX509Cert".to_owned()),
        ("usage", "Verify".to_owned()),
        ("key", STANDARD.encode(made.der())),
        ("displayName", name.to_owned()),
        ("endDateTime", ends_at.format(&Rfc3339).map_err(unwritten)?),
    ] {
        entry.insert(field.to_owned(), value.into());
    }
    Ok(entry)
}

/// Nobody else has the bytes of a certificate that was made this moment.
fn unexpected() -> Error {
    Error::new(ErrorKind::Unexpected, "a certificate is listed that was not added yet").with_effect(Effect::Unknown)
}

/// Its list may hold the keys of single sign-on, whose parts belong together in ways that only their makers know.
fn on_the_principal(effect: Effect) -> Error {
    Error::new(ErrorKind::Unsupported, "the certificate is the service principal's own, and is not removed from here")
        .with_effect(effect)
        .with_advice("remove it by hand from the enterprise application, if nothing signs in with it")
        .in_operation(RETIRE)
}

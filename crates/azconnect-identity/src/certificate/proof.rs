//! Proving with a certificate who asks a token endpoint.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Error, Secret};

use super::assertion::AssertionForm;
use super::client_certificate::ClientCertificate;
use super::manner::{Manner, Showing, assertion};
use super::signed::{Shown, SignedAssertions};
use crate::authority::Authority;
use crate::live::LiveSecret;
use crate::own_record::OwnRecord;
use crate::proof::{ClientProof, Proof};

/// Proves by a certificate that a request is the application's own. Cheap to clone; clones share the certificate, which may be
/// replaced while it is in use, the record that it is kept in, and the assertions.
///
/// It signs `PS256` and names the certificate by its SHA-256. At AD FS ([`Authority::ad_fs`]) it signs `RS256` and names it by
/// its SHA-1, which is all that AD FS is known to take. An assertion is good for ten minutes and one token endpoint, and is
/// shown again there for five; one that came too early or too late is signed anew, once a request. At another provider than
/// Entra ID or AD FS, each request shows one of its own.
///
/// Documents: Microsoft's *Application certificate credentials*; RFC 7523.
#[derive(Clone)]
pub struct CertificateProof {
    client: ClientId,
    showing: Showing,
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    /// The text that the certificate was read from: what a record keeps.
    live: LiveSecret,
    read: Mutex<Read>,
    signed: SignedAssertions,
}

/// The certificate in use, and the text it was read from: reading an RSA key takes longer than to sign with it.
#[derive(Clone)]
struct Read {
    pem: Arc<Secret>,
    certificate: Arc<ClientCertificate>,
}

impl CertificateProof {
    /// The certificate of an application.
    ///
    /// # Errors
    /// As [`ClientCertificate::to_pem`].
    pub fn new(client: ClientId, certificate: ClientCertificate, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let pem = Arc::new(certificate.to_pem()?);
        let live = LiveSecret::of(pem.clone(), |held| ClientCertificate::from_pem(held).map(drop));
        let read = Mutex::new(Read { pem, certificate: Arc::new(certificate) });
        let shared = Shared { clock, live, read, signed: SignedAssertions::default() };
        Ok(Self { client, showing: Showing::default(), shared: Arc::new(shared) })
    }

    /// Signs in this form wherever it is, in place of the one that the authority takes.
    #[must_use]
    pub fn with_form(mut self, form: AssertionForm) -> Self {
        self.showing.form = Some(form);
        self
    }

    /// Sends the certificate and its chain along (`x5c`), for an application that trusts certificates by subject and issuer
    /// instead of one by one.
    #[must_use]
    pub fn with_chain(mut self, chain: bool) -> Self {
        self.showing.chain = chain;
        self
    }

    /// Follows the record in which the product keeps this certificate, here and in every clone: when Entra ID refuses the
    /// certificate in use, a sign-in is tried once with the one in the record, which is in use from then on if it succeeds. The
    /// record holds certificate and key in one text in PEM.
    #[must_use]
    pub fn with_record(self, record: Arc<dyn OwnRecord>) -> Self {
        self.shared.live.follow(record);
        self
    }

    /// Signs in with another certificate from now on. It is not tried first: see
    /// [`OwnCredentialSink`](crate::OwnCredentialSink) for a replacement that is.
    ///
    /// # Errors
    /// As [`ClientCertificate::from_pem`]; the former certificate stays in use.
    pub fn replace(&self, pem: Secret) -> Result<(), Error> {
        ClientCertificate::from_pem(&pem)?;
        self.shared.live.replace(Arc::new(pem));
        Ok(())
    }

    /// Whether this is the certificate in use, with its key.
    pub fn holds(&self, pem: &Secret) -> bool {
        let current = self.shared.live.current();
        // The same certificate may be written in several ways.
        current.same_as(pem)
            || match (self.read(&current), ClientCertificate::from_pem(pem)) {
                (Ok(held), Ok(other)) => held.der() == other.der(),
                _ => false,
            }
    }

    /// The form in which it signs wherever it is, if one was set.
    pub fn form(&self) -> Option<AssertionForm> {
        self.showing.form
    }

    /// Whether it sends the certificate and its chain along.
    pub fn sends_chain(&self) -> bool {
        self.showing.chain
    }

    /// The client id of the application.
    pub fn client(&self) -> ClientId {
        self.client
    }

    /// The certificate in use.
    ///
    /// # Errors
    /// None in practice: what is in use was read before.
    pub fn certificate(&self) -> Result<Arc<ClientCertificate>, Error> {
        self.read(&self.shared.live.current())
    }

    fn read(&self, pem: &Arc<Secret>) -> Result<Arc<ClientCertificate>, Error> {
        let mut read = lock(&self.shared.read);
        if !Arc::ptr_eq(&read.pem, pem) {
            *read = Read { pem: pem.clone(), certificate: Arc::new(ClientCertificate::from_pem(pem)?) };
        }
        Ok(read.certificate.clone())
    }

    /// Signs a new assertion, and keeps it.
    fn sign(&self, manner: &Manner, pem: Arc<Secret>) -> Result<Arc<Secret>, Error> {
        let text = Arc::new(assertion(&*self.read(&pem)?, (self.client, manner), self.clock())?);
        self.shared.signed.note(manner, (text.clone(), pem), self.clock());
        Ok(text)
    }

    /// The certificate that signs at an authority, as text.
    fn signer(&self, authority: &Authority) -> Result<Arc<Secret>, Error> {
        let pem = self.shared.live.current();
        // AD FS may be told to take elliptic keys; Entra ID takes none.
        if !authority.is_ad_fs() {
            self.read(&pem)?.require_rsa()?;
        }
        Ok(pem)
    }

    /// The assertion that may be shown again. Another provider may take one for a replay when it comes twice (RFC 7523, section 3).
    fn known(&self, manner: &Manner, pem: &Arc<Secret>, authority: &Authority) -> Option<Arc<Secret>> {
        self.shared.signed.fresh(manner, pem, self.clock()).filter(|_| authority.provider().is_none())
    }

    fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }
}

#[async_trait]
impl ClientProof for CertificateProof {
    async fn proof(&self, authority: &Authority) -> Result<Proof, Error> {
        let (manner, pem) = (self.showing.at(authority), self.signer(authority)?);
        let text = self.known(&manner, &pem, authority).map_or_else(|| self.sign(&manner, pem), Ok)?;
        Ok(Proof::Assertion(text))
    }

    async fn another(&self, refused: &Proof) -> Result<Option<Proof>, Error> {
        let Proof::Assertion(refused) = refused else { return Ok(None) };
        let Some(Shown { manner, itself, newest }) = self.shared.signed.shown(refused) else { return Ok(None) };
        // Refused together with another request, which has asked the record already.
        if !newest.pem.same_as(&itself.pem) {
            let text = if newest.is_fresh(self.clock()) { newest.text } else { self.sign(&manner, newest.pem)? };
            return Ok(Some(Proof::Assertion(text)));
        }
        match self.shared.live.successor(&itself.pem).await? {
            Some(next) => self.sign(&manner, next).map(|text| Some(Proof::Assertion(text))),
            None => Ok(None),
        }
    }

    /// Signs anew, unless another request has done so meanwhile.
    async fn renewed(&self, untimely: &Proof, authority: &Authority) -> Result<Option<Proof>, Error> {
        let Proof::Assertion(untimely) = untimely else { return Ok(None) };
        let (manner, pem) = (self.showing.at(authority), self.signer(authority)?);
        let known = self.known(&manner, &pem, authority).filter(|known| !known.same_as(untimely));
        known.map_or_else(|| self.sign(&manner, pem), Ok).map(|text| Some(Proof::Assertion(text)))
    }

    async fn accepted(&self, another: &Proof) {
        let Proof::Assertion(text) = another else { return };
        if let Some(Shown { itself, .. }) = self.shared.signed.shown(text) {
            self.shared.live.replace(itself.pem);
        }
    }
}

impl fmt::Debug for CertificateProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateProof").field("client", &self.client).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

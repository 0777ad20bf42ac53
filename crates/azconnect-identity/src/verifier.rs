//! Proving a client secret, or a certificate with its key, by signing in with it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{ClientId, Clock, Error, Retry, Scope, Secret};
use azconnect_credential::entra::{self, Meaning, PROPAGATION};
use azconnect_credential::{Assessment, Candidate, CredentialVerdict, CredentialVerifier};
use azconnect_http::SendOptions;

use crate::application::sign_in;
use crate::certificate::{AssertionForm, Showing};
use crate::endpoint::TokenEndpoint;
use crate::means::Means;
use crate::source::TokenRequest;

/// The most sign-ins of one check. Entra ID takes more than a handful for a client in a loop (AADSTS50196).
const MAX_SUCCESSES: u32 = 10;

/// Proves a client secret of one application, or a certificate with its key, by several sign-ins in a row, each on a fresh
/// connection.
///
/// Replicas of the directory disagree for a while after a secret was added or removed, so one success proves little.
/// A check makes at most as many sign-ins as must succeed, and returns at the first that fails: the caller does the
/// waiting. The pause between two sign-ins holds across checks, and after a throttle nothing is sent before the time
/// that the service named; clones share that memory.
///
/// It asks for a token of Azure Resource Manager, for which an application needs no permission: the token would carry
/// no right by itself, and it is thrown away.
///
/// Secrets handled: the candidate's, in the body of the request only.
#[derive(Clone)]
pub struct SecretVerifier {
    endpoint: TokenEndpoint,
    client: ClientId,
    means: Means,
    scope: Scope,
    successes: u32,
    spacing: Duration,
    propagation: Duration,
    pace: Arc<Mutex<Pace>>,
}

/// When the next sign-in may begin, in the clock's elapsed time.
#[derive(Default)]
struct Pace {
    next: Duration,
    quiet_until: Duration,
}

impl SecretVerifier {
    /// Proves secrets of an application: 3 successes, 1 second apart, and 10 minutes for a new secret to be known
    /// everywhere.
    pub fn new(endpoint: &TokenEndpoint, client: ClientId) -> Self {
        Self::of(Means::ClientSecret, endpoint, client)
    }

    /// The same for certificates: [`Candidate::secret`] is the certificate with its private key, in one text in PEM, and each
    /// sign-in shows an assertion of its own.
    ///
    /// A text that is none, and one with an elliptic key where Entra ID is asked, is rejected before anything is sent.
    pub fn for_certificates(endpoint: &TokenEndpoint, client: ClientId) -> Self {
        Self::of(Means::Certificate(Showing::default()), endpoint, client)
    }

    fn of(means: Means, endpoint: &TokenEndpoint, client: ClientId) -> Self {
        Self {
            endpoint: endpoint.without_retry(),
            client,
            means,
            scope: endpoint.probe_scope().clone(),
            successes: 3,
            spacing: Duration::from_secs(1),
            propagation: PROPAGATION,
            pace: Arc::default(),
        }
    }

    /// Sets how many sign-ins in a row must succeed, from 1 to 10.
    #[must_use]
    pub fn with_successes(mut self, successes: u32) -> Self {
        self.successes = successes.clamp(1, MAX_SUCCESSES);
        self
    }

    /// Sets the pause between two sign-ins, also of different checks.
    #[must_use]
    pub fn with_spacing(mut self, spacing: Duration) -> Self {
        self.spacing = spacing;
        self
    }

    /// Sets how long after it was minted a refused secret may still be on its way to every replica. No bound is
    /// published; it is [`PROPAGATION`] unless set.
    #[must_use]
    pub fn with_propagation(mut self, propagation: Duration) -> Self {
        self.propagation = propagation;
        self
    }

    /// Sets the scope of the tokens that a check asks for, for tenants that give applications none for Azure Resource
    /// Manager.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Signs the assertions of certificates in this form, in place of the one that the authority takes: as
    /// [`CertificateProof::with_form`](crate::CertificateProof::with_form). Nothing changes for client secrets.
    #[must_use]
    pub fn with_form(mut self, form: AssertionForm) -> Self {
        if let Some(showing) = self.means.showing_mut() {
            showing.form = Some(form);
        }
        self
    }

    /// Sends certificates and their chains along: as
    /// [`CertificateProof::with_chain`](crate::CertificateProof::with_chain). Nothing changes for client secrets.
    #[must_use]
    pub fn with_chain(mut self, chain: bool) -> Self {
        if let Some(showing) = self.means.showing_mut() {
            showing.chain = chain;
        }
        self
    }

    /// Signs in once, on a fresh connection and without any repetition.
    pub(crate) async fn sign_in_once(&self, candidate: &Candidate<'_>) -> Result<(), Error> {
        self.wait_for_turn().await?;
        // Made when it is sent, since an assertion is good from the moment at which it was signed.
        let proof = self.means.proof(candidate.secret, (self.client, self.endpoint.authority()), self.clock())?;
        let options = SendOptions::default().with_fresh_connection(true);
        let of = (&self.endpoint, self.client);
        let outcome = sign_in(of, &proof, TokenRequest::new(&self.scope), options).await;
        if let Err(error) = &outcome
            && let Retry::After(pause) = error.retry()
        {
            self.pace().quiet_until = self.clock().elapsed().saturating_add(pause);
        }
        outcome.map(drop)
    }

    /// Refuses what cannot be a candidate, before anything is sent.
    pub(crate) fn check(&self, secret: &Secret) -> Result<(), Error> {
        self.means.check(secret, self.endpoint.authority())
    }

    /// What a failed sign-in proves of this candidate.
    pub(crate) fn assess(&self, error: &Error, candidate: &Candidate<'_>) -> Assessment {
        entra::assess(error, entra::age(candidate.minted_at, self.clock().now()), self.propagation)
    }

    async fn wait_for_turn(&self) -> Result<(), Error> {
        let now = self.clock().elapsed();
        let turn = {
            let mut pace = self.pace();
            if let Some(left) = pace.quiet_until.checked_sub(now).filter(|left| !left.is_zero()) {
                return Err(quiet(left));
            }
            let turn = pace.next.max(now);
            pace.next = turn.saturating_add(self.spacing);
            turn
        };
        // The turn was taken under the lock and is waited for outside it: clones queue up and never block each other.
        if turn > now {
            self.clock().sleep(turn - now).await;
        }
        Ok(())
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clock(&self) -> &dyn Clock {
        &**self.endpoint.pipeline().clock()
    }

    fn judge(&self, error: &Error, candidate: &Candidate<'_>, successes: u32) -> Assessment {
        let mut assessment = self.assess(error, candidate);
        assessment.evidence = format!("{successes} of {} sign-ins succeeded, then: {error}", self.successes);
        let refused = assessment.verdict == CredentialVerdict::Rejected;
        if refused && successes > 0 && Meaning::of(error) == Meaning::NoMatch {
            // It was accepted a moment ago: the replicas disagree, and none of them decides.
            assessment.verdict = CredentialVerdict::Inconclusive;
        }
        assessment
    }
}

#[async_trait]
impl CredentialVerifier for SecretVerifier {
    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        if let Err(error) = self.check(candidate.secret) {
            return Assessment::of_error(CredentialVerdict::Rejected, &error);
        }
        for successes in 0..self.successes {
            if let Err(error) = self.sign_in_once(candidate).await {
                return self.judge(&error, candidate, successes);
            }
        }
        let evidence = format!("{0} of {0} sign-ins on fresh connections succeeded", self.successes);
        Assessment::new(CredentialVerdict::Accepted, evidence)
    }
}

impl fmt::Debug for SecretVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretVerifier")
            .field("endpoint", &self.endpoint)
            .field("client", &self.client)
            .field("scope", &self.scope)
            .field("successes", &self.successes)
            .finish_non_exhaustive()
    }
}

fn quiet(left: Duration) -> Error {
    Error::new(azconnect_core::ErrorKind::Throttled, "Microsoft Entra ID asked for a pause, so it was not asked again")
        .with_effect(azconnect_core::Effect::None)
        .with_retry(Retry::After(left))
        .with_advice("wait until the pause is over")
}

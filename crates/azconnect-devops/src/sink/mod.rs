//! A service connection as the consumer of a rotated secret.

mod application;
mod destination;
mod held;
mod last_push;
mod name;
mod place;
mod prover;
mod pushed;

use std::fmt;

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, TenantId};
use azconnect_credential::entra::is_refusal;
use azconnect_credential::{
    Assessment, Candidate, Check, CheckReport, CheckStatus, CredentialSink, CredentialVerdict, PushReceipt, SinkId,
    SinkReport,
};

pub(crate) use self::destination::destination_of;
use self::destination::{Destination, require_agreed};
use self::last_push::LastPush;
pub(crate) use self::name::{sink_id, title};
use self::place::{change, require_kind};
use self::pushed::Pushed;
use crate::document::{Endpoint, EndpointId, EnvironmentName};
use crate::eligibility::refresh_checks;
use crate::endpoint::Endpoints;
use crate::verify::RegistryCheck;

/// Which candidates are pushed, by what the test before the push said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CandidateTest {
    /// A candidate that the test refuses is not pushed; one that the test could not judge is. Right where the caller has
    /// proven the secret at Entra ID itself, as the orchestrator does.
    #[default]
    Refusals,
    /// Only a candidate that the test accepted is pushed.
    Required,
    /// Every candidate is pushed, untested: for callers whose own proof is stronger.
    Skip,
}

/// Pushes secrets into one service connection, of any kind that [`refresh_checks`] clears: to Azure Resource Manager or Azure
/// Container Registry with a service principal's key, to another registry or of type Generic with a user's password, to
/// Kubernetes with the key of an application. Or certificates into one to Azure Resource Manager that signs in with a
/// certificate ([`with_certificates`](Self::with_certificates)).
///
/// A push reads the connection, refuses it by the rules of [`refresh_checks`], asks whether the caller may change its secret
/// ([`Endpoints::secret_permission`]), lets Azure DevOps test the candidate, writes it with [`Endpoints::update`], and reads
/// the connection back. For a Docker registry the test and the
/// verification are the registry's own login ([`RegistryCheck`]); where it cannot be asked, inspection says so with the
/// warning `not-verifiable`, and verification stays [`Inconclusive`](CredentialVerdict::Inconclusive).
///
/// That something works is no proof while the former secret works too, and Azure DevOps shows to nobody which one a
/// connection holds. So verification accepts only together with a sign that the push was stored: the date of the
/// connection's last change moved with it, and did not move again; or, where no receipt is at hand, it was last changed
/// after the secret was minted. Where the service shows no such date, verification stays inconclusive.
///
/// Whoever may edit the connection names the registry, or the cloud of the customer's own, so a secret goes there only if
/// that host was agreed: [`SinkReport::destination`] names it, and [`Candidate::destination`] gives it back, or
/// [`ServiceConnectionSink::with_destination`] says it by name. A connection that names another host by then is neither
/// tested nor written, and holds no proof. Azure's own hosts need no agreement; a connection to one of Azure's clouds that
/// leads elsewhere is refused with the check `foreign-address`.
///
/// Its id is `devops:{organization}/{connection id}`.
#[derive(Clone)]
pub struct ServiceConnectionSink {
    id: SinkId,
    endpoints: Endpoints,
    endpoint: EndpointId,
    application: Option<(TenantId, ClientId)>,
    registry: RegistryCheck,
    test: CandidateTest,
    issuers_own: bool,
    destination: Option<String>,
    replaces_certificate: bool,
    pushed: Pushed,
    cloud: Option<EnvironmentName>,
    last: LastPush,
}

impl ServiceConnectionSink {
    /// The connection of an id, seen from a project. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the collection's name cannot be part of a sink's id.
    pub fn new(endpoints: Endpoints, endpoint: EndpointId) -> Result<Self, Error> {
        let organization = endpoints.organization();
        let id = sink_id(organization.name(), endpoint)?;
        let registry =
            RegistryCheck::new(organization.client.pipeline().clone()).with_propagation(endpoints.propagation);
        Ok(Self {
            id,
            endpoints,
            endpoint,
            application: None,
            registry,
            test: CandidateTest::default(),
            issuers_own: false,
            destination: None,
            replaces_certificate: false,
            pushed: Pushed::default(),
            cloud: None,
            last: LastPush::new(),
        })
    }

    /// Says whose secrets are pushed, so that a connection of another application is refused. A user's name must then be the
    /// client id; without, any user's password is replaced, since the secret may be a registry's own token. The tenant is the application's, which need not be the organization's.
    #[must_use]
    pub fn with_application(mut self, tenant: TenantId, client: ClientId) -> Self {
        self.application = Some((tenant, client));
        self
    }

    /// Sets how a Docker registry's own login is checked.
    #[must_use]
    pub fn with_registry_check(mut self, check: RegistryCheck) -> Self {
        self.registry = check;
        self
    }

    /// Sets what a candidate must pass before it is pushed.
    #[must_use]
    pub fn with_candidate_test(mut self, test: CandidateTest) -> Self {
        self.test = test;
        self
    }

    /// Says that the rotation itself signs in through what this connection holds.
    #[must_use]
    pub fn with_issuers_own(mut self, own: bool) -> Self {
        self.issuers_own = own;
        self
    }

    /// Says by name where the connection's secret may go, as [`SinkReport::destination`] spells it: for a caller that gives
    /// no [`Candidate::destination`], which counts first.
    #[must_use]
    pub fn with_destination(mut self, host: impl Into<String>) -> Self {
        self.destination = Some(host.into());
        self
    }

    /// Says in which cloud the application lives, by the name that connections use (`AzureUSGovernment`), so that a connection
    /// which signs in to another of Azure's clouds is refused with the check `other-cloud`.
    #[must_use]
    pub fn with_cloud(mut self, name: &str) -> Self {
        self.cloud = Some(EnvironmentName::from(name));
        self
    }

    /// Says by name that a connection which signs in with a certificate takes the client secret in its place. Without, such
    /// a connection is refused with the check `certificate`. Nobody can give the certificate back: the way back from a
    /// rotation that fails is the former secret.
    #[must_use]
    pub fn with_certificate_replaced(mut self, replaced: bool) -> Self {
        self.replaces_certificate = replaced;
        self
    }

    /// Says that certificates are pushed, each with its private key in one text in PEM, and not client secrets. The connection
    /// must sign in with a certificate already; one that signs in with a key is refused with the check `no-certificate`.
    #[must_use]
    pub fn with_certificates(mut self) -> Self {
        self.pushed = Pushed::Certificate;
        self
    }

    fn require_agreed(&self, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Result<(), Error> {
        require_agreed(endpoint, candidate.destination.or(self.destination.as_deref()))
    }

    /// Judges a connection that was read already, such as one of a list: everything that its document alone can answer.
    /// Nothing is sent. Whether its secret may be changed, and whether a registry can be asked, takes a call: see
    /// [`inspect`](CredentialSink::inspect).
    pub fn checks(&self, endpoint: &Endpoint) -> CheckReport {
        let checks = refresh_checks(endpoint, self.endpoints.project()).into_iter();
        let mut checks: CheckReport = checks.map(|check| self.as_asked(check)).collect();
        if self.pushed == Pushed::Certificate {
            checks = pushed::of_certificate(endpoint, checks);
        }
        if checks.is_clear() {
            checks.extend(Destination::foreign(endpoint));
        }
        let Some((tenant, client)) = self.application else { return checks };
        // A connection that takes no secret may lack the very parameters that name its application.
        if !checks.is_clear() {
            return checks;
        }
        let cloud = self.cloud.as_ref().and_then(|cloud| application::other_cloud(endpoint, cloud));
        checks.into_iter().chain(application::checks(endpoint, tenant, client)).chain(cloud).collect()
    }

    /// What the caller has asked for by name does not stand in the way.
    fn as_asked(&self, check: Check) -> Check {
        match check.code.as_str() {
            "certificate" if self.replaces_certificate => check
                .with_cause("the client secret takes the place of its certificate")
                .with_remedy("keep the certificate until the rotation has ended: nobody can read it back")
                .as_warning(),
            // Whoever names no application may push a secret of another kind, such as a registry's own token.
            "user-is-no-application" if self.application.is_none() => check.as_warning(),
            _ => check,
        }
    }

    async fn try_candidate(&self, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
        if self.test == CandidateTest::Skip {
            return Assessment::new(CredentialVerdict::Inconclusive, "not tested, as was asked for");
        }
        let change = change(endpoint, self.pushed, candidate.secret);
        prover::test(&self.endpoints, &self.registry, endpoint, (candidate, &change)).await
    }

    /// Whether the test's verdict permits the push.
    fn permit(&self, tested: &Assessment) -> Result<(), Error> {
        let stop = match tested.verdict {
            CredentialVerdict::Accepted => false,
            // What Entra ID refuses for good stops a push as a wrong secret does: the connection could not use the secret.
            CredentialVerdict::Inconclusive => self.test == CandidateTest::Required || is_refusal(tested),
            CredentialVerdict::Pending | CredentialVerdict::Rejected => true,
        };
        if !stop {
            return Ok(());
        }
        let (kind, message) = match tested.verdict {
            CredentialVerdict::Pending => {
                (ErrorKind::Unavailable, "nothing was written: the new secret does not work yet")
            }
            CredentialVerdict::Inconclusive if is_refusal(tested) => {
                (ErrorKind::Unavailable, "nothing was written: the connection cannot sign in, whatever its secret")
            }
            CredentialVerdict::Inconclusive => {
                (ErrorKind::Unavailable, "nothing was written: the new secret could not be tested")
            }
            _ => (ErrorKind::InvalidInput, "nothing was written: the new secret does not work in this connection"),
        };
        Err(tested.to_error(kind, message).in_operation("devops.sink.push"))
    }
}

/// What is said of a connection that sends its secret to a host that was not agreed. A change is a rejection, which no
/// receipt of a push stands in for.
fn not_agreed(error: &Error) -> Assessment {
    let mut assessment = Assessment::inconclusive(error);
    if error.service_code() == Some(destination::CHANGED) {
        assessment.verdict = CredentialVerdict::Rejected;
    }
    assessment
}

#[async_trait]
impl CredentialSink for ServiceConnectionSink {
    fn id(&self) -> &SinkId {
        &self.id
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        let endpoint = self.endpoints.get(self.endpoint).await?;
        let mut checks = self.checks(&endpoint);
        // Only where a push could follow, since these ask over the network.
        if checks.is_clear() {
            let permission = self.endpoints.secret_permission(self.endpoint).await;
            checks.extend((permission.status != CheckStatus::Passed).then_some(permission));
        }
        if checks.is_clear() {
            checks.extend(prover::unverifiable(&self.registry, &endpoint).await);
        }
        let title = title(&endpoint, self.endpoints.organization().name(), self.endpoints.project());
        let destination = Destination::of(&endpoint).map(|found| found.hosts);
        let report = SinkReport::new(title).with_checks(checks).with_is_issuers_own(self.issuers_own);
        Ok(report.with_destination(destination))
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        require_kind(self.pushed, candidate.secret).map_err(|error| error.in_operation("devops.sink.push"))?;
        // Effect none: this reads, and nothing is written before.
        let before = self.endpoints.get(self.endpoint).await.map_err(|error| error.with_effect(Effect::None))?;
        if let Some(check) = self.checks(&before).failures().next() {
            let refusal = check.to_error(ErrorKind::Unsupported, "the connection cannot take a secret");
            return Err(refusal.in_operation("devops.sink.push"));
        }
        self.require_agreed(&before, candidate).map_err(|error| error.in_operation("devops.sink.push"))?;
        // The caller may have lost the right since the plan.
        let permitted = self.endpoints.require_secret_permission(self.endpoint).await;
        permitted.map_err(|error| error.in_operation("devops.sink.push"))?;
        let tested = self.try_candidate(&before, candidate).await;
        self.permit(&tested)?;
        // From here on the connection may hold either secret, until it was read back.
        self.last.forget();
        let change = change(&before, self.pushed, candidate.secret);
        let after = self.endpoints.update(&before, &change).await?.endpoint;
        let revision = held::revision(&before, &after);
        self.last.remember(candidate.secret, revision.clone());
        let evidence = format!("read back, only the secret changed; tested before: {}", tested.evidence);
        Ok(PushReceipt::new(evidence).with_revision(revision))
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        let endpoint = match self.endpoints.get(self.endpoint).await {
            Ok(endpoint) => endpoint,
            Err(error) => return Assessment::inconclusive(&error),
        };
        // Before anything is asked: a check sends the secret there, and so does the service when it signs in.
        if let Err(error) = self.require_agreed(&endpoint, candidate) {
            return not_agreed(&error);
        }
        if let Some(assessment) = held::changed_since(&endpoint, candidate) {
            return assessment;
        }
        let works = prover::verify(&self.endpoints, &self.registry, &endpoint, candidate).await;
        held::require(works, &self.last, &endpoint, candidate)
    }
}

impl fmt::Debug for ServiceConnectionSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceConnectionSink").field("id", &self.id).field("test", &self.test).finish_non_exhaustive()
    }
}

//! A service connection as the consumer of a rotated secret.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azconnect_core::{ClientId, Effect, Error, ErrorKind, Secret, TenantId};
use azconnect_credential::{
    Assessment, Candidate, CredentialSink, CredentialVerdict, Finding, PushReceipt, Severity, SinkId, SinkReport,
};

use crate::document::{Endpoint, EndpointChange, EndpointId, shown};
use crate::eligibility::refresh_findings;
use crate::endpoint::Endpoints;
use crate::tolerant::moment;
use crate::verify::RegistryCheck;

/// When a candidate whose test before the push said nothing is pushed all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CandidateTest {
    /// A refused candidate is not pushed; one of which nothing was learnt is. Right where the caller has proven the secret
    /// at Entra ID itself, as the orchestrator does.
    #[default]
    Refusals,
    /// Only a candidate that the test accepted is pushed.
    Required,
    /// Every candidate is pushed, untested: for callers whose own proof is stronger.
    Skip,
}

/// Pushes secrets into one service connection: azurerm with a service principal's key, or dockerregistry of type Others.
///
/// A push reads the connection, refuses it by the rules of [`refresh_findings`], lets Azure DevOps test the candidate,
/// writes it with [`Endpoints::update`], and reads the connection back. For a Docker registry the test and the
/// verification are the registry's own login ([`RegistryCheck`]); where it cannot be asked, inspection says so with the
/// warning `not-verifiable`, and verification stays [`Inconclusive`](CredentialVerdict::Inconclusive). That login proves the secret,
/// not what the connection holds, which Azure DevOps shows to nobody: it is accepted only if this sink pushed that secret
/// last, or, after a restart, if the connection was last changed after the secret was minted.
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
    pushed: Arc<Mutex<Option<Secret>>>,
}

impl ServiceConnectionSink {
    /// The connection of an id, seen from a project. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the collection's name cannot be part of a sink's id.
    pub fn new(endpoints: Endpoints, endpoint: EndpointId) -> Result<Self, Error> {
        let organization = endpoints.organization();
        let id = SinkId::new(format!("devops:{}/{endpoint}", organization.name().to_ascii_lowercase()))?;
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
            pushed: Arc::default(),
        })
    }

    /// Says whose secrets are pushed, so that a connection of another application is refused. For a Docker registry the user
    /// name must then be the client id.
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

    /// All findings but whether it can be verified, which takes a call.
    fn findings(&self, endpoint: &Endpoint) -> Vec<Finding> {
        let mut findings = refresh_findings(endpoint, self.endpoints.project());
        if findings.iter().any(Finding::blocks) {
            return findings;
        }
        let Some((tenant, client)) = self.application else { return findings };
        let holder = if endpoint.is_type("azurerm") { "serviceprincipalid" } else { "username" };
        if !is_guid(endpoint.parameter(holder), &client.to_string()) {
            findings.push(Finding::new(
                Severity::Blocker,
                "other-application",
                format!(
                    "it signs in as {}, not as the application whose secret is rotated",
                    shown(endpoint.parameter(holder))
                ),
                "leave this connection out, or rotate the application that it belongs to",
            ));
        }
        if endpoint.is_type("azurerm") && !is_guid(endpoint.parameter("tenantid"), &tenant.to_string()) {
            findings.push(Finding::new(
                Severity::Blocker,
                "other-tenant",
                "it signs in to another tenant than the application's",
                "correct the connection's tenant id, or leave it out",
            ));
        }
        findings
    }

    async fn not_verifiable(&self, endpoint: &Endpoint) -> Option<Finding> {
        let registry = endpoint.parameter("registry").filter(|_| is_docker(endpoint))?;
        let error = self.registry.reachable(registry).await.err()?;
        Some(Finding::new(
            Severity::Warning,
            "not-verifiable",
            format!("its secret cannot be verified: {}", error.message()),
            error.advice().to_owned(),
        ))
    }

    async fn try_candidate(&self, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Assessment {
        match (is_docker(endpoint), endpoint.parameter("registry"), endpoint.parameter("username")) {
            (true, Some(registry), Some(user)) => self.registry.verify(registry, user, candidate).await,
            _ => self.endpoints.verify_candidate(endpoint, candidate).await,
        }
    }

    fn forget(&self) {
        *self.pushed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How it is known that a connection whose secret cannot be read holds the candidate, or why it is not.
    fn holds(&self, endpoint: &Endpoint, candidate: &Candidate<'_>) -> Result<&'static str, &'static str> {
        let pushed = self.pushed.lock().unwrap_or_else(PoisonError::into_inner);
        if candidate.revision.is_some() && candidate.revision == endpoint.modification_date() {
            return Ok("it was not changed since the push");
        }
        match (&*pushed, candidate.minted_at, endpoint.modification_date().and_then(moment)) {
            (Some(last), ..) if last.same_as(candidate.secret) => Ok("it was pushed and read back"),
            (Some(_), ..) => Err("another secret was pushed last"),
            (None, Some(minted), Some(changed)) if changed >= minted => {
                Ok("the connection was changed after it was minted")
            }
            (None, Some(_), Some(_)) => Err("the connection was not changed since it was minted"),
            (None, ..) => Err("when the connection was changed is not known"),
        }
    }

    /// Whether the test's verdict permits the push.
    fn permit(&self, tested: &Assessment) -> Result<(), Error> {
        let stop = match tested.verdict {
            CredentialVerdict::Accepted => false,
            CredentialVerdict::Inconclusive => self.test == CandidateTest::Required,
            CredentialVerdict::Pending | CredentialVerdict::Rejected => true,
        };
        if !stop {
            return Ok(());
        }
        let (kind, message) = match tested.verdict {
            CredentialVerdict::Pending => (ErrorKind::Unavailable, "the new secret does not work yet"),
            CredentialVerdict::Inconclusive => (ErrorKind::Unavailable, "the new secret could not be tested"),
            _ => (ErrorKind::InvalidInput, "the new secret does not work in this connection"),
        };
        let error = Error::new(kind, format!("{message}: {}; nothing was written", tested.evidence))
            .with_effect(Effect::None)
            .in_operation("devops.sink.push")
            .with_advice(tested.advice.clone().unwrap_or_else(|| "try again in a minute".to_owned()));
        let error = match tested.retry_after {
            Some(pause) => error.with_retry(azconnect_core::Retry::After(pause)),
            None => error,
        };
        Err(match &tested.service_code {
            Some(code) => error.with_service_code(code),
            None => error,
        })
    }
}

/// While the former secret is alive as well, a connection that works proves little: it may hold the former one again. So
/// one that was changed after the push has to take the secret once more.
fn changed_since(endpoint: &Endpoint, candidate: &Candidate<'_>) -> Option<Assessment> {
    let (pushed, now) = (candidate.revision?, endpoint.modification_date()?);
    (pushed != now).then(|| {
        Assessment::new(CredentialVerdict::Rejected, "somebody changed the connection after the secret was pushed")
            .with_advice("the secret is pushed again; find out who changes the connection")
    })
}

#[async_trait]
impl CredentialSink for ServiceConnectionSink {
    fn id(&self) -> &SinkId {
        &self.id
    }

    async fn inspect(&self) -> Result<SinkReport, Error> {
        let endpoint = self.endpoints.get(self.endpoint).await?;
        let mut findings = self.findings(&endpoint);
        if !findings.iter().any(Finding::blocks) {
            findings.extend(self.not_verifiable(&endpoint).await);
        }
        let title = format!(
            "service connection {:?} ({}) in {}/{}",
            shown(endpoint.name()),
            shown(endpoint.type_name()),
            self.endpoints.organization().name(),
            self.endpoints.project()
        );
        Ok(SinkReport::new(title).with_findings(findings).with_is_issuers_own(self.issuers_own))
    }

    async fn push(&self, candidate: &Candidate<'_>) -> Result<PushReceipt, Error> {
        let before = self.endpoints.get(self.endpoint).await.map_err(|error| error.with_effect(Effect::None))?;
        if let Some(finding) = self.findings(&before).into_iter().find(Finding::blocks) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the connection cannot take a secret: {}", finding.message),
            )
            .with_effect(Effect::None)
            .in_operation("devops.sink.push")
            .with_service_code(finding.rule)
            .with_advice(finding.advice));
        }
        let tested = match self.test {
            CandidateTest::Skip => Assessment::new(CredentialVerdict::Inconclusive, "not tested, as was asked for"),
            _ => self.try_candidate(&before, candidate).await,
        };
        self.permit(&tested)?;
        self.forget();
        let change = EndpointChange::new().with_secret(candidate.secret);
        let after = self.endpoints.update(&before, &change).await?;
        *self.pushed.lock().unwrap_or_else(PoisonError::into_inner) = Some(candidate.secret.duplicate());
        let evidence = format!("read back, only the secret changed; tested before: {}", tested.evidence);
        Ok(PushReceipt::new(evidence).with_revision(after.modification_date().map(str::to_owned)))
    }

    async fn verify(&self, candidate: &Candidate<'_>) -> Assessment {
        let endpoint = match self.endpoints.get(self.endpoint).await {
            Ok(endpoint) => endpoint,
            Err(error) => return Assessment::inconclusive(&error),
        };
        if let Some(assessment) = changed_since(&endpoint, candidate) {
            return assessment;
        }
        if !is_docker(&endpoint) {
            return self.endpoints.verify_stored(&endpoint, candidate.minted_at).await;
        }
        let assessment = self.try_candidate(&endpoint, candidate).await;
        if !assessment.is_accepted() {
            return assessment;
        }
        match self.holds(&endpoint, candidate) {
            Ok(how) => Assessment::new(CredentialVerdict::Accepted, format!("{}; {how}", assessment.evidence)),
            Err(why) => Assessment::new(CredentialVerdict::Inconclusive, format!("{}, but {why}", assessment.evidence))
                .with_service_code("NotVerifiable")
                .with_advice("push the secret again: Azure DevOps shows to nobody what a connection holds"),
        }
    }
}

impl fmt::Debug for ServiceConnectionSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceConnectionSink").field("id", &self.id).field("test", &self.test).finish_non_exhaustive()
    }
}

fn is_docker(endpoint: &Endpoint) -> bool {
    endpoint.is_type("dockerregistry")
}

fn is_guid(found: Option<&str>, expected: &str) -> bool {
    found.is_some_and(|found| found.trim().eq_ignore_ascii_case(expected))
}

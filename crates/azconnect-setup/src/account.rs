//! What a product is told of a setup: its plan, its result, how it stands, and what was taken back.

use azconnect_core::{ApplicationObjectId, ClientId, KeyId, PrincipalObjectId, SecretId, TenantId};
use azconnect_credential::{CheckReport, ConnectRequest, ConnectionId};
use serde::Serialize;
use time::OffsetDateTime;

use crate::blocked::SetupBlocked;
use crate::event::Proof;
use crate::id::SetupId;
use crate::part::{Part, Step};
use crate::spec::{SetupSpec, SubscriptionAccess};
use crate::state::{PartStanding, SetupPhase, SetupState};

/// What a setup would do. It was made by reads alone, and holds no secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SetupPlan {
    /// The name of the setup.
    pub id: SetupId,
    /// What is to be set up.
    pub spec: SetupSpec,
    /// What is there already and what will be made, part by part.
    pub steps: Vec<PlannedStep>,
    /// What could stand in the way.
    pub checks: CheckReport,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlannedStep {
    /// The step.
    pub step: Step,
    /// What it is about, in words for a person.
    pub what: String,
    /// Whether it is there already; `None` if that could not be read.
    pub exists: Option<bool>,
}

impl PlannedStep {
    pub(crate) fn new(step: Step, what: impl Into<String>, exists: Option<bool>) -> Self {
        Self { step, what: what.into(), exists }
    }
}

/// An application that is set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SetUp {
    /// The name of the setup.
    pub id: SetupId,
    /// The tenant of the application.
    pub tenant: TenantId,
    /// The client id, under which it signs in.
    pub client: ClientId,
    /// The object id of the application.
    pub application: ApplicationObjectId,
    /// The object id of its service principal.
    pub principal: PrincipalObjectId,
    /// The name under which its secret lies sealed, if it signs in with one.
    pub secret: Option<SecretId>,
    /// The public id of that secret.
    pub key: Option<KeyId>,
    /// When that secret was minted.
    #[serde(with = "time::serde::rfc3339::option")]
    pub minted_at: Option<OffsetDateTime>,
    /// When that secret ends.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ends_at: Option<OffsetDateTime>,
    /// What it may do in a subscription.
    pub access: Option<SubscriptionAccess>,
    /// How it was tried out.
    pub proof: Proof,
    /// The consents that are left to an administrator.
    pub consents_left: Vec<SetupBlocked>,
}

impl SetUp {
    /// What a product connects this application's subscription with; none if it was given none.
    pub fn to_connect_request(&self, id: ConnectionId) -> Option<ConnectRequest> {
        let access = self.access.as_ref()?;
        let mut request = ConnectRequest::new(id, access.subscription, self.tenant, self.client);
        (request.key, request.minted_at, request.ends_at) = (self.key, self.minted_at, self.ends_at);
        if let Some(group) = &access.group {
            request.resource_group = Some(group.name.clone());
            request.region = group.create_in.clone();
        }
        Some(request)
    }

    pub(crate) fn of(id: &SetupId, state: &SetupState) -> Option<Self> {
        let (spec, registration) = (state.spec.as_ref()?, state.registration?);
        let consents_left = state.parts.iter().filter_map(|(_, standing)| match standing {
            PartStanding::LeftToOthers { blocked } => Some(blocked.clone()),
            _ => None,
        });
        let mint = state.mint.as_ref();
        Some(Self {
            id: id.clone(),
            tenant: spec.tenant,
            client: registration.client,
            application: registration.object,
            principal: state.principal?,
            secret: mint.map(|mint| mint.secret.clone()),
            key: mint.and_then(|mint| mint.key).map(|(key, _)| key),
            minted_at: mint.and_then(|mint| mint.key).map(|(_, at)| at),
            ends_at: mint.map(|mint| mint.ends_at),
            access: spec.access.clone(),
            proof: state.proof?,
            consents_left: consents_left.collect(),
        })
    }
}

/// How a setup stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SetupStatus {
    /// The name of the setup.
    pub id: SetupId,
    /// How far it has come.
    pub phase: SetupPhase,
    /// What is set up.
    pub spec: SetupSpec,
    /// The client id of the application, once there is one.
    pub client: Option<ClientId>,
    /// How each part stands, in order.
    pub parts: Vec<PartStatus>,
    /// Why it does not go on, if it was refused.
    pub blocked: Option<SetupBlocked>,
}

/// How one part stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PartStatus {
    /// The part.
    pub part: Part,
    /// How it stands.
    #[serde(flatten)]
    pub standing: PartStanding,
}

impl SetupStatus {
    pub(crate) fn of(id: &SetupId, state: &SetupState) -> Option<Self> {
        let parts = state.parts.iter();
        let parts = parts.map(|(part, standing)| PartStatus { part: part.clone(), standing: standing.clone() });
        Some(Self {
            id: id.clone(),
            phase: state.phase,
            spec: state.spec.clone()?,
            client: state.registration.map(|registration| registration.client),
            parts: parts.collect(),
            blocked: state.blocked.clone(),
        })
    }
}

/// What an undo took back, and what it left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TakenBack {
    /// What is gone, in words for a person.
    pub removed: Vec<String>,
    /// What was made by the setup and stays, since somebody changed it or uses it, and why.
    pub left: Vec<String>,
}

impl TakenBack {
    pub(crate) fn of(state: &SetupState) -> Self {
        let mut taken = Self::default();
        for (part, standing) in state.parts.iter().rev() {
            match standing {
                PartStanding::Removed => taken.removed.push(part.to_string()),
                PartStanding::Left { reason } => taken.left.push(format!("{part}: {reason}")),
                _ => {}
            }
        }
        let name = state.registration.map(|registration| format!("the application {}", registration.client));
        match (name, &state.application_taken) {
            (Some(name), Some(None)) => taken.removed.push(name),
            (Some(name), Some(Some(reason))) => taken.left.push(format!("{name}: {reason}")),
            _ => {}
        }
        taken
    }
}

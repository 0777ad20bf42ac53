//! The effect of each step: what is sent, and what is journalled of the answer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::{Clock, Effect, Error, ErrorKind, SecretStore};
use azconnect_http::OperationOutcome;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::lock::Mutex as AsyncMutex;
use serde::Serialize;
use serde_json::Value;

use super::body::{self, Ids};
use super::event::{ProvisionEvent, Step};
use super::failure::{Failure, StepFailure, is_momentary, lacks_registration};
use super::plan::ProvisionPlan;
use super::probe::AgentProbe;
use super::recorder::Recorder;
use super::role_grace::RoleWait;
use super::state::{ProvisionState, StepState};
use crate::client::{Arm, Group, Handle, Pending, Subscription};
use crate::resource::compute::VirtualMachines;
use crate::resource::group::ResourceGroup;
use crate::resource::network::PublicIpProperties;
use crate::resource::{Kind, OWNER_TAG, Tagged};
use crate::spec::GroupChoice;

/// How often a write is sent if its operation fails for a momentary reason.
const OPERATION_ATTEMPTS: u32 = 3;

/// The pause before such a write is sent again.
const WRITE_PAUSE: Duration = Duration::from_secs(10);

/// How long a write is repeated while something else blocks it. A network interface stays reserved for three minutes
/// after its machine failed.
const BLOCKED_WRITE_LIMIT: Duration = Duration::from_secs(240);

/// How long a group of the wanted name is waited for that is being deleted. It takes 13 minutes in one case of twenty.
const GROUP_DELETION_LIMIT: Duration = Duration::from_secs(1200);

/// The pause before such a group is read again.
const GROUP_DELETION_PAUSE: Duration = Duration::from_secs(10);

/// Everything that the steps of one plan need.
pub(super) struct Site<'a> {
    pub(super) group: Group,
    pub(super) arm: Arm,
    pub(super) role_wait: RoleWait,
    pub(super) subscription: &'a Subscription,
    /// The resource providers that were registered for this provisioning.
    pub(super) registered: AsyncMutex<BTreeSet<String>>,
    pub(super) plan: &'a ProvisionPlan,
    pub(super) ids: Ids,
    pub(super) recorder: &'a Recorder,
    pub(super) secrets: Arc<dyn SecretStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) probe: Option<Arc<dyn AgentProbe>>,
    pub(super) warning: Mutex<Option<String>>,
    pub(super) known_addresses: Mutex<Option<Addresses>>,
}

/// The public addresses of a machine, and the name of the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    pub(super) address: Option<String>,
    pub(super) ipv6: Option<String>,
    pub(super) fqdn: Option<String>,
}

impl Site<'_> {
    /// Performs one step, or goes on with it.
    pub(super) async fn create(&self, step: Step, state: &ProvisionState) -> Result<(), StepFailure> {
        self.begin(step, state).await.map_err(|failure| StepFailure { step, failure })
    }

    /// The work of one step. On the heap, and made by a function of its own: the work of all steps together, in one future, is
    /// more than the stack of a thread should have to hold.
    fn begin<'s>(&'s self, step: Step, state: &'s ProvisionState) -> BoxFuture<'s, Result<(), Failure>> {
        let spec = &self.plan.spec;
        match step {
            Step::Group => self.create_group(state).boxed(),
            Step::SecurityGroup if spec.security_group.is_some() => self.skip(step).boxed(),
            Step::SecurityGroup => {
                let handle = self.group.network_security_group(&self.plan.names.security_group);
                self.ensured(step, handle, body::security_group(self.plan), state)
            }
            Step::Network => match body::network(self.plan) {
                Some(body) => self.ensured(step, self.group.virtual_network(&self.plan.names.network), body, state),
                None => self.skip(step).boxed(),
            },
            Step::PublicIp if spec.public_ip => {
                let handle = self.group.public_ip(&self.plan.names.public_ip);
                self.ensured(step, handle, body::public_ip(self.plan), state)
            }
            Step::PublicIp => self.skip(step).boxed(),
            Step::PublicIpv6 => {
                let handle = self.group.public_ip(&self.plan.names.public_ipv6);
                self.ensured(step, handle, body::public_ipv6(self.plan), state)
            }
            Step::Interface => {
                let handle = self.group.network_interface(&self.plan.names.interface);
                let body = body::interface(self.plan, &self.ids, self.plan.placements.get(state.placement));
                self.ensured(step, handle, body, state)
            }
            Step::Machine => self.create_machine(state).boxed(),
            Step::Extension => self.create_extension(state).boxed(),
            Step::Agent => self.await_agent().boxed(),
        }
    }

    fn ensured<'s, K: Kind>(
        &'s self,
        step: Step,
        handle: Result<Handle<K>, Error>,
        body: Value,
        state: &'s ProvisionState,
    ) -> BoxFuture<'s, Result<(), Failure>>
    where
        K::View: Tagged,
    {
        async move { self.ensure(step, handle, &body, state).await }.boxed()
    }

    /// The handle of the machine that is built.
    pub(super) fn machine(&self) -> Result<Handle<VirtualMachines>, Error> {
        self.group.virtual_machine(&self.plan.spec.name)
    }

    /// The public address of IPv4 of the machine, read once; `None` if it has none.
    pub(super) async fn address(&self) -> Result<Option<String>, Error> {
        Ok(self.addresses().await?.address)
    }

    /// The public addresses of the machine, read once.
    pub(super) async fn addresses(&self) -> Result<Addresses, Error> {
        let known = self.known_addresses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known {
            return Ok(known);
        }
        if !self.plan.spec.public_ip {
            return Ok(Addresses::default());
        }
        let names = &self.plan.names;
        let read = async |name: &str| Ok::<_, Error>(self.group.public_ip(name)?.get().await?.properties);
        let PublicIpProperties { ip_address: address, dns_settings, .. } = read(&names.public_ip).await?;
        let ipv6 = if self.plan.spec.has_public_ipv6() { read(&names.public_ipv6).await?.ip_address } else { None };
        let read = Addresses { address, ipv6, fqdn: dns_settings.and_then(|settings| settings.fqdn) };
        *self.known_addresses.lock().unwrap_or_else(PoisonError::into_inner) = Some(read.clone());
        Ok(read)
    }

    async fn create_group(&self, state: &ProvisionState) -> Result<(), Failure> {
        let handle = self.group.handle();
        let found = self.group_that_stays().await?;
        let ours = found.as_ref().is_some_and(|group| self.is_ours(group));
        match (&self.plan.spec.group, found) {
            (GroupChoice::Existing(name), None) => {
                let error = Error::new(ErrorKind::NotFound, format!("the resource group {name} does not exist"))
                    .with_effect(Effect::None)
                    .with_advice("check its name, or have it created");
                Err(Failure::Definitive(error))
            }
            (GroupChoice::Create(_), None) => {
                if state.steps.get(&Step::Group) != Some(&StepState::Intended) {
                    self.note(ProvisionEvent::Intended { step: Step::Group }).await?;
                }
                self.write(Step::Group, handle, &body::group(self.plan)).await
            }
            // It bears our tag, so an earlier attempt has created it.
            (GroupChoice::Create(_), Some(_)) if ours => {
                self.note(ProvisionEvent::Completed { step: Step::Group, created: true }).await
            }
            (_, Some(_)) => self.skip(Step::Group).await,
        }
    }

    /// The group, if there is one. One that is being deleted is waited for: a new one can be made under its name then.
    async fn group_that_stays(&self) -> Result<Option<ResourceGroup>, Failure> {
        let started = self.clock.elapsed();
        loop {
            let found = self.find(self.group.handle()).await?;
            let state = found.as_ref().and_then(|group| group.properties.provisioning_state.as_deref());
            let is_going = state.is_some_and(|state| state.eq_ignore_ascii_case("Deleting"));
            if !is_going || self.clock.elapsed().saturating_sub(started) > GROUP_DELETION_LIMIT {
                return Ok(found);
            }
            self.clock.sleep(GROUP_DELETION_PAUSE).await;
        }
    }

    /// Writes a resource, or goes on with one that was written.
    pub(super) async fn ensure<K: Kind>(
        &self,
        step: Step,
        handle: Result<Handle<K>, Error>,
        body: &(impl Serialize + Sync),
        state: &ProvisionState,
    ) -> Result<(), Failure>
    where
        K::View: Tagged,
    {
        let handle = handle.map_err(Failure::Definitive)?;
        match state.steps.get(&step) {
            Some(StepState::Accepted(record)) => {
                let operation = self.open_operation(step, false, record).await.map_err(Failure::Unknown)?;
                if let Some(operation) = operation {
                    // A record that was changed proves nothing about the resource, so nothing may be cleaned up for it.
                    let pending = handle.resume(operation).map_err(Failure::Unknown)?;
                    match self.outcome(pending).await {
                        // It failed for a momentary reason, or the service knows it no more: it is written again.
                        Err(Failure::Definitive(error)) if is_momentary(&error) => {}
                        Err(Failure::Unknown(error)) if error.kind() == ErrorKind::NotFound => {}
                        Err(failure) => return Err(failure),
                        Ok(()) => return self.created(step).await,
                    }
                }
            }
            // Ours already, and perhaps written: the same write again changes nothing. A machine's name is the caller's own, and
            // somebody else may have taken it since.
            Some(StepState::Intended) if step == Step::Machine => self.refuse_foreign(step, &handle, state).await?,
            Some(StepState::Intended) => {}
            _ => {
                self.refuse_foreign(step, &handle, state).await?;
                self.note(ProvisionEvent::Intended { step }).await?;
            }
        }
        self.write(step, &handle, body).await
    }

    /// Refuses to write over what someone else created. A group that this provisioning created holds nothing of others.
    async fn refuse_foreign<K: Kind>(
        &self,
        step: Step,
        handle: &Handle<K>,
        state: &ProvisionState,
    ) -> Result<(), Failure>
    where
        K::View: Tagged,
    {
        let group_is_ours = state.steps.get(&Step::Group) == Some(&StepState::Complete { created: true });
        if group_is_ours || step == Step::Extension {
            return Ok(());
        }
        match self.find(handle).await? {
            Some(view) if !self.is_ours(&view) => {
                let error =
                    Error::new(ErrorKind::Conflict, format!("the {} {} exists already", step.name(), handle.name()))
                        .with_effect(Effect::None)
                        .with_advice("choose another name: what others created is never changed");
                Err(Failure::Definitive(error))
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn write<K: Kind>(
        &self,
        step: Step,
        handle: &Handle<K>,
        body: &(impl Serialize + Sync),
    ) -> Result<(), Failure> {
        let (mut attempt, mut unregistered) = (1, 0);
        let started = self.clock.elapsed();
        loop {
            self.recorder.renew().await.map_err(Failure::Unknown)?;
            let pending = match handle.create(body).await {
                Ok(pending) => pending.without_result(),
                Err(error)
                    if is_momentary(&error) && self.clock.elapsed().saturating_sub(started) < BLOCKED_WRITE_LIMIT =>
                {
                    tracing::debug!(%error, "the write is refused for a moment and sent again");
                    self.clock.sleep(WRITE_PAUSE).await;
                    continue;
                }
                Err(error) if self.role_comes(&error).await => continue,
                Err(error) if lacks_registration(&error) => {
                    unregistered += 1;
                    self.register_for(handle.id().as_str(), error, unregistered).await?;
                    continue;
                }
                Err(error) => return Err(Failure::of_refusal(error)),
            };
            // Durable before the first poll, so that a process that takes over polls instead of writing again.
            if let Some(operation) = pending.operation() {
                let sealed = self.seal_operation(step, false, operation).await.map_err(Failure::Unknown)?;
                if let Some(operation) = sealed {
                    self.note(ProvisionEvent::Accepted { step, operation }).await?;
                }
            }
            match self.outcome(pending).await {
                Ok(()) => return self.created(step).await,
                Err(Failure::Definitive(error)) if attempt < OPERATION_ATTEMPTS && is_momentary(&error) => {
                    tracing::debug!(%error, attempt, "the operation failed for a moment and is begun again");
                    self.clock.sleep(WRITE_PAUSE).await;
                    attempt += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn outcome<T>(&self, pending: Pending<T>) -> Result<(), Failure> {
        match pending.outcome().await {
            OperationOutcome::Done(_) => Ok(()),
            OperationOutcome::Failed(error) => Err(Failure::Definitive(error)),
            OperationOutcome::Unread(error) => Err(Failure::Unknown(error.with_effect(Effect::Unknown))),
            in_progress => match in_progress.into_result() {
                Ok(_) => Ok(()),
                Err(error) => Err(Failure::Unknown(error)),
            },
        }
    }

    /// Journals that the step's resource is created, and forgets the address of the operation that created it.
    async fn created(&self, step: Step) -> Result<(), Failure> {
        self.note(ProvisionEvent::Completed { step, created: true }).await?;
        self.forget_ended(step).await;
        Ok(())
    }

    /// Journals that the step has nothing to create.
    pub(super) async fn skip(&self, step: Step) -> Result<(), Failure> {
        self.note(ProvisionEvent::Completed { step, created: false }).await
    }

    pub(super) async fn note(&self, event: ProvisionEvent) -> Result<(), Failure> {
        self.recorder.record(event).await.map_err(Failure::Unknown)
    }

    pub(super) fn forget_address(&self) {
        *self.known_addresses.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn warn(&self, text: String) {
        *self.warning.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    pub(super) fn is_ours(&self, view: &impl Tagged) -> bool {
        view.tag(OWNER_TAG) == Some(self.plan.id.as_str())
    }
}

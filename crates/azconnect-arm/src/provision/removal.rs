//! Deletes what was created, by its recorded name, and nothing else.

use std::time::Duration;

use azconnect_core::{Error, ErrorKind};
use azconnect_http::OperationOutcome;

use super::event::{ProvisionEvent, Step};
use super::plan::ProvisionPlan;
use super::state::{ProvisionState, StepState};
use super::steps::Site;
use crate::client::Handle;
use crate::error::{Class, Fault};
use crate::resource::compute::VirtualMachine;
use crate::resource::group::GenericResource;
use crate::resource::{Kind, OWNER_TAG, Tagged};

const DISKS: &str = "Microsoft.Compute/disks";
const MACHINES: &str = "Microsoft.Compute/virtualMachines";

/// The types of what is made for a network.
const NETWORK: [&str; 4] = [
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Network/publicIPAddresses",
    "Microsoft.Network/networkInterfaces",
];

/// How long a deletion is tried. A network interface stays reserved for three minutes after its machine failed.
const DELETION_LIMIT: Duration = Duration::from_secs(600);

/// The pause between two attempts at a deletion.
const DELETION_PAUSE: Duration = Duration::from_secs(10);

/// The pause before looking for a write that may still have been on its way.
const LATE_WRITE_PAUSE: Duration = Duration::from_secs(5);

impl Site<'_> {
    /// Deletes the resource of one step. If it must stay, returns a sentence that says why.
    pub(super) async fn remove(&self, step: Step, state: &ProvisionState) -> Result<Option<String>, Error> {
        let was = state.steps.get(&step);
        let group = &self.group;
        let names = &self.plan.names;
        match step {
            Step::Machine => {
                let kept = self.delete_machine(Some(step), was).await?;
                self.delete_disks(self.plan.disks_until(state.placement, false)).await?;
                self.removed(step).await?;
                return Ok(kept);
            }
            Step::Interface => self.delete(Some(step), &group.network_interface(&names.interface)?, was).await?,
            Step::SecurityGroup => {
                self.delete(Some(step), &group.network_security_group(&names.security_group)?, was).await?;
            }
            Step::Network => self.delete(Some(step), &group.virtual_network(&names.network)?, was).await?,
            Step::PublicIp => self.delete(Some(step), &group.public_ip(&names.public_ip)?, was).await?,
            Step::PublicIpv6 => self.delete(Some(step), &group.public_ip(&names.public_ipv6)?, was).await?,
            Step::Group => return self.remove_group(state).await,
            Step::Extension | Step::Agent => {}
        }
        self.removed(step).await
    }

    /// Deletes what is left of the machine at the last placement.
    pub(super) async fn clear(&self, state: &ProvisionState) -> Result<(), Error> {
        self.delete_machine(None, Some(&StepState::Intended)).await?;
        let left = state.placement.saturating_sub(1);
        self.delete_disks(self.plan.disks_until(left, false)).await?;
        // No machine ever ran there, and nobody is told of these any more. This provisioning made them: it is refused where a
        // disk of such a name is there before.
        self.delete_disks(self.plan.disks_at(left, true)).await?;
        self.forget_address();
        self.recorder.record(ProvisionEvent::Cleared).await
    }

    /// Whether a machine is ours: by its tag, or, where somebody has taken the tags away, by its disk, whose name nobody else
    /// gives.
    fn is_our_machine(&self, view: &VirtualMachine) -> bool {
        let disk = view.properties.storage_profile.os_disk.name.as_deref();
        self.is_ours(view) || disk.is_some_and(|name| self.plan.names_disk(name))
    }

    /// Deletes the machine. Its name is the caller's own, so that somebody else may have made another one under it since: one
    /// that is not ours stays, and a sentence says so. All other names follow from the provisioning's.
    async fn delete_machine(&self, step: Option<Step>, was: Option<&StepState>) -> Result<Option<String>, Error> {
        let machine = self.machine()?;
        let foreign =
            async || Ok::<bool, Error>(self.look(&machine).await?.is_some_and(|view| !self.is_our_machine(&view)));
        if let Some(step) = step
            && self.ended_by_itself(step, &machine, was).await?
        {
            return Ok(None);
        }
        let started = self.clock.elapsed();
        loop {
            if foreign().await? {
                return Ok(Some(format!("the virtual machine {} stays: it is not ours", machine.name())));
            }
            self.delete_patiently(step, &machine).await?;
            if was != Some(&StepState::Intended) {
                return Ok(None);
            }
            // A write whose answer was lost may be applied after the deletion found nothing.
            self.clock.sleep(LATE_WRITE_PAUSE).await;
            if self.look(&machine).await?.is_none() {
                return Ok(None);
            }
            if self.clock.elapsed().saturating_sub(started) > DELETION_LIMIT {
                return Err(Error::new(ErrorKind::Conflict, "the virtual machine is there again after each deletion")
                    .in_operation("arm.virtual_machine.delete")
                    .with_advice("find out who creates it, then clean up again"));
            }
        }
    }

    /// Deletes those of some disks that are left. They go with the machine, unless it failed before it owned them.
    async fn delete_disks(&self, names: Vec<String>) -> Result<(), Error> {
        for name in names {
            let disk = self.group.disk(&name)?;
            if self.look(&disk).await?.is_some() {
                // Not journalled on its own: after a crash, the same action looks for the disks again.
                self.delete(None, &disk, None).await?;
            }
        }
        Ok(())
    }

    async fn remove_group(&self, state: &ProvisionState) -> Result<Option<String>, Error> {
        let handle = self.group.handle();
        let step = Step::Group;
        // The look at what it holds was made before that deletion began. Where that has come to nothing, it is made again:
        // others may have put something there meanwhile.
        let is_gone = self.ended_by_itself(step, handle, state.steps.get(&step)).await?;
        if !is_gone && let Some(found) = self.look(handle).await? {
            // The journal is not enough: between our look and our write, someone else may have created it.
            if !self.is_ours(&found) {
                return self.disown("it is not ours").await;
            }
            if let Some(held) = self.held_in_group(state).await? {
                return self.disown(&format!("it holds {held}")).await;
            }
            self.delete_patiently(Some(step), handle).await?;
        }
        self.removed(step).await
    }

    /// Journals that the step's resource is gone, and forgets the address of the operation that deleted it.
    async fn removed(&self, step: Step) -> Result<Option<String>, Error> {
        self.recorder.record(ProvisionEvent::Removed { step }).await?;
        self.forget_ended(step).await;
        Ok(None)
    }

    async fn disown(&self, why: &str) -> Result<Option<String>, Error> {
        self.recorder.record(ProvisionEvent::Completed { step: Step::Group, created: false }).await?;
        Ok(Some(format!("the resource group {} stays: {why}", self.plan.spec.group.name())))
    }

    /// What is in our group and must not be deleted with it, if anything is.
    async fn held_in_group(&self, state: &ProvisionState) -> Result<Option<String>, Error> {
        // Known by name: the list of what the group holds lags, and may not show it.
        if let Some(disk) = self.kept_disk(state).await? {
            return Ok(Some(format!("the disk {disk}")));
        }
        // Our own is gone by now; its name is the caller's own, so that somebody else may have taken it.
        if self.plan.part.is_machine()
            && let Some(machine) = self.look(&self.machine()?).await?
            && !self.is_our_machine(&machine)
        {
            return Ok(Some(format!("the virtual machine {}, which is not ours", self.plan.spec.name)));
        }
        let plans: Vec<&ProvisionPlan> =
            std::iter::once(self.plan).chain(state.members.ever().map(|(_, plan)| plan)).collect();
        for resource in self.group.resources().await? {
            let name = &resource.name;
            if !is_kind(&resource, DISKS) {
                if !is_of(&resource, &plans) {
                    return Ok(Some(format!("{name}, which is not ours")));
                }
            // Every disk that had to go was deleted by its name. One that is there has data on it, whoever made it.
            } else if !plans.iter().any(|plan| plan.names_disk(name))
                || self.look(&self.group.disk(name)?).await?.is_some()
            {
                return Ok(Some(format!("the disk {name}")));
            }
        }
        Ok(None)
    }

    async fn delete<K: Kind>(
        &self,
        step: Option<Step>,
        handle: &Handle<K>,
        was: Option<&StepState>,
    ) -> Result<(), Error> {
        if let Some(step) = step
            && self.ended_by_itself(step, handle, was).await?
        {
            return Ok(());
        }
        self.delete_patiently(step, handle).await?;
        // A write whose answer was lost may be applied after the deletion found nothing.
        let mut late = was == Some(&StepState::Intended);
        while late {
            self.clock.sleep(LATE_WRITE_PAUSE).await;
            late = self.look(handle).await?.is_some();
            if late {
                self.delete_patiently(step, handle).await?;
            }
        }
        Ok(())
    }

    /// Waits for a deletion that an earlier process began, if it did. False: there is none, it failed, or the service
    /// tells its status to nobody here, so that the deletion is asked for again.
    async fn ended_by_itself<K: Kind>(
        &self,
        step: Step,
        handle: &Handle<K>,
        was: Option<&StepState>,
    ) -> Result<bool, Error> {
        let Some(StepState::Removing(record)) = was else { return Ok(false) };
        let Some(operation) = self.open_operation(step, true, record).await? else { return Ok(false) };
        match handle.resume_delete(operation)?.outcome().await {
            OperationOutcome::Done(_) => Ok(true),
            OperationOutcome::Failed(error) => {
                tracing::debug!(%error, "the deletion that was begun has failed, and is begun again");
                Ok(false)
            }
            OperationOutcome::Unread(error) if !may_be_read_later(&error) => {
                tracing::debug!(%error, "the deletion that was begun cannot be read, and is begun again");
                Ok(false)
            }
            other => other.into_result().map(|_| true),
        }
    }

    async fn delete_patiently<K: Kind>(&self, step: Option<Step>, handle: &Handle<K>) -> Result<(), Error> {
        let started = self.clock.elapsed();
        loop {
            let error = match self.delete_once(step, handle).await {
                Ok(()) => return Ok(()),
                Err(error) if self.role_comes(&error).await => continue,
                Err(error) => error,
            };
            let elapsed = self.clock.elapsed().saturating_sub(started);
            if !may_go_later(&error) || elapsed > DELETION_LIMIT {
                return Err(error);
            }
            tracing::debug!(%error, "the deletion is tried again");
            self.clock.sleep(DELETION_PAUSE).await;
        }
    }

    async fn delete_once<K: Kind>(&self, step: Option<Step>, handle: &Handle<K>) -> Result<(), Error> {
        self.recorder.renew().await?;
        let pending = handle.delete().await?;
        if let (Some(step), Some(operation)) = (step, pending.operation())
            && let Some(operation) = self.seal_operation(step, true, operation).await?
        {
            self.recorder.record(ProvisionEvent::Removing { step, operation }).await?;
        }
        match pending.outcome().await {
            OperationOutcome::Done(_) => Ok(()),
            OperationOutcome::Failed(error) | OperationOutcome::Unread(error) => Err(error),
            other => other.into_result().map(|_| ()),
        }
    }
}

fn is_kind(resource: &GenericResource, kind: &str) -> bool {
    resource.kind.eq_ignore_ascii_case(kind)
}

/// Whether a listed resource, which is no disk, is one that these plans make. It may still be listed after it is gone, and
/// others may have taken its tags away, so it is known by name as well as by tag; but a tag that somebody put on a copy or a
/// snapshot makes it none of ours.
fn is_of(resource: &GenericResource, plans: &[&ProvisionPlan]) -> bool {
    let is_machine = is_kind(resource, MACHINES);
    let on_machine = resource.kind.get(..MACHINES.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(MACHINES));
    if !on_machine && !NETWORK.iter().any(|kind| is_kind(resource, kind)) {
        return false;
    }
    let own = resource.name.split('/').next().unwrap_or_default();
    let owner = resource.tag(OWNER_TAG);
    plans.iter().enumerate().any(|(at, plan)| {
        // A machine by itself was just looked for by its name. Of a fleet's machines, what is listed without a tag is none;
        // but what is on a machine bears no tag, and goes with it.
        let by_name = plan.part.is_machine() && plan.spec.name.eq_ignore_ascii_case(own) && (!is_machine || at == 0);
        owner == Some(plan.id.as_str()) || if on_machine { by_name } else { plan.names.include(own) }
    })
}

/// Whether another attempt at reading a status may succeed, with the same sign-in.
fn may_be_read_later(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled | ErrorKind::Unauthenticated
    )
}

/// Whether a deletion may succeed once something else is gone or has ended. A lock stays until a person removes it.
fn may_go_later(error: &Error) -> bool {
    match Fault::of(error) {
        Some(fault) => {
            fault.class == Class::Retry || (error.kind() == ErrorKind::Conflict && fault.code != "ScopeLocked")
        }
        None => {
            matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Throttled)
                && error.http_status().is_some()
        }
    }
}

//! The fake's machines.

use async_trait::async_trait;
use azconnect_arm::port::{MachineStatus, MachineSummary, Machines, StopMode};
use azconnect_arm::{Power, ResourceId};
use azconnect_core::{Effect, Error, ErrorKind};

use super::Subscription;
use super::world::{Access, ArmCall, World};

impl Subscription {
    /// Refuses an id that names no machine of this subscription.
    fn check(&self, machine: &ResourceId) -> Result<(), Error> {
        let own = machine.after("subscriptions").is_some_and(|id| id.eq_ignore_ascii_case(&self.id.to_string()));
        if own && machine.group().is_some() && machine.after("virtualMachines").is_some() {
            return Ok(());
        }
        Err(Error::invalid("machine id", "is not the id of a machine in this subscription")
            .with_advice("give an id of the form /subscriptions/…/virtualMachines/NAME"))
    }

    fn change(
        &self,
        call: ArmCall,
        machine: &ResourceId,
        change: impl FnOnce(&mut World, Power) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check(machine)?;
        self.faults.write(&call, || {
            let mut world = self.world();
            world.require(Access::Contributor, "Microsoft.Compute/virtualMachines/*")?;
            let power = found(&world, machine)?;
            change(&mut world, power)
        })
    }
}

#[async_trait]
impl Machines for Subscription {
    async fn list(&self) -> Result<Vec<MachineSummary>, Error> {
        self.faults.read(&ArmCall::ListMachines, || {
            Ok(self.world().machines().map(|machine| machine.summary.clone()).collect())
        })
    }

    async fn status(&self, machine: &ResourceId) -> Result<MachineStatus, Error> {
        self.check(machine)?;
        self.faults.read(&ArmCall::Status, || {
            let power = found(&self.world(), machine)?;
            Ok(MachineStatus::new(power).with_provisioning_state("succeeded"))
        })
    }

    async fn start(&self, machine: &ResourceId) -> Result<(), Error> {
        self.change(ArmCall::Start, machine, |world, _| {
            world.set_power(machine, Power::Running);
            Ok(())
        })
    }

    async fn stop(&self, machine: &ResourceId, mode: StopMode) -> Result<(), Error> {
        self.change(ArmCall::Stop, machine, |world, power| {
            match (mode, power) {
                // What has given its processors back does not take them again to be merely off.
                (StopMode::PowerOff, Power::Deallocated) => {}
                (StopMode::PowerOff, _) => world.set_power(machine, Power::Stopped),
                _ => world.set_power(machine, Power::Deallocated),
            }
            Ok(())
        })
    }

    async fn restart(&self, machine: &ResourceId) -> Result<(), Error> {
        self.change(ArmCall::Restart, machine, |_, power| match power {
            Power::Running => Ok(()),
            _ => Err(Error::new(ErrorKind::Conflict, "the resource's state does not allow this")
                .with_effect(Effect::None)
                .with_service_code("OperationNotAllowed")
                .with_http_status(409)
                .with_advice("start the machine instead")),
        })
    }

    async fn delete(&self, machine: &ResourceId) -> Result<(), Error> {
        self.check(machine)?;
        self.faults.write(&ArmCall::Delete, || {
            let mut world = self.world();
            world.require(Access::Contributor, "Microsoft.Compute/virtualMachines/delete")?;
            // Without a look whether it exists: deleting what is gone succeeds.
            world.remove_machine(machine);
            Ok(())
        })
    }
}

fn found(world: &World, machine: &ResourceId) -> Result<Power, Error> {
    world.machine(machine).map(|machine| machine.power).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the resource does not exist")
            .with_effect(Effect::None)
            .with_service_code("ResourceNotFound")
            .with_http_status(404)
            .with_advice("check the machine's id")
    })
}

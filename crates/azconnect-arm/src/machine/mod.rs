//! Our machines: found by their tag, wherever they are.

use azconnect_core::Error;

use crate::client::{Handle, Subscription};
use crate::provision::ProvisionId;
use crate::resource::OWNER_TAG;
use crate::resource::compute::{VirtualMachine, VirtualMachines};
use crate::resource::{ResourceId, Tagged};

/// A machine that a provisioning created.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OwnMachine {
    /// The provisioning that created it.
    pub id: ProvisionId,
    /// The handle with which it is started, stopped, restarted, resized, tagged and read.
    /// To delete it with everything that belongs to it, use `Provisioner::clean_up`.
    pub machine: Handle<VirtualMachines>,
    /// The machine as the list shows it.
    pub view: VirtualMachine,
}

impl Subscription {
    /// The machines that provisionings created, in all groups that the identity can see, found by their tag. A list lags:
    /// a machine created a moment ago may be missing. Nothing is ever deleted by what this finds.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn own_machines(&self) -> Result<Vec<OwnMachine>, Error> {
        let mut machines = Vec::new();
        for view in self.virtual_machines().await? {
            // A tag that no provisioning could have written is somebody else's.
            let Some(Ok(id)) = view.tag(OWNER_TAG).map(ProvisionId::new) else { continue };
            let machine = self.machine(&ResourceId::parse(&view.id)?)?;
            machines.push(OwnMachine { id, machine, view });
        }
        Ok(machines)
    }

    /// The handle of a machine by its id. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the id is not that of a machine in this subscription.
    pub fn machine(&self, id: &ResourceId) -> Result<Handle<VirtualMachines>, Error> {
        let own = id.after("subscriptions").is_some_and(|known| known.eq_ignore_ascii_case(&self.id().to_string()));
        match (id.group(), id.after("virtualMachines")) {
            (Some(group), Some(name)) if own => self.group(&group.parse()?).virtual_machine(name),
            _ => Err(Error::invalid("machine_id", "is not the id of a machine in this subscription")
                .with_advice("give an id of the form /subscriptions/…/virtualMachines/NAME")),
        }
    }
}

//! The methods that only a virtual machine and its run commands have.

use std::collections::BTreeMap;

use azconnect_core::{Effect, Error};
use azconnect_http::Idempotency;
use http::Method;
use serde_json::{Value, json};

use super::handle::Handle;
use super::pending::Pending;
use crate::resource::OWNER_TAG;
use crate::resource::compute::{
    Extensions, InstanceView, RunCommand, RunCommands, VirtualMachine, VirtualMachines, VmSize,
};

impl Handle<VirtualMachines> {
    /// The current power state of the machine, and the states of its extensions.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn instance_view(&self) -> Result<InstanceView, Error> {
        self.arm.read(self.call("arm.virtual_machine.instance_view", Method::GET, &["instanceView"], &[])?).await
    }

    /// The sizes that the machine can be resized to.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn sizes(&self) -> Result<Vec<VmSize>, Error> {
        self.arm.list(self.call("arm.virtual_machine.sizes", Method::GET, &["vmSizes"], &[])?).await
    }

    /// Starts the machine. Idempotent: starting what runs succeeds.
    ///
    /// # Errors
    /// The refusal of the service.
    pub async fn start(&self) -> Result<Pending<()>, Error> {
        self.act("arm.virtual_machine.start", "start", Idempotency::Idempotent).await
    }

    /// Switches the machine off. Idempotent. It keeps its processors, which are still paid for.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn power_off(&self) -> Result<Pending<()>, Error> {
        self.act("arm.virtual_machine.power_off", "powerOff", Idempotency::Idempotent).await
    }

    /// Restarts the machine. Not idempotent: after a lost answer it is not sent again, since the machine might restart
    /// twice.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart(&self) -> Result<Pending<()>, Error> {
        self.act("arm.virtual_machine.restart", "restart", Idempotency::Once).await
    }

    /// Switches the machine off and gives its processors back. Idempotent. A later start may find no capacity.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn deallocate(&self) -> Result<Pending<()>, Error> {
        self.act("arm.virtual_machine.deallocate", "deallocate", Idempotency::Idempotent).await
    }

    /// Changes the size of the machine. Idempotent. A running machine restarts.
    ///
    /// # Errors
    /// As [`start`](Self::start); a size that the machine's hardware does not offer is a `Conflict`.
    pub async fn resize(&self, size: &str) -> Result<Pending<VirtualMachine>, Error> {
        self.update(&json!({"properties": {"hardwareProfile": {"vmSize": size}}})).await
    }

    /// Adds tags to the machine, or gives them other values; the others stay. Idempotent. The machine is read first: a tag
    /// that somebody changes in between is set back.
    ///
    /// # Errors
    /// As [`start`](Self::start); [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for the tag that marks a machine
    /// as ours, without which [`Subscription::own_machines`](crate::Subscription::own_machines) misses it.
    pub async fn tag(&self, tags: &BTreeMap<String, String>) -> Result<Pending<VirtualMachine>, Error> {
        if tags.keys().any(|name| name.eq_ignore_ascii_case(OWNER_TAG)) {
            return Err(Error::invalid(
                "tags",
                format!("{OWNER_TAG} marks whose the machine is, and is never changed"),
            )
            .with_advice("choose another name for the tag"));
        }
        let mut all = self.get().await.map_err(|error| error.with_effect(Effect::None))?.tags;
        // The service takes the names in any case.
        all.retain(|name, _| !tags.keys().any(|new| new.eq_ignore_ascii_case(name)));
        all.extend(tags.clone());
        self.update(&json!({ "tags": all })).await
    }

    /// Deletes the machine without waiting for it to shut down. Idempotent.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn force_delete(&self) -> Result<Pending<()>, Error> {
        self.delete_with(&[("forceDeletion", "true")]).await
    }

    /// The handle of an extension of the machine. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that cannot be part of an id.
    pub fn extension(&self, name: &str) -> Result<Handle<Extensions>, Error> {
        self.below(name)
    }

    /// The handle of a managed run command of the machine. Nothing is sent.
    ///
    /// # Errors
    /// As [`extension`](Self::extension).
    pub fn run_command(&self, name: &str) -> Result<Handle<RunCommands>, Error> {
        self.below(name)
    }

    async fn act(&self, operation: &'static str, word: &str, idempotency: Idempotency) -> Result<Pending<()>, Error> {
        let call = self.call(operation, Method::POST, &[word], &[])?.with_idempotency(idempotency);
        let begun = self.arm.begin(call.clone()).await?;
        Ok(Pending::begun(self.arm.clone(), call, begun, |_| Ok(())))
    }
}

impl Handle<RunCommands> {
    /// Reads the run command with the outcome of its script.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn view(&self) -> Result<RunCommand, Error> {
        self.arm.read(self.call("arm.run_command.view", Method::GET, &[], &[("$expand", "instanceView")])?).await
    }

    /// Runs a shell script in the machine, for at most 120 seconds. [`view`](Self::view) reads its outcome.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn run(&self, location: &str, script: &str) -> Result<Pending<RunCommand>, Error> {
        let body: Value = json!({
            "location": location,
            "properties": {
                "source": {"script": script},
                "asyncExecution": false,
                "timeoutInSeconds": 120,
                // A script that fails is an outcome to read, not a failure of the write.
                "treatFailureAsDeploymentFailure": false
            }
        });
        self.create(&body).await
    }
}

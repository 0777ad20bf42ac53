//! Virtual machines: what is read of them, and what only they can do.

use std::collections::BTreeMap;

use azconnect_core::Error;
use azconnect_http::Idempotency;
use http::Method;
use serde_json::{Value, json};

use super::handle::Handle;
use super::kind::{Extensions, RunCommands, VirtualMachines};
use super::pending::Pending;
use super::view::views;

views! {
    /// The id of another resource.
    Reference {
        /// The id.
        id: String,
    }
    /// A virtual machine.
    VirtualMachine {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its region.
        location: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// Its zones.
        zones: Vec<String>,
        /// Its identity.
        identity: Option<Identity>,
        /// Everything else.
        properties: VirtualMachineProperties,
    }
    /// A managed identity.
    Identity {
        /// The object id of its principal.
        principal_id: Option<String>,
        /// `SystemAssigned`, ….
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    /// What a virtual machine is made of.
    VirtualMachineProperties {
        /// `Succeeded`, `Creating`, `Failed`, ….
        provisioning_state: Option<String>,
        /// The machine's own unique id.
        vm_id: Option<String>,
        /// Its size.
        hardware_profile: HardwareProfile,
        /// Its disks.
        storage_profile: StorageProfile,
        /// Its network interfaces.
        network_profile: NetworkProfile,
        /// Its host name and administrator.
        os_profile: OsProfile,
        /// What it does now, where that was asked for.
        instance_view: Option<InstanceView>,
    }
    /// A machine's size.
    HardwareProfile {
        /// Such as `Standard_B2s`.
        vm_size: String,
    }
    /// A machine's disks.
    StorageProfile {
        /// The disk of the operating system.
        os_disk: OsDisk,
        /// The others.
        data_disks: Vec<OsDisk>,
    }
    /// One disk of a machine.
    OsDisk {
        /// Its name.
        name: Option<String>,
        /// The disk itself.
        managed_disk: Option<DiskReference>,
        /// What becomes of it with the machine: `Delete` or `Detach`.
        delete_option: Option<String>,
    }
    /// A managed disk.
    DiskReference {
        /// Its id.
        id: Option<String>,
        /// Its kind, such as `Premium_LRS`.
        storage_account_type: Option<String>,
    }
    /// A machine's network interfaces.
    NetworkProfile {
        /// Them.
        network_interfaces: Vec<Reference>,
    }
    /// A machine's host name and administrator.
    OsProfile {
        /// The host name.
        computer_name: Option<String>,
        /// The administrator's name.
        admin_username: Option<String>,
    }
    /// What a machine does now.
    InstanceView {
        /// Its states, such as `PowerState/running`.
        statuses: Vec<Status>,
        /// Its extensions.
        extensions: Vec<ExtensionView>,
    }
    /// One state.
    Status {
        /// Such as `PowerState/running`.
        code: String,
        /// `Info`, `Warning` or `Error`.
        level: Option<String>,
        /// In words.
        display_status: Option<String>,
        /// What an extension put out.
        message: Option<String>,
    }
    /// What an extension does now.
    ExtensionView {
        /// Its name.
        name: String,
        /// Its states.
        statuses: Vec<Status>,
        /// Its output, in parts.
        substatuses: Vec<Status>,
    }
    /// An extension.
    VmExtension {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// Its state.
        properties: VmExtensionProperties,
    }
    /// The state of an extension.
    VmExtensionProperties {
        /// Its state.
        provisioning_state: Option<String>,
        /// What it does now, where that was asked for.
        instance_view: Option<ExtensionView>,
    }
    /// A managed run command.
    RunCommand {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
        /// Its state and outcome.
        properties: RunCommandProperties,
    }
    /// The state and outcome of a run command.
    RunCommandProperties {
        /// The state of the resource, which says nothing of the command.
        provisioning_state: Option<String>,
        /// The outcome of the command.
        instance_view: Option<RunCommandView>,
    }
    /// The outcome of a run command.
    RunCommandView {
        /// `Succeeded`, `Failed`, `Running`, `TimedOut`, ….
        execution_state: Option<String>,
        /// Its exit code.
        exit_code: Option<i64>,
        /// The end of what it wrote.
        output: Option<String>,
        /// The end of what it wrote to standard error.
        error: Option<String>,
    }
    /// A size that a machine can take.
    VmSize {
        /// Such as `Standard_B2s`.
        name: String,
        /// Its processors.
        number_of_cores: u32,
        /// Its memory in MiB. Not every size has a whole number.
        #[serde(rename = "memoryInMB")]
        memory_in_mb: f64,
    }
}

/// Whether a machine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Power {
    /// It runs.
    Running,
    /// It starts.
    Starting,
    /// It is being stopped or deallocated.
    Stopping,
    /// It is off, and still paid for.
    Stopped,
    /// It is off, and its processor is given back.
    Deallocated,
    /// The service says something else, or nothing.
    Unknown,
}

impl InstanceView {
    /// Whether the machine runs.
    pub fn power(&self) -> Power {
        let state = self.statuses.iter().find_map(|status| status.code.strip_prefix("PowerState/"));
        match state {
            Some("running") => Power::Running,
            Some("starting") => Power::Starting,
            Some("stopping" | "deallocating") => Power::Stopping,
            Some("stopped") => Power::Stopped,
            Some("deallocated") => Power::Deallocated,
            _ => Power::Unknown,
        }
    }

    /// What an extension put out: the messages of all its states.
    pub fn output_of(&self, extension: &str) -> Option<String> {
        let view = self.extensions.iter().find(|view| view.name.eq_ignore_ascii_case(extension))?;
        let parts: Vec<&str> =
            view.substatuses.iter().chain(&view.statuses).filter_map(|status| status.message.as_deref()).collect();
        Some(parts.join("\n"))
    }
}

impl Handle<VirtualMachines> {
    /// What the machine does now.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn instance_view(&self) -> Result<InstanceView, Error> {
        self.arm.read(self.call("arm.virtual_machine.instance_view", Method::GET, &["instanceView"], &[])?).await
    }

    /// The sizes it can take where it is.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn sizes(&self) -> Result<Vec<VmSize>, Error> {
        self.arm.list(self.call("arm.virtual_machine.sizes", Method::GET, &["vmSizes"], &[])?).await
    }

    /// Starts it. Starting what runs succeeds.
    ///
    /// # Errors
    /// The service's refusal; so all of these.
    pub async fn start(&self) -> Result<Pending<()>, Error> {
        self.act("arm.virtual_machine.start", "start", Idempotency::Idempotent).await
    }

    /// Switches it off. It is still paid for.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn power_off(&self) -> Result<Pending<()>, Error> {
        self.act("arm.virtual_machine.power_off", "powerOff", Idempotency::Idempotent).await
    }

    /// Restarts it. Not repeated after a lost answer: it might restart twice.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart(&self) -> Result<Pending<()>, Error> {
        self.act("arm.virtual_machine.restart", "restart", Idempotency::Once).await
    }

    /// Switches it off and gives its processor back.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn deallocate(&self) -> Result<Pending<()>, Error> {
        self.act("arm.virtual_machine.deallocate", "deallocate", Idempotency::Idempotent).await
    }

    /// Gives it another size. A running machine restarts.
    ///
    /// # Errors
    /// As [`start`](Self::start); a size that the machine's hardware does not offer is a `Conflict`.
    pub async fn resize(&self, size: &str) -> Result<Pending<VirtualMachine>, Error> {
        self.update(&json!({"properties": {"hardwareProfile": {"vmSize": size}}})).await
    }

    /// Replaces its tags.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn tag(&self, tags: &BTreeMap<String, String>) -> Result<Pending<VirtualMachine>, Error> {
        self.update(&json!({ "tags": tags })).await
    }

    /// Deletes it without waiting for it to shut down.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn force_delete(&self) -> Result<Pending<()>, Error> {
        self.delete_with(&[("forceDeletion", "true")]).await
    }

    /// An extension of it.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that cannot be part of an id.
    pub fn extension(&self, name: &str) -> Result<Handle<Extensions>, Error> {
        self.below(name)
    }

    /// A managed run command of it.
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
    /// Reads it with the outcome of the command.
    ///
    /// # Errors
    /// The service's refusal.
    pub async fn view(&self) -> Result<RunCommand, Error> {
        self.arm.read(self.call("arm.run_command.view", Method::GET, &[], &[("$expand", "instanceView")])?).await
    }

    /// Begins a shell script in the machine. What it does is read with [`view`](Self::view).
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
                "treatFailureAsDeploymentFailure": false
            }
        });
        self.create(&body).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_read_whatever_is_missing() {
        let machine: VirtualMachine = serde_json::from_str("{}").unwrap();
        assert_eq!(machine.properties.hardware_profile.vm_size, "");
        let view: InstanceView = serde_json::from_str(
            r#"{"statuses":[{"code":"ProvisioningState/succeeded"},{"code":"PowerState/running"}]}"#,
        )
        .unwrap();
        assert_eq!(view.power(), Power::Running);
        assert_eq!(InstanceView::default().power(), Power::Unknown);
    }
}

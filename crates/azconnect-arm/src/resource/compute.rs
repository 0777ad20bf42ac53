//! Virtual machines, their extensions and run commands: kinds and views.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::{COMPUTE_API, kinds, tagged};
use super::view::views;

kinds! {
    /// Virtual machines.
    VirtualMachines: "Microsoft.Compute/virtualMachines", COMPUTE_API, VirtualMachine, "virtual_machine";
    /// Extensions of a virtual machine.
    Extensions: "extensions", COMPUTE_API, VmExtension, "extension";
    /// Managed run commands of a virtual machine.
    RunCommands: "runCommands", COMPUTE_API, RunCommand, "run_command";
}

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
        #[serde(rename(deserialize = "type"))]
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
        /// The interfaces, by id.
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
        #[serde(rename(deserialize = "memoryInMB"))]
        memory_in_mb: f64,
    }
}

tagged!(VirtualMachine, VmExtension);

/// Whether a machine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

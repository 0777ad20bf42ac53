//! Virtual machines, their extensions and run commands: kinds and views.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::{COMPUTE_API, kinds, tagged};
use super::output::ScriptOutput;
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
    /// A reference to another resource by its id.
    Reference {
        /// The id of the resource that is referred to.
        id: String,
    }
    /// A virtual machine.
    VirtualMachine {
        /// The resource id, which ends with `/virtualMachines/web`.
        id: String,
        /// The name within its resource group, such as `web`.
        name: String,
        /// The region that it is in, such as `westeurope`.
        location: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// The availability zones that it was created in, such as `1`: one or none.
        zones: Vec<String>,
        /// The managed identity, if it has one.
        identity: Option<Identity>,
        /// The size, disks, network interfaces and states.
        properties: VirtualMachineProperties,
    }
    /// A managed identity.
    Identity {
        /// The object id of its principal.
        principal_id: Option<String>,
        /// The type: `SystemAssigned`, `UserAssigned` or both, separated by a comma.
        #[serde(rename(deserialize = "type"))]
        kind: Option<String>,
    }
    /// What a virtual machine is made of.
    VirtualMachineProperties {
        /// How its last write stands: `Succeeded`, `Creating`, `Failed`, ….
        provisioning_state: Option<String>,
        /// The GUID that Azure gave the machine, which differs from that of a later one under the same name.
        vm_id: Option<String>,
        /// The priority, such as `Spot`; `None` for an ordinary machine.
        priority: Option<String>,
        /// What happens to a Spot machine whose capacity is taken back: `Deallocate` or `Delete`.
        eviction_policy: Option<String>,
        /// The size, which decides on processors and memory.
        hardware_profile: HardwareProfile,
        /// The disk of the operating system and the data disks.
        storage_profile: StorageProfile,
        /// The network interfaces that are attached to it.
        network_profile: NetworkProfile,
        /// The host name and the administrator.
        os_profile: OsProfile,
        /// The power state and the states of the extensions, if the read asked for `$expand=instanceView`.
        instance_view: Option<InstanceView>,
    }
    /// A machine's size.
    HardwareProfile {
        /// The name of the size, such as `Standard_B2s`.
        vm_size: String,
    }
    /// A machine's disks.
    StorageProfile {
        /// The disk of the operating system.
        os_disk: OsDisk,
        /// The data disks, which are attached beside it.
        data_disks: Vec<OsDisk>,
    }
    /// One disk of a machine.
    OsDisk {
        /// The name of the managed disk in the resource group.
        name: Option<String>,
        /// The managed disk that holds the content.
        managed_disk: Option<DiskReference>,
        /// What the service does with it when the machine is deleted: `Delete` or `Detach`.
        delete_option: Option<String>,
    }
    /// A managed disk.
    DiskReference {
        /// The resource id of the disk.
        id: Option<String>,
        /// The kind of storage, such as `Premium_LRS`.
        storage_account_type: Option<String>,
    }
    /// A machine's network interfaces.
    NetworkProfile {
        /// The ids of the interfaces.
        network_interfaces: Vec<Reference>,
    }
    /// A machine's host name and administrator.
    OsProfile {
        /// The host name inside the machine.
        computer_name: Option<String>,
        /// The name of the user that may sign in with the SSH key, such as `azureuser`.
        admin_username: Option<String>,
    }
    /// The current power state of a machine, and the states of its extensions.
    InstanceView {
        /// The states of the machine, such as `PowerState/running` and `ProvisioningState/succeeded`.
        statuses: Vec<Status>,
        /// The states and the output of each extension.
        extensions: Vec<ExtensionView>,
    }
    /// One state of a machine or an extension.
    Status {
        /// The kind of state and its value, such as `PowerState/running`.
        code: String,
        /// How serious it is: `Info`, `Warning` or `Error`.
        level: Option<String>,
        /// The state in words, such as `VM running`.
        display_status: Option<String>,
        /// The text that comes with the state, such as the output of an extension. It is not shown or serialised.
        message: Option<ScriptOutput>,
    }
    /// The current states and the output of an extension.
    ExtensionView {
        /// The name of the extension at the machine.
        name: String,
        /// The states, such as `ProvisioningState/succeeded`.
        statuses: Vec<Status>,
        /// The parts of the output, such as standard output and standard error.
        substatuses: Vec<Status>,
    }
    /// An extension of a virtual machine.
    VmExtension {
        /// The resource id, which ends with `/extensions/NAME`.
        id: String,
        /// The name at the machine, such as `azconnect-agent`.
        name: String,
        /// The tags that its owner put on it, value by name.
        tags: BTreeMap<String, String>,
        /// The state of the extension.
        properties: VmExtensionProperties,
    }
    /// The state of an extension.
    VmExtensionProperties {
        /// How its last write stands: `Succeeded`, `Creating`, `Failed`, ….
        provisioning_state: Option<String>,
        /// The states and the output, if the read asked for `$expand=instanceView`.
        instance_view: Option<ExtensionView>,
    }
    /// A managed run command.
    RunCommand {
        /// The resource id, which ends with `/runCommands/NAME`.
        id: String,
        /// The name at the machine.
        name: String,
        /// The state of the resource and the outcome of the command.
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
        /// How the command stands: `Succeeded`, `Failed`, `Running`, `TimedOut`, ….
        execution_state: Option<String>,
        /// The exit code of the script, once it has ended.
        exit_code: Option<i64>,
        /// The end of its standard output, which is not shown or serialised.
        output: Option<ScriptOutput>,
        /// The end of its standard error, which is not shown or serialised.
        error: Option<ScriptOutput>,
    }
    /// A size that a machine can take.
    VmSize {
        /// The name of the size, such as `Standard_B2s`.
        name: String,
        /// The number of virtual processors.
        number_of_cores: u32,
        /// The memory in MiB. Not every size has a whole number of them.
        #[serde(rename(deserialize = "memoryInMB"))]
        memory_in_mb: f64,
    }
}

tagged!(VirtualMachine, VmExtension);

/// The power state of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Power {
    /// The machine runs (`PowerState/running`).
    Running,
    /// The machine is being started (`PowerState/starting`).
    Starting,
    /// The machine is being stopped or deallocated.
    Stopping,
    /// The machine is off, but keeps its processors, which are still paid for (`PowerState/stopped`).
    Stopped,
    /// The machine is off and has given its processors back (`PowerState/deallocated`).
    Deallocated,
    /// The service names another state, or none.
    Unknown,
}

impl VirtualMachine {
    /// Whether it uses Spot capacity.
    pub fn is_spot(&self) -> bool {
        self.properties.priority.as_deref().is_some_and(|word| word.eq_ignore_ascii_case("Spot"))
    }

    /// Whether it looks evicted: a Spot machine that is deallocated. The service shows no more than that, so whoever deallocates
    /// a Spot machine remembers it. One that is deleted when it is evicted is not found any more. `view` is read by
    /// [`Handle::instance_view`](crate::Handle::instance_view).
    pub fn looks_evicted(&self, view: &InstanceView) -> bool {
        self.is_spot() && view.power() == Power::Deallocated
    }
}

impl InstanceView {
    /// The power state; [`Power::Unknown`] if no status names one.
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

    /// The output of an extension: the messages of its parts and states, one a line. `None` if the extension is not
    /// shown.
    pub fn output_of(&self, extension: &str) -> Option<ScriptOutput> {
        let view = self.extensions.iter().find(|view| view.name.eq_ignore_ascii_case(extension))?;
        let parts: Vec<&ScriptOutput> =
            view.substatuses.iter().chain(&view.statuses).filter_map(|status| status.message.as_ref()).collect();
        let parts: Vec<&str> = parts.into_iter().map(ScriptOutput::expose).collect();
        Some(ScriptOutput::new(parts.join("\n")))
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

//! The client keeps the promises of its ports, at the emulator.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect_arm::port::{Choices, Fleets, Machines, ProvisionRecords, Provisioning, Roles};
use azconnect_arm::{Fleet, Power, ProvisionId, ProvisionPlan, ResourceId, VmSpec};
use azconnect_core::{PrincipalObjectId, ResourceGroupName};
use azconnect_emulator::arm::ArmSettings;
use azconnect_emulator::{Fault, FaultAction, Service};
use azconnect_testkit::conformance::choices::{self, ChoicesHarness};
use azconnect_testkit::conformance::fleets::{self, FleetsHarness};
use azconnect_testkit::conformance::machines::{self, MachinesHarness};
use azconnect_testkit::conformance::provisioning::{self, ProvisioningHarness};
use azconnect_testkit::conformance::roles::{self, RolesHarness};
use serde_json::json;

use crate::stage::{CLIENT, SUBSCRIPTION, Stage, group_name, spec, subscription_id};

struct Emulated(Stage);

impl Emulated {
    /// With an identity that may do everything.
    fn new() -> Self {
        Self(Stage::with(ArmSettings::default(), json!([{"principal": CLIENT, "role": "Owner"}])))
    }

    fn deployer(&self) -> PrincipalObjectId {
        let truth = self.0.emulator.truth();
        truth.application(CLIENT.parse().unwrap()).unwrap().service_principal_id.unwrap()
    }

    fn lose_all_roles_but_reader(&self) {
        let principal = self.deployer().as_uuid();
        let scope = format!("/subscriptions/{SUBSCRIPTION}");
        let azure = self.0.emulator.resource_manager();
        azure.revoke(principal, &scope);
        azure.grant(principal, "Reader", &scope).unwrap();
    }
}

#[async_trait]
impl MachinesHarness for Emulated {
    fn machines(&self) -> Arc<dyn Machines> {
        Arc::new(self.0.subscription())
    }

    async fn machine(&self) -> ResourceId {
        let plan = ProvisionPlan::new(ProvisionId::new("conformance").unwrap(), subscription_id(), spec()).unwrap();
        self.0.provisioner().run(&plan).await.unwrap().machine
    }

    async fn power(&self, machine: &ResourceId) -> Option<Power> {
        let live = self.0.live();
        if !live.iter().any(|id| id.eq_ignore_ascii_case(machine.as_str())) {
            return None;
        }
        let handle = self.0.subscription().machine(machine).unwrap();
        Some(handle.instance_view().await.unwrap().power())
    }

    async fn forbid_changes(&self) {
        self.lose_all_roles_but_reader();
    }
}

#[tokio::test(start_paused = true)]
async fn the_subscription_keeps_the_promises_of_machines() {
    machines::all(async || Emulated::new()).await;
}

#[async_trait]
impl RolesHarness for Emulated {
    fn roles(&self) -> Arc<dyn Roles> {
        Arc::new(self.0.arm_with(self.0.sign_in()))
    }

    fn subscription(&self) -> ResourceId {
        ResourceId::of_subscription(subscription_id())
    }

    fn group(&self) -> ResourceId {
        let name = ResourceGroupName::new("rg-roles").unwrap();
        let known = ResourceId::of_group(subscription_id(), &name);
        if self.0.emulator.resource_manager().resource(known.as_str()).is_none() {
            let azure = self.0.emulator.resource_manager();
            azure.add_group(subscription_id().as_uuid(), name.as_str(), "westeurope").unwrap();
        }
        known
    }

    async fn principal(&self) -> PrincipalObjectId {
        self.deployer()
    }

    async fn forbid_changes(&self) {
        self.lose_all_roles_but_reader();
    }
}

#[tokio::test(start_paused = true)]
async fn the_client_keeps_the_promises_of_roles() {
    roles::all(async || Emulated::new()).await;
}

#[async_trait]
impl ProvisioningHarness for Emulated {
    fn provisioning(&self) -> Arc<dyn Provisioning> {
        Arc::new(self.0.provisioner())
    }

    fn records(&self) -> Arc<dyn ProvisionRecords> {
        Arc::new(self.0.provisioner())
    }

    fn spec(&self) -> VmSpec {
        spec()
    }

    async fn live(&self) -> Vec<String> {
        self.0.live()
    }

    async fn exhaust_quota(&self) {
        let azure = self.0.emulator.resource_manager();
        azure.set_quota(subscription_id().as_uuid(), "westeurope", "cores", 0).unwrap();
    }

    async fn forbid_changes(&self) {
        self.lose_all_roles_but_reader();
    }

    async fn interrupt(&self) {
        let fault = Fault::new(FaultAction::LoseAnswer).with_path("/virtualMachines/web?").forever();
        self.0.emulator.faults().add(fault);
    }

    async fn reconnect(&self) {
        self.0.emulator.faults().clear();
    }
}

#[tokio::test(start_paused = true)]
async fn the_provisioner_keeps_the_promises_of_provisioning() {
    provisioning::all(async || Emulated::new()).await;
}

#[async_trait]
impl FleetsHarness for Emulated {
    fn fleets(&self) -> Arc<dyn Fleets> {
        Arc::new(Fleet::new(self.0.provisioner()))
    }

    fn provisioning(&self) -> Arc<dyn Provisioning> {
        Arc::new(self.0.provisioner())
    }

    fn records(&self) -> Arc<dyn ProvisionRecords> {
        Arc::new(self.0.provisioner())
    }

    fn machine(&self) -> VmSpec {
        spec()
    }

    async fn live(&self) -> Vec<String> {
        self.0.live()
    }

    async fn leave_room_for(&self, machines: u32) {
        let azure = self.0.emulator.resource_manager();
        azure.set_quota(subscription_id().as_uuid(), "westeurope", "cores", 2 * machines).unwrap();
    }

    async fn forbid_changes(&self) {
        self.lose_all_roles_but_reader();
    }

    async fn interrupt(&self) {
        let fault = Fault::new(FaultAction::LoseAnswer).with_path("/virtualMachines/web-").forever();
        self.0.emulator.faults().add(fault);
    }

    async fn reconnect(&self) {
        self.0.emulator.faults().clear();
    }
}

#[tokio::test(start_paused = true)]
async fn the_fleet_keeps_the_promises_of_fleets() {
    fleets::all(async || Emulated::new()).await;
}

#[async_trait]
impl ChoicesHarness for Emulated {
    fn choices(&self) -> Arc<dyn Choices> {
        Arc::new(self.0.subscription().choices().with_group(group_name()))
    }

    async fn add_group(&self, name: &str, region: &str) {
        self.0.emulator.resource_manager().add_group(subscription_id().as_uuid(), name, region).unwrap();
    }

    async fn close_size(&self, region: &str, size: &str) {
        self.0.emulator.resource_manager().restrict_size(subscription_id().as_uuid(), region, size, &[]).unwrap();
    }

    async fn limit_to_group(&self) {
        let principal = self.deployer().as_uuid();
        let scope = format!("/subscriptions/{SUBSCRIPTION}");
        let azure = self.0.emulator.resource_manager();
        azure.revoke(principal, &scope);
        azure.grant(principal, "Contributor", &format!("{scope}/resourceGroups/rg-web")).unwrap();
    }

    async fn break_down(&self) {
        let fault = Fault::new(FaultAction::Throttle { status: 503, retry_after: None });
        self.0.emulator.faults().add(fault.with_service(Service::ResourceManager).forever());
    }
}

#[tokio::test(start_paused = true)]
async fn the_subscription_keeps_the_promises_of_choices() {
    choices::all(async || Emulated::new()).await;
}

//! Two sign-ins in one rotation: applications in one tenant or cloud, Azure DevOps in another.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{Cloud, Effect, Error, ErrorKind, Secret};
use azconnect::devops::{EndpointId, OrganizationName, ProjectAddress, ProjectRef, ProjectState};
use azconnect::rotation::{Decision, RotationOutcome, RotationPlan, SinkBinding, Target};
use azconnect::{Azure, Identity, Storage};
use azconnect_emulator::{Emulator, Seed};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

const APPLICATIONS: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const ORGANIZATIONS: &str = "7b5e8a6f-1d6d-4a7d-9e1a-2c0b4b1d2e02";
const OPERATOR: &str = "a0000000-0000-4000-8000-000000000001";
const DEPLOY: &str = "a0000000-0000-4000-8000-000000000002";
const CALLER: &str = "a0000000-0000-4000-8000-000000000009";
const OLD: &str = "b0000000-0000-4000-8000-000000000002";
const CONNECTION: &str = "c0000000-0000-4000-8000-000000000001";

/// The facade's seed, with the organization in a tenant of its own, in which another application may act.
fn seed(environment: &str) -> Seed {
    let mut seed: Value = serde_json::from_str(include_str!("../../crates/azconnect/doc/seed.json")).unwrap();
    seed["tenants"][0]["applications"][0].as_object_mut().unwrap().remove("devopsOrganizations");
    seed["tenants"].as_array_mut().unwrap().push(json!({"id": ORGANIZATIONS, "domain": "fabrikam.onmicrosoft.com",
        "applications": [{"displayName": "Caller", "clientId": CALLER, "devopsOrganizations": ["contoso"],
            "passwords": [{"secret": "Emu8Q~a.secret.of.this.example.only_0009"}]}]}));
    seed["organizations"][0]["tenant"] = ORGANIZATIONS.into();
    let document = &mut seed["organizations"][0]["projects"][0]["connections"][0]["document"];
    document["data"]["environment"] = environment.into();
    if environment == "AzureUSGovernment" {
        document["url"] = "https://management.usgovcloudapi.net/".into();
    }
    Seed::from_json(&seed.to_string()).unwrap()
}

struct Stage {
    clock: Arc<VirtualClock>,
    emulator: Emulator,
}

impl Stage {
    fn new(environment: &str) -> Self {
        let clock = Arc::new(VirtualClock::new());
        Self { emulator: Emulator::from_seed(seed(environment), clock.clone()).unwrap(), clock }
    }

    fn azure(&self, cloud: Cloud) -> Azure {
        Azure::new(cloud, self.emulator.transport(), self.clock.clone())
    }

    fn operator(&self, cloud: Cloud) -> Identity {
        let secret = Secret::new("Emu8Q~a.secret.of.this.example.only_0001");
        let (tenant, client) = (APPLICATIONS.parse().unwrap(), OPERATOR.parse().unwrap());
        self.azure(cloud).identity_with_secret(tenant, client, secret).unwrap()
    }

    /// The application of the organization's tenant, which signs in to the public cloud.
    fn caller(&self) -> Identity {
        let secret = Secret::new("Emu8Q~a.secret.of.this.example.only_0009");
        let (tenant, client) = (ORGANIZATIONS.parse().unwrap(), CALLER.parse().unwrap());
        self.azure(Cloud::public()).identity_with_secret(tenant, client, secret).unwrap()
    }

    fn target(&self, operator: &Identity) -> Result<Target, Error> {
        let (application, connection) = (DEPLOY.parse().unwrap(), CONNECTION.parse::<EndpointId>().unwrap());
        let sink = operator.service_connection("contoso", "Web", connection, application)?;
        Ok(operator.target(application)?.with_adopted(OLD.parse()?).with_sink(SinkBinding::new(Arc::new(sink))))
    }

    async fn rotate(&self, target: &Target) -> RotationOutcome {
        let rotator = self.azure(Cloud::public()).rotator(&Storage::in_memory(self.clock.clone()));
        rotator.with_patience(Duration::from_secs(86_400)).rotate(target).await.unwrap()
    }

    async fn plan(&self, target: &Target) -> RotationPlan {
        let rotator = self.azure(Cloud::public()).rotator(&Storage::in_memory(self.clock.clone()));
        rotator.plan(target).await.unwrap()
    }

    fn old_key_is_gone(&self) -> bool {
        self.emulator.truth().password(OLD.parse().unwrap()).is_some_and(|old| !old.live)
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_of_one_tenant_is_rotated_in_an_organization_of_another() {
    let stage = Stage::new("AzureCloud");
    let alone = stage.operator(Cloud::public());
    // The organization knows the application of its own tenant only.
    let plan = stage.plan(&stage.target(&alone).unwrap()).await;
    assert_eq!(plan.decision, Decision::Refuse, "{:?}", plan.all_checks());

    let operator = alone.with_devops(stage.caller().devops());
    let outcome = stage.rotate(&stage.target(&operator).unwrap()).await;
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(stage.old_key_is_gone());
    let held = stage.emulator.truth().connection(CONNECTION.parse().unwrap()).unwrap().secret_usable_now;
    assert!(held, "the connection works with the new secret");
}

/// Azure DevOps trusts the login of the public cloud only.
#[tokio::test(start_paused = true)]
async fn an_operator_of_another_cloud_without_a_second_sign_in_is_refused_before_anything_is_sent() {
    for cloud in [Cloud::us_government(), Cloud::china()] {
        let stage = Stage::new("AzureUSGovernment");
        let operator = stage.operator(cloud);
        let bound = stage.target(&operator).err().unwrap();
        let contoso = operator.devops().organization(&OrganizationName::new("contoso").unwrap()).unwrap();
        let listed = contoso.projects(ProjectState::All).await.unwrap_err();
        for error in [bound, listed] {
            assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None), "{error}");
            assert!(error.message().contains("https://login.microsoftonline.com/"), "{error}");
            assert!(error.advice().contains("with_devops"), "{}", error.advice());
        }
        let place = ProjectAddress::new(OrganizationName::new("contoso").unwrap(), ProjectRef::new("Web").unwrap());
        let found = operator.consumer_finder(DEPLOY.parse().unwrap(), [place]).consumers().await.unwrap();
        assert!(!found.is_complete(), "a place that cannot be read is a check");
        assert_eq!(stage.emulator.exchanges(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_of_the_government_s_cloud_is_rotated_with_a_second_sign_in() {
    let stage = Stage::new("AzureUSGovernment");
    let operator = stage.operator(Cloud::us_government()).with_devops(stage.caller().devops());
    let outcome = stage.rotate(&stage.target(&operator).unwrap()).await;
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
    assert!(stage.old_key_is_gone());
}

#[tokio::test(start_paused = true)]
async fn a_connection_to_another_cloud_than_the_application_s_gets_no_secret() {
    let stage = Stage::new("AzureCloud");
    let operator = stage.operator(Cloud::us_government()).with_devops(stage.caller().devops());
    let plan = stage.plan(&stage.target(&operator).unwrap()).await;
    assert_eq!(plan.decision, Decision::Refuse);
    let codes: Vec<_> = plan.blockers().iter().map(|(_, check)| check.code.clone()).collect();
    assert_eq!(codes, ["other-cloud"]);
}

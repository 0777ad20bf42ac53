//! Resource providers that a subscription is not registered for: registered once each where the role allows it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use azconnect_core::ErrorKind;
use azconnect_emulator::Intervention;

use crate::stage::{SUBSCRIPTION, Stage, id, plan, spec};

fn unregister(stage: &Stage) {
    for namespace in ["Microsoft.Network", "Microsoft.Compute"] {
        stage.emulator.resource_manager().set_registered(SUBSCRIPTION.parse().unwrap(), namespace, false);
    }
}

/// A subscription that nobody used before is registered for neither, and three writes of the network are refused at once.
#[tokio::test(start_paused = true)]
async fn providers_are_registered_once_each_and_the_machine_is_built() {
    let stage = Stage::new();
    unregister(&stage);
    let registrations = Arc::new(Mutex::new(BTreeMap::<String, u32>::new()));
    let seen = registrations.clone();
    stage.emulator.on_exchange(Arc::new(move |exchange| {
        if exchange.path.ends_with("/register") {
            *seen.lock().unwrap().entry(exchange.path.clone()).or_default() += 1;
        }
        Intervention::Proceed
    }));
    let provisioner = stage.provisioner();
    provisioner.run(&plan(spec())).await.unwrap();
    let counts: Vec<u32> = registrations.lock().unwrap().values().copied().collect();
    assert_eq!(counts, [1, 1]);
    provisioner.clean_up(&id()).await.unwrap();
    assert_eq!(stage.live(), Vec::<String>::new());
}

/// Whoever may act in one resource group only may not register: an administrator of the subscription does.
#[tokio::test(start_paused = true)]
async fn who_may_not_register_is_told_the_command_and_nothing_is_left() {
    let stage = Stage::for_group_only();
    unregister(&stage);
    let error = stage.provisioner().run(&plan(spec())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let command = format!("az provider register --namespace Microsoft.Network --subscription {SUBSCRIPTION}");
    assert!(error.advice().contains(&command), "{}", error.advice());
    assert_eq!(stage.live(), Vec::<String>::new());
}

/// A registration that never ends is given up, and what was created stays: it is resumed once the provider is there.
#[tokio::test(start_paused = true)]
async fn a_registration_that_does_not_end_can_be_resumed() {
    let stage = Stage::new();
    stage.emulator.resource_manager().set_registered(SUBSCRIPTION.parse().unwrap(), "Microsoft.Network", false);
    let slow = azconnect_emulator::arm::ArmSettings::default()
        .with_duration(azconnect_emulator::arm::OperationKind::Register, std::time::Duration::from_secs(900));
    let stage = Stage {
        emulator: stage.emulator.with_settings(azconnect_emulator::Settings::default().with_resource_manager(slow)),
        ..stage
    };
    let provisioner = stage.provisioner();
    let error = provisioner.run(&plan(spec())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.advice().contains("resume it"), "{}", error.advice());
    azconnect_core::Clock::sleep(&stage.clock, std::time::Duration::from_secs(600)).await;
    provisioner.resume(&id()).await.unwrap();
}

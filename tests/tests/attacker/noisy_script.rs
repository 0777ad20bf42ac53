//! An agent's script that prints its secrets.

use azconnect::arm::AgentInstall;
use azconnect::arm::provision::AgentFailure;
use azconnect::arm::spec::ExtensionScript;
use azconnect::core::{Secret, SecretStore};
use azconnect_emulator::arm::{AgentOutcome, AgentScript};
use azconnect_testkit::Canary;

use crate::site::{Site, machine, spec};

#[tokio::test(start_paused = true)]
async fn a_sealed_script_that_prints_its_secret_shows_it_nowhere() {
    let site = Site::new();
    let canary = Canary::new();
    let ears = canary.listen();
    let secret = canary.secret();
    let product = site.starts().await.unwrap();
    let script = machine().script_secret("agent").unwrap();
    let text = format!("#!/bin/sh -x\ninstall --token '{}'\n", secret.expose());
    product.store.put(&script, &Secret::new(text)).await.unwrap();
    let printed = format!("+ install --token '{}'\ndisk is full\n", secret.expose());
    site.machines.resource_manager().on_machines("", AgentScript::new(AgentOutcome::Fails(3)).with_output(printed));

    let provisioner = product.provisioner();
    let spec = spec().with_agent(AgentInstall::extension(ExtensionScript::Sealed(script)));
    let plan = provisioner.plan(machine(), spec).await.unwrap();
    let error = provisioner.run(&plan).await.unwrap_err();
    let progress = provisioner.progress(&machine()).await.unwrap();
    drop((provisioner, product));

    canary.assert_absent("the error", format!("{error} {error:#?} {}", error.advice()).as_bytes());
    canary.assert_absent("the progress", format!("{progress:#?}").as_bytes());
    canary.assert_absent("the database", &site.copy());
    let failure = AgentFailure::of(&error).expect("the agent failed");
    canary.assert_absent("the output that is handed out", failure.output().as_bytes());
    assert!(failure.output().contains("disk is full"), "the reason is there: {}", failure.output());
    assert!(error.to_string().contains('3'), "with the exit code: {error}");
    canary.assert_absent_from_logs();
    assert!(canary.heard() > 0, "there was something to hear");
    drop(ears);
}

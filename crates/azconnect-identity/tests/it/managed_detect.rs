//! Which platform is found by which variables.

use std::sync::Arc;

use azconnect_core::{Error, ErrorKind};
use azconnect_identity::managed::{ManagedIdentity, ManagedIdentityId, ManagedPlace};
use azconnect_identity::{Availability, Presence};
use azconnect_testkit::fake::Conduct;

use crate::managed_stage::{Files, Played, answer, documented, fetch};

const NEAR: &str = "http://127.0.0.1:4000/token";

async fn detect(
    variables: &[(&str, &str)],
    files: Files,
    identity: ManagedIdentityId,
) -> Result<ManagedIdentity, Error> {
    let played = Played::new(|_, _| Conduct::Refuse);
    let platform = played.platform().with_files(Arc::new(files));
    let lookup = |name: &str| variables.iter().find(|(held, _)| *held == name).map(|(_, value)| (*value).to_owned());
    let found = ManagedIdentity::detect(&platform, identity, lookup).await;
    assert!(played.times().is_empty(), "nothing is sent");
    found
}

#[tokio::test(start_paused = true)]
async fn each_platform_is_known_by_its_variables() {
    let (endpoint, header) = (("IDENTITY_ENDPOINT", NEAR), ("IDENTITY_HEADER", "h"));
    let (older, secret) = (("MSI_ENDPOINT", NEAR), ("MSI_SECRET", "s"));
    let imds = ("IMDS_ENDPOINT", "http://127.0.0.1:40342");
    let table: [(&[(&str, &str)], ManagedPlace); 8] = [
        (&[], ManagedPlace::VirtualMachine),
        (&[endpoint, header], ManagedPlace::AppService),
        (&[endpoint, header, older, secret], ManagedPlace::AppService),
        (&[older, secret], ManagedPlace::MachineLearning),
        (&[older], ManagedPlace::CloudShell),
        (&[endpoint, imds], ManagedPlace::ArcMachine),
        // An empty variable is as good as none.
        (&[("IDENTITY_ENDPOINT", " "), header], ManagedPlace::VirtualMachine),
        (&[header], ManagedPlace::VirtualMachine),
    ];
    for (variables, place) in table {
        let found = detect(variables, Files::default(), ManagedIdentityId::System).await.unwrap();
        assert_eq!(found.place(), place, "{variables:?}");
    }
    let installed = Files::default().with("/opt/azcmagent/bin/himds", "/opt/azcmagent/bin/himds", "");
    let found = detect(&[], installed, ManagedIdentityId::System).await.unwrap();
    assert_eq!(found.place(), ManagedPlace::ArcMachine, "the agent is installed");
}

#[tokio::test(start_paused = true)]
async fn what_a_platform_cannot_be_asked_is_refused_before_anything_is_sent() {
    let assigned = ManagedIdentityId::Client("10000000-0000-4000-8000-000000000002".parse().unwrap());
    for (variables, field) in [
        (vec![("IDENTITY_ENDPOINT", "http://example.com/"), ("IDENTITY_HEADER", "h")], "IDENTITY_ENDPOINT"),
        (vec![("IDENTITY_ENDPOINT", "http://example.com/"), ("IMDS_ENDPOINT", "x")], "identity"),
        (vec![("MSI_ENDPOINT", NEAR)], "identity"),
        (vec![("MSI_ENDPOINT", "nonsense"), ("MSI_SECRET", "s")], "MSI_ENDPOINT"),
    ] {
        let error = detect(&variables, Files::default(), assigned.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(field)), "{variables:?}");
    }
    let fabric = [("IDENTITY_ENDPOINT", NEAR), ("IDENTITY_HEADER", "h"), ("IDENTITY_SERVER_THUMBPRINT", "t")];
    let error = detect(&fabric, Files::default(), ManagedIdentityId::System).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn only_a_virtual_machine_is_looked_for() {
    let played = Played::new(|_, _| Conduct::Answer(answer(200, &documented(true))));
    let lookup = |name: &str| (name == "MSI_ENDPOINT").then(|| NEAR.to_owned());
    let platform = played.platform();
    let shell = ManagedIdentity::detect(&platform, ManagedIdentityId::System, lookup).await.unwrap();
    assert_eq!(shell.presence().await.unwrap(), Availability::Here(()));
    assert!(played.times().is_empty());
    fetch(&shell).await.unwrap();
    let machine = ManagedIdentity::detect(&platform, ManagedIdentityId::System, |_| None).await.unwrap();
    assert!(
        matches!(machine.presence().await.unwrap(), Availability::NotHere(_)),
        "no metadata service answers 200 to that"
    );
}

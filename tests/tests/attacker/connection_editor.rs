//! Who may edit a service connection does not get the next secret sent to a host of their own.

use std::sync::Arc;
use std::time::Duration;

use azconnect::devops::{Endpoint, EndpointChange, Endpoints};
use azconnect::http::Transport;
use azconnect::rotation::{Resolution, RotationOutcome, Target};
use azconnect_tests::contoso::{Contoso, connections};

use crate::site::Site;
use crate::wire::Wire;

const THIEF: &str = "registry.thief.example";

fn images(contoso: &Contoso) -> Endpoints {
    let operator = contoso.operator(contoso.emulator.transport());
    let organization = operator.devops().organization(&"fabrikam".parse().unwrap()).unwrap();
    organization.endpoints(azconnect::devops::ProjectRef::new("Shop").unwrap())
}

async fn point_to(contoso: &Contoso, registry: &str) -> Endpoint {
    let endpoints = images(contoso);
    let [_, images] = connections();
    let before = endpoints.get(images.into()).await.unwrap();
    let change = EndpointChange::new().with_parameter("registry", Some(registry.to_owned()));
    endpoints.update(&before, &change).await.unwrap().endpoint
}

fn holds(contoso: &Contoso) -> String {
    let [_, images] = connections();
    format!("{:?}", contoso.emulator.truth().connection(images).unwrap().holds)
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_was_changed_after_the_plan_gets_no_secret() {
    let site = Site::new();
    let product = site.starts().await.unwrap();
    let contoso = &site.contoso;
    let wire = Arc::new(Wire::new(contoso.emulator.transport()));
    let target = || -> Target { contoso.target(wire.clone() as Arc<dyn Transport>) };
    let held = holds(contoso);

    // The new secret is minted, and settles; nobody was given it yet.
    let rotator = product.rotator().with_patience(Duration::ZERO);
    let outcome = rotator.rotate(&target()).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Waiting { .. }), "{outcome:?}");
    point_to(contoso, THIEF).await;

    let patient = product.rotator().with_patience(Duration::from_secs(86_400));
    let outcome = patient.rotate(&target()).await.unwrap();
    let problem = match &outcome {
        RotationOutcome::RolledBack { problem, .. } | RotationOutcome::Blocked { problem, .. } => problem,
        other => panic!("{other:?}"),
    };
    let text = format!("{problem} {}", problem.advice());
    assert!(text.contains(THIEF) && text.contains("contoso.azurecr.io"), "{text}");
    assert!(!wire.hosts().iter().any(|host| host.contains("thief")), "{:?}", wire.hosts());
    assert_eq!(holds(contoso), held, "the connection still holds the old secret");

    // Put right again, it is served.
    point_to(contoso, "contoso.azurecr.io").await;
    let outcome = patient.resolve(&target(), Resolution::Retry).await.unwrap();
    assert!(matches!(outcome, RotationOutcome::Rotated { .. }), "{outcome:?}");
}

//! Bad input is told by field and remedy, before any effect, with nothing lost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::sync::Arc;

use azconnect::core::{Error, ErrorKind, Secret, TenantId};
use azconnect::credential::CredentialSink;
use azconnect::devops::{OrganizationName, ProjectRef};
use azconnect::rotation::{RotationOutcome, SinkBinding};
use azconnect::{ConnectRequest, Storage};
use azconnect_emulator::Seed;
use azconnect_tests::contoso::{Contoso, SEED, connections, deploy, operator};

fn tenant() -> TenantId {
    "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap()
}

/// The error names the field, says what to do, and shows nothing that was pasted.
fn assert_told(error: &Error, field: &str, pasted: &str) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    assert_eq!(error.field(), Some(field), "{error:?}");
    assert!(!error.advice().is_empty());
    assert!(pasted.is_empty() || !format!("{error:?}").contains(pasted), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_s_id_in_place_of_its_value_is_refused_before_anything_is_sent() {
    let contoso = Contoso::new();
    let azure =
        azconnect::Azure::new(contoso.emulator.cloud(), contoso.emulator.transport(), Arc::new(contoso.clock.clone()));
    let pasted = "b0000000-0000-4000-8000-000000000001";
    let Err(error) = azure.identity_with_secret(tenant(), operator(), Secret::new(pasted)) else {
        panic!("it was taken")
    };
    assert_told(&error, "client_secret", pasted);
    let connect = azure.connections(&Storage::in_memory(Arc::new(contoso.clock.clone())));
    let request = ConnectRequest::new(
        "shop".parse().unwrap(),
        "22222222-2222-4222-8222-222222222222".parse().unwrap(),
        tenant(),
        deploy(),
    );
    let error = connect.connect(request, Secret::new(pasted)).await.unwrap_err();
    assert_told(&error, "client_secret", pasted);
    assert_eq!(contoso.emulator.exchanges(), 0);
}

#[test]
fn malformed_ids_are_refused_by_name() {
    let error = "6a4d7f5e0c5c4f6c8d0f1b9a3a0c1d01".parse::<TenantId>().unwrap_err();
    assert_told(&error, "tenant_id", "");
}

#[test]
fn an_organization_cannot_bend_the_path() {
    for bad in ["a/../b", "..", "", "a b", "contoso/Web"] {
        let error = OrganizationName::new(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.field().is_some_and(|field| field.contains("organization")), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_organization_is_named_and_nothing_is_begun() {
    let contoso = Contoso::new();
    let operator = contoso.operator(contoso.emulator.transport());
    let [production, _] = connections();
    let sink = operator.service_connection("nowhere", "Web", production.into(), deploy()).unwrap();
    let error = sink.inspect().await.unwrap_err();
    assert!(error.advice().contains("organization"), "{error:?}");
    let target = contoso.target(contoso.emulator.transport()).with_sink(SinkBinding::new(Arc::new(sink)));
    let outcome = contoso.rotator(contoso.ports()).rotate(&target).await.unwrap();
    let RotationOutcome::Refused { plan, .. } = outcome else { panic!("{outcome:?}") };
    assert!(plan.blockers().iter().any(|(_, check)| check.code == "not-readable"));
    assert!(contoso.journal.unfinished().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_another_project_is_named_and_nothing_is_begun() {
    let contoso = Contoso::new();
    let operator = contoso.operator(contoso.emulator.transport());
    let [production, _] = connections();
    let sink = operator.service_connection("contoso", "Tools", production.into(), deploy()).unwrap();
    match sink.inspect().await {
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}"),
        Ok(report) => {
            assert!(!report.accepts(), "{report:?}")
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_project_is_named() {
    let contoso = Contoso::new();
    let operator = contoso.operator(contoso.emulator.transport());
    let organization = operator.devops().organization(&OrganizationName::new("contoso").unwrap()).unwrap();
    let [production, _] = connections();
    let error =
        organization.endpoints(ProjectRef::new("No such project").unwrap()).get(production.into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
    assert!(error.advice().contains("project"), "{error:?}");
}

#[test]
fn an_unknown_field_of_a_seed_is_named_by_its_path() {
    let text =
        SEED.replacen("\"displayName\": \"Contoso deploy\"", "\"displayName\": \"Contoso deploy\", \"colour\": 1", 1);
    let error = Error::from(Seed::from_json(&text).unwrap_err());
    assert_eq!(error.field(), Some("seed.tenants[0].applications[1].colour"));
    assert!(!error.advice().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_entra_refuses_is_not_stored() {
    let contoso = Contoso::new();
    let azure =
        azconnect::Azure::new(contoso.emulator.cloud(), contoso.emulator.transport(), Arc::new(contoso.clock.clone()));
    let connect = azure.connections(&Storage::in_memory(Arc::new(contoso.clock.clone())));
    let request = || {
        ConnectRequest::new(
            "shop".parse().unwrap(),
            "22222222-2222-4222-8222-222222222222".parse().unwrap(),
            tenant(),
            operator(),
        )
    };
    let wrong = "Abc8Q~a.wrong.secret.that.was.never.minted";
    let error = connect.connect(request(), Secret::new(wrong)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert_eq!(error.service_code(), Some("AADSTS7000215"), "{error:?}");
    assert!(!format!("{error:?}").contains(wrong));

    let id = connect.connect(request(), contoso.operator_secret()).await.unwrap().record.id;
    assert!(connect.test(&id).await.unwrap().is_accepted());
    assert!(connect.identity(&id).await.is_ok());
    connect.disconnect(&id).await.unwrap();
    connect.disconnect(&id).await.unwrap();
    assert_eq!(connect.test(&id).await.unwrap_err().kind(), ErrorKind::NotFound);
}

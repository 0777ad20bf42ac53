//! Guides as a person reads them, and their commands as a shell does.

use std::time::Duration;

use azconnect_core::Cloud;

use super::SetupGuide;
use crate::permission::ApiPermission;
use crate::spec::{
    CredentialWish, FederatedTrust, GroupWish, Platform, PublicCertificate, SetupAudience, SetupSpec,
    SubscriptionAccess,
};

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const SUBSCRIPTION: &str = "20000000-0000-4000-8000-000000000001";

fn plain(name: &str) -> SetupSpec {
    SetupSpec::new(TENANT.parse().unwrap(), name)
        .with_credential(CredentialWish::Secret { lifetime: Duration::from_secs(90 * 86_400) })
}

fn in_subscription() -> SetupSpec {
    plain("Contoso builds").with_access(SubscriptionAccess::new(SUBSCRIPTION.parse().unwrap()))
}

fn in_group(name: &str) -> SetupSpec {
    let group = GroupWish::create("rg-builds".parse().unwrap(), "westeurope".parse().unwrap());
    plain(name).with_access(SubscriptionAccess::new(SUBSCRIPTION.parse().unwrap()).with_group(group))
}

fn for_sign_in() -> SetupSpec {
    plain("Contoso portal")
        .with_audience(SetupAudience::AnyTenant)
        .with_redirect_uri(Platform::Web, "https://portal.example/signed-in")
        .with_redirect_uri(Platform::SinglePage, "https://portal.example/spa")
        .with_redirect_uri(Platform::PublicClient, "http://127.0.0.1:8400/back")
        .with_permission(ApiPermission::devops_user_impersonation())
        .with_owner("30000000-0000-4000-8000-000000000009".parse().unwrap())
        .without_user_read()
        .with_admin_consent()
}

fn guide(spec: &SetupSpec) -> SetupGuide {
    SetupGuide::new(spec, &Cloud::public()).unwrap()
}

#[test]
fn a_contributor_of_a_subscription() {
    insta::assert_snapshot!(guide(&in_subscription()));
}

#[test]
fn a_contributor_of_a_group() {
    insta::assert_snapshot!(guide(&in_group("Contoso builds")));
}

#[test]
fn an_application_to_which_people_of_any_tenant_sign_in() {
    insta::assert_snapshot!(guide(&for_sign_in()));
}

/// The words of a command, without the variable that takes its answer.
fn words(command: &str) -> Vec<String> {
    let inner = command.split_once("=$(").and_then(|(_, rest)| rest.strip_suffix(')'));
    shlex::split(inner.unwrap_or(command)).unwrap_or_else(|| panic!("no shell reads {command}"))
}

#[test]
fn every_command_is_one_command_and_names_the_values_of_the_specification() {
    let hostile = "Conto'so \"builds\" $(id); `rm` & | > < \\ #";
    let trust = FederatedTrust::new("https://token.example", "repo:a'b/\"c\":ref $(id)");
    let certificate = PublicCertificate::from_der(&[0x30, 0x00]).unwrap();
    let specs = [
        in_subscription(),
        in_group(hostile),
        for_sign_in(),
        in_group("c").with_credential(CredentialWish::Federated { trust: trust.clone() }),
        in_group("d").with_credential(CredentialWish::Certificate { certificate }),
        in_group("e").with_application("b0000000-0000-4000-8000-000000000001".parse().unwrap()).without_user_read(),
    ];
    for spec in &specs {
        let all: Vec<Vec<String>> =
            guide(spec).steps.iter().flat_map(|step| &step.commands).map(|command| words(command)).collect();
        assert!(all.iter().all(|words| words.first().is_some_and(|word| word == "az")), "{all:?}");
        let named = |value: &str| all.iter().flatten().any(|word| word == value);
        assert!(named(TENANT));
        assert!(spec.application.is_some() || named(&spec.display_name), "{all:?}");
        assert!(spec.redirect_uris.iter().all(|uri| all.iter().flatten().any(|word| word.contains(&uri.address))));
        assert!(spec.owners.iter().all(|owner| named(&owner.to_string())));
        assert!(spec.permissions.iter().all(|one| named(&format!("{}=Scope", one.id))));
        if let Some(access) = &spec.access {
            assert!(named(&access.scope()) && named(&access.role.definition.to_string()), "{all:?}");
        }
        if let CredentialWish::Federated { trust } = &spec.credential {
            let parameters = all.iter().flatten().find(|word| word.starts_with('{')).unwrap();
            let read: serde_json::Value = serde_json::from_str(parameters).unwrap();
            assert_eq!(
                (&read["issuer"], &read["subject"]),
                (&trust.issuer.as_str().into(), &trust.subject.as_str().into())
            );
        }
    }
}

/// The program removes every other secret of an application unless it is told to append.
#[test]
fn no_command_removes_a_credential_or_holds_one() {
    for spec in [in_subscription(), for_sign_in()] {
        for step in guide(&spec).steps {
            for command in &step.commands {
                assert!(!command.contains("credential reset") || command.contains(" --append"), "{command}");
                assert!(!command.contains("--password"), "{command}");
            }
        }
    }
}

#[test]
fn another_cloud_is_chosen_first_and_a_bad_specification_gets_no_guide() {
    let guide = SetupGuide::new(&in_subscription(), &Cloud::us_government()).unwrap();
    assert_eq!(guide.steps[0].commands[0], "az cloud set --name AzureUSGovernment");
    assert!(SetupGuide::new(&plain(" "), &Cloud::public()).is_err());
}

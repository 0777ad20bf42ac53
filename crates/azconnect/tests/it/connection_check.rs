//! A connection is checked all at once before it is kept: what passes, what fails, and what is not known.

use azconnect::core::{ErrorKind, Secret};
use azconnect::credential::{
    CheckStatus, ConnectionChange, ConnectionCheck, ConnectionForm, ConnectionRecord, Records,
};
use azconnect_emulator::Service;
use azconnect_testkit::conformance::connection_checks;
use azconnect_testkit::conformance::connection_keeper::KeeperHarness as _;
use serde_json::{Value, json};

use crate::checked_world::{
    CLIENT, OTHER_SUBSCRIPTION, OTHER_TENANT, SECRET, SUBSCRIPTION, TENANT, World, answer, codes, form, hang, page,
};

async fn stored(world: &World) -> Option<ConnectionRecord> {
    let records: Records<ConnectionRecord> = Records::new(std::sync::Arc::new(world.documents.clone()));
    records.get(&"shop".parse().unwrap()).await.unwrap().map(|found| found.value)
}

#[tokio::test(start_paused = true)]
async fn the_checks_of_connections_conform() {
    connection_checks::all(async || World::new()).await;
}

/// Says that exactly these checks failed, and that nothing was kept.
async fn fails(about: &str, world: World, form: ConnectionForm, expected: &[ConnectionCheck]) {
    let checked = world.connect(&form).await;
    let expected: Vec<_> = expected.iter().map(|check| check.code()).collect();
    assert_eq!(codes(&checked.report, CheckStatus::Failed), expected, "{about}:\n{}", checked.report);
    assert!(!checked.is_kept() && stored(&world).await.is_none() && world.kept().await == 0, "{about}");
    for check in checked.report.failures() {
        assert!(!check.cause.is_empty() && !check.remedy.is_empty(), "{about}: {check}");
    }
}

/// The form named it, so that a later check asks for it too.
#[tokio::test(start_paused = true)]
async fn a_check_of_a_connection_asks_the_organization_that_the_form_named() {
    let world = World::new();
    let kept =
        world.connect(&form().with_organization("https://dev.azure.com/contoso")).await.connected.unwrap().record;
    assert_eq!(kept.organization.as_deref(), Some("contoso"));
    let organization = async || {
        let report = world.connections.check(&kept.id).await.unwrap().report;
        report.of(ConnectionCheck::Organization).map(|check| check.status)
    };
    assert_eq!(organization().await, Some(CheckStatus::Passed));
    let named = async |name: &str| {
        let change = ConnectionChange::new().with_organization(name);
        world.connections.describe(&kept.id, &change).await.map(|record| record.organization)
    };
    assert_eq!(named("fabrikam").await.unwrap().as_deref(), Some("fabrikam"));
    assert_eq!(organization().await, Some(CheckStatus::Failed));
    let error = named("no/name").await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("organization")), "{error}");
    assert_eq!(stored(&world).await.unwrap().organization.as_deref(), Some("fabrikam"));
    assert_eq!(named("").await.unwrap(), None);
    assert_eq!(organization().await, None);
    let request = world.request().with_organization("no/name");
    let error = World::new().connections.connect(request, world.working_secret()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("organization")), "{error}");
}

/// Nobody can say where a secret would go, so that it goes nowhere.
#[tokio::test(start_paused = true)]
async fn a_name_of_a_tenant_that_the_login_does_not_know_fails_the_tenant_and_sends_no_secret() {
    let world = World::new();
    let before = world.emulator.exchanges();
    let checked = world.connect(&form().with_tenant("nobody.onmicrosoft.com")).await;
    assert_eq!(codes(&checked.report, CheckStatus::Failed), ["tenant"], "{}", checked.report);
    let tenant = checked.report.of(ConnectionCheck::Tenant).unwrap();
    assert!(tenant.cause.contains("no such tenant") && !tenant.remedy.is_empty(), "{tenant}");
    for check in [ConnectionCheck::Application, ConnectionCheck::Secret, ConnectionCheck::Role] {
        assert_eq!(checked.report.of(check).unwrap().status, CheckStatus::Skipped, "{check}");
    }
    assert_eq!(checked.report.of(ConnectionCheck::Authority).unwrap().status, CheckStatus::Passed);
    assert_eq!(world.emulator.exchanges() - before, 1, "something else than the question for the tenant was sent");
    assert!(!checked.is_kept() && stored(&world).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn where_everything_is_right_every_check_passes_and_the_connection_is_kept_with_its_report() {
    let world = World::new();
    let checked = world.connect(&form()).await;
    let report = &checked.report;
    assert_eq!(codes(report, CheckStatus::Passed).len(), report.len(), "{report}");
    for check in [
        ConnectionCheck::Name,
        ConnectionCheck::TenantEntry,
        ConnectionCheck::ClientEntry,
        ConnectionCheck::SecretEntry,
        ConnectionCheck::SubscriptionEntry,
        ConnectionCheck::RegionEntry,
        ConnectionCheck::GroupEntry,
        ConnectionCheck::OrganizationEntry,
        ConnectionCheck::Authority,
        ConnectionCheck::Tenant,
        ConnectionCheck::Application,
        ConnectionCheck::Secret,
        ConnectionCheck::Subscription,
        ConnectionCheck::SubscriptionState,
        ConnectionCheck::SubscriptionTenant,
        ConnectionCheck::Role,
        ConnectionCheck::Region,
        ConnectionCheck::Providers,
        ConnectionCheck::Group,
        ConnectionCheck::Organization,
    ] {
        assert!(report.of(check).is_some(), "{check} was not made:\n{report}");
    }
    let record = stored(&world).await.unwrap();
    assert_eq!(record.checked.as_ref().map(|check| &check.report), Some(report));
    assert_eq!(checked.connected.unwrap().record, record);
    assert!(world.connections.test(&record.id).await.unwrap().is_accepted());
}

#[tokio::test(start_paused = true)]
async fn what_was_pasted_with_something_around_it_is_understood() {
    let world = World::new();
    let pasted = ConnectionForm::new(Secret::new(format!(" {SECRET}\r\n")))
        .with_id("shop")
        .with_tenant(format!("{TENANT}\n"))
        .with_client(format!("\u{201c}{CLIENT}\u{201d}"))
        .with_subscription(format!("\t'{SUBSCRIPTION}' "))
        .with_region(" West Europe ");
    let checked = world.connect(&pasted).await;
    assert!(checked.is_kept(), "{}", checked.report);
    for entry in [ConnectionCheck::TenantEntry, ConnectionCheck::SecretEntry, ConnectionCheck::ClientEntry] {
        assert!(checked.report.of(entry).unwrap().cause.contains("around"), "{}", checked.report);
    }
}

#[tokio::test(start_paused = true)]
async fn the_name_of_a_tenant_is_resolved_and_said() {
    let world = World::new();
    let checked = world.connect(&form().with_tenant("Contoso.onmicrosoft.com")).await;
    let check = checked.report.of(ConnectionCheck::Tenant).unwrap();
    assert!(check.cause.contains("contoso.onmicrosoft.com") && check.cause.contains(TENANT), "{check}");
    assert_eq!(checked.connected.unwrap().record.tenant.to_string(), TENANT);
}

#[tokio::test(start_paused = true)]
async fn each_text_that_cannot_be_what_it_stands_for_fails_its_own_check() {
    use ConnectionCheck as Check;
    let with_secret = |secret: &str| {
        let mut form = form();
        form.client_secret = Secret::new(secret);
        form
    };
    let long = "x".repeat(300);
    for (about, form, check) in [
        ("no name", form().with_id(""), Check::Name),
        ("a name with a blank", form().with_id("my shop"), Check::Name),
        ("a name for people that is too long", form().with_display_name(long), Check::Details),
        ("a tenant that is no GUID", form().with_tenant("contoso"), Check::TenantEntry),
        ("the tenant's GUID as client id", form().with_client(TENANT), Check::ClientEntry),
        ("a client id that is a name", form().with_client("Deployer"), Check::ClientEntry),
        ("no secret", with_secret(" "), Check::SecretEntry),
        ("the secret's ID", with_secret("1272a66f-e2e8-4e88-ab43-487409186c3f"), Check::SecretEntry),
        ("quotes around the secret", with_secret(&format!("\"{SECRET}\"")), Check::SecretEntry),
        ("a blank in the secret", with_secret("Emu8Q~ab cdef"), Check::SecretEntry),
        ("a secret id that is no GUID", form().with_key("hint"), Check::KeyEntry),
        ("a subscription's name", form().with_subscription("Production"), Check::SubscriptionEntry),
        ("a region that is none", form().with_region("west-europe"), Check::RegionEntry),
        ("a group that is none", form().with_resource_group("rg/web"), Check::GroupEntry),
        ("an organization that is none", form().with_organization("con toso"), Check::OrganizationEntry),
        ("another page's address", form().with_organization("https://example.com/a"), Check::OrganizationEntry),
    ] {
        fails(about, World::new(), form, &[check]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_is_named_and_not_the_first_cause_alone() {
    use ConnectionCheck as Check;
    let world = World::changed(|seed| {
        seed["subscriptions"][0]["notRegistered"] = json!(["Microsoft.Compute"]);
        seed["subscriptions"][0]["state"] = json!("Disabled");
    });
    let form = form().with_id("my shop").with_region("atlantis").with_resource_group("rg-none").with_organization("-");
    let expected = [
        Check::Name,
        Check::OrganizationEntry,
        Check::SubscriptionState,
        Check::Region,
        Check::Providers,
        Check::Group,
    ];
    fails("six causes", world, form, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn each_thing_that_is_wrong_at_the_services_fails_its_own_check() {
    use ConnectionCheck as Check;
    let subscription = |change: Value| {
        World::changed(move |seed| {
            let known = seed["subscriptions"][0].as_object_mut().unwrap();
            known.extend(change.as_object().unwrap().clone());
        })
    };
    let reader = json!({"roleAssignments": [{"principal": CLIENT, "role": "Reader"}]});
    let unknown = "11111111-1111-4111-8111-111111111111";
    for (about, world, form, check) in [
        ("a proxy answers the login", World::new().with(page(Service::Login, "/")), form(), Check::Authority),
        ("no such tenant", World::new(), form().with_tenant(unknown), Check::Tenant),
        ("no such name of a tenant", World::new(), form().with_tenant("nobody.example.com"), Check::Tenant),
        ("no such application", World::new(), form().with_client(unknown), Check::Application),
        ("an application of another tenant", World::new(), form().with_tenant(OTHER_TENANT), Check::Application),
        ("no such subscription", World::new(), form().with_subscription(unknown), Check::Subscription),
        ("a disabled subscription", subscription(json!({"state": "Disabled"})), form(), Check::SubscriptionState),
        (
            "a subscription of another tenant",
            World::new(),
            form().with_subscription(OTHER_SUBSCRIPTION),
            Check::SubscriptionTenant,
        ),
        ("a role that reads only", subscription(reader), form(), Check::Role),
        ("no such region", World::new(), form().with_region("atlantis"), Check::Region),
        (
            "a provider that is not registered",
            subscription(json!({"notRegistered": ["Microsoft.Network"]})),
            form(),
            Check::Providers,
        ),
        ("no such group", World::new(), form().with_resource_group("rg-none"), Check::Group),
        ("an organization of others", World::new(), form().with_organization("fabrikam"), Check::Organization),
    ] {
        fails(about, world, form, &[check]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_makes_unknowns_and_never_a_hang() {
    use ConnectionCheck as Check;
    let arm = |path: &str| World::new().with(hang(Service::ResourceManager, path));
    for (about, world, expected) in [
        (
            "the login",
            World::new().with(hang(Service::Login, "/")),
            vec![Check::Authority, Check::Tenant, Check::Application, Check::Secret],
        ),
        (
            "the subscription",
            World::new().with(hang(Service::ResourceManager, "/subscriptions/{id}")),
            vec![Check::Subscription, Check::SubscriptionState, Check::SubscriptionTenant],
        ),
        ("the permissions", arm("/permissions"), vec![Check::Role]),
        ("the regions", arm("/locations"), vec![Check::Region]),
        ("the providers", arm("/providers/Microsoft.Compute?"), vec![Check::Providers]),
        ("the group", arm("/resourceGroups/rg-web?"), vec![Check::Group]),
        ("the organization", World::new().with(hang(Service::DevOps, "/")), vec![Check::Organization]),
        ("Microsoft Graph", World::new().with(hang(Service::Graph, "/")), vec![]),
    ] {
        let checked = tokio::time::timeout(std::time::Duration::from_secs(100), world.connect(&form())).await;
        let checked = checked.unwrap_or_else(|_| panic!("{about}: it hangs"));
        let codes: Vec<_> = expected.iter().map(|check| check.code()).collect();
        let unknown: Vec<_> = self::codes(&checked.report, CheckStatus::Unknown);
        assert_eq!(unknown, codes, "{about}:\n{}", checked.report);
        // A connection is kept whatever is not known, but for its secret.
        assert_eq!(checked.is_kept(), !expected.contains(&Check::Secret), "{about}");
    }
}

/// Resource Manager answers 403 `AuthorizationFailed` where a role is lacking; a policy, a firewall or a proxy answers 403 as well.
#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_about_rights_is_not_taken_for_a_lacking_role() {
    let refusal = answer(
        Service::ResourceManager,
        "/permissions",
        403,
        json!({"error": {"code": "RequestDisallowedByPolicy", "message": "No."}}),
    );
    let checked = World::new().with(refusal).connect(&form()).await;
    assert_eq!(codes(&checked.report, CheckStatus::Unknown), ["role"], "{}", checked.report);
    assert!(checked.is_kept());
}

/// Names that stand for several regions, and edge zones, are listed beside the regions; no machine can be created in the ones,
/// and in the others only one of their own kind.
#[tokio::test(start_paused = true)]
async fn a_name_for_several_regions_and_an_edge_zone_are_no_region_and_are_not_suggested() {
    let listed = json!({"value": [
        {"name": "europe", "displayName": "Europe", "type": "Region", "metadata": {"regionType": "Logical"}},
        {"name": "attdallas1", "displayName": "AT&T Dallas", "type": "EdgeZone", "metadata": {"regionType": "Physical"}},
        {"name": "westeurope", "displayName": "West Europe", "type": "Region", "metadata": {"regionType": "Physical"}},
    ]});
    for region in ["europe", "attdallas1", "atlantis"] {
        let world = World::new().with(answer(Service::ResourceManager, "/locations", 200, listed.clone()));
        let report = world.connections.check_form(&form().with_region(region)).await;
        let check = report.of(ConnectionCheck::Region).unwrap();
        assert_eq!(check.status, CheckStatus::Failed, "{region}: {check}");
        assert!(check.remedy.ends_with("such as westeurope"), "{check}");
    }
}

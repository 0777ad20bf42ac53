//! What services and other people do while a connection is checked.

use std::time::Duration;

use azconnect::core::{Clock as _, Effect, ErrorKind, Secret};
use azconnect::credential::{CheckReport, CheckStatus, ConnectionCheck, ConnectionRecord};
use azconnect::{ConnectionNeeds, NewSecret};
use azconnect_emulator::{FaultAction, Service};
use azconnect_testkit::conformance::connection_keeper::KeeperHarness as _;
use serde_json::{Value, json};

use crate::checked_world::{CLIENT, OTHER_TENANT, SECRET, SUBSCRIPTION, TENANT, World, answer, at, codes, form, page};

/// A world in which Resource Manager answers requests with a path in these words.
fn told(path: &str, status: u16, body: Value) -> World {
    World::new().with(answer(Service::ResourceManager, path, status, body))
}

async fn check(world: &World, check: ConnectionCheck) -> (CheckStatus, String) {
    let report = world.connections.check_form(&form()).await;
    let found = report.of(check).unwrap_or_else(|| panic!("{check} was not made:\n{report}"));
    (found.status, format!("{} / {}", found.cause, found.remedy))
}

fn refused(number: u32) -> Value {
    json!({"error": "invalid_client", "error_description": format!("AADSTS{number}: no."), "error_codes": [number]})
}

/// 7000222 says that the secret has expired, 7000215 that it does not match, as also a replica does that does not know it yet.
#[tokio::test(start_paused = true)]
async fn an_expired_a_wrong_and_a_new_secret_are_told_apart() {
    let world = World::changed(|seed| {
        seed["tenants"][0]["applications"][0]["passwords"][0] =
            json!({"secret": SECRET, "startsInDays": -30, "endsInDays": -1});
    });
    let (status, told) = check(&world, ConnectionCheck::Secret).await;
    assert!(status == CheckStatus::Failed && told.contains("expired"), "{told}");

    let world = World::new();
    let mut wrong = form();
    wrong.client_secret = Secret::new("Emu8Q~a.secret.that.was.never.minted_at_all");
    let report = world.connect(&wrong).await.report;
    assert_eq!(codes(&report, CheckStatus::Failed), ["client-secret"], "{report}");
    assert!(report.of(ConnectionCheck::Secret).unwrap().remedy.contains("Secret ID"), "{report}");

    let new = world.connect(&wrong.with_minted_at(world.clock.now())).await;
    assert_eq!(codes(&new.report, CheckStatus::Unknown), ["client-secret"], "{}", new.report);
    assert!(new.report.of(ConnectionCheck::Secret).unwrap().remedy.contains("wait"), "{}", new.report);
    assert!(!new.is_kept() && new.report.is_clear());
}

#[tokio::test(start_paused = true)]
async fn what_entra_id_refuses_for_another_reason_fails_the_check_that_it_speaks_of() {
    for (number, failed) in [(53_003, "client-secret"), (7_000_112, "application")] {
        let world = World::new().with(answer(Service::Login, "/oauth2/v2.0/token", 400, refused(number)));
        let report = world.connections.check_form(&form()).await;
        assert_eq!(codes(&report, CheckStatus::Failed), [failed], "{number}:\n{report}");
        assert!(report.of(ConnectionCheck::Role).unwrap().status == CheckStatus::Skipped, "{report}");
    }
}

/// Replicas disagree for a while: one gives a token, the next does not know the secret any more, or not yet.
#[tokio::test(start_paused = true)]
async fn a_secret_that_only_some_replicas_accept_is_unknown_and_not_kept() {
    let fault = answer(Service::Login, "/oauth2/v2.0/token", 401, refused(7_000_215)).with_nth(2);
    let checked = World::new().with(fault).connect(&form()).await;
    assert_eq!(codes(&checked.report, CheckStatus::Unknown), ["client-secret", "organization"], "{}", checked.report);
    assert!(checked.report.is_clear() && !checked.is_kept());
}

/// An application that was made a moment ago is not known to every replica.
#[tokio::test(start_paused = true)]
async fn an_application_that_is_not_known_yet_is_unknown_while_it_is_new() {
    let world = World::new().with(answer(Service::Login, "/oauth2/v2.0/token", 400, refused(700_016)));
    let young = world.connections.check_form(&form().with_minted_at(world.clock.now())).await;
    assert_eq!(codes(&young, CheckStatus::Unknown), ["application"], "{young}");
    let old = world.connections.check_form(&form()).await;
    assert_eq!(codes(&old, CheckStatus::Failed), ["application"], "{old}");
}

/// Resource Manager refuses such a principal whatever lies at the subscription, and shows its own group.
#[tokio::test(start_paused = true)]
async fn a_principal_of_one_resource_group_is_connected_with_what_it_may_not_read_unknown() {
    let world = || {
        World::changed(|seed| {
            seed["subscriptions"][0]["roleAssignments"] =
                json!([{"principal": CLIENT, "role": "Contributor", "resourceGroup": "rg-web"}]);
        })
    };
    let checked = world().connect(&form()).await;
    assert!(checked.is_kept(), "{}", checked.report);
    assert_eq!(codes(&checked.report, CheckStatus::Unknown), ["region", "providers"], "{}", checked.report);
    for check in checked.report.with_status(CheckStatus::Unknown) {
        assert!(check.cause.contains("may not read"), "{check}");
    }

    let checked = world().connect(&form().with_resource_group("")).await;
    assert_eq!(codes(&checked.report, CheckStatus::Failed), ["role"], "{}", checked.report);
    let role = checked.report.of(ConnectionCheck::Role).unwrap();
    assert!(role.remedy.contains("resource group") && role.remedy.contains(CLIENT), "{role}");
}

#[tokio::test(start_paused = true)]
async fn a_role_is_judged_by_its_actions_whatever_its_name() {
    const WRITE: &str = "Microsoft.Compute/virtualMachines/write";
    let all_but = json!({"actions": ["*"], "notActions": [WRITE], "dataActions": [], "notDataActions": []});
    let roles = |roles: Value| told("/permissions", 200, json!({"value": roles}));
    let (status, told) = check(&roles(json!([all_but])), ConnectionCheck::Role).await;
    assert!(status == CheckStatus::Failed && told.contains(WRITE), "{told}");

    // What one role leaves out, another may still allow.
    let other = json!({"actions": ["microsoft.compute/*"], "notActions": []});
    let (status, told) = check(&roles(json!([all_but, other])), ConnectionCheck::Role).await;
    assert_eq!(status, CheckStatus::Passed, "{told}");

    // A star among the actions is none among those on data.
    const BLOB: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    let needs = ConnectionNeeds::new().with_actions(["*/read"]).with_data_actions([BLOB]);
    for (data, not_data, expected) in [
        (json!([]), json!([]), CheckStatus::Failed),
        (json!(["Microsoft.Storage/*"]), json!([]), CheckStatus::Passed),
        (json!(["*"]), json!(["*/blobs/read"]), CheckStatus::Failed),
    ] {
        let mut world = roles(json!([{"actions": ["*"], "dataActions": data, "notDataActions": not_data}]));
        world.connections = world.connections.with_needs(needs.clone());
        assert_eq!(check(&world, ConnectionCheck::Role).await.0, expected, "{data} without {not_data}");
    }
}

/// Contributor allows no action on data, and no change of roles: whoever is told to ask for it asks in vain.
#[tokio::test(start_paused = true)]
async fn contributor_is_named_only_where_it_helps() {
    const BLOB: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";
    const WRITE: &str = "Microsoft.Compute/virtualMachines/write";
    for (actions, data, names_it) in [
        (vec!["*/read"], vec![BLOB], false),
        (vec![ASSIGN], vec![], false),
        (vec!["Microsoft.Authorization/*"], vec![], false),
        (vec![WRITE], vec![], true),
        (vec![WRITE, ASSIGN], vec![BLOB], true),
    ] {
        for roles in [json!([{"actions": ["*/read"], "notActions": []}]), json!([])] {
            // Who has no role at all reads nothing, either.
            let lacks_more = actions == ["*/read"] && roles == json!([]);
            let mut world = told("/permissions", 200, json!({"value": roles}));
            let needs = ConnectionNeeds::new().with_actions(actions.clone()).with_data_actions(data.clone());
            world.connections = world.connections.with_needs(needs);
            let report = world.connections.check_form(&form()).await;
            let role = report.of(ConnectionCheck::Role).unwrap();
            assert_eq!(role.status, CheckStatus::Failed, "{role}");
            assert_eq!(role.remedy.contains("Contributor"), names_it || lacks_more, "{role}");
            let others = [ASSIGN, BLOB].into_iter().filter(|one| actions.contains(one) || data.contains(one));
            for other in others {
                assert!(role.remedy.contains(other), "{role}");
            }
        }
    }
}

/// An empty list says that nothing is allowed; a refusal, and a group that may not be read either, say so too.
#[tokio::test(start_paused = true)]
async fn an_application_without_any_role_is_told_how_to_get_one() {
    let world = World::changed(|seed| seed["subscriptions"][0]["roleAssignments"] = json!([]));
    let checked = world.connect(&form()).await;
    assert_eq!(codes(&checked.report, CheckStatus::Failed), ["role"], "{}", checked.report);
    let scope = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-web");
    assert!(checked.report.of(ConnectionCheck::Role).unwrap().remedy.contains(&scope), "{}", checked.report);

    let (status, told) = check(&told("/permissions", 200, json!({"value": []})), ConnectionCheck::Role).await;
    assert!(status == CheckStatus::Failed && told.contains("no role"), "{told}");
}

fn view(change: Value) -> Value {
    let mut view = json!({"subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": "P", "state": "Enabled"});
    view.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    view
}

/// A subscription that was moved names its new tenant. One that its owner delegated (Azure Lighthouse) names who manages it.
#[tokio::test(start_paused = true)]
async fn a_subscription_that_moved_fails_and_one_that_was_delegated_passes() {
    let at_subscription = |change: Value| told("/subscriptions/{id}", 200, view(change));
    let moved = at_subscription(json!({"tenantId": OTHER_TENANT}));
    let (status, told) = check(&moved, ConnectionCheck::SubscriptionTenant).await;
    assert!(status == CheckStatus::Failed && told.contains(OTHER_TENANT), "{told}");

    let delegated = json!({"tenantId": OTHER_TENANT, "managedByTenants": [{"tenantId": TENANT.to_uppercase()}]});
    let (status, told) = check(&at_subscription(delegated), ConnectionCheck::SubscriptionTenant).await;
    assert!(status == CheckStatus::Passed && told.contains(OTHER_TENANT), "{told}");

    // The case of a word is not promised.
    for (state, expected) in [
        ("PastDue", CheckStatus::Passed),
        ("", CheckStatus::Unknown),
        ("Deleted", CheckStatus::Failed),
        ("enabled", CheckStatus::Passed),
        ("WARNED", CheckStatus::Passed),
    ] {
        let found = check(&at_subscription(json!({"state": state})), ConnectionCheck::SubscriptionState).await.0;
        assert_eq!(found, expected, "{state}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_being_deleted_fails() {
    for state in ["Deleting", "deleting"] {
        let group = json!({"name": "rg-web", "location": "westeurope", "properties": {"provisioningState": state}});
        let (status, told) = check(&self::told("/resourceGroups/rg-web?", 200, group), ConnectionCheck::Group).await;
        assert!(status == CheckStatus::Failed && told.contains("being deleted"), "{state}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_being_registered_is_unknown() {
    let provider = json!({"namespace": "Microsoft.Compute", "registrationState": "Registering"});
    let (status, told) = check(&told("/providers/Microsoft.Compute?", 200, provider), ConnectionCheck::Providers).await;
    assert!(status == CheckStatus::Unknown && told.contains("being registered"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn pages_of_a_proxy_and_throttles_make_unknowns_and_no_long_wait() {
    let throttled = at(
        Service::ResourceManager,
        "/subscriptions/",
        FaultAction::Throttle { status: 429, retry_after: Some(Duration::from_secs(600)) },
    );
    let denied = answer(Service::ResourceManager, "/subscriptions/", 403, json!("<html><body>Blocked</body></html>"));
    for fault in [throttled, denied, page(Service::ResourceManager, "/subscriptions/")] {
        let world = World::new().with(fault.clone());
        let started = world.clock.elapsed();
        let checked = world.connect(&form()).await;
        assert_eq!(codes(&checked.report, CheckStatus::Failed), [""; 0], "{fault:?}:\n{}", checked.report);
        let unknown = codes(&checked.report, CheckStatus::Unknown);
        assert!(unknown.contains(&"subscription") && unknown.contains(&"role"), "{fault:?}:\n{}", checked.report);
        let took = world.clock.elapsed() - started;
        assert!(took < Duration::from_secs(90), "{fault:?}: {took:?}");
    }
}

/// Entra ID gave the token a moment ago; Resource Manager does not know who it speaks of any more.
#[tokio::test(start_paused = true)]
async fn a_principal_that_was_deleted_meanwhile_fails_at_the_subscription() {
    let body = json!({"error": {"code": "InvalidAuthenticationToken", "message": "The principal was not found."}});
    let report = told("/subscriptions/", 401, body).connections.check_form(&form()).await;
    assert_eq!(codes(&report, CheckStatus::Failed), ["subscription"], "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_report_never_carries_the_secret_whatever_a_service_says() {
    let echo =
        json!({"error": {"code": "AuthorizationFailed", "message": format!("The client with {SECRET} may not.")}});
    let organization = answer(Service::DevOps, "/", 403, json!({"message": format!("{SECRET} is not welcome")}));
    let world = told("/locations", 403, echo).with(organization);
    let view =
        json!({"displayName": format!("of {SECRET}"), "state": format!("gone with {SECRET}"), "tenantId": TENANT});
    world.emulator.faults().add(answer(Service::ResourceManager, "/subscriptions/{id}", 200, view).forever());
    let report = world.connections.check_form(&form()).await;
    let text = format!("{report} {report:?} {}", serde_json::to_string(&report).unwrap());
    assert!(!text.contains(SECRET), "{text}");
    assert_eq!(codes(&report, CheckStatus::Failed), ["subscription-state", "organization"], "{report}");
}

/// A page or a terminal shows a report as it is.
#[tokio::test(start_paused = true)]
async fn what_a_service_calls_things_is_shown_in_one_short_line_or_not_at_all() {
    let odd = format!("Prod\u{1b}[2J\n{}", "x".repeat(9000));
    let view = view(json!({"displayName": odd, "state": odd, "tenantId": odd}));
    let world = told("/subscriptions/{id}", 200, view);
    let locations = json!({"value": [{"name": odd, "displayName": odd}, {"name": "westeurope"}]});
    world.emulator.faults().add(answer(Service::ResourceManager, "/locations", 200, locations).forever());
    let caller = json!({"authenticatedUser": {"id": TENANT, "providerDisplayName": odd, "customDisplayName": odd}});
    world.emulator.faults().add(answer(Service::DevOps, "/_apis/connectionData", 200, caller).forever());
    let report = world.connections.check_form(&form().with_region("atlantis")).await;
    for check in [ConnectionCheck::Subscription, ConnectionCheck::SubscriptionState, ConnectionCheck::Region] {
        assert!(report.of(check).is_some(), "{report}");
    }
    for check in report.iter() {
        for text in [&check.cause, &check.remedy] {
            assert!(text.len() < 600 && !text.chars().any(char::is_control), "{}: {text:?}", check.code);
        }
    }
}

/// The login of the public cloud answers for a tenant of another cloud, and names that cloud's login as its issuer.
#[tokio::test(start_paused = true)]
async fn no_secret_is_sent_to_the_login_where_the_tenant_is_in_another_cloud() {
    let issuer = json!({"issuer": format!("https://login.microsoftonline.us/{TENANT}/v2.0")});
    for tenant in [TENANT, "contoso.onmicrosoft.com"] {
        let world = World::new().with(answer(Service::Login, "/openid-configuration", 200, issuer.clone()));
        let before = world.emulator.exchanges();
        let checked = world.connect(&form().with_tenant(tenant)).await;
        assert_eq!(codes(&checked.report, CheckStatus::Failed), ["tenant"], "{}", checked.report);
        let found = checked.report.of(ConnectionCheck::Tenant).unwrap();
        assert!(found.cause.contains("another cloud") && found.remedy.contains("US Government"), "{found}");
        assert_eq!(world.emulator.exchanges() - before, 1, "something else than the question for the tenant was sent");
    }
}

/// Who connects without a form is not asked less.
#[tokio::test(start_paused = true)]
async fn connecting_and_replacing_send_no_secret_to_the_login_where_the_tenant_is_in_another_cloud() {
    let issuer = json!({"issuer": format!("https://login.microsoftonline.us/{TENANT}/v2.0")});
    let elsewhere = || answer(Service::Login, "/openid-configuration", 200, issuer.clone());
    let world = World::new();
    let connected = world.connections.connect(world.request(), world.working_secret()).await.unwrap();
    let before = world.emulator.exchanges();
    let world = world.with(elsewhere());
    let replaced = world.connections.replace_secret(&connected.record.id, NewSecret::new(world.working_secret())).await;
    let other = World::new().with(elsewhere());
    let refused = other.connections.connect(other.request(), other.working_secret()).await;
    for error in [replaced.unwrap_err(), refused.unwrap_err()] {
        assert_eq!(
            (error.kind(), error.field(), error.effect()),
            (ErrorKind::Unsupported, Some("cloud"), Effect::None),
            "{error}"
        );
        assert!(error.advice().contains("US Government"), "{error}");
    }
    assert_eq!((world.emulator.exchanges() - before, other.emulator.exchanges()), (1, 1), "a secret was sent");
    assert_eq!(other.kept().await, 0);
}

/// 900432 says that a confidential client is not supported in a cross-cloud request.
#[tokio::test(start_paused = true)]
async fn a_sign_in_that_crosses_clouds_fails_the_tenant() {
    let world = World::new().with(answer(Service::Login, "/oauth2/v2.0/token", 400, refused(900_432)));
    let report = world.connections.check_form(&form()).await;
    assert_eq!(codes(&report, CheckStatus::Failed), ["tenant"], "{report}");
    assert!(report.of(ConnectionCheck::Tenant).unwrap().cause.contains("another cloud"), "{report}");
}

/// Replicas that are down write the numbers of refusals as well, with the status of a failure that passes.
#[tokio::test(start_paused = true)]
async fn a_number_that_comes_with_an_outage_refuses_nothing() {
    for (number, status) in [(90_002, 503), (90_002, 429), (7_000_112, 503)] {
        let world = World::new()
            .with(answer(Service::Login, "/oauth2/v2.0/token", status, refused(number)))
            .with(answer(Service::Login, "/openid-configuration", status, refused(number)));
        let report = world.connections.check_form(&form()).await;
        assert_eq!(codes(&report, CheckStatus::Failed), [""; 0], "{number} with {status}:\n{report}");
    }
}

/// A login that has just given a token answers, whatever else it leaves unanswered.
#[tokio::test(start_paused = true)]
async fn a_login_that_gave_a_token_is_reached() {
    let world = World::new()
        .with(at(Service::Login, "/openid-configuration", FaultAction::Hang { applied: false }))
        .with(at(Service::Login, "/oauth2/v2.0/token", FaultAction::DropBefore).with_nth(2));
    let report = world.connections.check_form(&form()).await;
    for check in [ConnectionCheck::Authority, ConnectionCheck::Tenant] {
        assert_eq!(report.of(check).unwrap().status, CheckStatus::Passed, "{report}");
    }
    assert_eq!(report.of(ConnectionCheck::Secret).unwrap().status, CheckStatus::Unknown, "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_the_place_of_the_tenant_is_not_sent() {
    let world = World::new();
    let mut form = form();
    form.client_secret = Secret::new("an-old.secret.that.looks.like.a.domain");
    let text = form.client_secret.expose().to_owned();
    let before = world.emulator.exchanges();
    let report = world.connections.check_form(&form.with_tenant(format!(" {text} "))).await;
    assert_eq!(codes(&report, CheckStatus::Failed), ["tenant-id"], "{report}");
    // Only whether the login answers at all.
    assert_eq!(world.emulator.exchanges() - before, 1);
}

async fn record(world: &World) -> Option<ConnectionRecord> {
    world.connections.get(&"shop".parse().unwrap()).await.unwrap()
}

fn slow() -> azconnect_emulator::Fault {
    at(Service::ResourceManager, "/permissions", FaultAction::Delay { time: Duration::from_secs(15), applied: false })
}

#[tokio::test(start_paused = true)]
async fn a_check_is_not_noted_of_a_connection_that_got_another_secret_meanwhile() {
    let world = World::new();
    let id = world.connect(&form()).await.connected.unwrap().record.id;
    let world = world.with(slow());
    let replace = world.connections.replace_secret(&id, NewSecret::new(world.working_secret()));
    let (checked, replaced) = tokio::join!(world.connections.check(&id), replace);
    assert!(checked.unwrap().report.is_clear());
    assert_eq!(record(&world).await.unwrap(), replaced.unwrap());
    assert_eq!(record(&world).await.unwrap().checked, None, "what was found is of the former secret");
}

#[tokio::test(start_paused = true)]
async fn a_check_of_a_connection_that_changes_its_name_meanwhile_is_noted() {
    let world = World::new();
    let id = world.connect(&form()).await.connected.unwrap().record.id;
    let world = world.with(slow());
    let change = azconnect::credential::ConnectionChange::new().with_display_name("Another");
    let (checked, changed) = tokio::join!(world.connections.check(&id), world.connections.describe(&id, &change));
    changed.unwrap();
    let after = record(&world).await.unwrap();
    assert_eq!(after.title(), "Another");
    assert_eq!(after.checked, Some(checked.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_check_of_a_connection_that_is_disconnected_meanwhile_leaves_nothing() {
    let world = World::new();
    let id = world.connect(&form()).await.connected.unwrap().record.id;
    let world = world.with(slow());
    let (checked, gone) = tokio::join!(world.connections.check(&id), world.connections.disconnect(&id));
    gone.unwrap();
    assert_eq!(checked.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(record(&world).await.is_none() && world.kept().await == 0);
}

/// The same form twice at once: one is kept, the other is told that the name is taken.
#[tokio::test(start_paused = true)]
async fn of_two_forms_at_once_with_one_name_one_is_kept() {
    let world = World::new();
    let (shop, same) = (form(), form());
    let (one, two) = tokio::join!(world.connections.connect_checked(&shop), world.connections.connect_checked(&same));
    let kept = [&one, &two].into_iter().filter(|one| one.as_ref().is_ok_and(|one| one.is_kept())).count();
    let taken = |error: &azconnect::core::Error| (error.kind(), error.field().map(str::to_owned));
    let refused: Vec<_> = [&one, &two].into_iter().filter_map(|one| one.as_ref().err().map(taken)).collect();
    assert_eq!((kept, refused), (1, vec![(ErrorKind::Conflict, Some("id".to_owned()))]));
    assert_eq!(world.kept().await, 1, "a sealed secret is left over");
}

#[tokio::test(start_paused = true)]
async fn a_product_says_which_providers_it_needs() {
    let mut world = World::changed(|seed| seed["subscriptions"][0]["notRegistered"] = json!(["Microsoft.KeyVault"]));
    assert_eq!(check(&world, ConnectionCheck::Providers).await.0, CheckStatus::Passed);
    world.connections = world.connections.with_needs(ConnectionNeeds::new().with_providers(["Microsoft.KeyVault"]));
    let (status, told) = check(&world, ConnectionCheck::Providers).await;
    let command = format!("az provider register --namespace Microsoft.KeyVault --subscription {SUBSCRIPTION}");
    assert!(status == CheckStatus::Failed && told.contains(&command), "{told}");
    world.connections = world.connections.with_needs(ConnectionNeeds::new().with_providers([""; 0]));
    let report: CheckReport = world.connections.check_form(&form()).await;
    assert!(report.of(ConnectionCheck::Providers).is_none() && report.is_clear(), "{report}");
}

//! Applications that are set up at a customer's on the emulator, and taken back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{ClientId, Clock, ErrorKind, Sequence, StreamId};
use azconnect::credential::Marker;
use azconnect::setup::{
    CredentialWish, FederatedTrust, GroupWish, PartStanding, Proof, PublicCertificate, Setup, SetupPhase, SetupSpec,
    Step, SubscriptionAccess,
};
use azconnect_emulator::Intervention;
use azconnect_testkit::Canary;
use azconnect_testkit::conformance::setup::{SetupHarness, all};
use azconnect_tests::setting_up::{ALL_ROLES, OWNER, SUBSCRIPTION, TENANT, Tenant, id, parsed, whole};
use serde_json::json;

/// The tenant as the suite sees it.
struct Stage(Tenant);

#[async_trait::async_trait]
impl SetupHarness for Stage {
    fn setup(&self) -> Arc<dyn Setup> {
        self.0.operator(self.0.emulator.transport()).setup(&self.0.storage())
    }

    fn spec(&self, name: &str) -> SetupSpec {
        let group = GroupWish::create(parsed("rg-builds"), parsed("westeurope"));
        SetupSpec::new(parsed(TENANT), name)
            .with_access(SubscriptionAccess::new(parsed(SUBSCRIPTION)).with_group(group))
    }

    async fn applications(&self, name: &str) -> Vec<ClientId> {
        self.0.named(name)
    }

    async fn keys(&self, client: ClientId) -> usize {
        self.0.live_keys(client)
    }

    async fn register_by_hand(&self, name: &str) -> ClientId {
        let marker = Marker::new("by hand").unwrap();
        let wish = azconnect::graph::NewApplication::new(marker, name);
        self.0.operator(self.0.emulator.transport()).graph().create_application(&wish).await.unwrap().client_id
    }

    async fn use_elsewhere(&self, client: ClientId) {
        let (marker, ends_at) = (Marker::new("somebody").unwrap(), self.0.clock.now() + Duration::from_secs(86_400));
        let graph = self.0.operator(self.0.emulator.transport()).graph();
        graph
            .add_password(
                azconnect::graph::ApplicationRef::Client(client),
                &azconnect::graph::NewPassword::new(marker, ends_at),
            )
            .await
            .unwrap();
    }

    async fn without_roles(&self) -> Arc<dyn Setup> {
        self.0.poor().setup(&self.0.storage())
    }
}

#[tokio::test(start_paused = true)]
async fn the_front_door_s_setup_passes_the_suite_on_the_emulator() {
    let roles = [ALL_ROLES.as_slice(), &["Application.ReadWrite.All"]].concat();
    all(async || Stage(Tenant::with(&roles, "Owner"))).await;
}

#[tokio::test(start_paused = true)]
async fn everything_is_set_up_proved_and_taken_back() {
    let tenant = Tenant::new();
    let setup = tenant.calm();
    let before = tenant.emulator.truth().ledger.len();
    let plan = setup.plan(id(), whole()).await.unwrap();
    assert!(plan.checks.is_clear(), "{}", plan.checks);
    assert_eq!(tenant.emulator.truth().ledger.len(), before, "a plan writes nothing");
    assert!(tenant.named("Contoso builds").is_empty());

    let done = setup.run(&plan).await.unwrap();
    assert_eq!(done.proof, Proof::SignedIn);
    assert!(done.consents_left.is_empty(), "{:?}", done.consents_left);
    assert_eq!(tenant.named("Contoso builds"), [done.client]);
    assert_eq!((tenant.live_keys(done.client), tenant.roles(done.principal).await), (1, 1));
    assert_eq!(tenant.groups().await, ["rg-builds"]);
    let graph = tenant.operator(tenant.emulator.transport()).graph();
    let owners = graph.owners(done.application).await.unwrap();
    assert!(owners.iter().any(|owner| owner.id.to_string() == OWNER));
    let devops = azconnect::graph::Permission::devops_user_impersonation();
    assert_eq!(graph.required_permissions(done.application).await.unwrap(), [devops]);
    assert_eq!(graph.consents(done.principal).await.unwrap().len(), 1);

    // Run again, resumed, planned again: nothing is made twice.
    assert_eq!(setup.run(&plan).await.unwrap(), done);
    assert_eq!(setup.resume(&id()).await.unwrap(), done);
    let again = setup.plan(id(), whole()).await.unwrap();
    assert!(again.steps.iter().all(|step| step.exists == Some(true) || step.step == Step::Credential), "{again:?}");
    assert_eq!(tenant.live_keys(done.client), 1);

    let taken = setup.undo(&id()).await.unwrap();
    assert!(taken.left.is_empty(), "{taken:?}");
    assert!(tenant.named("Contoso builds").is_empty() && tenant.groups().await.is_empty());
    assert_eq!(tenant.roles(done.principal).await, 0);
    assert_eq!(setup.secret(&id()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(setup.undo(&id()).await.unwrap(), taken);
    assert_eq!(setup.status(&id()).await.unwrap().phase, SetupPhase::Undone);
    assert!(tenant.journal.unfinished().await.unwrap().is_empty());

    // And once more from the beginning.
    let other = setup.run(&plan).await.unwrap();
    assert_ne!(other.client, done.client);
    assert_eq!(tenant.emulator.truth().unknown_routes, 0, "{:?}", tenant.emulator.truth().unknown_route_names);
}

#[tokio::test(start_paused = true)]
async fn what_was_set_up_can_be_connected() {
    let tenant = Tenant::new();
    let setup = tenant.calm();
    let done = setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    let request = done.to_connect_request(parsed("contoso")).unwrap();
    let azure = azconnect::Azure::new(tenant.emulator.cloud(), tenant.emulator.transport(), tenant.clock.clone());
    let connections = azure.connections(&tenant.storage());
    let record = connections.connect(request, setup.secret(&id()).await.unwrap()).await.unwrap().record;
    assert_eq!(record.resource_group.as_ref().unwrap().as_str(), "rg-builds");
    assert_eq!(record.client, done.client);
}

/// A display name need not be unique, and proves nothing.
#[tokio::test(start_paused = true)]
async fn an_application_of_the_same_name_is_not_taken_for_ours_and_two_are_named() {
    let (one, two) = ("b0000000-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000002");
    let named = |client: &str| json!({"displayName": "Contoso builds", "clientId": client});
    for (more, ids) in [(json!([named(one)]), vec![one]), (json!([named(one), named(two)]), vec![one, two])] {
        let tenant = Tenant::seeded(&ALL_ROLES, "Owner", more, json!({}));
        let setup = tenant.calm();
        let plan = setup.plan(id(), whole()).await.unwrap();
        assert!(!plan.checks.is_clear());
        let error = setup.run(&plan).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(ids.iter().all(|id| error.to_string().contains(id)), "{error}");
        assert_eq!(setup.status(&id()).await.unwrap().blocked.unwrap().step, Step::Application);
        assert_eq!(tenant.named("Contoso builds").len(), ids.len());
        assert!(setup.undo(&id()).await.unwrap().removed.is_empty());
        assert_eq!(tenant.named("Contoso builds").len(), ids.len());
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_that_exists_is_used_and_stays() {
    let client = "b0000000-0000-4000-8000-000000000001";
    let more = json!([{"displayName": "Old one", "clientId": client, "passwords": [{"displayName": "portal"}],
                       "owners": [azconnect_tests::setting_up::OPERATOR]}]);
    let roles = [ALL_ROLES.as_slice(), &["Application.ReadWrite.All"]].concat();
    let tenant = Tenant::seeded(&roles, "Owner", more, json!({}));
    let setup = tenant.calm();
    let spec = whole().with_application(parsed(client));
    let done = setup.run(&setup.plan(id(), spec).await.unwrap()).await.unwrap();
    assert_eq!(done.client.to_string(), client);
    assert_eq!(tenant.live_keys(done.client), 2);
    let graph = tenant.operator(tenant.emulator.transport()).graph();
    assert_eq!(graph.redirect_uris(done.application).await.unwrap().web, ["https://builds.example/signed-in"]);

    let taken = setup.undo(&id()).await.unwrap();
    assert_eq!(tenant.named("Old one"), [done.client]);
    assert_eq!((tenant.live_keys(done.client), tenant.roles(done.principal).await), (1, 0));
    assert!(graph.redirect_uris(done.application).await.unwrap().web.is_empty(), "{taken:?}");
    assert!(graph.required_permissions(done.application).await.unwrap().is_empty());
    assert!(!graph.owners(done.application).await.unwrap().iter().any(|owner| owner.id.to_string() == OWNER));
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_named_with_who_can_give_it_and_the_rest_goes_on_later() {
    // Contributor cannot write role assignments.
    let tenant = Tenant::with(&ALL_ROLES, "Contributor");
    let setup = tenant.calm();
    let plan = setup.plan(id(), whole()).await.unwrap();
    let failed: Vec<_> = plan.checks.failures().map(|check| check.code.as_str()).collect();
    assert_eq!(failed, ["may-give-role"]);
    let error = setup.run(&plan).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let blocked = setup.status(&id()).await.unwrap().blocked.unwrap();
    assert_eq!(blocked.step, Step::Role);
    assert_eq!(blocked.permission, ["Microsoft.Authorization/roleAssignments/write"]);
    assert!(blocked.who.iter().any(|who| who == "User Access Administrator"));
    assert!(error.advice().contains("User Access Administrator"), "{}", error.advice());
    assert_eq!(tenant.journal.unfinished().await.unwrap().len(), 1);
    let taken = setup.undo(&id()).await.unwrap();
    assert!(taken.left.is_empty() && tenant.named("Contoso builds").is_empty(), "{taken:?}");

    let tenant = Tenant::with(&["Application.Read.All"], "Owner");
    let setup = tenant.calm();
    let error = setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap_err();
    assert!(error.advice().contains("Application.ReadWrite.OwnedBy"), "{}", error.advice());
    assert_eq!(setup.status(&id()).await.unwrap().blocked.unwrap().step, Step::Application);
}

/// Consenting for a tenant takes an administrator, whom the setup does not wait for.
#[tokio::test(start_paused = true)]
async fn a_consent_that_the_operator_may_not_give_is_left_to_an_administrator() {
    let tenant =
        Tenant::with(&["Application.ReadWrite.OwnedBy", "Application.Read.All", "Directory.Read.All"], "Owner");
    let setup = tenant.calm();
    let done = setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    let [left] = done.consents_left.as_slice() else { panic!("{done:?}") };
    assert_eq!(
        (left.step, left.permission.as_slice()),
        (Step::Consent, ["DelegatedPermissionGrant.ReadWrite.All".to_owned()].as_slice())
    );
    assert!(left.who.iter().any(|who| who == "Privileged Role Administrator"));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_re_used_is_named_and_left() {
    let tenant = Tenant::new();
    let setup = tenant.calm();
    let done = setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    let operator = tenant.operator(tenant.emulator.transport());
    let marker = azconnect::credential::Marker::new("somebody else").unwrap();
    let wish = azconnect::graph::NewPassword::new(marker, tenant.clock.now() + std::time::Duration::from_secs(86_400));
    operator.graph().add_password(done.application, &wish).await.unwrap();
    let group = operator.arm().subscription(parsed(SUBSCRIPTION)).group(&parsed("rg-builds"));
    let body = json!({"location": "westeurope", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}});
    group.public_ip("somebodys").unwrap().create(&body).await.unwrap().wait().await.unwrap();

    let taken = setup.undo(&id()).await.unwrap();
    assert_eq!(taken.left.len(), 2, "{taken:?}");
    assert!(taken.left.iter().any(|left| left.contains("somebody else")), "{taken:?}");
    assert!(taken.left.iter().any(|left| left.contains("somebodys")), "{taken:?}");
    assert_eq!(tenant.named("Contoso builds"), [done.client]);
    assert_eq!(tenant.live_keys(done.client), 1, "ours is gone, theirs is not");
    assert_eq!(tenant.roles(done.principal).await, 0, "the role was ours");
    assert_eq!(tenant.groups().await, ["rg-builds"]);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_was_there_is_used_and_stays() {
    let tenant = Tenant::new();
    let operator = tenant.operator(tenant.emulator.transport());
    let group = operator.arm().subscription(parsed(SUBSCRIPTION)).group(&parsed("rg-builds"));
    group
        .handle()
        .create(&json!({"location": "northeurope", "tags": {"owner": "somebody"}}))
        .await
        .unwrap()
        .wait()
        .await
        .unwrap();
    let setup = tenant.calm();
    setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    setup.undo(&id()).await.unwrap();
    let found = group.handle().find().await.unwrap().unwrap();
    assert_eq!((found.location.as_str(), found.tags.len()), ("northeurope", 1));

    // One that is to be there and is not is refused before anything is made, if one asks.
    let access = SubscriptionAccess::new(parsed(SUBSCRIPTION)).with_group(GroupWish::existing(parsed("rg-other")));
    let spec = SetupSpec::new(parsed(TENANT), "Contoso builds").with_access(access);
    let plan = setup.plan(parsed("other"), spec).await.unwrap();
    assert!(plan.checks.of("group").is_some_and(azconnect::credential::Check::blocks), "{}", plan.checks);
    assert_eq!(setup.run(&plan).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_or_a_federated_credential_takes_the_place_of_a_secret() {
    let pem = include_str!("data/certificate.pem");
    let certificate = PublicCertificate::from_pem(pem).unwrap();
    let trust =
        FederatedTrust::new("https://token.actions.githubusercontent.com", "repo:contoso/shop:ref:refs/heads/main");
    for credential in [CredentialWish::Certificate { certificate }, CredentialWish::Federated { trust }] {
        let tenant = Tenant::new();
        let setup = tenant.calm();
        let spec = whole().with_credential(credential.clone());
        let done = setup.run(&setup.plan(id(), spec).await.unwrap()).await.unwrap();
        assert_eq!((done.proof, &done.secret), (Proof::NotTried, &None));
        assert_eq!(tenant.live_keys(done.client), 0);
        let graph = tenant.operator(tenant.emulator.transport()).graph();
        let certificates = graph.application(done.application).await.unwrap().certificates.unwrap().len();
        let trusts = graph.federated_credentials(done.application).await.unwrap().len();
        assert_eq!(certificates + trusts, 1, "{credential:?}");
        let taken = setup.undo(&id()).await.unwrap();
        assert!(taken.left.is_empty() && tenant.named("Contoso builds").is_empty(), "{taken:?}");
    }
}

/// A new application is not known everywhere at once: calls for it are refused for a while.
#[tokio::test(start_paused = true)]
async fn refusals_that_a_new_application_brings_are_ridden_out() {
    let settings = json!({"createLagSeconds": 45, "listLagSeconds": 20, "addLagSeconds": 30, "replicas": 3,
                          "resourceManager": {"principalLagSeconds": 60, "listLagSeconds": 20, "roleLagSeconds": 30}});
    let tenant = Tenant::seeded(&ALL_ROLES, "Owner", json!([]), settings);
    let setup = tenant.calm();
    let done = setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    assert_eq!(tenant.live_keys(done.client), 1);
}

#[tokio::test(start_paused = true)]
async fn another_specification_under_the_same_name_is_a_conflict() {
    let tenant = Tenant::new();
    let setup = tenant.calm();
    setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    let other = setup.plan(id(), SetupSpec::new(parsed(TENANT), "Another")).await.unwrap();
    assert_eq!(setup.run(&other).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(tenant.named("Another").is_empty());
    let foreign = SetupSpec::new(parsed(SUBSCRIPTION), "Another");
    assert_eq!(setup.plan(parsed("x"), foreign).await.unwrap_err().field(), Some("tenant"));
}

/// Whoever can write to the journal must not have a setup open or forget somebody else's secret.
#[tokio::test(start_paused = true)]
async fn a_journal_that_names_another_s_secret_is_not_believed() {
    let tenant = Tenant::new();
    let setup = tenant.calm();
    setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    let stream = StreamId::new("setup/contoso").unwrap();
    let entries = tenant.journal.read(&stream, Sequence::START).await.unwrap();
    let forged = Arc::new(azconnect::store::MemoryJournal::new());
    let records = entries.into_iter().map(|mut entry| {
        entry.record.payload = entry.record.payload.replace("setup/contoso/", "connection/fabrikam/");
        entry.record
    });
    let epoch = azconnect::core::Epoch(1);
    let append = azconnect::core::Append::new(stream, Sequence::START, epoch, records.collect());
    azconnect::core::Journal::append(&*forged, append).await.unwrap();
    let setup = tenant.setup(tenant.emulator.transport(), forged);
    assert_eq!(setup.secret(&id()).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(setup.undo(&id()).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(tenant.named("Contoso builds").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_secret_leaves_its_places() {
    let canary = Canary::new();
    let _ears = canary.listen();
    let tenant = Tenant::new();
    canary.watch(&azconnect::core::Secret::new(azconnect_tests::setting_up::OPERATOR_SECRET));
    // The answer of one mint is lost, so that there are two secrets.
    tenant.emulator.on_exchange(Arc::new(lose_first_mint()));
    let setup = tenant.calm();
    let plan = setup.plan(id(), whole()).await.unwrap();
    let done = setup.run(&plan).await.unwrap();
    let truth = tenant.emulator.truth();
    let passwords = &truth.application(done.client).unwrap().passwords;
    assert_eq!(passwords.len(), 2);
    for password in passwords {
        canary.watch(&tenant.emulator.secret_of(password.key_id).unwrap());
    }
    let status = setup.status(&id()).await.unwrap();
    let shown = format!("{plan:?}{done:?}{status:?}{setup:?}");
    let sent = serde_json::to_string(&(&plan, &done, &status)).unwrap();
    canary.assert_absent("what a product is told", format!("{shown}{sent}").as_bytes());
    for entry in tenant.journal.read(&StreamId::new("setup/contoso").unwrap(), Sequence::START).await.unwrap() {
        canary.assert_absent("a journal entry", format!("{entry:?}").as_bytes());
    }
    let taken = setup.undo(&id()).await.unwrap();
    canary.assert_absent("what was taken back", format!("{taken:?}").as_bytes());
    canary.assert_absent_from_logs();
}

fn lose_first_mint() -> impl Fn(&azconnect_emulator::Exchange) -> Intervention {
    let lost = std::sync::atomic::AtomicBool::new(false);
    move |exchange| match exchange.path.ends_with("/addPassword") {
        true if !lost.swap(true, std::sync::atomic::Ordering::SeqCst) => Intervention::LoseAnswer,
        _ => Intervention::Proceed,
    }
}

/// The service shows a secret once: one whose answer was lost is of no use to anybody.
#[tokio::test(start_paused = true)]
async fn a_secret_whose_answer_was_lost_is_removed_and_another_is_minted() {
    let tenant = Tenant::new();
    tenant.emulator.on_exchange(Arc::new(lose_first_mint()));
    let setup = tenant.calm();
    let done = setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    assert_eq!(tenant.live_keys(done.client), 1);
    let truth = tenant.emulator.truth();
    assert_eq!(truth.application(done.client).unwrap().passwords.len(), 2, "one is removed");
    assert!(matches!(
        setup
            .status(&id())
            .await
            .unwrap()
            .parts
            .iter()
            .find(|part| part.part.step() == Step::Credential)
            .unwrap()
            .standing,
        PartStanding::Made
    ));
}

/// Somebody may delete the application in the portal before the setup is undone.
#[tokio::test(start_paused = true)]
async fn what_somebody_deleted_does_not_keep_an_undo_from_its_end() {
    let tenant = Tenant::new();
    let setup = tenant.calm();
    let done = setup.run(&setup.plan(id(), whole()).await.unwrap()).await.unwrap();
    let operator = tenant.operator(tenant.emulator.transport());
    operator.graph().delete_application(done.application).await.unwrap();
    let taken = setup.undo(&id()).await.unwrap();
    assert!(taken.left.is_empty(), "{taken:?}");
    assert!(tenant.groups().await.is_empty() && tenant.roles(done.principal).await == 0);
    assert!(tenant.secrets.list("setup/", None).await.unwrap().is_empty());
}

//! The steps of a binding as a page shows them: what each offers, and why one blocks.

use azconnect::credential::{Check, CheckStatus, TenantSettings};
use azconnect::devops::{BindingDraft, BindingStep, BindingSteps, OrganizationTenant, TenantGroup};
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service};
use serde_json::{Value, json};

use crate::bindings::application;
use crate::product::{BOBS_TOKEN, FABRIKAM, Product, TOKEN, by_token, contoso};

/// A draft for the application whose secret is bound, with nothing chosen.
pub(crate) fn draft() -> BindingDraft {
    BindingDraft::new(application(), contoso())
}

pub(crate) async fn steps(product: &Product, draft: &BindingDraft) -> BindingSteps {
    product.azure.bindings(&product.storage).steps(draft).await.unwrap()
}

/// A product whose settings of contoso let Ann act by her token.
pub(crate) async fn product() -> Product {
    let product = Product::new();
    product.save(by_token(TOKEN)).await;
    product
}

/// A world in which Ann, of contoso, is a member of three organizations with one token: contoso's, fabrikam's, and one of
/// personal accounts.
async fn ann_everywhere() -> Product {
    let product = Product::with_seed(|seed| {
        let token = json!({"user": "ann@contoso.com", "token": TOKEN});
        seed["organizations"][1]["personalAccessTokens"].as_array_mut().unwrap().push(token.clone());
        let reader = json!({"user": "ann@contoso.com", "groups": ["[Shop]\\Readers"]});
        seed["organizations"][1]["members"].as_array_mut().unwrap().push(reader);
        let own = json!({"name": "anns-own", "projects": [{"name": "Home"}], "personalAccessTokens": [token]});
        seed["organizations"].as_array_mut().unwrap().push(own);
    });
    let everywhere = by_token(TOKEN).with_organization("fabrikam").with_organization("anns-own").with_home_tenant();
    product.save(everywhere).await;
    product
}

fn names(groups: &[TenantGroup]) -> Vec<(OrganizationTenant, Vec<&str>)> {
    groups
        .iter()
        .map(|group| (group.tenant, group.organizations.iter().map(|entry| entry.name.as_str()).collect()))
        .collect()
}

/// A product for which Bob acts, who contributes to the project and administers nothing.
pub(crate) async fn bobs_product() -> Product {
    let product = Product::with_seed(bob_contributes);
    product.save(by_token(BOBS_TOKEN)).await;
    product
}

pub(crate) fn bob_contributes(seed: &mut Value) {
    seed["organizations"][0]["members"][1]["groups"] = json!(["[Web]\\Contributors"]);
}

/// The check of a step that stands in the way, which says what to do.
fn blocking<'a, T>(step: &'a BindingStep<T>, code: &str) -> &'a Check {
    let found = step.checks.iter().find(|check| check.code == code && !check.is_advisory);
    let found = found.unwrap_or_else(|| panic!("{code} is not among: {}", step.checks));
    assert!(!step.passed() && !found.remedy.is_empty(), "{found}");
    found
}

/// Every step below the one that blocks was not looked at.
fn codes(steps: &BindingSteps) -> [CheckStatus; 6] {
    steps.statuses()
}

const P: CheckStatus = CheckStatus::Passed;
const S: CheckStatus = CheckStatus::Skipped;
const F: CheckStatus = CheckStatus::Failed;
const U: CheckStatus = CheckStatus::Unknown;

#[tokio::test(start_paused = true)]
async fn each_choice_leads_one_step_on() {
    let product = product().await;
    let nothing = steps(&product, &draft()).await;
    assert_eq!(codes(&nothing), [P, P, S, S, S, S]);
    let settings: &TenantSettings = nothing.settings.offered.as_ref().unwrap();
    assert_eq!(settings.organizations, ["contoso"]);
    let in_contoso = draft().with_organization("Contoso");
    let shown = steps(&product, &in_contoso).await;
    assert_eq!(codes(&shown), [P, P, P, S, S, S]);
    let web = &shown.projects.offered.as_ref().unwrap()[0];
    for project in ["web".to_owned(), web.id.to_string()] {
        let shown = steps(&product, &in_contoso.clone().with_project(project)).await;
        assert_eq!(codes(&shown), [P, P, P, P, P, S]);
        assert!(!shown.can_save() && shown.blocker().is_none());
        assert!(shown.permission.offered.as_ref().unwrap().allows());
    }
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_off_or_missing_block_at_the_first_step_with_the_remedy() {
    let product = Product::new();
    let none = steps(&product, &draft().with_organization("contoso")).await;
    assert_eq!(codes(&none), [F, S, S, S, S, S]);
    assert!(blocking(&none.settings, "integration").remedy.contains("save the settings"));
    product.save(by_token(TOKEN)).await;
    product.overwrite(|settings| settings.is_enabled = false).await;
    let exchanges = product.emulator.exchanges();
    let off = steps(&product, &draft().with_organization("contoso")).await;
    assert_eq!(codes(&off), [F, S, S, S, S, S]);
    assert!(blocking(&off.settings, "integration").remedy.contains("turn the integration on"));
    assert_eq!(product.emulator.exchanges(), exchanges, "nothing is asked while it is off");
    let error = product.azure.bindings(&product.storage).bind_chosen(&draft()).await.unwrap_err();
    assert_eq!((error.service_code(), error.field()), (Some("IntegrationOff"), Some("is_enabled")), "{error}");
}

/// A record holds the consumers of one application in the tenant that mints: the last step could not be saved.
#[tokio::test(start_paused = true)]
async fn an_application_that_is_bound_in_another_tenant_blocks_at_the_first_step() {
    let product = product().await;
    let bindings = product.azure.bindings(&product.storage);
    let production = crate::bindings::binding(crate::bindings::production());
    bindings.bind(application(), FABRIKAM.parse().unwrap(), production).await.unwrap();
    let found = steps(&product, &draft()).await;
    assert_eq!(codes(&found), [F, S, S, S, S, S]);
    assert!(blocking(&found.settings, "bound-in-another-tenant").cause.contains(FABRIKAM));
}

/// The service tells the directory of an organization to whoever asks; a token for all organizations is a guest's in some.
#[tokio::test(start_paused = true)]
async fn organizations_are_grouped_by_the_tenant_behind_each() {
    let product = ann_everywhere().await;
    let all = steps(&product, &draft()).await;
    assert_eq!(
        names(all.organizations.offered.as_ref().unwrap()),
        [
            (OrganizationTenant::Entra(contoso()), vec!["contoso"]),
            (OrganizationTenant::PersonalAccounts, vec!["anns-own"]),
            (OrganizationTenant::Entra(FABRIKAM.parse().unwrap()), vec!["fabrikam"]),
        ]
    );
    let in_fabrikam = steps(&product, &draft().with_organization("fabrikam")).await;
    assert_eq!(codes(&in_fabrikam), [P, P, P, S, S, S]);
}

#[tokio::test(start_paused = true)]
async fn organizations_of_another_tenant_are_left_out_by_name_unless_they_are_included() {
    let product = ann_everywhere().await;
    product.overwrite(|settings| settings.includes_home_tenant = false).await;
    let own = steps(&product, &draft()).await;
    assert_eq!(
        names(own.organizations.offered.as_ref().unwrap()),
        [(OrganizationTenant::Entra(contoso()), vec!["contoso"])]
    );
    assert!(own.organizations.passed(), "{}", own.organizations.checks);
    let told = own.organizations.checks.iter().filter(|check| check.code == "organization-of-another-tenant");
    assert!(told.clone().all(|check| check.is_advisory) && told.count() == 2, "{}", own.organizations.checks);
    // A page may send what was not offered.
    for (name, whose) in [("fabrikam", FABRIKAM), ("anns-own", "personal accounts")] {
        let refused = steps(&product, &draft().with_organization(name)).await;
        assert_eq!(codes(&refused), [P, F, S, S, S, S]);
        assert!(blocking(&refused.organizations, "organization-of-another-tenant").cause.contains(whose));
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_is_not_there_or_closed_blocks_only_whoever_chooses_it() {
    let product = product().await;
    let more = ["contoso", "fabrikam", "nowhere"].map(str::to_owned);
    product.overwrite(|settings| settings.organizations = more.to_vec()).await;
    assert_eq!(codes(&steps(&product, &draft().with_organization("contoso")).await), [P, P, P, S, S, S]);
    for (name, code) in [
        ("fabrikam", "organization-not-entered"),
        ("nowhere", "organization-not-found"),
        ("elsewhere", "organization-not-offered"),
        ("no/name", "organization-not-offered"),
    ] {
        let refused = steps(&product, &draft().with_organization(name)).await;
        assert_eq!(codes(&refused), [P, F, S, S, S, S], "{name}");
        assert!(blocking(&refused.organizations, code).subject.contains(name));
    }
}

/// The accounts of a person are listed for a token of all organizations, whether the settings name them or not.
#[tokio::test(start_paused = true)]
async fn an_organization_that_the_settings_do_not_name_is_left_out_where_they_name_any() {
    let product = ann_everywhere().await;
    let answer = |path: &str, body: Value| {
        let answer = CannedAnswer::new(200).with_body(body);
        let fault = Fault::new(FaultAction::Answer(answer)).with_service(Service::DevOpsProfile).with_path(path);
        product.emulator.faults().add(fault.forever());
    };
    answer("profiles/me", json!({"id": "d0000000-0000-4000-8000-000000000001"}));
    let account = |name: &str| json!({"accountId": "d0000000-0000-4000-8000-000000000002", "accountName": name});
    answer("_apis/accounts", json!({"count": 2, "value": [account("contoso"), account("fabrikam")]}));
    for (named, status) in [(vec!["contoso".to_owned()], F), (Vec::new(), P)] {
        product.overwrite(|settings| settings.organizations = named).await;
        let found = steps(&product, &draft().with_organization("fabrikam")).await;
        assert_eq!(found.organizations.status, status, "{}", found.organizations.checks);
        assert_eq!(found.organizations.checks.of("organization-not-in-settings").is_some(), status == F);
        assert!(steps(&product, &draft().with_organization("contoso")).await.projects.passed());
    }
}

#[tokio::test(start_paused = true)]
async fn an_organization_that_does_not_answer_is_unknown_and_hides_no_other() {
    let product = ann_everywhere().await;
    let silent = Fault::new(FaultAction::DropBefore).with_service(Service::DevOps).with_path("/fabrikam/").forever();
    product.emulator.faults().add(silent);
    let found = steps(&product, &draft().with_organization("contoso")).await;
    assert_eq!(codes(&found), [P, P, P, S, S, S]);
    let groups = found.organizations.offered.as_ref().unwrap();
    assert!(names(groups).contains(&(OrganizationTenant::Unknown, vec!["fabrikam"])), "{groups:?}");
    let told = found.organizations.checks.of("organization-not-entered").unwrap();
    assert_eq!((told.status, told.is_advisory), (U, true), "{told}");
    // Whoever chooses it learns that it is not known, and not that it is refused.
    let chosen = steps(&product, &draft().with_organization("fabrikam")).await;
    assert_eq!(codes(&chosen), [P, U, S, S, S, S]);
    let error = product.azure.bindings(&product.storage);
    let error = error.bind_chosen(&draft().with_organization("fabrikam")).await.unwrap_err();
    assert!(error.message().contains("fabrikam") && error.kind() == azconnect::core::ErrorKind::Unavailable, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_project_that_nobody_shows_blocks() {
    let product = product().await;
    for (project, code) in [("Ghost", "project-not-shown"), ("a/b", "project-name")] {
        let found = steps(&product, &draft().with_organization("contoso").with_project(project)).await;
        assert_eq!(codes(&found), [P, P, F, S, S, S]);
        blocking(&found.projects, code);
        assert_eq!(found.projects.offered.as_ref().unwrap().len(), 1, "the others can be chosen");
    }
}

/// Somebody who is not meant to see an organization's projects gets an empty list, and no refusal.
#[tokio::test(start_paused = true)]
async fn an_organization_that_shows_no_project_blocks() {
    let product = Product::new();
    product.save(by_token(BOBS_TOKEN)).await;
    let found = steps(&product, &draft().with_organization("contoso")).await;
    assert_eq!(codes(&found), [P, P, F, S, S, S]);
    blocking(&found.projects, "no-project");
}

fn in_web() -> BindingDraft {
    draft().with_organization("contoso").with_project("Web")
}

#[tokio::test(start_paused = true)]
async fn a_missing_permission_blocks_with_the_reason_and_the_group_to_be_added_to() {
    let product = bobs_product().await;
    let found = steps(&product, &in_web()).await;
    assert_eq!(codes(&found), [P, P, P, F, S, S]);
    let check = blocking(&found.permission, "not-endpoint-administrator");
    assert!(check.cause.contains("may not administer"), "{check}");
    assert!(check.remedy.contains("add Bob to [Web]\\Endpoint Administrators"), "{check}");
    assert!(!found.permission.offered.as_ref().unwrap().allows());
    assert_eq!(found.blocker(), Some(check));
}

/// With no ground found and something unread, the answer is unknown, and not no.
#[tokio::test(start_paused = true)]
async fn a_permission_that_cannot_be_read_is_unknown() {
    let product = bobs_product().await;
    let silent = Fault::new(FaultAction::DropBefore).with_service(Service::DevOpsIdentity).forever();
    product.emulator.faults().add(silent);
    let found = steps(&product, &in_web()).await;
    assert_eq!(codes(&found), [P, P, P, U, S, S]);
}

/// An azurerm connection beside the seeded ones.
pub(crate) fn connection(id: u32, name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut document = json!({"name": name, "type": "azurerm", "url": "https://management.azure.com/",
        "data": {"subscriptionId": "22222222-2222-4222-8222-222222222222", "subscriptionName": "Production",
            "environment": "AzureCloud", "scopeLevel": "Subscription", "creationMode": "Manual"},
        "authorization": {"scheme": "ServicePrincipal", "parameters": {
            "tenantid": crate::product::CONTOSO, "serviceprincipalid": application().to_string(),
            "authenticationType": "spnKey"}}});
    change(&mut document);
    json!({"id": format!("c0000000-0000-4000-8000-0000000000{id:02}"), "document": document})
}

#[tokio::test(start_paused = true)]
async fn the_picker_offers_what_fits_and_says_why_others_do_not() {
    let product = Product::with_seed(|seed| {
        let own = seed["organizations"][0]["projects"][0]["connections"].as_array_mut().unwrap();
        own.push(connection(11, "federated", |document| {
            document["authorization"]["scheme"] = json!("WorkloadIdentityFederation");
        }));
        own.push(connection(12, "of-operator", |document| {
            document["authorization"]["parameters"]["serviceprincipalid"] =
                json!("a0000000-0000-4000-8000-000000000001");
        }));
        own.push(connection(13, "of-fabrikam", |document| {
            document["authorization"]["parameters"]["tenantid"] = json!(FABRIKAM);
        }));
        own.push(connection(14, "off", |document| document["isDisabled"] = json!(true)));
    });
    product.save(by_token(TOKEN)).await;
    let found = steps(&product, &in_web()).await;
    assert_eq!(codes(&found), [P, P, P, P, P, S]);
    let picker = found.connections.offered.as_ref().unwrap();
    let fits: Vec<_> = picker.choices.iter().map(|one| (&*one.connection.name, &*one.reason, &one.bound)).collect();
    assert_eq!(fits, [("images", "", &None), ("production", "", &None)]);
    assert_eq!(picker.choices[0].connection.destination.as_deref(), Some("images.contoso.example"));
    let others: Vec<_> =
        picker.others.iter().map(|one| (&*one.connection.name, &*one.checks.failures().next().unwrap().code)).collect();
    assert_eq!(
        others,
        [
            ("federated", "scheme-without-secret"),
            ("of-fabrikam", "other-tenant"),
            ("of-operator", "other-application"),
            ("off", "disabled"),
        ]
    );
    assert!(picker.others.iter().all(|one| !one.reason.is_empty()), "{picker:?}");
    // A page may send what was not offered.
    for unfit in &picker.others {
        let refused = steps(&product, &in_web().with_connection(unfit)).await;
        assert!(!refused.can_save() && refused.blocker().is_some(), "{}", unfit.connection.name);
    }
    let shown = serde_json::to_value(&found).unwrap();
    assert_eq!(shown["connections"]["offered"]["choices"][1]["connection"]["name"], "production");
}

#[tokio::test(start_paused = true)]
async fn a_project_in_which_nothing_fits_blocks() {
    let product = Product::with_seed(|seed| seed["organizations"][0]["projects"][0]["connections"] = json!([]));
    product.save(by_token(TOKEN)).await;
    let found = steps(&product, &in_web()).await;
    assert_eq!(codes(&found), [P, P, P, P, F, S]);
    blocking(&found.connections, "no-connection");
}

//! People of other tenants, guests, and consent.

use azconnect::core::TenantId;
use azconnect::credential::{CheckStatus, LinkRole, LinkedAs};
use azconnect::identity::user::{AdminConsent, AdminConsentAnswer, LinkState, Obstacle, SignInOptions};
use azconnect::identity::{Application, Authority, TokenEndpoint};
use azconnect::{AccountLinks, FitRequest};
use azconnect_emulator::{Conduct, Landing};
use serde_json::json;

use crate::people::{
    ANN, APPLICATION_SECRET, BACK, BOB, PORTAL, application, code, link, link_by, links, product, product_with, proof,
    try_link, visited,
};
use crate::product::{FABRIKAM, Product, contoso};

const EVE: &str = "eve@fabrikam.com";
const ROOT: &str = "root@contoso.com";

fn fabrikam() -> TenantId {
    FABRIKAM.parse().unwrap()
}

/// The links of a product that serves people of any organization.
fn of_any_organization(product: &Product) -> AccountLinks {
    product.azure.account_links(&product.storage, application(product, APPLICATION_SECRET)).unwrap()
}

/// Somebody signs in to the portal at Fabrikam once, and consents there.
async fn consent_at_fabrikam(product: &Product, user: &str) {
    let authority = Authority::of_tenant(product.azure.cloud(), fabrikam());
    let asked = application(product, APPLICATION_SECRET).with_authority(authority);
    let there = product.azure.account_links(&product.storage, asked).unwrap();
    let (address, _) = there.begin(LinkRole::Personal, &SignInOptions::new()).unwrap();
    drop(visited(product, &address, &Conduct::of(user)).await);
}

#[tokio::test(start_paused = true)]
async fn a_guest_s_work_is_done_with_tokens_of_the_tenant_that_invited_them() {
    let product = product();
    let ann = link(&product, LinkRole::Personal, ANN).await.account.linked_as();
    let links = links(&product);
    let scope = product.azure.cloud().devops_scope();
    // Nobody has consented at Fabrikam yet. To link again would not help: the account is good.
    let identity = links.sign_in_at(ann, fabrikam()).await.unwrap();
    let error = identity.tokens().token(&scope).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::ConsentMissing), "{error:?}");
    assert_eq!(LinkState::of(&error), LinkState::RefusedByTenant(Obstacle::ConsentMissing), "{error:?}");
    assert_eq!(LinkState::of_diagnosis(error.diagnosis()), LinkState::of(&error));
    assert!(error.advice().contains(FABRIKAM) && error.advice().contains("consent"), "{}", error.advice());
    let fit = identity.fit(&FitRequest::new("fabrikam").with_project("Shop")).await;
    assert_eq!((code(&fit), fit.len()), ("refused-by-tenant", 1), "{fit:?}");
    assert!(fit.failures().all(|check| check.remedy.contains(FABRIKAM)), "{fit:?}");
    assert_eq!(code(&links.check(ann).await.unwrap()), "linked");

    consent_at_fabrikam(&product, ANN).await;
    let identity = links.sign_in_at(ann, fabrikam()).await.unwrap();
    assert_eq!(identity.tenant(), fabrikam());
    let fit = identity.fit(&FitRequest::new("fabrikam").with_project("Shop")).await;
    assert!(fit.is_clear() && fit.with_status(CheckStatus::Unknown).next().is_none(), "{fit:?}");
    assert!(fit.of("project-seen").is_some(), "{fit:?}");

    // What has ended at home has ended everywhere.
    product.emulator.person().revoke_sign_ins(ANN).unwrap();
    let identity = links.sign_in_at(ann, fabrikam()).await.unwrap();
    let error = identity.tokens().token(&scope).await.unwrap_err();
    assert_eq!(LinkState::of(&error), LinkState::MustLinkAgain(Obstacle::Revoked), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_no_guest_of_a_tenant_is_to_be_invited_and_stays_linked() {
    let product = product();
    let bob = link(&product, LinkRole::Personal, BOB).await.account.linked_as();
    let identity = links(&product).sign_in_at(bob, fabrikam()).await.unwrap();
    let error = identity.tokens().token(&product.azure.cloud().devops_scope()).await.unwrap_err();
    assert_eq!(LinkState::of(&error), LinkState::RefusedByTenant(Obstacle::WrongAccount), "{error:?}");
    assert!(error.advice().contains(FABRIKAM) && error.advice().contains("invite"), "{}", error.advice());
    assert_eq!(code(&links(&product).check(bob).await.unwrap()), "linked");
}

#[tokio::test(start_paused = true)]
async fn people_of_any_organization_link_their_accounts() {
    let product = product_with(|seed| {
        let eve = json!({"userPrincipalName": EVE, "displayName": "Eve"});
        seed["tenants"][1]["users"].as_array_mut().unwrap().push(eve);
    });
    let links = of_any_organization(&product);
    for (user, tenant) in [(BOB, contoso()), (EVE, fabrikam())] {
        let linked = link_by(&product, &links, LinkRole::Personal, &Conduct::of(user)).await.unwrap();
        assert_eq!(linked.account.person.id.tenant, tenant, "{user}");
        let which = LinkedAs::Person(linked.account.person.id);
        assert_eq!(code(&links.check(which).await.unwrap()), "linked", "{user}");
        assert_eq!(links.sign_in(which).await.unwrap().tenant(), tenant);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_begins_with_the_account_that_is_expected() {
    let product = product();
    let options = SignInOptions::new().with_login_hint(BOB);
    let (address, _) = links(&product).begin(LinkRole::Personal, &options).unwrap();
    let hint = address.query_pairs().find(|(name, _)| name == "login_hint").unwrap().1;
    assert_eq!(hint, BOB);
}

#[tokio::test(start_paused = true)]
async fn where_people_may_not_consent_an_administrator_does_and_then_they_link() {
    let product = product_with(|seed| {
        seed["tenants"][0]["userConsent"] = json!(false);
        let root = json!({"userPrincipalName": ROOT, "displayName": "Root", "administrator": true});
        seed["tenants"][0]["users"].as_array_mut().unwrap().push(root);
    });
    let error = try_link(&product, LinkRole::Personal, &Conduct::of(BOB)).await.unwrap_err();
    assert_eq!(Obstacle::of(&error), Some(Obstacle::Left), "{error:?}");
    assert!(error.advice().contains("admin consent"), "{}", error.advice());

    let endpoint = TokenEndpoint::new(product.azure.pipeline().clone(), product.azure.cloud(), contoso());
    let portal = Application::new(endpoint, PORTAL.parse().unwrap(), proof(&product, APPLICATION_SECRET));
    let consent = AdminConsent::new(portal, BACK.parse().unwrap()).unwrap();
    let state = AdminConsent::new_state().unwrap();
    let devops = product.azure.cloud().devops_scope();
    let scope = azconnect::core::Scope::delegated(devops.resource(), ["user_impersonation"]).unwrap();
    let address = consent.address(Some(&scope), &state);
    let landing = product.emulator.visitor().visit(address.as_str(), &Conduct::of(ROOT)).await.unwrap();
    let Landing::Redirected(back) = landing else { panic!("{landing:?}") };
    let consented = AdminConsentAnswer::from_query(back.query().unwrap()).unwrap().finish(&state).unwrap();
    assert_eq!(consented.tenant_hint, Some(contoso()));

    let bob = try_link(&product, LinkRole::Personal, &Conduct::of(BOB)).await.unwrap().account.linked_as();
    assert_eq!(code(&links(&product).check(bob).await.unwrap()), "linked");
}

//! Accounts of people that are linked to a product: whose permissions are used, whether they still work, and what they reach.

use std::sync::Arc;
use std::time::Duration;

use azconnect::core::{Clock, DocumentQuery, DocumentStore, Error, ErrorKind, Secret, SecretStore};
use azconnect::credential::{CheckReport, CheckStatus, LinkRole, LinkedAs, PersonId, RecordQuery};
use azconnect::identity::user::{RedirectAnswer, SignInOptions};
use azconnect::identity::{Authority, ClientSecretSource, TokenEndpoint};
use azconnect::{AccountLinks, FitRequest, LinkApplication, Linked, PendingLink, Storage};
use azconnect_emulator::{Conduct, Landing};
use azconnect_testkit::Canary;
use serde_json::{Value, json};
use url::Url;

use crate::product::{CONTOSO, Product, contoso};

pub(crate) const ANN: &str = "ann@contoso.com";
pub(crate) const BOB: &str = "bob@contoso.com";
pub(crate) const PORTAL: &str = "10000000-0000-4000-8000-0000000000aa";
pub(crate) const BACK: &str = "https://portal.example/linked";
pub(crate) const APPLICATION_SECRET: &str = "the-secret-of-the-portal";

pub(crate) fn product() -> Product {
    product_with(|_| ())
}

/// A product in a world that is changed before it begins.
pub(crate) fn product_with(change: impl FnOnce(&mut Value)) -> Product {
    Product::with_seed(|seed| {
        let portal = json!({"displayName": "Portal", "clientId": PORTAL, "signInAudience": "AzureADMultipleOrgs",
            "passwords": [{"secret": APPLICATION_SECRET}], "webRedirectUris": [BACK]});
        seed["tenants"][0]["applications"].as_array_mut().unwrap().push(portal);
        // Bob may work in the project Web; Ann administers the organization.
        seed["organizations"][0]["members"][1]["groups"] = json!(["[Web]\\Contributors"]);
        change(seed);
    })
}

pub(crate) fn links(product: &Product) -> AccountLinks {
    over(product, &product.storage)
}

pub(crate) fn over(product: &Product, storage: &Storage) -> AccountLinks {
    let authority = Authority::of_tenant(product.azure.cloud(), contoso());
    product.azure.account_links(storage, application(product, APPLICATION_SECRET).with_authority(authority)).unwrap()
}

/// The portal, for people of any organization, by a secret that may be wrong.
pub(crate) fn application(product: &Product, secret: &str) -> LinkApplication {
    LinkApplication::new(PORTAL.parse().unwrap(), proof(product, secret), BACK.parse().unwrap())
}

pub(crate) fn proof(product: &Product, secret: &str) -> Arc<ClientSecretSource> {
    let endpoint = TokenEndpoint::new(product.azure.pipeline().clone(), product.azure.cloud(), contoso());
    Arc::new(ClientSecretSource::new(endpoint, PORTAL.parse().unwrap(), Secret::new(secret)).unwrap())
}

/// What a browser brings back after a person did something in front of the pages.
pub(crate) async fn visited(product: &Product, address: &Url, conduct: &Conduct) -> RedirectAnswer {
    match product.emulator.visitor().visit(address.as_str(), conduct).await.unwrap() {
        Landing::Redirected(url) => RedirectAnswer::from_query(url.query().unwrap()).unwrap(),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn link(product: &Product, role: LinkRole, user: &str) -> Linked {
    try_link(product, role, &Conduct::of(user)).await.unwrap()
}

pub(crate) async fn try_link(product: &Product, role: LinkRole, conduct: &Conduct) -> Result<Linked, Error> {
    link_by(product, &links(product), role, conduct).await
}

pub(crate) async fn link_by(
    product: &Product,
    links: &AccountLinks,
    role: LinkRole,
    conduct: &Conduct,
) -> Result<Linked, Error> {
    let (address, pending) = links.begin(role, &SignInOptions::new())?;
    // As a product keeps it between the two requests of a browser.
    let pending = PendingLink::from_secret(&pending.to_secret())?;
    links.finish(pending, &visited(product, &address, conduct).await).await
}

/// What lies sealed.
pub(crate) async fn sealed(product: &Product) -> usize {
    product.secrets.list("refresh-token/", None).await.unwrap().len()
}

pub(crate) async fn sees(product: &Product, which: LinkedAs) -> Result<Vec<String>, Error> {
    let identity = links(product).sign_in(which).await?;
    let organization = identity.devops().organization(&"contoso".parse()?)?;
    let projects = organization.projects(azconnect::devops::ProjectState::WellFormed).await?;
    Ok(projects.into_iter().map(|project| project.name).collect())
}

pub(crate) fn code(report: &CheckReport) -> &str {
    &report.iter().next().unwrap().code
}

#[tokio::test(start_paused = true)]
async fn a_service_user_lends_its_permissions_to_work_without_anybody() {
    let product = product();
    let linked = link(&product, LinkRole::ServiceUser, ANN).await;
    assert_eq!(linked.account.person.display_name.as_deref(), Some("Ann"));
    assert_eq!((linked.account.person.id.tenant, linked.replaced), (contoso(), None));
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
    // Days later, in a new process, which has nothing but the storage.
    product.clock.sleep(Duration::from_secs(20 * 86_400)).await;
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
    assert_eq!(sealed(&product).await, 1);
    let kept = links(&product).get(LinkedAs::ServiceUser).await.unwrap().unwrap().value;
    assert_eq!(kept, linked.account);
}

#[tokio::test(start_paused = true)]
async fn nobody_s_account_is_used_in_the_place_of_another_s() {
    let product = product();
    let bob = link(&product, LinkRole::Personal, BOB).await.account.person.id;
    let error = sees(&product, LinkedAs::ServiceUser).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::NotFound, Some("link")));
    let ann = link(&product, LinkRole::ServiceUser, ANN).await.account.person.id;
    let error = sees(&product, LinkedAs::Person(ann)).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::NotFound, Some("link")));
    assert_eq!(sees(&product, LinkedAs::Person(bob)).await.unwrap(), ["Web"]);
    let listed = links(&product).list(&RecordQuery::new()).await.unwrap().records;
    assert_eq!(listed.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn another_account_takes_the_place_of_the_service_user_and_what_that_had_lent_is_gone() {
    let product = product();
    let ann = link(&product, LinkRole::ServiceUser, ANN).await.account;
    let before = links(&product).sign_in(LinkedAs::ServiceUser).await.unwrap();
    let linked = link(&product, LinkRole::ServiceUser, BOB).await;
    assert_eq!(linked.replaced, Some(ann.person.id));
    assert_eq!(sealed(&product).await, 1);
    assert_eq!(sees(&product, LinkedAs::ServiceUser).await.unwrap(), ["Web"]);
    // Whoever holds the former identity gets nothing new in the name of either.
    let error = before.tokens().token(&product.azure.cloud().devops_scope()).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::NotFound, Some("link")));
    // The same person again is no other.
    assert_eq!(link(&product, LinkRole::ServiceUser, BOB).await.replaced, None);
    assert_eq!(sealed(&product).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_fails_leaves_the_former_one_as_it_was() {
    let product = product();
    let ann = link(&product, LinkRole::ServiceUser, ANN).await.account;
    let error = try_link(&product, LinkRole::ServiceUser, &Conduct::of(BOB).declining()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
    assert_eq!(links(&product).get(LinkedAs::ServiceUser).await.unwrap().unwrap().value, ann);
    assert_eq!(sealed(&product).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_sign_in_and_a_replayed_one_link_nobody() {
    let product = product();
    let links = links(&product);
    let (address, first) = links.begin(LinkRole::Personal, &SignInOptions::new()).unwrap();
    let (_, second) = links.begin(LinkRole::Personal, &SignInOptions::new()).unwrap();
    let answer = visited(&product, &address, &Conduct::of(ANN)).await;
    let again = PendingLink::from_secret(&first.to_secret()).unwrap();
    assert_eq!(links.finish(second, &answer).await.unwrap_err().field(), Some("answer"));
    links.finish(first, &answer).await.unwrap();
    let error = links.finish(again, &answer).await.unwrap_err();
    assert_eq!(error.service_code(), Some("AADSTS54005"), "{error:?}");
    assert_eq!(sealed(&product).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_check_says_whether_the_account_still_works_and_who_has_to_act() {
    let product = product();
    let links = links(&product);
    let bob = LinkedAs::Person(link(&product, LinkRole::Personal, BOB).await.account.person.id);
    assert_eq!(code(&links.check(bob).await.unwrap()), "linked");
    product.emulator.person().disable_user(BOB).unwrap();
    let report = links.check(bob).await.unwrap();
    assert_eq!((code(&report), report.is_clear()), ("blocked", false));
    product.emulator.person().enable_user(BOB).unwrap();
    product.emulator.person().revoke_sign_ins(BOB).unwrap();
    let report = links.check(bob).await.unwrap();
    let check = report.iter().next().unwrap();
    assert_eq!((check.code.as_ref(), check.status), ("must-link-again", CheckStatus::Failed));
    assert!(check.remedy.contains("link the account again"), "{check}");
    // It is noted, so that a page shows it without asking.
    let noted = links.get(bob).await.unwrap().unwrap().value.checked.unwrap();
    assert_eq!((code(&noted.report), noted.at), ("must-link-again", product.clock.now()));
    link(&product, LinkRole::Personal, BOB).await;
    assert_eq!(code(&links.check(bob).await.unwrap()), "linked");
    assert!(links.check(LinkedAs::ServiceUser).await.is_err(), "nobody is linked so");
}

#[tokio::test(start_paused = true)]
async fn while_entra_id_is_away_nobody_is_told_to_link_again() {
    use azconnect_emulator::{Fault, FaultAction, Service};
    let product = product();
    link(&product, LinkRole::ServiceUser, ANN).await;
    product.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_service(Service::Login).forever());
    let report = links(&product).check(LinkedAs::ServiceUser).await.unwrap();
    let check = report.iter().next().unwrap();
    assert_eq!((check.code.as_ref(), check.status), ("not-known", CheckStatus::Unknown));
}

#[tokio::test(start_paused = true)]
async fn an_unlinked_account_gives_no_token_and_leaves_nothing() {
    let product = product();
    let links = links(&product);
    link(&product, LinkRole::ServiceUser, ANN).await;
    let bob = LinkedAs::Person(link(&product, LinkRole::Personal, BOB).await.account.person.id);
    let held = links.sign_in(bob).await.unwrap();
    links.unlink(bob).await.unwrap();
    links.unlink(bob).await.unwrap();
    let scope = product.azure.cloud().devops_scope();
    assert_eq!(held.tokens().token(&scope).await.unwrap_err().field(), Some("link"));
    assert!(links.get(bob).await.unwrap().is_none());
    assert_eq!(sealed(&product).await, 1, "the service user's");
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn whether_an_account_fits_an_organization_is_told_at_once_with_the_remedies() {
    let product = product();
    let bob = LinkedAs::Person(link(&product, LinkRole::Personal, BOB).await.account.person.id);
    let bob = links(&product).sign_in(bob).await.unwrap();
    let fit = bob.fit(&FitRequest::new("contoso").with_project("Web").with_repository("Web/Web")).await;
    assert!(fit.is_clear(), "{fit:?}");
    let fit =
        bob.fit(&FitRequest::new("contoso").with_project("Web").with_project("Secret").with_repository("gone")).await;
    let failed: Vec<(&str, &str)> = fit.failures().map(|check| (check.code.as_ref(), check.subject.as_ref())).collect();
    assert_eq!(failed, [("project-not-seen", "project Secret"), ("repository-not-seen", "repository gone")]);
    assert!(fit.failures().all(|check| check.remedy.contains("ask an Azure DevOps administrator")), "{fit:?}");
    // The case counts, and a slip is told with what it may have meant.
    let fit = bob.fit(&FitRequest::new("Contoso")).await;
    assert_eq!(fit.failures().next().unwrap().code, "organization-case");
    assert!(fit.failures().next().unwrap().remedy.contains("contoso"));
    let fit = bob.fit(&FitRequest::new("contosso")).await;
    assert!(fit.failures().next().unwrap().remedy.contains("did you mean contoso?"), "{fit:?}");
    let fit = bob.fit(&FitRequest::new("a/b")).await;
    assert_eq!((code(&fit), fit.len()), ("organization-name", 1));
    // An organization of another tenant shows itself empty to these tokens, so it is not even entered.
    let fit = bob.fit(&FitRequest::new("fabrikam").with_project("Shop")).await;
    let failed: Vec<&str> = fit.failures().map(|check| check.code.as_ref()).collect();
    assert_eq!(failed, ["organization-not-found", "organization-of-another-tenant"]);
    assert!(fit.iter().all(|check| !check.code.starts_with("project")), "{fit:?}");
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_exchanged_opens_nobody_else_s_token() {
    let product = product();
    let ann = link(&product, LinkRole::ServiceUser, ANN).await.account;
    let bob = link(&product, LinkRole::Personal, BOB).await.account;
    let records = azconnect::credential::Records::new(product.storage.documents());
    let mut exchanged = links(&product).get(LinkedAs::ServiceUser).await.unwrap().unwrap();
    exchanged.value.link = bob.link.clone();
    records.replace(&exchanged.value, exchanged.revision).await.unwrap();
    // The service user's record names Bob's link: that is somebody else's, whoever wrote it.
    let error = sees(&product, LinkedAs::ServiceUser).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    assert_eq!(ann.role, LinkRole::ServiceUser);
    // Linking again mends it, as the error says, and Bob's account stays as it was.
    let linked = link(&product, LinkRole::ServiceUser, ANN).await;
    assert_eq!(linked.replaced, None, "who was linked is not known by such a record");
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
    let bob_as = bob.linked_as();
    assert_eq!(sees(&product, bob_as).await.unwrap(), ["Web"]);
    // So does an unlink.
    let mut exchanged = links(&product).get(LinkedAs::ServiceUser).await.unwrap().unwrap();
    exchanged.value.link = bob.link;
    records.replace(&exchanged.value, exchanged.revision).await.unwrap();
    links(&product).unlink(LinkedAs::ServiceUser).await.unwrap();
    assert!(links(&product).get(LinkedAs::ServiceUser).await.unwrap().is_none());
    assert_eq!(sees(&product, bob_as).await.unwrap(), ["Web"]);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_forgets_what_no_account_names_and_nothing_else() {
    let product = product();
    let links = links(&product);
    link(&product, LinkRole::ServiceUser, ANN).await;
    let orphan = "service-user/018f0000-0000-7000-8000-000000000001".parse().unwrap();
    links.refresh_tokens().store(&orphan, &Secret::new("left behind"), None).await.unwrap();
    product.clock.sleep(Duration::from_secs(86_400)).await;
    let swept = links.sweep(Duration::from_secs(3600)).await.unwrap();
    assert_eq!((swept.forgotten.len(), sealed(&product).await), (1, 1));
    assert!(!sees(&product, LinkedAs::ServiceUser).await.unwrap().is_empty());
    assert_eq!(links.sweep(Duration::from_secs(60)).await.unwrap_err().field(), Some("age"));
}

#[tokio::test(start_paused = true)]
async fn no_token_is_shown_or_logged() {
    let canary = Canary::new();
    canary.watch(&Secret::new(APPLICATION_SECRET));
    let ears = canary.listen();
    let product = product();
    let linked = link(&product, LinkRole::ServiceUser, ANN).await;
    let links = links(&product);
    let kept = links.refresh_tokens().load(&linked.account.link).await.unwrap().unwrap();
    canary.watch(&kept.token);
    let identity = links.sign_in(LinkedAs::ServiceUser).await.unwrap();
    let token = identity.tokens().token(&product.azure.cloud().devops_scope()).await.unwrap();
    canary.watch(&token.secret);
    let mut shown = format!("{linked:?} {links:?} {identity:?} {kept:?}");
    shown += &format!("{:?}", links.check(LinkedAs::ServiceUser).await);
    product.emulator.person().revoke_sign_ins(ANN).unwrap();
    shown += &serde_json::to_string(&links.check(LinkedAs::ServiceUser).await.unwrap()).unwrap();
    for records in ["linked-accounts", "refresh-tokens"] {
        let query = DocumentQuery::new(records.parse().unwrap());
        for found in product.documents.list(&query).await.unwrap().documents {
            shown += &found.document.text;
        }
    }
    drop(ears);
    canary.assert_absent("what was shown or kept in the open", shown.as_bytes());
    canary.assert_absent_from_logs();
}

fn person(object: &str) -> PersonId {
    PersonId::new(CONTOSO.parse().unwrap(), object.parse().unwrap())
}

#[test]
fn people_are_told_apart_by_tenant_and_object() {
    let one = person("10000000-0000-4000-8000-000000000001");
    assert_ne!(LinkedAs::Person(one), LinkedAs::Person(person("10000000-0000-4000-8000-000000000002")));
    assert_ne!(LinkedAs::Person(one).to_string(), LinkedAs::ServiceUser.to_string());
}

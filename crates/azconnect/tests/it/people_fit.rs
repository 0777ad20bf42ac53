//! Whether a linked account fits an organization, where something is not as it should be.

use std::sync::Arc;

use async_trait::async_trait;
use azconnect::core::{Error, Scope};
use azconnect::credential::{CheckReport, CheckStatus, LinkRole, LinkedAs};
use azconnect::http::{Request, Response, Transport};
use azconnect::identity::Authority;
use azconnect::{AccountLinks, Azure, FitRequest, LinkedIdentity};
use azconnect_emulator::{CannedAnswer, Conduct, Fault, FaultAction, Service};
use serde_json::{Value, json};

use crate::people::{APPLICATION_SECRET, BOB, PORTAL, application, code, link, link_by, links, product, product_with};
use crate::product::{Product, contoso};

const WEB: &str = "d0000000-0000-4000-8000-000000000001";
const PAYMENTS: &str = "d0000000-0000-4000-8000-000000000002";

/// Bob's account, linked and signed in.
async fn bob(product: &Product) -> LinkedIdentity {
    let bob = link(product, LinkRole::Personal, BOB).await.account.linked_as();
    links(product).sign_in(bob).await.unwrap()
}

async fn only_person(product: &Product) -> LinkedAs {
    let listed = links(product).list(&azconnect::credential::RecordQuery::new()).await.unwrap();
    listed.records.first().unwrap().value.linked_as()
}

fn answering(status: u16, body: Value) -> Fault {
    Fault::new(FaultAction::Answer(CannedAnswer::new(status).with_body(body))).forever()
}

/// A refusal of the login, as Entra ID words it.
fn refusing(number: u32, suberror: &str) -> Fault {
    let body = json!({"error": "invalid_grant", "suberror": suberror, "error_codes": [number],
        "error_description": format!("AADSTS{number}: No.")});
    answering(400, body).with_service(Service::Login).with_path("/token")
}

fn faulty(product: &Product, fault: Fault) {
    product.emulator.faults().add(fault);
}

fn codes(report: &CheckReport) -> Vec<(&str, CheckStatus)> {
    report.iter().map(|check| (check.code.as_str(), check.status)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_link_that_gives_no_token_is_told_as_that_and_not_as_an_organization_that_lets_nobody_in() {
    type Deed = fn(&Product);
    let cases: [(Deed, &str, &str); 6] = [
        (|at| at.emulator.person().revoke_sign_ins(BOB).unwrap(), "must-link-again", "revoked"),
        (
            |at| at.emulator.person().withdraw_consent(PORTAL.parse().unwrap()).unwrap(),
            "must-link-again",
            "consent_missing",
        ),
        (|at| faulty(at, refusing(90_094, "consent_required")), "blocked", "admin_consent_missing"),
        (|at| faulty(at, refusing(50_105, "")), "blocked", "access_denied"),
        (|at| faulty(at, refusing(53_003, "")), "blocked", "blocked_by_policy"),
        (|at| at.emulator.person().disable_user(BOB).unwrap(), "blocked", "disabled"),
    ];
    for (deed, wanted, obstacle) in cases {
        let product = product();
        let bob = bob(&product).await;
        deed(&product);
        let fit = bob.fit(&FitRequest::new("contoso").with_project("Web")).await;
        assert_eq!(codes(&fit), [(wanted, CheckStatus::Failed)], "{obstacle}: {fit:?}");
        let checked = links(&product).check(only_person(&product).await).await.unwrap();
        for report in [&fit, &checked] {
            let check = report.iter().next().unwrap();
            assert_eq!(check.code, wanted, "{check}");
            assert!(check.cause.starts_with(obstacle), "{obstacle}: {check}");
        }
        assert_eq!(fit.iter().next().unwrap().remedy, checked.iter().next().unwrap().remedy);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_ends_while_azure_devops_is_asked_is_told_as_that() {
    let product = product();
    let bob = bob(&product).await;
    bob.tokens().token(&product.azure.cloud().devops_scope()).await.unwrap();
    product.emulator.person().revoke_sign_ins(BOB).unwrap();
    // The token that is held is refused, so that the login is asked for another.
    product.emulator.faults().add(answering(401, json!({})).with_service(Service::DevOpsProfile));
    let fit = bob.fit(&FitRequest::new("contoso")).await;
    assert!(fit.of("not-let-in").is_none(), "{fit:?}");
    assert_eq!(fit.of("must-link-again").unwrap().status, CheckStatus::Failed, "{fit:?}");
}

#[tokio::test(start_paused = true)]
async fn the_product_s_own_secret_that_has_ended_is_no_fault_of_the_person() {
    let secret = "the-secret-of-last-year";
    let product = product_with(|seed| {
        let ended = json!({"secret": secret, "startsInDays": -365, "endsInDays": -1});
        let applications = seed["tenants"][0]["applications"].as_array_mut().unwrap();
        applications.last_mut().unwrap()["passwords"].as_array_mut().unwrap().push(ended);
    });
    let which = link(&product, LinkRole::Personal, BOB).await.account.linked_as();
    let authority = Authority::of_tenant(product.azure.cloud(), contoso());
    let ended = application(&product, secret).with_authority(authority);
    let links = product.azure.account_links(&product.storage, ended).unwrap();
    let fit = links.sign_in(which).await.unwrap().fit(&FitRequest::new("contoso")).await;
    assert_eq!(codes(&fit), [("not-known", CheckStatus::Unknown)], "{fit:?}");
    let check = fit.iter().next().unwrap();
    assert!(check.remedy.contains("secret") && !check.remedy.contains("add the person"), "{check}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_could_not_be_looked_up_is_unknown_and_no_mere_warning() {
    let product = product();
    let bob = bob(&product).await;
    product.emulator.faults().add(answering(401, json!({})).with_service(Service::DevOpsProfile));
    let fit = bob.fit(&FitRequest::new("Contoso").with_project("Web")).await;
    let found = fit.of("organization-found").unwrap();
    assert_eq!((found.status, found.is_advisory), (CheckStatus::Unknown, false), "{fit:?}");
}

#[tokio::test(start_paused = true)]
async fn in_an_organization_of_an_unknown_tenant_what_is_not_seen_is_unknown() {
    let product = product();
    let bob = bob(&product).await;
    // The second question for the tenant is answered without one; the first is part of the search for the name.
    let request = FitRequest::new("contoso").with_project("Secret").with_repository("gone").with_project("Web");
    let unsaid = Fault::new(FaultAction::Answer(CannedAnswer::new(401))).with_path("/_apis/connectionData").with_nth(2);
    product.emulator.faults().add(unsaid);
    let fit = bob.fit(&request).await;
    let wanted = [
        ("organization-found", CheckStatus::Passed),
        ("organization-tenant", CheckStatus::Unknown),
        ("let-in", CheckStatus::Passed),
        ("project-not-seen", CheckStatus::Unknown),
        ("project-seen", CheckStatus::Passed),
        ("repository-not-seen", CheckStatus::Unknown),
    ];
    assert_eq!(codes(&fit), wanted, "{fit:?}");
    assert!(fit.iter().all(|check| !check.is_advisory), "{fit:?}");
}

/// What the person sees of the repositories, in the words of Azure DevOps: project, name, and whether it is disabled.
fn repositories(product: &Product, seen: &[(&str, &str, bool)]) {
    product.emulator.faults().clear();
    let shown = |(at, (project, name, is_disabled)): (usize, &(&str, &str, bool))| {
        let project_id = if *project == "Web" { WEB } else { PAYMENTS };
        json!({"id": format!("e0000000-0000-4000-8000-00000000000{at}"), "name": name, "isDisabled": is_disabled,
            "project": {"id": project_id, "name": project}})
    };
    let value: Vec<Value> = seen.iter().enumerate().map(shown).collect();
    let body = json!({"count": value.len(), "value": value});
    product.emulator.faults().add(answering(200, body).with_path("/_apis/git/repositories"));
}

#[tokio::test(start_paused = true)]
async fn a_repository_is_looked_for_in_the_projects_that_are_named() {
    let product = product_with(|seed| seed["organizations"][0]["projects"][0]["id"] = json!(WEB));
    let bob = bob(&product).await;
    let of = async |seen: &[(&str, &str, bool)], request: FitRequest| {
        repositories(&product, seen);
        let fit = bob.fit(&request).await;
        let check = fit.iter().find(|check| check.code.starts_with("repository")).unwrap().clone();
        (check.code.clone(), check)
    };
    let web = || FitRequest::new("contoso").with_project("Web");
    // Of the same name, and in another project.
    let (code, check) = of(&[("Payments", "app", false)], web().with_repository("app")).await;
    assert_eq!(code, "repository-not-seen", "{check}");
    assert!(check.remedy.contains("Payments/app"), "{check}");
    let by_id = FitRequest::new("contoso").with_project(WEB);
    assert_eq!(of(&[("Payments", "app", false)], by_id.clone().with_repository("app")).await.0, "repository-not-seen");
    assert_eq!(of(&[("Web", "app", false)], by_id.with_repository("APP")).await.0, "repository-seen");
    // Named with its project, or by its id, it may be anywhere.
    for named in ["payments/app", "e0000000-0000-4000-8000-000000000000"] {
        assert_eq!(
            of(&[("Payments", "app", false)], web().with_repository(named)).await.0,
            "repository-seen",
            "{named}"
        );
    }
    // Disabled where it is wanted, whatever has its name elsewhere.
    let both = [("Web", "app", true), ("Payments", "app", false)];
    let (code, check) = of(&both, web().with_repository("app")).await;
    assert_eq!((code.as_str(), check.status), ("repository-disabled", CheckStatus::Failed), "{check}");
    assert_eq!(of(&both, web().with_repository("Web/app")).await.0, "repository-disabled");
    assert_eq!(of(&both, web().with_repository("Payments/app")).await.0, "repository-seen");
    // Of several nobody can say which is meant.
    let both = [("Web", "app", false), ("Payments", "app", false)];
    let (code, check) = of(&both, FitRequest::new("contoso").with_repository("app")).await;
    assert_eq!((code.as_str(), check.status), ("repository-ambiguous", CheckStatus::Failed), "{check}");
    assert!(check.remedy.contains("Web/app") && check.remedy.contains("Payments/app"), "{check}");
    assert_eq!(of(&both, web().with_repository("app")).await.0, "repository-seen");
}

#[tokio::test(start_paused = true)]
async fn an_organization_of_personal_accounts_is_told_as_that() {
    let product = product_with(|seed| {
        seed["organizations"].as_array_mut().unwrap().push(json!({"name": "hobby", "projects": [{"name": "Home"}]}));
    });
    let bob = bob(&product).await;
    let fit = bob.fit(&FitRequest::new("hobby").with_project("Home")).await;
    let check = fit.of("organization-of-personal-accounts").unwrap();
    assert_eq!(check.status, CheckStatus::Failed, "{check}");
    assert!(check.remedy.contains("connect the organization to a tenant"), "{check}");
    assert!(fit.of("project-not-seen").is_none(), "it is not even entered: {fit:?}");
}

/// A network whose login grants less than it is asked for.
struct Stingy(Arc<dyn Transport>);

#[async_trait]
impl Transport for Stingy {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let is_token = request.uri().path().ends_with("/token");
        let (parts, body) = self.0.send(request).await?.into_parts();
        let mut body = body;
        if is_token && let Ok(mut answer) = serde_json::from_slice::<Value>(&body) {
            if let Some(scope) = answer["scope"].as_str() {
                let granted = scope.split(' ').filter(|word| !word.ends_with("vso.code")).collect::<Vec<_>>().join(" ");
                answer["scope"] = json!(granted);
            }
            body = answer.to_string().into();
        }
        Ok(Response::from_parts(parts, body))
    }
}

fn with_permissions(product: &Product, azure: &Azure) -> AccountLinks {
    let devops = azure.cloud().devops_scope();
    let scope = Scope::delegated(devops.resource(), ["vso.project", "vso.code"]).unwrap();
    let authority = Authority::of_tenant(azure.cloud(), contoso());
    let asked = application(product, APPLICATION_SECRET).with_authority(authority).with_scope(scope);
    azure.account_links(&product.storage, asked).unwrap()
}

#[tokio::test(start_paused = true)]
async fn permissions_that_were_not_granted_are_a_warning_of_each_check() {
    let product = product();
    let stingy = Arc::new(Stingy(product.emulator.transport()));
    let azure = Azure::new(product.emulator.cloud(), stingy, product.clock.clone());
    let links = with_permissions(&product, &azure);
    let linked = link_by(&product, &links, LinkRole::Personal, &Conduct::of(BOB)).await.unwrap();
    assert!(linked.account.missing.iter().any(|one| one.ends_with("vso.code")), "{:?}", linked.account.missing);
    let report = links.check(linked.account.linked_as()).await.unwrap();
    assert_eq!(code(&report), "linked");
    let missing = report.of("permissions-missing").unwrap();
    assert!(missing.is_advisory && missing.cause.contains("vso.code"), "{missing}");
    assert!(missing.remedy.contains("admin consent"), "{missing}");
    assert!(report.is_clear());
    // Whoever got all is told nothing.
    let all = with_permissions(&product, &product.azure);
    let linked = link_by(&product, &all, LinkRole::Personal, &Conduct::of(BOB)).await.unwrap();
    assert!(all.check(linked.account.linked_as()).await.unwrap().of("permissions-missing").is_none());
}

//! The consent of an administrator, for everybody, and what others meet where one is needed.

use azconnect_emulator::{Conduct, Settings};
use serde_json::json;

use crate::harness::{GRAPH_SCOPE, TENANT, Way};
use crate::signing_in::*;

fn address(at: &SignIn, path: &str, more: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", PORTAL),
        ("redirect_uri", BACK),
        ("state", "s1"),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    at.address(path, &kept.chain(more.iter().copied()).filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>())
}

async fn an_administrator_consents_for_everybody(way: Way) {
    let at = SignIn::new(way).await;
    let silent = at.authorize(TENANT, &[("prompt", "none"), ("scope", "openid User.Read")]);
    let landing = at.visit(&address(&at, "organizations/v2.0/adminconsent", &[]), &Conduct::of(ROOT)).await;
    assert_eq!(landing.field("admin_consent").as_deref(), Some("True"));
    assert_eq!(landing.field("tenant").as_deref(), Some(TENANT));
    assert_eq!((landing.field("state").as_deref(), landing.field("error")), (Some("s1"), None));
    assert_eq!(landing.field("scope").as_deref(), Some("https://graph.microsoft.com/.default"));
    // Nobody else is asked again.
    let other = at.stranger();
    other
        .visit(&at.authorize(TENANT, &[("scope", "openid User.Read")]), &Conduct::of(ADA).declining())
        .await
        .unwrap()
        .field("code")
        .unwrap();
    assert!(other.visit(&silent, &Conduct::of(ADA)).await.unwrap().field("code").is_some());
    // The application itself has the roles that it was registered with.
    let fields = [("grant_type", "client_credentials"), ("scope", GRAPH_SCOPE)];
    let body = at.tokens(TENANT, &fields).await.expect(200);
    let users = at.harness.graph("GET", "/users").bearer(body["access_token"].as_str().unwrap()).send().await;
    assert_eq!(users.expect(200)["value"].as_array().unwrap().len(), 3);
}

/// A refusal says `admin_consent=True` as well, and names no tenant: only `error` tells it from a consent.
async fn a_refusal_also_says_admin_consent(way: Way) {
    let at = SignIn::new(way).await;
    let asked = address(&at, &format!("{TENANT}/v2.0/adminconsent"), &[]);
    for conduct in [Conduct::of(ROOT).declining(), Conduct::of(ADA)] {
        let landing = at.stranger().visit(&asked, &conduct).await.unwrap();
        assert_eq!(told(&landing), ("access_denied".to_owned(), 65004), "{conduct:?}");
        assert_eq!((landing.field("admin_consent").as_deref(), landing.field("tenant")), (Some("True"), None));
        assert_eq!(landing.field("state").as_deref(), Some("s1"));
    }
    let token = at.harness.token(GRAPH_SCOPE).await;
    let grants = at.harness.graph("GET", "/oauth2PermissionGrants").bearer(&token).send().await.expect(200);
    assert_eq!(grants["value"], json!([]));
}

async fn what_cannot_be_asked_is_told_to_the_person(way: Way) {
    let at = SignIn::new(way).await;
    for (path, more, number) in [
        ("common/v2.0/adminconsent", ("state", "x"), 90023),
        ("organizations/v2.0/adminconsent", ("redirect_uri", "https://evil.example/"), 50011),
        ("organizations/v2.0/adminconsent", ("redirect_uri", ""), 900_144),
    ] {
        let (page, text) = shown(&at.visit(&address(&at, path, &[more]), &Conduct::of(ROOT)).await);
        assert!(page == "error" && text.starts_with(&format!("AADSTS{number}: ")), "{path}: {text}");
    }
    // The older address takes no scope.
    let landing =
        at.visit(&address(&at, &format!("{TENANT}/adminconsent"), &[("scope", "")]), &Conduct::of(ROOT)).await;
    assert_eq!(landing.field("tenant").as_deref(), Some(TENANT));
}

/// Where people may not consent, they come back without a word of why.
async fn whoever_needs_an_administrator_comes_back_with_cancel(way: Way) {
    let mut seed = seed();
    seed["tenants"][0]["userConsent"] = json!(false);
    let at = SignIn::with(way, Settings::default(), &seed).await;
    let landing = at.visit(&at.authorize(TENANT, &[]), &Conduct::of(ADA)).await;
    assert_eq!(landing.field("error").as_deref(), Some("access_denied"));
    assert_eq!(landing.field("error_subcode").as_deref(), Some("cancel"));
    assert_eq!((landing.field("error_description"), landing.field("state").as_deref()), (None, Some("st&te=1")));
    let silent = at.visit(&at.authorize(TENANT, &[("prompt", "none")]), &Conduct::of(ADA)).await;
    assert_eq!(told(&silent), ("consent_required".to_owned(), 90094));
    let device = [("scope", "User.Read.All")];
    assert_eq!(
        at.visit(&at.authorize(TENANT, &device), &Conduct::of(ADA)).await.field("error_subcode").as_deref(),
        Some("cancel")
    );
    // An administrator who signs in may consent for all of them at once.
    let root = Conduct::of(ROOT).for_organization();
    at.stranger().visit(&at.authorize(TENANT, &[]), &root).await.unwrap().field("code").unwrap();
    assert!(at.visit(&at.authorize(TENANT, &[]), &Conduct::of(ADA)).await.field("code").is_some());
}

/// In a tenant that has never heard of an application, the first consent brings it there.
async fn a_consent_brings_the_application_into_the_tenant(way: Way) {
    let at = SignIn::new(way).await;
    let fields = [("grant_type", "client_credentials"), ("scope", GRAPH_SCOPE)];
    assert_eq!(refused(&at.tokens(FABRIKAM, &fields).await).0, 700_016);
    at.visit(&at.authorize(FABRIKAM, &[]), &Conduct::of(MALLORY)).await.field("code").unwrap();
    at.tokens(FABRIKAM, &fields).await.expect(200);
}

mod both {
    crate::both_ways! {
        an_administrator_consents_for_everybody
        a_refusal_also_says_admin_consent
        what_cannot_be_asked_is_told_to_the_person
        whoever_needs_an_administrator_comes_back_with_cancel
        a_consent_brings_the_application_into_the_tenant
    }
}

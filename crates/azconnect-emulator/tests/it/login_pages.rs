//! The pages of the sign-in: whose forms are taken, what the cookie is like, and what no page lets through.

use azconnect_emulator::{Conduct, Service};

use crate::harness::{GRAPH_SCOPE, Reply, TENANT, Way};
use crate::signing_in::*;

/// The page that begins a sign-in, with its cookie.
async fn page(at: &SignIn, more: &[(&str, &str)]) -> (Reply, String) {
    let reply = at.harness.ask(Service::Login, "GET", &at.authorize(TENANT, more)).send().await;
    let cookie = reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    (reply, cookie)
}

fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// A form of another site comes without the cookie, and knows nothing of the value that the page carries.
async fn a_form_that_is_not_the_browser_s_own_is_refused(way: Way) {
    let at = SignIn::new(way).await;
    let (reply, cookie) = page(&at, &[]).await;
    let (flow, canary) = (hidden(&reply.text, "flow"), hidden(&reply.text, "canary"));
    let (_, other) = page(&at, &[]).await;
    let post = async |cookie: &str, flow: &str, canary: &str| {
        let fields = [("flow", flow), ("canary", canary), ("page", "email"), ("email", ADA), ("action", "next")];
        let ask = at.harness.ask(Service::Login, "POST", &at.authorize(TENANT, &[])).form(&fields);
        ask.header("cookie", cookie).send().await
    };
    for (cookie, flow, canary) in [
        ("", &*flow, &*canary),
        (&*other, &*flow, &*canary),
        (&*cookie, &*flow, "guess"),
        (&*cookie, &*flow, ""),
        (&*cookie, "guess", &*canary),
    ] {
        let reply = post(cookie, flow, canary).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text.contains("AADSTS165000"), "{}", reply.text);
    }
    let reply = post(&cookie, &flow, &canary).await;
    assert!(reply.status == 200 && reply.text.contains("data-page=\"consent\""), "{}", reply.text);
}

/// The page that says whose consent is needed carries what a form needs; what it does not offer cannot be posted.
async fn a_consent_that_no_page_offers_is_none(way: Way) {
    let at = SignIn::new(way).await;
    let queries = [
        at.authorize(TENANT, &[("scope", "openid User.Read.All")]),
        at.authorize(TENANT, &[]),
        at.address(
            &format!("{TENANT}/v2.0/adminconsent"),
            &[("client_id", PORTAL), ("redirect_uri", BACK), ("scope", "https://graph.microsoft.com/.default")],
        ),
    ];
    for address in queries {
        let reply = at.harness.ask(Service::Login, "GET", &address).send().await;
        let cookie = reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        let (flow, canary) = (hidden(&reply.text, "flow"), hidden(&reply.text, "canary"));
        let post = async |fields: &[(&str, &str)]| {
            let all = [&[("flow", &*flow), ("canary", &*canary)], fields].concat();
            at.harness.ask(Service::Login, "POST", &address).form(&all).header("cookie", &cookie).send().await
        };
        post(&[("page", "email"), ("email", ADA), ("action", "next")]).await;
        let all = post(&[("page", "consent"), ("action", "accept"), ("for-organization", "true")]).await;
        assert!(all.status == 200 && all.text.contains("data-page="), "{address}: {}", all.text);
    }
    let token = at.harness.token(GRAPH_SCOPE).await;
    let grants = at.harness.graph("GET", "/oauth2PermissionGrants").bearer(&token).send().await.expect(200);
    assert_eq!(grants["value"], serde_json::json!([]));
}

async fn the_cookie_is_out_of_reach_of_scripts_and_of_other_sites_forms(way: Way) {
    let at = SignIn::new(way).await;
    let (reply, _) = page(&at, &[]).await;
    let cookie = reply.header("set-cookie");
    assert!(cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax"), "{cookie}");
    assert_eq!(cookie.contains("; Secure"), way == Way::InProcess, "over HTTPS only: {cookie}");
    let policy = reply.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(reply.header("cache-control"), "no-store, no-cache");
    // A silent request leaves none.
    assert_eq!(page(&at, &[("prompt", "none")]).await.0.header("set-cookie"), "");
}

/// Names that come from requests and registrations are text on a page, and nothing else.
async fn no_name_becomes_markup(way: Way) {
    let mut seed = seed();
    seed["tenants"][0]["applications"][2]["displayName"] = "<script>alert(1)</script>\"'&".into();
    let at = SignIn::with(way, azconnect_emulator::Settings::default(), &seed).await;
    let evil = "\"><script>alert(2)</script>";
    let (reply, _) = page(&at, &[("login_hint", evil), ("state", evil)]).await;
    assert!(!reply.text.contains("<script"), "{}", reply.text);
    let (reply, _) = page(&at, &[("redirect_uri", evil)]).await;
    assert!(reply.text.contains("AADSTS50011") && !reply.text.contains("<script"), "{}", reply.text);
    let address = at.authorize(TENANT, &[("response_mode", "form_post"), ("state", "\"&'")]);
    let landing = at.visit(&address, &Conduct::of(ADA)).await;
    assert_eq!(landing.field("state").as_deref(), Some("\"&'"));
}

/// The one script of all pages posts the answer, and the policy names it by its hash.
#[tokio::test]
async fn only_the_script_that_posts_the_answer_may_run() {
    use aws_lc_rs::digest::{SHA256, digest};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let at = SignIn::new(Way::InProcess).await;
    at.code(TENANT, &[]).await;
    let silent = at.authorize(TENANT, &[("prompt", "none"), ("response_mode", "form_post")]);
    let reply = at.harness.ask(Service::Login, "GET", &silent).send().await;
    let (_, script) = reply.text.split_once("<script>").unwrap();
    let script = script.split("</script>").next().unwrap();
    let hash = STANDARD.encode(digest(&SHA256, script.as_bytes()));
    assert!(reply.header("content-security-policy").contains(&format!("'sha256-{hash}'")), "{reply:?}");
}

/// Logging out ends the browser's sign-in, and leads on only to an address that some application has registered.
async fn logging_out_ends_the_sign_in_of_the_browser(way: Way) {
    let at = SignIn::new(way).await;
    at.code(TENANT, &[]).await;
    let path = format!("{TENANT}/oauth2/v2.0/logout");
    let evil =
        at.visit(&at.address(&path, &[("post_logout_redirect_uri", "https://evil.example/")]), &Conduct::of(ADA)).await;
    assert_eq!(shown(&evil).0, "signed-out");
    let silent = at.authorize(TENANT, &[("prompt", "none")]);
    assert_eq!(told(&at.visit(&silent, &Conduct::of(ADA)).await).0, "login_required");
    let back = [("post_logout_redirect_uri", BACK), ("state", "s1")];
    let landing = at.visit(&at.address(&path, &back), &Conduct::of(ADA)).await;
    assert_eq!(landing.field("state").as_deref(), Some("s1"));
}

/// A page of another site can send a browser here, and post nothing; only token requests may come from elsewhere, as those of
/// single-page applications do, and the answer is for the origins that are registered.
#[tokio::test]
async fn a_page_of_another_origin_posts_no_form_of_the_sign_in() {
    let at = SignIn::new(Way::Http).await;
    let own = at.harness.origin(Service::Login);
    for (origin, status) in [("https://evil.example", 403), ("null", 403), (own.as_str(), 400)] {
        let ask = at.harness.ask(Service::Login, "POST", &at.authorize(TENANT, &[])).form(&[("page", "email")]);
        assert_eq!(ask.header("origin", origin).send().await.status, status, "{origin}");
        let fields = [("client_id", DESKTOP), ("scope", "openid")];
        let ask = at.harness.ask(Service::Login, "POST", &format!("/{TENANT}/oauth2/v2.0/devicecode")).form(&fields);
        assert_eq!(ask.header("origin", origin).send().await.status == 403, status == 403, "{origin}");
    }
    let request = at.token_request(
        TENANT,
        &[("grant_type", "authorization_code"), ("client_id", PAGE), ("code", "x"), ("redirect_uri", PAGE_BACK)],
    );
    let reply = request.clone().header("origin", "https://evil.example").send().await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (400, ""));
    let reply = request.header("origin", "https://page.example").send().await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (400, "https://page.example"));
}

mod both {
    crate::both_ways! {
        a_form_that_is_not_the_browser_s_own_is_refused
        a_consent_that_no_page_offers_is_none
        the_cookie_is_out_of_reach_of_scripts_and_of_other_sites_forms
        no_name_becomes_markup
        logging_out_ends_the_sign_in_of_the_browser
    }
}

//! The request that sends a person's browser to the sign-in, and how it comes back.

use azconnect_core::Secret;
use azconnect_emulator::{Conduct, Landing, Service};

use crate::harness::{DEPLOYER, TENANT, Way};
use crate::signing_in::*;

async fn a_person_signs_in_and_the_browser_comes_back_with_a_code(way: Way) {
    let at = SignIn::new(way).await;
    let landing = at.visit(&at.authorize(TENANT, &[]), &Conduct::of(ADA)).await;
    let Landing::Redirected(url) = &landing else { panic!("{landing:?}") };
    assert!(url.as_str().starts_with(&format!("{BACK}?code=")), "{url}");
    assert_eq!(landing.field("state").as_deref(), Some("st&te=1"));
    assert!(landing.field("session_state").is_some());
}

/// Without a redirect address that was registered, nobody but the person may hear of a refusal.
async fn an_untrusted_redirect_address_gets_a_page_and_no_redirect(way: Way) {
    let at = SignIn::new(way).await;
    let nobody = "99999999-0000-4000-8000-000000000000";
    for (more, tenant, number) in [
        (("redirect_uri", "https://portal.example/other"), TENANT, 50011),
        (("redirect_uri", "https://portal.example/Signed-In"), TENANT, 50011),
        (("redirect_uri", "https://portal.example/signed-in/"), TENANT, 50011),
        (("redirect_uri", "https://portal.example/signed-in?a=b"), TENANT, 50011),
        (("redirect_uri", "https://evil.example/"), TENANT, 50011),
        (("client_id", nobody), TENANT, 700_016),
        (("client_id", ""), TENANT, 900_144),
        (("client_id", DEPLOYER), TENANT, 500_113),
        (("state", "x"), "99999999-0000-4000-8000-000000000000", 90002),
        (("state", "x"), "nonsense", 900_023),
    ] {
        let reply = at.harness.ask(Service::Login, "GET", &at.authorize(tenant, &[more])).send().await;
        assert_eq!((reply.status, reply.header("location")), (400, ""), "{more:?}");
        assert!(reply.header("content-type").starts_with("text/html"), "{more:?}");
        assert!(reply.text.contains(&format!("AADSTS{number}: ")), "{more:?}: {}", reply.text);
    }
    // A single-tenant application, in another tenant and where all tenants are meant.
    for (tenant, number) in [(FABRIKAM, 700_016), ("organizations", 50194), ("common", 50194), ("consumers", 50194)] {
        let more = [("client_id", INTERNAL), ("redirect_uri", INTERNAL_BACK)];
        let page = shown(&at.visit(&at.authorize(tenant, &more), &Conduct::of(ADA)).await);
        assert_eq!(page.0, "error");
        assert!(page.1.starts_with(&format!("AADSTS{number}: ")), "{tenant}: {}", page.1);
    }
}

/// The port is left out of the comparison for `localhost` alone: a program takes the one that is free.
async fn the_port_of_localhost_is_the_caller_s_choice(way: Way) {
    let at = SignIn::new(way).await;
    for (client, redirect, good) in [
        (PORTAL, "http://localhost:51234/back", true),
        (PORTAL, "http://localhost/back", true),
        (PORTAL, "http://localhost:51234/other", false),
        (PORTAL, "http://127.0.0.1:51234/back", false),
        (PORTAL, "https://localhost:51234/back", false),
        (DESKTOP, "http://localhost:1", true),
        (DESKTOP, "http://localhost.evil.example", false),
    ] {
        let address = at.authorize(TENANT, &[("client_id", client), ("redirect_uri", redirect)]);
        let landing = at.visit(&address, &Conduct::of(ADA)).await;
        assert_eq!(landing.field("code").is_some(), good, "{redirect}: {landing:?}");
    }
}

/// An empty path comes back with a slash.
async fn an_empty_path_comes_back_with_a_slash(way: Way) {
    let at = SignIn::new(way).await;
    let address = at.authorize(TENANT, &[("redirect_uri", "https://portal.example")]);
    let reply = at.visit(&address, &Conduct::of(ADA)).await;
    let Landing::Redirected(url) = reply else { panic!() };
    assert!(url.as_str().starts_with("https://portal.example/?code="), "{url}");
}

async fn what_is_wrong_with_the_rest_comes_back_to_the_application(way: Way) {
    let at = SignIn::new(way).await;
    for (more, error, number) in [
        (("response_type", ""), "invalid_request", 900_144),
        (("response_type", "code magic"), "unsupported_response_type", 70005),
        (("response_type", "token"), "unsupported_response_type", 700_054),
        (("response_mode", "pigeon"), "invalid_request", 70007),
        (("prompt", "admin_consent"), "invalid_request", 901_001),
        (("scope", ""), "invalid_request", 900_144),
        (("scope", "https://nowhere.example/.default"), "invalid_resource", 500_011),
        (("scope", "User.Fly"), "invalid_client", 650_053),
        (("scope", "https://graph.microsoft.com/.default User.Read"), "invalid_scope", 70011),
        (("scope", &format!("https://graph.microsoft.com/.default {DEVOPS}/.default")), "invalid_scope", 70011),
        (("code_challenge", "short"), "invalid_request", 501_491),
    ] {
        let landing = at.visit(&at.authorize(TENANT, &[more]), &Conduct::of(ADA)).await;
        assert_eq!(told(&landing), (error.to_owned(), number), "{more:?}");
        assert_eq!(landing.field("state").as_deref(), Some("st&te=1"), "{more:?}");
        assert!(landing.field("error_uri").is_some() && landing.field("code").is_none(), "{more:?}");
    }
    let odd = [("code_challenge_method", "S512"), ("code_challenge", &"x".repeat(43))];
    let landing = at.visit(&at.authorize(TENANT, &odd), &Conduct::of(ADA)).await;
    assert_eq!(told(&landing).1, 50147);
    let both = [("prompt", "select_account"), ("login_hint", ADA)];
    assert_eq!(told(&at.visit(&at.authorize(TENANT, &both), &Conduct::of(ADA)).await).1, 90023);
    // A page's code is worth nothing to whoever steals it.
    let page = [("client_id", PAGE), ("redirect_uri", PAGE_BACK)];
    assert_eq!(told(&at.visit(&at.authorize(TENANT, &page), &Conduct::of(ADA)).await).1, 9_002_325);
}

/// The hybrid flow needs a nonce and the application's switch, and answers in the fragment.
async fn an_id_token_comes_with_the_code_where_the_application_is_registered_for_it(way: Way) {
    let at = SignIn::new(way).await;
    let hybrid = ("response_type", "code id_token");
    let landing = at.visit(&at.authorize(TENANT, &[hybrid]), &Conduct::of(ADA)).await;
    let Landing::Redirected(url) = &landing else { panic!("{landing:?}") };
    assert!(url.fragment().is_some_and(|fragment| fragment.starts_with("code=")) && url.query().is_none());
    let claims = claims(&landing.field("id_token").unwrap().into());
    assert_eq!((&claims["nonce"], &claims["aud"]), (&"n0nce".into(), &PORTAL.into()));
    assert!(claims["c_hash"].is_string());
    let asked = |more: &[(&str, &str)]| at.authorize(TENANT, &[&[hybrid], more].concat());
    let without_nonce = at.visit(&asked(&[("nonce", "")]), &Conduct::of(ADA)).await;
    assert_eq!(told(&without_nonce).1, 900_144);
    let in_query = at.visit(&asked(&[("response_mode", "query")]), &Conduct::of(ADA)).await;
    assert_eq!(told(&in_query).1, 70007);
    let internal =
        at.visit(&asked(&[("client_id", INTERNAL), ("redirect_uri", INTERNAL_BACK)]), &Conduct::of(ADA)).await;
    assert_eq!(told(&internal), ("unsupported_response_type".to_owned(), 700_054));
}

async fn the_answer_travels_as_it_was_asked_for(way: Way) {
    let at = SignIn::new(way).await;
    let landing = at.visit(&at.authorize(TENANT, &[("response_mode", "form_post")]), &Conduct::of(ADA)).await;
    let Landing::Posted { address, .. } = &landing else { panic!("{landing:?}") };
    assert_eq!(address.as_str(), BACK);
    assert!(landing.field("code").is_some());
    assert_eq!(landing.field("state").as_deref(), Some("st&te=1"));
    let landing = at.visit(&at.authorize(TENANT, &[("response_mode", "fragment")]), &Conduct::of(ADA)).await;
    let Landing::Redirected(url) = &landing else { panic!("{landing:?}") };
    assert!(url.query().is_none() && landing.field("code").is_some());
    // HTML is stripped from the state.
    let marked = at.visit(&at.authorize(TENANT, &[("state", "a<script>b</script>c")]), &Conduct::of(ADA)).await;
    assert_eq!(marked.field("state").as_deref(), Some("abc"));
}

/// Once signed in, a browser stays so; `prompt` says what is asked all the same.
async fn a_second_sign_in_asks_for_nothing_unless_prompt_says_so(way: Way) {
    let at = SignIn::new(way).await;
    let silent = at.authorize(TENANT, &[("prompt", "none")]);
    let nobody = Conduct::of("nobody@contoso.onmicrosoft.com");
    assert_eq!(told(&at.visit(&silent, &nobody).await), ("login_required".to_owned(), 50058));
    at.code(TENANT, &[]).await;
    // Whoever is in front of it now: nothing is asked.
    assert!(at.visit(&silent, &nobody).await.field("code").is_some());
    assert!(at.visit(&at.authorize(TENANT, &[]), &nobody).await.field("code").is_some());
    let again = at.visit(&at.authorize(TENANT, &[("prompt", "login")]), &nobody).await;
    assert!(shown(&again).1.contains("AADSTS50034"), "{again:?}");
    // Another browser knows nothing of it.
    let other = at.stranger().visit(&silent, &nobody).await.unwrap();
    assert_eq!(told(&other).0, "login_required");
    // Something that was not consented to yet.
    let more = [("prompt", "none"), ("scope", &*format!("{DEVOPS}/user_impersonation"))];
    assert_eq!(told(&at.visit(&at.authorize(TENANT, &more), &nobody).await), ("consent_required".to_owned(), 65001));
    let declined = at.visit(&at.authorize(TENANT, &[("prompt", "consent")]), &Conduct::of(ADA).declining()).await;
    assert_eq!(told(&declined), ("access_denied".to_owned(), 65004));
}

async fn one_of_several_people_is_chosen(way: Way) {
    let at = SignIn::new(way).await;
    at.code(TENANT, &[]).await;
    at.visit(&at.authorize(TENANT, &[("prompt", "select_account")]), &Conduct::of(ROOT)).await.field("code").unwrap();
    let silent = at.visit(&at.authorize(TENANT, &[("prompt", "none")]), &Conduct::of(ADA)).await;
    assert_eq!(told(&silent), ("interaction_required".to_owned(), 16000));
    let hinted = at.authorize(TENANT, &[("prompt", "none"), ("login_hint", ROOT)]);
    let code = at.visit(&hinted, &Conduct::of(ADA)).await.field("code").unwrap();
    let body =
        at.tokens(TENANT, &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)]).await;
    assert_eq!(claims(&body.expect(200)["id_token"])["preferred_username"], ROOT);
    let picked = at.visit(&at.authorize(TENANT, &[]), &Conduct::of(ADA)).await.field("code").unwrap();
    let body =
        at.tokens(TENANT, &[("grant_type", "authorization_code"), ("code", &picked), ("redirect_uri", BACK)]).await;
    assert_eq!(claims(&body.expect(200)["id_token"])["oid"], ADA_ID);
}

/// A password where the seed gives one, and more than that where it says so.
async fn a_password_and_the_second_factor_are_asked_for(way: Way) {
    let at = SignIn::new(way).await;
    let address = at.authorize(TENANT, &[]);
    let grace = |password: &str| Conduct::of(GRACE).with_password(Secret::new(password));
    let wrong = at.visit(&address, &grace("guess")).await;
    assert!(shown(&wrong).0 == "password" && shown(&wrong).1.contains("AADSTS50126"), "{wrong:?}");
    let denied = at.visit(&address, &grace(GRACE_PASSWORD).denying()).await;
    assert!(shown(&denied).0 == "mfa" && shown(&denied).1.contains("AADSTS500121"), "{denied:?}");
    let silent = at.visit(&at.authorize(TENANT, &[("prompt", "none")]), &grace("")).await;
    assert_eq!(told(&silent), ("interaction_required".to_owned(), 50076));
    assert!(at.visit(&address, &grace(GRACE_PASSWORD)).await.field("code").is_some());
    // From then on the browser has shown enough.
    assert!(at.visit(&at.authorize(TENANT, &[("prompt", "none")]), &grace("")).await.field("code").is_some());
}

/// Who may sign in where: the endpoint's tenant, the account's, and what the application is registered for.
async fn each_endpoint_takes_its_own_accounts(way: Way) {
    let at = SignIn::new(way).await;
    let page = async |tenant: &str, who: &str, more: &[(&str, &str)]| {
        let landing = at.stranger().visit(&at.authorize(tenant, more), &Conduct::of(who)).await.unwrap();
        landing.field("code").map_or_else(|| shown(&landing).1, |_| "a code".to_owned())
    };
    assert_eq!(page("organizations", MALLORY, &[]).await, "a code");
    assert_eq!(page("common", MALLORY, &[]).await, "a code");
    assert!(page(TENANT, MALLORY, &[]).await.starts_with("AADSTS50020: User account 'mallory@fabrikam.example'"));
    assert!(page("organizations", CHARLES, &[]).await.contains("personal account"));
    // This application takes no personal accounts, wherever one asks.
    assert!(page("common", CHARLES, &[]).await.contains("personal account"));
    assert!(page("consumers", CHARLES, &[]).await.starts_with("AADSTS70001"));
    let desktop = [("client_id", DESKTOP), ("redirect_uri", "http://localhost:1")];
    assert_eq!(page("consumers", CHARLES, &desktop).await, "a code");
    assert_eq!(page("common", CHARLES, &desktop).await, "a code");
    assert!(page("consumers", ADA, &desktop).await.contains("work or school account"));
    // A guest is another person there.
    let code = at.code(FABRIKAM, &[]).await;
    let fields = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK)];
    let body = at.tokens(FABRIKAM, &fields).await.expect(200);
    let guest = claims(&body["id_token"]);
    assert_eq!((guest["oid"].as_str(), guest["tid"].as_str()), (Some(GUEST_ID), Some(FABRIKAM)));
    assert_eq!(guest["idp"], format!("https://sts.windows.net/{TENANT}/"));
    at.harness.emulator.person().disable_user(MALLORY).unwrap();
    assert!(page("organizations", MALLORY, &[]).await.starts_with("AADSTS50057"));
}

mod both {
    crate::both_ways! {
        a_person_signs_in_and_the_browser_comes_back_with_a_code
        an_untrusted_redirect_address_gets_a_page_and_no_redirect
        the_port_of_localhost_is_the_caller_s_choice
        an_empty_path_comes_back_with_a_slash
        what_is_wrong_with_the_rest_comes_back_to_the_application
        an_id_token_comes_with_the_code_where_the_application_is_registered_for_it
        the_answer_travels_as_it_was_asked_for
        a_second_sign_in_asks_for_nothing_unless_prompt_says_so
        one_of_several_people_is_chosen
        a_password_and_the_second_factor_are_asked_for
        each_endpoint_takes_its_own_accounts
    }
}

//! Refresh tokens: how long they live, what they are good for, and what ends them.

use azconnect_core::Secret;
use azconnect_emulator::{RefreshRule, Service, Settings, SignInSettings};
use serde_json::{Value, json};

use crate::harness::{TENANT, Way};
use crate::signing_in::*;

const DAY: u64 = 86_400;

fn refresh_of(body: &Value) -> String {
    body["refresh_token"].as_str().unwrap().to_owned()
}

/// Each use returns a new one, and the old one stays good.
async fn the_old_one_stays_good_beside_the_new_one(way: Way) {
    let at = SignIn::new(way).await;
    let first = refresh_of(&at.signed_in(TENANT, &[]).await);
    let body = at.refresh(TENANT, &first, &[]).await.expect(200);
    assert_eq!(body["scope"], "User.Read openid profile email");
    let second = refresh_of(&body);
    assert_ne!(first, second);
    at.refresh(TENANT, &first, &[]).await.expect(200);
    at.refresh(TENANT, &second, &[]).await.expect(200);
    assert_eq!(refused(&at.refresh(TENANT, "1.nonsense", &[]).await), (70000, "invalid_grant".to_owned()));
    let other = [("client_id", SERVICE), ("client_secret", SERVICE_SECRET)];
    assert_eq!(refused(&at.refresh(TENANT, &first, &other).await).0, 70000);
    assert_eq!(refused(&at.refresh(TENANT, &first, &[("client_secret", "")]).await).0, 7_000_218);
}

/// Ninety days without use end it, and each use begins them again.
async fn it_ends_after_ninety_days_without_use(way: Way) {
    let at = SignIn::new(way).await;
    let token = refresh_of(&at.signed_in(TENANT, &[]).await);
    at.harness.advance(89 * DAY);
    at.refresh(TENANT, &token, &[]).await.expect(200);
    at.harness.advance(89 * DAY);
    at.refresh(TENANT, &token, &[]).await.expect(200);
    at.harness.advance(90 * DAY);
    let reply = at.refresh(TENANT, &token, &[]).await;
    assert_eq!(refused(&reply), (700_082, "invalid_grant".to_owned()));
    assert_eq!(reply.json()["suberror"], "bad_token");
}

/// A single-page application's ends a day after the sign-in, used or not.
async fn that_of_a_page_ends_a_day_after_the_sign_in(way: Way) {
    let at = SignIn::new(way).await;
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let asked = [
        ("client_id", PAGE),
        ("redirect_uri", PAGE_BACK),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
    ];
    let code = at.code(TENANT, &asked).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", PAGE),
        ("code", &*code),
        ("redirect_uri", PAGE_BACK),
        ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ];
    let from_page =
        |fields: &[(&str, &str)]| at.token_request(TENANT, fields).header("origin", "https://page.example").send();
    let mut token = refresh_of(&from_page(&fields).await.expect(200));
    at.harness.advance(DAY / 2);
    let fields = |token: &str| {
        [("grant_type", "refresh_token"), ("client_id", PAGE), ("refresh_token", token)].map(|(a, b)| (a, b.to_owned()))
    };
    let send = async |token: &str| {
        let fields = fields(token);
        from_page(&fields.each_ref().map(|(name, value)| (*name, value.as_str()))).await
    };
    token = refresh_of(&send(&token).await.expect(200));
    at.harness.advance(DAY / 2);
    assert_eq!(refused(&send(&token).await), (700_084, "invalid_grant".to_owned()));
}

/// It is bound to no resource: another one needs only the consent.
async fn it_serves_other_resources_that_were_consented_to(way: Way) {
    let at = SignIn::new(way).await;
    let token = refresh_of(&at.signed_in(TENANT, &[]).await);
    let devops = format!("{DEVOPS}/vso.code");
    let reply = at.refresh(TENANT, &token, &[("scope", &devops)]).await;
    assert_eq!(refused(&reply), (65001, "invalid_grant".to_owned()));
    assert_eq!(reply.json()["suberror"], "consent_required");
    at.code(TENANT, &[("scope", &devops)]).await;
    let body = at.refresh(TENANT, &token, &[("scope", &devops)]).await.expect(200);
    assert_eq!((&body["scope"], &claims(&body["access_token"])["scp"]), (&json!(devops), &json!("vso.code")));
    let two = format!("{devops} User.Read");
    assert_eq!(refused(&at.refresh(TENANT, &token, &[("scope", &two)]).await).0, 28000);
}

/// It is bound to no tenant either: where the person is a guest it gives the guest's tokens, once there is a consent.
async fn it_serves_the_tenants_where_the_person_is_a_guest(way: Way) {
    let at = SignIn::new(way).await;
    let token = refresh_of(&at.signed_in(TENANT, &[]).await);
    assert_eq!(refused(&at.refresh(FABRIKAM, &token, &[]).await).0, 65001);
    let devops = format!("openid profile {DEVOPS}/user_impersonation");
    at.code(FABRIKAM, &[("scope", &devops)]).await;
    let body = at.refresh(FABRIKAM, &token, &[("scope", &devops)]).await.expect(200);
    assert_eq!(claims(&body["id_token"])["oid"], GUEST_ID);
    let token_of_guest = body["access_token"].as_str().unwrap();
    let projects =
        |organization: &str| at.harness.ask(Service::DevOps, "GET", &format!("/{organization}/_apis/projects"));
    let seen = projects("fabrikam").bearer(token_of_guest).send().await.expect(200);
    assert_eq!(seen["value"][0]["name"], "Guests");
    assert_ne!(projects("contoso").bearer(token_of_guest).send().await.status, 200, "another tenant's token");
    // The personal tenant does not know her.
    assert_eq!(refused(&at.refresh(PERSONAL, &token, &[]).await).0, 50020);
}

/// What an administrator ends is ended; what the person does to its own password is not, for a client with a secret.
async fn what_ends_it_and_what_does_not(way: Way) {
    let at = SignIn::new(way).await;
    let person = at.harness.emulator.person();
    let refresh = async |token: &str| at.refresh(TENANT, token, &[]).await;
    let token = refresh_of(&at.signed_in(TENANT, &[]).await);
    person.change_password(ADA, &Secret::new("new")).unwrap();
    refresh(&token).await.expect(200);
    at.harness.ask(Service::Login, "GET", "/common/oauth2/v2.0/logout").send().await;
    refresh(&token).await.expect(200);
    person.revoke_sign_ins(ADA).unwrap();
    let reply = refresh(&token).await;
    assert_eq!(refused(&reply), (50173, "invalid_grant".to_owned()));
    assert_eq!(reply.json()["suberror"], "bad_token");
    let silent = at.visit(&at.authorize(TENANT, &[("prompt", "none")]), &azconnect_emulator::Conduct::of(ADA)).await;
    assert_eq!(told(&silent).0, "login_required", "the browser is signed in no longer");
    let conduct = || azconnect_emulator::Conduct::of(ADA).with_password(Secret::new("new"));
    let signed_in = async |conduct: azconnect_emulator::Conduct| {
        let code = at.visit(&at.authorize(TENANT, &[]), &conduct).await.field("code").unwrap();
        let fields = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK)];
        refresh_of(&at.tokens(TENANT, &fields).await.expect(200))
    };
    let token = signed_in(conduct()).await;
    refresh(&token).await.expect(200);
    person.reset_password(ADA, &Secret::new("newer")).unwrap();
    assert_eq!(refused(&refresh(&token).await).0, 50173);
    let token = signed_in(conduct().with_password(Secret::new("newer"))).await;
    person.disable_user(ADA).unwrap();
    assert_eq!(refused(&refresh(&token).await).0, 50057);
    person.enable_user(ADA).unwrap();
    refresh(&token).await.expect(200);
    person.require_mfa(ADA).unwrap();
    let reply = refresh(&token).await;
    assert_eq!(refused(&reply), (50076, "invalid_grant".to_owned()));
    assert_eq!(reply.json()["suberror"], "basic_action");
    assert!(reply.json()["claims"].as_str().unwrap().contains("capolids"));
    let token = signed_in(conduct().with_password(Secret::new("newer"))).await;
    refresh(&token).await.expect(200);
    person.withdraw_consent(PORTAL.parse().unwrap()).unwrap();
    assert_eq!(refused(&refresh(&token).await).0, 65001);
}

/// Graph's *revoke sessions*, for whoever may; a guest's sign-ins are its home tenant's.
async fn graph_ends_them_for_whoever_may(way: Way) {
    let mut seed = seed();
    seed["tenants"][0]["applications"][0]["graphRoles"] = json!(["User.RevokeSessions.All"]);
    let at = SignIn::with(way, Settings::default(), &seed).await;
    let body = at.signed_in(TENANT, &[]).await;
    let (refresh, own) = (refresh_of(&body), body["access_token"].as_str().unwrap());
    let revoke =
        |who: &str, token: &str| at.harness.graph("POST", &format!("/{who}/revokeSignInSessions")).bearer(token).send();
    assert_eq!(revoke(&format!("users/{GRACE}"), own).await.status, 403);
    at.refresh(TENANT, &refresh, &[]).await.expect(200);
    let operator = at.harness.token(crate::harness::GRAPH_SCOPE).await;
    assert_eq!(revoke("users/nobody@contoso.onmicrosoft.com", &operator).await.status, 404);
    revoke(&format!("users/{ADA}"), &operator).await.expect(204);
    assert_eq!(refused(&at.refresh(TENANT, &refresh, &[]).await).0, 50173);
    // A guest's are ended at home alone.
    let token = refresh_of(&at.signed_in(TENANT, &[]).await);
    at.code(FABRIKAM, &[]).await;
    let person = at.harness.emulator.person();
    person.revoke_sign_ins("ada_contoso.onmicrosoft.com#EXT#@fabrikam.example").unwrap();
    at.refresh(FABRIKAM, &token, &[]).await.expect(200);
}

/// A token that says who somebody is does not read what Graph has of it.
async fn openid_alone_reads_nothing_at_graph(way: Way) {
    let at = SignIn::new(way).await;
    let body = at.signed_in(TENANT, &[("scope", "openid profile")]).await;
    assert_eq!(claims(&body["access_token"])["scp"], "openid profile");
    let me = at.harness.graph("GET", "/me").bearer(body["access_token"].as_str().unwrap()).send().await;
    assert_eq!(me.expect(403)["error"]["code"], "Authorization_RequestDenied");
}

async fn a_server_may_let_each_be_used_once(way: Way) {
    let rules = SignInSettings::default().with_refresh_rule(RefreshRule::SingleUse);
    let at = SignIn::with(way, Settings::default().with_sign_in(rules), &seed()).await;
    let first = refresh_of(&at.signed_in(TENANT, &[]).await);
    let second = refresh_of(&at.refresh(TENANT, &first, &[]).await.expect(200));
    assert_eq!(refused(&at.refresh(TENANT, &first, &[]).await).0, 50173);
    at.refresh(TENANT, &second, &[]).await.expect(200);
}

async fn a_server_may_end_them_all_where_one_is_used_twice(way: Way) {
    let rules = SignInSettings::default().with_refresh_rule(RefreshRule::ReuseRevokes);
    let at = SignIn::with(way, Settings::default().with_sign_in(rules), &seed()).await;
    let first = refresh_of(&at.signed_in(TENANT, &[]).await);
    let apart = refresh_of(&at.signed_in(TENANT, &[]).await);
    let second = refresh_of(&at.refresh(TENANT, &first, &[]).await.expect(200));
    assert_eq!(refused(&at.refresh(TENANT, &first, &[]).await).0, 50173);
    assert_eq!(refused(&at.refresh(TENANT, &second, &[]).await).0, 50173, "perhaps a thief has it");
    at.refresh(TENANT, &apart, &[]).await.expect(200);
}

mod both {
    crate::both_ways! {
        the_old_one_stays_good_beside_the_new_one
        it_ends_after_ninety_days_without_use
        that_of_a_page_ends_a_day_after_the_sign_in
        it_serves_other_resources_that_were_consented_to
        it_serves_the_tenants_where_the_person_is_a_guest
        what_ends_it_and_what_does_not
        graph_ends_them_for_whoever_may
        openid_alone_reads_nothing_at_graph
        a_server_may_let_each_be_used_once
        a_server_may_end_them_all_where_one_is_used_twice
    }
}

//! What a code buys, and when it buys nothing.

use azconnect_emulator::{Conduct, Service};
use serde_json::json;

use crate::harness::{SUBSCRIPTION, TENANT, Way};
use crate::signing_in::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The challenge of that verifier, by RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

async fn a_code_buys_tokens_that_say_who_signed_in(way: Way) {
    let at = SignIn::new(way).await;
    let code = at.code(TENANT, &[]).await;
    let fields = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK), ("client_info", "1")];
    let body = at.tokens(TENANT, &fields).await.expect(200);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3599)));
    assert_eq!(body["scope"], "User.Read openid profile email", "what was granted, without offline_access");
    assert!(body["refresh_token"].is_string() && body["client_info"].is_string());
    let id = claims(&body["id_token"]);
    let issuer = format!("{}/{TENANT}/v2.0", at.harness.origin(Service::Login));
    assert_eq!((id["iss"].as_str(), id["aud"].as_str()), (Some(&*issuer), Some(PORTAL)));
    assert_eq!((id["tid"].as_str(), id["oid"].as_str()), (Some(TENANT), Some(ADA_ID)));
    assert_eq!((&id["nonce"], &id["name"], &id["email"]), (&json!("n0nce"), &json!("Ada"), &json!(ADA)));
    assert_eq!((&id["preferred_username"], &id["ver"]), (&json!(ADA), &json!("2.0")));
    assert!(id.get("idp").is_none(), "she is at home");
    assert_ne!(id["sub"], json!(ADA_ID), "another subject for each application");
    let access = claims(&body["access_token"]);
    assert_eq!((&access["scp"], &access["appid"]), (&json!("User.Read openid profile email"), &json!(PORTAL)));
    // The token opens what it is for.
    let token = body["access_token"].as_str().unwrap();
    let me = at.harness.graph("GET", "/me").bearer(token).send().await.expect(200);
    assert_eq!(me["id"], ADA_ID);
}

/// `profile` brings the object id, `email` the address, `openid` the id_token, `offline_access` the refresh token.
async fn a_scope_that_was_not_asked_for_brings_nothing(way: Way) {
    let at = SignIn::new(way).await;
    let body = at.signed_in(TENANT, &[("scope", "openid User.Read")]).await;
    let id = claims(&body["id_token"]);
    assert!(id.get("oid").is_none() && id.get("email").is_none() && id["tid"] == TENANT, "{id}");
    assert!(body.get("refresh_token").is_none() && body.get("client_info").is_none());
    let body = at.signed_in(TENANT, &[("scope", "User.Read")]).await;
    assert!(body.get("id_token").is_none());
    // Somebody without a mailbox has no address to show.
    let conduct = Conduct::of(GRACE).with_password(azconnect_core::Secret::new(GRACE_PASSWORD));
    let landing = at.stranger().visit(&at.authorize(TENANT, &[]), &conduct).await.unwrap();
    let code = landing.field("code").unwrap();
    let fields = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK)];
    let id = claims(&at.tokens(TENANT, &fields).await.expect(200)["id_token"]);
    assert!(id.get("email").is_none() && id["oid"].is_string(), "{id}");
}

async fn a_code_is_good_once_and_for_ten_minutes(way: Way) {
    let at = SignIn::new(way).await;
    let redeem = async |code: &str| {
        at.tokens(TENANT, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK)]).await
    };
    let code = at.code(TENANT, &[]).await;
    at.harness.advance(599);
    redeem(&code).await.expect(200);
    assert_eq!(refused(&redeem(&code).await), (54005, "invalid_grant".to_owned()));
    let late = at.code(TENANT, &[]).await;
    at.harness.advance(600);
    assert_eq!(refused(&redeem(&late).await), (70008, "invalid_grant".to_owned()));
    assert_eq!(refused(&redeem("1.nonsense").await), (9_002_313, "invalid_grant".to_owned()));
}

/// Another redirect address, another client, another tenant: the code is not theirs.
async fn a_code_is_bound_to_its_request(way: Way) {
    let at = SignIn::new(way).await;
    let code = at.code(TENANT, &[]).await;
    let redeem = async |tenant: &str, more: &[(&str, &str)]| {
        let usual = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK)];
        let kept = usual.into_iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        at.tokens(tenant, &kept.chain(more.iter().copied()).collect::<Vec<_>>()).await
    };
    assert_eq!(refused(&redeem(TENANT, &[("redirect_uri", "https://portal.example/")]).await).0, 500_112);
    assert_eq!(refused(&redeem(TENANT, &[("redirect_uri", "")]).await).0, 900_144);
    let other = [("client_id", SERVICE), ("client_secret", SERVICE_SECRET)];
    assert_eq!(refused(&redeem(TENANT, &other).await).0, 70000);
    assert_eq!(refused(&redeem(FABRIKAM, &[]).await).0, 70000);
    assert_eq!(
        refused(&redeem(TENANT, &[("scope", "User.Read https://management.azure.com/.default")]).await).0,
        70011
    );
    let two = format!("User.Read {DEVOPS}/vso.code");
    assert_eq!(refused(&redeem(TENANT, &[("scope", &two)]).await), (28000, "invalid_scope".to_owned()));
    assert_eq!(refused(&redeem(TENANT, &[("scope", "User.ReadBasic.All")]).await).0, 65001);
    // None of these has used it up.
    redeem("organizations", &[]).await.expect(200);
}

/// One request may ask for the consent to several resources; each token is for one of them.
async fn a_sign_in_for_several_resources_gives_a_token_for_one_at_a_time(way: Way) {
    let at = SignIn::new(way).await;
    let both = format!(
        "openid offline_access User.Read {DEVOPS}/user_impersonation https://management.azure.com/user_impersonation"
    );
    let code = at.code(TENANT, &[("scope", &both)]).await;
    let fields = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK)];
    assert_eq!(refused(&at.tokens(TENANT, &fields).await).0, 28000);
    let devops = format!("{DEVOPS}/.default");
    let body = at.tokens(TENANT, &[&fields[..], &[("scope", &devops)]].concat()).await.expect(200);
    assert_eq!(body["scope"], format!("{DEVOPS}/user_impersonation {DEVOPS}/.default"));
    let data = at.harness.ask(Service::DevOps, "GET", "/contoso/_apis/connectionData");
    let data = data.bearer(body["access_token"].as_str().unwrap()).send().await.expect(200);
    assert_eq!(data["authenticatedUser"]["properties"]["Account"]["$value"], ADA);
    let refresh = body["refresh_token"].as_str().unwrap();
    let scope = ("scope", "https://management.azure.com/.default");
    let body = at.refresh(TENANT, refresh, &[scope]).await.expect(200);
    let path = format!("/subscriptions/{SUBSCRIPTION}?api-version=2022-12-01");
    let ask = at.harness.ask(Service::ResourceManager, "GET", &path).bearer(body["access_token"].as_str().unwrap());
    assert_eq!(ask.send().await.expect(200)["displayName"], "Production", "she has a role there");
}

async fn a_verifier_must_match_the_challenge(way: Way) {
    let at = SignIn::new(way).await;
    for (asked, sent, number) in [
        (vec![("code_challenge", CHALLENGE), ("code_challenge_method", "S256")], VERIFIER, 0),
        (vec![("code_challenge", CHALLENGE), ("code_challenge_method", "S256")], CHALLENGE, 501_481),
        (vec![("code_challenge", CHALLENGE), ("code_challenge_method", "S256")], "", 50148),
        (vec![("code_challenge", VERIFIER), ("code_challenge_method", "plain")], VERIFIER, 0),
        // A method that is left out means plain.
        (vec![("code_challenge", VERIFIER)], VERIFIER, 0),
        (vec![("code_challenge", CHALLENGE)], VERIFIER, 501_481),
        (vec![], VERIFIER, 501_481),
    ] {
        let code = at.code(TENANT, &asked).await;
        let fields =
            [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", BACK), ("code_verifier", sent)];
        let reply = at.tokens(TENANT, &fields).await;
        match number {
            0 => drop(reply.expect(200)),
            _ => assert_eq!(refused(&reply), (number, "invalid_grant".to_owned()), "{asked:?} {sent}"),
        }
    }
}

/// A web application proves who it is; a page and a program have nothing to prove it with.
async fn each_kind_of_client_redeems_in_its_own_way(way: Way) {
    let at = SignIn::new(way).await;
    let web = at.code(TENANT, &[]).await;
    let fields = [("grant_type", "authorization_code"), ("code", &*web), ("redirect_uri", BACK)];
    assert_eq!(
        refused(&at.tokens(TENANT, &[&fields[..], &[("client_secret", "")]].concat()).await),
        (7_000_218, "invalid_client".to_owned())
    );
    assert_eq!(refused(&at.tokens(TENANT, &[&fields[..], &[("client_secret", "wrong")]].concat()).await).0, 7_000_215);
    let with_secret = [&fields[..], &[("client_id", PORTAL), ("client_secret", PORTAL_SECRET)]].concat();
    let cross = at.token_request(TENANT, &with_secret).header("origin", "https://portal.example").send().await;
    assert_eq!(refused(&cross).0, 9_002_326);
    at.token_request(TENANT, &with_secret).send().await.expect(200);

    let pkce = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let asked = [&pkce[..], &[("client_id", PAGE), ("redirect_uri", PAGE_BACK)]].concat();
    let page = at.code(TENANT, &asked).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", PAGE),
        ("code", &*page),
        ("redirect_uri", PAGE_BACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(refused(&at.token_request(TENANT, &fields).send().await).0, 9_002_327);
    let from_page = at.token_request(TENANT, &fields).header("origin", "https://page.example").send().await;
    assert_eq!(
        from_page.header("access-control-allow-origin"),
        "https://page.example",
        "or the page could not read it"
    );
    from_page.expect(200);

    let asked = [&pkce[..], &[("client_id", DESKTOP), ("redirect_uri", "http://localhost:1234")]].concat();
    let program = at.code(TENANT, &asked).await;
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", DESKTOP),
        ("code", &*program),
        ("redirect_uri", "http://localhost:1234"),
        ("code_verifier", VERIFIER),
    ];
    let with_secret = [&fields[..], &[("client_secret", "anything")]].concat();
    let told = refused(&at.token_request(TENANT, &with_secret).send().await);
    assert!(told.0 == 700_025 || told.0 == 7_000_215, "{told:?}");
    at.token_request(TENANT, &fields).send().await.expect(200);
}

/// What a token carries was consented to: `.default` is exactly that.
async fn default_is_what_was_consented_to(way: Way) {
    let at = SignIn::new(way).await;
    let graph = "https://graph.microsoft.com/.default";
    // Nobody was asked before, so all that the application was registered with is.
    let body = at.signed_in(TENANT, &[("scope", graph)]).await;
    assert_eq!(body["scope"], "https://graph.microsoft.com/User.Read https://graph.microsoft.com/.default");
    let more = at.signed_in(TENANT, &[("scope", "User.Read User.ReadBasic.All")]).await;
    assert_eq!(more["scope"], "User.Read User.ReadBasic.All");
    let all = at.signed_in(TENANT, &[("scope", graph)]).await;
    assert!(all["scope"].as_str().unwrap().contains("User.ReadBasic.All"), "{all}");
    // A resource that it was never registered for.
    let arm =
        at.visit(&at.authorize(TENANT, &[("scope", "https://management.azure.com/.default")]), &Conduct::of(ADA)).await;
    assert_eq!(told(&arm), ("invalid_resource".to_owned(), 650_057));
    // A permission that is registered later is missing without a word.
    let path = format!("/applications(appId='{PORTAL}')");
    let graph_id = json!({"resourceAppId": GRAPH, "resourceAccess": [
        {"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"},
        {"id": "14dad69e-099b-42c9-810b-d002981feec1", "type": "Scope"},
        {"id": "a154be20-db9c-4678-8ab7-66f6cc099a59", "type": "Scope"}]});
    let token = at.harness.token(crate::harness::GRAPH_SCOPE).await;
    let change = at.harness.graph("PATCH", &path).bearer(&token).json(&json!({"requiredResourceAccess": [graph_id]}));
    change.send().await.expect(204);
    let after = at.signed_in(TENANT, &[("scope", graph)]).await;
    assert_eq!(after["scope"], all["scope"]);
}

/// A token that may read code and nothing else does not open the service connections.
async fn a_granular_scope_of_azure_devops_opens_what_it_names(way: Way) {
    let at = SignIn::new(way).await;
    let list = async |scope: &str| {
        let body = at.signed_in(TENANT, &[("scope", &format!("{DEVOPS}/{scope}"))]).await;
        assert_eq!(body["scope"], format!("{DEVOPS}/{scope}"));
        let path = "/contoso/Web/_apis/serviceendpoint/endpoints?api-version=7.1";
        let ask = at.harness.ask(Service::DevOps, "GET", path).bearer(body["access_token"].as_str().unwrap());
        ask.send().await.status
    };
    assert_eq!(list("vso.serviceendpoint").await, 200);
    assert_eq!(list("user_impersonation").await, 200);
    assert_ne!(list("vso.code").await, 200);
}

async fn an_id_token_is_signed_by_the_published_key(way: Way) {
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let at = SignIn::new(way).await;
    let body = at.signed_in(TENANT, &[]).await;
    let token = body["id_token"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let keys = at.harness.ask(Service::Login, "GET", "/common/discovery/v2.0/keys").send().await.expect(200);
    let key = &keys["keys"][0];
    assert_eq!(key["issuer"], format!("{}/{{tenantid}}/v2.0", at.harness.origin(Service::Login)));
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let (n, e) = (number("n"), number("e"));
    let key = RsaPublicKeyComponents { n: &n, e: &e };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).unwrap();
}

/// The older endpoint names a resource, and writes its numbers as texts.
async fn the_older_endpoint_gives_a_token_for_a_resource(way: Way) {
    let at = SignIn::new(way).await;
    let query = [("client_id", PORTAL), ("response_type", "code"), ("redirect_uri", BACK), ("resource", DEVOPS)];
    let address = at.address(&format!("{TENANT}/oauth2/authorize"), &query);
    let code = at.visit(&address, &Conduct::of(ADA)).await.field("code").unwrap();
    let ask = at.harness.ask(Service::Login, "POST", &format!("/{TENANT}/oauth2/token"));
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", PORTAL),
        ("client_secret", PORTAL_SECRET),
        ("code", &*code),
        ("redirect_uri", BACK),
        ("resource", DEVOPS),
    ];
    let body = ask.form(&fields).send().await.expect(200);
    assert_eq!((&body["resource"], &body["expires_in"]), (&json!(DEVOPS), &json!("3599")));
    assert_eq!(claims(&body["id_token"])["ver"], "1.0");
    assert!(body["refresh_token"].is_string());
}

/// A token that a person gave for code says nothing of who the person is.
async fn profiles_are_a_scope_of_their_own(way: Way) {
    let at = SignIn::new(way).await;
    for (scope, is_enough) in [("vso.code", false), ("vso.profile", true), ("user_impersonation", true)] {
        let body = at.signed_in(TENANT, &[("scope", &format!("openid {DEVOPS}/{scope}"))]).await;
        let token = body["access_token"].as_str().unwrap();
        let ask = at.harness.ask(Service::DevOpsProfile, "GET", "/_apis/profile/profiles/me");
        assert_eq!(ask.bearer(token).send().await.status == 200, is_enough, "{scope}");
    }
}

mod both {
    crate::both_ways! {
        profiles_are_a_scope_of_their_own
        a_code_buys_tokens_that_say_who_signed_in
        a_scope_that_was_not_asked_for_brings_nothing
        a_code_is_good_once_and_for_ten_minutes
        a_code_is_bound_to_its_request
        a_sign_in_for_several_resources_gives_a_token_for_one_at_a_time
        a_verifier_must_match_the_challenge
        each_kind_of_client_redeems_in_its_own_way
        default_is_what_was_consented_to
        a_granular_scope_of_azure_devops_opens_what_it_names
        an_id_token_is_signed_by_the_published_key
        the_older_endpoint_gives_a_token_for_a_resource
    }
}

//! What an id token must be, to be believed.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rsa::{KeyPair, KeySize};
use azconnect_core::{Clock, Cloud, Effect, Error, ErrorKind, Retry};
use azconnect_identity::user::{LinkState, RedirectAnswer, SignInOptions, SignedIn, WebSignIn};
use azconnect_identity::{Application, Authority};
use serde_json::json;

use crate::login::{Login, Script, published};
use crate::people::*;

/// A sign-in at a login that says what its script says, with the nonce of the sign-in.
async fn sign_in(login: &Arc<Login>, web: &WebSignIn, more: &str) -> Result<SignedIn, Error> {
    let (_, pending) = web.start(&SignInOptions::new()).unwrap();
    let (state, nonce) = {
        let written = pending.to_secret();
        let parts: Vec<_> = written.expose().split(' ').map(str::to_owned).collect();
        (parts[1].clone(), parts[2].clone())
    };
    login.says(|script| {
        if script.claims["nonce"].is_null() {
            script.claims["nonce"] = nonce.into();
        }
    });
    let answer = RedirectAnswer::from_query(&format!("code=c0de&state={state}{more}")).unwrap();
    let outcome = web.finish(pending, &answer).await;
    login.says(|script| drop(script.claims.as_object_mut().unwrap().remove("nonce")));
    outcome
}

fn web(application: Application) -> WebSignIn {
    WebSignIn::new(application, back(), work()).unwrap()
}

async fn refused(change: impl FnOnce(&mut Script)) -> Error {
    let login = Login::new();
    login.says(change);
    let error = sign_in(&login, &web(login.contoso()), "").await.unwrap_err();
    assert_eq!((error.effect(), error.retry()), (Effect::None, Retry::No), "{error:?}");
    error
}

#[tokio::test(start_paused = true)]
async fn a_token_of_the_login_is_believed() {
    let login = Login::new();
    let ada = sign_in(&login, &web(login.contoso()), "").await.unwrap().person;
    assert_eq!(ada.id, person(CONTOSO, ADA_ID));
    let form = login.form();
    for part in ["grant_type=authorization_code", "code=c0de", "code_verifier=", "client_secret="] {
        assert!(form.contains(part), "{form}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_claim_that_is_wrong_is_refused() {
    let now = Login::new().clock.now().unix_timestamp();
    let other = "https://login.microsoftonline.com/7b5e8060-1d6d-4f7d-9e10-2c0b4b1d2e02/v2.0";
    for (claim, value, why) in [
        ("aud", json!(TOOL), "another application"),
        ("aud", json!([PORTAL, TOOL]), "another application"),
        ("iss", json!(other), "another login"),
        ("iss", json!(format!("https://login.microsoftonline.com/{CONTOSO}/v2.0/")), "another login"),
        ("iss", json!("https://login.microsoftonline.com/{tenantid}/v2.0"), "another login"),
        ("tid", json!(null), "no tenant"),
        ("tid", json!("contoso"), "no tenant"),
        ("tid", json!(FABRIKAM), "another login"),
        ("oid", json!(null), "oid"),
        ("oid", json!("ada"), "oid"),
        ("exp", json!(now - 120), "not valid now"),
        ("nbf", json!(now + 121), "not valid now"),
        ("nonce", json!("another"), "another sign-in"),
        ("nonce", json!(""), "another sign-in"),
        ("exp", json!("tomorrow"), "signature"),
    ] {
        let error = refused(|script| script.claims[claim] = value.clone()).await;
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{claim}: {value}");
        assert!(error.message().contains(why), "{claim} {value}: {error}");
        assert_eq!(LinkState::of(&error), LinkState::Unknown, "it says nothing of the person");
    }
}

#[tokio::test(start_paused = true)]
async fn clocks_may_differ_a_little() {
    let now = Login::new().clock.now().unix_timestamp();
    for (claim, value) in [("exp", now - 119), ("nbf", now + 119)] {
        let login = Login::new();
        login.says(|script| script.claims[claim] = json!(value));
        sign_in(&login, &web(login.contoso()), "").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_tenant_that_was_not_asked_is_refused() {
    let everybody = |script: &mut Script| {
        script.claims["tid"] = json!(FABRIKAM);
        script.claims["iss"] = json!(format!("https://login.microsoftonline.com/{FABRIKAM}/v2.0"));
    };
    let error = refused(everybody).await;
    assert_eq!((error.kind(), error.field()), (ErrorKind::Unauthenticated, Some("tenant")));
    // Whoever takes people of every tenant takes it.
    let login = Login::new();
    login.says(everybody);
    let many = login.application(Authority::organizations(&Cloud::public()));
    assert_eq!(sign_in(&login, &web(many), "").await.unwrap().person.id, person(FABRIKAM, ADA_ID));
}

#[tokio::test(start_paused = true)]
async fn a_domain_stands_for_the_tenant_that_the_login_says() {
    let login = Login::new();
    let domain = Authority::of_domain(&Cloud::public(), "contoso.onmicrosoft.com").unwrap();
    let concrete = format!("https://login.microsoftonline.com/{CONTOSO}/v2.0");
    login.says(|script| script.configuration["issuer"] = json!(concrete));
    let web = web(login.application(domain));
    sign_in(&login, &web, "").await.unwrap();
    // The issuer is right, and the tenant beside it is another.
    login.says(|script| script.claims["tid"] = json!(FABRIKAM));
    let error = sign_in(&login, &web, "").await.unwrap_err();
    assert_eq!(error.field(), Some("tenant"));
}

#[tokio::test(start_paused = true)]
async fn what_the_login_did_not_sign_is_refused() {
    let stranger = KeyPair::generate(KeySize::Rsa2048).unwrap();
    type Change = Box<dyn FnOnce(&mut Script)>;
    let changes: Vec<Change> = vec![
        Box::new(|script| script.keys.clear()),
        Box::new(|script| script.header["kid"] = json!("k2")),
        Box::new(|script| script.header["alg"] = json!("none")),
        Box::new(|script| script.header["alg"] = json!("HS256")),
        Box::new(|script| script.keys[0]["use"] = json!("enc")),
        Box::new(|script| script.keys[0]["issuer"] = json!("https://sts.windows.net/{tenantid}/")),
        Box::new(|script| {
            script.keys[0]["issuer"] = json!(format!("https://login.microsoftonline.com/{FABRIKAM}/v2.0"))
        }),
        Box::new(|script| script.id_token = Some(json!("a.b.c"))),
        Box::new(|script| script.id_token = Some(json!(""))),
        Box::new(|script| script.id_token = Some(json!(null))),
        Box::new(move |script| script.keys = vec![published("k1", &stranger)]),
    ];
    for change in changes {
        let error = refused(change).await;
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error:?}");
    }
    for issuer in [
        "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(),
        format!("https://login.microsoftonline.com/{CONTOSO}/v2.0"),
    ] {
        let login = Login::new();
        login.says(|script| script.keys[0]["issuer"] = json!(issuer));
        sign_in(&login, &web(login.contoso()), "").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_once_a_day_and_for_a_new_one_at_most_every_five_minutes() {
    let login = Login::new();
    let web = web(login.contoso());
    for _ in 0..3 {
        sign_in(&login, &web, "").await.unwrap();
    }
    assert_eq!(login.asked("/keys"), 1);
    // Whoever names a key that there is not makes no traffic.
    login.says(|script| script.header["kid"] = json!("k2"));
    for _ in 0..3 {
        sign_in(&login, &web, "").await.unwrap_err();
    }
    assert_eq!(login.asked("/keys"), 1);
    login.clock.sleep(Duration::from_secs(301)).await;
    sign_in(&login, &web, "").await.unwrap_err();
    assert_eq!(login.asked("/keys"), 2);
    // The login signs with a new key.
    login.says(|script| script.keys.push(published("k2", login.pair)));
    sign_in(&login, &web, "").await.unwrap_err();
    login.clock.sleep(Duration::from_secs(301)).await;
    sign_in(&login, &web, "").await.unwrap();
    assert_eq!(login.asked("/keys"), 3);
    // One that the login took back is forgotten within a day.
    login.says(|script| script.keys.clear());
    let moved = login.clock.now().unix_timestamp() + 23 * 3600;
    login.clock.sleep(Duration::from_secs(23 * 3600)).await;
    login.says(|script| (script.claims["nbf"], script.claims["exp"]) = (json!(moved), json!(moved + 10_000)));
    sign_in(&login, &web, "").await.unwrap();
    login.clock.sleep(Duration::from_secs(2 * 3600)).await;
    sign_in(&login, &web, "").await.unwrap_err();
    assert_eq!(login.asked("/keys"), 4);
}

/// A code serves once: whoever gave it in and then could not read the keys has lost the sign-in.
#[tokio::test(start_paused = true)]
async fn an_outage_of_the_keys_uses_up_no_sign_in() {
    let login = Login::new();
    let web = web(login.contoso());
    login.says(|script| script.is_silent = true);
    let error = sign_in(&login, &web, "").await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), login.asked("/token")), (ErrorKind::Unavailable, Effect::None, 0));
    login.says(|script| script.is_silent = false);
    sign_in(&login, &web, "").await.unwrap();
    // Keys of yesterday are good until the login can be asked again, for two days.
    login.says(|script| script.is_silent = true);
    for (hours, good) in [(25, true), (24, false)] {
        login.clock.sleep(Duration::from_secs(hours * 3600)).await;
        let now = login.clock.now().unix_timestamp();
        login.says(|script| (script.claims["nbf"], script.claims["exp"]) = (json!(now - 60), json!(now + 3600)));
        let before = login.asked("/token");
        assert_eq!(sign_in(&login, &web, "").await.is_ok(), good, "{hours}");
        assert_eq!(
            login.asked("/token") - before,
            usize::from(good),
            "a code that will not be believed is not given in"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn keys_come_from_nowhere_that_anybody_can_change() {
    for address in ["http://login.microsoftonline.com/keys", "http://127.0.0.1/keys", "file:///keys", "/keys"] {
        let login = Login::new();
        login.says(|script| script.configuration["jwks_uri"] = json!(address));
        let error = sign_in(&login, &web(login.contoso()), "").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{address}");
        assert_eq!(login.asked(address), 0, "{address}");
    }
}

/// RFC 9207: an answer that names its login is compared before the code is shown to anybody.
#[tokio::test(start_paused = true)]
async fn an_answer_of_another_login_is_refused() {
    let login = Login::new();
    let web = web(login.contoso());
    let error = sign_in(&login, &web, "&iss=https%3A%2F%2Fevil.example%2Fv2.0").await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("answer")));
    assert_eq!(login.asked("/token"), 0);
    sign_in(&login, &web, &format!("&iss=https%3A%2F%2Flogin.microsoftonline.com%2F{CONTOSO}%2Fv2.0")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_person_is_called_is_made_fit_for_a_page() {
    let login = Login::new();
    login.says(|script| script.claims["name"] = json!(format!("A\u{1b}[2J\n{}", "x".repeat(1000))));
    let name = sign_in(&login, &web(login.contoso()), "").await.unwrap().person.display_name.unwrap();
    assert!(name.starts_with("A[2Jx") && name.chars().count() == 256, "{name}");
}

#[tokio::test(start_paused = true)]
async fn permissions_that_were_not_granted_are_named() {
    let login = Login::new();
    login.says(|script| script.more = json!({"scope": format!("{DEVOPS}/vso.code openid"), "refresh_token": "r"}));
    let signed_in = sign_in(&login, &web(login.contoso()), "").await.unwrap();
    assert_eq!(signed_in.missing, ["user_impersonation"]);
}

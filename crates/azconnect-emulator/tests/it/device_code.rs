//! A device without a browser, and a person who signs in for it elsewhere.

use azconnect_emulator::{Conduct, DevicePolling, Service, Settings, SignInSettings};
use serde_json::{Value, json};

use crate::harness::{Reply, TENANT, Way};
use crate::signing_in::*;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(at: &SignIn, tenant: &str, client: &str) -> Reply {
    let fields = [("client_id", client), ("scope", "openid profile offline_access User.Read")];
    at.harness.ask(Service::Login, "POST", &format!("/{tenant}/oauth2/v2.0/devicecode")).form(&fields).send().await
}

async fn poll(at: &SignIn, tenant: &str, client: &str, device: &Value) -> Reply {
    let code = device["device_code"].as_str().unwrap();
    at.token_request(tenant, &[("grant_type", GRANT), ("client_id", client), ("device_code", code)]).send().await
}

async fn enter(at: &SignIn, device: &Value, conduct: Conduct) -> (String, String) {
    let address = device["verification_uri"].as_str().unwrap();
    shown(&at.visit(address, &conduct.with_code(device["user_code"].as_str().unwrap())).await)
}

async fn a_device_waits_until_its_person_has_signed_in(way: Way) {
    let at = SignIn::new(way).await;
    let device = begin(&at, "organizations", DESKTOP).await.expect(200);
    assert_eq!((&device["expires_in"], &device["interval"]), (&json!(900), &json!(5)));
    assert!(device["message"].as_str().unwrap().contains(device["user_code"].as_str().unwrap()));
    assert!(device.get("verification_uri_complete").is_none());
    let pending = poll(&at, "organizations", DESKTOP, &device).await;
    assert_eq!((pending.status, refused(&pending)), (400, (70016, "authorization_pending".to_owned())));
    // In small letters and with blanks, as people type.
    let code = device["user_code"].as_str().unwrap().to_lowercase();
    let typed = format!(" {} {} ", &code[..4], &code[4..]);
    let conduct = Conduct::of(ADA).with_code(&typed);
    let (page, text) = shown(&at.visit(device["verification_uri"].as_str().unwrap(), &conduct).await);
    assert!(page == "done" && text.contains("Desktop"), "{page}: {text}");
    let body = poll(&at, "organizations", DESKTOP, &device).await.expect(200);
    assert_eq!(claims(&body["id_token"])["oid"], ADA_ID);
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(at.harness.graph("GET", "/me").bearer(token).send().await.expect(200)["id"], ADA_ID);
    // Good once. The refresh token is a public client's.
    assert_eq!(refused(&poll(&at, "organizations", DESKTOP, &device).await).1, "invalid_grant");
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", DESKTOP),
        ("refresh_token", body["refresh_token"].as_str().unwrap()),
    ];
    at.token_request(TENANT, &fields).send().await.expect(200);
    at.harness.emulator.person().change_password(ADA, &azconnect_core::Secret::new("new")).unwrap();
    assert_eq!(refused(&at.token_request(TENANT, &fields).send().await).0, 50173, "its own password ends it");
}

async fn a_person_declines_mistypes_or_comes_too_late(way: Way) {
    let at = SignIn::new(way).await;
    let declined = begin(&at, TENANT, DESKTOP).await.expect(200);
    assert_eq!(enter(&at, &declined, Conduct::of(ADA).declining()).await.0, "done");
    let told = refused(&poll(&at, TENANT, DESKTOP, &declined).await);
    assert_eq!(told.1, "authorization_declined", "and not RFC 8628's access_denied");
    let (page, text) = shown(
        &at.visit(declined["verification_uri"].as_str().unwrap(), &Conduct::of(ADA).with_code("NONSENSE1")).await,
    );
    assert!(page == "device-code" && text.contains("didn't work"), "{page}: {text}");
    let late = begin(&at, TENANT, DESKTOP).await.expect(200);
    at.harness.advance(900);
    assert_eq!(refused(&poll(&at, TENANT, DESKTOP, &late).await).1, "expired_token");
    assert_eq!(enter(&at, &late, Conduct::of(ADA)).await.0, "device-code", "and its code is unknown");
    let unknown = json!({"device_code": "x"});
    assert_eq!(refused(&poll(&at, TENANT, DESKTOP, &unknown).await).1, "bad_verification_code");
    let other = begin(&at, TENANT, DESKTOP).await.expect(200);
    assert_eq!(refused(&poll(&at, TENANT, PAGE, &other).await).0, 7_000_218);
}

/// Only an application that allows public client flows; unknown ones, and refusals that arrive as successes.
async fn an_application_must_allow_it(way: Way) {
    let at = SignIn::new(way).await;
    let device = begin(&at, TENANT, INTERNAL).await.expect(200);
    assert_eq!(refused(&poll(&at, TENANT, INTERNAL, &device).await), (7_000_218, "invalid_client".to_owned()));
    let nobody = "99999999-0000-4000-8000-000000000000";
    assert_eq!(refused(&begin(&at, TENANT, nobody).await).0, 700_016);
    assert_eq!(refused(&begin(&at, "common", INTERNAL).await).0, 50194);
    let settings = SignInSettings::default().with_device_errors_in_200(true);
    let at = SignIn::with(way, Settings::default().with_sign_in(settings), &seed()).await;
    let body = begin(&at, TENANT, nobody).await.expect(200);
    assert_eq!(body["error"], "unauthorized_client");
}

/// Nobody documents what a device hears that does not wait.
async fn a_device_that_does_not_wait_hears_what_the_setting_says(way: Way) {
    for (polling, error) in [
        (DevicePolling::Tolerated, "authorization_pending"),
        (DevicePolling::SlowDown, "slow_down"),
        (DevicePolling::LoopDetected, "invalid_grant"),
    ] {
        let settings = SignInSettings::default().with_device_polling(polling);
        let at = SignIn::with(way, Settings::default().with_sign_in(settings), &seed()).await;
        let device = begin(&at, TENANT, DESKTOP).await.expect(200);
        assert_eq!(refused(&poll(&at, TENANT, DESKTOP, &device).await).1, "authorization_pending");
        at.harness.advance(4);
        assert_eq!(refused(&poll(&at, TENANT, DESKTOP, &device).await).1, error);
        // A device that slows down by five seconds is heard again.
        at.harness.advance(10);
        assert_eq!(refused(&poll(&at, TENANT, DESKTOP, &device).await).1, "authorization_pending");
    }
}

mod both {
    crate::both_ways! {
        a_device_waits_until_its_person_has_signed_in
        a_person_declines_mistypes_or_comes_too_late
        an_application_must_allow_it
        a_device_that_does_not_wait_hears_what_the_setting_says
    }
}

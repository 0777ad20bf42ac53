//! A person signs in for a program that has no browser.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Effect, ErrorKind, Retry};
use azconnect_emulator::{Conduct, DevicePolling, Fault, FaultAction, Settings, SignInSettings};
use azconnect_identity::user::{DeviceSignIn, Obstacle};
use azconnect_testkit::Canary;
use serde_json::json;

use crate::login::Login;
use crate::people::*;

fn device(at: &People) -> DeviceSignIn {
    DeviceSignIn::new(at.tool(), work()).unwrap()
}

async fn enter(at: &People, address: &str, conduct: Conduct) {
    at.visitor.visit(address, &conduct).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_person_who_enters_the_code_signs_the_program_in() {
    let at = People::new(Settings::default());
    let device = device(&at);
    let mut code = device.start().await.unwrap();
    assert!(code.message.contains(&code.user_code) && code.interval == Duration::from_secs(5));
    assert_eq!(code.expires_at, at.clock.now() + Duration::from_secs(900));
    assert!(device.poll(&mut code).await.unwrap().is_none());
    let page = format!("{}?code={}", code.verification_uri, code.user_code);
    enter(&at, &page, Conduct::of(ADA).with_code(&code.user_code)).await;
    let signed_in = device.wait(code).await.unwrap();
    assert_eq!(signed_in.person.id, person(CONTOSO, ADA_ID));
    assert!(signed_in.refresh.is_some());
}

#[tokio::test(start_paused = true)]
async fn whoever_declines_and_a_code_that_ends_are_told() {
    let at = People::new(Settings::default());
    let device = device(&at);
    let code = device.start().await.unwrap();
    let page = format!("{}?code={}", code.verification_uri, code.user_code);
    enter(&at, &page, Conduct::of(ADA).with_code(&code.user_code).declining()).await;
    let error = device.wait(code).await.unwrap_err();
    assert_eq!((Obstacle::of(&error), error.effect()), (Some(Obstacle::Declined), Effect::None));

    let code = device.start().await.unwrap();
    let began = at.clock.elapsed();
    let error = device.wait(code).await.unwrap_err();
    assert_eq!((Obstacle::of(&error), error.retry()), (Some(Obstacle::Expired), Retry::No));
    let passed = at.clock.elapsed() - began;
    // By our own clock: nobody is asked about a code that has ended.
    let mut code = device.start().await.unwrap();
    at.clock.sleep(Duration::from_secs(900)).await;
    let before = at.emulator.exchanges();
    assert_eq!(Obstacle::of(&device.poll(&mut code).await.unwrap_err()), Some(Obstacle::Expired));
    assert_eq!(at.emulator.exchanges(), before);
    assert!(passed >= Duration::from_secs(895) && passed <= Duration::from_secs(900), "{passed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_asks_too_often_slows_down() {
    for polling in [DevicePolling::SlowDown, DevicePolling::LoopDetected] {
        let settings = Settings::default().with_sign_in(SignInSettings::default().with_device_polling(polling));
        let at = People::new(settings);
        let device = device(&at);
        let mut code = device.start().await.unwrap();
        assert!(device.poll(&mut code).await.unwrap().is_none());
        assert_eq!(code.interval, Duration::from_secs(5));
        let before = (at.emulator.exchanges(), at.clock.elapsed());
        assert!(device.poll(&mut code).await.unwrap().is_none(), "{polling:?}");
        assert_eq!((at.emulator.exchanges(), at.clock.elapsed()), (before.0 + 1, before.1), "one poll is one request");
        assert_eq!(code.interval, Duration::from_secs(10), "{polling:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_does_not_end_the_wait() {
    let at = People::new(Settings::default());
    let device = device(&at);
    let code = device.start().await.unwrap();
    let page = format!("{}?code={}", code.verification_uri, code.user_code);
    enter(&at, &page, Conduct::of(ADA).with_code(&code.user_code)).await;
    let outages = ["/token", "/openid-configuration", "/keys"]
        .map(|path| at.emulator.faults().add(Fault::new(FaultAction::DropBefore).with_path(path).with_count(9)));
    device.wait(code).await.unwrap();
    assert_eq!(outages.map(|outage| at.emulator.faults().hits(outage)), [9; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_with_the_status_of_a_success_is_one() {
    for in_200 in [false, true] {
        let sign_in = SignInSettings::default().with_device_errors_in_200(in_200);
        let at = People::new(Settings::default().with_sign_in(sign_in));
        let scope = format!("{PORTAL}/none").parse().unwrap();
        let error = DeviceSignIn::new(at.tool(), scope).unwrap().start().await.unwrap_err();
        assert!(error.service_code().unwrap().starts_with("AADSTS"), "{error:?}");
        assert_eq!(error.operation(), Some("entra.device_code"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_device_code_ends_the_wait() {
    let login = Login::new();
    login.says(|script| {
        script.body = Some(
            json!({"user_code": "ABC", "device_code": "d", "verification_uri": "https://microsoft.com/devicelogin",
                   "expires_in": "900", "interval": 5})
            .to_string(),
        );
    });
    let device = DeviceSignIn::new(login.contoso(), work()).unwrap();
    assert_eq!(
        device.start().await.unwrap_err().kind(),
        ErrorKind::Unexpected,
        "a life as text is none of the document's"
    );
    login.says(|script| {
        script.body = Some(
            json!({"user_code": "ABC", "device_code": "d", "verification_uri": "https://microsoft.com/devicelogin",
                   "expires_in": 900})
            .to_string(),
        );
    });
    let code = device.start().await.unwrap();
    assert!(login.form().contains("client_secret="), "a client with a secret proves itself here too");
    assert!(Arc::strong_count(&login) > 1 && code.message.contains("https://microsoft.com/devicelogin"));
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_device_s_sign_in_is_shown() {
    let at = People::new(Settings::default());
    let canary = Canary::new();
    let ears = canary.listen();
    let device = device(&at);
    let code = device.start().await.unwrap();
    canary.watch(&azconnect_core::Secret::new(code.user_code.as_str()));
    let mut shown = format!("{device:?} {code:?}");
    let page = format!("{}?code={}", code.verification_uri, code.user_code);
    enter(&at, &page, Conduct::of(ADA).with_code(&code.user_code)).await;
    let signed_in = device.wait(code).await.unwrap();
    canary.watch(&signed_in.token.secret);
    canary.watch(signed_in.refresh.as_ref().unwrap());
    shown += &format!("{signed_in:?}");
    drop(ears);
    canary.assert_absent("Debug", shown.as_bytes());
    canary.assert_absent_from_logs();
}

//! A service that lies, echoes or never ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use azconnect::core::{ErrorKind, Secret};
use azconnect::http::{Request, Response, Transport};
use azconnect::rotation::RotationOutcome;
use azconnect_testkit::Canary;
use serde_json::{Value, json};

use crate::site::Site;
use crate::wire::Wire;

fn answer(status: u16, headers: &[(&str, String)], body: String) -> Response {
    let mut answer = http::Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, value);
    }
    answer.body(body.into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_ends_is_given_up() {
    let site = Site::new();
    let pages = Arc::new(AtomicU64::new(0));
    let count = pages.clone();
    let endless = move |request: &Request| {
        let list = request.uri().path().ends_with("/_apis/projects");
        list.then(|| {
            let page = count.fetch_add(1, Ordering::SeqCst);
            answer(200, &[("x-ms-continuationtoken", page.to_string())], json!({"count": 0, "value": []}).to_string())
        })
    };
    let wire = Wire::new(site.contoso.emulator.transport()).with_twist(endless);
    let devops = site.contoso.operator(Arc::new(wire)).devops();
    let organization = devops.organization(&"contoso".parse().unwrap()).unwrap();
    let error = organization.projects(azconnect::devops::ProjectState::WellFormed).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
    assert!(!error.advice().is_empty(), "{error}");
    let pages = pages.load(Ordering::SeqCst);
    assert!((2..=1000).contains(&pages), "{pages} pages were followed");
}

/// Every word that a service was told, as it may say it back.
fn echoed(request: &Request) -> String {
    let headers: String = request.headers().values().filter_map(|value| value.to_str().ok()).collect();
    format!("{headers} {}", String::from_utf8_lossy(request.body()))
}

#[tokio::test(start_paused = true)]
async fn a_service_that_says_secrets_back_finds_them_nowhere_again() {
    let site = Site::new();
    let canary = Arc::new(Canary::new());
    canary.watch(&site.contoso.operator_secret());
    canary.watch(&crate::site::handed_over(&site));
    let ears = canary.listen();
    let minted = canary.clone();
    // Whatever Microsoft Graph mints is watched for from then on.
    let ear = move |request: &Request, answer: &Response| {
        if request.uri().path().ends_with("/addPassword") {
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            if let Some(text) = body["secretText"].as_str() {
                minted.watch(&Secret::new(text));
            }
        }
    };
    // Each write of a connection is refused, with everything in the refusal that the service was told.
    let parrot = |request: &Request| {
        let write = request.method() == http::Method::PUT && request.uri().path().contains("serviceendpoint");
        write.then(|| {
            let said = echoed(request);
            let header: String = said.chars().filter(char::is_ascii_graphic).take(200).collect();
            let body = json!({"$id": "1", "message": said, "typeName": said, "typeKey": said, "errorCode": 0});
            let headers =
                [("x-vss-e2eid", header.clone()), ("location", header.clone()), ("x-tfs-serviceerror", header)];
            answer(400, &headers, body.to_string())
        })
    };
    let wire: Arc<dyn Transport> =
        Arc::new(Wire::new(site.contoso.emulator.transport()).with_twist(parrot).with_ear(ear));
    let product = site.starts().await.unwrap();
    let target = site.contoso.target(wire);
    let outcome = product.rotator().with_patience(std::time::Duration::from_secs(86_400)).rotate(&target).await;
    assert!(
        matches!(outcome, Ok(RotationOutcome::RolledBack { .. } | RotationOutcome::Blocked { .. })),
        "the consumers refused: {outcome:?}"
    );
    let history = product.rotator().history(target.subject()).await.unwrap();
    drop(product);
    drop(ears);
    canary.assert_absent("the outcome", format!("{outcome:?} {outcome:#?}").as_bytes());
    canary.assert_absent("the history", serde_json::to_string(&history).unwrap().as_bytes());
    canary.assert_absent("the database", &site.copy());
    canary.assert_absent_from_logs();
    assert!(canary.heard() > 0, "there was something to hear");
}

/// Each service says everything back that it is told, as the sentence of a code that nobody knows.
#[tokio::test(start_paused = true)]
async fn a_service_s_own_sentence_is_offered_without_what_it_was_told() {
    let site = Site::new();
    let canary = Arc::new(Canary::new());
    canary.watch(&site.contoso.operator_secret());
    let ears = canary.listen();
    let token = canary.clone();
    let parrot = |only: &'static str| {
        move |request: &Request| {
            let host = request.uri().host().unwrap_or_default();
            host.ends_with(only).then(|| {
                let said = format!("The thing 'web' is stuck. You said {}", echoed(request));
                let body = json!({
                    "error": if only.starts_with("login") { json!("brand_new") } else { json!({"code": "BrandNew", "message": said}) },
                    "error_description": said, "error_codes": [999_999],
                    "message": said, "typeKey": "BrandNewException",
                });
                answer(400, &[], body.to_string())
            })
        }
    };
    let watch = move |request: &Request, answer: &Response| {
        if request.uri().path().ends_with("/token") {
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            if let Some(text) = body["access_token"].as_str() {
                token.watch(&Secret::new(text));
            }
        }
    };
    for only in ["login.microsoftonline.com", "graph.microsoft.com", "management.azure.com", "dev.azure.com"] {
        let wire = Wire::new(site.contoso.emulator.transport()).with_twist(parrot(only)).with_ear(watch.clone());
        let operator = site.contoso.operator(Arc::new(wire));
        let error = match only {
            "dev.azure.com" => {
                let organization = operator.devops().organization(&"contoso".parse().unwrap()).unwrap();
                organization.projects(azconnect::devops::ProjectState::WellFormed).await.unwrap_err()
            }
            "management.azure.com" => operator.arm().subscriptions().await.unwrap_err(),
            _ => operator
                .graph()
                .application_by_client_id(azconnect_tests::contoso::deploy())
                .await
                .map(|_| ())
                .unwrap_err(),
        };
        let text = error.service_text().unwrap_or_default().to_owned();
        assert!(text.starts_with("The thing 'web' is stuck. You said …"), "{only}: {text:?} of {error:?}");
        canary.assert_absent(only, format!("{text} {error} {error:?}").as_bytes());
    }
    drop(ears);
    canary.assert_absent_from_logs();
}

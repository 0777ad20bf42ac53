//! Consumers that are not what they seem, in whole rotations on the emulator.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect::core::{Clock, Error};
use azconnect::http::{Request, Response, Transport};
use azconnect::rotation::{Decision, RotationOutcome, SinkBinding};
use azconnect_tests::contoso::{Contoso, connections, deploy, old_key, policy};
use serde_json::Value;

/// A service that answers a write with success, keeps the former secret, and shows no date of change. What Azure DevOps
/// does with a secret under a name that it does not expect is not documented, and old servers show no date.
struct Forgetful {
    inner: Arc<dyn Transport>,
    keeps_the_former_secret: bool,
}

#[async_trait]
impl Transport for Forgetful {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let endpoints = request.uri().path().contains("/_apis/serviceendpoint/endpoints/");
        let (head, body) = request.into_parts();
        let mut body = body;
        if endpoints && head.method == "PUT" && self.keeps_the_former_secret {
            let mut document: Value = serde_json::from_slice(&body).unwrap();
            document["authorization"]["parameters"]["serviceprincipalkey"] = Value::Null;
            body = document.to_string().into();
        }
        let mut answer = self.inner.send(Request::from_parts(head, body)).await?;
        if endpoints && let Ok(Value::Object(mut document)) = serde_json::from_slice(answer.body()) {
            document.remove("modificationDate");
            *answer.body_mut() = Value::Object(document).to_string().into();
        }
        Ok(answer)
    }
}

fn forgetful(contoso: &Contoso, keeps_the_former_secret: bool) -> Arc<dyn Transport> {
    Arc::new(Forgetful { inner: contoso.emulator.transport(), keeps_the_former_secret })
}

fn is_live(contoso: &Contoso, key: azconnect::core::KeyId) -> bool {
    contoso.emulator.truth().password(key).is_some_and(|password| password.live)
}

/// A permission service that says no to everything, as it does to an administrator of the project alone.
struct NoRights(Arc<dyn Transport>);

#[async_trait]
impl Transport for NoRights {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let asked = request.uri().path().ends_with("/_apis/security/permissionevaluationbatch");
        let mut answer = self.0.send(request).await?;
        if asked {
            let text = String::from_utf8(answer.body().to_vec()).unwrap();
            *answer.body_mut() = text.replace(":true", ":false").into();
        }
        Ok(answer)
    }
}

/// Editing a secret takes Administer on the connection's token of the collection.
#[tokio::test(start_paused = true)]
async fn a_plan_is_refused_where_the_operator_may_not_change_a_connection_s_secret() {
    let contoso = Contoso::new();
    let target = contoso.target(Arc::new(NoRights(contoso.emulator.transport())));
    let plan = contoso.rotator(contoso.ports()).plan(&target).await.unwrap();
    assert_eq!(plan.decision, Decision::Refuse);
    let blockers = plan.blockers();
    assert_eq!(blockers.len(), 2, "{blockers:?}");
    for (title, check) in blockers {
        assert_eq!(check.code, "may-not-change-secret", "{title}");
        assert!(check.remedy.contains("\\Project Collection Administrators"), "{check}");
    }
}

/// A service on which a person has put a certificate in the place of every connection's key.
struct Certified(Arc<dyn Transport>);

#[async_trait]
impl Transport for Certified {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let read = request.method() == "GET" && request.uri().path().contains("/_apis/serviceendpoint/endpoints/");
        let mut answer = self.0.send(request).await?;
        if read {
            let text = String::from_utf8(answer.body().to_vec()).unwrap();
            *answer.body_mut() = text.replace("spnKey", "spnCertificate").into();
        }
        Ok(answer)
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_says_that_a_connection_holds_a_certificate_and_not_the_secret_that_is_rotated() {
    let contoso = Contoso::new();
    let operator = contoso.operator(Arc::new(Certified(contoso.emulator.transport())));
    let [production, _] = connections();
    let target = operator.target(deploy()).unwrap().with_policy(policy()).with_adopted(old_key());
    let plan = async |replaced, optional: bool| {
        let sink = operator.service_connection("contoso", "Web", production.into(), deploy()).unwrap();
        let binding = SinkBinding::new(Arc::new(sink.with_certificate_replaced(replaced)));
        let binding = if optional { binding.optional() } else { binding };
        contoso.rotator(contoso.ports()).plan(&target.clone().with_sink(binding)).await.unwrap()
    };
    let required = plan(false, false).await;
    assert_eq!(required.decision, Decision::Refuse);
    assert_eq!(required.blockers()[0].1.code, "certificate");
    let left_out = plan(false, true).await;
    assert!(left_out.all_checks().iter().any(|(_, check)| check.code == "certificate" && check.blocks()));
    let replaced = plan(true, false).await;
    assert_eq!(replaced.decision, Decision::Rotate, "{:?}", replaced.blockers());
    assert!(replaced.all_checks().iter().any(|(_, check)| check.code == "certificate" && check.is_advisory));
}

#[tokio::test(start_paused = true)]
async fn the_old_key_stays_where_a_connection_works_and_nothing_shows_that_it_took_the_new_secret() {
    for keeps_the_former_secret in [true, false] {
        let contoso = Contoso::new();
        let operator = contoso.operator(forgetful(&contoso, keeps_the_former_secret));
        let [production, _] = connections();
        let sink = operator.service_connection("contoso", "Web", production.into(), deploy()).unwrap();
        let target = operator.target(deploy()).unwrap().with_policy(policy()).with_adopted(old_key());
        let target = target.with_sink(SinkBinding::new(Arc::new(sink)));
        let outcome = contoso.rotator(contoso.ports()).rotate(&target).await.unwrap();
        let problem = match &outcome {
            RotationOutcome::Blocked { problem, .. } | RotationOutcome::RolledBack { problem, .. } => problem,
            other => panic!("{other:?}"),
        };
        let text = format!("{problem} {}", problem.advice());
        assert!(text.contains("nothing shows that the push was stored") && text.contains("receipt"), "{text}");
        assert!(is_live(&contoso, old_key()), "{outcome:?}");
        contoso.clock.sleep(Duration::from_secs(1)).await;
    }
}

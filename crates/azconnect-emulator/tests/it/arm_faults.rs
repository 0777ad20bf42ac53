//! Azure Resource Manager: scripted failures, budgets, and answers of any size.

use std::time::Duration;

use azconnect_emulator::arm::{ArmSettings, ErrorShape, Failure};
use azconnect_emulator::{Fault, FaultAction, Service};
use azconnect_http::SendOptions;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::arm::{Azure, GROUP, network, public_ip, refused};
use crate::harness::{SUBSCRIPTION, Way};

async fn with_group(way: Way) -> Azure {
    let azure = Azure::with(way, ArmSettings::instant()).await;
    azure.put(GROUP, &json!({"location": "westeurope"})).await.expect(201);
    azure
}

fn on_address(failure: Failure) -> Fault {
    Fault::new(FaultAction::Fail(failure))
        .with_service(Service::ResourceManager)
        .with_method("PUT")
        .with_path("/publicIPAddresses/")
}

async fn every_code_can_be_scripted_at_once_and_in_an_operation(way: Way) {
    let azure = with_group(way).await;
    let faults = azure.harness.emulator.faults();
    let codes: Vec<&str> = Failure::codes().collect();
    assert!(codes.len() > 60);
    for (at, code) in codes.into_iter().enumerate() {
        let path = network(&format!("publicIPAddresses/pip{at}"));
        faults.add(on_address(Failure::new(code)));
        let reply = azure.put(&path, &public_ip()).await;
        assert!(reply.status >= 400, "{code}");
        assert_eq!(reply.json()["error"]["code"], code);
        assert_eq!(azure.get(&path).await.status, 404, "a refusal has no effect");
        faults.add(on_address(Failure::new(code).in_operation()));
        let reply = azure.put(&path, &public_ip()).await;
        assert_eq!(reply.status, 201, "{code}");
        let ended = azure.finish(&reply).await;
        assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("Failed"), &json!(code)));
        assert_eq!(azure.get(&path).await.expect(200)["properties"]["provisioningState"], "Failed");
    }
}

async fn every_shape_is_written(way: Way) {
    let azure = with_group(way).await;
    let path = network("publicIPAddresses/pip");
    let failure = |shape| Failure::new("SkuNotAvailable").with_target("vmSize").with_shape(shape);
    let answer = async |shape| {
        azure.harness.emulator.faults().add(on_address(failure(shape)));
        azure.put(&path, &public_ip()).await
    };
    assert_eq!(answer(ErrorShape::Wrapped).await.json()["error"]["target"], "vmSize");
    assert_eq!(answer(ErrorShape::Bare).await.json()["code"], "SkuNotAvailable");
    assert_eq!(answer(ErrorShape::Capitalised).await.json()["Error"]["Code"], "SkuNotAvailable");
    assert_eq!(answer(ErrorShape::StatusFailed).await.json()["status"], "Failed");
    assert_eq!(answer(ErrorShape::Empty).await.text, "");
    assert!(answer(ErrorShape::Html).await.text.starts_with("<html>"));
    let nested = answer(ErrorShape::NestedJson).await.json();
    let inner: Value = serde_json::from_str(nested["error"]["details"][0]["message"].as_str().unwrap()).unwrap();
    assert_eq!(inner["error"]["code"], "SkuNotAvailable");
    azure.harness.emulator.faults().add(on_address(failure(ErrorShape::NestedJson).canceled()));
    let reply = azure.put(&path, &public_ip()).await;
    let ended = azure.finish(&reply).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("Canceled"), &json!("DeploymentFailed")));
}

async fn failures_are_scripted_as_json(way: Way) {
    let azure = with_group(way).await;
    let script = json!({
        "service": "resource_manager", "method": "PUT", "path": "publicIPAddresses", "nth": 2,
        "action": {"kind": "fail", "code": "TooManyRequests", "retryAfter": 7, "message": "slow down", "shape": "bare"},
    });
    azure.harness.ask(Service::ResourceManager, "POST", "/_emulator/faults").json(&script).send().await.expect(201);
    azure.put(&network("publicIPAddresses/a"), &public_ip()).await.expect(201);
    let reply = azure.put(&network("publicIPAddresses/b"), &public_ip()).await;
    assert_eq!((reply.status, &reply.json()["message"]), (429, &json!("slow down")));
    assert!(reply.headers.get_all("retry-after").iter().any(|value| value == "7"));
    let wrong = json!({"action": {"kind": "fail", "code": "X", "shape": "round"}});
    let reply = azure.harness.ask(Service::ResourceManager, "POST", "/_emulator/faults").json(&wrong).send().await;
    assert_eq!(reply.expect(400)["error"]["field"], "fault.action.shape");
    let truth = azure.harness.ask(Service::ResourceManager, "GET", "/_emulator/state").send().await.expect(200);
    assert_eq!(truth["ledger"].as_array().unwrap().len(), 3);
}

async fn a_policy_violation_carries_its_policy(way: Way) {
    let azure = with_group(way).await;
    azure.harness.emulator.faults().add(on_address(Failure::new("RequestDisallowedByPolicy")));
    let error =
        refused(azure.put(&network("publicIPAddresses/a"), &public_ip()).await, 403, "RequestDisallowedByPolicy");
    assert_eq!(error["additionalInfo"][0]["type"], "PolicyViolation");
    assert_eq!(error["additionalInfo"][0]["info"]["policyAssignmentName"], "locations");
}

async fn budgets_run_out_and_fill_again(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant().with_throttling()).await;
    azure.put(GROUP, &json!({"location": "westeurope"})).await.expect(201);
    let path = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/vm");
    for left in (0..36).rev() {
        let reply = azure.get(&path).await;
        assert_eq!(reply.status, 404);
        let shown = reply.header("x-ms-ratelimit-remaining-resource");
        assert!(shown.starts_with(&format!("Microsoft.Compute/GetVMResource;{left},")), "{shown}");
    }
    let reply = azure.get(&path).await;
    assert_eq!(reply.header("retry-after"), "5");
    refused(reply, 429, "TooManyRequests");
    azure.harness.advance(5);
    assert_eq!(azure.get(&path).await.status, 404);
}

async fn a_list_of_sizes_can_be_larger_than_memory_should_be(way: Way) {
    let azure = Azure::with(way, ArmSettings::instant().with_sku_inflation(60)).await;
    let uri = format!(
        "{}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/skus?api-version=2021-07-01",
        azure.harness.origin(Service::ResourceManager)
    );
    let request = || {
        let mut request = http::Request::get(&uri)
            .header("authorization", format!("Bearer {}", azure.token))
            .body(Bytes::new())
            .unwrap();
        let options = SendOptions::default().with_answer_limit(1_000_000).with_timeout(Duration::from_secs(600));
        request.extensions_mut().insert(options);
        request
    };
    azure.harness.transport.send(request()).await.unwrap_err();
    let answer = azure.harness.transport.stream(request()).await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let (mut size, mut first, mut end) = (0, None, Bytes::new());
    while let Some(piece) = body.next().await {
        let piece = piece.unwrap();
        size += piece.len();
        first.get_or_insert_with(|| piece.clone());
        end = piece;
    }
    assert!(size > 20_000_000, "{size}");
    assert!(first.unwrap().starts_with(b"{\"value\":[{") && end.ends_with(b"]}"));
}

mod each_way {
    crate::both_ways! {
        every_code_can_be_scripted_at_once_and_in_an_operation
        every_shape_is_written
        failures_are_scripted_as_json
        a_policy_violation_carries_its_policy
        budgets_run_out_and_fill_again
        a_list_of_sizes_can_be_larger_than_memory_should_be
    }
}

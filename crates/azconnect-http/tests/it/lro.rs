//! The rules of long-running operations, one by one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Error, ErrorKind};
use azconnect_http::{
    Begun, Call, Dialect, Eager, Finish, Operation, OperationDialect, OperationOutcome, Pipeline, PlainDialect, Poller,
    Request, Response, StoredOperation, Transport, answer_lost,
};
use azconnect_testkit::{Canary, VirtualClock};
use url::Url;

const RESOURCE: &str = "https://management.azure.com/r?api-version=1";
const STATUS: &str = "https://management.azure.com/op/1?api-version=1&t=6&c=MII~x&s=a%2fb%2Fc'd";
const LOCATION: &str = "https://management.azure.com/result/1?c=MII%2B";

/// Answers in order, and notes who was asked and when.
struct Script {
    clock: VirtualClock,
    answers: Mutex<VecDeque<Option<Response>>>,
    asked: Mutex<Vec<(u64, String, String)>>,
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let at = self.clock.elapsed().as_secs();
        self.asked.lock().unwrap().push((at, request.method().to_string(), request.uri().to_string()));
        let answer = self.answers.lock().unwrap().pop_front().expect("asked more often than the script says");
        answer.ok_or_else(|| answer_lost("dropped"))
    }
}

struct Words;

impl Dialect for Words {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        PlainDialect.judge(answer).map_err(|error| {
            if error.http_status() == Some(429) { error.with_retry(azconnect_core::Retry::Backoff) } else { error }
        })
    }
}

impl OperationDialect for Words {
    fn failure(&self, answer: &Response) -> Error {
        let body: serde_json::Value = azconnect_http::json(answer).unwrap();
        Error::new(ErrorKind::Unavailable, "it failed")
            .with_service_code(body["error"]["code"].as_str().unwrap_or("none"))
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Option<Response> {
    let mut answer = http::Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    Some(answer.body(body.to_owned().into()).unwrap())
}

struct Stage {
    script: Arc<Script>,
    pipeline: Pipeline,
}

impl Stage {
    fn new(answers: Vec<Option<Response>>) -> Self {
        let clock = VirtualClock::new();
        let script =
            Arc::new(Script { clock: clock.clone(), answers: Mutex::new(answers.into()), asked: Mutex::default() });
        Self { pipeline: Pipeline::new(script.clone(), Arc::new(clock)), script }
    }

    fn poller(&self, operation: Operation) -> Poller<'static> {
        let template = Call::get("test.thing.create", Url::parse(RESOURCE).unwrap());
        Poller::new(&self.pipeline, template, &Words, operation)
    }

    fn begin(&self, call: Call, first: Option<Response>) -> Operation {
        match Begun::of(&call, first.unwrap(), self.script.clock.now()) {
            Begun::Running(operation) => operation,
            Begun::Done(_) => panic!("done at once"),
            _ => unreachable!(),
        }
    }

    fn asked(&self) -> Vec<(u64, String)> {
        assert!(self.script.answers.lock().unwrap().is_empty(), "answers are left over");
        let asked = self.script.asked.lock().unwrap();
        assert!(asked.iter().all(|(_, method, _)| method == "GET"));
        asked.iter().map(|(at, _, address)| (*at, address.clone())).collect()
    }
}

fn put() -> Call {
    Call::put("test.thing.create", Url::parse(RESOURCE).unwrap())
}

fn delete() -> Call {
    Call::delete("test.thing.delete", Url::parse(RESOURCE).unwrap())
}

fn created(retry_after: &str) -> Option<Response> {
    let headers = [("azure-asyncoperation", STATUS), ("location", LOCATION), ("retry-after", retry_after)];
    answer(201, &headers, r#"{"properties":{"provisioningState":"Creating"}}"#)
}

fn running() -> Option<Response> {
    answer(200, &[], r#"{"status":"InProgress"}"#)
}

fn body(outcome: OperationOutcome) -> String {
    String::from_utf8(outcome.into_result().unwrap().into_body().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_status_address_is_preferred_and_the_result_is_the_resource() {
    let stage = Stage::new(vec![
        running(),
        running(),
        answer(200, &[], r#"{"status":"Succeeded"}"#),
        answer(200, &[], "{\"a\":1}"),
    ]);
    let operation = stage.begin(put(), created("10"));
    assert_eq!(body(stage.poller(operation).wait().await), "{\"a\":1}");
    // Early polls, then the pause that was named; signed addresses byte for byte.
    assert_eq!(stage.asked(), [(1, STATUS.into()), (2, STATUS.into()), (4, STATUS.into()), (4, RESOURCE.into())]);
}

#[tokio::test(start_paused = true)]
async fn location_runs_with_202_and_ends_a_delete_with_204_or_an_empty_200() {
    for last in [answer(204, &[], ""), answer(200, &[], "")] {
        let stage = Stage::new(vec![answer(202, &[("retry-after", "7")], ""), last]);
        let operation = stage.begin(delete(), answer(202, &[("location", LOCATION), ("retry-after", "15")], ""));
        assert_eq!(body(stage.poller(operation).wait().await), "");
        assert_eq!(stage.asked(), [(1, LOCATION.into()), (2, LOCATION.into())]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_moved_location_is_followed() {
    let other = "https://management.azure.com/result/2";
    let stage = Stage::new(vec![answer(202, &[("location", other)], ""), answer(204, &[], "")]);
    let operation = stage.begin(delete(), answer(202, &[("location", LOCATION)], ""));
    assert!(stage.poller(operation).wait().await.into_result().is_ok());
    assert_eq!(stage.asked()[1].1, other);
}

#[tokio::test(start_paused = true)]
async fn without_links_the_resource_tells_its_state() {
    let updating = r#"{"properties":{"provisioningState":"Updating"}}"#;
    let stage = Stage::new(vec![answer(200, &[], updating), answer(200, &[], "{\"properties\":{}}")]);
    let operation = stage.begin(put(), answer(200, &[], updating));
    assert_eq!(body(stage.poller(operation).wait().await), "{\"properties\":{}}");
}

#[tokio::test(start_paused = true)]
async fn without_links_a_deleted_resource_is_gone_when_it_is_not_found() {
    let stage = Stage::new(vec![
        answer(200, &[], "{\"properties\":{\"provisioningState\":\"Deleting\"}}"),
        answer(404, &[], ""),
    ]);
    let operation = stage.begin(delete(), answer(202, &[], ""));
    assert_eq!(body(stage.poller(operation).wait().await), "");
}

#[tokio::test(start_paused = true)]
async fn failed_and_canceled_are_failures_of_the_operation() {
    for word in ["Failed", "Canceled", "Cancelled"] {
        let text = format!(r#"{{"status":"{word}","error":{{"code":"AllocationFailed","message":"m"}}}}"#);
        let stage = Stage::new(vec![answer(200, &[], &text)]);
        let operation = stage.begin(put(), created("10"));
        let OperationOutcome::Failed(error) = stage.poller(operation).wait().await else { panic!("not failed") };
        assert_eq!(error.service_code(), Some("AllocationFailed"));
        assert_eq!(error.operation(), Some("test.thing.create"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_read_is_not_a_failed_operation() {
    let stage = Stage::new(vec![answer(403, &[], ""), answer(403, &[], "")]);
    let operation = stage.begin(put(), created("10"));
    let OperationOutcome::Unread(error) = stage.poller(operation).wait().await else { panic!("not unread") };
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

/// The service lets only the caller that began an operation read it.
#[tokio::test(start_paused = true)]
async fn an_operation_that_only_its_beginner_may_read_is_read_from_its_resource() {
    let state = r#"{"properties":{"provisioningState":"Succeeded"}}"#;
    let creating = r#"{"properties":{"provisioningState":"Creating"}}"#;
    let stage = Stage::new(vec![answer(403, &[], ""), answer(200, &[], creating), answer(200, &[], state)]);
    let operation = stage.begin(put(), created("10"));
    assert_eq!(body(stage.poller(operation).resumed().wait().await), state);
    assert_eq!(stage.asked(), [(0, STATUS.into()), (0, RESOURCE.into()), (1, RESOURCE.into())]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_read_of_a_post_leads_nowhere_else() {
    let stage = Stage::new(vec![answer(403, &[], "")]);
    let call = Call::post("test.thing.start", Url::parse(RESOURCE).unwrap());
    let operation = stage.begin(call, answer(202, &[("azure-asyncoperation", STATUS)], ""));
    let OperationOutcome::Unread(error) = stage.poller(operation).wait().await else { panic!("not unread") };
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[tokio::test(start_paused = true)]
async fn what_is_still_there_was_not_deleted() {
    let state = r#"{"properties":{"provisioningState":"Succeeded"}}"#;
    let there = answer(200, &[], state);
    let mut answers = vec![answer(403, &[], "")];
    answers.extend(std::iter::repeat_n(there, 30));
    let stage = Stage::new(answers);
    let operation = stage.begin(delete(), answer(202, &[("location", LOCATION)], ""));
    let OperationOutcome::Failed(error) = stage.poller(operation).wait().await else { panic!("it is there") };
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Conflict, azconnect_core::Effect::Unknown));
}

#[tokio::test(start_paused = true)]
async fn dropped_connections_and_server_errors_are_outlived() {
    let stage = Stage::new(vec![
        None,
        answer(503, &[], ""),
        answer(200, &[], "<html>"),
        answer(200, &[], "{\"status\":\"Succeeded\"}"),
        answer(200, &[], "{}"),
    ]);
    let operation = stage.begin(put(), created("3"));
    assert_eq!(body(stage.poller(operation).wait().await), "{}");
}

#[tokio::test(start_paused = true)]
async fn reading_in_vain_ends_and_the_operation_can_be_resumed() {
    let stage = Stage::new(vec![None; 10]);
    let operation = stage.begin(put(), created("3"));
    let mut poller = stage.poller(operation);
    assert!(matches!(poller.wait().await, OperationOutcome::Unread(_)));
    let stored = serde_json::to_string(&poller.operation().stored()).unwrap();

    let stage = Stage::new(vec![answer(200, &[], "{\"status\":\"Succeeded\"}"), answer(200, &[], "{}")]);
    let resumed: StoredOperation = serde_json::from_str(&stored).unwrap();
    let resumed = resumed.resume(&put()).unwrap();
    assert_eq!(body(stage.poller(resumed).resumed().wait().await), "{}");
    assert_eq!(stage.asked(), [(0, STATUS.into()), (0, RESOURCE.into())], "a resumed process polls first");
}

#[tokio::test(start_paused = true)]
async fn a_status_not_found_soon_after_create_is_in_progress() {
    let stage =
        Stage::new(vec![answer(404, &[], ""), answer(200, &[], "{\"status\":\"Succeeded\"}"), answer(200, &[], "{}")]);
    let operation = stage.begin(put(), created("10"));
    assert_eq!(body(stage.poller(operation).wait().await), "{}");
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_operation_is_read_from_its_resource() {
    let state = r#"{"properties":{"provisioningState":"Succeeded"}}"#;
    let stage = Stage::new(vec![answer(404, &[], ""), answer(200, &[], state)]);
    let operation = stage.begin(put(), created("10"));
    assert_eq!(body(stage.poller(operation).resumed().wait().await), state);
    assert_eq!(stage.asked(), [(0, STATUS.into()), (0, RESOURCE.into())]);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_leads_to_the_resource_itself_is_read_as_one() {
    let headers = [("azure-asyncoperation", RESOURCE)];
    let creating = r#"{"properties":{"provisioningState":"Creating"}}"#;
    let ready = r#"{"properties":{"provisioningState":"Succeeded"}}"#;
    let stage = Stage::new(vec![answer(200, &[], creating), answer(200, &[], ready), answer(200, &[], ready)]);
    let operation = stage.begin(put(), answer(201, &headers, creating));
    assert_eq!(body(stage.poller(operation).wait().await), ready);
}

#[tokio::test(start_paused = true)]
async fn a_post_ends_with_nothing_or_with_what_location_holds() {
    let post = || Call::post("test.thing.do", Url::parse(RESOURCE).unwrap());
    let first = || answer(202, &[("azure-asyncoperation", STATUS), ("location", LOCATION)], "");
    let done = r#"{"status":"Succeeded"}"#;
    let stage = Stage::new(vec![answer(200, &[], done)]);
    let operation = stage.begin(post(), first());
    assert!(stage.poller(operation).wait().await.into_result().is_ok());
    assert_eq!(stage.asked().len(), 1);

    let stage = Stage::new(vec![answer(200, &[], done), answer(200, &[], "[7]")]);
    let operation = stage.begin(post(), first()).with_finish(Finish::Location);
    assert_eq!(body(stage.poller(operation).wait().await), "[7]");
    assert_eq!(stage.asked()[1].1, LOCATION);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_is_waited_out_by_every_policy() {
    let stage = Stage::new(vec![
        answer(429, &[("retry-after", "40")], ""),
        answer(200, &[], "{\"status\":\"Succeeded\"}"),
        answer(200, &[], "{}"),
    ]);
    let operation = stage.begin(put(), created("10"));
    let mut poller = stage.poller(operation).with_policy(Arc::new(Eager::new()));
    assert_eq!(body(poller.wait().await), "{}");
    assert_eq!(stage.asked()[1].0, 41);
}

#[tokio::test(start_paused = true)]
async fn eager_backs_off_when_the_budget_runs_low() {
    let budget = "Microsoft.Compute/HighCostGet3Min;140,Microsoft.Compute/GetOperationResource;9";
    let low = answer(
        200,
        &[("x-ms-ratelimit-remaining-resource", budget), ("retry-after", "30")],
        "{\"status\":\"InProgress\"}",
    );
    let stage = Stage::new(vec![low, answer(200, &[], "{\"status\":\"Succeeded\"}"), answer(200, &[], "{}")]);
    let operation = stage.begin(put(), created("10"));
    assert_eq!(body(stage.poller(operation).with_policy(Arc::new(Eager::new())).wait().await), "{}");
    assert_eq!(stage.asked()[1].0, 31);
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_it_is_in_progress_and_not_failed() {
    let stage = Stage::new(vec![running(), running()]);
    let operation = stage.begin(put(), created("10"));
    let mut poller = stage.poller(operation).with_time_limit(Duration::from_secs(3));
    let outcome = poller.wait().await;
    assert!(matches!(outcome, OperationOutcome::InProgress));
    assert_eq!(outcome.into_result().unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_signed_address_is_in_no_log_and_no_debug() {
    let canary = Canary::new();
    let ears = canary.listen();
    let signed = format!("https://management.azure.com/op?c={}", canary.secret().expose());
    let stage = Stage::new(vec![answer(403, &[], ""), answer(403, &[], "")]);
    let first = answer(201, &[("azure-asyncoperation", &signed)], r#"{"properties":{"provisioningState":"Creating"}}"#);
    let mut poller = stage.poller(stage.begin(put(), first));
    let outcome = poller.wait().await;
    canary.assert_absent("outcome", format!("{outcome:?} {:?}", poller.operation()).as_bytes());
    canary.assert_absent_from_logs();
    drop(ears);
}

/// An operation that was begun at one service, and a template of another's: the template brings the token.
#[tokio::test(start_paused = true)]
async fn a_token_goes_to_no_other_service_than_the_template_s() {
    let stage = Stage::new(vec![]);
    let operation = stage.begin(put(), created("10"));
    let template = Call::get("test.thing.create", Url::parse("https://other.example/r").unwrap());
    let mut poller = Poller::new(&stage.pipeline, template, &Words, operation);
    let OperationOutcome::Unread(error) = poller.poll().await else { panic!("not unread") };
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Corrupt, Some("test.thing.create")));
    assert!(stage.asked().is_empty());
}

/// A service, or a policy, that wants to be asked all the time.
#[tokio::test(start_paused = true)]
async fn two_polls_are_a_second_apart_whatever_the_service_says() {
    for eager in [false, true] {
        let now = || answer(200, &[("retry-after", "0")], r#"{"status":"InProgress"}"#);
        let done = answer(200, &[], r#"{"status":"Succeeded"}"#);
        let stage = Stage::new(vec![now(), now(), now(), now(), done, answer(200, &[], "{}")]);
        let operation = stage.begin(put(), created("0"));
        let mut poller = stage.poller(operation);
        if eager {
            poller = poller.with_policy(Arc::new(Eager::new().with_every(Duration::ZERO)));
        }
        assert_eq!(body(poller.wait().await), "{}");
        let times: Vec<u64> = stage.asked().iter().map(|(at, _)| *at).collect();
        assert_eq!(times, [1, 2, 3, 4, 5, 5]);
    }
}

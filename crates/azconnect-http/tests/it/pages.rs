//! Lists in pages, and links that lead elsewhere.

use std::sync::Arc;

use azconnect_core::{Error, ErrorKind};
use azconnect_http::{Call, PageStyle, Pages, PlainDialect};
use azconnect_testkit::VirtualClock;
use url::Url;

use crate::fake::{Script, Step, answer};

fn call(address: &str) -> Call {
    Call::get("thing.list", Url::parse(address).unwrap())
}

async fn list(script: &Arc<Script>, style: PageStyle) -> Result<Vec<u32>, Error> {
    let pipeline = script.pipeline();
    Pages::new(&pipeline, call("https://service.example/things?a=1"), &PlainDialect, style).all(100).await
}

fn page(body: &str) -> Step {
    answer(200, &[], body)
}

#[tokio::test(start_paused = true)]
async fn both_names_of_the_link_are_followed_verbatim() {
    let next = "https://service.example/things?$skiptoken=a%2Bb+c%20d~%C3%A9&$top=2";
    for name in ["nextLink", "@odata.nextLink"] {
        let first = format!(r#"{{"value":[1,2],"{name}":"{next}"}}"#);
        let last = format!(r#"{{"value":[3],"{name}":null}}"#);
        let script = Script::new(&VirtualClock::new(), [page(&first), page(&last)]);
        assert_eq!(list(&script, PageStyle::NextLink).await.unwrap(), [1, 2, 3]);
        assert_eq!(script.addresses()[1], next);
    }
}

#[tokio::test(start_paused = true)]
async fn the_continuation_token_goes_back_as_a_parameter_and_the_others_stay() {
    let first = answer(200, &[("x-ms-continuationtoken", "a+b/c=&d")], r#"{"count":2,"value":[1,2]}"#);
    let second = answer(200, &[("x-ms-continuationtoken", "2")], "[3]");
    let script = Script::new(&VirtualClock::new(), [first, second, page(r#"{"value":[]}"#)]);
    assert_eq!(list(&script, PageStyle::ContinuationToken).await.unwrap(), [1, 2, 3]);
    let addresses = script.addresses();
    assert_eq!(addresses[1], "https://service.example/things?a=1&continuationToken=a%2Bb%2Fc%3D%26d");
    assert_eq!(addresses[2], "https://service.example/things?a=1&continuationToken=2");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_goes_round_in_circles_ends() {
    let circle = r#"{"value":[1],"nextLink":"https://service.example/things?a=1"}"#;
    let script = Script::new(&VirtualClock::new(), [page(circle)]);
    let error = list(&script, PageStyle::NextLink).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unexpected, Some("thing.list")));
    assert!(error.message().contains("circles"));
    assert_eq!(script.attempts(), 1);

    let token = answer(200, &[("x-ms-continuationtoken", "same")], "[1]");
    let script = Script::new(&VirtualClock::new(), [token]);
    assert!(list(&script, PageStyle::ContinuationToken).await.unwrap_err().message().contains("circles"));
    assert_eq!(script.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_link_to_another_origin_is_followed() {
    for link in [
        "https://other.example/things",
        "https://service.example.evil.example/things",
        "http://service.example/things",
        "https://service.example:8443/things",
        "//other.example/things",
        "/things?page=2",
        "not a link",
        "data:text/plain,x",
    ] {
        let script = Script::new(&VirtualClock::new(), [page(&format!(r#"{{"value":[1],"nextLink":"{link}"}}"#))]);
        let error = list(&script, PageStyle::NextLink).await.unwrap_err();
        assert_eq!((error.kind(), script.attempts()), (ErrorKind::Unexpected, 1), "{link}");
        assert!(!error.to_string().contains("example"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_longer_than_the_caller_wants_is_an_error() {
    let script = Script::new(&VirtualClock::new(), [page(&format!("{:?}", [7; 101]))]);
    let error = list(&script, PageStyle::NextLink).await.unwrap_err();
    assert!(error.message().contains("longer than 100"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_list_is_not_read_as_an_empty_one() {
    for body in ["{}", r#"{"message":"no"}"#, r#"{"value":null}"#, "null", "", "<html>"] {
        let script = Script::new(&VirtualClock::new(), [page(body)]);
        let error = list(&script, PageStyle::NextLink).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{body}");
    }
}

//! Lists in pages, and links that lead elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, Error, ErrorKind};
use azconnect_http::{Call, ListBounds, PageStyle, Pages, Pipeline, PlainDialect, Request, Response, Transport};
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
        "https://somebody@service.example/things",
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
    assert!(error.message().contains("longer than 100 items"));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_list_is_not_read_as_an_empty_one() {
    for body in ["{}", r#"{"message":"no"}"#, r#"{"value":null}"#, "null", "", "<html>"] {
        let script = Script::new(&VirtualClock::new(), [page(body)]);
        let error = list(&script, PageStyle::NextLink).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{body}");
    }
}

/// A service that names another page for ever, each after some time and with some items.
struct Endless {
    clock: VirtualClock,
    pause: Duration,
    items: usize,
    style: PageStyle,
    asked: AtomicU64,
}

impl Endless {
    fn new(style: PageStyle, pause: Duration, items: usize) -> Arc<Self> {
        Arc::new(Self { clock: VirtualClock::new(), pause, items, style, asked: AtomicU64::new(0) })
    }

    async fn read(self: &Arc<Self>, bounds: Option<ListBounds>) -> Result<usize, Error> {
        let pipeline = Pipeline::new(Arc::clone(self) as Arc<dyn Transport>, Arc::new(self.clock.clone()));
        let mut pages = Pages::<u32>::new(&pipeline, call("https://service.example/things"), &PlainDialect, self.style);
        if let Some(bounds) = bounds {
            pages = pages.with_bounds(bounds);
        }
        let mut items = 0;
        while let Some(page) = pages.next().await? {
            items += page.len();
        }
        Ok(items)
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Transport for Endless {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        self.clock.sleep(self.pause).await;
        let items = vec![7; self.items];
        let answer = http::Response::builder();
        Ok(match self.style {
            PageStyle::NextLink => {
                let link = format!("https://service.example/things?page={number}");
                answer.body(serde_json::json!({"value": items, "nextLink": link}).to_string().into())
            }
            _ => answer.header("x-ms-continuationtoken", number).body(format!("{items:?}").into()),
        }
        .unwrap())
    }
}

const STYLES: [PageStyle; 2] = [PageStyle::NextLink, PageStyle::ContinuationToken];

#[tokio::test(start_paused = true)]
async fn a_list_of_endless_empty_pages_ends_by_their_number() {
    for style in STYLES {
        let service = Endless::new(style, Duration::ZERO, 0);
        let error = service.read(None).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::None));
        assert!(error.message().contains("more than 1000 pages") && error.advice().contains("ListBounds"), "{error}");
        assert_eq!((service.asked(), error.operation()), (1000, Some("thing.list")));

        let service = Endless::new(style, Duration::ZERO, 0);
        service.read(Some(ListBounds::new().with_pages(3))).await.unwrap_err();
        assert_eq!(service.asked(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_comes_slowly_ends_by_its_time() {
    for style in STYLES {
        let service = Endless::new(style, Duration::from_secs(50), 1);
        let error = service.read(None).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Timeout, Effect::None));
        assert!(error.message().contains("within 600 s") && error.advice().contains("ListBounds"), "{error}");
        assert_eq!((service.asked(), service.clock.elapsed().as_secs()), (12, 600));
    }
}

/// The last page begins just before the end, and its answer never comes.
#[tokio::test(start_paused = true)]
async fn the_last_page_has_only_the_time_that_is_left() {
    let service = Endless::new(PageStyle::NextLink, Duration::from_secs(40), 1);
    let error = service.read(Some(ListBounds::new().with_time(Duration::from_secs(100)))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!((service.asked(), service.clock.elapsed().as_secs()), (3, 100));
}

#[tokio::test(start_paused = true)]
async fn a_list_without_end_ends_by_its_items() {
    let service = Endless::new(PageStyle::NextLink, Duration::ZERO, 300);
    let error = service.read(None).await.unwrap_err();
    assert!(error.message().contains("longer than 100000 items") && error.advice().contains("ListBounds"), "{error}");
    assert_eq!(service.asked(), 334);
}

#[tokio::test(start_paused = true)]
async fn a_token_as_long_as_a_book_is_not_followed() {
    let token = "x".repeat(20_000);
    let script = Script::new(&VirtualClock::new(), [answer(200, &[("x-ms-continuationtoken", &token)], "[1]")]);
    let error = list(&script, PageStyle::ContinuationToken).await.unwrap_err();
    assert!(error.message().contains("longer than 16384 characters"), "{error}");
    assert_eq!(script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_beyond_the_limit_is_refused_whatever_transport_brings_it() {
    let large = "7".repeat(2 * 1024 * 1024);
    for (status, limit) in [(200, 1024 * 1024), (404, 256 * 1024)] {
        let script = Script::new(&VirtualClock::new(), [answer(status, &[], &large)]);
        let outcome = script.pipeline().execute(call("https://service.example/"), &PlainDialect).await;
        let error = outcome.unwrap_err();
        assert_eq!(error.message(), format!("the answer is larger than {limit} bytes"));
    }
    let script = Script::new(&VirtualClock::new(), [answer(200, &[], &large)]);
    let call = call("https://service.example/").with_answer_limit(large.len());
    assert!(script.pipeline().execute(call, &PlainDialect).await.is_ok());
}

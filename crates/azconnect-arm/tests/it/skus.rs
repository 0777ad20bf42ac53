//! More than 100 MB of sizes, one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use azconnect_arm::Arm;
use azconnect_core::{Cloud, Error};
use azconnect_http::{ByteStream, Pipeline, Request, Response, Transport};
use azconnect_testkit::VirtualClock;
use bytes::Bytes;
use futures_util::stream;

use crate::stage::{OneToken, subscription_id};

/// Makes a list of sizes as it is read: it never exists as a whole.
struct Endless {
    elements: usize,
    sent: Arc<AtomicUsize>,
}

fn element(number: usize) -> String {
    let capabilities: Vec<String> =
        (0..40).map(|n| format!(r#"{{"name":"Capability{n}","value":"a \"quoted\" value [{n}]"}}"#)).collect();
    format!(
        r#"{{"resourceType":"virtualMachines","name":"Standard_X{number}","locations":["westeurope"],"family":"f","capabilities":[{{"name":"vCPUs","value":"2"}},{}],"restrictions":[]}}"#,
        capabilities.join(",")
    )
}

#[async_trait]
impl Transport for Endless {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        panic!("the list must be read as a stream")
    }

    async fn stream(&self, _: Request) -> Result<http::Response<ByteStream>, Error> {
        let (elements, sent) = (self.elements, self.sent.clone());
        let pieces = stream::iter((0..elements + 2).map(move |at| {
            let piece = match at {
                0 => r#"{"value":["#.to_owned(),
                at if at <= elements => format!("{}{}", if at > 1 { "," } else { "" }, element(at)),
                _ => "]}".to_owned(),
            };
            sent.fetch_add(piece.len(), Ordering::Relaxed);
            Ok(Bytes::from(piece))
        }));
        Ok(http::Response::new(Box::pin(pieces)))
    }
}

fn token() -> Arc<OneToken> {
    let later = time::OffsetDateTime::UNIX_EPOCH;
    let secret = azconnect_core::Secret::new("token");
    Arc::new(OneToken(Arc::new(azconnect_credential::AccessToken::new(secret, later, later))))
}

#[tokio::test(start_paused = true)]
async fn a_hundred_megabytes_are_read_one_by_one() {
    let elements = 110_000_000 / element(1).len();
    let sent = Arc::new(AtomicUsize::new(0));
    let transport = Endless { elements, sent: sent.clone() };
    let arm = Arm::new(Pipeline::new(Arc::new(transport), Arc::new(VirtualClock::new())), &Cloud::public(), token());
    let mut list = arm.subscription(subscription_id()).skus(None).unwrap();
    let mut count = 0;
    let mut read_ahead = 0;
    let mut handed_out = 0;
    while let Some(sku) = list.next().await.unwrap() {
        count += 1;
        handed_out += element(count).len();
        assert_eq!(sku.vcpus(), Some(2));
        read_ahead = read_ahead.max(sent.load(Ordering::Relaxed).saturating_sub(handed_out));
    }
    assert_eq!(count, elements);
    assert!(sent.load(Ordering::Relaxed) > 100_000_000);
    // Whatever was taken from the stream and not yet handed out had to be held: it never exceeds a few elements.
    assert!(read_ahead < 64 * 1024, "{read_ahead} bytes were held");
}

/// A list that breaks off.
struct Cut;

#[async_trait]
impl Transport for Cut {
    async fn send(&self, _: Request) -> Result<Response, Error> {
        Ok(http::Response::new(Bytes::from(format!("{{\"value\":[{},{{\"name\":", element(1)))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_is_an_error_and_not_the_end() {
    let arm = Arm::new(Pipeline::new(Arc::new(Cut), Arc::new(VirtualClock::new())), &Cloud::public(), token());
    let mut list = arm.subscription(subscription_id()).skus(Some("westeurope")).unwrap();
    assert!(list.next().await.unwrap().is_some());
    let error = list.next().await.unwrap_err();
    assert_eq!(error.operation(), Some("arm.sku.list"));
    assert!(arm.subscription(subscription_id()).skus(Some("x' or '1")).is_err());
}

/// Names another page for ever, each without a size in it.
struct Empty(AtomicUsize);

#[async_trait]
impl Transport for Empty {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let page = if number < 2000 { number.to_string() } else { "1".to_owned() };
        let link = format!("https://{}/skus?page={page}", request.uri().host().unwrap());
        Ok(http::Response::new(Bytes::from(format!(r#"{{"value":[],"nextLink":"{link}"}}"#))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_endless_empty_pages_ends() {
    // The second begins where the pages repeat.
    for (first, message, pages) in [(0, "more than 1000 pages", 1000), (2000, "circles", 2)] {
        let transport = Arc::new(Empty(AtomicUsize::new(first)));
        let pipeline = Pipeline::new(Arc::clone(&transport) as Arc<dyn Transport>, Arc::new(VirtualClock::new()));
        let arm = Arm::new(pipeline, &Cloud::public(), token());
        let error = arm.subscription(subscription_id()).skus(None).unwrap().next().await.unwrap_err();
        assert_eq!(error.operation(), Some("arm.sku.list"));
        assert!(error.message().contains(message), "{error}");
        assert_eq!(transport.0.load(Ordering::Relaxed) - first, pages);
    }
}

//! Compressed answers: asked for where they help, and held to their limits as they are read.

use std::io::Write as _;
use std::sync::Arc;

use azconnect_core::{Effect, ErrorKind, NoRetry};
use azconnect_http::{Call, PageStyle, Pages, Pipeline, PlainDialect, ReqwestTransport, SendOptions, SystemClock};
use azconnect_testkit::Canary;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::StreamExt as _;
use url::Url;
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn compressed(body: Vec<u8>) -> ResponseTemplate {
    ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(body)
}

async fn serve(template: ResponseTemplate) -> (MockServer, Url) {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(template).mount(&server).await;
    let url = Url::parse(&server.uri()).unwrap();
    (server, url)
}

fn pipeline() -> Pipeline {
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new())).with_retry(Arc::new(NoRetry))
}

#[tokio::test]
async fn lists_and_streams_are_asked_for_compressed_and_nothing_else_is() {
    let server = MockServer::start().await;
    let list = compressed(gzip(br#"{"value":[1,2,3]}"#));
    Mock::given(header("accept-encoding", "gzip")).respond_with(list).expect(2).mount(&server).await;
    let plain = ResponseTemplate::new(200).set_body_string("[4]");
    Mock::given(header("accept-encoding", "identity")).respond_with(plain).expect(2).mount(&server).await;
    let (pipeline, url) = (pipeline(), Url::parse(&server.uri()).unwrap());

    let call = Call::get("thing.list", url.clone());
    let pages = Pages::<u8>::new(&pipeline, call.clone(), &PlainDialect, PageStyle::NextLink);
    assert_eq!(pages.all(10).await.unwrap(), [1, 2, 3]);
    let stream = pipeline.execute_streaming(call.clone(), &PlainDialect).await.unwrap();
    let pieces: Vec<_> = stream.into_body().map(Result::unwrap).collect().await;
    assert_eq!(pieces.concat(), br#"{"value":[1,2,3]}"#);

    assert_eq!(pipeline.execute(call, &PlainDialect).await.unwrap().body(), "[4]");
    let post = Call::post("thing.add", url).with_json(&"a body").unwrap();
    assert_eq!(pipeline.execute(post, &PlainDialect).await.unwrap().body(), "[4]");
    let asked = server.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| !request.headers.contains_key("content-encoding")), "no request is compressed");
}

/// One megabyte that is a gigabyte, and comes whether or not anybody asked for it.
#[tokio::test]
async fn a_bomb_ends_at_the_limit_of_what_it_would_become() {
    // A gzip file may be many in a row.
    let bomb = gzip(&vec![b' '; 2 * 1024 * 1024]).repeat(512);
    assert!(bomb.len() < 1_100_000, "{}", bomb.len());
    let (_server, url) = serve(compressed(bomb)).await;
    let pipeline = pipeline();
    for call in [Call::get("thing.get", url.clone()), Call::get("thing.get", url).with_compressed_answer()] {
        let error = pipeline.execute(call, &PlainDialect).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::Unknown));
        assert_eq!(error.message(), "the answer is larger than 1048576 bytes");
    }
}

#[tokio::test]
async fn an_answer_at_its_limit_is_read_and_one_byte_more_is_not() {
    let (_server, url) = serve(compressed(gzip(&[b'x'; 10_000]))).await;
    for (limit, fits) in [(10_000, true), (9_999, false)] {
        let options = SendOptions::default().with_answer_limit(limit).with_compressed_answer(true);
        let outcome =
            pipeline().execute(Call::get("thing.get", url.clone()).with_options(options), &PlainDialect).await;
        assert_eq!(outcome.is_ok(), fits, "{limit}");
    }
}

#[tokio::test]
async fn what_cannot_be_decompressed_leaves_the_effect_unknown_and_shows_nothing() {
    let canary = Canary::new();
    let whole = gzip(canary.secret().expose().as_bytes());
    for body in [canary.secret().expose().as_bytes().to_vec(), whole[..whole.len() - 6].to_vec()] {
        let (_server, url) = serve(compressed(body)).await;
        let error = pipeline().execute(Call::get("thing.get", url), &PlainDialect).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unavailable, Effect::Unknown));
        canary.assert_absent("the error", format!("{error:?} {error}").as_bytes());
    }
}

//! What is logged, and what never is.

use std::sync::Arc;

use azconnect_core::{Scope, Secret};
use azconnect_credential::{AccessToken, TokenProvider};
use azconnect_http::{Bearer, Call, Pipeline, PlainDialect, ReqwestTransport, SystemClock};
use azconnect_testkit::Canary;
use url::Url;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Always the same token.
struct Fixed(Arc<AccessToken>);

#[async_trait::async_trait]
impl TokenProvider for Fixed {
    async fn token(&self, _: &Scope) -> Result<Arc<AccessToken>, azconnect_core::Error> {
        Ok(Arc::clone(&self.0))
    }

    async fn invalidate(&self, _: &Scope, _: &AccessToken) {}
}

fn pipeline() -> Pipeline {
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new()))
}

/// A call that holds a canary in its token, its address, a header and its body.
fn call(canary: &Canary, server: &MockServer) -> Call {
    let text = canary.secret().expose().to_owned();
    let end = time::OffsetDateTime::UNIX_EPOCH;
    let token = Arc::new(AccessToken::new(Secret::new(text.as_str()), end, end));
    let bearer = Bearer::new(Arc::new(Fixed(token)), Scope::of_resource("https://service.example"));
    let url = Url::parse_with_params(&server.uri(), [("sig", &text)]).unwrap();
    Call::post("thing.add", url)
        .with_header(http::HeaderName::from_static("x-secret"), text.parse().unwrap())
        .with_authorizer(Arc::new(bearer))
        .with_form(&[("client_secret", &text)])
}

#[tokio::test]
async fn neither_header_nor_address_nor_body_is_in_a_log_or_an_error() {
    let canary = Canary::new();
    let ears = canary.listen();
    for status in [200, 400, 401, 500] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .insert_header("x-ms-request-id", "d8a0c1f2-0b7e-4c55-9a51-2f0e7c3b9d11")
            .insert_header("x-echo", canary.secret().expose())
            .set_body_string(canary.secret().expose());
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let outcome = pipeline().execute(call(&canary, &server), &PlainDialect).await;
        if let Err(error) = outcome {
            canary.assert_absent("the error", format!("{error} {error:?} {}", error.advice()).as_bytes());
            assert_eq!(error.request_id(), Some("d8a0c1f2-0b7e-4c55-9a51-2f0e7c3b9d11"));
        }
    }
    drop(ears);
    assert!(canary.heard() > 0);
    canary.assert_absent_from_logs();
}

#[tokio::test]
async fn the_error_of_a_broken_connection_holds_no_address() {
    let canary = Canary::new();
    let ears = canary.listen();
    let server = MockServer::start().await;
    let mut call = call(&canary, &server);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut url = call.url().clone();
    url.set_port(Some(closed.port())).unwrap();
    call = call.to(url);
    let pipeline = pipeline().with_retry(Arc::new(azconnect_core::NoRetry));
    let error = pipeline.execute(call, &PlainDialect).await.unwrap_err();
    let mut causes = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        causes.push_str(&format!("{error} {error:?}"));
        cause = error.source();
    }
    canary.assert_absent("the error and its causes", causes.as_bytes());
    drop(ears);
    canary.assert_absent_from_logs();
}

#[tokio::test]
async fn a_span_names_operation_attempt_status_and_request_id() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).insert_header("x-ms-request-id", "d8a0c1f2-0b7e-4c55-9a51-2f0e7c3b9d11");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    for expected in
        ["operation=thing.add", "attempt=1", "status=200", "d8a0c1f2-0b7e-4c55-9a51-2f0e7c3b9d11", "client_request_id="]
    {
        // A canary finds what it watches: here, what must be there.
        let canary = Canary::new();
        let ears = canary.listen();
        pipeline().execute(call(&Canary::new(), &server), &PlainDialect).await.unwrap();
        drop(ears);
        canary.watch(&Secret::new(expected));
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| canary.assert_absent_from_logs()));
        assert!(found.is_err(), "{expected}");
    }
}

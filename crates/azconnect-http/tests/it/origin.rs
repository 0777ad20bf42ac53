//! A token stays with the service it is for.

use std::sync::Arc;

use azconnect_core::Scope;
use azconnect_http::{Bearer, Call, PageStyle, Pages, Pipeline, PlainDialect, ReqwestTransport, SystemClock};
use url::Url;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::fake::Tokens;

#[tokio::test]
async fn the_token_never_reaches_the_server_a_link_leads_to() {
    let (ours, theirs) = (MockServer::start().await, MockServer::start().await);
    let body = serde_json::json!({"value": [1], "nextLink": format!("{}/steal", theirs.uri())});
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&ours).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_string("[]")).mount(&theirs).await;

    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    let pipeline = Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new()));
    let bearer = Bearer::new(Arc::new(Tokens::default()), Scope::of_resource("https://service.example"));
    let call = Call::get("thing.list", Url::parse(&ours.uri()).unwrap()).with_authorizer(Arc::new(bearer));
    let pages = Pages::<u32>::new(&pipeline, call, &PlainDialect, PageStyle::NextLink);
    pages.all(100).await.unwrap_err();

    let asked = ours.received_requests().await.unwrap();
    assert_eq!(asked[0].headers["authorization"], "Bearer token-0");
    assert!(theirs.received_requests().await.unwrap().is_empty());
}

//! Bad authentication, told apart over a real connection.

use azconnect_core::{Effect, ErrorKind};
use wiremock::ResponseTemplate;

use crate::support::{answering, endpoints, id};

#[tokio::test]
async fn the_four_shapes_of_bad_authentication_have_codes_of_their_own() {
    let json = serde_json::json!({"$id": "1", "innerException": null, "message": "TF400813: The user 'aaa' is not authorized.",
        "typeName": "Microsoft.TeamFoundation.Framework.Server.UnauthorizedRequestException",
        "typeKey": "UnauthorizedRequestException", "errorCode": 0, "eventId": 3000});
    let shapes = [
        (ResponseTemplate::new(203).set_body_raw("<html>Sign In</html>", "text/html"), "SignInPage"),
        (ResponseTemplate::new(302).insert_header("location", "https://x.example/_signin?realm=y"), "SignInRedirect"),
        (ResponseTemplate::new(401), "EmptyUnauthorized"),
        (ResponseTemplate::new(401).set_body_json(json), "TF400813"),
    ];
    for (answer, code) in shapes {
        let server = answering(answer.insert_header("x-vss-e2eid", "e2e00001-0b7e-4c55-9a51-2f0e7c3b9d11")).await;
        let error = endpoints(&server).get(id()).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None), "{code}");
        assert_eq!(error.service_code(), Some(code));
        assert_eq!(error.request_id(), Some("e2e00001-0b7e-4c55-9a51-2f0e7c3b9d11"));
        assert!(!format!("{error} {error:?}").contains("aaa"));
    }
}

#[tokio::test]
async fn every_call_is_signed_and_asks_not_to_be_redirected() {
    let server = answering(ResponseTemplate::new(200).set_body_string("null")).await;
    let endpoints = endpoints(&server);
    for _ in 0..2 {
        assert_eq!(endpoints.get(id()).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    let requests = server.received_requests().await.unwrap();
    let header = |number: usize, name: &str| requests[number].headers.get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header(0, "authorization"), "Basic OmEtcGVyc29uYWwtYWNjZXNzLXRva2Vu");
    assert_eq!(header(0, "x-tfs-fedauthredirect"), "Suppress");
    assert_eq!(header(0, "x-tfs-session"), header(1, "x-tfs-session"), "one session a client");
    assert!(requests[0].url.query().unwrap().contains("api-version=7.1"));
}

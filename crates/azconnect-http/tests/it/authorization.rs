//! Tokens: fresh ones once, and never to anybody else.

use std::sync::Arc;

use azconnect_core::{Effect, Error, ErrorKind, Scope};
use azconnect_http::{Bearer, Call, Dialect, PlainDialect, Response, answer_lost};
use azconnect_testkit::VirtualClock;
use url::Url;

use crate::fake::{Script, Step, Tokens, answer, status};

fn call(tokens: &Arc<Tokens>) -> Call {
    let bearer = Bearer::new(Arc::clone(tokens) as _, Scope::of_resource("https://service.example"));
    Call::post("thing.add", Url::parse("https://service.example/things").unwrap()).with_authorizer(Arc::new(bearer))
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_even_where_nothing_else_is_repeated() {
    let tokens = Arc::new(Tokens::default());
    let script = Script::new(&VirtualClock::new(), [status(401), status(200)]);
    script.pipeline().execute(call(&tokens), &PlainDialect).await.unwrap();
    assert_eq!(script.header("authorization"), [Some("Bearer token-0".into()), Some("Bearer token-1".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_is_final() {
    let tokens = Arc::new(Tokens::default());
    let script = Script::new(&VirtualClock::new(), [status(401)]);
    let error = script.pipeline().execute(call(&tokens), &PlainDialect).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None));
    assert_eq!((script.attempts(), tokens.refused()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_token_there_is_nothing_to_replace() {
    let script = Script::new(&VirtualClock::new(), [status(401)]);
    let call = Call::get("thing.get", Url::parse("https://service.example/things").unwrap());
    script.pipeline().execute(call, &PlainDialect).await.unwrap_err();
    assert_eq!(script.attempts(), 1);
    assert_eq!(script.header("authorization"), [None]);
}

#[tokio::test(start_paused = true)]
async fn the_error_of_the_token_is_told_and_the_request_is_not_sent() {
    let tokens = Arc::new(Tokens::broken_after(0));
    let script = Script::new(&VirtualClock::new(), [status(200)]);
    let error = script.pipeline().execute(call(&tokens), &PlainDialect).await.unwrap_err();
    assert_eq!((error.operation(), error.effect()), (Some("entra.token"), Effect::None));
    assert_eq!(script.attempts(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_renewed_does_not_undo_the_doubt_of_an_earlier_attempt() {
    let tokens = Arc::new(Tokens::broken_after(1));
    let steps = [Step::Fail(answer_lost("reset")), status(401)];
    let script = Script::new(&VirtualClock::new(), steps);
    let call = call(&tokens).with_idempotency(azconnect_http::Idempotency::Idempotent);
    let error = script.pipeline().execute(call, &PlainDialect).await.unwrap_err();
    assert_eq!((error.operation(), error.effect()), (Some("entra.token"), Effect::Unknown));
}

/// A service that may have acted although it says who are you.
struct Doubtful;

impl Dialect for Doubtful {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        PlainDialect.judge(answer).map_err(|error| error.with_effect(Effect::Unknown))
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_leaves_doubt_is_not_answered_with_a_repetition() {
    let tokens = Arc::new(Tokens::default());
    let script = Script::new(&VirtualClock::new(), [status(401), status(200)]);
    let error = script.pipeline().execute(call(&tokens), &Doubtful).await.unwrap_err();
    assert_eq!((error.effect(), script.attempts()), (Effect::Unknown, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_service_wants_of_the_next_token_reaches_whoever_gives_it() {
    let tokens = Arc::new(Tokens::default());
    let challenge = "Bearer realm=\"\", error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\"";
    let refused = || answer(401, &[("www-authenticate", challenge)], "");
    let script = Script::new(&VirtualClock::new(), [refused(), status(200)]);
    script.pipeline().execute(call(&tokens), &PlainDialect).await.unwrap();
    assert_eq!(script.header("authorization"), [Some("Bearer token-0".into()), Some("Bearer token-1".into())]);
    assert_eq!(tokens.wanted(), [r#"{"a":1}"#]);
    // Answered once only, and then told to the caller.
    let script = Script::new(&VirtualClock::new(), [refused()]);
    let error = script.pipeline().execute(call(&tokens), &PlainDialect).await.unwrap_err();
    assert_eq!((error.claims(), script.attempts()), (Some(r#"{"a":1}"#), 2));
}

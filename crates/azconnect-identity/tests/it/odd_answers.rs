//! Answers of no sense, from those who are asked before anybody signs in: none makes a parser panic, and none is shown.

use std::sync::Arc;

use azconnect_core::{Cloud, Effect, Error, NoRetry, Secret};
use azconnect_http::{Pipeline, Transport};
use azconnect_identity::federated::{AssertionSource, AzurePipelines, GitHubActions};
use azconnect_identity::{ProviderEndpoints, TenantDiscovery};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::Scripted;

const ISSUER: &str = "https://login.example/a";
const AUDIENCE: &str = "api://AzureADTokenExchange";
const JOB: &str = "TOKEN-OF-THE-JOB";

/// A pipeline where everybody answers so.
fn answering(status: u16, body: &[u8]) -> Pipeline {
    let body = body.to_vec();
    let wire = Scripted::new(move |_| Ok(http::Response::builder().status(status).body(body.clone().into()).unwrap()));
    let clock = Arc::new(wire.clock().clone());
    Pipeline::new(wire as Arc<dyn Transport>, clock).with_retry(Arc::new(NoRetry))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
}

async fn discover(pipeline: &Pipeline) -> Result<(), Error> {
    ProviderEndpoints::discover(pipeline, &ISSUER.parse().unwrap()).await.map(drop)
}

async fn find(pipeline: &Pipeline) -> Result<(), Error> {
    TenantDiscovery::new(pipeline.clone(), &Cloud::public()).find("contoso.onmicrosoft.com").await.map(drop)
}

async fn of_github(pipeline: &Pipeline) -> Result<Secret, Error> {
    let source = GitHubActions::new(pipeline.clone(), "https://run.example/?x=1", Secret::new(JOB)).unwrap();
    source.assertion(AUDIENCE).await
}

async fn of_pipelines(pipeline: &Pipeline) -> Result<Secret, Error> {
    let source = AzurePipelines::new(pipeline.clone(), "https://run.example/", Secret::new(JOB), "connection").unwrap();
    source.assertion(AUDIENCE).await
}

/// Everybody who is asked without a secret, or with the token of a job, and what went wrong.
fn errors(status: u16, body: &[u8]) -> Vec<Error> {
    let pipeline = answering(status, body);
    run(async {
        [
            discover(&pipeline).await.err(),
            find(&pipeline).await.err(),
            of_github(&pipeline).await.err(),
            of_pipelines(&pipeline).await.err(),
        ]
        .into_iter()
        .flatten()
        .collect()
    })
}

/// A text in the places of an answer where one is expected, and in a few where none is.
fn places(text: &str) -> impl Strategy<Value = Value> + use<> {
    let address = format!("https://{text}.example/{text}");
    prop::sample::select(vec![
        json!({"value": text, "oidcToken": text, "issuer": text, "authorization_endpoint": text, "token_endpoint": text}),
        json!({"value": [text], "oidcToken": {"a": text}, "issuer": [text]}),
        json!({"value": format!("a.{text}"), "oidcToken": format!("a.b.c.{text}"), "issuer": address,
               "authorization_endpoint": address, "token_endpoint": address}),
        json!({"issuer": ISSUER, "authorization_endpoint": format!("http://{text}"), "token_endpoint": address}),
        json!({"issuer": ISSUER, "authorization_endpoint": address, "token_endpoint": format!("{text}:{text}")}),
        json!({"issuer": format!("https://login.microsoftonline.com/{text}/v2.0"), "value": text, "oidcToken": text}),
        json!({"error": text, "error_description": text, "error_codes": [text], "message": text}),
        json!([text]),
        json!(text),
    ])
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(status in 200_u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for error in errors(status, &body) {
            prop_assert_eq!(error.effect(), Effect::None);
        }
    }

    #[test]
    fn no_json_makes_it_panic(body in "[\\[{\"a-z:,/\\]}0-9\\\\]{0,80}", issuer in "\\PC{0,40}", token in "\\PC{0,40}") {
        errors(200, body.as_bytes());
        let body = json!({"issuer": issuer, "value": token, "oidcToken": token,
                          "authorization_endpoint": issuer, "token_endpoint": token});
        errors(200, body.to_string().as_bytes());
    }

    #[test]
    fn nothing_of_an_answer_is_shown(
        (text, body) in "[G-Z]{12}".prop_flat_map(|text| { let body = places(&text); (Just(text), body) }),
        status in prop::sample::select(vec![200_u16, 201, 302, 400, 401, 403, 404, 429, 500]),
    ) {
        let errors = errors(status, body.to_string().as_bytes());
        prop_assert_eq!(errors.len(), 4, "none of these is an answer: {}", body);
        for error in errors {
            let shown = format!("{error} {error:?}").to_uppercase();
            prop_assert!(!shown.contains(&text) && !shown.contains(JOB), "{}", shown);
        }
    }

    #[test]
    fn a_token_of_any_letters_is_given_whole_and_not_shown(token in "[a-zA-Z0-9_-]{1,40}\\.[a-zA-Z0-9_-]{1,40}\\.[a-zA-Z0-9_-]{9,40}") {
        let pipeline = answering(200, json!({"value": token, "oidcToken": token}).to_string().as_bytes());
        for given in run(async { [of_github(&pipeline).await, of_pipelines(&pipeline).await] }) {
            let shown = format!("{given:?}");
            prop_assert!(!shown.contains(&token), "{}", shown);
            let given = given.unwrap();
            prop_assert_eq!(given.expose(), token.as_str());
        }
    }
}

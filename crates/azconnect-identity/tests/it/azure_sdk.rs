//! Microsoft's own clients with our sign-in, and our port over their credentials.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Clock, Effect, ErrorKind, Scope, Secret};
use azconnect_credential::TokenProvider;
use azconnect_emulator::{Emulator, Seed, server};
use azconnect_http::{Pipeline, ReqwestTransport, SystemClock, Transport};
use azconnect_identity::azure_sdk::{SdkCredential, SdkTokens};
use azconnect_identity::{ClientSecretSource, TokenCache, TokenEndpoint};
use azconnect_testkit::{Canary, ManualClock, fake};
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error as SdkError, ErrorKind as SdkErrorKind};
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, ClientOptions, HttpClient, Request, StatusCode};
use azure_security_keyvault_secrets::models::SetSecretParameters;
use azure_security_keyvault_secrets::{SecretClient, SecretClientOptions};
use futures_util::future::{Either, select};
use serde_json::json;

use crate::stage::{CLIENT, SECRET, TENANT, client, tenant};

const VAULT: &str = "https://contoso.vault.azure.net";

/// The vault's real name over a socket of the emulator's, since Microsoft's client sends a token over `https` only.
#[derive(Debug)]
struct Rerouted {
    transport: ReqwestTransport,
    to: String,
}

#[async_trait]
impl HttpClient for Rerouted {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let address = request.url().as_str().replacen(VAULT, &self.to, 1);
        let mut sent = http::Request::builder().method(request.method().as_ref()).uri(address);
        for (name, value) in request.headers().iter() {
            sent = sent.header(name.as_str(), value.as_str());
        }
        let Body::Bytes(body) = request.body() else { panic!("a stream") };
        let failed = |error| SdkError::with_error(SdkErrorKind::Io, error, "the request failed");
        let answer = self.transport.send(sent.body(body.clone()).unwrap()).await.map_err(failed)?;
        let mut headers = Headers::new();
        for (name, value) in answer.headers() {
            headers.insert(name.as_str().to_owned(), value.to_str().unwrap().to_owned());
        }
        Ok(AsyncRawResponse::from_bytes(StatusCode::from(answer.status().as_u16()), headers, answer.into_body()))
    }
}

fn emulator() -> Emulator {
    let seed = json!({
        "tenants": [{"id": TENANT, "domain": "contoso.onmicrosoft.com", "applications": [
            {"displayName": "Deployer", "clientId": CLIENT, "passwords": [{"secret": SECRET}]},
        ]}],
        "vaults": [{"name": "contoso", "tenant": TENANT, "officers": [CLIENT]}],
    });
    Emulator::from_seed(Seed::from_json(&seed.to_string()).unwrap(), Arc::new(SystemClock::new())).unwrap()
}

/// A client of the vault that signs in with this secret, through a cache of ours.
fn vault_client(origins: &azconnect_emulator::Origins, cloud: &azconnect_core::Cloud, secret: Secret) -> SecretClient {
    let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
    let pipeline = Pipeline::new(Arc::new(transport.clone()), Arc::new(SystemClock::new()));
    let source = ClientSecretSource::new(TokenEndpoint::new(pipeline, cloud, tenant()), client(), secret).unwrap();
    let tokens = TokenCache::new(source, Arc::new(SystemClock::new()));
    let http = Rerouted { transport, to: origins.vaults["contoso"].clone() };
    let options =
        ClientOptions { transport: Some(azure_core::http::Transport::new(Arc::new(http))), ..Default::default() };
    let options = SecretClientOptions { client_options: options, ..Default::default() };
    SecretClient::new(VAULT, Arc::new(SdkCredential::new(Arc::new(tokens))), Some(options)).unwrap()
}

#[tokio::test]
async fn microsoft_s_client_of_key_vault_signs_in_through_us() {
    let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let server = server::serve(emulator(), address).await.unwrap();
    let (origins, cloud) = (server.origins().clone(), server.cloud());
    let work = Box::pin(async move {
        let vault = vault_client(&origins, &cloud, Secret::new(SECRET));
        let value = SetSecretParameters { value: Some("the-value".to_owned()), ..Default::default() };
        vault.set_secret("password", value.try_into().unwrap(), None).await.unwrap();
        let held = vault.get_secret("password", None).await.unwrap().into_model().unwrap();
        assert_eq!(held.value.as_deref(), Some("the-value"));

        // A refusal arrives with our error behind those of the SDK.
        let stranger = vault_client(&origins, &cloud, Secret::new("another-secret"));
        let error = stranger.get_secret("password", None).await.unwrap_err();
        let cause = SdkCredential::cause(&error).unwrap();
        assert_eq!(cause.service_code(), Some("AADSTS7000215"));
        assert!(cause.advice().contains("Secret ID"), "{}", cause.advice());
    });
    match select(Box::pin(server.run()), work).await {
        Either::Left((stopped, _)) => panic!("the server stopped: {stopped:?}"),
        Either::Right(((), _)) => {}
    }
}

#[tokio::test]
async fn scopes_of_one_resource_are_one_request_and_others_are_refused() {
    let tokens = Arc::new(fake::Tokens::new(Arc::new(ManualClock::new())));
    let credential = SdkCredential::new(tokens.clone());
    let given = credential.get_token(&["https://vault.azure.net/.default"], None).await.unwrap();
    let held = tokens.token(&Scope::of_resource("https://vault.azure.net")).await.unwrap();
    assert_eq!((given.token.secret(), given.expires_on), (held.secret.expose(), held.expires_at));
    for scopes in [&[][..], &["https://a.example/.default", "https://b.example/.default"]] {
        let error = credential.get_token(scopes, None).await.unwrap_err();
        assert_eq!(error.kind(), &SdkErrorKind::Credential);
        assert!(error.to_string().contains("scope"), "{error}");
    }
}

/// A credential of the SDK that gives what it is told to.
#[derive(Debug)]
struct Given {
    token: Mutex<Result<String, SdkErrorKind>>,
    expires: time::OffsetDateTime,
}

#[async_trait]
impl TokenCredential for Given {
    async fn get_token(&self, scopes: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        assert_eq!(scopes, ["https://graph.microsoft.com/.default"]);
        match &*self.token.lock().unwrap() {
            Ok(token) => Ok(AccessToken::new(token.clone(), self.expires)),
            Err(kind) => Err(SdkError::with_message(kind.clone(), "the body of an answer: s3cr3t AADSTS")),
        }
    }
}

fn given(token: &str, life: Duration) -> (Arc<Given>, SdkTokens, Scope) {
    let clock = ManualClock::new();
    let credential = Arc::new(Given { token: Mutex::new(Ok(token.to_owned())), expires: clock.now() + life });
    let tokens = SdkTokens::new(credential.clone(), Arc::new(clock));
    (credential, tokens, Scope::of_resource("https://graph.microsoft.com"))
}

#[tokio::test]
async fn a_token_that_was_refused_is_not_given_again() {
    let (credential, tokens, scope) = given("first", Duration::from_secs(3600));
    let first = tokens.token(&scope).await.unwrap();
    assert_eq!((first.secret.expose(), first.expires_at), ("first", credential.expires));
    tokens.invalidate(&scope, &first).await;
    let error = tokens.token(&scope).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None));
    *credential.token.lock().unwrap() = Ok("second".to_owned());
    assert_eq!(tokens.token(&scope).await.unwrap().secret.expose(), "second");
}

#[tokio::test]
async fn a_failure_of_the_sdk_keeps_its_kind_and_shows_no_answer() {
    let (credential, tokens, scope) = given("token", Duration::from_secs(3600));
    for (kind, expected) in [
        (SdkErrorKind::Credential, ErrorKind::Unauthenticated),
        (SdkErrorKind::Connection, ErrorKind::Unavailable),
        (SdkErrorKind::Io, ErrorKind::Unavailable),
        (SdkErrorKind::DataConversion, ErrorKind::Unexpected),
    ] {
        *credential.token.lock().unwrap() = Err(kind.clone());
        let error = tokens.token(&scope).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (expected, Effect::None), "{kind}");
        assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    }
    let (_, ended, scope) = given("token", Duration::ZERO);
    assert!(ended.token(&scope).await.unwrap_err().advice().contains("clock"));
}

/// What Entra ID said to the credential is found in its text.
#[derive(Debug)]
struct Refused;

#[async_trait]
impl TokenCredential for Refused {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        let cause =
            SdkError::with_message(SdkErrorKind::Other, "AADSTS7000222: The provided client secret keys are expired.");
        Err(SdkError::with_error(SdkErrorKind::Credential, cause, "authentication failed"))
    }
}

#[tokio::test]
async fn a_code_of_entra_id_is_told_as_ours() {
    let tokens = SdkTokens::new(Arc::new(Refused), Arc::new(ManualClock::new()));
    let error = tokens.token(&Scope::of_resource("https://graph.microsoft.com")).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::Unauthenticated, Some("AADSTS7000222")));
    assert!(error.advice().contains("new secret"), "{}", error.advice());
}

#[tokio::test]
async fn no_token_is_shown() {
    let canary = Canary::new();
    let ears = canary.listen();
    let secret = canary.secret();
    let (_, tokens, scope) = given(secret.expose(), Duration::from_secs(3600));
    let token = tokens.token(&scope).await.unwrap();
    tokens.invalidate(&scope, &token).await;
    let again = tokens.token(&scope).await;
    let credential = SdkCredential::new(Arc::new(tokens));
    let failed = credential.get_token(&[scope.as_str()], None).await;
    canary.assert_absent("Debug", format!("{token:?} {again:?} {credential:?} {failed:?}").as_bytes());
    drop(ears);
    canary.assert_absent_from_logs();
}

//! A key of Azure Key Vault as what wraps the key of a store.

use std::sync::Arc;

use azconnect::core::{Effect, Error, ErrorKind, KeyWrap, PlainKey, Secret, SecretStore, WrappedKey, WrappingKeyId};
use azconnect::http::{Bearer, Call, PlainDialect, json, with_query};
use azconnect::store::{SqliteOptions, SqliteStore};
use azconnect::{Azure, Identity, KeyVaultWrap};
use azconnect_emulator::{CannedAnswer, Emulator, Fault, FaultAction, Seed, Service};
use azconnect_testkit::{Canary, VirtualClock, conformance};
use serde_json::{Value, json as body};

const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
const ELSEWHERE: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d02";
const KEEPER: &str = "a0000000-0000-4000-8000-000000000001";
const STRANGER: &str = "a0000000-0000-4000-8000-000000000002";
const SECRET: &str = "Emu8Q~a.secret.of.this.example.only_0001";
const KEY: &str = "https://contoso.vault.azure.net/keys/seal";

/// A vault with one key, one identity that may use it, and one that may not.
struct Stage {
    clock: Arc<VirtualClock>,
    emulator: Emulator,
}

impl Stage {
    async fn new() -> Self {
        let clock = Arc::new(VirtualClock::new());
        let application =
            |client: &str| body!({"displayName": client, "clientId": client, "passwords": [{"secret": SECRET}]});
        let seed = body!({
            "tenants": [
                {"id": TENANT, "domain": "contoso.onmicrosoft.com", "applications": [application(KEEPER), application(STRANGER)]},
                {"id": ELSEWHERE, "domain": "fabrikam.onmicrosoft.com"},
            ],
            "vaults": [
                {"name": "contoso", "tenant": TENANT, "officers": [KEEPER]},
                {"name": "fabrikam", "tenant": ELSEWHERE, "officers": []},
            ],
        });
        let emulator = Emulator::from_seed(Seed::from_json(&seed.to_string()).unwrap(), clock.clone()).unwrap();
        let stage = Self { clock, emulator };
        stage.new_version(&body!({"kty": "RSA", "key_size": 2048})).await;
        stage
    }

    fn identity(&self, client: &str) -> Identity {
        let azure = Azure::new(self.emulator.cloud(), self.emulator.transport(), self.clock.clone());
        azure.identity_with_secret(TENANT.parse().unwrap(), client.parse().unwrap(), Secret::new(SECRET)).unwrap()
    }

    /// Makes a version of the key, and returns its id.
    async fn new_version(&self, of: &Value) -> String {
        let azure = Azure::new(self.emulator.cloud(), self.emulator.transport(), self.clock.clone());
        let scope = azconnect::core::Scope::of_resource("https://vault.azure.net");
        let bearer = Bearer::new(self.identity(KEEPER).tokens(), scope);
        let url = with_query(format!("{KEY}/create").parse().unwrap(), &[("api-version", "7.6")]);
        let call = Call::post("test.create", url).with_json(of).unwrap().with_authorizer(Arc::new(bearer));
        let answer = azure.pipeline().execute(call, &PlainDialect).await.unwrap();
        json::<Value>(&answer).unwrap()["key"]["kid"].as_str().unwrap().to_owned()
    }

    fn wrap(&self) -> KeyVaultWrap {
        self.identity(KEEPER).key_vault_key(KEY).unwrap()
    }

    /// The vault's next answer on a path is this one.
    fn answers(&self, path: &str, status: u16, code: &str, inner: &str) {
        let told = body!({"error": {"code": code, "message": "x", "innererror": {"code": inner}}});
        let answer = CannedAnswer::new(status).with_body(told);
        let fault = Fault::new(FaultAction::Answer(answer)).with_service(Service::KeyVault).with_path(path);
        self.emulator.faults().add(fault);
    }
}

fn key() -> PlainKey {
    PlainKey::from_bytes(&(0..32).collect::<Vec<u8>>()).unwrap()
}

#[track_caller]
fn refused(error: &Error, kind: ErrorKind, advice: &str) {
    assert_eq!((error.kind(), error.effect(), error.field()), (kind, Effect::None, Some("wrapping_key")), "{error:?}");
    assert!(error.advice().contains(advice), "{}", error.advice());
}

// RSA binds neither a context nor a key's version: what is wrapped does.
#[tokio::test(start_paused = true)]
async fn a_vault_s_key_wraps_as_every_wrap_does() {
    let stage = Stage::new().await;
    conformance::key_wrap::all(async || Arc::new(stage.wrap()) as Arc<dyn KeyWrap>).await;
}

// An expired version unwraps still, and wraps no more.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_or_expired_version_wrapped_is_unwrapped() {
    let stage = Stage::new().await;
    let first = stage.wrap().wrap("context", &key()).await.unwrap();
    let expired = stage.new_version(&body!({"kty": "RSA", "attributes": {"exp": 1}})).await;
    assert_eq!(stage.wrap().unwrap("context", &first).await.unwrap().expose(), key().expose());
    assert_eq!(stage.wrap().current().await.unwrap().as_str(), expired);
    let error = stage.wrap().wrap("context", &key()).await.unwrap_err();
    refused(&error, ErrorKind::PermissionDenied, "make a new version");
    // A version that was named wraps, whichever is the latest.
    let named = stage.identity(KEEPER).key_vault_key(first.key.as_str()).unwrap();
    assert_eq!(named.wrap("context", &key()).await.unwrap().key, first.key);
}

#[tokio::test(start_paused = true)]
async fn a_blob_under_another_version_of_the_key_does_not_unwrap() {
    let stage = Stage::new().await;
    let first = stage.wrap().wrap("context", &key()).await.unwrap();
    let second = WrappingKeyId::new(stage.new_version(&body!({"kty": "RSA"})).await).unwrap();
    let moved = WrappedKey::new(second, first.blob.clone());
    refused(&stage.wrap().unwrap("context", &moved).await.unwrap_err(), ErrorKind::Corrupt, "restore");
    let gone =
        WrappedKey::new(WrappingKeyId::new(format!("{KEY}/00000000000000000000000000000000")).unwrap(), first.blob);
    refused(&stage.wrap().unwrap("context", &gone).await.unwrap_err(), ErrorKind::NotFound, "recover the deleted key");
}

// What a database says of a key's address sends nothing anywhere.
#[tokio::test(start_paused = true)]
async fn a_key_s_address_that_is_not_the_vault_s_own_is_not_asked() {
    let stage = Stage::new().await;
    let (wrap, first) = (stage.wrap(), stage.wrap().wrap("context", &key()).await.unwrap());
    let before = stage.emulator.exchanges();
    for id in [
        "https://fabrikam.vault.azure.net/keys/seal/0a",
        "https://contoso.vault.azure.net/keys/other/0a",
        "https://contoso.vault.azure.net.evil.example/keys/seal/0a",
        "http://contoso.vault.azure.net/keys/seal/0a",
        "https://contoso.vault.azure.net/keys/seal",
        "https://contoso.vault.azure.net/keys/seal/0a/../../x",
    ] {
        let moved = WrappedKey::new(WrappingKeyId::new(id).unwrap(), first.blob.clone());
        refused(&wrap.unwrap("context", &moved).await.unwrap_err(), ErrorKind::Corrupt, "restore");
    }
    assert_eq!(stage.emulator.exchanges(), before);
    let error = stage.identity(KEEPER).key_vault_key("https://evil.example/keys/seal").unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("wrapping_key")));
}

// Just after a grant a vault refuses for minutes; an access policy, RBAC and the network refuse with codes of their own.
#[tokio::test(start_paused = true)]
async fn each_refusal_says_what_to_do() {
    let stage = Stage::new().await;
    let wrapped = stage.wrap().wrap("context", &key()).await.unwrap();
    let stranger = stage.identity(STRANGER).key_vault_key(KEY).unwrap();
    let error = stranger.unwrap("context", &wrapped).await.unwrap_err();
    refused(&error, ErrorKind::PermissionDenied, "after a grant, try again");
    for (status, code, inner, kind, advice) in [
        (403, "Forbidden", "AccessDenied", ErrorKind::PermissionDenied, "access policy"),
        (403, "Forbidden", "ForbiddenByFirewall", ErrorKind::PermissionDenied, "firewall"),
        (403, "Forbidden", "ForbiddenByConnection", ErrorKind::PermissionDenied, "private link"),
        (403, "Forbidden", "KeyDisabled", ErrorKind::PermissionDenied, "enable it"),
        (404, "KeyNotFound", "", ErrorKind::NotFound, "recover the deleted key"),
        (400, "BadParameter", "", ErrorKind::Corrupt, "restore"),
    ] {
        stage.answers("/unwrapkey", status, code, inner);
        refused(&stage.wrap().unwrap("context", &wrapped).await.unwrap_err(), kind, advice);
    }
    // What is not found by something else than the vault says nothing of its key: it is asked again.
    stage.answers("/unwrapkey", 404, "", "");
    assert_eq!(stage.wrap().unwrap("context", &wrapped).await.unwrap().expose(), key().expose());
}

// A vault's challenge names its own tenant's login. Nobody signs in there on its word.
#[tokio::test(start_paused = true)]
async fn a_challenge_is_never_followed() {
    let stage = Stage::new().await;
    let foreign = stage.identity(KEEPER).key_vault_key("https://fabrikam.vault.azure.net/keys/seal").unwrap();
    let error = foreign.current().await.unwrap_err();
    refused(&error, ErrorKind::Unauthenticated, ELSEWHERE);
    let asked = stage.emulator.exchanges();
    let challenge = r#"Bearer authorization="https://login.evil.example/x", resource="https://vault.azure.net""#;
    let answer = CannedAnswer::new(401).with_header("www-authenticate", challenge);
    let fault = Fault::new(FaultAction::Answer(answer)).with_service(Service::KeyVault).forever();
    stage.emulator.faults().add(fault);
    let error = stage.wrap().current().await.unwrap_err();
    refused(&error, ErrorKind::Unauthenticated, "sign in elsewhere");
    assert!(!format!("{error} {error:?} {}", error.advice()).contains("evil"), "{error:?}");
    // The vault once or twice, and the known login for a token: the transport refuses to reach any other host.
    assert!(stage.emulator.exchanges() - asked <= 4);
}

#[tokio::test(start_paused = true)]
async fn a_store_is_opened_with_a_vault_s_key() {
    let (stage, folder) = (Stage::new().await, tempfile::tempdir().unwrap());
    let path = folder.path().join("store.db");
    let open = async || -> Result<SqliteStore, Error> {
        SqliteOptions::new().open_wrapped(&path, &stage.wrap(), stage.clock.clone()).await
    };
    let id = "connection/contoso/1".parse().unwrap();
    let store = open().await.unwrap();
    store.put(&id, &Secret::new("s3cr3t")).await.unwrap();
    // The key of the vault is changed while the store is open; the former version may go then.
    let version = stage.new_version(&body!({"kty": "RSA"})).await;
    assert_eq!(store.wrap_key(&stage.wrap()).await.unwrap().as_str(), version);
    drop(store);
    let before = std::fs::read(&path).unwrap();
    stage.answers("/unwrapkey", 403, "Forbidden", "ForbiddenByRbac");
    let error = open().await.unwrap_err();
    refused(&error, ErrorKind::PermissionDenied, "after a grant");
    stage.answers("/unwrapkey", 404, "KeyNotFound", "");
    refused(&open().await.unwrap_err(), ErrorKind::NotFound, "recover");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(open().await.unwrap().get(&id).await.unwrap().unwrap().expose(), "s3cr3t");
}

#[tokio::test(start_paused = true)]
async fn neither_key_nor_token_is_shown() {
    let (stage, canary) = (Stage::new().await, Canary::new());
    let listening = canary.listen();
    let text = canary.secret();
    canary.watch(&Secret::new(&text.expose()[..32]));
    let plain = PlainKey::from_bytes(&text.expose().as_bytes()[..32]).unwrap();
    let wrap = stage.wrap();
    let wrapped = wrap.wrap("context", &plain).await.unwrap();
    wrap.unwrap("context", &wrapped).await.unwrap();
    let error = wrap.unwrap("another", &wrapped).await.unwrap_err();
    canary.assert_absent("what is shown", format!("{wrap:?} {wrapped:?} {error} {error:?}").as_bytes());
    canary.assert_absent("the blob", &wrapped.blob);
    canary.assert_absent_from_logs();
    drop(listening);
}

//! Client assertions: verified for real, with certificates and with federated credentials. And the tokens they buy.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{self, KeyPair as _, RsaEncoding, RsaPublicKeyComponents};
use azconnect_emulator::{Service, Settings};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, OPERATOR, OPERATOR_SECRET, Reply, TENANT, Way};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SUBJECT: &str = "repo:contoso/web:ref:refs/heads/main";

/// 2026-01-01, where the clock of the tests stands.
pub(crate) const NOW: i64 = 1_767_225_600;

/// A key with its certificate.
pub(crate) struct Holder {
    pub(crate) pem: String,
    pub(crate) der: Vec<u8>,
    pair: KeyPair,
}

impl Holder {
    pub(crate) fn new() -> Self {
        Self::valid(rcgen::date_time_ymd(1975, 1, 1), rcgen::date_time_ymd(4096, 1, 1))
    }

    pub(crate) fn valid(from: OffsetDateTime, to: OffsetDateTime) -> Self {
        let key = rcgen::KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let mut parameters = CertificateParams::new(vec!["deployer".to_owned()]).unwrap();
        (parameters.not_before, parameters.not_after) = (from, to);
        let certificate = parameters.self_signed(&key).unwrap();
        let pair = KeyPair::from_pkcs8(key.serialized_der()).unwrap();
        let der = certificate.der().to_vec();
        let body = STANDARD.encode(&der);
        Self { pem: format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"), der, pair }
    }

    pub(crate) fn thumbprint(&self) -> Vec<u8> {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref().to_vec()
    }

    pub(crate) fn sign(&self, how: &'static dyn RsaEncoding, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let mut bytes = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(how, &SystemRandom::new(), text.as_bytes(), &mut bytes).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// As *Application certificate credentials* asks for it.
    pub(crate) fn ps256(&self, claims: &Value) -> String {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(hash)});
        self.sign(&signature::RSA_PSS_SHA256, &header, claims)
    }

    /// As older clients do: SHA-1, in padded base64.
    pub(crate) fn rs256(&self, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "typ": "JWT", "x5t": STANDARD.encode(self.thumbprint())});
        self.sign(&signature::RSA_PKCS1_SHA256, &header, claims)
    }

    fn published(&self, id: &str) -> Value {
        let (modulus, exponent) = numbers(self.pair.public_key().as_ref());
        json!({"kty": "RSA", "kid": id, "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent)})
    }
}

/// Modulus and exponent of a 2048-bit key: `SEQUENCE { INTEGER 0x00…, INTEGER }`.
fn numbers(der: &[u8]) -> (&[u8], &[u8]) {
    (&der[9..265], &der[267..])
}

pub(crate) fn claims(aud: &str) -> Value {
    json!({
        "aud": aud, "iss": DEPLOYER, "sub": DEPLOYER, "jti": "a1", "nbf": NOW, "iat": NOW, "exp": NOW + 600,
    })
}

fn changed(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// A tenant whose Deployer has a certificate, an expired one, and trusts an issuer.
async fn with_keys(way: Way, settings: Settings, holders: [&Holder; 3]) -> Harness {
    let [own, expired, issuer] = holders;
    let mut seed = crate::harness::contoso();
    let deployer = &mut seed["tenants"][0]["applications"][1];
    deployer["certificates"] =
        json!([{"pem": own.pem, "displayName": "own"}, {"pem": expired.pem, "startsInDays": -9, "endsInDays": -1}]);
    deployer["federatedCredentials"] = json!([
        {"name": "main", "issuer": ISSUER, "subject": SUBJECT, "audiences": ["api://AzureADTokenExchange"]},
        {"name": "silent", "issuer": "https://silent.example", "subject": "s"},
    ]);
    seed["issuers"] = json!([{"issuer": ISSUER, "keys": [issuer.published("k1")]}]);
    Harness::new(way, settings, &seed).await
}

pub(crate) fn endpoint(harness: &Harness) -> String {
    format!("{}/{TENANT}/oauth2/v2.0/token", harness.origin(Service::Login))
}

pub(crate) async fn ask(harness: &Harness, assertion: &str) -> Reply {
    harness
        .ask(Service::Login, "POST", &format!("/{TENANT}/oauth2/v2.0/token"))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", DEPLOYER),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
            ("client_info", "1"),
            ("scope", GRAPH_SCOPE),
        ])
        .send()
        .await
}

/// The number of the refusal.
async fn refused(harness: &Harness, assertion: &str) -> u64 {
    let body = ask(harness, assertion).await.json();
    body["error_codes"][0].as_u64().unwrap_or_else(|| panic!("{body}"))
}

async fn a_certificate_proves_who_the_client_is(way: Way) {
    let holders = [Holder::new(), Holder::new(), Holder::new()];
    let harness = with_keys(way, Settings::default(), holders.each_ref()).await;
    let [own, expired, stranger] = &holders;
    let good = claims(&endpoint(&harness));
    ask(&harness, &own.ps256(&good)).await.expect(200);
    ask(&harness, &own.rs256(&good)).await.expect(200);
    // MSAL for Python has written its times with a fraction.
    let float = changed(good.clone(), "exp", json!(600.5 + 1_767_225_600.0));
    // It also shows one assertion again and again while it is good.
    let assertion = own.rs256(&float);
    ask(&harness, &assertion).await.expect(200);
    ask(&harness, &assertion).await.expect(200);
    // Each claim, the key and the signature count.
    assert_eq!(refused(&harness, &own.ps256(&claims("https://nowhere.example/"))).await, 700_023);
    assert_eq!(refused(&harness, &own.ps256(&changed(good.clone(), "iss", json!(OPERATOR)))).await, 700_021);
    assert_eq!(refused(&harness, &own.ps256(&changed(good.clone(), "sub", json!(OPERATOR)))).await, 700_021);
    assert_eq!(refused(&harness, &own.ps256(&changed(good.clone(), "exp", json!(NOW - 301)))).await, 700_024);
    assert_eq!(refused(&harness, &own.ps256(&changed(good.clone(), "nbf", json!(NOW + 301)))).await, 700_024);
    assert_eq!(refused(&harness, &own.ps256(&changed(good.clone(), "exp", Value::Null))).await, 50027);
    assert_eq!(refused(&harness, &expired.ps256(&good)).await, 700_027);
    assert_eq!(refused(&harness, &stranger.ps256(&good)).await, 700_027);
    let mut forged = own.ps256(&good);
    let place = forged.len() - 20;
    forged.replace_range(place..=place, if forged[place..].starts_with('A') { "B" } else { "A" });
    assert_eq!(refused(&harness, &forged).await, 700_027);
    let header = json!({"alg": "PS256", "x5t": URL_SAFE_NO_PAD.encode(own.thumbprint())});
    assert_eq!(refused(&harness, &stranger.sign(&signature::RSA_PSS_SHA256, &header, &good)).await, 700_027);
    let header = json!({"alg": "ES256"});
    assert_eq!(refused(&harness, &own.sign(&signature::RSA_PSS_SHA256, &header, &good)).await, 5_002_738);
    let header = json!({"alg": "none"});
    assert_eq!(refused(&harness, &own.sign(&signature::RSA_PSS_SHA256, &header, &good)).await, 5_002_738);
    assert_eq!(refused(&harness, "nonsense").await, 50027);
}

async fn a_federated_issuer_proves_who_the_client_is(way: Way) {
    let holders = [Holder::new(), Holder::new(), Holder::new()];
    let harness = with_keys(way, Settings::default(), holders.each_ref()).await;
    let [stranger, _, issuer] = &holders;
    let good = json!({"aud": "api://AzureADTokenExchange", "iss": ISSUER, "sub": SUBJECT, "exp": NOW + 300});
    let header = json!({"alg": "RS256", "kid": "k1"});
    let sign = |holder: &Holder, claims: &Value| holder.sign(&signature::RSA_PKCS1_SHA256, &header, claims);
    ask(&harness, &sign(issuer, &good)).await.expect(200);
    let unknown = changed(good.clone(), "iss", json!("https://other.example"));
    assert_eq!(refused(&harness, &sign(issuer, &unknown)).await, 700_211);
    // Letter by letter: a subject in another case is another one.
    let subject = changed(good.clone(), "sub", json!(SUBJECT.to_uppercase()));
    assert_eq!(refused(&harness, &sign(issuer, &subject)).await, 700_213);
    assert_eq!(refused(&harness, &sign(issuer, &changed(good.clone(), "aud", json!("other")))).await, 700_212);
    assert_eq!(refused(&harness, &sign(issuer, &changed(good.clone(), "exp", json!(NOW - 301)))).await, 700_024);
    assert_eq!(refused(&harness, &sign(stranger, &good)).await, 50013);
    let silent = changed(changed(good, "iss", json!("https://silent.example")), "sub", json!("s"));
    assert_eq!(refused(&harness, &sign(issuer, &silent)).await, 90061);
}

async fn an_assertion_is_good_once_where_the_settings_say_so(way: Way) {
    let holders = [Holder::new(), Holder::new(), Holder::new()];
    let settings = Settings::default().with_single_use_assertions(true);
    let harness = with_keys(way, settings, holders.each_ref()).await;
    let first = claims(&endpoint(&harness));
    ask(&harness, &holders[0].ps256(&first)).await.expect(200);
    assert_eq!(refused(&harness, &holders[0].ps256(&first)).await, 50027);
    ask(&harness, &holders[0].ps256(&changed(first, "jti", json!("a2")))).await.expect(200);
}

async fn a_certificate_that_graph_was_given_signs_in(way: Way) {
    let harness = Harness::contoso(way).await;
    let holder = Holder::new();
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}");
    let credential = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(&holder.der), "displayName": "c"});
    let patch = |body: Value| harness.graph("PATCH", &path).bearer(&token).json(&body).send();
    patch(json!({"keyCredentials": [credential.clone()]})).await.expect(204);
    ask(&harness, &holder.ps256(&claims(&endpoint(&harness)))).await.expect(200);
    // Shown by its thumbprint; its bytes only to whoever asks for them by name.
    let shown = harness.graph("GET", &path).bearer(&token).send().await.expect(200)["keyCredentials"][0].clone();
    let hex: String = holder.thumbprint().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!((&shown["customKeyIdentifier"], &shown["key"]), (&json!(hex), &Value::Null));
    let selected = harness.graph("GET", &format!("{path}?$select=keyCredentials")).bearer(&token).send().await;
    assert_eq!(selected.expect(200)["keyCredentials"][0]["key"], STANDARD.encode(&holder.der));
    // Sent back as it was shown it stays; left out it goes, and no longer opens anything.
    patch(json!({"keyCredentials": [shown]})).await.expect(204);
    ask(&harness, &holder.ps256(&claims(&endpoint(&harness)))).await.expect(200);
    patch(json!({"keyCredentials": []})).await.expect(204);
    assert_eq!(refused(&harness, &holder.ps256(&claims(&endpoint(&harness)))).await, 700_027);
    // Both ends of the calendar, with offsets that lead beyond them.
    let mut edge = credential;
    edge["startDateTime"] = json!("0000-01-01T00:00:00+23:59");
    edge["endDateTime"] = json!("9999-12-31T23:59:59-23:59");
    let reply = patch(json!({"keyCredentials": [edge]})).await;
    assert!(matches!(reply.status, 204 | 400), "{}", reply.text);
    harness.graph("GET", &path).bearer(&token).send().await.expect(200);
    ask(&harness, &holder.ps256(&claims(&endpoint(&harness)))).await;
    let broken = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": "AAAA"});
    patch(json!({"keyCredentials": [broken]})).await.expect(400);
}

/// Whoever is reached over a socket is looked at by anybody, and so its tokens are signed.
#[tokio::test]
async fn tokens_over_a_socket_are_signed_with_the_published_key() {
    let harness = Harness::contoso(Way::Http).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let configuration = format!("/{TENANT}/v2.0/.well-known/openid-configuration");
    let configuration = harness.ask(Service::Login, "GET", &configuration).send().await.expect(200);
    let keys = configuration["jwks_uri"].as_str().unwrap().to_owned();
    let keys = harness.ask(Service::Login, "GET", &keys).send().await.expect(200);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let header: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(signed.split_once('.').unwrap().0).unwrap()).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let key = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).unwrap();
}

async fn the_older_token_endpoint_takes_a_resource(way: Way) {
    let harness = Harness::contoso(way).await;
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", OPERATOR),
        ("client_secret", OPERATOR_SECRET),
        ("resource", "https://graph.microsoft.com/"),
    ];
    let path = format!("/{TENANT}/oauth2/token");
    let body = harness.ask(Service::Login, "POST", &path).form(&fields).send().await.expect(200);
    // Its numbers are texts.
    assert_eq!((&body["expires_in"], &body["resource"]), (&json!("3599"), &json!("https://graph.microsoft.com/")));
    assert_eq!(body["expires_on"], json!((NOW + 3599).to_string()));
    let token = body["access_token"].as_str().unwrap();
    harness.graph("GET", "/applications").bearer(token).send().await.expect(200);
    let missing = harness.ask(Service::Login, "POST", &path).form(&fields[..3]).send().await;
    assert_eq!(missing.expect(400)["error_codes"], json!([900_144]));
    let older = harness.ask(Service::Login, "GET", &format!("/{TENANT}/.well-known/openid-configuration")).send().await;
    let endpoint = older.expect(200)["token_endpoint"].as_str().unwrap().to_owned();
    assert!(endpoint.ends_with(&path), "{endpoint}");
}

mod ways {
    crate::both_ways! {
        a_certificate_proves_who_the_client_is
        a_federated_issuer_proves_who_the_client_is
        an_assertion_is_good_once_where_the_settings_say_so
        a_certificate_that_graph_was_given_signs_in
        the_older_token_endpoint_takes_a_resource
    }
}

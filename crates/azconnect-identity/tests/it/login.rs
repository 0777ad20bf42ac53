//! A login whose every word a test chooses: its configuration, its keys, its tokens.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use azconnect_core::{Clock, Cloud, Error, ErrorKind, Retry, Secret};
use azconnect_http::{Pipeline, Request, Response, Transport};
use azconnect_identity::{Application, Authority, ClientSecretSource, TokenEndpoint};
use azconnect_testkit::VirtualClock;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::people::{ADA_ID, CONTOSO, PORTAL, PORTAL_SECRET};

/// What the login says. A test changes any of it.
pub(crate) struct Script {
    pub(crate) configuration: Value,
    pub(crate) keys: Vec<Value>,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// The whole id token, in place of one that is made.
    pub(crate) id_token: Option<Value>,
    /// More fields of the answer with tokens.
    pub(crate) more: Value,
    /// What is answered in place of tokens.
    pub(crate) body: Option<String>,
    /// Whether its configuration and its keys cannot be read.
    pub(crate) is_silent: bool,
}

pub(crate) struct Login {
    pub(crate) clock: VirtualClock,
    pub(crate) pair: &'static KeyPair,
    pub(crate) script: Mutex<Script>,
    pub(crate) seen: Mutex<Vec<(String, String)>>,
}

impl Login {
    pub(crate) fn new() -> Arc<Self> {
        let pair = own_pair();
        let clock = VirtualClock::new();
        let now = clock.now().unix_timestamp();
        let script = Script {
            configuration: json!({"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0",
                                  "jwks_uri": "https://login.microsoftonline.com/common/discovery/v2.0/keys"}),
            keys: vec![published("k1", pair)],
            header: json!({"typ": "JWT", "alg": "RS256", "kid": "k1"}),
            claims: json!({"aud": PORTAL, "iss": format!("https://login.microsoftonline.com/{CONTOSO}/v2.0"),
                           "tid": CONTOSO, "oid": ADA_ID, "name": "Ada", "iat": now, "nbf": now, "exp": now + 3600}),
            id_token: None,
            more: json!({}),
            body: None,
            is_silent: false,
        };
        Arc::new(Self { clock, pair, script: Mutex::new(script), seen: Mutex::default() })
    }

    pub(crate) fn application(self: &Arc<Self>, authority: Authority) -> Application {
        let pipeline = Pipeline::new(Arc::clone(self) as Arc<dyn Transport>, Arc::new(self.clock.clone()));
        let endpoint = TokenEndpoint::at(pipeline, &Cloud::public(), authority);
        let client = PORTAL.parse().unwrap();
        let proof = ClientSecretSource::new(endpoint.clone(), client, Secret::new(PORTAL_SECRET)).unwrap();
        Application::new(endpoint, client, Arc::new(proof))
    }

    pub(crate) fn contoso(self: &Arc<Self>) -> Application {
        self.application(Authority::of_tenant(&Cloud::public(), CONTOSO.parse().unwrap()))
    }

    /// Changes what it says.
    pub(crate) fn says(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    /// How often an address was asked for.
    pub(crate) fn asked(&self, part: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|(address, _)| address.contains(part)).count()
    }

    /// The last form that was posted.
    pub(crate) fn form(&self) -> String {
        self.seen.lock().unwrap().iter().rev().find(|(_, body)| !body.is_empty()).unwrap().1.clone()
    }

    fn answer(&self, path: &str) -> String {
        let script = self.script.lock().unwrap();
        if path.ends_with("/openid-configuration") {
            return script.configuration.to_string();
        }
        if path.ends_with("/keys") {
            return json!({"keys": script.keys}).to_string();
        }
        if let Some(body) = &script.body {
            return body.clone();
        }
        let id_token = script.id_token.clone().unwrap_or_else(|| self.signed(&script.header, &script.claims).into());
        let mut answer =
            json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "access", "id_token": id_token});
        answer.as_object_mut().unwrap().extend(script.more.as_object().unwrap().clone());
        answer.to_string()
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[async_trait]
impl Transport for Login {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        self.seen.lock().unwrap().push((request.uri().to_string(), body));
        let path = request.uri().path();
        if self.script.lock().unwrap().is_silent && !path.ends_with("/token") {
            return Err(Error::new(ErrorKind::Unavailable, "nobody answers").with_retry(Retry::Backoff));
        }
        Ok(http::Response::new(self.answer(path).into()))
    }
}

/// The key of every login here: to make one takes longer than all else that a test does.
fn own_pair() -> &'static KeyPair {
    static PAIR: OnceLock<KeyPair> = OnceLock::new();
    PAIR.get_or_init(|| KeyPair::generate(KeySize::Rsa2048).unwrap())
}

/// The public half of a key, as a login publishes it.
pub(crate) fn published(id: &str, pair: &KeyPair) -> Value {
    // The DER of a key of 2048 bits (RFC 8017, appendix A.1.1) has its two numbers in these places.
    let key = pair.public_key().as_ref();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({"kid": id, "kty": "RSA", "use": "sig",
           "n": number(&key[9..265]),
           "e": number(&key[267..270])})
}

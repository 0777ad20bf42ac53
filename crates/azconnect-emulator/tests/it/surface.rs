//! Whatever is sent, the emulator answers: no input of a caller makes it panic.

use azconnect_emulator::{Service, Settings};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::arm::ARM_SCOPE;
use crate::harness::{
    DEPLOYER, DEPLOYER_OBJECT, DEVOPS_SCOPE, GRAPH_SCOPE, Harness, OPERATOR, SUBSCRIPTION, TENANT, WEB, Way, contoso,
};

const SERVICES: [(Service, &str); 4] = [
    (Service::Graph, GRAPH_SCOPE),
    (Service::ResourceManager, ARM_SCOPE),
    (Service::DevOps, DEVOPS_SCOPE),
    (Service::DevOpsIdentity, DEVOPS_SCOPE),
];

/// Words of which paths and bodies are made: those of the routes, and what fits nowhere.
const WORDS: [&str; 44] = [
    "v1.0",
    "applications",
    "servicePrincipals",
    "addPassword",
    "removePassword",
    "federatedIdentityCredentials",
    "owners",
    "$ref",
    "oauth2PermissionGrants",
    "subscriptions",
    SUBSCRIPTION,
    "resourceGroups",
    "rg",
    "providers",
    "Microsoft.Compute",
    "virtualMachines",
    "vm",
    "Microsoft.Network",
    "networkInterfaces",
    "publicIPAddresses",
    "virtualNetworks",
    "networkSecurityGroups",
    "start",
    "runCommands",
    "extensions",
    "instanceView",
    "locations",
    "westeurope",
    "skus",
    "usages",
    "operations",
    "permissions",
    "contoso",
    "Web",
    "_apis",
    "serviceendpoint",
    "endpoints",
    "projects",
    "tokens",
    "pats",
    DEPLOYER_OBJECT,
    WEB,
    "",
    "\u{e9}%",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        1 => Just(DEPLOYER.to_owned()),
        1 => "[ -~]{0,12}",
    ]
}

/// Times at both ends of the calendar, and offsets that lead beyond them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        word(),
        prop::sample::select(vec![
            "9999-12-31T23:59:59-12:00",
            "9998-06-01T00:00:00Z",
            "0000-01-01T00:00:00+14:00",
            "0001-01-01T00:00:00Z",
            "2026-01-01T00:00:00.0000000Z",
            "255.255.255.255/0",
            "::/129",
            "10.0.0.0/33",
            "-1",
            "1e400",
            "*",
        ])
        .prop_map(str::to_owned),
    ]
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(vec![
            "passwordCredential", "startDateTime", "endDateTime", "displayName", "keyId", "properties", "location", "name",
            "issuer", "subject", "audiences", "authorization", "parameters", "scheme", "type", "url", "data",
            "serviceEndpointProjectReferences", "projectReference", "id", "addressSpace", "addressPrefixes", "subnets",
            "securityRules", "priority", "ipConfigurations", "storageProfile", "osProfile", "hardwareProfile", "networkProfile",
            "validTo", "scope", "source", "timeoutInSeconds", "template", "sku", "tags", "dataDisks", "lun", "diskSizeGB",
        ])
        .prop_map(str::to_owned),
        1 => word(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((field(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The number of a service, a method, a path, a query, and a body.
type Sent = (usize, String, Vec<String>, Vec<(String, String)>, Option<Value>);

fn request() -> impl Strategy<Value = Sent> {
    (
        0..SERVICES.len(),
        prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]).prop_map(str::to_owned),
        prop::collection::vec(word(), 0..9),
        prop::collection::vec(
            (
                prop_oneof![
                    prop::sample::select(vec![
                        "api-version",
                        "$filter",
                        "$top",
                        "$select",
                        "$skiptoken",
                        "$expand",
                        "$orderby",
                        "projectIds",
                        "endpointNames",
                        "type",
                        "includeFailed",
                        "deep",
                        "continuationToken"
                    ])
                    .prop_map(str::to_owned),
                    word()
                ],
                prop_oneof![text(), Just("7.1".to_owned()), Just("2025-04-01".to_owned())],
            ),
            0..4,
        ),
        proptest::option::of(value()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_sent_is_answered(requests in prop::collection::vec(request(), 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let harness = Harness::new(Way::InProcess, Settings::default(), &world()).await;
            for (service, method, path, query, body) in requests {
                let (service, scope) = SERVICES[service];
                let mut url = url::Url::parse(&format!("{}/", harness.origin(service))).unwrap();
                url.path_segments_mut().unwrap().pop_if_empty().extend(&path);
                url.query_pairs_mut().extend_pairs(&query);
                let token = harness.token(scope).await;
                let mut ask = harness.ask(service, &method, url.as_str()).bearer(&token);
                if let Some(body) = &body {
                    ask = ask.json(body);
                }
                let reply = ask.send().await;
                assert!(reply.status != 500, "{method} {url}: {}", reply.text);
            }
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    // Whoever asks for a token is nobody yet, and may send anything as its proof.
    #[test]
    fn whatever_is_asserted_or_asked_of_a_vault_is_answered(
        algorithm in prop_oneof![Just("RS256".to_owned()), Just("PS256".to_owned()), text()],
        (ends, begins) in (any::<f64>(), any::<f64>()),
        claim in value(),
        signature in prop::collection::vec(any::<u8>(), 0..300),
        (method, path) in (prop::sample::select(vec!["GET", "PUT", "POST", "PATCH", "DELETE"]), prop::collection::vec(word(), 0..4)),
        body in value(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut seed = world();
            seed["vaults"] = json!([{"name": "contoso", "tenant": TENANT, "officers": [OPERATOR]}]);
            let settings = Settings::default().with_single_use_assertions(true);
            let harness = Harness::new(Way::InProcess, settings, &seed).await;
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let claims = json!({"iss": DEPLOYER, "sub": DEPLOYER, "aud": claim, "exp": ends, "nbf": begins, "jti": "x"});
            let header = json!({"alg": algorithm, "x5t": claim, "x5t#S256": "AA=="});
            let assertion = format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode(&signature));
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", DEPLOYER),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", &assertion),
                ("scope", GRAPH_SCOPE),
            ];
            let path_of_tokens = format!("/{TENANT}/oauth2/v2.0/token");
            let reply = harness.ask(Service::Login, "POST", &path_of_tokens).form(&fields).send().await;
            assert!(matches!(reply.status, 400 | 401), "{}", reply.text);
            let token = harness.token("https://vault.azure.net/.default").await;
            let mut url = url::Url::parse("https://contoso.vault.azure.net/?api-version=7.6").unwrap();
            url.path_segments_mut().unwrap().pop_if_empty().extend(["secrets"]).extend(&path);
            let reply = harness.ask(Service::KeyVault, method, url.as_str()).bearer(&token).json(&body).send().await;
            assert!(reply.status != 500, "{method} {url}: {}", reply.text);
        });
    }
}

/// Contoso, whose operator may change its resources as well.
fn world() -> Value {
    let mut world = contoso();
    world["subscriptions"][0]["roleAssignments"] = json!([{"principal": OPERATOR, "role": "Contributor"}]);
    world["subscriptions"][0]["resourceGroups"] = json!([{"name": "rg", "location": "westeurope"}]);
    world
}

/// Both ends of the calendar, with offsets that lead beyond them.
#[tokio::test]
async fn a_secret_may_begin_and_end_at_the_end_of_time() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let times = [
        ("9998-06-01T00:00:00Z", Value::Null),
        ("2026-01-01T00:00:00Z", json!("9999-12-31T23:59:59-12:00")),
        ("9999-12-31T23:59:59-23:59", Value::Null),
        ("0000-01-01T00:00:00+23:59", json!("9999-12-31T23:59:59.9999999-23:59")),
    ];
    for (start, end) in times {
        let wanted = json!({"passwordCredential": {"startDateTime": start, "endDateTime": end}});
        let ask = || harness.graph("POST", &format!("/applications/{DEPLOYER_OBJECT}/addPassword")).bearer(&token);
        let reply = ask().json(&wanted).send().await;
        assert!(matches!(reply.status, 200 | 400), "{start} {end}: {}", reply.text);
        let application = harness.graph("GET", &format!("/applications/{DEPLOYER_OBJECT}")).bearer(&token);
        application.send().await.expect(200);
        harness.emulator.truth();
    }
}

const LOGIN_PATHS: [&str; 9] = [
    "oauth2/v2.0/authorize",
    "oauth2/authorize",
    "oauth2/v2.0/token",
    "oauth2/token",
    "oauth2/v2.0/devicecode",
    "oauth2/deviceauth",
    "v2.0/adminconsent",
    "oauth2/v2.0/logout",
    "discovery/v2.0/keys",
];

/// A parameter of the sign-in, with a value that is known, or that fits nowhere.
fn parameter() -> impl Strategy<Value = (String, String)> {
    use crate::signing_in::{ADA, BACK, DESKTOP, PORTAL, PORTAL_SECRET};
    let names = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "prompt",
        "login_hint",
        "code_challenge",
        "code_challenge_method",
        "grant_type",
        "client_secret",
        "code",
        "refresh_token",
        "device_code",
        "assertion",
        "requested_token_use",
        "code_verifier",
        "resource",
        "flow",
        "canary",
        "page",
        "action",
        "email",
        "account",
        "post_logout_redirect_uri",
    ];
    let values = [
        PORTAL,
        DESKTOP,
        PORTAL_SECRET,
        BACK,
        ADA,
        "http://localhost:99999999",
        "code",
        "code id_token",
        "form_post",
        "none",
        "login",
        "consent",
        "select_account",
        "openid offline_access User.Read",
        "/.default",
        "a/b/.default //",
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "on_behalf_of",
        "S256",
        "a.b.c",
        "\u{e9}\r\n<>",
    ];
    let value = prop_oneof![4 => prop::sample::select(values.to_vec()).prop_map(str::to_owned), 1 => "[ -~]{0,140}"];
    (prop::sample::select(names.to_vec()).prop_map(str::to_owned), value)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    // Whoever signs in is nobody yet, and may send anything.
    #[test]
    fn whatever_is_sent_to_the_sign_in_is_answered(requests in prop::collection::vec(
        (
            prop::sample::select(vec!["GET", "POST"]),
            prop::sample::select(vec![TENANT, "common", "organizations", "consumers", "nowhere"]),
            prop::sample::select(LOGIN_PATHS.to_vec()),
            prop::collection::vec(parameter(), 0..9),
            prop::collection::vec(parameter(), 0..9),
        ),
        1..5,
    )) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let harness = Harness::new(Way::InProcess, Settings::default(), &crate::signing_in::seed()).await;
            let mut cookie = String::new();
            for (method, tenant, path, query, form) in requests {
                let mut url = url::Url::parse(&format!("{}/{tenant}/{path}", harness.origin(Service::Login))).unwrap();
                url.query_pairs_mut().extend_pairs(&query);
                let ask = harness.ask(Service::Login, method, url.as_str());
                let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let reply = ask.form(&form).header("cookie", &cookie).send().await;
                assert!(reply.status != 500, "{method} {url}: {}", reply.text);
                if let Some(told) = reply.header("set-cookie").split(';').next().filter(|told| !told.is_empty()) {
                    cookie = told.to_owned();
                }
            }
        });
    }
}

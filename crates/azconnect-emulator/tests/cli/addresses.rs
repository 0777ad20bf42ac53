//! `--origins`, `--public-url` and `--trust-forwarded`: every address in an answer is one that the caller can reach.

use serde_json::Value;

use crate::program::{Client, Program, SUBSCRIPTION};

/// Asks for whatever names addresses, and returns them: of the sign-in, of Azure Resource Manager's metadata and
/// operations, of Graph's context, and of Azure DevOps' areas.
async fn addresses(client: &Client, at: &dyn Fn(&str) -> String, headers: &[(&str, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |value: &Value| found.push(value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned());
    let login = at("login");
    let configuration = format!("{login}/common/v2.0/.well-known/openid-configuration");
    let configuration = client.ask("GET", &configuration, headers, "").await.expect(200);
    note(&configuration["token_endpoint"]);
    note(&configuration["jwks_uri"]);
    let arm = at("resource_manager");
    let metadata = format!("{arm}/metadata/endpoints?api-version=2022-09-01");
    let metadata = client.ask("GET", &metadata, headers, "").await.expect(200);
    note(&metadata["resourceManager"]);
    note(&metadata["microsoftGraphResourceId"]);
    note(&metadata["authentication"]["loginEndpoint"]);
    let with =
        |token: String| [headers, &[("authorization", Box::leak(format!("Bearer {token}").into_boxed_str()))]].concat();
    let operator = with(client.token(&login, "https://management.azure.com/.default").await);
    let group = format!("{arm}/subscriptions/{SUBSCRIPTION}/resourceGroups/web?api-version=2021-04-01");
    client.ask("PUT", &group, &operator, r#"{"location": "westeurope"}"#).await;
    let deleted = client.ask("DELETE", &group, &operator, "").await;
    assert_eq!(deleted.status, 202, "{}", deleted.text);
    note(&Value::from(deleted.header("location")));
    let caller = with(client.token(&login, "https://graph.microsoft.com/.default").await);
    let page = client.ask("GET", &format!("{}/v1.0/applications", at("graph")), &caller, "").await.expect(200);
    note(&page["@odata.context"]);
    let caller = with(client.token(&login, "499b84ac-1321-427f-aa17-267ca6975798/.default").await);
    let areas = format!("{}/contoso/_apis/resourceAreas?api-version=7.1-preview.1", at("devops"));
    let areas = client.ask("GET", &areas, &caller, "").await.expect(200);
    for area in areas["value"].as_array().unwrap() {
        note(&area["locationUrl"]);
    }
    found
}

fn all_begin_with(found: &[String], origins: &[String]) {
    assert!(found.len() > 8, "{found:?}");
    for address in found {
        assert!(origins.iter().any(|origin| address.starts_with(&format!("{origin}/"))), "{address} of {origins:?}");
    }
}

#[tokio::test]
async fn one_origin_has_every_service_under_the_name_and_scheme_of_the_caller() {
    let program = Program::start(&["--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let client = program.client();
    for scheme in ["http", "https"] {
        for name in ["127.0.0.1", "localhost"] {
            let origin = program.origin(scheme).replace("127.0.0.1", name);
            all_begin_with(&addresses(&client, &|_| origin.clone(), &[]).await, std::slice::from_ref(&origin));
        }
    }
}

#[tokio::test]
async fn each_service_has_an_origin_of_its_own_where_that_is_asked_for() {
    let program = Program::start(&["--origins", "each", "--https", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let client = program.client();
    let origins = program.ready["https"].as_object().unwrap();
    let services: Vec<&String> = origins.keys().filter(|key| *key != "vaults").collect();
    let mut ports: Vec<&Value> = services.iter().map(|service| &origins[*service]).collect();
    ports.push(&origins["vaults"]["contoso-keys"]);
    assert_eq!(ports.into_iter().collect::<std::collections::HashSet<_>>().len(), 7, "{origins:?}");
    for name in ["127.0.0.1", "localhost"] {
        let named = |service: &str| origins[service].as_str().unwrap().replace("127.0.0.1", name);
        let all: Vec<String> = services.iter().map(|service| named(service)).collect();
        all_begin_with(&addresses(&client, &named, &[]).await, &all);
    }
}

#[tokio::test]
async fn a_public_url_is_in_every_answer() {
    let program = Program::start(&["--public-url", "https://emulator.test:8443"]);
    let client = program.client();
    let origin = program.origin("http");
    let found = addresses(&client, &|_| origin.clone(), &[]).await;
    all_begin_with(&found, &["https://emulator.test:8443".to_owned()]);
}

#[tokio::test]
async fn forwarded_headers_count_only_where_they_are_trusted() {
    let forwarded = [("x-forwarded-proto", "https"), ("x-forwarded-host", "emulator.test, inner")];
    let program = Program::start(&["--trust-forwarded"]);
    let client = program.client();
    let origin = program.origin("http");
    let found = addresses(&client, &|_| origin.clone(), &forwarded).await;
    all_begin_with(&found, &["https://emulator.test".to_owned()]);
    let wrong =
        client.ask("GET", &format!("{origin}/metadata/endpoints"), &[("x-forwarded-proto", "gopher")], "").await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);

    let program = Program::start(&[]);
    let client = program.client();
    let origin = program.origin("http");
    let found = addresses(&client, &|_| origin.clone(), &forwarded).await;
    all_begin_with(&found, std::slice::from_ref(&origin));
}

/// Another server in front serves callers who are not on this machine.
#[tokio::test]
async fn what_another_server_passes_on_does_not_command_the_emulator() {
    for arguments in [&["--trust-forwarded"][..], &[]] {
        let program = Program::start(arguments);
        let state = format!("{}/_emulator/state", program.origin("http"));
        for header in [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-host", "emulator.test"), ("forwarded", "for=_x")]
        {
            assert_eq!(program.client().ask("GET", &state, &[header], "").await.status, 403, "{header:?}");
        }
        assert_eq!(program.client().get(&state).await.status, 200);
    }
}

/// The Azure CLI puts `/.default` after an address that ends with a slash already.
#[tokio::test]
async fn a_token_for_the_one_origin_is_good_for_every_service_there() {
    let program = Program::start(&["--https", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let client = program.client();
    let origin = program.origin("https");
    let token = client.token(&origin, &format!("{origin}//.default")).await;
    for path in
        ["/v1.0/applications", "/subscriptions?api-version=2022-12-01", "/contoso/_apis/projects?api-version=7.1"]
    {
        let answer = client.call("GET", &format!("{origin}{path}"), &token, "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    // A token for one service is still refused by the others.
    let token = client.token(&origin, "https://graph.microsoft.com/.default").await;
    let answer = client.call("GET", &format!("{origin}/subscriptions?api-version=2022-12-01"), &token, "").await;
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert_eq!(client.sign_in(&origin, "https://localhost:1//.default").await.status, 400, "another origin is none");
}

#[tokio::test]
async fn a_token_for_one_of_several_origins_is_for_its_service_alone() {
    let program = Program::start(&["--origins", "each"]);
    let client = program.client();
    let at = |service: &str| program.ready["http"][service].as_str().unwrap().to_owned();
    let token = client.token(&at("login"), &format!("{}//.default", at("resource_manager"))).await;
    let subscriptions = format!("{}/subscriptions?api-version=2022-12-01", at("resource_manager"));
    assert_eq!(client.call("GET", &subscriptions, &token, "").await.status, 200);
    assert_eq!(client.call("GET", &format!("{}/v1.0/applications", at("graph")), &token, "").await.status, 401);
}

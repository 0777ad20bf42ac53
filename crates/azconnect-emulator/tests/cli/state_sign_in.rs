//! `--state`: who is signed in stays so, and what was not redeemed yet still can be.

use azconnect_emulator::{Conduct, Visitor};
use serde_json::{Value, json};

use crate::program::{Client, Program};

const PORTAL: &str = "10000000-0000-4000-8000-00000000000a";

fn seed() -> Value {
    json!({"tenants": [{"id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com",
        "users": [{"userPrincipalName": "ada@contoso.onmicrosoft.com"}],
        "applications": [{"displayName": "Portal", "clientId": PORTAL, "webRedirectUris": ["https://portal.example/back"],
            "passwords": [{"secret": "portal-secret"}]}]}]})
}

fn authorize(program: &Program, more: &str) -> String {
    format!(
        "{}/contoso.onmicrosoft.com/oauth2/v2.0/authorize?client_id={PORTAL}&response_type=code&scope=openid+offline_access+User.Read\
         &redirect_uri=https%3A%2F%2Fportal.example%2Fback{more}",
        program.origin("http")
    )
}

async fn tokens(program: &Program, client: &Client, grant: &str) -> Value {
    let form = format!("client_id={PORTAL}&client_secret=portal-secret&{grant}");
    let request = http::Request::post(format!("{}/contoso.onmicrosoft.com/oauth2/v2.0/token", program.origin("http")))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(bytes::Bytes::from(form));
    client.send(request.unwrap()).await.unwrap().expect(200)
}

fn text(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

#[cfg(unix)]
#[tokio::test]
async fn codes_cookies_and_refresh_tokens_outlive_the_program() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("seed.json"), seed().to_string()).unwrap();
    let arguments = ["--state", "{}/state.json", "--seed", "{}/seed.json"];
    let program = Program::start_in(folder, &arguments);
    let client = program.client();
    let visitor = Visitor::over(client.transport());
    let ada = Conduct::of("ada@contoso.onmicrosoft.com");
    let redeem = |code: &str| {
        text(&[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", "https://portal.example/back")])
    };
    let code = visitor.visit(&authorize(&program, ""), &ada).await.unwrap().field("code").unwrap();
    let body = tokens(&program, &client, &redeem(&code)).await;
    let kept = visitor.visit(&authorize(&program, ""), &ada).await.unwrap().field("code").unwrap();
    let (port, folder) = (program.address("http"), program.stop("TERM").2);

    let again = [&arguments[..], &["--http", &port]].concat();
    let program = Program::start_in(folder, &again);
    let client = program.client();
    let id = tokens(&program, &client, &redeem(&kept)).await;
    assert!(id["id_token"].is_string());
    let refresh = text(&[("grant_type", "refresh_token"), ("refresh_token", body["refresh_token"].as_str().unwrap())]);
    tokens(&program, &client, &refresh).await;
    let silent = visitor.visit(&authorize(&program, "&prompt=none"), &ada).await.unwrap();
    assert!(silent.field("code").is_some(), "the browser is signed in: {silent:?}");
}

//! Key vaults where no client's host name leads to them: at the one origin, by names of this machine, and at ports of their own.

use serde_json::{Value, json};

use crate::program::{ADMINISTRATOR, Client, Program, TENANT};

const SCOPE: &str = "https://vault.azure.net/.default";
const ID: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";

/// The program with a seed that has these vaults.
fn started(vaults: &[&str], arguments: &[&str]) -> Program {
    let mut seed: Value = serde_json::from_str(include_str!("../../data/seed.json")).unwrap();
    let vault = |name: &&str| json!({"name": name, "tenant": TENANT, "officers": [ADMINISTRATOR]});
    seed["vaults"] = vaults.iter().map(vault).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("seed.json"), seed.to_string()).unwrap();
    Program::start_in(folder, &[&["--seed", "{}/seed.json"], arguments].concat())
}

/// Writes a secret and reads it by the id that the answer has, as clients do; returns the id.
async fn round(client: &Client, at: &str, host: &str, token: &str, value: &str) -> String {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str()), ("host", host)];
    let url = format!("{at}/secrets/db?api-version=7.6");
    let body = json!({"value": value}).to_string();
    let made = client.ask("PUT", &url, &headers, &body).await.expect(200);
    let id = made["id"].as_str().unwrap().to_owned();
    // Scheme, host, collection, name and version, and nothing else: clients take an id apart.
    assert_eq!(id.split('/').count(), 6, "{id}");
    let (_, path) = id.split_once(host).unwrap_or_else(|| panic!("{id} is not at {host}"));
    let read = client.ask("GET", &format!("{at}{path}?api-version=7.6"), &headers, "").await.expect(200);
    assert_eq!(read["value"], value);
    id
}

#[tokio::test]
async fn the_one_vault_is_at_the_one_origin() {
    let program = started(&["contoso-keys"], &["--https", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let client = program.client();
    let origin = program.origin("https");
    assert_eq!(program.ready["https"]["vaults"], json!({"contoso-keys": origin}));
    // The challenge names the login of this emulator, and the audience of the real vaults.
    let challenge = client.get(&format!("{origin}/secrets/db?api-version=7.6")).await;
    let expected = format!(r#"Bearer authorization="{origin}/{ID}", resource="https://vault.azure.net""#);
    assert_eq!((challenge.status, challenge.header("www-authenticate")), (401, expected.as_str()));
    let token = client.token(&origin, SCOPE).await;
    let id = round(&client, &origin, &program.address("https"), &token, "one").await;
    assert!(id.starts_with(&format!("{origin}/secrets/db/")), "{id}");
    let page = client.call("GET", &format!("{origin}/secrets?api-version=7.6&maxresults=1"), &token, "").await;
    assert_eq!(page.expect(200)["value"][0]["id"], format!("{origin}/secrets/db"));
}

#[tokio::test]
async fn each_of_several_vaults_has_a_name_of_this_machine() {
    let program = started(&["contoso-keys", "other"], &["--http", "127.0.0.1:0"]);
    let client = program.client();
    let origin = program.origin("http");
    let port = origin.rsplit_once(':').unwrap().1;
    let named = json!({"contoso-keys": format!("http://contoso-keys.localhost:{port}"), "other": format!("http://other.localhost:{port}")});
    assert_eq!(program.ready["http"]["vaults"], named);
    let token = client.token(&origin, SCOPE).await;
    for (name, value) in [("contoso-keys", "one"), ("other", "two")] {
        round(&client, &origin, &format!("{name}.localhost:{port}"), &token, value).await;
    }
    let headers = [("authorization", format!("Bearer {token}"))];
    let headers = [("authorization", headers[0].1.as_str()), ("host", "contoso-keys.localhost")];
    let read = client.ask("GET", &format!("{origin}/secrets/db?api-version=7.6"), &headers, "").await.expect(200);
    assert_eq!(read["value"], "one", "each has its own");
    // Whoever names none of them is told how.
    let unclear = client.call("GET", &format!("{origin}/secrets/db?api-version=7.6"), &token, "").await;
    assert_eq!(unclear.status, 404);
    assert!(
        unclear.text.contains("https://contoso-keys.localhost") && unclear.text.contains("--origins each"),
        "{}",
        unclear.text
    );
}

#[tokio::test]
async fn each_vault_has_a_port_of_its_own_where_each_service_has_one() {
    let program =
        started(&["contoso-keys", "other"], &["--origins", "each", "--https", "127.0.0.1:0", "--ca", "{}/ca.pem"]);
    let client = program.client();
    let at = |vault: &str| program.ready["https"]["vaults"][vault].as_str().unwrap().to_owned();
    let token = client.token(program.ready["https"]["login"].as_str().unwrap(), SCOPE).await;
    for (name, value) in [("contoso-keys", "one"), ("other", "two")] {
        let origin = at(name);
        round(&client, &origin, origin.split_once("://").unwrap().1, &token, value).await;
        // By another name of this machine as well.
        let origin = origin.replace("127.0.0.1", "localhost");
        round(&client, &origin, origin.split_once("://").unwrap().1, &token, value).await;
    }
    let origins: Value = client.get(&format!("{}/_emulator/origins", at("other"))).await.expect(200);
    assert_eq!(origins["vaults"]["contoso-keys"], at("contoso-keys"));
}

#[tokio::test]
async fn a_seed_without_vaults_says_so() {
    let program = started(&[], &[]);
    let answer = program.client().get(&format!("{}/secrets/db?api-version=7.6", program.origin("http"))).await;
    assert!(answer.status == 404 && answer.text.contains("no key vault"), "{}", answer.text);
    assert_eq!(program.ready["http"].get("vaults"), None);
}

/// The vault of a request is kept with it.
#[cfg(unix)]
#[tokio::test]
async fn vaults_without_host_names_go_on_where_they_were() {
    let arguments = ["--origins", "each", "--state", "{}/state.json"];
    let program = started(&["contoso-keys", "other"], &arguments);
    let client = program.client();
    let at = |program: &Program| program.ready["http"]["vaults"]["other"].as_str().unwrap().to_owned();
    let token = client.token(program.ready["http"]["login"].as_str().unwrap(), SCOPE).await;
    let url = |program: &Program| format!("{}/secrets/db?api-version=7.6", at(program));
    client.call("PUT", &url(&program), &token, r#"{"value": "kept"}"#).await.expect(200);
    let (_, _, folder) = program.stop("TERM");
    let program = Program::start_in(folder, &arguments);
    let read = program.client().call("GET", &url(&program), &token, "").await.expect(200);
    assert_eq!(read["value"], "kept");
}

//! `--state`: the keys of vaults outlive the program.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{ADMINISTRATOR, Client, Program};

const VAULT: &str = "https://contoso-keys.vault.azure.net";
const ARGUMENTS: [&str; 8] =
    ["--proxy", "127.0.0.1:0", "--http", "127.0.0.1:0", "--ca", "{}/ca.pem", "--state", "{}/state.json"];

/// A client of the vault, which is reached by its name through the proxy, and its token.
async fn visitor(program: &Program) -> (Client, String) {
    let proxy = program.ready["proxy"].as_str().unwrap().to_owned();
    let client = program.client_with(|builder| builder.with_proxy(&proxy).unwrap());
    let token = client.token("https://login.microsoftonline.com", "https://vault.azure.net/.default").await;
    (client, token)
}

fn state(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("state.json")).unwrap()).unwrap()
}

async fn ask((client, token): &(Client, String), path: &str, body: Value) -> Value {
    client.call("POST", &format!("{VAULT}{path}?api-version=7.6"), token, &body.to_string()).await.expect(200)
}

async fn created(visitor: &(Client, String), name: &str, size: u32) -> Value {
    ask(visitor, &format!("/keys/{name}/create"), json!({"kty": "RSA", "key_size": size})).await["key"].clone()
}

/// What a version of a key makes of a text.
async fn turned(visitor: &(Client, String), key: &Value, way: &str, value: &Value) -> Value {
    let path = key["kid"].as_str().unwrap().strip_prefix(VAULT).unwrap();
    ask(visitor, &format!("{path}/{way}"), json!({"alg": "RSA-OAEP-256", "value": value})).await["value"].clone()
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_vault_has_wrapped_is_unwrapped_in_the_next_run_and_in_the_one_after() {
    let folder = tempfile::tempdir().unwrap();
    let mut seed: Value = serde_json::from_str(include_str!("../../data/seed.json")).unwrap();
    let tenant = seed["tenants"][0]["domain"].clone();
    seed["vaults"] = json!([{"name": "contoso-keys", "tenant": tenant, "officers": [ADMINISTRATOR]}]);
    std::fs::write(folder.path().join("seed.json"), seed.to_string()).unwrap();
    let program = Program::start_in(folder, &[&ARGUMENTS[..], &["--seed", "{}/seed.json"]].concat());
    let visit = visitor(&program).await;
    let mut wrapped = Vec::new();
    // Two versions of one key, a request that is refused after its key was made, and another key.
    for (name, size) in [("kek", 2048), ("kek", 3072), ("", 0), ("other", 2048)] {
        if name.is_empty() {
            let wrong = json!({"kty": "RSA", "tags": {"a": 1}});
            let address = format!("{VAULT}/keys/kek/create?api-version=7.6");
            assert_eq!(visit.0.call("POST", &address, &visit.1, &wrong.to_string()).await.status, 400);
            continue;
        }
        let key = created(&visit, name, size).await;
        let value = turned(&visit, &key, "wrapkey", &json!("a2V5")).await;
        wrapped.push((key, value));
    }

    let (_, _, mut folder) = program.stop("TERM");
    for run in 0..2 {
        let program = Program::start_in(folder, &ARGUMENTS);
        let visit = visitor(&program).await;
        for (key, value) in &wrapped {
            assert_eq!(turned(&visit, key, "unwrapkey", value).await, "a2V5", "{key}");
        }
        // A key of this run is a new one, and goes on with it.
        let key = created(&visit, "kek", 2048).await;
        assert!(wrapped.iter().all(|(former, _)| former["n"] != key["n"]), "{key}");
        let value = turned(&visit, &key, "wrapkey", &json!("a2V5")).await;
        wrapped.push((key, value));
        (_, _, folder) = program.stop(if run == 0 { "TERM" } else { "INT" });
    }
    assert!(state(folder.path())["warning"].as_str().unwrap().contains("keys of vaults"));
}

/// Keys that are missing or left over belong to other requests: nothing is made up in their place.
#[cfg(unix)]
#[tokio::test]
async fn a_file_with_other_keys_than_its_requests_made_is_refused() {
    let program = Program::start(&ARGUMENTS);
    let (_, _, folder) = program.stop("TERM");
    let path = folder.path().join("state.json");
    let mut sound = state(folder.path());
    assert_eq!(sound["record"]["keys"], json!([]), "a key for each that was created");
    for keys in [json!(["AAAA"]), json!(["no base64"])] {
        sound["record"]["keys"] = keys;
        std::fs::write(&path, sound.to_string()).unwrap();
        let output = crate::program::run(&["--state", path.to_str().unwrap()]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && told.contains("damaged"), "{told}");
    }
}

//! `--seed` and `--schema`.

use serde_json::Value;

use crate::program::{Program, TENANT, run};

#[tokio::test]
async fn a_seed_is_what_it_starts_with() {
    let folder = tempfile::tempdir().unwrap();
    let seed = r#"{"tenants": [{"id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "fabrikam.example"}]}"#;
    std::fs::write(folder.path().join("seed.json"), seed).unwrap();
    let program = Program::start_in(folder, &["--seed", "{}/seed.json"]);
    let discovery = |tenant: &str| format!("{}/{tenant}/v2.0/.well-known/openid-configuration", program.origin("http"));
    let client = program.client();
    assert_eq!(client.get(&discovery("fabrikam.example")).await.status, 200);
    assert_eq!(client.get(&discovery(TENANT)).await.status, 400, "nothing else is there");
}

#[test]
fn a_wrong_seed_is_told_with_the_file_and_the_place_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.json");
    let id = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";
    let application =
        |text: &str| format!(r#"{{"tenants": [{{"id": "{id}", "domain": "d", "applications": [{text}]}}]}}"#);
    for (seed, place, complaint) in [
        (
            application(r#"{"displayName": "a"}, {"displayName": "b", "appId": "x"}"#),
            "$.tenants[0].applications[1].appId",
            "not known",
        ),
        (
            application(r#"{"displayName": "a", "clientId": "hunter2"}"#),
            "$.tenants[0].applications[0].clientId",
            "not a GUID",
        ),
        (application("{}"), "$.tenants[0].applications[0].displayName", "missing"),
        ("{".to_owned(), "$: ", "line 1"),
        (
            format!(r#"{{"subscriptions": [{{"id": "{id}", "tenant": "nowhere"}}]}}"#),
            "$.subscriptions",
            "not in the seed",
        ),
    ] {
        std::fs::write(&path, &seed).unwrap();
        let output = run(&["--seed", path.to_str().unwrap()]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(path.to_str().unwrap()) && told.contains(place) && told.contains(complaint), "{told}");
        assert!(told.lines().count() == 1 && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn the_schema_is_printed_as_it_is_published() {
    let output = run(&["--schema"]);
    assert_eq!(output.status.code(), Some(0));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed, serde_json::from_str::<Value>(include_str!("../../data/seed.schema.json")).unwrap());
    assert_eq!(printed["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

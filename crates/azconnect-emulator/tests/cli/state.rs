//! `--state`: the world outlives the program.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::program::{ADMINISTRATOR, Client, Program, SUBSCRIPTION, run};

const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";

async fn truth(client: &Client, program: &Program) -> Value {
    let mut truth = client.get(&format!("{}/_emulator/state", program.origin("http"))).await.expect(200);
    truth.as_object_mut().unwrap().remove("now");
    truth
}

/// Adds a secret, which is returned, makes a resource group, and begins to delete another.
async fn work(client: &Client, program: &Program) -> (String, String) {
    let origin = program.origin("http");
    let token = client.token(&origin, GRAPH_SCOPE).await;
    let add = format!("{origin}/v1.0/applications(appId='{ADMINISTRATOR}')/addPassword");
    let added =
        client.call("POST", &add, &token, r#"{"passwordCredential": {"displayName": "new"}}"#).await.expect(200);
    let arm = client.token(&origin, "https://management.azure.com/.default").await;
    for name in ["stays", "goes"] {
        let group = format!("{origin}/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}?api-version=2021-04-01");
        client.call("PUT", &group, &arm, r#"{"location": "westeurope"}"#).await.expect(201);
        if name == "goes" {
            assert_eq!(client.call("DELETE", &group, &arm, "").await.status, 202);
        }
    }
    (added["secretText"].as_str().unwrap().to_owned(), token)
}

#[cfg(unix)]
#[tokio::test]
async fn a_world_goes_on_where_it_was() {
    for arguments in [&["--state", "{}/state.json"][..], &["--state", "{}/state.json", "--clock", "virtual"]] {
        let program = Program::start(arguments);
        let client = program.client();
        let (secret, token) = work(&client, &program).await;
        let before = truth(&client, &program).await;
        let (status, told, folder) = program.stop("TERM");
        assert_eq!((status.code(), told.as_str()), (Some(0), ""));

        let program = Program::start_in(folder, arguments);
        let client = program.client();
        assert_eq!(truth(&client, &program).await, before, "{arguments:?}");
        // A token of the former run, and the secret that was made in it.
        let origin = program.origin("http");
        assert_eq!(client.call("GET", &format!("{origin}/v1.0/applications"), &token, "").await.status, 200);
        let form = format!(
            "grant_type=client_credentials&client_id={ADMINISTRATOR}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default\
             &client_secret={}",
            secret.replace('~', "%7E")
        );
        let request = http::Request::post(format!("{origin}/contoso.onmicrosoft.com/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(bytes::Bytes::from(form));
        assert_eq!(client.send(request.unwrap()).await.unwrap().status, 200);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_clock_does_not_go_back_from_one_run_to_the_next() {
    let arguments = ["--state", "{}/state.json"];
    let program = Program::start(&arguments);
    let client = program.client();
    let clock = |program: &Program| format!("{}/_emulator/clock", program.origin("http"));
    client.ask("POST", &clock(&program), &[], r#"{"advanceSeconds": 5000}"#).await.expect(200);
    let (_, _, folder) = program.stop("TERM");
    let program = Program::start_in(folder, &arguments);
    let now = program.client().get(&clock(&program)).await.expect(200);
    assert!((5000.0..5300.0).contains(&now["elapsedSeconds"].as_f64().unwrap()), "{now}");
}

#[cfg(unix)]
#[tokio::test]
async fn it_is_saved_on_demand_whole_and_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let program = Program::start(&["--state", "{}/state.json"]);
    let client = program.client();
    work(&client, &program).await;
    let save = format!("{}/_emulator/save", program.origin("http"));
    assert_eq!(client.ask("POST", &save, &[], "").await.status, 204);
    let path = program.folder.path().join("state.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let state: Value = serde_json::from_str(&text).unwrap();
    assert!(state["warning"].as_str().unwrap().contains("secrets"), "whoever opens it is told");
    assert_eq!(state["record"]["requests"].as_array().unwrap().len(), 6);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(program.folder.path()).unwrap().count(), 1, "nothing is left beside it");

    // Killed: what was saved last is what there is.
    let before = truth(&client, &program).await;
    let (_, _, folder) = program.stop("KILL");
    let program = Program::start_in(folder, &["--state", "{}/state.json"]);
    assert_eq!(truth(&program.client(), &program).await, before);

    let program = Program::start(&[]);
    let save = format!("{}/_emulator/save", program.origin("http"));
    assert_eq!(program.client().ask("POST", &save, &[], "").await.status, 409, "there is no file");
}

#[cfg(unix)]
#[tokio::test]
async fn after_a_reset_the_former_world_is_forgotten() {
    let program = Program::start(&["--state", "{}/state.json"]);
    let client = program.client();
    work(&client, &program).await;
    client.ask("POST", &format!("{}/_emulator/reset", program.origin("http")), &[], "").await;
    work(&client, &program).await;
    let before = truth(&client, &program).await;
    let (_, _, folder) = program.stop("TERM");
    let program = Program::start_in(folder, &["--state", "{}/state.json"]);
    let mut after = truth(&program.client(), &program).await;
    // Requests are counted by the program, and those before the reset are gone with their world.
    after["exchanges"] = before["exchanges"].clone();
    assert_eq!(after, before);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_and_left_as_it_is() {
    let program = Program::start(&["--state", "{}/state.json"]);
    let (_, _, folder) = program.stop("TERM");
    let path = folder.path().join("state.json");
    let sound: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let with = |field: &str, value: Value| {
        let mut state = sound.clone();
        state[field] = value;
        state.to_string()
    };
    let place = path.to_str().unwrap();
    for (text, arguments, complaint) in [
        (with("version", json!(99)), &[][..], "another version"),
        (with("program", json!("0.0.0-hunter2")), &[], "another version of this program than"),
        (with("program", json!("0.0.7")), &[], "another version of this program, 0.0.7, than"),
        (with("record", json!({"secret": "hunter2"})), &[], "damaged"),
        ("hunter2".to_owned(), &[], "no state"),
        ("[]".to_owned(), &[], "no state"),
        (sound.to_string(), &["--operation-seconds", "1"], "other options"),
        (sound.to_string(), &["--clock", "virtual"], "other options"),
    ] {
        std::fs::write(&path, &text).unwrap();
        let output = run(&[&["--state", place], arguments].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(place) && told.contains(complaint) && !told.contains("hunter2"), "{told}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{complaint}");
    }
    assert_eq!(sound["program"], env!("CARGO_PKG_VERSION"));
    std::fs::write(&path, sound.to_string()).unwrap();
    let seed = folder.path().join("seed.json");
    std::fs::write(&seed, "{}").unwrap();
    let output = run(&["--state", place, "--seed", seed.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A program that answers a request in another way would go on from a world that nobody has seen.
#[cfg(unix)]
#[tokio::test]
async fn a_file_whose_requests_are_answered_otherwise_now_is_refused() {
    let program = Program::start(&["--state", "{}/state.json"]);
    work(&program.client(), &program).await;
    let (_, _, folder) = program.stop("TERM");
    let path = folder.path().join("state.json");
    let mut state: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let statuses: Vec<_> =
        state["record"]["requests"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 200, 201, 201, 202]);
    state["record"]["requests"][3]["status"] = json!(200);
    state["record"]["requests"][5]["status"] = json!(204);
    std::fs::write(&path, state.to_string()).unwrap();
    let output = run(&["--state", path.to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    let complaint = format!("{}: request 4 of 6 was answered with 200 and would be with 201 now", path.display());
    let remedy = "run the version that wrote it, or remove the file";
    assert!(told.contains(&complaint) && told.contains(remedy) && told.lines().count() == 1, "{told}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), state.to_string(), "it is left as it is");
}

#[cfg(unix)]
#[tokio::test]
async fn saves_at_once_leave_a_whole_file() {
    let program = Program::start(&["--state", "{}/state.json"]);
    let client = program.client();
    work(&client, &program).await;
    let save = format!("{}/_emulator/save", program.origin("http"));
    for _ in 0..10 {
        let replies = join_all((0..40).map(|_| client.ask("POST", &save, &[], ""))).await;
        for reply in replies {
            assert_eq!(reply.status, 204, "{}", reply.text);
        }
        let text = std::fs::read_to_string(program.folder.path().join("state.json")).unwrap();
        let state: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(state["record"]["requests"].as_array().unwrap().len(), 6);
    }
    assert_eq!(std::fs::read_dir(program.folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

/// However it ends while it saves, the file is the former one or the new one, and never a part.
#[cfg(unix)]
#[tokio::test]
async fn a_kill_while_it_saves_leaves_a_whole_file_and_nothing_beside_it_for_long() {
    let mut folder = tempfile::tempdir().unwrap();
    for round in 0..6_u64 {
        let program = Program::start_in(folder, &["--state", "{}/state.json"]);
        let client = program.client();
        let origin = program.origin("http");
        // Something to write, so that a kill can hit it amid.
        for _ in 0..20 {
            client.token(&origin, GRAPH_SCOPE).await;
        }
        let saving = async {
            loop {
                let save = http::Request::post(format!("{origin}/_emulator/save")).body(bytes::Bytes::new()).unwrap();
                if client.send(save).await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(std::time::Duration::from_millis(20 + 7 * round), saving).await;
        let (_, _, kept) = program.stop("KILL");
        let text = std::fs::read_to_string(kept.path().join("state.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("round {round}: {error}"));
        // As if it had been hit before the new file took the place of the former one.
        std::fs::write(kept.path().join("state.json.4000000.new"), "{\"seed\": \"hal").unwrap();
        folder = kept;
    }
    let program = Program::start_in(folder, &["--state", "{}/state.json"]);
    assert_eq!(std::fs::read_dir(program.folder.path()).unwrap().count(), 1, "a half-written file may hold secrets");
}

/// Whoever has asked is answered, and what was done is kept.
#[cfg(unix)]
#[tokio::test]
async fn a_request_that_is_under_way_when_it_is_told_to_stop_is_answered_and_kept() {
    let program = Program::start(&["--state", "{}/state.json", "--latency", "700"]);
    let client = program.client();
    let origin = program.origin("http");
    let token = client.token(&origin, GRAPH_SCOPE).await;
    let asking = tokio::spawn(async move {
        let url = format!("{origin}/v1.0/applications");
        client.call("POST", &url, &token, r#"{"displayName": "made at the end"}"#).await.status
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let (status, told, folder) = tokio::task::spawn_blocking(move || program.stop("TERM")).await.unwrap();
    assert_eq!((status.code(), told.as_str()), (Some(0), ""));
    assert_eq!(asking.await.unwrap(), 201);
    let program = Program::start_in(folder, &["--state", "{}/state.json"]);
    let truth = truth(&program.client(), &program).await;
    assert!(truth["applications"].to_string().contains("made at the end"), "{truth}");
}

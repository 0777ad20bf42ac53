//! The example programs as their users run them: as processes that are killed, misused and talked to over sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test"
)]

mod program;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use program::emulator::Emulator;
use program::program;

fn rotate(arguments: &[&str]) -> Output {
    Command::new(program("rotate"))
        .args(arguments)
        .env_remove("AZURE_CLIENT_SECRET")
        .env_remove("AZCONNECT_SEALING_KEY")
        .output()
        .unwrap()
}

fn lines(output: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(output)
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON object a line"))
        .collect()
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}

/// What the emulator says at the end of a run: the keys alive on Contoso deploy, and what its connections hold.
fn assert_deploy_is_rotated(lines: &[Value]) {
    let truth = &of_type(lines, "truth").last().expect("the truth is told")["truth"];
    let applications = truth["applications"].as_array().unwrap();
    let deploy = applications.iter().find(|a| a["client_id"] == "a0000000-0000-4000-8000-000000000002").unwrap();
    let live: Vec<_> = deploy["passwords"].as_array().unwrap().iter().filter(|p| p["live"] == true).collect();
    assert_eq!(live.len(), 2, "the new one and the foreign one: {live:?}");
    let new = live.iter().find(|p| p["display_name"].as_str().unwrap().starts_with("azconnect ")).unwrap();
    for id in ["c0000000-0000-4000-8000-000000000001", "c0000000-0000-4000-8000-000000000011"] {
        let connection = truth["connections"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap();
        assert_eq!(connection["holds"]["key_id"], new["key_id"]);
        assert_eq!(connection["secret_usable_now"], true);
    }
}

#[test]
fn a_plan_shows_every_connection_and_changes_nothing() {
    let output = rotate(&["--plan"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for said in ["rotate", "not due", "federated", "automatic", "managed identity", "not ours: stays", "remedy"] {
        assert!(text.contains(said), "{said:?} is not in the plan:\n{text}");
    }
    assert!(!text.contains("mint"));
}

#[test]
fn a_run_tells_one_json_object_a_line_and_ends_well() {
    let output = rotate(&["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output.stdout);
    assert_eq!(of_type(&lines, "plan").len(), 4);
    let outcomes: Vec<_> =
        of_type(&lines, "outcome").iter().map(|line| line["outcome"].as_str().unwrap().to_owned()).collect();
    assert_eq!(outcomes, ["rotated", "not_due", "rotated", "not_due"]);
    assert_deploy_is_rotated(&lines);
}

#[test]
fn killed_again_and_again_it_finishes_the_same_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").to_str().unwrap().to_owned();
    let arguments = ["--json", "--state", &state, "--application", "a0000000-0000-4000-8000-000000000002"];
    // A run takes some ten seconds: each of these dies somewhere else in it.
    for millis in [150, 900, 2_600, 4_400, 5_200] {
        let mut child = Command::new(program("rotate")).args(arguments).stdout(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(millis));
        // SIGKILL: nothing is cleaned up.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = rotate(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_deploy_is_rotated(&lines(&output.stdout));
    let again = rotate(&arguments);
    assert_eq!(of_type(&lines(&again.stdout), "outcome")[0]["outcome"], "not_due");
    assert_no_secret_in(Path::new(&state));
}

#[test]
fn a_storm_of_kills_serves_nobody_badly_and_everything_is_finished() {
    let storm = Command::new(program("storm")).args(["25", "--lanes", "5"]).output().unwrap();
    let text = String::from_utf8(storm.stdout).unwrap();
    assert_eq!(storm.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&storm.stderr));
    assert!(text.contains("kills       25;") && text.contains("violations  0"), "{text}");
}

#[test]
fn a_storm_of_kills_leaves_no_resource_behind() {
    let storm = Command::new(program("storm")).args(["15", "--lanes", "5", "--program", "provision"]).output().unwrap();
    let text = String::from_utf8(storm.stdout).unwrap();
    assert_eq!(storm.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&storm.stderr));
    assert!(text.contains("kills       15;") && text.contains("violations  0"), "{text}");
    assert!(text.contains("deleted, 0 failed"), "{text}");
}

#[test]
fn two_runs_of_one_machine_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut seed: Value = serde_json::from_str(include_str!("../data/machines.json")).unwrap();
    seed["settings"] = serde_json::json!({"resourceManager": {"operationSeconds": 1, "retryAfterSeconds": 1}});
    std::fs::write(folder.path().join("seed.json"), seed.to_string()).unwrap();
    let emulator = Emulator::seeded(&folder.path().join("seed.json"));
    let run = |more: &[&str]| {
        let mut command = Command::new(program("provision"));
        command.args(["--hurry", "--emulator", emulator.address(), "--state"]).arg(folder.path().join("state"));
        command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let first = run(&["--keep"]).spawn().unwrap();
    let second = run(&["--keep"]).output().unwrap();
    let first = first.wait_with_output().unwrap();
    let text = |output: &Output| {
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(first.status.code(), Some(0), "{}", text(&first));
    assert_eq!(second.status.code(), Some(0), "{}", text(&second));
    let waited = [&first, &second].iter().filter(|output| text(output).contains("another process works on it")).count();
    assert_eq!(waited, 1, "{}{}", text(&first), text(&second));
    let deleted = run(&["--delete"]).output().unwrap();
    assert_eq!(deleted.status.code(), Some(0), "{}", text(&deleted));
}

/// The operator's secret, and the seed's, are in no file of the state.
fn assert_no_secret_in(folder: &Path) {
    let secret = b"only.for-the-embedded-emulator";
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{} holds a secret", path.display());
    }
}

#[test]
fn it_rotates_on_a_running_emulator_over_sockets() {
    let emulator = Emulator::start();
    let address = emulator.address();
    let output = rotate(&["--json", "--emulator", address]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(of_type(&lines(&output.stdout), "outcome").iter().all(|line| line["done"] == true));
    let again = rotate(&["--json", "--emulator", address, "--plan"]);
    let plans = lines(&again.stdout);
    // A journal of its own knows nothing of the first run, so what it made is somebody else's now and stays.
    assert_eq!(of_type(&plans, "plan").len(), 4);
}

#[test]
fn what_cannot_be_begun_is_refused_with_reason_and_remedy() {
    let output = rotate(&["--force", "--application", "a0000000-0000-4000-8000-000000000005"]);
    assert_eq!(output.status.code(), Some(3), "a person is needed");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("not begun") && text.contains("remedy: "), "{text}");
}

#[test]
fn bad_usage_is_told_by_field_and_remedy_before_anything_happens() {
    let folder = tempfile::tempdir().unwrap();
    let bad_seed = folder.path().join("seed.json");
    std::fs::write(&bad_seed, r#"{"tenants":[{"id":"6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01","domain":"x","colour":1}]}"#)
        .unwrap();
    let garbage = folder.path().join("garbage");
    std::fs::create_dir(&garbage).unwrap();
    std::fs::write(garbage.join("rotate.db"), "not a database").unwrap();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["--application", "nonsense"], 2, "--application"),
        (&["--application", "b0000000-0000-4000-8000-000000000002"], 2, "--application"),
        (&["--seed", bad_seed.to_str().unwrap()], 2, "seed.tenants[0].colour"),
        (&["--seed", "/does/not/exist"], 2, "--seed"),
        (&["--azure"], 2, "--product"),
        (&["--emulator", "http://example.com"], 2, "--emulator"),
        (&["--nonsense"], 2, "--nonsense"),
        (&["--state", garbage.to_str().unwrap()], 1, "sealing.key"),
    ];
    for (arguments, code, names) in cases {
        let output = rotate(arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
        assert!(text.contains(names), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}: nothing happened yet");
    }
}

#[test]
fn a_lost_key_is_not_replaced_while_a_database_of_the_folder_exists() {
    for lost in ["emulator.db", "rotate.db"] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["--plan", "--state", folder.path().to_str().unwrap()];
        assert!(rotate(&arguments).status.success());
        let key = folder.path().join("sealing.key");
        std::fs::remove_file(&key).unwrap();
        std::fs::remove_file(folder.path().join(lost)).unwrap();
        let output = rotate(&arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "without {lost}: {text}");
        assert!(text.contains("sealing.key") && text.contains("backup"), "without {lost}: {text}");
        assert!(!key.exists() && !folder.path().join(lost).exists(), "without {lost}: something was made");
    }
}

#[test]
fn a_journal_of_an_older_version_is_taken_by_consent_only() {
    let folder = tempfile::tempdir().unwrap();
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/azconnect-store/tests/golden/schema-1.sqlite");
    std::fs::copy(golden, folder.path().join("rotate.db")).unwrap();
    let run = |more: &[&str]| {
        let output = Command::new(program("rotate"))
            .args(["--plan", "--state", folder.path().to_str().unwrap()])
            .args(more)
            // The key of the golden database.
            .env("AZCONNECT_SEALING_KEY", "EBESExQVFhcYGRobHB0eHwABAgMEBQYHCAkKCwwNDg8=")
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = run(&[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("remedy: ") && text.contains("once with --trust-old-journal"), "{text}");
    let (code, text) = run(&["--trust-old-journal"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&[]);
    assert_eq!(code, Some(0), "once is enough: {text}");
    let (code, text) = run(&["--set-aside", "golden/unfinished"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--set-aside") && text.contains("as this program wrote it"), "{text}");
}

#[test]
fn no_emulator_at_the_address_is_a_failure_with_a_remedy() {
    let output = rotate(&["--emulator", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("remedy: start one with"));
}

#[test]
fn a_second_process_on_one_embedded_emulator_is_told_so_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--json", "--state", folder.path().to_str().unwrap()];
    let mut first = Command::new(program("rotate")).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(first.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let second = rotate(&arguments);
    assert!(first.try_wait().unwrap().is_none(), "the second waited for the first");
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{text}");
    assert!(second.stdout.is_empty());
    assert!(text.contains(&format!("process {}", first.id())) && text.contains("remedy: "), "{text}");
    first.kill().unwrap();
    first.wait().unwrap();
    // Whoever was killed holds nothing.
    assert!(rotate(&["--plan", "--state", folder.path().to_str().unwrap()]).status.success());
}

#[test]
fn processes_that_start_at_once_on_one_emulator_share_one_state() {
    let emulator = Emulator::start();
    let address = emulator.address();
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--plan", "--json", "--emulator", address, "--state", folder.path().to_str().unwrap()];
    let start = || {
        let mut command = Command::new(program("rotate"));
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<Child> = std::iter::repeat_with(start).take(8).collect();
    for process in started {
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(of_type(&lines(&output.stdout), "plan").len(), 4);
    }
}

#[test]
fn a_sealing_key_that_is_none_is_refused_by_the_name_of_its_variable() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().to_str().unwrap();
    for bad in ["", "not-a-key", "c2hvcnQ="] {
        let run = Command::new(program("rotate"))
            .args(["--plan", "--state", state])
            .env("AZCONNECT_SEALING_KEY", bad)
            .output();
        let output = run.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("AZCONNECT_SEALING_KEY holds no key"), "{text}");
        assert!(bad.is_empty() || !text.contains(bad), "the value is quoted: {text}");
    }
    let databases = std::fs::read_dir(state)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "db"));
    assert_eq!(databases.count(), 0, "a database was made without a key");
}

/// The example is the program itself: it takes all that the program takes, and starts with the seed of these programs.
#[test]
fn the_emulator_takes_every_option_of_its_program() {
    let schema = Command::new(program("emulator")).arg("--schema").output().unwrap();
    assert_eq!(schema.status.code(), Some(0));
    assert!(serde_json::from_slice::<Value>(&schema.stdout).unwrap()["properties"]["vaults"].is_object());
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let served = ["--https".as_ref(), "127.0.0.1:0".as_ref(), "--ca".as_ref(), authority.as_os_str()];
    let emulator = Emulator::start_with(&served);
    assert!(emulator.address().starts_with("https://"), "{}", emulator.address());
    assert!(std::fs::read_to_string(&authority).unwrap().contains("BEGIN CERTIFICATE"));
    let wrong = Command::new(program("emulator")).args(["--http", "0.0.0.0:1"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

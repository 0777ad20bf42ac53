//! Arguments that cannot be used: one sentence, and exit code 2.

use crate::program::{Program, run};

#[test]
fn a_wrong_argument_is_one_sentence_and_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let seed = folder.path().join("seed.json");
    std::fs::write(&seed, r#"{"tenants": [{"colour": "secret-text"}]}"#).unwrap();
    let seed = seed.to_str().unwrap();
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, "{\n]").unwrap();
    let broken = broken.to_str().unwrap();
    let below_a_file = &format!("{seed}/state.json");
    for (arguments, named) in [
        (&["--https", "here"][..], "--https"),
        (&["--nonsense"], "--nonsense"),
        (&["--http", "0.0.0.0:0"], "--http <ADDRESS>': it is not loopback"),
        (&["--http", "8001"], "127.0.0.1:8001"),
        (&["--https", "example.com:443"], "it is no address with a port"),
        (&["--http", "127.0.0.1:65533", "--origins", "each"], "not enough ports"),
        (&["--https", "192.0.2.1:0"], "loopback"),
        (&["--proxy", "192.0.2.1:0"], "loopback"),
        (&["--ca", "ca.pem"], "--https"),
        (&["--https", "127.0.0.1:0", "--ca", "/does/not/exist/ca.pem"], "/does/not/exist/ca.pem"),
        (&["--origins", "two"], "--origins"),
        (&["--origins", "each", "--public-url", "https://localhost:8443"], "--origins"),
        (&["--public-url", "https://localhost:8443/path"], "--public-url"),
        (&["--public-url", "ftp://localhost"], "--public-url"),
        (&["--seed", "/does/not/exist.json"], "/does/not/exist.json: there is no such file or folder"),
        (&["--seed", seed], "$.tenants[0].colour"),
        (&["--seed", broken], "broken.json: $: is not JSON: line 2, column 1; correct the text there"),
        (&["--seed", broken], "--schema"),
        (&["--seed", "/"], "cannot read /: is a directory"),
        (&["--https", "127.0.0.1:0", "--ca", "/"], "--ca: cannot write /"),
        (&["--state", below_a_file], "seed.json/state.json: not a directory; name a file"),
        (&["--clock", "wrist"], "--clock"),
        (&["--latency", "soon"], "--latency"),
        (&["--operation-seconds", "1.5"], "--operation-seconds"),
        (&["--replication-seconds", "x"], "--replication-seconds"),
        (&["--throttle", "on"], "--throttle"),
        (&["--keep", "all"], "--keep"),
        (&["--state", "/does/not/exist/state.json"], "/does/not/exist/state.json"),
    ] {
        let output = run(arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(named) && told.lines().count() == 1, "{arguments:?}: {told}");
        assert!(output.stdout.is_empty() && !told.contains("secret-text"), "{arguments:?}: {told}");
    }
}

#[test]
fn a_taken_port_is_a_failure_and_not_a_wrong_argument() {
    let program = Program::start(&[]);
    let output = run(&["--http", &program.address("http")]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&program.address("http")) && told.lines().count() == 1, "{told}");
    assert!(told.contains("address in use; choose another port"), "{told}");
}

#[test]
fn the_help_says_every_option_and_the_exit_codes() {
    let output = run(&["--help"]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for option in [
        "http",
        "https",
        "proxy",
        "ca",
        "origins",
        "public-url",
        "trust-forwarded",
        "seed",
        "schema",
        "clock",
        "latency",
        "operation-seconds",
        "replication-seconds",
        "throttle",
        "log",
        "keep",
        "state",
        "no-control",
    ] {
        assert!(help.contains(&format!("--{option}")), "{option}: {help}");
    }
    assert!(help.contains("0  it was told to stop") && help.lines().all(|line| line.chars().count() <= 80), "{help}");
    assert_eq!(run(&["--version"]).status.code(), Some(0));
}

#[tokio::test]
async fn localhost_is_an_address_of_this_machine() {
    let program = Program::start(&["--http", "localhost:0"]);
    assert!(program.origin("http").starts_with("http://127.0.0.1:"), "{}", program.ready);
}

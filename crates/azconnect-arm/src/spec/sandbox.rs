//! The wrapped script and the inquiry, run for real: by `sh`, in folders of their own, with a stand-in for cloud-init.

use std::io::Write;
use std::process::{Command, Stdio};

use super::script::{Found, inquiry, read, wrapped};

/// Hides what belongs to the machine under empty folders, and puts a cloud-init there that says what `STATUS` holds.
const ROOM: &str = r#"
set -e
for folder in /var/lib /var/log /run; do mount -t tmpfs tmpfs "$folder"; done
mkdir -p /run/bin /run/cloud-init
printf '#!/bin/sh\necho "status: $(cat /run/status)"\n' > /run/bin/cloud-init
chmod 755 /run/bin/cloud-init
PATH="/run/bin:$PATH"
echo running > /run/status
umask 022
set +e
cat > /run/wrapped <<'END_OF_WRAPPED'
@wrapped@END_OF_WRAPPED
cat > /run/inquiry <<'END_OF_INQUIRY'
@inquiry@END_OF_INQUIRY
ended() { echo "$1" > /run/status; echo '{}' > /run/cloud-init/result.json; }
"#;

/// Runs a story in the room, in which `/run/wrapped` and `/run/inquiry` lie, and returns what it wrote.
fn told(script: &str, story: &str) -> String {
    let room = ROOM.replace("@wrapped@", &wrapped(script)).replace("@inquiry@", &inquiry());
    let mut shell = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(format!("{room}\n{story}\nexit 0\n").as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
#[ignore = "needs unshare, and a kernel that lets it mount"]
fn the_script_runs_under_the_umask_of_the_system_and_our_files_are_private() {
    let script = "#!/bin/sh\numask\necho key > /var/lib/keyring.gpg\necho said\n";
    let told = told(
        script,
        "sh /run/wrapped\necho \"code $?\"\nstat -c '%a %n' /var/lib/keyring.gpg /var/lib/azconnect /var/lib/azconnect/* \
         /var/log/azconnect-agent.log\ncat /var/log/azconnect-agent.log\nls /run/azconnect-agent.pid 2>&1",
    );
    for line in [
        "code 0",
        "644 /var/lib/keyring.gpg",
        "700 /var/lib/azconnect",
        "700 /var/lib/azconnect/agent.sh",
        "600 /var/lib/azconnect/agent.ok",
        "600 /var/log/azconnect-agent.log",
        "0022",
        "said",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}:\n{told}");
    }
    assert!(told.contains("No such file"), "the process's number is left:\n{told}");
}

#[test]
#[ignore = "needs unshare, and a kernel that lets it mount"]
fn the_inquiry_finds_out_how_far_the_script_is() {
    let look = "sh /run/inquiry";
    assert_eq!(read(&told("#!/bin/sh\n", look)), Found::Waiting, "it has not begun");
    let slow = "#!/bin/sh\necho begun\nsleep 30\n";
    let while_it_runs = format!("sh /run/wrapped & sleep 1; ended error; {look}; kill $!");
    assert_eq!(
        read(&told(slow, &while_it_runs)),
        Found::Waiting,
        "an early module has failed, and the script still runs"
    );
    let done = format!("sh /run/wrapped; ended 'done'; {look}");
    assert_eq!(read(&told("#!/bin/sh\ntrue\n", &done)), Found::Succeeded);
    let failed = Found::Failed { code: Some(7), output: "no disk".into() };
    assert_eq!(read(&told("#!/bin/sh\necho no disk\nexit 7\n", &format!("sh /run/wrapped; {look}"))), failed);
    let never_run = Found::Failed { code: None, output: String::new() };
    assert_eq!(read(&told("#!/bin/sh\n", &format!("ended error; {look}"))), never_run);
    // The machine has restarted in the midst of the script, and cloud-init runs no script twice.
    let cut_off = format!("sh /run/wrapped & sleep 1; kill -9 $!; rm /run/azconnect-agent.pid; ended 'done'; {look}");
    let found = read(&told(slow, &cut_off));
    assert_eq!(found, Found::Failed { code: None, output: "begun".into() });
}

#[test]
#[ignore = "needs shellcheck"]
fn shellcheck_finds_nothing_in_what_we_write() {
    for text in [wrapped("#!/bin/sh\necho hello\n"), inquiry()] {
        let mut check = Command::new("shellcheck")
            .args(["--shell=sh", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = check.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

//! Generated keys, as OpenSSH sees them.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use azconnect_arm::{KeyKind, SshKey};
use azconnect_core::{Effect, ErrorKind};

use crate::stage::{Stage, id, plan, spec};

fn check(kind: KeyKind, bits: &str) {
    let key = SshKey::generate(kind).unwrap();
    let folder = std::env::temp_dir().join(format!("azconnect-key-{}-{bits}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("key");
    let mut file = std::fs::File::create(&path).unwrap();
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).unwrap();
    file.write_all(key.private.expose().as_bytes()).unwrap();
    drop(file);
    let run = |arguments: &[&str]| {
        let output =
            Command::new("ssh-keygen").args(arguments).arg(&path).output().expect("OpenSSH's ssh-keygen is needed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // Derived anew from the private key by OpenSSH, the public key is the same.
    assert_eq!(run(&["-y", "-P", "", "-f"]).trim(), key.public.trim());
    std::fs::write(folder.join("key.pub"), format!("{}\n", key.public)).unwrap();
    let shown = run(&["-l", "-f"]);
    assert!(shown.starts_with(bits) && shown.contains(&key.fingerprint), "{shown}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn openssh_reads_an_ed25519_key() {
    check(KeyKind::Ed25519, "256");
}

#[test]
fn openssh_reads_an_rsa_key() {
    check(KeyKind::Rsa4096, "4096");
}

/// Has cloud-init's own code take the user data apart, and say what it will do with each part.
const TAKE_APART: &str = "
import sys
from cloudinit import helpers, user_data
paths = helpers.Paths({'cloud_dir': '/tmp', 'run_dir': '/tmp', 'templates_dir': '/tmp'})
message = user_data.UserDataProcessor(paths).process(open(sys.argv[1], 'rb').read())
for part in message.walk():
    if not part.is_multipart():
        text = part.get_payload(decode=True).decode()
        print(part.get_content_type(), part.get_filename(), repr(text), sep='|')
";

#[test]
#[ignore = "needs cloud-init"]
fn cloud_init_accepts_the_user_data() {
    let config = "#cloud-config\npackages: [curl]\n";
    let script = "#!/bin/sh\necho ünïcode\n";
    let document =
        azconnect_arm::spec::CloudInit::new().with_config(config).with_script("agent.sh", script).document().unwrap();
    let folder = std::env::temp_dir().join(format!("azconnect-user-data-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (whole, part) = (folder.join("whole"), folder.join("config"));
    std::fs::write(&whole, document).unwrap();
    std::fs::write(&part, config).unwrap();
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // Older versions check a configuration by itself only.
    run(Command::new("cloud-init").args(["schema", "--config-file"]).arg(&part));
    // The system's own interpreter, for which cloud-init is installed.
    let parts = run(Command::new("/usr/bin/python3").args(["-c", TAKE_APART]).arg(&whole));
    assert!(parts.contains("text/cloud-config|") && parts.contains("packages: [curl]"), "{parts}");
    assert!(parts.contains("text/x-shellscript|agent.sh|") && parts.contains("echo ünïcode"), "{parts}");
    std::fs::remove_dir_all(&folder).unwrap();
}

/// A page may confirm a download long after the machine was deleted and built again under its name.
#[tokio::test(start_paused = true)]
async fn a_late_confirmation_does_not_forget_the_key_of_a_later_build() {
    let stage = Stage::new();
    let provisioner = stage.provisioner();
    let first = provisioner.run(&plan(spec())).await.unwrap();
    let kept = SshKey::read(provisioner.private_key(&id()).await.unwrap()).unwrap();
    assert_eq!(kept.fingerprint, first.fingerprint);
    provisioner.clean_up(&id()).await.unwrap();
    let second = provisioner.run(&plan(spec())).await.unwrap();
    assert_ne!(second.fingerprint, first.fingerprint);

    let error = provisioner.forget_private_key(&id(), &kept.fingerprint).await.unwrap_err();
    assert_eq!((error.kind(), error.effect(), error.field()), (ErrorKind::Conflict, Effect::None, Some("fingerprint")));
    let there = SshKey::read(provisioner.private_key(&id()).await.unwrap()).unwrap();
    assert_eq!(there.fingerprint, second.fingerprint);
    provisioner.forget_private_key(&id(), &there.fingerprint).await.unwrap();
    provisioner.forget_private_key(&id(), &there.fingerprint).await.expect("it is forgotten");
}

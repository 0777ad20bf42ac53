//! Generated keys, as OpenSSH sees them.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use azconnect_arm::{KeyKind, SshKey};

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

#[test]
#[ignore = "needs cloud-init"]
fn cloud_init_accepts_the_user_data() {
    let document = azconnect_arm::spec::CloudInit::new()
        .with_config("#cloud-config\npackages: [curl]\n")
        .with_script("agent.sh", "#!/bin/sh\necho ünïcode\n")
        .document()
        .unwrap();
    let path = std::env::temp_dir().join(format!("azconnect-user-data-{}", std::process::id()));
    std::fs::write(&path, document).unwrap();
    let output = Command::new("cloud-init").args(["schema", "--config-file"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(&path).unwrap();
}

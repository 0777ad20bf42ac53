//! Keys and certificates as OpenSSL writes them. `.ci/run` runs these.

use std::path::Path;
use std::process::Command;

use azconnect_core::Secret;
use azconnect_identity::ClientCertificate;

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").current_dir(folder).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

fn read(folder: &Path, files: &[&str]) -> ClientCertificate {
    let text: String = files.iter().map(|name| std::fs::read_to_string(folder.join(name)).unwrap()).collect();
    ClientCertificate::from_pem(&Secret::new(text)).unwrap_or_else(|error| panic!("{files:?}: {error}"))
}

#[test]
#[ignore = "needs openssl"]
fn openssl_s_keys_are_read_and_ours_are_read_by_openssl() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, kind) in [
        ("rsa", "-newkey rsa:2048"),
        ("big", "-newkey rsa:4096"),
        ("p256", "-newkey ec -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "-newkey ec -pkeyopt ec_paramgen_curve:P-384"),
    ] {
        openssl(
            folder,
            &format!("req -x509 {kind} -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name}"),
        );
        openssl(folder, &format!("pkey -in {name}.key -traditional -out {name}.old"));
        openssl(folder, &format!("x509 -in {name}.pem -outform DER -out {name}.der"));
        openssl(
            folder,
            &format!("pkcs12 -export -inkey {name}.key -in {name}.pem -passout pass:right -out {name}.pfx"),
        );
        let der = std::fs::read(folder.join(format!("{name}.der"))).unwrap();
        let (key, old, pem) = (format!("{name}.key"), format!("{name}.old"), format!("{name}.pem"));
        let pfx = std::fs::read(folder.join(format!("{name}.pfx"))).unwrap();
        let all = [
            read(folder, &[&key, &pem]),
            read(folder, &[&pem, &old]),
            ClientCertificate::from_pfx(&pfx, &Secret::new("right")).unwrap(),
        ];
        for certificate in all {
            assert_eq!(certificate.der(), der, "{name}");
            // OpenSSL checks the key as it reads it, and that it is the certificate's.
            std::fs::write(folder.join("ours.pem"), certificate.to_pem().unwrap().expose()).unwrap();
            openssl(folder, "pkey -in ours.pem -check -noout");
            openssl(folder, "pkcs12 -export -in ours.pem -passout pass:x -out ours.pfx");
        }
        let wrong = ClientCertificate::from_pfx(&pfx, &Secret::new("wrong")).unwrap_err();
        assert_eq!(wrong.field(), Some("certificate_password"));
        openssl(folder, &format!("pkey -in {name}.key -aes256 -passout pass:x -out {name}.locked"));
        let locked = std::fs::read_to_string(folder.join(format!("{name}.locked"))).unwrap();
        let error = ClientCertificate::from_pem(&Secret::new(locked)).unwrap_err();
        assert!(error.message().contains("encrypted"), "{error}");
    }
}

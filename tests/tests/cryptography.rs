//! aws-lc-rs is the one implementation of cryptography in what is shipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{CargoOpt, MetadataCommand, Package};

/// What has to do with cryptography and is shipped all the same, each with what it does.
const EXCUSED: [(&str, &str); 48] = [
    ("aws-lc-rs", "the one implementation"),
    ("aws-lc-sys", "the one implementation"),
    ("rustls", "TLS over aws-lc-rs: it computes nothing itself"),
    ("hyper-rustls", "joins the HTTP library to rustls"),
    ("tokio-rustls", "joins the runtime to rustls"),
    ("rustls-webpki", "reads and judges certificates; their signatures are checked by aws-lc-rs"),
    ("rustls-pki-types", "types"),
    ("rustls-platform-verifier", "asks the operating system which certificates it trusts"),
    ("rustls-platform-verifier-android", "asks the operating system which certificates it trusts"),
    ("rustls-native-certs", "reads the operating system's certificates"),
    ("security-framework", "reads the certificates of macOS"),
    ("security-framework-sys", "reads the certificates of macOS"),
    ("schannel", "reads the certificates of Windows"),
    ("zeroize", "overwrites memory"),
    ("subtle", "compares in constant time, for rustls"),
    ("uuid", "draws ids; see sha1_smol"),
    (
        "sha1_smol",
        "hashes names into stable ids (UUID version 5); no id is a secret, and none holds against an attacker",
    ),
    ("ssh-key", "writes and reads OpenSSH's form of a key, without any of its features that compute"),
    ("ssh-encoding", "writes and reads OpenSSH's form of a key"),
    ("ssh-cipher", "names the ciphers of encrypted keys, none of which is compiled in"),
    ("cipher", "traits, for ssh-cipher"),
    ("signature", "traits, for ssh-key"),
    (
        "sha2",
        "proves a password to a PostgreSQL server (SCRAM-SHA-256), bound to the channel; and comes with ssh-encoding, for \
         fingerprints, which nobody here asks for",
    ),
    ("hmac", "proves a password to a PostgreSQL server (SCRAM-SHA-256): its driver has no other way"),
    ("md-5", "proves a password to a PostgreSQL server that asks for the older way, within TLS"),
    ("chacha20", "draws the random numbers of that proof, for rand"),
    ("x509-cert", "reads which hash a certificate was signed with, for the binding of that proof to the channel"),
    ("der", "reads certificates, for x509-cert"),
    ("spki", "types, for x509-cert"),
    ("digest", "traits, for sha2"),
    ("crypto-common", "traits, for digest and cipher"),
    ("pkcs12", "reads PFX files, for p12-keystore, and derives the key of their code"),
    ("pkcs5", "says how a PFX file is encrypted, and decrypts it, for p12-keystore"),
    ("pkcs8", "reads private keys out of PFX files, for p12-keystore"),
    ("cms", "types, for p12-keystore"),
    ("x509-parser", "reads certificates: whose key they are of, and when they end; it checks no signature"),
    ("aes", "decrypts PFX files, for pkcs5: aws-lc-rs has no PKCS#12"),
    ("cbc", "decrypts PFX files, for pkcs5"),
    ("pbkdf2", "derives the key of a PFX file from its password, for pkcs5"),
    ("scrypt", "derives the key of a PFX file from its password, for pkcs5"),
    ("salsa20", "a part of scrypt"),
    ("sha1", "checks the code of older PFX files"),
    ("aes-gcm", "comes with pkcs5, and is not asked"),
    ("aead", "traits, for aes-gcm"),
    ("ctr", "a part of aes-gcm"),
    ("ghash", "a part of aes-gcm"),
    ("polyval", "a part of ghash"),
    ("universal-hash", "traits, for polyval"),
];

/// What belongs to such a crate without doing anything that could be attacked: buffers and encodings.
const HARMLESS: [&str; 10] = [
    "base64ct",
    "block-buffer",
    "block-padding",
    "cmov",
    "const-oid",
    "ctutils",
    "der_derive",
    "inout",
    "pem-rfc7468",
    "siphasher",
];

/// Implementations by name, whatever they say of themselves.
const KNOWN: [&str; 44] = [
    "aead",
    "aes",
    "aes-gcm",
    "aes-gcm-siv",
    "argon2",
    "bcrypt",
    "blake2",
    "blake3",
    "boring",
    "boring-sys",
    "chacha20",
    "chacha20poly1305",
    "cbc",
    "ctr",
    "crypto-bigint",
    "curve25519-dalek",
    "des",
    "dsa",
    "ecdsa",
    "ed25519",
    "ed25519-dalek",
    "elliptic-curve",
    "ghash",
    "hkdf",
    "hmac",
    "k256",
    "libsodium-sys",
    "md-5",
    "md5",
    "native-tls",
    "num-bigint-dig",
    "openssl",
    "openssl-sys",
    "p256",
    "p384",
    "p521",
    "pbkdf2",
    "poly1305",
    "ring",
    "rsa",
    "sha-1",
    "sha1",
    "sha3",
    "x25519-dalek",
];

#[test]
fn no_other_implementation_of_cryptography_is_shipped() {
    let shipped = shipped();
    assert!(shipped.contains("aws-lc-rs") && shipped.len() > 100, "the tree could not be read: {shipped:?}");
    let packages = packages();
    let of_cryptography =
        |name: &&String| KNOWN.contains(&name.as_str()) || packages.get(*name).is_some_and(speaks_of_cryptography);
    let found: BTreeSet<&str> = shipped.iter().filter(of_cryptography).map(String::as_str).collect();
    let excused: BTreeSet<&str> = EXCUSED.iter().map(|(name, _)| *name).chain(HARMLESS).collect();
    let new: Vec<_> = found.difference(&excused).collect();
    assert!(new.is_empty(), "shipped and not excused: {new:?}; leave it out, or say here what it does and why");
    let gone: Vec<_> = excused.iter().filter(|name| !shipped.contains(**name)).collect();
    assert!(gone.is_empty(), "excused and not shipped any more: {gone:?}; remove the excuse");
}

/// The implementations that `deny.toml` bans are those that a person would reach for first.
#[test]
fn an_implementation_that_is_banned_by_name_is_known_here() {
    let deny = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    for name in ["rsa", "openssl", "ed25519-dalek", "curve25519-dalek", "ring", "native-tls"] {
        assert!(deny.contains(&format!("crate = \"{name}\"")), "{name} is not banned");
        assert!(KNOWN.contains(&name), "{name}");
    }
}

#[test]
fn a_crate_is_known_by_what_it_says_of_itself() {
    let packages = packages();
    for name in ["aws-lc-rs", "sha2", "cipher", "sha1_smol", "rustls"] {
        assert!(speaks_of_cryptography(&packages[name]), "{name}");
    }
    for name in ["serde", "tokio", "http", "time"] {
        assert!(!speaks_of_cryptography(&packages[name]), "{name}");
    }
}

/// Whether a crate's name, category or keywords have to do with cryptography.
fn speaks_of_cryptography(package: &Package) -> bool {
    let words = package.keywords.iter().chain(&package.categories).map(|word| word.to_ascii_lowercase());
    let known = |word: &str| {
        ["crypto", "cryptography", "cipher", "encryption", "sha1", "sha2", "sha256", "tls", "ssl", "rsa", "aes"]
            .contains(&word)
    };
    words.into_iter().any(|word| known(&word))
}

/// The names of all crates that are built into any of ours, on any system, with every feature, tests left out.
fn shipped() -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut tree = Command::new(cargo);
    tree.current_dir(root()).args(["tree", "--offline", "--locked", "--workspace", "--all-features"]);
    tree.args(["--exclude", "azconnect-tests", "--exclude", "azconnect-examples"]);
    tree.args(["--edges", "normal,build", "--target", "all", "--prefix", "none", "--format", "{p}"]);
    let output = tree.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// Every crate that others made, by name.
fn packages() -> BTreeMap<String, Package> {
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .features(CargoOpt::AllFeatures)
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .exec()
        .unwrap();
    let foreign = metadata.packages.into_iter().filter(|package| package.source.is_some());
    foreign.map(|package| (package.name.to_string(), package)).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

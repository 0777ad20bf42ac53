//! Reading certificates with their keys, in whatever form people have them.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::encoding::{AsDer, EcPrivateKeyRfc5915Der};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_identity::ClientCertificate;
use azconnect_testkit::Canary;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain};
use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};

use crate::certified::{Made, elliptic, first, pem, rsa_key, second};

fn read(text: impl Into<String>) -> Result<ClientCertificate, Error> {
    ClientCertificate::from_pem(&Secret::new(text))
}

fn refusal(text: impl Into<String>) -> Error {
    let error = read(text).unwrap_err();
    assert_eq!(
        (error.kind(), error.effect(), error.field()),
        (ErrorKind::InvalidInput, Effect::None, Some("certificate"))
    );
    assert!(!error.advice().is_empty(), "{error}");
    error
}

fn der_of(made: &Made) -> Vec<u8> {
    let body: String = made.certificate.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

/// PKCS#8 wraps the PKCS#1 form of an RSA key in a string of octets at its end.
fn pkcs1_of(made: &Made) -> String {
    pem("RSA PRIVATE KEY", &made.key_der[26..])
}

#[test]
fn certificate_and_key_are_read_in_any_order_and_between_other_texts() {
    let made = first();
    let texts = [
        format!("{}{}", made.certificate, made.key),
        format!("{}{}", made.key, made.certificate),
        format!("Bag Attributes\n  friendlyName: x\n{}\nsubject=CN=x\n{}", made.key, made.certificate),
        format!("{}{}", made.certificate, made.key).replace('\n', "\r\n"),
        format!("{}{}", made.certificate, pkcs1_of(made)),
        format!("{}{}{}", made.certificate, made.key, made.key),
    ];
    for text in texts {
        let certificate = read(text.clone()).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(certificate.der(), der_of(made));
        assert_eq!(certificate.ends(), rcgen::date_time_ymd(2035, 1, 1));
        assert_eq!(certificate.starts(), rcgen::date_time_ymd(2025, 1, 1));
        certificate.require_rsa().unwrap();
    }
}

#[test]
fn elliptic_keys_are_read_and_told_that_entra_id_refuses_them() {
    let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let made = Made::of(&p384, "p384");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &made.key_der).unwrap();
    let sec1 = AsDer::<EcPrivateKeyRfc5915Der<'_>>::as_der(&pair.private_key()).unwrap();
    for text in [
        elliptic().both().expose().to_owned(),
        made.both().expose().to_owned(),
        format!("{}{}", made.certificate, pem("EC PRIVATE KEY", sec1.as_ref())),
    ] {
        let error = read(text).unwrap().require_rsa().unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("certificate")));
        assert!(error.message().contains("RSA"), "{error}");
    }
}

#[test]
fn the_leaf_is_found_by_its_key_and_the_chain_goes_up_from_it() {
    let root_key = KeyPair::generate().unwrap();
    let named = |name: &str, is_ca: bool| {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        if is_ca {
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        parameters
    };
    let root = named("root", true).self_signed(&root_key).unwrap();
    let root_issuer = Issuer::new(named("root", true), root_key);
    let middle_key = KeyPair::generate().unwrap();
    let middle = named("middle", true).signed_by(&middle_key, &root_issuer).unwrap();
    let leaf_key = rsa_key();
    let leaf = named("leaf", false).signed_by(&leaf_key, &Issuer::new(named("middle", true), middle_key)).unwrap();
    let block = |der: &[u8]| pem("CERTIFICATE", der);
    let text = [
        block(root.der()),
        block(middle.der()),
        second().certificate.clone(),
        pem("PRIVATE KEY", leaf_key.serialized_der()),
        block(leaf.der()),
    ];
    let certificate = read(text.concat()).unwrap();
    assert_eq!(certificate.der(), &leaf.der()[..]);
    let written = certificate.to_pem().unwrap();
    let order: Vec<usize> = [leaf.der(), middle.der(), root.der()]
        .map(|der| written.expose().find(block(der).trim_end()).expect("it is kept"))
        .to_vec();
    assert!(order.is_sorted(), "leaf first, then upwards: {order:?}");
    assert_eq!(
        written.expose().matches("BEGIN CERTIFICATE").count(),
        3,
        "what does not belong to the chain is left out"
    );
}

#[test]
fn of_two_certificates_of_one_key_the_later_is_meant() {
    let key = rsa_key();
    let until = |year| {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        pem("CERTIFICATE", parameters.self_signed(&key).unwrap().der())
    };
    let key = pem("PRIVATE KEY", key.serialized_der());
    for text in [[until(2030), until(2027), key.clone()].concat(), [until(2027), until(2030), key].concat()] {
        assert_eq!(read(text).unwrap().ends(), rcgen::date_time_ymd(2030, 1, 1));
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let (one, other) = (first(), second());
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let encrypted = pem("ENCRYPTED PRIVATE KEY", &[1, 2, 3]);
    let headers = one.key.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n");
    let cases: [(String, &str); 14] = [
        (String::new(), "neither"),
        ("no PEM at all".to_owned(), "neither"),
        (one.certificate.clone(), "no private key"),
        (one.key.clone(), "no certificate"),
        (format!("{}{}", one.certificate, other.key), "none of its certificates"),
        (format!("{}{encrypted}", one.certificate), "encrypted"),
        (format!("{}{headers}", one.certificate), "encrypted"),
        (format!("{}{}", Made::of(&ed25519, "x").certificate, pem("PRIVATE KEY", ed25519.serialized_der())), "kind"),
        (format!("{}{}", one.certificate, pem("PRIVATE KEY", &one.key_der[..900])), "kind"),
        (format!("{}{}", one.certificate, pem("RSA PRIVATE KEY", &one.key_der)), "kind"),
        (format!("{}{}", pem("CERTIFICATE", &[0x30, 0]), one.key), "cannot be read"),
        (format!("{}{}", one.both().expose(), other.both().expose()), "several"),
        (one.both().expose().replacen("-----END", "-----AND", 1), "whole PEM"),
        ("x".repeat(256 * 1024 + 1), "larger"),
    ];
    for (text, word) in cases {
        let error = refusal(text);
        assert!(error.message().contains(word), "{word}: {error}");
    }
}

#[test]
fn an_rsa_key_of_1024_bits_is_refused() {
    let text = include_str!("data/small.pem");
    assert!(refusal(text).message().contains("kind"));
    assert!(refusal(text).advice().contains("2048"));
}

fn pfx(made: &Made, password: &str) -> Vec<u8> {
    let key = PrivateKey::from_der(&made.key_der).unwrap();
    let certificate = Certificate::from_der(&der_of(made)).unwrap();
    let mut store = KeyStore::new();
    store.add_entry("x", KeyStoreEntry::PrivateKeyChain(PrivateKeyChain::new("x", key, [certificate])));
    store.writer(password).encryption_iterations(100).mac_iterations(100).write().unwrap()
}

#[test]
fn a_pfx_file_is_opened_with_its_password() {
    for password in ["", "p\u{e4}ssw\u{f6}rd", "a long one with spaces"] {
        let certificate = ClientCertificate::from_pfx(&pfx(first(), password), &Secret::new(password)).unwrap();
        assert_eq!(certificate.der(), der_of(first()));
        let again = ClientCertificate::from_pem(&certificate.to_pem().unwrap()).unwrap();
        assert_eq!(again.thumbprint(), certificate.thumbprint());
    }
}

#[test]
fn a_wrong_password_legacy_encryption_and_no_pfx_are_told_apart() {
    let of = |bytes: &[u8], password: &str| ClientCertificate::from_pfx(bytes, &Secret::new(password)).unwrap_err();
    let wrong = of(&pfx(first(), "right"), "wrong-password");
    assert_eq!((wrong.kind(), wrong.field()), (ErrorKind::InvalidInput, Some("certificate_password")));
    assert!(!format!("{wrong:?}{wrong}").contains("wrong-password"));
    // Written by `openssl pkcs12 -export -legacy`, as older versions of Windows do.
    let legacy = STANDARD.decode(include_str!("data/legacy.pfx.base64").replace('\n', "")).unwrap();
    let error = of(&legacy, "legacy-password");
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("certificate")));
    assert!(error.message().contains("legacy encryption"), "{error}");
    assert_eq!(of(&legacy, "wrong").field(), Some("certificate_password"));
    for bytes in [&b""[..], b"-----BEGIN CERTIFICATE-----", &[0x30, 0x80, 0, 0], &[0; 300_000]] {
        assert_eq!(of(bytes, "x").field(), Some("certificate"));
    }
}

#[test]
fn thumbprints_are_the_hashes_of_the_certificate() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let certificate = read(first().both().expose()).unwrap();
    assert_eq!(certificate.thumbprint(), hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, &der_of(first())).as_ref()));
    assert_eq!(certificate.thumbprint_sha256(), hex(digest(&SHA256, &der_of(first())).as_ref()));
}

#[test]
fn what_is_written_is_read_again_and_what_is_shown_is_a_constant() {
    for made in [first(), &elliptic()] {
        let certificate = ClientCertificate::from_pem(&made.both()).unwrap();
        let again = ClientCertificate::from_pem(&certificate.to_pem().unwrap()).unwrap();
        assert_eq!(certificate.der(), again.der());
        assert_eq!(format!("{certificate:?}"), "ClientCertificate(***)");
    }
}

#[test]
fn nothing_of_a_key_is_shown_by_a_refusal() {
    let canary = Canary::new();
    let (one, other) = (first(), second());
    canary.watch(&Secret::new(one.key.clone()));
    let mut shown = String::new();
    for text in [one.key.clone(), format!("{}{}", other.certificate, one.key), one.key.replace("-----END", "-----")] {
        let error = read(text).unwrap_err();
        shown += &format!("{error:?}{error}{}", error.advice());
    }
    canary.assert_absent("what is shown", shown.as_bytes());
}

#[test]
fn a_certificate_of_one_s_own_is_valid_from_now_until_the_end_and_under_its_name() {
    let (now, end) = (rcgen::date_time_ymd(2026, 1, 1), rcgen::date_time_ymd(2026, 4, 1));
    let one = ClientCertificate::self_signed("azconnect 0001", now, end).unwrap();
    let two = ClientCertificate::self_signed("azconnect 0001", now, end).unwrap();
    assert!(one.starts() < now && one.ends() == end);
    assert_ne!(one.thumbprint(), two.thumbprint());
    one.require_rsa().unwrap();
    assert!(one.der().windows(14).any(|window| window == b"azconnect 0001"));
    let read = ClientCertificate::from_pem(&one.to_pem().unwrap()).unwrap();
    assert_eq!(read.thumbprint_sha256(), one.thumbprint_sha256());
    assert_eq!(ClientCertificate::self_signed("x", now, now).unwrap_err().field(), Some("ends_at"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_text_makes_it_panic(text in ".{0,400}", label in "(CERTIFICATE|PRIVATE KEY|RSA PRIVATE KEY|EC PRIVATE KEY|X)") {
        prop_assert!(read(text.clone()).is_err());
        let block = pem(&label, text.as_bytes());
        let (with_certificate, with_key) = (block.clone() + &first().certificate, first().key.clone() + &block);
        prop_assert!(read(with_certificate).is_err());
        prop_assert!(read(with_key).is_err());
    }

    #[test]
    fn no_change_of_a_text_makes_it_panic(at in 0_usize..2800, byte in 0_u8..128) {
        let mut text = first().both().expose().to_owned().into_bytes();
        let at = at % text.len();
        text[at] = byte;
        // A changed signature is nobody's business here; a changed key no longer fits its certificate.
        if let Ok(certificate) = read(String::from_utf8(text).unwrap()) {
            prop_assert!(certificate.to_pem().is_ok());
        }
    }

    #[test]
    fn no_bytes_of_a_pfx_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..4000, byte: u8) {
        let password = Secret::new("x");
        prop_assert!(ClientCertificate::from_pfx(&bytes, &password).is_err());
        let mut file = pfx(second(), "x");
        let at = at % file.len();
        file[at] = byte;
        let _ = ClientCertificate::from_pfx(&file, &password);
    }
}

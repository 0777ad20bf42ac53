//! What the tests of certificates share: keys with certificates, made once, and an emulator where one is registered.

use std::sync::{Arc, OnceLock};

use azconnect_core::{Clock, Secret};
use azconnect_emulator::{Emulator, Seed, Settings};
use azconnect_http::Pipeline;
use azconnect_identity::{Application, CertificateProof, ClientCertificate, TokenEndpoint};
use azconnect_testkit::VirtualClock;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;

use crate::stage::{CLIENT, TENANT, client, tenant};

/// A self-signed certificate with its key, each in PEM.
pub(crate) struct Made {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) key_der: Vec<u8>,
}

impl Made {
    pub(crate) fn of(key: &KeyPair, name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.not_before = rcgen::date_time_ymd(2025, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2035, 1, 1);
        let certificate = parameters.self_signed(key).unwrap();
        Self {
            certificate: pem("CERTIFICATE", certificate.der()),
            key: pem("PRIVATE KEY", key.serialized_der()),
            key_der: key.serialized_der().to_vec(),
        }
    }

    pub(crate) fn both(&self) -> Secret {
        Secret::new(format!("{}{}", self.certificate, self.key))
    }
}

pub(crate) fn rsa_key() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

/// The certificate in use. An RSA key takes long to make, so all tests have the same.
pub(crate) fn first() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| Made::of(&rsa_key(), "first"))
}

/// Another one.
pub(crate) fn second() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| Made::of(&rsa_key(), "second"))
}

/// One with an elliptic key.
pub(crate) fn elliptic() -> Made {
    Made::of(&KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(), "elliptic")
}

/// A block of PEM.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// An emulator whose application has these certificates registered, and a client with a clock of its own.
pub(crate) struct Hall {
    pub(crate) clock: VirtualClock,
    pub(crate) emulator: Emulator,
}

impl Hall {
    pub(crate) fn new(registered: &[&Made], settings: Settings) -> Self {
        Self::with_clock_of(VirtualClock::new(), registered, settings)
    }

    /// A client whose clock differs from the service's.
    pub(crate) fn with_clock_of(service: VirtualClock, registered: &[&Made], settings: Settings) -> Self {
        let certificates: Vec<_> = registered.iter().map(|made| json!({"pem": made.certificate})).collect();
        let seed = json!({"tenants": [{
            "id": TENANT,
            "domain": "contoso.onmicrosoft.com",
            "applications": [
                {"displayName": "Deployer", "clientId": CLIENT, "certificates": certificates,
                 "graphRoles": ["Application.ReadWrite.All"]},
                {"displayName": "Minter", "clientId": "10000000-0000-4000-8000-000000000003",
                 "passwords": [{"secret": "the-minters-secret"}], "graphRoles": ["Application.ReadWrite.All"]},
            ],
        }]});
        let seed = Seed::from_json(&seed.to_string()).unwrap();
        let emulator = Emulator::from_seed(seed, Arc::new(service)).unwrap().with_settings(settings);
        Self { clock: VirtualClock::new(), emulator }
    }

    pub(crate) fn endpoint(&self) -> TokenEndpoint {
        let pipeline = Pipeline::new(self.emulator.transport(), Arc::new(self.clock.clone()));
        TokenEndpoint::new(pipeline, &self.emulator.cloud(), tenant())
    }

    pub(crate) fn proof(&self, made: &Made) -> CertificateProof {
        proof_of(&made.both(), Arc::new(self.clock.clone()))
    }

    pub(crate) fn application(&self, proof: &CertificateProof) -> Application {
        Application::new(self.endpoint(), client(), Arc::new(proof.clone()))
    }
}

pub(crate) fn proof_of(pem: &Secret, clock: Arc<dyn Clock>) -> CertificateProof {
    CertificateProof::new(client(), ClientCertificate::from_pem(pem).unwrap(), clock).unwrap()
}

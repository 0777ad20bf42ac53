//! A certificate for every host that is played, and the authority behind it, made anew at every start.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Error, ErrorKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::base::origins::HOSTS;
use crate::shell::server::{AnyStream, Handshake};

/// How callers on this machine name it.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Hosts of which there are many: older addresses of organizations, and key vaults.
const OTHER_NAMES: [&str; 3] = ["*.visualstudio.com", "*.vssps.visualstudio.com", "*.vault.azure.net"];

/// How long before now the certificates begin, for clients whose clock is behind.
const LEEWAY: Duration = Duration::from_secs(24 * 3600);

/// How long they last: no client accepts a server's for much longer.
const LIFETIME: Duration = Duration::from_secs(397 * 24 * 3600);

/// A certificate for every name, and the authority that signed it.
///
/// The authority's private key exists while the certificate is made, and nowhere after: whoever trusts the authority trusts
/// this one process.
pub(super) struct Certificates {
    authority_pem: String,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificates {
    /// Makes them for this machine, Microsoft's hosts and these names beside.
    pub(super) fn make(names: Vec<String>, now: OffsetDateTime) -> Result<Self, Error> {
        signed(names, now)
            .map_err(|error| Error::new(ErrorKind::Unexpected, "cannot make a certificate").with_source(error))
    }

    pub(super) fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// The server's side of TLS.
    pub(super) fn handshake(&self) -> Result<Handshake, Error> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(self.chain.clone(), self.key.clone_key())
            });
        let mut config =
            config.map_err(|error| Error::new(ErrorKind::Unexpected, "cannot set TLS up").with_source(error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Arc::new(move |stream| {
            let accepting = acceptor.accept(stream);
            async move { accepting.await.map(|stream| Box::new(stream) as AnyStream) }.boxed()
        }))
    }
}

fn signed(names: Vec<String>, now: OffsetDateTime) -> Result<Certificates, rcgen::Error> {
    let authority_key = KeyPair::generate()?;
    let authority = authority(now)?;
    let certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let leaf = leaf(names, now)?.signed_by(&key, &issuer)?;
    Ok(Certificates {
        authority_pem: pem(certificate.der()),
        chain: vec![leaf.der().clone(), certificate.der().clone()],
        key: PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
    })
}

fn authority(now: OffsetDateTime) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "azconnect-emulator, for tests on one machine");
    lasting(&mut params, now);
    Ok(params)
}

fn leaf(names: Vec<String>, now: OffsetDateTime) -> Result<CertificateParams, rcgen::Error> {
    let hosts = HOSTS.iter().map(|(host, _)| *host);
    let fixed = OWN_NAMES.into_iter().chain(hosts).chain(OTHER_NAMES).map(str::to_owned);
    let mut params = CertificateParams::new(fixed.chain(names).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, "azconnect-emulator");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict clients, such as Python from 3.13 on, want to see whose key signed it.
    params.use_authority_key_identifier_extension = true;
    lasting(&mut params, now);
    Ok(params)
}

fn lasting(params: &mut CertificateParams, now: OffsetDateTime) {
    params.not_before = now - LEEWAY;
    params.not_after = now + LIFETIME;
}

fn pem(der: &[u8]) -> String {
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (place, letter) in STANDARD.encode(der).chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text + "\n-----END CERTIFICATE-----\n"
}

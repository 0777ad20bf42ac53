//! The address of the server: when the way to it must be encrypted, and how the server proves itself.

use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Error, Secret};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Reads a url, and makes it one that cannot fall back to a connection in the clear.
pub(super) fn config(url: &Secret, allows_plaintext: bool, connect: Duration) -> Result<Config, Error> {
    let mut config: Config = url.expose().parse().map_err(|_| unreadable(url))?;
    let is_named = |host: &Host| !matches!(host, Host::Tcp(name) if name.is_empty());
    if config.get_hosts().is_empty() || !config.get_hosts().iter().all(is_named) {
        return Err(invalid("names no host", "write postgres://user:password@host/database?sslmode=require"));
    }
    let is_local = is_local(&config);
    match config.get_ssl_mode() {
        SslMode::Disable if is_local || allows_plaintext => {}
        SslMode::Disable => {
            return Err(invalid(
                "turns TLS off for a server on another machine",
                "write sslmode=require; whoever must, calls `PostgresOptions::danger_allow_plaintext`",
            ));
        }
        // The default of the protocol falls back to plaintext when whoever answers says that it knows no TLS.
        SslMode::Prefer if is_local => {}
        _ => drop(config.ssl_mode(SslMode::Require)),
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(connect);
    }
    if config.get_tcp_user_timeout().is_none() {
        // Of an answer that the network lost the system would else know after a quarter of an hour.
        config.tcp_user_timeout(Duration::from_secs(30));
    }
    config.keepalives_idle(Duration::from_secs(60)).keepalives_interval(Duration::from_secs(10)).keepalives_retries(3);
    if config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_application_name().is_none() {
        config.application_name("azconnect");
    }
    Ok(config)
}

/// Whether every host that may be connected to is this machine.
fn is_local(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    // An address beside the name is where the connection goes.
    hosts && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
}

/// TLS by rustls over aws-lc, which checks the chain and the name whatever the url says.
pub(super) fn tls(roots: Option<&[u8]>) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let Some(pem) = roots else {
        let config = ClientConfig::with_platform_verifier().map_err(|error| {
            invalid("needs the system's certificates, which cannot be read", "give the root certificates")
                .with_source(error)
        })?;
        return Ok(MakeRustlsConnect::new(config));
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let added = certificate
            .map_err(|_| not_pem())
            .and_then(|certificate| store.add(certificate).map_err(|error| not_pem().with_source(error)));
        added?;
    }
    if store.is_empty() {
        return Err(not_pem());
    }
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| not_pem().with_source(error))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn not_pem() -> Error {
    Error::invalid("root_certificates", "hold no certificate that can be used")
        .with_advice("give the PEM file of the authority that signed the server's certificate")
}

/// A url that is no url. The parser's own words may repeat a part of the password.
fn unreadable(url: &Secret) -> Error {
    if url.expose().contains("sslmode=verify") {
        return invalid(
            "has an sslmode that this client does not know",
            "write sslmode=require, which always checks the certificate and the name here",
        );
    }
    invalid(
        "cannot be read",
        "write postgres://user:password@host:5432/database, with every sign of the password that is not a letter or a digit \
         as %xx",
    )
}

fn invalid(what: &str, advice: &str) -> Error {
    Error::invalid("url", what).with_advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str, allows_plaintext: bool) -> Result<SslMode, Error> {
        config(&Secret::new(url), allows_plaintext, Duration::from_secs(1)).map(|config| config.get_ssl_mode())
    }

    #[test]
    fn a_server_elsewhere_is_spoken_to_encrypted_or_not_at_all() {
        for url in [
            "postgres://u:p@db.contoso.com/d",
            "postgres://u:p@db.contoso.com/d?sslmode=prefer",
            "postgres://u:p@db.contoso.com/d?sslmode=require",
            "postgres://u:p@localhost,db.contoso.com/d",
            "postgres://u:p@10.0.0.1/d",
            "host=localhost hostaddr=10.0.0.1 user=u",
            "host=localhost.contoso.com user=u",
        ] {
            assert_eq!(mode(url, false).unwrap(), SslMode::Require, "{url}");
        }
        let error = mode("postgres://u:p@db.contoso.com/d?sslmode=disable", false).unwrap_err();
        assert_eq!(error.field(), Some("url"));
        assert_eq!(
            mode("host=localhost hostaddr=10.0.0.1 user=u sslmode=disable", false).unwrap_err().field(),
            Some("url")
        );
    }

    #[test]
    fn plaintext_is_for_this_machine_or_for_whoever_asks_for_danger() {
        for url in ["postgres://u:p@127.0.0.1/d?sslmode=disable", "postgres://u@%2Frun%2Fpostgresql/d?sslmode=disable"]
        {
            assert_eq!(mode(url, false).unwrap(), SslMode::Disable, "{url}");
        }
        assert_eq!(mode("postgres://u:p@[::1]/d", false).unwrap(), SslMode::Prefer);
        assert_eq!(mode("postgres://u:p@db.contoso.com/d?sslmode=disable", true).unwrap(), SslMode::Disable);
        // The consent is to what the url says, and the url says nothing of plaintext.
        assert_eq!(mode("postgres://u:p@db.contoso.com/d", true).unwrap(), SslMode::Require);
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_shown() {
        for url in ["postgres://u:s3cr3t@host:port/d", "postgres://u:s3cr3t", "s3cr3t", "", "postgres://u:s3cr3t@/"] {
            let error = mode(url, false).unwrap_err();
            assert_eq!(error.field(), Some("url"), "{url}");
            let shown = format!("{error} {error:?} {} {:?}", error.advice(), std::error::Error::source(&error));
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
        assert!(
            mode("postgres://u:p@h/d?sslmode=verify-full", false).unwrap_err().advice().contains("sslmode=require")
        );
    }

    #[test]
    fn certificates_that_are_none_are_refused() {
        for pem in ["", "no pem", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"] {
            let error = tls(Some(pem.as_bytes())).map(drop).unwrap_err();
            assert_eq!(error.field(), Some("root_certificates"), "{pem}");
        }
    }
}

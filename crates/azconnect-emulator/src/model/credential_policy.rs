//! A tenant's policy on the credentials of its applications.

use time::Duration;

/// What new credentials a tenant allows. What it holds already is not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CredentialPolicy {
    /// The longest life of a new secret.
    pub(crate) longest_password: Option<Duration>,
    /// Whether no new secret may be added at all.
    pub(crate) forbids_passwords: bool,
    /// The longest life of a new certificate.
    pub(crate) longest_certificate: Option<Duration>,
}

impl CredentialPolicy {
    /// Whether it says anything.
    pub(crate) fn is_enabled(&self) -> bool {
        self.forbids_passwords || self.longest_password.is_some() || self.longest_certificate.is_some()
    }
}

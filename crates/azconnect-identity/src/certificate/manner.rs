//! How an assertion is shown, and where.

use std::time::Duration;

use aws_lc_rs::rand;
use azconnect_core::{ClientId, Clock, Error, Secret};
use serde::Serialize;

use super::assertion::AssertionForm;
use super::client_certificate::ClientCertificate;
use super::fault;
use crate::authority::Authority;

/// How long an assertion lives. Entra ID sets no bound, and advises five to ten minutes.
pub(super) const LIFE: Duration = Duration::from_secs(600);

/// How assertions are shown wherever they are: in which form, if not in that which the authority takes, and whether the chain of
/// the certificate goes along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Showing {
    pub(crate) form: Option<AssertionForm>,
    pub(crate) chain: bool,
}

/// What makes two assertions of one certificate different.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Manner {
    audience: String,
    form: AssertionForm,
    chain: bool,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: String,
    sub: String,
    jti: String,
    nbf: i64,
    iat: i64,
    exp: i64,
}

impl Showing {
    /// How they are shown at one authority.
    pub(super) fn at(self, authority: &Authority) -> Manner {
        let usual = if authority.is_ad_fs() { AssertionForm::Rs256 } else { AssertionForm::Ps256 };
        Manner { audience: authority.token_url().into(), form: self.form.unwrap_or(usual), chain: self.chain }
    }
}

/// One assertion for one token endpoint, which is never shown again: what a check of a candidate signs in with.
pub(crate) fn single(
    certificate: &ClientCertificate,
    (client, authority): (ClientId, &Authority),
    showing: Showing,
    clock: &dyn Clock,
) -> Result<Secret, Error> {
    assertion(certificate, (client, &showing.at(authority)), clock)
}

/// A new assertion, which lives from now on.
pub(super) fn assertion(
    certificate: &ClientCertificate,
    (client, manner): (ClientId, &Manner),
    clock: &dyn Clock,
) -> Result<Secret, Error> {
    let mut id = [0; 16];
    rand::fill(&mut id).map_err(|_| fault::unsigned())?;
    let now = clock.now().unix_timestamp();
    let claims = Claims {
        aud: &manner.audience,
        iss: client.to_string(),
        sub: client.to_string(),
        jti: id.iter().map(|byte| format!("{byte:02x}")).collect(),
        nbf: now,
        iat: now,
        exp: now.saturating_add(LIFE.as_secs().try_into().unwrap_or_default()),
    };
    match manner.chain {
        true => certificate.sign_with_chain(manner.form, &claims),
        false => certificate.sign(manner.form, &claims),
    }
}

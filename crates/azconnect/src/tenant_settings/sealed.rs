//! Which sealed token is a tenant's own.

use azconnect_core::{Effect, Error, ErrorKind, SecretId, TenantId};
use azconnect_credential::TenantSettings;

use crate::sealed_name::Owner;

/// What begins the names of all tokens.
pub(super) const ROOT: &str = "tenant-settings/";

/// Where the tokens of a tenant are sealed: one opens for no other tenant.
pub(super) fn owner(tenant: TenantId) -> Owner {
    Owner::new(ROOT, &[&tenant.to_string()])
}

/// The sealed token that settings name. Whoever can write to the product's records must not open others' secrets.
pub(super) fn token(settings: &TenantSettings) -> Result<Option<&SecretId>, Error> {
    let Some(token) = settings.token() else { return Ok(None) };
    if owner(settings.tenant).owns(token) {
        return Ok(Some(token));
    }
    let message = format!("the settings of {} name the sealed secret {token}, which is not theirs", settings.tenant);
    Err(Error::new(ErrorKind::Corrupt, message)
        .with_field("acting.token")
        .with_effect(Effect::None)
        .with_advice("the settings were changed: find out by whom, and save them again with a token"))
}

//! Which sealed secret is a connection's own.

use azconnect_core::{ClientId, Effect, Error, ErrorKind, SecretId, TenantId};
use azconnect_credential::{ConnectionId, ConnectionRecord, CredentialKind};
use time::OffsetDateTime;

use crate::sealed_name::Owner;

/// What begins the names of all secrets of connections.
pub(super) const ROOT: &str = "connection/";

/// A name that no secret of a connection has had.
pub(super) fn new_name(
    id: &ConnectionId,
    tenant: TenantId,
    client: ClientId,
    now: OffsetDateTime,
) -> Result<SecretId, Error> {
    owner(id, tenant, client).new_name(now)
}

/// A connection's secret opens for no other connection, tenant or client.
fn owner(id: &ConnectionId, tenant: TenantId, client: ClientId) -> Owner {
    Owner::new(ROOT, &[id.as_str(), &tenant.to_string(), &client.to_string()])
}

/// The sealed secret that a record names. Whoever can write to the product's records must not open others' secrets.
pub(super) fn sealed(record: &ConnectionRecord) -> Result<Option<&SecretId>, Error> {
    let id = match &record.credential {
        CredentialKind::ClientSecret { secret, .. } | CredentialKind::Certificate { secret, .. } => secret,
        _ => return Ok(None),
    };
    if owner(&record.id, record.tenant, record.client).owns(id) {
        return Ok(Some(id));
    }
    let message = format!("the connection {} names the sealed secret {id}, which is not its own", record.id);
    Err(Error::new(ErrorKind::Corrupt, message)
        .with_field("connection.credential")
        .with_effect(Effect::None)
        .with_advice(
            "the record was changed: restore it, or connect again; for another tenant or client make a new connection",
        ))
}

/// The sealed client secret that a record names. Refuses what is none before it is opened: a certificate's private key must
/// not be sent to Entra ID.
pub(super) fn client_secret(record: &ConnectionRecord) -> Result<&SecretId, Error> {
    match &record.credential {
        CredentialKind::ClientSecret { .. } => sealed(record)?.ok_or_else(|| no_client_secret(record, "no secret")),
        CredentialKind::Certificate { .. } => Err(no_client_secret(record, "a certificate")),
        _ => Err(no_client_secret(record, "another kind of credential")),
    }
}

fn no_client_secret(record: &ConnectionRecord, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the connection {} holds {what}, and no client secret", record.id))
        .with_field("connection.credential")
        .with_effect(Effect::None)
        .with_advice("connect again with a client secret; other ways to sign in are not offered here")
}

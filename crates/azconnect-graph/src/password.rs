//! The passwords of applications and service principals.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, KeyId, Secret};
use azconnect_credential::{Marker, Retirement};
use azconnect_http::{Idempotency, is_after_doubt, sensitive_json};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use crate::client::GraphClient;
use crate::dialect::{GraphDialect, RemovalDialect};
use crate::holder::PasswordHolder;
use crate::wire;

/// The longest life we ask for: what the service gives when no end is sent. It documents no maximum.
const LONGEST_LIFE: Duration = Duration::from_secs(731 * 86_400);

/// A password as the service lists it, without its text, which is shown once when it is added. The service's `hint` is
/// not read: it is the beginning of the text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct PasswordCredential {
    /// The public id (`keyId`), which the portal shows as *Secret ID*.
    #[serde(rename(deserialize = "keyId"), default, deserialize_with = "wire::tolerant")]
    pub key: Option<KeyId>,
    /// The name under which it was added (`displayName`).
    #[serde(rename(deserialize = "displayName"), default, deserialize_with = "wire::tolerant")]
    pub display_name: Option<String>,
    /// When it begins to be valid (`startDateTime`).
    #[serde(
        rename(deserialize = "startDateTime"),
        default,
        deserialize_with = "wire::moment",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    pub starts_at: Option<OffsetDateTime>,
    /// When it ends (`endDateTime`).
    #[serde(
        rename(deserialize = "endDateTime"),
        default,
        deserialize_with = "wire::moment",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    pub ends_at: Option<OffsetDateTime>,
}

/// A certificate as it is listed, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct KeyCredential {
    /// The public id (`keyId`) of the certificate.
    #[serde(rename(deserialize = "keyId"), default, deserialize_with = "wire::tolerant")]
    pub key: Option<KeyId>,
    /// The name under which it was added (`displayName`).
    #[serde(rename(deserialize = "displayName"), default, deserialize_with = "wire::tolerant")]
    pub display_name: Option<String>,
    /// The kind of key, such as `AsymmetricX509Cert` (the service's `type`).
    #[serde(rename(deserialize = "type"), default, deserialize_with = "wire::tolerant")]
    pub kind: Option<String>,
    /// The key's use: `Verify` for signing in, `Sign` for signing tokens.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub usage: Option<String>,
    /// When it begins to be valid (`startDateTime`).
    #[serde(
        rename(deserialize = "startDateTime"),
        default,
        deserialize_with = "wire::moment",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    pub starts_at: Option<OffsetDateTime>,
    /// When it ends (`endDateTime`).
    #[serde(
        rename(deserialize = "endDateTime"),
        default,
        deserialize_with = "wire::moment",
        serialize_with = "time::serde::rfc3339::option::serialize"
    )]
    pub ends_at: Option<OffsetDateTime>,
}

impl PasswordCredential {
    /// A password with this id and nothing else known.
    pub fn new(key: KeyId) -> Self {
        Self { key: Some(key), display_name: None, starts_at: None, ends_at: None }
    }

    /// Sets the name under which it was added.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets when it begins to be valid and when it ends.
    #[must_use]
    pub fn with_validity(mut self, starts_at: OffsetDateTime, ends_at: OffsetDateTime) -> Self {
        (self.starts_at, self.ends_at) = (Some(starts_at), Some(ends_at));
        self
    }
}

/// A wish for a new password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewPassword {
    /// Its display name: the only handle that finds a password whose answer was lost, so make it unique.
    pub marker: Marker,
    /// When it shall end. Always sent, since omitting it trips tenants' lifetime policies.
    pub ends_at: OffsetDateTime,
}

impl NewPassword {
    /// A password under a name until a moment.
    pub fn new(marker: Marker, ends_at: OffsetDateTime) -> Self {
        Self { marker, ends_at }
    }
}

/// A new password. The service shows its text this once and never again.
#[derive(Debug)]
#[non_exhaustive]
pub struct AddedPassword {
    /// The public id (`keyId`), by which it is removed.
    pub key: KeyId,
    /// The password: store it before anything else.
    pub secret: Secret,
    /// When it ends, as the service answered, else as it was asked for.
    pub ends_at: OffsetDateTime,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddBody<'a> {
    password_credential: AddWire<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddWire<'a> {
    display_name: &'a str,
    end_date_time: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddedWire {
    key_id: KeyId,
    secret_text: Secret,
    #[serde(default, deserialize_with = "wire::moment")]
    end_date_time: Option<OffsetDateTime>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemoveBody {
    key_id: KeyId,
}

impl GraphClient {
    /// Adds a password. **Not idempotent**: sent once, and again only after an answer that proves that none was added,
    /// which is a throttle, an expired token, or the service's refusal for concurrent requests.
    ///
    /// After a timeout or a lost answer a password may exist under the marker. Secrets handled: the answer's.
    ///
    /// Document: Microsoft Graph, *application: addPassword* and *servicePrincipal: addPassword*.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for an end in the past or more than two years ahead, before anything
    /// is sent. With effect [`None`](Effect::None) only if provably no password was added; an answer that cannot be
    /// read leaves it [`Unknown`](Effect::Unknown).
    ///
    /// # Cancel safety
    /// Not cancel safe: a password may exist afterwards, findable by its marker.
    pub async fn add_password(
        &self,
        holder: impl Into<PasswordHolder>,
        request: &NewPassword,
    ) -> Result<AddedPassword, Error> {
        let holder = holder.into();
        let operation = holder.operation("graph.application.add_password", "graph.service_principal.add_password");
        let ends_at = self.written_end(request.ends_at).map_err(|error| error.in_operation(operation))?;
        let body =
            AddBody { password_credential: AddWire { display_name: request.marker.as_str(), end_date_time: &ends_at } };
        let url = self.holder_address(&holder, &["addPassword"], &[])?;
        let answer = self.change(self.write_call(operation, url).with_json(&body)?, &GraphDialect).await?;
        let added: AddedWire = sensitive_json(&answer).map_err(|error| unreadable(error).in_operation(operation))?;
        if added.secret_text.is_empty() {
            let error = Error::new(ErrorKind::Unexpected, "the answer holds an empty password");
            return Err(unreadable(error).in_operation(operation));
        }
        let ends_at = added.end_date_time.unwrap_or(request.ends_at);
        Ok(AddedPassword { key: added.key_id, secret: added.secret_text, ends_at })
    }

    /// Removes exactly one password. Idempotent: one that is not there is a success of its own kind, which proves
    /// nothing by itself, since a replica that has not seen it yet answers the same.
    ///
    /// Document: Microsoft Graph, *application: removePassword* and *servicePrincipal: removePassword*.
    ///
    /// # Errors
    /// As every call; after a timeout it may have been removed.
    pub async fn remove_password(&self, holder: impl Into<PasswordHolder>, key: KeyId) -> Result<Retirement, Error> {
        self.removal(holder.into(), key).await.map(|(retirement, _)| retirement)
    }

    /// Removes a password; the effect is [`None`](Effect::None) if it provably removed nothing.
    pub(crate) async fn removal(&self, holder: PasswordHolder, key: KeyId) -> Result<(Retirement, Effect), Error> {
        let operation =
            holder.operation("graph.application.remove_password", "graph.service_principal.remove_password");
        let call = self
            .write_call(operation, self.holder_address(&holder, &["removePassword"], &[])?)
            .with_idempotency(Idempotency::Idempotent)
            .with_json(&RemoveBody { key_id: key })?;
        let answer = self.pipeline.execute(call, &RemovalDialect(key)).await?;
        Ok(match answer.status() {
            // The dialect lets these two through for one reason only: the key is not there.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if is_after_doubt(&answer) => {
                (Retirement::NotListed, Effect::Unknown)
            }
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => (Retirement::NotListed, Effect::None),
            _ => (Retirement::Accepted, Effect::Unknown),
        })
    }

    /// An end as the service reads it, in whole seconds of UTC.
    fn written_end(&self, ends_at: OffsetDateTime) -> Result<String, Error> {
        let now = self.clock().now();
        let wrong = |message: &str| {
            Error::invalid("ends_at", message).with_advice("choose an end from now until two years from now")
        };
        if ends_at <= now {
            return Err(wrong("is not in the future"));
        }
        if ends_at - now > LONGEST_LIFE {
            return Err(wrong("is more than two years from now"));
        }
        let whole = ends_at.checked_to_offset(UtcOffset::UTC).and_then(|end| end.replace_nanosecond(0).ok());
        whole.and_then(|end| end.format(&Rfc3339).ok()).ok_or_else(|| wrong("cannot be written"))
    }
}

/// The service said yes, so a password exists whose text nobody has.
fn unreadable(error: Error) -> Error {
    error.with_effect(Effect::Unknown).with_advice(
        "a password was added that cannot be used: find it by its display name, remove it, and add another",
    )
}

//! An operation as a process stores it, so that another can poll it on.

use std::fmt;

use azconnect_core::{Effect, Error, ErrorKind};
use serde::{Deserialize, Serialize};

use super::operation::Operation;
use crate::call::Call;
use crate::origin::Origin;

/// Where the result of an operation is, once it has succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finish {
    /// At the address that was written to (`PUT`, `PATCH`).
    Resource,
    /// At the address in `Location` (`POST` with a result).
    Location,
    /// There is no result (`DELETE`, `POST` without a result).
    Nothing,
}

/// An operation as a process stores it: serialise it, and let another process poll it on.
///
/// What a store gives back is not believed. The one way to use it is [`StoredOperation::resume`], which compares every
/// address with the call that it is resumed for: a token would travel to it, and its answer would count.
///
/// Its addresses are signed: whoever has one can read the operation. They are part of the serialised form, and never of
/// `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredOperation {
    pub(super) method: Verb,
    pub(super) resource: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<String>,
    pub(super) finish: Finish,
    /// Whether the operation has succeeded, so that only its result is still to be read.
    #[serde(default)]
    pub(super) succeeded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Verb {
    Put,
    Patch,
    Delete,
    Post,
}

impl StoredOperation {
    /// The operation, to be polled, if it is one of this call: each address is of the origin of the call, in the very same
    /// spelling, and the resource is the one that the call goes to.
    ///
    /// # Errors
    /// [`Corrupt`](ErrorKind::Corrupt), with the field, if not; nothing was sent.
    pub fn resume(self, call: &Call) -> Result<Operation, Error> {
        let origin = Origin::of(call.url());
        let links = [("operation.status", &self.status), ("operation.location", &self.location)];
        for (field, address) in links {
            if address.as_ref().is_some_and(|address| !origin.owns(address)) {
                return Err(corrupt(call, field, "leads to another service than the operation was begun at"));
            }
        }
        let path = |address: &str| address.split('?').next().map(str::to_owned);
        if !origin.owns(&self.resource) || path(&self.resource) != path(call.url().as_str()) {
            return Err(corrupt(call, "operation.resource", "is not the resource that it is resumed for"));
        }
        Ok(Operation::checked(self))
    }
}

fn corrupt(call: &Call, field: &str, message: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the stored operation cannot be resumed: its address {message}"))
        .with_field(field)
        .with_effect(Effect::None)
        .in_operation(call.operation())
        .with_advice(
            "find out who changed the record, or whether the client's cloud is another than the one it was begun in; \
             nothing was sent, and what goes on at the service can be read from the resource itself",
        )
}

impl fmt::Debug for StoredOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |link: &Option<String>| link.as_ref().map(|_| "(signed)");
        f.debug_struct("Operation")
            .field("method", &self.method)
            .field("status", &shown(&self.status))
            .field("location", &shown(&self.location))
            .field("finish", &self.finish)
            .field("succeeded", &self.succeeded)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    const OWN: &str = "https://management.azure.com/r?api-version=1";

    fn resume(field: &str, address: &str) -> Result<Operation, Error> {
        let mut stored = serde_json::json!({
            "method": "PUT", "resource": OWN, "finish": "resource",
            "status": "https://management.azure.com/op?s=%2f", "location": "https://management.azure.com/result",
        });
        stored[field] = address.into();
        let stored: StoredOperation = serde_json::from_value(stored).unwrap();
        stored.resume(&Call::put("thing.create", Url::parse("https://management.azure.com/r?api-version=2").unwrap()))
    }

    #[test]
    fn a_stored_address_of_another_origin_is_refused_by_name() {
        for field in ["status", "location", "resource"] {
            for address in [
                "https://evil.example/r",
                "https://management.azure.com:443/r",
                "https://Management.azure.com/r",
                "https://x@management.azure.com/r",
                "https://management.azure.com@evil.example/r",
                "http://management.azure.com/r",
                "https://management.azure.com\\@evil.example/r",
                "/r",
                "",
            ] {
                let error = resume(field, address).unwrap_err();
                assert_eq!((error.kind(), error.effect()), (ErrorKind::Corrupt, Effect::None), "{field} {address}");
                assert_eq!(error.field(), Some(format!("operation.{field}").as_str()), "{address}");
                assert!(address.len() < 3 || !format!("{error:?}").contains(address), "no address in {error:?}");
            }
        }
    }

    #[test]
    fn a_stored_resource_that_is_another_is_refused() {
        let error = resume("resource", "https://management.azure.com/other?api-version=1").unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Corrupt, Some("operation.resource")));
    }

    #[test]
    fn an_operation_of_the_same_resource_is_resumed_whatever_the_version_of_the_interface() {
        assert!(resume("resource", OWN).is_ok());
    }
}

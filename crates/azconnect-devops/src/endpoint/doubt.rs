//! Whether a write that failed was made all the same.

use azconnect_core::{Effect, Error};

use crate::document::{EndpointId, named};

/// Whether the request may have reached the service. One that was never sent has no status and no effect.
pub(super) fn may_have_arrived(error: &Error) -> bool {
    error.http_status().is_some() || error.effect() != Effect::None
}

/// The error of a write that was answered with a failure, where the connection shows a change.
pub(super) fn changed_all_the_same(error: Error, id: EndpointId, changed: &[String]) -> Error {
    let message = format!("{}; yet connection {id} has changed: {}", error.message(), named(changed));
    error.with_message(message).with_effect(Effect::Unknown).with_advice(
        "take the change as made until the opposite is known: read the connection, test its secret, then write it again",
    )
}

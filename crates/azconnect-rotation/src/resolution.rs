//! What a person says of a rotation that does not end by itself.

use azconnect_credential::SinkId;
use serde::{Deserialize, Serialize};

/// What a person says of a rotation that does not end by itself. Each is recorded, and shows in the history.
///
/// | resolution | the new secret | the old one | when |
/// |---|---|---|---|
/// | `Retry` | goes on | goes when everything is proved | the cause is gone |
/// | `LeaveOut` | goes on without that consumer, and stays if that one may hold it | goes when everything else is proved | the consumer is gone, or is somebody else's now |
/// | `TakeAsIs` | stays | goes once the issuer accepts the new one and the grace has passed | the consumers were looked at by hand |
/// | `Abandon` | stays if a consumer may hold it, else goes | stays | nothing else helps: the next rotation begins anew |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Resolution {
    /// The cause is gone: everything that failed is tried again. Also begins a rotation that waits after setbacks.
    Retry,
    /// A consumer is left out, required or not: nothing more is proved of it, on the way forward or back.
    LeaveOut(SinkId),
    /// The new secret is taken as it is: consumers without proof are left out, and no consumer is needed. The issuer must
    /// still accept the new secret.
    TakeAsIs,
    /// What is under way ends. Whatever a consumer may hold stays alive; a new secret that nobody was given is removed.
    /// What an earlier rotation left behind and cannot clean up is left as it is.
    Abandon,
}

//! What went wrong, coarse enough for a caller to branch on.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What went wrong, coarse enough for a caller to branch on.
///
/// Serialised as its stable name. A name that this version does not know is read as [`ErrorKind::Unexpected`], so that
/// what a newer version wrote stays readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Someone else changed the same thing, or it exists already.
    Conflict,
    /// A value given by the caller cannot be used; nothing was sent.
    InvalidInput,
    /// The thing named does not exist, or the caller may not know that it does.
    NotFound,
    /// The caller is known, and may not do this.
    PermissionDenied,
    /// The service asks for fewer requests (HTTP 429).
    Throttled,
    /// No answer came in time, so the effect is unknown unless the error proves otherwise.
    Timeout,
    /// The service does not accept who the caller claims to be.
    Unauthenticated,
    /// The service, or the way to it, is not working now.
    Unavailable,
    /// Stored or received data is damaged or cannot be opened.
    Corrupt,
    /// The operation does not exist for this thing.
    Unsupported,
    /// None of the above, such as an answer that no document describes.
    Unexpected,
}

impl ErrorKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Conflict,
        Self::InvalidInput,
        Self::NotFound,
        Self::PermissionDenied,
        Self::Throttled,
        Self::Timeout,
        Self::Unauthenticated,
        Self::Unavailable,
        Self::Corrupt,
        Self::Unsupported,
        Self::Unexpected,
    ];

    /// The stable name of the kind, such as `permission_denied`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Unsupported => "unsupported",
            Self::Unexpected => "unexpected",
        }
    }

    /// The general remedy, for where nobody knows a better one.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Conflict => "read the current state and decide again",
            Self::InvalidInput => "correct the named value",
            Self::NotFound => "check the name or id, and that the caller may see it",
            Self::PermissionDenied => "ask an administrator for the permission of this operation",
            Self::Throttled => "try again later, and send fewer requests",
            Self::Timeout => "read the current state; try again if nothing changed",
            Self::Unauthenticated => "check the credential, its expiry and its tenant",
            Self::Unavailable => "check the network and the service's status, then try again",
            Self::Corrupt => "restore the data from a backup, or check the key that opens it",
            Self::Unsupported => "use another kind of operation for this object",
            Self::Unexpected => "report this with the request id",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(Self::ALL.into_iter().find(|kind| kind.as_str() == name).unwrap_or(Self::Unexpected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_by_its_name_and_has_advice() {
        for kind in ErrorKind::ALL {
            let written = serde_json::to_string(&kind).unwrap();
            assert_eq!(written, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<ErrorKind>(&written).unwrap(), kind);
            assert!(!kind.advice().is_empty());
        }
    }

    #[test]
    fn a_kind_of_a_newer_version_is_unexpected() {
        assert_eq!(serde_json::from_str::<ErrorKind>("\"brand_new\"").unwrap(), ErrorKind::Unexpected);
    }
}

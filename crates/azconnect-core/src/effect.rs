//! Whether a failed operation changed anything, and whether to do it again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether a failed operation may have changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// Provably nothing was applied.
    None,
    /// It may have been applied: read before doing it again.
    // A word of a newer version is doubt, and never proof that nothing was applied.
    #[serde(other)]
    Unknown,
}

impl Effect {
    /// The stable name: `none` or `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether the same operation may succeed later without anyone changing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Retry {
    /// It will fail again until somebody changes something.
    No,
    /// It may succeed after a pause of the caller's choice.
    Backoff,
    /// It may succeed after the pause the service named.
    After(Duration),
}

impl Retry {
    /// The stable name without the pause: `no`, `backoff` or `after`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Backoff => "backoff",
            Self::After(_) => "after",
        }
    }

    /// The pause that the service named, for [`Retry::After`].
    pub fn named_pause(self) -> Option<Duration> {
        match self {
            Self::After(pause) => Some(pause),
            Self::No | Self::Backoff => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_serialised() {
        for effect in [Effect::None, Effect::Unknown] {
            assert_eq!(serde_json::to_value(effect).unwrap(), effect.as_str());
        }
        for retry in [Retry::No, Retry::Backoff] {
            assert_eq!(serde_json::to_value(retry).unwrap(), retry.as_str());
        }
        let named = Retry::After(Duration::from_secs(90));
        let written = serde_json::to_value(named).unwrap();
        assert!(written.get(named.as_str()).is_some(), "{written}");
        assert_eq!(serde_json::from_value::<Retry>(written).unwrap(), named);
    }

    #[test]
    fn an_effect_of_a_newer_version_is_unknown() {
        assert_eq!(serde_json::from_str::<Effect>("\"in_part\"").unwrap(), Effect::Unknown);
    }
}

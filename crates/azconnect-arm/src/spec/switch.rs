//! A feature that is switched on, off, or as image and size allow.

use serde::{Deserialize, Serialize};

/// Whether a machine gets a feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Switch {
    /// It gets it where image and size are known to allow it.
    #[default]
    Auto,
    /// It gets it, and is refused where image or size do not allow it.
    On,
    /// It does not get it.
    Off,
}

impl Switch {
    /// Whether the feature is on, where it is known or not known whether it is possible.
    pub(crate) fn is_on(self, possible: Option<bool>) -> bool {
        match self {
            Self::Auto => possible == Some(true),
            Self::On => true,
            Self::Off => false,
        }
    }

    pub(crate) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

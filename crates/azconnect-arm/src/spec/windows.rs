//! Windows machines: what differs from those with Linux.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who brings Windows up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WindowsUpdates {
    /// Windows itself, as it sees fit.
    #[default]
    ByWindows,
    /// Azure, which never updates all machines of a group at once.
    ByPlatform,
    /// Nobody, unless a person or a tool does.
    Manual,
}

/// The settings of a Windows machine. Its administrator signs in with a password, which is made and sealed as a key pair is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Windows {
    /// The host name of at most 15 characters; `None` for the machine's name.
    pub computer_name: Option<String>,
    /// The time zone, such as `W. Europe Standard Time`; `None` for UTC.
    pub time_zone: Option<String>,
    /// Who brings Windows up to date.
    pub updates: WindowsUpdates,
}

impl Windows {
    /// A Windows machine that updates itself, in UTC, whose host name is its name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the host name, for a machine whose name is longer than 15 characters.
    #[must_use]
    pub fn with_computer_name(mut self, name: impl Into<String>) -> Self {
        self.computer_name = Some(name.into());
        self
    }

    /// Sets the time zone by the name that Windows has for it.
    #[must_use]
    pub fn with_time_zone(mut self, time_zone: impl Into<String>) -> Self {
        self.time_zone = Some(time_zone.into());
        self
    }

    /// Sets who brings Windows up to date.
    #[must_use]
    pub fn with_updates(mut self, updates: WindowsUpdates) -> Self {
        self.updates = updates;
        self
    }

    /// The configuration in the words of the service. It refuses a patch mode that contradicts the automatic updates.
    pub(crate) fn configuration(&self) -> Value {
        let (mode, automatic) = match self.updates {
            WindowsUpdates::ByWindows => ("AutomaticByOS", true),
            WindowsUpdates::ByPlatform => ("AutomaticByPlatform", true),
            WindowsUpdates::Manual => ("Manual", false),
        };
        let mut configuration = json!({
            "provisionVMAgent": true,
            "enableAutomaticUpdates": automatic,
            "patchSettings": {"patchMode": mode}
        });
        if let (Some(zone), Some(object)) = (&self.time_zone, configuration.as_object_mut()) {
            object.insert("timeZone".to_owned(), json!(zone));
        }
        configuration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patch_mode_agrees_with_the_automatic_updates() {
        let manual = Windows::new().with_updates(WindowsUpdates::Manual).with_time_zone("UTC").configuration();
        assert_eq!(
            manual,
            json!({"provisionVMAgent": true, "enableAutomaticUpdates": false, "timeZone": "UTC", "patchSettings": {"patchMode": "Manual"}})
        );
    }
}

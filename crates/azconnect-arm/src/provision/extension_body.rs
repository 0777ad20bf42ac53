//! The body of the extension that runs the agent's script.

use serde::Serialize;

use super::plan::ProvisionPlan;

/// The body of the extension *CustomScript*. The script may hold a secret, so this type borrows it and has no `Debug`;
/// its text is overwritten after it was sent.
#[derive(Serialize)]
pub(super) struct Extension<'a> {
    location: &'a str,
    properties: ExtensionProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtensionProperties<'a> {
    publisher: &'static str,
    r#type: &'static str,
    type_handler_version: &'static str,
    auto_upgrade_minor_version: bool,
    /// The guest runs a handler again only if its settings or this differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    force_update_tag: Option<String>,
    settings: Settings<'a>,
    protected_settings: Settings<'a>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_to_execute: Option<&'a str>,
}

impl<'a> Extension<'a> {
    /// The body for a script in base64. The service refuses a script in both settings, so it goes into one of them.
    pub(super) fn new(plan: &'a ProvisionPlan, script: &'a str, protected: bool) -> Self {
        let (settings, protected_settings) = if protected {
            (Settings::default(), Settings { script: Some(script), ..Settings::default() })
        } else {
            (Settings { script: Some(script), ..Settings::default() }, Settings::default())
        };
        let properties = ExtensionProperties {
            publisher: "Microsoft.Azure.Extensions",
            r#type: "CustomScript",
            type_handler_version: "2.1",
            auto_upgrade_minor_version: true,
            force_update_tag: None,
            settings,
            protected_settings,
        };
        Self { location: &plan.spec.location, properties }
    }

    /// The body for a command of Windows, which has an extension of its own. Its command is shown to nobody.
    pub(super) fn windows(plan: &'a ProvisionPlan, command: &'a str) -> Self {
        let properties = ExtensionProperties {
            publisher: "Microsoft.Compute",
            r#type: "CustomScriptExtension",
            type_handler_version: "1.10",
            auto_upgrade_minor_version: true,
            force_update_tag: None,
            settings: Settings::default(),
            protected_settings: Settings { command_to_execute: Some(command), ..Settings::default() },
        };
        Self { location: &plan.spec.location, properties }
    }

    /// The body after so many failures, which makes each try after one a new one. It follows from the journal alone, so that
    /// the write of a process that was killed is joined and not begun anew.
    pub(super) fn after_failures(mut self, failures: u32) -> Self {
        self.properties.force_update_tag = (failures > 0).then(|| format!("try-{failures}"));
        self
    }
}

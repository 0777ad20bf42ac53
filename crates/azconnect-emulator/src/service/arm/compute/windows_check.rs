//! The checks of a new machine's system profile, by the system of its image.

use serde_json::{Value, json};

use crate::base::refusal::{OrRefusal, Refusal};
use crate::service::arm::context::Context;

/// Passwords that the service refuses though they satisfy its rules.
const COMMON: &[&str] = &[
    "abc@123",
    "P@$$w0rd",
    "P@ssw0rd",
    "P@ssword123",
    "Pa$$word",
    "pass@word1",
    "Password!",
    "Password1",
    "Password22",
    "iloveyou!",
];

/// Refuses a profile for the other system.
pub(crate) fn check_kind(cx: &Context<'_>, windows: bool) -> OrRefusal<()> {
    let (other, system) = if windows { ("linuxConfiguration", "Windows") } else { ("windowsConfiguration", "Linux") };
    if cx.at(&format!("/properties/osProfile/{other}")).is_none() {
        return Ok(());
    }
    let message = format!("The property 'osProfile.{other}' is not valid for an image of OS type '{system}'.");
    Err(Refusal::parameter(other, message))
}

/// Checks the profile of a Windows machine.
pub(crate) fn check(cx: &Context<'_>, computer: &str, user: &str) -> OrRefusal<()> {
    let odd = |c: char| "~!@#$%^&*()=+_[]{}\\|;:.'\",<>/? ".contains(c);
    if computer.chars().count() > 15 || computer.chars().all(|c| c.is_ascii_digit()) || computer.contains(odd) {
        return Err(Refusal::parameter(
            "computerName",
            "Windows computer name cannot be more than 15 characters long, be entirely numeric, or contain the following characters: ` ~ ! @ # $ % ^ & * ( ) = + _ [ ] { } \\ | ; : . ' \" , < > / ?.",
        ));
    }
    if user.chars().count() > 20 || user.ends_with('.') {
        let message = "The Admin Username specified is not allowed: it has more than 20 characters or ends with '.'.";
        return Err(Refusal::parameter("adminUsername", message));
    }
    check_password(cx.text("/properties/osProfile/adminPassword").unwrap_or_default())?;
    let at = |field: &str| cx.at(&format!("/properties/osProfile/windowsConfiguration/{field}"));
    let automatic = at("enableAutomaticUpdates") != Some(&json!(false));
    let agent = at("provisionVMAgent") != Some(&json!(false));
    match at("patchSettings/patchMode").and_then(Value::as_str) {
        None => Ok(()),
        Some("AutomaticByOS" | "AutomaticByPlatform") if automatic && agent => Ok(()),
        Some("Manual") if !automatic => Ok(()),
        Some(mode) => Err(Refusal::parameter(
            "patchMode",
            format!("The patch mode '{mode}' does not agree with 'enableAutomaticUpdates' and 'provisionVMAgent'."),
        )),
    }
}

fn check_password(password: &str) -> OrRefusal<()> {
    let has = |class: fn(&char) -> bool| usize::from(password.chars().any(|character| class(&character)));
    let special: fn(&char) -> bool = |character| !character.is_alphanumeric();
    let classes =
        has(char::is_ascii_lowercase) + has(char::is_ascii_uppercase) + has(char::is_ascii_digit) + has(special);
    let length = password.chars().count();
    if !(12..=123).contains(&length) || classes < 3 || COMMON.contains(&password) {
        return Err(Refusal::parameter(
            "adminPassword",
            "The supplied password must be between 12-123 characters long and must satisfy at least 3 of password complexity requirements from the following: 1) Contains an uppercase character 2) Contains a lowercase character 3) Contains a numeric digit 4) Contains a special character 5) Control characters are not allowed",
        ));
    }
    Ok(())
}

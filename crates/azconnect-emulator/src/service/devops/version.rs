//! The api-version of a request, from the query or the `Accept` header.

use crate::base::call::Call;
use crate::base::refusal::{OrRefusal, Refusal};

/// What a route asks of the api-version.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// Whether there is no released version of it.
    preview: bool,
}

/// A route with released versions.
pub(super) const RELEASED: Rule = Rule { preview: false };

/// A route that exists as a preview only.
pub(super) const PREVIEW: Rule = Rule { preview: true };

/// The latest version the emulator stands for.
const LATEST: (u32, u32) = (7, 2);

/// Refuses a version the service would refuse. A read may leave it out; a change may not.
///
/// `latest` is the newest version of a server on premises; the cloud has the newest of all.
pub(super) fn check(call: &Call, rule: Rule, latest: Option<(u32, u32)>) -> OrRefusal<()> {
    let latest = latest.unwrap_or(LATEST);
    let Some(text) = requested(call) else {
        if ["GET", "HEAD", "OPTIONS"].contains(&call.method.as_str()) {
            return Ok(());
        }
        let text = format!(
            "No api-version was supplied for the \"{}\" request. The version must be supplied either as part of the \
             Accept header (e.g. \"application/json; api-version=1.0\") or as a query parameter (e.g. \
             \"?api-version=1.0\").",
            call.method
        );
        return Err(Refusal::new(400, "VssVersionNotSpecifiedException", text));
    };
    let (number, preview) = match text.split_once('-') {
        Some((number, preview)) => (number, preview.to_ascii_lowercase().starts_with("preview")),
        None => (text.as_str(), false),
    };
    let parsed = number.split_once('.').unwrap_or((number, "0"));
    let (Ok(major), Ok(minor)) = (parsed.0.parse::<u32>(), parsed.1.parse::<u32>()) else {
        let text = format!("The api-version '{text}' is not a valid version.");
        return Err(Refusal::new(400, "VssInvalidApiVersionException", text));
    };
    if (major, minor) > latest {
        let text = format!(
            "The requested REST API version of {number} is out of range for this server. The latest REST API version \
             this server supports is {}.{}.",
            latest.0, latest.1
        );
        return Err(Refusal::new(400, "VssVersionOutOfRangeException", text));
    }
    if rule.preview && !preview {
        let text = format!(
            "The requested version \"{number}\" of the resource is under preview. The -preview flag must be supplied \
             in the api-version for such requests. For example: \"{number}-preview\""
        );
        return Err(Refusal::new(400, "VssInvalidPreviewVersionException", text));
    }
    Ok(())
}

/// The version that was asked for: the query counts before the header.
fn requested(call: &Call) -> Option<String> {
    if let Some(version) = call.query.filled("api-version") {
        return Some(version.to_owned());
    }
    call.header("accept")?.split([',', ';']).find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("api-version").then(|| value.trim().trim_matches('"').to_owned())
    })
}

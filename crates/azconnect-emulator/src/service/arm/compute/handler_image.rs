//! The handlers of extensions that publishers offer, with their versions.

use serde_json::{Value, json};

use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::same;
use crate::service::arm::context::{Context, Reply};

/// A handler: publisher, type, system and versions, oldest first.
type Handler = (&'static str, &'static str, &'static str, &'static [&'static str]);

const HANDLERS: [Handler; 5] = [
    ("Microsoft.Azure.Extensions", "CustomScript", "Linux", &["2.0.7", "2.1.10", "2.1.13"]),
    ("Microsoft.Azure.Extensions", "DockerExtension", "Linux", &["1.2.2"]),
    ("Microsoft.Compute", "CustomScriptExtension", "Windows", &["1.9.5", "1.10.15", "1.10.20"]),
    ("Microsoft.Azure.ActiveDirectory", "AADSSHLoginForLinux", "Linux", &["1.0.2588.1"]),
    ("Microsoft.Azure.Monitor", "AzureMonitorLinuxAgent", "Linux", &["1.33.1", "1.35.0"]),
];

/// The names of those who publish handlers.
pub(crate) fn publishers() -> impl Iterator<Item = &'static str> {
    HANDLERS.iter().map(|(publisher, ..)| *publisher)
}

/// Answers below `publishers/{p}/artifacttypes/vmextension`. `base` is the id of the region's publishers.
pub(crate) fn answer(
    cx: &Context<'_>,
    (location, base): (&str, &str),
    publisher: &str,
    rest: &[&str],
) -> OrRefusal<Reply> {
    let of: Vec<&Handler> = HANDLERS.iter().filter(|(known, ..)| same(known, publisher)).collect();
    let base = format!("{base}/Publishers/{publisher}/ArtifactTypes/VMExtension/Types");
    let item = |name: &str, id: String| json!({"location": location, "name": name, "id": id});
    let named = |kind: &str| of.iter().find(|(_, known, ..)| same(known, kind)).ok_or_else(not_found);
    match rest {
        [word] if same(word, "types") => {
            let items = of.iter().map(|(_, kind, ..)| item(kind, format!("{base}/{kind}")));
            Ok(Reply::new(200, items.collect::<Value>()))
        }
        [word, kind, versions] if same(word, "types") && same(versions, "versions") => {
            let (_, kind, _, all) = named(kind)?;
            let newest_first = cx.call.query.get("$orderby").unwrap_or_default().to_ascii_lowercase().contains("desc");
            let mut all: Vec<&str> = all.to_vec();
            if newest_first {
                all.reverse();
            }
            all.truncate(cx.call.query.number("$top").unwrap_or(usize::MAX));
            let items = all.iter().map(|version| item(version, format!("{base}/{kind}/Versions/{version}")));
            Ok(Reply::new(200, items.collect::<Value>()))
        }
        [word, kind, versions, version] if same(word, "types") && same(versions, "versions") => {
            let (_, kind, system, all) = named(kind)?;
            let version = all.iter().find(|known| *known == version).ok_or_else(not_found)?;
            let mut body = item(version, format!("{base}/{kind}/Versions/{version}"));
            if let Some(map) = body.as_object_mut() {
                let properties = json!({
                    "operatingSystem": system,
                    "computeRole": "IaaS",
                    "vmScaleSetEnabled": true,
                    "supportsMultipleExtensions": false,
                });
                map.insert("properties".to_owned(), properties);
            }
            Ok(Reply::new(200, body))
        }
        _ => Err(Refusal::not_emulated()),
    }
}

fn not_found() -> Box<Refusal> {
    Refusal::new(404, "NotFound", "Artifact: VMExtension was not found.")
}

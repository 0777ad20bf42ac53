//! The images of the marketplace.

use serde_json::{Value, json};

use super::handler_image;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::same;
use crate::model::arm::offers::{Deprecation, IMAGES, Image, image_named, region_named, region_names};
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};

/// Answers a request below `locations/{l}/publishers`.
pub(crate) fn answer(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    let parts = cx.address.parts();
    let [_, location, _, rest @ ..] = parts.as_slice() else { return Err(Refusal::not_emulated()) };
    let action = match rest.len() {
        0 => "publishers",
        1..=4 => "publishers/artifacttypes/offers",
        5..=6 => "publishers/artifacttypes/offers/skus",
        _ => "publishers/artifacttypes/offers/skus/versions",
    };
    let scope = format!("/subscriptions/{}", cx.address.subscription);
    cx.permit(world, &format!("Microsoft.Compute/locations/{action}/read"), &scope)?;
    cx.require_registration(world, "Microsoft.Compute")?;
    let Some(region) = region_named(location) else {
        return Err(Refusal::new(
            400,
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '{location}' and API version '{}' for type 'locations/publishers'. The supported api-versions are '2025-04-01'. The supported locations are '{}'.",
                cx.api_version(),
                region_names()
            ),
        ));
    };
    let location = region.name;
    match rest {
        [] => {
            let handlers = handler_image::publishers();
            Ok(names(cx, location, "", IMAGES.iter().map(|image| image.publisher).chain(handlers)))
        }
        [publisher, _, kind, below @ ..] if same(kind, "vmextension") => {
            handler_image::answer(cx, (location, &base(cx, location)), publisher, below)
        }
        [publisher, _, kind, word] if is_vm(kind) && same(word, "offers") => {
            let base = format!("/Publishers/{publisher}/ArtifactTypes/VMImage/Offers");
            let of = IMAGES.iter().filter(|image| same(image.publisher, publisher));
            Ok(names(cx, location, &base, of.map(|image| image.offer)))
        }
        [publisher, _, kind, _, offer, word] if is_vm(kind) && same(word, "skus") => {
            let base = format!("/Publishers/{publisher}/ArtifactTypes/VMImage/Offers/{offer}/Skus");
            let of = IMAGES.iter().filter(|image| same(image.publisher, publisher) && same(image.offer, offer));
            Ok(names(cx, location, &base, of.map(|image| image.sku)))
        }
        [publisher, _, kind, _, offer, _, sku, word] if is_vm(kind) && same(word, "versions") => {
            image(publisher, offer, sku).map(|image| versions(cx, location, image))
        }
        [publisher, _, kind, _, offer, _, sku, _, version] if is_vm(kind) => {
            image(publisher, offer, sku).and_then(|image| one(cx, location, image, version))
        }
        _ => Err(Refusal::not_emulated()),
    }
}

fn is_vm(kind: &str) -> bool {
    same(kind, "vmimage")
}

fn image(publisher: &str, offer: &str, sku: &str) -> OrRefusal<&'static Image> {
    image_named(publisher, offer, sku).ok_or_else(|| Refusal::new(404, "NotFound", "Artifact: VMImage was not found."))
}

fn base(cx: &Context<'_>, location: &str) -> String {
    format!("/Subscriptions/{}/Providers/Microsoft.Compute/Locations/{location}", cx.address.subscription)
}

/// A bare list of names, each once.
fn names<'a>(cx: &Context<'_>, location: &str, below: &str, all: impl Iterator<Item = &'a str>) -> Reply {
    let mut seen: Vec<&str> = all.collect();
    seen.sort_unstable();
    seen.dedup();
    let below = if below.is_empty() { "/Publishers" } else { below };
    let items: Vec<Value> = seen
        .into_iter()
        .map(|name| json!({"location": location, "name": name, "id": format!("{}{below}/{name}", base(cx, location))}))
        .collect();
    Reply::new(200, json!(items))
}

fn path(cx: &Context<'_>, location: &str, image: &Image, version: &str) -> String {
    format!(
        "{}/Publishers/{}/ArtifactTypes/VMImage/Offers/{}/Skus/{}/Versions/{version}",
        base(cx, location),
        image.publisher,
        image.offer,
        image.sku
    )
}

fn versions(cx: &Context<'_>, location: &str, image: &Image) -> Reply {
    let mut all: Vec<&str> = image.versions.to_vec();
    let order = cx.call.query.get("$orderby").unwrap_or_default().to_ascii_lowercase();
    if order.contains("desc") {
        all.reverse();
    }
    all.truncate(cx.call.query.number("$top").unwrap_or(usize::MAX));
    let items: Vec<Value> = all
        .into_iter()
        .map(|version| json!({"location": location, "name": version, "id": path(cx, location, image, version)}))
        .collect();
    Reply::new(200, json!(items))
}

fn one(cx: &Context<'_>, location: &str, image: &Image, version: &str) -> OrRefusal<Reply> {
    let Some(version) = image.version(version) else {
        return Err(Refusal::new(404, "NotFound", "Artifact: VMImage was not found."));
    };
    let trusted = if image.trusted_launch { "TrustedLaunchSupported" } else { "None" };
    let mut properties = json!({
        "hyperVGeneration": image.generation,
        "architecture": image.architecture.name(),
        "replicaType": "Managed",
        "replicaCount": 10,
        "disallowed": {"vmDiskType": "None"},
        "automaticOSUpgradeProperties": {"automaticOSUpgradeSupported": false},
        "features": [{"name": "SecurityType", "value": trusted}, {"name": "IsAcceleratedNetworkSupported", "value": "True"}],
        "osDiskImage": {"operatingSystem": if image.windows { "Windows" } else { "Linux" }, "sizeInGb": 30, "sizeInBytes": 32_213_303_808_u64},
        "dataDiskImages": [],
        "imageDeprecationStatus": match image.deprecated {
            Deprecation::Active => json!({"imageState": "Active"}),
            Deprecation::Scheduled => json!({"imageState": "ScheduledForDeprecation", "scheduledDeprecationTime": "2027-05-31T00:00:00+00:00"}),
            Deprecation::Deprecated => json!({"imageState": "Deprecated", "scheduledDeprecationTime": "2023-05-31T00:00:00+00:00", "alternativeOption": {"type": "Offer", "value": "ubuntu-24_04-lts"}}),
        },
    });
    if let (true, Some(map)) = (image.has_plan, properties.as_object_mut()) {
        map.insert("plan".to_owned(), json!({"publisher": image.publisher, "product": image.offer, "name": image.sku}));
    }
    Ok(Reply::new(
        200,
        json!({
            "properties": properties,
            "location": location,
            "name": version,
            "id": path(cx, location, image, version),
        }),
    ))
}

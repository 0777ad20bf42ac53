//! Images of a subscription's own: managed images, and galleries with their images and versions.

use serde_json::{Map, Value, json};

use super::gallery_members;
use crate::base::dice::named_guid;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::resource_manager::OperationKind;
use crate::model::arm::address::{last, parent_id, same};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::region_named;
use crate::model::arm::operation::Work;
use crate::model::arm::resource::{ProvisioningState, Resource};
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};
use crate::service::arm::members;
use crate::service::arm::write::{Write, properties};

/// Where a subscription shows an image of a gallery that is published or shared.
pub(crate) struct Listing<'a> {
    pub(crate) location: &'a str,
    pub(crate) galleries: &'a str,
    pub(crate) gallery: &'a str,
    pub(crate) image: &'a str,
}

/// Writes a managed image, a gallery, or an image or version of one.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, kind: ResourceKind, names: &[&str]) -> OrRefusal<Reply> {
    members::check(&cx.body, gallery_members::of(kind))?;
    let target = cx.prepare(world, kind, names)?;
    let mut own = properties(&cx.body);
    match kind {
        ResourceKind::Image => managed(cx, &mut own)?,
        ResourceKind::Gallery => gallery(cx, &target.id, &mut own)?,
        ResourceKind::GalleryImage => definition(cx, &mut own)?,
        _ => version(cx, &target.id, &target.location, &mut own)?,
    }
    let write = Write { operation: OperationKind::Disk, work: Work::Provision, properties: own, at_once: false };
    Ok(cx.write(world, &target, write))
}

fn one_of(cx: &Context<'_>, field: &str, known: &[&str]) -> OrRefusal<()> {
    match cx.text(&format!("/properties/{field}")) {
        Some(value) if known.iter().any(|known| same(known, value)) => Ok(()),
        Some(_) => Err(Refusal::parameter(field, format!("The value of parameter {field} is invalid."))),
        None => Err(Refusal::parameter(field, format!("Required parameter '{field}' is missing (null)."))),
    }
}

fn managed(cx: &Context<'_>, own: &mut Map<String, Value>) -> OrRefusal<()> {
    one_of(cx, "storageProfile/osDisk/osType", &["Linux", "Windows"])?;
    one_of(cx, "storageProfile/osDisk/osState", &["Generalized", "Specialized"])?;
    own.entry("hyperVGeneration").or_insert(json!("V1"));
    Ok(())
}

fn gallery(cx: &Context<'_>, id: &str, own: &mut Map<String, Value>) -> OrRefusal<()> {
    let name = format!("{}-{}", cx.address.subscription, last(id).to_ascii_uppercase());
    own.insert("identifier".to_owned(), json!({ "uniqueName": name }));
    let sharing = "/properties/sharingProfile";
    if cx.at(sharing).is_none() {
        return Ok(());
    }
    one_of(cx, "sharingProfile/permissions", &["Private", "Groups", "Community"])?;
    if !cx.text(&format!("{sharing}/permissions")).is_some_and(|word| same(word, "Community")) {
        return Ok(());
    }
    let prefix = cx.text(&format!("{sharing}/communityGalleryInfo/publicNamePrefix")).ok_or_else(|| {
        Refusal::parameter("publicNamePrefix", "Required parameter 'publicNamePrefix' is missing (null).")
    })?;
    let public = format!("{prefix}-{}", named_guid(&id.to_ascii_lowercase()));
    let info = own.get_mut("sharingProfile").and_then(|sharing| sharing.get_mut("communityGalleryInfo"));
    if let Some(Value::Object(info)) = info {
        info.insert("communityGalleryEnabled".to_owned(), json!(true));
        info.insert("publicNames".to_owned(), json!([public]));
    }
    Ok(())
}

fn definition(cx: &Context<'_>, own: &mut Map<String, Value>) -> OrRefusal<()> {
    one_of(cx, "osType", &["Linux", "Windows"])?;
    one_of(cx, "osState", &["Generalized", "Specialized"])?;
    own.entry("hyperVGeneration").or_insert(json!("V1"));
    own.entry("architecture").or_insert(json!("x64"));
    for field in ["publisher", "offer", "sku"] {
        if cx.text(&format!("/properties/identifier/{field}")).is_none() {
            let message = format!("Required parameter 'identifier.{field}' is missing (null).");
            return Err(Refusal::parameter(&format!("identifier.{field}"), message));
        }
    }
    Ok(())
}

fn version(cx: &Context<'_>, id: &str, location: &str, own: &mut Map<String, Value>) -> OrRefusal<()> {
    if number(last(id)).is_none() {
        let message = format!(
            "The gallery image version name '{}' is invalid. It has the form MajorVersion.MinorVersion.Patch.",
            last(id)
        );
        return Err(Refusal::parameter("galleryImageVersionName", message));
    }
    if cx.at("/properties/storageProfile").is_none() {
        return Err(Refusal::parameter("storageProfile", "Required parameter 'storageProfile' is missing (null)."));
    }
    let profile = own.entry("publishingProfile").or_insert_with(|| json!({}));
    let Some(profile) = profile.as_object_mut() else {
        return Err(Refusal::content("The request content was invalid: publishingProfile is no object."));
    };
    let regions = profile.entry("targetRegions").or_insert_with(|| json!([{ "name": location }]));
    let odd = regions.as_array().into_iter().flatten().find(|region| region_of(region).is_none());
    match odd {
        Some(region) => {
            Err(Refusal::parameter("targetRegions", format!("The target region {region} is not available.")))
        }
        None => Ok(()),
    }
}

fn region_of(target: &Value) -> Option<&'static str> {
    region_named(target.get("name")?.as_str()?).map(|region| region.name)
}

/// A version's three numbers.
fn number(version: &str) -> Option<[u32; 3]> {
    let parts: Option<Vec<u32>> = version.split('.').map(|part| part.parse().ok()).collect();
    parts?.try_into().ok()
}

/// The version of an image that a machine in a region starts from: the one that is wanted, or the newest.
pub(crate) fn version_in<'w>(
    world: &'w World,
    image: &'w str,
    wanted: Option<&str>,
    location: &str,
) -> Option<&'w Resource> {
    let wanted = wanted.filter(|version| !same(version, "latest"));
    let there = |version: &&Resource| {
        let regions = version.at("properties/publishingProfile/targetRegions").and_then(Value::as_array);
        regions.into_iter().flatten().any(|region| region_of(region) == Some(location))
    };
    let fits = |version: &&Resource| match wanted {
        Some(wanted) => version.name() == wanted,
        None => version.at("properties/publishingProfile/excludeFromLatest") != Some(&json!(true)),
    };
    world
        .arm
        .below(image, ResourceKind::GalleryVersion)
        .filter(|version| version.state == ProvisioningState::Succeeded && version.operation.is_none())
        .filter(there)
        .filter(fits)
        .max_by_key(|version| number(version.name()))
}

/// The definition of an image in a gallery that is published (`communityGalleries`) or shared (`sharedGalleries`).
pub(crate) fn public_definition<'w>(
    world: &'w World,
    galleries: &str,
    gallery: &str,
    image: &str,
) -> Option<&'w Resource> {
    let is_named = |resource: &&Resource| {
        let permissions = resource.text("properties/sharingProfile/permissions").unwrap_or_default();
        let (needed, name) = if same(galleries, "communityGalleries") {
            ("Community", "properties/sharingProfile/communityGalleryInfo/publicNames/0")
        } else {
            ("Groups", "properties/identifier/uniqueName")
        };
        same(permissions, needed) && resource.text(name).is_some_and(|own| same(own, gallery))
    };
    let gallery = world.arm.of_kind(ResourceKind::Gallery).find(is_named)?;
    world.arm.below(&gallery.id, ResourceKind::GalleryImage).find(|one| same(one.name(), image))
}

/// Shows an image of a gallery that is published or shared, or one version of it, in a region.
pub(crate) fn public(cx: &Context<'_>, world: &World, at: &Listing<'_>, version: Option<&str>) -> OrRefusal<Reply> {
    let kind = match at.galleries.to_ascii_lowercase().as_str() {
        "communitygalleries" => "communityGalleries",
        "sharedgalleries" => "sharedGalleries",
        _ => return Err(Refusal::not_emulated()),
    };
    let action = match version {
        Some(_) => format!("Microsoft.Compute/locations/{kind}/images/versions/read"),
        None => format!("Microsoft.Compute/locations/{kind}/images/read"),
    };
    cx.permit(world, &action, &format!("/subscriptions/{}", cx.address.subscription))?;
    let absent = || {
        let message = format!("The gallery image {}/{} is not found in {}.", at.gallery, at.image, at.location);
        Refusal::new(404, "GalleryImageNotFound", message)
    };
    let definition = public_definition(world, kind, at.gallery, at.image).ok_or_else(absent)?;
    let found = version_in(world, &definition.id, version, at.location).ok_or_else(absent)?;
    let word = if kind == "communityGalleries" { "CommunityGalleries" } else { "SharedGalleries" };
    let unique = format!("/{word}/{}/Images/{}", at.gallery, definition.name());
    let of_version = || json!({"name": found.name(), "location": at.location, "identifier": {"uniqueId": format!("{unique}/Versions/{}", found.name())}, "properties": {"publishedDate": "2026-01-01T00:00:00Z"}});
    let of_image = || {
        let fields =
            ["osType", "osState", "hyperVGeneration", "architecture", "features", "identifier", "purchasePlan"];
        let shown: Map<String, Value> = fields
            .into_iter()
            .filter_map(|field| Some((field.to_owned(), definition.at(&format!("properties/{field}"))?.clone())))
            .collect();
        json!({"name": definition.name(), "location": at.location, "identifier": {"uniqueId": unique}, "properties": shown})
    };
    Ok(Reply::new(200, if version.is_some() { of_version() } else { of_image() }))
}

/// The definition that a version, or the definition itself, belongs to.
pub(crate) fn definition_id(id: &str, kind: ResourceKind) -> &str {
    if kind == ResourceKind::GalleryVersion { parent_id(id) } else { id }
}

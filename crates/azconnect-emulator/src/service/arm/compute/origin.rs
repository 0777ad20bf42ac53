//! What a new machine starts from: an image of the platform, of a subscription, or of a gallery.

use serde_json::Value;

use super::gallery::{definition_id, public_definition, version_in};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{Address, last, same};
use crate::model::arm::kind::ResourceKind;
use crate::model::arm::offers::{Architecture, Image};
use crate::model::arm::resource::Resource;
use crate::model::world::World;
use crate::service::arm::context::Context;
use crate::service::arm::write::Target;

/// What decides whether a machine can start from an image.
pub(crate) struct Origin {
    pub(crate) generation: String,
    pub(crate) architecture: Architecture,
    pub(crate) trusted_launch: bool,
    pub(crate) windows: bool,
    /// Publisher, product and name of the plan that it is sold under.
    pub(crate) plan: Option<[String; 3]>,
    /// The version that was found; a managed image has none.
    pub(crate) version: Option<String>,
}

impl Origin {
    /// An image of the platform in a version.
    pub(crate) fn of_platform(image: &Image, version: &str) -> Self {
        Self {
            generation: image.generation.to_owned(),
            architecture: image.architecture,
            trusted_launch: image.trusted_launch,
            windows: image.windows,
            plan: image.has_plan.then(|| [image.publisher, image.offer, image.sku].map(str::to_owned)),
            version: Some(version.to_owned()),
        }
    }

    /// The image that a body names by an id of any kind; `None` if it names none so.
    pub(crate) fn by_id(cx: &Context<'_>, world: &World, target: &Target) -> OrRefusal<Option<Self>> {
        let reference = "/properties/storageProfile/imageReference";
        let ways = ["id", "sharedGalleryImageId", "communityGalleryImageId", "publisher"];
        let mut named = ways.into_iter().filter_map(|way| Some((way, cx.text(&format!("{reference}/{way}"))?)));
        let Some((way, id)) = named.next().filter(|(way, _)| *way != "publisher") else { return Ok(None) };
        if named.next().is_some() {
            return Err(Refusal::parameter("imageReference", "The image reference names more than one image."));
        }
        match way {
            "id" => Self::of_resource(cx, world, target, id).map(Some),
            "communityGalleryImageId" => Self::of_public(world, "communityGalleries", target, id).map(Some),
            _ => Self::of_public(world, "sharedGalleries", target, id).map(Some),
        }
    }

    fn of_resource(cx: &Context<'_>, world: &World, target: &Target, id: &str) -> OrRefusal<Self> {
        let invalid = || Refusal::parameter("imageReference.id", format!("Id {id} is not a valid image reference."));
        let address = Address::of_id(id).ok_or_else(invalid)?;
        let (kind, _) = address.kind().ok_or_else(invalid)?;
        let action = match kind {
            ResourceKind::Image => "Microsoft.Compute/images/read",
            ResourceKind::GalleryImage | ResourceKind::GalleryVersion => {
                "Microsoft.Compute/galleries/images/versions/read"
            }
            _ => return Err(invalid()),
        };
        cx.permit_linked(world, ("Microsoft.Compute/virtualMachines/write", &target.id), action, id)?;
        if kind == ResourceKind::Image {
            let image = world.arm.get(id).filter(|image| image.location == target.location);
            return image.map(Self::of_managed).ok_or_else(|| {
                let message = format!("The Image '{id}' cannot be found in '{}' region.", target.location);
                Refusal::new(404, "ImageNotFound", message).at("imageReference")
            });
        }
        let definition = world.arm.get(definition_id(id, kind));
        let wanted = (kind == ResourceKind::GalleryVersion).then(|| last(id));
        Self::of_definition(world, definition, wanted, target, id)
    }

    fn of_public(world: &World, galleries: &str, target: &Target, id: &str) -> OrRefusal<Self> {
        let parts: Vec<&str> = id.split('/').skip(1).collect();
        let (gallery, image, wanted) = match parts.as_slice() {
            [word, gallery, images, image] if same(word, galleries) && same(images, "Images") => (gallery, image, None),
            [word, gallery, images, image, versions, version]
                if same(word, galleries) && same(images, "Images") && same(versions, "Versions") =>
            {
                (gallery, image, Some(*version))
            }
            _ => {
                let message = format!("Id {id} is not a valid image reference.");
                return Err(Refusal::parameter("imageReference", message));
            }
        };
        Self::of_definition(world, public_definition(world, galleries, gallery, image), wanted, target, id)
    }

    fn of_definition(
        world: &World,
        definition: Option<&Resource>,
        wanted: Option<&str>,
        target: &Target,
        id: &str,
    ) -> OrRefusal<Self> {
        let found = definition.and_then(|one| Some((one, version_in(world, &one.id, wanted, &target.location)?)));
        let Some((definition, version)) = found else {
            let message = format!(
                "The gallery image {id} is not available in {} region. Please contact image owner to replicate to this region, or change your requested region.",
                target.location
            );
            return Err(Refusal::new(404, "GalleryImageNotFound", message).at("imageReference"));
        };
        let text = |field: &str| definition.text(&format!("properties/{field}")).unwrap_or_default();
        let features = definition.at("properties/features").and_then(Value::as_array);
        let trusted_launch = features.into_iter().flatten().any(|feature| {
            let of = |field: &str| feature.get(field).and_then(Value::as_str).unwrap_or_default();
            same(of("name"), "SecurityType") && of("value").contains("TrustedLaunch")
        });
        let plan = ["publisher", "product", "name"].map(|field| text(&format!("purchasePlan/{field}")).to_owned());
        Ok(Self {
            generation: text("hyperVGeneration").to_owned(),
            architecture: if same(text("architecture"), "Arm64") { Architecture::Arm64 } else { Architecture::X64 },
            trusted_launch,
            windows: same(text("osType"), "Windows"),
            plan: Some(plan).filter(|plan| plan.iter().all(|part| !part.is_empty())),
            version: Some(version.name().to_owned()),
        })
    }

    fn of_managed(image: &Resource) -> Self {
        let text = |field: &str| image.text(&format!("properties/{field}")).unwrap_or_default();
        Self {
            generation: text("hyperVGeneration").to_owned(),
            architecture: Architecture::X64,
            trusted_launch: false,
            windows: same(text("storageProfile/osDisk/osType"), "Windows"),
            plan: None,
            version: None,
        }
    }
}

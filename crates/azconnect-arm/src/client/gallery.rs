//! Images by their ids: managed ones, and those of galleries.

use azconnect_core::{Error, ErrorKind};
use futures_util::future::join;
use http::Method;
use serde::de::DeserializeOwned;
use url::Url;

use super::arm::Arm;
use super::list::List;
use super::subscription::{Subscription, plain_region};
use crate::error::is_absent;
use crate::resource::gallery::{GalleryImage, GalleryVersion, ManagedImage};
use crate::resource::image::ImageVersion;
use crate::resource::{COMPUTE_API, GALLERIES_API, ResourceId};
use crate::spec::ImageKind;

/// The operation, as errors and spans show it.
const GET: &str = "arm.own_image.get";

/// An image that was read by its id.
pub(crate) struct OwnImage {
    pub(crate) image: ImageVersion,
    /// What prevented to read whether the version is in the region: only the definition is known to be there.
    pub(crate) unverified: Option<Error>,
}

impl From<ImageVersion> for OwnImage {
    fn from(image: ImageVersion) -> Self {
        Self { image, unverified: None }
    }
}

impl Subscription {
    /// Reads an image by its id, as a machine of a region would start from it: a managed image, or one of a gallery, published
    /// and shared ones among them. Generation, architecture, features, plan and system are those of its definition. The image
    /// may be of another subscription. Whether a gallery of a subscription has the version in the region is not verified where
    /// versions may not be read.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none, or none in the region; [`InvalidInput`](ErrorKind::InvalidInput) for
    /// an id that is not of an image; the service's refusal otherwise.
    pub async fn image_by_id(&self, location: &str, id: &ResourceId) -> Result<ImageVersion, Error> {
        Ok(self.own_image(location, id).await?.image)
    }

    /// The same, with what prevented that it was verified.
    pub(crate) async fn own_image(&self, location: &str, id: &ResourceId) -> Result<OwnImage, Error> {
        match ImageKind::of(id) {
            Some(ImageKind::Managed) => self.managed_image(location, id).await.map(OwnImage::from),
            Some(ImageKind::Gallery) => self.gallery_image(location, id).await,
            Some(ImageKind::Community) => {
                self.public_image(location, "communityGalleries", id).await.map(OwnImage::from)
            }
            Some(ImageKind::Shared) => self.public_image(location, "sharedGalleries", id).await.map(OwnImage::from),
            None => Err(Error::invalid("image", "is not the id of an image")
                .with_advice("give the id of a managed image, or of one of a gallery")),
        }
    }

    async fn managed_image(&self, location: &str, id: &ResourceId) -> Result<ImageVersion, Error> {
        let image: ManagedImage = self.own(self.arm().url(id, &[], &[("api-version", COMPUTE_API)])?).await?;
        if image.is_in(location) { Ok(image.version()) } else { Err(not_in(id, location)) }
    }

    async fn gallery_image(&self, location: &str, id: &ResourceId) -> Result<OwnImage, Error> {
        let definition = id.segments().take(10).fold(String::new(), |path, part| path + "/" + part);
        let definition = ResourceId::parse(&definition)?;
        let image = self.own::<GalleryImage>(self.arm().url(&definition, &[], &[("api-version", GALLERIES_API)])?);
        let (image, there) = join(image, self.has_version(location, &definition, id.after("versions"))).await;
        let image = image?.version(id.after("versions").unwrap_or("latest"));
        match there {
            Ok(true) => Ok(image.into()),
            Ok(false) => Err(not_in(id, location)),
            Err(error) if is_absent(&error) => Err(error),
            // Who may read the definition alone learns where its versions are when the machine is made.
            Err(error) => Ok(OwnImage { image, unverified: Some(error) }),
        }
    }

    /// Whether a version of an image, or any that `latest` may mean, is in a region.
    async fn has_version(&self, location: &str, image: &ResourceId, version: Option<&str>) -> Result<bool, Error> {
        let wanted = version.filter(|version| !version.eq_ignore_ascii_case("latest"));
        let segments: Vec<&str> = ["versions"].into_iter().chain(wanted).collect();
        let url = self.arm().url(image, &segments, &[("api-version", GALLERIES_API)])?;
        if wanted.is_some() {
            return Ok(self.own::<GalleryVersion>(url).await?.is_in(location));
        }
        let call = self.arm().call("arm.own_image.versions", Method::GET, url);
        let all: Vec<GalleryVersion> = List::new(self.arm(), Ok(call)).await?;
        Ok(all.iter().any(|version| version.counts_as_latest() && version.is_in(location)))
    }

    /// An image of a gallery outside every subscription, which each subscription shows in its regions.
    async fn public_image(&self, location: &str, galleries: &str, id: &ResourceId) -> Result<ImageVersion, Error> {
        let location = plain_region(location)?;
        let parts: Vec<&str> = id.segments().collect();
        let [_, gallery, _, name, version @ ..] = parts.as_slice() else { return Err(not_in(id, location)) };
        let image = ["providers", "Microsoft.Compute", "locations", location, galleries, gallery, "images", name];
        let api = [("api-version", GALLERIES_API)];
        let definition = self.own::<GalleryImage>(self.arm().url(self.scope(), &image, &api)?);
        let wanted = version.get(1).filter(|version| !version.eq_ignore_ascii_case("latest"));
        let Some(wanted) = wanted else { return Ok(definition.await?.version("latest")) };
        let segments: Vec<&str> = image.into_iter().chain(["versions", *wanted]).collect();
        let version = self.own::<serde_json::Value>(self.arm().url(self.scope(), &segments, &api)?);
        let (definition, version) = join(definition, version).await;
        version?;
        Ok(definition?.version(wanted))
    }

    async fn own<T: DeserializeOwned>(&self, url: Url) -> Result<T, Error> {
        let arm: &Arm = self.arm();
        arm.read(arm.call(GET, Method::GET, url)).await
    }
}

fn not_in(id: &ResourceId, location: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the image {id} is not in {location}"))
        .in_operation(GET)
        .with_advice("have the image copied to the region, or choose another image or region")
}

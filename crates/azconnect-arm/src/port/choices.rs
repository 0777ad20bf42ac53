//! What a form offers to choose from, as a port.

use async_trait::async_trait;
use azconnect_core::Error;

use crate::choices::{Offer, OfferedGroup, OfferedImage, OfferedRegion, OfferedSize, SizeFilter, SubscriptionChoices};

/// What one subscription offers to choose from, for a form. Reading changes nothing.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::choices` checks:
/// - what the service lists is marked as listed, with the time at which it was read;
/// - where the identity may not list, as one that works in a single resource group, regions, sizes and images are
///   [built in](crate::choices::OfferSource::BuiltIn), with the date of the catalogue and the refusal as a notice;
/// - any other failure is an error: an outage is never covered by what is built in;
/// - a size that the subscription may not use in the region is told as closed, with the service's word for why;
/// - a filter leaves out what does not fulfil it, and nothing else;
/// - a region that is not one word is [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput), before any request;
/// - every offer can be written as JSON and read back.
#[async_trait]
pub trait Choices: Send + Sync {
    /// The regions of the subscription in which machines can be, by their names for people. In a subscription in which nothing
    /// can be created, a notice says so.
    async fn regions(&self) -> Result<Offer<OfferedRegion>, Error>;

    /// The sizes of a region that a filter accepts, those of one family together. A region that is not known, or has no machines,
    /// offers none, and a notice says so.
    async fn sizes(&self, region: &str, filter: &SizeFilter) -> Result<Offer<OfferedSize>, Error>;

    /// The usual images by their short names, each with its newest version in the region. One that the region does not have is
    /// missing.
    async fn images(&self, region: &str) -> Result<Offer<OfferedImage>, Error>;

    /// The resource groups that the identity sees, by name. Where it may list none and knows none,
    /// [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied).
    async fn groups(&self) -> Result<Offer<OfferedGroup>, Error>;
}

#[async_trait]
impl Choices for SubscriptionChoices {
    async fn regions(&self) -> Result<Offer<OfferedRegion>, Error> {
        Self::regions(self).await
    }

    async fn sizes(&self, region: &str, filter: &SizeFilter) -> Result<Offer<OfferedSize>, Error> {
        Self::sizes(self, region, filter).await
    }

    async fn images(&self, region: &str) -> Result<Offer<OfferedImage>, Error> {
        Self::images(self, region).await
    }

    async fn groups(&self) -> Result<Offer<OfferedGroup>, Error> {
        Self::groups(self).await
    }
}

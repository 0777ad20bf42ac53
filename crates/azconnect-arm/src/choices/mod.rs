//! What a form offers to choose from: regions, sizes, images and resource groups, as data for a page.

mod built_in;
mod built_in_sizes;
mod filter;
mod group;
mod image;
mod notice;
mod offer;
mod reader;
mod region;
mod size;

pub use filter::SizeFilter;
pub use group::OfferedGroup;
pub use image::OfferedImage;
pub use offer::{Offer, OfferSource};
pub use reader::SubscriptionChoices;
pub use region::OfferedRegion;
pub use size::{Architecture, Availability, OfferedSize};

//! Reads what a subscription offers, and falls back on the built-in catalogue where it may not.

use std::fmt;

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind, ResourceGroupName};
use futures_util::future::{join, join_all};
use serde::Deserialize as _;
use time::OffsetDateTime;

use super::built_in::{self, AS_OF};
use super::built_in_sizes;
use super::filter::SizeFilter;
use super::group::OfferedGroup;
use super::image::OfferedImage;
use super::notice::closed;
use super::offer::Offer;
use super::region::OfferedRegion;
use super::size::OfferedSize;
use crate::client::{Subscription, plain_region};
use crate::error::{is_about_rights, is_absent};
use crate::resource::group::ResourceGroup;
use crate::spec::aliases;

/// The most sizes that are kept. A region has between one and two thousand.
const MOST_SIZES: usize = 20_000;

/// What a subscription offers to choose from, read with one identity. Cheap to clone.
#[derive(Clone)]
pub struct SubscriptionChoices {
    subscription: Subscription,
    group: Option<ResourceGroupName>,
}

impl Subscription {
    /// What the subscription offers to choose from, for a form. Nothing is sent.
    pub fn choices(&self) -> SubscriptionChoices {
        SubscriptionChoices { subscription: self.clone(), group: None }
    }
}

impl SubscriptionChoices {
    /// Sets a resource group that the identity is known to work in. It is offered where it is not listed, and may be read.
    #[must_use]
    pub fn with_group(mut self, group: ResourceGroupName) -> Self {
        self.group = Some(group);
        self
    }

    /// The regions of the subscription in which machines can be. See [`Choices::regions`](crate::port::Choices::regions).
    ///
    /// # Errors
    /// As the port says.
    pub async fn regions(&self) -> Result<Offer<OfferedRegion>, Error> {
        let list = self.subscription.location_records().into_future();
        let (records, view) = join(list, self.subscription.get()).await;
        let notice = view.ok().and_then(|view| closed(&view));
        let offer = match records {
            Ok(records) => {
                let read: Vec<_> = records.iter().map(OfferedRegion::read).collect();
                let left_out = read.iter().filter(|one| one.is_none()).count();
                let mut regions: Vec<_> = read.into_iter().flatten().flatten().collect();
                regions.sort_by(|one, other| one.display_name.cmp(&other.display_name));
                Offer::listed(regions, self.now()).with_left_out(left_out)
            }
            Err(error) => self.built_in(error, built_in::regions)?,
        };
        Ok(offer.with_notices(notice))
    }

    /// The sizes of a region. See [`Choices::sizes`](crate::port::Choices::sizes).
    ///
    /// # Errors
    /// As the port says.
    pub async fn sizes(&self, region: &str, filter: &SizeFilter) -> Result<Offer<OfferedSize>, Error> {
        let region = plain_region(region)?.to_ascii_lowercase();
        let mut list = self.subscription.skus(Some(&region))?.tolerant();
        let (mut sizes, mut left_out, mut is_empty) = (Vec::new(), 0, true);
        loop {
            let sku = match list.next().await {
                Ok(Some(sku)) => sku,
                Ok(None) => break,
                Err(error) => {
                    let wanted = || built_in_sizes::sizes().into_iter().filter(|size| filter.accepts(size)).collect();
                    return self.built_in(error, wanted);
                }
            };
            if !sku.resource_type.eq_ignore_ascii_case("virtualMachines") || !sku.is_in(&region) {
                continue;
            }
            let Some(size) = OfferedSize::read(&sku, &region) else {
                left_out += 1;
                continue;
            };
            is_empty = false;
            if filter.accepts(&size) {
                keep(&mut sizes, size)?;
            }
        }
        sizes.sort_by(|one, other| (&one.family, one.cores, &one.name).cmp(&(&other.family, other.cores, &other.name)));
        sizes.dedup_by(|one, other| one.name == other.name);
        let notice = is_empty.then(|| no_size(&region));
        Ok(Offer::listed(sizes, self.now()).with_left_out(left_out + list.passed_over()).with_notices(notice))
    }

    /// The usual images with their newest versions in a region. See [`Choices::images`](crate::port::Choices::images).
    ///
    /// # Errors
    /// As the port says.
    pub async fn images(&self, region: &str) -> Result<Offer<OfferedImage>, Error> {
        let region = plain_region(region)?;
        let read = aliases().map(async |(alias, urn)| (alias, self.subscription.image(region, &urn).await, urn));
        let (mut images, mut left_out) = (Vec::new(), 0);
        for (alias, found, urn) in join_all(read).await {
            match found {
                Ok(found) => match OfferedImage::read(alias, urn, found) {
                    Some(image) => images.push(image),
                    None => left_out += 1,
                },
                // The region has others, and not this one.
                Err(error) if is_absent(&error) => {}
                Err(error) => {
                    return self
                        .built_in(error, || aliases().map(|(alias, urn)| OfferedImage::new(alias, urn)).collect());
                }
            }
        }
        Ok(Offer::listed(images, self.now()).with_left_out(left_out))
    }

    /// The resource groups that the identity sees. See [`Choices::groups`](crate::port::Choices::groups).
    ///
    /// # Errors
    /// As the port says.
    pub async fn groups(&self) -> Result<Offer<OfferedGroup>, Error> {
        let listed = self.subscription.group_records().await;
        let (mut groups, left_out, refusal) = match listed {
            Ok(records) => {
                let read = records.iter().map(|one| ResourceGroup::deserialize(one).ok().and_then(OfferedGroup::of));
                let read: Vec<_> = read.collect();
                let left_out = read.iter().filter(|one| one.is_none()).count();
                (read.into_iter().flatten().collect::<Vec<_>>(), left_out, None)
            }
            Err(error) if is_about_rights(&error) => (Vec::new(), 0, Some(error)),
            Err(error) => return Err(error),
        };
        let own = self.own_group(&groups).await;
        groups.extend(own);
        match refusal {
            Some(error) if groups.is_empty() => {
                Err(error.with_advice("ask for the name of the resource group that the identity works in"))
            }
            _ => {
                groups.sort_by_key(|group| group.name.to_ascii_lowercase());
                Ok(Offer::listed(groups, self.now()).with_left_out(left_out))
            }
        }
    }

    /// The group that the identity is known to work in, where it is not listed: lists lag behind.
    async fn own_group(&self, listed: &[OfferedGroup]) -> Option<OfferedGroup> {
        let name = self.group.as_ref()?;
        if listed.iter().any(|group| group.name.eq_ignore_ascii_case(name.as_str())) {
            return None;
        }
        self.subscription.group(name).handle().get().await.ok().and_then(OfferedGroup::of)
    }

    /// What is built in, in place of a list that may not be read; any other error stays one, since it passes.
    fn built_in<T>(&self, error: Error, entries: impl FnOnce() -> Vec<T>) -> Result<Offer<T>, Error> {
        // Any Azure but the public one has other regions, sizes and images.
        if !is_about_rights(&error) || !self.subscription.arm().is_public() {
            return Err(error);
        }
        Ok(Offer::built_in(entries(), AS_OF, self.now(), error.diagnosis().clone()))
    }

    fn now(&self) -> OffsetDateTime {
        self.subscription.arm().clock().now()
    }
}

/// Keeps a size, up to a bound that no region reaches.
fn keep(sizes: &mut Vec<OfferedSize>, size: OfferedSize) -> Result<(), Error> {
    if sizes.len() >= MOST_SIZES {
        return Err(Error::new(ErrorKind::Unexpected, "the list of sizes is longer than any region's")
            .with_effect(Effect::None)
            .in_operation("arm.sku.list")
            .with_advice("ask for fewer sizes with a filter"));
    }
    sizes.push(size);
    Ok(())
}

fn no_size(region: &str) -> Diagnosis {
    Diagnosis::new(ErrorKind::NotFound, format!("{region} offers no size of machine to this subscription"))
        .with_effect(Effect::None)
        .with_field("location")
        .with_advice("choose another region")
}

impl fmt::Debug for SubscriptionChoices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionChoices")
            .field("subscription", &self.subscription)
            .field("group", &self.group)
            .finish()
    }
}

//! What the fake offers to choose from.

use async_trait::async_trait;
use azconnect_arm::choices::{
    Architecture, Availability, Offer, OfferedGroup, OfferedImage, OfferedRegion, OfferedSize, SizeFilter,
};
use azconnect_arm::port::Choices;
use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};
use time::OffsetDateTime;
use time::macros::datetime;

use super::Subscription;
use super::world::{ArmCall, SIZES, World};

/// When everything is read: the fake has no clock.
const READ_AT: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

/// The day of the fake's catalogue for an identity that may not list.
const AS_OF: OffsetDateTime = datetime!(2025-01-01 0:00 UTC);

const REGIONS: [(&str, &str); 2] = [("northeurope", "North Europe"), ("westeurope", "West Europe")];

#[async_trait]
impl Choices for Subscription {
    async fn regions(&self) -> Result<Offer<OfferedRegion>, Error> {
        self.faults.read(&ArmCall::Choices, || {
            let regions = REGIONS.map(|(name, display)| OfferedRegion::new(name, display).with_zones(["1", "2", "3"]));
            Ok(offered(&self.world(), regions.into(), "Microsoft.Resources/subscriptions/locations/read"))
        })
    }

    async fn sizes(&self, region: &str, filter: &SizeFilter) -> Result<Offer<OfferedSize>, Error> {
        let region = one_word(region)?;
        self.faults.read(&ArmCall::Choices, || {
            let world = self.world();
            let all = if is_known(&region) || world.own_group.is_some() { SIZES.as_slice() } else { &[] };
            let sizes = all.iter().map(|(name, cores, memory)| {
                OfferedSize::new(*name)
                    .with_shape("standardFamily", *cores, memory * 1024)
                    .with_architecture(Architecture::X64, &["V1", "V2"])
                    .with_availability(world.availability(&region, name))
            });
            let sizes = sizes.filter(|size| filter.accepts(size)).collect();
            let offer = offered(&world, sizes, "Microsoft.Compute/skus/read");
            Ok(offer.with_notices(all.is_empty().then(|| no_size(&region))))
        })
    }

    async fn images(&self, region: &str) -> Result<Offer<OfferedImage>, Error> {
        let region = one_word(region)?;
        self.faults.read(&ArmCall::Choices, || {
            let world = self.world();
            let urn = "Canonical:ubuntu-24_04-lts:server:latest".parse()?;
            let image = OfferedImage::new("Ubuntu2404", urn);
            let image = if world.own_group.is_some() { image } else { image.with_version("24.04.202510010") };
            let images = if is_known(&region) || world.own_group.is_some() { vec![image] } else { Vec::new() };
            Ok(offered(&world, images, "Microsoft.Compute/locations/publishers/read"))
        })
    }

    async fn groups(&self) -> Result<Offer<OfferedGroup>, Error> {
        self.faults.read(&ArmCall::Choices, || {
            let world = self.world();
            let seen = |name: &&String| world.own_group.as_ref().is_none_or(|own| own == *name);
            let region = |name: &String| world.group_regions.get(name).map_or("westeurope", String::as_str).to_owned();
            let group = |name: &String| OfferedGroup::new(name, region(name)).with_provisioning_state("Succeeded");
            Ok(Offer::listed(world.groups.iter().filter(seen).map(group).collect(), READ_AT))
        })
    }
}

/// A list, as far as the caller may have it.
fn offered<T>(world: &World, entries: Vec<T>, action: &str) -> Offer<T> {
    if world.own_group.is_none() {
        return Offer::listed(entries, READ_AT);
    }
    let why = Diagnosis::new(ErrorKind::PermissionDenied, "the identity may not list this")
        .with_effect(Effect::None)
        .with_service_code("AuthorizationFailed")
        .with_http_status(403)
        .with_advice(format!("have a role given at the subscription that allows {action}"));
    Offer::built_in(entries, AS_OF, READ_AT, why)
}

impl World {
    fn availability(&self, region: &str, size: &str) -> Availability {
        if self.own_group.is_some() {
            return Availability::Unknown;
        }
        let is_closed = self.closed_sizes.iter().any(|(at, name)| at == region && name.eq_ignore_ascii_case(size));
        let reason = || Availability::Closed { reason: "NotAvailableForSubscription".to_owned() };
        if is_closed { reason() } else { Availability::Available }
    }
}

fn is_known(region: &str) -> bool {
    REGIONS.iter().any(|(name, _)| *name == region)
}

fn one_word(region: &str) -> Result<String, Error> {
    if region.is_empty() || !region.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Error::invalid("location", "is not the name of a region")
            .with_advice("give the region as one word, such as westeurope"));
    }
    Ok(region.to_ascii_lowercase())
}

fn no_size(region: &str) -> Diagnosis {
    Diagnosis::new(ErrorKind::NotFound, format!("{region} offers no size of machine to this subscription"))
        .with_effect(Effect::None)
        .with_field("location")
        .with_advice("choose another region")
}

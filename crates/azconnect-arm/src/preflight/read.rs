//! The reads of a preflight, all at once, after the sign-in.

use std::sync::Arc;

use azconnect_core::{Error, ErrorKind};
use futures_util::future::join;

use super::presence::{self, Presence};
use super::validation::Asked;
use crate::client::{OwnImage, Subscription};
use crate::resource::ResourceId;
use crate::resource::access::Permissions;
use crate::resource::group::ResourceGroup;
use crate::resource::image::ImageVersion;
use crate::resource::network::VirtualNetwork;
use crate::resource::sku::Sku;
use crate::resource::subscription::{Location, Provider, SubscriptionView};
use crate::resource::terms::ImageTerms;
use crate::resource::usage::Usage;
use crate::spec::{ImageChoice, NetworkChoice, VmSpec};

/// The facts that a preflight reads, each as it was read or with the error that prevented it.
pub(super) struct Facts {
    pub(super) subscription: Result<SubscriptionView, Error>,
    pub(super) locations: Result<Vec<Location>, Error>,
    pub(super) group: Result<Option<ResourceGroup>, Error>,
    pub(super) permissions: Result<Vec<Permissions>, Error>,
    pub(super) sizes: Result<Arc<[Sku]>, Error>,
    pub(super) compute: Result<Vec<Usage>, Error>,
    pub(super) network: Result<Vec<Usage>, Error>,
    pub(super) image: Result<ImageVersion, Error>,
    /// What prevented to read whether the image's version is in the region, where its definition was read.
    pub(super) unverified: Option<Error>,
    /// `None` for an image that is not known to be sold on the marketplace.
    pub(super) terms: Option<Result<ImageTerms, Error>>,
    pub(super) providers: Vec<(&'static str, Result<Provider, Error>)>,
    /// `None` if a network is to be created.
    pub(super) existing_network: Option<ExistingNetwork>,
    /// What the identity may do at a network security group that is in a group of others. `None` if there is none such.
    pub(super) security_group: Option<Result<Vec<Permissions>, Error>>,
    pub(super) presence: Presence,
    /// Empty until the service was asked.
    pub(super) validation: Vec<Asked>,
}

/// A network that is there already, often in a group of others.
pub(super) struct ExistingNetwork {
    pub(super) network: Result<VirtualNetwork, Error>,
    /// What the identity may do at the network: a role at its group or at the network itself counts.
    pub(super) permissions: Result<Vec<Permissions>, Error>,
}

impl Facts {
    /// Whether it is known that a provider is not registered, so that its quotas and offers cannot be read.
    pub(super) fn lacks_provider(&self, namespace: &str) -> bool {
        self.providers
            .iter()
            .any(|(name, found)| *name == namespace && found.as_ref().is_ok_and(|found| !found.is_registered()))
    }

    /// Whether it is known that the subscription does not have the region.
    pub(super) fn lacks_region(&self, location: &str) -> bool {
        let known = |locations: &Vec<Location>| locations.iter().any(|one| one.name.eq_ignore_ascii_case(location));
        self.locations.as_ref().is_ok_and(|locations| !known(locations))
    }
}

/// Signs in, then reads everything. The error is that of the sign-in, without which nothing is read.
pub(super) async fn read(subscription: &Subscription, spec: &VmSpec) -> Result<Facts, Error> {
    subscription.arm().sign_in().await?;
    let location = spec.location.as_str();
    let first = join(join(subscription.get(), subscription.locations().into_future()), read_group(subscription, spec));
    let sizes = join(subscription.sizes(location, &spec.sizes), subscription.compute_usages(location).into_future());
    let rest = join(subscription.network_usages(location).into_future(), read_sold_image(subscription, spec));
    let providers = join(subscription.provider("Microsoft.Compute"), subscription.provider("Microsoft.Network"));
    let existing = join(read_network(subscription, spec), read_security_group(subscription, spec));
    let existing = join(existing, presence::read(subscription, spec));
    let all = join(join(first, sizes), join(join(rest, providers), existing));
    let (
        (((view, locations), (group, permissions)), (sizes, compute)),
        (((network, (image, unverified, terms)), providers), ((existing_network, security_group), presence)),
    ) = all.await;
    Ok(Facts {
        subscription: view,
        locations,
        group,
        permissions,
        sizes,
        compute,
        network,
        image,
        unverified,
        terms,
        providers: vec![("Microsoft.Compute", providers.0), ("Microsoft.Network", providers.1)],
        existing_network,
        security_group,
        presence,
        validation: Vec::new(),
    })
}

/// The group, and what the identity may do: in the group if it exists, else in the subscription.
async fn read_group(
    subscription: &Subscription,
    spec: &VmSpec,
) -> (Result<Option<ResourceGroup>, Error>, Result<Vec<Permissions>, Error>) {
    let group = subscription.group(spec.group.name());
    let found = group.handle().find().await;
    let scope = if matches!(found, Ok(None)) { subscription.scope() } else { group.id() };
    let permissions = subscription.arm().permissions(scope).await;
    (found, permissions)
}

/// The image, what prevented to verify its version, and the terms that it is sold under.
async fn read_sold_image(
    subscription: &Subscription,
    spec: &VmSpec,
) -> (Result<ImageVersion, Error>, Option<Error>, Option<Result<ImageTerms, Error>>) {
    let (image, unverified) = match read_image(subscription, spec).await {
        Ok(found) => (Ok(found.image), found.unverified),
        Err(error) => (Err(error), None),
    };
    let plan = image.as_ref().ok().and_then(|image| image.properties.plan.as_ref());
    let terms = match plan {
        Some(plan) => Some(subscription.image_terms(plan).await),
        None => None,
    };
    (image, unverified, terms)
}

async fn read_image(subscription: &Subscription, spec: &VmSpec) -> Result<OwnImage, Error> {
    match &spec.image {
        ImageChoice::Urn(urn) => subscription.image(&spec.location, urn).await.map(OwnImage::from),
        ImageChoice::Id(id) => subscription.own_image(&spec.location, id).await,
    }
}

async fn read_network(subscription: &Subscription, spec: &VmSpec) -> Option<ExistingNetwork> {
    let NetworkChoice::Existing(subnet) = &spec.network else { return None };
    Some(match network_of(subnet) {
        Ok((id, group, name)) => {
            let owner = id.after("subscriptions").and_then(|owner| owner.parse().ok()).unwrap_or(subscription.id());
            let owner = subscription.arm().subscription(owner);
            let find = async { owner.group(&group.parse()?).virtual_network(name)?.get().await };
            let (network, permissions) = join(find, owner.arm().permissions(&id).into_future()).await;
            ExistingNetwork { network, permissions }
        }
        Err(error) => ExistingNetwork { network: Err(error), permissions: Ok(Vec::new()) },
    })
}

async fn read_security_group(subscription: &Subscription, spec: &VmSpec) -> Option<Result<Vec<Permissions>, Error>> {
    let id = spec.security_group.as_ref()?;
    let own = ResourceId::of_group(subscription.id(), spec.group.name());
    // What may be done in the machine's own group is read in any case.
    let alike =
        |word: &str| id.after(word).zip(own.after(word)).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other));
    if alike("subscriptions") && alike("resourceGroups") {
        None
    } else {
        Some(subscription.arm().permissions(id).await)
    }
}

/// The id of a subnet's network, with the names of its group and its own.
fn network_of(subnet: &ResourceId) -> Result<(ResourceId, &str, &str), Error> {
    let wrong = || {
        Error::new(ErrorKind::InvalidInput, "the id is not that of a subnet")
            .with_field("subnet")
            .with_advice("give an id of the form /subscriptions/…/virtualNetworks/NAME/subnets/NAME")
    };
    let (Some(group), Some(name)) = (subnet.group(), subnet.after("virtualNetworks")) else { return Err(wrong()) };
    // The subnet's own name is the last part, and the word before it that of its kind.
    let network = subnet.as_str().rsplitn(3, '/').nth(2).ok_or_else(wrong)?;
    Ok((ResourceId::parse(network)?, group, name))
}

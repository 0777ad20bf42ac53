//! The reads of a preflight, all at once.

use azconnect_core::{Error, ErrorKind};
use futures_util::future::join;

use crate::client::Subscription;
use crate::resource::ResourceId;
use crate::resource::access::Permissions;
use crate::resource::group::ResourceGroup;
use crate::resource::image::ImageVersion;
use crate::resource::network::VirtualNetwork;
use crate::resource::sku::Sku;
use crate::resource::subscription::{Location, Provider, SubscriptionView};
use crate::resource::usage::Usage;
use crate::spec::{ImageChoice, NetworkChoice, VmSpec};

/// The facts that a preflight reads, each as it was read or with the error that prevented it.
pub(super) struct Facts {
    pub(super) subscription: Result<SubscriptionView, Error>,
    pub(super) locations: Result<Vec<Location>, Error>,
    pub(super) group: Result<Option<ResourceGroup>, Error>,
    pub(super) permissions: Result<Vec<Permissions>, Error>,
    pub(super) skus: Result<Vec<Sku>, Error>,
    pub(super) compute: Result<Vec<Usage>, Error>,
    pub(super) network: Result<Vec<Usage>, Error>,
    /// `None` for an image of the customer's own.
    pub(super) image: Option<Result<ImageVersion, Error>>,
    pub(super) providers: Vec<(&'static str, Result<Provider, Error>)>,
    /// `None` if a network is to be created.
    pub(super) existing_network: Option<Result<VirtualNetwork, Error>>,
}

pub(super) async fn read(subscription: &Subscription, spec: &VmSpec) -> Facts {
    let location = spec.location.as_str();
    let first = join(join(subscription.get(), subscription.locations()), read_group(subscription, spec));
    let sizes = join(read_skus(subscription, spec), subscription.compute_usages(location));
    let rest = join(subscription.network_usages(location), read_image(subscription, spec));
    let providers = join(subscription.provider("Microsoft.Compute"), subscription.provider("Microsoft.Network"));
    let all = join(join(first, sizes), join(join(rest, providers), read_network(subscription, spec)));
    let (
        (((view, locations), (group, permissions)), (skus, compute)),
        (((network, image), providers), existing_network),
    ) = all.await;
    Facts {
        subscription: view,
        locations,
        group,
        permissions,
        skus,
        compute,
        network,
        image,
        providers: vec![("Microsoft.Compute", providers.0), ("Microsoft.Network", providers.1)],
        existing_network,
    }
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

/// The sizes of the specification that the region offers.
pub(crate) async fn read_skus(subscription: &Subscription, spec: &VmSpec) -> Result<Vec<Sku>, Error> {
    let mut list = subscription.skus(Some(&spec.location))?;
    let mut found = Vec::new();
    while let Some(sku) = list.next().await? {
        // Compared here: the region is the only thing that the service filters by.
        let wanted = spec.sizes.iter().any(|size| size.eq_ignore_ascii_case(&sku.name));
        if wanted && sku.resource_type.eq_ignore_ascii_case("virtualMachines") && sku.is_in(&spec.location) {
            found.push(sku);
        }
    }
    Ok(found)
}

pub(crate) async fn read_image(subscription: &Subscription, spec: &VmSpec) -> Option<Result<ImageVersion, Error>> {
    match &spec.image {
        ImageChoice::Urn(urn) => Some(subscription.image(&spec.location, urn).await),
        ImageChoice::Id(_) => None,
    }
}

async fn read_network(subscription: &Subscription, spec: &VmSpec) -> Option<Result<VirtualNetwork, Error>> {
    let NetworkChoice::Existing(subnet) = &spec.network else { return None };
    Some(find_network(subscription, subnet).await)
}

async fn find_network(subscription: &Subscription, subnet: &ResourceId) -> Result<VirtualNetwork, Error> {
    let elsewhere = || {
        Error::new(ErrorKind::Unsupported, "the subnet is in another subscription")
            .with_advice("check that the identity may join the subnet there")
    };
    let own = subnet.after("subscriptions").is_some_and(|id| id.eq_ignore_ascii_case(&subscription.id().to_string()));
    let (Some(group), Some(network), true) = (subnet.group(), subnet.after("virtualNetworks"), own) else {
        return Err(elsewhere());
    };
    let group = subscription.group(&group.parse()?);
    group.virtual_network(network)?.get().await
}

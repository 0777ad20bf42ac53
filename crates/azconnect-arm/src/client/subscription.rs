//! One subscription: where it may act, what it offers, and how much of it is used.

use std::fmt;

use azconnect_core::{Error, ErrorKind, ResourceGroupName, SubscriptionId};
use http::Method;
use serde::de::DeserializeOwned;

use super::arm::Arm;
use super::group::Group;
use super::handle::Handle;
use super::list::List;
use super::sizes::KnownSizes;
use super::skus::Skus;
use crate::resource::compute::VirtualMachine;
use crate::resource::group::ResourceGroup;
use crate::resource::image::{ImageVersion, Urn};
use crate::resource::subscription::{Location, Provider, SubscriptionView};
use crate::resource::usage::Usage;
use crate::resource::{COMPUTE_API, NETWORK_API, RESOURCES_API, ResourceId, SKUS_API, SUBSCRIPTIONS_API};

/// The client of one subscription. Cheap to clone.
#[derive(Clone)]
pub struct Subscription {
    arm: Arm,
    id: SubscriptionId,
    scope: ResourceId,
    sizes: KnownSizes,
}

impl Arm {
    /// The client of one subscription. Nothing is sent.
    pub fn subscription(&self, id: SubscriptionId) -> Subscription {
        let scope = ResourceId::of_subscription(id);
        Subscription { arm: self.of_subscription(id), id, scope, sizes: KnownSizes::default() }
    }

    /// The subscriptions that the identity can see.
    pub fn subscriptions(&self) -> List<SubscriptionView> {
        let url = self.root(&["subscriptions"], &[("api-version", SUBSCRIPTIONS_API)]);
        List::new(self, url.map(|url| self.call("arm.subscription.list", Method::GET, url)))
    }
}

impl Subscription {
    /// The GUID of the subscription.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// The id of the subscription as a scope, `/subscriptions/GUID`.
    pub fn scope(&self) -> &ResourceId {
        &self.scope
    }

    pub(crate) fn arm(&self) -> &Arm {
        &self.arm
    }

    pub(super) fn known_sizes(&self) -> &KnownSizes {
        &self.sizes
    }

    /// Reads the subscription.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if the identity cannot see it; any other refusal of the service.
    pub async fn get(&self) -> Result<SubscriptionView, Error> {
        let url = self.arm.url(&self.scope, &[], &[("api-version", SUBSCRIPTIONS_API)])?;
        self.arm.read(self.arm.call("arm.subscription.get", Method::GET, url)).await
    }

    /// The regions that the subscription may use.
    pub fn locations(&self) -> List<Location> {
        self.list("arm.location.list", &["locations"], SUBSCRIPTIONS_API)
    }

    /// Reads a resource provider, such as `Microsoft.Compute`.
    ///
    /// # Errors
    /// As [`Subscription::get`].
    pub async fn provider(&self, namespace: &str) -> Result<Provider, Error> {
        let url = self.arm.url(&self.scope, &["providers", namespace], &[("api-version", RESOURCES_API)])?;
        self.arm.read(self.arm.call("arm.provider.get", Method::GET, url)).await
    }

    /// Registers a resource provider. Idempotent. The service goes on for some minutes after it has answered:
    /// [`Subscription::provider`] tells when it is done.
    ///
    /// # Errors
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) with the command that an administrator runs instead.
    pub async fn register(&self, namespace: &str) -> Result<Provider, Error> {
        let url =
            self.arm.url(&self.scope, &["providers", namespace, "register"], &[("api-version", RESOURCES_API)])?;
        let call = self
            .arm
            .call("arm.provider.register", Method::POST, url)
            .with_idempotency(azconnect_http::Idempotency::Idempotent);
        self.arm.read(call).await.map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => error.with_advice(register_command(namespace, self.id)),
            _ => error,
        })
    }

    /// The resource groups that the identity can see.
    pub fn groups(&self) -> List<ResourceGroup> {
        self.list("arm.resource_group.list", &["resourcegroups"], RESOURCES_API)
    }

    /// One resource group, which may or may not exist.
    pub fn group(&self, name: &ResourceGroupName) -> Group {
        let id = ResourceId::of_group(self.id, name);
        Group::new(Handle::new(self.arm.clone(), id), name.clone())
    }

    /// The machines of all groups that the identity can see. The list lags behind creations and deletions.
    pub fn virtual_machines(&self) -> List<VirtualMachine> {
        self.list("arm.virtual_machine.list", &["providers", "Microsoft.Compute", "virtualMachines"], COMPUTE_API)
    }

    /// The regions as the service writes them, so that one that is written oddly does not hide the others.
    pub(crate) fn location_records(&self) -> List<serde_json::Value> {
        self.list("arm.location.list", &["locations"], SUBSCRIPTIONS_API)
    }

    /// The resource groups as the service writes them, likewise.
    pub(crate) fn group_records(&self) -> List<serde_json::Value> {
        self.list("arm.resource_group.list", &["resourcegroups"], RESOURCES_API)
    }

    fn list<T: DeserializeOwned + Send + 'static>(&self, operation: &'static str, rest: &[&str], api: &str) -> List<T> {
        let url = self.arm.url(&self.scope, rest, &[("api-version", api)]);
        List::new(&self.arm, url.map(|url| self.arm.call(operation, Method::GET, url)))
    }

    /// The sizes of a region, or of all regions. The list of all has up to 120 MB and is read as a stream.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a region that is not a plain word.
    pub fn skus(&self, location: Option<&str>) -> Result<Skus, Error> {
        let mut query = vec![("api-version", SKUS_API.to_owned())];
        if let Some(location) = location {
            query.push(("$filter", format!("location eq '{}'", plain_region(location)?)));
        }
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let url = self.arm.url(&self.scope, &["providers", "Microsoft.Compute", "skus"], &query)?;
        Ok(Skus::new(self.arm.clone(), url))
    }

    /// The quotas of Compute in a region, and how much of each is used.
    pub fn compute_usages(&self, location: &str) -> List<Usage> {
        self.usages("arm.usage.compute", "Microsoft.Compute", location, COMPUTE_API)
    }

    /// The quotas of Network in a region, and how much of each is used.
    pub fn network_usages(&self, location: &str) -> List<Usage> {
        self.usages("arm.usage.network", "Microsoft.Network", location, NETWORK_API)
    }

    fn usages(&self, operation: &'static str, provider: &str, location: &str, api: &str) -> List<Usage> {
        match plain_region(location) {
            Ok(location) => self.list(operation, &["providers", provider, "locations", location, "usages"], api),
            Err(error) => List::new(&self.arm, Err(error)),
        }
    }

    /// Reads one version of an image. For `latest`, it is the newest in the region.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is none.
    pub async fn image(&self, location: &str, urn: &Urn) -> Result<ImageVersion, Error> {
        let version = if urn.is_latest() { self.latest_version(location, urn).await? } else { urn.version.clone() };
        let location = plain_region(location)?;
        let segments = image_segments(location, urn);
        let segments: Vec<&str> = segments.into_iter().chain([version.as_str()]).collect();
        let url = self.arm.url(&self.scope, &segments, &[("api-version", COMPUTE_API)])?;
        self.arm.read(self.arm.call("arm.image.get", Method::GET, url)).await
    }

    async fn latest_version(&self, location: &str, urn: &Urn) -> Result<String, Error> {
        // Sorted by the service, so that it sends one version instead of all.
        let query = [("api-version", COMPUTE_API), ("$top", "1"), ("$orderby", "name desc")];
        let url = self.arm.url(&self.scope, &image_segments(plain_region(location)?, urn), &query)?;
        let versions: Vec<ImageVersion> = self.arm.read(self.arm.call("arm.image.versions", Method::GET, url)).await?;
        let newest = versions.into_iter().next().map(|version| version.name).filter(|name| !name.is_empty());
        newest.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("the image {urn} has no version in {location}"))
                .in_operation("arm.image.versions")
                .with_advice("check the image's name, and whether the region offers it")
        })
    }
}

/// The command with which an administrator registers a resource provider.
pub(crate) fn register_command(namespace: &str, subscription: SubscriptionId) -> String {
    format!("an administrator runs: az provider register --namespace {namespace} --subscription {subscription}")
}

fn image_segments<'a>(location: &'a str, urn: &'a Urn) -> [&'a str; 13] {
    let Urn { publisher, offer, sku, .. } = urn;
    [
        "providers",
        "Microsoft.Compute",
        "locations",
        location,
        "publishers",
        publisher,
        "artifacttypes",
        "vmimage",
        "offers",
        offer,
        "skus",
        sku,
        "versions",
    ]
}

/// A region as the service names it. It is one word, so that it cannot change a filter or a path that it becomes part
/// of.
pub(crate) fn plain_region(location: &str) -> Result<&str, Error> {
    if location.is_empty() || !location.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Error::invalid("location", "is not the name of a region")
            .with_advice("give the region as one word, such as westeurope"));
    }
    Ok(location)
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&self.id).finish()
    }
}

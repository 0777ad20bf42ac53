//! What a subscription may do in Azure Resource Manager: its state, providers, quotas and restrictions.

use std::collections::{BTreeMap, BTreeSet};

use super::address::same;
use super::policy::Policy;

/// What a subscription may do, and how much of it.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// As the service writes it, such as `Enabled`.
    pub(crate) state: String,
    /// By namespace in lower case; one that is absent is not registered.
    pub(crate) providers: BTreeMap<String, Registration>,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) restrictions: Vec<Restriction>,
    /// `publisher/offer/sku` in lower case, of plans whose terms are accepted.
    pub(crate) terms: BTreeSet<String>,
    /// `namespace/feature` in lower case, of the features that the subscription is registered for.
    pub(crate) features: BTreeSet<String>,
    pub(crate) policies: Vec<Policy>,
    /// The tag names in lower case, each with the values that were made for it.
    pub(crate) tag_names: BTreeMap<String, BTreeSet<String>>,
}

/// Whether a resource provider is registered for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registration {
    NotRegistered,
    Registering,
    Registered,
}

/// A limit other than the usual one.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    pub(crate) location: String,
    pub(crate) name: String,
    pub(crate) limit: u32,
}

/// A size that a subscription may not have.
#[derive(Clone, Debug)]
pub(crate) struct Restriction {
    pub(crate) location: String,
    pub(crate) size: String,
    /// The zones without it; empty for the whole region.
    pub(crate) zones: Vec<String>,
}

impl Default for Account {
    fn default() -> Self {
        let registered = ["Microsoft.Authorization", "Microsoft.Compute", "Microsoft.Network", "Microsoft.Resources"];
        Self {
            state: "Enabled".to_owned(),
            providers: registered
                .iter()
                .map(|namespace| (namespace.to_ascii_lowercase(), Registration::Registered))
                .collect(),
            quotas: Vec::new(),
            restrictions: Vec::new(),
            terms: BTreeSet::new(),
            features: BTreeSet::new(),
            policies: Vec::new(),
            tag_names: BTreeMap::new(),
        }
    }
}

impl Account {
    /// The limit of a quota: `cores`, a family, `virtualMachines` and so on.
    pub(crate) fn limit(&self, location: &str, name: &str, usual: u32) -> u32 {
        // From the end: a quota that is set again replaces the earlier one.
        let own = self.quotas.iter().rev().find(|quota| same(&quota.location, location) && same(&quota.name, name));
        own.map_or(usual, |quota| quota.limit)
    }

    pub(crate) fn is_registered(&self, namespace: &str) -> bool {
        self.providers.get(&namespace.to_ascii_lowercase()) == Some(&Registration::Registered)
    }

    /// The zones without a size; an empty list means the whole region.
    pub(crate) fn restriction(&self, location: &str, size: &str) -> Option<&Restriction> {
        self.restrictions.iter().find(|r| same(&r.location, location) && same(&r.size, size))
    }
}

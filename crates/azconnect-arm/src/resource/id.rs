//! Resource ids: the name of a resource that is unique in all of Azure.

use std::fmt;

use azconnect_core::{Error, ResourceGroupName, SubscriptionId};
use serde::{Deserialize, Serialize};

/// The id of a resource, such as `/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/virtualMachines/web`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId(Box<str>);

impl ResourceId {
    /// Reads an id as the service writes it.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) unless it begins with a slash and has no empty part.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |message: &str| {
            Err(Error::invalid("resource_id", message)
                .with_advice("give the id as the portal shows it, such as /subscriptions/…/resourceGroups/…"))
        };
        let Some(rest) = text.strip_prefix('/') else { return wrong("does not begin with a slash") };
        if text.len() > 2000 {
            return wrong("is longer than 2,000 bytes");
        }
        if rest.split('/').any(|part| part.is_empty() || part == "." || part == ".." || !is_plain(part)) {
            return wrong("has an empty part, or one that no resource can be called");
        }
        Ok(Self(text.into()))
    }

    /// The id of a subscription, `/subscriptions/GUID`.
    pub fn of_subscription(subscription: SubscriptionId) -> Self {
        Self(format!("/subscriptions/{subscription}").into())
    }

    /// The id of a resource group, `/subscriptions/GUID/resourceGroups/NAME`.
    pub fn of_group(subscription: SubscriptionId, group: &ResourceGroupName) -> Self {
        Self(format!("/subscriptions/{subscription}/resourceGroups/{group}").into())
    }

    /// The id of a resource of a provider's type below this scope, such as
    /// (`Microsoft.Network/virtualNetworks`, `vnet`).
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a name that cannot be part of an id.
    pub fn provider(&self, kind: &str, name: &str) -> Result<Self, Error> {
        Self::parse(&format!("{self}/providers/{kind}/{}", part(name)?))
    }

    /// The id of a part of this resource, such as (`subnets`, `default`).
    ///
    /// # Errors
    /// As [`ResourceId::provider`].
    pub fn child(&self, kind: &str, name: &str) -> Result<Self, Error> {
        Self::parse(&format!("{self}/{kind}/{}", part(name)?))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the resource, which is the last part of the id.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The name of the resource group in the id; `None` for a subscription.
    pub fn group(&self) -> Option<&str> {
        self.after("resourceGroups")
    }

    /// The part that follows a word, such as the name after `virtualNetworks`. Case does not matter.
    pub fn after(&self, word: &str) -> Option<&str> {
        let mut parts = self.0.split('/');
        parts.find(|part| part.eq_ignore_ascii_case(word))?;
        parts.next()
    }

    /// Whether both ids name the same resource. Case does not matter here, but it does to `==`.
    pub fn is(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').skip(1)
    }
}

fn part(name: &str) -> Result<&str, Error> {
    if name.is_empty() || name == "." || name == ".." || name.contains('/') || !is_plain(name) {
        return Err(Error::invalid("resource_name", "cannot be part of a resource id")
            .with_advice("use letters, digits, hyphens, underscores and periods"));
    }
    Ok(name)
}

fn is_plain(part: &str) -> bool {
    !part.chars().any(|c| c.is_control() || matches!(c, '?' | '#' | '%' | '\\' | '"' | '<' | '>' | '&'))
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceId({})", self.0)
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.0.into()
    }
}

impl TryFrom<String> for ResourceId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl std::str::FromStr for ResourceId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_found_whatever_their_case() {
        let id: ResourceId =
            "/subscriptions/s/resourcegroups/g/providers/Microsoft.Network/networkInterfaces/n".parse().unwrap();
        assert_eq!((id.group(), id.name()), (Some("g"), "n"));
    }

    #[test]
    fn a_name_never_adds_a_part() {
        let group: ResourceId = "/subscriptions/s/resourceGroups/g".parse().unwrap();
        for bad in ["a/b", "..", ".", "", "a?b", "a%2fb", "a#b", "a\nb"] {
            assert!(group.provider("Microsoft.Compute/virtualMachines", bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_template_of_a_name_has_one_part_more_or_none(name in "\\PC{0,40}") {
            let group: ResourceId = "/subscriptions/s/resourceGroups/g".parse().unwrap();
            if let Ok(id) = group.provider("Microsoft.Compute/virtualMachines", &name) {
                prop_assert_eq!(id.segments().count(), 8);
                prop_assert_eq!(id.name(), name.as_str());
            }
        }
    }
}

//! Policies of a subscription: what they refuse to have created or changed.

use serde_json::Value;

use super::address::same;

/// A policy with the effect *deny*, assigned to a subscription.
///
/// ```
/// use azconnect_emulator::arm::Policy;
///
/// let tagged = Policy::required_tag("Require a cost centre", "costCenter");
/// let sizes = Policy::allowed_sizes("Allowed sizes", &["Standard_B2s"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// The display name, which refusals name.
    pub display_name: String,
    rule: Rule,
    on_groups: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Tag(String),
    Locations(Vec<String>),
    Sizes(Vec<String>),
}

impl Policy {
    fn new(display_name: &str, rule: Rule) -> Self {
        Self { display_name: display_name.to_owned(), rule, on_groups: false }
    }

    /// A policy that refuses resources without a tag.
    pub fn required_tag(display_name: &str, tag: &str) -> Self {
        Self::new(display_name, Rule::Tag(tag.to_owned()))
    }

    /// A policy that refuses resources outside some regions.
    pub fn allowed_locations(display_name: &str, locations: &[&str]) -> Self {
        Self::new(display_name, Rule::Locations(texts(locations)))
    }

    /// A policy that refuses machines of other sizes.
    pub fn allowed_sizes(display_name: &str, sizes: &[&str]) -> Self {
        Self::new(display_name, Rule::Sizes(texts(sizes)))
    }

    /// Makes it a policy on resource groups; without this it is one on everything in them, as Azure's built-in ones are.
    #[must_use]
    pub fn on_groups(mut self) -> Self {
        self.on_groups = true;
        self
    }

    /// Whether it refuses a resource of a type, such as `Microsoft.Compute/virtualMachines`, with this body.
    pub(crate) fn refuses(&self, kind: &str, body: &Value) -> bool {
        if self.on_groups != same(kind, GROUPS) {
            return false;
        }
        let among = |list: &[String], text: &str| list.iter().any(|one| same(one, text));
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        match &self.rule {
            Rule::Tag(tag) => {
                let tags = body.get("tags").and_then(Value::as_object);
                !tags.is_some_and(|tags| tags.keys().any(|name| same(name, tag)))
            }
            Rule::Locations(allowed) => text("/location").is_some_and(|location| !among(allowed, location)),
            Rule::Sizes(allowed) => {
                same(kind, "Microsoft.Compute/virtualMachines")
                    && text("/properties/hardwareProfile/vmSize").is_some_and(|size| !among(allowed, size))
            }
        }
    }
}

/// The type of a resource group, as policies name it.
pub(crate) const GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups";

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

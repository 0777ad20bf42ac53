//! What a form for a machine would offer in the subscription, in a few lines.

use azconnect::arm::choices::{Offer, OfferedGroup, OfferedImage, OfferedRegion, OfferedSize};
use azconnect_examples::page::{hanging, names};
use serde_json::{Value, json};

/// What the subscription offers to choose from.
pub struct Offered {
    pub regions: Offer<OfferedRegion>,
    pub sizes: Offer<OfferedSize>,
    pub images: Offer<OfferedImage>,
    pub groups: Offer<OfferedGroup>,
}

impl Offered {
    pub fn as_json(&self, region: &str) -> Value {
        let Self { regions, sizes, images, groups } = self;
        json!({
            "type": "offered", "region": region,
            "regions": regions, "sizes": sizes, "images": images, "groups": groups,
        })
    }

    pub fn as_text(&self, region: &str) -> String {
        let image = |image: &OfferedImage| match &image.version {
            Some(version) => format!("{} {version}", image.alias),
            None => image.alias.clone(),
        };
        let lines = [
            line("regions", &self.regions, |region| region.name.clone()),
            line(&format!("sizes in {region}"), &self.sizes, |size| size.name.clone()),
            line("images", &self.images, image),
            line("groups", &self.groups, |group| group.name.clone()),
        ];
        let mut text = format!("a form would offer\n{}", lines.concat());
        // Why one list could not be read is why the others could not.
        if let Some(notice) = self.regions.notices.first() {
            text.push_str(&format!("{}\n", hanging("  note: ", &format!("{}: {}", notice.message(), notice.advice()))));
        }
        text
    }
}

fn line<T>(what: &str, offer: &Offer<T>, name: impl Fn(&T) -> String) -> String {
    let source = if offer.is_listed() { "" } else { ", built in" };
    let lead = format!("  {what} ({}{source}): ", offer.entries.len());
    let all: Vec<String> = offer.entries.iter().map(name).collect();
    format!("{lead}{}\n", names(&all, 79_usize.saturating_sub(lead.len())))
}

//! Microsoft.MarketplaceOrdering: the terms of the images that are sold.

use serde_json::{Value, json};

use crate::base::dice::named_guid;
use crate::base::moment::rfc3339;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::same;
use crate::model::arm::offers::{IMAGES, Image};
use crate::model::world::World;
use crate::service::arm::context::{Context, Reply};

/// The names of a plan in the path.
pub(crate) struct Plan<'a> {
    pub(crate) publisher: &'a str,
    pub(crate) offer: &'a str,
    pub(crate) plan: &'a str,
}

impl Plan<'_> {
    /// The image that is sold under it.
    fn image(&self) -> OrRefusal<&'static Image> {
        let mut of_offer = IMAGES
            .iter()
            .filter(|image| image.has_plan && same(image.publisher, self.publisher) && same(image.offer, self.offer))
            .peekable();
        if of_offer.peek().is_none() {
            let message = format!(
                "Offer with PublisherId: '{}' and OfferId: '{}' not found. If this offer has been created recently, please allow up to 30 minutes for this offer to be available for Purchase.",
                self.publisher, self.offer
            );
            return Err(Refusal::new(400, "BadRequest", message));
        }
        of_offer.find(|image| same(image.sku, self.plan)).ok_or_else(|| {
            let message = format!(
                "Plan with PlanId: '{}' not found for OfferId: '{}' and PublisherId: '{}'.",
                self.plan, self.offer, self.publisher
            );
            Refusal::new(400, "BadRequest", message)
        })
    }
}

/// Shows the terms of a plan.
pub(crate) fn get(cx: &Context<'_>, world: &mut World, plan: &Plan<'_>) -> OrRefusal<Reply> {
    permit(cx, world, "read")?;
    let image = plan.image()?;
    Ok(Reply::new(200, shown(cx, world, image, &rfc3339(cx.now.wall))))
}

/// Accepts the terms of a plan, or takes that back. What is sent must be what was shown, as it was signed.
pub(crate) fn put(cx: &Context<'_>, world: &mut World, plan: &Plan<'_>) -> OrRefusal<Reply> {
    permit(cx, world, "write")?;
    let image = plan.image()?;
    let Some(accepted) = cx.at("/properties/accepted").and_then(Value::as_bool) else {
        return Err(Refusal::new(400, "BadRequest", "The property 'accepted' is missing or not a boolean."));
    };
    let read_at = cx.text("/properties/retrieveDatetime").unwrap_or_default();
    let given = shown(cx, world, image, read_at);
    let sent_as = |name: &str| cx.at(&format!("/properties/{name}")) == given.pointer(&format!("/properties/{name}"));
    let odd = |name: &&String| *name != "accepted" && !sent_as(name);
    let mut names = given.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name);
    if let Some(name) = names.find(odd) {
        let message = format!(
            "The agreement terms are not as they were given: the property '{name}' does not fit the signature."
        );
        return Err(Refusal::new(400, "BadRequest", message));
    }
    let terms = &mut world.arm.account(cx.subscription).terms;
    if accepted {
        terms.insert(key(image));
    } else {
        terms.remove(&key(image));
    }
    Ok(Reply::new(200, shown(cx, world, image, read_at)))
}

fn permit(cx: &Context<'_>, world: &World, verb: &str) -> OrRefusal<()> {
    let action = format!("Microsoft.MarketplaceOrdering/offertypes/publishers/offers/plans/agreements/{verb}");
    cx.permit(world, &action, &format!("/subscriptions/{}", cx.address.subscription))
}

fn key(image: &Image) -> String {
    format!("{}/{}/{}", image.publisher, image.offer, image.sku).to_ascii_lowercase()
}

/// The terms as they were read at a time, which the signature covers.
fn shown(cx: &Context<'_>, world: &mut World, image: &Image, read_at: &str) -> Value {
    let accepted = world.arm.account(cx.subscription).terms.contains(&key(image));
    let store = "https://mpcprodsa.blob.core.windows.net/legalterms";
    let of = key(image).replace('/', "%253a");
    let signature = named_guid(&format!("{} {of} {read_at}", cx.address.subscription)).simple().to_string();
    json!({
        "id": format!(
            "/subscriptions/{}/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/{}/offers/{}/plans/{}/agreements/current",
            cx.address.subscription, image.publisher, image.offer, image.sku
        ),
        "name": image.sku,
        "type": "Microsoft.MarketplaceOrdering/offertypes",
        "properties": {
            "publisher": image.publisher,
            "product": image.offer,
            "plan": image.sku,
            "licenseTextLink": format!("{store}/{of}/license.txt"),
            "privacyPolicyLink": format!("https://{}.example/privacy", image.publisher),
            "marketplaceTermsLink": format!("{store}/marketplaceterms.txt"),
            "retrieveDatetime": read_at,
            "signature": signature.to_ascii_uppercase(),
            "accepted": accepted,
        },
    })
}

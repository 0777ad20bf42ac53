//! The terms that an image of the marketplace is sold under: views.

use super::view::views;

views! {
    /// The terms of one plan, as they stand for a subscription.
    ImageTerms {
        /// The resource id, which ends with `/agreements/current`.
        id: String,
        /// Who sells what, where the texts are, and whether they are accepted.
        properties: ImageTermsProperties,
    }
    /// Who sells what, where the texts are, and whether they are accepted.
    ImageTermsProperties {
        /// The publisher that sells the plan.
        publisher: String,
        /// The product that the plan belongs to, which is often the offer of the image.
        product: String,
        /// The name of the plan, which is often the SKU of the image.
        plan: String,
        /// The address of the licence, for the person who accepts it.
        license_text_link: Option<String>,
        /// The address of the publisher's privacy statement.
        privacy_policy_link: Option<String>,
        /// The address of the marketplace's own terms.
        marketplace_terms_link: Option<String>,
        /// Whether the subscription has accepted the terms.
        accepted: bool,
    }
}

impl ImageTerms {
    /// Whether two readings name the same plan and the same texts. Time and signature differ from reading to reading.
    pub(crate) fn names_the_same_texts(&self, other: &Self) -> bool {
        let plan = |terms: &Self| {
            let own = &terms.properties;
            [&own.publisher, &own.product, &own.plan].map(|name| name.to_ascii_lowercase())
        };
        let texts = |terms: &Self| {
            let own = &terms.properties;
            [own.license_text_link.clone(), own.privacy_policy_link.clone(), own.marketplace_terms_link.clone()]
        };
        plan(self) == plan(other) && texts(self) == texts(other)
    }
}

//! The terms of marketplace images: shown, and accepted by an explicit call only.

use azconnect_core::{Effect, Error, ErrorKind};
use http::Method;
use serde::Deserialize as _;
use serde_json::Value;
use url::Url;

use super::arm::Arm;
use super::subscription::Subscription;
use crate::resource::MARKETPLACE_API;
use crate::resource::image::ImagePlan;
use crate::resource::terms::ImageTerms;

/// The operation of reading terms, as errors and spans show it.
const GET: &str = "arm.image_terms.get";

/// The operation of accepting terms, as errors and spans show it.
const ACCEPT: &str = "arm.image_terms.accept";

impl Subscription {
    /// Reads the terms that an image is sold under, and whether the subscription has accepted them. Nothing is accepted by it.
    /// The plan is that of an image's version, as [`Subscription::image`] reads it.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `plan` for names that are not plain, and for a plan that there
    /// is not; the service's refusal otherwise.
    pub async fn image_terms(&self, plan: &ImagePlan) -> Result<ImageTerms, Error> {
        self.arm().read(self.arm().call(GET, Method::GET, self.terms_url(plan)?)).await
    }

    /// Accepts terms on behalf of whoever pays for the subscription and has read them. Idempotent. Nothing else of this crate
    /// accepts any.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict) without effect if the service names other texts by now than `read` does;
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) with the action that lacks; any other refusal of the service.
    pub async fn accept_terms(&self, read: &ImageTerms) -> Result<ImageTerms, Error> {
        let own = &read.properties;
        let plan = ImagePlan { name: own.plan.clone(), publisher: own.publisher.clone(), product: own.product.clone() };
        let url = self.terms_url(&plan)?;
        // As a document: the service takes back only what it has signed, with every field as it came.
        let mut document: Value = self.arm().read(self.arm().call(GET, Method::GET, url.clone())).await?;
        let current = view(&document)?;
        if !current.names_the_same_texts(read) {
            return Err(Error::new(ErrorKind::Conflict, "the terms have changed since they were read")
                .in_operation(ACCEPT)
                .with_effect(Effect::None)
                .with_advice("read them again with Subscription::image_terms, show them, and accept those"));
        }
        if current.properties.accepted {
            return Ok(current);
        }
        if let Some(properties) = document.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("accepted".to_owned(), Value::Bool(true));
        }
        let call = Arm::with_body(self.arm().call(ACCEPT, Method::PUT, url), &document)?;
        let accepted: ImageTerms = self.arm().read(call).await?;
        if accepted.properties.accepted {
            return Ok(accepted);
        }
        Err(Error::new(ErrorKind::Unexpected, "the service took the terms back, and says that they are not accepted")
            .in_operation(ACCEPT)
            .with_advice("accept them in the portal"))
    }

    fn terms_url(&self, plan: &ImagePlan) -> Result<Url, Error> {
        let parts = [&plan.publisher, &plan.product, &plan.name];
        let plain = |part: &String| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            !part.is_empty() && part.chars().all(fits) && !part.chars().all(|c| c == '.')
        };
        if !parts.into_iter().all(plain) {
            return Err(Error::invalid("plan", "has a publisher, product or name that is empty or not plain")
                .with_advice("take the plan of an image's version, as Subscription::image reads it"));
        }
        let segments = [
            "providers",
            "Microsoft.MarketplaceOrdering",
            "offerTypes",
            "virtualmachine",
            "publishers",
            &plan.publisher,
            "offers",
            &plan.product,
            "plans",
            &plan.name,
            "agreements",
            "current",
        ];
        self.arm().url(self.scope(), &segments, &[("api-version", MARKETPLACE_API)])
    }
}

fn view(document: &Value) -> Result<ImageTerms, Error> {
    ImageTerms::deserialize(document).map_err(|_| {
        Error::new(ErrorKind::Unexpected, "the terms are not the JSON expected")
            .in_operation(GET)
            .with_effect(Effect::None)
    })
}

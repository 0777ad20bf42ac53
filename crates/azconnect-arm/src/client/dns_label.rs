//! Names of public addresses in Azure's own domain: whether one is free.

use azconnect_core::Error;
use http::Method;
use serde::Deserialize;

use super::subscription::{Subscription, plain_region};
use crate::resource::NETWORK_API;

#[derive(Deserialize)]
struct Availability {
    available: bool,
}

impl Subscription {
    /// Whether no public address has a label in a region yet, such as `web` of `web.westeurope.cloudapp.azure.com`. Somebody may
    /// take it before it is used.
    ///
    /// # Errors
    /// As [`Subscription::get`]; [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a region that is not a plain word.
    pub async fn is_dns_label_free(&self, location: &str, label: &str) -> Result<bool, Error> {
        let rest = ["providers", "Microsoft.Network", "locations", plain_region(location)?, "CheckDnsNameAvailability"];
        let query = [("api-version", NETWORK_API), ("domainNameLabel", label)];
        let url = self.arm().url(self.scope(), &rest, &query)?;
        let answer: Availability = self.arm().read(self.arm().call("arm.dns_label.check", Method::GET, url)).await?;
        Ok(answer.available)
    }
}

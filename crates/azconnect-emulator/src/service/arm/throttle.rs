//! Which request budgets a request draws from.

use http::Method;

use super::context::Context;
use crate::base::refusal::Refusal;
use crate::model::arm::address::same;
use crate::model::arm::budget::{Buckets, Budget};
use crate::model::arm::kind::ResourceKind;

/// What a request leaves in its buckets, as headers.
pub(crate) type Headers = Vec<(String, String)>;

impl Buckets {
    /// Draws a request from all its buckets.
    pub(crate) fn admit(&mut self, cx: &Context<'_>) -> Result<Headers, Box<Refusal>> {
        let (word, budget) = match cx.call.method {
            Method::GET | Method::HEAD => ("reads", Budget::new(250.0, 25.0)),
            Method::DELETE => ("deletes", Budget::new(200.0, 10.0)),
            _ => ("writes", Budget::new(200.0, 10.0)),
        };
        let name = format!("{}/{}/{word}", cx.subscription, cx.caller.object_id());
        let left = self.draw(name, budget, cx.now.elapsed).map_err(|wait| {
            refused(wait, "SubscriptionRequestsThrottled", format!("Number of requests for subscription '{}' and operation '{}' exceeded the backend storage limit. Please try again after '{wait}' seconds.", cx.subscription, cx.call.method))
        })?;
        let mut headers = vec![(format!("x-ms-ratelimit-remaining-subscription-{word}"), left.to_string())];
        if word != "deletes" {
            headers.push((format!("x-ms-ratelimit-remaining-subscription-global-{word}"), (left * 15).to_string()));
        }
        let mut resource = Vec::new();
        // Compute has budgets of its own, beside those of the subscription.
        for (policy, key, budget) in compute_budgets(cx) {
            let left = self.draw(key, budget, cx.now.elapsed).map_err(|wait| {
                refused(wait, "TooManyRequests", format!("The request is being throttled as the limit has been reached for operation type - {policy}. For more information, see - https://aka.ms/computethrottling"))
            })?;
            resource.push(format!("Microsoft.Compute/{policy};{left}"));
        }
        if !resource.is_empty() {
            headers.push(("x-ms-ratelimit-remaining-resource".to_owned(), resource.join(",")));
        }
        Ok(headers)
    }
}

fn refused(wait: u64, code: &str, message: String) -> Box<Refusal> {
    Refusal::new(429, code, message).header("retry-after", &wait.to_string())
}

/// The buckets of compute that a request draws from: policy, name, budget.
fn compute_budgets(cx: &Context<'_>) -> Vec<(&'static str, String, Budget)> {
    if !cx.address.is_provider("Microsoft.Compute") {
        return Vec::new();
    }
    let subscription = cx.subscription;
    let parts = cx.address.parts();
    if let [_, _, word, id] = parts.as_slice()
        && same(word, "operations")
    {
        return vec![("GetOperationResource", format!("operation/{id}"), Budget::per_minute(45.0, 15.0))];
    }
    let machine = matches!(parts.as_slice(), [word, _, ..] if same(word, ResourceKind::Machine.types().first().copied().unwrap_or_default()));
    let list = matches!(parts.as_slice(), [word] if same(word, "virtualMachines"));
    let pair = |one: &'static str, all: &'static str, refill: f64, capacity: f64| {
        let name = parts.get(1).copied().unwrap_or_default().to_ascii_lowercase();
        let group = cx.address.group.as_deref().unwrap_or_default().to_ascii_lowercase();
        vec![
            (one, format!("{one}/{subscription}/{group}/{name}"), Budget::per_minute(capacity, refill)),
            (all, format!("{all}/{subscription}"), Budget::per_minute(1500.0, 500.0)),
        ]
    };
    match cx.call.method.as_str() {
        "GET" if list => {
            vec![("ListVM", format!("list/{subscription}"), Budget::per_minute(900.0, 300.0))]
        }
        "GET" if machine => pair("GetVMResource", "GetVMSubscriptionMaximum", 12.0, 36.0),
        "PUT" | "PATCH" if machine && parts.len() > 2 => {
            pair("UpdateVMResource", "UpdateVMSubscriptionMaximum", 4.0, 12.0)
        }
        "PUT" | "PATCH" if machine => pair("PutVMResource", "PutVMSubscriptionMaximum", 4.0, 12.0),
        "DELETE" if machine => pair("DeleteVMResource", "DeleteVMSubscriptionMaximum", 4.0, 12.0),
        "POST" if machine && parts.last().is_some_and(|word| same(word, "deallocate")) => {
            pair("DeleteVMResource", "DeleteVMSubscriptionMaximum", 4.0, 12.0)
        }
        "POST" if machine => pair("UpdateVMResource", "UpdateVMSubscriptionMaximum", 4.0, 12.0),
        _ => Vec::new(),
    }
}

//! Which request budgets a request draws from, after *Understand how Azure Resource Manager throttles requests*, and what it
//! leaves in them.

use http::Method;
use uuid::Uuid;

use crate::base::call::Call;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::{Address, same};
use crate::model::arm::budget::{Buckets, Budget};
use crate::model::arm::kind::ResourceKind;
use crate::model::token::Caller;
use crate::model::world::World;

/// How many times the budget of one principal all principals of a subscription have together.
const GLOBAL: u32 = 15;

/// What a request leaves in its buckets, as headers. Every answer to a known caller carries them.
type Headers = Vec<(String, String)>;

/// A request whose caller is known, and what it is about.
pub(crate) struct Asked<'a> {
    pub(crate) call: &'a Call,
    pub(crate) caller: Caller,
    /// The subscription, where the request is about one that there is; else it is about the caller's tenant.
    pub(crate) subscription: Option<Uuid>,
    pub(crate) address: Option<&'a Address>,
}

/// Draws a request from its buckets, where budgets are kept: the headers of its answer, and its refusal, if one is empty.
pub(crate) fn draw(world: &mut World, asked: &Asked<'_>) -> (Headers, OrRefusal<()>) {
    let mut headers = Vec::new();
    if !world.settings.resource_manager.throttling {
        let kind = Kind::of(&asked.call.method);
        headers.push((kind.header(asked), kind.size.saturating_sub(1).to_string()));
        return (headers, Ok(()));
    }
    let drawn = draw_all(&mut world.arm.buckets, asked, &mut headers);
    (headers, drawn)
}

/// The budget of one kind of request: the size of its bucket, and what it gains in a second.
struct Kind {
    word: &'static str,
    size: u32,
    refill: u32,
}

impl Kind {
    fn of(method: &Method) -> Self {
        let (word, size, refill) = match *method {
            Method::GET | Method::HEAD => ("reads", 250, 25),
            Method::DELETE => ("deletes", 200, 10),
            _ => ("writes", 200, 10),
        };
        Self { word, size, refill }
    }

    fn budget(&self, times: u32) -> Budget {
        Budget::new(f64::from(self.size * times), f64::from(self.refill * times))
    }

    fn header(&self, asked: &Asked<'_>) -> String {
        let scope = if asked.subscription.is_some() { "subscription" } else { "tenant" };
        format!("x-ms-ratelimit-remaining-{scope}-{}", self.word)
    }
}

fn draw_all(buckets: &mut Buckets, asked: &Asked<'_>, headers: &mut Headers) -> OrRefusal<()> {
    let (kind, now) = (Kind::of(&asked.call.method), asked.call.now.elapsed);
    let (scope, id) = match asked.subscription {
        Some(subscription) => ("subscription", subscription),
        None => ("tenant", asked.caller.tenant),
    };
    let mut own = |header: String, bucket: String, times| {
        let drawn = buckets.draw(bucket, kind.budget(times), now);
        headers.push((header, drawn.unwrap_or_default().to_string()));
        drawn.map_err(|wait| {
            let code = if scope == "tenant" { "TenantRequestsThrottled" } else { "SubscriptionRequestsThrottled" };
            refused(wait, code, format!("Number of requests for {scope} '{id}' and operation '{}' exceeded the backend storage limit. Please try again after '{wait}' seconds.", asked.call.method))
        })
    };
    own(kind.header(asked), format!("{scope}/{id}/{}/{}", asked.caller.object_id(), kind.word), 1)?;
    let Some(subscription) = asked.subscription else { return Ok(()) };
    // Whoever shares a subscription with many others is refused for their requests as well.
    let global = format!("x-ms-ratelimit-remaining-subscription-global-{}", kind.word);
    own(global, format!("{scope}/{id}/{}", kind.word), GLOBAL)?;
    let Some(address) = asked.address else { return Ok(()) };
    let mut resource = Vec::new();
    // Compute has budgets of its own, beside those of the subscription.
    for (policy, bucket, budget) in compute_budgets(&asked.call.method, address, subscription) {
        let drawn = buckets.draw(bucket, budget, now);
        resource.push(format!("Microsoft.Compute/{policy};{}", drawn.unwrap_or_default()));
        if let Err(wait) = drawn {
            headers.push(("x-ms-ratelimit-remaining-resource".to_owned(), resource.join(",")));
            return Err(refused(
                wait,
                "TooManyRequests",
                format!(
                    "The request is being throttled as the limit has been reached for operation type - {policy}. For more information, see - https://aka.ms/computethrottling"
                ),
            ));
        }
    }
    if !resource.is_empty() {
        headers.push(("x-ms-ratelimit-remaining-resource".to_owned(), resource.join(",")));
    }
    Ok(())
}

fn refused(wait: u64, code: &str, message: String) -> Box<Refusal> {
    Refusal::new(429, code, message).header("retry-after", &wait.to_string())
}

/// The buckets of compute that a request draws from: policy, name, budget.
fn compute_budgets(method: &Method, address: &Address, subscription: Uuid) -> Vec<(&'static str, String, Budget)> {
    if !address.is_provider("Microsoft.Compute") {
        return Vec::new();
    }
    let parts = address.parts();
    if let [_, _, word, id] = parts.as_slice()
        && same(word, "operations")
    {
        return vec![("GetOperationResource", format!("operation/{id}"), Budget::per_minute(45.0, 15.0))];
    }
    let machine = matches!(parts.as_slice(), [word, _, ..] if same(word, ResourceKind::Machine.types().first().copied().unwrap_or_default()));
    let list = matches!(parts.as_slice(), [word] if same(word, "virtualMachines"));
    let pair = |one: &'static str, all: &'static str, refill: f64, capacity: f64| {
        let name = parts.get(1).copied().unwrap_or_default().to_ascii_lowercase();
        let group = address.group.as_deref().unwrap_or_default().to_ascii_lowercase();
        vec![
            (one, format!("{one}/{subscription}/{group}/{name}"), Budget::per_minute(capacity, refill)),
            (all, format!("{all}/{subscription}"), Budget::per_minute(1500.0, 500.0)),
        ]
    };
    match method.as_str() {
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

//! Azure Resource Manager: subscriptions, groups, network, compute and roles.
//!
//! The files of this folder are what all resource providers share: admission, routes, writes, operations, lists and
//! throttling. Each provider has a folder or file of its own: `authorization`, `compute`, `network`, `resources`.

mod admission;
mod authorization;
mod compute;
mod context;
mod list;
mod locks;
mod members;
mod names;
mod network;
mod operation;
mod policy;
pub(crate) mod refusal;
mod resource;
mod resources;
mod route;
mod throttle;
mod usage;
mod version;
mod view;
mod write;

use http::Method;
use serde_json::Value;
use uuid::Uuid;

use self::admission::{admit, known_subscription};
use self::context::{Admitted, Context, Reply};
use self::route::{endpoints, route, top};
use self::throttle::Asked;
use crate::base::answer::{Answer, WithHeader, empty, json_answer};
use crate::base::call::Call;
use crate::base::moment::Moment;
use crate::base::refusal::Refusal;
use crate::model::arm::address::{Address, same};
use crate::model::arm::failure::Failure;
use crate::model::token::Caller;
use crate::model::world::World;

pub(crate) use self::compute::spot::evict;
pub(crate) use self::operation::settle;

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, failure: Option<&Failure>, world: &mut World) -> Option<Answer> {
    let parts = call.parts();
    if let [first, second] = parts.as_slice()
        && same(first, "metadata")
        && same(second, "endpoints")
    {
        return Some(json_answer(200, &endpoints(call)));
    }
    // Operations end by the clock and not by requests, so whoever comes next finds their effects.
    settle(world, call.now);
    let answer = match admit(call, world) {
        Ok(caller) => serve(call, failure, world, caller)?,
        Err(refusal) => refusal::answer(&refusal),
    };
    Some(stamped(call, world, answer))
}

/// A resource as it is shown.
pub(crate) fn shown(world: &mut World, id: &str, now: Moment) -> Option<Value> {
    settle(world, now);
    let resource = world.arm.get(id)?;
    Some(view::render(world, resource))
}

/// The ids that every answer carries.
fn stamped(call: &Call, world: &mut World, answer: Answer) -> Answer {
    // Drawn last, so that the ids of what the request made do not depend on its headers.
    let id = world.dice.guid().to_string();
    let correlation = call.header("x-ms-correlation-request-id").unwrap_or(&id).to_owned();
    let time = call.now.wall;
    let routing = format!(
        "EMULATOR:{:04}{:02}{:02}T{:02}{:02}{:02}Z:{id}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    let answer = answer
        .with_header("x-ms-request-id", &id)
        .with_header("x-ms-correlation-request-id", &correlation)
        .with_header("x-ms-routing-request-id", &routing)
        .with_header("cache-control", "no-cache")
        .with_header("strict-transport-security", "max-age=31536000; includeSubDomains");
    match call.header("x-ms-client-request-id") {
        Some(client) if call.header("x-ms-return-client-request-id").is_some_and(|wish| same(wish, "true")) => {
            answer.with_header("x-ms-client-request-id", client)
        }
        _ => answer,
    }
}

/// Routes a request of someone known.
fn serve(call: &Call, failure: Option<&Failure>, world: &mut World, caller: Caller) -> Option<Answer> {
    let parts = call.parts();
    let top_word = match parts.as_slice() {
        [word] if call.method == Method::GET => Some(*word),
        _ => None,
    };
    let address = if top_word.is_some() { None } else { Some(Address::parse(&call.segments)?) };
    let subscription = address.as_ref().map(|address| known_subscription(world, call, caller, address));
    let known = subscription.as_ref().and_then(|subscription| subscription.as_ref().ok()).copied();
    // Drawn from the budget before the route is looked at: refused requests count as well.
    let asked = Asked { call, caller, subscription: known, address: address.as_ref() };
    let (headers, drawn) = throttle::draw(world, &asked);
    let answer = match (drawn, address, subscription) {
        (Err(refusal), ..) | (_, _, Some(Err(refusal))) => refusal::answer(&refusal),
        (Ok(()), Some(address), Some(Ok(subscription))) => {
            below_subscription(call, failure, world, (caller, address, subscription))?
        }
        _ => top(world, call, caller, top_word.unwrap_or_default())?,
    };
    Some(headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value)))
}

/// Answers what is below a subscription, or nothing if no route matches.
fn below_subscription(
    call: &Call,
    failure: Option<&Failure>,
    world: &mut World,
    (caller, address, subscription): (Caller, Address, Uuid),
) -> Option<Answer> {
    if let Err(refusal) = version::require_of_type(call.query.get("api-version").unwrap_or_default().trim(), &address) {
        return Some(refusal::answer(&refusal));
    }
    let body = match call.json() {
        Ok(body) => body,
        Err(error) => {
            let message = format!(
                "The request content was invalid and could not be deserialized: line {}, position {}.",
                error.line(),
                error.column()
            );
            return Some(refusal::answer(&Refusal::content(message)));
        }
    };
    let cx = Context::new(call, Admitted { caller, address, subscription, body, failure });
    Some(match route(&cx, world) {
        Ok(reply) => written(&cx, world, &reply),
        Err(refusal) if refusal.is_not_emulated() => return None,
        Err(refusal) => refusal::answer(&refusal),
    })
}

fn written(cx: &Context<'_>, world: &World, reply: &Reply) -> Answer {
    let whole = || if reply.body.is_null() { empty(reply.status) } else { json_answer(reply.status, &reply.body) };
    let is_skus = matches!(cx.address.parts().as_slice(), [word] if same(word, "skus"));
    let answer = is_skus.then(|| compute::sku::inflated(world, reply)).flatten().unwrap_or_else(whole);
    let mut headers = reply.headers.clone();
    if let Some(id) = reply.operation {
        headers.extend(cx.operation_headers(world, id, reply));
    }
    headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
}

//! Microsoft Entra ID: the token endpoint and discovery.

mod discovery;
mod grant;
mod refusal;

use http::Method;

use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::model::world::World;

pub(crate) use self::grant::{Accepted, accepts, user_token};

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let answer = match (&call.method, call.parts().as_slice()) {
        (&Method::POST, [tenant, "oauth2", "v2.0", "token"]) => grant::answer(call, world, tenant),
        (_, [_, "oauth2", "v2.0", "token"]) => Some(refusal::not_a_post(call, world)),
        (&Method::GET, ["common", "discovery", "instance"]) => Some(discovery::instance(call)),
        (&Method::GET, [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
            Some(discovery::configuration(call, world, tenant))
        }
        (&Method::GET, [_, "discovery", "v2.0", "keys"]) => Some(discovery::keys()),
        _ => None,
    };
    let id = world.dice.guid().to_string();
    answer.map(|answer| {
        let answer = answer
            .with_header("cache-control", "no-store, no-cache")
            .with_header("pragma", "no-cache")
            .with_header("x-ms-request-id", &id)
            .with_header("x-ms-ests-server", "2.1.22222.8 - EMULATOR ProdSlices");
        match call.header("client-request-id") {
            Some(id) => answer.with_header("client-request-id", id),
            None => answer,
        }
    })
}

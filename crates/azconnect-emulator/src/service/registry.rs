//! Container registries: the `/v2/` check and the token dance, after Docker's *Token authentication specification*.
//!
//! They have host names of their own and so are reached in process only.

use azconnect_core::Secret;
use http::Method;
use serde_json::json;

use crate::base::answer::{Answer, WithHeader, json_answer};
use crate::base::call::{Call, Claim};
use crate::base::origins::Service;
use crate::model::registry::Registry;
use crate::model::world::World;
use crate::service::entra::{Accepted, accepts};

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let host = call.origin.trim_start_matches("https://").to_owned();
    let answer = match (&call.method, call.parts().as_slice()) {
        (&Method::GET, ["v2"]) => check(call, world, &host),
        (&Method::GET, ["oauth2", "token"]) => token(call, world, &host),
        _ => return None,
    };
    Some(answer.with_header("docker-distribution-api-version", "registry/2.0"))
}

fn find<'w>(world: &'w World, host: &str) -> Option<&'w Registry> {
    world.registries.iter().find(|registry| registry.host.eq_ignore_ascii_case(host))
}

/// Whether the caller is signed in; if not, where to get a token.
fn check(call: &Call, world: &World, host: &str) -> Answer {
    let signed_in = match call.claim() {
        Claim::Bearer(text) => find(world, host).is_some_and(|registry| registry.tokens.contains(&text)),
        _ => false,
    };
    if signed_in {
        return json_answer(200, &json!({}));
    }
    let challenge = format!("Bearer realm=\"{}/oauth2/token\",service=\"{host}\"", call.origin);
    unauthorized().with_header("www-authenticate", &challenge)
}

fn token(call: &Call, world: &mut World, host: &str) -> Answer {
    let Claim::Basic { user, password } = call.claim() else { return unauthorized() };
    let replica = world.next_replica(Service::Login);
    let secret = Secret::new(password);
    let accepted = find(world, host).is_some_and(|registry| {
        let known = registry.users.iter().any(|(name, text)| *name == user && text.same_as(&secret));
        let principal = registry.tenant.is_some_and(|tenant| {
            let answer = accepts(world, &tenant.to_string(), &user, &secret, (replica, call.now));
            matches!(answer, Accepted::Yes(_))
        });
        known || principal
    });
    if !accepted {
        return unauthorized();
    }
    let text = world.dice.text(64);
    if let Some(registry) = world.registries.iter_mut().find(|registry| registry.host.eq_ignore_ascii_case(host)) {
        registry.tokens.push(text.clone());
    }
    json_answer(200, &json!({"token": text, "access_token": text, "expires_in": 300}))
}

fn unauthorized() -> Answer {
    let text = "authentication required, visit https://aka.ms/acr/authorization for more information.";
    json_answer(401, &json!({"errors": [{"code": "UNAUTHORIZED", "message": text, "detail": null}]}))
}

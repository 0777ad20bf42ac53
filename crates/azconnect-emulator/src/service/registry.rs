//! Container registries: the `/v2/` check and the token dance, after Docker's *Token authentication specification*.
//!
//! They have host names of their own and so are reached in process only.

use azconnect_core::Secret;
use serde_json::json;

use super::context;
use super::entra::{SecretCheck, accepts};
use super::routes::{self, Case, Route};
use crate::base::answer::{Answer, WithHeader, json_answer};
use crate::base::call::{Call, Claim};
use crate::base::origins::Service;
use crate::model::registry::Registry;
use crate::model::world::World;

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let host = call.origin.trim_start_matches("https://").to_owned();
    let parts = call.parts();
    let (handler, _) = routes::find(ROUTES, Case::Matters, &call.method, &parts)?;
    let answer = handler(&Context::new(call, Host(host)), world);
    Some(answer.with_header("docker-distribution-api-version", "registry/2.0"))
}

/// A request to one registry.
type Context<'a> = context::Context<'a, Host>;

/// The host name of the registry that is asked.
struct Host(String);

type Handler = fn(&Context<'_>, &mut World) -> Answer;

/// What a registry answers, of Docker's registry API.
const ROUTES: &[Route<Handler>] =
    &[Route::new("GET", "v2", |cx, world| check(cx, world)), Route::new("GET", "oauth2/token", token)];

fn find<'w>(world: &'w World, host: &str) -> Option<&'w Registry> {
    world.registries.iter().find(|registry| registry.host.eq_ignore_ascii_case(host))
}

/// Whether the caller is signed in; if not, where to get a token.
fn check(cx: &Context<'_>, world: &World) -> Answer {
    let Host(host) = &cx.admitted;
    let signed_in = match cx.call.claim() {
        Claim::Bearer(text) => find(world, host).is_some_and(|registry| registry.tokens.contains(&text)),
        _ => false,
    };
    if signed_in {
        return json_answer(200, &json!({}));
    }
    let challenge = format!("Bearer realm=\"{}/oauth2/token\",service=\"{host}\"", cx.call.origin);
    unauthorized().with_header("www-authenticate", &challenge)
}

fn token(cx: &Context<'_>, world: &mut World) -> Answer {
    let Host(host) = &cx.admitted;
    let Claim::Basic { user, password } = cx.call.claim() else { return unauthorized() };
    // The registry asks the token endpoint, whose replicas may disagree.
    let replica = world.next_replica(Service::Login);
    let secret = Secret::new(password);
    let accepted = find(world, host).is_some_and(|registry| {
        let known = registry.users.iter().any(|(name, text)| *name == user && text.same_as(&secret));
        let principal = registry.tenant.is_some_and(|tenant| {
            let answer = accepts(world, &tenant.to_string(), &user, &secret, (replica, cx.now));
            matches!(answer, SecretCheck::Yes(_))
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

//! Microsoft Entra ID: the token endpoint and discovery.

mod assertion;
mod discovery;
mod grant;
mod refusal;

use super::context;
use super::routes::{self, Case, Params, Route};
use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::world::World;

pub(crate) use self::grant::{SecretCheck, accepts, user_token};

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let answer = match handle(call, world) {
        Ok(answer) => Some(answer),
        Err(refusal) if refusal.is_not_emulated() => None,
        Err(refusal) => Some(refusal::answer(&refusal, call, world)),
    };
    // Drawn also where no route matches, so that the order of ids follows the requests alone.
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

/// A request of anyone: the token endpoint itself finds out who asks.
type Context<'a> = context::Context<'a>;

/// Which of the two generations of endpoints is asked: the older one takes a `resource`, the newer one a `scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

type Handler = fn(&Context<'_>, &mut World, &Params<'_>) -> OrRefusal<Answer>;

/// What Microsoft Entra ID answers.
const ROUTES: &[Route<Handler>] = &[
    Route::new("POST", "{tenant}/oauth2/v2.0/token", |cx, world, at| {
        grant::token(cx, world, at.get("tenant"), Version::V2)
    }),
    Route::new("*", "{tenant}/oauth2/v2.0/token", |cx, _, _| Err(refusal::not_a_post(cx))),
    Route::new("POST", "{tenant}/oauth2/token", |cx, world, at| grant::token(cx, world, at.get("tenant"), Version::V1)),
    Route::new("*", "{tenant}/oauth2/token", |cx, _, _| Err(refusal::not_a_post(cx))),
    Route::new("GET", "common/discovery/instance", |cx, _, _| Ok(discovery::instance(cx))),
    Route::new("GET", "{tenant}/v2.0/.well-known/openid-configuration", |cx, world, at| {
        discovery::configuration(cx, world, at.get("tenant"), Version::V2)
    }),
    Route::new("GET", "{tenant}/.well-known/openid-configuration", |cx, world, at| {
        discovery::configuration(cx, world, at.get("tenant"), Version::V1)
    }),
    Route::new("GET", "{tenant}/discovery/v2.0/keys", |cx, world, at| discovery::keys(cx, world, at.get("tenant"))),
    Route::new("GET", "{tenant}/discovery/keys", |cx, world, at| discovery::keys(cx, world, at.get("tenant"))),
];

fn handle(call: &Call, world: &mut World) -> OrRefusal<Answer> {
    let parts = call.parts();
    let found = routes::find(ROUTES, Case::Matters, &call.method, &parts);
    let (handler, at) = found.ok_or_else(Refusal::not_emulated)?;
    handler(&Context::new(call, ()), world, &at)
}

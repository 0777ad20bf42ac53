//! Microsoft Entra ID: the token endpoint, the pages on which people sign in and consent, and discovery.

mod admin_consent;
mod ask;
mod assertion;
mod authorize;
mod browser;
mod client;
mod consent;
mod cross_origin;
mod denial;
mod device;
mod discovery;
mod finish;
mod flow;
mod form;
mod grant;
mod logout;
mod page;
mod people;
mod person_token;
mod redeem;
mod refusal;
mod reply;
mod resource;
mod scope;
mod throttle;

use self::ask::{Ask, Stop};
use super::context;
use super::routes::{self, Case, Params, Route};
use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::world::World;

pub(crate) use self::client::{SecretCheck, accepts, accepts_certificate};
pub(crate) use self::grant::user_token;

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let answer = match handle(call, world) {
        Ok(answer) => Some(answer),
        Err(refusal) if refusal.is_not_emulated() => None,
        Err(refusal) => Some(refusal::answer(&refusal, call, world)),
    };
    let answer = answer.map(|answer| cross_origin::allow(call, world, answer));
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
    Route::new("GET", "{tenant}/oauth2/v2.0/authorize", |cx, world, at| {
        let ask = authorize::read(cx, world, at.get("tenant"), Version::V2);
        Ok(flow::begin(cx, world, ask))
    }),
    Route::new("POST", "{tenant}/oauth2/v2.0/authorize", |cx, world, at| {
        let ask = authorize::read(cx, world, at.get("tenant"), Version::V2);
        Ok(flow::go_on(cx, world, ask))
    }),
    Route::new("GET", "{tenant}/oauth2/authorize", |cx, world, at| {
        let ask = authorize::read(cx, world, at.get("tenant"), Version::V1);
        Ok(flow::begin(cx, world, ask))
    }),
    Route::new("POST", "{tenant}/oauth2/authorize", |cx, world, at| {
        let ask = authorize::read(cx, world, at.get("tenant"), Version::V1);
        Ok(flow::go_on(cx, world, ask))
    }),
    Route::new("POST", "{tenant}/oauth2/v2.0/devicecode", |cx, world, at| {
        device::issue(cx, world, at.get("tenant"), Version::V2)
    }),
    Route::new("POST", "{tenant}/oauth2/devicecode", |cx, world, at| {
        device::issue(cx, world, at.get("tenant"), Version::V1)
    }),
    Route::new("GET", "{tenant}/oauth2/deviceauth", |cx, world, _| Ok(device_page(cx, world, flow::begin))),
    Route::new("POST", "{tenant}/oauth2/deviceauth", |cx, world, _| Ok(device_page(cx, world, flow::go_on))),
    Route::new("GET", "{tenant}/v2.0/adminconsent", admin_consent_begins),
    Route::new("POST", "{tenant}/v2.0/adminconsent", admin_consent_goes_on),
    Route::new("GET", "{tenant}/adminconsent", admin_consent_begins),
    Route::new("POST", "{tenant}/adminconsent", admin_consent_goes_on),
    Route::new("GET", "{tenant}/oauth2/v2.0/logout", |cx, world, _| Ok(logout::answer(cx, world))),
    Route::new("GET", "{tenant}/oauth2/logout", |cx, world, _| Ok(logout::answer(cx, world))),
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

/// What a sign-in does next, with what it is for.
type Step = fn(&Context<'_>, &mut World, Result<Ask, Stop>) -> Answer;

/// The page on which a person enters the code of its device, and what follows.
fn device_page(cx: &Context<'_>, world: &mut World, step: Step) -> Answer {
    let ask = device::read(cx, world);
    match ask {
        Some(ask) => step(cx, world, ask),
        None => device::page(cx),
    }
}

fn admin_consent_begins(cx: &Context<'_>, world: &mut World, at: &Params<'_>) -> OrRefusal<Answer> {
    let ask = admin_consent::read(cx, world, at.get("tenant"));
    Ok(flow::begin(cx, world, ask))
}

fn admin_consent_goes_on(cx: &Context<'_>, world: &mut World, at: &Params<'_>) -> OrRefusal<Answer> {
    let ask = admin_consent::read(cx, world, at.get("tenant"));
    Ok(flow::go_on(cx, world, ask))
}

fn handle(call: &Call, world: &mut World) -> OrRefusal<Answer> {
    let parts = call.parts();
    let found = routes::find(ROUTES, Case::Matters, &call.method, &parts);
    let (handler, at) = found.ok_or_else(Refusal::not_emulated)?;
    handler(&Context::new(call, ()), world, &at)
}

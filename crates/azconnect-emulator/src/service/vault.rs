//! Azure Key Vault: secrets and keys, and the challenge that says where to sign in.
//!
//! By the *Azure Key Vault REST API reference*. Vaults have host names of their own in process and through the program's
//! proxy, and addresses without a path in a server, since clients take the ids of secrets apart.

mod access;
mod item;
mod keys;
mod refusal;
mod secrets;
mod throttle;

use self::access::{Admitted, Right};
use super::context;
use super::routes::{self, Case, Params, Route};
use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::vault::Vault;
use crate::model::world::World;

/// A request that a vault has let in.
type Context<'a> = context::Context<'a, Admitted>;

impl Context<'_> {
    /// The vault. It was found when the visit began.
    fn vault<'w>(&self, world: &'w World) -> OrRefusal<&'w Vault> {
        world.vaults.iter().find(|vault| vault.name == self.name).ok_or_else(Refusal::not_emulated)
    }

    fn vault_mut<'w>(&self, world: &'w mut World) -> OrRefusal<&'w mut Vault> {
        world.vaults.iter_mut().find(|vault| vault.name == self.name).ok_or_else(Refusal::not_emulated)
    }
}

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let id = world.dice.guid().to_string();
    let answer = match handle(call, world) {
        Ok(answer) => answer,
        Err(refusal) if refusal.is_not_emulated() => return None,
        Err(refusal) => refusal::answer(&refusal),
    };
    Some(
        answer
            .with_header("x-ms-request-id", &id)
            .with_header("x-ms-keyvault-service-version", "1.9.2000.1")
            .with_header("x-ms-keyvault-region", "westeurope")
            .with_header("cache-control", "no-cache"),
    )
}

type Handler = fn(&Context<'_>, &mut World, &Params<'_>) -> OrRefusal<Answer>;

/// What a vault answers. A right stands beside each route, as no route does without one.
const ROUTES: &[Route<(Right, Handler)>] = &[
    Route::new("GET", "secrets", (Right::Read, |cx, world, _| secrets::all(cx, world))),
    Route::new("PUT", "secrets/{name}", (Right::Write, |cx, world, at| secrets::put(cx, world, at.get("name")))),
    Route::new("GET", "secrets/{name}", (Right::Read, |cx, world, at| secrets::get(cx, world, at.get("name"), ""))),
    Route::new("DELETE", "secrets/{name}", (Right::Write, |cx, world, at| secrets::delete(cx, world, at.get("name")))),
    Route::new(
        "GET",
        "secrets/{name}/versions",
        (Right::Read, |cx, world, at| secrets::versions(cx, world, at.get("name"))),
    ),
    Route::new(
        "GET",
        "secrets/{name}/{version}",
        (Right::Read, |cx, world, at| secrets::get(cx, world, at.get("name"), at.get("version"))),
    ),
    Route::new(
        "PATCH",
        "secrets/{name}/{version}",
        (Right::Write, |cx, world, at| secrets::update(cx, world, at.get("name"), at.get("version"))),
    ),
    Route::new("GET", "deletedsecrets", (Right::Read, |cx, world, _| secrets::all_deleted(cx, world))),
    Route::new(
        "GET",
        "deletedsecrets/{name}",
        (Right::Read, |cx, world, at| secrets::get_deleted(cx, world, at.get("name"))),
    ),
    Route::new(
        "DELETE",
        "deletedsecrets/{name}",
        (Right::Write, |cx, world, at| secrets::purge(cx, world, at.get("name"))),
    ),
    Route::new(
        "POST",
        "deletedsecrets/{name}/recover",
        (Right::Write, |cx, world, at| secrets::recover(cx, world, at.get("name"))),
    ),
    Route::new("GET", "keys", (Right::Write, |cx, world, _| keys::all(cx, world))),
    Route::new("POST", "keys/{name}/create", (Right::Write, |cx, world, at| keys::create(cx, world, at.get("name")))),
    Route::new("GET", "keys/{name}", (Right::Write, |cx, world, at| keys::get(cx, world, at.get("name"), ""))),
    Route::new(
        "GET",
        "keys/{name}/{version}",
        (Right::Write, |cx, world, at| keys::get(cx, world, at.get("name"), at.get("version"))),
    ),
    Route::new(
        "POST",
        "keys/{name}/{version}/wrapkey",
        (Right::Write, |cx, world, at| keys::wrap(cx, world, at.get("name"), at.get("version"))),
    ),
    Route::new(
        "POST",
        "keys/{name}/{version}/unwrapkey",
        (Right::Write, |cx, world, at| keys::unwrap(cx, world, at.get("name"), at.get("version"))),
    ),
];

fn handle(call: &Call, world: &mut World) -> OrRefusal<Answer> {
    // Who asks is looked at first: the challenge is what a stranger gets, whatever it asks for.
    let admitted = Admitted::of(call, world)?;
    access::require_version(call)?;
    let cx = Context::new(call, admitted);
    secrets::purge_due(&cx, world)?;
    let parts = call.parts();
    let ((right, handler), at) =
        routes::find(ROUTES, Case::Ignored, &call.method, &parts).ok_or_else(Refusal::not_emulated)?;
    throttle::draw(&cx, world, &parts)?;
    cx.require(*right)?;
    handler(&cx, world, &at)
}

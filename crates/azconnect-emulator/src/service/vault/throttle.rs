//! The budgets of a vault, after *Azure Key Vault service limits*: what it answers in ten seconds.

use http::Method;

use super::{Context, refusal};
use crate::base::refusal::OrRefusal;
use crate::model::arm::budget::Budget;
use crate::model::vault::Vault;
use crate::model::world::World;

/// What is kept of everything but the creation of secrets and keys. Secrets and keys have a budget each.
const TRANSACTIONS: f64 = 4_000.0;

/// How many versions of secrets may be made.
const SECRETS_MADE: f64 = 300.0;

/// How many keys may be made.
const KEYS_MADE: f64 = 20.0;

/// The seconds in which that much is.
const WINDOW: f64 = 10.0;

/// Draws a request from its budget, where budgets are kept. Without `Retry-After`, which the documents do not promise: clients
/// are to wait 1, 2, 4, 8 and 16 seconds.
pub(super) fn draw(cx: &Context<'_>, world: &mut World, parts: &[&str]) -> OrRefusal<()> {
    if !world.settings.vault_throttling {
        return Ok(());
    }
    let vault = cx.vault_mut(world)?;
    let (name, size, cost) = match (&cx.call.method, parts) {
        (&Method::PUT, ["secrets", _]) => ("secrets made", SECRETS_MADE, 1.0),
        (&Method::POST, ["keys", _, "create"]) => ("keys made", KEYS_MADE, 1.0),
        (_, ["keys", name, version, ..]) => ("keys", TRANSACTIONS, weight(vault, name, version)),
        (_, ["keys", name]) => ("keys", TRANSACTIONS, weight(vault, name, "")),
        (_, ["keys" | "deletedkeys", ..]) => ("keys", TRANSACTIONS, 1.0),
        _ => ("secrets", TRANSACTIONS, 1.0),
    };
    let drawn = vault.buckets.draw_cost(name.to_owned(), Budget::new(size, size / WINDOW), cost, cx.now.elapsed);
    drawn.map(drop).map_err(|_| refusal::throttled())
}

/// What a request about a key costs: a larger key costs more, and all draw from one budget.
fn weight(vault: &Vault, name: &str, version: &str) -> f64 {
    let key = vault.keys.get(&name.to_ascii_lowercase()).and_then(|key| key.version(version));
    match key.map(|version| version.content.key_size_bits()) {
        Some(3_072) => 4.0,
        Some(4_096) => 8.0,
        _ => 1.0,
    }
}

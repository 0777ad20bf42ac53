//! How many token requests are answered. Microsoft publishes no numbers for this endpoint; the settings choose them.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Context, denial};
use crate::base::call::{Claim, Query};
use crate::base::moment::later;
use crate::base::refusal::OrRefusal;
use crate::base::settings::RateLimit;
use crate::model::world::World;

/// Lets a token request pass, or refuses one too many: of a client in a tenant, or for the same token.
pub(super) fn admit(cx: &Context<'_>, world: &mut World, tenant: &str, form: &Query) -> OrRefusal<()> {
    let header = match cx.call.claim() {
        Claim::Basic { user, .. } => user,
        _ => String::new(),
    };
    let client = form.get("client_id").unwrap_or(&header).to_ascii_lowercase();
    let tenant = tenant.to_ascii_lowercase();
    if let Some(limit) = world.settings.sign_in.rate
        && let Some(left) = note(cx, world, (format!("{client} {tenant}"), limit))
    {
        // Rounded up: a pause that ends too soon would be an invitation to be throttled again.
        return Err(denial::throttled(left.as_secs() + u64::from(left.subsec_nanos() > 0)));
    }
    if let Some(limit) = world.settings.sign_in.loop_limit {
        let field = |name: &str| form.get(name).unwrap_or_default();
        let what = [field("grant_type"), field("scope"), field("resource"), field("username")].join(" ");
        if note(cx, world, (format!("{client} {tenant} {what}"), limit)).is_some() {
            return Err(denial::loop_detected());
        }
    }
    Ok(())
}

/// Counts a request; what is left of the pause where it is one too many.
fn note(cx: &Context<'_>, world: &mut World, (key, limit): (String, RateLimit)) -> Option<Duration> {
    let elapsed = cx.now.elapsed;
    let ends = later(cx.now.wall, limit.window);
    if world.sign_ins.asked.find(&key).is_none() {
        world.sign_ins.asked.put(key.clone(), (ends, VecDeque::new()), cx.now.wall);
    }
    world.sign_ins.asked.keep_until(&key, ends);
    let asked = world.sign_ins.asked.find_mut(&key)?;
    while asked.front().is_some_and(|at| elapsed >= at.saturating_add(limit.window)) {
        asked.pop_front();
    }
    if asked.len() >= usize::try_from(limit.requests).unwrap_or(usize::MAX) {
        let first = asked.front().copied().unwrap_or(elapsed);
        return Some(first.saturating_add(limit.window).saturating_sub(elapsed));
    }
    asked.push_back(elapsed);
    None
}

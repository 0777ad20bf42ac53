//! What a request costs, after *Identity and access service limits* of the throttling limits.

use std::time::Duration;

use http::Method;

use super::{Context, Key};
use crate::base::answer::{Answer, WithHeader};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::graph::TenantSize;
use crate::model::graph_budget::{BudgetKey, Charge, UsedUp};
use crate::model::world::World;

/// The share of a budget above which answers name it.
const WARNING: f64 = 0.8;

/// What a request that was let in has used.
pub(super) struct Spent {
    units: u32,
    share: f64,
}

impl Spent {
    /// Says in an answer what the request has used.
    pub(super) fn tell(&self, answer: Answer) -> Answer {
        let answer = answer.with_header("x-ms-resource-unit", &self.units.to_string());
        if self.share <= WARNING {
            return answer;
        }
        answer.with_header("x-ms-throttle-limit-percentage", &format!("{:.2}", self.share))
    }
}

/// Draws a request from its budgets; beyond them, refuses it.
pub(super) fn admit(cx: &Context<'_>, world: &mut World, words: &[&str]) -> OrRefusal<Option<Spent>> {
    if !world.settings.graph.throttling {
        return Ok(None);
    }
    let (client, tenant) = (cx.caller.client_id, cx.caller.tenant);
    let (units, is_change) = cost(cx, words);
    let limit = match world.settings.graph.tenant_size {
        TenantSize::Small => 3_500,
        TenantSize::Medium => 5_000,
        TenantSize::Large => 8_000,
    };
    let per = |key, cost, limit, seconds| Charge { key, cost, limit, window: Duration::from_secs(seconds) };
    let mut charges = vec![per(BudgetKey::Units { client, tenant }, units, limit, 10)];
    if is_change {
        charges.push(per(BudgetKey::Writes { client, tenant }, 1, 3_000, 150));
        charges.push(per(BudgetKey::TenantWrites { tenant }, 1, 18_000, 300));
        if is_personal(cx, world, words) {
            charges.push(per(BudgetKey::PersonalWrites { client, tenant }, 1, 60, 60));
        }
    }
    match world.graph_budgets.draw(&charges, cx.now.elapsed) {
        Ok(share) => Ok(Some(Spent { units, share })),
        Err(used_up) => Err(refused(cx, used_up, world.settings.graph.names_pauses)),
    }
}

/// The resource units of a request, and whether it is a change.
fn cost(cx: &Context<'_>, words: &[&str]) -> (u32, bool) {
    let is_read = cx.call.method == Method::GET || words.last() == Some(&"getByIds");
    let base: u32 = match (cx.call.method.as_str(), words) {
        ("POST", ["directoryObjects", "getByIds"]) => 3,
        ("GET", ["applications"] | ["applications", _] | ["users"] | ["oauth2PermissionGrants"])
        | ("GET", ["oauth2PermissionGrants", _] | ["servicePrincipals", _, "appRoleAssignments"]) => 2,
        _ => 1,
    };
    let query = &cx.call.query;
    let small = query.number("$top").is_some_and(|top| top < 20);
    let saved = u32::from(query.filled("$select").is_some()) + u32::from(small);
    let units = (base + u32::from(query.filled("$expand").is_some())).saturating_sub(saved).max(1);
    (units, !is_read)
}

/// Whether a request changes an application that personal accounts may use.
fn is_personal(cx: &Context<'_>, world: &World, words: &[&str]) -> bool {
    let ["applications", key, ..] = words else { return false };
    let key = Key::named(key);
    let tenant = world.directory.tenant_by_id(cx.caller.tenant);
    let mut applications = tenant.into_iter().flat_map(|tenant| &tenant.applications);
    let found = applications.find(|one| key.matches(one.object_id, one.client_id));
    found.is_some_and(|one| one.sign_in_audience.contains("PersonalMicrosoftAccount"))
}

fn refused(cx: &Context<'_>, used_up: UsedUp, names_pause: bool) -> Box<Refusal> {
    let (client, tenant) = (cx.caller.client_id, cx.caller.tenant);
    let (scope, why) = match used_up.key {
        BudgetKey::Units { .. } => ("Tenant_Application/ReadWrite", "ResourceUnitLimitExceeded"),
        BudgetKey::Writes { .. } | BudgetKey::PersonalWrites { .. } => {
            ("Tenant_Application/Write", "WriteLimitExceeded")
        }
        BudgetKey::TenantWrites { .. } => ("Tenant/Write", "WriteLimitExceeded"),
    };
    let refusal = Refusal::new(429, "TooManyRequests", "Too many requests.")
        .header("x-ms-throttle-scope", &format!("{scope}/{client}/{tenant}"))
        .header("x-ms-throttle-information", why);
    if names_pause { refusal.header("retry-after", &used_up.wait.to_string()) } else { refusal }
}

//! The end of a sign-in, by *OpenID Connect RP-Initiated Logout*. Refresh tokens outlive it.

use super::page::Page;
use super::{Context, browser};
use crate::base::answer::{Answer, WithHeader, empty};
use crate::model::registration::Registration;
use crate::model::world::World;

/// Signs everybody out of the browser, and sends it on to an address that some application has registered.
pub(super) fn answer(cx: &Context<'_>, world: &mut World) -> Answer {
    let query = &cx.call.query;
    let asked = query.filled("post_logout_redirect_uri").filter(|address| is_registered(world, address));
    let page = || {
        Page::new("signed-out", "You signed out of your account")
            .text("message", "It's a good idea to close all browser windows.")
            .answer(200)
    };
    let answer = asked.map_or_else(page, |address| {
        let state: Vec<_> = query.filled("state").map(|state| ("state", state)).into_iter().collect();
        let pairs = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(state).finish();
        let mark = if pairs.is_empty() {
            ""
        } else if address.contains('?') {
            "&"
        } else {
            "?"
        };
        empty(302).with_header("location", &format!("{address}{mark}{pairs}"))
    });
    browser::forget(cx, world, answer)
}

/// Nobody is sent to an address that no application has: whoever made the link could lead anywhere.
fn is_registered(world: &World, address: &str) -> bool {
    let clients = world.directory.tenants.iter().flat_map(|tenant| &tenant.applications).map(|one| one.client_id);
    clients.filter_map(|id| Registration::of(&world.directory, id)).any(|one| one.kind_at(address).is_some())
}

//! The browser that a request comes from, known by its cookie.

use http::header::COOKIE;
use time::Duration;

use super::Context;
use crate::base::answer::{Answer, WithHeader};
use crate::model::sign_in::{Browser, Flow};
use crate::model::world::World;

/// The name of the cookie, as at the service.
const NAME: &str = "ESTSAUTH";

/// How long a browser is known without a request.
const REMEMBERED: Duration = Duration::days(1);

/// A sign-in in a browser.
pub(super) struct Place {
    /// What the cookie says.
    pub(super) key: String,
    pub(super) flow: String,
}

/// The browser of a request, if it is known.
pub(super) fn known(cx: &Context<'_>, world: &World) -> Option<String> {
    let cookies = cx.call.headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    // More than one of the name may come, from another port of this machine.
    pairs
        .find(|(name, key)| *name == NAME && world.sign_ins.browsers.find(key).is_some())
        .map(|(_, key)| key.to_owned())
}

/// Begins a sign-in, in the browser of the request or in one that is new.
pub(super) fn begin(cx: &Context<'_>, world: &mut World) -> Place {
    let key = known(cx, world).unwrap_or_else(|| {
        let (key, canary) = (world.dice.text(43), world.dice.text(43));
        world.sign_ins.browsers.put(key.clone(), (cx.now.wall, Browser::new(canary)), cx.now.wall);
        key
    });
    let flow = world.dice.text(22);
    if let Some(browser) = world.sign_ins.browsers.find_mut(&key) {
        browser.begin(flow.clone());
    }
    let place = Place { key, flow };
    place.remember(cx, world);
    place
}

/// The sign-in that a form goes on with, if the form is one of this browser's own.
pub(super) fn going_on(cx: &Context<'_>, world: &mut World) -> Option<Place> {
    let key = known(cx, world)?;
    let form = cx.call.form();
    let browser = world.sign_ins.browsers.find_mut(&key)?;
    if form.filled("canary") != Some(browser.canary.as_str()) {
        return None;
    }
    let flow = form.filled("flow")?.to_owned();
    browser.flow(&flow)?;
    let place = Place { key, flow };
    place.remember(cx, world);
    Some(place)
}

impl Place {
    fn remember(&self, cx: &Context<'_>, world: &mut World) {
        world.sign_ins.browsers.keep_until(&self.key, cx.now.wall.saturating_add(REMEMBERED));
    }

    pub(super) fn browser<'w>(&self, world: &'w mut World) -> Option<&'w mut Browser> {
        world.sign_ins.browsers.find_mut(&self.key)
    }

    /// Changes the sign-in.
    pub(super) fn change(&self, world: &mut World, change: impl FnOnce(&mut Flow)) {
        if let Some(flow) = self.browser(world).and_then(|browser| browser.flow(&self.flow)) {
            change(flow);
        }
    }

    /// The sign-in as it stands.
    pub(super) fn flow(&self, world: &mut World) -> Flow {
        self.browser(world).and_then(|browser| browser.flow(&self.flow).cloned()).unwrap_or_default()
    }

    /// Ends the sign-in; the browser stays signed in.
    pub(super) fn end(&self, world: &mut World) {
        if let Some(browser) = self.browser(world) {
            browser.end(&self.flow);
        }
    }

    /// Tells the browser its cookie.
    ///
    /// Scripts do not see it, and forms of other sites come without it. At the service it is `SameSite=None`, which browsers
    /// take over HTTPS only; a hidden frame of another site is therefore never signed in here.
    pub(super) fn tell(&self, cx: &Context<'_>, answer: Answer) -> Answer {
        let secure = if cx.call.origin.starts_with("https://") { "; Secure" } else { "" };
        answer.with_header("set-cookie", &format!("{NAME}={}; Path=/; HttpOnly; SameSite=Lax{secure}", self.key))
    }
}

/// Forgets a browser, and has it forget its cookie.
pub(super) fn forget(cx: &Context<'_>, world: &mut World, answer: Answer) -> Answer {
    if let Some(key) = known(cx, world) {
        world.sign_ins.browsers.take(&key);
    }
    answer.with_header("set-cookie", &format!("{NAME}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))
}

//! What a person's forms say, and what they change.

use super::ask::{Ask, Purpose};
use super::browser::Place;
use super::finish::Outcome;
use super::{Context, people};
use crate::base::call::Query;
use crate::model::sign_in::{Account, ForWhom, Presence};
use crate::model::world::World;
use azconnect_core::Secret;

/// Takes in a form; what comes of it, where the sign-in ends here.
pub(super) fn read(cx: &Context<'_>, world: &mut World, ask: &Ask, place: &Place) -> Option<Outcome> {
    let form = cx.call.form();
    let action = form.get("action").unwrap_or_default();
    match (form.get("page").unwrap_or_default(), action) {
        ("account", _) => choose(world, place, form.get("account").unwrap_or_default()),
        (_, "other") => another(world, place),
        ("email", _) => claim(world, (ask, place), form.get("email").unwrap_or_default().trim()),
        ("password", _) => check_password(world, place, &form),
        ("mfa", "approve") => strengthen(world, ask, place),
        ("mfa", _) => {
            let text = "AADSTS500121: Authentication failed during strong authentication request.";
            complain(world, place, text);
        }
        ("device-confirm", "continue") => place.change(world, |flow| flow.confirmed = true),
        ("device-confirm", "cancel") | ("consent", "cancel") => return Some(Outcome::Declined),
        ("consent", "accept") => {
            let all = form.flag("for-organization");
            let whom =
                if all || matches!(ask.purpose, Purpose::Consent(_)) { ForWhom::Everybody } else { ForWhom::Oneself };
            place.change(world, |flow| flow.consented = Some(whom));
        }
        ("approval-needed", "leave") => return Some(Outcome::Left),
        _ => {}
    }
    None
}

fn complain(world: &mut World, place: &Place, text: &str) {
    place.change(world, |flow| flow.complaint = Some(text.to_owned()));
}

fn another(world: &mut World, place: &Place) {
    place.change(world, |flow| {
        (flow.account, flow.claimed, flow.another, flow.consented) = (None, None, true, None);
    });
}

fn choose(world: &mut World, place: &Place, id: &str) {
    if id == "other" {
        return another(world, place);
    }
    let Some(browser) = place.browser(world) else { return };
    let chosen = browser.presences.iter().find(|one| one.account.object_id.to_string() == id).map(|one| one.account);
    place.change(world, |flow| flow.account = chosen);
}

/// Whoever has no password in the seed is signed in by its name alone.
fn claim(world: &mut World, (ask, place): (&Ask, &Place), name: &str) {
    let Some(account) = people::account(&world.directory, name, ask.authority) else {
        let text = format!(
            "AADSTS50034: The user account {name} does not exist in this directory. To sign into this application, the account must \
             be added to the directory."
        );
        return complain(world, place, &text);
    };
    if !ask.admits(account) {
        let personal = account.tenant == crate::model::registration::PERSONAL;
        let text = if personal {
            "You can't sign in here with a personal account. Use your work or school account instead."
        } else {
            "You can't sign in here with a work or school account. Use your personal account instead."
        };
        return complain(world, place, text);
    }
    let has_password = people::at_home(&world.directory, account).is_some_and(|(_, user)| user.password.is_some());
    if has_password {
        return place.change(world, |flow| flow.claimed = Some(account));
    }
    enter(world, place, account);
}

fn check_password(world: &mut World, place: &Place, form: &Query) {
    let Some(account) = place.flow(world).claimed else { return };
    let text = Secret::new(form.get("password").unwrap_or_default());
    let user = people::at_home(&world.directory, account).map(|(_, user)| user);
    if !user.is_some_and(|user| user.password.as_ref().is_some_and(|password| password.same_as(&text))) {
        return complain(world, place, "AADSTS50126: Your account or password is incorrect.");
    }
    enter(world, place, account);
}

fn enter(world: &mut World, place: &Place, account: Account) {
    let epochs = people::at_home(&world.directory, account).map(|(_, user)| user.epochs).unwrap_or_default();
    if let Some(browser) = place.browser(world) {
        browser.enter(Presence { account, strong: false, epochs });
    }
    place.change(world, |flow| (flow.account, flow.claimed, flow.another) = (Some(account), None, false));
}

fn strengthen(world: &mut World, ask: &Ask, place: &Place) {
    let chosen = place.flow(world).account;
    let Some(browser) = place.browser(world) else { return };
    // Whoever was the only one was not chosen.
    let account =
        chosen.or_else(|| browser.presences.iter().map(|one| one.account).find(|account| ask.admits(*account)));
    for presence in browser.presences.iter_mut().filter(|one| Some(one.account) == account) {
        presence.strong = true;
    }
}

//! The way of a person through a sign-in: who it is, how it shows that, what it consents to.

use url::form_urlencoded::Serializer;

use super::ask::{Ask, Prompt, Purpose, Stop};
use super::browser::{self, Place};
use super::consent::{Asked, Relation};
use super::finish::{self, Outcome};
use super::page::{Carried, Page};
use super::{Context, denial, form, people, refusal};
use crate::base::answer::Answer;
use crate::base::origins::Service;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::replica::Replica;
use crate::model::sign_in::{Account, Flow, ForWhom, Presence};
use crate::model::world::World;

/// A browser arrives.
pub(super) fn begin(cx: &Context<'_>, world: &mut World, ask: Result<Ask, Stop>) -> Answer {
    let ask = match ask {
        Ok(ask) => ask,
        Err(stop) => return stopped(cx, world, stop),
    };
    // A silent request leaves no trace in a browser that nobody is signed in to.
    if let (true, None, Some(target)) = (ask.is_silent(), browser::known(cx, world), ask.target()) {
        return target.refuse(cx, world, &denial::nobody_signed_in());
    }
    let place = browser::begin(cx, world);
    let answer = advance(cx, world, &ask, &place);
    place.tell(cx, answer)
}

/// A form of one of the pages comes back.
pub(super) fn go_on(cx: &Context<'_>, world: &mut World, ask: Result<Ask, Stop>) -> Answer {
    let ask = match ask {
        Ok(ask) => ask,
        Err(stop) => return stopped(cx, world, stop),
    };
    let Some(place) = browser::going_on(cx, world) else {
        return refused(cx, world, &denial::form_expired());
    };
    place.change(world, |flow| flow.complaint = None);
    match form::read(cx, world, &ask, &place) {
        Some(outcome) => finish::end(cx, world, (&ask, &place), outcome),
        None => advance(cx, world, &ask, &place),
    }
}

fn stopped(cx: &Context<'_>, world: &mut World, stop: Stop) -> Answer {
    match stop {
        Stop::Page(refusal) => refused(cx, world, &refusal),
        Stop::Back(target, refusal) => target.refuse(cx, world, &refusal),
    }
}

/// The page that tells a person what no application may hear. The status of the service's own is not documented.
pub(super) fn refused(cx: &Context<'_>, world: &mut World, refusal: &Refusal) -> Answer {
    let told = refusal::told(refusal, cx.call, world);
    Page::new("error", "Sign in")
        .text("sorry", "Sorry, but we're having trouble signing you in.")
        .text("error", &told.description)
        .answer(400)
}

/// What comes next, once everything that is known has been taken into account.
fn advance(cx: &Context<'_>, world: &mut World, ask: &Ask, place: &Place) -> Answer {
    let number = world.next_replica(Service::Login);
    match next(cx, world, ask, (place, number)) {
        Ok(Next::Page(page)) => {
            let canary = place.browser(world).map(|browser| browser.canary.clone()).unwrap_or_default();
            let carried = Carried { action: &own_address(cx), flow: &place.flow, canary: &canary };
            page(&carried).answer(200)
        }
        Ok(Next::Done(outcome)) => finish::end(cx, world, (ask, place), *outcome),
        Err(Stop::Back(target, refusal)) => {
            place.end(world);
            target.refuse(cx, world, &refusal)
        }
        Err(Stop::Page(refusal)) => {
            place.end(world);
            refused(cx, world, &refusal)
        }
    }
}

/// The address that was asked for, without its origin: every form is posted to where its page was.
fn own_address(cx: &Context<'_>) -> String {
    let query = Serializer::new(String::new()).extend_pairs(&cx.call.query.0).finish();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{mark}{query}", cx.call.path)
}

/// A page that still has to be told what its form carries.
type Draft = Box<dyn Fn(&Carried<'_>) -> Page>;

enum Next {
    Page(Draft),
    Done(Box<Outcome>),
}

/// Makes a page, or tells a silent request that there would have been one.
fn page(
    ask: &Ask,
    silent: impl FnOnce() -> Box<Refusal>,
    draft: impl Fn(&Carried<'_>) -> Page + 'static,
) -> Result<Next, Stop> {
    match ask.target().filter(|_| ask.is_silent()) {
        Some(target) => Err(Stop::Back(target.clone(), silent())),
        None => Ok(Next::Page(Box::new(draft))),
    }
}

/// A refusal that concerns the person: it reads it, unless the request is silent.
fn of_person(ask: &Ask, refusal: Box<Refusal>) -> Stop {
    match ask.target().filter(|_| ask.is_silent()) {
        Some(target) => Stop::Back(target.clone(), denial::several_signed_in()),
        None => Stop::Page(refusal),
    }
}

fn next(cx: &Context<'_>, world: &mut World, ask: &Ask, (place, number): (&Place, u32)) -> Result<Next, Stop> {
    let flow = place.flow(world);
    let signed_in = present(world, ask, place);
    let presence = match who(world, ask, &flow, &signed_in) {
        Who::Somebody(presence) => presence,
        Who::Pages(page) => return page,
    };
    let account = presence.account;
    let directory = &world.directory;
    let (home, user) = people::at_home(directory, account).ok_or_else(denial::form_expired)?;
    let tenant = ask.authority.tenant_of(account).and_then(|id| directory.tenant_by_id(id));
    let tenant = tenant.ok_or_else(denial::form_expired)?;
    let person = people::in_tenant(directory, account, tenant.id).ok_or_else(|| {
        let issuer = format!("https://sts.windows.net/{}/", home.id);
        of_person(ask, denial::not_in_tenant(&user.principal_name, &issuer, &tenant.display_name))
    })?;
    if !user.enabled || !person.enabled {
        return Err(of_person(ask, denial::account_disabled()));
    }
    if (user.needs_strong_sign_in || person.needs_strong_sign_in) && !presence.strong {
        let complaint = flow.complaint;
        return page(ask, denial::interaction_needed, move |carried| strong_page(carried, complaint.as_deref()));
    }
    // At an endpoint for several tenants it is known only now which of them it is.
    super::authorize::check_authority(world, people::Authority::Tenant(tenant.id), &ask.registration, &tenant.domain)?;
    let name = ask.registration.name.clone();
    if matches!(ask.purpose, Purpose::Device(_)) && !flow.confirmed {
        return Ok(Next::Page(Box::new(move |carried| confirm_page(carried, &name))));
    }
    let replica = Replica::of_tokens(&world.settings, number, cx.now);
    let relation = Relation { directory, tenant, registration: &ask.registration, person, replica: &replica };
    let asked = asked(ask, &relation).map_err(|refusal| match ask.target() {
        Some(target) => Stop::Back(target.clone(), refusal),
        None => Stop::Page(refusal),
    })?;
    let everybody = matches!(ask.purpose, Purpose::Consent(_));
    let must_ask = everybody || !asked.is_empty();
    let may = relation.may_consent(&asked) && (!everybody || person.is_administrator);
    // Whoever posts a consent that no page offered has given none.
    let consented = flow.consented.filter(|whom| may && (*whom == ForWhom::Oneself || person.is_administrator));
    if must_ask && consented.is_none() {
        let shown = shown(directory, &asked, ask);
        let (who, offers_all) = (user.principal_name.clone(), person.is_administrator && !everybody);
        let registration = ask.registration.clone();
        return page(
            ask,
            move || {
                if may { denial::consent_required(&registration) } else { denial::administrator_needed(&registration) }
            },
            move |carried| {
                let consent = ConsentPage { name: &name, who: &who, shown: &shown, offers_all };
                if may { consent.page(carried) } else { consent.approval(carried) }
            },
        );
    }
    Ok(Next::Done(Box::new(Outcome::Granted {
        presence,
        tenant: tenant.id,
        person: person.object_id,
        asked,
        whom: if everybody { ForWhom::Everybody } else { consented.unwrap_or(ForWhom::Oneself) },
    })))
}

/// What the person has to consent to.
fn asked(ask: &Ask, relation: &Relation<'_>) -> OrRefusal<Vec<Asked>> {
    if let Purpose::Consent(_) = ask.purpose {
        let mut asked = relation.missing(&ask.wanted, true)?;
        asked.retain(|one| !one.names.is_empty());
        return Ok(asked);
    }
    relation.missing(&ask.wanted, ask.prompt == Some(Prompt::Consent))
}

/// The permissions in words.
fn shown(directory: &crate::model::directory::Directory, asked: &[Asked], ask: &Ask) -> Vec<String> {
    let name = |id: uuid::Uuid| {
        let mut principals = directory.tenants.iter().filter_map(|tenant| tenant.any_principal_of(id));
        principals.next().map_or_else(|| id.to_string(), |principal| principal.display_name.clone())
    };
    let scopes = asked.iter().flat_map(|one| {
        let resource = name(one.resource);
        one.names.iter().map(move |scope| format!("{resource}: {scope}")).collect::<Vec<_>>()
    });
    let roles =
        ask.registration.required.iter().filter(|one| one.is_role && matches!(ask.purpose, Purpose::Consent(_)));
    let roles = roles.map(|role| {
        let known = crate::model::consent::graph_role(role.id).map_or_else(|| role.id.to_string(), str::to_owned);
        format!("{}: {known} (as the application itself)", name(role.resource))
    });
    scopes.chain(roles).collect()
}

/// Those who are signed in to the browser and may sign in here.
fn present(world: &mut World, ask: &Ask, place: &Place) -> Vec<Presence> {
    let all = place.browser(world).map(|browser| browser.presences.clone()).unwrap_or_default();
    let is_good = |presence: &Presence| {
        let user = people::at_home(&world.directory, presence.account).map(|(_, user)| user);
        // Whose sign-ins were revoked is signed in nowhere.
        user.is_some_and(|user| user.epochs == presence.epochs)
    };
    all.into_iter().filter(|presence| is_good(presence) && ask.admits(presence.account)).collect()
}

enum Who {
    Somebody(Presence),
    Pages(Result<Next, Stop>),
}

/// Who signs in: whom the person chose, or who is the only one; else it is asked.
fn who(world: &World, ask: &Ask, flow: &Flow, signed_in: &[Presence]) -> Who {
    let find = |account: Account| signed_in.iter().find(|one| one.account == account).copied();
    if let Some(chosen) = flow.account.and_then(find) {
        return Who::Somebody(chosen);
    }
    let name = |account: Account| {
        people::at_home(&world.directory, account).map(|(_, user)| user.principal_name.clone()).unwrap_or_default()
    };
    let complaint = flow.complaint.clone();
    if let Some(claimed) = flow.claimed {
        let who = name(claimed);
        return Who::Pages(Ok(Next::Page(Box::new(move |carried| password_page(carried, &who, complaint.as_deref())))));
    }
    let hint = ask.hint.clone().unwrap_or_default();
    let hinted = signed_in.iter().find(|one| ask.hint.is_some() && name(one.account).eq_ignore_ascii_case(&hint));
    let e_mail = || {
        let (hint, complaint) = (hint.clone(), complaint.clone());
        Who::Pages(page(ask, denial::nobody_signed_in, move |carried| {
            e_mail_page(carried, &hint, complaint.as_deref())
        }))
    };
    if flow.another || ask.prompt == Some(Prompt::SignIn) {
        return e_mail();
    }
    match (ask.prompt, hinted, signed_in) {
        (Some(Prompt::Account), _, [_, ..]) | (_, None, [_, _, ..]) if ask.hint.is_none() => {
            let accounts: Vec<_> =
                signed_in.iter().map(|one| (one.account.object_id.to_string(), name(one.account))).collect();
            Who::Pages(page(ask, denial::several_signed_in, move |carried| account_page(carried, &accounts)))
        }
        (_, Some(hinted), _) => Who::Somebody(*hinted),
        (_, None, [one]) if ask.hint.is_none() => Who::Somebody(*one),
        _ => e_mail(),
    }
}

fn e_mail_page(carried: &Carried<'_>, hint: &str, complaint: Option<&str>) -> Page {
    Page::new("email", "Sign in")
        .alert(complaint)
        .form(carried)
        .field("email", "Email, phone, or Skype", ("text", "username", hint))
        .button("next", "Next", ("action", "next"))
        .end()
}

fn password_page(carried: &Carried<'_>, who: &str, complaint: Option<&str>) -> Page {
    Page::new("password", "Enter password")
        .text("who", who)
        .alert(complaint)
        .form(carried)
        .field("password", "Password", ("password", "current-password", ""))
        .button("sign-in", "Sign in", ("action", "sign-in"))
        .button("back", "Use another account", ("action", "other"))
        .end()
}

fn account_page(carried: &Carried<'_>, accounts: &[(String, String)]) -> Page {
    let page = Page::new("account", "Pick an account").form(carried);
    let page = accounts
        .iter()
        .enumerate()
        .fold(page, |page, (number, (id, name))| page.button(&format!("account-{number}"), name, ("account", id)));
    page.button("other-account", "Use another account", ("account", "other")).end()
}

fn strong_page(carried: &Carried<'_>, complaint: Option<&str>) -> Page {
    Page::new("mfa", "Approve sign in request")
        .text(
            "explanation",
            "Your organization wants more than a password. Approve the request, as you would in your authenticator.",
        )
        .alert(complaint)
        .form(carried)
        .button("approve", "Approve", ("action", "approve"))
        .button("deny", "Deny", ("action", "deny"))
        .end()
}

fn confirm_page(carried: &Carried<'_>, name: &str) -> Page {
    Page::new("device-confirm", &format!("Are you trying to sign in to {name}?"))
        .text("explanation", "Only continue if you downloaded the app from a store or website that you trust.")
        .form(carried)
        .button("continue", "Continue", ("action", "continue"))
        .button("cancel", "Cancel", ("action", "cancel"))
        .end()
}

/// What the person is asked to consent to.
struct ConsentPage<'a> {
    name: &'a str,
    who: &'a str,
    shown: &'a [String],
    offers_all: bool,
}

impl ConsentPage<'_> {
    fn page(&self, carried: &Carried<'_>) -> Page {
        let page = Page::new("consent", "Permissions requested")
            .text("who", self.who)
            .text("application", self.name)
            .text("explanation", "This app would like to:")
            .list("scopes", self.shown)
            .form(carried);
        let page = if self.offers_all {
            page.checkbox("for-organization", "Consent on behalf of your organization")
        } else {
            page
        };
        page.button("accept", "Accept", ("action", "accept")).button("cancel", "Cancel", ("action", "cancel")).end()
    }

    fn approval(&self, carried: &Carried<'_>) -> Page {
        Page::new("approval-needed", "Need admin approval")
            .text("who", self.who)
            .text("application", self.name)
            .text(
                "explanation",
                "AADSTS90094: This app needs permission to access resources in your organization that only an admin can grant. Please \
                 ask an admin to grant permission to this app before you can use it.",
            )
            .list("scopes", self.shown)
            .form(carried)
            .button("other-account", "Have an admin account? Sign in with that account", ("action", "other"))
            .button("return", "Return to the application without granting consent", ("action", "leave"))
            .end()
    }
}

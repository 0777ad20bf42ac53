//! What comes of a sign-in: a code, a device that may go on, a consent, or a refusal.

use time::Duration;
use uuid::Uuid;

use super::ask::{Ask, CodeAsk, Purpose};
use super::browser::Place;
use super::consent::{self, Asked};
use super::page::Page;
use super::reply::{Fields, Target};
use super::{Context, denial, person_token};
use crate::base::answer::Answer;
use crate::model::sign_in::{ClientKind, Code, Delegation, DeviceOutcome, ForWhom, Presence};
use crate::model::world::World;

/// How long a code may be redeemed.
const CODE_LIVES: Duration = Duration::minutes(10);

/// How long a code is remembered, so that whoever comes late or twice hears it.
const CODE_REMEMBERED: Duration = Duration::hours(2);

/// What a person decided.
pub(super) enum Outcome {
    Granted {
        presence: Presence,
        tenant: Uuid,
        person: Uuid,
        asked: Vec<Asked>,
        whom: ForWhom,
    },
    /// It does not consent.
    Declined,
    /// It leaves, since an administrator is needed.
    Left,
}

/// Ends a sign-in with what the person decided.
pub(super) fn end(cx: &Context<'_>, world: &mut World, (ask, place): (&Ask, &Place), outcome: Outcome) -> Answer {
    place.end(world);
    match outcome {
        Outcome::Granted { presence, tenant, person, asked, whom } => {
            if let Some(tenant) = world.directory.tenants.iter_mut().find(|one| one.id == tenant) {
                let dice = &mut world.dice;
                if !asked.is_empty() {
                    consent::enter((dice, cx.now), tenant, &ask.registration, (&asked, person, whom));
                }
                if matches!(ask.purpose, Purpose::Consent(_)) {
                    consent::enter_roles((dice, cx.now), tenant, &ask.registration);
                }
            }
            granted(cx, world, ask, (presence, tenant))
        }
        Outcome::Declined => refused(cx, world, ask, false),
        Outcome::Left => refused(cx, world, ask, true),
    }
}

fn granted(cx: &Context<'_>, world: &mut World, ask: &Ask, (presence, tenant): (Presence, Uuid)) -> Answer {
    let delegation = |world: &mut World, kind: ClientKind, nonce: Option<String>| Delegation {
        client: ask.registration.client_id,
        kind,
        tenant,
        presence,
        scope: ask.scope.clone(),
        nonce,
        family: world.dice.guid(),
        began: cx.now.wall,
    };
    match &ask.purpose {
        Purpose::Code(code) => {
            let delegation = delegation(world, code.kind, code.nonce.clone());
            with_code(cx, world, (ask, code), delegation)
        }
        Purpose::Device(device_code) => {
            let delegation = delegation(world, ClientKind::Native, None);
            decide_device(world, device_code, DeviceOutcome::Granted(Box::new(delegation)));
            let text = format!(
                "You have signed in to the {} application on your device. You may now close this window.",
                ask.registration.name
            );
            Page::new("done", &ask.registration.name).text("message", &text).answer(200)
        }
        Purpose::Consent(target) => target.send(vec![
            ("admin_consent", "True".to_owned()),
            ("tenant", tenant.to_string()),
            ("scope", ask.scope.clone()),
        ]),
    }
}

fn with_code(cx: &Context<'_>, world: &mut World, (ask, code): (&Ask, &CodeAsk), delegation: Delegation) -> Answer {
    let now = cx.now.wall;
    let text = format!("1.{}", world.dice.text(300));
    let mut fields: Fields = vec![("code", text.clone())];
    if code.with_id_token {
        let token = person_token::early_id_token(cx, world, (&delegation, &ask.registration), &text);
        fields.extend(token.map(|token| ("id_token", token)));
    }
    fields.push(("session_state", world.dice.guid().to_string()));
    let kept = Code {
        delegation,
        redirect: code.redirect.clone(),
        challenge: code.challenge.clone(),
        expires: now.saturating_add(CODE_LIVES),
        used: false,
    };
    world.sign_ins.codes.put(text, (now.saturating_add(CODE_REMEMBERED), kept), now);
    code.target.send(fields)
}

fn decide_device(world: &mut World, device_code: &str, outcome: DeviceOutcome) {
    if let Some(device) = world.sign_ins.devices.find_mut(device_code) {
        device.outcome = outcome;
    }
}

fn refused(cx: &Context<'_>, world: &mut World, ask: &Ask, left: bool) -> Answer {
    let declined = denial::consent_declined(&ask.registration);
    match &ask.purpose {
        Purpose::Code(code) if left => code.target.leave(),
        Purpose::Code(code) => code.target.refuse(cx, world, &declined),
        Purpose::Device(device_code) => {
            decide_device(world, device_code, DeviceOutcome::Declined);
            Page::new("done", &ask.registration.name)
                .text("message", "You have not signed in. You may now close this window.")
                .answer(200)
        }
        Purpose::Consent(target) => refused_consent(cx, world, target, ask),
    }
}

/// A refusal says `admin_consent=True` as well, and names no tenant: only `error` tells it from a consent.
fn refused_consent(cx: &Context<'_>, world: &mut World, target: &Target, ask: &Ask) -> Answer {
    let mut fields = target.refused(cx, world, &denial::consent_declined(&ask.registration));
    fields.push(("admin_consent", "True".to_owned()));
    target.send(fields)
}

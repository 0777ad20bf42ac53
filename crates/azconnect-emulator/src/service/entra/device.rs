//! Devices without a browser, by RFC 8628 and *OAuth 2.0 device authorization grant* of the Microsoft identity platform.

use serde_json::json;
use time::Duration;

use super::ask::{Ask, Purpose, Stop};
use super::page::Page;
use super::people::Authority;
use super::person_token::{self, Order};
use super::redeem::Redemption;
use super::scope::Wanted;
use super::{Context, Version, authorize, client, denial, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::call::Query;
use crate::base::refusal::OrRefusal;
use crate::base::settings::sign_in::DevicePolling;
use crate::model::registration::Registration;
use crate::model::sign_in::{ClientKind, Device, DeviceOutcome};
use crate::model::world::World;

/// How long a code is good.
const LIVES: Duration = Duration::seconds(900);

/// How long it is remembered, so that a late caller hears that it has ended.
const REMEMBERED: Duration = Duration::hours(2);

/// The least pause between two polls, in seconds.
const INTERVAL: u64 = 5;

/// `POST …/devicecode`.
pub(super) fn issue(cx: &Context<'_>, world: &mut World, tenant: &str, version: Version) -> OrRefusal<Answer> {
    let issued = issued(cx, world, tenant, version);
    match issued {
        Err(refusal) if world.settings.sign_in.device_errors_in_200 => {
            let mut refusal = refusal;
            refusal.status = 200;
            Err(refusal)
        }
        issued => issued,
    }
}

fn issued(cx: &Context<'_>, world: &mut World, tenant: &str, version: Version) -> OrRefusal<Answer> {
    let form = cx.call.form();
    let (_, registration) = authorize::known(world, tenant, &form)?;
    let scope = match version {
        Version::V2 => form.filled("scope").ok_or_else(|| refusal::parameter_missing("scope"))?.to_owned(),
        Version::V1 => {
            let resource = form.filled("resource").ok_or_else(|| refusal::parameter_missing("resource"))?;
            format!("openid profile offline_access {resource}/.default")
        }
    };
    let name = world.directory.tenant(tenant).map_or(tenant, |tenant| tenant.display_name.as_str());
    Wanted::read((&world.directory, &cx.call.origins), &registration, (&scope, name))?;
    let device_code = world.dice.text(150);
    let user_code = user_code(world);
    let now = cx.now.wall;
    let device = Device {
        user_code: user_code.clone(),
        client: registration.client_id,
        authority: tenant.to_owned(),
        scope,
        expires: now.saturating_add(LIVES),
        interval: INTERVAL,
        last_poll: None,
        outcome: DeviceOutcome::Waiting,
    };
    world.sign_ins.devices.put(device_code.clone(), (now.saturating_add(REMEMBERED), device), now);
    let address = format!("{}/common/oauth2/deviceauth", cx.call.origin);
    let message = format!(
        "To sign in, use a web browser to open the page {address} and enter the code {user_code} to authenticate."
    );
    let mut body = json!({"user_code": user_code, "device_code": device_code, "verification_uri": address,
        "expires_in": LIVES.whole_seconds(), "interval": INTERVAL, "message": message});
    if let (Version::V1, Some(body)) = (version, body.as_object_mut()) {
        body.remove("verification_uri");
        body.insert("verification_url".to_owned(), json!(address));
        body.insert("expires_in".to_owned(), json!(LIVES.whole_seconds().to_string()));
        body.insert("interval".to_owned(), json!(INTERVAL.to_string()));
    }
    Ok(json_answer(200, &body))
}

/// Nine characters that people can type, without those that look like others.
fn user_code(world: &mut World) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let pick = |number: u64| {
        let index = usize::try_from(number % ALPHABET.len() as u64).unwrap_or_default();
        char::from(ALPHABET.get(index).copied().unwrap_or(b'A'))
    };
    (0..9).map(|_| pick(world.dice.number())).collect()
}

/// A poll of the device.
pub(super) fn redeem(cx: &Context<'_>, world: &mut World, at: &Redemption<'_>) -> OrRefusal<Answer> {
    // The older endpoint calls it `code`.
    let text = at.wanted("device_code").or_else(|refusal| at.form.filled("code").ok_or(refusal))?;
    let authority = at.authority(world)?;
    let known = at.client(cx, world)?;
    if !known.registration.is_public && !known.proven {
        return Err(denial::credential_missing());
    }
    let polling = world.settings.sign_in.device_polling;
    let device = world.sign_ins.devices.find_mut(text).ok_or_else(denial::verification_code_bad)?;
    if device.client != known.registration.client_id {
        return Err(denial::verification_code_bad());
    }
    if device.expires <= cx.now.wall {
        return Err(denial::device_code_expired());
    }
    let early = device.last_poll.is_some_and(|last| cx.now.wall < last.saturating_add(pause(device.interval)));
    device.last_poll = Some(cx.now.wall);
    match (&device.outcome, polling) {
        (DeviceOutcome::Waiting, DevicePolling::SlowDown) if early => {
            device.interval = device.interval.saturating_add(5);
            return Err(denial::slow_down());
        }
        (DeviceOutcome::Waiting, DevicePolling::LoopDetected) if early => return Err(denial::loop_detected()),
        (DeviceOutcome::Waiting, _) => return Err(denial::authorization_pending()),
        (DeviceOutcome::Declined, _) => return Err(denial::authorization_declined()),
        (DeviceOutcome::Redeemed, _) => return Err(denial::code_used()),
        (DeviceOutcome::Granted(_), _) => {}
    }
    let DeviceOutcome::Granted(granted) = &device.outcome else { return Err(denial::authorization_pending()) };
    let mut delegation = (**granted).clone();
    if matches!(authority, Authority::Tenant(id) if id != delegation.tenant) {
        return Err(denial::verification_code_bad());
    }
    if known.proven {
        delegation.kind = ClientKind::Web;
    }
    let order = Order {
        delegation,
        registration: &known.registration,
        scope: None,
        version: at.version,
        replica: at.replica,
        renews: false,
    };
    let answer = person_token::answer(cx, world, order)?;
    if let Some(device) = world.sign_ins.devices.find_mut(text) {
        device.outcome = DeviceOutcome::Redeemed;
    }
    Ok(answer)
}

fn pause(seconds: u64) -> Duration {
    Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// What the person types in, in any case and with whatever between.
fn typed(query: &Query) -> Option<String> {
    let text = query.filled("code").or_else(|| query.filled("otc"))?;
    Some(text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect())
}

/// The page that takes a device's code; shown again where the code that was typed is none.
pub(super) fn page(cx: &Context<'_>) -> Answer {
    let complaint = typed(&cx.call.query).map(|_| "That code didn't work. Check the code and try again.");
    Page::new("device-code", "Enter code")
        .text("explanation", "Enter the code displayed on your app or device.")
        .alert(complaint)
        .get_form(&cx.call.path)
        .field("code", "Code", ("text", "off", ""))
        .button("next", "Next", ("action", "next"))
        .end()
        .answer(200)
}

/// Reads which device the person signs in to; nothing where it has not said.
pub(super) fn read(cx: &Context<'_>, world: &World) -> Option<Result<Ask, Stop>> {
    let code = typed(&cx.call.query)?;
    let (device_code, device) = world
        .sign_ins
        .devices
        .find_by(|device| device.user_code == code && device.expires > cx.now.wall)
        .filter(|(_, device)| matches!(device.outcome, DeviceOutcome::Waiting))?;
    Some(of_device(cx, world, device_code, device))
}

fn of_device(cx: &Context<'_>, world: &World, device_code: &str, device: &Device) -> Result<Ask, Stop> {
    let missing = || refusal::application_not_found(&device.client.to_string(), &device.authority);
    let registration = Registration::of(&world.directory, device.client).ok_or_else(missing)?;
    let authority = match Authority::of(&world.directory, &device.authority) {
        Some(authority) => authority,
        None => Authority::Tenant(client::find_tenant(&world.directory, &device.authority)?.id),
    };
    let wanted = Wanted::read((&world.directory, &cx.call.origins), &registration, (&device.scope, &device.authority))?;
    Ok(Ask {
        authority,
        registration,
        wanted,
        scope: device.scope.clone(),
        prompt: None,
        hint: None,
        purpose: Purpose::Device(device_code.to_owned()),
    })
}

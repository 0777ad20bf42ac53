//! The address at which an administrator consents for everybody, by *Admin consent on the Microsoft identity platform*.

use super::ask::{Ask, Purpose, Stop};
use super::people::Authority;
use super::reply::{Mode, Target};
use super::scope::Wanted;
use super::{Context, authorize, denial, refusal};
use crate::base::refusal::Refusal;
use crate::model::registration::Registration;
use crate::model::world::World;

/// Reads the request. Without scopes it is for all that the application was registered with.
pub(super) fn read(cx: &Context<'_>, world: &World, tenant: &str) -> Result<Ask, Stop> {
    let query = &cx.call.query;
    let (authority, registration) = authorize::known(world, tenant, query)?;
    let redirect = query.filled("redirect_uri").ok_or_else(|| refusal::parameter_missing("redirect_uri"))?;
    if registration.kind_at(redirect).is_none() {
        return Err(denial::redirect_mismatch(redirect, &registration.client_id.to_string()).into());
    }
    if matches!(authority, Authority::Common | Authority::Consumers) {
        return Err(denial::consent_endpoint(tenant).into());
    }
    let state = query.get("state").map(str::to_owned);
    let target = Target { redirect: redirect.to_owned(), mode: Mode::Query, state };
    let scope = query.filled("scope").map_or_else(|| registered(&registration), str::to_owned);
    let back = |refusal: Box<Refusal>| Stop::Back(target.clone(), refusal);
    let wanted = Wanted::read((&world.directory, &cx.call.origins), &registration, (&scope, tenant)).map_err(back)?;
    Ok(Ask {
        authority,
        registration,
        wanted,
        scope,
        prompt: None,
        hint: query.filled("login_hint").map(str::to_owned),
        purpose: Purpose::Consent(target),
    })
}

/// The scope that means everything that was registered: that of the first resource.
fn registered(registration: &Registration) -> String {
    registration.required.first().map(|one| format!("{}/.default", one.resource)).unwrap_or_default()
}

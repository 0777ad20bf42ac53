//! The request that sends a browser here, by *OAuth 2.0 authorization code flow* of the Microsoft identity platform.

use uuid::Uuid;

use super::ask::{Ask, CodeAsk, Prompt, Purpose, Stop};
use super::people::Authority;
use super::reply::{Mode, Target};
use super::scope::Wanted;
use super::{Context, Version, client, denial, refusal};
use crate::base::call::Query;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::registration::{PERSONAL, Registration};
use crate::model::sign_in::{Challenge, ClientKind};
use crate::model::world::World;

/// Reads the request. Where the redirect address is not trusted, the person is told and nobody else.
pub(super) fn read(cx: &Context<'_>, world: &World, tenant: &str, version: Version) -> Result<Ask, Stop> {
    let query = &cx.call.query;
    let (authority, registration) = known(world, tenant, query)?;
    let (redirect, kind) = redirect(&registration, query)?;
    let mode = query.filled("response_mode");
    let mut target =
        Target { redirect: redirect.clone(), mode: Mode::Query, state: query.get("state").map(str::to_owned) };
    let back = |target: &Target, refusal: Box<Refusal>| Stop::Back(target.clone(), refusal);
    let with_id_token = match response_type(&registration, query) {
        Ok(with_id_token) => with_id_token,
        Err(refusal) => return Err(back(&target, refusal)),
    };
    // A token does not belong into a log of addresses, so the default is the fragment then.
    target.mode = match mode {
        None if with_id_token => Mode::Fragment,
        None => Mode::Query,
        Some("query") if with_id_token => return Err(back(&target, denial::response_mode_unsupported("query"))),
        Some(name) => Mode::named(name).ok_or_else(|| back(&target, denial::response_mode_unsupported(name)))?,
    };
    let rest = Rest::read(cx, world, &registration, (tenant, version, kind, with_id_token));
    let Rest { scope, wanted, prompt, challenge } = rest.map_err(|refusal| back(&target, refusal))?;
    Ok(Ask {
        authority,
        registration,
        wanted,
        scope,
        prompt,
        hint: query.filled("login_hint").map(str::to_owned),
        purpose: Purpose::Code(CodeAsk {
            target,
            redirect,
            kind,
            with_id_token,
            nonce: query.filled("nonce").map(str::to_owned),
            challenge,
        }),
    })
}

/// Who is asked for by whom: the part that every interactive request has.
pub(super) fn known(world: &World, tenant: &str, query: &Query) -> OrRefusal<(Authority, Registration)> {
    let authority = match Authority::of(&world.directory, tenant) {
        Some(authority) => authority,
        None => Authority::Tenant(client::find_tenant(&world.directory, tenant)?.id),
    };
    let client = query.filled("client_id").ok_or_else(|| refusal::parameter_missing("client_id"))?;
    let id = Uuid::parse_str(client).ok();
    let missing = || refusal::application_not_found(client, tenant);
    let registration = id.and_then(|id| Registration::of(&world.directory, id)).ok_or_else(missing)?;
    check_authority(world, authority, &registration, tenant)?;
    Ok((authority, registration))
}

/// Whether an application may be signed in to here, whoever does.
pub(super) fn check_authority(
    world: &World,
    authority: Authority,
    registration: &Registration,
    name: &str,
) -> OrRefusal<()> {
    let Authority::Tenant(id) = authority else {
        if !registration.is_multi_tenant() {
            return Err(denial::not_multi_tenant(registration, name));
        }
        let takes_personal = registration.admits(PERSONAL);
        return match authority {
            Authority::Consumers if !takes_personal => Err(denial::not_for_consumers(registration)),
            _ => Ok(()),
        };
    };
    let tenant = world.directory.tenant_by_id(id);
    let display_name = tenant.map_or(name, |tenant| tenant.display_name.as_str());
    let principal = tenant.and_then(|tenant| tenant.principal_of(registration.client_id));
    if let Some(principal) = principal.filter(|principal| !principal.enabled) {
        return Err(refusal::application_disabled(&registration.client_id.to_string(), &principal.display_name));
    }
    if registration.admits(id) || principal.is_some() {
        return Ok(());
    }
    Err(refusal::application_not_found(&registration.client_id.to_string(), display_name))
}

/// The redirect address, and the kind of client that it makes of the caller.
fn redirect(registration: &Registration, query: &Query) -> OrRefusal<(String, ClientKind)> {
    let Some((first_kind, first)) = registration.redirects.first() else { return Err(denial::no_redirect()) };
    // The service picks one where none is named; nobody should rely on which.
    let Some(asked) = query.filled("redirect_uri") else { return Ok((first.clone(), *first_kind)) };
    let kind = registration.kind_at(asked);
    let kind = kind.ok_or_else(|| denial::redirect_mismatch(asked, &registration.client_id.to_string()))?;
    Ok((asked.to_owned(), kind))
}

/// Whether an id_token is asked for beside the code.
fn response_type(registration: &Registration, query: &Query) -> OrRefusal<bool> {
    let asked = query.filled("response_type").ok_or_else(|| refusal::parameter_missing("response_type"))?;
    let mut words: Vec<&str> = asked.split_ascii_whitespace().collect();
    words.sort_unstable();
    match words.as_slice() {
        ["code"] => Ok(false),
        ["code", "id_token"] if registration.issues_id_tokens => {
            query.filled("nonce").map(|_| true).ok_or_else(|| refusal::parameter_missing("nonce"))
        }
        ["code", "id_token"] | ["id_token"] => Err(denial::response_type_not_enabled("id_token")),
        ["token"] | ["id_token", "token"] => Err(denial::response_type_not_enabled("token")),
        _ => Err(denial::response_type_unsupported(asked)),
    }
}

/// What is checked once the application can be told.
struct Rest {
    scope: String,
    wanted: Wanted,
    prompt: Option<Prompt>,
    challenge: Option<Challenge>,
}

impl Rest {
    fn read(
        cx: &Context<'_>,
        world: &World,
        registration: &Registration,
        (tenant, version, kind, with_id_token): (&str, Version, ClientKind, bool),
    ) -> OrRefusal<Self> {
        let query = &cx.call.query;
        let scope = match version {
            Version::V2 => query.filled("scope").ok_or_else(|| refusal::parameter_missing("scope"))?.to_owned(),
            // The older endpoint names a resource, and its tokens always come with the person and a refresh token.
            Version::V1 => {
                let resource = query.filled("resource").map(|resource| format!("{resource}/.default"));
                format!("openid profile email offline_access {}", resource.unwrap_or_default())
            }
        };
        let name = world.directory.tenant(tenant).map_or(tenant, |tenant| tenant.display_name.as_str());
        let wanted = Wanted::read((&world.directory, &cx.call.origins), registration, (&scope, name))?;
        if with_id_token && !wanted.has("openid") {
            return Err(denial::response_type_unsupported("id_token"));
        }
        let prompt = match query.filled("prompt") {
            Some(name) => Some(Prompt::named(name).ok_or_else(|| denial::prompt_unsupported(name))?),
            None => None,
        };
        if prompt == Some(Prompt::Account) && query.filled("login_hint").is_some() {
            return Err(denial::hint_and_choice());
        }
        let challenge = challenge(query)?;
        if kind == ClientKind::Spa && challenge.is_none() {
            return Err(denial::challenge_required());
        }
        Ok(Self { scope, wanted, prompt, challenge })
    }
}

/// What the redemption must prove. A method that is left out means that the challenge is the verifier itself.
fn challenge(query: &Query) -> OrRefusal<Option<Challenge>> {
    let Some(text) = query.filled("code_challenge") else { return Ok(None) };
    if !(43..=128).contains(&text.len()) {
        return Err(denial::challenge_size());
    }
    match query.filled("code_challenge_method") {
        None | Some("plain") => Ok(Some(Challenge::Plain(text.to_owned()))),
        Some("S256") => Ok(Some(Challenge::Sha256(text.to_owned()))),
        Some(other) => Err(denial::challenge_method(other)),
    }
}

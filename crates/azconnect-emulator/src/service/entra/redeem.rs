//! What is redeemed at the token endpoint for a person's tokens: codes, refresh tokens, and tokens of somebody who calls us.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

use super::client::{self, Known};
use super::people::{self, Authority};
use super::person_token::{self, OF_A_PAGE, Order, UNUSED};
use super::resource::Resource;
use super::{Context, Version, denial, refusal};
use crate::base::answer::Answer;
use crate::base::call::Query;
use crate::base::refusal::OrRefusal;
use crate::base::settings::sign_in::RefreshRule;
use crate::model::replica::Replica;
use crate::model::sign_in::{Account, Challenge, ClientKind, Code, Delegation, Presence, RefreshToken};
use crate::model::token::{Audience, Identity, Token, TokenFault};
use crate::model::world::World;

/// A token request on behalf of a person.
pub(super) struct Redemption<'a> {
    pub(super) form: &'a Query,
    /// The tenant as the path names it.
    pub(super) tenant: &'a str,
    pub(super) version: Version,
    pub(super) replica: u32,
}

impl Redemption<'_> {
    pub(super) fn wanted(&self, name: &str) -> OrRefusal<&str> {
        self.form.filled(name).ok_or_else(|| refusal::parameter_missing(name))
    }

    /// The scopes that it names, if any. The older endpoint names a resource instead.
    pub(super) fn scope(&self) -> Option<String> {
        match self.version {
            Version::V2 => self.form.filled("scope").map(str::to_owned),
            Version::V1 => self.form.filled("resource").map(|resource| format!("{resource}/.default")),
        }
    }

    pub(super) fn authority(&self, world: &World) -> OrRefusal<Authority> {
        match Authority::of(&world.directory, self.tenant) {
            Some(authority) => Ok(authority),
            None => client::find_tenant(&world.directory, self.tenant).map(|tenant| Authority::Tenant(tenant.id)),
        }
    }

    pub(super) fn client(&self, cx: &Context<'_>, world: &World) -> OrRefusal<Known> {
        let replica = Replica::of_tokens(&world.settings, self.replica, cx.now);
        client::of_person(cx, world, self.form, (self.tenant, &replica))
    }
}

/// `grant_type=authorization_code`.
pub(super) fn code(cx: &Context<'_>, world: &mut World, at: &Redemption<'_>) -> OrRefusal<Answer> {
    let text = at.wanted("code")?;
    let redirect = at.wanted("redirect_uri")?;
    let authority = at.authority(world)?;
    let known = at.client(cx, world)?;
    let code = world.sign_ins.codes.find(text).ok_or_else(denial::code_malformed)?;
    if code.delegation.client != known.registration.client_id {
        return Err(denial::grant_malformed());
    }
    known.check(cx, code.delegation.kind)?;
    if code.used {
        return Err(denial::code_used());
    }
    if code.expires <= cx.now.wall {
        return Err(denial::code_expired());
    }
    if code.redirect != redirect {
        return Err(denial::redirect_differs());
    }
    check_verifier(code, at.form.filled("code_verifier"))?;
    if matches!(authority, Authority::Tenant(id) if id != code.delegation.tenant) {
        return Err(denial::grant_malformed());
    }
    let delegation = code.delegation.clone();
    let order = Order {
        delegation,
        registration: &known.registration,
        scope: at.scope(),
        version: at.version,
        replica: at.replica,
        renews: at.version == Version::V1,
    };
    let answer = person_token::answer(cx, world, order)?;
    // A refusal for another reason leaves the code good: the caller may repeat the request as it should have been.
    if let Some(code) = world.sign_ins.codes.find_mut(text) {
        code.used = true;
    }
    Ok(answer)
}

fn check_verifier(code: &Code, verifier: Option<&str>) -> OrRefusal<()> {
    let matches = match (&code.challenge, verifier) {
        (None, None) => true,
        (Some(_), None) => return Err(denial::verifier_missing()),
        (Some(Challenge::Plain(challenge)), Some(verifier)) => challenge == verifier,
        (Some(Challenge::Sha256(challenge)), Some(verifier)) => {
            *challenge == URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
        }
        (None, Some(_)) => false,
    };
    if matches { Ok(()) } else { Err(denial::verifier_wrong()) }
}

/// `grant_type=refresh_token`.
pub(super) fn refresh_token(cx: &Context<'_>, world: &mut World, at: &Redemption<'_>) -> OrRefusal<Answer> {
    let text = at.wanted("refresh_token")?;
    let authority = at.authority(world)?;
    let known = at.client(cx, world)?;
    let token = world.sign_ins.refresh_tokens.find(text).ok_or_else(denial::grant_malformed)?;
    if token.delegation.client != known.registration.client_id {
        return Err(denial::grant_malformed());
    }
    known.check(cx, token.delegation.kind)?;
    check_life(token, cx.now.wall)?;
    if token.uses > 0 && world.settings.sign_in.refresh_rule != RefreshRule::Kept {
        let family = token.delegation.family;
        if world.settings.sign_in.refresh_rule == RefreshRule::ReuseRevokes {
            revoke_family(world, family);
        }
        return Err(denial::sign_in_revoked());
    }
    let mut delegation = token.delegation.clone();
    // It is bound to no tenant: the same one serves wherever the person is a guest.
    if let Authority::Tenant(id) = authority {
        delegation.tenant = id;
    }
    let order = Order {
        delegation,
        registration: &known.registration,
        scope: at.scope(),
        version: at.version,
        replica: at.replica,
        renews: true,
    };
    let answer = person_token::answer(cx, world, order)?;
    let now = cx.now.wall;
    if let Some(token) = world.sign_ins.refresh_tokens.find_mut(text) {
        (token.uses, token.last_used) = (token.uses.saturating_add(1), now);
    }
    world.sign_ins.refresh_tokens.keep_until(text, now.saturating_add(UNUSED.saturating_mul(2)));
    Ok(answer)
}

fn check_life(token: &RefreshToken, now: OffsetDateTime) -> OrRefusal<()> {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let written = |moment: OffsetDateTime| moment.format(format).unwrap_or_default();
    if token.revoked {
        return Err(denial::sign_in_revoked());
    }
    let began = token.delegation.began;
    if token.delegation.kind == ClientKind::Spa && began.saturating_add(OF_A_PAGE) <= now {
        return Err(denial::refresh_token_of_page_ended(&written(began)));
    }
    if token.last_used.saturating_add(UNUSED) <= now {
        return Err(denial::refresh_token_inactive(&written(token.issued), UNUSED.whole_days()));
    }
    Ok(())
}

fn revoke_family(world: &mut World, family: Uuid) {
    for token in world.sign_ins.refresh_tokens.all_mut().filter(|token| token.delegation.family == family) {
        token.revoked = true;
    }
}

/// `grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer`: somebody called us with a token of a person, and we call on.
pub(super) fn on_behalf_of(cx: &Context<'_>, world: &mut World, at: &Redemption<'_>) -> OrRefusal<Answer> {
    let assertion = at.wanted("assertion")?;
    if at.wanted("requested_token_use")? != "on_behalf_of" {
        return Err(refusal::parameter_missing("requested_token_use"));
    }
    if at.version == Version::V2 {
        at.wanted("scope")?;
    }
    at.authority(world)?;
    let known = at.client(cx, world)?;
    let client = known.registration.client_id;
    if !known.proven {
        return Err(denial::credential_missing());
    }
    let token = world.tokens.look_at(assertion, cx.now.wall).map_err(|fault| match fault {
        TokenFault::Expired => denial::assertion_ended(),
        TokenFault::Unknown | TokenFault::WrongAudience => denial::assertion_invalid(),
    })?;
    let own = match &token.audience {
        Audience::Other(name) => Resource::find(&world.directory, &cx.call.origins, name).map(|found| found.app),
        _ => None,
    };
    if own != Some(client) {
        return Err(denial::assertion_audience(&client.to_string()));
    }
    let Identity::User(object_id) = token.identity else {
        return Err(denial::assertion_of_application(&client.to_string()));
    };
    let presence = presence_behind(world, token, object_id).ok_or_else(denial::assertion_invalid)?;
    let scope = at.scope().unwrap_or_default();
    let delegation = Delegation {
        client,
        kind: ClientKind::Web,
        tenant: token.tenant,
        presence,
        scope,
        nonce: None,
        family: world.dice.guid(),
        began: cx.now.wall,
    };
    let order = Order {
        delegation,
        registration: &known.registration,
        scope: None,
        version: at.version,
        replica: at.replica,
        renews: false,
    };
    person_token::answer(cx, world, order).map_err(|mut refusal| {
        // Our caller's person has to be asked, and not ours.
        if refusal.number == denial::interaction_needed().number {
            refusal.code = denial::interaction_needed().code;
        }
        refusal
    })
}

/// The account of a person of a tenant, as if it had signed in just now.
fn presence_behind(world: &World, token: &Token, object_id: Uuid) -> Option<Presence> {
    let tenant = token.tenant;
    let strong = token.consented.as_ref().is_none_or(|consented| consented.strong);
    let user = world.directory.tenant_by_id(tenant)?.users.iter().find(|user| user.object_id == object_id)?;
    let here = Account { tenant, object_id };
    let home = user.guest_of.as_deref().and_then(|home| people::account(&world.directory, home, Authority::Common));
    let account = home.unwrap_or(here);
    let epochs = people::at_home(&world.directory, account)?.1.epochs;
    Some(Presence { account, strong, epochs })
}

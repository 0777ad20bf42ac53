//! The token endpoint.

use azconnect_core::Secret;
use serde_json::json;
use uuid::Uuid;

use super::client::{Proof, check_secret, credentials, find_tenant, known_principal};
use super::redeem::{self, Redemption};
use super::resource::{audience, resource_of};
use super::{Context, Version, assertion, denial, device, refusal, throttle};
use crate::base::answer::{Answer, json_answer};
use crate::base::call::Query;
use crate::base::moment::{Moment, later};
use crate::base::origins::{Origins, Service};
use crate::base::refusal::OrRefusal;
use crate::model::directory::{Tenant, User};
use crate::model::registration::AZURE_CLI;
use crate::model::replica::Replica;
use crate::model::token::{Identity, Token};
use crate::model::world::World;

/// Answers a token request to a tenant, which the path names by id or domain.
pub(super) fn token(cx: &Context<'_>, world: &mut World, tenant: &str, version: Version) -> OrRefusal<Answer> {
    let form = cx.call.form();
    let grant = form.get("grant_type").unwrap_or_default();
    // A refusal takes a replica as well, as any request does.
    let number = world.next_replica(Service::Login);
    throttle::admit(cx, world, tenant, &form)?;
    let at = Redemption { form: &form, tenant, version, replica: number };
    match grant {
        "authorization_code" => return redeem::code(cx, world, &at),
        "refresh_token" => return redeem::refresh_token(cx, world, &at),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => return redeem::on_behalf_of(cx, world, &at),
        // The older name is what the first version of the endpoint knows.
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => return device::redeem(cx, world, &at),
        _ => {}
    }
    let (token, resource) = decide(cx, world, tenant, (number, version))?;
    if world.settings.single_use_assertions {
        use_up(cx, world, &form)?;
    }
    let lifetime = world.settings.token_lifetime.as_secs();
    let ends = token.expires.unix_timestamp();
    let text = world.tokens.issue(&mut world.dice, token, &resource, cx.now.wall);
    Ok(json_answer(
        200,
        &match version {
            Version::V2 => {
                json!({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": text})
            }
            // The older endpoint writes its numbers as texts.
            Version::V1 => json!({
                "token_type": "Bearer",
                "expires_in": lifetime.to_string(),
                "ext_expires_in": lifetime.to_string(),
                "expires_on": ends.to_string(),
                "not_before": cx.now.wall.unix_timestamp().to_string(),
                "resource": resource,
                "access_token": text,
            }),
        },
    ))
}

/// Refuses an assertion that was used before.
fn use_up(cx: &Context<'_>, world: &mut World, form: &Query) -> OrRefusal<()> {
    let Some(text) = form.filled("client_assertion") else { return Ok(()) };
    let identity = assertion::identity(form.get("client_id").unwrap_or_default(), text);
    let (id, ends) = identity.ok_or_else(|| refusal::claim_missing("jti"))?;
    if world.tokens.use_assertion(id, ends, cx.now.wall) { Ok(()) } else { Err(refusal::assertion_used()) }
}

/// A token of a person, as an interactive sign-in would end.
pub(crate) fn user_token(world: &mut World, principal_name: &str, scope: &str, now: Moment) -> Option<Secret> {
    let (tenant, user) = world.directory.tenants.iter().find_map(|tenant| {
        let user = tenant.users.iter().find(|user| user.principal_name.eq_ignore_ascii_case(principal_name))?;
        Some((tenant, user))
    })?;
    let resource = resource_of(scope);
    let token = Token {
        identity: Identity::User(user.object_id),
        client_id: AZURE_CLI,
        tenant: tenant.id,
        audience: audience(&world.directory, &Origins::public(), resource)?,
        consented: None,
        expires: later(now.wall, world.settings.token_lifetime),
    };
    Some(Secret::new(world.tokens.issue(&mut world.dice, token, resource, now.wall)))
}

fn decide(
    cx: &Context<'_>,
    world: &World,
    tenant: &str,
    (replica, version): (u32, Version),
) -> OrRefusal<(Token, String)> {
    let form = cx.call.form();
    let found = find_tenant(&world.directory, tenant)?;
    let grant = form.filled("grant_type").ok_or_else(|| refusal::parameter_missing("grant_type"))?;
    match grant {
        "client_credentials" => client_credentials(cx, world, found, (replica, version)),
        "password" => password(cx, world, found, &form),
        other => Err(refusal::grant_unsupported(other)),
    }
}

fn client_credentials(
    cx: &Context<'_>,
    world: &World,
    tenant: &Tenant,
    (replica, version): (u32, Version),
) -> OrRefusal<(Token, String)> {
    let form = cx.call.form();
    let (client, proof) = credentials(cx, &form)?;
    let resource = match version {
        Version::V1 => form.filled("resource").ok_or_else(|| refusal::parameter_missing("resource"))?,
        Version::V2 => {
            let scope = form.filled("scope").ok_or_else(|| refusal::parameter_missing("scope"))?;
            scope.strip_suffix("/.default").ok_or_else(|| refusal::scope_not_default(scope))?
        }
    };
    let proof = proof.ok_or_else(refusal::credential_missing)?;
    let replica = Replica::of_tokens(&world.settings, replica, cx.now);
    let principal_id = match &proof {
        Proof::Secret(secret) => check_secret(world, tenant, &client, (secret, &replica, cx.now))?,
        Proof::Assertion(text) => {
            let (client_id, principal) = known_principal(tenant, &client, &replica)?;
            assertion::check(cx, world, tenant, client_id, (text, &replica))?;
            principal.object_id
        }
    };
    let audience = audience(&world.directory, &cx.call.origins, resource)
        .ok_or_else(|| refusal::resource_not_found(resource, &tenant.display_name))?;
    let token = Token {
        identity: Identity::ServicePrincipal(principal_id),
        client_id: Uuid::parse_str(&client).unwrap_or_default(),
        tenant: tenant.id,
        audience,
        consented: None,
        expires: later(cx.now.wall, world.settings.token_lifetime),
    };
    Ok((token, resource.to_owned()))
}

fn password(cx: &Context<'_>, world: &World, tenant: &Tenant, form: &Query) -> OrRefusal<(Token, String)> {
    let wanted = |name| form.filled(name).ok_or_else(|| refusal::parameter_missing(name));
    let client = wanted("client_id")?;
    let (name, text) = (wanted("username")?, Secret::new(wanted("password")?));
    let scopes = wanted("scope")?;
    let user: &User = tenant
        .users
        .iter()
        .find(|user| user.principal_name.eq_ignore_ascii_case(name))
        .ok_or_else(|| refusal::user_not_found(name, &tenant.display_name))?;
    if !user.password.as_ref().is_some_and(|password| password.same_as(&text)) {
        return Err(refusal::password_invalid());
    }
    if !user.enabled {
        return Err(denial::account_disabled());
    }
    // A program that has the password has nothing more.
    if user.needs_strong_sign_in {
        return Err(denial::strong_sign_in_needed());
    }
    let scope = scopes.split(' ').find(|scope| scope.contains('/')).unwrap_or(scopes);
    let resource = resource_of(scope);
    let audience = audience(&world.directory, &cx.call.origins, resource)
        .ok_or_else(|| refusal::resource_not_found(resource, &tenant.display_name))?;
    let token = Token {
        identity: Identity::User(user.object_id),
        client_id: Uuid::parse_str(client).unwrap_or(AZURE_CLI),
        tenant: tenant.id,
        audience,
        consented: None,
        expires: later(cx.now.wall, world.settings.token_lifetime),
    };
    Ok((token, resource.to_owned()))
}

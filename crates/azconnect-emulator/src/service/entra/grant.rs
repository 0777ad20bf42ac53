//! The token endpoint.

use azconnect_core::Secret;
use serde_json::json;
use uuid::Uuid;

use super::{Context, Version, assertion, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::call::{Claim, Query};
use crate::base::moment::{Moment, later};
use crate::base::origins::{Origins, Service};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::directory::{Directory, ServicePrincipal, Tenant, User};
use crate::model::replica::Replica;
use crate::model::token::{Audience, Identity, Token};
use crate::model::world::World;

/// The grants that Entra ID has and the emulator has not.
const NOT_EMULATED: [&str; 4] = [
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
];

/// Answers a token request to a tenant, which the path names by id or domain.
pub(super) fn token(cx: &Context<'_>, world: &mut World, tenant: &str, version: Version) -> OrRefusal<Answer> {
    let form = cx.call.form();
    let grant = form.get("grant_type").unwrap_or_default();
    // A gap is loud: a refusal in Entra ID's words would be taken for the service's own.
    if NOT_EMULATED.contains(&grant) {
        return Err(Refusal::not_emulated());
    }
    // A refusal takes a replica as well, as any request does.
    let number = world.next_replica(Service::Login);
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
        expires: later(now.wall, world.settings.token_lifetime),
    };
    Some(Secret::new(world.tokens.issue(&mut world.dice, token, resource, now.wall)))
}

/// The public client that people sign in with here.
const AZURE_CLI: Uuid = Uuid::from_u128(0x04b0_7795_8ddb_461a_bbee_02f9_e1bf_7b46);

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

fn find_tenant<'a>(directory: &'a Directory, name: &str) -> OrRefusal<&'a Tenant> {
    directory.tenant(name).ok_or_else(|| {
        if Uuid::parse_str(name).is_ok() || name.contains('.') {
            refusal::tenant_not_found(name)
        } else {
            refusal::tenant_malformed(name)
        }
    })
}

/// How a client proves who it is.
enum Proof {
    Secret(Secret),
    Assertion(String),
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
        expires: later(cx.now.wall, world.settings.token_lifetime),
    };
    Ok((token, resource.to_owned()))
}

/// Client id and proof, from the form or from the header.
fn credentials(cx: &Context<'_>, form: &Query) -> OrRefusal<(String, Option<Proof>)> {
    if let Claim::Basic { user, password } = cx.call.claim() {
        // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
        return Ok((form_decode(&user), Some(Proof::Secret(Secret::new(form_decode(&password))))));
    }
    let client = form.filled("client_id").ok_or_else(|| refusal::parameter_missing("client_id"))?;
    let Some(text) = form.filled("client_assertion") else {
        return Ok((client.to_owned(), form.filled("client_secret").map(|text| Proof::Secret(Secret::new(text)))));
    };
    match form.filled("client_assertion_type") {
        Some(kind) if kind == assertion::KIND => Ok((client.to_owned(), Some(Proof::Assertion(text.to_owned())))),
        Some(kind) => Err(refusal::assertion_kind(kind)),
        None => Err(refusal::parameter_missing("client_assertion_type")),
    }
}

fn form_decode(text: &str) -> String {
    let pair = format!("v={text}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// The service principal of a client that one replica of the token endpoint lets sign in, with the client's id.
fn known_principal<'w>(
    tenant: &'w Tenant,
    client: &str,
    replica: &Replica<'_>,
) -> OrRefusal<(Uuid, &'w ServicePrincipal)> {
    let missing = || refusal::application_not_found(client, &tenant.display_name);
    let client_id = Uuid::parse_str(client).map_err(|_| missing())?;
    let principal = tenant.principal_of(client_id).ok_or_else(missing)?;
    // To a replica that has not heard of it, a new application does not exist.
    if !replica.has_seen_creation(principal.object_id, principal.created.elapsed) {
        return Err(missing());
    }
    if !principal.enabled {
        return Err(refusal::application_disabled(client, &principal.display_name));
    }
    Ok((client_id, principal))
}

/// The object id of the service principal whose secret this is, as one replica sees it.
fn check_secret(
    world: &World,
    tenant: &Tenant,
    client: &str,
    (secret, replica, now): (&Secret, &Replica<'_>, Moment),
) -> OrRefusal<Uuid> {
    let (client_id, principal) = known_principal(tenant, client, replica)?;
    let passwords = world.directory.passwords_of(tenant, client_id);
    let mut matching = passwords.into_iter().filter(|password| password.text.same_as(secret));
    let known: Vec<_> = matching.by_ref().filter(|password| password.is_known_to(replica)).collect();
    if known.iter().any(|password| password.is_accepted_by(replica, now.wall)) {
        return Ok(principal.object_id);
    }
    // Expired is said only of a secret that this replica knows; of any other it is invalid.
    if known.iter().any(|password| password.ends <= now.wall) {
        return Err(refusal::secret_expired(client));
    }
    Err(refusal::secret_invalid(client))
}

/// Whether one replica of the token endpoint accepts a client's secret. Azure DevOps and registries ask so too, because
/// in reality they ask Microsoft Entra ID.
pub(crate) fn accepts(
    world: &World,
    tenant: &str,
    client: &str,
    secret: &Secret,
    (replica, now): (u32, Moment),
) -> SecretCheck {
    let replica = Replica::of_tokens(&world.settings, replica, now);
    let checked = find_tenant(&world.directory, tenant)
        .and_then(|tenant| check_secret(world, tenant, client, (secret, &replica, now)));
    match checked {
        Ok(principal) => SecretCheck::Yes(principal),
        Err(refusal) => SecretCheck::No(refusal::description(&refusal)),
    }
}

/// What the token endpoint says of a secret.
pub(crate) enum SecretCheck {
    /// The object id of the service principal.
    Yes(Uuid),
    /// The number and text of the error.
    No(String),
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
    let scope = scopes.split(' ').find(|scope| scope.contains('/')).unwrap_or(scopes);
    let resource = resource_of(scope);
    let audience = audience(&world.directory, &cx.call.origins, resource)
        .ok_or_else(|| refusal::resource_not_found(resource, &tenant.display_name))?;
    let token = Token {
        identity: Identity::User(user.object_id),
        client_id: Uuid::parse_str(client).unwrap_or(AZURE_CLI),
        tenant: tenant.id,
        audience,
        expires: later(cx.now.wall, world.settings.token_lifetime),
    };
    Ok((token, resource.to_owned()))
}

/// The resource of a scope such as `https://graph.microsoft.com/User.Read`.
fn resource_of(scope: &str) -> &str {
    scope.rsplit_once('/').map_or(scope, |(resource, _)| resource)
}

/// What a resource stands for, or nothing if the tenant knows no such resource.
fn audience(directory: &Directory, origins: &Origins, resource: &str) -> Option<Audience> {
    let resource = resource.trim_end_matches('/');
    let is = |origin: &str| resource.eq_ignore_ascii_case(origin.trim_end_matches('/'));
    if origins.are_one() && is(&origins.login) {
        return Some(Audience::OneOrigin);
    }
    if is(&origins.graph) || GRAPH.iter().any(|name| is(name)) {
        return Some(Audience::Graph);
    }
    if is(&origins.resource_manager) || RESOURCE_MANAGER.iter().any(|name| is(name)) {
        return Some(Audience::ResourceManager);
    }
    if is(&origins.devops) || DEVOPS.iter().any(|name| is(name)) {
        return Some(Audience::DevOps);
    }
    let application = Uuid::parse_str(resource.trim_start_matches("api://")).ok();
    let known = OTHER.iter().any(|name| is(name)) || application.is_some_and(|id| directory.application(id).is_some());
    known.then(|| Audience::Other(resource.to_owned()))
}

const GRAPH: [&str; 4] = [
    "https://graph.microsoft.com",
    "00000003-0000-0000-c000-000000000000",
    "https://graph.microsoft.us",
    "https://microsoftgraph.chinacloudapi.cn",
];

const RESOURCE_MANAGER: [&str; 5] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
    "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    "https://management.usgovcloudapi.net",
    "https://management.chinacloudapi.cn",
];

const DEVOPS: [&str; 3] =
    ["499b84ac-1321-427f-aa17-267ca6975798", "https://app.vssps.visualstudio.com", "https://dev.azure.com"];

const OTHER: [&str; 4] = [
    "https://vault.azure.net",
    "https://storage.azure.com",
    "https://database.windows.net",
    "https://containerregistry.azure.net",
];

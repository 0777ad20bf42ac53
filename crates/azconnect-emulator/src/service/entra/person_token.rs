//! The tokens that an application gets on behalf of a person: access token, id_token and refresh token.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use time::Duration;
use uuid::Uuid;

use super::consent::Relation;
use super::scope::{Part, Wanted};
use super::{Context, Version, denial, people, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::moment::later;
use crate::base::refusal::OrRefusal;
use crate::base::signer::Signer;
use crate::model::directory::{Tenant, User};
use crate::model::registration::Registration;
use crate::model::replica::Replica;
use crate::model::sign_in::{ClientKind, Delegation, RefreshToken};
use crate::model::token::{Audience, Consented, Identity, Token};
use crate::model::world::World;

/// How long a refresh token lives without use.
pub(super) const UNUSED: Duration = Duration::days(90);

/// How long the refresh tokens of a single-page application live, used or not.
pub(super) const OF_A_PAGE: Duration = Duration::days(1);

/// What a token request on behalf of a person asks for.
pub(super) struct Order<'a> {
    pub(super) delegation: Delegation,
    pub(super) registration: &'a Registration,
    /// The scopes that the request names, in place of those of the sign-in.
    pub(super) scope: Option<String>,
    pub(super) version: Version,
    pub(super) replica: u32,
    /// Whether it comes with a refresh token although the scopes do not ask for one.
    pub(super) renews: bool,
}

/// The tokens, before they are written.
struct Draft {
    token: Token,
    resource: String,
    scope: String,
    id_claims: Option<Value>,
    client_info: String,
    renews: bool,
}

/// Answers with tokens, or says why the person has to be asked again.
pub(super) fn answer(cx: &Context<'_>, world: &mut World, order: Order<'_>) -> OrRefusal<Answer> {
    let draft = draft(cx, world, &order)?;
    let lifetime = world.settings.token_lifetime.as_secs();
    let ends = draft.token.expires.unix_timestamp();
    let access_token = world.tokens.issue(&mut world.dice, draft.token, &draft.resource, cx.now.wall);
    let mut body = match order.version {
        Version::V2 => json!({"token_type": "Bearer", "scope": draft.scope, "expires_in": lifetime,
            "ext_expires_in": lifetime, "access_token": access_token}),
        // The older endpoint writes its numbers as texts.
        Version::V1 => json!({"token_type": "Bearer", "scope": draft.scope, "expires_in": lifetime.to_string(),
            "ext_expires_in": lifetime.to_string(), "expires_on": ends.to_string(),
            "not_before": cx.now.wall.unix_timestamp().to_string(), "resource": draft.resource,
            "access_token": access_token}),
    };
    if let Some(body) = body.as_object_mut() {
        if draft.renews {
            body.insert("refresh_token".to_owned(), json!(refresh_token(cx, world, order.delegation)));
        }
        if let Some(claims) = &draft.id_claims {
            body.insert("id_token".to_owned(), json!(id_token(world, claims)));
        }
        if cx.call.form().get("client_info") == Some("1") {
            body.insert("client_info".to_owned(), json!(draft.client_info));
        }
    }
    Ok(json_answer(200, &body))
}

fn draft(cx: &Context<'_>, world: &World, order: &Order<'_>) -> OrRefusal<Draft> {
    let (delegation, registration) = (&order.delegation, order.registration);
    let directory = &world.directory;
    let (home, account) =
        people::at_home(directory, delegation.presence.account).ok_or_else(denial::grant_malformed)?;
    let tenant = directory.tenant_by_id(delegation.tenant).ok_or_else(denial::grant_malformed)?;
    let person = people::in_tenant(directory, delegation.presence.account, tenant.id).ok_or_else(|| {
        let issuer = format!("https://sts.windows.net/{}/", home.id);
        denial::not_in_tenant(&account.principal_name, &issuer, &tenant.display_name)
    })?;
    check_person(delegation, account, person)?;
    if let Some(principal) = tenant.principal_of(registration.client_id).filter(|principal| !principal.enabled) {
        return Err(refusal::application_disabled(&registration.client_id.to_string(), &principal.display_name));
    }
    let replica = Replica::of_tokens(&world.settings, order.replica, cx.now);
    let asked = order.scope.as_deref().unwrap_or(&delegation.scope);
    let read = |scope| Wanted::read((directory, &cx.call.origins), registration, (scope, &tenant.display_name));
    let original = read(&delegation.scope)?;
    let wanted = read(asked)?;
    // A request that names a resource alone keeps what the sign-in asked for beside it.
    let has = |name: &str| wanted.has(name) || original.has(name);
    let (openid, offline) = (has("openid"), has("offline_access"));
    let shown = ["openid", "profile", "email"].into_iter().filter(|name| has(name)).collect::<Vec<_>>();
    let (part, own) = wanted.one(asked)?;
    let relation = Relation { directory, tenant, registration, person, replica: &replica };
    let granted = relation.granted(&part, &own)?;
    let id_claims = openid.then(|| id_claims(cx, order, (tenant, home), person, &shown));
    let is_graph = part.resource.audience == Audience::Graph;
    let carried: Vec<&str> =
        granted.iter().map(String::as_str).chain(shown.iter().copied().filter(|_| is_graph)).collect();
    let info = json!({"uid": account.object_id.to_string(), "utid": home.id.to_string()}).to_string();
    Ok(Draft {
        token: Token {
            identity: Identity::User(person.object_id),
            client_id: registration.client_id,
            tenant: tenant.id,
            audience: part.resource.audience.clone(),
            consented: (!registration.is_microsoft_s())
                .then(|| Consented { scope: carried.join(" "), strong: delegation.presence.strong }),
            expires: later(cx.now.wall, world.settings.token_lifetime),
        },
        scope: scope_text(&part, &granted, if is_graph { &shown } else { &[] }),
        resource: part.resource.text,
        id_claims,
        client_info: URL_SAFE_NO_PAD.encode(info),
        renews: offline || order.renews,
    })
}

/// Refuses a person whose earlier sign-in no longer counts. Home decides about the sign-in, and each tenant about its own.
fn check_person(delegation: &Delegation, account: &User, person: &User) -> OrRefusal<()> {
    if !account.enabled || !person.enabled {
        return Err(denial::account_disabled());
    }
    // Revoked at home alone: a guest's sign-ins are its home tenant's. A client with a credential of its own outlives a
    // password that the person changes itself.
    let then = delegation.presence.epochs;
    let is_public = delegation.kind != ClientKind::Web;
    if then.sign_ins != account.epochs.sign_ins || (is_public && then.passwords != account.epochs.passwords) {
        return Err(denial::sign_in_revoked());
    }
    if (account.needs_strong_sign_in || person.needs_strong_sign_in) && !delegation.presence.strong {
        return Err(denial::strong_sign_in_needed());
    }
    Ok(())
}

/// What was granted, in the words of the request: with the resource in front where the caller put it there.
fn scope_text(part: &Part, granted: &[String], openid: &[&str]) -> String {
    let prefix = if part.is_named { format!("{}/", part.resource.text) } else { String::new() };
    let mut words: Vec<String> = granted.iter().map(|name| format!("{prefix}{name}")).collect();
    if part.is_default {
        words.push(format!("{prefix}.default"));
    }
    words.extend(openid.iter().map(|name| (*name).to_owned()));
    words.join(" ")
}

/// The claims about a person, by *ID token claims reference*.
fn id_claims(
    cx: &Context<'_>,
    order: &Order<'_>,
    (tenant, home): (&Tenant, &Tenant),
    person: &User,
    scopes: &[&str],
) -> Value {
    let client = order.registration.client_id;
    let issuer = match order.version {
        Version::V2 => format!("{}/{}/v2.0", cx.call.origin, tenant.id),
        Version::V1 => format!("https://sts.windows.net/{}/", tenant.id),
    };
    let now = cx.now.wall.unix_timestamp();
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| drop(claims.insert(name.to_owned(), value));
    put("aud", json!(client.to_string()));
    put("iss", json!(issuer));
    put("iat", json!(now));
    put("nbf", json!(now));
    put("exp", json!(now + 3600));
    put("sub", json!(pairwise(client, person.object_id)));
    put("tid", json!(tenant.id.to_string()));
    put("ver", json!(if order.version == Version::V2 { "2.0" } else { "1.0" }));
    if scopes.contains(&"profile") {
        put("oid", json!(person.object_id.to_string()));
        put("name", json!(person.display_name));
        put("preferred_username", json!(person.guest_of.as_deref().unwrap_or(&person.principal_name)));
    }
    if let (true, Some(mail)) = (scopes.contains(&"email"), &person.mail) {
        put("email", json!(mail));
    }
    if let Some(nonce) = &order.delegation.nonce {
        put("nonce", json!(nonce));
    }
    if person.guest_of.is_some() {
        // Of a guest whose home nobody plays, only that it is elsewhere.
        let idp =
            if home.id == tenant.id { "mail".to_owned() } else { format!("https://sts.windows.net/{}/", home.id) };
        put("idp", json!(idp));
    }
    Value::Object(claims)
}

/// The subject of a person for one application: another application sees another one.
fn pairwise(client: Uuid, person: Uuid) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, format!("{client}/{person}").as_bytes()))
}

/// An id_token, signed in any case: whoever gets one looks.
pub(super) fn id_token(world: &mut World, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signer = Signer::of_process();
    let key = signer.map_or("azconnect-emulator", |signer| signer.id.as_str());
    let text = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "RS256", "kid": key})), part(claims));
    let drawn = world.dice.text(342);
    format!("{text}.{}", signer.and_then(|signer| signer.sign(&text)).unwrap_or(drawn))
}

/// The id_token of an answer that comes with a code.
pub(super) fn early_id_token(
    cx: &Context<'_>,
    world: &mut World,
    (delegation, registration): (&Delegation, &Registration),
    code: &str,
) -> Option<String> {
    let order = Order {
        delegation: delegation.clone(),
        registration,
        scope: None,
        version: Version::V2,
        replica: 0,
        renews: false,
    };
    let (home, _) = people::at_home(&world.directory, delegation.presence.account)?;
    let tenant = world.directory.tenant_by_id(delegation.tenant)?;
    let person = people::in_tenant(&world.directory, delegation.presence.account, tenant.id)?;
    let scopes: Vec<&str> = delegation.scope.split_ascii_whitespace().collect();
    let mut claims = id_claims(cx, &order, (tenant, home), person, &scopes);
    // OpenID Connect Core, section 3.3.2.11: half of the code's hash.
    let hash = digest(&SHA256, code.as_bytes());
    let half = hash.as_ref().get(..16).unwrap_or_default();
    claims.as_object_mut()?.insert("c_hash".to_owned(), json!(URL_SAFE_NO_PAD.encode(half)));
    Some(id_token(world, &claims))
}

fn refresh_token(cx: &Context<'_>, world: &mut World, delegation: Delegation) -> String {
    let now = cx.now.wall;
    let text = format!("1.{}", world.dice.text(400));
    let lives = if delegation.kind == ClientKind::Spa { OF_A_PAGE } else { UNUSED };
    // Longer than it lives, so that a late caller hears why it is refused.
    let forgotten = now.saturating_add(lives.saturating_mul(2));
    let token = RefreshToken { delegation, issued: now, last_used: now, uses: 0, revoked: false };
    world.sign_ins.refresh_tokens.put(text.clone(), (forgotten, token), now);
    text
}

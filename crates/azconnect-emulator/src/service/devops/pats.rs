//! Personal access tokens. Failures come inside an answer of 200.

use azconnect_core::Secret;
use http::Method;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Context, endpoints, refusal};
use crate::base::answer::{Answer, empty, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::devops::{END_OF_GLOBAL, Organization, Pat};
use crate::model::world::World;

/// The longest life of a token.
const LONGEST: Duration = Duration::days(365);

pub(super) fn route(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    // Only a person may, and not by means of another such token.
    if !cx.caller.is_delegated() {
        return Err(Refusal::sign_in(cx.organization(world)?.tenant));
    }
    let named = cx.call.query.filled("authorizationId");
    match (&cx.call.method, named) {
        (&Method::POST, _) => create(cx, world),
        (&Method::PUT, _) => update(cx, world),
        (&Method::GET, Some(id)) => get(cx, world, id),
        (&Method::GET, None) => list(cx, world),
        (&Method::DELETE, Some(id)) => revoke(cx, world, id),
        (&Method::DELETE, None) => Err(refusal::argument("Value cannot be null.\r\nParameter name: authorizationId")),
        _ => Err(Refusal::not_emulated()),
    }
}

fn create(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    let wanted = match Wanted::read(cx, &endpoints::body(cx)?) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(failed(error)),
    };
    let Some(display_name) = wanted.display_name else { return Ok(failed("displayNameRequired")) };
    let now = cx.now.wall;
    let pat = Pat {
        authorization_id: world.dice.guid(),
        owner: cx.caller.id(),
        display_name,
        scope: wanted.scope.unwrap_or_else(|| "app_token".to_owned()),
        valid_from: now,
        valid_to: wanted.valid_to.unwrap_or(now.saturating_add(Duration::days(30))),
        all_organizations: wanted.all_organizations.unwrap_or(false),
        token: Secret::new(world.dice.pat()),
        revoked: None,
    };
    let organization = cx.organization_mut(world)?;
    let mut shown = show(organization, &pat);
    if let Some(map) = shown.as_object_mut() {
        // The one answer that shows it: no later one does.
        map.insert("token".to_owned(), json!(pat.token.expose()));
    }
    organization.pats.push(pat);
    Ok(done(&shown))
}

fn update(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    let body = endpoints::body(cx)?;
    let id = body.get("authorizationId").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
    let Some(id) = id else { return Ok(failed("invalidAuthorizationId")) };
    let wanted = match Wanted::read(cx, &body) {
        Ok(wanted) => wanted,
        Err(error) => return Ok(failed(error)),
    };
    let (owner, now) = (cx.caller.id(), cx.now.wall);
    let organization = cx.organization_mut(world)?;
    let mut own = organization.pats.iter_mut().filter(|pat| pat.owner == owner && pat.revoked.is_none());
    let Some(pat) = own.find(|pat| pat.authorization_id == id && now < pat.valid_to) else {
        return Ok(failed("authorizationNotFound"));
    };
    if let Some(name) = wanted.display_name {
        pat.display_name = name;
    }
    if let Some(scope) = wanted.scope {
        pat.scope = scope;
    }
    pat.valid_to = wanted.valid_to.unwrap_or(pat.valid_to);
    pat.all_organizations = wanted.all_organizations.unwrap_or(pat.all_organizations);
    let organization = cx.organization(world)?;
    let shown = organization.pats.iter().find(|pat| pat.authorization_id == id).map(|pat| show(organization, pat));
    Ok(done(&shown.unwrap_or_default()))
}

fn get(cx: &Context<'_>, world: &World, id: &str) -> OrRefusal<Answer> {
    let Ok(id) = Uuid::parse_str(id) else { return Ok(failed("invalidAuthorizationId")) };
    let organization = cx.organization(world)?;
    let mut own = organization.pats.iter().filter(|pat| pat.owner == cx.caller.id());
    Ok(match own.find(|pat| pat.authorization_id == id) {
        Some(pat) => done(&show(organization, pat)),
        None => failed("authorizationNotFound"),
    })
}

fn list(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let query = &cx.call.query;
    let now = cx.now.wall;
    let filter = query.filled("displayFilterOption").unwrap_or("active").to_ascii_lowercase();
    let own: Vec<&Pat> = organization
        .pats
        .iter()
        .filter(|pat| pat.owner == cx.caller.id())
        .filter(|pat| match filter.as_str() {
            "all" => true,
            "revoked" => pat.revoked.is_some(),
            "expired" => pat.revoked.is_none() && pat.valid_to <= now,
            _ => pat.revoked.is_none() && now < pat.valid_to,
        })
        .collect();
    let start: usize = match query.filled("continuationToken") {
        Some(token) => token.parse().map_err(|_| refusal::argument("Invalid continuation token."))?,
        None => 0,
    };
    let size = query.number("$top").unwrap_or(world.settings.page_size).max(1);
    let page: Vec<Value> = own.iter().skip(start).take(size).map(|pat| show(organization, pat)).collect();
    let end = start + page.len();
    let next = if end < own.len() { end.to_string() } else { String::new() };
    Ok(json_answer(200, &json!({"continuationToken": next, "patTokens": page})))
}

fn revoke(cx: &Context<'_>, world: &mut World, id: &str) -> OrRefusal<Answer> {
    let (owner, now) = (cx.caller.id(), cx.now.wall);
    let id = Uuid::parse_str(id).ok();
    let organization = cx.organization_mut(world)?;
    let mut own = organization.pats.iter_mut().filter(|pat| pat.owner == owner && pat.revoked.is_none());
    let pat = own.find(|pat| Some(pat.authorization_id) == id).ok_or_else(|| {
        Refusal::new(404, "SessionTokenNotFoundException", "The personal access token was not found.")
    })?;
    pat.revoked = Some(now);
    Ok(empty(204))
}

/// What a body asks of a token, found acceptable.
struct Wanted {
    display_name: Option<String>,
    scope: Option<String>,
    valid_to: Option<OffsetDateTime>,
    all_organizations: Option<bool>,
}

impl Wanted {
    fn read(cx: &Context<'_>, body: &Value) -> Result<Self, &'static str> {
        let text = |field: &str| body.get(field).and_then(Value::as_str);
        let now = cx.now.wall;
        if text("displayName").is_some_and(|name| name.is_empty() || name.chars().count() > 255) {
            return Err("invalidDisplayName");
        }
        let scope = text("scope");
        if scope.is_some_and(|scope| !scope.split(' ').all(|one| one == "app_token" || one.starts_with("vso."))) {
            return Err("invalidScope");
        }
        let valid_to = match text("validTo") {
            Some(text) => Some(OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "invalidValidTo")?),
            None => None,
        };
        if valid_to.is_some_and(|end| end <= now || end > now + LONGEST) {
            return Err("invalidValidTo");
        }
        let all_organizations = body.get("allOrgs").and_then(Value::as_bool);
        if all_organizations == Some(true) && now >= END_OF_GLOBAL {
            return Err("globalPatPolicyViolation");
        }
        Ok(Self {
            display_name: text("displayName").map(str::to_owned),
            scope: scope.map(str::to_owned),
            valid_to,
            all_organizations,
        })
    }
}

fn show(organization: &Organization, pat: &Pat) -> Value {
    let moment = |moment: OffsetDateTime| moment.format(&Rfc3339).unwrap_or_default();
    json!({
        "displayName": pat.display_name,
        "validTo": moment(pat.valid_to),
        "scope": pat.scope,
        "targetAccounts": (!pat.all_organizations).then(|| json!([organization.id.to_string()])),
        "validFrom": moment(pat.valid_from),
        "authorizationId": pat.authorization_id.to_string(),
        "token": null,
    })
}

fn done(pat: &Value) -> Answer {
    json_answer(200, &json!({"patToken": pat, "patTokenError": "none"}))
}

fn failed(error: &str) -> Answer {
    json_answer(200, &json!({"patToken": null, "patTokenError": error}))
}

//! Profiles and accounts: the only service that is asked without naming an organization.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{locations, refusal, version};
use crate::base::answer::{Answer, json_answer};
use crate::base::call::{Call, Claim};
use crate::base::dice::named_guid;
use crate::base::origins::Service;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::token::{Audience, Identity, Token};
use crate::model::world::World;
use crate::service::context;
use crate::service::routes::{self, Case, Params, Route};

pub(super) fn route(call: &Call, world: &World) -> OrRefusal<Answer> {
    let lower: Vec<String> = call.segments.iter().map(|part| part.to_ascii_lowercase()).collect();
    let route: Vec<&str> = lower.iter().map(String::as_str).collect();
    if let (&Method::OPTIONS, ["_apis", area @ ..]) = (&call.method, route.as_slice()) {
        return Ok(locations::table_of_profiles(area.first().copied()));
    }
    let who = authenticate(call, world)?;
    version::check(call, version::RELEASED, None)?;
    let found = routes::find(ROUTES, Case::Ignored, &call.method, &route);
    let (handler, at) = found.ok_or_else(Refusal::not_emulated)?;
    handler(&Context::new(call, who), world, &at)
}

/// A request of someone who is known, outside of any organization.
type Context<'a> = context::Context<'a, Token>;

type Handler = fn(&Context<'_>, &World, &Params<'_>) -> OrRefusal<Answer>;

/// What the origin of profiles and accounts answers.
const ROUTES: &[Route<Handler>] = &[
    Route::new("GET", "_apis/profile/profiles/{id}", |cx, world, at| {
        profile(world, &cx.admitted, &at.get("id").to_ascii_lowercase())
    }),
    Route::new("GET", "_apis/accounts", |cx, world, _| accounts(cx.call, world, &cx.admitted)),
];

fn authenticate(call: &Call, world: &World) -> OrRefusal<Token> {
    let refused = || Refusal::sign_in(None);
    match call.claim() {
        Claim::Bearer(text) => {
            let token = world.tokens.check(&text, &Audience::DevOps, call.now.wall).map_err(|_| refused())?;
            let is_enough = token.scope().is_none_or(|scope| reaches(scope, "user_impersonation"));
            is_enough.then(|| token.clone()).ok_or_else(refused)
        }
        // Only a token for all organizations reaches what is outside of any.
        Claim::Basic { password, .. } => {
            let pats = world
                .devops
                .organizations
                .iter()
                .flat_map(|organization| organization.pats.iter().map(move |pat| (organization, pat)));
            let valid = pats.filter(|(_, pat)| pat.all_organizations && pat.opens(&password, call.now.wall));
            let mut valid = valid.filter(|(_, pat)| reaches(&pat.scope, "app_token"));
            let (organization, pat) = valid.next().ok_or_else(refused)?;
            let owner = organization.member(pat.owner).ok_or_else(refused)?;
            Ok(Token {
                identity: owner.identity,
                client_id: Uuid::nil(),
                tenant: organization.tenant.unwrap_or_default(),
                audience: Audience::DevOps,
                consented: None,
                expires: pat.valid_to,
            })
        }
        Claim::Nobody | Claim::Other => Err(refused()),
    }
}

/// Whether scopes reach profiles and accounts: the one that is for all of Azure DevOps, or their own.
fn reaches(scope: &str, all: &str) -> bool {
    scope.split(' ').any(|one| one == all || one == "vso.profile")
}

/// The id someone has in every organization.
fn member_id(who: &Token) -> Uuid {
    named_guid(&format!("member/{}", who.identity.object_id()))
}

fn profile(world: &World, who: &Token, id: &str) -> OrRefusal<Answer> {
    // One id in all organizations, as the profile service has it.
    let own = member_id(who);
    if id != "me" && Uuid::parse_str(id) != Ok(own) {
        return Err(Refusal::new(
            404,
            "ProfileDoesNotExistException",
            format!("VS403367: The profile {id} was not found."),
        ));
    }
    let object_id = who.identity.object_id();
    let (name, address) = match who.identity {
        Identity::User(_) => {
            world.directory.user(object_id).map(|u| (u.display_name.clone(), u.principal_name.clone()))
        }
        Identity::ServicePrincipal(_) => {
            world.directory.principal(object_id).map(|p| (p.display_name.clone(), String::new()))
        }
    }
    .unwrap_or_default();
    Ok(json_answer(
        200,
        &json!({
            "displayName": name,
            "publicAlias": own.to_string(),
            "emailAddress": address,
            "coreRevision": 1,
            "timeStamp": "2025-01-01T00:00:00.0000000+00:00",
            "id": own.to_string(),
            "revision": 1,
        }),
    ))
}

/// The organizations of a person in the tenant of its token. A service principal gets an empty list.
fn accounts(call: &Call, world: &World, who: &Token) -> OrRefusal<Answer> {
    let asked = call.query.filled("memberId").or_else(|| call.query.filled("ownerId"));
    let asked = asked.ok_or_else(|| refusal::argument("Either memberId or ownerId must be given."))?;
    let asked = Uuid::parse_str(asked).map_err(|_| refusal::argument("The id of the member is not a GUID."))?;
    if asked != member_id(who) {
        return Err(Refusal::new(
            403,
            "AccessDeniedException",
            "Access denied: only the accounts of the caller can be listed.",
        ));
    }
    let person = matches!(who.identity, Identity::User(_));
    let organizations = world.devops.organizations.iter().filter(|organization| {
        person
            && organization.tenant.is_none_or(|tenant| tenant == who.tenant)
            && organization.member_of(who.identity).is_some()
    });
    let value: Vec<Value> = organizations
        .map(|organization| {
            json!({
                "accountId": organization.id.to_string(),
                "accountUri": format!("{}/{}/", call.origins.of(Service::DevOpsIdentity), organization.name),
                "accountName": organization.name,
                "properties": {},
            })
        })
        .collect();
    Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
}

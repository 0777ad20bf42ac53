//! Microsoft Graph: applications, service principals, their secrets, federated credentials, owners and consents.

mod applications;
mod caller;
mod certificates;
mod consents;
mod deleted;
mod document;
mod federated;
mod holder;
mod keys;
mod objects;
mod owners;
mod passwords;
mod principals;
mod properties;
mod query;
mod refusal;
mod search;
mod tenant;
mod throttle;

use http::Method;
use uuid::Uuid;

use self::caller::Admitted;
use super::context;
use super::routes::{self, Case, Params, Route};
use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::replica::Replica;
use crate::model::world::World;

/// Who holds the secrets that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HolderKind {
    Application,
    ServicePrincipal,
}

/// How a path names an object.
#[derive(Clone, Debug)]
enum Key {
    ObjectId(String),
    AppId(String),
}

impl Key {
    fn of(at: &Params<'_>) -> Self {
        Self::named(at.get("key"))
    }

    fn named(text: &str) -> Self {
        match Self::in_parentheses(text) {
            Some(id) => Self::AppId(id.to_owned()),
            None => Self::ObjectId(text.to_owned()),
        }
    }

    /// The client id in `(appId='…')` at the end of a segment.
    fn in_parentheses(segment: &str) -> Option<&str> {
        let (name, value) = segment.split_once('(')?.1.strip_suffix(')')?.split_once('=')?;
        let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
        name.trim().eq_ignore_ascii_case("appId").then_some(value)
    }

    fn text(&self) -> &str {
        match self {
            Self::ObjectId(text) | Self::AppId(text) => text,
        }
    }

    fn matches(&self, object_id: Uuid, client_id: Uuid) -> bool {
        match self {
            Self::ObjectId(text) => Uuid::parse_str(text) == Ok(object_id),
            Self::AppId(text) => Uuid::parse_str(text) == Ok(client_id),
        }
    }
}

/// A request that Graph has let in.
type Context<'a> = context::Context<'a, Admitted>;

impl Context<'_> {
    /// The replica of Graph that answers this request.
    fn replica<'w>(&self, world: &'w World) -> Replica<'w> {
        Replica::of_lists(&world.settings, self.replica, self.now)
    }

    /// Where Graph is for the caller, with the version of the path.
    fn base(&self) -> String {
        format!("{}/{}", self.call.origin, self.call.segments.first().map_or("v1.0", String::as_str))
    }
}

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let (version, rest) = call.segments.split_first()?;
    if version != "v1.0" && version != "beta" {
        return None;
    }
    let words = words(rest);
    // Drawn first: a refusal carries it as well.
    let id = world.dice.guid().to_string();
    let answer = match handle(call, world, &words) {
        Ok(answer) => answer,
        Err(refusal) if refusal.is_not_emulated() => return None,
        Err(refusal) => refusal::answer(&refusal, call, &world.settings.graph, &id),
    };
    let echoed = call.header("client-request-id").unwrap_or(&id).to_owned();
    let answer = answer
        .with_header("request-id", &id)
        .with_header("client-request-id", &echoed)
        .with_header("x-ms-ags-diagnostic", r#"{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"0"}}"#)
        .with_header("odata-version", "4.0");
    Some(answer)
}

/// The words of a path below its version. `applications(appId='…')` is the collection and its key in parentheses.
fn words(segments: &[String]) -> Vec<&str> {
    let mut words = Vec::new();
    // Microsoft's own clients write `/v1.0//applications`: an empty segment counts for nothing.
    for segment in segments.iter().filter(|segment| !segment.is_empty()) {
        match segment.find('(').filter(|_| Key::in_parentheses(segment).is_some()) {
            Some(at) => words.extend([segment.get(..at).unwrap_or_default(), segment.get(at..).unwrap_or_default()]),
            None => words.push(segment.as_str()),
        }
    }
    words
}

type Handler = fn(&Context<'_>, &mut World, &Params<'_>) -> OrRefusal<Answer>;

/// What Graph answers. Its words are told apart by their case.
const ROUTES: &[Route<Handler>] = &[
    Route::new("POST", "directoryObjects/getByIds", |cx, world, _| objects::by_ids(cx, world)),
    Route::new("GET", "policies/defaultAppManagementPolicy", |cx, world, _| objects::policy(cx, world)),
    Route::new("GET", "policies/appManagementPolicies", |cx, world, _| tenant::policies(cx, world)),
    Route::new("GET", "organization", |cx, world, _| tenant::organizations(cx, world)),
    Route::new("GET", "organization/{id}", |cx, world, at| tenant::organization_by_id(cx, world, at.get("id"))),
    Route::new("GET", "domains", |cx, world, _| tenant::domains(cx, world)),
    Route::new("GET", "domains/{name}", |cx, world, at| tenant::domain_by_name(cx, world, at.get("name"))),
    Route::new("GET", "me", |cx, world, _| tenant::me(cx, world)),
    // Changes since the last time. Before the routes of single objects, one of which it would be taken for.
    Route::new("GET", "{collection}/delta", |_, _, _| Err(Refusal::not_emulated())),
    Route::new("GET", "{collection}/delta()", |_, _, _| Err(Refusal::not_emulated())),
    Route::new("GET", "users", |cx, world, _| tenant::users(cx, world)),
    Route::new("GET", "users/{key}", |cx, world, at| tenant::user(cx, world, at.get("key"))),
    Route::new("POST", "users/{key}/revokeSignInSessions", |cx, world, at| {
        tenant::revoke_sign_ins(cx, world, at.get("key"))
    }),
    Route::new("GET", "groups", |cx, world, _| tenant::groups(cx, world)),
    Route::new("GET", "groups/{key}", |cx, _, at| tenant::group(cx, at.get("key"))),
    Route::new("GET", "applications", |cx, world, _| applications::list(cx, world)),
    Route::new("POST", "applications", |cx, world, _| applications::create(cx, world)),
    Route::new("GET", "applications/{key}", |cx, world, at| applications::get(cx, world, &Key::of(at))),
    Route::new("PATCH", "applications/{key}", |cx, world, at| applications::update(cx, world, &Key::of(at))),
    Route::new("DELETE", "applications/{key}", |cx, world, at| applications::delete(cx, world, &Key::of(at))),
    Route::new("POST", "applications/{key}/addPassword", |cx, world, at| {
        passwords::add(cx, world, HolderKind::Application, &Key::of(at))
    }),
    Route::new("POST", "applications/{key}/removePassword", |cx, world, at| {
        passwords::remove(cx, world, HolderKind::Application, &Key::of(at))
    }),
    Route::new("POST", "applications/{key}/addKey", |cx, world, at| {
        keys::add(cx, world, HolderKind::Application, &Key::of(at))
    }),
    Route::new("POST", "applications/{key}/removeKey", |cx, world, at| {
        keys::remove(cx, world, HolderKind::Application, &Key::of(at))
    }),
    Route::new("GET", "applications/{key}/federatedIdentityCredentials", |cx, world, at| {
        federated::list(cx, world, &Key::of(at))
    }),
    Route::new("POST", "applications/{key}/federatedIdentityCredentials", |cx, world, at| {
        federated::create(cx, world, &Key::of(at))
    }),
    Route::new("GET", "applications/{key}/federatedIdentityCredentials/{id}", |cx, world, at| {
        federated::get(cx, world, &Key::of(at), at.get("id"))
    }),
    Route::new("PATCH", "applications/{key}/federatedIdentityCredentials/{id}", |cx, world, at| {
        federated::update(cx, world, &Key::of(at), at.get("id"))
    }),
    Route::new("DELETE", "applications/{key}/federatedIdentityCredentials/{id}", |cx, world, at| {
        federated::delete(cx, world, &Key::of(at), at.get("id"))
    }),
    Route::new("GET", "applications/{key}/owners", |cx, world, at| owners::list(cx, world, &Key::of(at))),
    Route::new("POST", "applications/{key}/owners/$ref", |cx, world, at| owners::add(cx, world, &Key::of(at))),
    Route::new("DELETE", "applications/{key}/owners/{id}/$ref", |cx, world, at| {
        owners::remove(cx, world, &Key::of(at), at.get("id"))
    }),
    Route::new("GET", "directory/deletedItems/microsoft.graph.application", |cx, world, _| deleted::list(cx, world)),
    // The SDKs leave the first word of a type's name out.
    Route::new("GET", "directory/deletedItems/graph.application", |cx, world, _| deleted::list(cx, world)),
    Route::new("GET", "directory/deletedItems/graph.servicePrincipal", |cx, world, _| deleted::principals(cx, world)),
    Route::new("GET", "directory/deletedItems/graph.user", |cx, world, _| deleted::nothing(cx, world)),
    Route::new("GET", "directory/deletedItems/graph.group", |cx, world, _| deleted::nothing(cx, world)),
    Route::new("GET", "directory/deletedItems/microsoft.graph.servicePrincipal", |cx, world, _| {
        deleted::principals(cx, world)
    }),
    Route::new("GET", "directory/deletedItems/microsoft.graph.user", |cx, world, _| deleted::nothing(cx, world)),
    Route::new("GET", "directory/deletedItems/microsoft.graph.group", |cx, world, _| deleted::nothing(cx, world)),
    Route::new("GET", "directory/deletedItems/{id}", |cx, world, at| deleted::get(cx, world, at.get("id"))),
    Route::new("DELETE", "directory/deletedItems/{id}", |cx, world, at| deleted::remove(cx, world, at.get("id"))),
    Route::new("POST", "directory/deletedItems/{id}/restore", |cx, world, at| {
        deleted::restore(cx, world, at.get("id"))
    }),
    Route::new("GET", "oauth2PermissionGrants", |cx, world, _| consents::grants(cx, world)),
    Route::new("POST", "oauth2PermissionGrants", |cx, world, _| consents::add_grant(cx, world)),
    Route::new("PATCH", "oauth2PermissionGrants/{id}", |cx, world, at| consents::change_grant(cx, world, at.get("id"))),
    Route::new("DELETE", "oauth2PermissionGrants/{id}", |cx, world, at| {
        consents::remove_grant(cx, world, at.get("id"))
    }),
    Route::new("GET", "servicePrincipals/{key}/owners", |cx, world, at| owners::of_principal(cx, world, &Key::of(at))),
    Route::new("GET", "servicePrincipals/{key}/appRoleAssignments", |cx, world, at| {
        consents::roles(cx, world, &Key::of(at))
    }),
    Route::new("POST", "servicePrincipals/{key}/appRoleAssignments", |cx, world, at| {
        consents::assign_role(cx, world, &Key::of(at))
    }),
    Route::new("DELETE", "servicePrincipals/{key}/appRoleAssignments/{id}", |cx, world, at| {
        consents::take_role(cx, world, &Key::of(at), at.get("id"))
    }),
    Route::new("GET", "servicePrincipals", |cx, world, _| principals::list(cx, world)),
    Route::new("POST", "servicePrincipals", |cx, world, _| principals::create(cx, world)),
    Route::new("GET", "servicePrincipals/{key}", |cx, world, at| principals::get(cx, world, &Key::of(at))),
    Route::new("PATCH", "servicePrincipals/{key}", |cx, world, at| principals::update(cx, world, &Key::of(at))),
    Route::new("DELETE", "servicePrincipals/{key}", |cx, world, at| principals::delete(cx, world, &Key::of(at))),
    Route::new("POST", "servicePrincipals/{key}/addPassword", |cx, world, at| {
        passwords::add(cx, world, HolderKind::ServicePrincipal, &Key::of(at))
    }),
    Route::new("POST", "servicePrincipals/{key}/removePassword", |cx, world, at| {
        passwords::remove(cx, world, HolderKind::ServicePrincipal, &Key::of(at))
    }),
    Route::new("POST", "servicePrincipals/{key}/addKey", |cx, world, at| {
        keys::add(cx, world, HolderKind::ServicePrincipal, &Key::of(at))
    }),
    Route::new("POST", "servicePrincipals/{key}/removeKey", |cx, world, at| {
        keys::remove(cx, world, HolderKind::ServicePrincipal, &Key::of(at))
    }),
];

fn handle(call: &Call, world: &mut World, words: &[&str]) -> OrRefusal<Answer> {
    // Who asks is looked at first: a stranger learns nothing about routes.
    let cx = Context::new(call, Admitted::of(call, world)?);
    let found = routes::find(ROUTES, Case::Matters, &call.method, words);
    let (handler, at) = found.ok_or_else(Refusal::not_emulated)?;
    let spent = throttle::admit(&cx, world, words)?;
    check_body(&cx)?;
    check_quiet(&cx, world, words)?;
    let answer = handler(&cx, world, &at)?;
    Ok(match spent {
        Some(spent) => spent.tell(answer),
        None => answer,
    })
}

/// A body that does not say it is JSON is not read.
fn check_body(cx: &Context<'_>) -> OrRefusal<()> {
    let kind = cx.call.header("content-type").unwrap_or_default();
    let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if cx.call.body.is_empty() || is_json { Ok(()) } else { Err(passwords::malformed()) }
}

/// Refuses a change now and then, where the settings say that others are under way.
fn check_quiet(cx: &Context<'_>, world: &mut World, words: &[&str]) -> OrRefusal<()> {
    let settings = &world.settings.graph;
    let (every, answer) = (settings.busy_every, settings.busy_answer);
    let is_read = cx.call.method == Method::GET || words.last() == Some(&"getByIds");
    let tenant = world.directory.tenant_mut(cx.caller.tenant).filter(|_| every > 0 && !is_read);
    let Some(tenant) = tenant else { return Ok(()) };
    tenant.changes = tenant.changes.wrapping_add(1);
    if tenant.changes.is_multiple_of(every) {
        return Err(refusal::busy(answer, words.last() == Some(&"removePassword")));
    }
    Ok(())
}

//! Microsoft Graph: applications, service principals, their secrets and federated credentials.

mod applications;
mod caller;
mod document;
mod federated;
mod objects;
mod passwords;
mod principals;
mod query;
mod refusal;

use http::Method;
use uuid::Uuid;

use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::refusal::OrRefusal;
use crate::base::refusal::Refusal;
use crate::model::replica::Replica;
use crate::model::world::World;

use self::caller::Admitted;
use super::context;

/// Who holds the secrets that a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
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
    /// The replica that answers.
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
    let rest = split_keys(rest);
    let parts: Vec<Part<'_>> = rest.iter().map(Part::of).collect();
    let id = world.dice.guid().to_string();
    let answer =
        match Admitted::of(call, world).and_then(|admitted| route(&Context::new(call, admitted), world, &parts)) {
            Ok(answer) => answer,
            Err(refusal) if refusal.is_not_emulated() => return None,
            Err(refusal) => refusal::answer(&refusal, call, &id),
        };
    let echoed = call.header("client-request-id").unwrap_or(&id).to_owned();
    let answer = answer
        .with_header("request-id", &id)
        .with_header("client-request-id", &echoed)
        .with_header("x-ms-ags-diagnostic", r#"{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"0"}}"#)
        .with_header("odata-version", "4.0");
    Some(answer)
}

/// A segment of a path: a word, or a key in parentheses.
enum Part<'a> {
    Word(&'a str),
    AppId(&'a str),
}

impl<'a> Part<'a> {
    fn of((kind, text): &'a (bool, String)) -> Self {
        if *kind { Self::AppId(text) } else { Self::Word(text) }
    }
}

/// Splits `applications(appId='…')` into the collection and its key.
fn split_keys(segments: &[String]) -> Vec<(bool, String)> {
    let mut parts = Vec::new();
    for segment in segments {
        let key = segment.split_once('(').and_then(|(collection, rest)| {
            let (name, value) = rest.strip_suffix(')')?.split_once('=')?;
            let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            name.trim().eq_ignore_ascii_case("appId").then_some((collection, value))
        });
        match key {
            Some((collection, value)) => parts.extend([(false, collection.to_owned()), (true, value.to_owned())]),
            None => parts.push((false, segment.clone())),
        }
    }
    parts
}

fn route(cx: &Context<'_>, world: &mut World, parts: &[Part<'_>]) -> OrRefusal<Answer> {
    let Some((Part::Word(collection), rest)) = parts.split_first() else { return Err(Refusal::not_emulated()) };
    match (&cx.call.method, *collection, rest) {
        (&Method::POST, "directoryObjects", [Part::Word("getByIds")]) => objects::by_ids(cx, world),
        (&Method::GET, "policies", [Part::Word("defaultAppManagementPolicy")]) => objects::policy(cx, world),
        (_, "applications", rest) => object_route(cx, world, Kind::Application, rest),
        (_, "servicePrincipals", rest) => object_route(cx, world, Kind::ServicePrincipal, rest),
        _ => Err(Refusal::not_emulated()),
    }
}

fn object_route(cx: &Context<'_>, world: &mut World, kind: Kind, rest: &[Part<'_>]) -> OrRefusal<Answer> {
    let method = &cx.call.method;
    let Some((key, rest)) = rest.split_first() else {
        return match (method, kind) {
            (&Method::GET, Kind::Application) => applications::list(cx, world),
            (&Method::POST, Kind::Application) => applications::create(cx, world),
            (&Method::GET, Kind::ServicePrincipal) => principals::list(cx, world),
            (&Method::POST, Kind::ServicePrincipal) => principals::create(cx, world),
            _ => Err(Refusal::not_emulated()),
        };
    };
    let key = match key {
        Part::Word(text) => Key::ObjectId((*text).to_owned()),
        Part::AppId(text) => Key::AppId((*text).to_owned()),
    };
    let words: Vec<&str> = rest
        .iter()
        .map(|part| match part {
            Part::Word(text) | Part::AppId(text) => *text,
        })
        .collect();
    match (method, kind, words.as_slice()) {
        (&Method::GET, Kind::Application, []) => applications::get(cx, world, &key),
        (&Method::PATCH, Kind::Application, []) => applications::update(cx, world, &key),
        (&Method::DELETE, Kind::Application, []) => applications::delete(cx, world, &key),
        (&Method::GET, Kind::ServicePrincipal, []) => principals::get(cx, world, &key),
        (&Method::PATCH, Kind::ServicePrincipal, []) => principals::update(cx, world, &key),
        (&Method::DELETE, Kind::ServicePrincipal, []) => principals::delete(cx, world, &key),
        (&Method::POST, kind, ["addPassword"]) => passwords::add(cx, world, kind, &key),
        (&Method::POST, kind, ["removePassword"]) => passwords::remove(cx, world, kind, &key),
        (_, Kind::Application, ["federatedIdentityCredentials", rest @ ..]) => federated::route(cx, world, &key, rest),
        _ => Err(Refusal::not_emulated()),
    }
}

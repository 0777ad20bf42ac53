//! Microsoft Graph: applications, service principals, their secrets and federated credentials.

mod applications;
mod caller;
mod document;
mod error;
mod federated;
mod objects;
mod passwords;
mod principals;
mod query;

use http::Method;
use uuid::Uuid;

use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::base::origins::Service;
use crate::model::replica::Replica;
use crate::model::world::World;

use self::caller::Caller;
use self::error::GraphError;

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

/// One request to Graph: who asks, and which replica answers.
struct Request<'a> {
    call: &'a Call,
    caller: Caller,
    replica: u32,
}

impl Request<'_> {
    /// The replica that answers.
    fn replica<'w>(&self, world: &'w World) -> Replica<'w> {
        Replica::of_lists(&world.settings, self.replica, self.call.now)
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
    let answer = match authorize(call, world).and_then(|request| route(&request, world, &parts)) {
        Ok(answer) => answer,
        Err(GraphError::Gap) => return None,
        Err(GraphError::Refusal(refusal)) => refusal.answer(call, &id),
    };
    let echoed = call.header("client-request-id").unwrap_or(&id).to_owned();
    let answer = answer
        .with_header("request-id", &id)
        .with_header("client-request-id", &echoed)
        .with_header("x-ms-ags-diagnostic", r#"{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"0"}}"#)
        .with_header("odata-version", "4.0");
    Some(answer)
}

fn authorize<'a>(call: &'a Call, world: &mut World) -> Result<Request<'a>, GraphError> {
    let caller = Caller::of(call, world)?;
    Ok(Request { call, caller, replica: world.next_replica(Service::Graph) })
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

fn route(request: &Request<'_>, world: &mut World, parts: &[Part<'_>]) -> Result<Answer, GraphError> {
    let Some((Part::Word(collection), rest)) = parts.split_first() else { return Err(GraphError::Gap) };
    match (&request.call.method, *collection, rest) {
        (&Method::POST, "directoryObjects", [Part::Word("getByIds")]) => objects::by_ids(request, world),
        (&Method::GET, "policies", [Part::Word("defaultAppManagementPolicy")]) => objects::policy(request, world),
        (_, "applications", rest) => object_route(request, world, Kind::Application, rest),
        (_, "servicePrincipals", rest) => object_route(request, world, Kind::ServicePrincipal, rest),
        _ => Err(GraphError::Gap),
    }
}

fn object_route(request: &Request<'_>, world: &mut World, kind: Kind, rest: &[Part<'_>]) -> Result<Answer, GraphError> {
    let method = &request.call.method;
    let Some((key, rest)) = rest.split_first() else {
        return match (method, kind) {
            (&Method::GET, Kind::Application) => applications::list(request, world),
            (&Method::POST, Kind::Application) => applications::create(request, world),
            (&Method::GET, Kind::ServicePrincipal) => principals::list(request, world),
            (&Method::POST, Kind::ServicePrincipal) => principals::create(request, world),
            _ => Err(GraphError::Gap),
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
        (&Method::GET, Kind::Application, []) => applications::get(request, world, &key),
        (&Method::PATCH, Kind::Application, []) => applications::update(request, world, &key),
        (&Method::DELETE, Kind::Application, []) => applications::delete(request, world, &key),
        (&Method::GET, Kind::ServicePrincipal, []) => principals::get(request, world, &key),
        (&Method::PATCH, Kind::ServicePrincipal, []) => principals::update(request, world, &key),
        (&Method::DELETE, Kind::ServicePrincipal, []) => principals::delete(request, world, &key),
        (&Method::POST, kind, ["addPassword"]) => passwords::add(request, world, kind, &key),
        (&Method::POST, kind, ["removePassword"]) => passwords::remove(request, world, kind, &key),
        (_, Kind::Application, ["federatedIdentityCredentials", rest @ ..]) => {
            federated::route(request, world, &key, rest)
        }
        _ => Err(GraphError::Gap),
    }
}

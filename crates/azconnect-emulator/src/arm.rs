//! Azure Resource Manager: subscriptions, groups, network, compute and roles.
//!
//! Set it up with a seed, with [`ArmSettings`], and with [`ResourceManager`] from
//! [`Emulator::resource_manager`](crate::Emulator::resource_manager); script what goes wrong with [`Failure`] and
//! [`FaultAction::Fail`](crate::FaultAction::Fail); read what became of it in the [`LedgerEntry`]s of the ground truth.

mod address;
mod agent;
mod ask;
mod authorization;
mod catalog;
mod catalogue;
mod cidr;
mod deployment;
mod extension;
mod group;
mod handle;
mod image;
mod instance_view;
mod kind;
mod ledger;
mod list;
mod machine;
mod machine_write;
mod names;
mod network;
mod nic;
mod operation;
mod put;
mod refusal;
mod resource;
mod roles;
mod rules;
mod run_command;
pub(crate) mod seed;
mod settings;
mod sku;
mod state;
mod subscription;
mod template;
mod throttle;
mod usage;
mod view;

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

pub use self::agent::{AgentOutcome, AgentScript, CommandOutcome, CommandRun, Responder};
pub use self::handle::ResourceManager;
pub use self::ledger::LedgerEntry;
pub use self::refusal::{ErrorShape, Failure};
pub use self::settings::{ArmSettings, OperationKind, RetryAfter};

use self::address::{Address, same};
use self::ask::{Ask, Reply, Who};
pub(crate) use self::state::Arm;

use self::refusal::{Granted, Refusal};
use self::state::Room;
use crate::answer::{Answer, WithHeader, empty, json_answer};
use crate::call::{Call, Claim, Moment};
use crate::token::{Audience, Misfit};
use crate::world::World;

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(call: &Call, world: &mut World) -> Option<Answer> {
    let parts = call.parts();
    if let [first, second] = parts.as_slice()
        && same(first, "metadata")
        && same(second, "endpoints")
    {
        return Some(json_answer(200, &endpoints(call)));
    }
    settle(world, call.now);
    let answer = match admit(call, world) {
        Ok((who, version)) => serve(call, world, who, &version)?,
        Err(refusal) => refusal.answer(),
    };
    Some(stamped(call, world, answer))
}

/// Lets every operation end whose time has come.
pub(crate) fn settle(world: &mut World, now: Moment) {
    room(world).settle(now);
}

/// A resource as it is shown.
pub(crate) fn shown(world: &mut World, id: &str, now: Moment) -> Option<Value> {
    let mut room = room(world);
    room.settle(now);
    let resource = room.arm.get(id)?;
    Some(view::render(&room, resource))
}

fn room(world: &mut World) -> Room<'_> {
    Room {
        arm: &mut world.arm,
        settings: &world.settings.resource_manager,
        dice: &mut world.dice,
        directory: &world.directory,
        subscriptions: &world.subscriptions,
    }
}

/// The ids that every answer carries.
fn stamped(call: &Call, world: &mut World, answer: Answer) -> Answer {
    let id = world.dice.guid().to_string();
    let correlation = call.header("x-ms-correlation-request-id").unwrap_or(&id).to_owned();
    let time = call.now.wall;
    let routing = format!(
        "EMULATOR:{:04}{:02}{:02}T{:02}{:02}{:02}Z:{id}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    let answer = answer
        .with_header("x-ms-request-id", &id)
        .with_header("x-ms-correlation-request-id", &correlation)
        .with_header("x-ms-routing-request-id", &routing)
        .with_header("cache-control", "no-cache")
        .with_header("strict-transport-security", "max-age=31536000; includeSubDomains");
    match call.header("x-ms-client-request-id") {
        Some(client) if call.header("x-ms-return-client-request-id").is_some_and(|wish| same(wish, "true")) => {
            answer.with_header("x-ms-client-request-id", client)
        }
        _ => answer,
    }
}

/// Who asks, and in which version of the API.
fn admit(call: &Call, world: &World) -> Granted<(Who, String)> {
    let version = call.query.get("api-version").unwrap_or_default().trim();
    if version.is_empty() {
        return Err(Refusal::new(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    }
    if !is_date(version) {
        return Err(Refusal::new(
            400,
            "InvalidApiVersionParameter",
            format!(
                "The api-version '{version}' is invalid. The supported versions are '2025-04-01,2024-11-01,2022-12-01'."
            ),
        ));
    }
    Ok((authenticate(call, world)?, version.to_owned()))
}

/// Whether a version is a date, with or without `-preview`.
fn is_date(version: &str) -> bool {
    let date = version.get(..10).unwrap_or_default();
    let parts: Vec<&str> = date.split('-').collect();
    let digits = |text: &&str, length| text.len() == length && text.chars().all(|c| c.is_ascii_digit());
    let form = matches!(parts.as_slice(), [y, m, d] if digits(y, 4) && digits(m, 2) && digits(d, 2));
    form && matches!(version.get(10..), Some("" | "-preview" | "-beta" | "-alpha"))
}

fn authenticate(call: &Call, world: &World) -> Granted<Who> {
    let unauthorized = |code: &str, message: String| {
        Refusal::new(401, code, message).header(
            "www-authenticate",
            "Bearer authorization_uri=\"https://login.windows.net/\", error=\"invalid_token\", error_description=\"The authentication failed.\"",
        )
    };
    let token = match call.claim() {
        Claim::Bearer(token) => token,
        Claim::Nobody => {
            return Err(unauthorized(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.".to_owned(),
            ));
        }
        _ => {
            return Err(unauthorized(
                "AuthenticationFailedInvalidHeader",
                "Authentication failed. The 'Authorization' header is provided in an invalid format.".to_owned(),
            ));
        }
    };
    match world.tokens.check(&token, &Audience::ResourceManager, call.now.wall) {
        Ok(token) => Ok(Who { object_id: token.identity.object_id(), client_id: token.client_id, tenant: token.tenant }),
        Err(Misfit::Unknown) => Err(unauthorized("InvalidAuthenticationToken", "The access token is invalid.".to_owned())),
        Err(Misfit::Expired) => Err(unauthorized(
            "ExpiredAuthenticationToken",
            format!("The access token expiry UTC time is earlier than current UTC time '{}'.", machine::shown(call.now.wall)),
        )),
        Err(Misfit::WrongAudience) => Err(unauthorized(
            "InvalidAuthenticationTokenAudience",
            "The access token has been obtained for wrong audience or resource. It should exactly match (including forward slash) with one of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net','https://management.azure.com/','https://management.azure.com'.".to_owned(),
        )),
    }
}

/// Routes a request of someone known.
fn serve(call: &Call, world: &mut World, who: Who, version: &str) -> Option<Answer> {
    let mut room = room(world);
    let parts = call.parts();
    if let ([word], true) = (parts.as_slice(), call.method == Method::GET) {
        return top(&mut room, call, who, word);
    }
    let address = Address::parse(&call.segments)?;
    let subscription = match known_subscription(&mut room, call, who, &address) {
        Ok(subscription) => subscription,
        Err(refusal) => return Some(refusal.answer()),
    };
    let body = match call.json() {
        Ok(body) => body,
        Err(error) => {
            let message = format!(
                "The request content was invalid and could not be deserialized: line {}, position {}.",
                error.line(),
                error.column()
            );
            return Some(Refusal::content(message).answer());
        }
    };
    let ask = Ask {
        method: &call.method,
        address,
        subscription,
        query: &call.query,
        body,
        who,
        now: call.now,
        origin: &call.origin,
        api_version: version,
        failure: call.failure.as_ref(),
    };
    let headers = if room.settings.throttling { room.arm.buckets.admit(&ask) } else { Ok(usual_headers(&call.method)) };
    let headers = match headers {
        Ok(headers) => headers,
        Err(refusal) => return Some(refusal.answer()),
    };
    let answer = match route(&mut room, &ask)? {
        Ok(reply) => written(&room, &ask, &reply),
        Err(refusal) => refusal.answer(),
    };
    Some(headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value)))
}

/// The budgets that are shown where nobody counts.
fn usual_headers(method: &Method) -> throttle::Headers {
    let word = match *method {
        Method::GET | Method::HEAD => "reads",
        Method::DELETE => "deletes",
        _ => "writes",
    };
    vec![(format!("x-ms-ratelimit-remaining-subscription-{word}"), "199".to_owned())]
}

fn written(room: &Room<'_>, ask: &Ask<'_>, reply: &Reply) -> Answer {
    let whole = || if reply.body.is_null() { empty(reply.status) } else { json_answer(reply.status, &reply.body) };
    let is_skus = matches!(ask.address.parts().as_slice(), [word] if same(word, "skus"));
    let answer = is_skus.then(|| sku::inflated(room, reply)).flatten().unwrap_or_else(whole);
    let mut headers = reply.headers.clone();
    if let Some(id) = reply.operation {
        headers.extend(room.operation_headers(ask, id, reply));
    }
    headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
}

/// What is asked of no subscription.
fn top(room: &mut Room<'_>, call: &Call, who: Who, word: &str) -> Option<Answer> {
    if same(word, "subscriptions") {
        let now = call.now.elapsed;
        let own = |subscription: &&crate::world::Subscription| subscription.tenant == who.tenant;
        let mut ids: Vec<Uuid> = room.subscriptions.iter().filter(own).map(|subscription| subscription.id).collect();
        ids.retain(|id| subscription::is_visible(room, who.object_id, *id, now));
        let value: Vec<Value> = ids.into_iter().filter_map(|id| subscription::document(room, id)).collect();
        let count = json!({"type": "Total", "value": value.len()});
        return Some(json_answer(200, &json!({"value": value, "count": count})));
    }
    if same(word, "tenants") {
        let tenant = room.directory.tenant_by_id(who.tenant)?;
        let id = format!("/tenants/{}", tenant.id);
        return Some(json_answer(
            200,
            &json!({"value": [{
                "id": id, "tenantId": tenant.id, "displayName": tenant.display_name, "defaultDomain": tenant.domain,
                "domains": [tenant.domain], "tenantCategory": "Home", "countryCode": "DE", "tenantType": "AAD",
            }]}),
        ));
    }
    None
}

/// The subscription of an address, if it is there, in the caller's tenant, and may be written where it is to be.
fn known_subscription(room: &mut Room<'_>, call: &Call, who: Who, address: &Address) -> Granted<Uuid> {
    let named = &address.subscription;
    let Some(id) = Uuid::parse_str(named).ok().filter(|_| named.len() == 36) else {
        return Err(Refusal::new(
            400,
            "InvalidSubscriptionId",
            format!("The provided subscription identifier '{named}' is malformed or invalid."),
        ));
    };
    let Some(subscription) = room.subscriptions.iter().find(|subscription| subscription.id == id) else {
        return Err(Refusal::new(
            404,
            "SubscriptionNotFound",
            format!("The subscription '{named}' could not be found."),
        ));
    };
    if subscription.tenant != who.tenant {
        let (mine, right) = (who.tenant, subscription.tenant);
        return Err(Refusal::new(
            401,
            "InvalidAuthenticationTokenTenant",
            format!("The access token is from the wrong issuer 'https://sts.windows.net/{mine}/'. It must match the tenant 'https://sts.windows.net/{right}/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/{right}' to get the token. Note, if the subscription is transferred to another tenant there is no impact to the services, but information about new tenant could take time to propagate (up to an hour). If you just transferred your subscription and see this error message, please try back later."),
        )
        .header("www-authenticate", &format!("Bearer authorization_uri=\"https://login.windows.net/{right}\", error=\"invalid_token\", error_description=\"The access token is from the wrong issuer. It must match the tenant associated with this subscription.\"")));
    }
    let state = room.arm.account(id).state.clone();
    let reading = matches!(call.method, Method::GET | Method::HEAD);
    if !reading && (same(&state, "Disabled") || same(&state, "Deleted")) {
        return Err(Refusal::new(
            409,
            "ReadOnlyDisabledSubscription",
            format!(
                "The subscription '{named}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled."
            ),
        ));
    }
    Ok(id)
}

/// Finds the route of a request below a subscription.
fn route(room: &mut Room<'_>, ask: &Ask<'_>) -> Option<Granted<Reply>> {
    let parts = ask.address.parts();
    let get = ask.method == Method::GET;
    let Some(namespace) = ask.address.namespace.clone() else {
        return match (&ask.address.group, parts.as_slice()) {
            (None, [word]) if get && same(word, "resourceGroups") => Some(group::list(room, ask)),
            (None, [word, id]) if get && same(word, "operationresults") => Some(operation::poll(room, ask, id, true)),
            (_, [word]) if get && same(word, "resources") => Some(resource::all(room, ask)),
            (Some(_), []) => group::answer(room, ask),
            (None, _) => subscription::answer(room, ask),
            _ => None,
        };
    };
    if same(&namespace, "Microsoft.Authorization") {
        return authorization::answer(room, ask);
    }
    if ask.address.group.is_none()
        && parts.len() < 2
        && let Some(answer) = subscription::answer_provider(room, ask)
    {
        return Some(answer);
    }
    let compute = same(&namespace, "Microsoft.Compute");
    match parts.as_slice() {
        [word] if get && compute && same(word, "skus") => return Some(sku::list(room, ask)),
        [word, _, kind, id] if get && same(word, "locations") && same(kind, "operations") => {
            return Some(operation::poll(room, ask, id, false));
        }
        [word, _, kind, id] if get && same(word, "locations") && same(kind, "operationResults") => {
            return Some(operation::poll(room, ask, id, true));
        }
        [word, location, kind] if get && same(word, "locations") && same(kind, "usages") => {
            return Some(usage::list(room, ask, location, compute));
        }
        [word, _, kind] if get && compute && same(word, "locations") && same(kind, "vmSizes") => {
            let scope = ask.address.scope.clone();
            return Some(room.permit(ask, "Microsoft.Compute/locations/vmSizes/read", &scope).map(|()| sku::plain()));
        }
        [word, _, kind, ..] if get && compute && same(word, "locations") && same(kind, "publishers") => {
            return image::answer(room, ask);
        }
        [word, _, kind, id] if get && same(word, "deployments") && same(kind, "operationStatuses") => {
            return Some(operation::poll(room, ask, id, false));
        }
        [word, name, action] if same(word, "deployments") && same(action, "validate") && ask.method == Method::POST => {
            return Some(deployment::validate(room, ask, name));
        }
        [word, name, action] if compute && same(word, "virtualMachines") => {
            if let Some(answer) = on_machine(room, ask, name, action) {
                return Some(answer);
            }
        }
        _ => {}
    }
    let (kind, names) = ask.address.kind_anywhere()?;
    let names: Vec<&str> = names.clone();
    resource::answer(room, ask, kind, &names)
}

/// What is asked of a machine beyond its document.
fn on_machine(room: &mut Room<'_>, ask: &Ask<'_>, name: &str, action: &str) -> Option<Granted<Reply>> {
    let group = ask.address.group.as_deref()?;
    let id = address::resource_id(&ask.address.subscription, group, kind::Kind::Machine, &[name]);
    if ask.method == Method::POST {
        return machine::act(room, ask, &id, action);
    }
    if ask.method != Method::GET {
        return None;
    }
    if same(action, "instanceView") {
        return Some(
            room.permit(ask, "Microsoft.Compute/virtualMachines/instanceView/read", &id)
                .and_then(|()| room.require(&id))
                .map(|machine| Reply::new(200, instance_view::of(room, machine, ask.now))),
        );
    }
    if same(action, "vmSizes") {
        return Some(
            room.permit(ask, "Microsoft.Compute/virtualMachines/vmSizes/read", &id)
                .and_then(|()| room.require(&id))
                .map(|_| sku::plain()),
        );
    }
    None
}

/// Where everything is, for the Azure CLI.
fn endpoints(call: &Call) -> Value {
    let origins = &call.origins;
    json!({
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": format!("{}/", origins.login),
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graphAudience": "https://graph.windows.net/",
        "graph": "https://graph.windows.net/",
        "microsoftGraphResourceId": format!("{}/", origins.graph),
        "name": "AzureCloud",
        "suffixes": {"storage": "core.windows.net", "keyVaultDns": "vault.azure.net", "sqlServerHostname": "database.windows.net"},
        "resourceManager": format!("{}/", origins.resource_manager),
        "media": "https://rest.media.azure.net",
        "gallery": "https://gallery.azure.com/",
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/arm-compute/quickstart-templates/aliases.json",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_date_is_a_version_and_nothing_else() {
        assert!(is_date("2022-12-01"));
        assert!(is_date("2018-01-01-preview"));
        for wrong in ["latest", "2022-12", "2022-12-01-x", "20221201"] {
            assert!(!is_date(wrong), "{wrong}");
        }
    }
}

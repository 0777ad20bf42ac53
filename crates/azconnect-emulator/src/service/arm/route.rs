//! Which request goes where.

use serde_json::{Value, json};
use uuid::Uuid;

use super::compute::{gallery, identity, image, machine, run_action, sku};
use super::context::{Context, Reply};
use super::network::public_ip;
use super::resources::{deployment, group, subscription, subscription_deployment, tag_names, terms};
use super::{authorization, locks, operation, resource, usage};
use crate::base::answer::{Answer, json_answer};
use crate::base::call::Call;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::arm::address::same;
use crate::model::token::Caller;
use crate::model::world::{Subscription, World};
use crate::service::routes::{self, Case, Params, Route};

type Handler = fn(&Context<'_>, &mut World, &Params<'_>) -> OrRefusal<Reply>;

/// The terms of an image that is sold.
const TERMS: &str = "subscription/providers/Microsoft.MarketplaceOrdering/offerTypes/virtualmachine/publishers/{publisher}/offers/{offer}/plans/{plan}/agreements/current";

/// What is answered below a subscription. A path is matched by its scope, `subscription` or `group`, and by what follows
/// it; a resource of any kind comes last, as the providers' own routes look the same.
const ROUTES: &[Route<Handler>] = &[
    Route::new("GET", "subscription", |cx, world, _| subscription::get(cx, world)),
    Route::new("GET", "subscription/locations", |cx, world, _| subscription::locations(cx, world)),
    Route::new("GET", "subscription/providers", |cx, world, _| subscription::providers(cx, world)),
    Route::new("GET", "subscription/resourceGroups", |cx, world, _| group::list(cx, world)),
    Route::new("GET", "subscription/operationresults/{id}", |cx, world, at| {
        operation::poll(cx, world, at.get("id"), true)
    }),
    Route::new("GET", "subscription/tagNames", |cx, world, _| tag_names::all(cx, world)),
    Route::new("PUT", "subscription/tagNames/{name}", |cx, world, at| tag_names::put(cx, world, at.get("name"))),
    Route::new("DELETE", "subscription/tagNames/{name}", |cx, world, at| tag_names::delete(cx, world, at.get("name"))),
    Route::new("PUT", "subscription/tagNames/{name}/tagValues/{value}", |cx, world, at| {
        tag_names::put_value(cx, world, (at.get("name"), at.get("value")))
    }),
    Route::new("DELETE", "subscription/tagNames/{name}/tagValues/{value}", |cx, world, at| {
        tag_names::delete_value(cx, world, (at.get("name"), at.get("value")))
    }),
    Route::new("GET", "{scope}/resources", |cx, world, _| resource::all(cx, world)),
    Route::new("GET", "group", |cx, world, _| group::get(cx, world)),
    Route::new("HEAD", "group", |cx, world, _| group::head(cx, world)),
    Route::new("PUT", "group", |cx, world, _| group::put(cx, world)),
    Route::new("PATCH", "group", |cx, world, _| group::patch(cx, world)),
    Route::new("DELETE", "group", |cx, world, _| group::delete(cx, world)),
    Route::new("GET", "{scope}/providers/Microsoft.Authorization/permissions", |cx, world, _| {
        authorization::permissions(cx, world)
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Authorization/roleAssignments", |cx, world, _| {
        authorization::assignments(cx, world)
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", |cx, world, at| {
        authorization::assignment(cx, world, at.get("name"))
    }),
    Route::new("PUT", "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", |cx, world, at| {
        authorization::assign(cx, world, at.get("name"))
    }),
    Route::new("DELETE", "{scope}/providers/Microsoft.Authorization/roleAssignments/{name}", |cx, world, at| {
        authorization::withdraw(cx, world, at.get("name"))
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Authorization/roleDefinitions", |cx, world, _| {
        authorization::definitions(cx, world)
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Authorization/roleDefinitions/{name}", |cx, world, at| {
        authorization::definition(cx, world, at.get("name"))
    }),
    Route::new("PUT", "{scope}/providers/Microsoft.Authorization/roleDefinitions/{name}", |cx, world, at| {
        authorization::define(cx, world, at.get("name"))
    }),
    Route::new("DELETE", "{scope}/providers/Microsoft.Authorization/roleDefinitions/{name}", |cx, world, at| {
        authorization::undefine(cx, world, at.get("name"))
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Authorization/locks", |cx, world, _| locks::all(cx, world)),
    Route::new("GET", "{scope}/providers/Microsoft.Authorization/locks/{name}", |cx, world, at| {
        locks::get(cx, world, at.get("name"))
    }),
    Route::new("PUT", "{scope}/providers/Microsoft.Authorization/locks/{name}", |cx, world, at| {
        locks::put(cx, world, at.get("name"))
    }),
    Route::new("DELETE", "{scope}/providers/Microsoft.Authorization/locks/{name}", |cx, world, at| {
        locks::delete(cx, world, at.get("name"))
    }),
    // Before the general route, which would take these for resources of a group.
    Route::new("*", "{scope}/providers/Microsoft.Authorization/{rest*}", |_, _, _| Err(Refusal::not_emulated())),
    Route::new("GET", "subscription/providers/{namespace}", |cx, world, at| {
        subscription::provider(cx, world, at.get("namespace"))
    }),
    Route::new("POST", "subscription/providers/{namespace}/register", |cx, world, at| {
        subscription::register(cx, world, at.get("namespace"))
    }),
    Route::new("POST", "subscription/providers/{namespace}/unregister", |cx, world, at| {
        subscription::unregister(cx, world, at.get("namespace"))
    }),
    Route::new(
        "GET",
        "subscription/providers/Microsoft.Compute/locations/{location}/{galleries}/{gallery}/images/{image}",
        |cx, world, at| gallery::public(cx, world, &listing(at), None),
    ),
    Route::new(
        "GET",
        "subscription/providers/Microsoft.Compute/locations/{location}/{galleries}/{gallery}/images/{image}/versions/{version}",
        |cx, world, at| gallery::public(cx, world, &listing(at), Some(at.get("version"))),
    ),
    Route::new("GET", TERMS, |cx, world, at| terms::get(cx, world, &plan(at))),
    Route::new("PUT", TERMS, |cx, world, at| terms::put(cx, world, &plan(at))),
    Route::new("GET", "{scope}/providers/Microsoft.Compute/skus", |cx, world, _| sku::list(cx, world)),
    Route::new("GET", "{scope}/providers/{namespace}/locations/{location}/operations/{id}", |cx, world, at| {
        operation::poll(cx, world, at.get("id"), false)
    }),
    Route::new("GET", "{scope}/providers/{namespace}/locations/{location}/operationResults/{id}", |cx, world, at| {
        operation::poll(cx, world, at.get("id"), true)
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Compute/locations/{location}/usages", |cx, world, at| {
        usage::list(cx, world, at.get("location"), true)
    }),
    Route::new("GET", "{scope}/providers/{namespace}/locations/{location}/usages", |cx, world, at| {
        usage::list(cx, world, at.get("location"), false)
    }),
    Route::new(
        "GET",
        "subscription/providers/Microsoft.Network/locations/{location}/CheckDnsNameAvailability",
        |cx, world, at| public_ip::availability(cx, world, at.get("location")),
    ),
    Route::new("GET", "group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}", |cx, world, at| {
        identity::get(cx, world, at.get("name"))
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Compute/locations/{location}/vmSizes", |cx, world, _| {
        cx.permit(world, "Microsoft.Compute/locations/vmSizes/read", &cx.address.scope).map(|()| sku::plain())
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Compute/locations/{location}/runCommands", |cx, world, at| {
        run_action::commands(cx, world, at.get("location"))
    }),
    Route::new("GET", "{scope}/providers/Microsoft.Compute/locations/{location}/runCommands/{id}", |cx, world, at| {
        run_action::command(cx, world, (at.get("location"), at.get("id")))
    }),
    Route::new(
        "GET",
        "{scope}/providers/Microsoft.Compute/locations/{location}/publishers/{below*}",
        |cx, world, _| image::answer(cx, world),
    ),
    Route::new("GET", "{scope}/providers/{namespace}/deployments/{name}/operationStatuses/{id}", |cx, world, at| {
        operation::poll(cx, world, at.get("id"), false)
    }),
    Route::new("POST", "subscription/providers/Microsoft.Resources/deployments/{name}/validate", |cx, world, at| {
        subscription_deployment::validate(cx, world, at.get("name"))
    }),
    Route::new("POST", "{scope}/providers/{namespace}/deployments/{name}/validate", |cx, world, at| {
        deployment::validate(cx, world, at.get("name"))
    }),
    Route::new("GET", "group/providers/Microsoft.Compute/virtualMachines/{machine}/instanceView", |cx, world, at| {
        machine::instance_view(cx, world, at.get("machine"))
    }),
    Route::new("GET", "group/providers/Microsoft.Compute/virtualMachines/{machine}/vmSizes", |cx, world, at| {
        machine::sizes(cx, world, at.get("machine"))
    }),
    Route::new("POST", "group/providers/Microsoft.Compute/virtualMachines/{machine}/{action}", |cx, world, at| {
        machine::act(cx, world, at.get("machine"), at.get("action"))
    }),
    Route::new("*", "{scope}/providers/{namespace}/{rest*}", |cx, world, _| {
        let (kind, names) = cx.address.kind_anywhere().ok_or_else(Refusal::not_emulated)?;
        resource::answer(cx, world, kind, &names)
    }),
];

fn listing<'a>(at: &'a Params<'_>) -> gallery::Listing<'a> {
    gallery::Listing {
        location: at.get("location"),
        galleries: at.get("galleries"),
        gallery: at.get("gallery"),
        image: at.get("image"),
    }
}

fn plan<'a>(at: &'a Params<'_>) -> terms::Plan<'a> {
    terms::Plan { publisher: at.get("publisher"), offer: at.get("offer"), plan: at.get("plan") }
}

/// Answers a request below a subscription.
pub(crate) fn route(cx: &Context<'_>, world: &mut World) -> OrRefusal<Reply> {
    let scope = if cx.address.group.is_some() { "group" } else { "subscription" };
    let provider = cx.address.namespace.iter().flat_map(|namespace| ["providers", namespace.as_str()]);
    let parts: Vec<&str> = [scope].into_iter().chain(provider).chain(cx.address.parts()).collect();
    let found = routes::find(ROUTES, Case::Ignored, &cx.call.method, &parts);
    let (handler, at) = found.ok_or_else(Refusal::not_emulated)?;
    handler(cx, world, &at)
}

/// What is asked of no subscription.
pub(crate) fn top(world: &mut World, call: &Call, caller: Caller, word: &str) -> Option<Answer> {
    if same(word, "subscriptions") {
        let now = call.now.elapsed;
        let own = |subscription: &&Subscription| subscription.tenant == caller.tenant;
        let mut ids: Vec<Uuid> = world.subscriptions.iter().filter(own).map(|subscription| subscription.id).collect();
        ids.retain(|id| subscription::is_visible(world, caller.object_id(), *id, now));
        let value: Vec<Value> = ids.into_iter().filter_map(|id| subscription::document(world, id)).collect();
        let count = json!({"type": "Total", "value": value.len()});
        return Some(json_answer(200, &json!({"value": value, "count": count})));
    }
    if same(word, "tenants") {
        let tenant = world.directory.tenant_by_id(caller.tenant)?;
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

/// Where everything is, for the Azure CLI.
pub(crate) fn endpoints(call: &Call) -> Value {
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

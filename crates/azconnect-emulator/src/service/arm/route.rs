//! Which request goes where.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::compute::{image, instance_view, machine, sku};
use super::context::{Context, Reply};
use super::resources::{deployment, group, subscription};
use super::{authorization, operation, resource, usage};
use crate::base::answer::{Answer, json_answer};
use crate::base::call::Call;
use crate::base::refusal::OrRefusal;
use crate::model::arm::address::{resource_id, same};
use crate::model::arm::kind::Kind;
use crate::model::token::Caller;
use crate::model::world::World;
use crate::service::arm::resource::require;

/// Finds the route of a request below a subscription.
pub(crate) fn route(world: &mut World, cx: &Context<'_>) -> Option<OrRefusal<Reply>> {
    let parts = cx.address.parts();
    let get = cx.call.method == Method::GET;
    let Some(namespace) = cx.address.namespace.clone() else {
        return match (&cx.address.group, parts.as_slice()) {
            (None, [word]) if get && same(word, "resourceGroups") => Some(group::list(world, cx)),
            (None, [word, id]) if get && same(word, "operationresults") => Some(operation::poll(world, cx, id, true)),
            (_, [word]) if get && same(word, "resources") => Some(resource::all(world, cx)),
            (Some(_), []) => group::answer(world, cx),
            (None, _) => subscription::answer(world, cx),
            _ => None,
        };
    };
    if same(&namespace, "Microsoft.Authorization") {
        return authorization::answer(world, cx);
    }
    if cx.address.group.is_none()
        && parts.len() < 2
        && let Some(answer) = subscription::answer_provider(world, cx)
    {
        return Some(answer);
    }
    let compute = same(&namespace, "Microsoft.Compute");
    match parts.as_slice() {
        [word] if get && compute && same(word, "skus") => return Some(sku::list(world, cx)),
        [word, _, kind, id] if get && same(word, "locations") && same(kind, "operations") => {
            return Some(operation::poll(world, cx, id, false));
        }
        [word, _, kind, id] if get && same(word, "locations") && same(kind, "operationResults") => {
            return Some(operation::poll(world, cx, id, true));
        }
        [word, location, kind] if get && same(word, "locations") && same(kind, "usages") => {
            return Some(usage::list(world, cx, location, compute));
        }
        [word, _, kind] if get && compute && same(word, "locations") && same(kind, "vmSizes") => {
            let scope = cx.address.scope.clone();
            return Some(cx.permit(world, "Microsoft.Compute/locations/vmSizes/read", &scope).map(|()| sku::plain()));
        }
        [word, _, kind, ..] if get && compute && same(word, "locations") && same(kind, "publishers") => {
            return image::answer(world, cx);
        }
        [word, _, kind, id] if get && same(word, "deployments") && same(kind, "operationStatuses") => {
            return Some(operation::poll(world, cx, id, false));
        }
        [word, name, action]
            if same(word, "deployments") && same(action, "validate") && cx.call.method == Method::POST =>
        {
            return Some(deployment::validate(world, cx, name));
        }
        [word, name, action] if compute && same(word, "virtualMachines") => {
            if let Some(answer) = on_machine(world, cx, name, action) {
                return Some(answer);
            }
        }
        _ => {}
    }
    let (kind, names) = cx.address.kind_anywhere()?;
    let names: Vec<&str> = names.clone();
    resource::answer(world, cx, kind, &names)
}

/// What is asked of a machine beyond its document.
fn on_machine(world: &mut World, cx: &Context<'_>, name: &str, action: &str) -> Option<OrRefusal<Reply>> {
    let group = cx.address.group.as_deref()?;
    let id = resource_id(&cx.address.subscription, group, Kind::Machine, &[name]);
    if cx.call.method == Method::POST {
        return machine::act(world, cx, &id, action);
    }
    if cx.call.method != Method::GET {
        return None;
    }
    if same(action, "instanceView") {
        return Some(
            cx.permit(world, "Microsoft.Compute/virtualMachines/instanceView/read", &id)
                .and_then(|()| require(world, &id))
                .map(|machine| Reply::new(200, instance_view::of(world, machine, cx.now))),
        );
    }
    if same(action, "vmSizes") {
        return Some(
            cx.permit(world, "Microsoft.Compute/virtualMachines/vmSizes/read", &id)
                .and_then(|()| require(world, &id))
                .map(|_| sku::plain()),
        );
    }
    None
}

/// What is asked of no subscription.
pub(crate) fn top(world: &mut World, call: &Call, caller: Caller, word: &str) -> Option<Answer> {
    if same(word, "subscriptions") {
        let now = call.now.elapsed;
        let own = |subscription: &&crate::model::world::Subscription| subscription.tenant == caller.tenant;
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

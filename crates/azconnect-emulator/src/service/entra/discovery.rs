//! What clients read before they ask for a token.

use serde_json::{Value, json};

use super::{Context, Version, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::OrRefusal;
use crate::base::signer::Signer;
use crate::model::world::World;

/// The names of the public cloud's login, which stand for each other.
const PUBLIC: [&str; 4] = ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"];

/// The host names of one cloud that stand for each other: those of the public cloud, if the caller came by one of them,
/// and else the emulator's own alone.
pub(super) fn instance(cx: &Context<'_>) -> Answer {
    let host = cx.call.origin.split_once("://").map_or(cx.call.origin.as_str(), |(_, host)| host);
    let metadata = if PUBLIC.contains(&host) {
        json!({"preferred_network": "login.microsoftonline.com", "preferred_cache": "login.windows.net", "aliases": PUBLIC})
    } else {
        json!({"preferred_network": host, "preferred_cache": host, "aliases": [host]})
    };
    let asked = cx.call.query.get("authorization_endpoint").and_then(|address| url::Url::parse(address).ok());
    let tenant = asked.and_then(|address| address.path_segments()?.next().map(str::to_owned));
    let tenant = tenant.filter(|tenant| !tenant.is_empty()).unwrap_or_else(|| "common".to_owned());
    json_answer(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", cx.call.origin),
            "api-version": cx.call.query.get("api-version").unwrap_or("1.1"),
            "metadata": [metadata],
        }),
    )
}

/// The OpenID configuration of a tenant.
pub(super) fn configuration(cx: &Context<'_>, world: &World, tenant: &str, version: Version) -> OrRefusal<Answer> {
    let (path, keys, issuer) = match version {
        Version::V1 => ("oauth2", "discovery/keys", ""),
        Version::V2 => ("oauth2/v2.0", "discovery/v2.0/keys", "v2.0"),
    };
    let common = ["common", "organizations", "consumers"].contains(&tenant);
    let id = match world.directory.tenant(tenant) {
        Some(found) => found.id.to_string(),
        None if common => "{tenantid}".to_owned(),
        None => return Err(refusal::tenant_not_found(tenant)),
    };
    let origin = &cx.call.origin;
    Ok(json_answer(
        200,
        &json!({
            "token_endpoint": format!("{origin}/{tenant}/{path}/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{origin}/{tenant}/{keys}"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": if issuer.is_empty() { format!("https://sts.windows.net/{id}/") } else { format!("{origin}/{id}/{issuer}") },
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": format!("{}/oidc/userinfo", cx.call.origins.graph),
            "authorization_endpoint": format!("{origin}/{tenant}/{path}/authorize"),
            "device_authorization_endpoint": format!("{origin}/{tenant}/{path}/devicecode"),
            "http_logout_supported": true,
            "end_session_endpoint": format!("{origin}/{tenant}/{path}/logout"),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": cx.call.origins.graph.split_once("://").map_or("", |(_, host)| host),
        }),
    ))
}

/// The keys that sign tokens. Those of an emulator that signs none are published all the same: none of its tokens passes.
pub(super) fn keys(cx: &Context<'_>, world: &World, tenant: &str) -> OrRefusal<Answer> {
    // Refused for a tenant that does not exist, as its configuration is.
    configuration(cx, world, tenant, Version::V2)?;
    let mut keys: Vec<Value> = Signer::of_process().and_then(Signer::published).into_iter().collect();
    // Each key says whose tokens it may sign.
    let tenant = world.directory.tenant(tenant).map_or_else(|| "{tenantid}".to_owned(), |tenant| tenant.id.to_string());
    for key in keys.iter_mut().filter_map(Value::as_object_mut) {
        key.insert("issuer".to_owned(), json!(format!("{}/{tenant}/v2.0", cx.call.origin)));
    }
    Ok(json_answer(200, &json!({"keys": keys})))
}

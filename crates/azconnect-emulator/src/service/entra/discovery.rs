//! What clients read before they ask for a token.

use serde_json::json;

use super::{Context, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::OrRefusal;
use crate::model::world::World;

/// The host names of one cloud that stand for each other. The emulator's own is the only one.
pub(super) fn instance(cx: &Context<'_>) -> Answer {
    let host = cx.call.origin.split_once("://").map_or(cx.call.origin.as_str(), |(_, host)| host);
    let tenant = "common";
    json_answer(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", cx.call.origin),
            "api-version": cx.call.query.get("api-version").unwrap_or("1.1"),
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
        }),
    )
}

/// The OpenID configuration of a tenant.
pub(super) fn configuration(cx: &Context<'_>, world: &World, tenant: &str) -> OrRefusal<Answer> {
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
            "token_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{origin}/{tenant}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": format!("{origin}/{id}/v2.0"),
            "request_uri_parameter_supported": false,
            "userinfo_endpoint": format!("{}/oidc/userinfo", cx.call.origins.graph),
            "authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/devicecode"),
            "http_logout_supported": true,
            "end_session_endpoint": format!("{origin}/{tenant}/oauth2/v2.0/logout"),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": cx.call.origins.graph.split_once("://").map_or("", |(_, host)| host),
        }),
    ))
}

/// The keys that sign tokens: none, for the emulator's tokens are not signed.
pub(super) fn keys() -> Answer {
    json_answer(200, &json!({"keys": []}))
}

//! One origin for every service: the path of a request says whose it is.

use percent_encoding::percent_decode_str;

use crate::base::origins::Service;

/// The areas of Azure DevOps that are at the origin of identities.
const IDENTITY_AREAS: [&str; 3] = ["graph", "identities", "tokens"];

/// The areas of Azure DevOps that belong to no organization.
const PROFILE_AREAS: [&str; 2] = ["profile", "accounts"];

/// The first segments of Azure Resource Manager's paths.
const RESOURCE_MANAGER: [&str; 5] = ["subscriptions", "providers", "tenants", "metadata", "batch"];

/// The first segments of a key vault's paths.
const KEY_VAULT: [&str; 5] = ["secrets", "deletedsecrets", "keys", "deletedkeys", "certificates"];

/// The service that a path belongs to. What no service knows goes to the sign-in, which says so.
pub(super) fn service_of(path: &str) -> Service {
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().to_ascii_lowercase();
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    // An organization may be called as it likes, so its mark comes first.
    if let Some(place) = parts.iter().position(|part| part == "_apis").filter(|place| *place <= 3) {
        return devops(place, parts.get(place + 1).map(String::as_str));
    }
    match parts.first().map(String::as_str) {
        Some("v1.0" | "beta") => Service::Graph,
        Some(first) if RESOURCE_MANAGER.contains(&first) => Service::ResourceManager,
        Some(first) if KEY_VAULT.contains(&first) => Service::KeyVault,
        _ => Service::Login,
    }
}

/// `place` is where `_apis` stands, `area` what follows it.
fn devops(place: usize, area: Option<&str>) -> Service {
    match (place, area) {
        (0, None) => Service::DevOpsProfile,
        (0, Some(area)) if PROFILE_AREAS.contains(&area) || area == "connectiondata" => Service::DevOpsProfile,
        (_, Some(area)) if IDENTITY_AREAS.contains(&area) => Service::DevOpsIdentity,
        _ => Service::DevOps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_whose_it_is() {
        for (path, service) in [
            ("/contoso.onmicrosoft.com/oauth2/v2.0/token", Service::Login),
            ("/common/discovery/instance", Service::Login),
            ("/", Service::Login),
            ("/Secrets/db/versions", Service::KeyVault),
            ("/keys/_apis/projects", Service::DevOps),
            ("/v1.0/applications", Service::Graph),
            ("/v1.0//applications", Service::Graph),
            ("/beta/servicePrincipals", Service::Graph),
            ("/Subscriptions/x/resourcegroups", Service::ResourceManager),
            ("/providers/Microsoft.Authorization/operations", Service::ResourceManager),
            ("/metadata/endpoints", Service::ResourceManager),
            ("/contoso/_apis", Service::DevOps),
            ("/contoso/_apis/projects", Service::DevOps),
            ("/subscriptions/_apis/projects", Service::DevOps),
            ("/contoso/Web/_apis/serviceendpoint/endpoints", Service::DevOps),
            ("/tfs/contoso/Web/_apis/serviceendpoint/endpoints", Service::DevOps),
            ("/contoso/%5Fapis/projects", Service::DevOps),
            ("/contoso/_apis/Graph/groups", Service::DevOpsIdentity),
            ("/contoso/_apis/tokens/pats", Service::DevOpsIdentity),
            ("/_apis/profile/profiles/me", Service::DevOpsProfile),
            ("/_apis/accounts", Service::DevOpsProfile),
        ] {
            assert_eq!(service_of(path), service, "{path}");
        }
    }
}

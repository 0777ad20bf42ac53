//! Which properties the objects of the directory have: a body that names another one is refused.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::refusal;
use crate::base::refusal::OrRefusal;

/// What may be written of an application, by the *application resource type*.
pub(super) const APPLICATION: &[&str] = &[
    "addIns",
    "api",
    "appRoles",
    "defaultRedirectUri",
    "description",
    "displayName",
    "groupMembershipClaims",
    "identifierUris",
    "info",
    "isDeviceOnlyAuthSupported",
    "isFallbackPublicClient",
    "keyCredentials",
    "notes",
    "optionalClaims",
    "parentalControlSettings",
    "passwordCredentials",
    "publicClient",
    "requestSignatureVerification",
    "requiredResourceAccess",
    "samlMetadataUrl",
    "serviceManagementReference",
    "servicePrincipalLockConfiguration",
    "signInAudience",
    "spa",
    "tags",
    "tokenEncryptionKeyId",
    "web",
];

/// What may be written of a service principal, by the *servicePrincipal resource type*.
pub(super) const PRINCIPAL: &[&str] = &[
    "accountEnabled",
    "addIns",
    "alternativeNames",
    "appId",
    "appRoleAssignmentRequired",
    "appRoles",
    "description",
    "displayName",
    "homepage",
    "info",
    "keyCredentials",
    "loginUrl",
    "logoutUrl",
    "notes",
    "notificationEmailAddresses",
    "passwordCredentials",
    "preferredSingleSignOnMode",
    "preferredTokenSigningKeyThumbprint",
    "replyUrls",
    "samlSingleSignOnSettings",
    "servicePrincipalNames",
    "servicePrincipalType",
    "tags",
    "tokenEncryptionKeyId",
];

/// What Graph keeps for itself.
const READ_ONLY: [&str; 6] =
    ["id", "appId", "createdDateTime", "deletedDateTime", "publisherDomain", "disabledByMicrosoftStatus"];

/// What stands inside the properties that have an inside.
const NESTED: [(&str, &[&str]); 3] = [
    ("web", &["homePageUrl", "logoutUrl", "redirectUris", "implicitGrantSettings", "redirectUriSettings"]),
    ("spa", &["redirectUris"]),
    ("publicClient", &["redirectUris"]),
];

/// What is read of applications and service principals and written nowhere.
const SHOWN: [&str; 11] = [
    "appDescription",
    "appDisplayName",
    "applicationTemplateId",
    "appOwnerOrganizationId",
    "certification",
    "customSecurityAttributes",
    "oauth2PermissionScopes",
    "publishedPermissionScopes",
    "resourceSpecificApplicationPermissions",
    "signInAudience",
    "verifiedPublisher",
];

/// What a federated identity credential shows.
const FEDERATED: &[&str] = &["audiences", "claimsMatchingExpression", "description", "issuer", "name", "subject"];

/// What a delegated permission grant shows.
const GRANT: &[&str] = &["clientId", "consentType", "principalId", "resourceId", "scope"];

/// What the assignment of an application role shows.
const ASSIGNMENT: &[&str] =
    &["appRoleId", "principalDisplayName", "principalId", "principalType", "resourceDisplayName", "resourceId"];

/// Refuses a choice of a property that the type does not have.
pub(super) fn check_selected(collection: &str, names: &[&str]) -> OrRefusal<()> {
    let (kind, all) = match collection {
        "applications" => ("application", [APPLICATION, &READ_ONLY, &SHOWN].concat()),
        "servicePrincipals" => ("servicePrincipal", [PRINCIPAL, &READ_ONLY, &SHOWN].concat()),
        "oauth2PermissionGrants" => ("oAuth2PermissionGrant", [GRANT, &["id"]].concat()),
        "appRoleAssignments" => ("appRoleAssignment", [ASSIGNMENT, &READ_ONLY].concat()),
        one if one.ends_with("/federatedIdentityCredentials") => {
            ("federatedIdentityCredential", [FEDERATED, &["id"]].concat())
        }
        // Of the others, the documents that are shown are parts only.
        _ => return Ok(()),
    };
    let odd = names.iter().find(|name| **name != "*" && !all.iter().any(|known| known.eq_ignore_ascii_case(name)));
    odd.map_or(Ok(()), |name| {
        let text = format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.{kind}'."
        );
        Err(crate::base::refusal::Refusal::new(400, "BadRequest", text))
    })
}

/// Refuses a body with a property that the type does not have, or that nobody may write.
pub(super) fn check(body: &Map<String, Value>, kind: &str, known: &[&str]) -> OrRefusal<()> {
    for (name, value) in body.iter().filter(|(name, _)| !name.starts_with('@')) {
        if !known.contains(&name.as_str()) {
            if READ_ONLY.contains(&name.as_str()) {
                return Err(refusal::bad_request(format!("Property '{name}' is read-only and cannot be set.")));
            }
            return Err(unknown(name, kind));
        }
        if let Some((_, inner)) = NESTED.iter().find(|(outer, _)| outer == name) {
            check_nested(name, value, inner)?;
        }
    }
    if let Some(access) = body.get("requiredResourceAccess") {
        check_access(access)?;
    }
    check_tags(body)
}

fn check_nested(outer: &str, value: &Value, known: &[&str]) -> OrRefusal<()> {
    let Some(map) = value.as_object() else { return Err(invalid(outer)) };
    if let Some(name) = map.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(unknown(name, outer));
    }
    // Both say the same, and Graph does not take a part of one with the whole of the other.
    if map.contains_key("redirectUris") && map.contains_key("redirectUriSettings") {
        return Err(invalid("redirectUriSettings"));
    }
    let Some(uris) = map.get("redirectUris") else { return Ok(()) };
    let texts: Option<Vec<&str>> = uris.as_array().and_then(|list| list.iter().map(Value::as_str).collect());
    let Some(texts) = texts else { return Err(invalid("redirectUris")) };
    let plain = |uri: &&str| {
        let local = uri.starts_with("http://localhost") || uri.starts_with("http://127.0.0.1");
        uri.len() <= 256 && !uri.contains('#') && (uri.starts_with("https://") || local || outer == "publicClient")
    };
    let mut sorted = texts.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if texts.iter().all(plain) && sorted.len() == texts.len() { Ok(()) } else { Err(invalid("redirectUris")) }
}

fn check_access(access: &Value) -> OrRefusal<()> {
    let is_id = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|id| Uuid::parse_str(id).is_ok());
    let has_only = |value: &Value, names: &[&str]| {
        value
            .as_object()
            .is_some_and(|map| map.len() == names.len() && names.iter().all(|name| map.contains_key(*name)))
    };
    let one = |access: &Value| {
        let kind = access.get("type").and_then(Value::as_str);
        has_only(access, &["id", "type"]) && is_id(access.get("id")) && matches!(kind, Some("Scope" | "Role"))
    };
    let resource = |required: &Value| {
        let list = required.get("resourceAccess").and_then(Value::as_array);
        has_only(required, &["resourceAppId", "resourceAccess"])
            && is_id(required.get("resourceAppId"))
            && list.is_some_and(|list| !list.is_empty() && list.iter().all(one))
    };
    let resources = access.as_array().ok_or_else(|| invalid("requiredResourceAccess"))?;
    let mut named: Vec<&str> = resources.iter().filter_map(|one| one.get("resourceAppId")?.as_str()).collect();
    named.sort_unstable();
    named.dedup();
    let sound = resources.iter().all(resource) && named.len() == resources.len();
    if sound { Ok(()) } else { Err(invalid("requiredResourceAccess")) }
}

fn check_tags(body: &Map<String, Value>) -> OrRefusal<()> {
    let Some(tags) = body.get("tags") else { return Ok(()) };
    let short = |tag: &Value| tag.as_str().is_some_and(|tag| !tag.is_empty() && tag.len() <= 256);
    if tags.as_array().is_some_and(|tags| tags.iter().all(short)) { Ok(()) } else { Err(invalid("tags")) }
}

fn unknown(name: &str, kind: &str) -> Box<crate::base::refusal::Refusal> {
    refusal::bad_request(format!("The property '{name}' does not exist on type 'microsoft.graph.{kind}'."))
}

fn invalid(name: &str) -> Box<crate::base::refusal::Refusal> {
    refusal::bad_request(format!("Invalid value specified for property '{name}' of resource 'Application'."))
}

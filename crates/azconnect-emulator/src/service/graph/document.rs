//! Directory objects as Graph shows them.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::directory::{Application, Federated, Password, ServicePrincipal, Tenant, User};
use crate::model::replica::Replica;

/// A moment as Graph writes it.
pub(super) fn moment(moment: OffsetDateTime) -> String {
    // A moment at the edge of the calendar may have no counterpart in UTC.
    moment.checked_to_offset(time::UtcOffset::UTC).unwrap_or(moment).format(&Rfc3339).unwrap_or_default()
}

/// A secret without its text.
pub(super) fn password(password: &Password, shows_hints: bool) -> Value {
    let mut shown = json!({
        "customKeyIdentifier": null,
        "displayName": password.display_name,
        "endDateTime": moment(password.ends),
        "hint": password.hint(),
        "keyId": password.key_id.to_string(),
        "secretText": null,
        "startDateTime": moment(password.starts),
    });
    if let (false, Some(map)) = (shows_hints, shown.as_object_mut()) {
        map.shift_remove("hint");
    }
    shown
}

/// The secrets that one replica lists.
fn passwords(all: &[Password], replica: &Replica<'_>) -> Value {
    let shows_hints = replica.settings().graph.shows_hints;
    all.iter().filter(|one| one.is_known_to(replica)).map(|one| password(one, shows_hints)).collect()
}

/// An application, with the secrets that a replica lists.
pub(super) fn application(application: &Application, tenant: &Tenant, replica: &Replica<'_>) -> Map<String, Value> {
    let document = json!({
        "id": application.object_id.to_string(),
        "deletedDateTime": null,
        "appId": application.client_id.to_string(),
        "applicationTemplateId": null,
        "disabledByMicrosoftStatus": null,
        "createdDateTime": moment(application.created.wall),
        "displayName": application.display_name,
        "description": null,
        "groupMembershipClaims": null,
        "identifierUris": [],
        "isDeviceOnlyAuthSupported": null,
        "isFallbackPublicClient": null,
        "notes": null,
        "publisherDomain": tenant.domain,
        "serviceManagementReference": null,
        "signInAudience": application.sign_in_audience,
        "tags": [],
        "tokenEncryptionKeyId": null,
        "samlMetadataUrl": null,
        "defaultRedirectUri": null,
        "certification": null,
        "optionalClaims": null,
        "servicePrincipalLockConfiguration": null,
        "requestSignatureVerification": null,
        "addIns": [],
        "api": {
            "acceptMappedClaims": null,
            "knownClientApplications": [],
            "requestedAccessTokenVersion": null,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
        },
        "appRoles": [],
        "info": {
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null, "termsOfServiceUrl": null,
        },
        "keyCredentials": super::certificates::listed(&application.certificates, replica),
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "passwordCredentials": passwords(&application.passwords, replica),
        "publicClient": {"redirectUris": []},
        "requiredResourceAccess": [],
        "verifiedPublisher": {"displayName": null, "verifiedPublisherId": null, "addedDateTime": null},
        "web": {
            "homePageUrl": null,
            "logoutUrl": null,
            "redirectUris": [],
            "implicitGrantSettings": {"enableAccessTokenIssuance": false, "enableIdTokenIssuance": false},
            "redirectUriSettings": [],
        },
        "spa": {"redirectUris": []},
    });
    overlaid(document, &application.document)
}

/// A service principal, with the secrets that a replica lists.
pub(super) fn principal(
    principal: &ServicePrincipal,
    owner: Option<&Tenant>,
    replica: &Replica<'_>,
) -> Map<String, Value> {
    let document = json!({
        "id": principal.object_id.to_string(),
        "deletedDateTime": null,
        "accountEnabled": principal.enabled,
        "alternativeNames": [],
        "appDisplayName": principal.display_name,
        "appDescription": null,
        "appId": principal.client_id.to_string(),
        "applicationTemplateId": null,
        "appOwnerOrganizationId": owner.map(|tenant| tenant.id.to_string()),
        "appRoleAssignmentRequired": false,
        "createdDateTime": moment(principal.created.wall),
        "description": null,
        "disabledByMicrosoftStatus": null,
        "displayName": principal.display_name,
        "homepage": null,
        "loginUrl": null,
        "logoutUrl": null,
        "notes": null,
        "notificationEmailAddresses": [],
        "preferredSingleSignOnMode": null,
        "preferredTokenSigningKeyThumbprint": null,
        "replyUrls": [],
        "servicePrincipalNames": [principal.client_id.to_string()],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "tokenEncryptionKeyId": null,
        "samlSingleSignOnSettings": null,
        "addIns": [],
        "appRoles": [],
        "info": {
            "logoUrl": null, "marketingUrl": null, "privacyStatementUrl": null, "supportUrl": null, "termsOfServiceUrl": null,
        },
        "keyCredentials": super::certificates::listed(&principal.certificates, replica),
        "oauth2PermissionScopes": [],
        "passwordCredentials": passwords(&principal.passwords, replica),
        "resourceSpecificApplicationPermissions": [],
        "verifiedPublisher": {"displayName": null, "verifiedPublisherId": null, "addedDateTime": null},
    });
    overlaid(document, &principal.document)
}

/// A person, as an object of the directory.
pub(super) fn user(user: &User) -> Map<String, Value> {
    let document = json!({
        "id": user.object_id.to_string(),
        "businessPhones": [],
        "displayName": user.display_name,
        "givenName": null,
        "jobTitle": null,
        "mail": user.mail,
        "mobilePhone": null,
        "officeLocation": null,
        "preferredLanguage": null,
        "surname": null,
        "userPrincipalName": user.principal_name,
    });
    overlaid(document, &Map::new())
}

/// An object that has nothing beyond what is said here.
pub(super) fn plain(document: Value) -> Map<String, Value> {
    overlaid(document, &Map::new())
}

/// A federated identity credential, with what Graph adds to it.
pub(super) fn federated(credential: &Federated) -> Map<String, Value> {
    let document = json!({
        "id": credential.id.to_string(),
        "name": null,
        "issuer": null,
        "subject": null,
        "description": null,
        "audiences": ["api://AzureADTokenExchange"],
    });
    overlaid(document, &credential.document)
}

fn overlaid(document: Value, own: &Map<String, Value>) -> Map<String, Value> {
    let Value::Object(mut map) = document else { return own.clone() };
    map.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
    map
}

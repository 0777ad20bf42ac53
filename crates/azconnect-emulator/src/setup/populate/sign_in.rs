//! Makes of a seed what the sign-in of people reads: registrations as Graph shows them, and consents.

use azconnect_core::Error;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::dice::{Dice, named_guid};
use crate::model::consent::{self, Grant};
use crate::model::directory::{Birth, Tenant};
use crate::setup::seed::sign_in::{ConsentSeed, PermissionSeed, SignInSeed};

/// The fields of an application's document that a seed sets.
///
/// # Errors
/// If a permission has a name that its resource does not know.
pub(super) fn document(client_id: Uuid, seed: &SignInSeed) -> Result<Map<String, Value>, Error> {
    let mut document = Map::new();
    if !seed.web.is_empty() || seed.issues_id_tokens {
        let implicit = json!({"enableAccessTokenIssuance": false, "enableIdTokenIssuance": seed.issues_id_tokens});
        let web = json!({"homePageUrl": null, "logoutUrl": null, "redirectUris": seed.web,
            "implicitGrantSettings": implicit, "redirectUriSettings": []});
        document.insert("web".to_owned(), web);
    }
    if !seed.spa.is_empty() {
        document.insert("spa".to_owned(), json!({"redirectUris": seed.spa}));
    }
    if !seed.native.is_empty() {
        document.insert("publicClient".to_owned(), json!({"redirectUris": seed.native}));
    }
    if seed.is_public {
        document.insert("isFallbackPublicClient".to_owned(), json!(true));
    }
    if !seed.permissions.is_empty() {
        let required: Vec<Value> = seed.permissions.iter().map(required).collect::<Result<_, _>>()?;
        document.insert("requiredResourceAccess".to_owned(), json!(required));
    }
    if !seed.exposes.is_empty() {
        let scopes: Vec<Value> = seed
            .exposes
            .iter()
            .map(|scope| {
                json!({"id": named_guid(&format!("{client_id}/scope/{}", scope.name)).to_string(), "value": scope.name,
                    "type": if scope.for_administrators { "Admin" } else { "User" }, "isEnabled": true,
                    "adminConsentDisplayName": scope.name, "adminConsentDescription": scope.name,
                    "userConsentDisplayName": null, "userConsentDescription": null})
            })
            .collect();
        document.insert("identifierUris".to_owned(), json!([format!("api://{client_id}")]));
        document.insert(
            "api".to_owned(),
            json!({"acceptMappedClaims": null, "knownClientApplications": [],
            "requestedAccessTokenVersion": null, "oauth2PermissionScopes": scopes, "preAuthorizedApplications": []}),
        );
    }
    Ok(document)
}

fn required(seed: &PermissionSeed) -> Result<Value, Error> {
    let unknown = |name: &str| {
        Error::invalid(
            &seed.path,
            format!("{} names the permission {name}, which its resource does not have", seed.path),
        )
        .with_advice("see oauth2PermissionScopes and appRoles of the resource's service principal at Graph")
    };
    let scopes = seed.scopes.iter().map(|name| {
        // What another application of the seed has for others follows from its client id.
        let own =
            || (!consent::is_known(seed.resource)).then(|| named_guid(&format!("{}/scope/{name}", seed.resource)));
        let known = consent::delegated(seed.resource).find(|one| one.value == *name).map(|one| one.id);
        Ok(json!({"id": known.or_else(own).ok_or_else(|| unknown(name))?.to_string(), "type": "Scope"}))
    });
    let roles = seed.roles.iter().map(|name| {
        let id = consent::role_of(seed.resource, name).ok_or_else(|| unknown(name))?;
        Ok(json!({"id": id.to_string(), "type": "Role"}))
    });
    let access = scopes.chain(roles).collect::<Result<Vec<Value>, Error>>()?;
    Ok(json!({"resourceAppId": seed.resource.to_string(), "resourceAccess": access}))
}

/// Enters what was consented to before the start.
///
/// # Errors
/// If the client, the resource or the person is not in the tenant.
pub(super) fn consent(
    dice: &mut Dice,
    tenant: &mut Tenant,
    seeds: &[ConsentSeed],
    now: OffsetDateTime,
) -> Result<(), Error> {
    for seed in seeds {
        let missing = |what: &str| {
            Error::invalid(&seed.path, format!("{} names a {what} that is not in the tenant", seed.path))
                .with_advice("add it to the tenant, or correct the name")
        };
        let client = tenant.any_principal_of(seed.client).ok_or_else(|| missing("client"))?.object_id;
        let resource = tenant.any_principal_of(seed.resource).ok_or_else(|| missing("resource"))?.object_id;
        let find = |name: &String| {
            let found = tenant.users.iter().find(|user| user.principal_name.eq_ignore_ascii_case(name));
            found.map(|user| user.object_id).ok_or_else(|| missing("person"))
        };
        let person = seed.user.as_ref().map(find).transpose()?;
        let created = Birth { wall: now, elapsed: None };
        let grant = Grant { id: dice.guid(), client, person, resource, scope: seed.scope.clone(), created };
        tenant.consents.grants.push(grant);
    }
    Ok(())
}

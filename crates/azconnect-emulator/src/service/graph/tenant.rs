//! What a tenant is beside its applications: its organization, domains, people and groups. All of it is only read here.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::applications::tenant;
use super::{Context, document, query, refusal};
use crate::base::answer::{Answer, empty};
use crate::base::refusal::OrRefusal;
use crate::model::directory::Tenant;
use crate::model::token::Identity;
use crate::model::world::World;

/// What reads anything of a tenant.
const DIRECTORY: [&str; 2] = ["Directory.Read.All", "Directory.ReadWrite.All"];

/// The one organization of a tenant.
pub(super) fn organizations(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may(&[&DIRECTORY[..], &["Organization.Read.All", "Organization.ReadWrite.All"]].concat())?;
    query::page(cx, "organization", vec![organization(tenant(cx, world)?)], world.settings.page_size, &["id"])
}

pub(super) fn organization_by_id(cx: &Context<'_>, world: &World, id: &str) -> OrRefusal<Answer> {
    cx.may(&[&DIRECTORY[..], &["Organization.Read.All", "Organization.ReadWrite.All"]].concat())?;
    let tenant = tenant(cx, world)?;
    if Uuid::parse_str(id) != Ok(tenant.id) {
        return Err(refusal::not_found(id));
    }
    query::entity(cx, "organization", organization(tenant))
}

fn organization(tenant: &Tenant) -> Map<String, Value> {
    document::plain(json!({
        "id": tenant.id.to_string(),
        "deletedDateTime": null,
        "businessPhones": [],
        "city": null,
        "country": null,
        "countryLetterCode": "DE",
        "createdDateTime": "2015-01-01T00:00:00Z",
        "displayName": tenant.display_name,
        "marketingNotificationEmails": [],
        "onPremisesSyncEnabled": null,
        "postalCode": null,
        "preferredLanguage": "en",
        "state": null,
        "street": null,
        "technicalNotificationMails": [],
        "tenantType": "AAD",
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": [{
            "capabilities": "Email, OfficeCommunicationsOnline",
            "isDefault": true,
            "isInitial": true,
            "name": tenant.domain,
            "type": "Managed",
        }],
    }))
}

/// The one domain of a tenant.
pub(super) fn domains(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may(&[&DIRECTORY[..], &["Domain.Read.All", "Domain.ReadWrite.All"]].concat())?;
    query::page(cx, "domains", vec![domain(tenant(cx, world)?)], world.settings.page_size, &["id"])
}

pub(super) fn domain_by_name(cx: &Context<'_>, world: &World, name: &str) -> OrRefusal<Answer> {
    cx.may(&[&DIRECTORY[..], &["Domain.Read.All", "Domain.ReadWrite.All"]].concat())?;
    let tenant = tenant(cx, world)?;
    if !tenant.domain.eq_ignore_ascii_case(name) {
        return Err(refusal::not_found(name));
    }
    query::entity(cx, "domains", domain(tenant))
}

fn domain(tenant: &Tenant) -> Map<String, Value> {
    document::plain(json!({
        "authenticationType": "Managed",
        "availabilityStatus": null,
        "id": tenant.domain,
        "isAdminManaged": true,
        "isDefault": true,
        "isInitial": true,
        "isRoot": true,
        "isVerified": true,
        "supportedServices": ["Email", "OfficeCommunicationsOnline"],
        "passwordValidityPeriodInDays": null,
        "passwordNotificationWindowInDays": null,
        "state": null,
    }))
}

const PEOPLE: [&str; 3] = ["User.Read.All", "User.ReadWrite.All", "User.ReadBasic.All"];

pub(super) fn users(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may(&[&DIRECTORY[..], &PEOPLE[..]].concat())?;
    let users = tenant(cx, world)?.users.iter().map(document::user).collect();
    let filterable = ["id", "displayName", "userPrincipalName", "mail"];
    query::page(cx, "users", users, world.settings.page_size, &filterable)
}

/// A person, whom a path names by object id or by user principal name.
pub(super) fn user(cx: &Context<'_>, world: &World, key: &str) -> OrRefusal<Answer> {
    cx.may(&[&DIRECTORY[..], &PEOPLE[..]].concat())?;
    let id = Uuid::parse_str(key).ok();
    let mut users = tenant(cx, world)?.users.iter();
    let found = users.find(|user| Some(user.object_id) == id || user.principal_name.eq_ignore_ascii_case(key));
    query::entity(cx, "users", document::user(found.ok_or_else(|| refusal::not_found(key))?))
}

/// The person who asks. An application is nobody in this sense.
pub(super) fn me(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    let Identity::User(id) = cx.caller.identity else {
        return Err(refusal::bad_request("/me request is only valid with delegated authentication flow."));
    };
    cx.may_read_oneself()?;
    let user = tenant(cx, world)?.users.iter().find(|user| user.object_id == id);
    query::entity(cx, "users", document::user(user.ok_or_else(|| refusal::not_found(&id.to_string()))?))
}

/// Ends every sign-in of a person. A guest's sign-ins are its home tenant's, and go on.
///
/// By *user: revokeSignInSessions*, which promises 204. People may not call it here: what they may do at Graph is not emulated.
pub(super) fn revoke_sign_ins(cx: &Context<'_>, world: &mut World, key: &str) -> OrRefusal<Answer> {
    cx.may(&["User.RevokeSessions.All"])?;
    let id = Uuid::parse_str(key).ok();
    let tenant = world.directory.tenant_mut(cx.caller.tenant).ok_or_else(refusal::denied)?;
    let mut users = tenant.users.iter_mut();
    let found = users.find(|user| Some(user.object_id) == id || user.principal_name.eq_ignore_ascii_case(key));
    let user = found.ok_or_else(|| refusal::not_found(key))?;
    user.epochs.sign_ins = user.epochs.sign_ins.saturating_add(1);
    Ok(empty(204))
}

const GROUPS: [&str; 3] = ["Group.Read.All", "Group.ReadWrite.All", "GroupMember.Read.All"];

/// A tenant has no groups here.
pub(super) fn groups(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may(&[&DIRECTORY[..], &GROUPS[..]].concat())?;
    query::page(cx, "groups", Vec::new(), world.settings.page_size, &["id", "displayName", "mail", "securityEnabled"])
}

pub(super) fn group(cx: &Context<'_>, key: &str) -> OrRefusal<Answer> {
    cx.may(&[&DIRECTORY[..], &GROUPS[..]].concat())?;
    Err(refusal::not_found(key))
}

/// Policies of single applications: there are none beside the tenant's own.
pub(super) fn policies(cx: &Context<'_>, world: &World) -> OrRefusal<Answer> {
    cx.may_read_policies()?;
    query::page(cx, "policies/appManagementPolicies", Vec::new(), world.settings.page_size, &["id", "displayName"])
}

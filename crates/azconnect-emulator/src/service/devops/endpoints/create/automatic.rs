//! What Azure DevOps itself does in Entra ID when a service connection is created.

use azconnect_core::Secret;
use serde_json::{Map, Value, json};
use time::Duration;
use uuid::Uuid;

use super::{new_federation, set_parameters, set_secret};
use crate::base::dice::Dice;
use crate::model::devops::Connection;
use crate::model::devops::confidential::mark_secret;
use crate::model::directory::{Application, Birth, Federated, Password, ServicePrincipal};
use crate::model::token::Identity;
use crate::model::world::World;
use crate::service::devops::Context;

/// Completes a connection to Azure or to one of its registries: names issuer and subject for workload identity federation, and, if its creation
/// mode is automatic, makes the application it needs.
pub(super) fn prepare(cx: &Context<'_>, world: &mut World, connection: &mut Connection, tenant: Option<Uuid>) {
    let scheme = connection.scheme().unwrap_or_default().to_ascii_lowercase();
    let federated = scheme == "workloadidentityfederation";
    // A registry's service principal names no mode: it is made where its id is left empty.
    let automatic = connection.data("creationMode").is_some_and(|mode| mode.eq_ignore_ascii_case("Automatic"))
        || (connection.data("registrytype").is_some() && connection.parameter("serviceprincipalid") == Some(""));
    let named = connection.parameter("tenantid").and_then(|id| Uuid::parse_str(id).ok());
    if federated && let (Some(tenant), Ok(organization)) = (named.or(tenant), cx.organization(world)) {
        let (issuer, subject) = new_federation(&world.settings, organization, tenant, connection);
        let pairs =
            [("workloadIdentityFederationIssuer", issuer.as_str()), ("workloadIdentityFederationSubject", &subject)];
        set_parameters(&mut connection.document, &pairs);
    }
    if !automatic || !(federated || scheme == "serviceprincipal") {
        return;
    }
    // Under the hood the service acts with the caller's own token, which only a person has.
    if matches!(cx.caller.member.identity, Identity::ServicePrincipal(_)) {
        connection.failure = Some(
            "Failed to create an app in Microsoft Entra. Error: Insufficient privileges to complete the operation. \
             Ensure that the user has permissions to create a Microsoft Entra Application."
                .to_owned(),
        );
        return;
    }
    match named.or(tenant).filter(|id| world.directory.tenant_by_id(*id).is_some()) {
        Some(tenant) => make_application(cx, world, connection, (tenant, federated)),
        None => {
            connection.failure = Some("Failed to obtain an access token for the tenant of the subscription.".to_owned())
        }
    }
}

fn make_application(
    cx: &Context<'_>,
    world: &mut World,
    connection: &mut Connection,
    (tenant, federated): (Uuid, bool),
) {
    let subscription = connection.data("subscriptionId").and_then(|id| Uuid::parse_str(id).ok());
    let project = cx.organization(world).ok().and_then(|organization| {
        organization.project_by_id(connection.owner_project).map(|project| project.name.clone())
    });
    let scope = subscription.map(|id| id.to_string()).unwrap_or_default();
    let display_name = format!("{}-{}-{scope}", cx.organization, project.unwrap_or_default());
    let born = Birth { wall: cx.now.wall, elapsed: Some(cx.now.elapsed) };
    let (object_id, client_id, principal_id) = (world.dice.guid(), world.dice.guid(), world.dice.guid());
    let mut application = Application {
        object_id,
        client_id,
        display_name: display_name.clone(),
        sign_in_audience: "AzureADMyOrg".to_owned(),
        passwords: Vec::new(),
        federated: Vec::new(),
        certificates: Vec::new(),
        removed_federated: Vec::new(),
        owners: vec![cx.caller.member.identity.object_id()],
        created: born,
        document: Map::new(),
    };
    if federated {
        application.federated.push(credential(connection, world.dice.guid(), born));
    } else {
        application.passwords.push(key(connection, &mut world.dice, born));
    }
    let principal = ServicePrincipal {
        object_id: principal_id,
        client_id,
        display_name,
        enabled: true,
        hidden: None,
        passwords: Vec::new(),
        certificates: Vec::new(),
        owners: vec![cx.caller.member.identity.object_id()],
        graph_roles: Vec::new(),
        created: born,
        document: Map::new(),
    };
    if let Some(tenant) = world.directory.tenant_mut(tenant) {
        tenant.applications.push(application);
        tenant.principals.push(principal);
    }
    set_parameters(&mut connection.document, &[("serviceprincipalid", &client_id.to_string())]);
    if let Some(data) = connection.document.get_mut("data").and_then(Value::as_object_mut) {
        data.insert("appObjectId".to_owned(), json!(object_id.to_string()));
        data.insert("spnObjectId".to_owned(), json!(principal_id.to_string()));
        // What Azure DevOps creates for itself may act in the whole subscription.
        let assignment = world.dice.guid();
        data.insert("azureSpnRoleAssignmentId".to_owned(), json!(assignment.to_string()));
        if let Some(scope) = subscription.map(|id| format!("/subscriptions/{id}")) {
            world.arm.roles.give("Contributor", (principal_id, &scope), Some(assignment), cx.now);
        }
    }
}

/// A key of the application, which the connection holds as well.
fn key(connection: &mut Connection, dice: &mut Dice, born: Birth) -> Password {
    let text = dice.client_secret();
    set_secret(connection, "serviceprincipalkey", Secret::new(text.clone()));
    mark_secret(&mut connection.document, "serviceprincipalkey");
    Password {
        key_id: dice.guid(),
        display_name: None,
        starts: born.wall,
        ends: born.wall.saturating_add(Duration::days(90)),
        text: Secret::new(text),
        added: born.elapsed,
        removed: None,
    }
}

/// The federated credential by which Entra ID recognizes a service connection.
fn credential(connection: &Connection, id: Uuid, created: Birth) -> Federated {
    let document = json!({
        "name": connection.id.to_string(),
        "issuer": connection.parameter("workloadIdentityFederationIssuer"),
        "subject": connection.parameter("workloadIdentityFederationSubject"),
        "description": "Federation for a service connection of Azure DevOps",
        "audiences": ["api://AzureADTokenExchange"],
    });
    Federated { id, document: document.as_object().cloned().unwrap_or_default(), created }
}

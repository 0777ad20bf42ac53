//! Converting a service connection to workload identity federation, and back.

use serde_json::{Map, Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::create::{federation, new_federation, set_parameters};
use super::document::{Masking, check, check_identity, read_references, show};
use super::existing;
use crate::base::answer::{Answer, json_answer};
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::devops::DevOpsOutcome;
use crate::model::devops::permissions::{ADMINISTER, collection_token};
use crate::model::devops::{Background, Connection, Conversion, Organization};
use crate::model::directory::{Birth, Federated};
use crate::model::world::World;
use crate::service::devops::types::Inputs;
use crate::service::devops::{Context, refusal};

/// How long a conversion can be taken back.
const WINDOW: Duration = Duration::days(7);

/// `PUT …?operation=ConvertAuthenticationScheme`, with the whole document and the scheme that is wanted.
pub(super) fn convert(
    cx: &Context<'_>,
    world: &mut World,
    id: Uuid,
    document: &Map<String, Value>,
) -> OrRefusal<Answer> {
    let organization = cx.organization(world)?;
    let connection = existing(cx, organization, id)?;
    if !organization.allows(cx.caller.id(), ADMINISTER, &collection_token(id)) {
        return Err(refusal::denied(&cx.caller.member.display_name, "Administer"));
    }
    if connection.background.is_some() {
        return Err(refusal::argument("Another operation on the service connection is in progress."));
    }
    let wanted =
        document.get("authorization").and_then(|a| a.get("scheme")).and_then(Value::as_str).unwrap_or_default();
    let present = connection.scheme().unwrap_or_default();
    check_whole(cx, world, connection, document)?;
    let is = |scheme: &str, name: &str| scheme.eq_ignore_ascii_case(name);
    let azure = connection.text("type").is_some_and(|kind| is(kind, "azurerm"));
    if azure && is(present, "ServicePrincipal") && is(wanted, "WorkloadIdentityFederation") {
        let left = document.get("data").and_then(|data| data.get("revertSchemeDeadline"));
        if left.is_some_and(|deadline| !deadline.is_null()) {
            return Err(refusal::argument(
                "The property data.revertSchemeDeadline must not be set for this operation.",
            ));
        }
        upgrade(cx, world, id)?;
    } else if azure && is(present, "WorkloadIdentityFederation") && is(wanted, "ServicePrincipal") {
        downgrade(cx, world, id)?;
    } else if azure
        && is_retiring(connection)
        && is(wanted, present)
        && world.settings.plays(DevOpsOutcome::ConversionMovesIssuer)
    {
        move_issuer(cx, world, id)?;
    } else {
        let kind = connection.text("type").unwrap_or_default();
        return Err(refusal::argument(format!(
            "Converting endpoint type {kind} scheme from {present} to {wanted} is neither an upgrade or a downgrade \
             and is not supported."
        )));
    }
    let organization = cx.organization(world)?;
    let connection = existing(cx, organization, id)?;
    let project = cx.project.and_then(|key| organization.project(key)).map(|project| project.id);
    Ok(json_answer(200, &show(cx, world, connection, (project, Masking::Null))?))
}

/// Refuses a document that is not that of the connection, but for the scheme that is wanted.
fn check_whole(
    cx: &Context<'_>,
    world: &World,
    connection: &Connection,
    document: &Map<String, Value>,
) -> OrRefusal<()> {
    let mut present = document.clone();
    if let Some(authorization) = present.get_mut("authorization").and_then(Value::as_object_mut) {
        // An empty one stays so, and is refused as in any other document.
        let named = authorization.get("scheme").and_then(Value::as_str).is_some_and(|scheme| !scheme.is_empty());
        if let Some(scheme) = connection.scheme().filter(|_| named) {
            authorization.insert("scheme".to_owned(), json!(scheme));
        }
    }
    check_identity(connection, &present)?;
    check(&present)?;
    read_references(cx, world, &present)?;
    let ignores_extra = world.settings.plays(DevOpsOutcome::ExtraInputsIgnored);
    Inputs { stored: Some(&connection.document), ignores_extra }.check(&mut present)
}

/// Whether a connection's tokens come from the issuer that retires.
fn is_retiring(connection: &Connection) -> bool {
    let issuer = connection.parameter("workloadIdentityFederationIssuer").unwrap_or_default();
    issuer.starts_with("https://vstoken.dev.azure.com/")
}

/// The current issuer in place of the one that retires. Whether the application trusts it is nobody's concern here.
fn move_issuer(cx: &Context<'_>, world: &mut World, id: Uuid) -> OrRefusal<()> {
    let organization = cx.organization(world)?;
    let connection = existing(cx, organization, id)?;
    let tenant = connection.parameter("tenantid").and_then(|id| Uuid::parse_str(id).ok());
    let tenant = tenant.ok_or_else(|| refusal::argument("The service connection names no tenant."))?;
    let (issuer, subject) = federation(&world.settings, organization, tenant, id);
    change(cx, world, id, move |connection, _| {
        let pairs = [
            ("workloadIdentityFederationIssuer", issuer.as_str()),
            ("workloadIdentityFederationSubject", subject.as_str()),
        ];
        set_parameters(&mut connection.document, &pairs);
    })
}

/// What a conversion will write.
struct Plan {
    client: Uuid,
    issuer: String,
    subject: String,
    automatic: bool,
}

fn upgrade(cx: &Context<'_>, world: &mut World, id: Uuid) -> OrRefusal<()> {
    let organization = cx.organization(world)?;
    let plan = plan(cx, world, organization, existing(cx, organization, id)?)?;
    // An application that Azure DevOps made, it may change as well. Any other must trust the connection beforehand.
    if plan.automatic {
        let credential = json!({
            "name": id.to_string(),
            "issuer": plan.issuer,
            "subject": plan.subject,
            "audiences": ["api://AzureADTokenExchange"],
        });
        let born = Birth { wall: cx.now.wall, elapsed: Some(cx.now.elapsed) };
        let credential = Federated {
            id: world.dice.guid(),
            document: credential.as_object().cloned().unwrap_or_default(),
            created: born,
        };
        let applications = world.directory.tenants.iter_mut().flat_map(|tenant| &mut tenant.applications);
        for application in applications.filter(|application| application.client_id == plan.client).take(1) {
            application.federated.retain(|known| known.document.get("subject") != credential.document.get("subject"));
            application.federated.push(Federated { document: credential.document.clone(), ..credential });
        }
    }
    let end = cx.now.wall.saturating_add(WINDOW);
    change(cx, world, id, move |connection, deadline| {
        let before = connection.document.get("authorization").and_then(Value::as_object).cloned().unwrap_or_default();
        connection.converted = Some(Conversion {
            authorization: before,
            // Kept, since a conversion can be taken back for a week.
            secrets: std::mem::take(&mut connection.secrets),
            deadline: end,
        });
        let tenant = connection.parameter("tenantid").unwrap_or_default().to_owned();
        let authorization = json!({
            "parameters": {
                "tenantid": tenant,
                "serviceprincipalid": plan.client.to_string(),
                "workloadIdentityFederationIssuer": plan.issuer,
                "workloadIdentityFederationSubject": plan.subject,
            },
            "scheme": "WorkloadIdentityFederation",
        });
        connection.document.insert("authorization".to_owned(), authorization);
        if let Some(data) = connection.document.get_mut("data").and_then(Value::as_object_mut) {
            data.insert("revertSchemeDeadline".to_owned(), json!(deadline));
        }
    })
}

/// Whether a connection can be converted, by the rules of the documentation and of the service itself.
fn plan(cx: &Context<'_>, world: &World, organization: &Organization, connection: &Connection) -> OrRefusal<Plan> {
    let refused = |text: &str| Refusal::new(400, "ServiceEndpointException", text);
    let automatic = connection.data("creationMode").is_some_and(|mode| mode.eq_ignore_ascii_case("Automatic"));
    let environment = connection.data("environment").unwrap_or("AzureCloud");
    if environment.eq_ignore_ascii_case("AzureStack") {
        return Err(refused("Workload identity federation is not supported for Azure Stack."));
    }
    if automatic && environment.eq_ignore_ascii_case("AzureUSGovernment") {
        return Err(refused("Workload identity federation is not supported for this environment."));
    }
    let here = cx.project.and_then(|key| organization.project(key)).map(|project| project.id);
    if connection.references.len() > 1 && here.is_some_and(|here| here != connection.owner_project) {
        return Err(refused("A shared service connection can only be converted in the project that owns it."));
    }
    let tenant = connection.parameter("tenantid").and_then(|id| Uuid::parse_str(id).ok());
    let tenant = tenant.ok_or_else(|| refused("The service connection names no tenant."))?;
    // To change the application, the service signs in to the organization's own tenant only.
    if automatic && organization.tenant != Some(tenant) {
        let text = "Failed to obtain an access token for the tenant of the service connection without interaction.";
        return Err(Refusal::new(400, "AadAccessSilentException", text));
    }
    let client = connection.parameter("serviceprincipalid").and_then(|id| Uuid::parse_str(id).ok());
    let client = client.ok_or_else(|| refused("The service connection names no service principal."))?;
    let (issuer, subject) = new_federation(&world.settings, organization, tenant, connection);
    let trusted = world.directory.application(client).is_some_and(|(_, application)| {
        application.federated.iter().any(|known| {
            let is = |field: &str, value: &str| known.document.get(field).and_then(Value::as_str) == Some(value);
            is("issuer", &issuer) && is("subject", &subject)
        })
    });
    if !automatic && !trusted {
        let text = format!(
            "The service connection was not created automatically, and its application has no federated credential \
             with issuer '{issuer}' and subject '{subject}'."
        );
        return Err(refused(&text));
    }
    Ok(Plan { client, issuer, subject, automatic })
}

fn downgrade(cx: &Context<'_>, world: &mut World, id: Uuid) -> OrRefusal<()> {
    let organization = cx.organization(world)?;
    let connection = existing(cx, organization, id)?;
    let refused = |text: &str| Refusal::new(400, "ServiceEndpointException", text);
    let converted = connection.converted.as_ref();
    let converted =
        converted.ok_or_else(|| refused("The service connection was not converted, and cannot be reverted."))?;
    if converted.deadline <= cx.now.wall {
        return Err(refused(
            "The time to revert the service connection to its original authentication scheme is over.",
        ));
    }
    change(cx, world, id, |connection, _| {
        let Some(before) = connection.converted.take() else { return };
        connection.document.insert("authorization".to_owned(), Value::Object(before.authorization));
        connection.secrets = before.secrets;
        if let Some(data) = connection.document.get_mut("data").and_then(Value::as_object_mut) {
            data.shift_remove("revertSchemeDeadline");
        }
    })
}

/// Changes the connection, which is then busy for a while. The text is the deadline of a conversion made now.
fn change(
    cx: &Context<'_>,
    world: &mut World,
    id: Uuid,
    change: impl FnOnce(&mut Connection, String) + Send + Sync + 'static,
) -> OrRefusal<()> {
    let now = cx.now;
    let (lag, later) = (world.settings.connection_lag, world.settings.conversion_lag);
    let failure = world.settings.background_failure.clone();
    let caller = cx.caller.id();
    let organization = cx.organization_mut(world)?;
    let connection = organization.connection_mut(id, now.elapsed).ok_or_else(|| refusal::endpoint(&id.to_string()))?;
    let deadline = now.wall.saturating_add(WINDOW).format(&Rfc3339).unwrap_or_default();
    let finish = move |connection: &mut Connection| {
        if let Some(text) = failure {
            connection.failure = Some(text.into());
            return;
        }
        change(connection, deadline);
        connection.ready_at = (!lag.is_zero()).then(|| now.elapsed_after(lag));
        connection.modified = now.wall;
        connection.modified_by = Some(caller);
    };
    let ends = now.elapsed_after(later);
    connection.failure = None;
    connection.background =
        Some(Background { ends, message: "Converting the service connection.", finish: Box::new(finish) });
    connection.settle(now.elapsed);
    Ok(())
}

//! The refusals of Azure DevOps, and the four shapes of bad authentication.

use http::header::CONTENT_TYPE;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use uuid::Uuid;

use crate::base::answer::{Answer, WithHeader, empty, json_answer, typed};
use crate::base::call::Call;
use crate::base::refusal::{ErrorShape, Refusal};
use crate::base::settings::devops::DevOpsOutcome;
use crate::base::settings::{BadAuthentication, Settings};
use crate::model::world::World;

pub(super) fn argument(message: impl Into<String>) -> Box<Refusal> {
    Refusal::new(400, "ArgumentException", message)
}

/// What the service answers where it fails on a body that it did not expect.
pub(super) fn internal() -> Box<Refusal> {
    let text = "TF400898: An Internal Error Occurred. Activity Id: 00000000-0000-0000-0000-000000000000.";
    Refusal::new(500, "VssServiceException", text)
}

/// A page for people, where a client expects JSON.
pub(super) fn page(status: u16, message: impl Into<String>) -> Box<Refusal> {
    let mut refusal = Refusal::new(status, "", message);
    refusal.shape = ErrorShape::Html;
    refusal
}

pub(super) fn organization(name: &str) -> Box<Refusal> {
    page(404, format!("The organization {name} does not exist, or has been moved."))
}

pub(super) fn denied(who: &str, action: &str) -> Box<Refusal> {
    Refusal::new(
        403,
        "AccessDeniedException",
        format!(
            "Access denied. {who} needs {action} permissions to perform the action. For more information, contact \
             the Service Endpoint administrator."
        ),
    )
}

pub(super) fn project_by_name(name: &str) -> Box<Refusal> {
    Refusal::new(
        404,
        "ProjectDoesNotExistWithNameException",
        format!(
            "TF200016: The following project does not exist: {name}. Verify that the name of the project is \
             correct and that the project exists on the specified Azure DevOps Server."
        ),
    )
}

pub(super) fn project(world: &World, key: &str) -> Box<Refusal> {
    Refusal::new(
        if world.settings.plays(DevOpsOutcome::MissingProjectNotFound) { 404 } else { 400 },
        "ProjectDoesNotExistException",
        format!(
            "VS800075: The project with id 'vstfs:///Classification/TeamProject/{key}' does not exist, or you do \
             not have permission to access it."
        ),
    )
}

pub(super) fn endpoint(id: &str) -> Box<Refusal> {
    let text = format!("Unable to find service endpoint with id '{id}', or you do not have permission to use it.");
    Refusal::new(404, "ServiceEndpointNotFoundException", text)
}

/// The answer. The settings say whether its body begins with a byte order mark, or is plain text, as some of the real ones.
pub(super) fn answer(refusal: &Refusal, settings: &Settings) -> Answer {
    let encoded = utf8_percent_encode(&refusal.message, NON_ALPHANUMERIC).to_string();
    let answer = if refusal.shape == ErrorShape::Html {
        let page =
            format!("<!DOCTYPE html><html><head><title>{0}</title></head><body>{0}</body></html>", refusal.message);
        typed(refusal.status, "text/html; charset=utf-8", page)
    } else if settings.plays(DevOpsOutcome::TextErrors) {
        typed(refusal.status, "text/plain; charset=utf-8", refusal.message.clone())
    } else {
        let body = json!({
            "$id": "1",
            "innerException": null,
            "message": refusal.message,
            "typeName": type_name(&refusal.code),
            "typeKey": refusal.code,
            "errorCode": 0,
            "eventId": 3000,
        });
        let text = if settings.bom_on_errors { format!("\u{feff}{body}") } else { body.to_string() };
        typed(refusal.status, "application/json; charset=utf-8", text)
    };
    let answer = answer.with_header("x-tfs-serviceerror", &encoded);
    refusal.headers.iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
}

fn type_name(key: &str) -> String {
    let namespace = match key {
        "ArgumentException" | "ArgumentNullException" => return format!("System.{key}, mscorlib"),
        "ProjectDoesNotExistException" | "ProjectDoesNotExistWithNameException" => {
            "Microsoft.TeamFoundation.Core.WebApi"
        }
        key if key.starts_with("Vss") => "Microsoft.VisualStudio.Services.WebApi",
        "UnauthorizedRequestException" => "Microsoft.TeamFoundation.Framework.Server",
        "RequestBlockedException" => "Microsoft.TeamFoundation.Framework.Server",
        key if key.starts_with("Graph") => "Microsoft.VisualStudio.Services.Graph",
        _ => "Microsoft.VisualStudio.Services.ServiceEndpoints.WebApi",
    };
    format!("{namespace}.{key}, {namespace}")
}

/// The answer to a caller who is not accepted, in the shape of the settings.
pub(super) fn unauthenticated(call: &Call, world: &World, tenant: Option<Uuid>) -> Answer {
    let answer = match world.settings.bad_authentication {
        BadAuthentication::Html203 => typed(
            203,
            "text/html; charset=utf-8",
            "<!DOCTYPE html>\r\n<html lang=\"en-US\"><head><title>Azure DevOps Services | Sign In</title></head><body></body></html>",
        ),
        BadAuthentication::Redirect302 => {
            let target = format!(
                "{}/_signin?realm={}&reply_to={}",
                call.origins.devops_profile,
                call.origin.split_once("://").map_or("", |(_, host)| host),
                utf8_percent_encode(&format!("{}{}", call.origin, call.path), NON_ALPHANUMERIC),
            );
            let body = "<html><head><title>Object moved</title></head><body><h2>Object moved</h2></body></html>";
            typed(302, "text/html; charset=utf-8", body).with_header("location", &target)
        }
        BadAuthentication::Empty401 => empty(401),
        BadAuthentication::Json401 => {
            let text = "TF400813: The user '' is not authorized to access this resource.";
            let body = json!({
                "$id": "1",
                "innerException": null,
                "message": text,
                "typeName": type_name("UnauthorizedRequestException"),
                "typeKey": "UnauthorizedRequestException",
                "errorCode": 0,
                "eventId": 3000,
            });
            json_answer(401, &body)
        }
    };
    debug_assert!(answer.body().is_empty() || answer.headers().contains_key(CONTENT_TYPE));
    with_tenant_headers(answer, call, tenant)
}

/// The headers that tell which tenant to sign in to. Successful answers carry them as well.
pub(super) fn with_tenant_headers(answer: Answer, call: &Call, tenant: Option<Uuid>) -> Answer {
    let id = tenant.unwrap_or_default().to_string();
    let challenge = match tenant {
        Some(tenant) => format!("Bearer authorization_uri={}/{tenant}", call.origins.login),
        None => "Bearer".to_owned(),
    };
    answer
        .with_header("x-vss-resourcetenant", &id)
        .with_header("x-vss-authorizationendpoint", &format!("{}/", call.origins.devops_identity))
        .with_header("www-authenticate", &format!("{challenge}, Basic realm=\"{}/\", TFS-Federated", call.origin))
}

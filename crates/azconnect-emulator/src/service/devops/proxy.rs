//! The test of a service connection, stored or not yet.

use azconnect_core::Secret;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::endpoints::{Reader, check};
use super::types::Inputs;
use super::{Context, refusal};
use crate::base::answer::{Answer, json_answer};
use crate::base::origins::Service;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::base::settings::devops::DevOpsOutcome;
use crate::model::devops::confidential::take_secrets;
use crate::model::devops::permissions::{ADMINISTER, USE, connection_token};
use crate::model::devops::{Connection, field};
use crate::model::replica::Replica;
use crate::model::world::World;
use crate::service::entra::{SecretCheck, accepts, accepts_certificate};

/// What a test found. The status is that of the service it asked, not of this answer.
struct Verdict {
    status: u16,
    message: String,
}

impl Verdict {
    fn ok() -> Self {
        Self { status: 200, message: String::new() }
    }

    fn failed(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

/// What is tested: a document and its secrets.
struct Subject {
    document: Map<String, Value>,
    secrets: Vec<(String, Secret)>,
    broken: bool,
}

/// `POST …/endpointproxy?endpointId=`. Failures come inside an answer of 200.
pub(super) fn answer(cx: &Context<'_>, world: &mut World) -> OrRefusal<Answer> {
    if !cx.caller.is_within(&["vso.serviceendpoint_query", "vso.serviceendpoint_manage"]) {
        return Err(Refusal::sign_in(cx.organization(world)?.tenant));
    }
    let body = cx.call.json().map_err(|_| refusal::argument("The body of the request is not valid JSON."))?;
    let source = body.get("dataSourceDetails").and_then(|details| details.get("dataSourceName"));
    // Every other data source asks the service behind the connection for its contents.
    if source.and_then(Value::as_str) != Some("TestConnection") {
        return Err(Refusal::not_emulated());
    }
    let stored = find_stored(cx, world)?;
    let candidate = match body.get("serviceEndpointDetails") {
        Some(Value::Object(details)) => Some(read_candidate(world, details, stored)?),
        _ => None,
    };
    let subject = match (candidate, stored) {
        (Some(candidate), stored) => merge(candidate, stored),
        (None, Some(stored)) => Subject {
            document: stored.document.clone(),
            secrets: stored.secrets.iter().map(|(key, text)| (key.clone(), text.duplicate())).collect(),
            broken: stored.broken,
        },
        (None, None) => {
            let id = cx.call.query.get("endpointId").unwrap_or_default();
            return Err(refusal::endpoint(id));
        }
    };
    // Azure DevOps asks Entra ID, whose replicas may disagree about a new secret.
    let replica = world.next_replica(Service::Login);
    let verdict = subject.test(cx, world, replica)?;
    let status = if world.settings.numeric_status_codes { json!(verdict.status) } else { json!(word(verdict.status)) };
    let result = json!({"result": [], "statusCode": status, "errorMessage": verdict.message});
    Ok(json_answer(200, &result))
}

/// A candidate, which is held to what is asked of the document of a connection, but for its name.
fn read_candidate(
    world: &World,
    details: &Map<String, Value>,
    stored: Option<&Connection>,
) -> OrRefusal<Map<String, Value>> {
    let refuses_unknown = world.settings.plays(DevOpsOutcome::UnknownMembersRefused);
    let mut read = Reader { stored: None, refuses_unknown }.details(details.clone())?;
    read.insert("name".to_owned(), json!("candidate"));
    check(&read)?;
    let ignores_extra = world.settings.plays(DevOpsOutcome::ExtraInputsIgnored);
    Inputs { stored: stored.map(|stored| &stored.document), ignores_extra }.check(&mut read)?;
    Ok(read)
}

/// The stored connection that a test names, if it names one.
fn find_stored<'w>(cx: &Context<'_>, world: &'w World) -> OrRefusal<Option<&'w Connection>> {
    let organization = cx.organization(world)?;
    let project = super::endpoints::project(cx, world, cx.project.unwrap_or_default())?.id;
    // `0` and the empty GUID stand for a connection that is not stored yet.
    let named = cx.call.query.filled("endpointId").filter(|id| *id != "0");
    let Some(id) = named.and_then(|id| Uuid::parse_str(id).ok()).filter(|id| !id.is_nil()) else { return Ok(None) };
    let found = organization.connection(id, cx.now.elapsed).filter(|one| one.reference(project).is_some());
    let found = found.ok_or_else(|| refusal::endpoint(&id.to_string()))?;
    if organization.bits(cx.caller.id(), &connection_token(project, id)) & (USE | ADMINISTER) == 0 {
        return Err(refusal::denied(&cx.caller.member.display_name, "Use"));
    }
    Ok(Some(found))
}

/// A candidate, with the stored secrets in the places it leaves empty.
fn merge(mut document: Map<String, Value>, stored: Option<&Connection>) -> Subject {
    let mut secrets = take_secrets(&mut document).secrets;
    for (key, text) in stored.into_iter().flat_map(|stored| &stored.secrets) {
        // A candidate that brings a secret is tested with that one alone.
        if secrets.is_empty() {
            secrets.push((key.clone(), text.duplicate()));
        }
    }
    Subject { document, secrets, broken: false }
}

impl Subject {
    fn text(&self, key: &str) -> String {
        field(&self.document, key).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase()
    }

    fn authorization(&self) -> Option<&Map<String, Value>> {
        self.document.get("authorization")?.as_object()
    }

    fn scheme(&self) -> String {
        let scheme = self.authorization().and_then(|authorization| field(authorization, "scheme"));
        scheme.and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase()
    }

    fn parameter(&self, key: &str) -> Option<&str> {
        field(self.authorization()?.get("parameters")?.as_object()?, key)?.as_str()
    }

    fn data(&self, key: &str) -> Option<&str> {
        field(self.document.get("data")?.as_object()?, key)?.as_str()
    }

    fn test(&self, cx: &Context<'_>, world: &World, replica: u32) -> OrRefusal<Verdict> {
        if self.broken {
            return Ok(Verdict::failed(500, "Unable to read the service connection: the cache value is invalid."));
        }
        match (self.text("type").as_str(), self.scheme().as_str()) {
            ("azurerm", "serviceprincipal" | "workloadidentityfederation") => Ok(self.azure(cx, world, replica)),
            ("azurerm", "managedserviceidentity") => Ok(Verdict::failed(
                400,
                "Verification of a managed identity needs an agent with that identity; it cannot be done from here.",
            )),
            ("dockerregistry", "serviceprincipal" | "workloadidentityfederation") => {
                Ok(self.sign_in(cx, world, replica).map_or_else(|verdict| verdict, |_| Verdict::ok()))
            }
            ("dockerregistry", _) => Ok(self.docker_hub()),
            (kind, _) => {
                let text =
                    format!("The data source 'TestConnection' was not found for the service endpoint type '{kind}'.");
                Err(Refusal::new(400, "ServiceEndpointException", text))
            }
        }
    }

    /// Signs in, and then reads the subscription.
    fn azure(&self, cx: &Context<'_>, world: &World, replica: u32) -> Verdict {
        let principal = match self.sign_in(cx, world, replica) {
            Ok(principal) => principal,
            Err(verdict) => return verdict,
        };
        let level = self.data("scopeLevel").unwrap_or("Subscription");
        if level.eq_ignore_ascii_case("ManagementGroup") {
            return Verdict::ok();
        }
        let url = field(&self.document, "url").and_then(Value::as_str).unwrap_or_default();
        let Some(subscription) = self.data("subscriptionId") else {
            return Verdict::failed(
                400,
                "Unable to expand the expression '{{endpoint.subscriptionId}}': the service connection has no such data.",
            );
        };
        let readable = Uuid::parse_str(subscription).is_ok_and(|id| {
            let scope = format!("/subscriptions/{id}");
            world.arm.roles.allow(principal, "Microsoft.Resources/subscriptions/read", &scope, cx.now.elapsed)
        });
        if readable {
            return Verdict::ok();
        }
        let client = self.parameter("serviceprincipalid").unwrap_or_default();
        let inner = json!({"error": {"code": "AuthorizationFailed", "message": format!(
            "The client '{client}' with object id '{principal}' does not have authorization to perform action \
             'Microsoft.Resources/subscriptions/read' over scope '/subscriptions/{subscription}' or the scope is \
             invalid. If access was recently granted, please refresh your credentials."
        )}});
        let text = format!(
            "Failed to query service connection API: '{url}subscriptions/{subscription}?api-version=2016-06-01'. \
             Status Code: 'Forbidden', Response from server: '{inner}'"
        );
        Verdict::failed(403, text)
    }

    /// The object id of the service principal, as Entra ID says now.
    fn sign_in(&self, cx: &Context<'_>, world: &World, replica: u32) -> Result<Uuid, Verdict> {
        let tenant = self.parameter("tenantid").unwrap_or_default();
        let client = self.parameter("serviceprincipalid").unwrap_or_default();
        let refused = |reason: String| {
            Verdict::failed(
                400,
                format!(
                    "Failed to obtain the Json Web Token(JWT) using service principal client ID. Exception message: \
                     {reason}"
                ),
            )
        };
        if self.scheme() == "workloadidentityfederation" {
            return self.federated(cx, world, (client, replica)).ok_or_else(|| {
                refused(format!(
                    "AADSTS70021: No matching federated identity record found for presented assertion. Assertion \
                     Issuer: '{}'. Assertion Subject: '{}'. Assertion Audience: 'api://AzureADTokenExchange'.",
                    self.parameter("workloadIdentityFederationIssuer").unwrap_or_default(),
                    self.parameter("workloadIdentityFederationSubject").unwrap_or_default(),
                ))
            });
        }
        let by_certificate =
            self.parameter("authenticationType").is_some_and(|kind| kind.eq_ignore_ascii_case("spnCertificate"));
        let name = if by_certificate { "servicePrincipalCertificate" } else { "serviceprincipalkey" };
        let key = self.secrets.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        let Some((_, key)) = key else {
            return Err(refused("AADSTS7000216: 'client_assertion' or 'client_secret' is required.".to_owned()));
        };
        let accepts = if by_certificate { accepts_certificate } else { accepts };
        match accepts(world, tenant, client, key, (replica, cx.now)) {
            SecretCheck::Yes(principal) => Ok(principal),
            SecretCheck::No(reason) => Err(refused(reason)),
        }
    }

    /// The service principal that trusts issuer and subject of the connection, as one replica knows.
    fn federated(&self, cx: &Context<'_>, world: &World, (client, replica): (&str, u32)) -> Option<Uuid> {
        let client = Uuid::parse_str(client).ok()?;
        let (tenant, application) = world.directory.application(client)?;
        let replica = Replica::of_tokens(&world.settings, replica, cx.now);
        let trusts = application.federated.iter().any(|credential| {
            let same = |field: &str, parameter: &str| {
                let known = credential.document.get(field).and_then(Value::as_str);
                known.is_some() && known == self.parameter(parameter)
            };
            replica.has_seen_creation(credential.id, credential.created.elapsed)
                && same("issuer", "workloadIdentityFederationIssuer")
                && same("subject", "workloadIdentityFederationSubject")
        });
        trusts.then(|| tenant.principal_of(client).map(|principal| principal.object_id))?
    }

    /// Docker Hub is asked, whatever the registry: its answer is about Docker Hub alone.
    fn docker_hub(&self) -> Verdict {
        let kind = self.data("registrytype").unwrap_or_default();
        let filled = self.secrets.iter().any(|(_, text)| !text.is_empty());
        if kind.eq_ignore_ascii_case("DockerHub") && filled {
            return Verdict::ok();
        }
        Verdict::failed(
            401,
            "Failed to query service connection API: 'https://hub.docker.com/v2/users/login/'. Status Code: \
             'Unauthorized', Response from server: '{\"detail\":\"Incorrect authentication credentials\"}'",
        )
    }
}

/// The word for a status, as .NET writes it.
fn word(status: u16) -> &'static str {
    match status {
        200 => "ok",
        400 => "badRequest",
        401 => "unauthorized",
        403 => "forbidden",
        _ => "internalServerError",
    }
}

//! The types of service connections.

use serde_json::{Value, json};

use super::Context;
use crate::base::answer::{Answer, json_answer};

/// An input of a scheme, and whether it is confidential.
type Input = (&'static str, bool);

/// A type: its name, what people call it, where it points, and its schemes with their inputs.
type EndpointType = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static [Input])]);

const SERVICE_PRINCIPAL: &[Input] = &[
    ("accessToken", true),
    ("tenantid", false),
    ("serviceprincipalid", false),
    ("authenticationType", false),
    ("serviceprincipalkey", true),
    ("servicePrincipalCertificate", true),
];
const FEDERATION: &[Input] = &[
    ("tenantid", false),
    ("serviceprincipalid", false),
    ("workloadIdentityFederationIssuer", false),
    ("workloadIdentityFederationSubject", false),
];
const USER: &[Input] = &[("username", false), ("password", true)];
const TOKEN: &[Input] = &[("apitoken", true)];

const KINDS: [EndpointType; 8] = [
    (
        "azurerm",
        "Azure Resource Manager",
        "https://management.azure.com/",
        &[
            ("ServicePrincipal", SERVICE_PRINCIPAL),
            ("WorkloadIdentityFederation", FEDERATION),
            ("ManagedServiceIdentity", &[("tenantid", false)]),
            ("PublishProfile", &[("publishProfile", true), ("tenantid", false), ("resourceId", false)]),
        ],
    ),
    (
        "dockerregistry",
        "Docker Registry",
        "https://hub.docker.com/",
        &[
            ("UsernamePassword", &[("registry", false), ("username", false), ("password", true), ("email", false)]),
            ("ServicePrincipal", SERVICE_PRINCIPAL),
            ("WorkloadIdentityFederation", FEDERATION),
        ],
    ),
    ("generic", "Generic", "", &[("UsernamePassword", USER)]),
    (
        "github",
        "GitHub",
        "https://github.com",
        &[("OAuth2", &[]), ("InstallationToken", &[]), ("Token", &[("AccessToken", true)])],
    ),
    (
        "kubernetes",
        "Kubernetes",
        "",
        &[("Kubernetes", &[("kubeconfig", true), ("clusterContext", false)]), ("Token", TOKEN)],
    ),
    ("externalnpmregistry", "npm", "", &[("UsernamePassword", USER), ("Token", TOKEN)]),
    (
        "externalnugetfeed",
        "NuGet",
        "",
        &[("None", &[("nugetkey", true)]), ("UsernamePassword", USER), ("Token", TOKEN)],
    ),
    ("ssh", "SSH", "", &[("UsernamePassword", USER)]),
];

/// The address of a type that has one of its own.
pub(in crate::service::devops) fn default_url(name: &str) -> Option<&'static str> {
    // The classic type is not created any more, and not listed.
    if name.eq_ignore_ascii_case("azure") {
        return Some("https://management.core.windows.net/");
    }
    let found = KINDS.iter().find(|(kind, ..)| kind.eq_ignore_ascii_case(name));
    found.map(|(_, _, url, _)| *url).filter(|url| !url.is_empty())
}

/// The types, by name or scheme if the caller asks so.
pub(super) fn answer(cx: &Context<'_>) -> Answer {
    let query = &cx.call.query;
    let (name, scheme) = (query.filled("type"), query.filled("scheme"));
    let wanted = KINDS.iter().filter(|(kind, _, _, schemes)| {
        name.is_none_or(|name| name.eq_ignore_ascii_case(kind))
            && scheme.is_none_or(|scheme| schemes.iter().any(|(known, _)| known.eq_ignore_ascii_case(scheme)))
    });
    let value: Vec<Value> = wanted.map(|kind| show(kind, scheme)).collect();
    json_answer(200, &json!({"count": value.len(), "value": value}))
}

fn show((name, display, url, schemes): &EndpointType, only: Option<&str>) -> Value {
    let schemes = schemes.iter().filter(|(scheme, _)| only.is_none_or(|only| only.eq_ignore_ascii_case(scheme)));
    let schemes: Vec<Value> = schemes
        .map(|(scheme, inputs)| {
            let inputs: Vec<Value> = inputs.iter().map(|(id, confidential)| input(id, *confidential)).collect();
            json!({
                "inputDescriptors": inputs,
                "scheme": scheme,
                "displayName": scheme,
                "requiresOAuth2Configuration": scheme.eq_ignore_ascii_case("OAuth2"),
                "dataSourceBindings": [],
                "authorizationHeaders": [],
                "clientCertificates": [],
                "properties": {},
            })
        })
        .collect();
    json!({
        "inputDescriptors": [],
        "authenticationSchemes": schemes,
        "dataSources": [{"name": "TestConnection", "endpointUrl": "{{{endpoint.url}}}", "resultSelector": "jsonpath:$"}],
        "name": name,
        "displayName": display,
        "description": "",
        "endpointUrl": {"displayName": "Server URL", "helpText": "", "value": url, "isVisible": "true"},
        "helpMarkDown": "",
        "iconUrl": "",
    })
}

fn input(id: &str, confidential: bool) -> Value {
    json!({
        "id": id,
        "name": id,
        "description": "",
        "type": null,
        "properties": null,
        "inputMode": if confidential { "passwordBox" } else { "textBox" },
        "isConfidential": confidential,
        "useInDefaultDescription": false,
        "groupName": null,
        "valueHint": null,
        "validation": {"dataType": "string", "isRequired": false},
    })
}

//! Every body that is written, compared with the inputs that Microsoft publishes for each type: which there are, whether in
//! `data` or in the authorization, which are required, and which are confidential.
//!
//! The list is `ListEndpointTypes.json` in the folder that `AZCONNECT_SPECS` names. What it does not have, other tools send:
//! that is written down here, apart from the code that writes it.

use std::collections::BTreeSet;

use azconnect_core::Secret;
use azconnect_credential::Candidate;
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureEnvironment, AzureScope, ConversionRules, DockerConnection, DockerRegistry,
    EndpointChange, GenericConnection, NewConnection, ProjectRef,
};
use azconnect_emulator::Settings;
use azconnect_testkit::VirtualClock;
use serde_json::{Map, Value, json};

use crate::contract::folder;
use crate::emulated::{AZURE, World};
use crate::support::{CLIENT, ID, Script, TENANT, endpoint, plain, project};

const SECRET: &str = "canary~secret-of-a-body";
const PEM: &str = "-----BEGIN CERTIFICATE----- canary -----BEGIN PRIVATE KEY-----";
const PROFILE: &str = "<publishData>canary</publishData>";
const SUBSCRIPTION: &str = "d6245f20-2af8-44f4-9451-8107cb2767db";

/// A type, a scheme of it, and inputs with whether they are required.
type Beyond = (&'static str, &'static str, &'static [(&'static str, bool)]);

/// What the list does not have: the type, the scheme (empty for `data`), and the input with whether it is required.
const BEYOND: &[Beyond] = &[
    // As Microsoft's Terraform provider and its conversion script send them.
    (
        "azurerm",
        "WorkloadIdentityFederation",
        &[
            ("tenantid", true),
            ("serviceprincipalid", true),
            ("scope", false),
            ("workloadIdentityFederationIssuer", false),
            ("workloadIdentityFederationSubject", false),
        ],
    ),
    (
        "dockerregistry",
        "WorkloadIdentityFederation",
        &[("tenantid", true), ("serviceprincipalid", true), ("loginServer", true), ("scope", true)],
    ),
    ("dockerregistry", "ManagedServiceIdentity", &[("tenantid", true), ("loginServer", true)]),
    ("dockerregistry", "", &[("creationMode", false)]),
];

/// The fields of a document that is sent, outside of `data` and `authorization`.
const TOP: &[&str] = &[
    "data",
    "name",
    "type",
    "url",
    "authorization",
    "isShared",
    "isReady",
    "description",
    "serviceEndpointProjectReferences",
];

struct Types(Vec<Value>);

fn inputs(of: &Value) -> Vec<Value> {
    of["inputDescriptors"].as_array().cloned().unwrap_or_default()
}

fn is(value: &Value, text: &str) -> bool {
    value.as_str().is_some_and(|own| own.eq_ignore_ascii_case(text))
}

impl Types {
    fn read() -> Self {
        let path = folder().join("serviceEndpoint/7.2/httpExamples/endpoints/ListEndpointTypes.json");
        let json: Value =
            serde_json::from_str(std::fs::read_to_string(path).unwrap().trim_start_matches('\u{feff}')).unwrap();
        Self(json["responses"]["200"]["body"]["value"].as_array().unwrap().clone())
    }

    /// What is wrong with a body's type, url, data and authorization.
    fn faults(&self, body: &Value) -> Vec<String> {
        let Some(kind) = self.0.iter().find(|kind| is(&kind["name"], body["type"].as_str().unwrap())) else {
            return vec![format!("type {}", body["type"])];
        };
        let scheme = body["authorization"]["scheme"].as_str().unwrap();
        let known = kind["authenticationSchemes"].as_array().unwrap().iter().find(|known| known["scheme"] == scheme);
        let mut of_scheme = beyond(kind, scheme);
        match known {
            Some(known) => of_scheme.extend(inputs(known)),
            None if of_scheme.is_empty() => return vec![format!("scheme {scheme}")],
            None => {}
        }
        let mut of_data = inputs(kind);
        of_data.extend(beyond(kind, ""));
        let empty = Map::new();
        let map = |value: &Value| value.as_object().unwrap_or(&empty).clone();
        let (data, parameters) = (map(&body["data"]), map(&body["authorization"]["parameters"]));
        let automatic = data.get("creationMode").is_some_and(|mode| mode == "Automatic")
            || (data.contains_key("registrytype") && parameters.get("serviceprincipalid").is_some_and(|id| id == ""));
        let mut faults = place("data", &data, &of_data, automatic);
        faults.extend(place("parameters", &parameters, &of_scheme, automatic));
        faults.extend(self.url(kind, body));
        faults
    }

    /// The address that the type gives to each environment.
    fn url(&self, kind: &Value, body: &Value) -> Option<String> {
        let cases = kind["endpointUrl"]["dependsOn"]["map"].as_array()?;
        let case = cases.iter().find(|case| case["key"] == body["data"]["environment"])?;
        let (expected, found) = (case["value"].as_str()?, body["url"].as_str()?);
        (!expected.is_empty() && expected != found).then(|| format!("url {found}, not {expected}"))
    }
}

fn beyond(kind: &Value, scheme: &str) -> Vec<Value> {
    let found = BEYOND.iter().filter(|(name, own, _)| is(&kind["name"], name) && *own == scheme);
    let inputs = found.flat_map(|(_, _, inputs)| *inputs);
    inputs.map(|(id, required)| json!({"id": id, "validation": {"isRequired": required}})).collect()
}

/// What is wrong with the inputs of one place.
fn place(name: &str, given: &Map<String, Value>, inputs: &[Value], automatic: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let shown = |input: &Value| {
        let Some(rule) = input["properties"]["visibleRule"].as_str() else { return true };
        rule.split("||").any(|case| {
            let (which, value) = case.split_once("==").unwrap();
            given.get(which.trim()).is_some_and(|own| is(own, value.trim()))
        })
    };
    for (key, value) in given {
        // Exactly as it is published: what differs in its case alone may be taken, and may be not.
        let Some(input) = inputs.iter().find(|input| input["id"] == key.as_str()) else {
            faults.push(format!("{name}.{key} is not an input"));
            continue;
        };
        if !shown(input) {
            faults.push(format!("{name}.{key} is not there for these values"));
        }
        let text = value.as_str().unwrap_or_default();
        let secret = [SECRET, PEM, PROFILE].contains(&text);
        let confidential = input["isConfidential"] == true;
        if secret != (confidential && !text.is_empty()) {
            faults.push(format!("{name}.{key}: confidential {confidential}, a secret {secret}"));
        }
        if input["validation"]["dataType"] == "guid" && text.parse::<azconnect_core::TenantId>().is_err() {
            faults.push(format!("{name}.{key} is no GUID"));
        }
        if input["validation"]["maxLength"].as_u64().is_some_and(|most| text.len() as u64 > most) {
            faults.push(format!("{name}.{key} is too long"));
        }
    }
    for input in inputs.iter().filter(|input| input["validation"]["isRequired"] == true && shown(input)) {
        let id = input["id"].as_str().unwrap();
        // An application that Azure DevOps makes is named all the same, by an empty text.
        let left = automatic && ["serviceprincipalid", "serviceprincipalkey"].contains(&id);
        let filled = given.get(id).is_some_and(|value| left || value.is_null() || !is(value, ""));
        if !filled {
            faults.push(format!("{name}.{id} is required"));
        }
    }
    faults
}

struct Secrets {
    key: Secret,
    pem: Secret,
    profile: Secret,
}

impl Secrets {
    fn new() -> Self {
        Self { key: Secret::new(SECRET), pem: Secret::new(PEM), profile: Secret::new(PROFILE) }
    }

    /// Every credential, the publish profile last.
    fn credentials(&self) -> Vec<AzureCredential<'_>> {
        let (tenant, client) = (TENANT.parse().unwrap(), CLIENT.parse().unwrap());
        let resource = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Web/sites/shop");
        vec![
            AzureCredential::FederationAutomatic { tenant },
            AzureCredential::FederationManual { tenant, client },
            AzureCredential::ServicePrincipalAutomatic { tenant },
            AzureCredential::ManagedIdentity { tenant },
            AzureCredential::Secret { tenant, client, secret: &self.key },
            AzureCredential::Certificate { tenant, client, pem: &self.pem },
            AzureCredential::PublishProfile { tenant, resource, profile: &self.profile },
        ]
    }
}

fn scopes() -> Vec<AzureScope> {
    let id = SUBSCRIPTION.parse().unwrap();
    vec![
        AzureScope::subscription(id, "P"),
        AzureScope::Subscription { id, name: "P".to_owned(), resource_group: Some("rg".parse().unwrap()) },
        AzureScope::ManagementGroup { id: "mg".to_owned(), name: "MG".to_owned() },
        AzureScope::MachineLearning {
            subscription: id,
            subscription_name: "P".to_owned(),
            resource_group: "rg".parse().unwrap(),
            workspace: "ml".to_owned(),
            location: "westeurope".to_owned(),
        },
    ]
}

fn document(connection: &NewConnection<'_>) -> Value {
    serde_json::from_str(connection.preview().unwrap().expose()).unwrap()
}

/// Every body that creates a connection: each credential in each scope and cloud where it can be, and each registry.
fn created(secrets: &Secrets) -> Vec<Value> {
    let mut bodies = Vec::new();
    let stack = "https://management.stack.example/".parse().unwrap();
    let clouds = [
        AzureEnvironment::Public,
        AzureEnvironment::China,
        AzureEnvironment::UsGovernment,
        AzureEnvironment::Germany,
        AzureEnvironment::Stack(stack),
    ];
    for cloud in clouds {
        for scope in scopes() {
            for credential in secrets.credentials() {
                let wish = AzureConnection::new("n", scope.clone(), credential).with_environment(cloud.clone());
                // What cannot be is refused, which another test looks at.
                bodies.extend(wish.with_description("d").build(&project()).ok().map(|wish| document(&wish)));
            }
        }
    }
    assert!(bodies.len() > 50, "{}", bodies.len());
    for credential in secrets.credentials() {
        let profile = matches!(credential, AzureCredential::PublishProfile { .. });
        let registry = DockerRegistry::AzureContainerRegistry {
            login_server: "contoso.azurecr.io".to_owned(),
            scope: format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"
            ),
            subscription_name: "P".to_owned(),
            credential,
        };
        let built = DockerConnection::new("n", registry).build(&project());
        assert_eq!(built.is_err(), profile);
        bodies.extend(built.ok().map(|built| document(&built)));
    }
    let password = &secrets.key;
    for registry in [
        DockerRegistry::DockerHub { user: "u".to_owned(), password, email: None },
        DockerRegistry::Others {
            registry: "registry.example.com".to_owned(),
            user: "u".to_owned(),
            password,
            email: Some("a@b.c".to_owned()),
        },
    ] {
        bodies.push(document(&DockerConnection::new("n", registry).build(&project()).unwrap()));
    }
    let generic = GenericConnection::new("n", "https://server.example.com").with_login("u", password);
    bodies.push(document(&generic.build(&project()).unwrap()));
    bodies
}

fn top(body: &Value) -> Vec<String> {
    let unknown = body.as_object().unwrap().keys().filter(|key| !TOP.contains(&key.as_str()));
    let mut faults: Vec<String> = unknown.cloned().collect();
    for reference in body["serviceEndpointProjectReferences"].as_array().unwrap() {
        let keys: Vec<&String> = reference.as_object().unwrap().keys().collect();
        if keys != ["projectReference", "name"] && keys != ["projectReference", "name", "description"] {
            faults.push(format!("reference {keys:?}"));
        }
    }
    faults
}

#[test]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
fn every_body_that_creates_a_connection_has_the_published_inputs() {
    let types = Types::read();
    for body in created(&Secrets::new()) {
        assert_eq!((types.faults(&body), top(&body)), (vec![], vec![]), "{body:#}");
    }
}

#[test]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
fn the_comparison_notices_every_kind_of_mistake() {
    let types = Types::read();
    let secrets = Secrets::new();
    let of = |scheme: &str| {
        let wanted = |body: &Value| body["type"] == "azurerm" && body["authorization"]["scheme"] == scheme;
        created(&secrets).into_iter().find(wanted).unwrap()
    };
    let noticed = |scheme: &str, change: fn(&mut Value)| {
        let mut body = of(scheme);
        change(&mut body);
        assert!(!types.faults(&body).is_empty(), "{body:#}");
    };
    noticed("ServicePrincipal", |body| body["type"] = "azurermm".into());
    noticed("ServicePrincipal", |body| body["authorization"]["scheme"] = "serviceprincipal2".into());
    noticed("ServicePrincipal", |body| body["url"] = "https://management.example/".into());
    noticed("ServicePrincipal", |body| body["authorization"]["parameters"]["tenantId"] = TENANT.into());
    noticed("ServicePrincipal", |body| body["authorization"]["parameters"]["tenantid"] = "no guid".into());
    noticed("ServicePrincipal", |body| body["authorization"]["parameters"]["scope"] = SECRET.into());
    noticed("ServicePrincipal", |body| drop(body["data"].as_object_mut().unwrap().remove("subscriptionName")));
    noticed("ServicePrincipal", |body| body["data"]["resourceGroupName"] = "rg".into());
    noticed("PublishProfile", |body| body["authorization"]["parameters"]["resourceId"] = "r".into());
    noticed("ManagedServiceIdentity", |body| body["authorization"]["parameters"]["scope"] = "s".into());
    noticed("WorkloadIdentityFederation", |body| {
        drop(body["authorization"]["parameters"].as_object_mut().unwrap().remove("serviceprincipalid"));
    });
}

/// A connection as the service shows it after a creation: secrets are masked, and it has an id.
fn shown(mut body: Value) -> Value {
    body["id"] = ID.into();
    for (_, value) in body["authorization"]["parameters"].as_object_mut().unwrap() {
        if [SECRET, PEM, PROFILE].contains(&value.as_str().unwrap_or_default()) {
            *value = Value::Null;
        }
    }
    body
}

#[test]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
fn every_change_keeps_to_the_published_inputs() {
    let (types, secrets) = (Types::read(), Secrets::new());
    let mut written = 0;
    for body in created(&secrets) {
        let before = endpoint(shown(body.clone()));
        let mut changes = vec![
            EndpointChange::new(),
            EndpointChange::new().with_name("new").with_description("d").with_url(body["url"].as_str().unwrap()),
            EndpointChange::new().with_disabled(true),
            EndpointChange::new().with_secret(secret_for(&body, &secrets)),
            EndpointChange::new().with_client_secret(&secrets.key),
            EndpointChange::new().with_certificate(&secrets.pem),
        ];
        if body["type"] == "azurerm" {
            changes.extend(scopes().iter().map(|scope| EndpointChange::new().with_scope(scope)));
        }
        for change in changes {
            // A change that the scheme cannot take is refused, and nothing is written.
            let Ok(text) = change.preview(&before) else { continue };
            let sent: Value = serde_json::from_str(text.expose()).unwrap();
            assert_eq!(types.faults(&sent), Vec::<String>::new(), "{change:?}: {sent:#}");
            written += 1;
        }
    }
    assert!(written > 200, "{written}");
}

/// A secret of the kind that a body's connection holds.
fn secret_for<'s>(body: &Value, secrets: &'s Secrets) -> &'s Secret {
    match body["authorization"]["scheme"].as_str().unwrap() {
        "PublishProfile" => &secrets.profile,
        _ if body["authorization"]["parameters"]["authenticationType"] == "spnCertificate" => &secrets.pem,
        _ => &secrets.key,
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn what_is_tested_and_converted_keeps_to_the_published_inputs() {
    let (types, secrets) = (Types::read(), Secrets::new());
    let sources = |kind: &str| {
        let kind = types.0.iter().find(|known| is(&known["name"], kind)).unwrap().clone();
        kind["dataSources"].as_array().into_iter().flatten().map(|source| source["name"].clone()).collect::<Vec<_>>()
    };
    for body in created(&secrets) {
        let document = shown(body.clone());
        let state = std::sync::Mutex::new(document.clone());
        let script = Script::new(move |request| {
            if request.method() == "PUT" {
                *state.lock().unwrap() = serde_json::from_slice(request.body()).unwrap();
            }
            match request.uri().path().ends_with("/endpointproxy") {
                true => plain(200, json!({"result": [], "statusCode": "ok", "errorMessage": ""})),
                false => plain(200, state.lock().unwrap().clone()),
            }
        });
        let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
        let candidate = Candidate::new(secret_for(&body, &secrets));
        drop(endpoints.verify_candidate(&endpoint(document.clone()), &candidate).await);
        drop(endpoints.verify_stored(&endpoint(document.clone()), None).await);
        for sent in script.bodies("POST").iter().filter(|sent| sent.get("dataSourceDetails").is_some()) {
            let source = &sent["dataSourceDetails"]["dataSourceName"];
            let known = sources(body["type"].as_str().unwrap());
            // A type without any is asked too: the service refuses that, which says nothing of the secret.
            assert!(known.is_empty() || known.contains(source), "{source} of {}", body["type"]);
            if let Some(details) = sent.get("serviceEndpointDetails").filter(|details| !details.is_null()) {
                assert_eq!(types.faults(details), Vec::<String>::new(), "{details:#}");
            }
        }
        let rules = ConversionRules::new().with_manual(true);
        if endpoints.convert(&endpoint(document.clone()), rules).await.is_err() {
            continue;
        }
        // The whole document as it was read, but for the scheme.
        let mut expected = document;
        expected["authorization"]["scheme"] = "WorkloadIdentityFederation".into();
        assert_eq!(script.bodies("PUT"), [expected]);
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn the_emulator_takes_the_published_inputs_and_those_that_other_tools_send() {
    let world = World::new(Settings::default(), AZURE);
    let uri = "https://dev.azure.com/contoso/_apis/serviceendpoint/types?api-version=7.1";
    let pat = http::HeaderValue::from_static("Basic OmFubnMtYWNjZXNzLXRva2Vu");
    let request = http::Request::get(uri).header("authorization", pat).body(Default::default()).unwrap();
    let answer = world.emulator.transport().send(request).await.unwrap();
    let served: Value = serde_json::from_slice(answer.body()).unwrap();
    let rules = |inputs: Vec<Value>| {
        let rule = |input: &Value| {
            let (shown, needed) = (&input["properties"]["visibleRule"], &input["validation"]["isRequired"]);
            format!("{} {} {} {shown}", input["id"], input["isConfidential"] == true, *needed == true)
        };
        inputs.iter().map(rule).collect::<BTreeSet<String>>()
    };
    for published in Types::read().0 {
        let name = published["name"].as_str().unwrap();
        if !["azurerm", "dockerregistry", "generic"].contains(&name) {
            continue;
        }
        let own = served["value"].as_array().unwrap().iter().find(|own| own["name"] == name).unwrap();
        let mut expected = inputs(&published);
        let mode = |input: &Value| input["id"] == "creationMode";
        let mut found = inputs(own);
        if name == "dockerregistry" {
            found.retain(|input| !mode(input));
            expected.retain(|input| !mode(input));
        }
        assert_eq!(rules(found), rules(expected), "data of {name}");
        for scheme in own["authenticationSchemes"].as_array().unwrap() {
            let known = published["authenticationSchemes"].as_array().unwrap();
            match known.iter().find(|known| known["scheme"] == scheme["scheme"]) {
                Some(known) => {
                    assert_eq!(rules(inputs(scheme)), rules(inputs(known)), "{} of {name}", scheme["scheme"])
                }
                None => assert!(!beyond(&published, scheme["scheme"].as_str().unwrap()).is_empty(), "{scheme}"),
            }
        }
    }
}

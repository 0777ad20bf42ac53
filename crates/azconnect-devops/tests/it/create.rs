//! New connections: possible ones as documented, impossible ones refused before any call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use azconnect_core::{Clock, Effect, ErrorKind, Secret};
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureEnvironment, AzureScope, DockerConnection, DockerRegistry,
    GenericConnection, NewConnection, ProjectRef, ReadyPolicy,
};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::support::{CLIENT, PROJECT, Script, TENANT, azurerm, id, plain, project};

const SUBSCRIPTION: &str = "d6245f20-2af8-44f4-9451-8107cb2767db";

fn subscription() -> AzureScope {
    AzureScope::subscription(SUBSCRIPTION.parse().unwrap(), "Production")
}

fn document(connection: &NewConnection<'_>) -> Value {
    serde_json::from_str(connection.preview().unwrap().expose()).unwrap()
}

fn by_secret(secret: &Secret) -> AzureCredential<'_> {
    AzureCredential::Secret { tenant: TENANT.parse().unwrap(), client: CLIENT.parse().unwrap(), secret }
}

#[test]
fn a_service_principal_with_a_secret_is_built_as_documented() {
    let secret = Secret::new("SomePassword~1");
    let connection = AzureConnection::new("deploy", subscription(), by_secret(&secret)).build(&project()).unwrap();
    let expected = json!({
        "data": {"scopeLevel": "Subscription", "subscriptionId": SUBSCRIPTION, "subscriptionName": "Production", "environment": "AzureCloud", "creationMode": "Manual"},
        "name": "deploy", "type": "azurerm", "url": "https://management.azure.com/",
        "authorization": {"parameters": {"tenantid": TENANT, "serviceprincipalid": CLIENT, "authenticationType": "spnKey", "serviceprincipalkey": "SomePassword~1"}, "scheme": "ServicePrincipal"},
        "isShared": false, "isReady": true,
        "serviceEndpointProjectReferences": [{"projectReference": {"id": PROJECT, "name": "Web"}, "name": "deploy"}]
    });
    assert_eq!(document(&connection), expected);
    assert!(!format!("{connection:?}").contains("SomePassword"));
}

#[test]
fn every_credential_and_scope_has_its_form() {
    let tenant = TENANT.parse().unwrap();
    let client = CLIENT.parse().unwrap();
    let build = |scope: AzureScope, credential: AzureCredential<'_>| {
        document(&AzureConnection::new("x", scope, credential).build(&project()).unwrap())
    };
    let automatic = build(subscription(), AzureCredential::FederationAutomatic { tenant });
    assert_eq!(
        (&automatic["authorization"]["scheme"], &automatic["data"]["creationMode"]),
        (&json!("WorkloadIdentityFederation"), &json!("Automatic"))
    );
    assert_eq!(automatic["authorization"]["parameters"], json!({"tenantid": TENANT, "serviceprincipalid": ""}));
    assert_eq!(automatic["isReady"], false, "the service has yet to make the application");
    let made = build(subscription(), AzureCredential::ServicePrincipalAutomatic { tenant });
    assert_eq!(
        made["authorization"],
        json!({"scheme": "ServicePrincipal", "parameters": {"tenantid": TENANT, "serviceprincipalid": "",
            "authenticationType": "spnKey", "serviceprincipalkey": ""}})
    );
    assert_eq!((&made["isReady"], &made["data"]["creationMode"]), (&json!(false), &json!("Automatic")));
    let managed = build(subscription(), AzureCredential::ManagedIdentity { tenant });
    assert_eq!(
        managed["authorization"],
        json!({"parameters": {"tenantid": TENANT}, "scheme": "ManagedServiceIdentity"})
    );
    assert!(managed["data"].get("creationMode").is_none());
    let group = AzureScope::Subscription {
        id: SUBSCRIPTION.parse().unwrap(),
        name: "P".to_owned(),
        resource_group: Some("rg".parse().unwrap()),
    };
    let limited = build(group, AzureCredential::FederationManual { tenant, client });
    assert_eq!(
        limited["authorization"]["parameters"]["scope"],
        format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/rg")
    );
    assert!(limited["data"].get("resourceGroupName").is_none(), "only a workspace names its group there");
    let profile = Secret::new("<publishData/>");
    let publish = build(
        subscription(),
        AzureCredential::PublishProfile { tenant, resource: "/subscriptions/x/sites/y".to_owned(), profile: &profile },
    );
    assert_eq!(publish["authorization"]["parameters"], json!({"tenantid": TENANT, "publishProfile": "<publishData/>"}));
    assert_eq!(publish["data"]["resourceId"], "/subscriptions/x/sites/y");
    let workspace = AzureScope::MachineLearning {
        subscription: SUBSCRIPTION.parse().unwrap(),
        subscription_name: "P".to_owned(),
        resource_group: "rg".parse().unwrap(),
        workspace: "ml".to_owned(),
        location: "westeurope".to_owned(),
    };
    let pem = Secret::new("-----BEGIN CERTIFICATE----- -----BEGIN PRIVATE KEY-----");
    let ml = build(workspace, AzureCredential::Certificate { tenant, client, pem: &pem });
    assert_eq!(
        (&ml["data"]["mlWorkspaceName"], &ml["authorization"]["parameters"]["authenticationType"]),
        (&json!("ml"), &json!("spnCertificate"))
    );
}

#[test]
fn what_cannot_exist_is_refused_before_any_call() {
    let tenant = TENANT.parse().unwrap();
    let group = || AzureScope::ManagementGroup { id: "g".to_owned(), name: "G".to_owned() };
    let limited = || AzureScope::Subscription {
        id: SUBSCRIPTION.parse().unwrap(),
        name: "P".to_owned(),
        resource_group: Some("rg".parse().unwrap()),
    };
    let stack = || AzureEnvironment::Stack("https://management.stack.example/".parse().unwrap());
    let profile = Secret::new("<publishData/>");
    let build = |scope, environment, credential| {
        AzureConnection::new("x", scope, credential).with_environment(environment).build(&project()).unwrap_err()
    };
    let refused = [
        build(subscription(), stack(), AzureCredential::FederationAutomatic { tenant }),
        build(subscription(), stack(), AzureCredential::FederationManual { tenant, client: CLIENT.parse().unwrap() }),
        build(subscription(), AzureEnvironment::UsGovernment, AzureCredential::FederationAutomatic { tenant }),
        build(group(), AzureEnvironment::Public, AzureCredential::FederationAutomatic { tenant }),
        build(subscription(), stack(), AzureCredential::ServicePrincipalAutomatic { tenant }),
        build(limited(), AzureEnvironment::Public, AzureCredential::ManagedIdentity { tenant }),
        build(
            group(),
            AzureEnvironment::Public,
            AzureCredential::PublishProfile { tenant, resource: "r".to_owned(), profile: &profile },
        ),
    ];
    for error in refused {
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unsupported, Effect::None), "{error}");
    }
    let pasted = Secret::new("1272a66f-e2e8-4e88-ab43-487409186c3f");
    assert_eq!(build(subscription(), AzureEnvironment::Public, by_secret(&pasted)).field(), Some("client_secret"));
    let plain_http = AzureEnvironment::Stack("http://management.stack.example/".parse().unwrap());
    let secret = Secret::new("abc~def");
    assert_eq!(build(subscription(), plain_http, by_secret(&secret)).field(), Some("azure_stack_address"));
    let nameless = AzureScope::subscription(SUBSCRIPTION.parse().unwrap(), " ");
    assert_eq!(build(nameless, AzureEnvironment::Public, by_secret(&secret)).field(), Some("subscription_name"));
    assert_eq!(
        AzureConnection::new("", subscription(), by_secret(&secret)).build(&project()).unwrap_err().field(),
        Some("name")
    );
}

#[test]
fn registries_and_generic_connections_are_built_and_checked() {
    let password = Secret::new("pw");
    let others = |registry: &str| DockerRegistry::Others {
        registry: registry.to_owned(),
        user: "u".to_owned(),
        password: &password,
        email: None,
    };
    let built = document(&DockerConnection::new("images", others("registry.example.com")).build(&project()).unwrap());
    assert_eq!(built["url"], "https://hub.docker.com/");
    assert_eq!(
        built["authorization"]["parameters"],
        json!({"registry": "https://registry.example.com", "username": "u", "email": "", "password": "pw"})
    );
    assert_eq!(
        DockerConnection::new("images", others("http://plain.example.com")).build(&project()).unwrap_err().field(),
        Some("registry")
    );
    let generic = GenericConnection::new("MyNewServiceEndpoint", "https://myserver")
        .with_login("myusername", &password)
        .build(&project())
        .unwrap();
    assert_eq!(
        document(&generic)["authorization"],
        json!({"parameters": {"username": "myusername", "password": "pw"}, "scheme": "UsernamePassword"})
    );
    assert_eq!(GenericConnection::new("x", "no address").build(&project()).unwrap_err().field(), Some("url"));
}

#[test]
fn a_container_registry_is_signed_in_to_in_every_way() {
    let (tenant, client) = (TENANT.parse().unwrap(), CLIENT.parse().unwrap());
    let scope = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/contoso"
    );
    let secret = Secret::new("SomePassword~1");
    let registry = |credential| DockerRegistry::AzureContainerRegistry {
        login_server: "contoso.azurecr.io".to_owned(),
        scope: scope.clone(),
        subscription_name: "Production".to_owned(),
        credential,
    };
    let build = |credential| document(&DockerConnection::new("acr", registry(credential)).build(&project()).unwrap());
    let data = json!({"registrytype": "ACR", "registryId": scope, "subscriptionId": SUBSCRIPTION, "subscriptionName": "Production"});
    let with_mode = |mode: &str| {
        let mut data = data.clone();
        data["creationMode"] = mode.into();
        data
    };
    // The types' list has neither federation nor managed identity for registries; other tools send these.
    let cases = [
        (
            AzureCredential::FederationManual { tenant, client },
            "WorkloadIdentityFederation",
            with_mode("Manual"),
            true,
            json!({"tenantid": TENANT, "serviceprincipalid": CLIENT, "loginServer": "contoso.azurecr.io", "scope": scope}),
        ),
        (
            AzureCredential::FederationAutomatic { tenant },
            "WorkloadIdentityFederation",
            with_mode("Automatic"),
            false,
            json!({"tenantid": TENANT, "serviceprincipalid": "", "loginServer": "contoso.azurecr.io", "scope": scope}),
        ),
        (
            AzureCredential::Secret { tenant, client, secret: &secret },
            "ServicePrincipal",
            data.clone(),
            true,
            json!({"tenantid": TENANT, "serviceprincipalid": CLIENT, "authenticationType": "spnKey",
                "serviceprincipalkey": "SomePassword~1", "loginServer": "contoso.azurecr.io", "scope": scope}),
        ),
        (
            AzureCredential::ServicePrincipalAutomatic { tenant },
            "ServicePrincipal",
            data.clone(),
            false,
            json!({"tenantid": TENANT, "serviceprincipalid": "", "authenticationType": "spnKey",
                "serviceprincipalkey": "", "loginServer": "contoso.azurecr.io", "scope": scope}),
        ),
        (
            AzureCredential::ManagedIdentity { tenant },
            "ManagedServiceIdentity",
            data.clone(),
            true,
            json!({"tenantid": TENANT, "loginServer": "contoso.azurecr.io"}),
        ),
    ];
    for (credential, scheme, data, ready, parameters) in cases {
        let built = build(credential);
        assert_eq!(built["authorization"], json!({"scheme": scheme, "parameters": parameters}));
        assert_eq!((&built["data"], &built["isReady"]), (&data, &json!(ready)));
        assert_eq!(built["url"], "https://contoso.azurecr.io");
    }
    let refused = |change: fn(&mut String, &mut String, &mut String)| {
        let (mut server, mut scope, mut name) = ("contoso.azurecr.io".to_owned(), scope.clone(), "P".to_owned());
        change(&mut server, &mut scope, &mut name);
        let credential = AzureCredential::ManagedIdentity { tenant };
        let registry =
            DockerRegistry::AzureContainerRegistry { login_server: server, scope, subscription_name: name, credential };
        DockerConnection::new("acr", registry).build(&project()).unwrap_err().field().unwrap().to_owned()
    };
    assert_eq!(refused(|server, _, _| server.push('/')), "login_server");
    assert_eq!(refused(|_, scope, _| scope.push_str("/tasks/x")), "scope");
    assert_eq!(refused(|_, scope, _| *scope = scope.replace(SUBSCRIPTION, "s")), "scope");
    assert_eq!(refused(|_, _, name| name.clear()), "subscription_name");
}

#[tokio::test(start_paused = true)]
async fn a_creation_is_sent_once_and_an_existing_name_is_a_conflict() {
    for (status, effect, kind) in
        [(0, Effect::Unknown, ErrorKind::Unavailable), (500, Effect::None, ErrorKind::Conflict)]
    {
        let script = Script::new(move |_| {
            plain(status, json!({"typeKey": "DuplicateServiceConnectionException", "message": "x"}))
        });
        let secret = Secret::new("SomePassword~1");
        let connection = AzureConnection::new("deploy", subscription(), by_secret(&secret)).build(&project()).unwrap();
        let error = script.organization(&VirtualClock::new()).create_connection(&connection).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, effect));
        assert_eq!(
            script.calls(),
            ["POST https://dev.azure.com/contoso/_apis/serviceendpoint/endpoints?api-version=7.1"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_is_waited_for_and_a_failure_is_told_in_the_service_s_words() {
    let reads = AtomicU32::new(0);
    let script = Script::new(move |_| {
        let mut document = azurerm();
        match reads.fetch_add(1, Ordering::SeqCst) {
            0 => document["isReady"] = false.into(),
            1 => return (503, vec![("retry-after", "1".to_owned())], Value::Null),
            2 => document["operationStatus"] = json!({"state": "InProgress", "statusMessage": ""}),
            _ => document["operationStatus"] = json!({"state": "Ready"}),
        }
        plain(200, document)
    });
    let clock = VirtualClock::new();
    let endpoints = script.organization(&clock).endpoints(ProjectRef::new("Web").unwrap());
    endpoints.wait_until_ready(id(), ReadyPolicy::default()).await.unwrap();
    assert!(clock.elapsed() >= Duration::from_secs(20));

    let failing = Script::new(|_| {
        let mut document = azurerm();
        document["isReady"] = false.into();
        document["operationStatus"] = json!({"state": "Failed", "statusMessage": "Insufficient privileges\nto complete", "errorCode": "AadError"});
        plain(200, document)
    });
    let endpoints = failing.organization(&clock).endpoints(ProjectRef::new("Web").unwrap());
    let error = endpoints.wait_until_ready(id(), ReadyPolicy::default()).await.unwrap_err();
    assert!(error.message().contains("Insufficient privileges to complete"), "{error}");
    assert_eq!(error.service_code(), Some("AadError"));

    let never = Script::new(|_| {
        let mut document = azurerm();
        document["isReady"] = false.into();
        plain(200, document)
    });
    let started = clock.elapsed();
    let endpoints = never.organization(&clock).endpoints(ProjectRef::new("Web").unwrap());
    assert_eq!(endpoints.wait_until_ready(id(), ReadyPolicy::default()).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(clock.elapsed() - started, Duration::from_secs(120));
}

//! What a cloud says of itself, and what is not believed.

use std::sync::Arc;

use azconnect_core::{Cloud, Effect, Error, ErrorKind, NoRetry};
use azconnect_emulator::Settings;
use azconnect_http::{Pipeline, ReqwestTransport, SystemClock, Transport};
use azconnect_identity::{CloudDiscovery, DiscoveredCloud};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{Scripted, Stage, tenant};

const STACK: &str = "https://management.local.azurestack.external";

/// What is discovered where the Resource Manager at this address answers so, to any version.
async fn of(arm: &str, status: u16, body: &str) -> Result<DiscoveredCloud, Error> {
    discovery(arm, status, body).discover().await
}

fn discovery(arm: &str, status: u16, body: &str) -> CloudDiscovery {
    let body = body.to_owned();
    let wire = Scripted::new(move |_| Ok(http::Response::builder().status(status).body(body.clone().into()).unwrap()));
    let clock = Arc::new(wire.clock().clone());
    CloudDiscovery::new(Pipeline::new(wire as Arc<dyn Transport>, clock).with_retry(Arc::new(NoRetry)), arm)
}

async fn stack(document: &Value) -> Result<DiscoveredCloud, Error> {
    of(STACK, 200, &document.to_string()).await
}

/// The documented form of Azure Stack Hub.
fn hub(login: &str, graph: &str) -> Value {
    json!({
        "galleryEndpoint": "https://portal.local.azurestack.external:30015/",
        "graphEndpoint": graph,
        "portalEndpoint": "https://portal.local.azurestack.external/",
        "authentication": {"loginEndpoint": login, "audiences": ["https://management.contoso.onmicrosoft.com/36f71706"]},
    })
}

fn public() -> Value {
    json!([
        {
            "portal": "https://portal.azure.com",
            "authentication": {
                "loginEndpoint": "https://login.microsoftonline.com",
                "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
                "tenant": "common", "identityProvider": "AAD",
            },
            "graphAudience": "https://graph.windows.net/", "graph": "https://graph.windows.net/", "name": "AzureCloud",
            "suffixes": {"acrLoginServer": "azurecr.io", "keyVaultDns": "vault.azure.net", "storage": "core.windows.net"},
            "resourceManager": "https://management.azure.com/",
            "microsoftGraphResourceId": "https://graph.microsoft.com/",
        },
        {
            "authentication": {"loginEndpoint": "https://login.chinacloudapi.cn",
                "audiences": ["https://management.core.chinacloudapi.cn"], "tenant": "common", "identityProvider": "AAD"},
            "name": "AzureChinaCloud", "suffixes": {"keyVaultDns": ".vault.azure.cn"},
            "resourceManager": "https://management.chinacloudapi.cn",
            "microsoftGraphResourceId": "https://microsoftgraph.chinacloudapi.cn",
        },
    ])
}

#[tokio::test(start_paused = true)]
async fn the_clouds_of_microsoft_describe_themselves_as_they_are_known() {
    for known in [Cloud::public(), Cloud::china()] {
        let found = of(known.resource_manager().as_str(), 200, &public().to_string()).await.unwrap();
        let cloud = &found.cloud;
        assert_eq!(cloud.name(), known.name());
        assert_eq!((cloud.login(), cloud.graph()), (known.login(), known.graph()));
        assert_eq!(cloud.key_vault_suffix(), known.key_vault_suffix());
        assert!(!found.is_ad_fs);
        assert_eq!(found.default_authority().unwrap().to_string(), "common");
        assert_eq!(found.authority(tenant()).tenant(), Some(tenant()));
    }
    let found = of("https://management.azure.com", 200, &public().to_string()).await.unwrap();
    assert_eq!(found.cloud, Cloud::public(), "whole");
}

#[tokio::test(start_paused = true)]
async fn the_emulator_describes_itself_as_the_public_cloud() {
    let stage = Stage::new(Settings::default());
    let pipeline = Pipeline::new(stage.emulator.transport(), Arc::new(stage.clock.clone()));
    let cloud = stage.emulator.cloud();
    let found = CloudDiscovery::new(pipeline, cloud.resource_manager().as_str()).discover().await.unwrap();
    assert_eq!((found.cloud.login(), found.cloud.graph()), (cloud.login(), cloud.graph()));
    assert_eq!(found.cloud.resource_manager_scope(), cloud.resource_manager_scope());
}

/// Over a socket: the newest version is asked for first, and the oldest where that is not known.
#[tokio::test]
async fn a_stack_that_knows_the_old_version_only_is_asked_for_it() {
    for unknown in [400, 404] {
        let server = MockServer::start().await;
        let metadata = || Mock::given(method("GET")).and(path("/metadata/endpoints"));
        let refused = json!({"error": {"code": "InvalidApiVersionParameter", "message": "no"}});
        metadata()
            .and(query_param("api-version", "2022-09-01"))
            .respond_with(ResponseTemplate::new(unknown).set_body_json(refused))
            .expect(1)
            .mount(&server)
            .await;
        let document = hub(&format!("{}/adfs", server.uri()), "https://graph.local.azurestack.external/");
        metadata()
            .and(query_param("api-version", "2015-01-01"))
            .respond_with(ResponseTemplate::new(200).set_body_json(document))
            .expect(1)
            .mount(&server)
            .await;
        let transport = ReqwestTransport::builder().danger_allow_http_loopback().build().unwrap();
        let pipeline = Pipeline::new(Arc::new(transport), Arc::new(SystemClock::new()));
        let found = CloudDiscovery::new(pipeline, &server.uri()).danger_allow_http_loopback().discover().await.unwrap();
        assert!(found.is_ad_fs);
        let address = format!("{}/adfs/oauth2/token", server.uri());
        assert_eq!(found.authority(tenant()).token_url().as_str(), address);
        let asked = server.received_requests().await.unwrap();
        assert!(asked.iter().all(|request| !request.headers.contains_key("authorization")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_with_entra_id_signs_in_at_microsoft_s_login() {
    let found = stack(&hub("https://login.windows.net/", "https://graph.windows.net/")).await.unwrap();
    let cloud = &found.cloud;
    assert_eq!((cloud.name(), found.is_ad_fs), ("AzureStack", false));
    assert_eq!(cloud.login().as_str(), "https://login.microsoftonline.com/");
    assert_eq!(cloud.graph().as_str(), "https://graph.microsoft.com/", "Azure AD Graph is no more");
    assert_eq!(cloud.resource_manager().as_str(), format!("{STACK}/"));
    assert_eq!(cloud.resource_manager_scope().as_str(), "https://management.contoso.onmicrosoft.com/36f71706/.default");
    assert_eq!(cloud.key_vault_suffix(), "vault.local.azurestack.external");
    assert_eq!(found.authority(tenant()).tenant(), Some(tenant()));
    let document = hub("https://login.windows.net/", "").to_string();
    let admin = of("https://adminmanagement.local.azurestack.external", 200, &document).await;
    assert_eq!(admin.unwrap().cloud.key_vault_suffix(), "adminvault.local.azurestack.external");
}

#[tokio::test(start_paused = true)]
async fn a_stack_with_ad_fs_has_no_tenants() {
    let login = "https://adfs.local.azurestack.external";
    let mut newer = hub(login, "https://graph.local.azurestack.external/");
    newer["authentication"]["identityProvider"] = json!("ADFS");
    newer["authentication"]["tenant"] = json!("adfs");
    newer["name"] = json!("AzureStack-User-4f2e");
    newer["suffixes"] = json!({"keyVaultDns": "vault.local.azurestack.external"});
    for document in [hub(&format!("{login}/adfs"), "https://graph.local.azurestack.external/"), newer] {
        let found = stack(&document).await.unwrap();
        assert!(found.is_ad_fs);
        assert_eq!(found.cloud.login().as_str(), format!("{login}/"));
        assert_eq!(found.cloud.graph().as_str(), "https://graph.local.azurestack.external/");
        for authority in [found.authority(tenant()), found.default_authority().unwrap()] {
            assert!(authority.is_ad_fs());
            assert_eq!(authority.token_url().as_str(), format!("{login}/adfs/oauth2/token"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_elsewhere_is_used_only_once_somebody_agreed_to_it() {
    for host in ["login.evil.example", "adfs.local.azurestack.external.evil.example", "evil.azurestack.external"] {
        let document = hub(&format!("https://{host}/"), "").to_string();
        let error = of(STACK, 200, &document).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("login_host")), "{host}");
        assert!(error.message().contains(host) && error.effect() == Effect::None, "{error}");
        let agreed = discovery(STACK, 200, &document).with_login_host(host).discover().await.unwrap();
        assert_eq!(agreed.cloud.login().host_str(), Some(host));
    }
}

/// Its tokens would be good at the service that it names, and it could use them there.
#[tokio::test(start_paused = true)]
async fn an_audience_that_is_another_service_s_is_used_only_once_somebody_agreed_to_it() {
    for audience in [
        "https://management.azure.com/",
        "https://MANAGEMENT.azure.com:443/",
        "https://management.azure.com./",
        "https://management.core.windows.net/",
        "https://management.usgovcloudapi.net",
        "https://management.core.chinacloudapi.cn/",
        "https://graph.microsoft.com",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://vault.azure.net",
        "https://vault.usgovcloudapi.net",
        "https://storage.azure.com/",
        "https://contoso.blob.core.windows.net",
        "https://dev.azure.com/",
        "https://dev.azuresynapse.net",
        "https://contoso.onmicrosoft.com/orders",
        "499b84ac-1321-427f-aa17-267ca6975798",
        "api://00000003-0000-0000-c000-000000000000",
        "spn:797f4846-ba00-4fd7-ba43-dac1f8f63013",
        "http://management.azure.com/",
        "https://evil.example/.default https://management.azure.com/",
        "https://evil.example/.default\thttps://management.azure.com/",
    ] {
        let mut document = hub("https://login.microsoftonline.com/", "");
        document["authentication"]["audiences"] = json!([audience]);
        let document = document.to_string();
        for arm in ["https://management.evil.example", STACK] {
            let error = of(arm, 200, &document).await.unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("audience")), "{audience}");
            assert!(error.effect() == Effect::None && error.advice().contains("by name"), "{error}");
            let agreed = discovery(arm, 200, &document).with_audience(audience).discover().await.unwrap();
            assert!(agreed.cloud.resource_manager_scope().as_str().starts_with(audience.trim_end_matches('/')));
        }
    }
    let long = format!("urn:{}", "x".repeat(10_000));
    let mut document = hub("https://login.microsoftonline.com/", "");
    document["authentication"]["audiences"] = json!([long]);
    assert!(stack(&document).await.unwrap_err().message().len() < 300);
}

#[tokio::test(start_paused = true)]
async fn what_describes_no_cloud_is_not_believed() {
    let plain = hub("http://adfs.local.azurestack.external/adfs", "");
    let deeper = hub("https://adfs.local.azurestack.external/else/where", "");
    let query = hub("https://adfs.local.azurestack.external/adfs?next=https://evil.example", "");
    let user = hub("https://user:pw@adfs.local.azurestack.external/adfs", "");
    let mut graph = hub("https://login.windows.net/", "");
    graph["microsoftGraphResourceId"] = json!("http://graph.example/");
    for document in
        [json!({}), json!([]), json!("text"), json!({"authentication": {}}), plain, deeper, query, user, graph]
    {
        let error = stack(&document).await.unwrap_err();
        let kinds = [ErrorKind::Unexpected, ErrorKind::NotFound];
        assert!(kinds.contains(&error.kind()) && error.effect() == Effect::None, "{document}: {error}");
    }
    let page = of(STACK, 200, "<html>Sign in to the proxy</html>").await.unwrap_err();
    assert!(page.advice().contains("web page"), "{}", page.advice());
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(300_000));
    assert_eq!(of(STACK, 200, &huge).await.unwrap_err().message(), "the answer is larger than 262144 bytes");
}

#[tokio::test(start_paused = true)]
async fn a_list_without_the_cloud_that_was_asked_is_of_others() {
    let error = of(STACK, 200, &public().to_string()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let mut other = public()[0].clone();
    other["resourceManager"] = json!("https://management.evil.example");
    assert_eq!(stack(&other).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_no_origin_is_refused_and_a_failure_is_told() {
    for arm in ["", "nonsense", "http://management.example", "https://management.example/path"] {
        let error = of(arm, 200, "{}").await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("resource_manager_address")), "{arm}");
    }
    for (status, kind) in
        [(503, ErrorKind::Unavailable), (302, ErrorKind::Unexpected), (401, ErrorKind::Unauthenticated)]
    {
        let error = of(STACK, status, "").await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (kind, Effect::None), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_leads_nowhere() {
    let wire = Scripted::new(|_| {
        Ok(http::Response::builder()
            .status(302)
            .header("location", "https://evil.example")
            .body(Default::default())
            .unwrap())
    });
    let clock = Arc::new(wire.clock().clone());
    let pipeline = Pipeline::new(wire.clone() as Arc<dyn Transport>, clock).with_retry(Arc::new(NoRetry));
    CloudDiscovery::new(pipeline, STACK).discover().await.unwrap_err();
    assert_eq!(wire.requests(), 1);
}

proptest::proptest! {
    #[test]
    fn no_answer_makes_it_panic(text in "[\\[{\"a-z:,/\\]}0-9]{0,80}", login in "\\PC{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let _ = of(STACK, 200, &text).await;
            if let Ok(found) = stack(&hub(&login, &login)).await {
                let host = found.cloud.login().host_str().unwrap().to_owned();
                assert!(host == "login.microsoftonline.com" || host.ends_with(".local.azurestack.external"), "{host}");
            }
        });
    }
}

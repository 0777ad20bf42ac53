//! Which tenant a name stands for, and what is not the login.

use std::sync::Arc;

use azconnect_core::{Cloud, Effect, Error, ErrorKind, NoRetry, TenantId};
use azconnect_http::{Pipeline, Transport};
use azconnect_identity::TenantDiscovery;
use serde_json::json;

use crate::stage::{Scripted, TENANT, tenant};

/// What is found where the login answers so.
async fn found(status: u16, body: &str) -> Result<TenantId, Error> {
    let body = body.to_owned();
    let wire = Scripted::new(move |_| Ok(http::Response::builder().status(status).body(body.clone().into()).unwrap()));
    let clock = Arc::new(wire.clock().clone());
    let pipeline = Pipeline::new(wire as Arc<dyn Transport>, clock).with_retry(Arc::new(NoRetry));
    TenantDiscovery::new(pipeline, &Cloud::public()).find("contoso.onmicrosoft.com").await
}

/// The issuer names the tenant by its GUID, whatever it was asked by. The older one is at another host.
#[tokio::test(start_paused = true)]
async fn the_issuer_says_which_tenant_a_name_stands_for() {
    for issuer in
        [format!("https://login.microsoftonline.com/{TENANT}/v2.0"), format!("https://sts.windows.net/{TENANT}/")]
    {
        assert_eq!(found(200, &json!({"issuer": issuer}).to_string()).await.unwrap(), tenant(), "{issuer}");
    }
}

/// The public login answers for a tenant of another cloud too, whose login is then the issuer.
#[tokio::test(start_paused = true)]
async fn a_tenant_whose_issuer_is_another_login_is_in_another_cloud() {
    for (host, cloud) in [
        ("login.microsoftonline.us", "AzureUSGovernment"),
        ("login.partner.microsoftonline.cn", "AzureChinaCloud"),
        ("login.somewhere.example", ""),
    ] {
        let issuer = format!("https://{host}/{TENANT}/v2.0");
        let error = found(200, &json!({"issuer": issuer}).to_string()).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("cloud")), "{host}: {error}");
        assert!(error.message().contains("another cloud") && error.message().contains(cloud), "{error}");
        assert_eq!(error.effect(), Effect::None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_comes_with_an_outage_says_nothing_of_the_tenant() {
    let body = json!({"error": "invalid_tenant", "error_codes": [90_002], "error_description": "no"}).to_string();
    for (status, kind) in [(503, ErrorKind::Unavailable), (429, ErrorKind::Throttled)] {
        assert_eq!(found(status, &body).await.unwrap_err().kind(), kind, "{status}");
    }
}

/// 90002 says that there is no such tenant, 900021 and 900023 that the text cannot be one.
#[tokio::test(start_paused = true)]
async fn what_entra_id_does_not_know_is_not_found() {
    for number in [90_002, 900_021, 900_023] {
        let body = json!({"error": "invalid_tenant", "error_codes": [number], "error_description": "no"});
        let error = found(400, &body.to_string()).await.unwrap_err();
        let code = format!("AADSTS{number}");
        assert_eq!((error.kind(), error.service_code()), (ErrorKind::NotFound, Some(code.as_str())));
        assert_eq!(error.effect(), Effect::None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_entra_id_is_never_taken_for_a_tenant_that_is_not_there() {
    let page = "<html>Sign in to the proxy</html>";
    let without_tenant = json!({"issuer": "https://adfs.contoso.com/adfs"}).to_string();
    let of_nobody = json!({"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}).to_string();
    for (status, body) in
        [(200, page), (302, page), (403, page), (407, page), (200, "{}"), (200, &without_tenant), (200, &of_nobody)]
    {
        let error = found(status, body).await.unwrap_err();
        assert_eq!((error.kind(), error.service_code()), (ErrorKind::Unexpected, None), "{status} {body}: {error}");
        assert!(error.advice().contains("proxy"), "{error}");
    }
    let away = found(503, page).await.unwrap_err();
    assert_eq!(away.kind(), ErrorKind::Unavailable);
}

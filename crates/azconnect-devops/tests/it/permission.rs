//! What the caller may do, by what, and whom to ask otherwise.

use azconnect_core::{Effect, ErrorKind};
use azconnect_devops::{ConversionRules, Ground, ProjectRef};
use azconnect_testkit::VirtualClock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Fake, PROJECT, Script, azurerm, docker, endpoint, endpoints, id, plain, project};

/// How the caller stands in the scripted organization.
#[derive(Clone, Copy, Default)]
struct Standing {
    bits: bool,
    direct: bool,
    nested: bool,
    collection: bool,
    graph_forbidden: bool,
    expansion_forbidden: bool,
}

fn descriptor(sid: &str) -> String {
    format!("vssgp.{}", URL_SAFE_NO_PAD.encode(sid))
}

fn organization(standing: Standing) -> Script {
    Script::new(move |request| {
        let uri = request.uri().to_string();
        let forbidden = || plain(403, json!({"typeKey": "AccessCheckException", "message": "no"}));
        if uri.contains("/_apis/projects/") {
            return plain(200, json!({"id": PROJECT, "name": "Web"}));
        }
        if uri.contains("/connectionData") {
            return plain(
                200,
                json!({"authenticatedUser": {"id": "me", "subjectDescriptor": "aad.me", "providerDisplayName": "Ada"}}),
            );
        }
        if uri.contains("permissionevaluationbatch") {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let mut answers = body["evaluations"].clone();
            for answer in answers.as_array_mut().unwrap() {
                let collection = answer["token"].as_str().unwrap().starts_with("endpoints/Collection/");
                answer["value"] = (standing.bits && !collection).into();
            }
            return plain(200, json!({"evaluations": answers}));
        }
        if uri.contains("/serviceendpoint/endpoints") {
            return plain(200, json!({"value": [docker("https://registry.example.com"), azurerm(), {"odd": true}]}));
        }
        if standing.graph_forbidden {
            return forbidden();
        }
        if uri.contains("/graph/descriptors/") {
            return plain(200, json!({"value": "scp.web"}));
        }
        if uri.contains("scopeDescriptor=scp.web") {
            return plain(
                200,
                json!({"value": [
                {"principalName": "[Web]\\Readers", "descriptor": descriptor("S-1-9-7")},
                {"principalName": "[WEB]\\Project Administrators", "descriptor": descriptor("S-1-9-1")}]}),
            );
        }
        if uri.contains("/graph/groups") {
            return plain(
                200,
                json!({"value": [{"principalName": "[contoso]\\Project Collection Administrators", "descriptor": descriptor("S-1-9-3")}]}),
            );
        }
        if uri.contains("/_apis/identities") {
            if standing.expansion_forbidden {
                return forbidden();
            }
            let mut above = Vec::new();
            above.extend(standing.nested.then_some("Microsoft.TeamFoundation.Identity;S-1-9-1"));
            above.extend(standing.collection.then_some("Microsoft.TeamFoundation.Identity;S-1-9-3"));
            return plain(200, json!({"value": [{"id": "me", "memberOf": above}]}));
        }
        assert_eq!(request.method(), "HEAD", "{uri}");
        plain(if standing.direct && uri.contains(&descriptor("S-1-9-1")) { 200 } else { 404 }, Value::Null)
    })
}

async fn grounds(standing: Standing) -> Vec<Ground> {
    let script = organization(standing);
    let report = script.organization(&VirtualClock::new()).permission(&ProjectRef::new("Web").unwrap()).await.unwrap();
    assert!(report.checks.is_empty());
    report.grounds
}

#[tokio::test(start_paused = true)]
async fn every_ground_is_found_and_named() {
    let none = Standing::default();
    assert_eq!(grounds(none).await, []);
    assert_eq!(grounds(Standing { bits: true, ..none }).await, [Ground::Permission]);
    assert_eq!(grounds(Standing { direct: true, ..none }).await, [Ground::ProjectAdministrator]);
    assert_eq!(grounds(Standing { nested: true, ..none }).await, [Ground::ProjectAdministrator]);
    assert_eq!(grounds(Standing { collection: true, ..none }).await, [Ground::CollectionAdministrator]);
}

#[tokio::test(start_paused = true)]
async fn without_any_ground_the_picker_refuses_and_says_whom_to_ask() {
    let script = organization(Standing::default());
    let error = script.organization(&VirtualClock::new()).picker(&ProjectRef::new("Web").unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None));
    assert!(
        error.advice().contains("[Web]\\Endpoint Administrators") && error.advice().contains("Ada"),
        "{}",
        error.advice()
    );
    assert!(!script.calls().iter().any(|call| call.contains("serviceendpoint")), "no connection was listed");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_unknown_and_not_no() {
    for standing in [
        Standing { graph_forbidden: true, ..Standing::default() },
        Standing { expansion_forbidden: true, ..Standing::default() },
    ] {
        let report = organization(standing)
            .organization(&VirtualClock::new())
            .permission(&ProjectRef::new("Web").unwrap())
            .await
            .unwrap();
        assert_eq!((report.allows(), report.checks.checks[0].code.as_str()), (false, "groups-unknown"));
        assert!(report.require().unwrap_err().message().contains("not everything could be checked"));
    }
    let direct = Standing { direct: true, expansion_forbidden: true, ..Standing::default() };
    assert_eq!(grounds(direct).await, [Ground::ProjectAdministrator], "a direct membership needs no expansion");
}

#[tokio::test(start_paused = true)]
async fn administering_a_project_is_not_enough_to_change_a_secret() {
    let script = organization(Standing { bits: true, ..Standing::default() });
    let permission = script.organization(&VirtualClock::new()).connection_permission(&project(), id()).await.unwrap();
    assert!(permission.view && permission.r#use && permission.administer);
    assert!(!permission.change_secret);
    // Else members of the administrators' group would pass every question.
    assert_eq!(script.bodies("POST")[0]["alwaysAllowAdministrators"], false);
    let asked = script.bodies("POST")[0]["evaluations"].clone();
    assert_eq!(asked[3]["token"], format!("endpoints/Collection/{}", id()));
    assert_eq!((&asked[0]["permissions"], &asked[3]["permissions"]), (&json!(16), &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn the_picker_says_for_each_whether_it_can_be_refreshed() {
    let script = organization(Standing { bits: true, ..Standing::default() });
    let picker = script.organization(&VirtualClock::new()).picker(&ProjectRef::new("Web").unwrap()).await.unwrap();
    assert_eq!(picker.unreadable, 1);
    let shown: Vec<_> = picker.choices.iter().map(|choice| (choice.name.as_str(), choice.explanation())).collect();
    assert_eq!(shown, [("deploy", "can be refreshed".to_owned()), ("images", "can be refreshed".to_owned())]);
}

/// A conversion replaces the secret, so it takes the same right.
#[tokio::test]
async fn a_conversion_is_refused_before_it_begins_where_the_secret_may_not_be_changed() {
    let mut document = azurerm();
    document["data"]["creationMode"] = "Automatic".into();
    let fake = Fake::new(document.clone());
    fake.with(|state| state.administers = Some(false));
    let server = fake.start().await;
    let error = endpoints(&server).convert(&endpoint(document), ConversionRules::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::PermissionDenied, Effect::None));
    assert_eq!(
        (error.service_code(), error.operation()),
        (Some("may-not-change-secret"), Some("devops.endpoint.convert"))
    );
    assert_eq!(fake.with(|state| state.writes.len()), 0);
}

//! Long lists, odd lists, and lists in pages.

use azconnect_core::ErrorKind;
use azconnect_devops::{Collection, EndpointQuery, ProjectRef, ProjectState, ServerVersion};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::{ID, PROJECT, Script, answering, azurerm, endpoints, id, plain};

#[tokio::test]
async fn ten_thousand_connections_are_read() {
    let mut one = azurerm();
    one["padding"] = "x".repeat(1_500).into();
    let list = json!({"count": 10_000, "value": vec![one; 10_000]});
    let server = answering(ResponseTemplate::new(200).set_body_json(list)).await;
    let scan = endpoints(&server).scan(&EndpointQuery::new().with_type("azurerm")).await.unwrap();
    assert_eq!(scan.len(), 10_000);
    assert_eq!(scan.filter(|endpoint| endpoint.as_ref().unwrap().is_type("AZURERM")).count(), 10_000);
}

#[tokio::test]
async fn a_truncated_body_is_an_error_and_an_odd_record_is_one_error_among_others() {
    let server =
        answering(ResponseTemplate::new(200).set_body_string(r#"{"count":2,"value":[{"id":"1dfdea68-95"#)).await;
    let error = endpoints(&server).list(&EndpointQuery::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unexpected, Some("devops.endpoint.list")));

    let server = answering(
        ResponseTemplate::new(200).set_body_json(json!({"value": [{"id": ID}, {"name": "odd"}, {"id": ID}]})),
    )
    .await;
    let found: Vec<_> = endpoints(&server).scan(&EndpointQuery::new()).await.unwrap().collect();
    assert_eq!(found.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert!(endpoints(&server).list(&EndpointQuery::new()).await.is_err());
}

#[tokio::test]
async fn a_web_page_in_place_of_a_list_is_named_as_one() {
    let server = answering(ResponseTemplate::new(200).set_body_raw("<!DOCTYPE html><html>", "text/html")).await;
    let error = endpoints(&server).list(&EndpointQuery::new()).await.unwrap_err();
    assert_eq!(error.service_code(), Some("HtmlAnswer"));
}

#[tokio::test(start_paused = true)]
async fn projects_come_in_pages_by_continuation_token() {
    let script = Script::new(|request| {
        let uri = request.uri().to_string();
        let page = |name: &str| json!({"count": 1, "value": [{"id": PROJECT, "name": name, "state": "wellFormed"}]});
        if uri.contains("continuationToken=100") {
            plain(200, page("second"))
        } else {
            (200, vec![("x-ms-continuationtoken", "100".to_owned())], page("first"))
        }
    });
    let projects = script.organization(&VirtualClock::new()).projects(ProjectState::WellFormed).await.unwrap();
    assert_eq!(projects.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert!(script.calls()[0].contains("stateFilter=wellFormed") && script.calls()[0].contains("api-version=7.1"));
}

#[tokio::test(start_paused = true)]
async fn a_collection_on_premises_skips_and_uses_its_own_version() {
    let script = Script::new(|request| {
        let skip = request
            .uri()
            .query()
            .unwrap()
            .split('&')
            .find_map(|pair| pair.strip_prefix("%24skip="))
            .unwrap()
            .parse::<usize>()
            .unwrap();
        let left = 130_usize.saturating_sub(skip).min(100);
        plain(200, json!({"value": vec![json!({"id": PROJECT, "name": "p"}); left]}))
    });
    let collection = Collection::new("https://server:8443/tfs/Default Collection", ServerVersion::V2019).unwrap();
    let organization = script.client(&VirtualClock::new()).collection(&collection);
    assert_eq!(organization.projects(ProjectState::All).await.unwrap().len(), 130);
    let calls = script.calls();
    assert_eq!(calls.len(), 2);
    assert!(calls[0].starts_with("GET https://server:8443/tfs/Default%20Collection/_apis/projects?"), "{}", calls[0]);
    assert!(calls[0].contains("api-version=5.0-preview"));
}

#[tokio::test(start_paused = true)]
async fn executions_are_continued_until_the_limit() {
    let script = Script::new(|request| {
        let query = request.uri().query().unwrap();
        let from = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("continuationToken="))
            .map_or(100, |text| text.parse::<i64>().unwrap());
        let records: Vec<Value> = (0..40)
            .map(|n| json!({"endpointId": ID, "data": {"id": from - n, "planType": "Build", "result": null}}))
            .collect();
        (200, vec![("x-ms-continuationtoken", (from - 40).to_string())], json!({"count": 40, "value": records}))
    });
    let endpoints = script.organization(&VirtualClock::new()).endpoints(ProjectRef::new("Web").unwrap());
    let found = endpoints.all_executions(id(), 90).await.unwrap();
    assert_eq!((found.len(), found[89].id), (90, Some(11)));
    assert_eq!(script.calls().len(), 3);
}

#[tokio::test]
async fn an_organization_with_a_slash_never_reaches_the_network() {
    assert_eq!(azconnect_devops::OrganizationName::new("a/../b").unwrap_err().field(), Some("organization"));
    let server = answering(ResponseTemplate::new(404).set_body_json(json!({"message": "TF200016: The following project does not exist: x", "typeKey": "ProjectDoesNotExistWithNameException"}))).await;
    let error = endpoints(&server).list(&EndpointQuery::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.service_code()), (ErrorKind::NotFound, Some("TF200016")));
}

#[tokio::test(start_paused = true)]
async fn an_old_server_is_written_through_the_project() {
    let script = Script::new(|_| plain(200, azurerm()));
    let collection = Collection::new("https://server/Default", ServerVersion::V2019).unwrap();
    let organization = script.client(&VirtualClock::new()).collection(&collection);
    let endpoints = organization.endpoints(ProjectRef::new("Web").unwrap());
    let change = azconnect_devops::EndpointChange::new().with_description("kept");
    endpoints.update(&crate::support::endpoint(azurerm()), &change).await.unwrap();
    let put = script.calls().into_iter().find(|call| call.starts_with("PUT")).unwrap();
    assert_eq!(
        put,
        format!("PUT https://server/Default/Web/_apis/serviceendpoint/endpoints/{ID}?api-version=5.0-preview")
    );
}

/// A server of an older version that gives a full page of projects for ever.
#[tokio::test(start_paused = true)]
async fn a_server_whose_projects_never_end_is_left() {
    let script = Script::new(|_| {
        let project = json!({"id": PROJECT, "name": "again", "state": "wellFormed"});
        plain(200, json!({"count": 100, "value": vec![project; 100]}))
    });
    let collection = Collection::new("https://server/Default", ServerVersion::V2019).unwrap();
    let organization = script.client(&VirtualClock::new()).collection(&collection);
    let error = organization.projects(ProjectState::WellFormed).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unexpected, Some("devops.project.list")));
    assert!(error.message().contains("more than 1000 pages"), "{error}");
    assert_eq!(script.calls().len(), 1000);
}

/// Two tokens that name each other: neither names itself.
#[tokio::test(start_paused = true)]
async fn lists_whose_tokens_go_round_are_errors_and_not_ends() {
    let script = Script::new(|request| {
        let next = if request.uri().to_string().contains("continuationToken=7") { "8" } else { "7" };
        let execution = json!({"data": {"id": 1}});
        let token = json!({"authorizationId": ID, "displayName": "t", "scope": "s"});
        let list = json!({"value": [execution], "patTokens": [token], "continuationToken": next});
        (200, vec![("x-ms-continuationtoken", next.to_owned())], list)
    });
    let organization = script.organization(&VirtualClock::new());
    let executions = organization.endpoints(ProjectRef::new("Web").unwrap()).all_executions(id(), 1000).await;
    let tokens = organization.personal_tokens().await;
    for (error, operation) in
        [(executions.unwrap_err(), "devops.endpoint.executions"), (tokens.unwrap_err(), "devops.token.list")]
    {
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Unexpected, Some(operation)));
        assert!(error.message().contains("circles"), "{error}");
    }
    assert_eq!(script.calls().len(), 6);
}

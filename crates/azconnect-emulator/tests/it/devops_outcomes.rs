//! Both outcomes, where no document says which of two things Azure DevOps does.

use azconnect_emulator::{DevOpsOutcome, Held, Settings, UnsentSecrets};
use serde_json::{Value, json};

use crate::devops::{DevOps, azurerm, connected, refused};
use crate::harness::{OPERATOR, TENANT, WEB, Way};

const PRODUCTION: &str = "50000000-0000-4000-8000-000000000001";
const MISSING: &str = "99999999-0000-4000-8000-000000000000";
const ENDPOINTS: &str = "/contoso/Web/_apis/serviceendpoint/endpoints";

/// Contoso as it is by default, and as it is with another outcome.
async fn both(way: Way, outcome: DevOpsOutcome) -> [DevOps; 2] {
    let other = Settings::default().with_other_outcome(outcome);
    [DevOps::new(way, Settings::default(), &connected()).await, DevOps::new(way, other, &connected()).await]
}

fn federated(name: &str) -> Value {
    let mut document = azurerm(name);
    document["authorization"] = json!({"scheme": "WorkloadIdentityFederation",
        "parameters": {"tenantid": TENANT, "serviceprincipalid": OPERATOR}});
    document["serviceEndpointProjectReferences"] = json!([{"projectReference": {"id": WEB}, "name": name}]);
    document
}

async fn what_is_missing_is_null_or_404_and_a_project_400_or_404(way: Way) {
    let [first, other] = both(way, DevOpsOutcome::MissingConnectionNotFound).await;
    let path = format!("{ENDPOINTS}/{MISSING}");
    assert_eq!(first.ask("GET", &path).send().await.expect(200), Value::Null);
    refused(&other.ask("GET", &path).send().await.expect(404), "ServiceEndpointNotFoundException", MISSING);
    let [first, other] = both(way, DevOpsOutcome::MissingProjectNotFound).await;
    for (devops, status) in [(first, 400), (other, 404)] {
        let body = devops.ask("GET", "/contoso/Nowhere/_apis/serviceendpoint/endpoints").send().await.expect(status);
        refused(&body, "ProjectDoesNotExistException", "VS800075");
    }
}

async fn a_name_that_is_taken_is_500_or_409(way: Way) {
    let [first, other] = both(way, DevOpsOutcome::DuplicateNameConflict).await;
    for (devops, status) in [(first, 500), (other, 409)] {
        let path = "/contoso/_apis/serviceendpoint/endpoints?api-version=7.1";
        let body = devops.ask("POST", path).json(&federated("Production")).send().await.expect(status);
        refused(&body, "DuplicateServiceConnectionException", "already exists");
    }
}

async fn an_update_that_fails_inside_has_stored_its_change_or_not(way: Way) {
    let [first, other] = both(way, DevOpsOutcome::StoredBeforeFailing).await;
    for (devops, stored) in [(first, false), (other, true)] {
        let before = devops.get(PRODUCTION).await;
        let mut document = before.clone();
        document["data"]["url"] = json!("https://x");
        document["authorization"]["parameters"]["serviceprincipalkey"] = json!("new");
        let body = devops.put(&document).await.expect(500);
        refused(&body, "AuditLogEntryContainsDuplicateDataKeyException", "url");
        assert_eq!(devops.get(PRODUCTION).await != before, stored);
        assert_eq!(devops.held(PRODUCTION) == Held::Unknown, stored);
    }
}

async fn a_null_access_token_breaks_a_connection_or_not(way: Way) {
    let [first, other] = both(way, DevOpsOutcome::NullAccessTokenHarmless).await;
    for (devops, verdict) in [(first, "internalServerError"), (other, "ok")] {
        let mut document = devops.get(PRODUCTION).await;
        document["authorization"]["parameters"]["accessToken"] = Value::Null;
        devops.put(&document).await.expect(200);
        assert_eq!(devops.test(PRODUCTION, None).await["statusCode"], verdict);
    }
}

async fn disabling_needs_an_operation_or_not(way: Way) {
    let [first, other] = both(way, DevOpsOutcome::DisablingByOperation).await;
    for (devops, plainly) in [(first, true), (other, false)] {
        let mut document = devops.get(PRODUCTION).await;
        document["isDisabled"] = json!(true);
        document["description"] = json!("another");
        devops.put(&document).await.expect(200);
        let after = devops.get(PRODUCTION).await;
        assert_eq!((&after["isDisabled"], &after["description"]), (&json!(plainly), &json!("another")));
        let path =
            format!("/contoso/_apis/serviceendpoint/endpoints/{PRODUCTION}?operation=ChangeProperties&api-version=7.1");
        devops.ask("PUT", &path).json(&document).send().await.expect(200);
        assert_eq!(devops.get(PRODUCTION).await["isDisabled"], true);
    }
}

async fn a_federation_has_each_of_three_forms(way: Way) {
    let form = async |settings: Settings| {
        let devops = DevOps::new(way, settings, &connected()).await;
        let path = "/contoso/_apis/serviceendpoint/endpoints?api-version=7.1";
        let made = devops.ask("POST", path).json(&federated("New")).send().await.expect(200);
        let text = |key: &str| made["authorization"]["parameters"][key].as_str().unwrap().to_owned();
        (text("workloadIdentityFederationIssuer"), text("workloadIdentityFederationSubject"))
    };
    let (issuer, subject) = form(Settings::default()).await;
    assert_eq!(issuer, format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    assert!(subject.starts_with("/eid1/c/pub/t/") && !subject.contains(TENANT), "{subject}");
    let (issuer, subject) = form(Settings::default().with_other_outcome(DevOpsOutcome::PlainFederationSubject)).await;
    assert_eq!(issuer, format!("https://login.microsoftonline.com/{TENANT}/v2.0"));
    let devops = "499b84ac-1321-427f-aa17-267ca6975798";
    assert!(subject.starts_with(&format!("/eid1/c/pub/t/{TENANT}/a/{devops}/sc/")), "{subject}");
    let (issuer, subject) = form(Settings::default().with_other_outcome(DevOpsOutcome::RetiringIssuer)).await;
    assert!(issuer.starts_with("https://vstoken.dev.azure.com/"), "{issuer}");
    assert_eq!(subject, "sc://contoso/Web/New");
}

async fn project_references_are_shown_or_hidden_from_who_administers_a_project_alone(way: Way) {
    let mut seed = connected();
    seed["tenants"][0]["applications"][0]["devopsOrganizations"] = json!([]);
    seed["organizations"][0]["members"] =
        json!([{"application": OPERATOR, "groups": ["[Web]\\Endpoint Administrators"]}]);
    let hidden = Settings::default().with_other_outcome(DevOpsOutcome::ProjectReferencesHidden);
    for (settings, shows) in [(Settings::default(), true), (hidden, false)] {
        let devops = DevOps::new(way, settings, &seed).await;
        let mut document = devops.get(PRODUCTION).await;
        assert_eq!(document["serviceEndpointProjectReferences"].is_array(), shows);
        document["description"] = json!("another");
        devops.put(&document).await.expect(200);
        let listed = devops.ask("GET", ENDPOINTS).send().await.expect(200);
        assert_eq!(listed["count"], 2, "an update without references takes none away");
    }
}

async fn a_deletion_is_204_or_200(way: Way) {
    let [first, other] = both(way, DevOpsOutcome::DeletionAnsweredOk).await;
    for (devops, status) in [(first, 204), (other, 200)] {
        let path = format!("/contoso/_apis/serviceendpoint/endpoints/{PRODUCTION}?projectIds={WEB}&api-version=7.1");
        let reply = devops.ask("DELETE", &path).send().await;
        assert_eq!((reply.status, reply.text.as_str()), (status, ""));
    }
}

async fn errors_are_json_or_plain_text(way: Way) {
    let [_, other] = both(way, DevOpsOutcome::TextErrors).await;
    let reply = other.ask("GET", "/contoso/Nowhere/_apis/serviceendpoint/endpoints").send().await;
    assert_eq!((reply.status, reply.header("content-type")), (400, "text/plain; charset=utf-8"));
    assert!(reply.text.starts_with("VS800075: ") && reply.header("x-tfs-serviceerror").starts_with("VS800075"));
}

async fn an_absent_key_of_a_secret_may_refuse_the_update(way: Way) {
    let settings = Settings::default().with_unsent_secrets(UnsentSecrets::AbsentRefused);
    let devops = DevOps::new(way, settings, &connected()).await;
    let mut document = devops.get(PRODUCTION).await;
    devops.put(&document).await.expect(200);
    let held = devops.held(PRODUCTION);
    document["authorization"]["parameters"].as_object_mut().unwrap().remove("serviceprincipalkey");
    refused(&devops.put(&document).await.expect(400), "ArgumentException", "'serviceprincipalkey'");
    assert_eq!(devops.held(PRODUCTION), held);
}

mod ways {
    crate::both_ways! {
        what_is_missing_is_null_or_404_and_a_project_400_or_404
        a_name_that_is_taken_is_500_or_409
        an_update_that_fails_inside_has_stored_its_change_or_not
        a_null_access_token_breaks_a_connection_or_not
        disabling_needs_an_operation_or_not
        a_federation_has_each_of_three_forms
        project_references_are_shown_or_hidden_from_who_administers_a_project_alone
        a_deletion_is_204_or_200
        errors_are_json_or_plain_text
        an_absent_key_of_a_secret_may_refuse_the_update
    }
}

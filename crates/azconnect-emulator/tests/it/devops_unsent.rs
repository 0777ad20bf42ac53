//! What an update of a service connection does to a secret whose text it does not send.

use azconnect_emulator::{Held, Settings, UnsentSecrets};
use serde_json::{Value, json};

use crate::devops::{DevOps, connected};
use crate::harness::Way;

const PRODUCTION: &str = "50000000-0000-4000-8000-000000000001";

/// What is held after the key came as `null`, or was left out; and whether a reading shows the key's place.
async fn held_after(way: Way, settings: Settings, leave_out: bool) -> (bool, bool) {
    let devops = DevOps::new(way, settings, &connected()).await;
    let mut document = devops.get(PRODUCTION).await;
    assert_eq!(document["authorization"]["parameters"].get("serviceprincipalkey"), Some(&Value::Null));
    if leave_out {
        document["authorization"]["parameters"].as_object_mut().unwrap().remove("serviceprincipalkey");
    }
    document["description"] = json!("another");
    devops.put(&document).await.expect(200);
    let after = devops.get(PRODUCTION).await;
    assert_eq!(after["description"], "another");
    let shown = after["authorization"]["parameters"].get("serviceprincipalkey").is_some();
    let works = devops.test(PRODUCTION, None).await["statusCode"] == "ok";
    assert_eq!(works, devops.held(PRODUCTION) != Held::Nothing);
    (works, shown)
}

async fn by_default_null_keeps_a_secret_and_an_absent_key_loses_it(way: Way) {
    assert_eq!(held_after(way, Settings::default(), false).await, (true, true));
    assert_eq!(held_after(way, Settings::default(), true).await, (false, false));
}

async fn other_rules_play_the_other_outcomes(way: Way) {
    let rules = [
        (UnsentSecrets::NullKeeps, true, false),
        (UnsentSecrets::AbsentKeeps, false, true),
        (UnsentSecrets::AlwaysKept, true, true),
        (UnsentSecrets::AlwaysLost, false, false),
    ];
    for (rule, by_null, by_absence) in rules {
        let settings = || Settings::default().with_unsent_secrets(rule);
        assert_eq!(held_after(way, settings(), false).await.0, by_null, "{rule:?}");
        assert_eq!(held_after(way, settings(), true).await.0, by_absence, "{rule:?}");
    }
}

async fn a_deletion_names_a_project_that_is_there_before_a_connection_that_is(way: Way) {
    let devops = DevOps::new(way, Settings::default(), &connected()).await;
    let nowhere = "00000000-0000-4000-8000-00000000000f";
    let delete = async |id: &str, project: &str, status: u16| {
        let path = format!("/contoso/_apis/serviceendpoint/endpoints/{id}?projectIds={project}&api-version=7.1");
        devops.ask("DELETE", &path).send().await.expect(status)["typeKey"].clone()
    };
    assert_eq!(delete(PRODUCTION, nowhere, 400).await, "ProjectDoesNotExistException");
    assert_eq!(delete(nowhere, nowhere, 400).await, "ProjectDoesNotExistException");
    assert_eq!(delete(nowhere, crate::harness::WEB, 404).await, "ServiceEndpointNotFoundException");
    let path = format!("/kontoso/_apis/serviceendpoint/endpoints/{PRODUCTION}?projectIds={nowhere}&api-version=7.1");
    let page = devops.ask("DELETE", &path).send().await;
    assert_eq!(page.status, 404);
    assert!(page.text.starts_with("<!DOCTYPE html>"), "an organization that is not there is a page for people");
}

mod ways {
    crate::both_ways! {
        by_default_null_keeps_a_secret_and_an_absent_key_loses_it
        other_rules_play_the_other_outcomes
        a_deletion_names_a_project_that_is_there_before_a_connection_that_is
    }
}

//! What people do behind everybody's back, as the services' answers and the ground truth show it.

use std::time::Duration;

use azconnect_core::{ClientId, Clock, ErrorKind, KeyId, Secret};
use azconnect_emulator::{Held, Hidden, Settings};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::devops::{DevOps, connected};
use crate::harness::{DEPLOYER, DEPLOYER_OBJECT, GRAPH_SCOPE, Harness, Way, contoso};

const PRODUCTION: &str = "50000000-0000-4000-8000-000000000001";

fn deployer() -> ClientId {
    DEPLOYER.parse().unwrap()
}

fn production() -> Uuid {
    PRODUCTION.parse().unwrap()
}

fn soon(harness: &Harness) -> OffsetDateTime {
    harness.clock.now() + Duration::from_secs(30 * 86_400)
}

/// The keys that Graph lists for the application or its service principal, or the status and code of its refusal.
async fn listed(harness: &Harness, kind: &str) -> Result<Vec<String>, (u16, String)> {
    let token = harness.token(GRAPH_SCOPE).await;
    let reply = harness.graph("GET", &format!("/{kind}(appId='{DEPLOYER}')")).bearer(&token).send().await;
    let (status, body) = (reply.status, reply.json());
    if status != 200 {
        return Err((status, body["error"]["code"].as_str().unwrap().to_owned()));
    }
    let keys = body["passwordCredentials"].as_array().unwrap().iter();
    Ok(keys.map(|password| password["keyId"].as_str().unwrap().to_owned()).collect())
}

async fn sign_in(harness: &Harness, key: KeyId) -> Value {
    let secret = harness.emulator.secret_of(key).unwrap();
    harness.token_reply(DEPLOYER, secret.expose(), GRAPH_SCOPE).await.json()
}

fn accepted(harness: &Harness, key: KeyId) -> bool {
    let accepted = harness.emulator.truth().password(key).unwrap().accepted;
    assert_eq!(accepted.everywhere, accepted.somewhere);
    accepted.everywhere
}

#[tokio::test]
async fn a_secret_made_by_hand_works_and_one_deleted_by_hand_does_not() {
    let harness = Harness::contoso(Way::InProcess).await;
    let person = harness.emulator.person();
    let on_application = person.add_password(deployer(), "by hand", soon(&harness)).unwrap();
    let on_principal = person.add_service_principal_password(deployer(), "by hand", soon(&harness)).unwrap();
    for (key, kind) in [(on_application, "applications"), (on_principal, "servicePrincipals")] {
        assert!(sign_in(&harness, key).await["access_token"].is_string());
        assert!(listed(&harness, kind).await.unwrap().contains(&key.to_string()));
        person.delete_password(key).unwrap();
        assert!(sign_in(&harness, key).await["error_description"].as_str().unwrap().contains("AADSTS7000215"));
        assert!(!listed(&harness, kind).await.unwrap().contains(&key.to_string()));
        assert!(!accepted(&harness, key));
        assert_eq!(person.delete_password(key).unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn the_replicas_learn_of_a_deletion_by_hand_after_the_lag_of_lists() {
    let settings = Settings::default().with_list_lag(Duration::from_secs(4));
    let settings = settings.with_list_removal_lag(Duration::from_secs(90));
    let harness = Harness::new(Way::InProcess, settings, &contoso()).await;
    let person = harness.emulator.person();
    let key = person.add_password(deployer(), "by hand", soon(&harness)).unwrap();
    let mut seen = 0;
    for _ in 0..3 {
        seen += usize::from(listed(&harness, "applications").await.unwrap().contains(&key.to_string()));
    }
    assert!(seen < 3, "the slowest replica has not heard of it");
    harness.advance(4);
    for _ in 0..3 {
        assert!(listed(&harness, "applications").await.unwrap().contains(&key.to_string()));
    }
    person.delete_password(key).unwrap();
    harness.advance(89);
    let mut seen = 0;
    for _ in 0..3 {
        seen += usize::from(listed(&harness, "applications").await.unwrap().contains(&key.to_string()));
    }
    assert!(seen > 0, "the slowest replica lists it still, long after the lag of additions");
    harness.advance(1);
    for _ in 0..3 {
        assert!(!listed(&harness, "applications").await.unwrap().contains(&key.to_string()));
    }
}

#[tokio::test]
async fn a_lag_that_is_changed_while_all_runs_keeps_the_course_of_the_ids() {
    let mut keys = Vec::new();
    for lag in [None, Some(Duration::from_secs(60))] {
        let harness = Harness::contoso(Way::InProcess).await;
        let person = harness.emulator.person();
        person.add_password(deployer(), "first", soon(&harness)).unwrap();
        if let Some(lag) = lag {
            harness.emulator.adjust(|settings| settings.with_add_lag(lag));
        }
        let key = person.add_password(deployer(), "second", soon(&harness)).unwrap();
        assert_eq!(harness.emulator.truth().password(key).unwrap().accepted.everywhere, lag.is_none());
        keys.push(key);
    }
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_disabled_application_is_told_and_signs_nobody_in_until_it_is_enabled() {
    let harness = Harness::contoso(Way::InProcess).await;
    let person = harness.emulator.person();
    let key = person.add_password(deployer(), "by hand", soon(&harness)).unwrap();
    person.disable_application(deployer()).unwrap();
    assert!(sign_in(&harness, key).await["error_description"].as_str().unwrap().contains("AADSTS7000112"));
    assert!(!accepted(&harness, key));
    assert!(!harness.emulator.truth().application(deployer()).unwrap().enabled);
    person.enable_application(deployer()).unwrap();
    assert!(sign_in(&harness, key).await["access_token"].is_string());
    assert!(accepted(&harness, key));
}

#[tokio::test]
async fn a_deleted_application_is_gone_until_it_is_restored_with_all_it_had() {
    let harness = Harness::new(Way::InProcess, Settings::default(), &connected()).await;
    let person = harness.emulator.person();
    let key = person.add_password(deployer(), "by hand", soon(&harness)).unwrap();
    person.put_key_into_connection(production(), key).unwrap();
    let before = harness.emulator.truth();
    person.delete_application(deployer()).unwrap();

    let truth = harness.emulator.truth();
    assert!(truth.application(deployer()).is_none());
    assert_eq!(truth.deleted_applications[0].client_id, deployer());
    assert!(truth.password(key).unwrap().live && !accepted(&harness, key));
    let connection = truth.connection(production()).unwrap();
    assert_eq!((&connection.holds, connection.secret_usable_now), (&Held::Key(key), false));
    let missing = Err((404, "Request_ResourceNotFound".to_owned()));
    assert_eq!(listed(&harness, "applications").await, missing);
    assert_eq!(listed(&harness, "servicePrincipals").await, missing);
    assert!(sign_in(&harness, key).await["error_description"].as_str().unwrap().contains("AADSTS700016"));
    assert_eq!(person.delete_application(deployer()).unwrap_err().kind(), ErrorKind::NotFound);

    person.restore_application(deployer()).unwrap();
    let truth = harness.emulator.truth();
    let application = truth.application(deployer()).unwrap();
    let was = before.application(deployer()).unwrap();
    assert_eq!((application.object_id, application.service_principal_id), (was.object_id, was.service_principal_id));
    assert_eq!(application.passwords.len(), was.passwords.len());
    assert!(truth.deleted_applications.is_empty() && truth.connection(production()).unwrap().secret_usable_now);
    assert!(sign_in(&harness, key).await["access_token"].is_string());
    assert_eq!(person.restore_application(deployer()).unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_application_that_was_deleted_by_a_request_can_be_restored_too() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}");
    harness.graph("DELETE", &path).bearer(&token).send().await.expect(204);
    harness.emulator.person().restore_application(deployer()).unwrap();
    harness.graph("GET", &path).bearer(&token).send().await.expect(200);
}

#[tokio::test]
async fn a_hidden_service_principal_is_seen_by_nobody_and_signs_in_all_the_same() {
    let harness = Harness::contoso(Way::InProcess).await;
    let person = harness.emulator.person();
    let key = person.add_service_principal_password(deployer(), "by hand", soon(&harness)).unwrap();
    let token = harness.token(GRAPH_SCOPE).await;
    let count = async || {
        let list = harness.graph("GET", "/servicePrincipals").bearer(&token).send().await.expect(200);
        list["value"].as_array().unwrap().len()
    };
    let all = count().await;
    for (how, status, code) in
        [(Hidden::Denied, 403, "Authorization_RequestDenied"), (Hidden::NotFound, 404, "Request_ResourceNotFound")]
    {
        person.hide_service_principal(deployer(), how).unwrap();
        assert_eq!(listed(&harness, "servicePrincipals").await, Err((status, code.to_owned())));
        let path = format!("/servicePrincipals(appId='{DEPLOYER}')/removePassword");
        let body = json!({"keyId": key.to_string()});
        harness.graph("POST", &path).bearer(&token).json(&body).send().await.expect(status);
        assert_eq!(count().await, all - 1);
        assert!(listed(&harness, "applications").await.is_ok());
        assert!(accepted(&harness, key) && sign_in(&harness, key).await["access_token"].is_string());
    }
    person.show_service_principal(deployer()).unwrap();
    assert!(listed(&harness, "servicePrincipals").await.unwrap().contains(&key.to_string()));
}

#[tokio::test]
async fn a_secret_that_a_person_types_into_a_connection_is_what_it_holds() {
    let devops = DevOps::new(Way::InProcess, Settings::default(), &connected()).await;
    let person = devops.harness.emulator.person();
    let before = devops.get(PRODUCTION).await;
    let was = devops.held(PRODUCTION);
    devops.harness.advance(60);
    person.set_connection_secret(production(), &Secret::new("a slip of the hand")).unwrap();
    assert_eq!(devops.held(PRODUCTION), Held::Unknown);
    assert_ne!(devops.test(PRODUCTION, None).await["statusCode"], "ok");
    let after = devops.get(PRODUCTION).await;
    assert_ne!(after["modificationDate"], before["modificationDate"]);
    assert_eq!(after["authorization"], before["authorization"], "no answer shows it");

    let Held::Key(key) = was else { panic!("{was:?}") };
    person.put_key_into_connection(production(), key).unwrap();
    assert_eq!(devops.held(PRODUCTION), Held::Key(key));
    assert_eq!(devops.test(PRODUCTION, None).await["statusCode"], "ok");
}

#[tokio::test]
async fn a_connection_is_renamed_deleted_and_made_again_under_another_id() {
    let devops = DevOps::new(Way::InProcess, Settings::default(), &connected()).await;
    let person = devops.harness.emulator.person();
    person.rename_connection(production(), "Live").unwrap();
    let renamed = devops.get(PRODUCTION).await;
    assert_eq!(
        (&renamed["name"], &renamed["serviceEndpointProjectReferences"][0]["name"]),
        (&json!("Live"), &json!("Live"))
    );

    person.delete_connection(production()).unwrap();
    assert_eq!(devops.get(PRODUCTION).await, Value::Null);
    assert!(devops.harness.emulator.truth().connection(production()).is_none());
    assert_eq!(person.rename_connection(production(), "x").unwrap_err().kind(), ErrorKind::NotFound);

    let key = person.add_password(deployer(), "by hand", soon(&devops.harness)).unwrap();
    let secret = devops.harness.emulator.secret_of(key).unwrap();
    let again = person.recreate_connection(production(), &secret).unwrap();
    assert_ne!(again, production());
    let (mut made, mut was) = (devops.get(&again.to_string()).await, renamed);
    for document in [&mut made, &mut was] {
        for changed in ["id", "creationDate", "modificationDate", "createdBy", "modifiedBy"] {
            document.as_object_mut().unwrap().remove(changed);
        }
    }
    assert_eq!(made, was);
    assert_eq!(devops.held(&again.to_string()), Held::Key(key));
    // One that is there is deleted first: a project has no two connections of one name.
    let third = person.recreate_connection(again, &secret).unwrap();
    assert!(devops.harness.emulator.truth().connection(again).is_none());
    assert!(devops.harness.emulator.truth().connection(third).unwrap().secret_usable_now);
}

#[tokio::test]
async fn a_renamed_organization_answers_under_its_new_name_only() {
    let devops = DevOps::new(Way::InProcess, Settings::default(), &connected()).await;
    devops.harness.emulator.person().rename_organization("contoso", "contoso-2").unwrap();
    assert_eq!(devops.ask("GET", "/contoso/_apis/projects").send().await.status, 404);
    devops.ask("GET", "/contoso-2/_apis/projects").send().await.expect(200);
    let error = devops.harness.emulator.person().rename_organization("contoso", "x").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn nothing_panics_at_the_edge_of_the_calendar() {
    let harness = Harness::contoso(Way::InProcess).await;
    let token = harness.token(GRAPH_SCOPE).await;
    let path = format!("/applications/{DEPLOYER_OBJECT}/addPassword");
    for dates in [
        json!({"startDateTime": "9999-12-31T23:59:59Z"}),
        json!({"startDateTime": "9999-12-31T23:59:58Z", "endDateTime": "9999-12-31T23:59:59Z"}),
        json!({"endDateTime": "9999-12-31T23:59:59-12:00"}),
        json!({"startDateTime": "0000-01-01T00:00:00+12:00", "endDateTime": "9999-12-31T23:59:59Z"}),
    ] {
        let reply =
            harness.graph("POST", &path).bearer(&token).json(&json!({"passwordCredential": dates})).send().await;
        assert!(matches!(reply.status, 200 | 400), "{dates}: {}", reply.text);
        listed(&harness, "applications").await.unwrap();
        harness.emulator.truth();
    }
    let person = harness.emulator.person();
    person.add_password(deployer(), "for ever", datetime!(9999-12-31 23:59:59 UTC)).unwrap();
    person.add_password(deployer(), "never", datetime!(0000-01-01 0:00 UTC)).unwrap();
    let longest = Settings::default().with_add_lag(Duration::MAX).with_remove_lag(Duration::MAX);
    let longest = longest.with_list_lag(Duration::MAX).with_connection_lag(Duration::MAX);
    harness.emulator.adjust(|_| longest.with_token_lifetime(Duration::MAX));
    let key = person.add_password(deployer(), "unheard of", soon(&harness)).unwrap();
    harness.clock.set(datetime!(9999-12-31 23:59:59 UTC));
    person.delete_password(key).unwrap();
    person.delete_connection(Uuid::nil()).unwrap_err();
    harness.emulator.truth();
    let refused = harness.token_reply(DEPLOYER, "deployer-old", GRAPH_SCOPE).await.expect(401);
    assert!(refused["error_description"].as_str().unwrap().contains("AADSTS7000222"));
}

#[tokio::test]
async fn no_key_has_the_id_of_another_after_the_settings_were_replaced() {
    let harness = Harness::new(Way::InProcess, Settings::default(), &contoso()).await;
    let person = harness.emulator.person();
    for number in 0..20 {
        person.add_password(deployer(), &number.to_string(), soon(&harness)).unwrap();
    }
    let truth = harness.emulator.truth();
    let mut keys: Vec<_> =
        truth.applications.iter().flat_map(|one| &one.passwords).map(|password| password.key_id).collect();
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
}

//! Our client under both outcomes, where no document says which of two things Azure DevOps does.

use azconnect_core::{Effect, ErrorKind};
use azconnect_credential::{Candidate, CredentialSink as _};
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureScope, ConversionRules, Deletion, EndpointChange, EndpointId,
    FederationIssuer, ProjectRef, ReadyPolicy, ServiceConnectionSharing, ServiceConnectionSink, StoredSecret,
};
use azconnect_emulator::{BadAuthentication, DevOpsOutcome, Settings, UnsentSecrets};
use serde_json::json;

use crate::emulated::{APPLICATION, AUTOMATIC, AZURE, SUBSCRIPTION, TENANT, World, destination};
use crate::ports::address;

/// Every setting that chooses between outcomes, and leaves it possible to do everything.
fn every_setting() -> Vec<(String, Settings)> {
    let plain = Settings::default;
    let mut all = vec![
        ("none".to_owned(), plain()),
        ("a mark before errors".to_owned(), plain().with_bom_on_errors(true)),
        ("numbers for words".to_owned(), plain().with_numeric_status_codes(true)),
        ("always kept".to_owned(), plain().with_unsent_secrets(UnsentSecrets::AlwaysKept)),
        ("an absent key is refused".to_owned(), plain().with_unsent_secrets(UnsentSecrets::AbsentRefused)),
    ];
    let outcomes = DevOpsOutcome::ALL.into_iter();
    all.extend(outcomes.map(|outcome| (outcome.as_str().to_owned(), plain().with_other_outcome(outcome))));
    all
}

fn azure() -> EndpointId {
    AZURE.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_change_a_rotation_and_a_disabling_arrive_whatever_the_service_does() {
    for (what, settings) in every_setting() {
        let world = World::new(settings, AZURE);
        let minted = world.add_password().await;
        let sink = ServiceConnectionSink::new(world.web(), azure())
            .unwrap()
            .with_application(TENANT.parse().unwrap(), APPLICATION.parse().unwrap())
            .with_destination(destination(azure()));
        sink.push(&Candidate::new(&minted.secret)).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert!(world.holds(azure(), &minted.secret), "{what}");
        assert!(sink.verify(&Candidate::new(&minted.secret)).await.is_accepted(), "{what}");
        let before = world.web().get(azure()).await.unwrap();
        let change = EndpointChange::new().with_description("another").with_disabled(true);
        let after = world.web().update(&before, &change).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!((after.secret, after.endpoint.is_disabled()), (StoredSecret::Works, Some(true)), "{what}");
        assert_eq!(after.endpoint.document()["unknownToUs"], json!({"kept": [1, 2]}), "{what}");
        world.assert_known_routes();
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversion_sharing_and_a_deletion_arrive_whatever_the_service_does() {
    for (what, settings) in every_setting() {
        let world = World::new(settings, AUTOMATIC);
        let automatic: EndpointId = AUTOMATIC.parse().unwrap();
        let before = world.web().get(automatic).await.unwrap();
        let converted = world.web().convert(&before, ConversionRules::new()).await;
        let converted = converted.unwrap_or_else(|error| panic!("{what}: {error:?}")).done().unwrap();
        assert!(converted.is_federated(), "{what}");
        let retiring = what == DevOpsOutcome::RetiringIssuer.as_str();
        let issuer = if retiring { FederationIssuer::AzureDevOps } else { FederationIssuer::Entra };
        assert_eq!(converted.federation_issuer(), issuer, "{what}");
        let reverted = world.web().revert(&converted).await.unwrap().done().unwrap();
        assert!(reverted.is_scheme("ServicePrincipal"), "{what}");

        let client = world.client("anns-access-token");
        let mobile = ProjectRef::new("Mobile").unwrap();
        let connection = address("Web").connection(azure());
        client.share(&connection, &mobile, "borrowed").await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        client.unshare(&connection, &mobile).await.unwrap_or_else(|error| panic!("{what}: {error:?}"));

        let organization = world.organization("anns-access-token");
        let web = organization.project(&ProjectRef::new("Web").unwrap()).await.unwrap();
        let deleted = organization.delete_connection(azure(), &[web.id], Deletion::ConnectionOnly).await;
        deleted.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        world.web().wait_until_deleted(azure(), ReadyPolicy::default()).await.unwrap();
        assert!(world.emulator.truth().connection(azure().as_uuid()).is_none(), "{what}");
        world.assert_known_routes();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_or_taken_is_told_whatever_the_service_does() {
    for (what, settings) in every_setting() {
        let world = World::new(settings, AZURE);
        let organization = world.organization("anns-access-token");
        let missing = world.web().get("00000000-0000-4000-8000-00000000000f".parse().unwrap()).await.unwrap_err();
        assert_eq!((missing.kind(), missing.effect()), (ErrorKind::NotFound, Effect::None), "{what}");
        let nowhere = organization.endpoints(ProjectRef::new("Nowhere").unwrap());
        let missing = nowhere.get(azure()).await.unwrap_err();
        assert_eq!((missing.kind(), missing.service_code()), (ErrorKind::NotFound, Some("VS800075")), "{what}");

        let project = organization.project(&ProjectRef::new("Web").unwrap()).await.unwrap();
        let tenant = TENANT.parse().unwrap();
        let scope = AzureScope::subscription(SUBSCRIPTION.parse().unwrap(), "P");
        let taken = AzureConnection::new("production", scope, AzureCredential::ManagedIdentity { tenant });
        let error = organization.create_connection(&taken.build(&project).unwrap()).await.unwrap_err();
        // Plain text says in no code what was wrong: then nothing is claimed.
        let told = match what == DevOpsOutcome::TextErrors.as_str() {
            true => error.effect() == Effect::Unknown,
            false => (error.kind(), error.effect()) == (ErrorKind::Conflict, Effect::None),
        };
        assert!(told, "{what}: {error:?}");
        assert_eq!(world.web().by_names(&["production"]).await.unwrap().len(), 1, "{what}");
    }
}

/// The audit step may come after the commit: a 500 then comes with a change that is stored.
#[tokio::test(start_paused = true)]
async fn an_update_that_fails_inside_claims_nothing_and_tells_of_the_change_that_shows() {
    for stored in [false, true] {
        let settings = match stored {
            true => Settings::default().with_other_outcome(DevOpsOutcome::StoredBeforeFailing),
            false => Settings::default(),
        };
        let world = World::new(settings, AZURE);
        let before = world.web().get(azure()).await.unwrap();
        let change = EndpointChange::new().with_data("url", Some("https://x".to_owned())).with_description("another");
        let error = world.web().update(&before, &change).await.unwrap_err();
        assert_eq!(error.service_code(), Some("AuditLogEntryContainsDuplicateDataKeyException"));
        assert_eq!(error.effect(), Effect::Unknown, "{error}");
        assert_eq!(error.message().contains("yet connection"), stored, "{error}");
        let after = world.web().get(azure()).await.unwrap();
        assert_eq!(after.description() == Some("another"), stored);
    }
}

/// Who administers one project sees, or does not see, in which projects a connection is; a change takes none of them away.
#[tokio::test(start_paused = true)]
async fn hidden_project_references_survive_a_change() {
    for hidden in [false, true] {
        let settings = match hidden {
            true => Settings::default().with_other_outcome(DevOpsOutcome::ProjectReferencesHidden),
            false => Settings::default(),
        };
        let world = World::changed(settings, AZURE, |seed| {
            seed["organizations"][0]["members"][1]["groups"] = json!(["[Web]\\Endpoint Administrators"]);
        });
        let client = world.client("anns-access-token");
        client
            .share(&address("Web").connection(azure()), &ProjectRef::new("Mobile").unwrap(), "borrowed")
            .await
            .unwrap();
        let bobs = world.organization("bobs-access-token").endpoints(ProjectRef::new("Web").unwrap());
        let before = bobs.get(azure()).await.unwrap();
        assert_eq!(before.projects().count(), usize::from(!hidden));
        let after = bobs.update(&before, &EndpointChange::new().with_description("bob's")).await.unwrap();
        assert_eq!(after.endpoint.description(), Some("bob's"));
        assert_eq!(world.web().get(azure()).await.unwrap().projects().count(), 2);
    }
}

/// Bad authentication comes in four forms, on every route.
#[tokio::test(start_paused = true)]
async fn bad_authentication_in_each_form_ends_a_change_with_nothing_written() {
    for shape in [
        BadAuthentication::Html203,
        BadAuthentication::Redirect302,
        BadAuthentication::Empty401,
        BadAuthentication::Json401,
    ] {
        let world = World::new(Settings::default().with_bad_authentication(shape), AZURE);
        let before = world.web().get(azure()).await.unwrap();
        let strangers = world.organization("nobodys-token").endpoints(ProjectRef::new("Web").unwrap());
        let error = strangers.update(&before, &EndpointChange::new().with_description("x")).await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unauthenticated, Effect::None), "{shape:?}: {error:?}");
        assert_eq!(world.web().get(azure()).await.unwrap().description(), None);
    }
}

//! A deletion: what is not found is not always deleted.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_devops::{
    Deletion, EndpointId, OrganizationName, ProjectAddress, ProjectId, ProjectRef, ReadyPolicy, ServiceConnectionWriter,
};
use azconnect_emulator::{CannedAnswer, Fault, FaultAction, Service, Settings};
use serde_json::{Value, json};

use crate::emulated::{AZURE, World};
use crate::ports::address;

const NOWHERE: &str = "00000000-0000-4000-8000-00000000000f";

fn missing() -> EndpointId {
    NOWHERE.parse().unwrap()
}

fn is_there(world: &World) -> bool {
    world.emulator().truth().connection(AZURE.parse().unwrap()).is_some()
}

/// Everything that is answered with a failure looks like this from now on.
fn answer_all(world: &World, method: &str, answer: CannedAnswer) {
    let fault = Fault::new(FaultAction::Answer(answer)).with_service(Service::DevOps).with_method(method).forever();
    world.emulator().faults().add(fault);
}

/// Both ways to delete a connection, the second with a reading before.
async fn delete(world: &World, project: &ProjectAddress, id: EndpointId) -> [Result<(), Error>; 2] {
    let client = world.client("anns-access-token");
    let web: ProjectId = world.organization("anns-access-token").project(&address("Web").project).await.unwrap().id;
    let projects = match &project.project {
        ProjectRef::Id(id) => vec![*id],
        ProjectRef::Name(_) => vec![web],
    };
    let organization = client.organization(&project.organization).unwrap();
    let first = organization.delete_connection(id, &projects, Deletion::ConnectionOnly).await;
    [first, client.delete(&project.connection(id), Deletion::ConnectionOnly).await]
}

/// `ServiceEndpointNotFoundException` to the deletion, 200 with `null` to the reading.
#[tokio::test(start_paused = true)]
async fn a_connection_that_the_service_says_is_not_there_is_deleted() {
    let world = World::new(Settings::default(), AZURE);
    for outcome in delete(&world, &address("Web"), missing()).await {
        outcome.unwrap();
    }
    world.web().wait_until_deleted(missing(), ReadyPolicy::default()).await.unwrap();
    for type_key in
        ["EndpointNotFoundException", "ServiceConnectionNotFoundException", "serviceendpointnotfoundexception"]
    {
        let world = World::new(Settings::default(), AZURE);
        answer_all(&world, "DELETE", CannedAnswer::new(404).with_body(json!({"typeKey": type_key})));
        let [first, second] = delete(&world, &address("Web"), AZURE.parse().unwrap()).await;
        assert!(first.is_ok() && second.is_ok(), "{type_key}");
    }
}

/// An organization that does not exist is answered with a page for people.
#[tokio::test(start_paused = true)]
async fn in_a_misspelt_organization_nothing_is_deleted() {
    let world = World::new(Settings::default(), AZURE);
    let kontoso = ProjectAddress::new(OrganizationName::new("kontoso").unwrap(), ProjectRef::new("Web").unwrap());
    for outcome in delete(&world, &kontoso, AZURE.parse().unwrap()).await {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, Effect::None), "{error}");
        assert!(error.advice().contains("organization's name"), "{}", error.advice());
    }
    assert!(is_there(&world));
}

/// A project that is missing, or that the caller may not see, is answered with 400 and VS800075.
#[tokio::test(start_paused = true)]
async fn from_an_unseen_project_nothing_is_deleted() {
    let world = World::new(Settings::default(), AZURE);
    let nowhere = ProjectAddress::new(OrganizationName::new("contoso").unwrap(), ProjectRef::new(NOWHERE).unwrap());
    for id in [AZURE.parse().unwrap(), missing()] {
        for outcome in delete(&world, &nowhere, id).await {
            let error = outcome.unwrap_err();
            let told = (error.kind(), error.effect(), error.service_code());
            assert_eq!(told, (ErrorKind::NotFound, Effect::None, Some("VS800075")), "{error}");
        }
    }
    assert!(is_there(&world));
}

/// Whatever else answers 404 says nothing of the connection, and where it is not the service, nothing of the request.
#[tokio::test(start_paused = true)]
async fn a_404_of_something_else_is_no_deletion() {
    let page = Value::String("<!DOCTYPE html><title>not here</title>".to_owned());
    let others = [
        (page, Effect::Unknown),
        (Value::Null, Effect::Unknown),
        (json!({"error": "no route"}), Effect::Unknown),
        (json!({"message": "x", "typeKey": "ProfileDoesNotExistException"}), Effect::None),
        (json!({"message": "x", "typeKey": "HostDoesNotExistException"}), Effect::None),
        (json!({"message": "VS800075: x", "typeKey": "ServiceEndpointNotFoundException"}), Effect::None),
    ];
    for (body, effect) in others {
        let world = World::new(Settings::default(), AZURE);
        let projects = [world.organization("anns-access-token").project(&address("Web").project).await.unwrap().id];
        answer_all(&world, "DELETE", CannedAnswer::new(404).with_body(body.clone()));
        let organization = world.organization("anns-access-token");
        let deleted = organization.delete_connection(missing(), &projects, Deletion::ConnectionOnly).await;
        let error = deleted.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, effect), "{body}");
        // The reading before a deletion: nothing was sent yet, whatever the answer.
        answer_all(&world, "GET", CannedAnswer::new(404).with_body(body.clone()));
        let client = world.client("anns-access-token");
        let deleted = client.delete(&address("Web").connection(missing()), Deletion::ConnectionOnly).await;
        let error = deleted.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::NotFound, Effect::None), "{body}");
        // Nor does it end the wait for a deletion in the background.
        let policy = ReadyPolicy::default().with_interval(Duration::from_secs(1));
        let waited = world.web().wait_until_deleted(AZURE.parse().unwrap(), policy).await;
        assert_eq!(waited.unwrap_err().kind(), ErrorKind::NotFound, "{body}");
        assert!(is_there(&world));
    }
}

/// Before anything is written, a failure has no effect, whatever it says of itself.
#[tokio::test(start_paused = true)]
async fn a_project_that_cannot_be_read_before_a_write_leaves_everything_as_it_is() {
    use azconnect_core::Secret;
    use azconnect_devops::{DockerConnection, DockerRegistry, ServiceConnectionSharing};
    let world = World::new(Settings::default(), AZURE);
    let project = world.organization("anns-access-token").project(&address("Web").project).await.unwrap();
    let fault =
        Fault::new(FaultAction::LoseAnswer).with_service(Service::DevOps).with_path("/_apis/projects/").forever();
    world.emulator().faults().add(fault);
    let client = world.client("anns-access-token");
    let secret = Secret::new("x");
    let registry = DockerRegistry::DockerHub { user: "me".to_owned(), password: &secret, email: None };
    let connection = DockerConnection::new("hub", registry).build(&project).unwrap();
    let connection = client.create(&address("Web"), &connection).await.map(drop);
    let mobile = ProjectRef::new("Mobile").unwrap();
    let shared = client.share(&address("Web").connection(AZURE.parse().unwrap()), &mobile, "x").await;
    let unshared = client.unshare(&address("Web").connection(AZURE.parse().unwrap()), &mobile).await;
    for outcome in [connection, shared, unshared] {
        assert_eq!(outcome.unwrap_err().effect(), Effect::None);
    }
}

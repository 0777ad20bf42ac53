//! What the client promises each role, and what the service then allows it.

use azconnect_core::{Error, ErrorKind, Secret};
use azconnect_credential::CheckStatus;
use azconnect_devops::{
    ConversionRules, Deletion, EndpointChange, EndpointId, EndpointRight, Endpoints, GenericConnection, Organization,
    ProjectRef,
};
use azconnect_emulator::Settings;
use serde_json::{Value, json};

use crate::emulated::{AUTOMATIC, AZURE, World};

/// Bob in some groups, with some rights of his own, and perhaps the one who made the connection.
#[derive(Clone)]
struct Role {
    name: &'static str,
    groups: &'static [&'static str],
    grants: fn(project: &str) -> Value,
    made_it: bool,
}

const fn group(name: &'static str, groups: &'static [&'static str]) -> Role {
    Role { name, groups, grants: |_| json!([]), made_it: false }
}

/// The web project's id, which the seed makes of its name.
async fn web_id() -> String {
    let world = World::new(Settings::default(), AZURE);
    let project = world.organization("anns-access-token").project(&ProjectRef::new("Web").unwrap()).await;
    project.unwrap().id.to_string()
}

fn roles() -> Vec<Role> {
    const READER: &[&str] = &["[Web]\\Readers"];
    let own = |name, grants| Role { name, groups: READER, grants, made_it: false };
    vec![
        group("reader", READER),
        group("contributor", &["[Web]\\Contributors"]),
        group("build administrator", &["[Web]\\Build Administrators"]),
        group("endpoint creator", &["[Web]\\Endpoint Creators"]),
        group("endpoint administrator", &["[Web]\\Endpoint Administrators"]),
        group("project administrator", &["[Web]\\Project Administrators"]),
        group("collection administrator", &["[contoso]\\Project Collection Administrators"]),
        Role { made_it: true, ..group("creator of the connection", READER) },
        own(
            "administrator of the project's connections",
            |web| json!([{"token": format!("endpoints/{web}"), "allow": 19}]),
        ),
        own(
            "administrator of one connection in the project",
            |web| json!([{"token": format!("endpoints/{web}/{AZURE}"), "allow": 19}]),
        ),
        own(
            "administrator of one connection in the organization",
            |_| json!([{"token": format!("endpoints/Collection/{AZURE}"), "allow": 2}]),
        ),
    ]
}

/// A world in which Bob has a role, and Bob's organization.
fn as_bob(role: &Role, web: &str, connection: &str) -> (World, Organization) {
    let world = World::changed(Settings::default(), connection, |seed| {
        let organization = &mut seed["organizations"][0];
        organization["members"][1]["groups"] = json!(role.groups);
        organization["members"][1]["grants"] = (role.grants)(web);
        if role.made_it {
            organization["projects"][0]["connections"][0]["createdBy"] = json!("bob@contoso.com");
        }
    });
    let organization = world.organization("bobs-access-token");
    (world, organization)
}

fn bobs(organization: &Organization) -> Endpoints {
    organization.endpoints(ProjectRef::new("Web").unwrap())
}

#[track_caller]
fn assert_as_promised<T: std::fmt::Debug>(promised: bool, outcome: &Result<T, Error>, what: &str) {
    match outcome {
        Ok(_) => assert!(promised, "{what} is allowed, and was not promised"),
        Err(error) => {
            assert!(!promised, "{what} was promised: {error:?}");
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{what}: {error:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_promised_to_a_role_is_what_the_service_allows_it() {
    let web = web_id().await;
    let id: EndpointId = AZURE.parse().unwrap();
    for role in roles() {
        let new = || as_bob(&role, &web, AZURE);
        let what = |operation: &str| format!("{operation} by {}", role.name);
        let (_world, organization) = new();
        let project = organization.project(&ProjectRef::new("Web").unwrap()).await.unwrap();
        let may = organization.connection_permission(&project, id).await.unwrap();
        let check = bobs(&organization).secret_permission(id).await;
        assert_eq!((check.status == CheckStatus::Passed), may.change_secret, "{}: {check}", role.name);
        let creates = organization.has_right(EndpointRight::Create, &[&format!("endpoints/{web}")]).await.unwrap()[0];
        // What holds for every connection of the project holds for this one.
        let report = organization.permission(&ProjectRef::new("Web").unwrap()).await.unwrap();
        assert!(!report.allows() || may.administer, "{}: {:?}", role.name, report.grounds);
        let changes = may.administer || may.change_secret;

        let before = bobs(&organization).get(id).await;
        assert_as_promised(may.view, &before, &what("seeing"));
        let Ok(before) = before else { continue };
        let change = EndpointChange::new().with_description("another");
        assert_as_promised(changes, &bobs(&organization).update(&before, &change).await, &what("a change"));

        let (world, organization) = new();
        let secret = Secret::new("deployer-old");
        let change = EndpointChange::new().with_secret(&secret).with_description("another");
        let outcome = bobs(&organization).update(&before, &change).await;
        assert_as_promised(may.change_secret, &outcome, &what("a new secret"));
        let grants = bobs(&organization).grant_all_pipelines(id, true).await;
        assert_as_promised(may.administer, &grants, &what("a grant to pipelines"));
        let wish = GenericConnection::new("bob's", "https://server.example.com").build(&project).unwrap();
        assert_as_promised(creates, &organization.create_connection(&wish).await, &what("a creation"));
        let deleted = organization.delete_connection(id, &[project.id], Deletion::ConnectionOnly).await;
        assert_as_promised(changes, &deleted, &what("a deletion"));
        world.assert_known_routes();

        let (_world, organization) = as_bob(&role, &web, AUTOMATIC);
        let automatic: EndpointId = AUTOMATIC.parse().unwrap();
        let may = organization.connection_permission(&project, automatic).await.unwrap();
        let before = bobs(&organization).get(automatic).await.unwrap();
        let converted = bobs(&organization).convert(&before, ConversionRules::new()).await;
        assert_as_promised(may.change_secret, &converted, &what("a conversion"));
    }
}

/// A group's name alone is not enough: Endpoint Administrators administer the connections of their project, and no secret.
#[tokio::test(start_paused = true)]
async fn whoever_does_as_the_advice_says_may_do_what_was_refused() {
    let web = web_id().await;
    let id: EndpointId = AZURE.parse().unwrap();
    let place = ProjectRef::new("Web").unwrap();
    let (_world, organization) = as_bob(&group("contributor", &["[Web]\\Contributors"]), &web, AZURE);
    let report = organization.permission(&place).await.unwrap();
    let advice = report.require().unwrap_err().advice().to_owned();
    for part in ["Bob", "[Web]\\Project Administrators", "[Web]\\Endpoint Administrators", "role Administrator"] {
        assert!(advice.contains(part), "{part}: {advice}");
    }
    let own = roles().into_iter().find(|role| role.name == "administrator of the project's connections").unwrap();
    for followed in [group("the group", &["[Web]\\Endpoint Administrators"]), own] {
        let (_world, organization) = as_bob(&followed, &web, AZURE);
        organization.permission(&place).await.unwrap().require().unwrap();
        let before = bobs(&organization).get(id).await.unwrap();
        let change = EndpointChange::new().with_description("another");
        bobs(&organization).update(&before, &change).await.unwrap();

        let check = bobs(&organization).secret_permission(id).await;
        assert!(check.blocks(), "{check}");
        for part in ["Bob", "Organization-level permissions", "[contoso]\\Project Collection Administrators"] {
            assert!(check.remedy.contains(part), "{part}: {}", check.remedy);
        }
    }
    for followed in ["collection administrator", "administrator of one connection in the organization"] {
        let role = roles().into_iter().find(|role| role.name == followed).unwrap();
        let (world, organization) = as_bob(&role, &web, AZURE);
        assert!(bobs(&organization).secret_permission(id).await.status == CheckStatus::Passed, "{followed}");
        let before = bobs(&organization).get(id).await.unwrap();
        let minted = world.add_password().await;
        bobs(&organization).update(&before, &EndpointChange::new().with_secret(&minted.secret)).await.unwrap();
        assert!(world.holds(id, &minted.secret), "{followed}");
    }
}

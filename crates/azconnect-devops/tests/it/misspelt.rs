//! Every member of every body that our client sends, misspelt: the service refuses it, or shows that something is amiss.
//!
//! So the names that the client writes are those that the service reads, and a test that passes did not pass by an accident of
//! both sides.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use azconnect_core::{Error, Secret};
use azconnect_credential::Candidate;
use azconnect_devops::{
    ConversionRules, DevOpsClient, EndpointChange, Endpoints, Organization, OrganizationName, PersonalAccessToken,
    ProjectRef,
};
use azconnect_emulator::{DevOpsOutcome, Settings};
use azconnect_http::{Pipeline, Request, Response, Transport};
use serde_json::Value;

use crate::emulated::{AUTOMATIC, AZURE, CLUSTER, DOCKER, REGISTRY, SERVER, World};
use crate::strict::{Secrets, wishes};

/// Keeps what was sent.
struct Recorder {
    inner: Arc<dyn Transport>,
    sent: Mutex<Vec<Request>>,
}

#[async_trait]
impl Transport for Recorder {
    async fn send(&self, request: Request) -> Result<Response, Error> {
        self.sent.lock().unwrap().push(request.clone());
        self.inner.send(request).await
    }
}

fn organization(world: &World, transport: Arc<dyn Transport>) -> Organization {
    let token = PersonalAccessToken::new(Secret::new("anns-access-token")).unwrap();
    let pipeline = Pipeline::new(transport, Arc::new(world.clock.clone()));
    let client = DevOpsClient::new(pipeline, &world.emulator.cloud(), Arc::new(token));
    client.organization(&OrganizationName::new("contoso").unwrap()).unwrap()
}

/// Everything that our client writes, in the order in which it does.
async fn everything(organization: &Organization) {
    let project = organization.project(&ProjectRef::new("Web").unwrap()).await.unwrap();
    let mobile = organization.project(&ProjectRef::new("Mobile").unwrap()).await.unwrap();
    let of = |project: &str| -> Endpoints { organization.endpoints(ProjectRef::new(project).unwrap()) };
    let (web, others) = (of("Web"), of("Other kinds"));
    let secrets = Secrets::new();
    for wish in wishes(&secrets, &project) {
        organization.create_connection(&wish).await.unwrap();
    }
    let secret = Secret::new("deployer-old");
    for (endpoints, id) in [(&web, AZURE), (&web, DOCKER), (&others, REGISTRY), (&others, SERVER), (&others, CLUSTER)] {
        let id = id.parse().unwrap();
        let before = endpoints.get(id).await.unwrap();
        let change =
            EndpointChange::new().with_description("another").with_name(format!("renamed {id}")).with_disabled(true);
        let change = match id.to_string() == CLUSTER {
            true => change.with_confidential_parameter("spnKey", &secret),
            false => change.with_secret(&secret),
        };
        let after = endpoints.update(&before, &change).await.unwrap().endpoint;
        let back = EndpointChange::new().with_description("back");
        endpoints.update_all(&[(&after, &back)]).await.unwrap();
    }
    let azure = web.get(AZURE.parse().unwrap()).await.unwrap();
    // Another than the stored one, which is tested where no candidate comes.
    let candidate = Secret::new("a-wrong-one");
    assert!(!web.verify_candidate(&azure, &Candidate::new(&candidate)).await.is_accepted());
    organization.share(azure.id(), &[(&mobile, "borrowed")]).await.unwrap();
    web.grant_all_pipelines(azure.id(), true).await.unwrap();
    web.grant_pipelines(azure.id(), &[3], true).await.unwrap();
    let automatic = web.get(AUTOMATIC.parse().unwrap()).await.unwrap();
    web.convert(&automatic, ConversionRules::new()).await.unwrap().done().unwrap();
}

/// The paths of all members of a body.
fn members(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let path = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                members(value, &path, found);
                found.push(path);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| members(item, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

fn misspelt(body: &Value, path: &str) -> Value {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let mut body = body.clone();
    let map = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    let value = map.shift_remove(name).unwrap();
    map.insert(format!("{name}x"), value);
    body
}

/// What of a body says nothing: the service decides it itself, whatever a client sends.
fn is_the_service_s(path: &str) -> bool {
    const OWN: [&str; 10] = [
        "isShared",
        "isReady",
        "isOutdated",
        "createdBy",
        "modifiedBy",
        "creationDate",
        "modificationDate",
        "operationStatus",
        "owner",
        "resultTransformationDetails",
    ];
    // A project is known by its id, which the reference repeats; so is a connection, by the address.
    let repeated = path.ends_with("/projectReference/name") || path == "/id";
    // A reference without a name has the connection's.
    let named = path.contains("/serviceEndpointProjectReferences/") && path.ends_with("/name");
    // An update adds projects and takes none away, so that it may name none.
    let none = path.ends_with("/serviceEndpointProjectReferences");
    // Asked for, since the service's default is the same.
    let default = path == "/alwaysAllowAdministrators";
    // What the service has added goes back as it came: that is no name of ours.
    let theirs = path.contains("/unknownToUs");
    repeated || named || none || theirs || default || path.split('/').any(|part| OWN.contains(&part))
}

/// A world to which the first requests were sent, the last of them as given, and what it shows then.
async fn shown_after(settings: &Settings, requests: &[Request], last: Request) -> (u16, String) {
    let world = World::new(settings.clone(), AZURE);
    let transport = world.emulator.transport();
    for request in requests {
        transport.send(request.clone()).await.unwrap();
    }
    let authorization = last.headers()["authorization"].clone();
    let answer = transport.send(last).await.unwrap();
    let mut shown = String::from_utf8(answer.body().to_vec()).unwrap();
    let truth = world.emulator.truth();
    for connection in &truth.connections {
        shown.push_str(&serde_json::to_string(&connection.holds).unwrap());
    }
    for project in ["Web", "Mobile", "Other%20kinds"] {
        let url = format!("https://dev.azure.com/contoso/{project}/_apis/serviceendpoint/endpoints?includeFailed=true");
        let mut get = http::Request::get(url).body(bytes::Bytes::new()).unwrap();
        get.headers_mut().insert("authorization", authorization.clone());
        shown.push_str(&String::from_utf8_lossy(transport.send(get).await.unwrap().body()));
    }
    (answer.status().as_u16(), shown)
}

#[tokio::test(start_paused = true)]
async fn no_member_of_any_body_can_be_misspelt_unnoticed() {
    let world = World::new(Settings::default(), AZURE);
    let recorder = Arc::new(Recorder { inner: world.emulator.transport(), sent: Mutex::default() });
    everything(&organization(&world, recorder.clone())).await;
    let sent = std::mem::take(&mut *recorder.sent.lock().unwrap());
    let writes: Vec<Request> =
        sent.into_iter().filter(|request| request.method() != "GET" && !request.body().is_empty()).collect();
    let strict = Settings::default().with_other_outcome(DevOpsOutcome::UnknownMembersRefused);
    let mut tried = 0;
    for (index, request) in writes.iter().enumerate() {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        let before: Vec<Request> = writes.iter().take(index).filter(|request| is_built_on(request)).cloned().collect();
        let (status, good) = shown_after(&Settings::default(), &before, request.clone()).await;
        // The service has no test for some kinds, whatever is asked.
        if status >= 300 && request.uri().path().ends_with("/endpointproxy") {
            continue;
        }
        assert!(status < 300, "{} {}", request.method(), request.uri());
        let mut paths = Vec::new();
        members(&body, "", &mut paths);
        for path in paths.iter().filter(|path| !is_the_service_s(path)) {
            let mut wrong = request.clone();
            *wrong.body_mut() = misspelt(&body, path).to_string().into();
            let (status, shown) = shown_after(&Settings::default(), &before, wrong.clone()).await;
            let what = format!("{} {} {path}", request.method(), request.uri());
            // The address that a type has of its own is filled in where a new connection of that type names none.
            let filled = path == "/url" && request.method() == "POST";
            assert!(status >= 400 || shown != good || filled, "{what} passes for what it is not");
            if request.uri().path().contains("/endpoints") {
                let (status, _) = shown_after(&strict, &before, wrong).await;
                assert!(status >= 400, "{what} is taken by a service that refuses what it does not know");
            }
            tried += 1;
        }
    }
    assert!(tried > 400, "{tried}");
}

/// Whether another request depends on it: a test of a connection and a question for permissions change nothing, and on what is
/// created no other request builds.
fn is_built_on(request: &Request) -> bool {
    let path = request.uri().path();
    let question = path.ends_with("/endpointproxy") || path.ends_with("/permissionevaluationbatch");
    let creation = request.method() == "POST" && path.ends_with("/endpoints");
    !question && !creation
}

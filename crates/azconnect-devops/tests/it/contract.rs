//! Microsoft's published examples, read and, where they are requests, reproduced.
//!
//! The folder is named by the variable `AZCONNECT_SPECS`; the examples lie in `devops/` of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use azconnect_core::Secret;
use azconnect_devops::{
    AzureConnection, AzureCredential, AzureScope, Deletion, Endpoint, EndpointChange, EndpointQuery, EndpointRight,
    GenericConnection, NewConnection, NewToken, OrganizationName, Project, ProjectRef, ProjectState,
};
use azconnect_testkit::VirtualClock;
use serde_json::{Value, json};

use crate::support::{Script, plain};

#[expect(clippy::disallowed_methods, reason = "a test reads where its examples are")]
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(std::env::var("AZCONNECT_SPECS").expect("AZCONNECT_SPECS names the folder of the examples"))
        .join("devops")
}

/// One published example.
struct Example {
    method: String,
    url: url::Url,
    body: Value,
    status: u16,
    answer: Value,
}

impl Example {
    fn read(path: &str) -> Self {
        let text = std::fs::read_to_string(folder().join(path)).unwrap_or_else(|_| panic!("no example {path}"));
        let json: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        let (status, response) = json["responses"].as_object().unwrap().iter().next().unwrap();
        Self {
            method: json["x-ms-vss-request-method"].as_str().unwrap_or("GET").to_owned(),
            url: json["x-ms-vss-request-url"].as_str().unwrap().parse().unwrap(),
            body: json["parameters"]["body"].clone(),
            status: status.parse().unwrap(),
            answer: response["body"].clone(),
        }
    }

    /// Gives the example's answer to every call of this path, and other answers to others.
    fn script(&self, others: impl Fn(&str) -> Value + Send + Sync + 'static) -> Script {
        let (path, status, answer) = (path_of(&self.url), self.status, self.answer.clone());
        Script::new(move |request| {
            let asked = request.uri().path().to_ascii_lowercase();
            if asked.trim_end_matches('/') == path { plain(status, answer.clone()) } else { plain(200, others(&asked)) }
        })
    }

    /// Older examples do not say their method, and have it in their file's name only.
    fn method(&self) -> &str {
        if self.url.path().contains("permissionevaluationbatch") { "POST" } else { &self.method }
    }

    /// Whether a call of the script was this request: method, path, and every documented parameter but the version.
    fn assert_sent(&self, script: &Script) {
        let found = script.calls().iter().any(|call| {
            let (method, uri) = call.split_once(' ').unwrap();
            let sent: url::Url = uri.parse().unwrap();
            let has =
                |name: &str, value: &str| sent.query_pairs().any(|(n, v)| n == name && v.eq_ignore_ascii_case(value));
            method == self.method()
                && path_of(&sent) == path_of(&self.url)
                && self
                    .url
                    .query_pairs()
                    .filter(|(name, _)| name != "api-version")
                    .all(|(name, value)| has(&name, &value))
        });
        assert!(found, "{} {} was not sent, but {:#?}", self.method, self.url, script.calls());
    }
}

fn path_of(url: &url::Url) -> String {
    url.path().trim_end_matches('/').to_ascii_lowercase()
}

/// The organization and project of every example.
fn reach(script: &Script) -> (azconnect_devops::Organization, azconnect_devops::Endpoints) {
    let organization =
        script.client(&VirtualClock::new()).organization(&OrganizationName::new("fabrikam").unwrap()).unwrap();
    let endpoints = organization.endpoints(ProjectRef::new("DefaultAgileGitProject").unwrap());
    (organization, endpoints)
}

fn nothing(_: &str) -> Value {
    Value::Null
}

const ENDPOINTS: &str = "serviceEndpoint/7.2/httpExamples/endpoints";

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn connections_are_read_as_in_the_examples() {
    let example = Example::read(&format!("{ENDPOINTS}/GET__ServiceEndpointDetails.json"));
    let script = example.script(nothing);
    let found = reach(&script).1.get(id_of(&example.answer)).await.unwrap();
    assert_eq!(Value::Object(found.into_document()), example.answer);
    example.assert_sent(&script);

    let project = Example::read(&format!("{ENDPOINTS}/GetServiceEndpointDetails.json"));
    let found = Endpoint::from_value(project.answer.clone()).unwrap();
    assert_eq!(found.projects().count(), 1);

    for (name, query) in [
        (
            "GET__ServiceEndpoints.json",
            EndpointQuery::new().with_type("Azure").with_scheme("Certificate").with_scheme("None"),
        ),
        ("ListEndpoints.json", EndpointQuery::new().with_type("Generic")),
    ] {
        let mut example = Example::read(&format!("{ENDPOINTS}/{name}"));
        if name == "ListEndpoints.json" {
            example.url.set_path("/fabrikam/DefaultAgileGitProject/_apis/serviceendpoint/endpoints");
        }
        let script = example.script(nothing);
        let found = reach(&script).1.list(&query).await.unwrap();
        let expected = example.answer["value"].as_array().unwrap();
        assert_eq!(
            found.into_iter().map(|endpoint| Value::Object(endpoint.into_document())).collect::<Vec<_>>(),
            *expected
        );
        example.assert_sent(&script);
    }
    for name in ["GET__ServiceEndpointsByNames.json", "GetServiceEndpointsByName.json"] {
        let mut example = Example::read(&format!("{ENDPOINTS}/{name}"));
        example.url.set_path("/fabrikam/DefaultAgileGitProject/_apis/serviceendpoint/endpoints");
        let names = example
            .url
            .query_pairs()
            .find(|(name, _)| name.eq_ignore_ascii_case("endpointNames"))
            .unwrap()
            .1
            .into_owned();
        let script = example.script(nothing);
        let found = reach(&script).1.by_names(&names.split(',').collect::<Vec<_>>()).await.unwrap();
        assert_eq!(found.len(), example.answer["value"].as_array().unwrap().len(), "{name}");
        example.assert_sent(&script);
    }
}

fn id_of(document: &Value) -> azconnect_devops::EndpointId {
    document["id"].as_str().unwrap().parse().unwrap()
}

fn sent(connection: &NewConnection<'_>) -> Value {
    serde_json::from_str(connection.preview().unwrap().expose()).unwrap()
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn connections_are_created_as_in_the_examples() {
    let guid = "1272a66f-e2e8-4e88-ab43-487409186c3f";
    let project: Project =
        serde_json::from_value(json!({"id": "c7e5f0b3-71fa-4429-9fb3-3321963a7c06", "name": "TestProject"})).unwrap();
    let azure = Example::read(&format!("{ENDPOINTS}/CreateAzureRMEndpoint.json"));
    let secret = Secret::new("SomePassword");
    let credential =
        AzureCredential::Secret { tenant: guid.parse().unwrap(), client: guid.parse().unwrap(), secret: &secret };
    let scope = AzureScope::subscription(guid.parse().unwrap(), "subscriptionName");
    let connection = AzureConnection::new("MyNewARMServiceEndpoint", scope, credential).build(&project).unwrap();
    let mut expected = azure.body.clone();
    // Types are compared in any case; ours is the one of the types' own list.
    expected["type"] = "azurerm".into();
    assert_eq!(sent(&connection), expected);
    let script = azure.script(nothing);
    let created = reach(&script).0.create_connection(&connection).await.unwrap();
    assert_eq!(created.id(), id_of(&azure.answer));
    azure.assert_sent(&script);

    let generic = Example::read(&format!("{ENDPOINTS}/CreateGenericEndpoint.json"));
    let password = Secret::new("mysecretpassword");
    let connection = GenericConnection::new("MyNewServiceEndpoint", "https://myserver")
        .with_login("myusername", &password)
        .build(&project)
        .unwrap();
    let mut expected = generic.body.clone();
    expected["type"] = "generic".into();
    assert_eq!(sent(&connection), expected);

    let older = Example::read(&format!("{ENDPOINTS}/POST__CreateServiceEndpoint.json"));
    assert_eq!(Endpoint::from_value(older.answer.clone()).unwrap().id(), id_of(&older.answer));
}

/// The connection of an example as it was before the example's update: with its secret masked.
fn before(written: &Value) -> (Value, Option<Secret>) {
    let mut document = written.clone();
    let parameters = document["authorization"]["parameters"].as_object_mut().unwrap();
    let secret = parameters.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case("password")).map(|(_, value)| {
        let secret = Secret::new(value.as_str().unwrap());
        *value = Value::Null;
        secret
    });
    (document, secret)
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn updates_are_written_as_in_the_examples() {
    for name in ["UpdateServiceEndpoint.json", "PUT__UpdateServiceEndpoint.json"] {
        let example = Example::read(&format!("{ENDPOINTS}/{name}"));
        assert_eq!(example.method, "PUT");
        let (document, secret) = before(&example.body);
        let secret = secret.unwrap();
        let change = EndpointChange::new().with_secret(&secret);
        let endpoint = Endpoint::from_value(document.clone()).unwrap();
        let script = Script::new(move |_| plain(200, document.clone()));
        reach(&script).1.update(&endpoint, &change).await.unwrap();
        assert_eq!(script.bodies("PUT"), std::slice::from_ref(&example.body), "{name}");
        Endpoint::from_value(example.answer).unwrap();
    }
    for name in ["UpdateServiceEndpoints.json", "PUT__UpdateServiceEndpoints.json"] {
        let example = Example::read(&format!("{ENDPOINTS}/{name}"));
        let bodies = example.body.as_array().unwrap().clone();
        let parts: Vec<_> = bodies.iter().map(before).collect();
        let documents: Vec<Value> = parts.iter().map(|(document, _)| document.clone()).collect();
        let known = documents.clone();
        let script = Script::new(move |request| {
            let id = request.uri().path().rsplit('/').next().unwrap().to_owned();
            plain(200, known.iter().find(|document| document["id"] == id.as_str()).cloned().unwrap_or_default())
        });
        let endpoints: Vec<_> = documents.into_iter().map(|document| Endpoint::from_value(document).unwrap()).collect();
        let changes: Vec<_> = parts
            .iter()
            .map(|(_, secret)| {
                secret.as_ref().map_or_else(EndpointChange::new, |secret| EndpointChange::new().with_secret(secret))
            })
            .collect();
        let pairs: Vec<_> = endpoints.iter().zip(&changes).collect();
        reach(&script).1.update_all(&pairs).await.unwrap();
        assert_eq!(script.bodies("PUT"), std::slice::from_ref(&example.body), "{name}");
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn connections_are_shared_and_deleted_as_in_the_examples() {
    let share = Example::read(&format!("{ENDPOINTS}/ShareServiceEndpoint.json"));
    let script = share.script(nothing);
    let project: Project = serde_json::from_value(share.body[0]["projectReference"].clone()).unwrap();
    let id = share.url.path_segments().unwrap().next_back().unwrap().parse().unwrap();
    reach(&script).0.share(id, &[(&project, share.body[0]["name"].as_str().unwrap())]).await.unwrap();
    share.assert_sent(&script);
    assert_eq!(script.bodies("PATCH"), [share.body]);

    let delete = Example::read(&format!("{ENDPOINTS}/DeleteServiceEndpoint.json"));
    let script = delete.script(nothing);
    let project = "c7e5f0b3-71fa-4429-9fb3-3321963a7c06".parse().unwrap();
    reach(&script).0.delete_connection(id, &[project], Deletion::ConnectionOnly).await.unwrap();
    delete.assert_sent(&script);
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn tests_history_and_types_are_read_as_in_the_examples() {
    let proxy =
        Example::read("serviceEndpoint/7.2/httpExamples/endpointproxy/POST__ExecuteServiceEndpointRequestAsync.json");
    let script = proxy.script(nothing);
    let connection =
        Endpoint::from_value(json!({"id": "96e0fef2-3aaf-456f-bba0-920731ecab83", "type": "azurerm"})).unwrap();
    assert!(reach(&script).1.verify_stored(&connection, None).await.is_accepted());
    proxy.assert_sent(&script);

    let history =
        Example::read("serviceEndpoint/7.2/httpExamples/executionhistory/GET__ServiceEndpointExecutionRecords.json");
    let script = history.script(nothing);
    let page =
        reach(&script).1.executions("18807d4f-3345-4888-b2dc-f2884e4eb235".parse().unwrap(), 2, Some(0)).await.unwrap();
    assert_eq!(page.executions.iter().map(|execution| execution.id).collect::<Vec<_>>(), [Some(2), Some(1)]);
    assert_eq!(page.executions[0].definition.as_ref().unwrap().name.as_deref(), Some("Test_Build"));
    history.assert_sent(&script);

    for path in ["types/GET__ServiceEndpointTypes.json", "endpoints/ListEndpointTypes.json"] {
        let types = Example::read(&format!("serviceEndpoint/7.2/httpExamples/{path}"));
        let script = types.script(nothing);
        let found = reach(&script).0.endpoint_types(None, None).await.unwrap();
        assert_eq!(found.len(), types.answer["value"].as_array().unwrap().len(), "{path}");
        let confidential =
            found.iter().flat_map(|kind| kind.authentication_schemes.iter().map(move |scheme| (kind, scheme)));
        assert!(confidential.into_iter().any(|(kind, scheme)| {
            kind.confidential_parameters(scheme.scheme.as_deref().unwrap_or_default()).count() > 0
        }));
        types.assert_sent(&script);
    }
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn organizations_projects_and_permissions_are_read_as_in_the_examples() {
    let profile = Example::read("profile/7.1/httpExamples/profiles/GET__profile_profiles_me.json");
    let accounts = Example::read("account/7.1/httpExamples/accounts/GET__Accounts_memberId-_userId_.json");
    let me = profile.answer.clone();
    let script = accounts.script(move |path| if path.ends_with("/profiles/me") { me.clone() } else { Value::Null });
    let search = script.client(&VirtualClock::new()).organizations(&[], &[]).await.unwrap();
    let names: Vec<_> =
        search.groups.iter().flat_map(|group| &group.organizations).map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["Fabrikam-Fiber-Inc", "NormalPaulk"]);
    accounts.assert_sent(&script);
    profile.assert_sent(&script);

    let projects = Example::read("core/7.1/httpExamples/projects/GET__projects.json");
    let script = projects.script(nothing);
    let found = reach(&script).0.projects(ProjectState::WellFormed).await.unwrap();
    assert_eq!((found.len(), found[0].is_well_formed()), (3, true));
    projects.assert_sent(&script);

    let rights = Example::read(
        "security/7.1/httpExamples/permissions/GET__permissions__securityNamespaceId__8__api-version-2.2_tokens-_token1_,_token2_,_token3__alwaysAllowAdministrators-False.json",
    );
    let answer = rights.answer.clone();
    let script = Script::new(move |_| plain(200, answer.clone()));
    let held =
        reach(&script).0.has_right(EndpointRight::ViewAuthorization, &["token1", "token2", "token3"]).await.unwrap();
    assert_eq!(held, [false, false, true]);
    assert!(script.calls()[0].contains("/8?tokens=token1%2Ctoken2%2Ctoken3"), "{:?}", script.calls());
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn a_batch_of_permissions_is_asked_for_as_in_the_example() {
    let batch = Example::read(
        "security/7.1/httpExamples/permissionEvaluationBatch/POST__security_permissionevaluationbatch__api-version-3.0-preview.json",
    );
    let shape =
        |value: &Value| value.as_object().unwrap().keys().map(|key| key.to_ascii_lowercase()).collect::<BTreeSet<_>>();
    let answer = batch.answer.clone();
    let script = Script::new(move |request| {
        // The example's answer, for the tokens that were asked about.
        let asked: Value = serde_json::from_slice(request.body()).unwrap();
        let one = answer["evaluations"][2].clone();
        let answers: Vec<Value> = asked["evaluations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|question| {
                let mut one = one.clone();
                one["token"] = question["token"].clone();
                one["permissions"] = question["permissions"].clone();
                one
            })
            .collect();
        plain(200, json!({"evaluations": answers}))
    });
    let project: Project =
        serde_json::from_value(json!({"id": "eb6e4656-77fc-42a1-9181-4c6d8e9da5d1", "name": "P"})).unwrap();
    let id = "1dfdea68-9549-409e-abee-c5da69cfec5f".parse().unwrap();
    assert!(reach(&script).0.connection_permission(&project, id).await.unwrap().change_secret);
    let sent = &script.bodies("POST")[0];
    assert_eq!(shape(sent), shape(&batch.body));
    assert_eq!(shape(&sent["evaluations"][0]), shape(&batch.body["evaluations"][0]));
    batch.assert_sent(&script);
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn groups_and_memberships_are_read_as_in_the_examples() {
    let descriptor = Example::read("graph/7.1/httpExamples/Descriptors/GetDescriptorById.json").answer;
    let groups = Example::read("graph/7.1/httpExamples/Groups/GetAllGroups.json").answer;
    let identities = Example::read("ims/7.1/httpExamples/Identities/SearchByIds.json").answer;
    let check = Example::read("graph/7.1/httpExamples/Memberships/CheckMembershipExistenceUser.json");
    assert_eq!((check.method.as_str(), check.status), ("HEAD", 200));
    // The collection's name is the one in the example's own groups.
    let administrators = groups["value"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|group| group["principalName"].as_str())
        .find(|name| name.ends_with("\\Project Collection Administrators"))
        .unwrap()
        .to_owned();
    let organization = administrators.trim_start_matches('[').split(']').next().unwrap().to_owned();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let script = Script::new(move |request| {
        let uri = request.uri().to_string();
        plain(
            200,
            match () {
                () if uri.contains("/_apis/projects/") => {
                    json!({"id": "eb6e4656-77fc-42a1-9181-4c6d8e9da5d1", "name": "P"})
                }
                () if uri.contains("connectionData") => {
                    json!({"authenticatedUser": {"id": "81fa6389-0872-6fdd-a451-7ba7880f566a", "subjectDescriptor": "aad.MDA0"}})
                }
                () if uri.contains("permissionevaluationbatch") => json!({"evaluations": []}),
                () if uri.contains("/graph/descriptors/") => descriptor.clone(),
                () if uri.contains("/graph/groups") => groups.clone(),
                () if uri.contains("/_apis/identities") => identities.clone(),
                () => {
                    seen.lock().unwrap().push(request.uri().path().to_owned());
                    Value::Null
                }
            },
        )
    });
    let organization =
        script.client(&VirtualClock::new()).organization(&OrganizationName::new(organization).unwrap()).unwrap();
    let report = organization.permission(&ProjectRef::new("P").unwrap()).await.unwrap();
    assert_eq!(report.grounds, [azconnect_devops::Ground::CollectionAdministrator]);
    let heads = heads.lock().unwrap();
    assert!(heads[0].contains("/_apis/graph/memberships/aad.MDA0/vssgp."), "{heads:?}");
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn pipelines_are_granted_as_in_the_examples() {
    let folder = "approvalsAndChecks/7.1/httpExamples/pipelinePermissions";
    let read = Example::read(&format!("{folder}/GET__GetPipelinePermissionsForResource.json"));
    let change = Example::read(&format!("{folder}/PATCH__UpdatePipelinePermissionsForResource.json"));
    let answer = read.answer.clone();
    let script = Script::new(move |_| plain(200, answer.clone()));
    let endpoints = reach(&script).1;
    let id = "1dfdea68-9549-409e-abee-c5da69cfec5f".parse().unwrap();
    assert_eq!(endpoints.pipeline_grants(id).await.unwrap().pipelines, [6, 15, 16]);
    endpoints.grant_pipelines(id, &[16], true).await.unwrap();
    assert_eq!(script.bodies("PATCH"), [change.body]);
}

#[tokio::test(start_paused = true)]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
async fn personal_access_tokens_are_kept_as_in_the_examples() {
    let example = |name: &str| Example::read(&format!("tokens/7.1/httpExamples/Pats/{name}Pat.json"));
    let moment = |value: &Value| {
        time::OffsetDateTime::parse(value.as_str().unwrap(), &time::format_description::well_known::Rfc3339).unwrap()
    };

    let create = example("Create");
    let script = create.script(nothing);
    let wanted = NewToken::new("new_token", "app_token", moment(&create.body["validTo"]));
    let (entry, secret) = reach(&script).0.create_personal_token(&wanted).await.unwrap();
    assert_eq!(secret.expose(), create.answer["patToken"]["token"].as_str().unwrap());
    assert_eq!(script.bodies("POST"), std::slice::from_ref(&create.body));
    create.assert_sent(&script);

    let list = Example::read("tokens/7.1/httpExamples/Pats/ListPats.json");
    let answer = list.answer.clone();
    let script = Script::new(move |request| {
        if request.uri().query().unwrap().contains("continuationToken=") {
            return plain(200, json!({"continuationToken": "", "patTokens": []}));
        }
        plain(200, answer.clone())
    });
    assert!(reach(&script).0.personal_tokens().await.unwrap().iter().any(|token| token.id == entry.id));

    let update = example("Update");
    let script = update.script(nothing);
    let id = update.body["authorizationId"].as_str().unwrap().parse().unwrap();
    reach(&script).0.extend_personal_token(id, moment(&update.body["validTo"])).await.unwrap();
    let sent = &script.bodies("PUT")[0];
    assert_eq!(
        (&sent["authorizationId"], &sent["validTo"]),
        (&update.body["authorizationId"], &update.body["validTo"])
    );

    let revoke = example("Revoke");
    let script = revoke.script(nothing);
    assert!(
        reach(&script).0.revoke_personal_token("cf42cc9f-f170-4375-92ba-c13d58a6545f".parse().unwrap()).await.unwrap()
    );
    revoke.assert_sent(&script);
}

/// Examples that no operation here uses, each with why.
const NOT_USED: &[(&str, &str)] = &[
    ("GET__Accounts_ownerId", "accounts are asked for by member, which includes owned ones"),
    ("PATCH__UpdatePipelinePermissionsForResources", "one connection is granted at a time"),
    ("DELETE__permissions", "permissions are read, and never changed"),
    ("GET__permissions__securityNamespaceId__8__token-", "the version with a list of tokens is used"),
    ("GET__securitynamespaces", "the namespace is known"),
    ("DELETE__ServiceEndpoint", "the version without projects in the query is older"),
    ("GetPat", "tokens are listed"),
    ("SearchBy", "identities are asked for by id"),
    ("SearchIdentityByEmail", "identities are asked for by id"),
    ("SearchPCVUByName", "identities are asked for by id"),
    ("GetMembership", "a membership is asked for with HEAD"),
    ("/graph/", "groups are read, and never changed"),
];

#[test]
#[ignore = "needs AZCONNECT_SPECS, the folder of Microsoft's published examples"]
fn no_example_is_overlooked() {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, files) } else { files.push(path) }
        }
    }
    let mut files = Vec::new();
    walk(&folder(), &mut files);
    let this = include_str!("contract.rs");
    assert!(files.len() > 60, "the folder is not complete");
    for file in files.iter().filter(|file| file.to_string_lossy().contains("httpExamples")) {
        let name = file.file_name().unwrap().to_string_lossy();
        let stem = name.trim_end_matches(".json").trim_end_matches("Pat");
        let used = this.contains(&format!("{name}\""))
            || this.contains(&format!("/{name}"))
            || this.contains(&format!("example(\"{stem}\")"));
        let excused = NOT_USED.iter().any(|(part, _)| file.to_string_lossy().contains(part));
        assert!(used || excused, "{} is neither used nor excused", file.display());
    }
}

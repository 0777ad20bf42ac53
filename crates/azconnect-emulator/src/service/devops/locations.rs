//! The route table (`OPTIONS {org}/_apis`) and the resource areas, from which the official clients build every address.

use serde_json::{Value, json};

use super::Context;
use crate::base::answer::{Answer, json_answer};
use crate::base::call::Call;
use crate::base::origins::Service;
use crate::base::refusal::OrRefusal;
use crate::model::devops::Organization;
use crate::model::world::World;

/// One resource of the route table.
struct Location {
    id: &'static str,
    area: &'static str,
    resource: &'static str,
    template: &'static str,
    /// The number of the latest preview.
    version: u32,
    /// Whether there is a released version.
    released: bool,
}

const fn location(id: &'static str, area: &'static str, resource: &'static str, template: &'static str) -> Location {
    Location { id, area, resource, template, version: 1, released: true }
}

impl Location {
    const fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    const fn preview(mut self) -> Self {
        self.released = false;
        self
    }

    fn show(&self) -> Value {
        json!({
            "id": self.id,
            "area": self.area,
            "resourceName": self.resource,
            "routeTemplate": self.template,
            "resourceVersion": self.version,
            "minVersion": "1.0",
            "maxVersion": "7.2",
            "releasedVersion": if self.released { "7.1" } else { "0.0" },
        })
    }
}

const ROUTE: &str = "_apis/{area}/{resource}";
const BARE: &str = "_apis/{resource}";

const EVERYWHERE: [Location; 2] = [
    location("00d9565f-ed9c-4a06-9a50-00e7896ccab4", "Location", "ConnectionData", BARE).preview(),
    location("e81700f7-3be2-46de-8624-2eb35882fcaa", "Location", "ResourceAreas", "_apis/{resource}/{areaId}")
        .preview(),
];

const DEVOPS: [Location; 13] = [
    location("603fe2ac-9723-48b9-88ad-09305aa6c6e1", "core", "projects", "_apis/{resource}/{*projectId}")
        .with_version(4),
    location("7a4d9ee9-3433-4347-b47a-7a80f1cf307e", "core", "teams", BARE).with_version(3).preview(),
    location(
        "d30a3dd1-f8ba-442a-b86a-bd0c0c383e59",
        "core",
        "teams",
        "_apis/projects/{projectId}/{resource}/{*teamId}",
    )
    .with_version(3),
    location(
        "294c494c-2600-4d7e-b76c-3dd50c3c95be",
        "core",
        "members",
        "_apis/projects/{projectId}/teams/{teamId}/{resource}",
    )
    .with_version(2),
    location(
        "e85f1c62-adfc-4b74-b618-11a150fb195e",
        "serviceendpoint",
        "endpoints",
        "{project}/_apis/{area}/{resource}/{endpointId}",
    )
    .with_version(4),
    location(
        "14e48fdc-2c8b-41ce-a0c3-e26f6cc55bd0",
        "serviceendpoint",
        "endpoints",
        "_apis/{area}/{resource}/{endpointId}",
    )
    .with_version(4),
    location(
        "cc63bb57-2a5f-4a7a-b79c-c142d308657e",
        "serviceendpoint",
        "endpointproxy",
        "{project}/_apis/{area}/{resource}",
    ),
    location(
        "10a16738-9299-4cd1-9a81-fd23ad6200d0",
        "serviceendpoint",
        "executionhistory",
        "{project}/_apis/{area}/{endpointId}/{resource}",
    ),
    location("5a7938a4-655e-486c-b562-b78c54a7e87b", "serviceendpoint", "types", ROUTE),
    location(
        "b5b9a4a4-e6cd-4096-853c-ab7d8b0c4eb2",
        "pipelinePermissions",
        "pipelinePermissions",
        "{project}/_apis/pipelines/{resource}/{resourceType}/{resourceId}",
    )
    .preview(),
    location(
        "dd3b8bd6-c7fc-4cbd-929a-933d9c011c9d",
        "Security",
        "Permissions",
        "_apis/{resource}/{securityNamespaceId}/{permissions}",
    )
    .with_version(2),
    location("cf1faa59-1b63-4448-bf04-13d981a46f5d", "Security", "PermissionEvaluationBatch", ROUTE),
    location(
        "ce7b9f95-fde9-4be8-a86d-83b366f0b87a",
        "Security",
        "SecurityNamespaces",
        "_apis/{resource}/{securityNamespaceId}",
    ),
];

const IDENTITY: [Location; 10] = [
    location("048aee0a-7072-4cde-ab73-7af77b1e0b4e", "Graph", "Descriptors", "_apis/{area}/{resource}/{storageKey}")
        .preview(),
    location("ebbe6af8-0b91-4c13-8cf1-777c14858188", "Graph", "Groups", "_apis/{area}/{resource}/{groupDescriptor}")
        .preview(),
    location(
        "3fd2e6ca-fb30-443a-b579-95b19ed0934c",
        "Graph",
        "Memberships",
        "_apis/{area}/{resource}/{subjectDescriptor}/{containerDescriptor}",
    )
    .preview(),
    location(
        "e34b6394-6b30-4435-94a9-409a5eef3e31",
        "Graph",
        "MembershipsBatch",
        "_apis/{area}/Memberships/{subjectDescriptor}",
    )
    .preview(),
    location(
        "1ffe5c94-1144-4191-907b-d0211cad36a8",
        "Graph",
        "MembershipStates",
        "_apis/{area}/{resource}/{subjectDescriptor}",
    )
    .preview(),
    location(
        "eb85f8cc-f0f6-4264-a5b1-ffe2e4d4801f",
        "Graph",
        "StorageKeys",
        "_apis/{area}/{resource}/{subjectDescriptor}",
    )
    .preview(),
    location("005e26ec-6b77-4e4f-a986-b3827bf241f5", "Graph", "Users", "_apis/{area}/{resource}/{userDescriptor}")
        .preview(),
    location(
        "e1dbb0ae-49cb-4532-95a1-86cd89cfcab4",
        "Graph",
        "ServicePrincipals",
        "_apis/{area}/{resource}/{servicePrincipalDescriptor}",
    )
    .preview(),
    location("28010c54-d0c0-4c89-a5b0-1c9e188b9fb7", "IMS", "Identities", "_apis/{resource}/{identityId}"),
    // The one resource of its area, whose id it has.
    location("55967393-20ef-45c6-a96c-b5d5d5986a9a", "Tokens", "Pats", ROUTE).preview(),
];

const PROFILE: [Location; 2] = [
    location("f83735dc-483f-4238-a291-d45f6080a9af", "Profile", "Profiles", "_apis/{area}/{resource}/{id}")
        .with_version(3),
    location("229a6a53-b428-4ffb-a835-e8f36b5b4b1e", "Account", "Accounts", BARE),
];

/// The areas, with the service each is at.
const AREAS: [(&str, &str, Service); 8] = [
    ("1814ab31-2f4f-4a9f-8761-f4d77dc5a5d7", "serviceendpoint", Service::DevOps),
    ("79134c72-4a58-4b42-976c-04e7115f32bf", "core", Service::DevOps),
    ("a81a0441-de52-4000-aa15-ff0e07bfbbaa", "pipelinePermissions", Service::DevOps),
    ("bb1e7ec9-e901-4b68-999a-de7012b920f8", "graph", Service::DevOpsIdentity),
    ("8a3d49b8-91f0-46ef-b33d-dda338c25db3", "ims", Service::DevOpsIdentity),
    ("55967393-20ef-45c6-a96c-b5d5d5986a9a", "tokens", Service::DevOpsIdentity),
    ("8ccfef3d-2b87-4e99-8ccb-66e343d2daa8", "profile", Service::DevOpsProfile),
    ("0d55247a-1c47-4462-9b1f-5e2125590ee6", "account", Service::DevOpsProfile),
];

/// The route table of the service that was asked, or the part of it in one area. It takes no authentication.
///
/// `one_origin` says whether identities are answered here too.
pub(super) fn table(call: &Call, one_origin: bool, area: Option<&str>) -> Answer {
    let own: &[&[Location]] = match call.service {
        _ if one_origin => &[&DEVOPS, &IDENTITY],
        Service::DevOpsIdentity => &[&IDENTITY],
        Service::DevOpsProfile => &[&PROFILE],
        _ => &[&DEVOPS],
    };
    listed(own, area)
}

/// The route table of what belongs to no organization.
pub(super) fn table_of_profiles(area: Option<&str>) -> Answer {
    listed(&[&PROFILE], area)
}

fn listed(own: &[&[Location]], area: Option<&str>) -> Answer {
    let all = EVERYWHERE.iter().chain(own.iter().copied().flatten());
    // An area that is not here has no routes here: an empty table, and no error.
    let wanted = all.filter(|location| area.is_none_or(|area| location.area.eq_ignore_ascii_case(area)));
    let value: Vec<Value> = wanted.map(Location::show).collect();
    json_answer(200, &json!({"count": value.len(), "value": value}))
}

/// The resource areas, all or one. A server on premises has none: everything is where the caller already is.
pub(super) fn areas(cx: &Context<'_>, world: &World, id: Option<&str>) -> OrRefusal<Answer> {
    let organization: &Organization = cx.organization(world)?;
    let known: &[(&str, &str, Service)] = if organization.latest_version.is_some() { &[] } else { &AREAS };
    let show = |(id, name, service): &(&str, &str, Service)| {
        let url = match service {
            Service::DevOpsProfile => format!("{}/", cx.call.origins.of(*service)),
            _ => format!("{}/", cx.base(*service)),
        };
        json!({"id": id, "name": name, "locationUrl": url})
    };
    match id {
        Some(id) => {
            let found = known.iter().find(|(known, ..)| known.eq_ignore_ascii_case(id));
            Ok(json_answer(200, &found.map_or(Value::Null, show)))
        }
        None => {
            let value: Vec<Value> = known.iter().map(show).collect();
            Ok(json_answer(200, &json!({"count": value.len(), "value": value})))
        }
    }
}

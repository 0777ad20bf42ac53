//! The ground truth of Azure DevOps.

pub(crate) mod confidential;
mod groups;
pub(crate) mod permissions;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use azconnect_core::Secret;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use time::macros::datetime;

use super::token::Identity;

/// From here on no token reaches more than one organization.
pub(crate) const END_OF_GLOBAL: OffsetDateTime = datetime!(2026-12-01 00:00 UTC);

/// Every organization of the emulated world.
#[derive(Default)]
pub(crate) struct DevOps {
    pub(crate) organizations: Vec<Organization>,
}

/// An organization, in the cloud or a collection on premises.
pub(crate) struct Organization {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// The tenant behind it; none if it belongs to personal accounts.
    pub(crate) tenant: Option<Uuid>,
    /// The newest api-version of a server on premises; none for the cloud.
    pub(crate) latest_version: Option<(u32, u32)>,
    pub(crate) projects: Vec<Project>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) members: Vec<Member>,
    pub(crate) groups: Vec<Group>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) pats: Vec<Pat>,
    /// When each caller's latest requests came, for the rate limit.
    pub(crate) usage: HashMap<Uuid, VecDeque<Duration>>,
}

/// A project of an organization.
pub(crate) struct Project {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) state: String,
    pub(crate) updated: OffsetDateTime,
}

/// Someone who may enter an organization.
#[derive(Clone)]
pub(crate) struct Member {
    /// The id inside Azure DevOps, called storage key; not the object id of Entra ID.
    pub(crate) id: Uuid,
    pub(crate) identity: Identity,
    pub(crate) display_name: String,
    pub(crate) unique_name: String,
}

/// A security group of a project, or of the whole organization.
pub(crate) struct Group {
    pub(crate) id: Uuid,
    pub(crate) project: Option<Uuid>,
    pub(crate) name: String,
    pub(crate) description: String,
    /// Ids of members and of groups.
    pub(crate) members: Vec<Uuid>,
}

/// Permission bits of the endpoint namespace, given to a member or group on a token.
pub(crate) struct Grant {
    pub(crate) token: String,
    pub(crate) holder: Uuid,
    pub(crate) allow: u32,
}

/// A personal access token, kept after it was revoked.
pub(crate) struct Pat {
    pub(crate) authorization_id: Uuid,
    pub(crate) owner: Uuid,
    pub(crate) display_name: String,
    pub(crate) scope: String,
    pub(crate) valid_from: OffsetDateTime,
    pub(crate) valid_to: OffsetDateTime,
    pub(crate) all_organizations: bool,
    pub(crate) token: Secret,
    pub(crate) revoked: Option<OffsetDateTime>,
}

/// A service connection. Its document never holds a secret.
pub(crate) struct Connection {
    pub(crate) id: Uuid,
    /// The project it was created in.
    pub(crate) owner_project: Uuid,
    pub(crate) references: Vec<Reference>,
    pub(crate) document: Map<String, Value>,
    /// The confidential parameters, under the names they came with.
    pub(crate) secrets: Vec<(String, Secret)>,
    /// Whether an update with `accessToken: null` has emptied the cache its tests read.
    pub(crate) broken: bool,
    pub(crate) creator: Option<Uuid>,
    pub(crate) created: OffsetDateTime,
    pub(crate) modified: OffsetDateTime,
    pub(crate) modified_by: Option<Uuid>,
    /// When it becomes ready. Without a time it is ready from the start, as what comes from the seed.
    pub(crate) ready_at: Option<Duration>,
    /// Why it never becomes ready.
    pub(crate) failure: Option<String>,
    /// When a deletion that has begun is complete.
    pub(crate) deleted_at: Option<Duration>,
    pub(crate) executions: Vec<Execution>,
    /// What each of its projects lets its own pipelines do.
    pub(crate) pipelines: BTreeMap<Uuid, PipelineGrant>,
    pub(crate) converted: Option<Conversion>,
    /// What the service still does to it.
    pub(crate) background: Option<Background>,
}

/// Work on a service connection that ends later.
pub(crate) struct Background {
    pub(crate) ends: Duration,
    /// What the service says of it meanwhile.
    pub(crate) message: &'static str,
    pub(crate) finish: Box<dyn FnOnce(&mut Connection) + Send + Sync>,
}

/// The presence of a service connection in a project.
pub(crate) struct Reference {
    pub(crate) project: Uuid,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
}

/// One use of a service connection by a pipeline.
pub(crate) struct Execution {
    pub(crate) id: u32,
    pub(crate) started: OffsetDateTime,
}

/// Which pipelines of one project may use a service connection.
#[derive(Default)]
pub(crate) struct PipelineGrant {
    pub(crate) all: Option<(Uuid, OffsetDateTime)>,
    pub(crate) some: Vec<(u32, Uuid, OffsetDateTime)>,
}

/// What a service connection was before its conversion to workload identity federation.
pub(crate) struct Conversion {
    pub(crate) authorization: Map<String, Value>,
    pub(crate) secrets: Vec<(String, Secret)>,
    pub(crate) deadline: OffsetDateTime,
}

impl DevOps {
    /// An organization by its name, in any case.
    pub(crate) fn organization(&self, name: &str) -> Option<&Organization> {
        self.organizations.iter().find(|organization| organization.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn organization_mut(&mut self, name: &str) -> Option<&mut Organization> {
        self.organizations.iter_mut().find(|organization| organization.name.eq_ignore_ascii_case(name))
    }
}

impl Organization {
    /// A project by its id or name.
    pub(crate) fn project(&self, name: &str) -> Option<&Project> {
        let id = Uuid::parse_str(name).ok();
        self.projects.iter().find(|project| Some(project.id) == id || project.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn project_by_id(&self, id: Uuid) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    pub(crate) fn member_of(&self, identity: Identity) -> Option<&Member> {
        self.members.iter().find(|member| member.identity == identity)
    }

    pub(crate) fn member(&self, id: Uuid) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// Forgets the service connections that were deleted first, so that this many of the deleted are left.
    pub(crate) fn forget(&mut self, kept: usize, elapsed: Duration) {
        let mut surplus = self.connections.iter().filter(|one| !one.exists(elapsed)).count().saturating_sub(kept);
        // In strokes, as each moves what is behind it.
        if surplus > kept / 4 {
            self.connections.retain(|one| {
                let goes = surplus > 0 && !one.exists(elapsed);
                surplus -= usize::from(goes);
                !goes
            });
        }
    }

    /// A service connection that has not been deleted.
    pub(crate) fn connection(&self, id: Uuid, elapsed: Duration) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id == id && connection.exists(elapsed))
    }

    pub(crate) fn connection_mut(&mut self, id: Uuid, elapsed: Duration) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|connection| connection.id == id && connection.exists(elapsed))
    }
}

impl Pat {
    /// Whether a text is this token, and the token is good at a moment. Tokens for all organizations have an end.
    pub(crate) fn opens(&self, text: &str, wall: OffsetDateTime) -> bool {
        // Microsoft announced the end of such tokens for this day, whatever their own end says.
        let over = self.all_organizations && wall >= END_OF_GLOBAL;
        !over
            && self.token.expose() == text
            && self.revoked.is_none()
            && self.valid_from <= wall
            && wall < self.valid_to
    }
}

impl Connection {
    pub(crate) fn exists(&self, elapsed: Duration) -> bool {
        self.deleted_at.is_none_or(|at| elapsed < at)
    }

    /// Ends the work in the background whose time has come.
    pub(crate) fn settle(&mut self, elapsed: Duration) {
        if let Some(work) = self.background.take_if(|work| work.ends <= elapsed) {
            (work.finish)(self);
        }
    }

    pub(crate) fn is_ready(&self, elapsed: Duration) -> bool {
        self.failure.is_none() && self.background.is_none() && self.ready_at.is_none_or(|at| at <= elapsed)
    }

    pub(crate) fn reference(&self, project: Uuid) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.project == project)
    }

    /// A text field of its document.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        field(&self.document, key)?.as_str()
    }

    /// The authentication scheme, such as `ServicePrincipal`.
    pub(crate) fn scheme(&self) -> Option<&str> {
        field(self.document.get("authorization")?.as_object()?, "scheme")?.as_str()
    }

    /// A parameter of the authorization that is not confidential; the name may be in any case.
    pub(crate) fn parameter(&self, key: &str) -> Option<&str> {
        field(self.document.get("authorization")?.get("parameters")?.as_object()?, key)?.as_str()
    }

    /// A text field of its `data`; the name may be in any case.
    pub(crate) fn data(&self, key: &str) -> Option<&str> {
        field(self.document.get("data")?.as_object()?, key)?.as_str()
    }
}

/// A field of an object; the name may be in any case.
pub(crate) fn field<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
}

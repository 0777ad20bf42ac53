//! Azure DevOps: organizations, projects, service connections, identities and tokens.

mod groups;
mod masking;
mod state;

pub(crate) use self::masking::{confidential_parameter, split_secrets};
pub(crate) use self::state::{
    Connection, Conversion, DevOps, Execution, Grant, Group, Member, Organization, Pat, PipelineGrant, Project,
    Reference, field,
};

use crate::answer::Answer;
use crate::call::Call;
use crate::world::World;

/// Answers a request, or nothing if no route matches.
pub(crate) fn answer(_call: &Call, _world: &mut World) -> Option<Answer> {
    None
}

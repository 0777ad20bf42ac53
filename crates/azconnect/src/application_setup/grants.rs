//! The parts that an application is given: those of the directory at Graph, group and role at Resource Manager.

use async_trait::async_trait;
use azconnect_arm::Arm;
use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_graph::GraphClient;
use azconnect_setup::Part;
use azconnect_setup::port::{Found, Given, Grants, Subject, Taken};

use super::{arm, directory};
use crate::principal::Identity;

pub(super) struct TenantGrants {
    graph: GraphClient,
    arm: Arm,
}

impl TenantGrants {
    pub(super) fn new(operator: &Identity) -> Self {
        Self { graph: operator.graph(), arm: operator.arm() }
    }
}

#[async_trait]
impl Grants for TenantGrants {
    async fn look(&self, subject: &Subject, part: &Part) -> Result<Found, Error> {
        match part {
            Part::Group { access, .. } => arm::look_for_group(&self.arm, subject, access).await,
            Part::Role { access } => arm::look_for_role(&self.arm, subject, access).await,
            _ => directory::look(&self.graph, subject, part).await,
        }
    }

    async fn give(&self, subject: &Subject, part: &Part) -> Result<Given, Error> {
        match part {
            Part::Group { access, create_in } => arm::give_group(&self.arm, subject, access, create_in.as_ref()).await,
            Part::Role { access } => arm::give_role(&self.arm, subject, access).await,
            _ => directory::give(&self.graph, subject, part).await,
        }
    }

    async fn take(&self, subject: &Subject, part: &Part) -> Result<Taken, Error> {
        match part {
            Part::Group { access, .. } => arm::take_group(&self.arm, subject, access).await,
            Part::Role { access } => arm::take_role(&self.arm, subject, access).await,
            _ => directory::take(&self.graph, subject, part).await,
        }
    }

    async fn may_give(&self, part: &Part) -> Result<Option<bool>, Error> {
        match part {
            Part::Group { access, create_in: Some(_) } => arm::may_create_group(&self.arm, access).await,
            Part::Role { access } => arm::may_give_role(&self.arm, access).await,
            // What an application may do at Graph stands in its token alone, which nobody but Graph is to read.
            _ => Ok(None),
        }
    }
}

/// A part that neither service knows.
pub(super) fn unsupported(part: &Part) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{part} is not given so")).with_effect(Effect::None)
}

/// A part for which something lacks that an earlier step gives.
pub(super) fn lacking(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("{what} is not there yet"))
        .with_effect(Effect::None)
        .with_advice("run the setup from its beginning")
}

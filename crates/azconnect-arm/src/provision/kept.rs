//! The data disks that stay when the machine is deleted, as its specification says.

use azconnect_core::{Effect, Error, ErrorKind};
use futures_util::future::try_join_all;

use super::failure::Failure;
use super::plan::ProvisionPlan;
use super::state::ProvisionState;
use super::steps::Site;

impl ProvisionPlan {
    /// The names of all disks at placements up to and including one: those that stay, or those that go.
    pub(super) fn disks_until(&self, placement: usize, kept: bool) -> Vec<String> {
        (0..=placement).flat_map(|at| self.disks_at(at, kept)).collect()
    }

    /// The names of the disks at one placement: those that stay, or those that go.
    pub(super) fn disks_at(&self, placement: usize, kept: bool) -> Vec<String> {
        let disks = self.spec.data_disks.iter().enumerate().filter(|(_, disk)| disk.kept == kept);
        let data = disks.map(|(disk, _)| self.data_disk(placement, disk));
        (!kept).then(|| self.os_disk(placement)).into_iter().chain(data).collect()
    }

    /// The names of the disks at every placement: those that stay, or those that go.
    fn disks_anywhere(&self, kept: bool) -> Vec<String> {
        self.disks_until(self.placements.len().saturating_sub(1), kept)
    }

    /// Whether a name is exactly that of a disk of this plan. What else begins so is somebody's copy.
    pub(super) fn names_disk(&self, name: &str) -> bool {
        let is_named = |known: &String| known.eq_ignore_ascii_case(name);
        self.disks_anywhere(true).iter().any(is_named) || self.disks_anywhere(false).iter().any(is_named)
    }
}

impl Site<'_> {
    /// The disks that are there and stay, by their names.
    async fn kept_disks(&self, placement: usize) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for name in self.plan.disks_until(placement, true) {
            if self.look(&self.group.disk(&name)?).await?.is_some() {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// The first disk that is there and stays, of this plan or of any machine that ever stood on this foundation.
    pub(super) async fn kept_disk(&self, state: &ProvisionState) -> Result<Option<String>, Error> {
        // Where the machines were built in the end, only their own journals say.
        let theirs = state.members.ever().flat_map(|(_, plan)| plan.disks_anywhere(true));
        for name in self.plan.disks_until(state.placement, true).into_iter().chain(theirs) {
            if self.look(&self.group.disk(&name)?).await?.is_some() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Refuses a placement if a disk has the name of one that would be made there: this provisioning would take it for its
    /// own from then on, and delete it. To be called before the machine is intended there.
    pub(super) async fn refuse_taken_disks(&self, placement: usize) -> Result<(), Failure> {
        let names = [false, true].into_iter().flat_map(|kept| self.plan.disks_at(placement, kept));
        let look = async |name: String| {
            let disk = self.group.disk(&name).map_err(Failure::Definitive)?;
            Ok(self.find(&disk).await?.map(|_| name))
        };
        let found = try_join_all(names.map(look)).await?;
        let Some(name) = found.into_iter().flatten().next() else { return Ok(()) };
        Err(Failure::Definitive(
            Error::new(ErrorKind::Conflict, format!("a disk of an earlier machine is there: {name}"))
                .with_effect(Effect::None)
                .with_field("disk")
                .with_advice("use another name for the machine, or attach the disk to it"),
        ))
    }

    /// A sentence on everything that a clean-up leaves: the disks that stay, and what else does.
    // Asked for at the end, and not collected on the way: a process that takes over has seen no earlier part.
    pub(super) async fn account_of_kept(
        &self,
        placement: usize,
        rest: Option<String>,
    ) -> Result<Option<String>, Error> {
        let disks = self.kept_disks(placement).await?;
        if disks.is_empty() {
            return Ok(rest);
        }
        let one = format!("these disks stay, as the specification says: {}", disks.join(", "));
        Ok(Some(rest.map_or_else(|| one.clone(), |rest| format!("{one}; {rest}"))))
    }
}

//! The data disks that stay when the machine is deleted, as its specification says.

use azconnect_core::Error;

use super::plan::ProvisionPlan;
use super::steps::Site;

impl ProvisionPlan {
    /// The names of all disks at placements up to and including one: those that stay, or those that go.
    pub(super) fn disks_until(&self, placement: usize, kept: bool) -> Vec<String> {
        (0..=placement)
            .flat_map(|at| {
                let disks = self.spec.data_disks.iter().enumerate().filter(move |(_, disk)| disk.kept == kept);
                let data = disks.map(move |(disk, _)| self.data_disk(at, disk));
                (!kept).then(|| self.os_disk(at)).into_iter().chain(data)
            })
            .collect()
    }
}

impl Site<'_> {
    /// The disks that are there and stay, by their names.
    pub(super) async fn kept_disks(&self, placement: usize) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for name in self.plan.disks_until(placement, true) {
            if self.group.disk(&name)?.find().await?.is_some() {
                found.push(name);
            }
        }
        Ok(found)
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

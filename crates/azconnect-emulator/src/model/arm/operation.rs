//! Long-running operations as they are kept: those that run, and the last ones that ended.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::failure::Failure;
use super::machine::Power;
use crate::base::moment::Moment;
use crate::base::settings::resource_manager::OperationKind;

/// What an operation does when its time has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Nothing more: the subject is already as the request described it.
    Provision,
    /// A machine begins to run.
    CreateMachine,
    /// The subject is removed with all that is inside it.
    Delete,
    /// The subject is removed from the resource that it is inside.
    DeleteEmbedded,
    /// A machine is removed, with the disks, interfaces and addresses that say `deleteOption: Delete`.
    DeleteMachine,
    /// A group is removed with everything in it.
    DeleteGroup,
    Power(Power),
    /// A deployment has ended, because its steps have.
    Deployment,
    Register(String),
    /// Nothing changes: the operation is there for its result.
    Answer(Value),
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Running,
    Succeeded,
    Failed,
    Canceled,
}

impl Progress {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }
}

/// A long-running operation, kept after its end so that it can still be read.
pub(crate) struct Operation {
    pub(crate) id: Uuid,
    pub(crate) number: u64,
    pub(crate) kind: OperationKind,
    pub(crate) subject: String,
    pub(crate) work: Work,
    pub(crate) namespace: &'static str,
    pub(crate) subscription: String,
    pub(crate) location: String,
    pub(crate) started: Moment,
    /// When it ends, in elapsed time.
    pub(crate) ends: Duration,
    pub(crate) progress: Progress,
    pub(crate) ended: Option<OffsetDateTime>,
    /// Why it ends, or has ended, without success.
    pub(crate) failure: Option<Failure>,
    pub(crate) by: Uuid,
    /// What the signature in its addresses is drawn from: kept, it would be several KB.
    pub(crate) signature: u64,
    pub(crate) partition: Uuid,
    pub(crate) api_version: String,
}

impl Operation {
    /// When it ends, or ended: now, moved back to the end that was set.
    pub(crate) fn moment_of_end(&self, now: Moment) -> Moment {
        // Whoever looks late must still see the moment at which it ended.
        Moment { wall: now.at(self.ends.min(now.elapsed)).wall, elapsed: self.ends }
    }
}

/// How many operations that have ended can be read in any case: a client that has just begun one polls it.
const LEAST_KEPT: usize = 1_000;

/// All operations that run, and the last ones that ended.
#[derive(Default)]
pub(crate) struct Operations {
    known: HashMap<Uuid, Operation>,
    running: BTreeSet<Uuid>,
    /// In the order in which they ended.
    ended: VecDeque<Uuid>,
    begun: u64,
}

impl Operations {
    /// The number of the next operation, counted from 1.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    pub(crate) fn begin(&mut self, operation: Operation) {
        self.running.insert(operation.id);
        self.known.insert(operation.id, operation);
    }

    pub(crate) fn get(&self, id: &Uuid) -> Option<&Operation> {
        self.known.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &Uuid) -> Option<&mut Operation> {
        self.known.get_mut(id)
    }

    /// All that are known, in no order.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Operation> {
        self.known.values()
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = &Operation> {
        self.running.iter().filter_map(|id| self.known.get(id))
    }

    /// Ends an operation that runs.
    pub(crate) fn end(&mut self, id: Uuid, progress: Progress, at: OffsetDateTime) -> Option<&mut Operation> {
        let operation = self.known.get_mut(&id)?;
        (operation.progress, operation.ended) = (progress, Some(at));
        if self.running.remove(&id) {
            self.ended.push_back(id);
        }
        Some(operation)
    }

    /// Forgets those that ended first, so that this many are left.
    pub(crate) fn keep(&mut self, kept: usize) {
        let surplus = self.ended.len().saturating_sub(kept.max(LEAST_KEPT));
        for id in self.ended.drain(..surplus) {
            self.known.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(number: u64) -> Operation {
        let began = Moment { wall: OffsetDateTime::UNIX_EPOCH, elapsed: Duration::ZERO };
        Operation {
            id: Uuid::from_u128(number.into()),
            number,
            kind: OperationKind::Network,
            subject: String::new(),
            work: Work::Provision,
            namespace: "Microsoft.Network",
            subscription: String::new(),
            location: String::new(),
            started: began,
            ends: Duration::ZERO,
            progress: Progress::Running,
            ended: None,
            failure: None,
            by: Uuid::nil(),
            signature: 0,
            partition: Uuid::nil(),
            api_version: String::new(),
        }
    }

    #[test]
    fn operations_that_run_are_kept_and_of_the_ended_the_last() {
        let mut operations = Operations::default();
        for number in 1..=3_000 {
            operations.begin(operation(number));
            if number > 1 {
                operations.end(Uuid::from_u128(number.into()), Progress::Succeeded, OffsetDateTime::UNIX_EPOCH);
            }
            operations.keep(0);
        }
        assert_eq!(operations.known().count(), LEAST_KEPT + 1, "a client can still read how its own ended");
        let runs: Vec<u64> = operations.running().map(|operation| operation.number).collect();
        assert_eq!(runs, [1], "however long ago it began");
        assert!(operations.get(&Uuid::from_u128(3_000)).is_some() && operations.get(&Uuid::from_u128(2)).is_none());
    }
}

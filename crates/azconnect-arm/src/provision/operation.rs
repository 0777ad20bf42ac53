//! The signed addresses of operations: they lie sealed in the secret store, and the journal holds their numbers.

use std::ops::RangeInclusive;

use azconnect_core::{Effect, Error, ErrorKind, Secret, SecretId};
use azconnect_http::{Operation, StoredOperation};
use serde::{Deserialize, Serialize};

use super::event::Step;
use super::id::ProvisionId;
use super::state::ProvisionState;
use super::steps::Site;

/// A long-running operation, as it is journalled. Whoever has its address can read the operation, so the address is sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum OperationRecord {
    /// The address is sealed under a name that follows from the provisioning, the step and this number.
    Sealed {
        /// The number of the operation among those of its step.
        sealed: u32,
    },
    /// The address itself, as the first journals hold it.
    Clear(StoredOperation),
}

/// The numbers of one step's operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The first one since the plan. What was sealed under lower numbers was forgotten before.
    first: u32,
    /// The next one. It may be sealed already, by a process that was killed before it could journal it.
    next: u32,
}

impl Numbers {
    /// Whether a number may be journalled. No other is ever used, so a journal with another one was changed.
    pub(super) fn admits(self, record: &OperationRecord) -> bool {
        match record {
            OperationRecord::Sealed { sealed } => *sealed == self.next && self.next < u32::MAX,
            OperationRecord::Clear(_) => true,
        }
    }

    pub(super) fn take_in(&mut self, record: &OperationRecord) {
        if let OperationRecord::Sealed { sealed } = record {
            self.next = sealed.saturating_add(1);
        }
    }

    /// A new plan begins, and nothing of the old one is left. Its numbers are not used again.
    pub(super) fn begin_anew(&mut self) {
        self.first = self.next;
    }

    fn all(self) -> RangeInclusive<u32> {
        self.first..=self.next
    }
}

/// What is sealed: the operation, and whether it deletes.
#[derive(Serialize, Deserialize)]
struct Held<T> {
    removal: bool,
    operation: T,
}

impl ProvisionId {
    fn operation_secret(&self, step: Step, number: u32) -> Result<SecretId, Error> {
        SecretId::new(format!("machine/{self}/operation:{}:{number}", step.word()))
    }
}

impl Site<'_> {
    /// Seals an operation and returns its record. `None` if the provisioning's name leaves no room for another name: then
    /// whoever takes over writes again, which changes nothing.
    pub(super) async fn seal_operation(
        &self,
        step: Step,
        removal: bool,
        operation: &Operation,
    ) -> Result<Option<OperationRecord>, Error> {
        let number = self.recorder.state().numbers(step).next;
        let Ok(name) = self.plan.id.operation_secret(step, number) else { return Ok(None) };
        let text =
            serde_json::to_string(&Held { removal, operation: operation.stored() }).map(Secret::new).map_err(|_| {
                Error::new(ErrorKind::Unexpected, "the operation's address cannot be written").with_field("operation")
            })?;
        match self.secrets.put(&name, &text).await {
            // Journalled nowhere, so a process that was killed before its append has left it.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                self.secrets.remove(&name).await?;
                self.secrets.put(&name, &text).await?;
            }
            outcome => outcome?,
        }
        Ok(Some(OperationRecord::Sealed { sealed: number }))
    }

    /// The operation of a record; `None` if its address was forgotten.
    pub(super) async fn open_operation(
        &self,
        step: Step,
        removal: bool,
        record: &OperationRecord,
    ) -> Result<Option<StoredOperation>, Error> {
        let sealed = match record {
            OperationRecord::Clear(operation) => return Ok(Some(operation.clone())),
            OperationRecord::Sealed { sealed } => *sealed,
        };
        let Some(text) = self.secrets.get(&self.plan.id.operation_secret(step, sealed)?).await? else {
            return Ok(None);
        };
        match serde_json::from_str::<Held<StoredOperation>>(text.expose()) {
            // The success of a write must never be taken for that of a deletion.
            Ok(held) if held.removal == removal => Ok(Some(held.operation)),
            _ => Err(Error::new(ErrorKind::Corrupt, format!("the sealed operation of the {} is another", step.name()))
                .with_field("operation")
                .with_effect(Effect::None)
                .with_advice("restore journal and secrets from one backup")),
        }
    }

    /// Forgets the addresses of a step whose operation has ended.
    pub(super) async fn forget_ended(&self, step: Step) {
        if let Err(error) = self.forget_operations(step).await {
            tracing::debug!(%error, "the address of an operation that ended is forgotten later");
        }
    }

    /// Forgets the addresses of all operations, before the stream rests: whatever a killed process left goes too.
    pub(super) async fn forget_all_operations(&self) -> Result<(), Error> {
        for step in Step::ALL {
            self.forget_operations(step).await?;
        }
        Ok(())
    }

    async fn forget_operations(&self, step: Step) -> Result<(), Error> {
        for number in self.recorder.state().numbers(step).all() {
            if let Ok(name) = self.plan.id.operation_secret(step, number) {
                self.secrets.remove(&name).await?;
            }
        }
        Ok(())
    }
}

impl ProvisionState {
    pub(super) fn numbers(&self, step: Step) -> Numbers {
        self.numbers.get(&step).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_number_may_be_journalled() {
        let mut numbers = Numbers::default();
        let record = |sealed| OperationRecord::Sealed { sealed };
        assert!(numbers.admits(&record(0)) && !numbers.admits(&record(1)) && !numbers.admits(&record(u32::MAX)));
        numbers.take_in(&record(0));
        numbers.take_in(&record(1));
        assert_eq!(numbers.all(), 0..=2);
        numbers.begin_anew();
        assert!(numbers.admits(&record(2)) && !numbers.admits(&record(0)));
        assert_eq!(numbers.all(), 2..=2);
    }

    #[test]
    fn a_record_with_a_number_holds_nothing_else() {
        let record = OperationRecord::Sealed { sealed: 3 };
        let written = serde_json::to_string(&record).unwrap();
        assert_eq!(written, r#"{"sealed":3}"#);
        assert_eq!(serde_json::from_str::<OperationRecord>(&written).unwrap(), record);
    }
}

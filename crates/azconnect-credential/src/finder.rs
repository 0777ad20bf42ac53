//! The port that finds who uses a secret, bound to a rotation or not.

use async_trait::async_trait;
use azconnect_core::Error;
use serde::{Deserialize, Serialize};

use crate::check::CheckStatus;
use crate::check_report::CheckReport;
use crate::sink::SinkId;

/// Somebody that uses the application's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoundConsumer {
    /// Its name as a consumer, as [`CredentialSink::id`](crate::CredentialSink::id) of a sink for it gives it.
    pub sink: SinkId,
    /// What it is and where, for a person: `service connection "deploy" (azurerm) in contoso/Web`.
    pub title: String,
}

impl FoundConsumer {
    /// A consumer with its name and title.
    pub fn new(sink: SinkId, title: impl Into<String>) -> Self {
        Self { sink, title: title.into() }
    }
}

/// Everybody that was found to use the application's secret, and where it was not possible to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoundConsumers {
    /// The consumers, each once, in the order of their names.
    pub consumers: Vec<FoundConsumer>,
    /// What could not be read, such as a project that is closed to the caller: consumers may be there too.
    pub checks: CheckReport,
}

impl FoundConsumers {
    /// These consumers, each once and in the order of their names, with nothing left out.
    pub fn new(mut consumers: Vec<FoundConsumer>) -> Self {
        consumers.sort_by(|one, other| one.sink.as_str().cmp(other.sink.as_str()));
        consumers.dedup_by(|one, other| one.sink == other.sink);
        Self { consumers, checks: CheckReport::new() }
    }

    /// Sets what could not be read.
    #[must_use]
    pub fn with_checks(mut self, checks: CheckReport) -> Self {
        self.checks = checks;
        self
    }

    /// The consumer with this name, where it was found.
    pub fn consumer(&self, sink: &SinkId) -> Option<&FoundConsumer> {
        self.consumers.iter().find(|found| found.sink == *sink)
    }

    /// Whether every place was read: then who is not found does not use the secret, as far as the finder can look.
    pub fn is_complete(&self) -> bool {
        self.checks.iter().all(|check| check.status == CheckStatus::Passed)
    }
}

/// Finds everybody that uses the secrets of one application, such as the service connections that name it.
///
/// A rotation compares what is found with the consumers that it was given: one that is left out would be broken when the
/// old secret is removed.
///
/// Every implementation passes `azconnect_testkit::conformance::consumer_finder`.
#[async_trait]
pub trait ConsumerFinder: Send + Sync {
    /// Looks for consumers. Idempotent, without effect; no secret is read.
    ///
    /// A place that may not be read, or cannot be read now, is a check in [`FoundConsumers::checks`] and not an error:
    /// what was found elsewhere is told all the same.
    ///
    /// # Errors
    /// Only where nothing could be looked at at all.
    ///
    /// # Cancel safety
    /// Cancel safe: nothing changes.
    async fn consumers(&self) -> Result<FoundConsumers, Error>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Check;

    fn consumer(name: &str) -> FoundConsumer {
        FoundConsumer::new(SinkId::new(name).unwrap(), format!("the consumer {name}"))
    }

    #[test]
    fn each_consumer_is_told_once_and_in_order() {
        let found = FoundConsumers::new(vec![consumer("b"), consumer("a"), consumer("b")]);
        assert_eq!(found.consumers, [consumer("a"), consumer("b")]);
        assert_eq!(found.consumer(&SinkId::new("b").unwrap()), Some(&consumer("b")));
        assert_eq!(found.consumer(&SinkId::new("c").unwrap()), None);
    }

    #[test]
    fn what_could_not_be_read_makes_it_incomplete() {
        let found = FoundConsumers::new(Vec::new());
        assert!(found.is_complete());
        let note: CheckReport = [Check::passed("project", "project", "read")].into_iter().collect();
        assert!(found.clone().with_checks(note).is_complete());
        let closed: CheckReport = [Check::unknown("project", "project", "closed", "ask")].into_iter().collect();
        assert!(!found.with_checks(closed).is_complete());
    }
}

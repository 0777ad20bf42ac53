//! A search for consumers in several tenants, each in the name of whoever acts there.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::{CheckReport, ConsumerFinder, FoundConsumers};

/// Finds what several finders find.
pub(super) struct Everywhere(pub(super) Vec<Box<dyn ConsumerFinder>>);

#[async_trait]
impl ConsumerFinder for Everywhere {
    async fn consumers(&self) -> Result<FoundConsumers, Error> {
        let (mut consumers, mut checks) = (Vec::new(), CheckReport::new());
        for finder in &self.0 {
            let found = finder.consumers().await?;
            consumers.extend(found.consumers);
            checks.extend(found.checks);
        }
        Ok(FoundConsumers::new(consumers).with_checks(checks))
    }
}

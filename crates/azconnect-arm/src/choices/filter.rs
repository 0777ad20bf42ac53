//! Which sizes a form shows.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::size::{Architecture, OfferedSize};

/// Which sizes are wanted; all of them at first. A region has more than a thousand: what is not wanted is not kept while the
/// list is read.
///
/// ```
/// use azconnect_arm::choices::{Architecture, OfferedSize, SizeFilter};
///
/// let small = SizeFilter::new().with_cores(1..=4).with_architecture(Architecture::X64).open_only();
/// let size = OfferedSize::new("Standard_D2s_v5").with_shape("standardDSv5Family", 2, 8192);
/// assert!(small.accepts(&size.clone().with_architecture(Architecture::X64, &["V1", "V2"])));
/// assert!(!small.accepts(&size), "its architecture is not known");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct SizeFilter {
    /// The fewest processors.
    pub min_cores: Option<u32>,
    /// The most processors.
    pub max_cores: Option<u32>,
    /// The least memory, in MiB.
    pub min_memory_mib: Option<u64>,
    /// The architecture.
    pub architecture: Option<Architecture>,
    /// A part of the name, whose case does not matter.
    pub name_part: Option<String>,
    /// Whether those that the subscription may not use are left out.
    pub open_only: bool,
}

impl SizeFilter {
    /// All sizes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those with so many processors.
    #[must_use]
    pub fn with_cores(mut self, cores: RangeInclusive<u32>) -> Self {
        (self.min_cores, self.max_cores) = (Some(*cores.start()), Some(*cores.end()));
        self
    }

    /// Those with at least so much memory, in MiB.
    #[must_use]
    pub fn with_min_memory_mib(mut self, memory: u64) -> Self {
        self.min_memory_mib = Some(memory);
        self
    }

    /// Those of an architecture.
    #[must_use]
    pub fn with_architecture(mut self, architecture: Architecture) -> Self {
        self.architecture = Some(architecture);
        self
    }

    /// Those whose name contains a text, such as `_v5`.
    #[must_use]
    pub fn with_name_part(mut self, part: impl Into<String>) -> Self {
        self.name_part = Some(part.into());
        self
    }

    /// Without those that the subscription may not use.
    #[must_use]
    pub fn open_only(mut self) -> Self {
        self.open_only = true;
        self
    }

    /// Whether a size is wanted. One that does not say what is asked for is not.
    pub fn accepts(&self, size: &OfferedSize) -> bool {
        let named = |part: &String| size.name.to_ascii_lowercase().contains(&part.to_ascii_lowercase());
        self.min_cores.is_none_or(|least| size.cores.is_some_and(|cores| cores >= least))
            && self.max_cores.is_none_or(|most| size.cores.is_some_and(|cores| cores <= most))
            && self.min_memory_mib.is_none_or(|least| size.memory_mib.is_some_and(|memory| memory >= least))
            && self.architecture.is_none_or(|wanted| size.architecture == Some(wanted))
            && self.name_part.as_ref().is_none_or(named)
            && (!self.open_only || size.is_open())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::Availability;

    #[test]
    fn each_wish_leaves_out_what_does_not_fulfil_it() {
        let size = OfferedSize::new("Standard_D2s_v5")
            .with_shape("standardDSv5Family", 2, 8192)
            .with_architecture(Architecture::X64, &["V1", "V2"]);
        let fits = |filter: SizeFilter| filter.accepts(&size);
        assert!(fits(SizeFilter::new()) && fits(SizeFilter::new().with_cores(2..=2)));
        assert!(!fits(SizeFilter::new().with_cores(3..=9)) && !fits(SizeFilter::new().with_cores(0..=1)));
        assert!(
            fits(SizeFilter::new().with_min_memory_mib(8192)) && !fits(SizeFilter::new().with_min_memory_mib(8193))
        );
        assert!(!fits(SizeFilter::new().with_architecture(Architecture::Arm64)));
        assert!(fits(SizeFilter::new().with_name_part("d2S")) && !fits(SizeFilter::new().with_name_part("_v6")));
        let closed = size.clone().with_availability(Availability::Closed { reason: "QuotaId".into() });
        assert!(SizeFilter::new().accepts(&closed) && !SizeFilter::new().open_only().accepts(&closed));
        // What is not known is not known to be closed.
        assert!(SizeFilter::new().open_only().accepts(&size.clone().with_availability(Availability::Unknown)));
    }
}

//! How much of a quota is used.

use super::view::views;

views! {
    /// One quota of a region.
    Usage {
        /// Its name.
        name: UsageName,
        /// How much is in use.
        current_value: i64,
        /// How much is allowed.
        limit: i64,
    }
    /// The name of a quota.
    UsageName {
        /// Such as `cores`, `standardBSFamily` or `StandardSkuPublicIpAddresses`.
        value: String,
        /// In words.
        localized_value: Option<String>,
    }
}

impl Usage {
    /// How much more can be used.
    pub fn free(&self) -> i64 {
        self.limit.saturating_sub(self.current_value)
    }
}

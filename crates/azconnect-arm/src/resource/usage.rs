//! Quotas and how much of each is used: views.

use super::view::views;

views! {
    /// One quota of a region.
    Usage {
        /// The name of the quota.
        name: UsageName,
        /// The amount in use, in the unit of the quota, such as cores or addresses.
        current_value: i64,
        /// The largest amount that is allowed.
        limit: i64,
    }
    /// The name of a quota.
    UsageName {
        /// The stable name, such as `cores`, `standardBSFamily` or `StandardSkuPublicIpAddresses`.
        value: String,
        /// The name that people read, such as `Total Regional vCPUs`.
        localized_value: Option<String>,
    }
}

impl Usage {
    /// The amount that is left. Negative if the limit was lowered below what is in use.
    pub fn free(&self) -> i64 {
        self.limit.saturating_sub(self.current_value)
    }
}

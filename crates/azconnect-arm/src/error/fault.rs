//! What the service said, as the source of an error.

use std::fmt;

use azconnect_core::{Error, TenantId};

use super::catalogue::{Class, row};
use super::quota::Quota;

/// The service's own account of a refusal: found in an [`Error`] with [`Fault::of`].
///
/// Neither `Display` nor `Debug` shows the service's message, which may quote what was sent.
#[non_exhaustive]
pub struct Fault {
    /// The most telling code of the answer, such as `SkuNotAvailable`.
    pub code: String,
    /// What a caller can do about it.
    pub class: Class,
    /// The part of the request that was refused, where the service names one.
    pub target: Option<String>,
    /// The quota that is used up, where that is the reason.
    pub quota: Option<Quota>,
    /// The tenant that the token must come from, where that is the reason.
    pub tenant: Option<TenantId>,
    pub(super) message: String,
}

impl Fault {
    /// The fault behind an error of this crate.
    pub fn of(error: &Error) -> Option<&Self> {
        let first = std::error::Error::source(error);
        std::iter::successors(first, |source| source.source()).find_map(<dyn std::error::Error>::downcast_ref)
    }

    /// Whether the catalogue names the code; else the class is a guess by the status.
    pub(crate) fn is_known(&self) -> bool {
        row(&self.code, self.quota.is_some()).is_some()
    }

    /// The same fault with every text of the service passed through a function, such as one that hides secrets.
    pub(crate) fn rewritten(&self, rewrite: impl Fn(&str) -> String) -> Self {
        Self {
            code: rewrite(&self.code),
            class: self.class,
            target: self.target.as_deref().map(&rewrite),
            quota: self.quota.clone(),
            tenant: self.tenant,
            message: rewrite(&self.message),
        }
    }

    /// The service's own message, at most 2,000 bytes. It may quote the request: show it only to whoever made that.
    pub fn service_message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("code", &self.code)
            .field("class", &self.class)
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Fault {}

//! A list for a form, with where it comes from and how old it is.

use std::time::Duration;

use azconnect_core::Diagnosis;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// A list for a form. It can be kept as JSON, and shown from there until it [is stale](Offer::is_stale).
///
/// ```
/// use std::time::Duration;
/// use azconnect_arm::choices::{Offer, OfferedGroup};
/// use time::macros::datetime;
///
/// let read = datetime!(2026-11-22 12:00 UTC);
/// let offer = Offer::listed(vec![OfferedGroup::new("rg-web", "westeurope")], read);
/// let kept = serde_json::to_string(&offer)?;
/// let shown: Offer<OfferedGroup> = serde_json::from_str(&kept)?;
/// assert!(!shown.is_stale(read + Duration::from_secs(600), Duration::from_secs(3600)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Offer<T> {
    /// What there is to choose from, in the order of a form.
    pub entries: Vec<T>,
    /// Where it comes from.
    #[serde(flatten)]
    pub source: OfferSource,
    /// When it was read, or was tried to be read.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
    /// How many entries of the service's list were left out because they are not written as they should be.
    #[serde(default)]
    pub left_out: usize,
    /// What a person should know beside the list, each with its remedy: why the list could not be read, or that nothing can be
    /// created in the subscription.
    #[serde(default)]
    pub notices: Vec<Diagnosis>,
}

/// Where a list for a form comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OfferSource {
    /// The service listed it for this identity.
    Listed,
    /// The identity may not list it: it is what Azure usually offers, of which the subscription may lack some.
    BuiltIn {
        /// The day at which it was written down.
        #[serde(with = "time::serde::rfc3339")]
        as_of: OffsetDateTime,
    },
}

impl<T> Offer<T> {
    /// What the service listed at a moment.
    pub fn listed(entries: Vec<T>, read_at: OffsetDateTime) -> Self {
        Self { entries, source: OfferSource::Listed, read_at, left_out: 0, notices: Vec::new() }
    }

    /// What Azure usually offers, as it was written down on a day, with why the list was not read.
    pub fn built_in(entries: Vec<T>, as_of: OffsetDateTime, read_at: OffsetDateTime, why: Diagnosis) -> Self {
        Self { source: OfferSource::BuiltIn { as_of }, notices: vec![why], ..Self::listed(entries, read_at) }
    }

    /// Sets how many entries were left out.
    #[must_use]
    pub fn with_left_out(mut self, left_out: usize) -> Self {
        self.left_out = left_out;
        self
    }

    /// Adds what a person should know.
    #[must_use]
    pub fn with_notices(mut self, notices: impl IntoIterator<Item = Diagnosis>) -> Self {
        self.notices.extend(notices);
        self
    }

    /// Whether the service listed it.
    pub fn is_listed(&self) -> bool {
        self.source == OfferSource::Listed
    }

    /// Whether it was read longer ago than an age, so that it is to be read again. One that was read after `now` is stale as
    /// well: a clock was set, and its age is not known.
    pub fn is_stale(&self, now: OffsetDateTime, age: Duration) -> bool {
        !Duration::try_from(now - self.read_at).is_ok_and(|passed| passed < age)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_offer_is_stale_after_its_age_and_before_it_was_read() {
        let read = datetime!(2026-11-22 12:00 UTC);
        let offer = Offer::<String>::listed(Vec::new(), read);
        let hour = Duration::from_secs(3600);
        assert!(!offer.is_stale(read, hour));
        assert!(!offer.is_stale(read + Duration::from_secs(3599), hour));
        assert!(offer.is_stale(read + hour, hour));
        assert!(offer.is_stale(read - Duration::from_secs(1), hour));
        assert!(offer.is_stale(datetime!(9999-12-31 23:59 UTC), hour));
        assert!(offer.is_stale(read, Duration::ZERO));
    }

    #[test]
    fn a_page_is_told_where_a_list_comes_from_and_why() {
        let why = Diagnosis::new(azconnect_core::ErrorKind::PermissionDenied, "may not be listed");
        let offer = Offer::built_in(
            vec!["one".to_owned()],
            datetime!(2025-06-01 0:00 UTC),
            datetime!(2026-11-22 12:00 UTC),
            why,
        );
        let shown = serde_json::to_value(&offer).unwrap();
        assert_eq!(shown["source"], "built-in");
        assert_eq!(shown["as_of"], "2025-06-01T00:00:00Z");
        assert_eq!(shown["read_at"], "2026-11-22T12:00:00Z");
        assert_eq!(shown["notices"][0]["message"], "may not be listed");
        assert_eq!(serde_json::from_value::<Offer<String>>(shown).unwrap(), offer);
    }
}

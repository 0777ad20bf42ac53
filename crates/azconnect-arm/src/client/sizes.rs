//! Some sizes of a region, read once for all who ask for them within some minutes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::Error;

use super::subscription::Subscription;
use crate::resource::sku::Sku;

/// How long sizes that were read are taken for true. A preflight and the plan after it ask for the same ones, and the list of
/// a region takes seconds; what a subscription may use changes over days.
const KEPT: Duration = Duration::from_secs(300);

/// How many answers are kept: those of the last few specifications.
const MOST_ANSWERS: usize = 16;

/// The answers of the last minutes. Clones share them.
#[derive(Clone, Default)]
pub(super) struct KnownSizes(Arc<Mutex<Vec<Answer>>>);

struct Answer {
    location: String,
    names: Vec<String>,
    found: Arc<[Sku]>,
    read: Duration,
}

impl KnownSizes {
    fn of(&self, location: &str, names: &[String], now: Duration) -> Option<Arc<[Sku]>> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|answer| now.saturating_sub(answer.read) < KEPT);
        let has =
            |answer: &&Answer| answer.location == location && names.iter().all(|name| answer.names.contains(name));
        answers.iter().find(has).map(|answer| answer.found.clone())
    }

    fn keep(&self, answer: Answer) {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST_ANSWERS {
            answers.remove(0);
        }
        answers.push(answer);
    }
}

impl Subscription {
    /// The machine sizes of these names that a region offers; a name that is not offered is missing. The list is read once:
    /// whoever asks for the same sizes within five minutes, of this subscription or a clone of it, gets the same answer.
    ///
    /// # Errors
    /// As [`Subscription::skus`] and [`Skus::next`](super::Skus::next). An error is not kept.
    pub async fn sizes(&self, location: &str, names: &[String]) -> Result<Arc<[Sku]>, Error> {
        let location = location.to_ascii_lowercase();
        let names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        let now = self.arm().clock().elapsed();
        if let Some(found) = self.known_sizes().of(&location, &names, now) {
            return Ok(found);
        }
        let mut list = self.skus(Some(&location))?;
        let mut found = Vec::new();
        while let Some(sku) = list.next().await? {
            // Compared here: the region is the only thing that the service filters by.
            let wanted = names.contains(&sku.name.to_ascii_lowercase());
            if wanted && sku.resource_type.eq_ignore_ascii_case("virtualMachines") && sku.is_in(&location) {
                found.push(sku);
            }
        }
        let found: Arc<[Sku]> = found.into();
        self.known_sizes().keep(Answer { location, names, found: found.clone(), read: now });
        Ok(found)
    }
}

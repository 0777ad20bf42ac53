//! Which secret was pushed last, without keeping it.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use azconnect_core::Secret;

/// Remembers which secret was pushed last. Clones share the memory.
///
/// A sink may live as long as its process, and a secret should not: so only a digest is kept, under two keys that are drawn
/// at random for this memory and never leave it. It answers one question, *is it the same one?*, and protects nothing from
/// anybody, so the standard library's keyed hash is enough; two of 64 bits each never take one secret for another.
#[derive(Clone)]
pub(super) struct LastPush {
    keys: [RandomState; 2],
    digest: Arc<Mutex<Option<[u64; 2]>>>,
}

impl LastPush {
    pub(super) fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], digest: Arc::default() }
    }

    /// Whether this secret was pushed last; `None` if nothing is known of a push.
    pub(super) fn was(&self, secret: &Secret) -> Option<bool> {
        let digest = *self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        digest.map(|digest| digest == self.digest(secret))
    }

    pub(super) fn remember(&self, secret: &Secret) {
        *self.digest.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.digest(secret));
    }

    pub(super) fn forget(&self) {
        *self.digest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn digest(&self, secret: &Secret) -> [u64; 2] {
        self.keys.each_ref().map(|key| key.hash_one(secret.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_push_is_known_by_clones_and_forgotten_on_demand() {
        let last = LastPush::new();
        assert_eq!(last.was(&Secret::new("a")), None);
        last.clone().remember(&Secret::new("a"));
        assert_eq!((last.was(&Secret::new("a")), last.was(&Secret::new("b"))), (Some(true), Some(false)));
        last.forget();
        assert_eq!(last.was(&Secret::new("a")), None);
    }
}

//! Which secret was pushed last, without keeping it.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use azconnect_core::Secret;

/// Remembers which secret was pushed last, and what the connection called its state after that. Clones share the memory.
///
/// A sink may live as long as its process, and a secret should not: so only a digest is kept, under two keys that are drawn
/// at random for this memory and never leave it. It answers one question, *is it the same one?*, and protects nothing from
/// anybody, so the standard library's keyed hash is enough; two of 64 bits each never take one secret for another.
#[derive(Clone)]
pub(super) struct LastPush {
    keys: [RandomState; 2],
    pushed: Arc<Mutex<Option<Pushed>>>,
}

struct Pushed {
    digest: [u64; 2],
    revision: Option<String>,
}

/// What is known of the last push, asked about one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// It was this secret. The revision is that of the connection after the push; none where the push moved none.
    ThisOne {
        /// What the connection called its state after the push.
        revision: Option<String>,
    },
    /// It was another secret.
    Another,
    /// Nothing is known of a push.
    Nothing,
}

impl LastPush {
    pub(super) fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], pushed: Arc::default() }
    }

    /// What is known of a push of this secret.
    pub(super) fn of(&self, secret: &Secret) -> Memory {
        match &*self.pushed.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(pushed) if pushed.digest == self.digest(secret) => {
                Memory::ThisOne { revision: pushed.revision.clone() }
            }
            Some(_) => Memory::Another,
            None => Memory::Nothing,
        }
    }

    pub(super) fn remember(&self, secret: &Secret, revision: Option<String>) {
        let pushed = Pushed { digest: self.digest(secret), revision };
        *self.pushed.lock().unwrap_or_else(PoisonError::into_inner) = Some(pushed);
    }

    pub(super) fn forget(&self) {
        *self.pushed.lock().unwrap_or_else(PoisonError::into_inner) = None;
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
        assert_eq!(last.of(&Secret::new("a")), Memory::Nothing);
        last.clone().remember(&Secret::new("a"), Some("1".to_owned()));
        assert_eq!(last.of(&Secret::new("a")), Memory::ThisOne { revision: Some("1".to_owned()) });
        assert_eq!(last.of(&Secret::new("b")), Memory::Another);
        last.forget();
        assert_eq!(last.of(&Secret::new("a")), Memory::Nothing);
    }
}

//! Everything in this process's memory: for tests, demonstrations, and products that need no durability.

mod documents;
mod journal;
mod lease;
mod secrets;

pub use documents::MemoryDocuments;
pub use journal::MemoryJournal;
pub use lease::MemoryLease;
pub use secrets::MemorySecrets;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. Nothing here panics while it holds a lock, so a poisoned one guards sound data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

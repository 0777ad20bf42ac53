//! A secret that is recognised wherever it turns up.

mod ears;
#[cfg(test)]
mod leaks;
mod needles;
mod peel;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use azconnect_core::Secret;
use uuid::Uuid;

pub use self::ears::Listening;
use self::ears::Log;
use self::needles::Needles;

/// The shortest secret that can be told from chance.
const SHORTEST: usize = 8;

/// A secret no other text resembles, and the means to prove that it, and others, leaked nowhere.
///
/// A leak is found in plain, reversed and in UTF-16, in capitals or small letters, in one line or broken into many; in
/// base64 (any alignment, both alphabets), in hexadecimal digits, as a list of bytes, percent-encoded and escaped (JSON,
/// Rust's `Debug`); and in four such layers around each other. Of the canary's own secret, 12 characters are enough.
///
/// Not found: what was compressed, encrypted or hashed, and base64 whose letters changed their case.
///
/// ```should_panic
/// let canary = azconnect_testkit::Canary::new();
/// let message = format!("login failed for {}", canary.secret().expose());
/// canary.assert_absent("the error's text", message.as_bytes());
/// ```
pub struct Canary {
    own: Secret,
    watched: Mutex<Needles>,
    log: Log,
}

impl Canary {
    /// A canary whose secret looks like one that Entra ID would mint: 46 of `A-Z a-z 0-9 ~ . _ -`.
    pub fn new() -> Self {
        let random = Uuid::new_v4().simple().to_string();
        let (head, tail) = random.split_at(16);
        Self::with_text(format!("cNr8Q~{head}._-~{tail}.Ye"))
    }

    /// A canary whose secret has characters that every encoding treats specially: quotes, backslash, `%`, `&`, `+`, a
    /// space, a line feed, and some beyond ASCII.
    pub fn awkward() -> Self {
        const SPECIAL: [&str; 11] = ["\"", "\\", "'", "%2F", "&", "+", " ", "=\n", "\u{e9}", "\u{20ac}", "\u{1f511}"];
        let random = Uuid::new_v4().simple().to_string();
        // Random digits stand between them all, so that no piece is the same in two of these secrets.
        let digits: Vec<char> = random.chars().collect();
        let pieces = digits.chunks(3).zip(SPECIAL.iter().chain(std::iter::repeat(&"")));
        Self::with_text(pieces.map(|(digits, special)| digits.iter().collect::<String>() + special).collect())
    }

    fn with_text(text: String) -> Self {
        let mut needles = Needles::new();
        needles.add_pieces(&text);
        Self { own: Secret::new(text), watched: Mutex::new(needles), log: Log::default() }
    }

    /// A copy of the canary's own secret, to put where a real one would be.
    pub fn secret(&self) -> Secret {
        self.own.duplicate()
    }

    /// Watches another secret too, such as one that was minted during the test.
    ///
    /// # Panics
    /// If it has fewer than 8 bytes besides white space: it would be found by chance.
    #[track_caller]
    pub fn watch(&self, secret: &Secret) {
        let length = needles::canonical(secret.expose().as_bytes()).len();
        assert!(length >= SHORTEST, "a watched secret needs at least {SHORTEST} bytes");
        // Whole only: part of a minted secret may be the same in all of them, and would be found by chance.
        self.needles().add_whole(secret.expose());
    }

    /// Hears everything that `tracing` emits on this thread, at every level and from every crate, until the guard is
    /// dropped; and what the `log` crate emits anywhere in the process.
    ///
    /// It fits tests on a current-thread runtime. For others see [`Canary::listen_everywhere`].
    pub fn listen(&self) -> Listening {
        ears::listen(&self.log)
    }

    /// Hears everything that `tracing` and `log` emit in the whole process from now on.
    ///
    /// # Panics
    /// If the process has a global `tracing` subscriber that is not a canary's.
    #[track_caller]
    pub fn listen_everywhere(&self) {
        ears::listen_everywhere(&self.log);
    }

    /// How many bytes of log were heard. A test that asserts silence should know that it was not deaf.
    pub fn heard(&self) -> usize {
        self.log.contents().iter().map(Vec::len).sum()
    }

    /// Proves that no watched secret was logged, also one that is watched only since it was logged.
    ///
    /// # Panics
    /// If one was, or if nobody listened.
    #[track_caller]
    pub fn assert_absent_from_logs(&self) {
        assert!(self.log.was_listening(), "nobody listened: call `listen` or `listen_everywhere` first");
        let leak = self.find_in_logs();
        assert!(leak.is_none(), "{}", leak.unwrap_or_default());
    }

    /// Proves that no watched secret is in `bytes`, in any form. `place` is named when one is.
    ///
    /// # Panics
    /// If one is. The message names the form and the position, not the secret.
    #[track_caller]
    pub fn assert_absent(&self, place: &str, bytes: &[u8]) {
        if let Some(leak) = self.find(bytes) {
            #[expect(clippy::panic, reason = "a test kit reports by panicking")]
            {
                panic!("{place} holds {leak}");
            }
        }
    }

    /// Where a watched secret is in `bytes`, in words, if one is.
    pub fn find(&self, bytes: &[u8]) -> Option<String> {
        peel::search(bytes, &self.needles()).map(|(hit, layers)| {
            let whose = match hit.whose {
                0 => "the canary's secret".to_owned(),
                number => format!("watched secret {number}"),
            };
            format!("{whose} as {}{layers}, at byte {}", hit.form, hit.at)
        })
    }

    /// Where a watched secret was logged, in words, if one was.
    pub fn find_in_logs(&self) -> Option<String> {
        self.log.contents().iter().find_map(|log| self.find(log)).map(|leak| format!("the log holds {leak}"))
    }

    fn needles(&self) -> MutexGuard<'_, Needles> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Canary {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canary").field("watched", &self.needles().secrets()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_canaries_differ() {
        assert!(!Canary::new().secret().same_as(&Canary::new().secret()));
        assert!(!format!("{:?}", Canary::new()).contains("8Q~"));
    }

    #[test]
    fn a_secret_watched_later_is_found_in_what_was_logged_before() {
        let canary = Canary::new();
        let _ears = canary.listen();
        let minted = Secret::new("minted-at-run-time");
        tracing::debug!(leak = minted.expose());
        canary.assert_absent_from_logs();
        canary.watch(&minted);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| canary.assert_absent_from_logs()));
        let message = *caught.unwrap_err().downcast::<String>().unwrap();
        assert!(message.starts_with("the log holds watched secret 1 as plain text"), "{message}");
        assert!(!message.contains(minted.expose()));
    }

    #[test]
    #[should_panic(expected = "nobody listened")]
    fn silence_without_ears_proves_nothing() {
        Canary::new().assert_absent_from_logs();
    }

    #[test]
    #[should_panic(expected = "at least 8 bytes")]
    fn a_short_secret_cannot_be_watched() {
        Canary::new().watch(&Secret::new("1234567"));
    }
}

//! A sign-in that was begun and not finished yet.

use std::fmt;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry, Secret};
use azconnect_credential::PersonId;
use time::OffsetDateTime;

use crate::hashed::hashed;

/// The form in which it is kept, and its version.
const FORM: &str = "sign-in/1";

/// How far ahead the clock of another process may be.
const SKEW: Duration = Duration::from_secs(120);

/// A sign-in that was begun and not finished yet: what only the one who began it knows. It serves once.
///
/// Keep it where the browser that was sent away finds it again and nobody else does: in the person's session, or sealed in a
/// cookie of theirs ([`to_secret`](Self::to_secret)). [`key`](Self::key) finds it without a session.
pub struct PendingSignIn {
    pub(super) state: Secret,
    pub(super) nonce: Secret,
    pub(super) verifier: Secret,
    pub(super) began: OffsetDateTime,
    /// What was asked for, so that it is finished by the same application.
    pub(super) purpose: String,
    pub(super) expected: Option<PersonId>,
}

impl PendingSignIn {
    /// When it was begun.
    pub fn began(&self) -> OffsetDateTime {
        self.began
    }

    /// A name for it that is no secret: that of its `state`. [`RedirectAnswer::key`](super::RedirectAnswer::key) is the same for
    /// the answer that belongs to it.
    pub fn key(&self) -> String {
        hashed(self.state.expose())
    }

    /// All of it as one text, to keep sealed until the person comes back.
    pub fn to_secret(&self) -> Secret {
        let parts = [&self.state, &self.nonce, &self.verifier].map(Secret::expose);
        let began = self.began.unix_timestamp().to_string();
        let expected = self.expected.map_or_else(|| "-".to_owned(), |person| person.to_string());
        let rest = [began.as_str(), &self.purpose, &expected];
        // Room for all of it at once: a text that grows leaves copies behind.
        let length = FORM.len() + parts.iter().chain(&rest).map(|part| part.len() + 1).sum::<usize>();
        let mut text = String::with_capacity(length);
        text.push_str(FORM);
        for part in parts.iter().chain(&rest) {
            text.push(' ');
            text.push_str(part);
        }
        Secret::new(text)
    }

    /// Reads what [`to_secret`](Self::to_secret) wrote.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `pending` for any other text.
    pub fn from_secret(secret: &Secret) -> Result<Self, Error> {
        Self::read(secret.expose()).ok_or_else(|| {
            Error::invalid("pending", "is no sign-in that was begun here").with_advice("start the sign-in again")
        })
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        (next()? == FORM).then_some(())?;
        let (state, nonce, verifier) = (Secret::new(next()?), Secret::new(next()?), Secret::new(next()?));
        let began = OffsetDateTime::from_unix_timestamp(next()?.parse().ok()?).ok()?;
        let purpose = next()?.to_owned();
        let expected = match next()? {
            "-" => None,
            person => Some(person.parse().ok()?),
        };
        parts.next().is_none().then_some(Self { state, nonce, verifier, began, purpose, expected })
    }

    /// Refuses one that was begun too long ago, or in the future.
    pub(super) fn require_young(&self, now: OffsetDateTime, time_limit: Duration) -> Result<(), Error> {
        if now - self.began <= time_limit && self.began - now <= SKEW {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Timeout, "the sign-in was begun too long ago")
            .with_effect(Effect::None)
            .with_retry(Retry::No)
            .with_field("pending")
            .with_advice("start the sign-in again"))
    }
}

impl fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingSignIn")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pending(expected: Option<PersonId>) -> PendingSignIn {
        let began = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let [state, nonce, verifier] = ["state", "nonce", "verifier"].map(Secret::new);
        PendingSignIn { state, nonce, verifier, began, purpose: "p".to_owned(), expected }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let person = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/10000000-0000-4000-8000-000000000002".parse().unwrap();
        for expected in [None, Some(person)] {
            let written = pending(expected).to_secret();
            let read = PendingSignIn::from_secret(&written).unwrap();
            assert!(read.to_secret().same_as(&written));
            assert_eq!((read.expected, read.began(), read.key()), (expected, pending(None).began, pending(None).key()));
        }
    }

    #[test]
    fn an_old_one_and_one_of_the_future_are_refused() {
        let limit = Duration::from_secs(600);
        let at =
            |seconds: i64| pending(None).require_young(pending(None).began + time::Duration::seconds(seconds), limit);
        assert!(at(0).is_ok() && at(600).is_ok() && at(-120).is_ok());
        for seconds in [601, -121, 1_000_000_000] {
            assert_eq!(at(seconds).unwrap_err().field(), Some("pending"), "{seconds}");
        }
    }

    proptest! {
        #[test]
        fn no_other_text_is_read_and_none_is_shown(text in ".{0,200}") {
            let error = PendingSignIn::from_secret(&Secret::new(text)).unwrap_err();
            prop_assert_eq!(error.field(), Some("pending"));
        }

        #[test]
        fn a_text_that_was_cut_is_not_read(cut in 0..66_usize) {
            let written = pending(None).to_secret();
            let text = &written.expose()[..cut.min(written.expose().len() - 1)];
            prop_assert!(PendingSignIn::from_secret(&Secret::new(text)).is_err());
        }
    }
}

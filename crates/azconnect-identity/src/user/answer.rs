//! What the login answers by way of the person's browser.

use std::fmt;

use azconnect_core::{Error, Secret};

use super::fields::{Fields, wrong};
use crate::hashed::hashed;

/// What the login answers by way of the person's browser: a code, or a refusal. Anybody can write one: nothing of it is believed
/// before [`WebSignIn::finish`](super::WebSignIn::finish) has compared it with the sign-in that was begun.
pub struct RedirectAnswer {
    pub(super) state: Secret,
    pub(super) issuer: Option<String>,
    pub(super) outcome: Result<Secret, RedirectRefusal>,
}

/// A refusal as it came. An error is made of it only once the answer is known to belong to the sign-in.
pub(super) struct RedirectRefusal(Fields);

impl RedirectRefusal {
    pub(super) fn error(&self) -> Error {
        self.0.refusal().unwrap_or_else(|| wrong("is neither a code nor a refusal"))
    }
}

impl RedirectAnswer {
    /// Reads the query of the address to which the browser came back, without the `?`.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field `answer` for what is none: without `state`, with
    /// neither a code nor an error, with a field twice, too long, or not encoded.
    pub fn from_query(query: &str) -> Result<Self, Error> {
        Self::from_form(query.as_bytes())
    }

    /// Reads the form that the browser posted, where [`WebSignIn::with_form_post`](super::WebSignIn::with_form_post) was asked for.
    ///
    /// # Errors
    /// As [`RedirectAnswer::from_query`].
    pub fn from_form(body: &[u8]) -> Result<Self, Error> {
        let fields = Fields::read(body)?;
        let state = fields.get("state").map(Secret::new).ok_or_else(|| wrong("names no sign-in (state)"))?;
        // RFC 9207: which login answers, where it says so.
        let issuer = fields.get("iss").map(str::to_owned);
        // An error decides, whatever else is there.
        let code = fields.get("code").filter(|_| fields.get("error").is_none()).map(Secret::new);
        let outcome = match code {
            Some(code) => Ok(code),
            None if fields.get("error").is_some() => Err(RedirectRefusal(fields)),
            None => return Err(wrong("is neither a code nor a refusal")),
        };
        Ok(Self { state, issuer, outcome })
    }

    /// The name of the sign-in that it claims to answer: see [`PendingSignIn::key`](super::PendingSignIn::key).
    pub fn key(&self) -> String {
        hashed(self.state.expose())
    }
}

impl fmt::Debug for RedirectAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedirectAnswer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_and_a_refusal_are_told_apart() {
        assert!(RedirectAnswer::from_query("code=c&state=s&session_state=x").unwrap().outcome.is_ok());
        let refused = RedirectAnswer::from_query("error=access_denied&state=s").unwrap();
        assert!(refused.outcome.is_err());
        assert!(RedirectAnswer::from_query("code=c&error=access_denied&state=s").unwrap().outcome.is_err());
        for query in ["", "code=c", "state=s", "code=&state=s", "code=c&state=s&state=s"] {
            assert_eq!(RedirectAnswer::from_query(query).unwrap_err().field(), Some("answer"), "{query}");
        }
    }
}

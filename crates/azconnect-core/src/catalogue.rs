//! The one shape of a catalogue: what the error codes of a service mean, and what to do about each.
//!
//! A client crate keeps its catalogue as a `static` in a file called `catalogue.rs`, and its dialect looks codes up there.
//!
//! ```
//! use azconnect_core::ErrorKind;
//! use azconnect_core::catalogue::{Catalogue, Row};
//!
//! static CODES: Catalogue<&str> = Catalogue::new(&[
//!     Row::new(&["ScopeLocked"], ErrorKind::Conflict, "a lock protects the scope", "have the lock removed by its owner"),
//!     Row::new(&["NotFound", "Missing"], ErrorKind::NotFound, "the resource does not exist", "check its name"),
//! ]);
//!
//! let error = CODES.find("scopelocked").map(Row::explain).unwrap();
//! assert_eq!((error.kind(), error.advice()), (ErrorKind::Conflict, "have the lock removed by its owner"));
//! assert!(CODES.find("Unheard").is_none());
//! assert!(CODES.repeated().is_empty());
//! ```

use std::fmt;

use crate::{Effect, Error, ErrorKind, Retry};

/// What is known of one failure, under all codes that stand for it.
///
/// A code `C` is a word (`&'static str`) or a number (`u32`). What one service's dialect needs beyond an [`Error`], such
/// as a class of remedies, is the datum `X`.
#[derive(Clone, Copy)]
pub struct Row<C: 'static, X: 'static = ()> {
    codes: &'static [C],
    kind: ErrorKind,
    retry: Option<Retry>,
    effect: Option<Effect>,
    field: Option<&'static str>,
    message: &'static str,
    advice: &'static str,
    datum: X,
}

impl<C> Row<C> {
    /// A row without a datum. `message` is one line of our own words, `advice` tells the person what to do.
    pub const fn new(codes: &'static [C], kind: ErrorKind, message: &'static str, advice: &'static str) -> Self {
        Self { codes, kind, retry: None, effect: None, field: None, message, advice, datum: () }
    }
}

impl<C: Copy, X: Copy> Row<C, X> {
    /// Sets what the service's dialect needs to know beyond the error.
    #[must_use]
    pub const fn with_datum<Y>(self, datum: Y) -> Row<C, Y> {
        Row {
            codes: self.codes,
            kind: self.kind,
            retry: self.retry,
            effect: self.effect,
            field: self.field,
            message: self.message,
            advice: self.advice,
            datum,
        }
    }

    /// Sets whether to try again, where the kind's usual answer would be wrong.
    #[must_use]
    pub const fn with_retry(self, retry: Retry) -> Self {
        Self { retry: Some(retry), ..self }
    }

    /// Sets the effect, where the code by itself proves it.
    #[must_use]
    pub const fn with_effect(self, effect: Effect) -> Self {
        Self { effect: Some(effect), ..self }
    }

    /// Names the field of the caller's input that the code refuses.
    #[must_use]
    pub const fn with_field(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }
}

impl<C, X> Row<C, X> {
    /// The kind of error that the code stands for.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The effect that the code proves, if it proves one.
    pub const fn effect(&self) -> Option<Effect> {
        self.effect
    }

    /// The failure in our own words, in one line.
    pub const fn message(&self) -> &'static str {
        self.message
    }

    /// What the person should do about it.
    pub const fn advice(&self) -> &'static str {
        self.advice
    }

    /// What the service's dialect needs to know beyond the error.
    pub const fn datum(&self) -> &X {
        &self.datum
    }

    /// The row as an error, without the service's code: only the caller knows which of the row's codes it was.
    pub fn explain(&self) -> Error {
        let mut error = Error::new(self.kind, self.message).with_advice(self.advice);
        if let Some(retry) = self.retry {
            error = error.with_retry(retry);
        }
        if let Some(effect) = self.effect {
            error = error.with_effect(effect);
        }
        match self.field {
            Some(field) => error.with_field(field),
            None => error,
        }
    }
}

impl<C: fmt::Debug, X> fmt::Debug for Row<C, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("codes", &self.codes).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The rows of one service: every code that is known of it, with its meaning.
#[derive(Clone, Copy)]
pub struct Catalogue<C: 'static, X: 'static = ()> {
    rows: &'static [Row<C, X>],
}

impl<C, X> Catalogue<C, X> {
    /// A catalogue of rows, among which every code stands once.
    pub const fn new(rows: &'static [Row<C, X>]) -> Self {
        Self { rows }
    }

    /// Every code with its row, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static C, &'static Row<C, X>)> + use<C, X> {
        self.rows.iter().flat_map(|row| row.codes.iter().map(move |code| (code, row)))
    }

    fn find_by(&self, is: impl Fn(&C) -> bool) -> Option<&'static Row<C, X>> {
        self.rows.iter().find(|row| row.codes.iter().any(&is))
    }

    fn repeated_by(&self, same: impl Fn(&C, &C) -> bool) -> Vec<&'static C> {
        let codes: Vec<_> = self.iter().map(|(code, _)| code).collect();
        let repeats = codes.iter().enumerate().filter(|(at, code)| codes.iter().take(*at).any(|one| same(one, code)));
        repeats.map(|(_, code)| *code).collect()
    }
}

impl<X> Catalogue<&'static str, X> {
    /// The row that holds this word as a code, in any case of its letters: services are not consistent about theirs.
    pub fn find(&self, word: &str) -> Option<&'static Row<&'static str, X>> {
        self.find_by(|code| code.eq_ignore_ascii_case(word))
    }

    /// The words that stand more than once, of which the second would never be found. A catalogue's test asks that
    /// there are none.
    pub fn repeated(&self) -> Vec<&'static &'static str> {
        self.repeated_by(|one, other| one.eq_ignore_ascii_case(other))
    }
}

impl<X> Catalogue<u32, X> {
    /// The row that holds this number as a code.
    pub fn find(&self, number: u32) -> Option<&'static Row<u32, X>> {
        self.find_by(|code| *code == number)
    }

    /// The numbers that stand more than once, of which the second would never be found. A catalogue's test asks that
    /// there are none.
    pub fn repeated(&self) -> Vec<&'static u32> {
        self.repeated_by(|one, other| one == other)
    }
}

impl<C: fmt::Debug, X> fmt::Debug for Catalogue<C, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Catalogue").field(&self.rows).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn row(codes: &'static [u32]) -> Row<u32> {
        Row::new(codes, ErrorKind::Conflict, "m", "a")
    }

    static NUMBERS: Catalogue<u32, char> = Catalogue::new(&[
        row(&[1, 2]).with_retry(Retry::Backoff).with_field("name").with_datum('a'),
        row(&[3, 2]).with_effect(Effect::None).with_datum('b'),
    ]);

    #[test]
    fn a_row_says_what_it_was_told_and_leaves_the_rest_to_the_kind() {
        let first = NUMBERS.find(1).unwrap().explain();
        assert_eq!((first.retry(), first.effect(), first.field()), (Retry::Backoff, Effect::Unknown, Some("name")));
        let second = NUMBERS.find(3).unwrap();
        assert_eq!((second.explain().effect(), second.explain().retry()), (Effect::None, Retry::No));
        assert_eq!(*second.datum(), 'b');
    }

    #[test]
    fn a_code_in_two_rows_is_found_out() {
        assert_eq!(NUMBERS.repeated(), [&2]);
        static WORDS: Catalogue<&str> = Catalogue::new(&[Row::new(&["One", "one"], ErrorKind::Conflict, "m", "a")]);
        assert_eq!(WORDS.repeated(), [&"one"]);
    }
}

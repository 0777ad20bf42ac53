//! Whether a way to sign in exists where this process runs.

use azconnect_core::{Error, Secret};

/// Whether a way to sign in exists here, as far as its configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability<T> {
    /// It exists. Whether it works shows when it is used.
    Here(T),
    /// It does not, for this reason, such as a variable that is not set.
    NotHere(Box<str>),
}

impl<T> Availability<T> {
    /// What is here; `None` if nothing is.
    pub fn here(self) -> Option<T> {
        match self {
            Self::Here(found) => Some(found),
            Self::NotHere(_) => None,
        }
    }

    /// The same of what is made of it.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Availability<U> {
        match self {
            Self::Here(found) => Availability::Here(make(found)),
            Self::NotHere(reason) => Availability::NotHere(reason),
        }
    }
}

/// The variables that say where this process runs, as the caller looks them up. Libraries read no environment of their own.
pub(crate) struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl<'a> Variables<'a> {
    pub(crate) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self(lookup)
    }

    /// The value of a variable without white space around it. One that is empty is as good as not set.
    pub(crate) fn find(&self, name: &str) -> Option<String> {
        let value = (self.0)(name)?;
        let trimmed = value.trim();
        match trimmed.len() {
            0 => None,
            length if length == value.len() => Some(value),
            _ => Some(trimmed.to_owned()),
        }
    }

    /// The value of a variable that is a secret.
    pub(crate) fn find_secret(&self, name: &str) -> Option<Secret> {
        let value = Secret::new((self.0)(name)?);
        let trimmed = value.expose().trim();
        (!trimmed.is_empty()).then(|| Secret::new(trimmed))
    }

    /// The first of these variables that is not set.
    pub(crate) fn first_missing(&self, names: &[&str]) -> Option<Box<str>> {
        let missing = names.iter().find(|name| self.find(name).is_none())?;
        Some(format!("{missing} is not set").into())
    }
}

/// Names the variable that holds a wrong value.
pub(crate) fn in_variable(error: Error, name: &str) -> Error {
    let message = format!("{name}: {}", error.message());
    error.with_field(name).with_message(message)
}

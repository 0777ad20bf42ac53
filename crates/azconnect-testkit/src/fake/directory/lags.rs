//! How long changes stay unseen.

use std::time::Duration;

/// A pair of lags: of what is new, and of what was removed.
#[derive(Clone, Copy, Default)]
pub(super) struct Lag {
    pub(super) added: Duration,
    pub(super) removed: Duration,
}

/// Who looks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Eye {
    /// A list of keys, or a removal, which finds what a list shows.
    List,
    /// A sign-in.
    SignIn,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Lags {
    pub(super) lists: Lag,
    pub(super) sign_ins: Lag,
}

impl Lags {
    pub(super) fn of(&self, eye: Eye) -> Lag {
        match eye {
            Eye::List => self.lists,
            Eye::SignIn => self.sign_ins,
        }
    }
}

//! How far a change of the key is.

/// How many secrets are sealed anew in one transaction: few enough that nobody waits for long.
pub(crate) const PORTION: usize = 100;

/// How far a change of the key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resealed {
    /// How many secrets this call has brought under the current key.
    pub done: usize,
    /// How many are under another key still. Until a call says that there are none, and returns `is_over`, the previous key is
    /// needed.
    pub left: usize,
    /// Whether everything is under the current key, and the previous ones are not needed any more.
    pub is_over: bool,
}

//! How vaults come to their RSA keys: by chance, or from a former run.

use std::collections::VecDeque;

#[cfg(feature = "cli")]
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};

/// Makes keys, and knows those that it has made where it keeps them: nobody could make them again.
#[derive(Default)]
pub(crate) struct KeyMaker {
    /// Those of a former run that are still to be made again, the next one first.
    former: VecDeque<PrivateDecryptingKey>,
    made: Vec<PrivateDecryptingKey>,
    /// Whether those that were made are kept, for a later process: else a long run would grow by them.
    keeps: bool,
}

impl KeyMaker {
    /// The next key; nothing if the machine has no random numbers.
    pub(crate) fn make(&mut self, size: KeySize) -> Option<PrivateDecryptingKey> {
        let key = match self.former.pop_front() {
            Some(key) => key,
            None => PrivateDecryptingKey::generate(size).ok()?,
        };
        if self.keeps {
            self.made.push(key.clone());
        }
        Some(key)
    }

    pub(crate) fn keeping(keeps: bool) -> Self {
        Self { keeps, ..Self::default() }
    }

    pub(crate) fn is_keeping(&self) -> bool {
        self.keeps
    }

    /// Makes these keys first, in this order; nothing if one of them is no key.
    #[cfg(feature = "cli")]
    pub(crate) fn again(keys: &[Vec<u8>]) -> Option<Self> {
        let former = keys.iter().map(|key| PrivateDecryptingKey::from_pkcs8(key).ok()).collect::<Option<_>>()?;
        Some(Self { former, ..Self::keeping(true) })
    }

    /// All keys that were made, in order, for a later process.
    #[cfg(feature = "cli")]
    pub(crate) fn pkcs8(&self) -> Option<Vec<Vec<u8>>> {
        let der = |key| AsDer::<Pkcs8V1Der<'_>>::as_der(key).ok().map(|der| der.as_ref().to_vec());
        self.made.iter().map(der).collect()
    }

    /// How many were made.
    #[cfg(feature = "cli")]
    pub(crate) fn made(&self) -> usize {
        self.made.len()
    }

    /// Whether keys of a former run are left over.
    #[cfg(feature = "cli")]
    pub(crate) fn has_former(&self) -> bool {
        !self.former.is_empty()
    }
}

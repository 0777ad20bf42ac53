//! A key from the environment.

use azconnect_core::Secret;

use super::{SealingKey, SealingKeyError};

impl SealingKey {
    /// Reads a key, as base64, from an environment variable.
    ///
    /// The variable stays in the environment, where child processes and, on some systems, other processes of the same
    /// user can read it: a key file is safer.
    ///
    /// # Errors
    /// [`NotInEnvironment`](SealingKeyError::NotInEnvironment), or as [`SealingKey::from_base64`].
    pub fn from_env(name: &str) -> Result<Self, SealingKeyError> {
        #[expect(clippy::disallowed_methods, reason = "the adapter by which a caller chooses the environment")]
        let value = std::env::var(name);
        let value = value.map_err(|_| SealingKeyError::NotInEnvironment { name: name.to_owned() })?;
        Self::from_base64(&Secret::new(value))
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::Error;

    use super::*;

    #[test]
    fn an_unset_variable_and_one_without_a_key_are_refused() {
        let unset = SealingKey::from_env("AZCONNECT_TEST_NO_SUCH_VARIABLE").unwrap_err();
        assert!(unset.to_string().contains("AZCONNECT_TEST_NO_SUCH_VARIABLE is not set"), "{unset}");
        // A variable that every process has, and that holds no key.
        let path = Error::from(SealingKey::from_env("PATH").unwrap_err());
        assert_eq!(path.field(), Some("sealing_key"));
    }
}

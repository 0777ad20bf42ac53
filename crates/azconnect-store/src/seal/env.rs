//! A key from the environment.

use std::env::VarError;

use azconnect_core::Secret;

use super::{SealingKey, SealingKeyError};

impl SealingKey {
    /// Reads a key, as base64, from an environment variable.
    ///
    /// The variable stays in the environment, where child processes and, on some systems, other processes of the same
    /// user can read it: a key file is safer.
    ///
    /// # Errors
    /// [`NotInEnvironment`](SealingKeyError::NotInEnvironment) if it is not set;
    /// [`InEnvironment`](SealingKeyError::InEnvironment) if it holds anything but a key. Both name the variable, and
    /// neither quotes it.
    pub fn from_env(name: &str) -> Result<Self, SealingKeyError> {
        #[expect(clippy::disallowed_methods, reason = "the adapter by which a caller chooses the environment")]
        let value = std::env::var(name);
        let key = match value {
            Ok(value) => Self::from_base64(&Secret::new(value)),
            Err(VarError::NotPresent) => return Err(SealingKeyError::NotInEnvironment { name: name.to_owned() }),
            // Not taken for an unset one: its owner believes that there is a key.
            Err(VarError::NotUnicode(_)) => Err(SealingKeyError::NotBase64),
        };
        let key =
            key.map_err(|fault| SealingKeyError::InEnvironment { name: name.to_owned(), fault: Box::new(fault) })?;
        Ok(key.with_origin(format!("the environment variable {name}")))
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
        assert!(path.to_string().contains("the environment variable PATH holds no key"), "{path}");
        assert!(path.advice().contains("set PATH"), "{}", path.advice());
        assert!(!format!("{path:?}").contains("/bin"), "the value is quoted: {path:?}");
    }
}

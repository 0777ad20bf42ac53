//! A local key that wraps other keys: from a file, the environment, or the caller.

use async_trait::async_trait;
use azconnect_core::{Effect, Error, ErrorKind, KeyWrap, PlainKey, WrappedKey, WrappingKeyId};

use super::{SealingKeyId, SealingKeys, sealed_with};

/// The purpose under which keys are wrapped.
const PURPOSE: &str = "wrapped key";

/// Wraps with the current key, and unwraps what that or a previous one has wrapped. Nothing is asked of anybody.
#[async_trait]
impl KeyWrap for SealingKeys {
    async fn current(&self) -> Result<WrappingKeyId, Error> {
        name(self.current().id())
    }

    async fn wrap(&self, context: &str, key: &PlainKey) -> Result<WrappedKey, Error> {
        let blob = self.seal_bytes(PURPOSE, context, key.expose())?;
        Ok(WrappedKey::new(name(self.current().id())?, blob))
    }

    async fn unwrap(&self, context: &str, wrapped: &WrappedKey) -> Result<PlainKey, Error> {
        let is_its = sealed_with(&wrapped.blob).map(name).transpose()?.is_some_and(|id| id == wrapped.key);
        if !is_its {
            return Err(Error::new(ErrorKind::Corrupt, format!("the wrapped key is not one of {}", wrapped.key))
                .with_effect(Effect::None)
                .with_field("wrapping_key")
                .with_advice("restore the wrapped key from a backup, or give the wrapping key that it names"));
        }
        let key = self.open_bytes(PURPOSE, context, &wrapped.blob);
        PlainKey::from_bytes(&key.map_err(|error| error.with_field("wrapping_key"))?)
    }
}

fn name(id: SealingKeyId) -> Result<WrappingKeyId, Error> {
    WrappingKeyId::new(format!("local/{id}"))
}

//! Unlinking an account.

use azconnect_core::{Effect, Error, ErrorKind};
use azconnect_credential::{LinkedAs, RefreshTokens};

use super::{AccountLinks, is_of};

/// How often an unlink begins again because the record was changed meanwhile.
const ATTEMPTS: u32 = 8;

impl AccountLinks {
    /// Destroys what a linked account has lent, and then its record. Idempotent. At Entra ID nothing is withdrawn: the person may
    /// do that at `https://myapps.microsoft.com`, or an administrator by ending their sign-ins.
    ///
    /// # Errors
    /// If a store fails: what is left is still linked, and may be unlinked again.
    pub async fn unlink(&self, which: LinkedAs) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let Some(found) = self.record(which).await? else { return Ok(()) };
            // What was lent first: a record without it is seen and ended again, a token without a record is not. The link that a
            // changed record names is somebody else's, and stays.
            if is_of(which, &found.value) {
                self.tokens.remove(&found.value.link).await?;
            }
            match self.accounts.remove(&which.document_id()?, found.revision).await {
                // Checked, or linked anew, meanwhile: then that one has to go as well.
                Err(error) if error.kind() == ErrorKind::Conflict => {}
                ended => return ended,
            }
        }
        Err(Error::new(ErrorKind::Unavailable, format!("others keep changing the link {which}"))
            .with_effect(Effect::None)
            .with_advice("find out what changes it, and try again"))
    }
}

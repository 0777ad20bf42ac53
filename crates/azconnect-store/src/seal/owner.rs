//! Whose a sealed secret is, as a part of its name.

use aws_lc_rs::digest::{SHA256, digest};

/// How many bytes of the digest a name carries: too many for anybody to find other owners with the same.
const LENGTH: usize = 16;

/// A short text that stands for all parts of an owner, to be put into the name of what is sealed for it.
///
/// A sealed secret opens under its own name only. So a record that was changed to another owner, or that was made to name
/// somebody else's secret, opens nothing: its owner does not fit the name, and the secret does not open under another one.
///
/// ```
/// use azconnect_store::seal::owner_digest;
///
/// let owner = owner_digest(&["contoso", "tenant-1"]);
/// assert_eq!(owner.len(), 32);
/// assert_ne!(owner, owner_digest(&["contos", "otenant-1"]));
/// ```
pub fn owner_digest(parts: &[&str]) -> String {
    let mut text = b"azconnect owner\0".to_vec();
    for part in parts {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    digest(&SHA256, &text).as_ref().iter().take(LENGTH).map(|byte| format!("{byte:02x}")).collect()
}

//! Federated identity credentials as they are named and read.

use std::fmt;
use std::str::FromStr;

use azconnect_core::{Error, guid_id};
use serde::{Deserialize, Serialize};

use super::NewFederatedCredential;
use crate::wire;

guid_id!(
    /// The id of a federated identity credential.
    FederatedCredentialId,
    "federated credential id"
);

/// The name of a federated identity credential, unique within its application and never changed: 3 to 120 letters,
/// digits, `-` and `_`, of which the first is a letter or a digit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct FederatedCredentialName(Box<str>);

impl FederatedCredentialName {
    /// Checks and takes a name.
    ///
    /// Document: Microsoft's *Important considerations and restrictions for federated identity credentials*.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput), field `name`, for what the service would refuse.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        let wrong = |message: &str| {
            let advice = "choose 3 to 120 letters, digits, hyphens and underscores, beginning with a letter or a digit";
            Error::invalid("name", message).with_advice(advice)
        };
        if !(3..=120).contains(&name.chars().count()) {
            return Err(wrong("is not of 3 to 120 characters"));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(allowed) {
            return Err(wrong("holds a character that the service does not take there"));
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FederatedCredentialName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl fmt::Display for FederatedCredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A federated identity credential, by whichever is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FederatedCredentialRef {
    /// By its id, which the service gave it.
    Id(FederatedCredentialId),
    /// By its name, which is unique within the application.
    Name(FederatedCredentialName),
}

impl FederatedCredentialRef {
    pub(super) fn segment(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Name(name) => name.to_string(),
        }
    }

    /// Whether it refers to this credential.
    pub fn names(&self, credential: &FederatedCredential) -> bool {
        match self {
            Self::Id(id) => credential.id == *id,
            Self::Name(name) => credential.name.as_deref() == Some(name.as_str()),
        }
    }
}

impl From<FederatedCredentialId> for FederatedCredentialRef {
    fn from(id: FederatedCredentialId) -> Self {
        Self::Id(id)
    }
}

impl From<FederatedCredentialName> for FederatedCredentialRef {
    fn from(name: FederatedCredentialName) -> Self {
        Self::Name(name)
    }
}

/// A federated identity credential as the service shows it. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct FederatedCredential {
    /// The id that the service gave it.
    pub id: FederatedCredentialId,
    /// The name, unique within the application.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub name: Option<String>,
    /// The `iss` claim of the tokens that it accepts: the issuer's address.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub issuer: Option<String>,
    /// The `sub` claim of the tokens that it accepts; absent where a claims-matching expression takes its place.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub subject: Option<String>,
    /// The `aud` claims that it accepts: a list of one, since the service takes no more.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub audiences: Option<Vec<String>>,
    /// What it is for, in the words of whoever made it.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub description: Option<String>,
}

impl FederatedCredential {
    /// The credential that the service makes of a wish, with the id that it gives it.
    pub fn new(id: FederatedCredentialId, wish: &NewFederatedCredential) -> Self {
        Self {
            id,
            name: Some(wish.name.to_string()),
            issuer: Some(wish.issuer.clone()),
            subject: Some(wish.subject.clone()),
            audiences: Some(vec![wish.audience.clone()]),
            description: wish.description.clone(),
        }
    }

    /// Whether it is for exactly this issuer and subject. The service compares a token's claims in the same way,
    /// letter by letter.
    pub fn trusts(&self, issuer: &str, subject: &str) -> bool {
        self.issuer.as_deref() == Some(issuer) && self.subject.as_deref() == Some(subject)
    }

    /// Whether it accepts tokens for an audience.
    pub fn accepts(&self, audience: &str) -> bool {
        self.audiences.iter().flatten().any(|accepted| accepted == audience)
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::ErrorKind;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_what_the_service_takes() {
        let longest = "n".repeat(120);
        for name in ["abc", "azure-devops-1", "0_a", longest.as_str()] {
            assert_eq!(FederatedCredentialName::new(name).unwrap().as_str(), name);
        }
        let too_long = "n".repeat(121);
        for name in ["", "ab", "-ab", "_ab", "a b", "a/b", "a.b", "../", "naïve", "a'b", too_long.as_str()] {
            let error = name.parse::<FederatedCredentialName>().unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some("name")), "{name}");
            assert!(error.advice().contains("3 to 120"));
        }
    }

    #[test]
    fn issuer_and_subject_are_compared_exactly() {
        let id = "1272a66f-e2e8-4e88-ab43-487409186c3f";
        let read = |document| serde_json::from_value::<FederatedCredential>(document).unwrap();
        let one = read(json!({"id": id, "issuer": "https://i/", "subject": "S", "audiences": ["a"]}));
        assert!(one.trusts("https://i/", "S") && one.accepts("a"));
        assert!(!one.trusts("https://i", "S") && !one.trusts("https://i/", "s") && !one.accepts("A"));
        let sparse = read(json!({"id": id, "issuer": 7, "audiences": "a", "claimsMatchingExpression": {}}));
        assert!(!sparse.trusts("", "") && !sparse.accepts("a"));
    }
}

//! A person who signed in.

use std::fmt;
use std::str::FromStr;

use azconnect_core::{Error, PrincipalObjectId, TenantId};
use serde::{Deserialize, Serialize};

/// Who a person is, in one tenant: the claims `tid` and `oid` of their tokens.
///
/// Never an e-mail address or a sign-in name, which somebody else may be given. The same human has another id in each tenant.
///
/// Document: Microsoft's *Secure applications and APIs by validating claims*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PersonId {
    /// The tenant (`tid`) in which the person is known.
    pub tenant: TenantId,
    /// The person's object in that tenant (`oid`).
    pub object: PrincipalObjectId,
}

impl PersonId {
    /// A person of a tenant.
    pub fn new(tenant: TenantId, object: PrincipalObjectId) -> Self {
        Self { tenant, object }
    }
}

/// `{tenant}/{object}`.
impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant, self.object)
    }
}

impl FromStr for PersonId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (tenant, object) = text.split_once('/').ok_or_else(|| {
            Error::invalid("person", "is not a tenant and an object").with_advice("give {tenant id}/{object id}")
        })?;
        Ok(Self::new(tenant.parse()?, object.parse()?))
    }
}

/// A person as their id token shows them. Only [`id`](Self::id) says who it is; the rest is for display and may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Person {
    /// Who it is.
    pub id: PersonId,
    /// The name to show (`name`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The e-mail address to show (`email`). Anybody may have been given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The name that was entered to sign in (`preferred_username`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The directory that the person really belongs to (`idp`), where it is not this tenant: a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
}

impl Person {
    /// A person of whom nothing is known but the id.
    pub fn new(id: PersonId) -> Self {
        Self { id, display_name: None, email: None, user_name: None, home: None }
    }

    /// Sets the name to show.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<Option<String>>) -> Self {
        self.display_name = name.into();
        self
    }

    /// Sets the e-mail address to show.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<Option<String>>) -> Self {
        self.email = email.into();
        self
    }

    /// Sets the name that was entered to sign in.
    #[must_use]
    pub fn with_user_name(mut self, name: impl Into<Option<String>>) -> Self {
        self.user_name = name.into();
        self
    }

    /// Sets the directory that the person really belongs to.
    #[must_use]
    pub fn with_home(mut self, home: impl Into<Option<String>>) -> Self {
        self.home = home.into();
        self
    }
}

/// Name and e-mail as a page shows them: `Ann Example <ann@example.com>`.
impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.email.as_deref().or(self.user_name.as_deref());
        match (self.display_name.as_deref(), address) {
            (Some(name), Some(address)) => write!(f, "{name} <{address}>"),
            (Some(one), None) | (None, Some(one)) => f.write_str(one),
            (None, None) => write!(f, "person {}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> PersonId {
        "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/10000000-0000-4000-8000-000000000002".parse().unwrap()
    }

    #[test]
    fn a_person_is_a_tenant_and_an_object() {
        assert_eq!(id().to_string().parse::<PersonId>().unwrap(), id());
        for text in
            ["", "ann@example.com", "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/x"]
        {
            assert!(text.parse::<PersonId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_page_shows_what_is_known() {
        let ann = Person::new(id());
        assert!(ann.to_string().starts_with("person 6a4d"));
        let ann = ann.with_user_name("ann@contoso.com".to_owned());
        assert_eq!(ann.to_string(), "ann@contoso.com");
        let ann = ann.with_display_name("Ann".to_owned()).with_email("a@example.com".to_owned());
        assert_eq!(ann.to_string(), "Ann <a@example.com>");
        let text = serde_json::to_string(&ann).unwrap();
        assert_eq!(serde_json::from_str::<Person>(&text).unwrap(), ann);
    }
}

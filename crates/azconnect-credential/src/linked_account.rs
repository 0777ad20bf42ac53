//! An account of a person that is linked to a product, as a record.

use std::fmt;

use azconnect_core::{ClientId, DocumentId, Error, Labels};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::format_version::{Format, FormatVersion};
use crate::person::{Person, PersonId};
use crate::record::LastCheck;
use crate::records::Kept;
use crate::refresh_tokens::LinkId;

const FORMAT: Format = Format { what: "the linked account", field: "linked_account", version: 1 };

const TENANT: &str = "azconnect/tenant";

/// What an account was linked for. One is never used in the place of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LinkRole {
    /// The product's one account for work that no person waits for.
    ServiceUser,
    /// A person's own account, for that person's own work.
    Personal,
}

/// Which linked account is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LinkedAs {
    /// The service user.
    ServiceUser,
    /// The own account of this person.
    Person(PersonId),
}

impl LinkedAs {
    /// What the account was linked for.
    pub fn role(self) -> LinkRole {
        match self {
            Self::ServiceUser => LinkRole::ServiceUser,
            Self::Person(_) => LinkRole::Personal,
        }
    }

    /// The name of its record.
    ///
    /// # Errors
    /// None in practice: the parts of the name are ids.
    pub fn document_id(self) -> Result<DocumentId, Error> {
        DocumentId::new(self.to_string())
    }
}

/// `service-user`, or `personal/{tenant}/{object}`.
impl fmt::Display for LinkedAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServiceUser => f.write_str("service-user"),
            Self::Person(person) => write!(f, "personal/{person}"),
        }
    }
}

/// An account of a person that is linked to a product. It holds no token, so it may be shown and logged.
///
/// It is serialised with the `version` of its format. A later one is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LinkedAccount {
    version: FormatVersion<1>,
    /// What it was linked for.
    pub role: LinkRole,
    /// Whose permissions are used. Only the id says who it is.
    pub person: Person,
    /// The application that the person signed in to.
    pub application: ClientId,
    /// Under which name the refresh token is kept. Another one for each time somebody links.
    pub link: LinkId,
    /// The permissions that were asked for and not granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// When it was linked.
    #[serde(with = "time::serde::rfc3339")]
    pub linked_at: OffsetDateTime,
    /// What the last check found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<LastCheck>,
}

impl LinkedAccount {
    /// An account that was linked now.
    pub fn new(
        role: LinkRole,
        person: Person,
        (application, link): (ClientId, LinkId),
        linked_at: OffsetDateTime,
    ) -> Self {
        Self { version: FormatVersion, role, person, application, link, missing: Vec::new(), linked_at, checked: None }
    }

    /// Sets the permissions that were asked for and not granted.
    #[must_use]
    pub fn with_missing(mut self, missing: Vec<String>) -> Self {
        self.missing = missing;
        self
    }

    /// Which account this is.
    pub fn linked_as(&self) -> LinkedAs {
        match self.role {
            LinkRole::ServiceUser => LinkedAs::ServiceUser,
            LinkRole::Personal => LinkedAs::Person(self.person.id),
        }
    }
}

impl Kept for LinkedAccount {
    const COLLECTION: &'static str = "linked-accounts";

    fn document_id(&self) -> Result<DocumentId, Error> {
        self.linked_as().document_id()
    }

    fn document_labels(&self) -> Result<Labels, Error> {
        Labels::new().with(TENANT, self.person.id.tenant.to_string())
    }

    fn to_text(&self) -> Result<String, Error> {
        FORMAT.write(self)
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        FORMAT.read(text)
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::ErrorKind;
    use time::macros::datetime;

    use super::*;

    /// As the first version wrote it. It stays readable.
    const FIRST: &str = r#"{"version":1,"role":"service_user","person":{"id":{"tenant":"6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01",
        "object":"10000000-0000-4000-8000-000000000002"},"display_name":"Ann"},"application":
        "10000000-0000-4000-8000-000000000003","link":"service-user/1","linked_at":"2026-11-22T00:00:00Z"}"#;

    #[test]
    fn the_first_version_stays_readable_and_a_later_one_is_told() {
        let account = LinkedAccount::from_text(FIRST).unwrap();
        assert_eq!(account.linked_as(), LinkedAs::ServiceUser);
        assert_eq!(account.linked_at, datetime!(2026-11-22 0:00 UTC));
        assert_eq!(LinkedAccount::from_text(&account.to_text().unwrap()).unwrap(), account);
        let later = FIRST.replace("\"version\":1", "\"version\":2");
        assert_eq!(LinkedAccount::from_text(&later).unwrap_err().kind(), ErrorKind::Unsupported);
        let unknown = FIRST.replace("\"role\"", "\"roles\"");
        assert_eq!(LinkedAccount::from_text(&unknown).unwrap_err().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn a_person_s_own_account_is_named_by_tenant_and_object() {
        let mut account = LinkedAccount::from_text(FIRST).unwrap();
        account.role = LinkRole::Personal;
        let name = "personal/6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/10000000-0000-4000-8000-000000000002";
        assert_eq!(account.document_id().unwrap().as_str(), name);
    }
}

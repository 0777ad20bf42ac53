//! What an app registration is to be.

use azconnect_core::Error;
use azconnect_credential::Marker;
use serde_json::{Map, Value, json};

use super::permissions::written;
use super::{Audience, Permission, RedirectUris};

/// The longest display name, by the *application resource type*.
const LONGEST_NAME: usize = 256;

/// An app registration to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewApplication {
    /// A tag by which it is found again: recorded before the call, since the service has no key of its own for a
    /// registration whose answer was lost.
    pub marker: Marker,
    /// The name that the portal shows. It need not be unique.
    pub display_name: String,
    /// Who may sign in to it: accounts of its own tenant unless set.
    pub audience: Audience,
    /// Where sign-ins may lead back to.
    pub redirect_uris: RedirectUris,
    /// The permissions that it asks for.
    pub permissions: Vec<Permission>,
}

impl NewApplication {
    /// An application for accounts of its own tenant.
    pub fn new(marker: Marker, display_name: impl Into<String>) -> Self {
        let display_name = display_name.into();
        let (redirect_uris, permissions) = (RedirectUris::new(), Vec::new());
        Self { marker, display_name, audience: Audience::OwnTenant, redirect_uris, permissions }
    }

    /// Sets who may sign in to it.
    #[must_use]
    pub fn with_audience(mut self, audience: Audience) -> Self {
        self.audience = audience;
        self
    }

    /// Sets where sign-ins may lead back to.
    #[must_use]
    pub fn with_redirect_uris(mut self, redirect_uris: RedirectUris) -> Self {
        self.redirect_uris = redirect_uris;
        self
    }

    /// Sets the permissions that it asks for.
    #[must_use]
    pub fn with_permissions(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.permissions = permissions.into_iter().collect();
        self
    }

    /// Checks what the service would refuse.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field.
    pub fn check(&self) -> Result<(), Error> {
        check_name(&self.display_name)?;
        self.redirect_uris.check()
    }

    /// Checks the wish and returns the body of the request.
    pub(super) fn body(&self) -> Result<Value, Error> {
        self.check()?;
        let mut body = self.redirect_uris.written();
        body.insert("displayName".to_owned(), json!(self.display_name));
        body.insert("signInAudience".to_owned(), json!(String::from(self.audience.clone())));
        body.insert("tags".to_owned(), json!([self.marker.as_str()]));
        if !self.permissions.is_empty() {
            body.insert("requiredResourceAccess".to_owned(), json!(written(&self.permissions)));
        }
        Ok(Value::Object(body))
    }
}

/// A change of an app registration: what is set is written, the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationChange {
    /// The name that the portal shows from now on.
    pub display_name: Option<String>,
    /// Who may sign in to it from now on.
    pub audience: Option<Audience>,
    /// Notes for whoever manages it.
    pub notes: Option<String>,
}

impl ApplicationChange {
    /// A change that sets nothing yet; sent so, it is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name that the portal shows.
    #[must_use]
    pub fn with_display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Sets who may sign in to it.
    #[must_use]
    pub fn with_audience(mut self, audience: Audience) -> Self {
        self.audience = Some(audience);
        self
    }

    /// Sets the notes for whoever manages it.
    #[must_use]
    pub fn with_notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = Some(notes.into());
        self
    }

    /// Checks the change and returns the body of the request: what is set, and nothing else.
    pub(super) fn body(&self) -> Result<Value, Error> {
        let mut body = Map::new();
        if let Some(name) = &self.display_name {
            check_name(name)?;
            body.insert("displayName".to_owned(), json!(name));
        }
        if let Some(audience) = &self.audience {
            body.insert("signInAudience".to_owned(), json!(String::from(audience.clone())));
        }
        if let Some(notes) = &self.notes {
            body.insert("notes".to_owned(), json!(notes));
        }
        if body.is_empty() {
            return Err(Error::invalid("change", "changes nothing").with_advice("set a name, an audience or notes"));
        }
        Ok(Value::Object(body))
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty() || name.chars().count() > LONGEST_NAME {
        return Err(
            Error::invalid("display_name", "must be 1 to 256 characters").with_advice("choose a name for people")
        );
    }
    Ok(())
}

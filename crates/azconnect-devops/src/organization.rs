//! Organizations: their names, and the handle through which everything in one is reached.

use std::fmt;
use std::sync::Arc;

use azconnect_core::Error;
use azconnect_http::{Call, PageStyle, Pages, Response, endpoint, json, with_query};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, de};
use tracing::{Instrument, debug_span, field};
use url::Url;

use crate::client::DevOpsClient;
use crate::dialect::DevOpsDialect;
use crate::endpoint::Endpoints;
use crate::pace::{Budget, Paced};
use crate::project::ProjectRef;

/// The name of an Azure DevOps organization: 1 to 50 letters, digits and hyphens, with a letter or digit at both ends.
///
/// The rule is the one of Microsoft's *Naming restrictions and conventions* for organizations.
///
/// ```
/// use azconnect_devops::OrganizationName;
///
/// assert!(OrganizationName::new("contoso-it").is_ok());
/// assert_eq!(OrganizationName::new("a/../b").unwrap_err().field(), Some("organization"));
/// assert_eq!(OrganizationName::of_address("https://contoso.visualstudio.com/Web")?.as_str(), "contoso");
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct OrganizationName(Box<str>);

impl OrganizationName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the field `organization`.
    pub fn new(name: impl AsRef<str>) -> Result<Self, Error> {
        let name = name.as_ref();
        let wrong = |message: &str| {
            Err(Error::invalid("organization", message).with_advice(
                "give the name alone, as in https://dev.azure.com/{organization}: letters, digits and hyphens",
            ))
        };
        if name.is_empty() {
            return wrong("is empty");
        }
        if let Some(bad) = name.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '-') {
            return wrong(&format!("holds {bad:?}, which no organization's name has"));
        }
        if name.len() > 50 {
            return wrong("is longer than 50 characters");
        }
        if name.starts_with('-') || name.ends_with('-') {
            return wrong("begins or ends with a hyphen");
        }
        Ok(Self(name.into()))
    }

    /// Reads the name out of an address: `https://dev.azure.com/{name}/…` or `https://{name}.visualstudio.com/…`.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if it is neither.
    pub fn of_address(address: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::invalid("organization", "is not the address of an organization")
                .with_advice("give https://dev.azure.com/{organization} or https://{organization}.visualstudio.com")
        };
        let url = Url::parse(address).map_err(|_| wrong())?;
        let host = url.host_str().unwrap_or_default();
        if let Some(name) = host.strip_suffix(".visualstudio.com") {
            return Self::new(name.strip_suffix(".vssps").unwrap_or(name));
        }
        if host != "dev.azure.com" && host != "vssps.dev.azure.com" {
            return Err(wrong());
        }
        Self::new(url.path_segments().and_then(|mut segments| segments.next()).ok_or_else(wrong)?)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for OrganizationName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for OrganizationName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The versions of the REST interface that a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiVersions {
    /// Of what is released.
    pub(crate) released: &'static str,
    /// Of what only exists as a first preview.
    pub(crate) preview: &'static str,
    /// Whether connections are written through a project.
    pub(crate) project_writes: bool,
}

impl ApiVersions {
    pub(crate) const SERVICES: Self = Self { released: "7.1", preview: "7.1-preview.1", project_writes: false };
}

/// The longest list that is read whole where the service has pages.
const LONGEST_LIST: usize = 100_000;

/// One organization, or one collection of a server: everything in it is reached from here. Cheap to clone.
#[derive(Clone)]
pub struct Organization {
    pub(crate) client: DevOpsClient,
    pub(crate) name: Box<str>,
    pub(crate) base: Url,
    pub(crate) identity: Url,
    pub(crate) versions: ApiVersions,
    pub(crate) budget: Arc<Budget>,
    pub(crate) server: bool,
}

impl Organization {
    /// Its name, or the name of the collection.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The service connections seen from a project.
    pub fn endpoints(&self, project: impl Into<ProjectRef>) -> Endpoints {
        Endpoints::new(self.clone(), project.into())
    }

    /// Whether it is a collection of a server on premises.
    pub fn is_server(&self) -> bool {
        self.server
    }

    /// An address under the organization, with the released api-version.
    pub(crate) fn url<S: AsRef<str>>(&self, segments: &[S], query: &[(&str, &str)]) -> Result<Url, Error> {
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        Ok(with_version(with_query(endpoint(&self.base, &segments)?, query), self.versions.released))
    }

    /// An address under the organization, of something that exists as a preview only.
    pub(crate) fn preview_url<S: AsRef<str>>(&self, segments: &[S], query: &[(&str, &str)]) -> Result<Url, Error> {
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        Ok(with_version(with_query(endpoint(&self.base, &segments)?, query), self.versions.preview))
    }

    /// An address where the organization keeps identities and tokens, as a preview.
    pub(crate) fn identity_url<S: AsRef<str>>(&self, segments: &[S], query: &[(&str, &str)]) -> Result<Url, Error> {
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        Ok(with_version(with_query(endpoint(&self.identity, &segments)?, query), self.versions.preview))
    }

    /// All items of a list that comes in pages by continuation token.
    pub(crate) async fn all<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, Error> {
        let span = self.span(call.operation());
        let call = span.in_scope(|| self.prepare(call));
        let pages = Pages::new(self.client.pipeline(), call, &DevOpsDialect, PageStyle::ContinuationToken);
        pages.all(LONGEST_LIST).instrument(span).await
    }

    /// Sends a call and reads its answer.
    pub(crate) async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let operation = call.operation();
        let answer = self.send(call).await?;
        json(&answer).map_err(|error| error.in_operation(operation))
    }

    /// Adds what every call to the organization carries.
    pub(crate) fn prepare(&self, call: Call) -> Call {
        self.client.sign(call).with_pace(Arc::new(Paced::new(self.budget.clone(), tracing::Span::current())))
    }

    /// Sends a call within the organization's budget.
    pub(crate) async fn send(&self, call: Call) -> Result<Response, Error> {
        let span = self.span(call.operation());
        let call = span.in_scope(|| self.prepare(call));
        self.client.pipeline().execute(call, &DevOpsDialect).instrument(span).await
    }

    /// The span of one operation; the pace fills in what the service says of its limits.
    pub(crate) fn span(&self, operation: &'static str) -> tracing::Span {
        debug_span!(
            "azconnect.devops",
            operation,
            organization = &*self.name,
            rate_resource = field::Empty,
            rate_delay = field::Empty,
            rate_limit = field::Empty,
            rate_remaining = field::Empty,
            rate_reset = field::Empty,
            slow_down = field::Empty
        )
    }
}

impl fmt::Debug for Organization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Organization").field("name", &self.name).finish_non_exhaustive()
    }
}

pub(crate) fn with_version(url: Url, version: &str) -> Url {
    with_query(url, &[("api-version", version)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_naming_restrictions() {
        for good in ["a", "7", "contoso", "Contoso-IT-2", &"x".repeat(50)] {
            assert!(OrganizationName::new(good).is_ok(), "{good:?}");
        }
        for bad in ["", "-a", "a-", "a b", "a/../b", "a.b", "ä", "a%2F", &"x".repeat(51)] {
            let error = OrganizationName::new(bad).unwrap_err();
            assert_eq!(error.field(), Some("organization"), "{bad:?}");
        }
    }

    #[test]
    fn addresses_of_both_kinds_are_read() {
        for address in [
            "https://dev.azure.com/contoso/Web/_git/x",
            "https://contoso.visualstudio.com",
            "https://contoso.vssps.visualstudio.com:443/",
            "https://vssps.dev.azure.com/contoso/",
        ] {
            assert_eq!(OrganizationName::of_address(address).unwrap().as_str(), "contoso", "{address}");
        }
        for bad in ["contoso", "https://dev.azure.com/", "https://example.com/contoso", "https://dev.azure.com.evil/x"]
        {
            assert!(OrganizationName::of_address(bad).is_err(), "{bad}");
        }
    }
}

//! Reading app registrations: one, by either id, or a list.

use azconnect_core::{ApplicationObjectId, ClientId, Error};
use azconnect_credential::Marker;
use azconnect_http::{ListBounds, PageStyle, Pages};
use http::{HeaderName, HeaderValue};

use super::Application;
use crate::client::GraphClient;
use crate::dialect::GraphDialect;
use crate::holder::PasswordHolder;

/// How many bytes of a page of 100 applications are read: each takes a few kilobytes, and its passwords many times their text
/// once they are parsed.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// What is read of an application. `$select` also makes the request cheaper.
pub(super) const FIELDS: &str = "id,appId,displayName,signInAudience,createdDateTime,disabledByMicrosoftStatus,\
                                 passwordCredentials,keyCredentials";

/// Selects the applications of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplicationQuery {
    /// An OData filter; all applications without one.
    pub filter: Option<String>,
    /// Whether the filter needs the advanced queries of the directory, such as `endsWith` or `not`.
    pub advanced: bool,
    /// The most applications that are read; more are an error, so that nobody takes a part for the whole.
    pub limit: usize,
}

impl Default for ApplicationQuery {
    fn default() -> Self {
        Self { filter: None, advanced: false, limit: 10_000 }
    }
}

impl ApplicationQuery {
    /// All applications, up to 10,000.
    pub fn new() -> Self {
        Self::default()
    }

    /// The applications of exactly this display name.
    pub fn named(display_name: &str) -> Self {
        // OData doubles a quote inside a text; a single one would end the text, and the rest would be read as a filter.
        let quoted = display_name.replace('\'', "''");
        Self::new().with_filter(format!("displayName eq '{quoted}'"))
    }

    /// The applications that carry a marker among their tags: those that were registered under it.
    pub fn marked(marker: &Marker) -> Self {
        Self::new().with_filter(format!("tags/any(t:t eq '{}')", marker.as_str().replace('\'', "''")))
    }

    /// Sets the OData filter. The caller doubles the quotes inside its texts.
    #[must_use]
    pub fn with_filter(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Asks for an advanced query. Its answer comes from an index, which lags behind recent changes.
    #[must_use]
    pub fn with_advanced(mut self, advanced: bool) -> Self {
        self.advanced = advanced;
        self
    }

    /// Sets how many applications are read at most; 10,000 unless set.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl GraphClient {
    /// An application by its object id. Idempotent; reads lag behind writes, and may flap.
    ///
    /// Document: Microsoft Graph, *Get application*.
    ///
    /// # Errors
    /// [`NotFound`](azconnect_core::ErrorKind::NotFound) also for one that was made moments ago.
    pub async fn application(&self, id: ApplicationObjectId) -> Result<Application, Error> {
        self.one_application(&id.into()).await
    }

    /// An application by its client id. As [`GraphClient::application`].
    ///
    /// # Errors
    /// As [`GraphClient::application`].
    pub async fn application_by_client_id(&self, client: ClientId) -> Result<Application, Error> {
        self.one_application(&PasswordHolder::ApplicationOf(client)).await
    }

    /// Applications of the tenant, over all pages. Idempotent.
    ///
    /// Document: Microsoft Graph, *List applications* and *Advanced query capabilities on directory objects*.
    ///
    /// # Errors
    /// [`Unexpected`](azconnect_core::ErrorKind::Unexpected) if there are more than the query's limit.
    pub async fn applications(&self, query: &ApplicationQuery) -> Result<Vec<Application>, Error> {
        let mut parameters = vec![("$select", FIELDS), ("$top", "100")];
        if let Some(filter) = &query.filter {
            parameters.push(("$filter", filter));
        }
        if query.advanced {
            // The service takes an advanced query only with this parameter and the header below together.
            parameters.push(("$count", "true"));
        }
        let mut call = self.read_call("graph.application.list", self.address(&["applications"], &parameters)?);
        if query.advanced {
            let header = HeaderName::from_static("consistencylevel");
            call = call.with_header(header, HeaderValue::from_static("eventual"));
        }
        let bounds = ListBounds::new().with_page_bytes(PAGE_BYTES);
        let pages = Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).with_bounds(bounds);
        pages.all(query.limit).await
    }

    pub(super) async fn one_application(&self, holder: &PasswordHolder) -> Result<Application, Error> {
        let url = self.holder_address(holder, &[], &[("$select", FIELDS)])?;
        self.read(self.read_call("graph.application.get", url)).await
    }
}

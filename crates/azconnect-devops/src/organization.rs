//! The handle through which everything in an organization is reached.

use std::fmt;
use std::sync::Arc;

use azconnect_core::Error;
use azconnect_http::{Call, ListBounds, ListWatch, PageStyle, Pages, Response, endpoint, json, with_query};
use serde::de::DeserializeOwned;
use tracing::{Instrument, debug_span, field};
use url::Url;

use crate::client::DevOpsClient;
use crate::dialect::DevOpsDialect;
use crate::name::OrganizationName;
use crate::pace::{Budget, Paced};

/// The versions of the REST interface that a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiVersions {
    /// The `api-version` of released operations, such as `7.1`.
    pub(crate) released: &'static str,
    /// The `api-version` of operations that exist as a first preview only, such as `7.1-preview.1`.
    pub(crate) preview: &'static str,
    /// Whether connections are written through a project.
    pub(crate) project_writes: bool,
}

impl ApiVersions {
    pub(crate) const SERVICES: Self = Self { released: "7.1", preview: "7.1-preview.1", project_writes: false };
}

/// How many items are read at most where the service has pages.
const LIST_ITEMS: usize = 100_000;

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
    /// The name of the organization, or of the server's collection.
    pub fn name(&self) -> &str {
        &self.name
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
        pages.all(LIST_ITEMS).instrument(span).await
    }

    /// Watches a list that comes in pages of another style, so that it ends.
    pub(crate) fn watch(&self, operation: &'static str) -> ListWatch {
        ListWatch::new(operation, self.client.pipeline().clock().clone(), ListBounds::new())
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

impl DevOpsClient {
    /// An organization of Azure DevOps Services. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) if the cloud's address cannot carry the name.
    pub fn organization(&self, name: &OrganizationName) -> Result<Organization, Error> {
        let base = endpoint(self.devops(), &[name.as_str()])?;
        Ok(Organization {
            budget: self.budget(&base),
            identity: endpoint(self.identity(), &[name.as_str()])?,
            client: self.clone(),
            name: name.as_str().into(),
            base,
            versions: ApiVersions::SERVICES,
            server: false,
        })
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

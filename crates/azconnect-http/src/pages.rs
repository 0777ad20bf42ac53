//! Lists that come in pages.

use std::collections::HashSet;
use std::marker::PhantomData;

use azconnect_core::{Error, ErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::answer::{json, request_id};
use crate::call::Call;
use crate::dialect::Dialect;
use crate::pipeline::Pipeline;
use crate::transport::Response;

/// How a service names the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageStyle {
    /// A link in the body: `nextLink` (Azure Resource Manager) or `@odata.nextLink` (Microsoft Graph). It is followed
    /// verbatim, and only to the origin of the first page.
    NextLink,
    /// A token in the header `x-ms-continuationtoken`, sent back as the query parameter `continuationToken`
    /// (Azure DevOps).
    ContinuationToken,
}

/// Reads a list page by page; each page is `{"value": […]}` or a bare array.
///
/// ```no_run
/// # async fn example(pipeline: azconnect_http::Pipeline, call: azconnect_http::Call) -> Result<(), azconnect_core::Error> {
/// use azconnect_http::{PageStyle, Pages, PlainDialect};
///
/// let mut pages = Pages::<serde_json::Value>::new(&pipeline, call, &PlainDialect, PageStyle::NextLink);
/// while let Some(page) = pages.next().await? {
///     println!("{} items", page.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Pages<'a, T> {
    pipeline: &'a Pipeline,
    call: Call,
    dialect: &'a dyn Dialect,
    style: PageStyle,
    next: Option<Url>,
    seen: HashSet<String>,
    items: PhantomData<fn() -> T>,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
#[serde(untagged)]
enum Page<T> {
    Wrapped(Wrapped<T>),
    Bare(Vec<T>),
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Wrapped<T> {
    /// Required: an answer without it is no list, and must not be read as an empty one.
    value: Vec<T>,
    #[serde(rename = "nextLink", alias = "@odata.nextLink", default)]
    next_link: Option<String>,
}

impl<'a, T: DeserializeOwned> Pages<'a, T> {
    /// Prepares to read the list whose first page is the answer to a call. Nothing is sent yet.
    pub fn new(pipeline: &'a Pipeline, call: Call, dialect: &'a dyn Dialect, style: PageStyle) -> Self {
        let next = Some(call.url().clone());
        Self { pipeline, call, dialect, style, next, seen: HashSet::new(), items: PhantomData }
    }

    /// Reads the next page; `None` after the last.
    ///
    /// # Errors
    /// As [`Pipeline::execute`]; and [`Unexpected`](ErrorKind::Unexpected) for a link to another origin, which is not
    /// followed, since the token would travel with it, and for a link that was followed before.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        let Some(url) = self.next.take() else { return Ok(None) };
        self.seen.insert(url.to_string());
        let answer = self.pipeline.execute(self.call.to(url), self.dialect).await?;
        let page: Page<T> = json(&answer).map_err(|error| error.in_operation(self.call.operation()))?;
        let (items, link) = match page {
            Page::Wrapped(page) => (page.value, page.next_link),
            Page::Bare(items) => (items, None),
        };
        self.next = self.following(&answer, link)?;
        Ok(Some(items))
    }

    /// Reads all pages, and returns their items in order: at most `limit`.
    ///
    /// # Errors
    /// As [`Pages::next`]; and [`Unexpected`](ErrorKind::Unexpected) if there are more than `limit`.
    pub async fn all(mut self, limit: usize) -> Result<Vec<T>, Error> {
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
            if items.len() > limit {
                return Err(self
                    .refuse(&format!("the list is longer than {limit}"))
                    .with_advice("read it page by page"));
            }
        }
        Ok(items)
    }

    fn following(&self, answer: &Response, link: Option<String>) -> Result<Option<Url>, Error> {
        let next = match self.style {
            PageStyle::NextLink => match link.filter(|link| !link.is_empty()) {
                Some(link) => Some(self.same_origin(&link)?),
                None => None,
            },
            PageStyle::ContinuationToken => self.continued(answer),
        };
        match next {
            Some(url) if self.seen.contains(url.as_str()) => {
                let error = self.refuse("the list goes round in circles");
                Err(match request_id(answer) {
                    Some(id) => error.with_request_id(id),
                    None => error,
                })
            }
            next => Ok(next),
        }
    }

    fn same_origin(&self, link: &str) -> Result<Url, Error> {
        let url = Url::parse(link).map_err(|_| self.refuse("the link to the next page is not an address"))?;
        if url.origin() != self.call.url().origin() {
            return Err(self
                .refuse("the link to the next page leads to another host, so it was not followed")
                .with_advice("a token must not leave the service it is for: check the address and any proxy"));
        }
        Ok(url)
    }

    fn continued(&self, answer: &Response) -> Option<Url> {
        let token = answer.headers().get("x-ms-continuationtoken")?.to_str().ok().filter(|token| !token.is_empty())?;
        let mut url = self.call.url().clone();
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| name != "continuationToken")
            .map(|(n, v)| (n.into(), v.into()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(kept).append_pair("continuationToken", token);
        Some(url)
    }

    fn refuse(&self, message: &str) -> Error {
        Error::new(ErrorKind::Unexpected, message).in_operation(self.call.operation())
    }
}

//! Lists that come in pages.

use std::marker::PhantomData;
use std::sync::Arc;

use azconnect_core::{Error, ErrorKind};
use futures_core::Stream;
use futures_util::stream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::answer::{json, request_id};
use crate::bounds::{ListBounds, ListWatch};
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
/// It ends whatever the service does: see [`ListBounds`].
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
    pipeline: Pipeline,
    call: Call,
    dialect: Arc<dyn Dialect + 'a>,
    style: PageStyle,
    next: Option<Url>,
    watch: ListWatch,
    items: PhantomData<fn() -> T>,
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
    pub fn new(pipeline: &Pipeline, call: Call, dialect: &'a dyn Dialect, style: PageStyle) -> Self {
        Self::with_dialect(pipeline, call, Arc::new(dialect), style)
    }

    /// As [`Pages::new`], with a dialect of its own, so that it borrows nothing.
    pub fn with_dialect(pipeline: &Pipeline, call: Call, dialect: Arc<dyn Dialect + 'a>, style: PageStyle) -> Self {
        let call = call.with_compressed_answer();
        let next = Some(call.url().clone());
        let watch = watch(pipeline, &call, ListBounds::new());
        let pipeline = pipeline.clone();
        let pages = Self { pipeline, call, dialect, style, next, watch, items: PhantomData };
        pages.with_bounds(ListBounds::new())
    }

    /// Sets how much is read at most, before the first page. The size of a page takes the place of the call's own limit.
    #[must_use]
    pub fn with_bounds(mut self, bounds: ListBounds) -> Self {
        self.watch = watch(&self.pipeline, &self.call, bounds);
        self.call = self.call.with_answer_limit(bounds.page_bytes);
        self
    }

    /// Reads the next page; `None` after the last.
    ///
    /// # Errors
    /// As [`Pipeline::execute`]; [`Unexpected`](ErrorKind::Unexpected) for a link to another origin, which is not followed,
    /// since the token would travel with it, and for a link that was followed before; and what [`ListBounds`] refuse.
    pub async fn next(&mut self) -> Result<Option<Vec<T>>, Error> {
        let Some(url) = self.next.take() else { return Ok(None) };
        let left = self.watch.begin_page()?;
        let call = self.call.to(url);
        let time_limit = call.time_limit.unwrap_or(self.pipeline.time_limit()).min(left);
        let answer = self.pipeline.execute(call.with_time_limit(time_limit), &*self.dialect).await?;
        let (items, link) = read(&answer).map_err(|error| error.in_operation(self.call.operation()))?;
        self.watch.count(items.len())?;
        self.next = self.following(&answer, link).map_err(|error| match request_id(&answer) {
            Some(id) => error.with_request_id(id),
            None => error,
        })?;
        Ok(Some(items))
    }

    /// Reads all pages, and returns their items in order: at most `limit`.
    ///
    /// # Errors
    /// As [`Pages::next`]; and [`Unexpected`](ErrorKind::Unexpected) if there are more than `limit`.
    pub async fn all(mut self, limit: usize) -> Result<Vec<T>, Error> {
        self.watch.allow_items(limit);
        let mut items = Vec::new();
        while let Some(page) = self.next().await? {
            items.extend(page);
        }
        Ok(items)
    }

    /// The items one after the other. A page is read when the last item of the one before was taken, so that one page is held
    /// at a time. It ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<T, Error>> + Send + 'a
    where
        T: Send + 'a,
    {
        stream::try_unfold((self, Vec::new().into_iter()), |(mut pages, mut items)| async move {
            loop {
                if let Some(item) = items.next() {
                    return Ok(Some((item, (pages, items))));
                }
                match pages.next().await? {
                    Some(page) => items = page.into_iter(),
                    None => return Ok(None),
                }
            }
        })
    }

    fn following(&mut self, answer: &Response, link: Option<String>) -> Result<Option<Url>, Error> {
        let next = match self.style {
            PageStyle::NextLink => match link.filter(|link| !link.is_empty()) {
                Some(link) => Some(self.same_origin(&link)?),
                None => None,
            },
            PageStyle::ContinuationToken => self.continued(answer),
        };
        if let Some(url) = &next {
            self.watch.follow(url.as_str())?;
        }
        Ok(next)
    }

    fn same_origin(&self, link: &str) -> Result<Url, Error> {
        let url = Url::parse(link).map_err(|_| self.refuse("the link to the next page is not an address"))?;
        let named = !url.username().is_empty() || url.password().is_some();
        if url.origin() != self.call.url().origin() || named {
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

/// The watch of a list whose first page is the answer to a call.
fn watch(pipeline: &Pipeline, call: &Call, bounds: ListBounds) -> ListWatch {
    let mut watch = ListWatch::new(call.operation(), Arc::clone(pipeline.clock()), bounds);
    // The first of all places was never seen before.
    let _ = watch.follow(call.url().as_str());
    watch
}

/// Reads a page of either form. Which one it is shows in its first character: to try one after the other would hold the
/// whole page in memory once more, at many times its size.
fn read<T: DeserializeOwned>(answer: &Response) -> Result<(Vec<T>, Option<String>), Error> {
    let body = answer.body();
    let body = body.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(body);
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Ok((json(answer)?, None));
    }
    let page: Wrapped<T> = json(answer)?;
    Ok((page.value, page.next_link))
}

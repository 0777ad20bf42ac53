//! A list that is read whole, or item by item.

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;

use azconnect_core::Error;
use azconnect_http::{Call, ListBounds, Pages};
use futures_util::future::Either;
use futures_util::stream::{self, Stream};
use serde::de::DeserializeOwned;

use super::arm::{Arm, LIST_LIMIT};

/// A list at the service, of which nothing is read yet: await it for all items at once, or take them one by one from
/// [`List::stream`]. Pages, items, bytes and time are bounded, see [`ListBounds`].
///
/// Lists lag: what was created a moment ago may be missing, and what was deleted may still be shown.
///
/// ```no_run
/// # async fn example(group: azconnect_arm::Group) -> Result<(), azconnect_core::Error> {
/// use futures_util::TryStreamExt;
///
/// let all = group.disks().await?;
/// println!("{} disks", all.len());
///
/// let mut disks = group.disks().stream();
/// while let Some(disk) = disks.try_next().await? {
///     println!("{}", disk.name);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is read before it is awaited or its stream is"]
pub struct List<T> {
    pages: Result<Pages<'static, T>, Error>,
}

impl<T: DeserializeOwned + Send + 'static> List<T> {
    /// The list whose first page is the answer to a call. An address that cannot be built is the list's one error.
    pub(super) fn new(arm: &Arm, call: Result<Call, Error>) -> Self {
        Self { pages: call.map(|call| arm.pages(call)) }
    }

    /// Sets how much is read at most.
    pub fn with_bounds(self, bounds: ListBounds) -> Self {
        Self { pages: self.pages.map(|pages| pages.with_bounds(bounds)) }
    }

    /// The items one after the other, in the service's order. One page is held at a time, and the next is read when its
    /// last item was taken. It ends after the first error.
    pub fn stream(self) -> impl Stream<Item = Result<T, Error>> + Send + Unpin + use<T> {
        Box::pin(match self.pages {
            Ok(pages) => Either::Left(pages.into_stream()),
            Err(error) => Either::Right(stream::iter([Err(error)])),
        })
    }
}

impl<T: DeserializeOwned + Send + 'static> IntoFuture for List<T> {
    type Output = Result<Vec<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    /// Reads all pages, and gives their items in order.
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.pages?.all(LIST_LIMIT).await })
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("List")
    }
}

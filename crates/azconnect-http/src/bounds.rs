//! How much of a list is read at most, whatever the service says of how it goes on.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::{Clock, Effect, Error, ErrorKind};

/// The longest link or token to a next page that is followed. Those of Microsoft's services take up to about 2,000
/// characters.
const LONGEST_PLACE: usize = 16 * 1024;

/// How many bytes of one page are read. The largest pages, 1,000 machines of Azure Resource Manager, take about 5 MB.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// The bounds of one list: pages, their size, items and time. A service that names a next page for ever, with or without items, meets
/// one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListBounds {
    /// The largest number of pages.
    pub pages: u32,
    /// The largest size of one page, in bytes.
    pub page_bytes: usize,
    /// The largest number of items.
    pub items: usize,
    /// The longest time from the first page to the last, pauses and repetitions included.
    pub time: Duration,
}

impl ListBounds {
    /// The default: 1,000 pages of 8 MiB, 100,000 items, 10 minutes.
    pub fn new() -> Self {
        Self { pages: 1000, page_bytes: PAGE_BYTES, items: 100_000, time: Duration::from_secs(600) }
    }

    /// Sets the largest number of pages.
    #[must_use]
    pub fn with_pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    /// Sets the largest size of one page, in bytes.
    #[must_use]
    pub fn with_page_bytes(mut self, bytes: usize) -> Self {
        self.page_bytes = bytes;
        self
    }

    /// Sets the largest number of items.
    #[must_use]
    pub fn with_items(mut self, items: usize) -> Self {
        self.items = items;
        self
    }

    /// Sets the longest time from the first page to the last.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

impl Default for ListBounds {
    fn default() -> Self {
        Self::new()
    }
}

/// Watches the reading of one list, so that it ends. [`Pages`](crate::Pages) has one; a list that is read in another way
/// brings its own.
pub struct ListWatch {
    operation: &'static str,
    clock: Arc<dyn Clock>,
    bounds: ListBounds,
    started: Option<Duration>,
    pages: u32,
    items: usize,
    /// Numbers in place of the places themselves, which a service makes as long as it likes. Two places of one number end
    /// the list with an error, and nobody can foresee the number of a place.
    seen: HashSet<u64>,
    numbers: RandomState,
}

impl ListWatch {
    /// Watches a list. Its time begins with its first page.
    pub fn new(operation: &'static str, clock: Arc<dyn Clock>, bounds: ListBounds) -> Self {
        let (seen, numbers) = (HashSet::new(), RandomState::new());
        Self { operation, clock, bounds, started: None, pages: 0, items: 0, seen, numbers }
    }

    /// Call it before each page. Returns the time that is left for it.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected) after the last page, [`Timeout`](ErrorKind::Timeout) after the time, that the
    /// bounds allow. Nothing was sent.
    pub fn begin_page(&mut self) -> Result<Duration, Error> {
        let now = self.clock.elapsed();
        self.started.get_or_insert(now);
        let left = self.time_left()?;
        if self.pages >= self.bounds.pages {
            let pages = self.bounds.pages;
            return Err(self.refuse(ErrorKind::Unexpected, format!("the list has more than {pages} pages")));
        }
        self.pages += 1;
        Ok(left)
    }

    /// The time that is left, for a page that is read piece by piece.
    ///
    /// # Errors
    /// [`Timeout`](ErrorKind::Timeout) if none is.
    pub fn time_left(&self) -> Result<Duration, Error> {
        let now = self.clock.elapsed();
        let left = self.bounds.time.saturating_sub(now.saturating_sub(self.started.unwrap_or(now)));
        if !left.is_zero() {
            return Ok(left);
        }
        let seconds = self.bounds.time.as_secs();
        Err(self.refuse(ErrorKind::Timeout, format!("the list could not be read within {seconds} s")))
    }

    /// Takes this largest number of items in place of that of the bounds.
    pub(crate) fn allow_items(&mut self, items: usize) {
        self.bounds.items = items;
    }

    /// Call it with the items of each page.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected) if they are more than the bounds allow.
    pub fn count(&mut self, items: usize) -> Result<(), Error> {
        self.items = self.items.saturating_add(items);
        if self.items <= self.bounds.items {
            return Ok(());
        }
        let items = self.bounds.items;
        Err(self.refuse(ErrorKind::Unexpected, format!("the list is longer than {items} items")))
    }

    /// Call it with the link or token of each page, the first included, as soon as it is known.
    ///
    /// # Errors
    /// [`Unexpected`](ErrorKind::Unexpected) for one that was there before, or that is too long to be one.
    pub fn follow(&mut self, place: &str) -> Result<(), Error> {
        if place.len() > LONGEST_PLACE {
            let message = format!("the link to the next page is longer than {LONGEST_PLACE} characters");
            return Err(self.strange(message));
        }
        if self.seen.insert(self.numbers.hash_one(place)) {
            return Ok(());
        }
        Err(self.strange("the list goes round in circles: the link to the next page was followed before".to_owned()))
    }

    // Of these two: to read a list changes nothing.
    fn refuse(&self, kind: ErrorKind, message: String) -> Error {
        Error::new(kind, message).in_operation(self.operation).with_effect(Effect::None).with_advice(
            "ask for less, by a filter or page by page; a list that is really so long takes wider ListBounds",
        )
    }

    fn strange(&self, message: String) -> Error {
        Error::new(ErrorKind::Unexpected, message)
            .in_operation(self.operation)
            .with_effect(Effect::None)
            .with_advice("read the list again; if it stays so, report it to the service with the request id")
    }
}

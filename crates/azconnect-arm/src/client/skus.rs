//! Sizes of machines: a list of up to 120 MB, read as a stream.

use std::collections::VecDeque;
use std::time::Duration;

use azconnect_core::{Error, ErrorKind};
use azconnect_http::{ByteStream, Call, ListBounds, ListWatch, SendOptions};
use futures_util::StreamExt;
use http::Method;
use url::Url;

use super::arm::Arm;
use super::splitter::Splitter;
use crate::resource::sku::Sku;

/// How many sizes are read at most: those of all regions are about 60,000.
const MOST_SIZES: usize = 500_000;

/// How long the whole list may take: all regions are 120 MB.
const LONGEST: Duration = Duration::from_secs(1800);

/// Reads sizes one by one. It holds a piece of the answer at a time, never the whole.
pub struct Skus {
    arm: Arm,
    call: Call,
    origin: url::Origin,
    stream: Option<ByteStream>,
    splitter: Splitter,
    ready: VecDeque<Sku>,
    next: Option<Url>,
    watch: ListWatch,
    /// How many elements were none of a size; `None` where one such ends the list with an error.
    odd: Option<usize>,
}

impl Skus {
    pub(super) fn new(arm: Arm, url: Url) -> Self {
        // A list of all regions takes longer than the 60 seconds that one attempt has otherwise.
        let options = SendOptions::default().with_timeout(Duration::from_secs(900));
        let origin = url.origin();
        let call = arm.call("arm.sku.list", Method::GET, url.clone()).with_options(options).with_time_limit(LONGEST);
        let bounds = ListBounds::new().with_items(MOST_SIZES).with_time(LONGEST);
        let watch = ListWatch::new("arm.sku.list", arm.clock().clone(), bounds);
        Self {
            arm,
            call,
            origin,
            stream: None,
            splitter: Splitter::default(),
            ready: VecDeque::new(),
            next: Some(url),
            watch,
            odd: None,
        }
    }

    /// Passes over elements that are not written as a size is, and counts them.
    pub(crate) fn tolerant(self) -> Self {
        Self { odd: Some(0), ..self }
    }

    /// How many elements were passed over.
    pub(crate) fn passed_over(&self) -> usize {
        self.odd.unwrap_or_default()
    }

    /// The next size, or `None` after the last.
    ///
    /// # Errors
    /// The service's refusal; [`Unavailable`](ErrorKind::Unavailable) if the answer breaks off;
    /// [`Unexpected`](ErrorKind::Unexpected) if it is not a list. After an error, start again.
    pub async fn next(&mut self) -> Result<Option<Sku>, Error> {
        loop {
            if let Some(sku) = self.ready.pop_front() {
                return Ok(Some(sku));
            }
            if self.stream.is_none() && !self.open().await? {
                return Ok(None);
            }
            self.read_piece().await.map_err(|error| error.in_operation("arm.sku.list"))?;
        }
    }

    /// Opens the next page. `false` if there is none.
    async fn open(&mut self) -> Result<bool, Error> {
        let Some(url) = self.next.take() else { return Ok(false) };
        self.watch.follow(url.as_str())?;
        let left = self.watch.begin_page()?;
        // The token would travel to the other origin.
        if url.origin() != self.origin || !url.username().is_empty() || url.password().is_some() {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "the link to the next page leads astray and was not followed",
            )
            .in_operation("arm.sku.list"));
        }
        let answer =
            self.arm.pipeline().execute_streaming(self.call.to(url).with_time_limit(left), self.arm.dialect()).await?;
        self.stream = Some(answer.into_body());
        self.splitter = Splitter::default();
        Ok(true)
    }

    async fn read_piece(&mut self) -> Result<(), Error> {
        self.watch.time_left()?;
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let wrong = || Error::new(ErrorKind::Unexpected, "the list of sizes is not the JSON expected");
        let Some(piece) = stream.next().await else {
            // A connection that breaks off looks like an end: only the closing bracket proves one.
            if !self.splitter.is_complete() {
                return Err(
                    Error::new(ErrorKind::Unavailable, "the list of sizes breaks off").with_advice("read it again")
                );
            }
            let link = self.splitter.next_link().map(|link| format!("\"{}\"", String::from_utf8_lossy(link)));
            self.stream = None;
            self.next = match link {
                Some(link) => {
                    let link: String = serde_json::from_str(&link).map_err(|_| wrong())?;
                    Some(Url::parse(&link).map_err(|_| wrong())?)
                }
                None => None,
            };
            return Ok(());
        };
        let (ready, watch, odd) = (&mut self.ready, &mut self.watch, &mut self.odd);
        self.splitter.feed(&piece?, |element| {
            watch.count(1)?;
            match (serde_json::from_slice(element), &mut *odd) {
                (Ok(sku), _) => ready.push_back(sku),
                (Err(_), Some(odd)) => *odd += 1,
                (Err(_), None) => return Err(wrong()),
            }
            Ok(())
        })
    }
}

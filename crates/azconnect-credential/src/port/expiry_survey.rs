//! A look at all connections, page by page.

use async_trait::async_trait;
use azconnect_core::Error;
use serde::Serialize;

use crate::expiry::Expiry;
use crate::port::expiry::{ExpiryWatch, StandingPage};
use crate::port::records::ConnectionQuery;

/// How many connections' credentials are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExpirySurvey {
    /// Those that hold nothing that could end.
    pub never: usize,
    /// Those of which nobody knows when they end.
    pub unknown: usize,
    /// Those that end later than the first warning.
    pub fresh: usize,
    /// Those that end soon.
    pub due: usize,
    /// Those that should have been replaced by now.
    pub overdue: usize,
    /// Those that have ended.
    pub expired: usize,
    /// Those that somebody removed before their end.
    pub gone: usize,
    /// Those of which the record or the note cannot be read.
    pub unreadable: usize,
    /// The crossings that this survey has noted.
    pub noted: usize,
}

impl ExpirySurvey {
    fn count(&mut self, page: &StandingPage) {
        for standing in &page.standings {
            let state = match standing.expiry {
                Expiry::Never => &mut self.never,
                Expiry::Unknown => &mut self.unknown,
                Expiry::Fresh { .. } => &mut self.fresh,
                Expiry::Due { .. } => &mut self.due,
                Expiry::Overdue { .. } => &mut self.overdue,
                Expiry::Expired { .. } => &mut self.expired,
                Expiry::Gone => &mut self.gone,
            };
            *state += 1;
            self.noted += usize::from(standing.noted.is_some());
        }
        self.unreadable += page.unreadable.len();
    }
}

/// What every [`ExpiryWatch`] can do besides.
#[async_trait]
pub trait ExpiryWatchExt: ExpiryWatch {
    /// Looks at all connections, page by page, forgets what was noted of removed ones, and counts.
    ///
    /// # Errors
    /// As [`ExpiryWatch::look`].
    async fn survey(&self) -> Result<ExpirySurvey, Error> {
        let (mut survey, mut query) = (ExpirySurvey::default(), ConnectionQuery::new());
        loop {
            let page = self.look(&query).await?;
            survey.count(&page);
            let Some(next) = page.next else { break };
            query = query.with_after(Some(next));
        }
        self.forget_removed().await?;
        Ok(survey)
    }
}

impl<W: ExpiryWatch + ?Sized> ExpiryWatchExt for W {}

//! The port that tells a product, once each, when its customers' credentials end.

use async_trait::async_trait;
use azconnect_core::{Diagnosis, DocumentId, Error};

use crate::crossing::Crossing;
use crate::expiry::Expiry;
use crate::expiry_end::EndSource;
use crate::port::records::ConnectionQuery;
use crate::record::ConnectionRecord;

/// How one connection's credential stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// The connection.
    pub record: ConnectionRecord,
    /// How near its end the credential is.
    pub expiry: Expiry,
    /// Where the end is known from.
    pub source: EndSource,
    /// Why the service did not say more, where it was asked and did not.
    pub problem: Option<Diagnosis>,
    /// What this look has noted: over all looks and processes, each crossing stands in one answer. It is also among
    /// [`crossings`](ExpiryWatch::crossings) until it is acknowledged, in case this answer is lost.
    pub noted: Option<Crossing>,
}

impl Standing {
    /// How a connection's credential stands.
    pub fn new(record: ConnectionRecord, expiry: Expiry, source: EndSource) -> Self {
        Self { record, expiry, source, problem: None, noted: None }
    }

    /// Sets why the service did not say more.
    #[must_use]
    pub fn with_problem(mut self, problem: Option<Diagnosis>) -> Self {
        self.problem = problem;
        self
    }

    /// Sets what this look has noted.
    #[must_use]
    pub fn with_noted(mut self, noted: Option<Crossing>) -> Self {
        self.noted = noted;
        self
    }
}

/// A part of the connections, in order of their names, as a look found them.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct StandingPage {
    /// How each connection stands.
    pub standings: Vec<Standing>,
    /// The names of connections of which nothing can be said, since their record or the note on them cannot be read, and why.
    /// Nobody may take them for fresh.
    pub unreadable: Vec<(DocumentId, Error)>,
    /// Where the next page begins, or `None` if this is the last.
    pub next: Option<DocumentId>,
}

impl StandingPage {
    /// A page of connections, for implementations of [`ExpiryWatch`].
    pub fn new(standings: Vec<Standing>, next: Option<DocumentId>) -> Self {
        Self { standings, unreadable: Vec::new(), next }
    }

    /// Sets what could not be read.
    #[must_use]
    pub fn with_unreadable(mut self, unreadable: Vec<(DocumentId, Error)>) -> Self {
        self.unreadable = unreadable;
        self
    }
}

/// A crossing that nobody has acknowledged, and the connection whose credential it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenCrossing {
    /// The crossing.
    pub crossing: Crossing,
    /// The connection as it is now: whom to tell.
    pub record: ConnectionRecord,
}

impl OpenCrossing {
    /// A crossing of a connection's credential.
    pub fn new(crossing: Crossing, record: ConnectionRecord) -> Self {
        Self { crossing, record }
    }
}

/// A part of the crossings that nobody has acknowledged, in order of their connections' names.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CrossingPage {
    /// The crossings; of one connection the earliest first.
    pub crossings: Vec<OpenCrossing>,
    /// The names of connections of which that cannot be said, and why.
    pub unreadable: Vec<(DocumentId, Error)>,
    /// Where the next page begins, or `None` if this is the last.
    pub next: Option<DocumentId>,
}

impl CrossingPage {
    /// A page of crossings, for implementations of [`ExpiryWatch`].
    pub fn new(crossings: Vec<OpenCrossing>, next: Option<DocumentId>) -> Self {
        Self { crossings, unreadable: Vec::new(), next }
    }

    /// Sets what could not be read.
    #[must_use]
    pub fn with_unreadable(mut self, unreadable: Vec<(DocumentId, Error)>) -> Self {
        self.unreadable = unreadable;
        self
    }
}

/// Watches the ends of a product's credentials, and tells each point on the way there once.
///
/// What every implementation does, and the suite `azconnect_testkit::conformance::expiry_watch` checks:
/// - each threshold of the policy, the end, and that a key is gone before it, is a [`Crossing`], noted by one look of one process.
///   Where several thresholds were passed since the last look, the one nearest to the end stands for all;
/// - a crossing that was noted is among [`crossings`](Self::crossings) until it is acknowledged, whatever becomes of the process
///   that noted it; one acknowledgement succeeds;
/// - a clock that goes back has nothing told twice. Where time shows that a point was noted by a clock that was ahead, since the
///   point comes before the moment at which it was noted, it is told when it comes;
/// - a connection with another secret begins anew, and nothing is told of the former one; a connection that was removed is not
///   told of at all. Connections that share an application are told of each for itself;
/// - what nobody knows the end of is [`Expiry::Unknown`], and never fresh.
///
/// # Told at least once, or at most once
/// Tell first and acknowledge then, and a crash in between has it told again: put [`Crossing::id`] into the mail, so that the
/// second one is recognised. Acknowledge first, tell if that answered `true`, and a crash in between has nobody told.
#[async_trait]
pub trait ExpiryWatch: Send + Sync {
    /// Looks at a page of the connections, and notes what each has come to. May be repeated, and called from several processes at
    /// once. Bounded in memory by the page.
    ///
    /// # Errors
    /// If the store fails; what was noted until then is among the crossings.
    ///
    /// # Cancel safety
    /// Cancel safe: what was noted is among the crossings.
    async fn look(&self, query: &ConnectionQuery) -> Result<StandingPage, Error>;

    /// A page of the crossings that nobody has acknowledged, after a connection's name. Nothing is written.
    async fn crossings(&self, after: Option<&DocumentId>) -> Result<CrossingPage, Error>;

    /// Acknowledges a crossing: nobody is told of it again. `true` for one caller alone; `false` if it was acknowledged before, or
    /// concerns nobody any more.
    ///
    /// # Errors
    /// If the store fails. With effect [`Unknown`](azconnect_core::Effect::Unknown) it may be acknowledged: the next call says
    /// `false` then.
    async fn acknowledge(&self, crossing: &Crossing) -> Result<bool, Error>;

    /// Forgets what was noted of connections that are there no more, and says of how many. To be called now and then; until it is,
    /// nothing is told of them either.
    ///
    /// # Errors
    /// If the store fails.
    async fn forget_removed(&self) -> Result<usize, Error>;
}

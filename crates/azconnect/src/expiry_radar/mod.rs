//! The radar: when the credentials of a product's connections end, told once each.

mod crossings;
mod listed;
mod look;
mod outage;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Clock, DocumentId, Effect, Error, ErrorKind};
use azconnect_credential::{
    ConnectionId, ConnectionQuery, ConnectionRecord, Crossing, CrossingPage, EndReader, ExpiryNote, ExpiryPolicy,
    ExpiryWatch, Records, StandingPage,
};

pub use self::listed::ListedEnds;

use self::outage::Outage;
use crate::azure::Azure;
use crate::storage::Storage;

/// How often a change of a note begins again because another one came before it.
const ATTEMPTS: u32 = 8;

/// How many connections' ends are read from the service at once, unless the product says otherwise.
const AT_ONCE: usize = 8;

/// When the credentials of a product's connections end, told once each: the [`ExpiryWatch`] over the records of
/// [`Connections`](crate::Connections).
///
/// It is called by the product's own scheduler, such as once a day. Each look judges a page of the records against a policy, and
/// notes what a credential has come to, as a document beside the records. A note is written with compare-and-swap, so that of two
/// processes that look at once one has noted it, and what was noted stays among the [`crossings`](Self::crossings) until somebody
/// acknowledges it.
///
/// # Where an end comes from
/// The first of these that says one, as the answer's [`EndSource`](azconnect_credential::EndSource) tells:
///
/// 1. Microsoft Graph, under the key id that the record names;
/// 2. Microsoft Graph, by the hint that begins the secret;
/// 3. either of them as an earlier look has read it, since a key's end never changes;
/// 4. the record: what a person declared, or what was read when the secret was minted;
/// 5. nobody: then it is [`Unknown`](azconnect_credential::Expiry::Unknown), and never fresh.
///
/// Most applications may not read themselves. That costs a refused request a look and application, and changes nothing:
/// [`without_reading`](Self::without_reading) spares it, and [`ListedEnds::with_reader`] lets somebody read who may.
///
/// A service that did not answer eight reads in a row of one tenant is not asked for that tenant for a quarter of an hour, and one
/// that answered none of eight tenants is asked for nobody, so that a look at thousands of connections ends in time while it is
/// away: what the records say is told all the same.
///
/// # A key that somebody deleted
/// A key that Graph does not list any more, or a secret that Entra ID refuses, is not gone at once: replicas of the directory differ
/// for a while. It is [`Gone`](azconnect_credential::Expiry::Gone) once so many spaced looks found it so as the
/// [policy](ExpiryPolicy::with_absence) asks for, each of which read everything that may hold the key; until then it is unknown
/// rather than fresh, and the answer says why. A secret that signs in meanwhile is there.
///
/// A secret of which Entra ID says that it has ended is [`Expired`](azconnect_credential::Expiry::Expired) at the first look. Where a
/// later end is said of it or none, it ended by that look ([`Refused`](azconnect_credential::EndSource::Refused)).
#[derive(Clone)]
pub struct ExpiryRadar {
    records: Records<ConnectionRecord>,
    notes: Records<ExpiryNote>,
    ends: Option<Arc<dyn EndReader>>,
    outage: Arc<Outage>,
    policy: ExpiryPolicy,
    clock: Arc<dyn Clock>,
    at_once: usize,
}

impl Azure {
    /// When the credentials of a storage's connections end. Each connection reads its own end from Microsoft Graph, where it may;
    /// the policy is the default one.
    pub fn expiry_radar(&self, storage: &Storage) -> ExpiryRadar {
        ExpiryRadar {
            records: Records::new(storage.documents()),
            notes: Records::new(storage.documents()),
            ends: Some(Arc::new(ListedEnds::new(self.connections(storage)))),
            outage: Arc::default(),
            policy: ExpiryPolicy::default(),
            clock: self.pipeline().clock().clone(),
            at_once: AT_ONCE,
        }
    }

    /// The [`expiry_radar`](Self::expiry_radar) behind its port.
    pub fn expiry_watch(&self, storage: &Storage) -> Arc<dyn ExpiryWatch> {
        Arc::new(self.expiry_radar(storage))
    }
}

impl ExpiryRadar {
    /// Sets when an end is near enough to be told. What was told under another policy is not told again.
    #[must_use]
    pub fn with_policy(mut self, policy: ExpiryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Reads ends from somewhere else, such as with [`ListedEnds::with_reader`].
    #[must_use]
    pub fn with_ends(mut self, ends: Arc<dyn EndReader>) -> Self {
        self.ends = Some(ends);
        self
    }

    /// Asks no service: what the records say is all that is known, besides what was read before.
    #[must_use]
    pub fn without_reading(mut self) -> Self {
        self.ends = None;
        self
    }

    /// Sets how many ends are read from the service at once: 8 unless set, at least 1.
    #[must_use]
    pub fn with_at_once(mut self, at_once: usize) -> Self {
        self.at_once = at_once.max(1);
        self
    }
}

#[async_trait]
impl ExpiryWatch for ExpiryRadar {
    async fn look(&self, query: &ConnectionQuery) -> Result<StandingPage, Error> {
        Self::look(self, query).await
    }

    async fn crossings(&self, after: Option<&DocumentId>) -> Result<CrossingPage, Error> {
        Self::crossings(self, after).await
    }

    async fn acknowledge(&self, crossing: &Crossing) -> Result<bool, Error> {
        Self::acknowledge(self, crossing).await
    }

    async fn forget_removed(&self) -> Result<usize, Error> {
        Self::forget_removed(self).await
    }
}

impl fmt::Debug for ExpiryRadar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpiryRadar").field("policy", &self.policy).finish_non_exhaustive()
    }
}

fn name(id: &ConnectionId) -> Result<DocumentId, Error> {
    DocumentId::new(id.as_str())
}

/// Whether an error says something of one document alone, so that it must not hide the others.
fn is_of_one(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported | ErrorKind::InvalidInput)
}

/// Whether somebody else has changed or removed a document since it was read.
fn is_changed(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound)
}

fn busy(id: &ConnectionId) -> Error {
    Error::new(ErrorKind::Unavailable, format!("others keep changing what is noted of the connection {id}"))
        .with_effect(Effect::None)
        .with_advice("find out what looks at it all the time, and try again")
}

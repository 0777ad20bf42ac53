//! What is remembered of a connection's credential on the way to its end, so that each point of it is told once.

use std::time::Duration;

use azconnect_core::{Diagnosis, KeyId};
use time::{OffsetDateTime, UtcOffset};

use crate::credential_kind::CredentialKind;
use crate::crossing::{Crossing, CrossingId};
use crate::expiry::Expiry;
use crate::expiry_end::{EndReading, EndSource, ListedEnd};
use crate::expiry_policy::{ExpiryPolicy, ExpiryStep};
use crate::expiry_reached::Reached;
use crate::record::{ConnectionId, ConnectionRecord};

/// For how long a key that no read has ever shown may be missing because it is new: an hour is far beyond every report.
const LONGEST_REPLICATION: Duration = Duration::from_secs(3600);

/// What is remembered of one credential of a connection. Another credential, such as a replaced secret, begins anew.
///
/// It is pure: [`look`](Self::look) takes what was read and says how the credential stands; whoever keeps the note writes it with
/// compare-and-swap, and that makes each crossing one over all processes.
///
/// It is serialised with the `version` of its format, at present [`VERSION`](Self::VERSION); a later one is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiryNote {
    pub(crate) connection: ConnectionId,
    /// The name of the sealed credential that the note is about.
    pub(crate) credential: String,
    /// The key as the service has listed it. A key's end never changes, so what was read once holds when nobody may read it.
    pub(crate) listed: Option<ListedEnd>,
    pub(crate) absence: Option<Absence>,
    /// When the service first said that it has ended.
    pub(crate) ended: Option<OffsetDateTime>,
    pub(crate) reached: Option<Reached>,
    pub(crate) gone: bool,
    pub(crate) open: Vec<Crossing>,
}

/// How often the key was not listed, in reads that were far enough apart to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Absence {
    pub(crate) reads: u32,
    pub(crate) last: OffsetDateTime,
}

/// How a credential stands, as one look found it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExpiryLook {
    /// How near its end it is.
    pub expiry: Expiry,
    /// Where the end is known from.
    pub source: EndSource,
    /// Why the service did not say more, where it did not.
    pub problem: Option<Diagnosis>,
    /// What this look has noted, if it came to a point that was not noted before.
    pub noted: Option<Crossing>,
}

impl ExpiryNote {
    /// The version of the format in which notes are written.
    pub const VERSION: u32 = 1;

    /// An empty note on the credential of a connection, or `None` where there is nothing that could end.
    pub fn new(record: &ConnectionRecord) -> Option<Self> {
        let credential = credential(&record.credential)?.to_owned();
        let connection = record.id.clone();
        Some(Self {
            connection,
            credential,
            listed: None,
            absence: None,
            ended: None,
            reached: None,
            gone: false,
            open: Vec::new(),
        })
    }

    /// Whose credential it is about.
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// Whether it is about the credential that a record names now.
    pub fn is_of(&self, record: &ConnectionRecord) -> bool {
        self.connection == record.id && credential(&record.credential) == Some(self.credential.as_str())
    }

    /// Whether it says nothing, so that it need not be kept.
    pub fn is_empty(&self) -> bool {
        let Self { connection: _, credential: _, listed, absence, ended, reached, gone, open } = self;
        listed.is_none() && absence.is_none() && ended.is_none() && reached.is_none() && !gone && open.is_empty()
    }

    /// The key that a read has found for the credential.
    pub fn known_key(&self) -> Option<KeyId> {
        self.listed.as_ref().map(|listed| listed.key)
    }

    /// The crossings that nobody has acknowledged, the earliest first.
    pub fn open(&self) -> &[Crossing] {
        &self.open
    }

    /// Acknowledges a crossing: it is not open any more. `false` if it was not open.
    pub fn acknowledge(&mut self, crossing: CrossingId) -> bool {
        let before = self.open.len();
        self.open.retain(|open| open.id != crossing);
        self.open.len() < before
    }

    /// Takes in what was read, and judges at `now`. The note has changed if it differs from before.
    pub fn look(
        &mut self,
        record: &ConnectionRecord,
        reading: &EndReading,
        policy: &ExpiryPolicy,
        now: OffsetDateTime,
    ) -> ExpiryLook {
        let now = now.checked_to_offset(UtcOffset::UTC).unwrap_or(now);
        let problem = self.take(record, reading, policy, now);
        let (ends_at, source) = self.end(record);
        // The word of the service that it has ended holds by whatever clock.
        let judged_at = self.ended.map_or(now, |ended| ended.max(now));
        self.believe(ends_at, judged_at);
        if let Some(reached) = &mut self.reached {
            // Two clocks of one product may differ by as much as reads must lie apart.
            let (end, slack) = (reached.ends_at, policy.absence_spacing());
            reached.weigh(|step| step.is_reached(end, judged_at), now, slack, &mut self.open);
        }
        self.reached.take_if(|reached| reached.points.is_empty());
        let is_absent = self.absence.is_some_and(|absence| absence.reads >= policy.absence_reads());
        let has_ended = self.nearest() == Some(ExpiryStep::Ended);
        // One that ended first is cleared away by people; that it is gone then is no news.
        if is_absent && !has_ended && ends_at.is_none_or(|end| self.gone || end > now) {
            let noted = (!self.gone).then(|| {
                let crossing = Crossing::new(self.connection.clone(), ExpiryStep::Gone, source, now);
                crossing.with_ends_at(ends_at).with_problem(problem.clone())
            });
            self.gone = true;
            self.open.extend(noted.clone());
            return ExpiryLook { expiry: Expiry::Gone, source, problem, noted };
        }
        let step = ends_at.and_then(|end| Some((end, policy.step(end, judged_at)?)));
        let noted = step.and_then(|(end, step)| self.cross(end, step, source, now));
        let expiry = match policy.judge(ends_at, judged_at) {
            // Perhaps it is gone: that is not known yet, and nobody may rely on it.
            Expiry::Fresh { .. } if self.absence.is_some() => Expiry::Unknown,
            expiry => expiry,
        };
        ExpiryLook { expiry, source, problem, noted }
    }

    /// The end that is believed, and whose word it is.
    fn end(&self, record: &ConnectionRecord) -> (Option<OffsetDateTime>, EndSource) {
        let listed = self.listed.as_ref().and_then(|listed| Some((listed.ends_at?, listed.source)));
        let recorded = || record.credential.ends_at().map(|end| (end, EndSource::Recorded));
        // In UTC, so that it can be written whatever offset it came with.
        let known = listed.or_else(recorded);
        let known = known.and_then(|(end, source)| Some((end.checked_to_offset(UtcOffset::UTC)?, source)));
        let refused = self.ended.filter(|ended| known.is_none_or(|(end, _)| end > *ended));
        match refused.map(|ended| (ended, EndSource::Refused)).or(known) {
            Some((end, source)) => (Some(end), source),
            None => (None, EndSource::Unknown),
        }
    }

    /// Keeps what was read, and says what is wrong.
    fn take(
        &mut self,
        record: &ConnectionRecord,
        reading: &EndReading,
        policy: &ExpiryPolicy,
        now: OffsetDateTime,
    ) -> Option<Diagnosis> {
        match reading {
            EndReading::Listed(listed) => {
                self.listed = Some(self.without_losing(listed));
                if listed.ends_at.is_some() {
                    self.ended = None;
                }
                self.be_there();
            }
            EndReading::Absent(_) => {
                if self.may_be_gone(record, now) {
                    self.count_absence(policy, now);
                }
            }
            EndReading::Ended(_) => {
                // The earliest look that was told so is nearest to the end. A clock that was ahead is corrected by a later look.
                self.ended = Some(self.ended.map_or(now, |ended| ended.min(now)));
                self.be_there();
            }
            EndReading::SignedIn(_) => {
                self.ended = None;
                self.be_there();
            }
            EndReading::Unread(_) => {}
        }
        reading.problem().cloned()
    }

    /// It was a late replica after all, so nobody is to be told any more, and a later absence is news again.
    fn be_there(&mut self) {
        self.absence = None;
        self.gone = false;
        self.open.retain(|open| open.step != ExpiryStep::Gone);
    }

    /// A read without the end of a key does not take away the end that another one has shown.
    fn without_losing(&self, read: &ListedEnd) -> ListedEnd {
        let known = self.listed.as_ref().filter(|known| known.key == read.key && read.ends_at.is_none());
        known.unwrap_or(read).clone()
    }

    /// Whether a read that does not show the key means anything: it was seen listed, or is too old to be on its way.
    fn may_be_gone(&self, record: &ConnectionRecord, now: OffsetDateTime) -> bool {
        // A record that does not say when it changed is of an earlier version of the program.
        let is_old = record.changed_at.is_none_or(|at| now - at > LONGEST_REPLICATION);
        self.listed.is_some() || is_old
    }

    fn count_absence(&mut self, policy: &ExpiryPolicy, now: OffsetDateTime) {
        let counted = match self.absence {
            None => Absence { reads: 1, last: now },
            Some(before) if now - before.last >= policy.absence_spacing() && before.reads < policy.absence_reads() => {
                Absence { reads: before.reads.saturating_add(1), last: now }
            }
            // Noted by a clock that was ahead, or that another process has: how far apart the reads were cannot be told, so that the
            // count begins again. The next read need not wait for that clock either.
            Some(before) if before.last - now > policy.absence_spacing() && !self.gone => {
                Absence { reads: 1, last: now }
            }
            Some(before) => before,
        };
        self.absence = Some(counted);
    }

    /// Takes an end as true from now on. What has not come yet under it is neither told nor open any more.
    fn believe(&mut self, ends_at: Option<OffsetDateTime>, at: OffsetDateTime) {
        let Some(mut reached) = self.reached.take_if(|reached| Some(reached.ends_at) != ends_at) else { return };
        let is_reached = |step: ExpiryStep| ends_at.is_some_and(|end| step.is_reached(end, at));
        reached.points.retain(|point| is_reached(point.step));
        self.reached = ends_at.map(|ends_at| Reached { ends_at, ..reached });
        self.open.retain(|open| open.step == ExpiryStep::Gone || is_reached(open.step));
    }

    /// The point nearest to the end that was noted.
    fn nearest(&self) -> Option<ExpiryStep> {
        self.reached.as_ref().and_then(Reached::nearest)
    }

    /// Notes a point that the credential has come to, if it is nearer to the end than what was noted.
    fn cross(
        &mut self,
        ends_at: OffsetDateTime,
        step: ExpiryStep,
        source: EndSource,
        now: OffsetDateTime,
    ) -> Option<Crossing> {
        if self.nearest().is_some_and(|nearest| nearest.left() <= step.left()) {
            return None;
        }
        self.reached.get_or_insert_with(|| Reached::new(ends_at)).note(step, now);
        let noted = Crossing::new(self.connection.clone(), step, source, now).with_ends_at(Some(ends_at));
        self.open.push(noted.clone());
        Some(noted)
    }
}

impl ExpiryLook {
    /// How a credential stands that holds nothing that could end.
    pub fn never() -> Self {
        Self { expiry: Expiry::Never, source: EndSource::Unknown, problem: None, noted: None }
    }
}

/// What names a credential that can end: the sealed secret, which a new one never shares.
fn credential(kind: &CredentialKind) -> Option<&str> {
    match kind {
        CredentialKind::ClientSecret { secret, .. } | CredentialKind::Certificate { secret, .. } => {
            Some(secret.as_str())
        }
        CredentialKind::Federated { .. } => None,
    }
}

#[cfg(test)]
mod tests;

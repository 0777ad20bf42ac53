//! A look at the connections, which notes what each has come to.

use std::time::Duration;

use azconnect_core::{DocumentId, Effect, Error, ErrorKind, KeyId};
use azconnect_credential::{
    ConnectionQuery, ConnectionRecord, EndReading, ExpiryLook, ExpiryNote, Revised, Standing, StandingPage,
};
use azconnect_saga::within;
use futures_util::{StreamExt as _, stream};

use super::{ATTEMPTS, ExpiryRadar, busy, is_changed, is_of_one, name};

/// How long the read of one end may take: a service that hangs must not keep the others from being told.
const READ_TIME_LIMIT: Duration = Duration::from_secs(120);

/// A note as it was found: its state, and who wrote it.
type Found = Option<Revised<ExpiryNote>>;

impl ExpiryRadar {
    /// Looks at a page of the connections, and notes what each has come to. Idempotent; may be called by several processes at once.
    /// Memory is bounded by the page.
    ///
    /// # Errors
    /// If the store fails; what was noted until then is among the [`crossings`](Self::crossings). A service that does not answer is
    /// no error: the connection's standing says what is not known.
    ///
    /// # Cancel safety
    /// Cancel safe: what was noted is among the crossings.
    pub async fn look(&self, query: &ConnectionQuery) -> Result<StandingPage, Error> {
        let found = self.records.list(&query.to_records()?).await?;
        // Made before the first is polled: a closure that the stream kept would not be `Send` for every lifetime.
        let looks: Vec<_> = found.records.into_iter().map(|record| self.look_at(record.value)).collect();
        let mut looks = stream::iter(looks).buffered(self.at_once);
        let (mut standings, mut unreadable) = (Vec::new(), found.unreadable);
        while let Some((id, looked)) = looks.next().await {
            match looked {
                Ok(standing) => standings.extend(standing),
                Err(error) if is_of_one(&error) => unreadable.push((id?, error)),
                Err(error) => return Err(error),
            }
        }
        unreadable.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(StandingPage::new(standings, found.next).with_unreadable(unreadable))
    }

    async fn look_at(&self, record: ConnectionRecord) -> (Result<DocumentId, Error>, Result<Option<Standing>, Error>) {
        let id = name(&record.id);
        let looked = match &id {
            Ok(id) => self.stand(id, record).await,
            Err(error) => Err(Error::from(error.diagnosis().clone())),
        };
        (id, looked)
    }

    /// How a connection's credential stands, or `None` if it was removed meanwhile.
    async fn stand(&self, id: &DocumentId, mut record: ConnectionRecord) -> Result<Option<Standing>, Error> {
        for _ in 0..ATTEMPTS {
            let found = self.notes.get(id).await?;
            // A note on another credential may be newer than the record that was listed. Read after the note, the record is not
            // older, so that a process that wakes late writes nothing of a former secret over it.
            if found.as_ref().is_some_and(|found| !found.value.is_of(&record)) && !self.refresh(id, &mut record).await?
            {
                return Ok(None);
            }
            let known = found.as_ref().map(|found| found.value.clone()).filter(|note| note.is_of(&record));
            let (looked, note) = match known.or_else(|| ExpiryNote::new(&record)) {
                Some(note) => self.judge(&record, note).await,
                None => (ExpiryLook::never(), None),
            };
            let credential = record.credential.clone();
            // Time has passed while the service was asked: nobody is told of a secret that was replaced or removed meanwhile.
            if looked.noted.is_some() && !self.refresh(id, &mut record).await? {
                return Ok(None);
            }
            if record.credential == credential && self.keep(id, &found, note.as_ref()).await? {
                let standing = Standing::new(record, looked.expiry, looked.source);
                return Ok(Some(standing.with_problem(looked.problem).with_noted(looked.noted)));
            }
        }
        Err(busy(&record.id))
    }

    /// Reads a record anew. `false` if it is gone.
    async fn refresh(&self, id: &DocumentId, record: &mut ConnectionRecord) -> Result<bool, Error> {
        let now = self.records.get(id).await?;
        Ok(now.map(|now| *record = now.value).is_some())
    }

    /// Reads the end from the service, and judges. The note is `None` if there is nothing to keep.
    async fn judge(&self, record: &ConnectionRecord, mut note: ExpiryNote) -> (ExpiryLook, Option<ExpiryNote>) {
        let reading = self.reading(record, note.known_key()).await;
        let mut looked = note.look(record, &reading, &self.policy, self.clock.now());
        if self.ends.is_none() {
            // Nobody was asked, so that nobody has failed to answer.
            looked.problem = None;
        }
        (looked, Some(note).filter(|note| !note.is_empty()))
    }

    async fn reading(&self, record: &ConnectionRecord, known: Option<KeyId>) -> EndReading {
        let unread = |error: Error| EndReading::Unread(error.with_effect(Effect::None).diagnosis().clone());
        let Some(ends) = &self.ends else {
            return unread(Error::new(ErrorKind::Unsupported, "no service is asked"));
        };
        if self.outage.is_on(record.tenant, self.clock.elapsed()) {
            return unread(Error::new(ErrorKind::Unavailable, "it was not asked, since it did not answer for others"));
        }
        let read = within(&*self.clock, READ_TIME_LIMIT, "the read of the end", ends.end(record, known)).await;
        let reading = read.unwrap_or_else(unread);
        self.outage.learn(record.tenant, &reading, self.clock.elapsed());
        reading
    }

    /// Keeps a note in the place of what was found, or removes that. `false` if somebody else came before.
    async fn keep(&self, id: &DocumentId, found: &Found, note: Option<&ExpiryNote>) -> Result<bool, Error> {
        let written = match (found, note) {
            (None, None) => return Ok(true),
            (Some(found), Some(note)) if found.value == *note => return Ok(true),
            (Some(found), Some(note)) => self.notes.replace(note, found.revision).await.map(drop),
            (None, Some(note)) => self.notes.insert(note).await.map(drop),
            (Some(found), None) => self.notes.remove(id, found.revision).await,
        };
        match written {
            Ok(()) => Ok(true),
            Err(error) if is_changed(&error) => Ok(false),
            // Whether it was written is not known. A crossing has an id of its own, so that what is there now says whose it is.
            Err(error) if error.effect() == Effect::Unknown => {
                let now = self.notes.get(id).await?.map(|now| now.value);
                if now.as_ref() == note { Ok(true) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }
}

//! What was noted and not acknowledged, and the end of notes on connections that are gone.

use azconnect_core::{DocumentId, Error};
use azconnect_credential::{Crossing, CrossingPage, ExpiryNote, OpenCrossing, RecordQuery};

use super::{ATTEMPTS, ExpiryRadar, busy, is_changed, is_of_one, name};

impl ExpiryRadar {
    /// A page of the crossings that nobody has acknowledged, after a connection's name. Of a connection that was removed, or that
    /// has another secret by now, nothing is told. Nothing is written.
    ///
    /// # Errors
    /// If the store fails. A note or record that cannot be read is in [`CrossingPage::unreadable`].
    pub async fn crossings(&self, after: Option<&DocumentId>) -> Result<CrossingPage, Error> {
        let page = self.notes.list(&ExpiryNote::open_notes()?.with_after(after.cloned())).await?;
        let (mut crossings, mut unreadable) = (Vec::new(), page.unreadable);
        for note in page.records {
            let id = name(note.value.connection())?;
            match self.records.get(&id).await {
                Ok(Some(record)) if note.value.is_of(&record.value) => {
                    let open = note.value.open().iter().cloned();
                    crossings.extend(open.map(|crossing| OpenCrossing::new(crossing, record.value.clone())));
                }
                Ok(_) => {}
                Err(error) if is_of_one(&error) => unreadable.push((id, error)),
                Err(error) => return Err(error),
            }
        }
        unreadable.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(CrossingPage::new(crossings, page.next).with_unreadable(unreadable))
    }

    /// Acknowledges a crossing: nobody is told of it again. `true` for one caller alone, over all processes; `false` if it was
    /// acknowledged before, or concerns nobody any more.
    ///
    /// # Errors
    /// If the store fails. With effect [`Unknown`](azconnect_core::Effect::Unknown) it may be acknowledged: the next call says
    /// `false` then.
    pub async fn acknowledge(&self, crossing: &Crossing) -> Result<bool, Error> {
        let id = name(&crossing.connection)?;
        for _ in 0..ATTEMPTS {
            let Some(mut found) = self.notes.get(&id).await? else { return Ok(false) };
            if !found.value.acknowledge(crossing.id) {
                return Ok(false);
            }
            match self.notes.replace(&found.value, found.revision).await {
                Ok(_) => return Ok(true),
                Err(error) if is_changed(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Err(busy(&crossing.connection))
    }

    /// Forgets what was noted of connections that are there no more, and says of how many. Idempotent.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn forget_removed(&self) -> Result<usize, Error> {
        let (mut query, mut forgotten) = (RecordQuery::new(), 0);
        loop {
            let page = self.notes.list(&query).await?;
            for note in page.records {
                let id = name(note.value.connection())?;
                match self.records.get(&id).await {
                    Ok(None) => {}
                    Ok(Some(_)) => continue,
                    // It is there, although this program cannot read it.
                    Err(error) if is_of_one(&error) => continue,
                    Err(error) => return Err(error),
                }
                match self.notes.remove(&id, note.revision).await {
                    Ok(()) => forgotten += 1,
                    // Connected again under the same name, and looked at.
                    Err(error) if is_changed(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            let Some(next) = page.next else { return Ok(forgotten) };
            query = query.with_after(Some(next));
        }
    }
}

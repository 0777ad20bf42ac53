//! Pages of the records that a fake keeps.

use std::collections::BTreeMap;

use azconnect_core::{DocumentId, Error};
use azconnect_credential::{Kept, RecordPage, RecordQuery, Revised};

/// How many records a page has, unless the query says otherwise.
const PAGE: usize = 100;

/// The page of records, kept by their names, that a query asks for.
pub(super) fn page<T: Kept + Clone>(
    kept: &BTreeMap<String, Revised<T>>,
    query: &RecordQuery,
) -> Result<RecordPage<T>, Error> {
    let after = query.after.as_ref().map(DocumentId::as_str).unwrap_or_default();
    let mut fitting = Vec::new();
    for (name, held) in kept.iter().filter(|(name, _)| name.as_str() > after) {
        if held.value.document_labels()?.contain(&query.labels) {
            fitting.push((name, held.clone()));
        }
    }
    let limit = query.limit.unwrap_or(PAGE);
    let last = fitting.get(limit.saturating_sub(1)).filter(|_| fitting.len() > limit);
    let next = last.map(|(name, _)| DocumentId::new(name)).transpose()?;
    let records = fitting.into_iter().take(limit).map(|(_, held)| held).collect();
    Ok(RecordPage::new(records, next))
}

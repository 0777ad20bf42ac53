//! A connection's record as a document.

use azconnect_core::{DocumentId, Effect, Error, ErrorKind, Labels};

use crate::port::ConnectionQuery;
use crate::record::ConnectionRecord;
use crate::records::{Kept, RecordQuery};

/// What begins the names of the labels that are not the product's.
const OWN: &str = "azconnect/";

const CLIENT: &str = "azconnect/client";
const TENANT: &str = "azconnect/tenant";
const SUBSCRIPTION: &str = "azconnect/subscription";

/// The longest display name, in characters.
const MAX_NAME_LENGTH: usize = 256;

impl ConnectionRecord {
    /// Refuses what a record cannot hold, before anything is done with it.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `display_name` or `labels`.
    pub fn check(&self) -> Result<(), Error> {
        check_details(self.display_name.as_deref(), &self.labels)
    }

    fn all_labels(&self) -> Result<Labels, Error> {
        with_own(&self.labels, self.client.to_string(), self.tenant.to_string(), self.subscription.to_string())
    }
}

/// Refuses a name for people and labels that a record cannot hold.
pub(crate) fn check_details(display_name: Option<&str>, labels: &Labels) -> Result<(), Error> {
    let name = display_name.unwrap_or("one line");
    if name.trim().is_empty() || name.chars().count() > MAX_NAME_LENGTH || name.chars().any(char::is_control) {
        return Err(Error::invalid("display_name", "is empty, too long, or holds a control character")
            .with_advice("give a name of at most 256 characters on one line, or none"));
    }
    if let Some((name, _)) = labels.iter().find(|(name, _)| name.starts_with(OWN)) {
        return Err(Error::invalid("labels", format!("{name} begins with {OWN}, which is not the product's to use"))
            .with_advice("choose another name for the label"));
    }
    // Whatever their values: there must be room for them.
    with_own(labels, String::new(), String::new(), String::new()).map(drop)
}

fn with_own(labels: &Labels, client: String, tenant: String, subscription: String) -> Result<Labels, Error> {
    labels.clone().with(CLIENT, client)?.with(TENANT, tenant)?.with(SUBSCRIPTION, subscription)
}

impl Kept for ConnectionRecord {
    const COLLECTION: &'static str = "connections";

    fn document_id(&self) -> Result<DocumentId, Error> {
        DocumentId::new(self.id.as_str())
    }

    fn document_labels(&self) -> Result<Labels, Error> {
        self.check()?;
        self.all_labels()
    }

    fn to_text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| {
            // Such as a date that the text form does not know.
            Error::new(ErrorKind::InvalidInput, "the record of the connection cannot be written")
                .with_field("connection")
                .with_effect(Effect::None)
                .with_source(error)
        })
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        Self::from_json(text)
    }
}

impl ConnectionQuery {
    /// The query as one of records in a store of documents, for implementations of
    /// [`ConnectionRecords`](crate::ConnectionRecords).
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `labels` if there are too many.
    pub fn to_records(&self) -> Result<RecordQuery, Error> {
        let own = [
            (CLIENT, self.client.map(|client| client.to_string())),
            (TENANT, self.tenant.map(|tenant| tenant.to_string())),
            (SUBSCRIPTION, self.subscription.map(|subscription| subscription.to_string())),
        ];
        let set = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let labels = set.into_iter().try_fold(self.labels.clone(), |labels, (name, value)| labels.with(name, value))?;
        let query = RecordQuery::new().with_labels(labels).with_after(self.after.clone());
        Ok(match self.limit {
            Some(limit) => query.with_limit(limit),
            None => query,
        })
    }
}

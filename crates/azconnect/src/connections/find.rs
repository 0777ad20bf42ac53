//! Finding connections.

use async_trait::async_trait;
use azconnect_core::Error;
use azconnect_credential::{
    ConnectionChange, ConnectionId, ConnectionPage, ConnectionQuery, ConnectionRecord, ConnectionRecords,
};

use super::{Connections, name};

impl Connections {
    /// A connection by its name, or `None` if there is none. Nothing is opened or sent.
    ///
    /// # Errors
    /// If the store fails, or the record cannot be read.
    pub async fn get(&self, id: &ConnectionId) -> Result<Option<ConnectionRecord>, Error> {
        Ok(self.records.get(&name(id)?).await?.map(|record| record.value))
    }

    /// A page of the connections. Nothing is opened or sent.
    ///
    /// # Errors
    /// If the store fails. A record that cannot be read is in [`ConnectionPage::unreadable`].
    pub async fn list(&self, query: &ConnectionQuery) -> Result<ConnectionPage, Error> {
        let page = self.records.list(&query.to_records()?).await?;
        let connections = page.records.into_iter().map(|record| record.value).collect();
        Ok(ConnectionPage::new(connections, page.next).with_unreadable(page.unreadable))
    }

    /// The connections that sign in as the same application as a record, itself apart.
    pub(super) async fn sharing(&self, record: &ConnectionRecord) -> Result<Vec<ConnectionId>, Error> {
        let same = ConnectionQuery::new().with_client(record.client).with_tenant(record.tenant).to_records()?;
        let all = self.records.all(&same.labels).await?;
        Ok(all.into_iter().map(|other| other.value.id).filter(|id| *id != record.id).collect())
    }
}

#[async_trait]
impl ConnectionRecords for Connections {
    async fn get(&self, id: &ConnectionId) -> Result<Option<ConnectionRecord>, Error> {
        Self::get(self, id).await
    }

    async fn list(&self, query: &ConnectionQuery) -> Result<ConnectionPage, Error> {
        Self::list(self, query).await
    }

    async fn describe(&self, id: &ConnectionId, change: &ConnectionChange) -> Result<ConnectionRecord, Error> {
        Self::describe(self, id, change).await
    }
}

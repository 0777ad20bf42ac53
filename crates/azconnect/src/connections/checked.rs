//! Checking a connection before it is kept, and later.

use async_trait::async_trait;
use azconnect_core::{Error, ErrorKind};
use azconnect_credential::{
    CheckReport, CheckStatus, CheckedConnection, ConnectionCheck, ConnectionChecks, ConnectionForm, ConnectionId,
    ConnectionRecord, FormEntry, LastCheck,
};
use azconnect_devops::OrganizationName;

use super::{Connections, name};
use crate::connection_check::{ConnectionNeeds, Looked, Subject, look};

impl Connections {
    /// Sets what the product needs of its connections, by which they are checked.
    #[must_use]
    pub fn with_needs(mut self, needs: ConnectionNeeds) -> Self {
        self.needs = needs;
        self
    }

    /// Checks everything that a person entered, all at once. Nothing is kept, and nothing changes at the services.
    ///
    /// What was entered is judged text by text; then the login, the subscription and, where one is named, the organization of
    /// Azure DevOps are asked, each for a limited time ([`ConnectionNeeds::time_limit`]).
    pub async fn check_form(&self, form: &ConnectionForm) -> CheckReport {
        self.looked(&mut form.read()).await.report
    }

    /// Checks everything that a person entered, and connects in the same call if nothing stands in the way: if no check failed,
    /// and the secret was proven. The report is the record's first check.
    ///
    /// # Errors
    /// As [`Connections::connect`], if a store fails or the name was taken meanwhile. What is wrong with the form is in the report.
    pub async fn connect_checked(&self, form: &ConnectionForm) -> Result<CheckedConnection, Error> {
        let mut entry = form.read();
        let Looked { report, tenant, password } = Box::pin(self.looked(&mut entry)).await;
        let proven = report.of(ConnectionCheck::Secret).is_some_and(|check| check.status == CheckStatus::Passed);
        let request = tenant.and_then(|tenant| entry.to_request(tenant));
        let (Some(request), Some(secret), true) = (request, entry.secret.take(), proven && report.is_clear()) else {
            return Ok(CheckedConnection::refused(report));
        };
        let check = LastCheck::new(self.now(), report.clone());
        let connected = Box::pin(self.connect_proven(request, secret, (check, password))).await?;
        Ok(CheckedConnection::kept(report, connected))
    }

    /// Checks a connection again, and keeps what was found in its record, unless the connection became another one meanwhile.
    ///
    /// # Errors
    /// As [`Connections::identity`]. What the services say is in the report.
    pub async fn check(&self, id: &ConnectionId) -> Result<LastCheck, Error> {
        let record = self.require(id).await?.value;
        let secret = self.open(&record).await?;
        let mut report = CheckReport::new();
        let organization = organization(record.organization.as_deref(), &mut report);
        let subject = Subject::of_record(&record, &secret, organization);
        let report = look(&self.azure, &self.needs, report, &subject).await.report;
        let check = LastCheck::new(self.now(), report);
        self.note(&record, &check).await?;
        Ok(check)
    }

    /// Keeps a check in the record that it was made of. If that became another one meanwhile, what was found is not of it.
    pub(super) async fn note(&self, checked: &ConnectionRecord, check: &LastCheck) -> Result<(), Error> {
        let kept = self.change(&checked.id, |now| {
            if is_alike(now, checked) {
                now.checked = Some(check.clone());
            }
        });
        match kept.await {
            // Disconnected meanwhile: there is nothing left to note it in.
            Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
            Err(error) => {
                // The answer counts more than the note of it.
                tracing::warn!(connection = %checked.id, %error, "what a check found could not be kept");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    async fn looked(&self, entry: &mut FormEntry) -> Looked {
        let mut report = std::mem::take(&mut entry.report);
        self.check_name(entry, &mut report).await;
        let organization = organization(entry.organization.as_deref(), &mut report);
        look(&self.azure, &self.needs, report, &Subject::of_entry(entry, organization)).await
    }

    /// Whether the name is free.
    async fn check_name(&self, entry: &FormEntry, report: &mut CheckReport) {
        if let Some(id) = &entry.id {
            let found = match name(id) {
                Ok(name) => self.records.get(&name).await.map(|found| found.is_some()),
                Err(error) => Err(error),
            };
            let check = ConnectionCheck::Name;
            let made = match found {
                Ok(false) => check.passed("it is free"),
                Ok(true) => check.failed(
                    format!("there is a connection {id} already"),
                    "choose another name, or give that connection another secret",
                ),
                // There is something by that name, which another program wrote.
                Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Unsupported) => {
                    check.failed_by(&error)
                }
                Err(error) => check.unknown_by(&error),
            };
            report.checks.retain(|check| check.code != made.code);
            report.checks.insert(0, made);
        }
    }
}

/// The organization that a name or an address stands for, and the check of the text.
fn organization(text: Option<&str>, report: &mut CheckReport) -> Option<OrganizationName> {
    let check = ConnectionCheck::OrganizationEntry;
    match read(text?) {
        Ok(name) => {
            report.push(check.passed("it can be one"));
            Some(name)
        }
        Err(error) => {
            report.push(check.failed_by(&error));
            None
        }
    }
}

fn read(text: &str) -> Result<OrganizationName, Error> {
    if text.contains("://") { OrganizationName::of_address(text) } else { OrganizationName::new(text) }
}

/// The name of an organization as a record keeps it.
pub(super) fn organization_name(text: &str) -> Result<String, Error> {
    read(text).map(|name| name.to_string()).map_err(|error| error.with_field("organization"))
}

/// Whether two states of a record are of the same connection, so that a check of one says something of the other.
fn is_alike(one: &ConnectionRecord, other: &ConnectionRecord) -> bool {
    one.credential == other.credential
        && (one.tenant, one.client, one.subscription) == (other.tenant, other.client, other.subscription)
        && (&one.region, &one.resource_group, &one.cloud) == (&other.region, &other.resource_group, &other.cloud)
        && one.organization == other.organization
}

#[async_trait]
impl ConnectionChecks for Connections {
    async fn check_form(&self, form: &ConnectionForm) -> CheckReport {
        Self::check_form(self, form).await
    }

    async fn connect_checked(&self, form: &ConnectionForm) -> Result<CheckedConnection, Error> {
        Self::connect_checked(self, form).await
    }

    async fn check(&self, id: &ConnectionId) -> Result<LastCheck, Error> {
        Self::check(self, id).await
    }
}

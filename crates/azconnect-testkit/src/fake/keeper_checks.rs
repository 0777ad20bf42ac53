//! The checks of a keeper's connections: what a test says is found, and what the keeper itself knows.

use async_trait::async_trait;
use azconnect_core::{Error, Secret, TenantId};
use azconnect_credential::{
    Assessment, Check, CheckReport, CheckStatus, CheckedConnection, ConnectionCheck, ConnectionChecks, ConnectionForm,
    ConnectionId, ConnectionKeeper as _, CredentialVerdict, FormEntry, LastCheck, TenantEntry,
};
use time::OffsetDateTime;

use super::keeper::Keeper;

/// What is looked at after the sign-in, where it was entered.
const INSIDE: [ConnectionCheck; 5] = [
    ConnectionCheck::Subscription,
    ConnectionCheck::SubscriptionState,
    ConnectionCheck::SubscriptionTenant,
    ConnectionCheck::Role,
    ConnectionCheck::Providers,
];

/// What is looked at, of a form or of a record.
struct Subject<'a> {
    tenant: Option<TenantId>,
    client: Option<azconnect_core::ClientId>,
    secret: Option<&'a Secret>,
    has_subscription: bool,
    named: Vec<ConnectionCheck>,
}

impl Keeper {
    fn look(&self, mut report: CheckReport, subject: &Subject<'_>) -> CheckReport {
        let proof = match (subject.tenant, subject.client, subject.secret) {
            (Some(tenant), Some(client), Some(secret)) => Some(self.prove(tenant, client, secret)),
            _ => None,
        };
        report.push(match subject.tenant {
            Some(_) => ConnectionCheck::Tenant.passed("it exists"),
            None => ConnectionCheck::Tenant.skipped("the tenant has to be entered first"),
        });
        report.push(told(proof.as_ref()));
        let is_open = proof.is_some_and(|proof| proof.is_accepted());
        let findings = self.findings();
        for check in INSIDE.iter().chain(&subject.named) {
            let found = findings.iter().find(|known| known.code == check.code());
            report.push(match found {
                _ if !is_open => check.skipped("the application has to sign in first"),
                _ if !subject.has_subscription => check.skipped("the subscription has to be entered first"),
                Some(found) => found.clone(),
                None => check.passed("nothing stands in the way"),
            });
        }
        report
    }

    fn look_at_form(&self, entry: &mut FormEntry) -> (CheckReport, Option<TenantId>) {
        let mut report = std::mem::take(&mut entry.report);
        if let Some(id) = &entry.id
            && self.is_taken(id)
        {
            report.checks.retain(|check| check.code != ConnectionCheck::Name.code());
            report
                .push(ConnectionCheck::Name.failed("there is a connection of that name already", "choose another one"));
        }
        let tenant = match &entry.tenant {
            Some(TenantEntry::Id(tenant)) => Some(*tenant),
            Some(TenantEntry::Name(name)) => self.tenant_named(name),
            _ => None,
        };
        let named = [
            (ConnectionCheck::Region, entry.region.is_some()),
            (ConnectionCheck::Group, entry.resource_group.is_some()),
            (ConnectionCheck::Organization, entry.organization.is_some()),
        ];
        let subject = Subject {
            tenant,
            client: entry.client,
            secret: entry.secret.as_ref(),
            has_subscription: entry.subscription.is_some(),
            named: named.into_iter().filter(|(_, named)| *named).map(|(check, _)| check).collect(),
        };
        (self.look(report, &subject), tenant)
    }
}

fn told(proof: Option<&Assessment>) -> Check {
    let check = ConnectionCheck::Secret;
    let Some(proof) = proof else { return check.skipped("the secret has to be entered first") };
    match proof.verdict {
        CredentialVerdict::Accepted => check.passed(&proof.evidence),
        CredentialVerdict::Rejected => check.failed(&proof.evidence, proof.advice().unwrap_or_default()),
        _ => check.unknown(&proof.evidence, "try again"),
    }
}

#[async_trait]
impl ConnectionChecks for Keeper {
    async fn check_form(&self, form: &ConnectionForm) -> CheckReport {
        self.look_at_form(&mut form.read()).0
    }

    async fn connect_checked(&self, form: &ConnectionForm) -> Result<CheckedConnection, Error> {
        let mut entry = form.read();
        let (report, tenant) = self.look_at_form(&mut entry);
        let proven = report.of(ConnectionCheck::Secret).is_some_and(|check| check.status == CheckStatus::Passed);
        let request = tenant.and_then(|tenant| entry.to_request(tenant));
        let (Some(request), Some(secret), true) = (request, entry.secret.take(), proven && report.is_clear()) else {
            return Ok(CheckedConnection::refused(report));
        };
        let mut connected = self.connect(request, secret).await?;
        let check = LastCheck::new(OffsetDateTime::UNIX_EPOCH, report.clone());
        self.note(&connected.record.id, &check);
        connected.record.checked = Some(check);
        Ok(CheckedConnection::kept(report, connected))
    }

    async fn check(&self, id: &ConnectionId) -> Result<LastCheck, Error> {
        let (record, secret) = self.held(id)?;
        let named = [
            (ConnectionCheck::Region, record.region.is_some()),
            (ConnectionCheck::Group, record.resource_group.is_some()),
            (ConnectionCheck::Organization, record.organization.is_some()),
        ];
        let subject = Subject {
            tenant: Some(record.tenant),
            client: Some(record.client),
            secret: Some(&secret),
            has_subscription: true,
            named: named.into_iter().filter(|(_, named)| *named).map(|(check, _)| check).collect(),
        };
        let check = LastCheck::new(OffsetDateTime::UNIX_EPOCH, self.look(CheckReport::new(), &subject));
        self.note(id, &check);
        Ok(check)
    }
}

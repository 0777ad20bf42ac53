//! What a form says, as far as its texts can be what they stand for.

use std::fmt;
use std::str::FromStr;

use azconnect_core::{ClientId, Error, KeyId, Labels, ResourceGroupName, Secret, SubscriptionId, TenantId};
use time::OffsetDateTime;

use crate::check_report::CheckReport;
use crate::client_secret::{check_client_secret, is_invisible};
use crate::connection_check::ConnectionCheck;
use crate::connection_form::ConnectionForm;
use crate::kept_connection::check_details;
use crate::port::ConnectRequest;
use crate::record::ConnectionId;
use crate::region::Region;

/// The shortest secret that is looked for in other fields. What is shorter is in many a word.
const SHORTEST_SOUGHT: usize = 8;

/// A tenant as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantEntry {
    /// By its GUID.
    Id(TenantId),
    /// By one of its names, such as `contoso.onmicrosoft.com`. The login says which tenant that is.
    Name(String),
}

/// The values of a form, and the checks of its texts. What cannot be what it stands for is `None`, and its check says why.
#[non_exhaustive]
pub struct FormEntry {
    /// The name that the product gives the connection.
    pub id: Option<ConnectionId>,
    /// What people call it.
    pub display_name: Option<String>,
    /// What the product finds it by.
    pub labels: Labels,
    /// The tenant.
    pub tenant: Option<TenantEntry>,
    /// The client id of the application.
    pub client: Option<ClientId>,
    /// The client secret, without white space around it.
    pub secret: Option<Secret>,
    /// The public id of the secret.
    pub key: Option<KeyId>,
    /// When the secret was made.
    pub minted_at: Option<OffsetDateTime>,
    /// When the secret ends.
    pub ends_at: Option<OffsetDateTime>,
    /// The subscription.
    pub subscription: Option<SubscriptionId>,
    /// The region.
    pub region: Option<Region>,
    /// The one resource group.
    pub resource_group: Option<ResourceGroupName>,
    /// The organization of Azure DevOps, as entered: a name or an address.
    pub organization: Option<String>,
    /// The checks of the texts that were filled in or must be.
    pub report: CheckReport,
}

impl ConnectionForm {
    /// Reads the texts. Nothing is sent, and no check quotes what was entered.
    ///
    /// White space and quotes around a text are left out, and the check of the text says so; a secret between quotes is refused,
    /// since nobody knows whether they belong to it.
    pub fn read(&self) -> FormEntry {
        let mut reader = Reader { form: self, report: CheckReport::new() };
        let id = reader.required(ConnectionCheck::Name, "connection_id", &self.id);
        let display_name = reader.display_name();
        let tenant = reader.tenant();
        let client = reader.required(ConnectionCheck::ClientEntry, "client_id", &self.client);
        let client = reader.distinct(client, &tenant);
        let secret = reader.secret();
        let key = reader.optional(ConnectionCheck::KeyEntry, &self.key, str::parse);
        let subscription = reader.required(ConnectionCheck::SubscriptionEntry, "subscription_id", &self.subscription);
        let region = reader.optional(ConnectionCheck::RegionEntry, &self.region, Region::new);
        let group = reader.optional(ConnectionCheck::GroupEntry, &self.resource_group, str::parse);
        let organization = reader.organization();
        FormEntry {
            id,
            display_name,
            labels: self.labels.clone(),
            tenant,
            client,
            secret,
            key,
            minted_at: self.minted_at,
            ends_at: self.ends_at,
            subscription,
            region,
            resource_group: group,
            organization,
            report: reader.report,
        }
    }
}

impl FormEntry {
    /// The request that the form stands for, in a tenant that was found. `None` while a value that it needs is missing.
    pub fn to_request(&self, tenant: TenantId) -> Option<ConnectRequest> {
        let mut request = ConnectRequest::new(self.id.clone()?, self.subscription?, tenant, self.client?);
        request.display_name.clone_from(&self.display_name);
        request.labels = self.labels.clone();
        (request.key, request.minted_at, request.ends_at) = (self.key, self.minted_at, self.ends_at);
        (request.region, request.resource_group) = (self.region.clone(), self.resource_group.clone());
        request.organization.clone_from(&self.organization);
        Some(request)
    }
}

impl fmt::Debug for FormEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormEntry").field("report", &self.report).finish_non_exhaustive()
    }
}

/// A form that is being read, and the checks so far.
struct Reader<'a> {
    form: &'a ConnectionForm,
    report: CheckReport,
}

impl Reader<'_> {
    /// A text that must be filled in.
    fn required<T: FromStr<Err = Error>>(&mut self, check: ConnectionCheck, field: &str, text: &str) -> Option<T> {
        if clean(text).is_empty() {
            let error = Error::invalid(field, "is empty").with_advice("fill it in");
            self.report.push(check.failed_by(&error));
            return None;
        }
        self.optional(check, text, str::parse)
    }

    /// A text that may be left out.
    fn optional<T>(
        &mut self,
        check: ConnectionCheck,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, Error>,
    ) -> Option<T> {
        let cleaned = clean(text);
        if cleaned.is_empty() {
            return None;
        }
        let read = if self.holds_secret(text) { Err(secret_here(check)) } else { parse(cleaned) };
        match read {
            Ok(value) => {
                self.report.push(check.passed(told(text, cleaned)));
                Some(value)
            }
            Err(error) => {
                self.report.push(check.failed_by(&error));
                None
            }
        }
    }

    fn display_name(&mut self) -> Option<String> {
        let check = ConnectionCheck::Details;
        let text = Some(self.form.display_name.trim()).filter(|text| !text.is_empty());
        let labels = &self.form.labels;
        let told = text.into_iter().chain(labels.iter().flat_map(|(name, value)| [name, value]));
        let read = if told.into_iter().any(|text| self.holds_secret(text)) {
            Err(secret_here(check))
        } else {
            check_details(text, labels)
        };
        match read {
            Ok(()) => text.map(str::to_owned),
            Err(error) => {
                self.report.push(check.failed_by(&error));
                None
            }
        }
    }

    fn tenant(&mut self) -> Option<TenantEntry> {
        let check = ConnectionCheck::TenantEntry;
        let text = &self.form.tenant;
        if clean(text).parse::<TenantId>().is_err() && is_domain(clean(text)) && !self.holds_secret(text) {
            let name = clean(text).to_ascii_lowercase();
            self.report.push(check.passed("it is the name of a tenant, whose GUID the login tells"));
            return Some(TenantEntry::Name(name));
        }
        self.required(check, "tenant_id", text).map(TenantEntry::Id)
    }

    /// The client id, unless it is the tenant's GUID: no two objects share one, so it was pasted twice.
    fn distinct(&mut self, client: Option<ClientId>, tenant: &Option<TenantEntry>) -> Option<ClientId> {
        let same = |client: &ClientId| matches!(tenant, Some(TenantEntry::Id(id)) if id.as_uuid() == client.as_uuid());
        if !client.as_ref().is_some_and(same) {
            return client;
        }
        let error = Error::invalid("client_id", "is the GUID of the tenant")
            .with_advice("paste the Application (client) ID of the app registration");
        self.report.checks.retain(|check| check.code != ConnectionCheck::ClientEntry.code());
        self.report.push(ConnectionCheck::ClientEntry.failed_by(&error));
        None
    }

    fn secret(&mut self) -> Option<Secret> {
        let check = ConnectionCheck::SecretEntry;
        let whole = self.form.client_secret.expose();
        // Entra ID makes none with white space, which a paste brings along.
        let secret = Secret::new(whole.trim());
        let quoted = clean(whole).len() < secret.expose().len();
        let read = match check_client_secret(&secret) {
            Ok(()) if quoted => Err(Error::invalid("client_secret", "is between quotes")
                .with_advice("paste the Value alone, without quotes around it")),
            other => other,
        };
        match read {
            Ok(()) => {
                self.report.push(check.passed(told(whole, secret.expose())));
                Some(secret)
            }
            Err(error) => {
                self.report.push(check.failed_by(&error));
                None
            }
        }
    }

    /// The organization's name is read by whoever knows Azure DevOps.
    fn organization(&mut self) -> Option<String> {
        let text = clean(&self.form.organization);
        if self.holds_secret(text) {
            let check = ConnectionCheck::OrganizationEntry;
            self.report.push(check.failed_by(&secret_here(check)));
            return None;
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Whether the secret was pasted into another field, alone or with something else.
    fn holds_secret(&self, text: &str) -> bool {
        let secret = clean(self.form.client_secret.expose());
        secret.len() >= SHORTEST_SOUGHT && text.contains(secret)
    }
}

fn secret_here(check: ConnectionCheck) -> Error {
    Error::invalid(check.code().replace('-', "_"), "holds the client secret")
        .with_advice("take the secret out of this field, and paste it as the client secret only")
}

/// A text without the white space, quotes and invisible marks around it that a paste brings along.
fn clean(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || is_invisible(c) || "\"'`“”‘’".contains(c))
}

fn told(text: &str, cleaned: &str) -> &'static str {
    if text.len() == cleaned.len() { "it can be one" } else { "it can be one, without what was around it" }
}

/// Whether a text can be a name of a tenant: labels with dots between them, the last of letters alone.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.contains('.')
        && text.len() <= 253
        && text.split('.').all(label)
        && last.len() >= 2
        && last.chars().all(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::CheckStatus;

    const SECRET: &str = "Abc8Q~a.secret.of.this.example.only_0001";
    const TENANT: &str = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01";

    fn form() -> ConnectionForm {
        ConnectionForm::new(Secret::new(SECRET)).with_id("shop").with_tenant(TENANT)
    }

    #[test]
    fn only_what_can_be_the_name_of_a_tenant_is_looked_up() {
        let long = format!("{}.com", "a".repeat(64));
        for (text, is_name) in [
            ("contoso.onmicrosoft.com", true),
            (" \"Contoso.COM\"\n", true),
            ("contoso", false),
            ("contoso.c0m", false),
            ("contoso..com", false),
            ("-contoso.com", false),
            ("contoso.com/common", false),
            ("192.168.0.1", false),
            ("person@contoso.com", false),
            ("Abc8Q~old.secret", false),
            (long.as_str(), false),
        ] {
            let entry = form().with_tenant(text).read();
            let found = matches!(&entry.tenant, Some(TenantEntry::Name(name)) if *name == clean(text).to_lowercase());
            assert_eq!(found, is_name, "{text}: {:?}", entry.tenant);
        }
        assert_eq!(form().read().tenant, Some(TenantEntry::Id(TENANT.parse().unwrap())));
    }

    #[test]
    fn a_text_that_was_left_out_is_no_value_and_one_of_blanks_neither() {
        let entry = form().with_region(" ").with_resource_group("\n").with_display_name("\t").read();
        assert!(entry.region.is_none() && entry.resource_group.is_none() && entry.display_name.is_none());
        assert!(entry.organization.is_none() && entry.key.is_none());
        let failed: Vec<_> = entry.report.failures().map(|check| check.code.as_str()).collect();
        assert_eq!(failed, ["client-id", "subscription-id"]);
        assert!(entry.to_request(TENANT.parse().unwrap()).is_none());
    }

    #[test]
    fn a_secret_in_any_other_field_fails_that_field_and_is_shown_nowhere() {
        let holds = format!("see {SECRET}.");
        let labels = Labels::new().with("note", holds.as_str()).unwrap();
        for (form, check) in [
            (form().with_id(SECRET), ConnectionCheck::Name),
            (form().with_display_name(&holds), ConnectionCheck::Details),
            (form().with_labels(labels), ConnectionCheck::Details),
            (form().with_tenant(&holds), ConnectionCheck::TenantEntry),
            (form().with_client(SECRET), ConnectionCheck::ClientEntry),
            (form().with_key(SECRET), ConnectionCheck::KeyEntry),
            (form().with_subscription(SECRET), ConnectionCheck::SubscriptionEntry),
            (form().with_region(SECRET), ConnectionCheck::RegionEntry),
            (form().with_resource_group(SECRET), ConnectionCheck::GroupEntry),
            (form().with_organization(SECRET), ConnectionCheck::OrganizationEntry),
        ] {
            let entry = form.read();
            let found = entry.report.of(check).unwrap();
            assert_eq!(found.status, CheckStatus::Failed, "{check}");
            assert!(found.cause.contains("client secret"), "{found}");
            let shown = format!("{form:?} {entry:?} {}", entry.report);
            assert!(!shown.contains(SECRET) && !shown.contains("see "), "{shown}");
        }
    }

    /// A page that is copied from brings along what nobody sees: a zero width space, a byte order mark, a mark of direction.
    #[test]
    fn what_nobody_sees_in_or_around_a_secret_is_refused_by_its_name() {
        for (mark, name) in
            [('\u{200b}', "U+200B"), ('\u{feff}', "U+FEFF"), ('\u{200e}', "U+200E"), ('\u{2060}', "U+2060")]
        {
            for text in [format!("{mark}{SECRET}"), format!("{SECRET}{mark}"), format!("{SECRET}{mark}0")] {
                let entry = ConnectionForm::new(Secret::new(text)).read();
                let check = entry.report.of(ConnectionCheck::SecretEntry).unwrap();
                assert!(entry.secret.is_none() && check.status == CheckStatus::Failed, "{name}: {check}");
                assert!(check.cause.contains(name) && check.cause.contains("invisible"), "{check}");
            }
            let around = form().with_tenant(format!("{mark}{TENANT}{mark}")).read();
            assert_eq!(around.tenant, Some(TenantEntry::Id(TENANT.parse().unwrap())), "{name}");
            // The secret is found in another field whatever lies around it.
            let mut elsewhere = form().with_display_name(SECRET);
            elsewhere.client_secret = Secret::new(format!("{mark}{SECRET}"));
            let report = elsewhere.read().report;
            assert_eq!(report.of(ConnectionCheck::Details).unwrap().status, CheckStatus::Failed, "{report}");
        }
    }

    #[test]
    fn no_check_quotes_what_was_entered() {
        let odd = "an-unlucky.paste of something else";
        let entry = form()
            .with_id(odd)
            .with_tenant(odd)
            .with_client(odd)
            .with_subscription(odd)
            .with_region(odd.replace(' ', "_"))
            .with_resource_group(odd)
            .with_key(odd)
            .read();
        assert_eq!(entry.report.failures().count(), 7, "{}", entry.report);
        assert!(!entry.report.to_string().contains("unlucky"), "{}", entry.report);
    }
}

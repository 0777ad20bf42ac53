//! What a tenant's policies allow new secrets to be.

use std::time::Duration;

use azconnect_core::{ApplicationObjectId, Error};
use azconnect_http::{ListBounds, PageStyle, Pages};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::client::GraphClient;
use crate::dialect::GraphDialect;
use crate::wire;

/// A policy for the credentials of applications: the tenant's default one, or one assigned to an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppManagementPolicy {
    /// Whether it is in force (`isEnabled`).
    pub is_enabled: bool,
    /// Its rules about the passwords of applications.
    pub passwords: Vec<PasswordRestriction>,
    /// Its rules about the certificates of applications (`keyCredentials`), in the same form.
    pub certificates: Vec<PasswordRestriction>,
}

/// One rule of a policy about passwords (`passwordCredentialConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PasswordRestriction {
    /// What it restricts, such as `passwordLifetime` or `passwordAddition`.
    #[serde(rename = "restrictionType", default, deserialize_with = "wire::tolerant")]
    pub kind: Option<String>,
    /// `enabled` or `disabled`. A rule without it is older than the field, and in force.
    #[serde(default, deserialize_with = "wire::tolerant")]
    pub state: Option<String>,
    /// The longest life of a password, where the rule limits it. Microsoft Graph writes it as ISO 8601, such as `P90D`.
    #[serde(default, deserialize_with = "lifetime")]
    pub max_lifetime: Option<Duration>,
    /// The rule concerns only applications registered after this moment; without it, all.
    #[serde(rename = "restrictForAppsCreatedAfterDateTime", default, deserialize_with = "wire::moment")]
    pub applies_to_created_after: Option<OffsetDateTime>,
}

impl PasswordRestriction {
    /// Whether it is in force for an application. One of unknown age is taken to be young: a limit that is kept
    /// needlessly does less harm than a request that the service refuses.
    fn concerns(&self, created_at: Option<OffsetDateTime>) -> bool {
        let old = matches!((self.applies_to_created_after, created_at), (Some(after), Some(at)) if at <= after);
        !old && self.state.as_deref() != Some("disabled")
    }
}

impl AppManagementPolicy {
    /// The longest life it allows a new password of an application registered at a moment, if it limits that.
    pub fn max_lifetime(&self, created_at: Option<OffsetDateTime>) -> Option<Duration> {
        // Where several rules concern one application, the service holds a password to each: the strictest decides.
        self.in_force("passwordLifetime", created_at).filter_map(|rule| rule.max_lifetime).min()
    }

    /// Whether it forbids new passwords for an application registered at a moment.
    pub fn forbids_passwords(&self, created_at: Option<OffsetDateTime>) -> bool {
        self.in_force("passwordAddition", created_at).next().is_some()
    }

    /// The longest life it allows a new certificate of an application registered at a moment, if it limits that.
    pub fn max_certificate_lifetime(&self, created_at: Option<OffsetDateTime>) -> Option<Duration> {
        let rules = self.certificates.iter().filter(|_| self.is_enabled);
        let rules =
            rules.filter(|rule| rule.kind.as_deref() == Some("asymmetricKeyLifetime") && rule.concerns(created_at));
        rules.filter_map(|rule| rule.max_lifetime).min()
    }

    /// Whether it asks that an authority which the tenant names has issued the certificates of an application registered at a
    /// moment, so that no self-signed one is taken.
    pub fn asks_for_authority(&self, created_at: Option<OffsetDateTime>) -> bool {
        let mut rules = self.certificates.iter().filter(|_| self.is_enabled);
        rules.any(|rule| rule.kind.as_deref() == Some("trustedCertificateAuthority") && rule.concerns(created_at))
    }

    fn in_force(
        &self,
        kind: &'static str,
        created_at: Option<OffsetDateTime>,
    ) -> impl Iterator<Item = &PasswordRestriction> {
        let rules = self.passwords.iter().filter(|_| self.is_enabled);
        rules.filter(move |rule| rule.kind.as_deref() == Some(kind) && rule.concerns(created_at))
    }

    /// Reads the default policy's form or an assigned one's; what is missing restricts nothing.
    fn read(document: &Value) -> Self {
        // The tenant's default policy names its rules in the one way, an assigned policy in the other.
        let restrictions = document.get("applicationRestrictions").or_else(|| document.get("restrictions"));
        let rules = |kind: &str| {
            let rules = restrictions.and_then(|all| all.get(kind)).and_then(Value::as_array).into_iter().flatten();
            // A rule of an unknown form is left to the service, which enforces it in any case.
            rules.filter_map(|rule| PasswordRestriction::deserialize(rule).ok()).collect()
        };
        Self {
            is_enabled: document.get("isEnabled").and_then(Value::as_bool).unwrap_or(false),
            passwords: rules("passwordCredentials"),
            certificates: rules("keyCredentials"),
        }
    }
}

impl GraphClient {
    /// The tenant's default policy. Idempotent.
    ///
    /// Document: Microsoft Graph, *Get tenantAppManagementPolicy*.
    ///
    /// # Errors
    /// [`PermissionDenied`](azconnect_core::ErrorKind::PermissionDenied) without `Policy.Read.All` or
    /// `Policy.Read.ApplicationConfiguration`, which few callers have: take it as *unknown*.
    pub async fn default_app_management_policy(&self) -> Result<AppManagementPolicy, Error> {
        let url = self.address(&["policies", "defaultAppManagementPolicy"], &[])?;
        let document: Value = self.read(self.read_call("graph.policy.default_app_management", url)).await?;
        Ok(AppManagementPolicy::read(&document))
    }

    /// The policies assigned to an application, which go before the tenant's default. Idempotent.
    ///
    /// Document: Microsoft Graph, *List appManagementPolicies* of an application.
    ///
    /// # Errors
    /// As [`GraphClient::default_app_management_policy`].
    pub async fn app_management_policies(
        &self,
        application: ApplicationObjectId,
    ) -> Result<Vec<AppManagementPolicy>, Error> {
        let url = self.address(&["applications", &application.to_string(), "appManagementPolicies"], &[])?;
        let call = self.read_call("graph.application.app_management_policies", url);
        // Each is read as any JSON, which takes many times the memory of its text.
        let bounds = ListBounds::new().with_page_bytes(1024 * 1024);
        let pages = Pages::new(&self.pipeline, call, &GraphDialect, PageStyle::NextLink).with_bounds(bounds);
        let documents: Vec<Value> = pages.all(100).await?;
        Ok(documents.iter().map(AppManagementPolicy::read).collect())
    }
}

fn lifetime<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text: Option<String> = wire::tolerant(deserializer)?;
    Ok(text.as_deref().and_then(iso_8601))
}

/// Reads an ISO 8601 duration such as `P90D` or `P1Y6M` as the shortest time it can stand for.
fn iso_8601(text: &str) -> Option<Duration> {
    /// The fewest days that 0 to 11 months in a row can have.
    const MONTHS: [u64; 12] = [0, 28, 59, 89, 120, 150, 181, 212, 242, 273, 303, 334];
    let rest = text.strip_prefix('P')?;
    let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
    if rest.is_empty() || rest.ends_with('T') {
        return None;
    }
    let [years, months, weeks, days] = parts(date, ['Y', 'M', 'W', 'D'])?;
    let [hours, minutes, seconds] = parts(time, ['H', 'M', 'S'])?;
    let months = years.checked_mul(12)?.checked_add(months)?;
    let whole_years = (months / 12).checked_mul(365)?;
    let rest_months = MONTHS.get(usize::try_from(months % 12).ok()?)?;
    let days = whole_years.checked_add(*rest_months)?.checked_add(weeks.checked_mul(7)?)?.checked_add(days)?;
    let hours = days.checked_mul(24)?.checked_add(hours)?;
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    Some(Duration::from_secs(minutes.checked_mul(60)?.checked_add(seconds)?))
}

/// Numbers followed by their units, in the order of the units, each at most once. Fractions are cut off.
fn parts<const N: usize>(mut text: &str, units: [char; N]) -> Option<[u64; N]> {
    let mut values = [0; N];
    for (value, unit) in values.iter_mut().zip(units) {
        let Some((number, rest)) = text.split_once(unit) else { continue };
        let whole = number.split(['.', ',']).next()?;
        *value = whole.parse().ok()?;
        text = rest;
    }
    text.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn durations_are_read_as_the_shortest_they_can_be() {
        for (text, seconds) in [
            ("P90D", Some(90 * DAY)),
            ("P4DT12H30M5S", Some(4 * DAY + 12 * 3600 + 30 * 60 + 5)),
            ("P1Y", Some(365 * DAY)),
            ("P12M", Some(365 * DAY)),
            ("P6M", Some(181 * DAY)),
            ("P1Y1M1W", Some((365 + 28 + 7) * DAY)),
            ("PT0.5S", Some(0)),
            ("PT1M", Some(60)),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("90 days", None),
            ("P1D2Y", None),
            ("P99999999999999999999Y", None),
        ] {
            assert_eq!(iso_8601(text), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_rule_holds_for_applications_younger_than_its_date() {
        let policy = AppManagementPolicy::read(&json!({
            "isEnabled": true,
            "applicationRestrictions": {"passwordCredentials": [
                {"restrictionType": "passwordLifetime", "state": "enabled", "maxLifetime": "P90D",
                 "restrictForAppsCreatedAfterDateTime": "2020-01-01T00:00:00Z"},
                {"restrictionType": "passwordAddition", "state": "disabled", "maxLifetime": null},
            ]},
        }));
        let limit = Some(Duration::from_secs(90 * DAY));
        assert_eq!(policy.max_lifetime(Some(datetime!(2021-01-01 0:00 UTC))), limit);
        assert_eq!(policy.max_lifetime(None), limit);
        assert_eq!(policy.max_lifetime(Some(datetime!(2019-01-01 0:00 UTC))), None);
        assert!(!policy.forbids_passwords(None));
    }

    #[test]
    fn a_policy_that_is_off_or_of_another_form_restricts_nothing() {
        for document in [
            json!({}),
            json!([]),
            json!({"isEnabled": false, "restrictions": {"passwordCredentials": [
            {"restrictionType": "passwordAddition", "state": "enabled"}]}}),
        ] {
            let policy = AppManagementPolicy::read(&document);
            assert!(!policy.forbids_passwords(None));
            assert_eq!(policy.max_lifetime(None), None);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "P?[0-9YMWDTHS.,]{0,30}") {
            let _ = iso_8601(&text);
        }
    }
}

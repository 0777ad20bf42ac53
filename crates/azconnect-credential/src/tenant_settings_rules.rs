//! What can be judged of a tenant's settings without asking anybody.

use std::collections::BTreeMap;
use std::time::Duration;

use azconnect_core::{Error, ErrorKind, Secret};
use time::OffsetDateTime;

use crate::check::Check;
use crate::check_report::CheckReport;
use crate::expiry::Expiry;
use crate::port::{ActingChoice, NewPersonalToken, TenantSettingsRequest};
use crate::tenant_settings::{ActingAs, TenantSettings};

/// How many organizations one tenant's settings name at most.
const MAX_ORGANIZATIONS: usize = 100;

/// How long before its end a personal access token is warned of.
const TOKEN_LEAD: Duration = Duration::from_secs(14 * 86_400);

/// The scope that a token needs: it includes reading and testing service connections.
const MANAGE: &str = "vso.serviceendpoint_manage";

/// What Azure DevOps calls the scope of a token that may do everything.
const FULL: &str = "app_token";

impl TenantSettingsRequest {
    /// Everything that can be said of these settings without asking anybody, in the light of those that are kept: what stands
    /// in the way is a failed check, whose diagnosis names the field.
    ///
    /// The codes: `acting-missing`, `connection-missing`, `token-missing`, `token-unusable`, `token-ended`, `token-ends-soon`,
    /// `token-end-unknown`, `token-scope`, `organizations-missing`, `organization-twice`, `too-many-organizations`.
    pub fn check(&self, kept: Option<&TenantSettings>, now: OffsetDateTime) -> CheckReport {
        let mut checks = CheckReport::new();
        self.check_acting(kept, now, &mut checks);
        self.check_organizations(&mut checks);
        checks
    }

    fn check_acting(&self, kept: Option<&TenantSettings>, now: OffsetDateTime, checks: &mut CheckReport) {
        match &self.acting {
            None if self.is_enabled => checks.push(blocked(
                "acting-missing",
                "acting",
                "nobody is chosen who acts in Azure DevOps",
                "choose the service principal of a connection, or give a personal access token",
            )),
            Some(ActingChoice::ServicePrincipal(None)) if self.is_enabled => checks.push(blocked(
                "connection-missing",
                "acting.connection",
                "no connection is chosen whose service principal acts",
                "choose a connection of this tenant",
            )),
            Some(ActingChoice::PersonalToken(Some(token))) => check_token(token, now, checks),
            Some(ActingChoice::PersonalToken(None)) => {
                let kept = kept.and_then(|kept| kept.acting.as_ref());
                match kept {
                    Some(ActingAs::PersonalToken { ends_at, .. }) => checks.extend(self.check_end(*ends_at, now)),
                    _ if self.is_enabled => checks.push(blocked(
                        "token-missing",
                        "acting.token",
                        "a personal access token is required, and none is kept",
                        "create a token in Azure DevOps with the scope Service Connections (read, query and manage), and paste it",
                    )),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// A token that has ended blocks only what would use it.
    fn check_end(&self, ends_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<Check> {
        end(ends_at, now).map(|check| if self.is_enabled { check } else { check.as_warning() })
    }

    fn check_organizations(&self, checks: &mut CheckReport) {
        let by_service_principal = matches!(self.acting, Some(ActingChoice::ServicePrincipal(_)));
        if self.is_enabled && by_service_principal && self.organizations.is_empty() {
            checks.push(blocked(
                "organizations-missing",
                "organizations",
                "no organization is named, and Azure DevOps lists none for a service principal",
                "name the organizations, as in https://dev.azure.com/{organization}",
            ));
        }
        if self.organizations.len() > MAX_ORGANIZATIONS {
            checks.push(blocked(
                "too-many-organizations",
                "organizations",
                &format!(
                    "{} organizations are named, and at most {MAX_ORGANIZATIONS} can be",
                    self.organizations.len()
                ),
                "name only those in which service connections are to be refreshed",
            ));
        }
        let mut seen = BTreeMap::new();
        for (at, name) in self.organizations.iter().enumerate() {
            // The service reads a name in any case.
            if let Some(first) = seen.insert(name.to_ascii_lowercase(), at) {
                checks.push(blocked(
                    "organization-twice",
                    &organization_field(at),
                    &format!("it is named already, in place {}", first + 1),
                    "name each organization once",
                ));
            }
        }
    }
}

/// The field of one of the organizations.
pub(crate) fn organization_field(at: usize) -> String {
    format!("organizations[{at}]")
}

fn check_token(given: &NewPersonalToken, now: OffsetDateTime, checks: &mut CheckReport) {
    if let Err(error) = check_personal_token(&given.token) {
        checks.push(Check::failed_by("token-unusable", "personal access token", &error));
    }
    checks.extend(end(given.ends_at, now));
    if let Some(scope) = &given.scope {
        let grants = |wanted: &str| scope.split([' ', ',']).any(|one| one == wanted);
        if !grants(MANAGE) && !grants(FULL) {
            checks.push(blocked(
                "token-scope",
                "acting.token",
                "its scope does not include the management of service connections",
                "create a token with the scope Service Connections (read, query and manage)",
            ));
        }
    }
}

fn end(ends_at: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<Check> {
    match Expiry::of(ends_at, now, TOKEN_LEAD) {
        Expiry::Expired { .. } | Expiry::Gone => Some(blocked(
            "token-ended",
            "acting.token",
            "the personal access token has ended",
            "create another token, and paste it here",
        )),
        Expiry::Due { ends_at } | Expiry::Overdue { ends_at } => Some(
            Check::unknown(
                "token-ends-soon",
                "personal access token",
                format!("it ends on {}", ends_at.date()),
                "create another token before that day, and paste it here",
            )
            .as_warning(),
        ),
        Expiry::Unknown => Some(
            Check::unknown(
                "token-end-unknown",
                "personal access token",
                "when it ends is not known: Azure DevOps tells that only to the person whose token it is",
                "enter the day that was chosen when the token was created",
            )
            .as_warning(),
        ),
        Expiry::Fresh { .. } | Expiry::Never => None,
    }
}

/// Refuses a text that cannot be a personal access token, before anything is sent or stored.
///
/// # Errors
/// [`InvalidInput`](ErrorKind::InvalidInput) naming the field `acting.token`, without the text.
pub fn check_personal_token(token: &Secret) -> Result<(), Error> {
    let text = token.expose();
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::invalid("acting.token", "is empty or holds a space or line break")
            .with_advice("paste the token alone; Azure DevOps shows it once, when it is created"));
    }
    Ok(())
}

fn blocked(code: &str, field: &str, cause: &str, remedy: &str) -> Check {
    let error = Error::new(ErrorKind::InvalidInput, cause).with_field(field).with_advice(remedy);
    Check::failed_by(code, "settings", &error).with_cause(cause)
}

#[cfg(test)]
mod tests {
    use azconnect_core::TenantId;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

    fn tenant() -> TenantId {
        "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01".parse().unwrap()
    }

    fn token(text: &str) -> NewPersonalToken {
        NewPersonalToken::new(Secret::new(text)).with_ends_at(datetime!(2027-11-01 0:00 UTC))
    }

    fn by_token(token: NewPersonalToken) -> TenantSettingsRequest {
        let choice = ActingChoice::PersonalToken(Some(token));
        TenantSettingsRequest::new(tenant()).enabled().with_acting(choice).with_organization("contoso")
    }

    fn fields(request: &TenantSettingsRequest) -> Vec<(String, String)> {
        let report = request.check(None, NOW);
        let field = |check: &Check| check.diagnosis.as_ref().and_then(|known| known.field()).unwrap_or("?").to_owned();
        report.failures().map(|check| (check.code.clone(), field(check))).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(code, field)| ((*code).to_owned(), (*field).to_owned())).collect()
    }

    #[test]
    fn everything_that_stands_in_the_way_is_told_at_once_with_its_field() {
        let request = TenantSettingsRequest::new(tenant())
            .enabled()
            .with_acting(ActingChoice::ServicePrincipal(None))
            .with_organization("contoso")
            .with_organization("Contoso");
        assert_eq!(
            fields(&request),
            pairs(&[("connection-missing", "acting.connection"), ("organization-twice", "organizations[1]")])
        );
        let bad = NewPersonalToken::new(Secret::new("pasted with blanks"))
            .with_ends_at(NOW)
            .with_scope("vso.code vso.serviceendpoint");
        let expected =
            [("token-unusable", "acting.token"), ("token-ended", "acting.token"), ("token-scope", "acting.token")];
        assert_eq!(fields(&by_token(bad)), pairs(&expected));
    }

    #[test]
    fn an_integration_that_is_on_needs_somebody_who_acts() {
        let on = TenantSettingsRequest::new(tenant()).enabled();
        assert_eq!(fields(&on), pairs(&[("acting-missing", "acting")]));
        let nothing_kept =
            TenantSettingsRequest::new(tenant()).enabled().with_acting(ActingChoice::PersonalToken(None));
        assert_eq!(fields(&nothing_kept), pairs(&[("token-missing", "acting.token")]));
        assert_eq!(fields(&TenantSettingsRequest::new(tenant())), []);
        assert_eq!(fields(&by_token(token("abc"))), []);
    }

    /// Azure DevOps answers a service principal's question for its organizations with an empty list.
    #[test]
    fn a_service_principal_needs_its_organizations_named() {
        let connection = || Some("shop".parse().unwrap());
        let request =
            TenantSettingsRequest::new(tenant()).enabled().with_acting(ActingChoice::ServicePrincipal(connection()));
        assert_eq!(fields(&request), pairs(&[("organizations-missing", "organizations")]));
        assert_eq!(fields(&request.with_organization("contoso")), []);
    }

    #[test]
    fn a_kept_token_stays_and_its_end_is_minded() {
        let mut kept = TenantSettings::new(tenant());
        let secret = "tenant-settings/a".parse().unwrap();
        kept.acting = Some(ActingAs::PersonalToken { secret, key: None, scope: None, ends_at: Some(NOW) });
        let mut request = TenantSettingsRequest::new(tenant()).enabled().with_acting(ActingChoice::PersonalToken(None));
        assert_eq!(request.check(Some(&kept), NOW).failures().count(), 1);
        assert!(request.check(Some(&kept), NOW - Duration::from_secs(60)).is_clear());
        request.is_enabled = false;
        assert!(request.check(Some(&kept), NOW).is_clear(), "what is off uses no token");
    }

    #[test]
    fn a_scope_that_includes_the_management_suffices() {
        for scope in ["app_token", "vso.code vso.serviceendpoint_manage", "vso.project,vso.serviceendpoint_manage"] {
            assert_eq!(fields(&by_token(token("abc").with_scope(scope))), [], "{scope}");
        }
        assert_eq!(fields(&by_token(token("abc").with_scope("vso.serviceendpoint_managed"))).len(), 1);
    }

    #[test]
    fn no_token_is_shown() {
        let request = by_token(NewPersonalToken::new(Secret::new("kQ48 pasted")));
        let shown = format!("{request:?} {:?}", request.check(None, NOW));
        assert!(!shown.contains("kQ48") && !shown.contains("pasted"), "{shown}");
    }

    #[test]
    fn the_number_of_organizations_is_bounded() {
        let request = by_token(token("abc"));
        let many = (0..101).fold(request, |request, at| request.with_organization(format!("o{at}")));
        assert_eq!(fields(&many), pairs(&[("too-many-organizations", "organizations")]));
    }
}

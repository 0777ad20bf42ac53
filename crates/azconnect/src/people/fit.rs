//! Whether a linked account can do a product's work in an organization.

use azconnect_core::{Error, ErrorKind};
use azconnect_credential::{Check, CheckReport, CheckStatus, FitRequest};
use azconnect_devops::{OrganizationName, OrganizationTenant};

use super::LinkedIdentity;
use super::check::standing;
use super::fit_inside::Inside;

/// The most edits between what was written and a name that it may have meant.
const NEAR: usize = 2;

impl LinkedIdentity {
    /// Whether this person can do a product's work in an organization: its name, its tenant, and each project and repository, all at
    /// once. Idempotent, without effect.
    ///
    /// A name of a repository alone is looked for in the projects of the request, if it names any. It is a yes only if nothing
    /// failed and nothing is [`Unknown`](CheckStatus::Unknown).
    ///
    /// The codes: those of a link that gives no token, `must-link-again`, `blocked`, `refused-by-tenant` and `not-known`, after which
    /// nothing else is asked; `organization-name`, `organization-case`, `organization-not-found`, `organization-found`,
    /// `organization-of-another-tenant`, `organization-of-personal-accounts`, `organization-tenant`, `not-let-in`, `let-in`,
    /// `project-seen`, `project-not-seen`, `repository-seen`, `repository-not-seen`, `repository-ambiguous`, `repository-disabled`;
    /// each is unknown where Azure DevOps does not answer. Azure DevOps shows what is not there and what may not be read in the same
    /// way, and another tenant's organization as an empty one: what is not seen is unknown where the tenant is.
    pub async fn fit(&self, request: &FitRequest) -> CheckReport {
        let mut report = CheckReport::new();
        let name = match OrganizationName::new(&request.organization) {
            Ok(name) => name,
            Err(error) => {
                report.push(Check::failed_by("organization-name", "organization", &error.with_field("organization")));
                return report;
            }
        };
        // Without a token, nobody asks Azure DevOps anything: no administrator of the organization could help.
        if let Err(error) = self.tokens().token(&self.azure.cloud().devops_scope()).await {
            report.push(standing(self.account(), &Err(error)));
            return report;
        }
        let (spelling, name) = self.spelling(name).await;
        report.push(spelling);
        let tenant = self.same_tenant(&name).await;
        let status = tenant.status;
        report.push(tenant);
        if status != CheckStatus::Failed {
            report.extend(self.inside(&name, status == CheckStatus::Passed, request).await);
        }
        report
    }

    /// Whether the name is written as Azure DevOps keeps it, and the name that it keeps.
    async fn spelling(&self, name: OrganizationName) -> (Check, OrganizationName) {
        let subject = format!("organization {name}");
        let search = match self.devops().organizations(&[], &[]).await {
            Ok(search) => search,
            Err(error) => return (Check::unknown_by("organization-found", subject, &error), name),
        };
        let listed: Vec<&OrganizationName> =
            search.groups.iter().flat_map(|group| &group.organizations).map(|entry| &entry.name).collect();
        if listed.contains(&&name) {
            return (Check::passed("organization-found", subject, "the person is a member of it"), name);
        }
        if let Some(kept) = listed.iter().find(|kept| kept.as_str().eq_ignore_ascii_case(name.as_str())) {
            let error =
                Error::invalid("organization", format!("it is called {kept}")).with_advice(format!("write {kept}"));
            return (Check::failed_by("organization-case", subject, &error), (*kept).clone());
        }
        let near: Vec<String> =
            listed.iter().filter(|kept| is_near(kept.as_str(), name.as_str())).map(ToString::to_string).collect();
        let advice = match near.is_empty() {
            false => {
                format!("did you mean {}? Else ask an administrator of {name} to add the person", near.join(" or "))
            }
            true => format!("check the name, or ask an administrator of {name} to add the person"),
        };
        let error = Error::invalid("organization", "the person is a member of no organization of this name")
            .with_advice(advice);
        (Check::failed_by("organization-not-found", subject, &error), name)
    }

    /// Whether the organization belongs to the tenant whose tokens these are: another tenant's show it empty, or not at all.
    async fn same_tenant(&self, name: &OrganizationName) -> Check {
        let subject = format!("organization {name}");
        let wrong = |message: String, advice: &str| Error::invalid("tenant", message).with_advice(advice);
        match self.devops().tenant_of(name).await {
            Ok(OrganizationTenant::Entra(tenant)) if tenant == self.tenant() => {
                Check::passed("organization-tenant", subject, "it belongs to the tenant of the tokens")
            }
            Ok(OrganizationTenant::Entra(tenant)) => {
                let message =
                    format!("it belongs to the tenant {tenant}, and the tokens are those of {}", self.tenant());
                let advice = "sign in at the organization's tenant: a guest has tokens of that tenant too";
                Check::failed_by("organization-of-another-tenant", subject, &wrong(message, advice))
            }
            Ok(OrganizationTenant::PersonalAccounts) => {
                let message = "its members are personal accounts".to_owned();
                let advice = "connect the organization to a tenant, or use a personal access token";
                Check::failed_by("organization-of-personal-accounts", subject, &wrong(message, advice))
            }
            // A kind of directory that is new says as little as none.
            Ok(_) => Check::unknown(
                "organization-tenant",
                subject,
                "Azure DevOps does not say which tenant it belongs to",
                "look it up in the organization's settings, under Microsoft Entra",
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Check::failed_by("organization-not-found", subject, &error.with_field("organization"))
            }
            Err(error) => Check::unknown_by("organization-tenant", subject, &error),
        }
    }

    /// Whether the person gets in, and sees all that is needed.
    async fn inside(&self, name: &OrganizationName, is_tenant_known: bool, request: &FitRequest) -> Vec<Check> {
        let organization = match self.devops().organization(name) {
            Ok(organization) => organization,
            Err(error) => return vec![Check::failed_by("organization-name", format!("organization {name}"), &error)],
        };
        let subject = format!("organization {name}");
        if let Err(error) = organization.caller().await {
            let is_refusal = matches!(error.kind(), ErrorKind::Unauthenticated | ErrorKind::PermissionDenied);
            return vec![match is_refusal {
                // The link has ended since, and the login was asked once more.
                true if is_of_login(&error) => standing(self.account(), &Err(error)),
                true => Check::failed_by("not-let-in", subject, &error).with_remedy(format!(
                    "ask an administrator of {name} to add the person, and to allow third-party applications by OAuth"
                )),
                false => Check::unknown_by("let-in", subject, &error),
            }];
        }
        let mut checks = vec![Check::passed("let-in", subject, "Azure DevOps lets the person in")];
        let inside = Inside { organization, is_tenant_known };
        if !request.projects.is_empty() {
            checks.extend(inside.projects(&request.projects).await);
        }
        if !request.repositories.is_empty() {
            checks.extend(inside.repositories(request).await);
        }
        checks
    }
}

/// Whether it was the login that refused, and not Azure DevOps.
fn is_of_login(error: &Error) -> bool {
    error.operation().is_some_and(|operation| operation.starts_with("entra."))
}

/// Whether one name may have been meant by the other: at most [`NEAR`] letters were added, left out, exchanged or swapped.
fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) =
        (one.to_lowercase().chars().collect(), other.to_lowercase().chars().collect());
    if one.len().abs_diff(other.len()) > NEAR || one.len().min(other.len()) <= NEAR {
        return false;
    }
    // Levenshtein's table, one row at a time.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut next = vec![at + 1];
        for (place, (against, costs)) in other.iter().zip(row.windows(2)).enumerate() {
            let (Some(diagonal), Some(above)) = (costs.first(), costs.get(1)) else { continue };
            let left = next.get(place).copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(letter != against)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().is_some_and(|edits| *edits <= NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_slip_is_near_and_another_name_is_not() {
        for (one, other) in
            [("contoso", "contso"), ("contoso", "Contosso"), ("contoso", "contsoo"), ("fabrikam", "fabricam")]
        {
            assert!(is_near(one, other), "{one} {other}");
        }
        for (one, other) in [("contoso", "fabrikam"), ("ab", "cd"), ("contoso", "contoso-dev"), ("", "")] {
            assert!(!is_near(one, other), "{one} {other}");
        }
    }
}

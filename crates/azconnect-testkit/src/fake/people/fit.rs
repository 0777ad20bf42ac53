//! Whether a linked account can do a product's work in an organization.

use std::collections::{BTreeMap, BTreeSet};

use azconnect_core::{Error, TenantId};
use azconnect_credential::{Check, CheckReport, FitRequest, Lent, PersonId};
use azconnect_devops::OrganizationName;

use super::accounts::standing;
use super::{People, PeopleStep};

/// An organization, who is a member of it, and who sees which project.
#[derive(Clone)]
pub(super) struct Place {
    tenant: TenantId,
    members: BTreeSet<PersonId>,
    projects: BTreeMap<String, BTreeSet<PersonId>>,
}

impl Place {
    pub(super) fn new(tenant: TenantId, members: &[PersonId]) -> Self {
        Self { tenant, members: members.iter().copied().collect(), projects: BTreeMap::new() }
    }

    pub(super) fn add_project(&mut self, name: String, seen_by: &[PersonId]) {
        self.projects.insert(name, seen_by.iter().copied().collect());
    }

    /// The names of the projects that a person sees.
    fn seen(&self, person: PersonId) -> impl Iterator<Item = &str> {
        self.projects.iter().filter(move |(_, seen_by)| seen_by.contains(&person)).map(|(name, _)| name.as_str())
    }

    fn projects(&self, person: PersonId, request: &FitRequest) -> Vec<Check> {
        let is_seen = |wanted: &str| self.seen(person).any(|name| name.eq_ignore_ascii_case(wanted));
        request.projects.iter().map(|wanted| sight("project", wanted, is_seen(wanted))).collect()
    }

    /// Each project has the one repository that it was made with.
    fn repositories(&self, person: PersonId, request: &FitRequest) -> Vec<Check> {
        let is_called = |name: &str, wanted: &str| {
            name.eq_ignore_ascii_case(wanted) || format!("{name}/{name}").eq_ignore_ascii_case(wanted)
        };
        let is_seen = |wanted: &str| self.seen(person).any(|name| is_called(name, wanted));
        request.repositories.iter().map(|wanted| sight("repository", wanted, is_seen(wanted))).collect()
    }
}

impl People {
    /// The report on what somebody lends and what is needed.
    pub(super) fn judge(&self, lent: &Lent, request: &FitRequest) -> CheckReport {
        let subject = format!("organization {}", request.organization);
        if let Err(error) = OrganizationName::new(&request.organization) {
            let error = error.with_field("organization");
            return CheckReport::from(vec![Check::failed_by("organization-name", "organization", &error)]);
        }
        // Without a token, nobody asks Azure DevOps anything.
        if let Err(error) = self.token(&lent.account, lent.tenant) {
            return CheckReport::from(vec![standing(&lent.account, Err(error))]);
        }
        if let Err(error) = self.faults.read(&PeopleStep::DevOps, || Ok(())) {
            let unknown = |code: &str| Check::unknown_by(code, subject.as_str(), &error);
            return CheckReport::from(["organization-found", "organization-tenant", "let-in"].map(unknown).to_vec());
        }
        let person = lent.account.person.id;
        let (spelling, place) = self.spelling(person, request);
        let mut report = CheckReport::from(vec![spelling]);
        let Some(place) = place else { return report };
        if place.tenant != lent.tenant {
            let message = format!("it belongs to {}, and the tokens are those of {}", place.tenant, lent.tenant);
            let error = Error::invalid("tenant", message).with_advice("sign in at the organization's tenant");
            report.push(Check::failed_by("organization-of-another-tenant", subject, &error));
            return report;
        }
        report.push(Check::passed("organization-tenant", subject.as_str(), "it belongs to the tenant of the tokens"));
        if !place.members.contains(&person) {
            let remedy = "ask an administrator of it to add the person";
            report.push(Check::failed("not-let-in", subject, "the person is no member", remedy));
            return report;
        }
        report.push(Check::passed("let-in", subject, "Azure DevOps lets the person in"));
        report.extend(place.projects(person, request));
        report.extend(place.repositories(person, request));
        report
    }

    /// Whether the name is written as it is kept, and the organization of that name.
    fn spelling(&self, person: PersonId, request: &FitRequest) -> (Check, Option<Place>) {
        let (wanted, subject) = (&request.organization, format!("organization {}", request.organization));
        let world = self.world();
        let found = world.organizations.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let is_member = found.is_some_and(|(_, place)| place.members.contains(&person));
        let check = match found.filter(|_| is_member) {
            Some((name, _)) if name == wanted => {
                Check::passed("organization-found", subject, "the person is a member of it")
            }
            Some((name, _)) => {
                let error = Error::invalid("organization", format!("it is called {name}"));
                Check::failed_by("organization-case", subject, &error.with_advice(format!("write {name}")))
            }
            None => {
                let error = Error::invalid("organization", "the person is a member of no organization of this name");
                let error = error.with_advice("check the name, or ask an administrator of it to add the person");
                Check::failed_by("organization-not-found", subject, &error)
            }
        };
        (check, found.map(|(_, place)| place.clone()))
    }
}

fn sight(what: &str, wanted: &str, is_seen: bool) -> Check {
    let subject = format!("{what} {wanted}");
    match is_seen {
        true => Check::passed(format!("{what}-seen"), subject, "the person sees it"),
        false => Check::failed(
            format!("{what}-not-seen"),
            subject,
            "the person does not see it: it is not there, or they may not read it",
            "check the name, or ask an Azure DevOps administrator to grant the person read access",
        ),
    }
}

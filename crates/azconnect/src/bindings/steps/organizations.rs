//! The organizations in which a connection can be bound, grouped by the tenant behind each.

use azconnect_core::TenantId;
use azconnect_credential::{Check, CheckReport};
use azconnect_devops::{BindingStep, OrganizationEntry, OrganizationName, OrganizationTenant, TenantGroup};

use super::super::build::Acting;

/// Looks for the organizations that the settings include. One that is closed, or does not answer, hides none of the others.
pub(super) async fn look(acting: &Acting, chosen: Option<&str>) -> BindingStep<Vec<TenantGroup>> {
    let names = acting.settings.organizations.iter();
    let names: Vec<OrganizationName> = names.filter_map(|name| OrganizationName::new(name).ok()).collect();
    let search = match acting.client.organizations(&[], &names).await {
        Ok(search) => search,
        Err(error) => return BindingStep::ended("organizations-not-read", "organizations", &error),
    };
    let mut checks = search.checks;
    let mut offered = search.groups;
    for group in &mut offered {
        let tenant = group.tenant;
        group.organizations.retain(|entry| {
            let reason = left_out(acting, tenant, entry);
            let stays = reason.is_none();
            checks.extend(reason);
            stays
        });
    }
    offered.retain(|group| !group.organizations.is_empty());
    // The tenant's own first: a page shows those of others below them.
    offered.sort_by_key(|group| group.tenant != OrganizationTenant::Entra(acting.settings.tenant));
    let is_offered = |name: &str| entries(&offered).any(|entry| entry.name.as_str().eq_ignore_ascii_case(name));
    let mut checks: CheckReport = checks.into_iter().map(|check| about(check, chosen)).collect();
    match chosen {
        Some(name) if !is_offered(name) && checks.is_clear() => checks.push(Check::failed(
            "organization-not-offered",
            subject(name),
            format!(
                "{name} is none of the organizations that are seen in the name of the tenant {}",
                acting.settings.tenant
            ),
            "name it in the settings of the tenant, and let who acts become a member of it",
        )),
        None if offered.is_empty() => checks.push(Check::failed(
            "no-organization",
            "organizations",
            "there is no organization in which a connection could be bound",
            "name the organizations in the settings of the tenant, and let who acts become a member of them",
        )),
        _ => {}
    }
    BindingStep::of(offered, checks)
}

fn entries(groups: &[TenantGroup]) -> impl Iterator<Item = &OrganizationEntry> {
    groups.iter().flat_map(|group| &group.organizations)
}

/// As a search for organizations names the subject of its checks.
fn subject(name: &str) -> String {
    format!("organization {name}")
}

/// What stands against one organization stands in the way only of whoever chooses it.
fn about(check: Check, chosen: Option<&str>) -> Check {
    let is_chosen = chosen.is_some_and(|name| check.subject.eq_ignore_ascii_case(&subject(name)));
    if is_chosen { check } else { check.as_warning() }
}

/// Why the settings do not include an organization. Of which directory it is may not be known, which a check of the search says.
fn left_out(acting: &Acting, tenant: OrganizationTenant, entry: &OrganizationEntry) -> Option<Check> {
    let name = entry.name.as_str();
    if let Err(error) = acting.require(name) {
        return Some(Check::failed_by("organization-not-in-settings", subject(name), &error));
    }
    let settings = &acting.settings;
    let counts = settings.includes_home_tenant
        || matches!(tenant, OrganizationTenant::Unknown)
        || tenant == OrganizationTenant::Entra(settings.tenant);
    (!counts).then(|| of_another_tenant(name, tenant, settings.tenant))
}

fn of_another_tenant(name: &str, found: OrganizationTenant, own: TenantId) -> Check {
    let whose = match found {
        OrganizationTenant::Entra(id) => format!("of the tenant {id}, and not of {own}"),
        _ => "of personal accounts".to_owned(),
    };
    Check::failed(
        "organization-of-another-tenant",
        subject(name),
        format!("the organization {name} is {whose}"),
        "include organizations of a guest's home tenant in the settings, or choose another organization",
    )
}

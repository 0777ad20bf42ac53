//! Whether who is to act gets in, tried before settings are saved.

use azconnect_core::{Diagnosis, Effect, Error, ErrorKind};
use azconnect_credential::{ActingChoice, Check, CheckReport, TenantSettings, TenantSettingsRequest};
use azconnect_devops::{
    DevOpsClient, EndpointQuery, OrganizationName, OrganizationSearch, OrganizationTenant, ProjectRef, ProjectState,
};
use uuid::Uuid;

use super::TenantIntegrations;

impl TenantIntegrations {
    /// Everything that can be found out about settings, the trial of who acts included.
    pub(super) async fn judge(
        &self,
        request: &TenantSettingsRequest,
        kept: Option<&TenantSettings>,
    ) -> Result<CheckReport, Error> {
        let mut checks = request.check(kept, self.now());
        let mut names = Vec::new();
        for (at, name) in request.organizations.iter().enumerate() {
            match OrganizationName::new(name) {
                Ok(name) => names.push(name),
                Err(error) => {
                    checks.push(Check::failed_by("organization-name", "settings", &error.with_field(field(at))));
                }
            }
        }
        let is_new_token = matches!(request.acting, Some(ActingChoice::PersonalToken(Some(_))));
        // A token is proven before it is kept, whether it is used at once or not.
        if checks.is_clear() && (request.is_enabled || is_new_token) {
            checks.extend(self.try_out(request, kept, &names).await?);
        }
        Ok(checks)
    }

    async fn try_out(
        &self,
        request: &TenantSettingsRequest,
        kept: Option<&TenantSettings>,
        names: &[OrganizationName],
    ) -> Result<CheckReport, Error> {
        let client = match self.client(request, kept).await {
            Ok(client) => client,
            // A store that does not answer says nothing of the settings.
            Err(error) if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout) => return Err(error),
            Err(error) => return Ok(CheckReport::from(vec![cannot_act(request, &error)])),
        };
        let mut checks = CheckReport::new();
        let search = match client.organizations(&[], names).await {
            Ok(search) => search,
            Err(error) => {
                checks.push(nothing_proven(request, &error));
                return Ok(checks);
            }
        };
        let is_service_principal = matches!(request.acting, Some(ActingChoice::ServicePrincipal(_)));
        // That a service principal is listed no organization is always so, and says nothing.
        let told =
            search.checks.iter().filter(|check| !(is_service_principal && check.code == "no-organization-listed"));
        checks.extend(told.cloned().map(|check| with_field(check, names)));
        checks.extend(other_directories(request, &search, names));
        if checks.is_clear() {
            checks.extend(proof(&client, &search, names).await);
        }
        Ok(checks)
    }

    async fn client(
        &self,
        request: &TenantSettingsRequest,
        kept: Option<&TenantSettings>,
    ) -> Result<DevOpsClient, Error> {
        match (&request.acting, kept) {
            (Some(ActingChoice::ServicePrincipal(Some(connection))), _) => {
                self.through(connection, request.tenant).await
            }
            (Some(ActingChoice::PersonalToken(Some(token))), _) => self.azure.devops_with_pat(token.token.duplicate()),
            (Some(ActingChoice::PersonalToken(None)), Some(kept)) => self.azure.devops_with_pat(self.open(kept).await?),
            _ => Err(Error::invalid("acting", "nobody is chosen who acts in Azure DevOps")
                .with_advice("choose the service principal of a connection, or give a personal access token")),
        }
    }
}

/// The field of one of the organizations.
fn field(at: usize) -> String {
    format!("organizations[{at}]")
}

fn acting_field(request: &TenantSettingsRequest) -> &'static str {
    match &request.acting {
        Some(ActingChoice::ServicePrincipal(_)) => "acting.connection",
        _ => "acting.token",
    }
}

fn cannot_act(request: &TenantSettingsRequest, error: &Error) -> Check {
    let known = error.diagnosis().clone().with_field(acting_field(request));
    let code = match known.service_code() {
        Some("ConnectionOfAnotherTenant") => "connection-of-another-tenant",
        _ => "cannot-act",
    };
    Check::failed_by(code, "who acts", error).with_diagnosis(known)
}

/// The failed check for somebody who was let in nowhere, or of whom that is not known: either way nothing is proven.
fn nothing_proven(request: &TenantSettingsRequest, error: &Error) -> Check {
    let known = error.diagnosis().clone().with_field(acting_field(request));
    match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => {
            Check::failed_by("not-let-in", "who acts", error).with_diagnosis(known)
        }
        _ => unproven(known),
    }
}

fn unproven(known: Diagnosis) -> Check {
    let cause = format!("whether Azure DevOps lets it in could not be found out: {}", known.message());
    Check::failed("unproven", "who acts", cause, "try again when Azure DevOps answers: nothing is kept unproven")
        .with_diagnosis(known.with_effect(Effect::None))
}

/// Says which field a check of an organization is about.
fn with_field(check: Check, names: &[OrganizationName]) -> Check {
    let at = names.iter().position(|name| check.subject == format!("organization {name}"));
    match (at, check.diagnosis.clone()) {
        (Some(at), Some(known)) => check.with_diagnosis(known.with_field(field(at))),
        _ => check,
    }
}

/// What stands against organizations that are not of the tenant, unless those of a guest's home tenant are included.
fn other_directories(
    request: &TenantSettingsRequest,
    search: &OrganizationSearch,
    names: &[OrganizationName],
) -> Vec<Check> {
    let own = OrganizationTenant::Entra(request.tenant);
    let others = search.groups.iter().filter(|group| {
        // What is not known is told by a check of the search.
        group.tenant != own && group.tenant != OrganizationTenant::Unknown && !request.includes_home_tenant
    });
    let named = |name: &OrganizationName| names.iter().position(|own| own.as_str().eq_ignore_ascii_case(name.as_str()));
    let entries = others.flat_map(|group| group.organizations.iter().map(|entry| (group.tenant, &entry.name)));
    entries
        .filter_map(|(tenant, name)| {
            let whose = match tenant {
                OrganizationTenant::Entra(id) => format!("of the tenant {id}"),
                _ => "of personal accounts".to_owned(),
            };
            let error = Error::invalid(field(named(name)?), format!("the organization {name} is {whose}"))
                .with_advice("include organizations of a guest's home tenant, or leave this one out");
            Some(Check::failed_by("organization-of-another-tenant", format!("organization {name}"), &error))
        })
        .collect()
}

/// Whether somebody got in somewhere, and whether they may see service connections there.
async fn proof(client: &DevOpsClient, search: &OrganizationSearch, names: &[OrganizationName]) -> Vec<Check> {
    let is_doubtful = |name: &OrganizationName| {
        let subject = format!("organization {name}");
        search.checks.iter().any(|check| check.code == "organization-not-entered" && check.subject == subject)
    };
    let entries = search.groups.iter().flat_map(|group| &group.organizations).map(|entry| &entry.name);
    let Some(entered) = entries.into_iter().find(|name| !is_doubtful(name)) else {
        // Listed none and named none: the answer itself was the proof.
        if names.is_empty() {
            return Vec::new();
        }
        return vec![unproven(Diagnosis::new(ErrorKind::Unavailable, "no organization could be entered"))];
    };
    let passed = Check::passed("let-in", format!("organization {entered}"), "Azure DevOps lets it in");
    std::iter::once(passed).chain(scope(client, entered).await).collect()
}

/// A failed check, if service connections may not even be listed: a token without their scope is refused as if it were none.
async fn scope(client: &DevOpsClient, name: &OrganizationName) -> Option<Check> {
    let organization = client.organization(name).ok()?;
    let projects = organization.projects(ProjectState::WellFormed).await.ok()?;
    let endpoints = organization.endpoints(ProjectRef::Id(projects.first()?.id));
    // No connection has this id, so that nothing is listed where it may be.
    let error = endpoints.list(&EndpointQuery::new().with_ids([Uuid::nil().into()])).await.err()?;
    let (code, subject) = ("service-connections-refused", format!("organization {name}"));
    let cause = format!("service connections of {name} may not be read: {}", error.message());
    let known = error.diagnosis().clone().with_field("acting");
    let check = match error.kind() {
        ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => Check::failed(
            code,
            subject,
            cause,
            "a personal access token needs the scope Service Connections (read, query and manage); a service principal \
             needs to be a member of the organization",
        ),
        _ => Check::unknown(code, subject, cause, error.advice()).as_warning(),
    };
    Some(check.with_diagnosis(known))
}

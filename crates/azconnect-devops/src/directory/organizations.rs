//! The organizations in which the caller can work, and the directory behind each.

use std::sync::Arc;

use azconnect_core::{Error, ErrorKind, TenantId};
use azconnect_credential::{Check, CheckReport};
use azconnect_http::{Authorizer, Call, Dialect, Response, endpoint};
use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::known::{not_entered, not_listed, tenant_not_read, turns_away};
use crate::client::DevOpsClient;
use crate::dialect::{DevOpsDialect, not_found};
use crate::name::OrganizationName;
use crate::organization::with_version;

/// The directory behind an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrganizationTenant {
    /// A tenant of Entra ID.
    Entra(TenantId),
    /// No directory: the organization's members are personal accounts.
    PersonalAccounts,
    /// Unknown, because the service named none or did not answer.
    Unknown,
}

/// An organization in which the caller is a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OrganizationEntry {
    /// The organization's name (`accountName`).
    pub name: OrganizationName,
    /// The organization's id (`accountId`); absent for one that the caller named.
    pub id: Option<String>,
}

/// The organizations that were found in one directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TenantGroup {
    /// The directory behind these organizations.
    pub tenant: OrganizationTenant,
    /// The organizations of this directory, in order of their names.
    pub organizations: Vec<OrganizationEntry>,
}

/// What a search for organizations found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OrganizationSearch {
    /// The organizations, grouped by directory.
    pub groups: Vec<TenantGroup>,
    /// What the search could not see, such as the organizations of a service principal.
    pub checks: CheckReport,
}

impl OrganizationEntry {
    /// An organization with this name and no known id.
    pub fn new(name: OrganizationName) -> Self {
        Self { name, id: None }
    }
}

impl OrganizationSearch {
    /// Adds an organization to the group of its directory.
    pub fn add(&mut self, tenant: OrganizationTenant, entry: OrganizationEntry) {
        match self.groups.iter_mut().find(|group| group.tenant == tenant) {
            Some(group) => group.organizations.push(entry),
            None => self.groups.push(TenantGroup { tenant, organizations: vec![entry] }),
        }
    }

    /// Notes that an organization that was named does not exist.
    pub fn add_missing(&mut self, name: &OrganizationName, error: &Error) {
        self.checks.push(missing(name, error));
    }
}

#[derive(Deserialize)]
struct Profile {
    id: String,
}

impl DevOpsClient {
    /// The organizations of the caller, grouped by the directory behind each. Idempotent, without effect.
    ///
    /// The tenant of a token decides which organizations a guest sees. `also` takes other identities of the same
    /// person, such as the one of the home tenant; their organizations are included.
    ///
    /// Azure DevOps lists nothing for a service principal, and refuses the question of a personal access token of one
    /// organization: `names` takes the organizations that are known otherwise. Each of them is entered, and a check tells by
    /// its name of one that does not exist (`organization-not-found`), or that could not be entered
    /// (`organization-not-entered`; one that turns the caller away is left out, one that did not answer is not).
    ///
    /// # Errors
    /// The error of the client's own identity, unless organizations are named: then it becomes a check
    /// (`organizations-not-listed`), as does a failure of another identity.
    pub async fn organizations(
        &self,
        also: &[Arc<dyn Authorizer>],
        names: &[OrganizationName],
    ) -> Result<OrganizationSearch, Error> {
        let mut search = OrganizationSearch::default();
        let mut found = match self.accounts(None).await {
            Ok(found) => found,
            Err(error) if names.is_empty() => return Err(asking_for_names(error)),
            Err(error) => {
                search.checks.push(not_listed(&error));
                Vec::new()
            }
        };
        if found.is_empty() && names.is_empty() {
            search.checks.push(nothing_listed());
        }
        for authorizer in also {
            match self.accounts(Some(authorizer)).await {
                Ok(more) => found.extend(more),
                Err(error) => search.checks.push(
                    Check::unknown_by("identity-not-searched", "another identity", &error)
                        .with_cause(format!("the organizations of one identity are not known: {error}"))
                        .as_warning(),
                ),
            }
        }
        found.extend(names.iter().cloned().map(OrganizationEntry::new));
        // Of two entries of one name, the one with an id comes first and is the one that stays.
        found.sort_by_key(|entry| (entry.name.as_str().to_ascii_lowercase(), entry.id.is_none()));
        found.dedup_by(|a, b| a.name.as_str().eq_ignore_ascii_case(b.name.as_str()));
        for entry in found {
            let tenant = match self.tenant_of(&entry.name).await {
                Ok(tenant) => tenant,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    search.add_missing(&entry.name, &error);
                    continue;
                }
                // A list without tenants is better than none.
                Err(error) => {
                    search.checks.push(tenant_not_read(&entry.name, &error));
                    OrganizationTenant::Unknown
                }
            };
            // Whoever is listed is a member. Of a name that was given, nothing is known yet.
            if entry.id.is_none()
                && let Err(error) = self.enter(&entry.name, also).await
            {
                search.checks.push(not_entered(&entry.name, &error));
                if turns_away(&error) {
                    continue;
                }
            }
            search.add(tenant, entry);
        }
        Ok(search)
    }

    /// The directory behind an organization, asked without signing in. Idempotent, without effect.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such organization.
    pub async fn tenant_of(&self, name: &OrganizationName) -> Result<OrganizationTenant, Error> {
        let organization = self.organization(name)?;
        let url = organization.preview_url(&["_apis", "connectionData"], &[])?;
        let call = self.anonymous(Call::get("devops.organization.tenant", url));
        let answer = self.pipeline().execute(call, &Unsigned).await?;
        if answer.status() == 404 {
            return Err(not_found("the organization", "check the organization's name").with_http_status(404));
        }
        Ok(tenant_in(answer.headers()))
    }

    async fn accounts(&self, authorizer: Option<&Arc<dyn Authorizer>>) -> Result<Vec<OrganizationEntry>, Error> {
        let version = "7.1";
        let url = with_version(endpoint(self.profile(), &["_apis", "profile", "profiles", "me"])?, version);
        let me: Profile = self.read_profile(Call::get("devops.profile", url), authorizer).await?;
        let url = endpoint(self.profile(), &["_apis", "accounts"])?;
        let url = with_version(azconnect_http::with_query(url, &[("memberId", &me.id)]), version);
        let accounts: Value = self.read_profile(Call::get("devops.organization.list", url), authorizer).await?;
        let accounts = match accounts {
            Value::Object(mut list) => list.remove("value"),
            list => Some(list),
        };
        let Some(Value::Array(accounts)) = accounts else { return Ok(Vec::new()) };
        Ok(accounts.iter().filter_map(entry).collect())
    }

    async fn read_profile<T: serde::de::DeserializeOwned>(
        &self,
        call: Call,
        authorizer: Option<&Arc<dyn Authorizer>>,
    ) -> Result<T, Error> {
        let operation = call.operation();
        let call = self.sign(call);
        let call = match authorizer {
            Some(authorizer) => call.with_authorizer(authorizer.clone()),
            None => call,
        };
        let answer = self.pipeline().execute(call, &DevOpsDialect).await?;
        azconnect_http::json(&answer).map_err(|error| error.in_operation(operation))
    }
}

/// An account whose name no organization can have is left out: nothing could be done with it.
fn entry(account: &Value) -> Option<OrganizationEntry> {
    let text = |key: &str| account.get(key).and_then(Value::as_str);
    let name = OrganizationName::new(text("accountName")?).ok()?;
    Some(OrganizationEntry { name, id: text("accountId").map(str::to_owned) })
}

/// The error of a list that was refused, with the way around it.
fn asking_for_names(error: Error) -> Error {
    if !turns_away(&error) {
        return error;
    }
    let advice =
        format!("{}; with a personal access token of one organization, name the organizations", error.advice());
    error.with_advice(advice)
}

fn missing(name: &OrganizationName, error: &Error) -> Check {
    let message = format!("there is no organization called {name}");
    Check::failed_by("organization-not-found", format!("organization {name}"), error).with_cause(message)
}

fn nothing_listed() -> Check {
    Check::unknown(
        "no-organization-listed",
        "organizations",
        "Azure DevOps lists no organization for this identity; for service principals it never does",
        "give the organizations' names",
    )
    .as_warning()
}

/// Reads the directory out of the headers with which the service answers an unsigned request.
fn tenant_in(headers: &HeaderMap) -> OrganizationTenant {
    let resource = headers.get("x-vss-resourcetenant").and_then(|value| value.to_str().ok()).map(str::trim);
    match resource {
        Some("00000000-0000-0000-0000-000000000000") => return OrganizationTenant::PersonalAccounts,
        Some(tenant) => {
            if let Ok(tenant) = tenant.parse() {
                return OrganizationTenant::Entra(tenant);
            }
        }
        None => {}
    }
    // Without that header, the sign-in address in the challenge names the tenant.
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    challenges
        .filter_map(|challenge| challenge.split_once("authorization_uri=").map(|(_, rest)| rest))
        .find_map(|rest| rest.trim_matches('"').split(['/', ',', '"', ' ']).find_map(|part| part.parse().ok()))
        .map_or(OrganizationTenant::Unknown, OrganizationTenant::Entra)
}

/// The dialect of an unsigned request: refusals are answers to read, and only faults and throttles are errors.
struct Unsigned;

impl Dialect for Unsigned {
    fn judge(&self, answer: &Response) -> Result<(), Error> {
        match answer.status().as_u16() {
            429 | 500..=599 => DevOpsDialect.judge(answer),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &'static str, value: &str) -> OrganizationTenant {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        tenant_in(&headers)
    }

    #[test]
    fn the_directory_is_read_from_either_header() {
        let id = "45aa3d2d-7442-473d-b4d3-3c670da9dd96";
        let entra = OrganizationTenant::Entra(id.parse().unwrap());
        assert_eq!(tenant("x-vss-resourcetenant", id), entra);
        let uri = format!("Bearer authorization_uri=https://login.microsoftonline.com/{id}");
        assert_eq!(tenant("www-authenticate", &uri), entra);
        let zero = "00000000-0000-0000-0000-000000000000";
        assert_eq!(tenant("x-vss-resourcetenant", zero), OrganizationTenant::PersonalAccounts);
        assert_eq!(tenant("www-authenticate", "Basic realm=x"), OrganizationTenant::Unknown);
    }
}

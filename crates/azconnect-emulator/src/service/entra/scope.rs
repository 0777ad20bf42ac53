//! What a client asks for on behalf of a person: OpenID's own scopes, and permissions of resources.

use super::resource::Resource;
use super::{denial, refusal};
use crate::base::origins::Origins;
use crate::base::refusal::OrRefusal;
use crate::model::directory::Directory;
use crate::model::registration::Registration;

/// The scopes of OpenID Connect, which belong to no resource in a request.
pub(super) const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The scopes of a request, read.
#[derive(Clone)]
pub(super) struct Wanted {
    openid: Vec<String>,
    pub(super) parts: Vec<Part>,
}

/// What is asked of one resource.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) resource: Resource,
    /// Whether the caller named the resource, and not scopes alone.
    pub(super) is_named: bool,
    /// Whether it asks for all that was consented to.
    pub(super) is_default: bool,
    pub(super) names: Vec<String>,
}

impl Wanted {
    /// Reads the scopes of a request in a tenant that is called like this.
    pub(super) fn read(
        (directory, origins): (&Directory, &Origins),
        registration: &Registration,
        (scope, tenant): (&str, &str),
    ) -> OrRefusal<Self> {
        let mut wanted = Self { openid: Vec::new(), parts: Vec::new() };
        for word in scope.split_ascii_whitespace() {
            if OPENID.contains(&word.to_ascii_lowercase().as_str()) {
                wanted.openid.push(word.to_ascii_lowercase());
                continue;
            }
            let (resource, name) = match word.strip_suffix("/.default") {
                Some(resource) => (Some(resource), None),
                None => match word.rsplit_once('/') {
                    Some((resource, name)) => (Some(resource), Some(name)),
                    None => (None, Some(word)),
                },
            };
            wanted.add((directory, origins), registration, (resource, name, tenant))?;
        }
        let defaults = wanted.parts.iter().filter(|part| part.is_default).count();
        let named = wanted.parts.iter().filter(|part| !part.names.is_empty()).count();
        if defaults > 1 || (defaults == 1 && named > 0) {
            return Err(denial::default_with_others(scope));
        }
        Ok(wanted)
    }

    fn add(
        &mut self,
        (directory, origins): (&Directory, &Origins),
        registration: &Registration,
        (resource, name, tenant): (Option<&str>, Option<&str>, &str),
    ) -> OrRefusal<()> {
        let found = match resource {
            Some(text) => {
                Resource::find(directory, origins, text).ok_or_else(|| refusal::resource_not_found(text, tenant))?
            }
            None => Resource::graph(),
        };
        let name = match name {
            Some(name) => {
                let permissions = found.permissions(directory);
                let known = permissions.into_iter().find(|one| one.name.eq_ignore_ascii_case(name));
                let client = registration.client_id.to_string();
                Some(known.ok_or_else(|| denial::scope_unknown(&client, name, &found.app.to_string()))?.name)
            }
            None => None,
        };
        let is_default = name.is_none();
        match self.parts.iter_mut().find(|part| part.resource.app == found.app) {
            Some(part) => {
                part.is_default |= is_default;
                part.names.extend(name);
            }
            None => {
                let names = name.into_iter().collect();
                self.parts.push(Part { resource: found, is_named: resource.is_some(), is_default, names });
            }
        }
        Ok(())
    }

    pub(super) fn has(&self, openid: &str) -> bool {
        self.openid.iter().any(|one| one == openid)
    }

    pub(super) fn openid(&self) -> &[String] {
        &self.openid
    }

    /// The one resource that a token is for: Microsoft Graph, where only OpenID's scopes are asked for.
    pub(super) fn one(self, scope: &str) -> OrRefusal<(Part, Vec<String>)> {
        let mut parts = self.parts.into_iter();
        let first = parts.next().unwrap_or_else(|| Part {
            resource: Resource::graph(),
            is_named: false,
            is_default: false,
            names: Vec::new(),
        });
        if parts.next().is_some() { Err(denial::several_resources(scope)) } else { Ok((first, self.openid)) }
    }
}

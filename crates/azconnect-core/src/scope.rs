//! What a token is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The permissions that only say who signed in, and whether they may be asked again without them.
const OF_SIGN_IN: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The permission that asks for a refresh token.
const OFFLINE: &str = "offline_access";

/// What stands for everything that was consented to before.
const DEFAULT: &str = ".default";

/// What a token is for: a resource followed by `/.default`, or permissions of one resource that a person delegates.
///
/// ```
/// use azconnect_core::Scope;
///
/// let application = Scope::of_resource("https://graph.microsoft.com");
/// assert_eq!(application.as_str(), "https://graph.microsoft.com/.default");
///
/// let devops = "499b84ac-1321-427f-aa17-267ca6975798";
/// let person = Scope::delegated(devops, ["user_impersonation"])?.with_offline_access();
/// assert_eq!(person.as_str(), "499b84ac-1321-427f-aa17-267ca6975798/user_impersonation offline_access");
/// assert_eq!(person.missing_from("499b84ac-1321-427f-aa17-267ca6975798/vso.code"), ["user_impersonation"]);
/// # Ok::<(), azconnect_core::Error>(())
/// ```
///
/// Document: Microsoft's *Scopes and permissions in the Microsoft identity platform*.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Box<str>);

impl Scope {
    /// The scope of everything an application may do at a resource, or of everything a person has consented to there.
    pub fn of_resource(resource: &str) -> Self {
        Self(format!("{}/{DEFAULT}", resource.trim_end_matches('/')).into())
    }

    /// Permissions of one resource, such as `user_impersonation`, that a person delegates.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with the field `scope` without any permission, or for one that cannot be.
    pub fn delegated<'a>(resource: &str, permissions: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let resource = resource.trim_end_matches('/');
        let named = permissions.into_iter().map(|permission| match permission.contains(['/', ' ']) {
            true => Err(wrong("a permission is a name without its resource")),
            false => Ok(format!("{resource}/{permission}")),
        });
        named.collect::<Result<Vec<_>, _>>()?.join(" ").parse()
    }

    /// Asks for a refresh token as well. Without it, a sign-in ends with its access token.
    #[must_use]
    pub fn with_offline_access(self) -> Self {
        self.with_each(&[OFFLINE])
    }

    /// Asks who signed in as well: an id token with the person's object id, name and e-mail.
    #[must_use]
    pub fn with_profile(self) -> Self {
        self.with_each(&["openid", "profile", "email"])
    }

    /// The scope as the token endpoint takes it, such as `https://graph.microsoft.com/.default`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource, such as `https://graph.microsoft.com`: what endpoints of the former version and managed identities take.
    /// Microsoft Graph's, if the scope names none.
    pub fn resource(&self) -> &str {
        self.permissions().next().and_then(|(resource, _)| resource).unwrap_or("https://graph.microsoft.com")
    }

    /// Whether a refresh token is asked for.
    pub fn is_offline(&self) -> bool {
        self.0.split(' ').any(|part| part == OFFLINE)
    }

    /// The permissions of this scope that an answer's `scope` does not name: a person declined them, or nobody was asked since
    /// they were added to the application. What only says who signed in is not compared, nor is `.default`.
    pub fn missing_from(&self, granted: &str) -> Vec<&str> {
        let has = |wanted: &str| {
            granted.split_whitespace().map(permission).any(|(_, granted)| granted.eq_ignore_ascii_case(wanted))
        };
        self.permissions().map(|(_, wanted)| wanted).filter(|wanted| *wanted != DEFAULT && !has(wanted)).collect()
    }

    fn with_each(self, added: &[&str]) -> Self {
        let missing = added.iter().filter(|added| self.0.split(' ').all(|part| part != **added));
        let all: Vec<&str> = self.0.split(' ').chain(missing.copied()).collect();
        Self(all.join(" ").into())
    }

    /// What is asked of a resource, without what only says who signed in.
    fn permissions(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        self.0.split(' ').filter(|part| !OF_SIGN_IN.contains(part)).map(permission)
    }
}

/// The resource of a permission, and its name. One of Microsoft Graph may have no resource.
fn permission(text: &str) -> (Option<&str>, &str) {
    match text.rsplit_once('/') {
        Some((resource, name)) => (Some(resource), name),
        None => (None, text),
    }
}

impl FromStr for Scope {
    type Err = Error;

    /// Reads a scope as the token endpoint takes it: names with single spaces between them.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) with the field `scope` unless it asks something of exactly one resource,
    /// and not `.default` together with named permissions.
    fn from_str(text: &str) -> Result<Self, Error> {
        let scope = Self(text.into());
        // RFC 6749, section 3.3: printable ASCII but the quotation mark and the backslash.
        let is_name = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        };
        if !text.split(' ').all(is_name) {
            return Err(wrong("it is no list of names with single spaces between them"));
        }
        let asked: Vec<_> = scope.permissions().collect();
        let Some((first, _)) = asked.first() else {
            return Err(wrong("it asks nothing of any resource"));
        };
        if asked.iter().any(|(resource, name)| resource.is_some_and(str::is_empty) || name.is_empty()) {
            return Err(wrong("a resource or a permission has no name"));
        }
        if asked.iter().any(|(resource, _)| resource != first) {
            return Err(wrong("it names several resources, and a token is for one"));
        }
        if asked.len() > 1 && asked.iter().any(|(_, name)| *name == DEFAULT) {
            return Err(wrong("it names .default together with other permissions"));
        }
        Ok(scope)
    }
}

impl TryFrom<String> for Scope {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0.into()
    }
}

fn wrong(why: &str) -> Error {
    Error::invalid("scope", why)
        .with_advice("give permissions of one resource, such as https://graph.microsoft.com/User.Read")
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_of_a_person_names_each_permission_and_asks_for_more_once() {
        let scope = Scope::delegated("api://x/", ["a", "b"]).unwrap();
        let all = scope.with_profile().with_offline_access().with_offline_access();
        assert_eq!(all.as_str(), "api://x/a api://x/b openid profile email offline_access");
        assert_eq!(all.resource(), "api://x");
        assert!(all.is_offline());
    }

    #[test]
    fn the_resource_is_what_stands_before_the_permission() {
        assert_eq!(Scope::of_resource("https://vault.azure.net/").resource(), "https://vault.azure.net");
        // An address with a slash at its end keeps it: the audience of the token has it too.
        assert_eq!(
            "https://management.azure.com//.default".parse::<Scope>().unwrap().resource(),
            "https://management.azure.com/"
        );
        assert_eq!("User.Read offline_access".parse::<Scope>().unwrap().resource(), "https://graph.microsoft.com");
    }

    #[test]
    fn what_was_not_granted_is_named() {
        let scope = Scope::delegated("499b84ac", ["vso.code", "vso.project"]).unwrap().with_profile();
        assert_eq!(scope.missing_from("499b84ac/VSO.code openid"), ["vso.project"]);
        // Microsoft Graph's permissions come back without their resource.
        assert!(
            "https://graph.microsoft.com/User.Read"
                .parse::<Scope>()
                .unwrap()
                .missing_from("email User.Read")
                .is_empty()
        );
        assert!(Scope::of_resource("x").missing_from("").is_empty());
    }

    #[test]
    fn what_no_token_can_be_for_is_refused() {
        for text in [
            "",
            " ",
            "openid offline_access",
            "a/b  a/c",
            "a/b\na/c",
            "a/b c/d",
            "a/.default a/b",
            "a/",
            "/b",
            "a/b \"",
            "ä/b",
        ] {
            let error = text.parse::<Scope>().unwrap_err();
            assert_eq!(error.field(), Some("scope"), "{text}");
            assert!(serde_json::from_value::<Scope>(text.into()).is_err(), "{text}");
        }
        assert!(Scope::delegated("a", []).is_err());
        assert!(Scope::delegated("a", ["b/c"]).is_err());
    }
}

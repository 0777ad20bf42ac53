//! Which of the listed passwords a secret is.

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_http::json;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::registration::ApplicationRef;
use crate::client::GraphClient;
use crate::dialect::GraphDialect;
use crate::holder::PasswordHolder;
use crate::password::PasswordCredential;

/// Which of an application's passwords a secret is, as far as the hints tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HintMatch {
    /// One hint alone begins the secret.
    One(PasswordCredential),
    /// It may be one of several: more than one hint begins it, or none does and a password is listed without a hint.
    Unclear,
    /// Every password has a hint, and none begins the secret: this read does not list it.
    None,
}

/// A listed password beside a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComparedPassword {
    /// The password, as it is listed.
    pub password: PasswordCredential,
    /// Whether its hint begins the secret: `Some(false)` is a password of another text. `None` where it is listed without a
    /// hint, so that it may be any.
    pub is_hinted: Option<bool>,
}

impl GraphClient {
    /// The password of an application whose text a secret is, by the beginning of it that the service keeps as a hint. `None`
    /// where none fits, or more than one; [`match_secret`](Self::match_secret) tells these apart. Idempotent; the secret is
    /// compared here and is not sent.
    ///
    /// Those of the service principal are not looked at.
    ///
    /// Document: Microsoft Graph, *passwordCredential resource type* (`hint`: the first three characters of the password).
    ///
    /// # Errors
    /// If the application is not there, or may not be read, as is the rule for one that reads itself.
    pub async fn password_of_secret(
        &self,
        application: impl Into<ApplicationRef>,
        secret: &Secret,
    ) -> Result<Option<PasswordCredential>, Error> {
        match self.match_secret(application, secret).await? {
            HintMatch::One(password) => Ok(Some(password)),
            HintMatch::Unclear | HintMatch::None => Ok(None),
        }
    }

    /// Which of an application's passwords a secret is: as [`password_of_secret`](Self::password_of_secret), and says whether
    /// none may be it. Reads lag: one read that does not list a password proves nothing.
    ///
    /// # Errors
    /// As [`password_of_secret`](Self::password_of_secret).
    pub async fn match_secret(
        &self,
        application: impl Into<ApplicationRef>,
        secret: &Secret,
    ) -> Result<HintMatch, Error> {
        let compared = self.compare_hints(application.into(), secret).await?;
        let is_told = compared.iter().all(|compared| compared.is_hinted.is_some());
        let mut fitting = compared.into_iter().filter(|compared| compared.is_hinted == Some(true));
        Ok(match (fitting.next(), fitting.next()) {
            (Some(found), None) => HintMatch::One(found.password),
            (None, _) if is_told => HintMatch::None,
            _ => HintMatch::Unclear,
        })
    }

    /// Every password that an application or a service principal lists, each with whether its hint begins a secret.
    /// Idempotent; the secret is compared here and is not sent. Reads lag: one read that does not list a password proves nothing.
    ///
    /// Document: as [`password_of_secret`](Self::password_of_secret).
    ///
    /// # Errors
    /// If the holder is not there, or may not be read, or the answer names no list.
    pub async fn compare_hints(
        &self,
        holder: impl Into<PasswordHolder>,
        secret: &Secret,
    ) -> Result<Vec<ComparedPassword>, Error> {
        let holder = holder.into();
        let operation =
            holder.operation("graph.application.password_of_secret", "graph.service_principal.password_of_secret");
        let url = self.holder_address(&holder, &[], &[("$select", "passwordCredentials")])?;
        let answer = self.change(self.read_call(operation, url), &GraphDialect).await?;
        let listed: Listed = json(&answer).map_err(|error| error.in_operation(operation))?;
        let compared: Result<_, _> = listed.passwords.iter().map(|listed| compared(listed, secret)).collect();
        compared.map_err(|error| error.in_operation(operation))
    }
}

/// Required, as of an [`Application`](crate::Application): a missing list must not be read as an empty one, which would prove that
/// no password is the secret.
#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "passwordCredentials")]
    passwords: Vec<Box<RawValue>>,
}

/// A password's hint, which is a part of a secret: it does not leave this file.
#[derive(Deserialize)]
struct Hinted {
    hint: Option<Secret>,
}

/// The hint of a listed password, where it has one.
fn hint(listed: &RawValue) -> Option<Secret> {
    serde_json::from_str::<Hinted>(listed.get()).ok()?.hint.filter(|hint| !hint.is_empty())
}

/// A listed password beside a secret.
fn compared(listed: &RawValue, secret: &Secret) -> Result<ComparedPassword, Error> {
    let is_hinted = hint(listed).map(|hint| secret.expose().starts_with(hint.expose()));
    // Two views of one text: what is kept of a password has no place for its hint.
    let password = serde_json::from_str(listed.get()).map_err(|_| {
        Error::new(ErrorKind::Unexpected, "a listed password is not an object").with_effect(Effect::None)
    })?;
    Ok(ComparedPassword { password, is_hinted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(hint: &str) -> Box<RawValue> {
        let text = format!(r#"{{"keyId":"7c9e6679-7425-40de-944b-e07fc1f90ae7","hint":{hint}}}"#);
        RawValue::from_string(text).unwrap()
    }

    #[test]
    fn a_password_without_a_hint_may_be_any_and_is_none_that_was_found() {
        let secret = Secret::new("Abc8Q~x");
        let is_hinted = |hint: &str| compared(&listed(hint), &secret).unwrap().is_hinted;
        for without in ["null", "\"\"", "7"] {
            assert_eq!(is_hinted(without), None, "{without}");
        }
        assert_eq!(is_hinted("\"Abc\""), Some(true));
        assert_eq!(is_hinted("\"Abd\""), Some(false));
        assert!(compared(&RawValue::from_string("7".to_owned()).unwrap(), &secret).is_err());
    }

    #[test]
    fn a_list_that_is_missing_is_not_an_empty_one() {
        for text in ["{}", r#"{"passwordCredentials":null}"#, r#"{"passwordcredentials":[]}"#] {
            assert!(serde_json::from_str::<Listed>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Listed>(r#"{"passwordCredentials":[]}"#).unwrap().passwords.is_empty());
    }
}

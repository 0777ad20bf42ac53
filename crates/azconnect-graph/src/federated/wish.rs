//! Wishes for new federated identity credentials and for changes, checked before anything is sent.

use azconnect_core::Error;
use serde::Serialize;

use super::{FederatedCredentialId, FederatedCredentialName};

/// The audience that Microsoft recommends in the public cloud. The clouds for the United States' government and for
/// China have their own, `api://AzureADTokenExchangeUSGov` and `api://AzureADTokenExchangeChina`.
pub const TOKEN_EXCHANGE: &str = "api://AzureADTokenExchange";

/// How many characters the service takes in an issuer, a subject, an audience or a description.
const LONGEST: usize = 600;

/// A wish for a new federated identity credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewFederatedCredential {
    /// The name, which never changes afterwards.
    pub name: FederatedCredentialName,
    /// The issuer of the tokens: exactly their `iss` claim.
    pub issuer: String,
    /// Whom the tokens speak for: exactly their `sub` claim.
    pub subject: String,
    /// The audience of the tokens: exactly their `aud` claim. [`TOKEN_EXCHANGE`] unless set.
    pub audience: String,
    /// What it is for, in words for a person.
    pub description: Option<String>,
    /// Credentials that the caller deleted. A list may show them for a while yet: then they do not fulfil the wish.
    pub deleted: Vec<FederatedCredentialId>,
}

impl NewFederatedCredential {
    /// A credential that accepts an issuer's tokens for a subject, with the audience [`TOKEN_EXCHANGE`].
    pub fn new(name: FederatedCredentialName, issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            name,
            issuer: issuer.into(),
            subject: subject.into(),
            audience: TOKEN_EXCHANGE.to_owned(),
            description: None,
            deleted: Vec::new(),
        }
    }

    /// Names credentials that the caller deleted, so that a list which still shows them is not taken for an answer.
    #[must_use]
    pub fn with_deleted(mut self, deleted: impl IntoIterator<Item = FederatedCredentialId>) -> Self {
        self.deleted.extend(deleted);
        self
    }

    /// Sets the audience: the tokens' `aud` claim.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Sets what it is for, in words for a person.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Checks what the service would refuse, or would take and never match with a token. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field.
    pub fn check(&self) -> Result<(), Error> {
        self.body().map(drop)
    }

    /// Checks the wish and returns the body of the request.
    pub(super) fn body(&self) -> Result<Body<'_>, Error> {
        let name = Some(self.name.as_str());
        let (issuer, subject) = (exact("issuer", &self.issuer)?, exact("subject", &self.subject)?);
        let audiences = Some([exact("audience", &self.audience)?]);
        let description = self.description.as_deref().map(|text| short("description", text)).transpose()?;
        Ok(Body { name, issuer: Some(issuer), subject: Some(subject), audiences, description })
    }
}

/// A change of a federated identity credential: what is set is written, the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FederatedCredentialChange {
    /// The issuer from now on: the tokens' `iss` claim.
    pub issuer: Option<String>,
    /// The subject from now on: the tokens' `sub` claim.
    pub subject: Option<String>,
    /// The audience from now on: the tokens' `aud` claim.
    pub audience: Option<String>,
    /// What it is for, in words for a person.
    pub description: Option<String>,
}

impl FederatedCredentialChange {
    /// A change that sets nothing yet; sent so, it is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the issuer: the tokens' `iss` claim.
    #[must_use]
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the subject: the tokens' `sub` claim.
    #[must_use]
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets the audience: the tokens' `aud` claim.
    #[must_use]
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets what it is for, in words for a person.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Checks the change and returns the body of the request.
    pub(super) fn body(&self) -> Result<Body<'_>, Error> {
        if *self == Self::default() {
            return Err(Error::invalid("change", "changes nothing")
                .with_advice("set the issuer, the subject, the audience or the description"));
        }
        let checked = |field, text: &'_ Option<String>| match text.as_deref() {
            Some(text) => exact(field, text).map(|_| ()),
            None => Ok(()),
        };
        checked("issuer", &self.issuer)?;
        checked("subject", &self.subject)?;
        checked("audience", &self.audience)?;
        let description = self.description.as_deref().map(|text| short("description", text)).transpose()?;
        let audiences = self.audience.as_deref().map(|audience| [audience]);
        let (issuer, subject) = (self.issuer.as_deref(), self.subject.as_deref());
        Ok(Body { name: None, issuer, subject, audiences, description })
    }
}

/// A federated identity credential as it is written. The service takes exactly one audience.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audiences: Option<[&'a str; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// A text that has to equal a claim of the tokens. The service stores a wrong one without an error, and then accepts no
/// token.
fn exact<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Error> {
    if text.is_empty() {
        return Err(Error::invalid(field, "is empty").with_advice(format!("give the {field} of the tokens")));
    }
    if text.trim() != text {
        return Err(Error::invalid(field, "begins or ends with white space, with which no token is ever accepted")
            .with_advice(format!("give exactly the {field} of the tokens")));
    }
    short(field, text)
}

fn short<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Error> {
    if text.chars().count() > LONGEST {
        return Err(Error::invalid(field, "is longer than 600 characters")
            .with_advice(format!("give a {field} of at most 600 characters")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use azconnect_core::{Effect, ErrorKind};
    use serde_json::{Value, json};

    use super::*;

    fn name() -> FederatedCredentialName {
        FederatedCredentialName::new("deploy").unwrap()
    }

    fn written(body: &Body<'_>) -> Value {
        serde_json::to_value(body).unwrap()
    }

    #[test]
    fn a_wish_has_exactly_one_audience() {
        let wish = NewFederatedCredential::new(name(), "https://i", "s");
        let expected = json!({"name": "deploy", "issuer": "https://i", "subject": "s", "audiences": [TOKEN_EXCHANGE]});
        assert_eq!(written(&wish.body().unwrap()), expected);
        let wish = wish.with_audience("other").with_description("why");
        assert_eq!(written(&wish.body().unwrap())["audiences"], json!(["other"]));
        assert_eq!(written(&wish.body().unwrap())["description"], "why");
    }

    #[test]
    fn every_field_is_held_to_its_limits() {
        let (longest, too_long) = ("ä".repeat(600), "ä".repeat(601));
        for text in [longest.as_str(), ""] {
            let wish = NewFederatedCredential::new(name(), "i", "s").with_description(text);
            assert!(wish.body().is_ok());
        }
        let wish = NewFederatedCredential::new(name(), &longest, &longest).with_audience(&longest);
        assert!(wish.body().is_ok());
        for wrong in [too_long.as_str(), "", " i", "i\n"] {
            let wishes = [
                ("issuer", NewFederatedCredential::new(name(), wrong, "s")),
                ("subject", NewFederatedCredential::new(name(), "i", wrong)),
                ("audience", NewFederatedCredential::new(name(), "i", "s").with_audience(wrong)),
            ];
            let changes = [
                FederatedCredentialChange::new().with_issuer(wrong),
                FederatedCredentialChange::new().with_subject(wrong),
                FederatedCredentialChange::new().with_audience(wrong),
            ];
            for ((field, wish), change) in wishes.iter().zip(changes) {
                for outcome in [wish.body().err(), change.body().err()] {
                    let error = outcome.unwrap();
                    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidInput, Some(*field)));
                    assert_eq!(error.effect(), Effect::None);
                    assert!(error.advice().contains(field));
                }
            }
        }
        let wish = NewFederatedCredential::new(name(), "i", "s").with_description(&too_long);
        assert_eq!(wish.body().err().unwrap().field(), Some("description"));
    }

    #[test]
    fn a_change_writes_what_is_set_and_never_the_name() {
        let change = FederatedCredentialChange::new().with_subject("s").with_audience("a");
        assert_eq!(written(&change.body().unwrap()), json!({"subject": "s", "audiences": ["a"]}));
        assert_eq!(FederatedCredentialChange::new().body().err().unwrap().field(), Some("change"));
    }
}

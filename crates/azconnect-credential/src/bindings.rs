//! Who receives an application's secret, as a record that a product keeps.

use std::collections::BTreeSet;

use azconnect_core::{ClientId, DocumentId, Error, KeyId, Labels, TenantId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::bound_consumer::BoundConsumer;
use crate::format_version::{Format, FormatVersion};
use crate::records::Kept;

const FORMAT: Format = Format { what: "the bindings of the application", field: "bindings", version: 1 };

const TENANT: &str = "azconnect/tenant";

/// How many consumers one application has at most: one document holds them all.
const MAX_CONSUMERS: usize = 500;

/// The consumers of one application's secret, in any organizations and tenants. It holds no secret, so it may be shown and logged.
///
/// It is serialised with the `version` of its format. A later one is an error, since a program that does not know it would lose
/// what it says; a consumer of an unknown kind is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ApplicationBindings {
    version: FormatVersion<1>,
    /// The application.
    pub application: ClientId,
    /// The tenant in which its secrets are minted.
    pub tenant: TenantId,
    /// The consumers of its secret, each once.
    pub consumers: Vec<Binding>,
    /// Keys that were minted by hand and may be removed once the new secret is in place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub adopted: Vec<KeyId>,
    /// When they were last changed.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<OffsetDateTime>,
}

/// A consumer, and how much depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Binding {
    /// Who receives the secret.
    pub consumer: BoundConsumer,
    /// Whether the old secret must stay while this consumer has no proof for the new one.
    pub required: bool,
    /// Whether the receipt of a push counts as proof where the consumer cannot verify.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accept_receipt: bool,
}

impl Binding {
    /// A consumer that must prove the new secret.
    pub fn new(consumer: BoundConsumer) -> Self {
        Self { consumer, required: true, accept_receipt: false }
    }

    /// Says that a rotation may finish without it. The consumer may then be left with a removed secret.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// Takes the receipt of a push as proof where verification is inconclusive.
    #[must_use]
    pub fn with_receipt_as_proof(mut self) -> Self {
        self.accept_receipt = true;
        self
    }
}

impl ApplicationBindings {
    /// An application without consumers.
    pub fn new(application: ClientId, tenant: TenantId) -> Self {
        Self {
            version: FormatVersion,
            application,
            tenant,
            consumers: Vec::new(),
            adopted: Vec::new(),
            changed_at: None,
        }
    }

    /// Binds a consumer, in the place of the binding that it had.
    #[must_use]
    pub fn with(mut self, binding: Binding) -> Self {
        let name = binding.consumer.name(self.application);
        match self.consumers.iter_mut().find(|held| held.consumer.name(self.application) == name) {
            Some(held) => *held = binding,
            None => self.consumers.push(binding),
        }
        self
    }

    /// Unbinds the consumer of this name, if it is bound.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        let application = self.application;
        self.consumers.retain(|held| held.consumer.name(application) != name);
        self
    }

    /// The binding of the consumer of this name, if it is bound.
    pub fn of(&self, name: &str) -> Option<&Binding> {
        self.consumers.iter().find(|held| held.consumer.name(self.application) == name)
    }

    /// Hands over a key that was minted by hand.
    #[must_use]
    pub fn with_adopted(mut self, key: KeyId) -> Self {
        if !self.adopted.contains(&key) {
            self.adopted.push(key);
        }
        self
    }

    /// Refuses what is bound twice, and more than one document holds, before anything is done with it.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) with the field, such as `consumers[2]`.
    pub fn check(&self) -> Result<(), Error> {
        if self.consumers.len() > MAX_CONSUMERS {
            let message = format!("are {}, and at most {MAX_CONSUMERS} can be bound", self.consumers.len());
            return Err(Error::invalid("consumers", message).with_advice("give the others an application of their own"));
        }
        let mut names = BTreeSet::new();
        for (at, binding) in self.consumers.iter().enumerate() {
            if !names.insert(binding.consumer.name(self.application)) {
                let message = format!("{} is bound twice", binding.consumer.title());
                return Err(Error::invalid(format!("consumers[{at}]"), message).with_advice("bind each consumer once"));
            }
        }
        Ok(())
    }
}

impl Kept for ApplicationBindings {
    const COLLECTION: &'static str = "bindings";

    fn document_id(&self) -> Result<DocumentId, Error> {
        DocumentId::new(self.application.to_string())
    }

    fn document_labels(&self) -> Result<Labels, Error> {
        self.check()?;
        Labels::new().with(TENANT, self.tenant.to_string())
    }

    fn to_text(&self) -> Result<String, Error> {
        FORMAT.write(self)
    }

    fn from_text(text: &str) -> Result<Self, Error> {
        FORMAT.read(text)
    }
}

#[cfg(test)]
mod tests {
    use azconnect_core::ErrorKind;
    use serde_json::json;
    use time::macros::datetime;

    use super::*;
    use crate::bound_consumer::{BoundServiceConnection, OtherConsumer};

    /// Bindings as they were written at the time. Never change one of them.
    const FIRST: &str = include_str!("../tests/golden/bindings-1.json");

    fn service_connection() -> BoundServiceConnection {
        BoundServiceConnection::new(
            "d1b2c3d4-0000-4000-8000-000000000002".parse().unwrap(),
            "Contoso",
            "Web",
            "c0000000-0000-4000-8000-000000000001".parse().unwrap(),
        )
        .with_seen("images", "dockerregistry")
        .with_destination(Some("images.contoso.example".to_owned()))
    }

    fn whole() -> ApplicationBindings {
        let document = json!({"id": "https://kv.vault.azure.net/secrets/deploy", "depth": {"of": ["unknown", 1]}});
        let other = OtherConsumer::new("key_vault_secret", document.as_object().unwrap().clone()).unwrap();
        let mut bindings = ApplicationBindings::new(
            "a0000000-0000-4000-8000-000000000002".parse().unwrap(),
            "d1b2c3d4-0000-4000-8000-000000000002".parse().unwrap(),
        )
        .with(Binding::new(BoundConsumer::ServiceConnection(service_connection())).with_receipt_as_proof())
        .with(Binding::new(BoundConsumer::Connection("shop".parse().unwrap())))
        .with(Binding::new(BoundConsumer::OwnRecord).optional())
        .with(Binding::new(BoundConsumer::Other(other)).optional())
        .with_adopted("b0000000-0000-4000-8000-000000000002".parse().unwrap());
        bindings.changed_at = Some(datetime!(2026-11-02 8:00 UTC));
        bindings
    }

    #[test]
    fn the_format_is_written_and_read_as_it_was() {
        assert_eq!(ApplicationBindings::from_text(FIRST).unwrap(), whole());
        let written = serde_json::to_string_pretty(&whole()).unwrap() + "\n";
        assert_eq!(written, FIRST, "a change of the format needs a version of its own");
    }

    #[test]
    fn a_consumer_of_an_unknown_kind_survives() {
        let later = FIRST.replace("key_vault_secret", "kind_of_tomorrow");
        let read = ApplicationBindings::from_text(&later).unwrap();
        assert_eq!(read.consumers[3].consumer.kind(), "kind_of_tomorrow");
        assert_eq!(serde_json::to_string_pretty(&read).unwrap() + "\n", later);
    }

    #[test]
    fn a_later_format_is_refused_whatever_else_it_says() {
        let error = ApplicationBindings::from_text(r#"{"version":2,"consumers":7}"#).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Unsupported, Some("bindings.version")));
    }

    /// A known kind that is misspelt inside must not pass as an unknown one.
    #[test]
    fn what_are_no_bindings_are_corrupt() {
        for (from, to) in [
            ("\"organization\"", "\"organisation\""),
            ("\"connection\": \"shop\"", "\"connection\": \"no name\""),
            ("\"kind\": \"own_record\"", "\"kind\": \"own_record\", \"more\": 1"),
            ("\"kind\": \"own_record\"", "\"kind\": 7"),
            ("\"required\": true", "\"requierd\": true"),
        ] {
            let bad = FIRST.replacen(from, to, 1);
            assert_ne!(bad, FIRST);
            assert_eq!(ApplicationBindings::from_text(&bad).unwrap_err().kind(), ErrorKind::Corrupt, "{to}");
        }
    }

    #[test]
    fn a_consumer_is_bound_once_whatever_the_case_of_its_organization() {
        let mut again = service_connection();
        again.organization = "contoso".to_owned();
        again.project = "Ops".to_owned();
        let rebound = whole().with(Binding::new(BoundConsumer::ServiceConnection(again.clone())));
        assert_eq!(rebound.consumers.len(), whole().consumers.len());
        let mut twice = whole();
        twice.consumers.push(Binding::new(BoundConsumer::ServiceConnection(again)));
        let error = twice.check().unwrap_err();
        assert_eq!(error.field(), Some("consumers[4]"));
        assert!(twice.document_labels().is_err());
        let name = twice.consumers[0].consumer.name(twice.application);
        assert_eq!(whole().without(&name).consumers.len(), 3);
        assert_eq!(whole().of(&name), whole().consumers.first());
        assert_eq!(whole().without(&name).of(&name), None);
    }

    #[test]
    fn a_kind_of_the_products_own_must_not_be_one_of_ours() {
        for kind in ["own_record", "own", "devops", "connection", "Key", "", "key vault"] {
            assert_eq!(OtherConsumer::new(kind, Default::default()).unwrap_err().field(), Some("consumer.kind"));
        }
    }
}

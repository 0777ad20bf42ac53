//! What a look finds out about the subject itself.

use azconnect_core::{Error, KeyId};
use azconnect_credential::{Check, CheckReport, FoundConsumers, Inventory, KeyHolder};
use time::OffsetDateTime;

use super::{Fate, PlannedKey, PlannedSink};
use crate::moment::between;
use crate::naming::is_marker;
use crate::policy::PolicyFault;
use crate::state::RotationState;
use crate::target::Target;

/// How far a clock may be behind the journal before anybody is told.
const SKEW: std::time::Duration = std::time::Duration::from_secs(60);

/// What the checks are about.
pub(super) struct Facts<'a> {
    pub(super) target: &'a Target,
    pub(super) state: &'a RotationState,
    pub(super) inventory: &'a Inventory,
    pub(super) keys: &'a [PlannedKey],
    pub(super) sinks: &'a [PlannedSink],
    pub(super) found: &'a Result<FoundConsumers, Error>,
    pub(super) now: OffsetDateTime,
}

impl Facts<'_> {
    pub(super) fn checks(&self) -> CheckReport {
        let mut checks = CheckReport::new();
        checks.extend(self.room());
        checks.extend(self.own_credential());
        checks.extend(self.application_unseen());
        checks.extend(self.adopted_but_missing());
        checks.extend(self.removed_by_hand());
        checks.extend(self.unknown_markers());
        checks.extend(self.nothing_to_retire());
        checks.extend(self.no_consumer());
        checks.extend(self.unbound());
        checks.extend(self.clock_set_back());
        checks
    }

    fn goes(&self) -> impl Iterator<Item = &PlannedKey> {
        self.keys.iter().filter(|key| key.fate == Fate::Retire)
    }

    fn room(&self) -> Option<Check> {
        let on_application = self.inventory.keys.iter().filter(|key| key.holder != KeyHolder::ServicePrincipal).count();
        self.inventory.key_limit.filter(|limit| on_application >= *limit).map(|limit| {
            Check::failed(
                "no-room-for-a-key",
                "room for a key",
                format!("it holds {on_application} secrets, and may hold {limit} at once"),
                "remove a secret that nobody uses, so that the old and the new one can live side by side",
            )
        })
    }

    fn own_credential(&self) -> Option<Check> {
        let bound = self.sinks.iter().any(|sink| sink.required && sink.report.is_issuers_own);
        (self.inventory.issuer_signs_in_with_these && !bound).then(|| {
            Check::failed(
                "own-credential-unbound",
                "the orchestrator's own credential",
                "the orchestrator itself signs in with a secret of this application",
                "bind the orchestrator's own credential as a required consumer, or rotate with another application",
            )
        })
    }

    fn adopted_but_missing(&self) -> impl Iterator<Item = Check> {
        let missing = self.target.adopted.iter().filter(|key| self.inventory.key(**key).is_none());
        let complete = self.inventory.is_complete();
        missing.map(move |key| match complete {
            true => Check::unknown(
                "adopted-key-missing",
                "adopted keys",
                format!("the adopted key {key} is not listed"),
                "check the key id; it may have been removed already",
            )
            .as_warning(),
            // It may be there, and would stay for good.
            false => Check::failed(
                "adopted-key-unseen",
                "adopted keys",
                format!("the adopted key {key} is not listed, and not everything that may hold it could be read"),
                "let the orchestrator read the application and its service principal, or check the key id",
            ),
        })
    }

    /// Whether the list says anything about the keys that are minted.
    fn application_unseen(&self) -> Option<Check> {
        (!self.inventory.saw(KeyHolder::Application)).then(|| {
            Check::failed(
                "keys-unseen",
                "keys",
                "the keys of the application could not be read",
                "let the orchestrator read the application, and look again",
            )
        })
    }

    /// A key of ours that lists have shown, and that this one does not show.
    fn removed_by_hand(&self) -> impl Iterator<Item = Check> {
        let seen = |key: &KeyId| self.state.ledger.get(key).is_some_and(|known| known.marker.is_some() && known.listed);
        let missing = self.keys.iter().map(|key| key.issued.key).filter(move |key| {
            seen(key) && !self.state.removals.contains_key(key) && self.inventory.key(*key).is_none()
        });
        missing.filter(|_| self.inventory.is_complete()).map(|key| {
            Check::unknown(
                "our-key-missing",
                "keys of ours",
                format!("the key {key}, minted here, is listed no longer: it seems to have been removed by hand"),
                "if its consumers fail, rotate now: they receive a new secret",
            )
            .as_warning()
        })
    }

    /// A key under a name that only this library gives, and that this journal has never recorded.
    fn unknown_markers(&self) -> impl Iterator<Item = Check> {
        let unknown = self.inventory.keys.iter().filter(|issued| {
            let name = issued.display_name.as_deref();
            name.is_some_and(|name| is_marker(name) && !self.state.knows_marker(name))
                && !self.state.ledger.contains_key(&issued.key)
                && !self.target.adopted.contains(&issued.key)
        });
        unknown.map(|issued| {
            Check::unknown(
                "unknown-marker",
                "keys of ours",
                format!(
                    "the key {} carries a name that a rotation gave, and this journal does not know it: the journal was \
                     lost or restored from an older copy, or another product rotates this application too",
                    issued.key
                ),
                "let one product rotate an application; once nobody uses that key, adopt it or remove it by hand",
            )
            .as_warning()
        })
    }

    fn nothing_to_retire(&self) -> Option<Check> {
        self.goes().next().is_none().then(|| {
            Check::passed(
                "nothing-to-retire",
                "keys to retire",
                "no secret of it is ours or adopted, so none will be removed",
            )
            .with_remedy("adopt the key that the consumers hold now, if it should go after the rotation")
        })
    }

    /// Nobody would take the new secret. Where a key would go, whoever uses that one would be left without.
    fn no_consumer(&self) -> Option<Check> {
        let taken = self.sinks.iter().any(|sink| sink.required || sink.report.accepts());
        if taken || self.state.rotation.is_some() {
            return None;
        }
        let check = match self.goes().next() {
            Some(_) if !self.target.without_consumers => Check::failed(
                "no-consumer",
                "consumers",
                "a secret would be removed, and nobody would receive the new one",
                "bind the consumers of the secret, or say by name that there are none",
            ),
            _ => Check::passed("no-consumer", "consumers", "nobody would receive the new secret")
                .with_remedy("bind the consumers of the secret: whoever is not bound keeps the old one")
                .as_warning(),
        };
        Some(check)
    }

    /// Whoever uses the secret and is not bound keeps the old one.
    fn unbound(&self) -> Vec<Check> {
        let found = match self.found {
            Ok(found) => found,
            Err(error) => {
                return vec![Check::unknown_by("consumers-not-searched", "other consumers", error).as_warning()];
            }
        };
        let bound = |sink| self.target.sinks.iter().any(|binding| binding.sink.id() == sink);
        let unbound = found.consumers.iter().filter(|consumer| !bound(&consumer.sink)).map(|consumer| {
            Check::failed(
                "unbound-consumer",
                "other consumers",
                format!("{} uses a secret of this application, and is not bound", consumer.title),
                "bind it too, unless it uses a secret that stays",
            )
            .as_warning()
        });
        unbound.chain(found.checks.iter().cloned()).collect()
    }

    fn clock_set_back(&self) -> Option<Check> {
        let behind = between(self.now, self.state.recorded_at?);
        (behind > SKEW).then(|| {
            Check::unknown(
                "clock-set-back",
                "this machine's clock",
                format!("it is {} s behind the last entry of the journal", behind.as_secs()),
                "set the clock of this machine, or of the one that wrote the entry: grace and proofs go by it",
            )
            .as_warning()
        })
    }
}

pub(super) fn too_short(fault: PolicyFault) -> Check {
    Check::failed_by("lifetime-too-short", "life of secrets", &fault.into()).with_cause(fault.to_string())
}

//! Events in words, for a progress display or a table of evidence.

use azconnect_credential::{Retirement, SinkId};

use crate::event::{RemovalCause, RotationEvent};

impl RotationEvent {
    /// What was done, in a few words.
    pub fn step(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "begin",
            Self::Resumed => "resume",
            Self::Unblocked => "unblock",
            Self::Retried => "try again",
            Self::SinkLeftOut { .. } => "leave out",
            Self::TakenAsIs { .. } => "take as it is",
            Self::Abandoned => "abandon",
            Self::Disconnected => "disconnect",
            Self::Unadopted { .. } => "adopted no longer",
            Self::MintIntended { .. } => "mint: intend",
            Self::MintRefused { .. } => "mint: refused",
            Self::MintUnanswered { .. } => "mint: no answer",
            Self::Minted { .. } => "mint and seal",
            Self::MarkerAbsent { .. } | Self::MarkerUnread { .. } => "look for a lost secret",
            Self::MarkerWatched { .. } => "watch for a lost secret",
            Self::MarkerDropped { .. } => "end the watch",
            Self::ProofDeferred { .. } => "prove: not yet",
            Self::Proven { .. } => "prove",
            Self::PushIntended { .. } => "push: intend",
            Self::Pushed { .. } => "push",
            Self::PushFailed { .. } => "push: failed",
            Self::SinkVerified { .. } => "verify",
            Self::SinkUnverified { .. } => "verify: not yet",
            Self::SinkGivenUp { .. } => "give up",
            Self::SinkJoined { .. } => "join",
            Self::SinkRebound { .. } => "other terms",
            Self::CutOver => "cut over",
            Self::Cleared { .. } => "prove again",
            Self::GateHeld { .. } => "prove again: not yet",
            Self::SinkDisproved { .. } => "prove again: changed",
            Self::RemovalIntended { cause: RemovalCause::Superseded, .. } => "retire: intend",
            Self::RemovalIntended { .. } => "clean up: intend",
            Self::RemovalAnswered { .. } => "remove",
            Self::RemovalFailed { .. } => "remove: failed",
            Self::KeyRead { .. } => "look whether it is gone",
            Self::Removed { .. } => "gone",
            Self::Forgotten { .. } => "forget",
            Self::RollbackBegun { .. } => "turn back",
            Self::OldProven { .. } => "prove the old secret",
            Self::OldUnproven { .. } => "prove the old secret: not yet",
            Self::Restored { .. } => "give back",
            Self::RestoreFailed { .. } => "give back: failed",
            Self::BackCleared { .. } => "prove the way back",
            Self::BackHeld { .. } => "prove the way back: not yet",
            Self::RestoreUndone { .. } => "prove the way back: changed",
            Self::Blocked { .. } => "blocked",
            Self::Rotated => "done",
            Self::RolledBack { .. } => "rolled back",
        }
    }

    /// The consumer it is about, where it is about one.
    pub fn sink(&self) -> Option<&SinkId> {
        match self {
            Self::Pushed { sink, .. }
            | Self::PushFailed { sink, .. }
            | Self::SinkVerified { sink, .. }
            | Self::SinkUnverified { sink, .. }
            | Self::SinkGivenUp { sink }
            | Self::SinkDisproved { sink, .. }
            | Self::Restored { sink, .. }
            | Self::RestoreFailed { sink, .. }
            | Self::RestoreUndone { sink, .. }
            | Self::SinkLeftOut { sink } => Some(sink),
            Self::SinkJoined { terms } | Self::SinkRebound { terms } => Some(&terms.sink),
            _ => None,
        }
    }

    /// What shows that it was done, or why it was not. One line, without any secret.
    pub fn proof(&self) -> String {
        match self {
            Self::Begun { title, sinks, retire, .. } => {
                format!("{title}: {}, {} to retire", count(sinks.len(), "consumer"), count(retire.len(), "old key"))
            }
            Self::Resumed => "the one before is fenced off".to_owned(),
            Self::Unblocked => "by a person".to_owned(),
            Self::Retried => "the cause may have passed".to_owned(),
            Self::SinkLeftOut { .. } => "by a person: nothing more is proved of it".to_owned(),
            Self::TakenAsIs { sinks } => format!("by a person, without proof of {}", count(sinks.len(), "consumer")),
            Self::Abandoned => "by a person: what consumers may hold stays alive".to_owned(),
            Self::Disconnected => "every sealed copy is destroyed; the keys stay where they are".to_owned(),
            Self::Unadopted { key } => format!("key {key} stays"),
            Self::MintIntended { marker, .. } => format!("recorded before the request: {marker}"),
            Self::Minted { key, ends_at, .. } => format!("key {key}, until {}", ends_at.date()),
            Self::MarkerAbsent { marker } => format!("not listed: {marker}"),
            Self::MarkerWatched { marker, until } => format!("{marker}, until {until}"),
            Self::MarkerDropped { marker } => format!("never listed: {marker}"),
            Self::Proven { evidence }
            | Self::Cleared { evidence }
            | Self::OldProven { evidence }
            | Self::BackCleared { evidence }
            | Self::Pushed { evidence, .. }
            | Self::SinkVerified { evidence, .. }
            | Self::Restored { evidence, .. } => evidence.clone(),
            Self::PushIntended { sinks } => count(sinks.len(), "consumer"),
            Self::SinkGivenUp { .. } => "tried often enough, and not required".to_owned(),
            Self::SinkJoined { terms } => format!("{} was bound meanwhile, and takes part", terms.title),
            Self::SinkRebound { terms } if terms.required => format!("{} is required now", terms.title),
            Self::SinkRebound { terms } => format!("{} is optional now", terms.title),
            Self::CutOver => "every required consumer has proof; the grace begins".to_owned(),
            Self::RemovalIntended { key, .. } => format!("key {key}"),
            Self::RemovalAnswered { key, answer: Retirement::Accepted } => format!("key {key}: accepted"),
            Self::RemovalAnswered { key, answer: Retirement::NotListed } => format!("key {key}: not listed"),
            Self::RemovalFailed { key, problem } => format!("key {key}: {problem}"),
            Self::KeyRead { key, listed: true } => format!("key {key}: still listed"),
            Self::KeyRead { key, listed: false } => format!("key {key}: not listed"),
            Self::Removed { key } => format!("key {key}: absent in spaced reads"),
            Self::Forgotten { key } => format!("the sealed copy of key {key} is destroyed"),
            Self::MintRefused { problem, .. }
            | Self::MintUnanswered { problem, .. }
            | Self::MarkerUnread { problem, .. }
            | Self::ProofDeferred { problem }
            | Self::GateHeld { problem }
            | Self::PushFailed { problem, .. }
            | Self::SinkUnverified { problem, .. }
            | Self::SinkDisproved { problem, .. }
            | Self::OldUnproven { problem }
            | Self::RestoreFailed { problem, .. }
            | Self::BackHeld { problem }
            | Self::RestoreUndone { problem, .. }
            | Self::RollbackBegun { problem }
            | Self::Blocked { problem }
            | Self::RolledBack { problem } => problem.to_string(),
            Self::Rotated => "the new secret is in place, and the old one is gone".to_owned(),
        }
    }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

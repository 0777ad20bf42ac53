//! What may go wrong, and where.

use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry};

/// What a call is, as far as it decides what can go wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Inventory,
    Mint,
    Retire,
    Verify,
    Inspect,
    Push,
    VerifySink,
    Append,
    Read,
    Put,
    Get,
    Forget,
    Acquire,
    Renew,
    Release,
}

impl Kind {
    /// Whether it changes nothing, so that its failure has no effect.
    pub fn is_read(self) -> bool {
        matches!(self, Self::Inventory | Self::Inspect | Self::Read | Self::Get | Self::Verify | Self::VerifySink)
    }

    /// Whether a service answers it, and not our own store.
    pub fn is_remote(self) -> bool {
        self <= Self::VerifySink
    }
}

/// Something that happens at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Luck {
    /// The process dies before the call.
    CrashBefore,
    /// The process dies when the call has had its effect.
    CrashAfter,
    /// The process sleeps just before the call and wakes when another one has done its work.
    Suspended,
    /// The connection breaks before the request arrives.
    Dropped,
    /// The request is carried out and its answer is lost.
    AnswerLost,
    /// No answer ever comes.
    Hangs,
    /// The service refuses.
    Refused(ErrorKind),
    /// The service asks to come back in an hour.
    Throttled,
    /// A check says that the secret is refused, although it is not.
    Rejects,
    /// An inventory cannot see who holds the keys, and shows none.
    Unseen,
    /// A person removes the secret that the consumers held at first.
    DeletesOld,
    /// A person removes the newest secret of ours.
    DeletesNew,
    /// A person puts the first secret back into a consumer.
    PutsOldBack,
    /// A person takes the adoption of the first secret back.
    Unadopts,
}

impl Luck {
    /// Everything that can happen at a call of a kind.
    pub fn at(kind: Kind) -> Vec<Self> {
        let mut all = vec![Self::CrashBefore, Self::CrashAfter, Self::Suspended, Self::Dropped, Self::Hangs];
        if !kind.is_read() {
            all.push(Self::AnswerLost);
        }
        if kind.is_remote() {
            all.extend([Self::DeletesOld, Self::DeletesNew, Self::PutsOldBack, Self::Unadopts]);
            all.push(Self::Throttled);
            let refusals = [ErrorKind::PermissionDenied, ErrorKind::NotFound, ErrorKind::Conflict];
            all.extend(refusals.map(Self::Refused));
        }
        match kind {
            Kind::Inventory => all.push(Self::Unseen),
            Kind::Verify | Kind::VerifySink => all.push(Self::Rejects),
            _ => {}
        }
        all
    }

    /// Whether a person does it.
    pub fn is_by_hand(self) -> bool {
        matches!(self, Self::DeletesOld | Self::DeletesNew | Self::PutsOldBack | Self::Unadopts)
    }

    /// The error that the caller sees.
    pub fn error(self, kind: Kind) -> Error {
        let error = match self {
            Self::Refused(refusal) => Error::new(refusal, "refused").with_effect(Effect::None),
            Self::Throttled => Error::new(ErrorKind::Throttled, "too many requests")
                .with_effect(Effect::None)
                .with_retry(Retry::After(Duration::from_secs(3600))),
            Self::AnswerLost => Error::new(ErrorKind::Timeout, "no answer came"),
            _ => Error::new(ErrorKind::Unavailable, "the connection broke"),
        };
        if kind.is_read() { error.with_effect(Effect::None) } else { error }
    }
}

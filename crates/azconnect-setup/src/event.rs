//! What is intended and what has happened in a setup.

use azconnect_core::{ApplicationObjectId, ClientId, KeyId, PrincipalObjectId, SecretId};
use azconnect_credential::Marker;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::blocked::SetupBlocked;
use crate::part::Part;
use crate::spec::SetupSpec;

/// How the credential was tried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Proof {
    /// The new secret signed in.
    SignedIn,
    /// Only whoever holds the private key, or speaks as the trusted subject, can sign in.
    NotTried,
}

/// An event of a setup, durable before the next effect. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SetupEvent {
    /// The setup begins. Before anything is sent, so that what the marker is found on is known to be ours.
    Begun {
        /// What is to be set up.
        spec: Box<SetupSpec>,
        /// What everything that is made carries.
        marker: Marker,
    },
    /// An application is about to be registered.
    RegistrationIntended,
    /// The application is there.
    Registered {
        /// Its object id.
        object: ApplicationObjectId,
        /// Its client id.
        client: ClientId,
        /// Whether this setup made it.
        made: bool,
    },
    /// A part was not there, and is about to be given.
    PartIntended {
        /// The part.
        part: Part,
    },
    /// A part is there.
    PartStands {
        /// The part.
        part: Part,
        /// Whether this setup made it.
        made: bool,
        /// The object id of the service principal, where this part is that one.
        principal: Option<PrincipalObjectId>,
    },
    /// A consent was refused, and is left to an administrator.
    ConsentLeft {
        /// The part.
        part: Part,
        /// What is missing, and who can give it.
        blocked: SetupBlocked,
    },
    /// A secret is about to be minted under a marker.
    MintIntended {
        /// The marker.
        marker: Marker,
        /// The name under which it will be sealed.
        secret: SecretId,
        /// When it is to end.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
    /// The secret was minted and lies sealed.
    Minted {
        /// Its public id.
        key: KeyId,
        /// When it ends.
        #[serde(with = "time::serde::rfc3339")]
        ends_at: OffsetDateTime,
    },
    /// What became of a mint is not known: whatever carries its marker is removed, now and later.
    MintAbandoned,
    /// Nothing that carries the marker of an abandoned mint is listed, after spaced readings.
    Swept,
    /// A step was refused.
    Blocked {
        /// What is missing, and who can give it.
        blocked: SetupBlocked,
    },
    /// The credential works, as far as can be tried, and the role is seen.
    Proven {
        /// How it was tried.
        proof: Proof,
    },
    /// All of it stands.
    Finished,
    /// It is taken back from now on.
    UndoBegun,
    /// A part is gone, or was left.
    PartTaken {
        /// The part.
        part: Part,
        /// Why it was left, if it was.
        left: Option<String>,
    },
    /// The application is gone, or was left.
    ApplicationTaken {
        /// Why it was left, if it was.
        left: Option<String>,
    },
    /// Everything that was made is gone, but for what was left.
    Undone,
}

impl SetupEvent {
    /// The stable name of the event's kind.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Begun { .. } => "begun",
            Self::RegistrationIntended => "registration_intended",
            Self::Registered { .. } => "registered",
            Self::PartIntended { .. } => "part_intended",
            Self::PartStands { .. } => "part_stands",
            Self::ConsentLeft { .. } => "consent_left",
            Self::MintIntended { .. } => "mint_intended",
            Self::Minted { .. } => "minted",
            Self::MintAbandoned => "mint_abandoned",
            Self::Swept => "swept",
            Self::Blocked { .. } => "blocked",
            Self::Proven { .. } => "proven",
            Self::Finished => "finished",
            Self::UndoBegun => "undo_begun",
            Self::PartTaken { .. } => "part_taken",
            Self::ApplicationTaken { .. } => "application_taken",
            Self::Undone => "undone",
        }
    }
}

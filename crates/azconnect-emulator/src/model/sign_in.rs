//! What the sign-in of people leaves behind: browsers in which somebody is signed in, codes, refresh tokens, waiting devices.

use std::collections::VecDeque;

use time::OffsetDateTime;
use uuid::Uuid;

use super::directory::Epochs;
use super::shelf::Shelf;

/// How many sign-ins one browser may have open at once; the oldest is forgotten.
const OPEN_FLOWS: usize = 20;

/// Everything of one world.
#[derive(Default)]
pub(crate) struct SignIns {
    pub(crate) browsers: Shelf<Browser>,
    pub(crate) codes: Shelf<Code>,
    pub(crate) refresh_tokens: Shelf<RefreshToken>,
    pub(crate) devices: Shelf<Device>,
    /// When clients asked for tokens: how often one of them did, and how often for the same.
    pub(crate) asked: Shelf<VecDeque<std::time::Duration>>,
}

/// A person in its home tenant, whichever tenants it is a guest of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Account {
    pub(crate) tenant: Uuid,
    pub(crate) object_id: Uuid,
}

/// Somebody who has signed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presence {
    pub(crate) account: Account,
    /// Whether more than a password showed who it is.
    pub(crate) strong: bool,
    /// What held for the person then.
    pub(crate) epochs: Epochs,
}

/// A browser, known by its cookie.
pub(crate) struct Browser {
    /// What a form of this browser carries, and no other site knows.
    pub(crate) canary: String,
    pub(crate) presences: Vec<Presence>,
    flows: VecDeque<Flow>,
}

/// A sign-in that is under way in a browser.
#[derive(Clone, Default)]
pub(crate) struct Flow {
    pub(crate) id: String,
    /// Who was chosen, and has shown who it is.
    pub(crate) account: Option<Account>,
    /// Whose password is asked for.
    pub(crate) claimed: Option<Account>,
    /// Whether somebody else than those who are signed in is wanted.
    pub(crate) another: bool,
    /// Whether the person has said that this is the application that its device should be signed in to.
    pub(crate) confirmed: bool,
    /// Whether it has consented just now, and whether for everybody.
    pub(crate) consented: Option<ForWhom>,
    /// Why the page is shown again.
    pub(crate) complaint: Option<String>,
}

/// For whom a person consents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForWhom {
    Oneself,
    Everybody,
}

impl Browser {
    pub(crate) fn new(canary: String) -> Self {
        Self { canary, presences: Vec::new(), flows: VecDeque::new() }
    }

    pub(crate) fn begin(&mut self, id: String) {
        if self.flows.len() >= OPEN_FLOWS {
            self.flows.pop_front();
        }
        self.flows.push_back(Flow { id, ..Flow::default() });
    }

    pub(crate) fn flow(&mut self, id: &str) -> Option<&mut Flow> {
        self.flows.iter_mut().find(|flow| flow.id == id)
    }

    pub(crate) fn end(&mut self, id: &str) {
        self.flows.retain(|flow| flow.id != id);
    }

    /// Notes that somebody has signed in now.
    pub(crate) fn enter(&mut self, presence: Presence) {
        self.presences.retain(|one| one.account != presence.account);
        self.presences.push(presence);
    }
}

/// What kind of client it is, by the address that its answers go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Web,
    Spa,
    Native,
}

/// What a person let a client do: behind every code, refresh token and device.
#[derive(Clone)]
pub(crate) struct Delegation {
    pub(crate) client: Uuid,
    pub(crate) kind: ClientKind,
    /// The tenant that was signed in to.
    pub(crate) tenant: Uuid,
    pub(crate) presence: Presence,
    /// The scopes as they were asked for.
    pub(crate) scope: String,
    pub(crate) nonce: Option<String>,
    /// Those that begin with one sign-in, and end together where reuse is punished.
    pub(crate) family: Uuid,
    /// When the person signed in for it, from which the tokens of a single-page application count their day.
    pub(crate) began: OffsetDateTime,
}

/// An authorization code.
pub(crate) struct Code {
    pub(crate) delegation: Delegation,
    pub(crate) redirect: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) expires: OffsetDateTime,
    pub(crate) used: bool,
}

/// What a code's verifier must match (RFC 7636).
#[derive(Clone)]
pub(crate) enum Challenge {
    Plain(String),
    Sha256(String),
}

/// A refresh token.
pub(crate) struct RefreshToken {
    pub(crate) delegation: Delegation,
    pub(crate) issued: OffsetDateTime,
    pub(crate) last_used: OffsetDateTime,
    pub(crate) uses: u32,
    pub(crate) revoked: bool,
}

/// A device that waits for somebody to sign in elsewhere (RFC 8628).
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) client: Uuid,
    /// The tenant as the device named it.
    pub(crate) authority: String,
    pub(crate) scope: String,
    pub(crate) expires: OffsetDateTime,
    /// The least pause between two polls, in seconds.
    pub(crate) interval: u64,
    pub(crate) last_poll: Option<OffsetDateTime>,
    pub(crate) outcome: DeviceOutcome,
}

/// What the person made of it.
pub(crate) enum DeviceOutcome {
    Waiting,
    Declined,
    Granted(Box<Delegation>),
    Redeemed,
}

//! What befalls a world: faults of calls, deeds of people, edits of the product's configuration.

use std::fmt;
use std::time::Duration;

use super::call::Call;
use super::words::Span;

/// Something that befalls a world, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// When.
    pub when: Trigger,
    /// What.
    pub what: What,
}

/// When something happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// At a time after the world's beginning.
    At(Duration),
    /// At the `nth` call of a kind that a process makes, counted from 1 over its whole life.
    Call {
        /// The number of the process.
        process: usize,
        /// The kind.
        call: Call,
        /// Which of them.
        nth: u64,
    },
    /// At the `nth` event of a kind in the journal, whoever appends it.
    Event {
        /// Its kind, such as `cut_over`.
        kind: &'static str,
        /// Which of them.
        nth: u64,
    },
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The call that triggered it goes wrong, and so do the next `times - 1` of its kind.
    Fault {
        /// How.
        fault: Fault,
        /// How many calls.
        times: u64,
    },
    /// All calls of some kinds go wrong for a while, whoever makes them.
    Outage {
        /// The part of the world that is out.
        of: Part,
        /// How its calls go wrong.
        fault: Fault,
        /// How long.
        lasts: Duration,
    },
    /// A person does something.
    Deed(Deed),
    /// Somebody edits the product's configuration.
    Edit(Edit),
    /// The clock of a process is set.
    ClockSet {
        /// The number of the process.
        process: usize,
        /// By how many seconds.
        by: i64,
    },
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The process dies before it is made.
    CrashBefore,
    /// The process dies when it was answered, before the answer is read.
    CrashAfter,
    /// The process stands still before it is made.
    SuspendBefore(Duration),
    /// The process stands still when it was answered, before the answer is read.
    SuspendAfter(Duration),
    /// It is done, and its answer is lost.
    Lost,
    /// It is not done, and nobody can tell.
    Dropped,
    /// It is provably not done: no connection, no space, no database.
    Refused,
    /// The service answers with a refusal in a documented shape.
    Status(u16),
    /// The service asks to slow down.
    Throttled(Duration),
    /// It takes long, and then it is done.
    Slow(Duration),
    /// It is on its way for so long; it is done whether or not the caller still waits.
    Late(Duration),
    /// It is not done, and never answered.
    HangBefore,
    /// It is done, and never answered.
    HangAfter,
}

/// A part of the world that can be out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Microsoft Graph.
    Graph,
    /// The service principal in Microsoft Graph, which is hidden from the product.
    Principal,
    /// The token endpoint.
    Login,
    /// Azure DevOps.
    DevOps,
    /// Writes to the journal, as on a full disk.
    Disk,
    /// The journal altogether.
    Journal,
    /// The lease.
    Lease,
    /// The store of secrets.
    Secrets,
}

/// What a person does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Removes the newest key with our marker.
    DeleteNewKey,
    /// Removes the oldest live key of those that a consumer has ever held.
    DeleteOldKey,
    /// Puts the secret that a connection held before back into it.
    PutOldBack(usize),
    /// Makes a secret by hand and puts it into a connection.
    PutHandMade(usize),
    /// Deletes a connection.
    DeleteConnection(usize),
    /// Gives a connection another description.
    TouchConnection(usize),
    /// Disables the application's service principal.
    Disable,
    /// Enables it again.
    Enable,
    /// Deletes the application.
    DeleteApplication,
    /// Takes it back out of the bin.
    RestoreApplication,
    /// Hides the service principal from the product: it may not be read, or is not there.
    Hide(bool),
    /// Lets the product see it again.
    Show,
    /// Renames the organization of Azure DevOps.
    RenameOrganization,
}

/// What is changed in the product's configuration between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Binds a connection.
    Bind(usize),
    /// Leaves a connection out.
    Unbind(usize),
    /// Makes a connection optional, or required again.
    Require(usize, bool),
    /// Adopts the key that was made by hand, or takes that back.
    Adopt(bool),
    /// Chooses other terms.
    Policy(u8),
    /// Asks for a rotation now.
    Force,
    /// Says by name that nobody needs to take the new secret.
    Waive(bool),
    /// Writes down what the organization is called now.
    FollowOrganization,
}

impl Fault {
    /// A short name without figures.
    pub fn label(self) -> &'static str {
        match self {
            Self::CrashBefore => "crash<",
            Self::CrashAfter => "crash>",
            Self::SuspendBefore(_) => "sleep<",
            Self::SuspendAfter(_) => "sleep>",
            Self::Lost => "lost",
            Self::Dropped => "drop",
            Self::Refused => "refuse",
            Self::Status(_) => "status",
            Self::Throttled(_) => "thrott",
            Self::Slow(_) => "slow",
            Self::Late(_) => "late",
            Self::HangBefore => "hang<",
            Self::HangAfter => "hang>",
        }
    }

    /// All short names, in the order of the coverage table.
    pub const LABELS: [&'static str; 13] = [
        "crash<", "crash>", "sleep<", "sleep>", "lost", "drop", "refuse", "status", "thrott", "slow", "late", "hang<",
        "hang>",
    ];
}

impl Part {
    /// Whether a call needs this part.
    pub fn is_needed_by(self, call: Call) -> bool {
        match self {
            Self::Graph => matches!(call, Call::List | Call::ListPrincipal | Call::Mint | Call::Retire | Call::Policy),
            Self::Principal => call == Call::ListPrincipal,
            Self::Login => call == Call::SignIn,
            Self::DevOps => matches!(call, Call::Look | Call::Test | Call::Write),
            Self::Disk => matches!(call, Call::Append | Call::Seal),
            Self::Journal => matches!(call, Call::Append | Call::Read),
            Self::Lease => matches!(call, Call::Acquire | Call::Renew | Call::Release),
            Self::Secrets => matches!(call, Call::Seal | Call::Open | Call::Forget),
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            Trigger::At(time) => write!(f, "after {}", Span(*time))?,
            Trigger::Call { process, call, nth } => write!(f, "at call {nth} of \"{call}\" by process {process}")?,
            Trigger::Event { kind, nth } => write!(f, "at event {nth} of \"{kind}\"")?,
        }
        write!(f, ": {}", self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { fault, times: 1 } => write!(f, "{fault}"),
            Self::Fault { fault, times } => write!(f, "{fault}, {times} times"),
            Self::Outage { of, fault, lasts } => write!(f, "{of:?} is out for {}: {fault}", Span(*lasts)),
            Self::Deed(deed) => write!(f, "{deed}"),
            Self::Edit(edit) => write!(f, "{edit}"),
            Self::ClockSet { process, by } => write!(f, "the clock of process {process} is set by {by} s"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CrashBefore => write!(f, "the process dies before the call"),
            Self::CrashAfter => write!(f, "the process dies after the call, its answer unread"),
            Self::SuspendBefore(time) => write!(f, "the process is suspended before the call, for {}", Span(*time)),
            Self::SuspendAfter(time) => write!(f, "the process is suspended after the call, for {}", Span(*time)),
            Self::Lost => write!(f, "the call is done and its answer lost"),
            Self::Dropped => write!(f, "the call is lost on its way"),
            Self::Refused => write!(f, "the call is provably not done"),
            Self::Status(status) => write!(f, "the service answers {status}"),
            Self::Throttled(time) => write!(f, "the service asks to come back in {}", Span(*time)),
            Self::Slow(time) => write!(f, "the call takes {}", Span(*time)),
            Self::Late(time) => write!(f, "the call arrives {} late, whoever waits", Span(*time)),
            Self::HangBefore => write!(f, "the call is neither done nor ever answered"),
            Self::HangAfter => write!(f, "the call is done and never answered"),
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeleteNewKey => write!(f, "a person deletes the newest key of ours"),
            Self::DeleteOldKey => write!(f, "a person deletes the oldest key that a consumer has held"),
            Self::PutOldBack(at) => write!(f, "a person puts the former secret back into connection {at}"),
            Self::PutHandMade(at) => write!(f, "a person puts a secret made by hand into connection {at}"),
            Self::DeleteConnection(at) => write!(f, "a person deletes connection {at}"),
            Self::TouchConnection(at) => write!(f, "a person describes connection {at} anew"),
            Self::Disable => write!(f, "a person disables the application"),
            Self::Enable => write!(f, "a person enables the application"),
            Self::DeleteApplication => write!(f, "a person deletes the application"),
            Self::RestoreApplication => write!(f, "a person restores the application"),
            Self::Hide(true) => write!(f, "a person forbids reading the service principal"),
            Self::Hide(false) => write!(f, "a person makes the service principal unseen"),
            Self::Show => write!(f, "a person lets the service principal be read again"),
            Self::RenameOrganization => write!(f, "a person renames the organization"),
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(at) => write!(f, "connection {at} is bound"),
            Self::Unbind(at) => write!(f, "connection {at} is unbound"),
            Self::Require(at, true) => write!(f, "connection {at} is made required"),
            Self::Require(at, false) => write!(f, "connection {at} is made optional"),
            Self::Adopt(true) => write!(f, "the hand-made key is adopted"),
            Self::Adopt(false) => write!(f, "the adoption of the hand-made key is taken back"),
            Self::Policy(which) => write!(f, "the policy becomes number {which}"),
            Self::Force => write!(f, "somebody asks for a rotation now"),
            Self::Waive(waived) => write!(f, "consumers are waived: {waived}"),
            Self::FollowOrganization => write!(f, "the organization is called by its new name"),
        }
    }
}

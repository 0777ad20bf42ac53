//! How the emulated services behave: lags, replicas, pages and the shape of refusals.

pub(crate) mod devops;
pub(crate) mod graph;
pub(crate) mod resource_manager;
pub(crate) mod sign_in;

use std::collections::BTreeSet;
use std::time::Duration;

use self::devops::DevOpsOutcome;
use self::graph::GraphSettings;
use self::resource_manager::ArmSettings;
use self::sign_in::SignInSettings;

/// How the emulator answers a request whose authentication Azure DevOps does not accept.
///
/// Azure DevOps uses all four: which one depends on the route and the client's headers, and changes from day to day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadAuthentication {
    /// 203 with the HTML of the sign-in page.
    Html203,
    /// 302 with the address of the sign-in page, `_signin`.
    Redirect302,
    /// 401 without a body, which only the status and headers explain.
    Empty401,
    /// 401 with `UnauthorizedRequestException` in JSON.
    Json401,
}

/// How the replica that answers a request is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplicaChoice {
    /// The replicas of a service take turns.
    RoundRobin,
    /// By a hash of the request's number: the same replica may answer several times in a row.
    Hashed,
}

/// What becomes of a stored secret when its service connection is written without the secret's text.
///
/// No document of the service says. Under the strict rule a client that leaves out what it was shown as `null` loses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnsentSecrets {
    /// `null` keeps it; where its key is absent, it is lost. The strict rule, and the default.
    NullKeeps,
    /// `null` is written over it; where its key is absent, it is kept.
    AbsentKeeps,
    /// Both keep it.
    AlwaysKept,
    /// Both lose it.
    AlwaysLost,
    /// `null` keeps it; where its key is absent, the update is refused.
    AbsentRefused,
}

/// How the emulator behaves. By default nothing lags, which keeps simple tests simple.
///
/// ```
/// use azconnect_emulator::Settings;
/// use std::time::Duration;
///
/// let settings = Settings::realistic().with_add_lag(Duration::from_secs(18));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    pub(crate) seed: u64,
    pub(crate) replicas: u32,
    pub(crate) replica_choice: ReplicaChoice,
    pub(crate) add_lag: Duration,
    pub(crate) remove_lag: Duration,
    pub(crate) list_lag: Duration,
    pub(crate) list_removal_lag: Option<Duration>,
    pub(crate) create_lag: Duration,
    pub(crate) token_lifetime: Duration,
    pub(crate) single_use_assertions: bool,
    pub(crate) bad_authentication: BadAuthentication,
    pub(crate) connection_lag: Duration,
    pub(crate) unsent_secrets: UnsentSecrets,
    pub(crate) conversion_lag: Duration,
    pub(crate) background_failure: Option<Box<str>>,
    pub(crate) graph: GraphSettings,
    pub(crate) devops_outcomes: BTreeSet<DevOpsOutcome>,
    pub(crate) resource_manager: ArmSettings,
    pub(crate) sign_in: SignInSettings,
    pub(crate) page_size: usize,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) bom_on_errors: bool,
    pub(crate) numeric_status_codes: bool,
    pub(crate) vault_throttling: bool,
    pub(crate) kept: usize,
}

/// How much of what is over is remembered unless another number is asked for.
const KEPT: usize = 10_000;

/// The budget of one caller at Azure DevOps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    pub(crate) requests: u32,
    pub(crate) window: Duration,
}

impl RateLimit {
    /// A budget of `requests` in a sliding `window`. Once four fifths are used, successful answers carry `Retry-After`;
    /// once all are used, the answer is 429.
    pub fn new(requests: u32, window: Duration) -> Self {
        Self { requests: requests.max(1), window }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 0,
            replicas: 3,
            replica_choice: ReplicaChoice::RoundRobin,
            add_lag: Duration::ZERO,
            remove_lag: Duration::ZERO,
            list_lag: Duration::ZERO,
            list_removal_lag: None,
            create_lag: Duration::ZERO,
            token_lifetime: Duration::from_secs(3599),
            single_use_assertions: false,
            bad_authentication: BadAuthentication::Html203,
            connection_lag: Duration::ZERO,
            unsent_secrets: UnsentSecrets::NullKeeps,
            conversion_lag: Duration::ZERO,
            background_failure: None,
            graph: GraphSettings::default(),
            devops_outcomes: BTreeSet::new(),
            resource_manager: ArmSettings::default(),
            sign_in: SignInSettings::default(),
            page_size: 100,
            rate: None,
            bom_on_errors: false,
            numeric_status_codes: false,
            vault_throttling: false,
            kept: KEPT,
        }
    }
}

impl Settings {
    /// Lags as people report them: a new secret is accepted everywhere after 8 s and listed after 4 s, a removed one
    /// is refused everywhere after 5 s, and a created service connection is ready after 3 s.
    pub fn realistic() -> Self {
        Self::default()
            .with_add_lag(Duration::from_secs(8))
            .with_list_lag(Duration::from_secs(4))
            .with_remove_lag(Duration::from_secs(5))
            .with_create_lag(Duration::from_secs(2))
            .with_connection_lag(Duration::from_secs(3))
    }

    /// Sets the seed of all pseudo-random choices. Two emulators with the same number, the same start
    /// and the same requests make the same choices.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how many replicas Entra ID and Graph have; at least one.
    #[must_use]
    pub fn with_replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas.max(1);
        self
    }

    /// Sets how the replica that answers a request is chosen.
    #[must_use]
    pub fn with_replica_choice(mut self, choice: ReplicaChoice) -> Self {
        self.replica_choice = choice;
        self
    }

    /// Sets the time after which every replica of the token endpoint accepts a new secret. Some accept it earlier.
    #[must_use]
    pub fn with_add_lag(mut self, lag: Duration) -> Self {
        self.add_lag = lag;
        self
    }

    /// Sets the time after which every replica of the token endpoint refuses a removed secret.
    #[must_use]
    pub fn with_remove_lag(mut self, lag: Duration) -> Self {
        self.remove_lag = lag;
        self
    }

    /// Sets the time after which every replica of Graph lists an application with its latest changes. Until then they
    /// disagree: a list that is read again may go back to what it was.
    #[must_use]
    pub fn with_list_lag(mut self, lag: Duration) -> Self {
        self.list_lag = lag;
        self
    }

    /// Sets the time after which no replica of Graph lists a removed secret any more, where it is not the list lag.
    #[must_use]
    pub fn with_list_removal_lag(mut self, lag: Duration) -> Self {
        self.list_removal_lag = Some(lag);
        self
    }

    /// Sets the time after which a new application or service principal is known everywhere.
    #[must_use]
    pub fn with_create_lag(mut self, lag: Duration) -> Self {
        self.create_lag = lag;
        self
    }

    /// Sets how long an access token lives; 3599 s unless set.
    #[must_use]
    pub fn with_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Makes the token endpoint refuse a client assertion whose `jti` it has seen, as other servers do (RFC 7523, section
    /// 3). Microsoft's own clients send one assertion several times, so it is accepted unless this is set.
    #[must_use]
    pub fn with_single_use_assertions(mut self, single: bool) -> Self {
        self.single_use_assertions = single;
        self
    }

    /// Sets how Azure DevOps answers bad authentication.
    #[must_use]
    pub fn with_bad_authentication(mut self, shape: BadAuthentication) -> Self {
        self.bad_authentication = shape;
        self
    }

    /// Sets how long a service connection takes to become ready after its creation, and to vanish after its deletion.
    #[must_use]
    pub fn with_connection_lag(mut self, lag: Duration) -> Self {
        self.connection_lag = lag;
        self
    }

    /// Sets what an update of a service connection does to the secrets whose text it does not send.
    #[must_use]
    pub fn with_unsent_secrets(mut self, rule: UnsentSecrets) -> Self {
        self.unsent_secrets = rule;
        self
    }

    /// Sets how long the conversion of a service connection stays under way: until then it shows its former scheme.
    #[must_use]
    pub fn with_conversion_lag(mut self, lag: Duration) -> Self {
        self.conversion_lag = lag;
        self
    }

    /// Makes conversions and deletions of service connections fail in the background, after they were taken, with this
    /// text and the code `SpnOperationFailed`.
    #[must_use]
    pub fn with_background_failure(mut self, text: &str) -> Self {
        self.background_failure = Some(text.into());
        self
    }

    /// Plays the other of two outcomes at Azure DevOps, where no document says which the service has.
    #[must_use]
    pub fn with_other_outcome(mut self, outcome: DevOpsOutcome) -> Self {
        self.devops_outcomes.insert(outcome);
        self
    }

    pub(crate) fn plays(&self, outcome: DevOpsOutcome) -> bool {
        self.devops_outcomes.contains(&outcome)
    }

    /// Sets how many items a page holds if the caller does not name a size.
    #[must_use]
    pub fn with_page_size(mut self, items: usize) -> Self {
        self.page_size = items.max(1);
        self
    }

    /// Makes error bodies of Azure DevOps begin with a byte order mark, as some of the real ones do.
    #[must_use]
    pub fn with_bom_on_errors(mut self, bom: bool) -> Self {
        self.bom_on_errors = bom;
        self
    }

    /// Makes the test of a service connection answer `statusCode` as a number instead of a word. The service does both.
    #[must_use]
    pub fn with_numeric_status_codes(mut self, numeric: bool) -> Self {
        self.numeric_status_codes = numeric;
        self
    }

    /// Makes key vaults keep the published budgets of ten seconds each, and answer 429 beyond them.
    #[must_use]
    pub fn with_vault_throttling(mut self, throttles: bool) -> Self {
        self.vault_throttling = throttles;
        self
    }

    /// Sets how much of what is over is remembered, so that a long run does not grow: deleted resources in the ledger, ended
    /// operations, of which the last 1,000 stay readable in any case, deleted service connections, and the removed secrets,
    /// certificates and trusts of each object of the directory, each by itself; 10,000 unless set.
    #[must_use]
    pub fn with_kept(mut self, kept: usize) -> Self {
        self.kept = kept;
        self
    }

    /// Sets how Microsoft Graph behaves: its budgets, and what it answers where nobody has settled that.
    #[must_use]
    pub fn with_graph(mut self, settings: GraphSettings) -> Self {
        self.graph = settings;
        self
    }

    /// Sets how Azure Resource Manager behaves: its durations, lags and budgets.
    #[must_use]
    pub fn with_resource_manager(mut self, settings: ArmSettings) -> Self {
        self.resource_manager = settings;
        self
    }

    /// How long any replica may go on believing in what was removed.
    pub(crate) fn longest_removal_lag(&self) -> Duration {
        self.remove_lag.max(self.list_removal_lag.unwrap_or(self.list_lag))
    }

    /// Sets how the sign-in of people behaves, and how many token requests are answered.
    #[must_use]
    pub fn with_sign_in(mut self, settings: SignInSettings) -> Self {
        self.sign_in = settings;
        self
    }

    /// Gives callers no budget at Azure DevOps.
    #[must_use]
    pub fn without_rate_limit(mut self) -> Self {
        self.rate = None;
        self
    }

    /// Sets the budget of each caller in each organization.
    #[must_use]
    pub fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate = Some(limit);
        self
    }
}

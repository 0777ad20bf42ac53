//! How the emulated Microsoft Graph behaves: its budgets, and what to answer where nobody has settled it.

/// How many people a tenant has, by which Graph sets its budget of resource units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantSize {
    /// Under 50 people: 3,500 units in ten seconds.
    Small,
    /// From 50 to 500: 5,000 units.
    Medium,
    /// Above 500: 8,000 units.
    Large,
}

/// How Graph refuses a federated credential whose issuer and subject are trusted already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FederatedDuplicate {
    /// 409 `Request_MultipleObjectsWithSameKeyValue`.
    Conflict409,
    /// 400 `InvalidFederatedIdentityCredentialValue`.
    Invalid400,
}

/// With which status Graph refuses a kind of credential that a policy forbids, under the code
/// `CredentialTypeNotAllowedAsPerAppPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForbiddenCredential {
    /// 400.
    BadRequest400,
    /// 403.
    Denied403,
}

/// How Graph says that other changes to the directory are under way. All four were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusyAnswer {
    /// 409 `Directory_ConcurrencyViolation`.
    Conflict409,
    /// 503 `Service_ServiceUnavailable`.
    Unavailable503,
    /// 400 `Request_BadRequest`, which its text alone tells apart.
    BadRequest400,
    /// 500 for the removal of a secret; 409 for any other change.
    Error500,
}

/// How Graph refuses the removal of a secret that the answering replica does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingPassword {
    /// 400 `Request_BadRequest`, in words about the secret.
    BadRequest400,
    /// 404 `Request_ResourceNotFound`, which names the secret as the resource.
    NotFound404,
}

/// How Graph refuses a change of an object that was made moments ago. All three were seen, and pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum YoungObject {
    /// 404 `Request_ResourceNotFound`.
    NotFound404,
    /// 403 `Authorization_RequestDenied`.
    Denied403,
    /// 409 `Error_MsaAppDoesNotExist`.
    Incomplete409,
}

/// How Microsoft Graph behaves. Set it with [`Settings::with_graph`](crate::Settings::with_graph).
///
/// By default nothing is throttled, and each answer is the strict or the likelier one.
///
/// ```
/// use azconnect_emulator::Settings;
/// use azconnect_emulator::graph::{BusyAnswer, GraphSettings};
///
/// let graph = GraphSettings::default().with_throttling().with_busy_every(3, BusyAnswer::Unavailable503);
/// let settings = Settings::default().with_graph(graph);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GraphSettings {
    pub(crate) throttling: bool,
    pub(crate) tenant_size: TenantSize,
    pub(crate) names_pauses: bool,
    pub(crate) federated_duplicate: FederatedDuplicate,
    pub(crate) forbidden_credential: ForbiddenCredential,
    pub(crate) busy_every: u32,
    pub(crate) busy_answer: BusyAnswer,
    pub(crate) missing_password: MissingPassword,
    pub(crate) young_object: YoungObject,
    pub(crate) takes_pss_proofs: bool,
    pub(crate) shows_hints: bool,
    pub(crate) small_inner_error: bool,
    pub(crate) merges_nested: bool,
    pub(crate) requires_key_bytes: bool,
}

impl Default for GraphSettings {
    fn default() -> Self {
        Self {
            throttling: false,
            tenant_size: TenantSize::Small,
            names_pauses: true,
            federated_duplicate: FederatedDuplicate::Conflict409,
            forbidden_credential: ForbiddenCredential::BadRequest400,
            busy_every: 0,
            busy_answer: BusyAnswer::Conflict409,
            missing_password: MissingPassword::BadRequest400,
            young_object: YoungObject::NotFound404,
            takes_pss_proofs: false,
            shows_hints: true,
            small_inner_error: false,
            merges_nested: false,
            requires_key_bytes: false,
        }
    }
}

impl GraphSettings {
    /// Keeps the published request budgets: headers say what is used, and beyond them the answer is 429.
    #[must_use]
    pub fn with_throttling(mut self) -> Self {
        self.throttling = true;
        self
    }

    /// Keeps no request budgets.
    #[must_use]
    pub fn without_throttling(mut self) -> Self {
        self.throttling = false;
        self
    }

    /// Sets the size of every tenant, and so its budget of resource units.
    #[must_use]
    pub fn with_tenant_size(mut self, size: TenantSize) -> Self {
        self.tenant_size = size;
        self
    }

    /// Sets whether a refusal for throttling names the pause in `Retry-After`; it does unless this is set to false.
    #[must_use]
    pub fn with_named_pauses(mut self, named: bool) -> Self {
        self.names_pauses = named;
        self
    }

    /// Sets how a federated credential is refused whose issuer and subject are trusted already.
    #[must_use]
    pub fn with_federated_duplicate(mut self, answer: FederatedDuplicate) -> Self {
        self.federated_duplicate = answer;
        self
    }

    /// Sets with which status a kind of credential is refused that a policy forbids.
    #[must_use]
    pub fn with_forbidden_credential(mut self, answer: ForbiddenCredential) -> Self {
        self.forbidden_credential = answer;
        self
    }

    /// Refuses every so many'th change in a tenant, since others are under way there; none with 0.
    #[must_use]
    pub fn with_busy_every(mut self, changes: u32, answer: BusyAnswer) -> Self {
        (self.busy_every, self.busy_answer) = (changes, answer);
        self
    }

    /// Sets how the removal of a secret is refused that is not there.
    #[must_use]
    pub fn with_missing_password(mut self, answer: MissingPassword) -> Self {
        self.missing_password = answer;
        self
    }

    /// Sets how a change of an object is refused that the answering replica has not heard of yet.
    #[must_use]
    pub fn with_young_object(mut self, answer: YoungObject) -> Self {
        self.young_object = answer;
        self
    }

    /// Sets whether a proof of possession may be signed with PS256 as well as with RS256. The samples sign with RS256.
    #[must_use]
    pub fn with_pss_proofs(mut self, taken: bool) -> Self {
        self.takes_pss_proofs = taken;
        self
    }

    /// Sets whether secrets are shown with their `hint`.
    #[must_use]
    pub fn with_hints(mut self, shown: bool) -> Self {
        self.shows_hints = shown;
        self
    }

    /// Writes `innererror` in errors, and not `innerError`. The service does both.
    #[must_use]
    pub fn with_small_inner_error(mut self, small: bool) -> Self {
        self.small_inner_error = small;
        self
    }

    /// Makes a PATCH merge a property that has an inside, such as `web`, with what is there. It is replaced as a whole unless
    /// this is set, so that whoever leaves a part out loses it.
    #[must_use]
    pub fn with_nested_merged(mut self, merged: bool) -> Self {
        self.merges_nested = merged;
        self
    }

    /// Asks for the bytes of existing certificates where a collection is written: without this they may be sent back as they
    /// are shown, as `null`.
    #[must_use]
    pub fn with_key_bytes_required(mut self, required: bool) -> Self {
        self.requires_key_bytes = required;
        self
    }
}

//! How the sign-in of people behaves where the service is not known, and how much it takes.

use std::time::Duration;

use super::RateLimit;

/// What becomes of a refresh token that was used. The service leaves it good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshRule {
    /// It stays good beside the new one, as Microsoft documents. The default.
    Kept,
    /// It is refused from then on, as *best current practice for OAuth 2.0 security* (RFC 9700) lets a server do.
    SingleUse,
    /// Its second use ends the new ones as well: somebody may have stolen it.
    ReuseRevokes,
}

/// What a device hears that polls faster than it was told to. No document of the service says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DevicePolling {
    /// `authorization_pending`, as ever. The default.
    Tolerated,
    /// `slow_down`, by RFC 8628; the pause grows by five seconds each time.
    SlowDown,
    /// AADSTS50196, a loop was detected.
    LoopDetected,
}

/// How the sign-in of people behaves.
///
/// ```
/// use azconnect_emulator::{RefreshRule, Settings, SignInSettings};
///
/// let settings = Settings::default().with_sign_in(SignInSettings::default().with_refresh_rule(RefreshRule::SingleUse));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignInSettings {
    pub(crate) refresh_rule: RefreshRule,
    pub(crate) device_polling: DevicePolling,
    pub(crate) device_errors_in_200: bool,
    pub(crate) rate: Option<RateLimit>,
    pub(crate) loop_limit: Option<RateLimit>,
}

impl Default for SignInSettings {
    fn default() -> Self {
        Self {
            refresh_rule: RefreshRule::Kept,
            device_polling: DevicePolling::Tolerated,
            device_errors_in_200: false,
            rate: None,
            loop_limit: None,
        }
    }
}

impl SignInSettings {
    /// Sets what becomes of a refresh token that was used.
    #[must_use]
    pub fn with_refresh_rule(mut self, rule: RefreshRule) -> Self {
        self.refresh_rule = rule;
        self
    }

    /// Sets what a device hears that polls faster than it was told to.
    #[must_use]
    pub fn with_device_polling(mut self, polling: DevicePolling) -> Self {
        self.device_polling = polling;
        self
    }

    /// Makes a refusal of a device code request arrive with status 200, as clients have met it.
    #[must_use]
    pub fn with_device_errors_in_200(mut self, in_200: bool) -> Self {
        self.device_errors_in_200 = in_200;
        self
    }

    /// Sets how many token requests of one client in one tenant are answered in a time. Above that it is 429 with
    /// `Retry-After` and AADSTS90055.
    #[must_use]
    pub fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate = Some(limit);
        self
    }

    /// Sets how often one client may ask for the same token in a time. Above that it is AADSTS50196, a loop was detected.
    #[must_use]
    pub fn with_loop_limit(mut self, limit: RateLimit) -> Self {
        self.loop_limit = Some(limit);
        self
    }

    /// The limits that `--throttle published` turns on. Microsoft publishes none for the token endpoint: these are assumed, 600
    /// requests of a client in a minute, and 60 for the same token in five.
    #[must_use]
    pub fn with_assumed_limits(self) -> Self {
        self.with_rate_limit(RateLimit::new(600, Duration::from_secs(60)))
            .with_loop_limit(RateLimit::new(60, Duration::from_secs(300)))
    }

    /// Without any limit.
    #[must_use]
    pub fn without_limits(mut self) -> Self {
        self.rate = None;
        self.loop_limit = None;
        self
    }
}

//! An administrator consents for a whole tenant.

use std::fmt;

use azconnect_core::{Error, ErrorKind, Scope, Secret, TenantId};
use azconnect_http::with_query;
use url::Url;

use super::fields::{Fields, wrong};
use super::obstacle::Obstacle;
use super::random;
use super::redirect_uri::RedirectUri;
use crate::application::Application;

/// The consent of an administrator to an application, for a whole tenant.
///
/// Document: Microsoft's *Admin consent on the Microsoft identity platform*.
///
/// ```
/// # use std::sync::Arc;
/// # use azconnect_core::{Cloud, Scope};
/// # use azconnect_http::Pipeline;
/// # use azconnect_identity::user::{AdminConsent, AdminConsentAnswer};
/// # use azconnect_identity::{Application, Authority, PublicClient, TokenEndpoint};
/// # use azconnect_testkit::{ManualClock, fake::{Conduct, Wire}};
/// # let cloud = Cloud::public();
/// # let clock = Arc::new(ManualClock::new());
/// # let pipeline = Pipeline::new(Arc::new(Wire::new(clock.clone(), |_| Conduct::Break)), clock);
/// # let endpoint = TokenEndpoint::at(pipeline, &cloud, Authority::organizations(&cloud));
/// # let application = Application::new(endpoint, "10000000-0000-4000-8000-00000000000a".parse()?, Arc::new(PublicClient));
/// let consent = AdminConsent::new(application, "https://portal.example/consented".parse()?)?;
/// let state = AdminConsent::new_state()?;
/// let address = consent.address(Some(&Scope::of_resource("https://graph.microsoft.com")), &state);
/// assert!(address.as_str().starts_with("https://login.microsoftonline.com/organizations/v2.0/adminconsent?"));
///
/// // The browser comes back. A refusal also says `admin_consent=True`.
/// let query = format!("admin_consent=True&error=access_denied&state={}", state.expose());
/// let refusal = AdminConsentAnswer::from_query(&query)?.finish(&state).unwrap_err();
/// println!("{refusal}: {}", refusal.advice());
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdminConsent {
    application: Application,
    redirect: RedirectUri,
}

impl AdminConsent {
    /// The consent to an application, in the tenant of its authority, or in whichever the administrator belongs to.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) with the field `authority` for `common`, whose personal accounts have no administrator,
    /// and for AD FS and other providers.
    pub fn new(application: Application, redirect: RedirectUri) -> Result<Self, Error> {
        let authority = application.endpoint().authority();
        if authority.is_ad_fs() || authority.provider().is_some() || authority.to_string() == "common" {
            let why = "an administrator consents for a tenant, or for organizations";
            return Err(Error::new(ErrorKind::Unsupported, why)
                .with_effect(azconnect_core::Effect::None)
                .with_field("authority")
                .with_advice("take the authority of the tenant, or Authority::organizations"));
        }
        Ok(Self { application, redirect })
    }

    /// A new value that ties the answer to the request: keep it in the session of whoever is sent away.
    ///
    /// # Errors
    /// [`Unavailable`](ErrorKind::Unavailable) if the machine has no random numbers.
    pub fn new_state() -> Result<Secret, Error> {
        random::token()
    }

    /// The address to give an administrator. Without a scope it is for all that the application is registered with; application
    /// permissions need `.default`. Nothing is sent.
    pub fn address(&self, scope: Option<&Scope>, state: &Secret) -> Url {
        let client = self.application.client().to_string();
        let mut query = vec![("client_id", client.as_str())];
        query.extend(scope.map(|scope| ("scope", scope.as_str())));
        query.extend([("redirect_uri", self.redirect.as_str()), ("state", state.expose())]);
        with_query(self.application.endpoint().authority().admin_consent_url(), &query)
    }
}

/// What came back with the administrator's browser. Anybody can write one.
pub struct AdminConsentAnswer {
    state: Secret,
    fields: Fields,
}

/// An administrator consented, as their browser says. It is a hint to look, and no proof of anything: a sign-in as the
/// application shows that somebody in the tenant consented, and the tenant of a person who signed in shows whose it is. A consent
/// may take minutes to be known everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdminConsented {
    /// The tenant that is said to have consented. Anybody could have named another.
    pub tenant_hint: Option<TenantId>,
}

impl AdminConsentAnswer {
    /// Reads the query of the address to which the browser came back, without the `?`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `answer` for what is none.
    pub fn from_query(query: &str) -> Result<Self, Error> {
        let fields = Fields::read(query.as_bytes())?;
        let state = fields.get("state").map(Secret::new).ok_or_else(|| wrong("names no request (state)"))?;
        if fields.get("error").is_none() && fields.get("admin_consent").is_none() {
            return Err(wrong("is neither a consent nor a refusal"));
        }
        Ok(Self { state, fields })
    }

    /// Compares it with the request, and says whether an administrator consented.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) with the field `answer` if it answers another request; else the refusal, which
    /// [`Obstacle::of`] classifies: [`Declined`](Obstacle::Declined), [`AccessDenied`](Obstacle::AccessDenied),
    /// [`BlockedByPolicy`](Obstacle::BlockedByPolicy) and so on.
    pub fn finish(self, state: &Secret) -> Result<AdminConsented, Error> {
        if !self.state.same_as(state) {
            return Err(Error::invalid("answer", "it belongs to another request, or to none")
                .with_advice("open the address again, in the same browser"));
        }
        // Before all else: a refusal says `admin_consent=True` as well.
        if let Some(refusal) = self.fields.refusal() {
            return Err(match Obstacle::of(&refusal) {
                Some(_) => refusal.with_advice("ask an administrator of the tenant to open the address and to accept"),
                None => refusal,
            });
        }
        if !self.fields.get("admin_consent").is_some_and(|said| said.eq_ignore_ascii_case("true")) {
            return Err(wrong("is neither a consent nor a refusal"));
        }
        Ok(AdminConsented { tenant_hint: self.fields.get("tenant").and_then(|tenant| tenant.parse().ok()) })
    }
}

impl fmt::Debug for AdminConsentAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminConsentAnswer")
    }
}

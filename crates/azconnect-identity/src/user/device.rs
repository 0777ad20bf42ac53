//! A person signs in for a program that has no browser.

use std::fmt;
use std::time::Duration;

use azconnect_core::{Effect, Error, ErrorKind, Retry, Scope, Secret};
use azconnect_credential::entra::TokenRefusal;
use azconnect_http::{Call, Idempotency, Response, sensitive_json};
use http::StatusCode;
use serde::Deserialize;
use time::OffsetDateTime;
use url::Url;

use super::id_token;
use super::keys::{LoginKeys, is_safe_beside};
use super::obstacle::Obstacle;
use super::signed_in::SignedIn;
use super::web::require_entra;
use crate::application::Application;
use crate::endpoint::TokenAnswer;
use crate::refusal::{EntraDialect, refused};
use crate::refusal_detail::RefusalDetail;

/// What the request for a code is called in errors and spans.
const OPERATION: &str = "entra.device_code";

/// The pause between two polls where the service names none (RFC 8628, section 3.2), and what it grows by if it was too short
/// (section 3.5).
const INTERVAL: Duration = Duration::from_secs(5);

/// The longest pause between two polls, whatever the service says.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// The longest life of a code, whatever the service says. Entra ID says 15 minutes.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// The sign-in of a program that has no browser: it shows a code, and the person enters it in a browser elsewhere. The
/// application must allow public client flows.
///
/// [`start`](Self::start) gives the code, [`wait`](Self::wait) waits for the person; [`poll`](Self::poll) is one step of that, for
/// a program that waits in its own way. Cheap to clone.
///
/// Documents: Microsoft's *OAuth 2.0 device authorization grant flow*; RFC 8628.
#[derive(Clone)]
pub struct DeviceSignIn {
    application: Application,
    scope: Scope,
    keys: LoginKeys,
}

/// What a person needs to sign in for a program, and what the program waits with.
#[non_exhaustive]
pub struct DeviceCode {
    /// What the person enters.
    pub user_code: String,
    /// Where they enter it.
    pub verification_uri: Url,
    /// Both in a sentence of the service, to show as it is.
    pub message: String,
    /// When the code ends.
    pub expires_at: OffsetDateTime,
    /// How long to wait before the next poll. It may grow with each.
    pub interval: Duration,
    device_code: Secret,
    /// By the clock's elapsed time, which nobody sets.
    ends: Duration,
}

impl DeviceSignIn {
    /// The sign-in to an application with tokens for `scope`. Who signed in is asked for in any case; a refresh token only by
    /// [`Scope::with_offline_access`].
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) with the field `authority` for AD FS.
    pub fn new(application: Application, scope: Scope) -> Result<Self, Error> {
        require_entra(&application)?;
        let keys = LoginKeys::new(application.endpoint());
        Ok(Self { application, scope: scope.with_profile(), keys })
    }

    /// Asks for a code. Idempotent: a code that nobody enters ends by itself.
    ///
    /// # Errors
    /// What the login refuses, such as an application that allows no public client flows, under whatever status; effect
    /// [`None`](Effect::None).
    pub async fn start(&self) -> Result<DeviceCode, Error> {
        let endpoint = self.application.endpoint();
        let (proof, client) = (self.application.proof().await?, self.application.client().to_string());
        let mut form = vec![("client_id", client.as_str()), ("scope", self.scope.as_str())];
        form.extend(proof.fields());
        let address = endpoint.authority().device_code_url().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the provider signs in no devices")
                .with_effect(Effect::None)
                .with_field("authority")
        })?;
        let call = Call::post(OPERATION, address).with_idempotency(Idempotency::Idempotent).with_form(&form);
        let clock = endpoint.pipeline().clock();
        let asked_at = (clock.now(), clock.elapsed());
        let outcome = endpoint.pipeline().execute(call, &EntraDialect).await;
        let outcome = outcome.and_then(|answer| DeviceCode::read(&answer, endpoint.authority().login(), asked_at));
        outcome.map_err(|error| error.in_operation(OPERATION).with_effect(Effect::None))
    }

    /// Asks once whether the person has signed in; `None` if not yet. Ask again after [`DeviceCode::interval`], not before.
    ///
    /// # Errors
    /// What ends it, without an effect: [`Obstacle::of`] tells a person who declined from a code that has ended. A failure of the
    /// network or of the service is none: ask again.
    ///
    /// # Cancel safety
    /// A dropped call may have used up the sign-in.
    pub async fn poll(&self, code: &mut DeviceCode) -> Result<Option<SignedIn>, Error> {
        let endpoint = self.application.endpoint();
        if endpoint.pipeline().clock().elapsed() >= code.ends {
            return Err(ended());
        }
        // A sign-in is redeemed once, and nobody could be told by it without these.
        if let Err(error) = self.keys.published().await {
            return code.patience(error).map(|()| None);
        }
        let grant = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", code.device_code.expose()),
        ];
        // The pauses are this flow's own: the pipeline must not fill them with attempts of its own.
        let outcome = self.application.at(endpoint.without_retry()).redeem(&grant).await;
        let TokenAnswer { token, refresh, id_token } = match outcome {
            Ok(answer) => answer,
            Err(error) => return code.patience(error).map(|()| None),
        };
        let id_token = id_token.ok_or_else(|| id_token::wrong("there is none"))?;
        let person = id_token::person(&self.application, &self.keys, (&id_token, None)).await?;
        Ok(Some(SignedIn::new(self.application.client(), person, token, refresh).with_asked(&self.scope)))
    }

    /// Waits, by the clock, until the person has signed in, or declined, or the code has ended.
    ///
    /// # Errors
    /// As [`DeviceSignIn::poll`].
    ///
    /// # Cancel safety
    /// As [`DeviceSignIn::poll`].
    pub async fn wait(&self, mut code: DeviceCode) -> Result<SignedIn, Error> {
        let clock = self.application.endpoint().pipeline().clock();
        loop {
            clock.sleep(code.interval.min(code.ends.saturating_sub(clock.elapsed()))).await;
            if let Some(signed_in) = Box::pin(self.poll(&mut code)).await? {
                return Ok(signed_in);
            }
        }
    }
}

impl fmt::Debug for DeviceSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceSignIn")
            .field("application", &self.application)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Wire {
    user_code: String,
    device_code: Secret,
    verification_uri: Url,
    expires_in: u32,
    #[serde(default)]
    interval: Option<u32>,
    #[serde(default)]
    message: Option<String>,
}

impl DeviceCode {
    fn read(answer: &Response, login: &Url, (now, elapsed): (OffsetDateTime, Duration)) -> Result<Self, Error> {
        let Ok(wire) = sensitive_json::<Wire>(answer) else {
            // Some refusals come with the status of a success.
            let refusal = TokenRefusal::read(answer.body());
            return Err(match refusal.error {
                Some(_) => refused(&refusal, StatusCode::BAD_REQUEST),
                None => unreadable(),
            });
        };
        // The person is told to go there: nothing but a page over TLS, or on this machine where the login is.
        let is_page = is_safe_beside(login, &wire.verification_uri);
        let is_code = !wire.device_code.is_empty() && wire.user_code.chars().all(|c| c.is_ascii_graphic());
        if !is_page || !is_code || wire.user_code.is_empty() || wire.user_code.len() > 64 {
            return Err(unreadable());
        }
        let life = Duration::from_secs(wire.expires_in.into()).min(LONGEST_LIFE);
        let interval = wire.interval.map_or(INTERVAL, |seconds| Duration::from_secs(seconds.into()));
        let own = format!("Open {} and enter the code {}.", wire.verification_uri, wire.user_code);
        let told = wire.message.filter(|message| message.len() <= 1000 && !message.contains(char::is_control));
        Ok(Self {
            message: told.unwrap_or(own),
            user_code: wire.user_code,
            verification_uri: wire.verification_uri,
            expires_at: now.saturating_add(time::Duration::try_from(life).unwrap_or(time::Duration::MAX)),
            interval: interval.clamp(Duration::from_secs(1), LONGEST_INTERVAL),
            device_code: wire.device_code,
            ends: elapsed.saturating_add(life),
        })
    }

    /// Whether to go on after a refusal. The service's number comes second to its word: one number stands for *too fast* in one
    /// place and for something else in another.
    fn patience(&mut self, error: Error) -> Result<(), Error> {
        let word = RefusalDetail::of(&error).and_then(RefusalDetail::word);
        match word {
            Some("authorization_pending") => Ok(()),
            Some("expired_token") => Err(ended().with_source(error)),
            // `slow_down` and a detected loop are throttles; an outage passes.
            _ if matches!(error.kind(), ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::Timeout) => {
                self.slow_down()
            }
            _ => Err(match Obstacle::of(&error) {
                Some(Obstacle::Declined) => error,
                Some(obstacle) => error.with_advice(obstacle.advice()),
                None => error,
            }),
        }
    }

    fn slow_down(&mut self) -> Result<(), Error> {
        self.interval = self.interval.saturating_add(INTERVAL).min(LONGEST_INTERVAL);
        Ok(())
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not even the code of the person: whoever knows it can finish the sign-in with an account of their own.
        f.debug_struct("DeviceCode").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Unauthenticated, "the device's code has ended before anybody entered it")
        .with_effect(Effect::None)
        .with_retry(Retry::No)
        .with_service_code("expired_token")
        .with_advice("start again with a new code")
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Unexpected, "the answer holds no code for a device").with_retry(Retry::No)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(body: String) -> Result<DeviceCode, Error> {
        let login = "https://login.microsoftonline.com/".parse().unwrap();
        DeviceCode::read(&http::Response::new(body.into()), &login, (OffsetDateTime::UNIX_EPOCH, Duration::ZERO))
    }

    fn documented() -> serde_json::Value {
        json!({"user_code": "ABCDEFGHJ", "device_code": "s3cr3t", "verification_uri": "https://microsoft.com/devicelogin",
               "expires_in": 900, "interval": 5, "message": "To sign in, …"})
    }

    #[test]
    fn the_documented_answer_is_read_within_bounds() {
        let code = read(documented().to_string()).unwrap();
        assert_eq!((code.user_code.as_str(), code.interval), ("ABCDEFGHJ", INTERVAL));
        assert_eq!(code.expires_at, OffsetDateTime::UNIX_EPOCH + Duration::from_secs(900));
        let mut odd = documented();
        (odd["interval"], odd["expires_in"], odd["message"]) = (json!(0), json!(4_000_000_000_u32), json!("a\nb"));
        let code = read(odd.to_string()).unwrap();
        assert_eq!((code.interval, code.ends), (Duration::from_secs(1), LONGEST_LIFE));
        assert!(code.message.contains("ABCDEFGHJ"));
    }

    #[test]
    fn a_refusal_with_the_status_of_a_success_is_one() {
        let error = read(json!({"error": "invalid_client", "error_codes": [7_000_218]}).to_string()).unwrap_err();
        assert_eq!(error.service_code(), Some("AADSTS7000218"));
    }

    #[test]
    fn what_would_send_a_person_elsewhere_is_no_answer() {
        for (name, value) in [
            ("verification_uri", json!("javascript:alert(1)")),
            ("verification_uri", json!("/relative")),
            ("verification_uri", json!("http://microsoft.com/devicelogin")),
            ("verification_uri", json!("http://127.0.0.1/devicelogin")),
            ("user_code", json!("")),
            ("user_code", json!("A\u{1b}[2J")),
            ("device_code", json!("")),
            ("expires_in", json!(-1)),
        ] {
            let mut other = documented();
            other[name] = value;
            let error = read(other.to_string()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unexpected, "{other}");
            assert!(!format!("{error} {error:?}").contains("s3cr3t"));
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in ".{0,200}", seconds in any::<i64>()) {
            drop(read(body));
            let mut odd = documented();
            (odd["interval"], odd["expires_in"]) = (json!(seconds), json!(seconds));
            drop(read(odd.to_string()));
        }
    }
}

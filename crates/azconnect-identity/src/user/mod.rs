//! A person signs in: once in a browser or beside a device, and from then on without them.
//!
//! | Part | Does |
//! |---|---|
//! | [`WebSignIn`] | sends a browser to the login, and finishes what comes back: who it is, an access token, a refresh token |
//! | [`UserTokenSource`] | tokens in a person's name without them, by the refresh token that a [`RefreshTokens`] keeps |
//! | [`DeviceSignIn`] | the sign-in of a program that has no browser |
//! | [`OnBehalfOf`] | tokens in the name of the person whose token came with a request to us |
//! | [`AdminConsent`] | the address at which an administrator consents for a whole tenant |
//! | [`AccountLinking`] | the port through which a product links people's accounts, and unlinks them |
//! | [`Obstacle`], [`LinkState`] | why there is no token, and who has to act |
//!
//! [`RefreshTokens`]: azconnect_credential::RefreshTokens

mod admin_consent;
mod answer;
mod claims;
mod device;
mod fields;
mod id_token;
mod jwt;
mod keys;
mod link_state;
mod linking;
mod obstacle;
mod on_behalf_of;
mod options;
mod pending;
mod random;
mod redirect_uri;
mod refresh;
mod signed_in;
mod turn;
mod web;

pub use admin_consent::{AdminConsent, AdminConsentAnswer, AdminConsented};
pub use answer::RedirectAnswer;
pub use claims::ClaimsChallenge;
pub use device::{DeviceCode, DeviceSignIn};
pub use link_state::LinkState;
pub use linking::{AccountLinking, PendingLink};
pub use obstacle::Obstacle;
pub use on_behalf_of::OnBehalfOf;
pub use options::{Prompt, SignInOptions};
pub use pending::PendingSignIn;
pub use redirect_uri::RedirectUri;
pub use refresh::UserTokenSource;
pub use signed_in::SignedIn;
pub use web::WebSignIn;

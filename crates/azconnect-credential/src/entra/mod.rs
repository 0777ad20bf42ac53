//! What Microsoft Entra ID's codes say about a credential: one parser, one table, one judgement.
//!
//! Entra ID answers a refused sign-in with numbers such as `AADSTS7000215`. They arrive in the answer of the token
//! endpoint, and in the words of services that signed in on somebody's behalf, such as Azure DevOps. Whoever meets one
//! reads it with [`EntraCode`] or [`TokenRefusal`], and asks [`judge`] or [`assess`] what it proves.
//!
//! ```
//! use std::time::Duration;
//!
//! use azconnect_credential::CredentialVerdict;
//! use azconnect_credential::entra::{EntraCode, PROPAGATION, judge};
//!
//! let text = "Failed to obtain the JWT. AADSTS7000215: Invalid client secret provided.";
//! let code = EntraCode::most_telling(&EntraCode::all_in(text)).unwrap();
//!
//! // A secret made a minute ago may not have reached the replica that was asked.
//! let minute = Some(Duration::from_secs(60));
//! assert_eq!(judge(code, minute, PROPAGATION).verdict, CredentialVerdict::Pending);
//! assert_eq!(judge(code, None, PROPAGATION).verdict, CredentialVerdict::Rejected);
//! ```

mod catalogue;
mod code;
mod judgement;
mod meaning;
mod token_refusal;

pub use code::EntraCode;
pub use judgement::{PROPAGATION, age, assess, is_refusal, judge};
pub use meaning::Meaning;
pub use token_refusal::TokenRefusal;

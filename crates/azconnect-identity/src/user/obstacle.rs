//! Why the login gives no token in a person's name.

use std::fmt;

use azconnect_core::{Diagnosis, Error, ErrorKind, TenantId};
use azconnect_credential::entra::EntraCode;
use serde::{Deserialize, Serialize};

use crate::refusal_detail::RefusalDetail;

/// Why the login gives no token in a person's name, for a program that has to say what happens next.
///
/// Read from the refusal's `error`, then `suberror`, then its number, which Microsoft calls subject to change.
///
/// ```
/// use azconnect_core::Error;
/// use azconnect_credential::entra::EntraCode;
/// use azconnect_identity::user::Obstacle;
///
/// let error: Error = EntraCode::new(50_173).explain();
/// assert_eq!(Obstacle::of(&error), Some(Obstacle::Revoked));
/// assert!(Obstacle::Revoked.is_solved_by_linking());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Obstacle {
    /// The person's sign-ins were ended, or an administrator reset the password.
    Revoked,
    /// What was offered was not used for too long: a refresh token for 90 days, a code for 10 minutes.
    Expired,
    /// The longest life of a sign-in has passed, used or not.
    LifeEnded,
    /// What was offered is not accepted, without a better reason.
    NotAccepted,
    /// The person must do something in the browser: a second factor, a new password, a choice of account.
    Interaction,
    /// The person has not consented to all that is asked for.
    ConsentMissing,
    /// An administrator must consent.
    AdminConsentMissing,
    /// The person declined to consent, or to let a device go on.
    Declined,
    /// The person left the page. It may have been the one that asks for an administrator's approval.
    Left,
    /// The person may not use the application, such as one who is not assigned to it.
    AccessDenied,
    /// The person's account is disabled.
    Disabled,
    /// The account does not belong to the tenant, and is no guest there.
    WrongAccount,
    /// A policy of the tenant is in the way (conditional access).
    BlockedByPolicy,
}

impl Obstacle {
    /// The obstacle behind an error; `None` for a failure that says nothing of the person, such as an outage or a wrong secret of
    /// the application.
    pub fn of(error: &Error) -> Option<Self> {
        Self::find(error.diagnosis(), RefusalDetail::of(error))
    }

    /// The obstacle behind a failure that was kept without its source. It may be less exact.
    pub fn of_diagnosis(diagnosis: &Diagnosis) -> Option<Self> {
        Self::find(diagnosis, None)
    }

    fn find(diagnosis: &Diagnosis, detail: Option<&RefusalDetail>) -> Option<Self> {
        use ErrorKind::{Throttled, Timeout, Unavailable};
        if matches!(diagnosis.kind(), Throttled | Timeout | Unavailable) {
            return None;
        }
        let code = diagnosis.service_code();
        let number = code.and_then(|code| code.parse::<EntraCode>().ok()).and_then(|code| of_number(code.number()));
        let suberror = detail.and_then(RefusalDetail::suberror).and_then(of_suberror);
        match (suberror, number) {
            // A bad token is all that the word says; the number says why.
            (None | Some(Self::NotAccepted | Self::AccessDenied), Some(number)) => Some(number),
            (Some(Self::ConsentMissing), Some(Self::AdminConsentMissing)) => Some(Self::AdminConsentMissing),
            (Some(suberror), _) => Some(suberror),
            (None, None) => detail.and_then(RefusalDetail::word).or(code).and_then(of_word),
        }
    }

    /// Whether the person can solve it by linking the account again. Else somebody else must act first.
    pub fn is_solved_by_linking(self) -> bool {
        !matches!(self, Self::AdminConsentMissing | Self::AccessDenied | Self::Disabled | Self::BlockedByPolicy)
    }

    /// What to tell the person, as an instruction in one line.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Revoked | Self::Expired | Self::LifeEnded | Self::NotAccepted => {
                "ask the person to link the account again"
            }
            Self::Interaction => "ask the person to link the account again, with a second factor where it is asked for",
            Self::ConsentMissing => {
                "ask the person to link the account again and to consent; where people may not, an administrator must"
            }
            Self::AdminConsentMissing => {
                "offer an administrator of the tenant the address of the admin consent, then link the account again"
            }
            Self::Declined => "ask the person to link the account again and to accept the permissions",
            Self::Left => {
                "let the person link the account again; if an approval was asked for, offer the address of the admin consent"
            }
            Self::AccessDenied => {
                "ask an administrator to assign the person to the application, then link the account again"
            }
            Self::Disabled => "ask an administrator to enable the account, or link another one",
            Self::WrongAccount => "link an account of this tenant, or have the person invited there as a guest",
            Self::BlockedByPolicy => {
                "ask an administrator to look at the tenant's Conditional Access policies; linking again may not help"
            }
        }
    }

    /// Whether a tenant in which the person is a guest, or is to be one, may be the one that is in the way, and not the person's
    /// own account.
    pub(super) fn is_of_tenant(self) -> bool {
        use Obstacle::{
            AccessDenied, AdminConsentMissing, BlockedByPolicy, ConsentMissing, Disabled, Interaction, WrongAccount,
        };
        matches!(
            self,
            AccessDenied
                | AdminConsentMissing
                | BlockedByPolicy
                | ConsentMissing
                | Disabled
                | Interaction
                | WrongAccount
        )
    }

    /// What to do where a tenant refuses somebody who is a guest there, or is to be one.
    pub(super) fn advice_for_guest(self, tenant: TenantId) -> String {
        match self {
            Self::ConsentMissing | Self::AdminConsentMissing => format!(
                "let the person sign in to the application at the tenant {tenant} and consent there; where people may not, offer an \
                 administrator of that tenant the address of the admin consent"
            ),
            Self::WrongAccount => {
                format!("ask an administrator of the tenant {tenant} to invite the person as a guest")
            }
            Self::Interaction => format!(
                "let the person sign in at the tenant {tenant}, and link the account there, with that tenant's authority"
            ),
            Self::AccessDenied => {
                format!("ask an administrator of the tenant {tenant} to assign the person to the application there")
            }
            Self::Disabled => {
                format!("ask an administrator to enable the account, or the guest's in the tenant {tenant}")
            }
            _ => format!(
                "ask an administrator of the tenant {tenant} to look at its Conditional Access and cross-tenant access policies"
            ),
        }
    }

    /// The stable name, such as `consent_missing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::LifeEnded => "life_ended",
            Self::NotAccepted => "not_accepted",
            Self::Interaction => "interaction",
            Self::ConsentMissing => "consent_missing",
            Self::AdminConsentMissing => "admin_consent_missing",
            Self::Declined => "declined",
            Self::Left => "left",
            Self::AccessDenied => "access_denied",
            Self::Disabled => "disabled",
            Self::WrongAccount => "wrong_account",
            Self::BlockedByPolicy => "blocked_by_policy",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn of_number(number: u32) -> Option<Obstacle> {
    Some(match number {
        50_173 => Obstacle::Revoked,
        70_008 | 700_082 | 50_089 | 70_020 => Obstacle::Expired,
        70_043 | 700_084 => Obstacle::LifeEnded,
        70_000 | 54_005 | 9_002_313 | 500_112 | 501_481 | 50_148 | 70_018 => Obstacle::NotAccepted,
        50_072 | 50_074 | 50_076 | 50_078 | 50_079 | 50_055 | 50_058 | 16_000 => Obstacle::Interaction,
        65_001 => Obstacle::ConsentMissing,
        90_094 | 90_095 => Obstacle::AdminConsentMissing,
        65_004 | 70_017 => Obstacle::Declined,
        50_105 => Obstacle::AccessDenied,
        50_057 => Obstacle::Disabled,
        50_020 | 50_034 | 500_202 => Obstacle::WrongAccount,
        // Cross-tenant access; conditional access in all its numbers.
        500_212 | 500_213 | 53_000..=53_999 | 530_000..=530_999 => Obstacle::BlockedByPolicy,
        _ => return None,
    })
}

/// The words of `suberror`, as MSAL reads them.
fn of_suberror(word: &str) -> Option<Obstacle> {
    Some(match word {
        "bad_token" | "token_expired" | "client_mismatch" => Obstacle::NotAccepted,
        "consent_required" => Obstacle::ConsentMissing,
        "basic_action" | "additional_action" | "user_password_expired" => Obstacle::Interaction,
        "message_only" => Obstacle::AccessDenied,
        "protection_policy_required" | "device_authentication_failed" => Obstacle::BlockedByPolicy,
        "cancel" => Obstacle::Left,
        _ => return None,
    })
}

fn of_word(word: &str) -> Option<Obstacle> {
    Some(match word {
        "invalid_grant" | "bad_verification_code" => Obstacle::NotAccepted,
        "expired_token" => Obstacle::Expired,
        "interaction_required" | "login_required" | "account_selection_required" => Obstacle::Interaction,
        "consent_required" => Obstacle::ConsentMissing,
        "access_denied" => Obstacle::AccessDenied,
        "authorization_declined" => Obstacle::Declined,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use azconnect_credential::entra::TokenRefusal;
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::refusal::refused;

    fn behind(word: &str, suberror: Value, number: u32) -> Option<Obstacle> {
        let body = json!({"error": word, "suberror": suberror, "error_codes": [number]});
        Obstacle::of(&refused(&TokenRefusal::read(body.to_string().as_bytes()), StatusCode::BAD_REQUEST))
    }

    #[test]
    fn each_documented_refusal_has_its_obstacle() {
        for (number, wanted) in [
            (50_173, Obstacle::Revoked),
            (700_082, Obstacle::Expired),
            (70_008, Obstacle::Expired),
            (700_084, Obstacle::LifeEnded),
            (70_043, Obstacle::LifeEnded),
            (54_005, Obstacle::NotAccepted),
            (70_000, Obstacle::NotAccepted),
            (50_076, Obstacle::Interaction),
            (50_079, Obstacle::Interaction),
            (65_001, Obstacle::ConsentMissing),
            (90_094, Obstacle::AdminConsentMissing),
            (65_004, Obstacle::Declined),
            (50_105, Obstacle::AccessDenied),
            (50_057, Obstacle::Disabled),
            (50_020, Obstacle::WrongAccount),
            (53_003, Obstacle::BlockedByPolicy),
            (530_035, Obstacle::BlockedByPolicy),
            // Of no document yet: the word decides.
            (123_456, Obstacle::NotAccepted),
        ] {
            assert_eq!(behind("invalid_grant", Value::Null, number), Some(wanted), "{number}");
        }
    }

    #[test]
    fn the_word_that_says_what_helps_goes_before_the_number() {
        assert_eq!(behind("invalid_grant", json!("consent_required"), 123_456), Some(Obstacle::ConsentMissing));
        assert_eq!(behind("invalid_grant", json!("basic_action"), 70_000), Some(Obstacle::Interaction));
        assert_eq!(behind("invalid_grant", json!("bad_token"), 700_082), Some(Obstacle::Expired));
        assert_eq!(behind("interaction_required", json!("message_only"), 53_003), Some(Obstacle::BlockedByPolicy));
        assert_eq!(behind("interaction_required", json!("unheard_of"), 123_456), Some(Obstacle::Interaction));
    }

    #[test]
    fn what_says_nothing_of_the_person_is_no_obstacle() {
        assert_eq!(behind("invalid_client", Value::Null, 7_000_215), None);
        assert_eq!(behind("temporarily_unavailable", Value::Null, 50_173), None);
        assert_eq!(Obstacle::of(&Error::new(ErrorKind::Timeout, "late")), None);
    }

    #[test]
    fn a_kept_diagnosis_still_tells_it() {
        let error = EntraCode::new(65_001).explain();
        assert_eq!(Obstacle::of_diagnosis(error.diagnosis()), Some(Obstacle::ConsentMissing));
        assert_eq!(serde_json::to_value(Obstacle::ConsentMissing).unwrap(), Obstacle::ConsentMissing.as_str());
    }
}

//! Who asks a vault, and what it may do there.

use time::Date;
use time::macros::{date, format_description};

use super::refusal;
use crate::base::call::{Call, Claim};
use crate::base::origins::vault_of_host;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::token::{Audience, TokenFault};
use crate::model::world::World;

/// The audience of tokens for every vault.
const RESOURCE: &str = "https://vault.azure.net";

/// What a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// To read secrets.
    Read,
    /// Everything.
    Write,
}

/// What a vault knows of a request whose token is good.
pub(super) struct Admitted {
    /// The vault's name in lower case.
    pub(super) name: String,
    caller: String,
    may_read: bool,
    may_write: bool,
}

impl Admitted {
    pub(super) fn of(call: &Call, world: &World) -> OrRefusal<Self> {
        let host = call.origin.split_once("://").map_or("", |(_, host)| host);
        let host = host.split(':').next().unwrap_or_default();
        let name = call.vault.clone().or_else(|| vault_of_host(host)).unwrap_or_default();
        // A vault that does not exist has no address. Whoever asks for it made a mistake in the seed.
        let vault = world.vaults.iter().find(|vault| vault.name == name).ok_or_else(Refusal::not_emulated)?;
        let challenge =
            format!(r#"Bearer authorization="{}/{}", resource="{RESOURCE}""#, call.origins.login, vault.tenant);
        let stranger = |message: &str| Err(refusal::unauthorized(message).header("www-authenticate", &challenge));
        let Claim::Bearer(text) = call.claim() else {
            return stranger("AKV10000: Request is missing a Bearer or PoP token.");
        };
        let token = match world.tokens.check(&text, &Audience::Other(RESOURCE.to_owned()), call.now.wall) {
            Ok(token) => token,
            Err(TokenFault::WrongAudience) => {
                return stranger("AKV10022: Invalid audience. Expected https://vault.azure.net.");
            }
            Err(TokenFault::Expired) => return stranger("AKV10063: Token is expired."),
            Err(TokenFault::Unknown) => return stranger("AKV10001: Token is invalid."),
        };
        if token.tenant != vault.tenant {
            let right = format!("https://sts.windows.net/{}/", vault.tenant);
            let text = format!(
                "AKV10032: Invalid issuer. Expected one of {right}, found https://sts.windows.net/{}/.",
                token.tenant
            );
            return stranger(&text);
        }
        let id = token.identity.object_id();
        let may_write = vault.officers.contains(&id);
        let may_read = may_write || vault.readers.contains(&id);
        Ok(Self { name, caller: id.to_string(), may_read, may_write })
    }

    pub(super) fn require(&self, right: Right) -> OrRefusal<()> {
        let granted = match right {
            Right::Read => self.may_read,
            Right::Write => self.may_write,
        };
        if granted { Ok(()) } else { Err(refusal::forbidden(&self.caller)) }
    }
}

/// Refuses a request without a version of the API, or with one that the data plane never had.
pub(super) fn require_version(call: &Call) -> OrRefusal<()> {
    const NUMBERED: [&str; 7] = ["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6"];
    match call.query.filled("api-version") {
        // Clients come out with versions newer than this.
        Some(version) if NUMBERED.contains(&version) || is_dated(version) => Ok(()),
        Some(version) => Err(refusal::bad(format!("The specified version ({version}) is not recognized."))),
        None => Err(refusal::bad("api-version must be specified")),
    }
}

/// The first version that was a date.
const FIRST_DATED: Date = date!(2025 - 07 - 01);

/// Whether a version is a date of the calendar, from the first that was one on, with or without `-preview`.
fn is_dated(version: &str) -> bool {
    let date = version.strip_suffix("-preview").unwrap_or(version);
    let plain = date.len() == 10 && date.chars().all(|c| c.is_ascii_digit() || c == '-');
    let form = format_description!("[year]-[month]-[day]");
    plain && Date::parse(date, form).is_ok_and(|date| date >= FIRST_DATED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_up_to_7_6_or_a_date_after_it() {
        assert!(["2025-07-01", "2026-04-01", "2026-03-01-preview"].into_iter().all(is_dated));
        assert!(
            !["2025-06-30", "2016-10-01", "latest", "7.7", "2026-4-1", "20260401--", "2026-13-01", "2026-02-30"]
                .into_iter()
                .any(is_dated)
        );
    }
}

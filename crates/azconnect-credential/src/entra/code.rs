//! An error code of Entra ID, and how it is found in a text.

use std::fmt;
use std::str::FromStr;

use azconnect_core::catalogue::Row;
use azconnect_core::{Error, ErrorKind};

use super::catalogue::ENTRA;
use super::meaning::Meaning;

/// The letters before the number of every code.
const PREFIX: &str = "AADSTS";

/// How many bytes of a foreign text are searched.
const SEARCHED: usize = 64 * 1024;

/// How many codes of one text are read. Entra ID nests two or three.
const MOST_CODES: usize = 8;

/// How many digits a number has at most. The longest that is documented has seven.
const MOST_DIGITS: usize = 9;

/// A code of Entra ID's, such as `AADSTS7000215`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntraCode(u32);

impl EntraCode {
    /// The code with this number: `7_000_215` for `AADSTS7000215`.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The number without its prefix: `7_000_215` for `AADSTS7000215`.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The codes in a text of any origin, in their order. At most 8 are read, from the first 64 KiB.
    pub fn all_in(text: impl AsRef<[u8]>) -> Vec<Self> {
        let text = text.as_ref();
        // Lossy: the cut may fall inside a character, and a foreign text need not be UTF-8 at all.
        let searched = String::from_utf8_lossy(text.get(..SEARCHED).unwrap_or(text));
        searched.split(PREFIX).skip(1).filter_map(leading_code).take(MOST_CODES).collect()
    }

    /// The code that says the most: the first that is known, since an outer one often stands for *see inside*; else the
    /// first.
    pub fn most_telling(codes: &[Self]) -> Option<Self> {
        codes.iter().find(|code| code.row().is_some()).or(codes.first()).copied()
    }

    /// The code that an error carries as its service code.
    pub fn of(error: &Error) -> Option<Self> {
        error.service_code()?.parse().ok()
    }

    /// Whether the table has a meaning for the code.
    pub fn is_known(self) -> bool {
        self.row().is_some()
    }

    /// What it says about the credential that was tried. A code that the table does not know says nothing.
    pub fn meaning(self) -> Meaning {
        self.row().map_or(Meaning::Silent, |row| *row.datum())
    }

    /// The code as an error, in our own words and with advice. A code that the table does not know is
    /// [`Unexpected`](ErrorKind::Unexpected).
    pub fn explain(self) -> Error {
        let error = self.row().map_or_else(unknown, Row::explain);
        error.with_service_code(self.to_string())
    }

    fn row(self) -> Option<&'static Row<u32, Meaning>> {
        ENTRA.find(self.0)
    }
}

impl fmt::Display for EntraCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for EntraCode {
    type Err = Error;

    /// Reads `AADSTS` and a number, with nothing before or after.
    fn from_str(text: &str) -> Result<Self, Error> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(leading_code).ok_or_else(|| Error::invalid("entra_code", "is not AADSTS and a number"))
    }
}

/// The number at the beginning of a text. More digits than any code has are not a code.
fn leading_code(text: &str) -> Option<EntraCode> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text.get(..digits).filter(|_| digits <= MOST_DIGITS)?.parse().ok()?;
    (number > 0).then_some(EntraCode(number))
}

fn unknown() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "Microsoft Entra ID refused the sign-in for a reason that says nothing of the secret",
    )
    .with_advice("look the code up at https://login.microsoftonline.com/error, and the sign-in in the tenant's log")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<u32> {
        EntraCode::all_in(text).into_iter().map(EntraCode::number).collect()
    }

    #[test]
    fn a_code_is_cut_out_exactly() {
        assert_eq!(numbers("Failed to obtain the JWT. AADSTS7000215: Invalid client secret provided."), [7_000_215]);
        assert_eq!(numbers("AADSTS70002: Error validating credentials. AADSTS50012: Invalid"), [70_002, 50_012]);
        assert!(numbers("AADSTS: none").is_empty() && numbers("nothing").is_empty() && numbers("AADSTS0").is_empty());
        assert!(numbers("AADSTS1234567890").is_empty(), "ten digits are no code");
    }

    #[test]
    fn a_long_text_is_searched_within_bounds() {
        assert_eq!(numbers(&"AADSTS1 ".repeat(100)).len(), MOST_CODES);
        assert!(numbers(&format!("{}AADSTS90002", "é".repeat(SEARCHED))).is_empty());
        assert!(EntraCode::all_in([0xff, 0xfe, b'A']).is_empty());
    }

    #[test]
    fn a_known_code_says_more_than_an_unknown_one() {
        let codes = [70_002, 50_012].map(EntraCode::new);
        assert_eq!(EntraCode::most_telling(&codes), Some(EntraCode::new(50_012)));
        assert_eq!(EntraCode::most_telling(&[EntraCode::new(1), EntraCode::new(2)]), Some(EntraCode::new(1)));
        assert_eq!(EntraCode::most_telling(&[]), None);
    }

    #[test]
    fn a_code_is_read_as_it_is_written() {
        let code = EntraCode::new(7_000_215);
        assert_eq!(code.to_string().parse::<EntraCode>().unwrap(), code);
        for text in ["7000215", "AADSTS", "AADSTS7000215:", "xAADSTS7000215", "AADSTS+1"] {
            assert!(text.parse::<EntraCode>().is_err(), "{text}");
        }
    }
}

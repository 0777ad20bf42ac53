//! Whether the numbers of a JSON text survive being read and written.

use serde_json::Number;

/// Whether a JSON text holds a number that would come back as another one: an integer beyond 64 bits, or a fraction
/// with more digits than a `f64` keeps.
pub(super) fn inexact_number(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        match first {
            // Skipped whole: digits inside a string are text, and come back as they were.
            b'"' => rest = after_string(tail),
            b'-' | b'0'..=b'9' => {
                let length = rest
                    .iter()
                    .take_while(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'))
                    .count();
                let (token, tail) = rest.split_at(length);
                if !survives(token) {
                    return true;
                }
                rest = tail;
            }
            _ => rest = tail,
        }
    }
    false
}

/// What follows the string whose opening quote was just read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    loop {
        match rest {
            [] => return rest,
            [b'\\', _, tail @ ..] => rest = tail,
            [b'"', tail @ ..] => return tail,
            [_, tail @ ..] => rest = tail,
        }
    }
}

fn survives(token: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(token) else { return false };
    let Ok(number) = text.parse::<Number>() else { return false };
    decimal(text) == decimal(&number.to_string())
}

/// A decimal number in one form: its digits without zeros at either end, and the exponent of the last.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let kept = digits.trim_end_matches('0');
    let exponent = exponent.checked_add(i64::try_from(digits.len() - kept.len()).ok()?)?;
    let kept = kept.trim_start_matches('0');
    if kept.is_empty() {
        return Some((negative, String::new(), 0));
    }
    Some((negative, kept.to_owned(), exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_strings_are_not_numbers() {
        assert!(!inexact_number(br#"{"a":"99999999999999999999 \" 0.1000000000000000055511151231257827","b":1.50}"#));
    }

    #[test]
    fn one_value_has_one_form() {
        assert_eq!(decimal("100"), decimal("1e2"));
        assert_eq!(decimal("0.50"), decimal("5E-1"));
        assert_ne!(decimal("1"), decimal("-1"));
        assert_eq!(decimal("0.0"), decimal("0"));
    }

    #[test]
    fn what_overflows_does_not_survive() {
        assert!(!survives(b"1e999") && !survives(b"--1") && survives(b"-0") && survives(b"1.7976931348623157e308"));
    }
}

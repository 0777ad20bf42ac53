//! Where the example programs are that the tests run, and what they print without what differs from run to run.
#![allow(dead_code, reason = "not every test needs all of it")]

pub(crate) mod browser;
pub(crate) mod emulator;

use std::path::PathBuf;

/// An example program, which cargo builds beside its tests.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not built: run the tests of the whole package", path.display());
    path
}

/// What stands in the place of each text that differs from run to run, as wide as that: `d` is a digit, `x` a hexadecimal
/// digit, `w` a small letter, `W` a capital one, a blank the end of a word; all others are themselves.
const SHAPES: [(&str, &str); 7] = [
    ("dddd-dd-dd", "YYYY-MM-DD"),
    ("Www dd Www dddd", "Day DD Mon YYYY"),
    ("Www d Www dddd", "Day D Mon YYYY"),
    ("dd:dd:dd", "HH:MM:SS"),
    ("xxxxxxxx", "1d1d1d1d"),
    // The pauses between attempts are drawn.
    ("attempts in d s", "attempts in N s"),
    ("attempts in dd s", "attempts in N s"),
];

/// A text without dates, times and new ids.
pub(crate) fn settled(text: &str) -> String {
    let mut settled = String::with_capacity(text.len());
    let (mut rest, mut in_word) = (text, false);
    while let Some(first) = rest.chars().next() {
        let found = SHAPES.iter().find(|(shape, _)| !in_word && begins_with(rest, shape));
        let (instead, length) = found.map_or((&rest[..first.len_utf8()], first.len_utf8()), |(s, i)| (*i, s.len()));
        settled.push_str(instead);
        rest = &rest[length..];
        in_word = found.is_some() || first.is_alphanumeric();
    }
    settled
}

/// A text in which all GUIDs are the same, for programs on whose page new ones stand in full.
pub(crate) fn without_ids(text: &str) -> String {
    const ANY: &str = "1d1d1d1d-1d1d-1d1d-1d1d-1d1d1d1d1d1d";
    // What begins it is settled already, wherever it was new.
    let shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if begins_with(rest, shape) { shape.len() } else { first.len_utf8() };
        shown.push_str(if length == shape.len() { ANY } else { &rest[..length] });
        rest = &rest[length..];
    }
    shown
}

/// Whether a word of this shape begins there, and ends with it.
fn begins_with(text: &str, shape: &str) -> bool {
    let mut found = text.chars();
    let alike = shape.chars().all(|wanted| {
        found.next().is_some_and(|character| match wanted {
            'd' => character.is_ascii_digit(),
            'x' => character.is_ascii_digit() || ('a'..='f').contains(&character),
            'w' => character.is_ascii_lowercase(),
            'W' => character.is_ascii_uppercase(),
            _ => character == wanted,
        })
    });
    alike && !found.next().is_some_and(char::is_alphanumeric)
}

//! Undoes base64 of both alphabets, wherever it begins and however it is broken into lines.

use super::super::needles::is_space;
use super::SHORTEST;
use super::island::GAP;

/// How many letters make a whole number of bytes.
const GROUP: usize = 4;

/// How many letters a secret of the shortest length takes at least.
const SHORTEST_RUN: usize = (SHORTEST * 8).div_ceil(6);

/// Reads every run of letters as base64, four times: beginning at each letter of a group.
///
/// A secret inside base64 may follow anything, such as the user name of a Basic authorization, and the base64 itself may
/// follow letters that are none.
pub(super) fn undo(bytes: &[u8], _: usize) -> Vec<Vec<u8>> {
    let runs = runs(bytes);
    if runs.is_empty() {
        return Vec::new();
    }
    (0..GROUP).map(|skip| runs.iter().flat_map(|run| decode(run.get(skip..).unwrap_or_default())).collect()).collect()
}

/// The runs of letters, as numbers of 6 bits. White space does not end one.
fn runs(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut runs, mut run) = (Vec::new(), Vec::new());
    for byte in bytes.iter().chain(&[GAP]) {
        match value(*byte) {
            Some(value) => run.push(value),
            None if is_space(*byte) => {}
            None if run.len() >= SHORTEST_RUN => runs.push(std::mem::take(&mut run)),
            None => run.clear(),
        }
    }
    runs
}

fn decode(run: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(run.len() + 1);
    for group in run.chunks(GROUP) {
        let mut bits = 0_u32;
        for value in group {
            bits = bits << 6 | u32::from(*value);
        }
        // A last group that is not whole ends in bits that make no byte.
        let bits = bits << (6 * (GROUP - group.len()));
        let [_, bytes @ ..] = bits.to_be_bytes();
        plain.extend_from_slice(bytes.get(..group.len() * 6 / 8).unwrap_or_default());
    }
    plain.push(GAP);
    plain
}

fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

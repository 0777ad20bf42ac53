//! Undoes bytes that were written in figures: hexadecimal digits, and lists of numbers.

use super::super::needles::is_space;
use super::SHORTEST;
use super::island::GAP;

/// Reads every run of hexadecimal digits, with or without something between the bytes, from its first digit and from its
/// second.
pub(super) fn undo_hexadecimal(bytes: &[u8], _: usize) -> Vec<Vec<u8>> {
    let runs = runs(bytes);
    if runs.is_empty() {
        return Vec::new();
    }
    (0..2).map(|skip| runs.iter().flat_map(|run| pairs(run.get(skip..).unwrap_or_default())).collect()).collect()
}

/// The runs of digits. What usually stands between bytes does not end one.
fn runs(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut runs, mut run) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    loop {
        let prefixed = rest.strip_prefix(b"0x").or_else(|| rest.strip_prefix(b"0X"));
        let Some((&first, tail)) = prefixed.unwrap_or(rest).split_first() else { break };
        rest = tail;
        match char::from(first).to_digit(16).and_then(|digit| u8::try_from(digit).ok()) {
            Some(digit) => run.push(digit),
            None if is_space(first) || b",:;-_'\"".contains(&first) => {}
            None => end(&mut run, &mut runs, SHORTEST * 2),
        }
    }
    end(&mut run, &mut runs, SHORTEST * 2);
    runs
}

fn end(run: &mut Vec<u8>, runs: &mut Vec<Vec<u8>>, shortest: usize) {
    if run.len() >= shortest {
        runs.push(std::mem::take(run));
    }
    run.clear();
}

fn pairs(digits: &[u8]) -> Vec<u8> {
    let (pairs, _) = digits.as_chunks();
    pairs.iter().map(|[high, low]| high << 4 | low).chain([GAP]).collect()
}

/// Reads every list of numbers of one byte, decimal or as in `0x2f`, in one line or in many.
pub(super) fn undo_list(bytes: &[u8], _: usize) -> Vec<Vec<u8>> {
    let (mut lists, mut list) = (Vec::new(), Vec::new());
    for word in bytes.split(|byte| is_space(*byte) || matches!(byte, b',' | b'[' | b'{')) {
        match number(word) {
            Some(byte) => list.push(byte),
            None if word.is_empty() => {}
            None => {
                // The last number of a list stands before its bracket.
                list.extend(word.split(|byte| !byte.is_ascii_alphanumeric()).next().and_then(number));
                end(&mut list, &mut lists, SHORTEST);
            }
        }
    }
    end(&mut list, &mut lists, SHORTEST);
    let plain: Vec<u8> = lists.into_iter().flat_map(|list| [list, vec![GAP]].concat()).collect();
    if plain.is_empty() { Vec::new() } else { vec![plain] }
}

fn number(word: &[u8]) -> Option<u8> {
    let word = std::str::from_utf8(word).ok()?;
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u8::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

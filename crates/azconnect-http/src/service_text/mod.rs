//! A service's own sentence about a refusal, made fit for an error.

mod sent;

use std::ops::Range;

use crate::shape::{self, Shown};
use crate::transport::Response;

pub(crate) use sent::Sent;

/// How many characters of a sentence an error holds.
const LONGEST: usize = 300;

/// How much of a text is looked at, in bytes. What follows is not shown.
const LOOKED_AT: usize = 2000;

/// What stands for everything that is not shown.
const MASK: char = '…';

/// The service's own words about a refusal, in one line of at most 300 characters; `None` for a web page, for a text of which
/// nothing may be shown, and for an answer of which nobody knows what the service had been told before.
///
/// A service may quote what it was sent. Hidden as `…` is every word that holds a piece of what the call sent, but for what
/// stands under names that hold nothing secret (`location`, `vmSize`, …); and everything that looks like a token, a key, a
/// signature or a signed address. In doubt it is hidden. The [pipeline](crate::Pipeline) notes in its answers what was sent;
/// of an answer that came on another way nothing is shown.
pub fn service_text(answer: &Response, text: &str) -> Option<String> {
    let sent = answer.extensions().get::<Sent>()?;
    let text = line(text);
    if text.starts_with(['<', '{', '[']) {
        return None;
    }
    let hidden = sent.found_in(&text);
    let words = words(&text, &hidden);
    let mut shown = String::new();
    let mut after_scheme = false;
    let mut last = 0;
    for word in words {
        shown.push_str(text.get(last..word.start).unwrap_or_default());
        last = word.end;
        let plain = text.get(word.clone()).unwrap_or_default();
        let told = hidden.iter().any(|range| range.start < word.end && word.start < range.end);
        let form = if told || after_scheme { Shown::Nothing } else { shape::shown(plain) };
        after_scheme = matches!(plain.trim_end_matches(':').to_ascii_lowercase().as_str(), "bearer" | "basic");
        match form {
            Shown::All => shown.push_str(plain),
            Shown::Part(part) => shown.push_str(&part),
            Shown::Nothing => push_mask(&mut shown),
        }
    }
    shown.push_str(text.get(last..).unwrap_or_default());
    let shown = shortened(shown.trim());
    shown.chars().any(char::is_alphanumeric).then_some(shown)
}

/// The text in one line, without characters that change how others are shown, and no longer than is looked at.
fn line(text: &str) -> String {
    let end = (0..=LOOKED_AT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let mut line = String::with_capacity(end);
    for c in text.get(..end).unwrap_or_default().chars().filter(|c| !is_format(*c)) {
        let c = if c.is_control() || c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !(line.is_empty() || line.ends_with(' ')) {
            line.push(c);
        }
    }
    if end < text.len() {
        // The last word may be the beginning of a longer one, which would have been known by its end.
        let whole = line.rfind(' ').unwrap_or(0);
        line.truncate(whole);
    }
    line
}

/// Characters that are not seen, or that turn the direction of a line.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Where the words of a line are. Blanks, quotes and brackets stand between them, unless they belong to what is hidden.
fn words(text: &str, hidden: &[Range<usize>]) -> Vec<Range<usize>> {
    let is_hidden = |at: usize| hidden.iter().any(|range| range.contains(&at));
    let is_between = |c: char| c == ' ' || "'\"`()[]{}<>,;|“”‘’".contains(c);
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_between(c) && !is_hidden(at), start) {
            (true, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
    }
    words
}

/// Hides a word. Hidden words beside each other are one gap, so that their number does not show.
fn push_mask(shown: &mut String) {
    if shown.trim_end_matches(' ').ends_with(MASK) {
        let end = shown.trim_end_matches(' ').len();
        shown.truncate(end);
    } else {
        shown.push(MASK);
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some(_) => {
            let end = text.char_indices().nth(LONGEST - 1).map_or(0, |(at, _)| at);
            let kept = text.get(..end).unwrap_or_default();
            // Not in the middle of a word.
            let kept = kept.rfind(' ').and_then(|at| kept.get(..at)).unwrap_or_default();
            format!("{} {MASK}", kept.trim_end_matches([' ', MASK]))
        }
    }
}

#[cfg(test)]
mod tests;

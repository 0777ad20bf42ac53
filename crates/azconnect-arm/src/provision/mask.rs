//! Hides known secrets in the output of a script, in every form in which a script is likely to print them.

use std::collections::{BTreeSet, HashSet};

use azconnect_core::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// The shortest word of a secret text that is hidden on its own: shorter ones would be found everywhere by chance.
const SHORTEST: usize = 4;

/// The shortest part of a secret text, in bytes, that is hidden wherever it stands.
const RUN: usize = 8;

/// The signs that stand around a secret in a script, in a shell's, in an address and in a document.
const DIVIDERS: &str = "'\"`=:;,|&()[]{}<>@";

/// The texts that are to be hidden.
#[derive(Default)]
pub(super) struct Masker {
    /// Every part of these that is long enough is hidden: a secret in a script may hold any character, so nobody knows
    /// where in the script it begins and ends.
    whole: Vec<Form>,
    /// These are hidden as they are, since a short secret is often a word.
    words: Vec<Form>,
    /// Whether a text also stands in the form in which Windows gets its script.
    wide: bool,
}

impl Masker {
    /// A masker for the output of a Windows machine, whose command line holds the script in base64 of UTF-16.
    pub(super) fn for_windows() -> Self {
        Self { wide: true, ..Self::default() }
    }

    /// Hides a text: all its words, and every longer part of it.
    pub(super) fn add(&mut self, secret: &Secret) {
        let text = secret.expose();
        let mut words: BTreeSet<&str> = text.split_whitespace().collect();
        words.extend(text.split(|c: char| !c.is_alphanumeric()));
        // A short secret with signs in it stands between those with which a script assigns, quotes and divides.
        words.extend(text.split(|c: char| c.is_whitespace() || DIVIDERS.contains(c)));
        self.words
            .extend(words.into_iter().filter(|word| word.len() >= SHORTEST).flat_map(|word| forms(word, self.wide)));
        self.whole.extend(forms(text, self.wide));
    }

    /// An output without what is to be hidden.
    pub(super) fn hide(&self, output: &str) -> String {
        self.without(output, &self.words)
    }

    /// A message without what is to be hidden, except single words: those of a script are in many a sentence of ours.
    pub(super) fn hide_in_message(&self, message: &str) -> String {
        self.without(message, &[])
    }

    fn without(&self, text: &str, words: &[Form]) -> String {
        let mut hidden = vec![false; text.len()];
        // A form that is wrapped, as `base64` does, or escaped once more is found in the text without line breaks and
        // backslashes.
        for left_out in [[].as_slice(), &['\n', '\r', '\\']] {
            let view = View::of(text, left_out);
            words.iter().for_each(|form| view.mark_word(form.text.expose(), &mut hidden));
            self.whole.iter().for_each(|form| view.mark_runs(form, &mut hidden));
        }
        masked(text, &hidden)
    }
}

/// A text without some of its characters, and where in the text each byte of it stands.
struct View {
    text: Zeroizing<String>,
    places: Vec<usize>,
}

impl View {
    fn of(text: &str, left_out: &[char]) -> Self {
        let kept = || text.char_indices().filter(|(_, c)| !left_out.contains(c));
        let places = kept().flat_map(|(at, c)| at..at + c.len_utf8()).collect();
        Self { text: Zeroizing::new(kept().map(|(_, c)| c).collect()), places }
    }

    /// Marks each place of a word, also where the text begins or ends in the middle of it: outputs are cut to a length.
    fn mark_word(&self, word: &str, hidden: &mut [bool]) {
        let (text, all) = (self.text.as_str(), word.len());
        let mut from = 0;
        while let Some(at) = text.get(from..).and_then(|rest| rest.find(word)) {
            self.cover(from + at, all, hidden);
            // One character on, since a word may overlap itself.
            from += at + word.chars().next().map_or(1, char::len_utf8);
        }
        for cut in 1..all.saturating_sub(SHORTEST - 1) {
            if word.get(cut..).is_some_and(|tail| text.starts_with(tail)) {
                self.cover(0, all - cut, hidden);
            }
            if word.get(..all - cut).is_some_and(|head| text.ends_with(head)) {
                self.cover(text.len() - (all - cut), all - cut, hidden);
            }
        }
    }

    /// Marks everything that stands in a form too and is long enough.
    fn mark_runs(&self, form: &Form, hidden: &mut [bool]) {
        let runs: HashSet<&[u8]> = form.text.expose().as_bytes().windows(form.run).collect();
        for (at, window) in self.text.as_bytes().windows(form.run).enumerate() {
            if runs.contains(window) {
                self.cover(at, form.run, hidden);
            }
        }
    }

    fn cover(&self, from: usize, length: usize, hidden: &mut [bool]) {
        for place in self.places.get(from..from.saturating_add(length)).into_iter().flatten() {
            if let Some(byte) = hidden.get_mut(*place) {
                *byte = true;
            }
        }
    }
}

fn masked(text: &str, hidden: &[bool]) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut within = false;
    for (at, character) in text.char_indices() {
        let covered = hidden.get(at..at + character.len_utf8()).into_iter().flatten().any(|hidden| *hidden);
        if covered && !within {
            shown.push_str(MASK);
        } else if !covered {
            shown.push(character);
        }
        within = covered;
    }
    shown
}

/// A text in one notation. A part of the text has in it the form of that part, except at the ends.
struct Form {
    text: Secret,
    /// How much of it is the form of a part that is to be hidden wherever it stands.
    run: usize,
}

/// A text in plain, quoted for a shell or a JSON document, percent-encoded, in base64 and in hexadecimal digits; if it is wanted wide, also in
/// base64 of UTF-16.
fn forms(text: &str, wide: bool) -> Vec<Form> {
    let bytes = text.as_bytes();
    let form: String = byte_serialize(bytes).collect();
    let percent = |wide: bool, plain: &dyn Fn(u8) -> bool| -> String {
        let one = |byte: &u8| match byte {
            byte if plain(*byte) => char::from(*byte).to_string(),
            byte if wide => format!("%{byte:02X}"),
            byte => format!("%{byte:02x}"),
        };
        bytes.iter().map(one).collect()
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let word = |byte: u8| byte.is_ascii_alphanumeric();
    let escaped = text.chars().flat_map(|c| (!c.is_alphanumeric()).then_some('\\').into_iter().chain([c]));
    let plain = [
        text.to_owned(),
        text.chars().rev().collect(),
        text.to_uppercase(),
        text.to_lowercase(),
        form.replace('+', "%20"),
        form,
        percent(true, &unreserved),
        percent(false, &unreserved),
        percent(true, &word),
        percent(false, &word),
        text.replace('\'', "'\\''"),
        text.replace('\'', "'\"'\"'"),
        escaped.collect(),
        serde_json::to_string(text).unwrap_or_default(),
        format!("{text:?}"),
    ];
    let figures = [true, false].map(|wide| {
        let figure = |byte: &u8| if wide { format!("{byte:02X}") } else { format!("{byte:02x}") };
        bytes.iter().map(figure).collect::<String>()
    });
    let base64 = (0..3).flat_map(|offset| {
        [
            base64_inside(bytes, offset, |text| STANDARD_NO_PAD.encode(text)),
            base64_inside(bytes, offset, |text| URL_SAFE_NO_PAD.encode(text)),
        ]
    });
    let utf_16: Zeroizing<Vec<u8>> = Zeroizing::new(match wide {
        true => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        false => Vec::new(),
    });
    let wide = (0..3).map(|offset| base64_inside(&utf_16, offset, |text| STANDARD_NO_PAD.encode(text)));
    let quotes = |form: &String| form.trim_matches('"').to_owned();
    let mut forms: Vec<(String, usize)> = plain.iter().map(|form| (quotes(form), RUN)).collect();
    forms.extend(figures.into_iter().map(|form| (form, RUN * 2)));
    forms.extend(base64.map(|form| (form, RUN * 4 / 3)));
    // A character takes two bytes.
    forms.extend(wide.map(|form| (form, RUN * 2 * 4 / 3)));
    forms.retain(|(form, _)| form.len() >= SHORTEST);
    forms.sort();
    forms.dedup();
    forms.into_iter().map(|(text, run)| Form { text: Secret::new(text), run }).collect()
}

/// What is left of a text's base64 when `offset` unknown bytes precede it and unknown bytes follow.
fn base64_inside(bytes: &[u8], offset: usize, encode: impl Fn(&[u8]) -> String) -> String {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    // A character carries 6 bits. Those that share bits with unknown bytes are left out.
    let (first, last) = ((offset * 8).div_ceil(6), padded.len() * 8 / 6);
    encode(&padded).get(first..last).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use azconnect_testkit::Canary;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    fn masker(script: &str) -> Masker {
        let mut masker = Masker::default();
        masker.add(&Secret::new(script));
        masker
    }

    #[test]
    fn a_secret_is_hidden_in_every_form_that_a_script_prints() {
        for canary in [Canary::new(), Canary::awkward()] {
            let secret = canary.secret();
            let text = secret.expose();
            let masker = masker(&format!("#!/bin/sh -x\nexport TOKEN='{text}'\ncurl -u agent:{text}@contoso\n"));
            let wrapped: String = STANDARD
                .encode(format!("a long beginning: {text} and an end that is as long"))
                .as_bytes()
                .chunks(16)
                .flat_map(|line| [std::str::from_utf8(line).unwrap(), "\n"])
                .collect();
            let percent: String = byte_serialize(text.as_bytes()).collect();
            for leak in [
                format!("+ export TOKEN={text}\n+ curl -u 'agent:{text}@contoso'"),
                format!("Authorization: Basic {}", STANDARD.encode(format!("agent:{text}"))),
                format!("{} {}", STANDARD.encode(text), URL_SAFE.encode(format!("ab{text}c"))),
                wrapped,
                format!("https://contoso/?token={percent}&token={}", percent.replace('+', "%20")),
                format!("{text:?} {}", serde_json::json!({ "token": text })),
                text.bytes().map(|byte| format!("{byte:02x}")).collect(),
                text.chars().rev().collect(),
                format!("export TOKEN='{}'", text.replace('\'', "'\\''")),
                text.to_uppercase(),
            ] {
                assert!(canary.find(leak.as_bytes()).is_some(), "the test proves nothing: {leak}");
                let shown = masker.hide(&leak);
                assert_eq!(canary.find(shown.as_bytes()), None, "{shown}");
            }
        }
    }

    #[test]
    fn a_secret_that_the_cut_of_an_output_splits_is_hidden_too() {
        let masker = masker("TOKEN=hunter2-and-more\n");
        assert_eq!(masker.hide("er2-and-more was refused; try hunter2-an"), "*** was refused; try ***");
    }

    #[test]
    fn a_short_secret_with_signs_in_it_is_hidden_where_the_script_quotes_or_assigns_it() {
        for script in
            ["P='w0-r_d'\n", "P=w0-r_d", "login --pw=\"w0-r_d\" x", "curl -u me:w0-r_d@host", "(w0-r_d)", "P=w0-r_d;ls"]
        {
            let shown = masker(script).hide("refused: w0-r_d\n");
            assert!(!shown.contains("w0-r_d"), "{script}: {shown}");
        }
    }

    #[test]
    fn what_the_script_does_not_say_stays_readable() {
        let masker = masker("#!/bin/sh\napt-get install contoso-agent --token=hunter2\n");
        let shown = masker.hide("E: Unable to locate package contoso-agent\nno space left on device");
        assert_eq!(shown, "E: Unable to locate package***\nno space left on device");
        assert_eq!(Masker::default().hide("all of it, é"), "all of it, é");
    }

    /// PowerShell gets its script as one argument in base64 of UTF-16, which a service quotes with the command that failed.
    #[test]
    fn the_encoded_script_of_windows_is_hidden_wherever_the_secret_stands_in_it() {
        let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        let script = "install --token 'hunter2-hunter2' -Quiet\n";
        let mut masker = Masker::for_windows();
        masker.add(&Secret::new(script));
        for before in ["", "a", "ab", "abc"] {
            let encoded = STANDARD.encode(wide(&format!("{before}{script}#")));
            let shown = masker.hide(&format!("ran -EncodedCommand {encoded}"));
            assert!(shown.starts_with("ran -EncodedCommand ") && shown.len() < 40, "{shown}");
            // A word on its own, short as it is.
            let shown = masker.hide(&format!("{} ", STANDARD.encode(wide(&format!("{before}hunter2{before}")))));
            assert!(shown.contains(MASK) && shown.len() < 24, "{before} {shown}");
        }
        let linux = Masker::default();
        assert_eq!(linux.hide("ran"), "ran");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(script in "\\PC{0,40}", text in "\\PC{0,80}") {
            let shown = masker(&script).hide(&text);
            for word in script.split_whitespace().filter(|word| word.len() >= SHORTEST && !word.contains('*')) {
                prop_assert!(!shown.contains(word), "{:?} in {:?}", word, shown);
            }
        }
    }
}

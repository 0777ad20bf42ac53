//! What a service was told before it answered, so that it is found where the service says it back.

use std::collections::HashSet;
use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use url::Url;
use zeroize::Zeroizing;

use crate::authorization::Authorization;
use crate::call::{Call, Heard};

/// The shortest piece of a value that gives it away.
const PIECE: usize = 6;

/// The same for a long text, such as a script, which holds words of everyday.
const PIECE_OF_TEXT: usize = 12;

/// From which length on a value is a text.
const TEXT: usize = 512;

/// How many digits a number has at least that is looked for, such as a PIN: a shorter one is in many a sentence.
const DIGITS: usize = 4;

/// Names whose values are no secrets, in small letters.
const PUBLIC: &[&str] = &[
    "access",
    "addressprefix",
    "addressprefixes",
    "adminusername",
    "api-version",
    "caching",
    "client_assertion_type",
    "client_id",
    "computername",
    "createoption",
    "deleteoption",
    "destinationportrange",
    "destinationportranges",
    "direction",
    "displayname",
    "environment",
    "grant_type",
    "id",
    "kind",
    "location",
    "name",
    "offer",
    "principalid",
    "principaltype",
    "protocol",
    "publicipallocationmethod",
    "publisher",
    "response_type",
    "roledefinitionid",
    "scheme",
    "scope",
    "sku",
    "sourceaddressprefix",
    "sourceportrange",
    "storageaccounttype",
    "subscriptionid",
    "tenantid",
    "tier",
    "type",
    "version",
    "vmsize",
    "zones",
];

/// What a service was told. Found in the extensions of an answer.
#[derive(Clone)]
pub(crate) struct Sent {
    bodies: [Bytes; 2],
    headers: Vec<Bytes>,
    address: Url,
}

impl Sent {
    /// What a call sends; `None` if the service heard more than is known.
    pub(crate) fn of(call: &Call, authorization: Option<&Authorization>) -> Option<Self> {
        let before = match &call.heard {
            Heard::Nothing => Bytes::new(),
            Heard::Body(body) => body.clone(),
            Heard::Unknown => return None,
        };
        let plain = |name: &http::HeaderName| *name == ACCEPT || *name == CONTENT_TYPE;
        let headers = call.headers.iter().filter(|(name, _)| !plain(name)).map(|(_, value)| value);
        let headers = headers.chain(authorization.map(|authorization| &authorization.header));
        // Their memory is shared, so that the one overwriting of it overwrites these as well.
        let headers = headers.map(|value| Bytes::from_owner(value.clone())).collect();
        Some(Self { bodies: [call.body.clone(), before], headers, address: call.url.clone() })
    }

    /// Where a text says something back that was sent.
    pub(super) fn found_in(&self, text: &str) -> Vec<Range<usize>> {
        let mut search = Search::new(text);
        for body in &self.bodies {
            search.body(body);
        }
        for value in &self.headers {
            search.value(value);
            // Without its scheme, which is a word of everyday.
            let rest = value.iter().position(|byte| *byte == b' ').and_then(|at| value.get(at + 1..));
            rest.into_iter().for_each(|rest| search.value(rest));
        }
        for (name, value) in self.address.query_pairs() {
            if !name.starts_with('$') && !is_public(name.as_bytes()) {
                search.value(value.as_bytes());
            }
        }
        search.found
    }
}

fn is_public(name: &[u8]) -> bool {
    PUBLIC.iter().any(|public| public.as_bytes().eq_ignore_ascii_case(name))
}

/// The search of one text for many values, without regard to the case of letters.
struct Search {
    text: Vec<u8>,
    pieces: [HashSet<Vec<u8>>; 2],
    found: Vec<Range<usize>>,
}

impl Search {
    fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase().into_bytes();
        let pieces = [PIECE, PIECE_OF_TEXT].map(|length| text.windows(length).map(<[u8]>::to_vec).collect());
        Self { text, pieces, found: Vec::new() }
    }

    /// Looks for what a body holds: what JSON holds, the values of a form, or all of it.
    fn body(&mut self, body: &[u8]) {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => {}
            Some(b'{' | b'[' | b'"') => self.json(body),
            Some(_) => self.form(body),
        }
    }

    fn form(&mut self, body: &[u8]) {
        for pair in body.split(|byte| *byte == b'&') {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or(pair));
            if is_public(name) {
                continue;
            }
            self.value(value);
            let mut clear = Zeroizing::new(Vec::with_capacity(value.len()));
            let blanks = value.split_inclusive(|byte| *byte == b'+');
            for part in blanks {
                let (part, blank) = part.strip_suffix(b"+").map_or((part, false), |part| (part, true));
                clear.extend(percent_encoding::percent_decode(part));
                clear.extend(blank.then_some(b' '));
            }
            self.value(&clear);
        }
    }

    /// Looks for each text and number of a JSON document that does not stand under a public name, and for the names.
    fn json(&mut self, body: &[u8]) {
        let mut rest = body;
        let mut public = false;
        let begins = |byte: &u8| matches!(byte, b'"' | b'}' | b']') || byte.is_ascii_digit();
        while let Some(at) = rest.iter().position(begins) {
            let (_, token) = rest.split_at(at);
            let Some((first, after)) = token.split_first() else { return };
            if first.is_ascii_digit() {
                let end = token.iter().position(|byte| !is_of_number(*byte)).unwrap_or(token.len());
                let (number, after) = token.split_at(end);
                if !public && number.iter().filter(|byte| byte.is_ascii_digit()).count() >= DIGITS {
                    self.value(number);
                }
                rest = after;
                continue;
            }
            if *first != b'"' {
                // What follows an inner object or list stands under no name that is remembered.
                public = false;
                rest = after;
                continue;
            }
            let end = end_of_string(after);
            let (text, after) = after.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            let clear = text.contains(&b'\\').then(|| unescaped(text));
            if rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':') {
                public = is_public(text);
                self.name(text);
                clear.iter().for_each(|clear| self.name(clear));
            } else if !public {
                self.value(text);
                clear.iter().for_each(|clear| self.value(clear));
            }
        }
    }

    /// Looks for the name of a value, as a whole. One of letters alone is a word of the protocol, and the id of a resource is
    /// public wherever it stands: without them no sentence would say what it is about.
    fn name(&mut self, name: &[u8]) {
        let is_word = name.strip_prefix(b"$").unwrap_or(name).iter().all(u8::is_ascii_alphabetic);
        let is_id = name.starts_with(b"/subscriptions/");
        if name.len() >= PIECE && !is_word && !is_id && !is_public(name) {
            let name = Zeroizing::new(name.to_ascii_lowercase());
            self.found.extend(places(&self.text, &name));
        }
    }

    /// Looks for a value, for pieces of it, and for what it is the base64 of.
    fn value(&mut self, value: &[u8]) {
        self.pieces_of(value);
        let trimmed = value.trim_ascii();
        if trimmed.len() >= PIECE {
            for alphabet in [&STANDARD, &URL_SAFE] {
                let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
                let mut clear = Zeroizing::new(vec![0; trimmed.len()]);
                let decoded = GeneralPurpose::new(alphabet, lenient).decode_slice(trimmed, &mut clear);
                if let Some(clear) = decoded.ok().and_then(|length| clear.get(..length)) {
                    self.pieces_of(clear);
                }
            }
        }
    }

    fn pieces_of(&mut self, value: &[u8]) {
        let value = Zeroizing::new(value.to_ascii_lowercase());
        if value.is_empty() {
            return;
        }
        let [short, long] = &mut self.pieces;
        let (length, known) = match value.len() {
            0..PIECE => return self.found.extend(words_like(&self.text, &value)),
            PIECE..TEXT => (PIECE, short),
            _ => (PIECE_OF_TEXT, long),
        };
        // Each piece is looked for once, so that the time does not depend on how often a value repeats itself.
        for piece in value.windows(length).filter(|piece| known.remove(*piece)) {
            self.found.extend(places(&self.text, piece));
        }
    }
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || b".eE+-".contains(&byte)
}

/// Where a text holds a piece.
fn places<'a>(text: &'a [u8], piece: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let windows = text.windows(piece.len()).enumerate().filter(move |(_, window)| *window == piece);
    windows.map(|(at, window)| at..at + window.len())
}

/// Where a text holds a short value as a word of its own: as a part of words it would be found everywhere.
fn words_like<'a>(text: &'a [u8], value: &'a [u8]) -> impl Iterator<Item = Range<usize>> + 'a {
    let is_word = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    places(text, value).filter(move |range| !is_word(range.start.checked_sub(1)) && !is_word(Some(range.end)))
}

/// The length of the text up to the quote that ends it.
fn end_of_string(text: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate() {
        match (escaped, byte) {
            (false, b'"') => return at,
            (false, b'\\') => escaped = true,
            _ => escaped = false,
        }
    }
    text.len()
}

/// A JSON text as what it stands for.
fn unescaped(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut clear = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let (character, length) = match (byte, after) {
            (b'\\', [b'u', digits @ ..]) => {
                let code = digits.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
                let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                (code.and_then(char::from_u32).unwrap_or('\u{fffd}'), 5)
            }
            (b'\\', [escape, ..]) => match escape {
                b'n' | b'r' | b't' | b'b' | b'f' => (' ', 1),
                other => (char::from(*other), 1),
            },
            _ => {
                clear.push(*byte);
                continue;
            }
        };
        clear.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = rest.get(length..).unwrap_or_default();
    }
    clear
}

//! The shapes in which a text leaks.
//!
//! Encodings with one result per text are searched as such. Encodings that leave a choice (which characters to escape,
//! in which case) are undone in what is searched instead, so that every choice is found.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;

/// How long a piece of a canary's own secret is enough to count as the whole.
const FRAGMENT: usize = 14;

/// One secret in every form that is looked for.
pub(super) struct Forms(Vec<(&'static str, Vec<u8>)>);

impl Forms {
    /// The forms of a whole text.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let reversed: String = text.chars().rev().collect();
        let mut forms = vec![
            ("plain text", bytes.to_vec()),
            ("reversed text", reversed.into_bytes()),
            ("UTF-16, little-endian", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            ("UTF-16, big-endian", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            ("hexadecimal digits", list(bytes, "", |byte| format!("{byte:02x}"))),
            ("hexadecimal digits", list(bytes, "", |byte| format!("{byte:02X}"))),
            ("a list of bytes", list(bytes, ", ", |byte| byte.to_string())),
            ("a list of bytes", list(bytes, ",", |byte| byte.to_string())),
        ];
        // Base64 encodes three bytes at a time: a text has another form at each place inside such a group.
        for offset in 0..3 {
            forms.push(("base64", base64_inside(bytes, offset, |text| STANDARD_NO_PAD.encode(text))));
            forms.push(("base64url", base64_inside(bytes, offset, |text| URL_SAFE_NO_PAD.encode(text))));
        }
        Self(forms)
    }

    /// The forms of a text whose every part is random: its beginning and its end count too.
    pub(super) fn with_fragments(text: &str) -> Self {
        let mut forms = Self::of(text);
        let fragments = [text.get(..FRAGMENT), text.get(text.len().saturating_sub(FRAGMENT)..)];
        for fragment in fragments.into_iter().flatten() {
            forms.0.push(("a part of its text", fragment.as_bytes().to_vec()));
        }
        forms
    }
}

/// Every byte in some notation, separated.
fn list(bytes: &[u8], separator: &str, one: impl Fn(&u8) -> String) -> Vec<u8> {
    bytes.iter().map(one).collect::<Vec<_>>().join(separator).into_bytes()
}

/// What is left of a text's base64 when `offset` unknown bytes precede it and unknown bytes follow.
fn base64_inside(bytes: &[u8], offset: usize, encode: impl Fn(&[u8]) -> String) -> Vec<u8> {
    let mut padded = vec![0; offset];
    padded.extend_from_slice(bytes);
    let encoded = encode(&padded).into_bytes();
    // A character of base64 carries 6 bits. Those that share bits with unknown bytes are left out.
    let first = (offset * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded.get(first..last).map(<[u8]>::to_vec).unwrap_or_default()
}

/// What is searched: as it is, and with its encodings undone.
pub(super) struct Haystack<'a>(Vec<(&'static str, Cow<'a, [u8]>)>);

impl<'a> Haystack<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut readings = vec![("", Cow::Borrowed(bytes))];
        let unescaped = unescape(bytes);
        let decoded = unpercent(bytes);
        // A form writes a space as `+`, which percent-decoding alone leaves as it is.
        let form = bytes.contains(&b'+').then(|| {
            let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            unpercent(&spaced).unwrap_or(spaced)
        });
        // An address inside a JSON text, which Debug then escaped again.
        let both = decoded.as_deref().and_then(unescape).or_else(|| unescaped.as_deref().and_then(unescape));
        readings.extend(unescaped.map(|bytes| (", escaped", Cow::Owned(bytes))));
        readings.extend(decoded.map(|bytes| (", percent-encoded", Cow::Owned(bytes))));
        readings.extend(form.map(|bytes| (", form-encoded", Cow::Owned(bytes))));
        readings.extend(both.map(|bytes| (", encoded twice", Cow::Owned(bytes))));
        Self(readings)
    }

    /// The first form found, in words, and its position in the reading it was found in.
    pub(super) fn find(&self, forms: &Forms) -> Option<(String, usize)> {
        self.0.iter().find_map(|(reading, bytes)| {
            forms.0.iter().find_map(|(form, needle)| {
                memmem::find(bytes, needle).map(|position| (format!("{form}{reading}"), position))
            })
        })
    }
}

/// Undoes `%XX`, if there is any.
fn unpercent(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.contains(&b'%').then(|| {
        let mut plain = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some((&first, tail)) = rest.split_first() {
            let code = tail.get(..2).filter(|_| first == b'%').and_then(hex);
            plain.push(match code {
                Some(code) => u8::try_from(code).unwrap_or(b'?'),
                None => first,
            });
            rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
        }
        plain
    })
}

/// Undoes the escapes of JSON and of Rust's `Debug`, if there are any.
fn unescape(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.contains(&b'\\').then(|| {
        let mut plain = Vec::with_capacity(bytes.len());
        // Two units of UTF-16 may make one character, so they are collected until something else follows.
        let mut units = Vec::new();
        let mut rest = bytes;
        while let Some((&first, tail)) = rest.split_first() {
            let (piece, after) = if first == b'\\' { escape(tail) } else { (Piece::Byte(first), tail) };
            if let Piece::Unit(unit) = piece {
                units.push(unit);
            } else {
                flush(&mut units, &mut plain);
                match piece {
                    Piece::Char(c) => plain.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    Piece::Byte(byte) => plain.push(byte),
                    Piece::Unit(_) => {}
                }
            }
            rest = after;
        }
        flush(&mut units, &mut plain);
        plain
    })
}

/// What one escape stands for.
enum Piece {
    Byte(u8),
    Char(char),
    /// A unit of UTF-16, perhaps half a character.
    Unit(u16),
}

/// Reads what follows a backslash, and returns what follows that.
fn escape(after: &[u8]) -> (Piece, &[u8]) {
    let Some((&kind, tail)) = after.split_first() else {
        return (Piece::Byte(b'\\'), after);
    };
    let simple = |byte| (Piece::Byte(byte), tail);
    match kind {
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'b' => simple(8),
        b'f' => simple(12),
        b'0' => simple(0),
        b'"' | b'\\' | b'/' | b'\'' => simple(kind),
        b'x' => match tail.get(..2).and_then(hex).and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => (Piece::Byte(byte), tail.get(2..).unwrap_or_default()),
            None => simple(kind),
        },
        b'u' => unicode(tail).unwrap_or_else(|| simple(kind)),
        _ => (Piece::Byte(b'\\'), after),
    }
}

/// Reads what follows `\u`: four digits, or any number in braces.
fn unicode(tail: &[u8]) -> Option<(Piece, &[u8])> {
    if let Some(inner) = tail.strip_prefix(b"{") {
        let end = inner.iter().position(|byte| *byte == b'}')?;
        let c = char::from_u32(hex(inner.get(..end)?)?)?;
        return Some((Piece::Char(c), inner.get(end + 1..)?));
    }
    let unit = u16::try_from(hex(tail.get(..4)?)?).ok()?;
    Some((Piece::Unit(unit), tail.get(4..)?))
}

fn flush(units: &mut Vec<u16>, plain: &mut Vec<u8>) {
    plain.extend_from_slice(String::from_utf16_lossy(units).as_bytes());
    units.clear();
}

/// A number in 1 to 6 hexadecimal digits.
fn hex(digits: &[u8]) -> Option<u32> {
    let plain = (1..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    std::str::from_utf8(digits).ok().filter(|_| plain).and_then(|text| u32::from_str_radix(text, 16).ok())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::super::Canary;

    /// Fails unless the canary finds its secret in each of the texts made from it.
    fn caught(make: impl Fn(&str) -> Vec<u8>) {
        for canary in [Canary::new(), Canary::awkward()] {
            let secret = canary.secret();
            let leak = make(secret.expose());
            assert!(canary.find(&leak).is_some(), "{}", String::from_utf8_lossy(&leak));
        }
    }

    #[test]
    fn plain_text_is_caught() {
        caught(|text| format!("before {text} after").into_bytes());
        caught(|text| [b"\xff\x00", text.as_bytes(), b"\xfe"].concat());
    }

    #[test]
    fn base64_is_caught_at_every_alignment() {
        for before in ["", "a", "ab", "client:", "client-x:"] {
            for after in ["", "z", "zz"] {
                caught(|text| STANDARD.encode(format!("{before}{text}{after}")).into_bytes());
                caught(|text| URL_SAFE.encode(format!("{before}{text}{after}")).into_bytes());
            }
        }
    }

    #[test]
    fn percent_encoding_is_caught_however_eager() {
        use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
        const LAZY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%').add(b'&').add(b'+').add(b'=');
        const PLUS_KEPT: &AsciiSet = &CONTROLS.add(b' ').add(b'%');
        caught(|text| format!("client_secret={}&x=1", utf8_percent_encode(text, NON_ALPHANUMERIC)).into_bytes());
        caught(|text| utf8_percent_encode(text, LAZY).to_string().into_bytes());
        caught(|text| utf8_percent_encode(text, PLUS_KEPT).to_string().into_bytes());
        caught(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%20", "+").into_bytes());
        caught(|text| text.bytes().flat_map(|byte| format!("%{byte:02x}").into_bytes()).collect());
    }

    #[test]
    fn escapes_are_caught() {
        caught(|text| serde_json::to_vec(&serde_json::json!({ "password": text })).unwrap());
        caught(|text| serde_json::to_vec(&serde_json::json!({ "a": text }).to_string()).unwrap());
        caught(|text| format!("{text:?}").into_bytes());
        caught(|text| text.escape_unicode().to_string().into_bytes());
        caught(|text| text.encode_utf16().flat_map(|unit| format!("\\u{unit:04X}").into_bytes()).collect());
        caught(|text| text.as_bytes().escape_ascii().to_string().into_bytes());
        caught(|text| text.bytes().flat_map(|byte| format!("\\x{byte:02x}").into_bytes()).collect());
    }

    #[test]
    fn bytes_in_figures_are_caught() {
        caught(|text| format!("{:?}", text.as_bytes()).into_bytes());
        caught(|text| serde_json::to_vec(text.as_bytes()).unwrap());
        caught(|text| text.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
        caught(|text| text.bytes().flat_map(|byte| format!("{byte:02X}").into_bytes()).collect());
    }

    #[test]
    fn utf_16_is_caught() {
        caught(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
        caught(|text| text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }

    #[test]
    fn reversed_text_is_caught() {
        caught(|text| text.chars().rev().collect::<String>().into_bytes());
    }

    #[test]
    fn a_third_of_the_canary_s_own_secret_is_caught() {
        caught(|text| text.as_bytes()[..14].to_vec());
        caught(|text| text.as_bytes()[text.len() - 14..].to_vec());
    }

    #[test]
    fn another_text_is_not_mistaken_for_it() {
        let (canary, other) = (Canary::new(), Canary::awkward());
        let text = format!("{0} {0:?} \\ \\u \\u12 \\x %% %2 %zz", other.secret().expose());
        assert_eq!(canary.find(text.as_bytes()), None);
        assert_eq!(canary.find(b""), None);
        assert_eq!(canary.find(b"\\"), None);
    }
}

//! Undoes the escapes of JSON, of Rust's `Debug` and their like.

use super::island::Undone;

/// Undoes what follows a backslash.
pub(super) fn undo(bytes: &[u8], reach: usize) -> Vec<Vec<u8>> {
    if !bytes.contains(&b'\\') {
        return Vec::new();
    }
    let mut undone = Undone::new(bytes.len());
    // Two units of UTF-16 may make one character, so they are collected until something else follows.
    let mut units = Vec::new();
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let (piece, after) = if first == b'\\' { escape(tail) } else { (Piece::Plain(first), tail) };
        rest = after;
        if let Piece::Unit(unit) = piece {
            units.push(unit);
            continue;
        }
        flush(&mut units, &mut undone);
        match piece {
            Piece::Char(c) => undone.undo(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Piece::Byte(byte) => undone.undo(&[byte]),
            Piece::Plain(byte) => undone.keep(byte),
            Piece::Unit(_) => {}
        }
    }
    flush(&mut units, &mut undone);
    undone.islands(reach)
}

/// What one escape stands for.
enum Piece {
    /// A byte that is none.
    Plain(u8),
    Byte(u8),
    Char(char),
    /// A unit of UTF-16, perhaps half a character.
    Unit(u16),
}

/// Reads what follows a backslash, and returns what follows that.
fn escape(after: &[u8]) -> (Piece, &[u8]) {
    let Some((&kind, tail)) = after.split_first() else {
        return (Piece::Plain(b'\\'), after);
    };
    let simple = |byte| (Piece::Byte(byte), tail);
    match kind {
        b'n' => simple(b'\n'),
        b'r' => simple(b'\r'),
        b't' => simple(b'\t'),
        b'b' => simple(8),
        b'f' => simple(12),
        b'0' => simple(0),
        // A backslash at the end of a line continues it.
        b'"' | b'\\' | b'/' | b'\'' | b'\n' => simple(kind),
        b'x' => match tail.get(..2).and_then(hex).and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => (Piece::Byte(byte), tail.get(2..).unwrap_or_default()),
            None => simple(kind),
        },
        b'u' => unicode(tail).unwrap_or_else(|| simple(kind)),
        _ => (Piece::Plain(b'\\'), after),
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

fn flush(units: &mut Vec<u16>, undone: &mut Undone) {
    if !units.is_empty() {
        undone.undo(String::from_utf16_lossy(units).as_bytes());
        units.clear();
    }
}

/// A number in 1 to 6 hexadecimal digits.
pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    let plain = (1..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    std::str::from_utf8(digits).ok().filter(|_| plain).and_then(|text| u32::from_str_radix(text, 16).ok())
}

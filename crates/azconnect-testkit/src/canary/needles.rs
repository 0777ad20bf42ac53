//! The watched secrets, and the search for them in one text.

use std::collections::HashMap;

/// How many bytes of a text are looked up at once.
const GRAM: usize = 4;

/// How many bits tell at once that a gram is in no secret.
const FILTER_BITS: usize = 1 << 20;

/// How many characters of a secret count as the secret, where every piece of it is random.
const PIECE: usize = 12;

/// One secret in one notation, and how much of it is a leak.
struct Needle {
    whose: usize,
    form: &'static str,
    text: Vec<u8>,
    enough: usize,
}

/// Where a secret was found.
pub(super) struct Hit {
    /// The number of the secret, in the order of watching.
    pub(super) whose: usize,
    /// The notation, in words.
    pub(super) form: &'static str,
    /// The position of its first byte.
    pub(super) at: usize,
}

/// All watched secrets, indexed by every few bytes of them.
///
/// Case and white space are left out on both sides, so that a secret is found in capitals and across lines. A text is read
/// in steps, not byte by byte: a piece that is long enough holds a whole gram at one of them, wherever it begins.
pub(super) struct Needles {
    needles: Vec<Needle>,
    places: HashMap<[u8; GRAM], Vec<(usize, usize)>>,
    filter: Vec<u64>,
    step: usize,
    secrets: usize,
    longest: usize,
}

impl Needles {
    pub(super) fn new() -> Self {
        let filter = vec![0; FILTER_BITS / 64];
        Self { needles: Vec::new(), places: HashMap::new(), filter, step: usize::MAX, secrets: 0, longest: 0 }
    }

    /// Adds a secret of which only the whole is a leak: a piece of it may be in harmless texts too.
    pub(super) fn add_whole(&mut self, text: &str) {
        self.add(text, [usize::MAX; 4]);
    }

    /// Adds a secret whose every piece is random.
    pub(super) fn add_pieces(&mut self, text: &str) {
        let chars: Vec<char> = text.chars().collect();
        let lengths =
            chars.windows(PIECE).map(|piece| forms(&piece.iter().collect::<String>()).map(|(_, bytes)| bytes.len()));
        self.add(text, lengths.reduce(least).unwrap_or([usize::MAX; 4]));
    }

    /// How many secrets are watched.
    pub(super) fn secrets(&self) -> usize {
        self.secrets
    }

    /// How many bytes the longest secret has, in its widest notation.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The first place where a secret, or enough of it, stands in a text.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<Hit> {
        let text = canonical(bytes);
        let mut at = 0;
        while let Some(gram) = text.get(at..).and_then(<[u8]>::first_chunk) {
            if self.may_hold(*gram)
                && let Some((needle, begin)) = self.places.get(gram).and_then(|places| self.extend(&text, at, places))
            {
                return Some(Hit { whose: needle.whose, form: needle.form, at: original(bytes, begin) });
            }
            at = at.saturating_add(self.step);
        }
        None
    }

    /// The secret that has one of these places at this position of a text, and where it begins there.
    fn extend(&self, text: &[u8], at: usize, places: &[(usize, usize)]) -> Option<(&Needle, usize)> {
        places.iter().find_map(|(number, offset)| {
            let needle = self.needles.get(*number)?;
            let (head, tail) = (text.get(..at)?, text.get(at..)?);
            let (own_head, own_tail) = (needle.text.get(..*offset)?, needle.text.get(*offset..)?);
            let left = head.iter().rev().zip(own_head.iter().rev()).take_while(|(a, b)| a == b).count();
            let right = tail.iter().zip(own_tail).take_while(|(a, b)| a == b).count();
            (left + right >= needle.enough).then(|| (needle, at - left))
        })
    }

    fn add(&mut self, text: &str, enough: [usize; 4]) {
        self.longest = self.longest.max(text.len() * 2);
        for ((form, text), enough) in forms(text).into_iter().zip(enough) {
            let enough = enough.min(text.len());
            self.step = self.step.min((enough + 1).saturating_sub(GRAM).max(1));
            self.index(&text);
            self.needles.push(Needle { whose: self.secrets, form, text, enough });
        }
        self.secrets += 1;
    }

    fn index(&mut self, text: &[u8]) {
        for (offset, window) in text.windows(GRAM).enumerate() {
            let Some(gram) = window.first_chunk() else { continue };
            let (word, bit) = place(*gram);
            if let Some(word) = self.filter.get_mut(word) {
                *word |= bit;
            }
            self.places.entry(*gram).or_default().push((self.needles.len(), offset));
        }
    }

    fn may_hold(&self, gram: [u8; GRAM]) -> bool {
        let (word, bit) = place(gram);
        self.filter.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// A text in every notation that is searched as such.
fn forms(text: &str) -> [(&'static str, Vec<u8>); 4] {
    let reversed: String = text.chars().rev().collect();
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    [
        ("plain text", canonical(text.as_bytes())),
        ("reversed text", canonical(reversed.as_bytes())),
        ("UTF-16, little-endian", canonical(&little)),
        ("UTF-16, big-endian", canonical(&big)),
    ]
}

fn least(a: [usize; 4], b: [usize; 4]) -> [usize; 4] {
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a, b);
    [a0.min(b0), a1.min(b1), a2.min(b2), a3.min(b3)]
}

/// The word and the bit of the filter for a gram.
fn place(gram: [u8; GRAM]) -> (usize, u64) {
    // A multiplication mixes upwards, so the upper bits are taken.
    let mixed = u32::from_le_bytes(gram).wrapping_mul(0x9E37_79B1) >> 12;
    let mixed = usize::try_from(mixed).unwrap_or_default() % FILTER_BITS;
    (mixed / 64, 1 << (mixed % 64))
}

/// A text without what changes on its way: capitals, white space, and the `+` that stands for a space in a form.
pub(super) fn canonical(bytes: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if !is_left_out(*byte) {
            canonical.push(byte.to_ascii_lowercase());
        }
    }
    canonical
}

fn is_left_out(byte: u8) -> bool {
    is_space(byte) || byte == b'+'
}

/// Where the byte that stands at a position of the canonical text stood before.
fn original(bytes: &[u8], position: usize) -> usize {
    bytes.iter().enumerate().filter(|(_, byte)| !is_left_out(**byte)).nth(position).map_or(position, |(at, _)| at)
}

/// White space of ASCII, with the vertical tab, which `is_ascii_whitespace` leaves out.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

//! The parts of a text that are worth a further look.

use super::super::needles::is_space;
use super::SHORTEST;

/// Stands between two parts that did not stand together. No text has it: it is no byte of UTF-8.
pub(super) const GAP: u8 = 0xFF;

/// A text in which something was undone.
pub(super) struct Undone {
    plain: Vec<u8>,
    places: Vec<usize>,
}

impl Undone {
    pub(super) fn new(size: usize) -> Self {
        Self { plain: Vec::with_capacity(size), places: Vec::new() }
    }

    /// A byte that is as it was.
    pub(super) fn keep(&mut self, byte: u8) {
        self.plain.push(byte);
    }

    /// What stood encoded.
    pub(super) fn undo(&mut self, bytes: &[u8]) {
        self.places.push(self.plain.len());
        self.plain.extend_from_slice(bytes);
    }

    /// The text within `reach` of what was undone: most of a log has no escapes, and need not be searched again for the
    /// sake of the few that it has. Nothing, where nothing was undone.
    pub(super) fn islands(self, reach: usize) -> Vec<Vec<u8>> {
        let (mut kept, mut end) = (Vec::new(), 0);
        for place in &self.places {
            let from = place.saturating_sub(reach);
            let to = place.saturating_add(reach).min(self.plain.len());
            if from > end {
                kept.push(GAP);
            }
            kept.extend_from_slice(self.plain.get(from.max(end)..to).unwrap_or_default());
            end = end.max(to);
        }
        if self.places.is_empty() { Vec::new() } else { vec![kept] }
    }
}

/// The stretches of a text that a person could read, and that could hold a secret.
pub(super) fn readable(bytes: &[u8]) -> Vec<u8> {
    let stretches = bytes.split(|byte| !(byte.is_ascii_graphic() || is_space(*byte)));
    stretches.filter(|stretch| stretch.len() >= SHORTEST).flat_map(|stretch| [stretch, &[GAP]].concat()).collect()
}

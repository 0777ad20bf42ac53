//! Takes off the layers of encoding around a text.
//!
//! What one text can be encoded to in many ways (which characters to escape, where to break a line, what stands before it
//! in a group of base64) is undone in what is searched, layer by layer, so that every choice is found.

mod base64;
mod escape;
mod figures;
mod island;
mod percent;

use super::needles::{Hit, Needles};

/// How many layers are taken off: a JSON text, inside base64, in an address, that `Debug` escaped.
const LAYERS: usize = 4;

/// The shortest run of figures or letters that may hold a secret of 8 bytes.
const SHORTEST: usize = 8;

/// How wide the lines are that base64 is broken into: an escaped line feed after each is near the next one.
const WIDEST_LINE: usize = 80;

/// One encoding.
struct Layer {
    name: &'static str,
    /// All that a text may have been before it was encoded. Nothing, if it shows no sign of that.
    undo: fn(&[u8], reach: usize) -> Vec<Vec<u8>>,
    /// Whether what is not such an encoding comes out as noise, of which only readable stretches are worth a further look.
    noisy: bool,
}

const PERCENT: &str = "percent-encoded";
const ESCAPED: &str = "escaped";

const ALL: [Layer; 5] = [
    Layer { name: PERCENT, undo: percent::undo, noisy: false },
    Layer { name: ESCAPED, undo: escape::undo, noisy: false },
    Layer { name: "in base64", undo: base64::undo, noisy: true },
    Layer { name: "in hexadecimal digits", undo: figures::undo_hexadecimal, noisy: true },
    Layer { name: "as a list of bytes", undo: figures::undo_list, noisy: true },
];

/// The first secret found, and the layers around it, the outermost first, each after a comma.
pub(super) fn search(bytes: &[u8], needles: &Needles) -> Option<(Hit, String)> {
    // What stands further from an escape than the longest secret is long was read without undoing it.
    let reach = needles.longest().max(WIDEST_LINE);
    look_into(bytes, &mut Vec::new(), reach, needles)
}

fn look_into(bytes: &[u8], path: &mut Vec<&'static str>, reach: usize, needles: &Needles) -> Option<(Hit, String)> {
    if let Some(hit) = needles.find(bytes) {
        return Some((hit, named(path)));
    }
    if path.len() == LAYERS {
        return None;
    }
    for layer in &ALL {
        // No escape hides a percent sign, so those were undone before the escapes were.
        if layer.name == PERCENT && path.last() == Some(&ESCAPED) {
            continue;
        }
        path.push(layer.name);
        let found = (layer.undo)(bytes, reach).iter().find_map(|plain| {
            if !layer.noisy {
                return look_into(plain, path, reach, needles);
            }
            // The noise is searched once, since a secret need not be readable there: in UTF-16 it is not.
            let found = needles.find(plain).map(|hit| (hit, named(path)));
            found.or_else(|| look_into(&island::readable(plain), path, reach, needles))
        });
        if found.is_some() {
            return found;
        }
        path.pop();
    }
    None
}

fn named(path: &[&str]) -> String {
    path.iter().map(|layer| format!(", {layer}")).collect()
}

//! Undoes `%XX`.

use super::escape::hex;
use super::island::Undone;

pub(super) fn undo(bytes: &[u8], reach: usize) -> Vec<Vec<u8>> {
    if !bytes.contains(&b'%') {
        return Vec::new();
    }
    let mut undone = Undone::new(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        let digits = if first == b'%' { tail.split_at_checked(2) } else { None };
        match digits.and_then(|(digits, after)| Some((u8::try_from(hex(digits)?).ok()?, after))) {
            Some((byte, after)) => {
                undone.undo(&[byte]);
                rest = after;
            }
            None => undone.keep(first),
        }
    }
    undone.islands(reach)
}

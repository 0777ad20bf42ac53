//! Ids as short as a person can still tell them apart.

use std::collections::BTreeSet;

/// The characters of a GUID.
const LENGTH: usize = 36;

/// The GUIDs that a page names. Each is shown by its first eight characters, as long as no other begins with them.
#[derive(Debug, Default)]
pub struct Ids(BTreeSet<String>);

impl Ids {
    /// Learns every GUID in a text. All texts of a page are learned before the first is shortened.
    pub fn learn(&mut self, text: &str) {
        for (start, _) in text.char_indices() {
            if let Some(id) = guid_at(text, start) {
                self.0.insert(id.to_ascii_lowercase());
            }
        }
    }

    /// The text, its GUIDs shortened.
    pub fn shortened(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut start = 0;
        while let Some(first) = text.get(start..).and_then(|rest| rest.chars().next()) {
            match guid_at(text, start) {
                Some(id) => {
                    shown.push_str(&self.short(id));
                    start += LENGTH;
                }
                None => {
                    shown.push(first);
                    start += first.len_utf8();
                }
            }
        }
        shown
    }

    /// The first eight characters; with the last four where others begin alike; all of it where that is not enough.
    fn short(&self, id: &str) -> String {
        let id = id.to_ascii_lowercase();
        let (head, tail) = (id.get(..8).unwrap_or(&id), id.get(LENGTH - 4..).unwrap_or_default());
        let alike = || self.0.iter().filter(|other| **other != id && other.starts_with(head));
        if alike().next().is_none() {
            head.to_owned()
        } else if !alike().any(|other| other.ends_with(tail)) {
            format!("{head}…{tail}")
        } else {
            id
        }
    }
}

/// The GUID that begins there, if one does.
fn guid_at(text: &str, start: usize) -> Option<&str> {
    let candidate = text.get(start..start + LENGTH)?;
    let wanted = |index: usize, byte: u8| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    candidate.bytes().enumerate().all(|(index, byte)| wanted(index, byte)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(texts: &[&str]) -> Ids {
        let mut ids = Ids::default();
        texts.iter().for_each(|text| ids.learn(text));
        ids
    }

    #[test]
    fn an_id_is_its_first_eight_characters() {
        let text = "recorded: azconnect 2026-11-21 315efd20-6f13-40c5-b3a1-b4fe3445e2c8, é";
        assert_eq!(ids(&[text]).shortened(text), "recorded: azconnect 2026-11-21 315efd20, é");
    }

    #[test]
    fn ids_that_begin_alike_stay_different() {
        let (two, three) = ("b0000000-0000-4000-8000-000000000002", "b0000000-0000-4000-8000-000000000003");
        let ids = ids(&[two, three]);
        assert_eq!((ids.shortened(two), ids.shortened(three)), ("b0000000…0002".into(), "b0000000…0003".into()));
    }

    #[test]
    fn ids_that_begin_and_end_alike_are_shown_in_full() {
        let (two, other) = ("b0000000-0000-4000-8000-000000000002", "b0000000-1111-4000-8000-000000000002");
        assert_eq!(ids(&[two, other]).shortened(other), other);
    }

    #[test]
    fn what_is_no_id_stays_as_it_is() {
        let text = "b0000000-0000-4000-8000-00000000000g und so weiter, ünd so weiter, 漢字 漢字 漢字 漢字";
        assert_eq!(ids(&[text]).shortened(text), text);
    }
}

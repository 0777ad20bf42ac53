//! Cuts a long JSON list into its elements while it arrives.

use azconnect_core::{Error, ErrorKind};

/// The largest element that is kept, in bytes.
const ELEMENT_LIMIT: usize = 4 * 1024 * 1024;

/// Finds the elements of `{"value":[…],"nextLink":"…"}` or of a bare list in pieces of any size. It holds no more than
/// one element at a time, and the link.
#[derive(Default)]
pub(super) struct Splitter {
    /// The brackets that are open, outermost first.
    open: Vec<u8>,
    in_string: bool,
    escaped: bool,
    /// The text of the name or value that is being read in the outermost object.
    word: Vec<u8>,
    /// The name in the outermost object whose value is being read.
    name: Vec<u8>,
    after_colon: bool,
    in_list: bool,
    element: Vec<u8>,
    next_link: Option<Vec<u8>>,
    ended: bool,
}

impl Splitter {
    /// Takes a piece, and hands every element that it completes to `found`.
    pub(super) fn feed(
        &mut self,
        piece: &[u8],
        mut found: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for byte in piece {
            self.step(*byte, &mut found)?;
        }
        Ok(())
    }

    /// The link to the next page, as JSON text without its quotes.
    pub(super) fn next_link(&self) -> Option<&[u8]> {
        self.next_link.as_deref()
    }

    /// Whether every bracket that was opened is closed.
    pub(super) fn is_complete(&self) -> bool {
        self.ended
    }

    fn step(&mut self, byte: u8, found: &mut impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let inside = self.in_list && self.open.len() > self.list_depth();
        if inside {
            self.keep(byte)?;
        }
        if self.in_string {
            return self.in_string(byte, inside);
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if !inside {
                    self.word.clear();
                }
            }
            b'{' | b'[' => self.opens(byte)?,
            b'}' | b']' => return self.closes(found),
            b':' if self.open.len() == 1 => {
                self.name = std::mem::take(&mut self.word);
                self.after_colon = true;
            }
            b',' if self.open.len() == 1 => self.after_colon = false,
            _ => {}
        }
        Ok(())
    }

    fn in_string(&mut self, byte: u8, inside: bool) -> Result<(), Error> {
        let ends = byte == b'"' && !self.escaped;
        self.escaped = byte == b'\\' && !self.escaped;
        if ends {
            self.in_string = false;
            if self.open.len() == 1 && self.after_colon && matches!(self.name.as_slice(), b"nextLink") {
                self.next_link = Some(std::mem::take(&mut self.word));
            }
        } else if !inside {
            self.word.push(byte);
            if self.word.len() > ELEMENT_LIMIT {
                return Err(too_large());
            }
        }
        Ok(())
    }

    fn opens(&mut self, byte: u8) -> Result<(), Error> {
        let begins_list = byte == b'['
            && match self.open.len() {
                0 => true,
                1 => self.after_colon && self.name == b"value",
                _ => false,
            };
        // Without a limit, an answer of nothing but brackets would fill the memory.
        if self.open.len() > 128 {
            return Err(Error::new(ErrorKind::Unexpected, "the list is nested too deeply"));
        }
        self.open.push(byte);
        if begins_list {
            self.in_list = true;
        } else if self.in_list && self.open.len() == self.list_depth() + 1 {
            self.element.clear();
            self.element.push(byte);
        }
        Ok(())
    }

    fn closes(&mut self, found: &mut impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let depth = self.list_depth();
        self.open.pop();
        if self.in_list && self.open.len() == depth {
            found(&self.element)?;
            self.element.clear();
        } else if self.in_list && self.open.len() < depth {
            self.in_list = false;
        }
        self.ended = self.open.is_empty();
        Ok(())
    }

    /// How many brackets are open around the elements: two, or one in a bare list.
    fn list_depth(&self) -> usize {
        if self.open.first() == Some(&b'[') { 1 } else { 2 }
    }

    fn keep(&mut self, byte: u8) -> Result<(), Error> {
        self.element.push(byte);
        if self.element.len() > ELEMENT_LIMIT { Err(too_large()) } else { Ok(()) }
    }
}

fn too_large() -> Error {
    Error::new(ErrorKind::Unexpected, "one element of the list is larger than 4 MiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn split(text: &str, size: usize) -> (Vec<Value>, Option<String>, bool) {
        let mut splitter = Splitter::default();
        let mut found = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            splitter
                .feed(piece, |element| {
                    found.push(serde_json::from_slice(element).unwrap());
                    Ok(())
                })
                .unwrap();
        }
        let link = splitter.next_link().map(|link| String::from_utf8(link.to_vec()).unwrap());
        (found, link, splitter.is_complete())
    }

    #[test]
    fn elements_are_found_in_pieces_of_any_size() {
        let elements = vec![json!({"a": "x\"]}\\"}), json!({"value": [{"b": 1}], "nextLink": "no"}), json!([1, [2]])];
        let text = json!({"other": [{"c": 1}], "value": elements, "nextLink": "https://a/b", "after": {"value": [{}]}})
            .to_string();
        for size in [1, 2, 3, 7, 1000] {
            assert_eq!(split(&text, size), (elements.clone(), Some("https://a/b".into()), true));
        }
    }

    #[test]
    fn a_bare_list_and_an_empty_one_are_read() {
        assert_eq!(split("[{\"a\":1},{}]", 5).0, [json!({"a": 1}), json!({})]);
        assert_eq!(split("{\"value\":[]}", 5), (vec![], None, true));
    }

    #[test]
    fn a_cut_list_is_not_complete() {
        assert!(!split("{\"value\":[{\"a\":1}", 4).2);
    }

    proptest! {
        #[test]
        fn what_is_split_is_what_was_joined(
            texts in prop::collection::vec("[\\PC\"\\\\{}\\[\\]]{0,20}", 0..8),
            size in 1_usize..40,
        ) {
            let elements: Vec<Value> = texts.iter().map(|text| json!({ "t": text, "n": [text] })).collect();
            let (found, _, complete) = split(&json!({ "value": elements }).to_string(), size);
            prop_assert_eq!(found, elements);
            prop_assert!(complete);
        }
    }
}

//! Routes as data: each service has a table that says which handler answers which method and path.

use http::Method;

/// One row of a table: a method, a pattern of the path, and what answers.
///
/// A pattern is made of segments. `{name}` stands for any one segment, `{name*}` at the end for all that follow, and any
/// other segment for itself. The method `*` is any.
pub(super) struct Route<H> {
    method: &'static str,
    pattern: &'static str,
    pub(super) handler: H,
}

impl<H> Route<H> {
    pub(super) const fn new(method: &'static str, pattern: &'static str, handler: H) -> Self {
        Self { method, pattern, handler }
    }
}

/// Whether the words of a path are told apart by their case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Matters,
    Ignored,
}

/// The segments that a pattern leaves open, by name.
pub(super) struct Params<'a> {
    pattern: &'static str,
    parts: &'a [&'a str],
}

impl<'a> Params<'a> {
    /// The segment of a name; empty if the pattern has no such name.
    pub(super) fn get(&self, name: &str) -> &'a str {
        let place = self.pattern.split('/').position(|word| open_name(word) == Some(name));
        place.and_then(|place| self.parts.get(place)).copied().unwrap_or_default()
    }

    /// All that follows, where the pattern ends so.
    pub(super) fn rest(&self) -> &'a [&'a str] {
        let place = self.pattern.split('/').position(|word| word.ends_with("*}"));
        place.and_then(|place| self.parts.get(place..)).unwrap_or_default()
    }
}

/// The first row that fits, with what it leaves open. The order of a table therefore matters where patterns overlap.
pub(super) fn find<'t, 'a, H>(
    table: &'t [Route<H>],
    case: Case,
    method: &Method,
    parts: &'a [&'a str],
) -> Option<(&'t H, Params<'a>)> {
    let row = table
        .iter()
        .find(|route| (route.method == "*" || method.as_str() == route.method) && fits(route.pattern, case, parts))?;
    Some((&row.handler, Params { pattern: row.pattern, parts }))
}

fn open_name(word: &str) -> Option<&str> {
    let name = word.strip_prefix('{')?.strip_suffix('}')?;
    Some(name.strip_suffix('*').unwrap_or(name))
}

fn fits(pattern: &str, case: Case, parts: &[&str]) -> bool {
    let mut parts = parts.iter();
    for word in pattern.split('/') {
        if word.ends_with("*}") {
            return true;
        }
        let Some(part) = parts.next() else { return false };
        let same = match case {
            Case::Matters => word == *part,
            Case::Ignored => word.eq_ignore_ascii_case(part),
        };
        if !same && open_name(word).is_none() {
            return false;
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Route<u32>] = &[
        Route::new("GET", "a/{one}/b", 1),
        Route::new("*", "a/{one}/b", 2),
        Route::new("GET", "{first}/c/{rest*}", 3),
    ];

    fn answers(method: &Method, case: Case, path: &str) -> Option<(u32, String)> {
        let parts: Vec<&str> = path.split('/').collect();
        let (handler, params) = find(TABLE, case, method, &parts)?;
        Some((*handler, format!("{}{}", params.get("one"), params.get("first"))))
    }

    #[test]
    fn the_first_row_that_fits_answers() {
        let found = |number, text: &str| Some((number, text.to_owned()));
        assert_eq!(answers(&Method::GET, Case::Matters, "a/X/b"), found(1, "X"));
        assert_eq!(answers(&Method::PUT, Case::Matters, "a/X/b"), found(2, "X"));
        assert_eq!(answers(&Method::GET, Case::Matters, "A/X/b"), None);
        assert_eq!(answers(&Method::GET, Case::Ignored, "A/X/B"), found(1, "X"));
        assert_eq!(answers(&Method::GET, Case::Matters, "y/c"), found(3, "y"));
        assert_eq!(answers(&Method::GET, Case::Matters, "y/c/d/e"), found(3, "y"));
        assert_eq!(answers(&Method::GET, Case::Matters, "a/X/b/d"), None);
    }
}

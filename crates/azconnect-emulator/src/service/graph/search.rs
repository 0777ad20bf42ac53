//! `$search`: clauses in quotation marks, each a field and the beginning of a word in it.
//!
//! By *Use the $search query parameter*: for directory objects, with the header `ConsistencyLevel: eventual` only.

use serde_json::{Map, Value};

use super::Context;
use crate::base::refusal::{OrRefusal, Refusal};

/// What can be searched for.
const FIELDS: [&str; 5] = ["displayName", "description", "mail", "userPrincipalName", "appId"];

/// Clauses joined by `OR`, each of terms joined by `AND`.
pub(super) struct Search(Vec<Vec<(String, String)>>);

impl Search {
    /// The search that a request asks for, if it asks for one.
    pub(super) fn of(cx: &Context<'_>) -> OrRefusal<Option<Self>> {
        let Some(text) = cx.call.query.filled("$search") else { return Ok(None) };
        let eventual = cx.call.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
        if !eventual {
            return Err(unsupported(
                "Request with $search query parameter only works through MSGraph with a special request header: \
                 'ConsistencyLevel: eventual'",
            ));
        }
        Self::parse(text).map(Some)
    }

    fn parse(text: &str) -> OrRefusal<Self> {
        let term = |text: &str| {
            let (field, value) = text.trim().strip_prefix('"')?.strip_suffix('"')?.split_once(':')?;
            let known = FIELDS.iter().find(|known| known.eq_ignore_ascii_case(field.trim()))?;
            Some(((*known).to_owned(), value.to_lowercase())).filter(|(_, value)| !value.contains('"'))
        };
        let clause = |text: &str| pieces(text, "\" AND \"").iter().map(|part| term(part)).collect::<Option<Vec<_>>>();
        let clauses = pieces(text, "\" OR \"").iter().map(|part| clause(part)).collect::<Option<_>>();
        clauses.map(Self).ok_or_else(|| unsupported("Syntax error: the $search is not of the form \"property:value\"."))
    }

    pub(super) fn finds(&self, object: &Map<String, Value>) -> bool {
        let holds = |(field, wanted): &(String, String)| {
            let value = object.get(field).and_then(Value::as_str).unwrap_or_default().to_lowercase();
            let begins = |word: &str| word.starts_with(wanted.as_str());
            begins(&value) || value.split(|letter: char| !letter.is_alphanumeric()).any(begins)
        };
        self.0.iter().any(|clause| clause.iter().all(holds))
    }
}

/// Cuts a text between two terms, and gives the pieces the quotation marks back that the cuts took.
fn pieces(text: &str, between: &str) -> Vec<String> {
    let parts: Vec<&str> = text.trim().split(between).collect();
    let last = parts.len().saturating_sub(1);
    let mark = |wanted: bool| if wanted { "\"" } else { "" };
    parts.iter().enumerate().map(|(at, part)| format!("{}{part}{}", mark(at > 0), mark(at < last))).collect()
}

fn unsupported(message: &str) -> Box<Refusal> {
    Refusal::new(400, "Request_UnsupportedQuery", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finds(search: &str, object: &Value) -> bool {
        let Ok(search) = Search::parse(search) else { panic!("{search}") };
        search.finds(object.as_object().unwrap())
    }

    #[test]
    fn a_word_is_found_by_its_beginning() {
        let object = json!({"displayName": "Contoso Web-Deployer", "description": null});
        for search in ["\"displayName:deploy\"", "\"displayName:contoso web\"", "\"mail:x\" OR \"displayName:WEB\""] {
            assert!(finds(search, &object), "{search}");
        }
        for search in ["\"displayName:ploy\"", "\"displayName:web\" AND \"description:x\""] {
            assert!(!finds(search, &object), "{search}");
        }
    }

    #[test]
    fn what_is_no_search_is_refused() {
        for search in
            ["deploy", "displayName:deploy", "\"deploy\"", "\"colour:red\"", "\"displayName:a\" XOR \"mail:b\""]
        {
            assert!(Search::parse(search).is_err(), "{search}");
        }
    }
}

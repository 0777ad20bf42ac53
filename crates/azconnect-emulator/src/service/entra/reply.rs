//! How the sign-in answers an application: by its redirect address.

use url::Url;
use url::form_urlencoded::Serializer;

use super::Context;
use super::page;
use super::refusal::told;
use crate::base::answer::{Answer, WithHeader, empty};
use crate::base::refusal::Refusal;
use crate::model::world::World;

/// How the fields of an answer travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Mode {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "query" => Self::Query,
            "fragment" => Self::Fragment,
            "form_post" => Self::FormPost,
            _ => return None,
        })
    }
}

/// Where an answer goes.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) redirect: String,
    pub(super) mode: Mode,
    pub(super) state: Option<String>,
}

/// The fields of an answer, by name.
pub(super) type Fields = Vec<(&'static str, String)>;

impl Target {
    /// Sends the person back with an answer.
    pub(super) fn send(&self, mut fields: Fields) -> Answer {
        fields.extend(self.state.as_deref().map(|state| ("state", without_markup(state))));
        let address = with_path(&self.redirect);
        let pairs = Serializer::new(String::new()).extend_pairs(&fields).finish();
        let location = match self.mode {
            Mode::FormPost => return page::posting(&address, &fields),
            Mode::Query => {
                let mark = if address.contains('?') { '&' } else { '?' };
                format!("{address}{mark}{pairs}")
            }
            Mode::Fragment => format!("{address}#{pairs}"),
        };
        empty(302).with_header("location", &location)
    }

    /// Sends the person back with a refusal.
    pub(super) fn refuse(&self, cx: &Context<'_>, world: &mut World, refusal: &Refusal) -> Answer {
        self.send(self.refused(cx, world, refusal))
    }

    /// The fields of a refusal.
    pub(super) fn refused(&self, cx: &Context<'_>, world: &mut World, refusal: &Refusal) -> Fields {
        let told = told(refusal, cx.call, world);
        let mut fields = vec![("error", refusal.code.clone()), ("error_description", told.description)];
        let suberror = refusal.additional.iter().find(|(name, _)| name == "suberror");
        fields.extend(suberror.and_then(|(_, value)| Some(("suberror", value.as_str()?.to_owned()))));
        fields.push(("error_uri", told.uri));
        fields
    }

    /// Sends a person back who left the page.
    pub(super) fn leave(&self) -> Answer {
        self.send(vec![("error", "access_denied".to_owned()), ("error_subcode", "cancel".to_owned())])
    }
}

/// An address with an empty path comes back with a slash.
fn with_path(redirect: &str) -> String {
    let is_bare = Url::parse(redirect).is_ok_and(|url| url.path() == "/" && url.query().is_none());
    if is_bare && !redirect.ends_with('/') { format!("{redirect}/") } else { redirect.to_owned() }
}

/// The service strips HTML from the state.
fn without_markup(state: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::new();
    for c in state.chars() {
        match c {
            '<' => depth = depth.saturating_add(1),
            '>' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_path_comes_back_with_a_slash() {
        assert_eq!(with_path("https://app.example"), "https://app.example/");
        assert_eq!(with_path("https://app.example/back"), "https://app.example/back");
        assert_eq!(with_path("https://app.example/?a=b"), "https://app.example/?a=b");
        assert_eq!(without_markup("a<b>c</b>d"), "acd");
    }
}

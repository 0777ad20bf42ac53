//! The pages that a person sees in a browser. They need no script, and every field has a label, a name and an id that stay.
//!
//! `<body data-page="…">` says which page it is, for whoever drives a browser; see *A person signs in* in `docs/emulator.md`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use aws_lc_rs::digest::{SHA256, digest};

use crate::base::answer::{Answer, WithHeader, typed};

const STYLE: &str = "body{font-family:sans-serif;max-width:28rem;margin:3rem auto;padding:0 1rem}\
    label,input,button{display:block;margin:.5rem 0}input[type=checkbox]{display:inline}\
    [role=alert]{color:#a00}";

/// What the page that posts an answer runs. Without scripts its button does the same.
const SUBMIT: &str = "document.getElementById('answer').submit()";

/// A page in the making.
pub(super) struct Page {
    name: &'static str,
    title: String,
    body: String,
}

/// What the form of a page carries unseen.
pub(super) struct Carried<'a> {
    /// Where it is posted to.
    pub(super) action: &'a str,
    pub(super) flow: &'a str,
    pub(super) canary: &'a str,
}

impl Page {
    /// An empty page with a heading.
    pub(super) fn new(name: &'static str, title: &str) -> Self {
        let body = format!("<h1>{}</h1>\n", escape(title));
        Self { name, title: title.to_owned(), body }
    }

    pub(super) fn text(mut self, id: &str, text: &str) -> Self {
        self.body.push_str(&format!("<p id=\"{id}\">{}</p>\n", escape(text)));
        self
    }

    pub(super) fn alert(mut self, text: Option<&str>) -> Self {
        if let Some(text) = text {
            self.body.push_str(&format!("<p id=\"complaint\" role=\"alert\">{}</p>\n", escape(text)));
        }
        self
    }

    pub(super) fn list(mut self, id: &str, items: &[String]) -> Self {
        let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
        self.body.push_str(&format!("<ul id=\"{id}\">\n{items}</ul>\n"));
        self
    }

    /// Begins the one form of the page.
    pub(super) fn form(mut self, carried: &Carried<'_>) -> Self {
        self.body.push_str(&format!(
            "<form id=\"{}-form\" method=\"post\" action=\"{}\">\n",
            self.name,
            escape(carried.action)
        ));
        let hidden = [("flow", carried.flow), ("canary", carried.canary), ("page", self.name)];
        for (name, value) in hidden {
            self.body.push_str(&format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value)));
        }
        self
    }

    /// Begins the one form of a page that changes nothing, and asks for another one.
    pub(super) fn get_form(mut self, action: &str) -> Self {
        self.body.push_str(&format!("<form id=\"{}-form\" method=\"get\" action=\"{}\">\n", self.name, escape(action)));
        self
    }

    /// A field with its label; name and id are one.
    pub(super) fn field(mut self, name: &str, label: &str, (kind, completes, value): (&str, &str, &str)) -> Self {
        self.body.push_str(&format!(
            "<label for=\"{name}\">{}</label>\n<input type=\"{kind}\" id=\"{name}\" name=\"{name}\" autocomplete=\"{completes}\" value=\"{}\">\n",
            escape(label),
            escape(value)
        ));
        self
    }

    pub(super) fn checkbox(mut self, name: &str, label: &str) -> Self {
        self.body.push_str(&format!(
            "<p><input type=\"checkbox\" id=\"{name}\" name=\"{name}\" value=\"true\"><label for=\"{name}\" style=\"display:inline\">{}</label></p>\n",
            escape(label)
        ));
        self
    }

    /// A button that sends the form with `name=value`.
    pub(super) fn button(mut self, id: &str, label: &str, (name, value): (&str, &str)) -> Self {
        self.body.push_str(&format!(
            "<button type=\"submit\" id=\"{id}\" name=\"{name}\" value=\"{}\">{}</button>\n",
            escape(value),
            escape(label)
        ));
        self
    }

    pub(super) fn end(mut self) -> Self {
        self.body.push_str("</form>\n");
        self
    }

    pub(super) fn answer(self, status: u16) -> Answer {
        self.write(status, "")
    }

    fn write(self, status: u16, script: &str) -> Answer {
        let Self { name, title, body } = self;
        let text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n<style>{STYLE}</style>\n\
             </head>\n<body data-page=\"{name}\">\n<main>\n{body}</main>\n{script}</body>\n</html>\n",
            escape(&title)
        );
        let scripts = if script.is_empty() { String::new() } else { format!(" script-src 'sha256-{}';", hash(SUBMIT)) };
        let policy = format!("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none';{scripts}");
        typed(status, "text/html; charset=utf-8", text)
            .with_header("content-security-policy", &policy)
            .with_header("x-frame-options", "DENY")
            .with_header("x-content-type-options", "nosniff")
    }
}

/// The page that posts an answer to an application (*OAuth 2.0 Form Post Response Mode*).
pub(super) fn posting(address: &str, fields: &[(&str, String)]) -> Answer {
    let mut page = Page::new("posting", "Working...");
    page.body.push_str(&format!("<form id=\"answer\" method=\"post\" action=\"{}\">\n", escape(address)));
    for (name, value) in fields {
        page.body.push_str(&format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escape(value)));
    }
    page.body.push_str("<button type=\"submit\" id=\"continue\">Continue</button>\n</form>\n");
    page.write(200, &format!("<script>{SUBMIT}</script>\n"))
}

/// How a policy names a script that it lets run.
fn hash(script: &str) -> String {
    STANDARD.encode(digest(&SHA256, script.as_bytes()))
}

/// A text as it may stand in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

//! The page as text. Everything that comes from elsewhere is escaped.

use azconnect::credential::{Check, CheckReport, CheckStatus, LinkedAccount};
use azconnect_examples::when::day_and_clock;

use crate::site::{Note, Site};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}\
    form{display:inline}button{font:inherit;padding:.3rem .8rem;margin:.2rem .4rem .2rem 0}\
    table{border-collapse:collapse;width:100%}td{border-top:1px solid #ccc;padding:.3rem;vertical-align:top}\
    .good{background:#e7f6e7;padding:.5rem}.bad{background:#fdeaea;padding:.5rem}label{display:block}\
    input[type=text]{font:inherit;width:100%;box-sizing:border-box}";

/// Text as it stands in a page, in an attribute too.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// A whole page.
pub fn page(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Service user</title>\
         <style>{STYLE}</style></head><body><h1>Service user</h1>{body}</body></html>"
    )
}

pub fn note(note: &Note) -> String {
    let class = if note.is_good { "good" } else { "bad" };
    format!("<p id=\"note\" class=\"{class}\">{}</p>", escaped(&note.text))
}

/// A button that posts.
pub fn button(site: &Site, (action, label): (&str, &str)) -> String {
    format!(
        "<form method=\"post\" action=\"/{action}\"><input type=\"hidden\" name=\"form\" value=\"{}\">\
         <button id=\"{action}\">{label}</button></form>",
        site.form_token()
    )
}

/// Whose permissions are used, and what can be done.
pub fn account(site: &Site, account: Option<&LinkedAccount>) -> String {
    let Some(account) = account else {
        let hint =
            site.people.as_deref().map(|people| format!("<p>On the emulator, sign in as {}.</p>", escaped(people)));
        return format!(
            "<p id=\"state\">Nobody is linked: work without a person stands still.</p>{}{}",
            hint.unwrap_or_default(),
            button(site, ("link", "Link an account"))
        );
    };
    let guest = account.person.home.as_deref().map(|home| format!(" (a guest of {})", escaped(home)));
    let mut text = format!(
        "<p id=\"state\">Permissions of <b id=\"person\">{}</b>{} are used, since {}.</p>",
        escaped(&account.person.to_string()),
        guest.unwrap_or_default(),
        escaped(&day_and_clock(account.linked_at))
    );
    if let Some(checked) = &account.checked {
        text += &format!("<p>Checked {}:</p>{}", escaped(&day_and_clock(checked.at)), checks(&checked.report));
    }
    for action in [("refresh", "Refresh now"), ("link", "Link another account"), ("unlink", "Unlink")] {
        text += &button(site, action);
    }
    text + &organization_form()
}

fn organization_form() -> String {
    "<h2>Does it fit?</h2><form method=\"get\" action=\"/fit\">\
     <label>Organization <input type=\"text\" id=\"organization\" name=\"organization\"></label>\
     <label>Projects, separated by commas <input type=\"text\" id=\"projects\" name=\"projects\"></label>\
     <label>Repositories, separated by commas <input type=\"text\" id=\"repositories\" name=\"repositories\"></label>\
     <button id=\"fit\">Look</button></form>"
        .to_owned()
}

/// A report, line by line, with the remedies.
pub fn checks(report: &CheckReport) -> String {
    let rows: String = report.iter().map(row).collect();
    format!("<table id=\"checks\">{rows}</table>")
}

fn row(check: &Check) -> String {
    let sign = match check.status {
        CheckStatus::Passed => "\u{2713}",
        CheckStatus::Failed => "\u{2717}",
        _ => "?",
    };
    let remedy = match check.remedy.is_empty() {
        true => String::new(),
        false => format!("<br><i>{}</i>", escaped(&check.remedy)),
    };
    format!(
        "<tr data-code=\"{}\"><td>{sign}</td><td>{}</td><td>{}{remedy}</td></tr>",
        escaped(&check.code),
        escaped(&check.subject),
        escaped(&check.cause)
    )
}

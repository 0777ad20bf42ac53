//! What is shown of a sentence, and what never is.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::json;
use url::Url;

use super::*;
use crate::authorization::Authorization;
use crate::call::{Call, Heard};

fn url() -> Url {
    Url::parse("https://management.azure.com/subscriptions/s?api-version=2025-01-01").unwrap()
}

fn answer_to(call: &Call, authorization: Option<&Authorization>) -> Response {
    let mut answer = Response::default();
    if let Some(sent) = Sent::of(call, authorization) {
        answer.extensions_mut().insert(sent);
    }
    answer
}

fn said(call: &Call, text: &str) -> Option<String> {
    service_text(&answer_to(call, None), text)
}

/// What is shown of a text in the answer to a `GET`.
fn plain(text: &str) -> Option<String> {
    said(&Call::get("o", url()), text)
}

#[test]
fn a_sentence_is_shown_as_the_service_wrote_it() {
    let text = "The resource 'web-01' of type Microsoft.Compute/virtualMachines cannot be moved: it is 'in use' (by 3 others).";
    assert_eq!(plain(text).as_deref(), Some(text));
    assert_eq!(plain("two\r\n  lines\u{202e}\u{7}").as_deref(), Some("two lines"));
    assert_eq!((plain(""), plain("<html>no</html>"), plain("{\"a\":1}"), plain("…")), (None, None, None, None));
}

#[test]
fn an_answer_of_which_nobody_knows_what_was_sent_is_not_quoted() {
    assert_eq!(service_text(&Response::default(), "a sentence"), None);
    let unknown = Call { heard: Heard::Unknown, ..Call::get("o", url()) };
    assert_eq!(said(&unknown, "a sentence"), None);
}

#[test]
fn what_was_sent_is_hidden_but_for_what_stands_under_public_names() {
    let body = json!({"location": "westeurope", "properties": {"vmSize": "Standard_B9x", "plan": {"note": "hunter2"}},
        "list": [{"name": "web"}, "correct horse"]});
    let call = Call::put("o", url()).with_json(&body).unwrap();
    let shown =
        said(&call, "size Standard_B9x of 'web' is not in westeurope; note 'Hunter2', list \"correct horse\"").unwrap();
    assert_eq!(shown, "size Standard_B9x of 'web' is not in westeurope; note '…', list \"…\"");
    let form = Call::post("o", url()).with_form(&[("client_id", "app-1"), ("client_secret", "a+b &secret")]);
    assert_eq!(said(&form, "of app-1: a+b &secret").unwrap(), "of app-1: …");
}

#[test]
fn numbers_and_names_that_were_sent_are_hidden_too() {
    let body = json!({"pin": 493_817, "short": [4931, -20417.5, 80], "zones": [1234], "tags": {"hunter-2": true, "ab-1": 1}, "osProfile": {}});
    let call = Call::put("o", url()).with_json(&body).unwrap();
    let shown =
        said(&call, "pin 493817, short 4931 or -20417.5 of 80 in 1234: osProfile, tag Hunter-2 and ab-1").unwrap();
    assert_eq!(shown, "pin …, short … or … of 80 in 1234: osProfile, tag … and ab-1");
    // The id of a resource names what the sentence is about, also where it is the name of a value.
    let identity = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
    let call = Call::put("o", url()).with_json(&json!({"identity": {identity: {}}})).unwrap();
    assert!(said(&call, &format!("{identity} is not found")).unwrap().contains("userAssignedIdentities/i"));
}

#[test]
fn what_the_call_that_began_an_operation_sent_is_hidden_in_its_status() {
    let body = Call::put("o", url()).with_json(&json!({"adminPassword": "hunter2"})).unwrap().body;
    let poll = Call { heard: Heard::Body(body), ..Call::get("o", url()) };
    assert_eq!(said(&poll, "the password hunter2 is too short").unwrap(), "the password … is too short");
}

#[test]
fn a_secret_of_quotes_and_brackets_alone_is_hidden_too() {
    let call = Call::put("o", url()).with_json(&json!({"password": ";'''{\""})).unwrap();
    assert_eq!(said(&call, "the password ;'''{\" is wrong").unwrap(), "the password … is wrong");
}

#[test]
fn headers_and_the_address_s_query_are_hidden_as_well() {
    let url = Url::parse("https://h.example/a?sig=hunter2-hunter2&api-version=2025").unwrap();
    let call = Call::get("o", url).with_header(HeaderName::from_static("x-key"), HeaderValue::from_static("first-key"));
    assert_eq!(said(&call, "for first-key and hunter2-hunter2 of 2025").unwrap(), "for … and … of 2025");
    let basic = Authorization::new(&format!("Basic {}", STANDARD.encode(":tiny-pat"))).unwrap();
    let answer = answer_to(&Call::get("o", self::url()), Some(&basic));
    assert_eq!(service_text(&answer, "the token tiny-pat has ended").unwrap(), "the token … has ended");
    assert_eq!(
        service_text(&answer, "Authorization: Bearer abc was sent").unwrap(),
        "Authorization: Bearer … was sent"
    );
}

#[test]
fn a_long_sentence_ends_at_a_word() {
    let shown = plain(&"word ".repeat(200)).unwrap();
    assert!(shown.chars().count() <= LONGEST && shown.ends_with("word …"), "{shown}");
    assert_eq!(plain(&"a".repeat(5000)), None);
}

/// Text of which a service's answer could consist, without the secret.
fn around() -> impl Strategy<Value = String> {
    "[ -~]{0,40}"
}

proptest! {
    #[test]
    fn no_value_that_was_sent_is_shown(
        // A piece of six characters is what must not show.
        secret in "[!-~]{6,60}", before in around(), after in around(), form in any::<bool>(), upper in any::<bool>(),
        encoding in 0..4_u8, pin in 1000..u64::MAX, name in "[ -~]{3,20}[0-9_.~ -][ -~]{2,20}",
    ) {
        let numbered = json!({"properties": {"a": [pin], (name.clone()): {"pin": pin}}});
        let call = Call::put("o", url()).with_json(&numbered).unwrap();
        let shown = said(&call, &format!("{before} '{pin}' and '{name}' {after}")).unwrap_or_default();
        prop_assert!(!shown.contains(&format!("'{pin}'")), "{pin} in {shown}");
        prop_assert!(!shown.contains(&format!("'{name}'")), "{name} in {shown}");
        let call = match form {
            true => Call::post("o", url()).with_form(&[("grant_type", "x"), ("client_secret", &secret)]),
            false => Call::put("o", url()).with_json(&json!({"properties": {"password": secret}})).unwrap(),
        };
        let echoed = match encoding {
            0 => secret.clone(),
            1 => STANDARD.encode(&secret),
            2 => percent_encoding::utf8_percent_encode(&secret, percent_encoding::NON_ALPHANUMERIC).to_string(),
            _ => format!("{secret}{secret}"),
        };
        let echoed = if upper && encoding == 0 { echoed.to_ascii_uppercase() } else { echoed };
        let shown = said(&call, &format!("{before} {echoed} {after}")).unwrap_or_default().to_ascii_lowercase();
        let around = format!("{before} {after}").to_ascii_lowercase();
        for piece in secret.to_ascii_lowercase().as_bytes().windows(6) {
            let piece = std::str::from_utf8(piece).unwrap();
            prop_assert!(!shown.contains(piece) || around.contains(piece), "{piece} of {secret} in {shown}");
        }
    }

    #[test]
    fn no_script_that_was_sent_in_base64_is_shown(token in "[a-zA-Z0-9~._-]{12,50}") {
        let script = format!("#!/bin/sh\ninstall --token '{token}'\n");
        let body = json!({"properties": {"protectedSettings": {"script": STANDARD.encode(&script)}}});
        let call = Call::put("o", url()).with_json(&body).unwrap();
        let shown = said(&call, &format!("could not run {script}")).unwrap();
        prop_assert!(!shown.contains(&token), "{shown}");
    }

    #[test]
    fn no_token_is_shown_that_nobody_sent(
        bytes in prop::collection::vec(any::<u8>(), 30..80), at in around(), kind in 0..4_u8,
    ) {
        let token = match kind {
            0 => URL_SAFE_NO_PAD.encode(&bytes),
            1 => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            2 => format!("eyJhbGciOi.eyJ{}.{}", URL_SAFE_NO_PAD.encode(&bytes), "sig"),
            _ => format!("https://x.blob.core.windows.net/c?sv=2024&sig={}", URL_SAFE_NO_PAD.encode(&bytes)),
        };
        let shown = plain(&format!("{at} {token} end")).unwrap_or_default();
        prop_assert!(!shown.contains(&token), "{shown}");
        prop_assert!(!shown.contains(&token[token.len() - 20..]), "{shown}");
    }

    #[test]
    fn no_text_makes_it_panic_run_long_or_break_the_line(text in ".{0,600}", body in ".{0,60}") {
        let call = Call::put("o", url()).with_json(&json!({"a": body})).unwrap();
        if let Some(shown) = said(&call, &text) {
            prop_assert!(shown.chars().count() <= LONGEST);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_format(c)), "{shown:?}");
        }
    }
}

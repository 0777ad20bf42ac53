//! Every form in which a leak is caught, and what is not taken for one.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Canary;

/// Fails unless the canary finds its secret in each of the texts made from it, and a watched secret as well.
#[track_caller]
fn caught(make: impl Fn(&str) -> Vec<u8>) {
    caught_in_part(&make);
    let (watcher, minted) = (Canary::new(), Canary::new().secret());
    watcher.watch(&minted);
    let leak = make(minted.expose());
    assert!(watcher.find(&leak).is_some(), "watched: {}", String::from_utf8_lossy(&leak));
}

/// The same for texts that hold a part of the secret only, which counts for the canary's own.
#[track_caller]
fn caught_in_part(make: impl Fn(&str) -> Vec<u8>) {
    for canary in [Canary::new(), Canary::awkward()] {
        let leak = make(canary.secret().expose());
        assert!(canary.find(&leak).is_some(), "{}", String::from_utf8_lossy(&leak));
    }
}

/// Breaks a text into lines of a width.
fn wrapped(text: &str, width: usize, end: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(width).map(|line| line.iter().collect()).collect::<Vec<String>>().join(end)
}

#[test]
fn plain_text_is_caught() {
    caught(|text| format!("before {text} after").into_bytes());
    caught(|text| [b"\xff\x00", text.as_bytes(), b"\xfe"].concat());
}

#[test]
fn text_is_caught_in_capitals_and_in_small_letters() {
    caught(|text| text.to_uppercase().into_bytes());
    caught(|text| text.to_ascii_lowercase().into_bytes());
    caught(|text| STANDARD.encode(text.to_ascii_uppercase()).into_bytes());
}

#[test]
fn text_is_caught_across_lines() {
    for width in [5, 7, 16, 20] {
        for end in ["\n", "\r\n", "\n    ", "\\n", "\\r\\n", "\\\\n", "\\\n"] {
            caught(|text| wrapped(text, width, end).into_bytes());
        }
    }
}

#[test]
fn twelve_characters_of_the_canary_s_own_secret_are_caught_wherever_they_are_cut() {
    for canary in [Canary::new(), Canary::awkward()] {
        let secret = canary.secret();
        let chars: Vec<char> = secret.expose().chars().collect();
        for piece in chars.windows(12) {
            let piece: String = piece.iter().collect();
            assert!(canary.find(format!("<{piece}>").as_bytes()).is_some(), "{piece:?}");
            assert!(canary.find(format!("{:?}", piece.as_bytes()).as_bytes()).is_some(), "{piece:?}");
            assert!(canary.find(STANDARD.encode(format!("u:{piece}")).as_bytes()).is_some(), "{piece:?}");
        }
    }
    let canary = Canary::new();
    let secret = canary.secret();
    for start in 0..secret.expose().len() - 12 {
        assert!(canary.find(&secret.expose().as_bytes()[start..start + 12]).is_some(), "{start}");
    }
}

#[test]
fn base64_is_caught_at_every_alignment() {
    for before in ["", "a", "ab", "client:", "client-x:"] {
        for after in ["", "z", "zz"] {
            caught(|text| STANDARD.encode(format!("{before}{text}{after}")).into_bytes());
            caught(|text| URL_SAFE.encode(format!("{before}{text}{after}")).into_bytes());
            caught(|text| format!("Token{}", URL_SAFE.encode(format!("{before}{text}{after}"))).into_bytes());
        }
    }
}

#[test]
fn base64_is_caught_across_lines() {
    let pad = "x".repeat(100);
    for width in [64, 76] {
        for end in ["\n", "\r\n", "\n  ", "\\n", "\\r\\n", "\\\\n"] {
            for before in ["", "a", "ab"] {
                let whole = |text: &str| STANDARD.encode(format!("{before}{pad}{text}{pad}"));
                caught(|text| wrapped(&whole(text), width, end).into_bytes());
            }
        }
    }
}

#[test]
fn base64_in_base64_is_caught_at_every_alignment() {
    for before in ["", "a", "ab"] {
        for outer in ["", "x", "xy"] {
            let inner = |text: &str| STANDARD.encode(format!("{before}{text}!"));
            caught(|text| STANDARD.encode(format!("{outer}{}", inner(text))).into_bytes());
            caught(|text| URL_SAFE_NO_PAD.encode(format!("{outer}:{}", inner(text))).into_bytes());
            caught(|text| STANDARD.encode(wrapped(&format!("{outer}{}", inner(text)), 20, "\n")).into_bytes());
        }
    }
}

#[test]
fn json_and_forms_in_base64_are_caught() {
    for before in ["", "a", "ab"] {
        let json = |text: &str| serde_json::json!({"u": before, "password": text}).to_string();
        caught(|text| STANDARD.encode(json(text)).into_bytes());
        caught(|text| format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(json(text))).into_bytes());
        caught(|text| serde_json::json!({ "body": STANDARD.encode(json(text)) }).to_string().into_bytes());
        caught(|text| {
            let form = format!("{before}=1&client_secret={}", utf8_percent_encode(text, NON_ALPHANUMERIC));
            STANDARD.encode(form).into_bytes()
        });
        caught(|text| format!("Authorization: Basic {}", STANDARD.encode(format!("{before}:{text}"))).into_bytes());
        caught(|text| utf8_percent_encode(&STANDARD.encode(json(text)), NON_ALPHANUMERIC).to_string().into_bytes());
    }
}

#[test]
fn percent_encoding_is_caught_however_eager() {
    const LAZY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%').add(b'&').add(b'+').add(b'=');
    const PLUS_KEPT: &AsciiSet = &CONTROLS.add(b' ').add(b'%');
    caught(|text| format!("client_secret={}&x=1", utf8_percent_encode(text, NON_ALPHANUMERIC)).into_bytes());
    caught(|text| utf8_percent_encode(text, LAZY).to_string().into_bytes());
    caught(|text| utf8_percent_encode(text, PLUS_KEPT).to_string().into_bytes());
    caught(|text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%20", "+").into_bytes());
    caught(|text| text.bytes().flat_map(|byte| format!("%{byte:02x}").into_bytes()).collect());
    caught(|text| text.bytes().flat_map(|byte| format!("%25{byte:02X}").into_bytes()).collect());
}

#[test]
fn escapes_are_caught() {
    caught(|text| serde_json::to_vec(&serde_json::json!({ "password": text })).unwrap());
    caught(|text| serde_json::to_vec(&serde_json::json!({ "a": text }).to_string()).unwrap());
    caught(|text| format!("{text:?}").into_bytes());
    caught(|text| format!("{:?}", format!("{text:?}")).into_bytes());
    caught(|text| text.escape_unicode().to_string().into_bytes());
    caught(|text| text.encode_utf16().flat_map(|unit| format!("\\u{unit:04X}").into_bytes()).collect());
    caught(|text| text.encode_utf16().flat_map(|unit| format!("\\\\u{unit:04x}").into_bytes()).collect());
    caught(|text| text.as_bytes().escape_ascii().to_string().into_bytes());
    caught(|text| text.bytes().flat_map(|byte| format!("\\x{byte:02x}").into_bytes()).collect());
}

#[test]
fn a_secret_far_from_any_escape_and_one_between_two_are_caught() {
    let far = "x".repeat(5000);
    caught(|text| format!("\\n{far}{text:?}{far}\\n").into_bytes());
    caught(|text| format!("%41{far}{}", utf8_percent_encode(text, NON_ALPHANUMERIC)).into_bytes());
}

#[test]
fn lists_of_bytes_are_caught_in_every_layout() {
    caught(|text| format!("{:?}", text.as_bytes()).into_bytes());
    caught(|text| format!("{:#?}", text.as_bytes()).into_bytes());
    caught(|text| format!("Body {{ bytes: {:#?} }}", text.as_bytes()).into_bytes());
    caught(|text| format!("{:?}", format!("{:#?}", text.as_bytes())).into_bytes());
    caught(|text| format!("{:#?}", Some([1, 2].iter().chain(text.as_bytes()).collect::<Vec<_>>())).into_bytes());
    caught(|text| format!("{:#x?}", text.as_bytes()).into_bytes());
    caught(|text| format!("{:#04X?}", text.as_bytes()).into_bytes());
    caught(|text| serde_json::to_vec(text.as_bytes()).unwrap());
    caught(|text| serde_json::to_vec_pretty(&serde_json::json!({ "data": text.as_bytes() })).unwrap());
    caught(|text| text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(" ").into_bytes());
}

#[test]
fn hexadecimal_digits_are_caught_with_and_without_separators() {
    for separator in ["", " ", ":", "-", ", ", ",", "\n", " 0x", ", 0x", "::"] {
        for before in ["", "id=7 ", "0x", "<"] {
            let digits = |text: &str, upper: bool| {
                let one = |byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
                format!("{before}{}>", text.bytes().map(one).collect::<Vec<_>>().join(separator)).into_bytes()
            };
            caught(|text| digits(text, true));
            caught(|text| digits(text, false));
        }
    }
    caught(|text| format!("{:02x?}", text.as_bytes()).into_bytes());
    caught(|text| STANDARD.encode(text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>()).into_bytes());
    // A dump of 16 bytes a line, with its addresses and its letters.
    caught_in_part(|text| {
        let line = |(at, bytes): (usize, &[u8])| format!("{:08x}: {:02x?} |....|\n", at * 16, bytes);
        text.as_bytes().chunks(16).enumerate().map(line).collect::<String>().into_bytes()
    });
}

#[test]
fn utf_16_is_caught() {
    caught(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    caught(|text| text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    caught(|text| STANDARD.encode(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()).into_bytes());
}

#[test]
fn reversed_text_is_caught() {
    caught(|text| text.chars().rev().collect::<String>().into_bytes());
}

#[test]
fn a_private_key_is_caught_in_a_json_text_and_in_base64() {
    let body: String = (0..25)
        .map(|_| uuid::Uuid::new_v4().simple().to_string() + uuid::Uuid::new_v4().simple().to_string().as_str() + "\n")
        .collect();
    let key = azconnect_core::Secret::new(format!("-----BEGIN KEY-----\n{body}-----END KEY-----\n"));
    let canary = Canary::new();
    canary.watch(&key);
    let noise = "an ordinary line\\n".repeat(100);
    let json = serde_json::json!({ "key": key.expose(), "more": noise }).to_string();
    for leak in [json.clone(), STANDARD.encode(&json), wrapped(&STANDARD.encode(&json), 76, "\\n"), format!("{json:?}")]
    {
        assert!(canary.find(leak.as_bytes()).is_some(), "{}", &leak[..200]);
    }
}

#[test]
fn another_text_is_not_mistaken_for_it() {
    for (canary, other) in
        [(Canary::new(), Canary::awkward()), (Canary::awkward(), Canary::awkward()), (Canary::new(), Canary::new())]
    {
        let text = format!("{0} {0:?} \\ \\u \\u12 \\x %% %2 %zz", other.secret().expose());
        assert_eq!(canary.find(text.as_bytes()), None);
        assert_eq!(canary.find(b""), None);
        assert_eq!(canary.find(b"\\"), None);
    }
}

/// A log of one MiB: addresses, ids, times, escaped JSON, tokens that are others', lists of numbers, words.
fn ordinary_log() -> Vec<u8> {
    let mut log = String::new();
    while log.len() < 1 << 20 {
        let (id, other) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
        log.push_str(&format!(
            "2026-11-21T19:16:23.{:06}Z TRACE azconnect_http: sent request.id={id} url=https://dev.azure.com/contoso/{other}\
             ?api-version=7.1&name=caf%C3%A9+bar status=200 body={{\"id\":\"{other}\",\"text\":\"a \\\"quoted\\\" line\\n\"}} \
             token={} bytes={:?} the quick brown fox jumps over the lazy dog\n",
            log.len() % 1_000_000,
            STANDARD.encode(format!("{id}{other}")),
            id.as_bytes(),
        ));
    }
    log.into_bytes()
}

#[test]
fn a_mebibyte_of_ordinary_log_gives_no_false_alarm() {
    let log = ordinary_log();
    for canary in [Canary::new(), Canary::awkward()] {
        canary.watch(&azconnect_core::Secret::new("p4ssw0rd"));
        canary.watch(&Canary::new().secret());
        assert_eq!(canary.find(&log), None);
        // The same log is not searched in vain: what stands at its end is found.
        let leak = [&log, STANDARD.encode(canary.secret().expose()).as_bytes()].concat();
        assert!(canary.find(&leak).is_some());
    }
}

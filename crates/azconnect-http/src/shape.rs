//! What a word looks like: prose and names are shown, tokens and signed addresses are not.

use url::Url;
use uuid::Uuid;

/// The hosts whose addresses help a person on.
const HOSTS: &[&str] = &[
    "aka.ms",
    "dev.azure.com",
    "docs.microsoft.com",
    "go.microsoft.com",
    "graph.microsoft.com",
    "learn.microsoft.com",
    "login.microsoftonline.com",
    "management.azure.com",
    "portal.azure.com",
    "sts.windows.net",
];

/// The longest name that is shown if it holds capital and small letters and digits: tokens hold all three.
const LONGEST_MIXED: usize = 27;

/// The longest part of a word that is shown, whatever it is made of.
const LONGEST_PART: usize = 48;

/// The longest part that is not asked whether it looks drawn by lot.
const SHORT: usize = 15;

/// How much of a word is shown.
#[derive(Debug, PartialEq)]
pub(crate) enum Shown {
    All,
    Part(String),
    Nothing,
}

/// How much of a word may be shown, judged by its looks alone.
pub(crate) fn shown(word: &str) -> Shown {
    let word_alone = word.trim_end_matches(['.', ':', '!', '?']);
    if word_alone.contains("://") {
        return address(word_alone);
    }
    if is_escaped(word) {
        return Shown::Nothing;
    }
    // What a name is set to may be secret, also where the name is not that of a secret.
    if let Some((name, value)) = word.split_once('=') {
        let named = !value.is_empty() && is_harmless(name) && name.len() <= SHORT * 2;
        return if named { Shown::Part(format!("{name}=…")) } else { Shown::Nothing };
    }
    if let Some((name, value)) = word_alone.split_once(':')
        && !value.is_empty()
        && is_telling(name)
    {
        return Shown::Part(format!("{name}:…"));
    }
    if is_harmless(word_alone) { Shown::All } else { Shown::Nothing }
}

/// An address without its query, of a host that is known; its path only where it holds nothing that looks signed.
fn address(word: &str) -> Shown {
    let Ok(url) = Url::parse(word) else { return Shown::Nothing };
    let host = url.host_str().unwrap_or_default();
    let plain =
        url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && url.port().is_none();
    if !plain || !HOSTS.contains(&host) {
        return Shown::Nothing;
    }
    let path = url.path();
    let path = if is_harmless(path) && !is_escaped(path) { path } else { "/…" };
    Shown::Part(format!("https://{host}{path}"))
}

/// Percent-encoded text hides what it holds from every other look.
pub(crate) fn is_escaped(word: &str) -> bool {
    word.as_bytes()
        .windows(3)
        .any(|three| matches!(three, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

/// Whether a name before a colon says that a secret follows.
fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "pwd", "secret", "key", "token", "sig", "signature", "credential", "assertion", "code"]
        .iter()
        .any(|telling| name.ends_with(telling))
}

/// Whether a word is prose, a name or an id.
pub(crate) fn is_harmless(word: &str) -> bool {
    let is_path = ["/subscriptions/", "/providers/", "/tenants/"]
        .iter()
        .any(|start| word.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start)));
    let is_size = ["Standard_", "Basic_"].iter().any(|start| word.starts_with(start)) && word.len() <= 40;
    let whole = is_path || is_size || is_id(word) || !(word.len() > LONGEST_MIXED && is_mixed(word));
    whole && word.split(['/', ':', '@', '.', '#', '\\']).all(|part| is_id(part) || is_size || !looks_random(part))
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

fn is_mixed(text: &str) -> bool {
    let has = |of: fn(&u8) -> bool| text.bytes().any(|byte| of(&byte));
    has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

/// Whether a part of a word looks as if it had been drawn by lot: too long for a name, hexadecimal, or with classes of
/// characters that change too often.
fn looks_random(part: &str) -> bool {
    if part.len() <= SHORT {
        // A token's first part, however short.
        return part.starts_with("eyJ");
    }
    if part.len() > LONGEST_PART || part.starts_with("eyJ") {
        return true;
    }
    if part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return true;
    }
    let class = |c: char| match c {
        'a'..='z' => 0,
        'A'..='Z' => 1,
        '0'..='9' => 2,
        _ => 3,
    };
    let pairs = || part.chars().zip(part.chars().skip(1));
    let changes = pairs().filter(|(one, other)| class(*one) != class(*other)).count();
    let digits = pairs().filter(|(one, other)| (class(*one) == 2) != (class(*other) == 2)).count();
    let hyphens = part.matches(['-', '_']).count();
    // A hyphen is a border of its own: `rg-web-01` changes often and is a name.
    changes.saturating_sub(2 * hyphens) * 5 > part.len() * 2 || digits.saturating_sub(2 * hyphens) >= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_names_and_ids_are_shown() {
        for word in [
            "The",
            "VMExtensionHandlerNonTransientError",
            "Microsoft.Compute/virtualMachines/write",
            "standardDSv3Family",
            "Standard_NC96ads_A100_v4",
            "AADSTS7000215:",
            "2026-11-21T02:02:12Z",
            "255d1aef-8c98-452f-ac51-23d051240864",
            "/subscriptions/255d1aef-8c98-452f-ac51-23d051240864/resourceGroups/rg-Web-01/providers/Microsoft.Network/\
             networkInterfaces/nic-web-01",
            "properties.hardwareProfile.vmSize",
            "10.0.0.0/16",
            "größer",
            "westeurope2.",
        ] {
            assert_eq!(shown(word), Shown::All, "{word}");
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_not_shown() {
        for word in [
            "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL20ifQ.c2lnbmF0dXJl",
            "eyJ0eXAi.s3cr3t",
            "Abc8Q~kT.vQ2xWc9Lm_pR4sZ7bYd1fHj3gNq5aE6o",
            "9f86d081884c7d659a2feaa0c55ad015",
            "mzvwk3xq5n7p2r4t6y8b3d5f7h9j2l4n6q8s3u5w7y9a2c4e6g8i",
            "c2VjcmV0IHRoYXQgbm9ib2R5IG11c3Qgc2Vl==",
            "https://evil.example/a",
            "http://aka.ms/x",
            "https://x:y@aka.ms/x",
            "%2FsubscriptionsABC",
            "SharedAccessSignature=",
        ] {
            assert_eq!(shown(word), Shown::Nothing, "{word}");
        }
    }

    #[test]
    fn an_address_loses_its_query_and_a_setting_its_value() {
        let part = |text: &str| Shown::Part(text.to_owned());
        assert_eq!(shown("https://aka.ms/rps-not-found."), part("https://aka.ms/rps-not-found"));
        let signed = "https://management.azure.com/subscriptions/s/operations/1?api-version=1&t=63&c=MII&s=a&h=b";
        assert_eq!(shown(signed), part("https://management.azure.com/subscriptions/s/operations/1"));
        assert_eq!(shown("AccountKey=abc=="), part("AccountKey=…"));
        assert_eq!(shown("password:hunter2"), part("password:…"));
    }
}

//! The members that the objects of a body may have, and the words that they take: a misspelt one is refused, as the service
//! does.

use serde_json::Value;

use crate::base::refusal::{OrRefusal, Refusal};

/// One object of a body: where it is, how the service calls its type, and what it may hold. `[]` stands for every item of a
/// list.
pub(crate) type Members = (&'static str, &'static str, &'static [&'static str]);

/// One text of a body: where it is, how the service calls its type, and the words that it takes, in whatever case.
pub(crate) type Words = (&'static str, &'static str, &'static [&'static str]);

/// How a provider refuses what it does not know.
#[derive(Clone, Copy)]
pub(crate) enum Provider {
    Compute,
    Network,
    Authorization,
}

/// Refuses a body of Microsoft.Compute with a member that the service does not know. Names are compared without their case,
/// as the service does.
pub(crate) fn check(body: &Value, known: &[Members]) -> OrRefusal<()> {
    check_for(Provider::Compute, body, known)
}

/// The same, in the words of a provider.
pub(crate) fn check_for(provider: Provider, body: &Value, known: &[Members]) -> OrRefusal<()> {
    known.iter().try_for_each(|(place, kind, members)| {
        each_at(body, place, &mut |value, at| {
            let Value::Object(map) = value else { return Ok(()) };
            let odd = map.keys().find(|name| !members.iter().any(|known| known.eq_ignore_ascii_case(name)));
            odd.map_or(Ok(()), |name| Err(provider.unknown(name, kind, &below(at, name))))
        })
    })
}

/// Refuses a word that the service does not know.
pub(crate) fn check_words(provider: Provider, body: &Value, known: &[Words]) -> OrRefusal<()> {
    known.iter().try_for_each(|(place, kind, words)| {
        each_at(body, place, &mut |value, at| {
            let odd = value.as_str().filter(|text| !words.iter().any(|word| word.eq_ignore_ascii_case(text)));
            odd.map_or(Ok(()), |word| Err(provider.odd_word(word, kind, at)))
        })
    })
}

type Look<'a> = &'a mut dyn FnMut(&Value, &str) -> OrRefusal<()>;

/// Looks at every value at a place of a body.
fn each_at(body: &Value, place: &str, look: Look<'_>) -> OrRefusal<()> {
    let path: Vec<&str> = place.split('.').filter(|part| !part.is_empty()).collect();
    each_below(body, &path, "", look)
}

fn each_below(value: &Value, path: &[&str], at: &str, look: Look<'_>) -> OrRefusal<()> {
    match (path, value) {
        ([], value) => look(value, at),
        (["[]", rest @ ..], Value::Array(items)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| each_below(item, rest, &format!("{at}[{index}]"), look))
        }
        ([part, rest @ ..], Value::Object(map)) => {
            let mut found = map.iter().filter(|(name, _)| name.eq_ignore_ascii_case(part));
            found.try_for_each(|(name, value)| each_below(value, rest, &below(at, name), look))
        }
        _ => Ok(()),
    }
}

fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

impl Provider {
    fn unknown(self, name: &str, kind: &str, path: &str) -> Box<Refusal> {
        let message =
            format!("Could not find member '{name}' on object of type '{kind}'. Path '{path}', line 1, position 1.");
        // What no resource may have is refused before the provider sees the body.
        if kind == "ResourceDefinition" {
            return Refusal::content(format!(
                "The request content was invalid and could not be deserialized: '{message}'."
            ));
        }
        match self {
            Self::Compute => Refusal::new(400, "BadRequest", message).at(path),
            Self::Network => unparsed(message),
            Self::Authorization => badly_formatted(&message),
        }
    }

    fn odd_word(self, word: &str, kind: &str, path: &str) -> Box<Refusal> {
        let message = |kind: &str| {
            format!("Error converting value \"{word}\" to type '{kind}'. Path '{path}', line 1, position 1.")
        };
        match self {
            Self::Compute => Refusal::new(400, "BadRequest", message(kind)).at(path),
            Self::Network => {
                unparsed(message(&format!("Microsoft.WindowsAzure.Networking.Nrp.Frontend.Contract.Csm.Public.{kind}")))
            }
            Self::Authorization => badly_formatted(&message(kind)),
        }
    }
}

/// What Microsoft.Network says of a body that it cannot read.
fn unparsed(message: String) -> Box<Refusal> {
    Refusal::new(400, "InvalidRequestFormat", "Cannot parse the request.").detail(Refusal::new(
        400,
        "InvalidJson",
        message,
    ))
}

/// What Microsoft.Authorization says of a body that it cannot read.
fn badly_formatted(message: &str) -> Box<Refusal> {
    Refusal::new(400, "BadRequestFormat", format!("The request was incorrectly formatted: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_misspelt_member_is_named_with_its_place() {
        let known: &[Members] = &[("", "ResourceDefinition", &["disks"]), ("disks.[]", "Disk", &["lun"])];
        assert!(check(&json!({"Disks": [{"LUN": 0}]}), known).is_ok());
        let refusal = check(&json!({"disks": [{"lun": 0}, {"lum": 1}]}), known).unwrap_err();
        assert_eq!(refusal.code, "BadRequest");
        assert!(refusal.message.contains("'lum' on object of type 'Disk'. Path 'disks[1].lum'"), "{}", refusal.message);
        assert_eq!(check(&json!({"disk": []}), known).unwrap_err().code, "InvalidRequestContent");
        let refusal = check_for(Provider::Network, &json!({"disks": [{"lum": 1}]}), known).unwrap_err();
        assert_eq!(refusal.code, "InvalidRequestFormat");
        assert_eq!(refusal.details[0].code, "InvalidJson");
    }

    #[test]
    fn an_unknown_word_is_named_with_its_type_and_place() {
        let known: &[Words] = &[("disks.[].caching", "CachingTypes", &["None", "ReadOnly"])];
        let of = |word: &str| check_words(Provider::Compute, &json!({"disks": [{"caching": word}]}), known);
        assert!(of("readonly").is_ok());
        let refusal = of("Often").unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.target.as_deref()), ("BadRequest", Some("disks[0].caching")));
        assert!(refusal.message.contains("\"Often\" to type 'CachingTypes'"), "{}", refusal.message);
    }
}

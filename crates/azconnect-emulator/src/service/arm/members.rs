//! The members that the objects of a body may have: a misspelt one is refused, as the service does.

use serde_json::Value;

use crate::base::refusal::{OrRefusal, Refusal};

/// One object of a body: where it is, how the service calls its type, and what it may hold. `[]` stands for every item of a
/// list.
pub(crate) type Members = (&'static str, &'static str, &'static [&'static str]);

/// Refuses a body of Microsoft.Compute with a member that the service does not know. Names are compared without their case,
/// as the service does.
pub(crate) fn check(body: &Value, known: &[Members]) -> OrRefusal<()> {
    for (place, kind, members) in known {
        let path: Vec<&str> = place.split('.').filter(|part| !part.is_empty()).collect();
        check_below(body, &path, String::new(), (kind, members))?;
    }
    Ok(())
}

fn check_below(value: &Value, path: &[&str], at: String, object: (&str, &[&str])) -> OrRefusal<()> {
    let below = |part: &str| if at.is_empty() { part.to_owned() } else { format!("{at}.{part}") };
    match (path, value) {
        ([], Value::Object(map)) => {
            let (kind, members) = object;
            let odd = map.keys().find(|name| !members.iter().any(|known| known.eq_ignore_ascii_case(name)));
            odd.map_or(Ok(()), |name| Err(unknown(name, kind, &below(name))))
        }
        (["[]", rest @ ..], Value::Array(items)) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, item)| check_below(item, rest, format!("{at}[{index}]"), object))
        }
        ([part, rest @ ..], Value::Object(map)) => {
            let found = map.iter().filter(|(name, _)| name.eq_ignore_ascii_case(part));
            found.into_iter().try_for_each(|(name, value)| check_below(value, rest, below(name), object))
        }
        _ => Ok(()),
    }
}

fn unknown(name: &str, kind: &str, path: &str) -> Box<Refusal> {
    let message =
        format!("Could not find member '{name}' on object of type '{kind}'. Path '{path}', line 1, position 1.");
    // What no resource may have is refused before the provider sees the body.
    if kind == "ResourceDefinition" {
        return Refusal::content(format!(
            "The request content was invalid and could not be deserialized: '{message}'."
        ));
    }
    Refusal::new(400, "BadRequest", message).at(path)
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
    }
}

//! Which parameters of a service connection are confidential, and what becomes of them in answers.

use azconnect_core::Secret;
use serde_json::{Map, Value};

use super::state::field;

/// The confidential parameters of each scheme, after the *Service endpoint types* list of the REST reference. The
/// first of a scheme is the usual one.
const CONFIDENTIAL: [(&str, &[&str]); 9] = [
    ("ServicePrincipal", &["serviceprincipalkey", "servicePrincipalCertificate", "accessToken"]),
    ("UsernamePassword", &["password"]),
    ("Token", &["apitoken"]),
    ("PersonalAccessToken", &["accessToken"]),
    ("OAuth", &["AccessToken"]),
    ("Certificate", &["certificate"]),
    ("PublishProfile", &["publishProfile"]),
    ("Kubernetes", &["kubeconfig"]),
    ("None", &["nugetkey"]),
];

/// The confidential parameters of a scheme.
pub(crate) fn confidential_of(scheme: &str) -> &'static [&'static str] {
    CONFIDENTIAL.iter().find(|(known, _)| known.eq_ignore_ascii_case(scheme)).map_or(&[], |(_, names)| names)
}

fn scheme_of(document: &Map<String, Value>) -> Option<&str> {
    field(document.get("authorization")?.as_object()?, "scheme")?.as_str()
}

/// The parameter that usually holds the secret of a document's scheme.
pub(crate) fn confidential_parameter(document: &Map<String, Value>) -> Option<&'static str> {
    let names = confidential_of(scheme_of(document)?);
    let parameters = document.get("authorization").and_then(|authorization| authorization.get("parameters"));
    let kind = parameters.and_then(Value::as_object).and_then(|map| field(map, "authenticationType"));
    if kind.and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("spnCertificate")) {
        return names.iter().find(|name| name.eq_ignore_ascii_case("servicePrincipalCertificate")).copied();
    }
    names.first().copied()
}

/// Confidential parameters that hold a text, and the names of those that hold `null`.
pub(crate) type Split = (Vec<(String, Secret)>, Vec<String>);

/// Takes every confidential parameter out of a document.
pub(crate) fn split_secrets(document: &mut Map<String, Value>) -> Split {
    let mut found = (Vec::new(), Vec::new());
    let names = scheme_of(document).map(confidential_of).unwrap_or_default();
    let parameters = document
        .get_mut("authorization")
        .and_then(|authorization| authorization.get_mut("parameters"))
        .and_then(Value::as_object_mut);
    let Some(parameters) = parameters else { return found };
    let is_confidential = |key: &str| names.iter().any(|name| name.eq_ignore_ascii_case(key));
    let keys: Vec<String> = parameters.keys().filter(|key| is_confidential(key)).cloned().collect();
    for key in keys {
        match parameters.shift_remove(&key) {
            Some(Value::String(text)) => found.0.push((key, Secret::new(text))),
            Some(_) => found.1.push(key),
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn confidential_parameters_leave_the_document_in_any_case() {
        let mut document = json!({"authorization": {"scheme": "usernamepassword", "parameters": {
            "Username": "u", "PASSWORD": "p"}}});
        let map = document.as_object_mut().unwrap();
        let (secrets, nulls) = split_secrets(map);
        assert_eq!(secrets[0].0, "PASSWORD");
        assert_eq!(secrets[0].1.expose(), "p");
        assert!(nulls.is_empty());
        assert_eq!(map["authorization"]["parameters"], json!({"Username": "u"}));
    }
}

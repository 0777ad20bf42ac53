//! Which parameters of a service connection are confidential, and what becomes of them in documents and answers.

use azconnect_core::Secret;
use serde_json::{Map, Value};

use super::field;

/// The confidential parameters of each scheme, over all types of the *Endpoint types* list of the REST reference. The
/// first of a scheme is the usual one.
const CONFIDENTIAL: [(&str, &[&str]); 11] = [
    ("ServicePrincipal", &["serviceprincipalkey", "servicePrincipalCertificate", "accessToken"]),
    ("UsernamePassword", &["password"]),
    ("Token", &["apitoken", "AccessToken", "serviceAccountCertificate"]),
    ("PersonalAccessToken", &["accessToken"]),
    ("OAuth", &["AccessToken"]),
    ("OAuth2", &["AccessToken", "RefreshToken"]),
    ("InstallationToken", &["AccessToken"]),
    ("Certificate", &["certificate", "certificatepassword", "cacert", "cert", "key"]),
    ("PublishProfile", &["publishProfile", "accessToken"]),
    ("Kubernetes", &["kubeconfig", "serviceAccountCertificate", "apiToken", "azureAccessToken", "spnKey"]),
    ("None", &["nugetkey", "serviceBusConnectionString"]),
];

/// The confidential fields of `data`, which one published type has: the private key of an SSH connection.
const CONFIDENTIAL_DATA: (&str, &[&str]) = ("ssh", &["PrivateKey"]);

/// The confidential fields of `data` of a document.
fn confidential_data_of(document: &Map<String, Value>) -> &'static [&'static str] {
    let kind = field(document, "type").and_then(Value::as_str).unwrap_or_default();
    let (known, names) = CONFIDENTIAL_DATA;
    if kind.eq_ignore_ascii_case(known) { names } else { &[] }
}

/// The confidential parameters of a scheme.
fn confidential_of(scheme: &str) -> &'static [&'static str] {
    CONFIDENTIAL.iter().find(|(known, _)| known.eq_ignore_ascii_case(scheme)).map_or(&[], |(_, names)| names)
}

fn scheme_of(document: &Map<String, Value>) -> Option<&str> {
    field(document.get("authorization")?.as_object()?, "scheme")?.as_str()
}

fn parameters_of(document: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    document.get_mut("authorization")?.get_mut("parameters")?.as_object_mut()
}

/// Whether a parameter is confidential under the scheme of a document.
fn is_confidential(names: &[&str], key: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(key))
}

/// The parameter that usually holds the secret of a document's scheme.
pub(crate) fn confidential_parameter(document: &Map<String, Value>) -> Option<&'static str> {
    let names = confidential_of(scheme_of(document)?);
    let parameters = document.get("authorization").and_then(|authorization| authorization.get("parameters"));
    let kind = parameters.and_then(Value::as_object).and_then(|map| field(map, "authenticationType"));
    // The usual parameter is the key, which a connection that signs in with a certificate leaves empty.
    if kind.and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("spnCertificate")) {
        return names.iter().find(|name| name.eq_ignore_ascii_case("servicePrincipalCertificate")).copied();
    }
    names.first().copied()
}

/// The confidential values of a document that came in.
#[derive(Default)]
pub(crate) struct Confidential {
    /// Those that hold a text, under the names they came with.
    pub(crate) secrets: Vec<(String, Secret)>,
    /// The names of those that hold anything else, such as `null`.
    pub(crate) empty: Vec<String>,
}

/// Takes every secret out of a document, and leaves `null` in its place.
pub(crate) fn take_secrets(document: &mut Map<String, Value>) -> Confidential {
    let mut found = Confidential::default();
    let of_data = confidential_data_of(document);
    if let Some(data) = document.get_mut("data").and_then(Value::as_object_mut) {
        found.take(data, of_data);
    }
    let names = scheme_of(document).map(confidential_of).unwrap_or_default();
    if let Some(parameters) = parameters_of(document) {
        found.take(parameters, names);
    }
    found
}

impl Confidential {
    fn take(&mut self, map: &mut Map<String, Value>, names: &[&str]) {
        for (key, value) in map.iter_mut().filter(|(key, _)| is_confidential(names, key)) {
            match value.take() {
                Value::String(text) => self.secrets.push((key.clone(), Secret::new(text))),
                // Noted and not dropped: an update with `accessToken: null` breaks a connection.
                _ => self.empty.push(key.clone()),
            }
        }
    }
}

/// Marks the place of a secret in a document.
pub(crate) fn mark_secret(document: &mut Map<String, Value>, key: &str) {
    if is_confidential(confidential_data_of(document), key) {
        if let Some(data) = document.entry("data").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
            && field(data, key).is_none()
        {
            data.insert(key.to_owned(), Value::Null);
        }
        return;
    }
    let authorization = document.entry("authorization").or_insert_with(|| Value::Object(Map::new()));
    let Some(authorization) = authorization.as_object_mut() else { return };
    let parameters = authorization.entry("parameters").or_insert_with(|| Value::Object(Map::new()));
    let Some(parameters) = parameters.as_object_mut() else { return };
    if field(parameters, key).is_none() {
        parameters.insert(key.to_owned(), Value::Null);
    }
}

/// Removes the places of secrets: lists do not even show the keys.
pub(crate) fn omit_secrets(document: &mut Map<String, Value>) {
    let of_data = confidential_data_of(document);
    if let Some(data) = document.get_mut("data").and_then(Value::as_object_mut) {
        data.retain(|key, _| !is_confidential(of_data, key));
    }
    let names = scheme_of(document).map(confidential_of).unwrap_or_default();
    if let Some(parameters) = parameters_of(document) {
        parameters.retain(|key, _| !is_confidential(names, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_private_key_of_an_ssh_connection_is_a_secret_in_its_data() {
        let mut document = json!({"type": "SSH", "data": {"Host": "h", "PrivateKey": "k"},
            "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u", "password": "p"}}});
        let map = document.as_object_mut().unwrap();
        let names: Vec<String> = take_secrets(map).secrets.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["PrivateKey", "password"]);
        assert_eq!(map["data"], json!({"Host": "h", "PrivateKey": null}));
        map.remove("data");
        mark_secret(map, "PrivateKey");
        assert_eq!(map["data"], json!({"PrivateKey": null}));
        omit_secrets(map);
        assert_eq!((&map["data"], &map["authorization"]["parameters"]), (&json!({}), &json!({"username": "u"})));
    }

    #[test]
    fn secrets_leave_their_place_in_any_case_of_the_key() {
        let mut document = json!({"authorization": {"scheme": "usernamepassword", "parameters": {
            "PASSWORD": "p", "Username": "u"}}});
        let map = document.as_object_mut().unwrap();
        let found = take_secrets(map);
        assert_eq!(found.secrets[0].0, "PASSWORD");
        assert_eq!(found.secrets[0].1.expose(), "p");
        assert!(found.empty.is_empty());
        assert_eq!(map["authorization"]["parameters"], json!({"PASSWORD": null, "Username": "u"}));
        omit_secrets(map);
        assert_eq!(map["authorization"]["parameters"], json!({"Username": "u"}));
    }
}

//! One request, decoded: path, query, headers and body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::moment::Moment;
use super::origins::{Origins, Service};

/// A request, decoded as far as all services need it.
pub(crate) struct Call {
    pub(crate) service: Service,
    /// Where every service is for this caller, and the caller's own word for this one.
    pub(crate) origins: Origins,
    pub(crate) origin: String,
    /// The key vault that the address stands for, where its host name does not say so.
    pub(crate) vault: Option<String>,
    pub(crate) method: Method,
    /// As sent, still percent-encoded, without the query.
    pub(crate) path: String,
    pub(crate) segments: Vec<String>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) now: Moment,
}

/// Who the `Authorization` header says the caller is.
pub(crate) enum Claim {
    Nobody,
    Bearer(String),
    Basic { user: String, password: String },
    Other,
}

impl Call {
    /// Decodes a request. `origin` is where the caller believes the service to be.
    pub(crate) fn new(
        service: Service,
        origins: Origins,
        origin: String,
        request: http::Request<Bytes>,
        now: Moment,
    ) -> Self {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        Self {
            service,
            origins,
            origin,
            vault: None,
            method: parts.method,
            segments: segments(&path),
            query: Query::of(&parts.uri),
            path,
            headers: parts.headers,
            body,
            now,
        }
    }

    /// The same call, to a key vault.
    pub(crate) fn with_vault(self, vault: Option<String>) -> Self {
        Self { vault, ..self }
    }

    /// The same call without its headers and body.
    pub(crate) fn without_body(&self) -> Self {
        self.instead(self.method.clone(), &self.path, self.query.clone(), self.now)
    }

    /// Another call of the same caller at the same origin, without headers and body.
    pub(crate) fn instead(&self, method: Method, path: &str, query: Query, now: Moment) -> Self {
        Self {
            service: self.service,
            origins: self.origins.clone(),
            origin: self.origin.clone(),
            vault: self.vault.clone(),
            method,
            path: path.to_owned(),
            segments: segments(path),
            query,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            now,
        }
    }

    /// The decoded segments as texts, to match against.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A header as text; none if it is absent or no plain ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; an empty one is `null`.
    pub(crate) fn json(&self) -> Result<Value, serde_json::Error> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body)
    }

    /// The body as the fields of a form (`application/x-www-form-urlencoded`).
    pub(crate) fn form(&self) -> Query {
        Query(url::form_urlencoded::parse(&self.body).into_owned().collect())
    }

    /// Who the caller says it is; nothing is checked.
    pub(crate) fn claim(&self) -> Claim {
        let Some(header) = self.header("authorization") else { return Claim::Nobody };
        let Some((scheme, rest)) = header.split_once(' ') else { return Claim::Other };
        if scheme.eq_ignore_ascii_case("bearer") {
            return Claim::Bearer(rest.trim().to_owned());
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Claim::Other;
        }
        let text = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        match text.as_deref().and_then(|text| text.split_once(':')) {
            Some((user, password)) => Claim::Basic { user: user.to_owned(), password: password.to_owned() },
            None => Claim::Other,
        }
    }
}

/// The decoded segments of a path. An encoded slash stays inside its segment.
fn segments(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    // The services ignore one slash at the end.
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Vec::new();
    }
    // Split before decoding: what is encoded in a segment must not make another segment.
    path.split('/').map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect()
}

/// Names and values of a query or a form, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(pub(crate) Vec<(String, String)>);

impl Query {
    /// The query of an address.
    pub(crate) fn of(uri: &Uri) -> Self {
        Self(url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of a name, whatever its case.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The first value of a name that is not empty.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// A value as a number; none if it is absent or not a number.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.filled(name)?.trim().parse().ok()
    }

    /// A value as true or false; anything but `true` is false.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// The items of a list with commas, without empty ones.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        self.get(name)
            .map(|value| value.split(',').map(str::trim).filter(|item| !item.is_empty()).collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_slash_stays_inside_its_segment() {
        assert_eq!(segments("/a%2F..%2Fb/_apis/"), ["a/../b", "_apis"]);
        assert!(segments("/").is_empty());
    }

    #[test]
    fn query_names_match_in_any_case() {
        let uri: Uri = "https://h/p?Api-Version=7.1&x=a%2Cb,,c".parse().unwrap();
        let query = Query::of(&uri);
        assert_eq!(query.get("api-version"), Some("7.1"));
        assert_eq!(query.list("X"), ["a", "b", "c"]);
    }
}

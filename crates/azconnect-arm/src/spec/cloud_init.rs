//! User data for cloud-init: several documents and scripts in one.

use azconnect_core::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// The largest user data that the service takes, in bytes of base64.
const LIMIT: usize = 64 * 1024;

/// Builds multi-part user data. It is not for secrets: every process in the machine can read it.
///
/// Follows cloud-init's *User-data formats: MIME multi-part archive*.
///
/// ```
/// let data = azconnect_arm::spec::CloudInit::new()
///     .with_config("#cloud-config\npackages: [curl]\n")
///     .with_script("install.sh", "#!/bin/sh\necho hello\n")
///     .encode()?;
/// assert!(data.len() <= 64 * 1024);
/// # Ok::<(), azconnect_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloudInit {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    kind: &'static str,
    name: String,
    text: String,
}

impl CloudInit {
    /// User data without any part.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a `#cloud-config` document.
    #[must_use]
    pub fn with_config(self, text: impl Into<String>) -> Self {
        self.with("text/cloud-config", "cloud-config.yaml", text)
    }

    /// Adds a script, which runs once, as root, after the network is up. It begins with `#!`.
    #[must_use]
    pub fn with_script(self, name: &str, text: impl Into<String>) -> Self {
        self.with("text/x-shellscript", name, text)
    }

    fn with(mut self, kind: &'static str, name: &str, text: impl Into<String>) -> Self {
        let name = name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        self.parts.push(Part { kind, name, text: text.into() });
        self
    }

    /// The multi-part document as text, before it is encoded.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) for a part without the first line that its kind needs.
    pub fn document(&self) -> Result<String, Error> {
        for part in &self.parts {
            let (start, remedy) = match part.kind {
                "text/cloud-config" => ("#cloud-config", "begin the document with the line #cloud-config"),
                _ => ("#!", "begin the script with a line such as #!/bin/sh"),
            };
            if !part.text.starts_with(start) {
                return Err(Error::invalid("user_data", format!("{:?} does not begin with {start}", part.name))
                    .with_advice(remedy));
            }
        }
        let boundary = self.boundary();
        let mut document = format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\nMIME-Version: 1.0\n\n");
        for part in &self.parts {
            // MIME allows 998 characters a line, and ASCII only, in a part that is not encoded.
            let plain = part.text.is_ascii() && part.text.lines().all(|line| line.len() <= 900);
            let (encoding, body) =
                if plain { ("7bit", part.text.clone()) } else { ("base64", wrapped(&BASE64.encode(&part.text))) };
            document.push_str(&format!(
                "--{boundary}\nContent-Type: {}; charset=\"utf-8\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: {encoding}\n\
                 Content-Disposition: attachment; filename=\"{}\"\n\n{body}\n",
                part.kind, part.name
            ));
        }
        document.push_str(&format!("--{boundary}--\n"));
        Ok(document)
    }

    /// The document in base64, as the service wants it.
    ///
    /// # Errors
    /// As [`CloudInit::document`]; and if it is larger than the service takes.
    pub fn encode(&self) -> Result<String, Error> {
        let text = BASE64.encode(self.document()?);
        if text.len() > LIMIT {
            return Err(Error::invalid(
                "user_data",
                format!("has {} bytes in base64, {LIMIT} are allowed", text.len()),
            )
            .with_advice("let the script download what is large, or install it as an extension"));
        }
        Ok(text)
    }

    /// A line that no part holds, to separate the parts by.
    fn boundary(&self) -> String {
        (0_u32..)
            .map(|number| format!("==azconnect-{number}=="))
            .find(|boundary| !self.parts.iter().any(|part| part.text.contains(boundary.as_str())))
            .unwrap_or_default()
    }
}

fn wrapped(base64: &str) -> String {
    let mut text = String::with_capacity(base64.len() + base64.len() / 76 + 1);
    for (at, character) in base64.chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads the parts back as a mail reader would.
    fn parts(document: &str) -> Vec<String> {
        let boundary = document.split('"').nth(1).unwrap();
        let body = document.split_once(&format!("--{boundary}--\n")).unwrap().0;
        body.split(&format!("--{boundary}\n"))
            .skip(1)
            .map(|part| {
                let (head, text) = part.split_once("\n\n").unwrap();
                let text = text.strip_suffix('\n').unwrap();
                if head.contains("base64") {
                    String::from_utf8(BASE64.decode(text.replace('\n', "")).unwrap()).unwrap()
                } else {
                    text.to_owned()
                }
            })
            .collect()
    }

    #[test]
    fn every_part_needs_its_first_line() {
        assert!(CloudInit::new().with_script("a", "echo").encode().is_err());
        assert!(CloudInit::new().with_config("packages: []").encode().is_err());
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_sent() {
        let script = format!("#!/bin/sh\n#{}", "x".repeat(50_000));
        let error = CloudInit::new().with_script("a", script).encode().unwrap_err();
        assert_eq!(error.field(), Some("user_data"));
    }

    #[test]
    fn a_name_cannot_end_the_header() {
        let document = CloudInit::new().with_script("a\"\nX: y", "#!/bin/sh\n").document().unwrap();
        assert!(document.contains("filename=\"aXy\""));
    }

    proptest! {
        #[test]
        fn parts_survive_a_round_trip(texts in prop::collection::vec("[\\PC\n=-]{0,200}", 0..4)) {
            let texts: Vec<_> = texts.into_iter().map(|text| format!("#!/bin/sh\n==azconnect-0==\n{text}")).collect();
            let data = texts.iter().fold(CloudInit::new(), |data, text| data.with_script("s", text.as_str()));
            prop_assert_eq!(parts(&data.document().unwrap()), texts);
        }
    }
}

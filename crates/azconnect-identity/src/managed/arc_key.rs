//! The key that the agent of Azure Arc leaves for whoever may read it.

use std::path::{Path, PathBuf};

use azconnect_core::{Effect, Error, ErrorKind, Secret};
use azconnect_http::Response;
use http::header::WWW_AUTHENTICATE;

use crate::local_files::LocalFiles;

/// The ending of the key's file, and how many bytes it holds at most.
const ENDING: &str = "key";
const LARGEST: usize = 4096;

/// The path that a challenge names: `Basic realm=/var/opt/azcmagent/tokens/….key`.
pub(super) fn challenge(answer: &Response) -> Option<&str> {
    answer.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).find_map(realm)
}

fn realm(challenge: &str) -> Option<&str> {
    let (scheme, rest) = challenge.trim().split_once(' ')?;
    let (name, value) = rest.trim().split_once('=')?;
    let value = value.trim();
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
    let is_basic = scheme.eq_ignore_ascii_case("basic") && name.trim().eq_ignore_ascii_case("realm");
    (is_basic && !unquoted.is_empty()).then_some(unquoted)
}

/// Reads the key that a challenge names. Whoever answers on the agent's port chooses the path, so nothing is read but a small
/// `.key` file that lies in the agent's own folder, links followed.
pub(super) async fn key(files: &dyn LocalFiles, folder: &Path, named: &str) -> Result<Secret, Error> {
    let path = key_path(named, folder).ok_or_else(elsewhere)?;
    let unreadable = |error: Error| {
        error.with_advice(
            "run this process as a user of the group himds (on Windows: Hybrid Agent Extension Applications), and check that \
             the agent of Azure Arc runs",
        )
    };
    let home = files.resolve(folder).await.map_err(unreadable)?;
    let real = files.resolve(&path).await.map_err(unreadable)?;
    if real.parent() != Some(&*home) || !has_ending(&real) {
        return Err(elsewhere());
    }
    let text = files.read(&real, LARGEST).await.map_err(unreadable)?;
    let key = text.expose().trim();
    if key.is_empty() {
        let error = Error::new(ErrorKind::Corrupt, "the key of the agent of Azure Arc is empty");
        return Err(unreadable(error.with_effect(Effect::None)));
    }
    Ok(Secret::new(key))
}

/// The path, if it is of a key directly in the folder, before anything is asked of the system.
fn key_path(named: &str, folder: &Path) -> Option<PathBuf> {
    let path = Path::new(named);
    let is_key = path.is_absolute() && has_ending(path) && !named.contains('\0');
    (is_key && path.parent() == Some(folder)).then(|| path.to_owned())
}

fn has_ending(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

fn elsewhere() -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "the agent of Azure Arc names a key that is not in its folder, so it was not read",
    )
    .with_effect(Effect::None)
    .with_advice("check what listens on the agent's port (40342), and that the agent is installed as usual")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::local_files::SystemFiles;

    const FOLDER: &str = "/var/opt/azcmagent/tokens";

    #[test]
    fn a_challenge_names_a_path() {
        for (value, path) in [
            ("Basic realm=/a/b.key", Some("/a/b.key")),
            ("basic Realm = \"/a/b c.key\"", Some("/a/b c.key")),
            ("Bearer realm=/a/b.key", None),
            ("Basic charset=x", None),
            ("Basic realm=", None),
            ("Basic", None),
        ] {
            let answer = http::Response::builder().header("www-authenticate", value).body(Default::default()).unwrap();
            assert_eq!(challenge(&answer), path, "{value}");
        }
    }

    #[test]
    fn only_a_key_in_the_folder_is_looked_at() {
        let folder = Path::new(FOLDER);
        assert!(key_path("/var/opt/azcmagent/tokens/1b2c.key", folder).is_some());
        for bad in [
            "/var/opt/azcmagent/tokens/1b2c.pem",
            "/var/opt/azcmagent/tokens/sub/x.key",
            "/var/opt/azcmagent/tokens/../x.key",
            "/var/opt/azcmagent/tokens/../tokens/x.key",
            "/var/opt/azcmagent/tokens.key",
            "/etc/shadow",
            "/root/.ssh/id.key",
            "x.key",
            "/var/opt/azcmagent/tokens/.key",
            "/var/opt/azcmagent/tokens/x.key\0",
            "",
        ] {
            assert!(key_path(bad, folder).is_none(), "{bad:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_out_of_the_folder_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("tokens");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(root.path().join("outside.key"), "s3cr3t").unwrap();
        std::fs::write(folder.join("good.key"), "the-key\n").unwrap();
        std::os::unix::fs::symlink(root.path().join("outside.key"), folder.join("link.key")).unwrap();
        std::os::unix::fs::symlink(folder.join("good.key"), folder.join("within.key")).unwrap();
        let read = async |name: &str| key(&SystemFiles, &folder, folder.join(name).to_str().unwrap()).await;
        assert_eq!(read("good.key").await.unwrap().expose(), "the-key");
        assert_eq!(read("within.key").await.unwrap().expose(), "the-key");
        let error = read("link.key").await.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (ErrorKind::Unexpected, Effect::None), "{error}");
        assert!(read("gone.key").await.unwrap_err().advice().contains("himds"));
        std::fs::write(folder.join("large.key"), vec![b'x'; LARGEST + 1]).unwrap();
        assert_eq!(read("large.key").await.unwrap_err().kind(), ErrorKind::Corrupt);
        std::fs::write(folder.join("empty.key"), " \n").unwrap();
        assert_eq!(read("empty.key").await.unwrap_err().kind(), ErrorKind::Corrupt);
    }

    proptest! {
        #[test]
        fn whatever_is_named_nothing_outside_the_folder_is_looked_at(named in "(/var/opt/azcmagent/tokens)?[a-z./\\\\\0\" ]{0,20}(\\.key)?") {
            if let Some(path) = key_path(&named, Path::new(FOLDER)) {
                prop_assert_eq!(path.parent(), Some(Path::new(FOLDER)));
                prop_assert!(!path.components().any(|part| part == std::path::Component::ParentDir));
            }
        }

        #[test]
        fn no_challenge_makes_it_panic(value in "\\PC{0,60}") {
            let _ = realm(&value);
        }
    }
}

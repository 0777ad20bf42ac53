//! Each crate's README is written from the crate's own documentation, so that the two cannot drift apart.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test")]

use std::fs;
use std::path::Path;

use cargo_metadata::{MetadataCommand, Package};

#[test]
fn every_readme_is_what_its_crate_says() {
    let update = std::env::var_os("UPDATE_README").is_some();
    let mut stale = Vec::new();
    for package in published() {
        let folder = package.manifest_path.parent().unwrap().as_std_path();
        let (path, wanted) = (folder.join("README.md"), readme(&package, folder));
        if fs::read_to_string(&path).unwrap_or_default() == wanted {
            continue;
        }
        if update {
            fs::write(&path, wanted).unwrap();
        } else {
            stale.push(package.name.to_string());
        }
    }
    let remedy = "UPDATE_README=1 cargo test -p azconnect-tests --test readme";
    assert!(stale.is_empty(), "the READMEs of {stale:?} differ from their crates' documentation; run `{remedy}`");
}

fn published() -> Vec<Package> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let metadata =
        MetadataCommand::new().current_dir(root).no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    metadata.packages.into_iter().filter(|package| package.publish.is_none()).collect()
}

/// The whole text: introduction, first example, features, and where to read on.
fn readme(package: &Package, folder: &Path) -> String {
    let source = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    let front: Vec<_> = source.lines().map_while(|line| line.strip_prefix("//!")).map(outdented).collect();
    let introduction: Vec<_> =
        front.iter().take_while(|line| !line.starts_with("```")).map(|line| plain(line)).collect();
    let example: Vec<_> = front
        .iter()
        .skip_while(|line| !line.starts_with("```"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .filter(|line| *line != &"#" && !line.starts_with("# "))
        .copied()
        .collect();
    let (name, version) = (&package.name, package.rust_version.as_ref().unwrap());
    let (repository, license) = (package.repository.as_deref().unwrap(), package.license.as_deref().unwrap());
    format!(
        "# {name}\n\n{introduction}\n\n```rust\n{example}\n```\n{features}\n## More\n\n\
         This crate is a part of [azconnect]({repository}): read its [architecture]({repository}/blob/main/ARCHITECTURE.md),\n\
         what it [protects]({repository}/blob/main/SECURITY.md), and this crate's [documentation](https://docs.rs/{name}).\n\n\
         It needs Rust {major}.{minor} or newer, and is licensed under {license}, at your choice.\n",
        introduction = introduction.join("\n").trim(),
        example = without_double_blanks(&example).trim(),
        features = features(&fs::read_to_string(folder.join("Cargo.toml")).unwrap()),
        major = version.major,
        minor = version.minor,
    )
}

fn outdented(line: &str) -> &str {
    line.strip_prefix(' ').unwrap_or(line)
}

/// A line without the links that only rustdoc resolves: ``[`Thing`](path)`` and ``[`Thing`]`` become `` `Thing` ``.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else { break };
        text.push_str(&format!("{before}`{name}`"));
        rest = match after.strip_prefix('(').and_then(|link| link.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    text + rest
}

/// Hidden lines leave blank ones behind.
fn without_double_blanks(lines: &[&str]) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in lines {
        if !(line.is_empty() && kept.last().is_none_or(|last| last.is_empty())) {
            kept.push(line);
        }
    }
    kept.join("\n")
}

/// A list of the features that the manifest explains with `##`.
fn features(manifest: &str) -> String {
    let mut list = String::new();
    let lines: Vec<_> = manifest.lines().collect();
    for (comment, feature) in lines.iter().zip(lines.iter().skip(1)) {
        if let (Some(said), Some((name, _))) = (comment.strip_prefix("## "), feature.split_once(" = [")) {
            list.push_str(&format!("- `{name}`: {said}\n"));
        }
    }
    if list.is_empty() { list } else { format!("\n## Features\n\n{list}") }
}

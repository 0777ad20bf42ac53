//! Every dependency that is declared is used: by a member of the workspace, and by the code that declares it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

#[test]
fn every_dependency_of_the_workspace_has_a_member_that_takes_it() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let declared = manifest.split("[workspace.dependencies]\n").nth(1).expect("the table is there");
    let members: Vec<_> =
        packages().iter().map(|package| fs::read_to_string(&package.manifest_path).unwrap()).collect();
    for line in declared.lines().take_while(|line| !line.starts_with('[')) {
        let Some((name, _)) = line.split_once(" = ") else { continue };
        let taken = |manifest: &String| {
            let mut lines = manifest.lines();
            lines.any(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(".workspace = true") || rest.starts_with(" = { workspace"))
            })
        };
        assert!(members.iter().any(taken), "no member takes {name} from the workspace: remove it");
    }
}

#[test]
fn every_dependency_of_a_crate_is_named_in_its_code() {
    let mut unused = Vec::new();
    for package in packages() {
        let code = Code::of(&package);
        let unnamed = package.dependencies.iter().filter(|dependency| !code.names(dependency));
        unused
            .extend(unnamed.map(|dependency| format!("{} by {} ({})", dependency.name, package.name, dependency.kind)));
    }
    assert!(unused.is_empty(), "declared and never named: {unused:#?}");
}

/// What a dependency may be named in, by its kind.
struct Code {
    /// Without comments and without the tests at a file's end: what a normal dependency serves.
    shipped: String,
    /// All of it, documentation included, since its examples are tests.
    whole: String,
}

impl Code {
    fn of(package: &Package) -> Self {
        let folder = package.manifest_path.parent().unwrap().as_std_path();
        // A package that is not published consists of tests or programs: all its folders are its product.
        let published = package.publish.is_none();
        let (mut shipped, mut whole) = (String::new(), String::new());
        for path in rust_files(folder) {
            let text = fs::read_to_string(&path).unwrap();
            whole.push_str(&text);
            if !published || path.starts_with(folder.join("src")) {
                let end = if published { text.find("#[cfg(test)]\nmod tests {") } else { None };
                let code =
                    text[..end.unwrap_or(text.len())].lines().filter(|line| !line.trim_start().starts_with("//"));
                code.for_each(|line| shipped.extend([line, "\n"]));
            }
        }
        Self { shipped, whole }
    }

    fn names(&self, dependency: &Dependency) -> bool {
        let name = dependency.rename.as_ref().unwrap_or(&dependency.name).replace('-', "_");
        let text = if dependency.kind == DependencyKind::Normal { &self.shipped } else { &self.whole };
        text.match_indices(&name).any(|(at, _)| {
            // `std::time` is not the crate `time`, nor is `my_time`.
            let before = text[..at].chars().next_back();
            let after = &text[at + name.len()..];
            let starts = before.is_none_or(|c| !(c.is_alphanumeric() || c == '_' || c == ':'));
            starts && (after.starts_with("::") || after.starts_with(';') || after.starts_with(" as "))
        })
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn packages() -> Vec<Package> {
    let metadata =
        MetadataCommand::new().current_dir(root()).no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    metadata.packages
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

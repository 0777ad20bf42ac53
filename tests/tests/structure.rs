//! The house as it is meant: who may depend on whom, and what no file may hold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use azconnect_tests::modules::ModuleGraph;
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Every crate, from the ground up: a crate depends only on crates above it in this list.
const ORDER: [&str; 14] = [
    "azconnect-core",
    "azconnect-saga",
    "azconnect-credential",
    "azconnect-http",
    "azconnect-identity",
    "azconnect-graph",
    "azconnect-arm",
    "azconnect-devops",
    "azconnect-rotation",
    "azconnect-setup",
    "azconnect-store",
    "azconnect-emulator",
    "azconnect-testkit",
    "azconnect",
];

/// Pairs that the order would allow, and the design does not.
const APART: [(&str, &str); 18] = [
    ("azconnect-rotation", "azconnect-http"),
    ("azconnect-rotation", "azconnect-identity"),
    ("azconnect-rotation", "azconnect-graph"),
    ("azconnect-rotation", "azconnect-arm"),
    ("azconnect-rotation", "azconnect-devops"),
    ("azconnect-setup", "azconnect-http"),
    ("azconnect-setup", "azconnect-identity"),
    ("azconnect-setup", "azconnect-graph"),
    ("azconnect-setup", "azconnect-arm"),
    ("azconnect-setup", "azconnect-devops"),
    ("azconnect-setup", "azconnect-rotation"),
    ("azconnect-arm", "azconnect-graph"),
    ("azconnect-devops", "azconnect-arm"),
    ("azconnect-devops", "azconnect-graph"),
    ("azconnect-emulator", "azconnect-identity"),
    ("azconnect-emulator", "azconnect-graph"),
    ("azconnect-emulator", "azconnect-arm"),
    ("azconnect-emulator", "azconnect-devops"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn packages() -> Vec<Package> {
    let metadata =
        MetadataCommand::new().current_dir(root()).no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    metadata.packages
}

fn normal_dependencies(package: &Package) -> BTreeSet<String> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.to_string()).collect()
}

#[test]
fn every_crate_depends_only_on_crates_above_it() {
    let place = |name: &str| ORDER.iter().position(|known| *known == name);
    for package in packages() {
        let Some(own) = place(&package.name) else { continue };
        for dependency in normal_dependencies(&package) {
            if let Some(other) = place(&dependency) {
                assert!(other < own, "{} must not depend on {dependency}", package.name);
            }
        }
    }
}

#[test]
fn every_crate_has_its_place_in_the_order() {
    let known: BTreeSet<_> = ORDER.into_iter().collect();
    let crates: BTreeSet<_> =
        fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    for name in crates {
        assert!(known.contains(name.to_str().unwrap()), "{name:?} has no place");
    }
}

#[test]
fn what_the_design_keeps_apart_is_apart() {
    for package in packages() {
        let dependencies = normal_dependencies(&package);
        for (from, to) in APART {
            assert!(package.name != from || !dependencies.contains(to), "{from} must not know {to}");
        }
    }
}

#[test]
fn only_the_adapter_names_reqwest() {
    for package in packages() {
        let names = normal_dependencies(&package).contains("reqwest");
        assert!(!names || package.name == "azconnect-http", "{} must not depend on reqwest", package.name);
    }
}

/// Two of our crates may test each other, and a registry takes them in one order only: `cargo publish` leaves out a
/// development dependency that has a path and no version.
#[test]
fn a_dev_dependency_on_our_own_crate_has_no_version() {
    for package in packages() {
        for dependency in package.dependencies.iter().filter(|found| found.kind == DependencyKind::Development) {
            let own = ORDER.contains(&dependency.name.as_str());
            let by_path = dependency.path.is_some() && dependency.req.to_string() == "*";
            assert!(!own || by_path, "{}: write {} by its path alone", package.name, dependency.name);
        }
    }
}

#[test]
fn core_and_saga_have_no_runtime_and_no_network() {
    let banned_in = |name: &str, banned: &[&str]| {
        let package = packages().into_iter().find(|package| package.name == name).unwrap();
        for banned in banned {
            assert!(!normal_dependencies(&package).contains(*banned), "{name} must not depend on {banned}");
        }
    };
    banned_in("azconnect-core", &["tokio", "http", "reqwest", "futures-util"]);
    banned_in("azconnect-saga", &["tokio", "http", "reqwest"]);
}

#[test]
fn every_published_crate_says_what_it_is() {
    for package in packages().into_iter().filter(|package| package.publish.is_none()) {
        assert!(package.description.is_some() && package.license.is_some(), "{} lacks metadata", package.name);
        assert!(package.repository.is_some() && package.rust_version.is_some(), "{} lacks metadata", package.name);
        assert!((1..=5).contains(&package.keywords.len()) && !package.categories.is_empty(), "{}", package.name);
        let folder = package.manifest_path.parent().unwrap();
        for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            assert!(folder.join(file).exists(), "{} lacks {file}", package.name);
        }
        let documented = &package.metadata["docs"]["rs"]["all-features"];
        assert_eq!(documented, true, "{}: docs.rs would leave out what a feature adds", package.name);
    }
}

#[test]
fn every_crate_opens_with_an_example_that_runs() {
    for name in ORDER {
        let text = fs::read_to_string(root().join("crates").join(name).join("src/lib.rs")).unwrap();
        let front: Vec<_> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let example =
            front.iter().find(|line| line.starts_with("//! ```")).unwrap_or_else(|| panic!("{name} has no example"));
        assert_eq!(example.trim_end(), "//! ```", "{name}: the example must run");
    }
}

#[test]
fn modules_know_each_other_in_one_direction() {
    for name in ORDER {
        let graph = ModuleGraph::of(&root().join("crates").join(name).join("src")).unwrap();
        let circles = graph.circles();
        assert!(circles.is_empty(), "{name}: these modules need each other: {circles:?}");
    }
}

/// Every Rust file of the workspace's own.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().unwrap() != "target" {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["crates", "examples", "tests"] {
        walk(&root().join(folder), &mut found);
    }
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_file_says_what_it_holds_and_none_is_a_warehouse() {
    for (path, text) in sources() {
        if path.ends_with("structure.rs") || path.components().any(|part| part.as_os_str() == "compile_fail") {
            continue;
        }
        assert!(text.starts_with("//!"), "{} does not begin with what it holds", path.display());
        let code = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        assert!(code <= 600, "{} has {code} lines: one concept a file", path.display());
    }
}

#[test]
fn nothing_is_left_unfinished() {
    // Written apart, so that this file does not find itself.
    let marks = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME"), concat!("dbg", "!(")];
    for (path, text) in sources() {
        for mark in marks {
            assert!(!text.contains(mark), "{} holds {mark}", path.display());
        }
    }
}

/// The layers of the emulator, from the ground up: a module imports only from its own layer and from those above it in
/// this list.
const EMULATOR_LAYERS: [&str; 6] = ["base", "model", "service", "setup", "shell", "program"];

/// The emulated services. They stand side by side, as Microsoft's do.
const EMULATOR_SERVICES: [&str; 6] = ["arm", "devops", "entra", "graph", "registry", "vault"];

/// Which emulated service may ask which: whoever is handed a secret asks Microsoft Entra ID whether it accepts it.
const EMULATOR_ASKS: [(&str, &str); 2] = [("devops", "entra"), ("registry", "entra")];

#[test]
fn the_emulator_imports_downwards_only() {
    let src = root().join("crates/azconnect-emulator/src");
    let mut seen = BTreeSet::new();
    for path in rust_files(&src) {
        let name = path.strip_prefix(&src).unwrap().with_extension("").to_str().unwrap().to_owned();
        if ["lib", "main"].contains(&name.as_str()) {
            continue;
        }
        let module: Vec<&str> = name.split('/').collect();
        seen.insert(module[0].to_owned());
        let wrong = emulator_violations(&module, &fs::read_to_string(&path).unwrap());
        assert!(wrong.is_empty(), "{name}: {}", wrong.join("; "));
    }
    assert_eq!(seen, EMULATOR_LAYERS.map(str::to_owned).into(), "the layers of the emulator");
}

#[test]
fn an_upward_import_of_the_emulator_is_found_however_it_is_written() {
    let wrong = |module: &[&str], text: &str| emulator_violations(module, text).len();
    assert_eq!(wrong(&["model", "world"], "use crate::service::arm::answer;"), 1);
    assert_eq!(wrong(&["model", "world"], "use super::super::{base::dice::Dice, setup::{seed::Seed}};"), 1);
    assert_eq!(wrong(&["base"], "fn f() { crate::model::world::World::empty() }"), 1);
    assert_eq!(wrong(&["service", "graph", "query"], "use super::super::devops::error::Fail;"), 1);
    assert_eq!(wrong(&["service", "graph", "query"], "use crate::Settings;"), 1);
    assert_eq!(wrong(&["service", "devops", "proxy"], "use crate::service::entra::accepts;"), 0);
    assert_eq!(wrong(&["service", "graph", "query"], "use super::{Request, error::GraphError}; use super::*;"), 0);
    assert_eq!(wrong(&["model", "world"], "// crate::shell is another matter\nuse super::token::Tokens;"), 0);
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// What a module of the emulator names and must not.
fn emulator_violations(module: &[&str], text: &str) -> Vec<String> {
    let layer = |name: &str| EMULATOR_LAYERS.iter().position(|known| *known == name);
    let service = |path: &[String]| match path {
        [first, second, ..] if first == "service" && EMULATOR_SERVICES.contains(&second.as_str()) => {
            Some(second.clone())
        }
        _ => None,
    };
    let own: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
    let wrong = |path: &Vec<String>| {
        let Some(other) = path.first().and_then(|first| layer(first)) else { return true };
        let aside = match (service(&own), service(path)) {
            (Some(from), Some(to)) => from != to && !EMULATOR_ASKS.contains(&(from.as_str(), to.as_str())),
            _ => false,
        };
        Some(other) > layer(&own[0]) || aside
    };
    let named = named_paths(&own, text).into_iter().filter(wrong);
    named.map(|path| format!("{} must not name {}", own.join("::"), path.join("::"))).collect()
}

/// Every path from the crate's root that a module names, in imports and inside code; comments and tests name freely.
fn named_paths(module: &[String], text: &str) -> Vec<Vec<String>> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let mut paths = Vec::new();
    let mut rest = code.as_str();
    while let Some(at) = ["crate::", "super::"].iter().filter_map(|start| rest.find(start)).min() {
        let inside = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        let mut tail = &rest[at..];
        let mut start = if tail.starts_with("crate::") { Vec::new() } else { module.to_vec() };
        while let Some(shorter) = tail.strip_prefix("super::") {
            start.pop();
            tail = shorter;
        }
        tail = tail.strip_prefix("crate::").unwrap_or(tail);
        if !inside {
            read_tree(&start, tail, &mut paths);
        }
        rest = tail;
    }
    paths
}

/// Reads `a::b` or `a::{b, c::{d, e}}`; returns what follows it.
fn read_tree<'a>(start: &[String], text: &'a str, paths: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = start.to_vec();
    let mut text = text.trim_start();
    loop {
        if let Some(mut items) = text.strip_prefix('{') {
            while !items.trim_start().starts_with('}') {
                items = read_tree(&path, items, paths).trim_start();
                items = items.strip_prefix(',').unwrap_or(items);
                assert!(!items.is_empty(), "an import without an end");
            }
            return items.trim_start().strip_prefix('}').unwrap_or_default();
        }
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
        // `super::*` names the parent as a whole.
        path.extend((end > 0).then(|| text[..end].to_owned()));
        text = text[end..].trim_start_matches('*');
        match text.strip_prefix("::") {
            Some(more) => text = more,
            None => break,
        }
    }
    paths.push(path);
    // An alias is no path.
    match text.trim_start().strip_prefix("as ") {
        Some(alias) => alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'),
        None => text,
    }
}

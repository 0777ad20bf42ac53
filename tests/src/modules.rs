//! Which top-level module of a crate uses which, read from its sources, and the circles among them.
//!
//! A crate without circles can be read in one direction: each module needs only those below it. The sources are read as
//! text: `use crate::x`, `crate::x::y` and `super::` are enough to see who knows whom, and no compiler is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The top-level modules of one crate, each with the others that it names. Unit tests and documentation do not count.
pub struct ModuleGraph {
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl ModuleGraph {
    /// Reads the crate whose sources are in a folder, which holds `lib.rs`.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn of(sources: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        walk(sources, &mut files)?;
        let mut texts = BTreeMap::new();
        for file in files {
            let path = module_path(sources, &file);
            texts.insert(path, code(&fs::read_to_string(&file)?));
        }
        Ok(Self::of_texts(&texts))
    }

    /// Reads a crate from the code of its modules, each under its path; the root has the empty one.
    fn of_texts(texts: &BTreeMap<Vec<String>, String>) -> Self {
        let modules: BTreeSet<&str> = texts.keys().filter_map(|path| path.first()).map(String::as_str).collect();
        // A name that the root re-exports leads to the module that it comes from.
        let root = texts.get(&Vec::new()).map(String::as_str).unwrap_or_default();
        let names = exported(root);
        let mut uses: BTreeMap<String, BTreeSet<String>> =
            modules.iter().map(|module| ((*module).to_owned(), BTreeSet::new())).collect();
        for (path, text) in texts {
            let Some(own) = path.first() else { continue };
            for name in named(text, path.len()) {
                let target = if modules.contains(name.as_str()) { Some(&name) } else { names.get(&name) };
                if let (Some(target), Some(found)) = (target.filter(|target| *target != own), uses.get_mut(own)) {
                    found.insert(target.clone());
                }
            }
        }
        Self { uses }
    }

    /// The modules that a module names.
    pub fn used_by(&self, module: &str) -> impl Iterator<Item = &str> {
        self.uses.get(module).into_iter().flatten().map(String::as_str)
    }

    /// All modules, by name.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.uses.keys().map(String::as_str)
    }

    /// The circles: the modules that reach themselves, grouped by those that they reach both ways.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            self.modules().map(|module| (module, self.reach(module))).collect();
        let both = |a: &str, b: &str| reached[a].contains(b) && reached[b].contains(a);
        let mut circles: Vec<Vec<String>> = Vec::new();
        for module in self.modules().filter(|module| reached[module].contains(module)) {
            match circles.iter_mut().find(|circle| both(&circle[0], module)) {
                Some(circle) => circle.push(module.to_owned()),
                None => circles.push(vec![module.to_owned()]),
            }
        }
        circles
    }

    /// All modules that a module needs, over others too.
    fn reach<'g>(&'g self, module: &'g str) -> BTreeSet<&'g str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![module];
        while let Some(next) = open.pop() {
            open.extend(self.used_by(next).filter(|used| reached.insert(*used)));
        }
        reached
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// The path of a file's module: `endpoint/scan.rs` is `endpoint::scan`, `endpoint/mod.rs` is `endpoint`, `lib.rs` the root.
fn module_path(sources: &Path, file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(sources).unwrap_or(file).with_extension("");
    let mut path: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] {
        path.pop();
    }
    path
}

/// What is compiled into the library: no comments, no unit tests.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first names of all paths in a module of a depth that begin at the crate's root.
fn named(text: &str, depth: usize) -> BTreeSet<String> {
    let up = "super::".repeat(depth);
    let mut found = first_names(text, "crate::");
    found.extend(first_names(text, &up));
    found
}

/// The names that follow a prefix: one, or each of a group in braces.
fn first_names(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &text[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(items(group).into_iter().map(first_name)),
            None => drop(found.insert(first_name(rest))),
        }
    }
    found.remove("");
    found
}

/// The items of a group up to its closing brace; an item may hold a group itself.
fn items(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn first_name(path: &str) -> String {
    path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Where each name comes from that the root re-exports: `pub use endpoint::{Endpoint, EndpointId};`.
fn exported(root: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for statement in root.split(';') {
        let Some((_, path)) = statement.split_once("use ") else { continue };
        let path = path.trim().trim_start_matches("self::").trim_start_matches("crate::");
        let Some((module, rest)) = path.split_once("::") else { continue };
        let words = rest.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        names.extend(words.map(|word| (word.to_owned(), module.to_owned())));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> ModuleGraph {
        let path = |name: &str| module_path(Path::new("src"), &Path::new("src").join(name));
        ModuleGraph::of_texts(&files.iter().map(|(name, text)| (path(name), code(text))).collect())
    }

    #[test]
    fn a_module_that_reaches_itself_is_in_a_circle() {
        let graph = graph(&[
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use crate::b::B;"),
            ("b/mod.rs", "use crate::{c::C, d::{self, D}};"),
            ("b/deep.rs", "use super::super::d::D;"),
            ("c.rs", "use super::a::A;"),
            ("d.rs", "use std::fmt;"),
        ]);
        assert_eq!(graph.circles(), [["a", "b", "c"]]);
        assert_eq!(graph.used_by("b").collect::<Vec<_>>(), ["c", "d"]);
    }

    #[test]
    fn a_name_of_the_root_leads_to_its_module() {
        let graph = graph(&[
            ("lib.rs", "mod a; mod b;\npub use a::{A, Other};\npub use b::B;"),
            ("a.rs", "fn f() -> crate::B {}"),
            ("b.rs", "use crate::Other;"),
        ]);
        assert_eq!(graph.circles(), [["a", "b"]]);
    }

    #[test]
    fn tests_comments_and_visibility_do_not_count() {
        let graph = graph(&[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "/// See [`b`](crate::b::B).\npub(crate) struct A;\n#[cfg(test)]\nmod tests { use crate::b::B; }"),
            ("b.rs", "use crate::a::A;"),
            ("b/part.rs", "use super::B;"),
        ]);
        assert!(graph.circles().is_empty());
    }
}

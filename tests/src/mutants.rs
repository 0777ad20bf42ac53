//! One-line mutants: lists of deliberate mistakes, each of which some test must notice.
//!
//! A list is a text file in `tests/mutants`. Every line that is neither empty nor a comment (`#`) is one mutant, in four
//! parts with ` @@ ` between them:
//!
//! ```text
//! file @@ the original line @@ what stands there instead @@ the arguments of `cargo test` that notice it
//! ```
//!
//! The original line is trimmed and stands in the file exactly once; `file#2` names the second of several. An empty
//! replacement takes the line out. Where the last part is `= reason`, the mutant changes nothing that anybody could
//! notice, and the reason says why: it is not run.

use std::fs;
use std::path::{Path, PathBuf};

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The name of its list, without the ending.
    pub list: String,
    /// Its line in the list.
    pub number: usize,
    /// The changed file, from the root of the workspace.
    pub file: PathBuf,
    /// Which of the lines that read so, from 1; `None` where there is exactly one.
    pub occurrence: Option<usize>,
    /// The line as it is, trimmed.
    pub original: String,
    /// What stands there instead.
    pub replacement: String,
    /// What is expected of it.
    pub claim: Claim,
}

/// What a list says of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// `cargo test` with these arguments fails.
    CaughtBy(Vec<String>),
    /// Nobody can notice it, for this reason.
    Equivalent(String),
}

/// The folder of the lists.
pub fn folder(root: &Path) -> PathBuf {
    root.join("tests/mutants")
}

/// All lists of the workspace, in the order of their names.
///
/// # Errors
/// Naming the list and the line that cannot be read.
pub fn all(root: &Path) -> Result<Vec<Mutant>, String> {
    let entries = fs::read_dir(folder(root)).map_err(|error| format!("{}: {error}", folder(root).display()))?;
    let mut lists: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "list"))
        .collect();
    lists.sort();
    let mut mutants = Vec::new();
    for list in lists {
        let name = list.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
        mutants.extend(parse(&name, &text)?);
    }
    Ok(mutants)
}

/// The mutants of one list.
///
/// # Errors
/// Naming the line that cannot be read.
pub fn parse(list: &str, text: &str) -> Result<Vec<Mutant>, String> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            mutant(list, number, line).map_err(|fault| format!("tests/mutants/{list}.list:{number}: {fault}"))
        })
        .collect()
}

fn mutant(list: &str, number: usize, line: &str) -> Result<Mutant, String> {
    // An empty part leaves its blanks to its neighbours, so the parts are split without them.
    let parts: Vec<_> = line.split(" @@").map(str::trim).collect();
    let [place, original, replacement, claim] = parts.as_slice() else {
        return Err(format!("{} parts, not 4", parts.len()));
    };
    let (file, occurrence) = match place.split_once('#') {
        Some((file, which)) => {
            let which = which.parse().ok().filter(|which| *which > 0);
            (file, Some(which.ok_or("the part after # is not a number from 1 on")?))
        }
        None => (*place, None),
    };
    if original.is_empty() || original == replacement {
        return Err("it changes nothing".to_owned());
    }
    let claim = match claim.strip_prefix('=') {
        Some(reason) if reason.trim().is_empty() => return Err("no reason why nobody can notice it".to_owned()),
        Some(reason) => Claim::Equivalent(reason.trim().to_owned()),
        None if claim.is_empty() => return Err("no arguments of cargo test".to_owned()),
        None => Claim::CaughtBy(claim.split_whitespace().map(str::to_owned).collect()),
    };
    Ok(Mutant {
        list: list.to_owned(),
        number,
        file: file.into(),
        occurrence,
        original: (*original).to_owned(),
        replacement: (*replacement).to_owned(),
        claim,
    })
}

impl Mutant {
    /// The text of its file with the mistake in it.
    ///
    /// # Errors
    /// If the line is not there, or not the only one and not named by its number.
    pub fn apply(&self, source: &str) -> Result<String, String> {
        let matching = source.lines().enumerate().filter(|(_, line)| line.trim() == self.original);
        let places: Vec<_> = matching.map(|(index, _)| index).collect();
        let place = match (self.occurrence, places.as_slice()) {
            (None, [only]) => *only,
            (None, []) => return Err(format!("{}: no such line: {}", self.file.display(), self.original)),
            (None, several) => {
                return Err(format!("{}: {} such lines: {}", self.file.display(), several.len(), self.original));
            }
            (Some(which), _) => *places.get(which - 1).ok_or_else(|| {
                format!("{}: {} such lines, and not {which}: {}", self.file.display(), places.len(), self.original)
            })?,
        };
        let changed = source.lines().enumerate().map(|(index, line)| {
            let indent = &line[..line.len() - line.trim_start().len()];
            if index == place { format!("{indent}{}\n", self.replacement) } else { format!("{line}\n") }
        });
        Ok(changed.collect())
    }

    /// Where it is, for a person.
    pub fn place(&self) -> String {
        let which = self.occurrence.map(|which| format!("#{which}")).unwrap_or_default();
        format!("{}{which}", self.file.display())
    }
}

/// The same arguments of `cargo test`, one target of the package at a time.
pub fn stages(arguments: &[String]) -> Vec<Vec<String>> {
    let end = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let (before, after) = arguments.split_at(end);
    let (mut common, mut targets) = (Vec::new(), Vec::new());
    let mut rest = before.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--lib" | "--doc" => targets.push(vec![argument.clone()]),
            "--test" => targets.push([argument].into_iter().chain(rest.next()).cloned().collect()),
            _ => common.push(argument.clone()),
        }
    }
    if targets.is_empty() {
        targets.push(Vec::new());
    }
    targets.into_iter().map(|target| [common.clone(), target, after.to_vec()].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "# guards\n\nsrc/a.rs @@ if old { @@ if true { @@ -p a --lib\nsrc/a.rs#2 @@ go(); @@ @@ = it goes twice\n";

    #[test]
    fn a_list_is_read() {
        let mutants = parse("guards", LIST).unwrap();
        assert_eq!(mutants.len(), 2);
        assert_eq!((mutants[0].number, mutants[0].place()), (3, "src/a.rs".to_owned()));
        assert_eq!(mutants[0].claim, Claim::CaughtBy(vec!["-p".into(), "a".into(), "--lib".into()]));
        assert_eq!((mutants[1].occurrence, mutants[1].replacement.as_str()), (Some(2), ""));
        assert_eq!(mutants[1].claim, Claim::Equivalent("it goes twice".into()));
    }

    #[test]
    fn a_line_that_is_no_mutant_is_named() {
        for (line, fault) in [
            ("a.rs @@ x @@ y", "3 parts"),
            ("a.rs @@ x @@ x @@ -p a", "changes nothing"),
            ("a.rs @@ x @@ y @@ =", "no reason"),
            ("a.rs @@ x @@ y @@", "no arguments"),
            ("a.rs#0 @@ x @@ y @@ -p a", "from 1 on"),
        ] {
            let error = parse("l", line).unwrap_err();
            assert!(error.starts_with("tests/mutants/l.list:1: ") && error.contains(fault), "{line}: {error}");
        }
    }

    #[test]
    fn a_mutant_changes_one_line_and_keeps_its_indent() {
        let mutants = parse("guards", LIST).unwrap();
        let source = "    if old {\n        go();\n    }\n    go();\n";
        assert_eq!(mutants[0].apply(source).unwrap(), source.replace("old", "true"));
        assert_eq!(mutants[1].apply(source).unwrap(), "    if old {\n        go();\n    }\n    \n");
    }

    #[test]
    fn a_mutant_whose_line_is_gone_or_not_alone_does_not_apply() {
        let mutants = parse("guards", LIST).unwrap();
        assert!(mutants[0].apply("if new {\n").unwrap_err().contains("no such line"));
        assert!(mutants[0].apply("if old {\nif old {\n").unwrap_err().contains("2 such lines"));
        assert!(mutants[1].apply("go();\n").unwrap_err().contains("1 such lines, and not 2"));
    }

    #[test]
    fn targets_are_tested_one_after_the_other() {
        let of = |text: &str| {
            let arguments: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
            stages(&arguments).iter().map(|stage| stage.join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(of("-p a --lib --test it -- part"), ["-p a --lib -- part", "-p a --test it -- part"]);
        assert_eq!(of("-p a"), ["-p a"]);
    }
}

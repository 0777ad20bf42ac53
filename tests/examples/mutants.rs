//! Makes every listed mistake in a copy of the tree and runs the tests that must notice it. `scripts/mutants` starts it.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for the terminal; it measures how long real builds take"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use azconnect_tests::mutants::{self, Claim, Mutant};

/// How long the tests of one mutant may run. A mutant that makes them hang is caught by that.
const LIMIT: Duration = Duration::from_secs(240);

/// How long one build may take.
const BUILD_LIMIT: Duration = Duration::from_secs(1800);

type Fallible<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Fallible<ExitCode> {
    let (options, wanted): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let resumes = match options.as_slice() {
        [] => false,
        [only] if only == "--resume" => true,
        _ => return Err("the only option is --resume".into()),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has a root")?;
    let all = mutants::all(root)?;
    let chosen: Vec<_> = all.iter().filter(|mutant| is_wanted(mutant, &wanted)).collect();
    if chosen.is_empty() {
        return Err(format!("no mutant is named {}", wanted.join(" ")).into());
    }
    let scratch = Scratch::of(root)?;
    let mut diary = Diary::open(&scratch.diary, resumes)?;
    let open: Vec<_> = chosen.iter().filter(|mutant| diary.outcome(mutant).is_none()).copied().collect();
    scratch.check_without_mutants(&open)?;
    let mut results = Vec::new();
    for (index, mutant) in chosen.iter().enumerate() {
        let result = match diary.outcome(mutant) {
            Some(known) => known,
            None => diary.note(mutant, scratch.run(mutant)?)?,
        };
        println!("{:>3}/{} {:<12} {}", index + 1, chosen.len(), result.name(), described(mutant));
        results.push((*mutant, result));
    }
    report::write(root, &all, &results)?;
    let bad: Vec<_> = results.iter().filter(|(_, result)| result.is_bad()).collect();
    println!("\n{}", report::summary(results.iter().map(|(_, result)| *result)));
    for (mutant, result) in &bad {
        println!("{}: {}", result.name(), described(mutant));
    }
    Ok(if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes everything, or what is named: `list` or `list:line`.
fn is_wanted(mutant: &Mutant, wanted: &[String]) -> bool {
    let line = format!("{}:{}", mutant.list, mutant.number);
    wanted.is_empty() || wanted.iter().any(|name| *name == mutant.list || *name == line)
}

fn described(mutant: &Mutant) -> String {
    let at = format!("{}:{} {}", mutant.list, mutant.number, mutant.place());
    format!("{at}\n      - {}\n      + {}", mutant.original, mutant.replacement)
}

/// What became of a mutant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Caught,
    CaughtByTimeout,
    Equivalent,
    Survived,
    /// It does not build, or its line is gone: it shows nothing.
    Void,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Caught, Self::CaughtByTimeout, Self::Equivalent, Self::Survived, Self::Void];

    fn name(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::CaughtByTimeout => "caught (hangs)",
            Self::Equivalent => "equivalent",
            Self::Survived => "SURVIVED",
            Self::Void => "VOID",
        }
    }

    fn is_bad(self) -> bool {
        matches!(self, Self::Survived | Self::Void)
    }
}

/// What an interrupted run found, so that the next one may go on where it ended.
struct Diary {
    path: PathBuf,
    known: BTreeMap<String, Outcome>,
}

impl Diary {
    fn open(path: &Path, resumes: bool) -> Fallible<Self> {
        let text = if resumes { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
        let known = text.lines().filter_map(|line| {
            let (name, mutant) = line.split_once('\t')?;
            Some((mutant.to_owned(), Outcome::ALL.into_iter().find(|outcome| outcome.name() == name)?))
        });
        let diary = Self { path: path.to_owned(), known: known.collect() };
        fs::write(path, text)?;
        Ok(diary)
    }

    /// By its text, so that lines may be added to the list meanwhile.
    fn key(mutant: &Mutant) -> String {
        format!("{} @@ {} @@ {} @@ {:?}", mutant.place(), mutant.original, mutant.replacement, mutant.claim)
    }

    fn outcome(&self, mutant: &Mutant) -> Option<Outcome> {
        self.known.get(&Self::key(mutant)).copied()
    }

    fn note(&mut self, mutant: &Mutant, outcome: Outcome) -> Fallible<Outcome> {
        let mut file = fs::File::options().append(true).open(&self.path)?;
        writeln!(file, "{}\t{}", outcome.name(), Self::key(mutant))?;
        self.known.insert(Self::key(mutant), outcome);
        Ok(outcome)
    }
}

/// How a command ended.
#[derive(PartialEq, Eq)]
enum End {
    Well,
    Badly,
    TimedOut,
}

/// A copy of the tree with a target folder of its own, both kept for the next time.
struct Scratch {
    root: PathBuf,
    tree: PathBuf,
    target: PathBuf,
    diary: PathBuf,
}

impl Scratch {
    fn of(root: &Path) -> Fallible<Self> {
        let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let folder = folder.join("mutants");
        let (tree, target, diary) = (folder.join("tree"), folder.join("target"), folder.join("diary"));
        let scratch = Self { root: root.to_owned(), tree, target, diary };
        scratch.copy()?;
        Ok(scratch)
    }

    /// Copies what git knows or would take, and writes only what differs, so that little is built again.
    fn copy(&self) -> Fallible {
        let list = |folder: &Path| -> Fallible<BTreeSet<PathBuf>> {
            let mut git = Command::new("git");
            let git = git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(folder);
            let names = String::from_utf8(git.output()?.stdout)?;
            Ok(names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect())
        };
        let present: BTreeSet<_> =
            list(&self.root)?.into_iter().filter(|name| self.root.join(name).is_file()).collect();
        let known = self.tree.with_extension("files");
        let earlier = fs::read_to_string(&known).unwrap_or_default();
        for gone in earlier.lines().map(PathBuf::from).filter(|name| !present.contains(name)) {
            fs::remove_file(self.tree.join(gone)).or_else(absent_is_fine)?;
        }
        for name in &present {
            let (from, to) = (self.root.join(name), self.tree.join(name));
            let content = fs::read(&from)?;
            if fs::read(&to).is_ok_and(|there| there == content) {
                continue;
            }
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::copy(&from, &to)?;
            // A copy keeps no time of its own everywhere, and cargo goes by time.
            fs::File::options().append(true).open(&to)?.set_modified(std::time::SystemTime::now())?;
        }
        let names: Vec<_> = present.iter().map(|name| name.display().to_string()).collect();
        fs::write(known, names.join("\n"))?;
        Ok(())
    }

    /// The tests must hold without any mistake, or else they would seem to catch every one.
    fn check_without_mutants(&self, mutants: &[&Mutant]) -> Fallible {
        let distinct: BTreeSet<_> = mutants
            .iter()
            .filter_map(|mutant| match &mutant.claim {
                Claim::CaughtBy(arguments) => Some(arguments),
                Claim::Equivalent(_) => None,
            })
            .collect();
        for arguments in distinct {
            let began = Instant::now();
            if self.build(arguments)? != End::Well || self.test(arguments)? != End::Well {
                let command = format!("cargo test {}", arguments.join(" "));
                return Err(format!("fails without any mistake: {command} (in {})", self.tree.display()).into());
            }
            println!("holds ({} s): cargo test {}", began.elapsed().as_secs(), arguments.join(" "));
        }
        Ok(())
    }

    fn run(&self, mutant: &Mutant) -> Fallible<Outcome> {
        let path = self.tree.join(&mutant.file);
        let source = fs::read_to_string(&path)?;
        let Ok(changed) = mutant.apply(&source) else { return Ok(Outcome::Void) };
        let Claim::CaughtBy(arguments) = &mutant.claim else { return Ok(Outcome::Equivalent) };
        fs::write(&path, changed)?;
        let outcome = self.judge(arguments);
        fs::write(&path, source)?;
        outcome
    }

    /// One target of the package after the other, since most mistakes are noticed by the first.
    fn judge(&self, arguments: &[String]) -> Fallible<Outcome> {
        for arguments in mutants::stages(arguments) {
            match self.build(&arguments)? {
                End::Well => {}
                End::Badly | End::TimedOut => return Ok(Outcome::Void),
            }
            match self.test(&arguments)? {
                End::Well => {}
                End::Badly => return Ok(Outcome::Caught),
                End::TimedOut => return Ok(Outcome::CaughtByTimeout),
            }
        }
        Ok(Outcome::Survived)
    }

    fn build(&self, arguments: &[String]) -> Fallible<End> {
        let before_tests = arguments.iter().take_while(|argument| *argument != "--");
        let mut cargo = self.cargo(arguments);
        cargo.arg("--no-run").args(before_tests);
        wait(cargo.spawn()?, BUILD_LIMIT)
    }

    fn test(&self, arguments: &[String]) -> Fallible<End> {
        let mut cargo = self.cargo(arguments);
        cargo.args(arguments);
        wait(cargo.spawn()?, LIMIT)
    }

    fn cargo(&self, arguments: &[String]) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.args(["test", "--quiet", "--locked", "--offline"]).current_dir(&self.tree);
        // Some tests search for long: what is tested is optimised a little, and nothing else is built anew for that.
        let package = arguments.iter().skip_while(|argument| *argument != "-p").nth(1);
        if let Some(package) = package {
            cargo.arg("--config").arg(format!("profile.dev.package.{package}.opt-level=1"));
        }
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_INCREMENTAL", "1").env_remove("CARGO_MANIFEST_DIR");
        // What a run prints about its failures is not of interest, only that it fails.
        cargo.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        cargo
    }
}

fn absent_is_fine(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Waits for a command, and ends it with everything it started when it takes too long.
fn wait(mut child: Child, limit: Duration) -> Fallible<End> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(if status.success() { End::Well } else { End::Badly });
        }
        if began.elapsed() > limit {
            Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status()?;
            child.wait()?;
            return Ok(End::TimedOut);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is written down.
mod report {
    use super::{Claim, Fallible, Mutant, Outcome, Path, fs, mutants};

    const HEAD: &str = "# Mutants\n\nWritten by `scripts/mutants`, which makes one mistake at a time and runs the tests \
        that must notice it. A mistake that hangs its tests is caught by their time limit.\n";

    pub(super) fn summary(results: impl Iterator<Item = Outcome>) -> String {
        let mut counts = [0_usize; 4];
        for result in results {
            let place = match result {
                Outcome::Caught | Outcome::CaughtByTimeout => 0,
                Outcome::Equivalent => 1,
                Outcome::Survived => 2,
                Outcome::Void => 3,
            };
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        let [caught, equivalent, survived, void] = counts;
        let made = counts.iter().sum::<usize>();
        format!("{made} mutants: {caught} caught, {equivalent} equivalent, {survived} survived, {void} void")
    }

    /// Replaces the part of every list that was run as a whole, and keeps the others.
    pub(super) fn write(root: &Path, all: &[Mutant], results: &[(&Mutant, Outcome)]) -> Fallible {
        let path = mutants::folder(root).join("RESULT.md");
        let before = fs::read_to_string(&path).unwrap_or_default();
        let mut lists: Vec<&str> = all.iter().map(|mutant| mutant.list.as_str()).collect();
        lists.dedup();
        let mut text = HEAD.to_owned();
        for list in lists {
            let known = all.iter().filter(|mutant| mutant.list == list).count();
            let run: Vec<_> = results.iter().filter(|(mutant, _)| mutant.list == list).collect();
            let part = if run.len() == known { Some(part(list, &run)) } else { earlier(&before, list) };
            text.push_str(&part.map(|part| format!("\n{part}")).unwrap_or_default());
        }
        fs::write(path, text)?;
        Ok(())
    }

    fn earlier(before: &str, list: &str) -> Option<String> {
        let (_, rest) = before.split_once(&format!("## {list}\n"))?;
        let part = rest.split("\n## ").next().unwrap_or(rest);
        Some(format!("## {list}\n{}\n", part.trim_end_matches('\n')))
    }

    fn part(list: &str, run: &[&(&Mutant, Outcome)]) -> String {
        let sum = summary(run.iter().map(|(_, outcome)| *outcome));
        let rows = run.iter().map(|(mutant, outcome)| {
            let remark = match &mutant.claim {
                Claim::Equivalent(reason) => format!("equivalent: {reason}"),
                Claim::CaughtBy(_) => outcome.name().to_owned(),
            };
            let file = mutant.place();
            let file = file.split_once("/src/").map_or(file.as_str(), |(_, file)| file);
            format!("| {file} | {} | {} | {} |\n", code(&mutant.original), code(&mutant.replacement), cell(&remark))
        });
        let rows: String = rows.collect();
        format!("## {list}\n\n{sum}.\n\n| File | Line | Instead | Result |\n|---|---|---|---|\n{rows}")
    }

    fn code(text: &str) -> String {
        if text.is_empty() { "nothing".to_owned() } else { format!("`{}`", cell(text)) }
    }

    fn cell(text: &str) -> String {
        text.replace('|', "\\|")
    }
}

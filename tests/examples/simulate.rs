//! Plays worlds, each from its seed, and says what they met: `cargo run --release --example simulate -- --worlds 1000`.
//!
//! A world in which a promise is broken is printed with its seed, made smaller, and told. `--seed S --worlds 1 --story` tells
//! the story of one world.

#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods, reason = "a program")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use azconnect_tests::worlds::{Coverage, Plan, Violation, play, shrink};

const USAGE: &str = "\
Usage: simulate [OPTIONS]

  --worlds N    how many worlds to play (1000, or with --minutes as many as there is time for)
  --seed S      the seed of the first world (1); the others follow it
  --minutes M   stop after so many minutes
  --at-least N  with --minutes: do not stop before so many worlds
  --failures N  stop after so many failing worlds (10)
  --threads N   how many worlds to play at once (2)
  --plan        print the plan of each failing world as it was, too
  --story       tell the story of every world
  --no-shrink   do not make failing worlds smaller";

/// What was asked for.
struct Wanted {
    worlds: Option<u64>,
    seed: u64,
    minutes: Option<u64>,
    at_least: u64,
    failures: usize,
    threads: u64,
    plan: bool,
    story: bool,
    shrinks: bool,
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted {
        worlds: None,
        seed: 1,
        minutes: None,
        at_least: 0,
        failures: 10,
        threads: 2,
        plan: false,
        story: false,
        shrinks: true,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{word}: {value} is not a number"))
        };
        match word.as_str() {
            "--worlds" => wanted.worlds = Some(number()?),
            "--at-least" => wanted.at_least = number()?,
            "--seed" => wanted.seed = number()?,
            "--minutes" => wanted.minutes = Some(number()?),
            "--failures" => wanted.failures = number()? as usize,
            "--threads" => wanted.threads = number()?.max(1),
            "--plan" => wanted.plan = true,
            "--story" => wanted.story = true,
            "--no-shrink" => wanted.shrinks = false,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(wanted)
}

impl Wanted {
    /// The most worlds that are played.
    fn most(&self) -> u64 {
        self.worlds.unwrap_or(if self.minutes.is_some() { u64::MAX } else { 1000 })
    }
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    // A panic inside a world is a finding, told with the others.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let found: Mutex<Vec<(u64, Violation)>> = Mutex::default();
    let coverage: Mutex<Coverage> = Mutex::default();
    let lasted: Mutex<Duration> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..wanted.threads {
            scope.spawn(|| work(&wanted, begun, &next, &found, &coverage, &lasted));
        }
    });
    let (mut found, coverage) = (found.into_inner().unwrap_or_default(), coverage.into_inner().unwrap_or_default());
    let worlds = next.load(Ordering::SeqCst);
    println!("{}", coverage.tables());
    let took = begun.elapsed().as_secs_f64();
    let days = lasted.into_inner().unwrap_or_default().as_secs() / 86_400;
    println!("{worlds} worlds in {took:.1} s: {:.1} worlds a second; {days} days of their time", worlds as f64 / took);
    found.sort_by_key(|(seed, _)| *seed);
    if found.is_empty() {
        println!("every promise was kept");
        return ExitCode::SUCCESS;
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    found.iter().for_each(|(_, violation)| *counts.entry(violation.invariant).or_default() += 1);
    println!("{} worlds in which a promise was broken: {counts:?}\n", found.len());
    found.iter().for_each(|(seed, violation)| tell(&wanted, *seed, violation));
    ExitCode::FAILURE
}

/// Plays worlds until there are enough.
fn work(
    wanted: &Wanted,
    begun: Instant,
    next: &AtomicU64,
    found: &Mutex<Vec<(u64, Violation)>>,
    coverage: &Mutex<Coverage>,
    lasted: &Mutex<Duration>,
) {
    loop {
        let late = wanted.minutes.is_some_and(|minutes| begun.elapsed() >= Duration::from_secs(60 * minutes));
        let enough = found.lock().map_or(0, |found| found.len()) >= wanted.failures;
        // Taken only if it is played, so that the number of worlds is true in the end.
        let taken = next.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |played| {
            let over = enough || (late && played >= wanted.at_least) || played >= wanted.most();
            (!over).then_some(played + 1)
        });
        let Ok(number) = taken else { return };
        let seed = wanted.seed.wrapping_add(number);
        let played = play(&Plan::of(seed), wanted.story);
        if let Ok(mut all) = coverage.lock() {
            all.add(&played.coverage);
        }
        if let Ok(mut all) = lasted.lock() {
            *all += played.lasted;
        }
        if wanted.story {
            println!("{}{}\n", Plan::of(seed), played.story.lines().join("\n"));
        }
        if let (Some(violation), Ok(mut found)) = (played.violation, found.lock()) {
            found.push((seed, violation));
        }
    }
}

/// Tells of a failing world: what was broken, the smallest world that shows it, and what happened there.
fn tell(wanted: &Wanted, seed: u64, violation: &Violation) {
    println!("--- seed {seed}: {violation}");
    let plan = Plan::of(seed);
    if wanted.plan {
        println!("{plan}");
    }
    if !wanted.shrinks {
        return;
    }
    let small = shrink(&plan, violation.invariant);
    let played = play(&small, true);
    if let Some(violation) = &played.violation {
        println!("{violation}");
    }
    println!("{small}{}\n", played.story.lines().join("\n"));
}

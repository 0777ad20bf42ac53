//! The world that the program serves: a seed, and what the arguments change of it.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azconnect_core::Error;

use super::arguments::{Arguments, ClockKind, Throttle};
use super::clock::AdjustableClock;
use super::file;
use super::state::{self, Kept, State};
use crate::base::settings::resource_manager::{ArmSettings, RetryAfter};
use crate::base::settings::{RateLimit, Settings};
use crate::setup::seed::{Seed, SeedFault};
use crate::shell::control::Controls;
use crate::shell::emulator::Emulator;
use crate::shell::seen::Log;

/// What the emulator starts with unless a seed is given.
pub(super) const DEFAULT_SEED: &str = include_str!("../../data/seed.json");

/// The longest pause that answers name where operations take a time of the caller's choice.
const LONGEST_PAUSE: u32 = 10;

/// The budget of a caller at Azure DevOps: 200 units in a sliding window of five minutes. What a request costs there is not
/// published; here it is one unit.
const PUBLISHED: (u32, Duration) = (200, Duration::from_secs(300));

/// Writes the world to its file.
pub(super) type Save = Arc<dyn Fn() -> Result<(), Error> + Send + Sync>;

/// The emulator, its clock, and how it is saved, if it is.
pub(super) struct World {
    pub(super) emulator: Emulator,
    pub(super) clock: Arc<AdjustableClock>,
    pub(super) save: Option<Save>,
}

impl World {
    /// Makes the world that the arguments describe, or the one that their file holds. Where they name no seed, it is the usual
    /// one.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the file, and the place in it.
    pub(super) fn of(arguments: &Arguments, usual_seed: &str) -> Result<Self, Error> {
        let former = arguments.state.as_deref().map(|path| State::read(arguments, path)).transpose()?.flatten();
        let seed = seed_text(arguments, former.as_ref(), usual_seed)?;
        let clock = Arc::new(clock(arguments, former.as_ref())?);
        let emulator = seeded(arguments, &seed, clock.clone())?;
        emulator.adjust(|settings| adjusted(settings, arguments));
        emulator.remember(arguments.keep, arguments.log.then_some(log()));
        emulator.set_latency(Duration::from_millis(arguments.latency.unwrap_or_default().into()));
        let save = kept(arguments, &emulator, &clock, seed, former)?;
        let (moved, saved) = (clock.clone(), save.clone());
        emulator.set_controls(Controls {
            clock: if clock.is_standing() { "virtual" } else { "real" },
            advance: Box::new(move |time| moved.advance(time)),
            save: saved.map(|save| Box::new(move || save()) as Box<dyn Fn() -> Result<(), Error> + Send + Sync>),
        });
        Ok(Self { emulator, clock, save })
    }
}

fn clock(arguments: &Arguments, former: Option<&State>) -> Result<AdjustableClock, Error> {
    let clock = match arguments.clock {
        ClockKind::Real => AdjustableClock::running(),
        ClockKind::Virtual => AdjustableClock::standing(),
    };
    let Some(former) = former else { return Ok(clock) };
    let written = former.written().ok_or_else(|| {
        Error::invalid("--state", "the file is damaged: it was written at no moment").with_advice("name another file")
    })?;
    Ok(clock.continued(written, former.ahead))
}

/// Has the requests kept, if there is a file for them, after those of the former run have been acted on again.
fn kept(
    arguments: &Arguments,
    emulator: &Emulator,
    clock: &Arc<AdjustableClock>,
    seed: String,
    former: Option<State>,
) -> Result<Option<Save>, Error> {
    let Some(path) = arguments.state.as_deref() else { return Ok(None) };
    if let Some(former) = &former {
        former.restore_key();
    }
    emulator.sign_tokens();
    let replayed = emulator.keep_record(former.map(|former| former.record));
    replayed.map_err(|fault| state::unplayable(path, &fault))?;
    let kept = Kept { path: path.into(), seed, options: state::options(arguments) };
    let (emulator, clock) = (emulator.clone(), clock.clone());
    let one_at_a_time = Mutex::new(());
    let save: Save = Arc::new(move || {
        // Two at once would write into one file, and the older world could come to lie over the newer one.
        let _turn = one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        state::write(&emulator, &clock, &kept)
    });
    file::sweep(path);
    // At once: a file that cannot be written is told now, and not when all has been done.
    save()?;
    Ok(Some(save))
}

/// The text of the seed: of the argument, or else of the file's, or else the usual one.
fn seed_text(arguments: &Arguments, former: Option<&State>, usual: &str) -> Result<String, Error> {
    let given = arguments.seed.as_deref().map(|path| file::read("--seed", path)).transpose()?;
    match (given, former) {
        (Some(given), Some(former)) if given != former.seed => {
            Err(Error::invalid("--seed", "it is another seed than that of the state")
                .with_advice("leave --seed out, or name another file with --state"))
        }
        (_, Some(former)) => Ok(former.seed.clone()),
        (Some(given), None) => Ok(given),
        (None, None) => Ok(usual.to_owned()),
    }
}

fn seeded(arguments: &Arguments, text: &str, clock: Arc<AdjustableClock>) -> Result<Emulator, Error> {
    // As everybody writes paths in JSON, and with the file they are in.
    let place = |within: &str| within.replacen("seed", "$", 1);
    let file = arguments.seed.as_deref().or(arguments.state.as_deref()).map(|path| path.display().to_string());
    let wrong = |within: &str, message: &str, advice: &str| {
        let message = message.strip_prefix(within).map_or(message, str::trim_start);
        let file = file.as_deref().unwrap_or_default();
        Error::invalid("--seed", format!("{file}: {}: {message}", place(within))).with_advice(advice.to_owned())
    };
    let seed = Seed::from_json(text);
    let seed = seed.map_err(|fault: SeedFault| wrong(fault.path(), &fault.to_string(), &fault.advice()))?;
    Emulator::from_seed(seed, clock).map_err(|error| match error.field() {
        Some(field) => wrong(field, error.message(), error.advice()),
        None => error,
    })
}

/// The settings of the seed, but for what the arguments say.
fn adjusted(settings: Settings, arguments: &Arguments) -> Settings {
    let mut arm = settings.resource_manager.clone();
    let mut graph = settings.graph.clone();
    let mut settings = settings;
    if let Some(seconds) = arguments.operation_seconds {
        arm = arm
            .with_all_durations(Duration::from_secs(seconds.into()))
            .with_retry_after(RetryAfter::Fixed(Duration::from_secs(seconds.min(LONGEST_PAUSE).into())));
    }
    if let Some(seconds) = arguments.replication_seconds {
        let lag = Duration::from_secs(seconds.into());
        settings = settings.with_add_lag(lag).with_remove_lag(lag).with_list_lag(lag).with_create_lag(lag);
        arm = arm.with_role_lag(lag).with_principal_lag(lag);
    }
    match arguments.throttle {
        Some(Throttle::Published) => {
            arm = arm.with_throttling();
            graph = graph.with_throttling();
            let sign_in = settings.sign_in.clone().with_assumed_limits();
            let rate = RateLimit::new(PUBLISHED.0, PUBLISHED.1);
            settings = settings.with_rate_limit(rate).with_sign_in(sign_in).with_vault_throttling(true);
        }
        Some(Throttle::Off) => {
            arm = ArmSettings::without_throttling(arm);
            graph = graph.without_throttling();
            let sign_in = settings.sign_in.clone().without_limits();
            settings = settings.without_rate_limit().with_sign_in(sign_in).with_vault_throttling(false);
        }
        None => {}
    }
    settings.with_graph(graph).with_resource_manager(arm).with_kept(arguments.keep)
}

/// A line for each request, on the standard error: the standard output has the one line that it is ready.
fn log() -> Log {
    Box::new(|line| {
        // Nobody may be there to read it.
        drop(writeln!(std::io::stderr().lock(), "{line}"));
    })
}

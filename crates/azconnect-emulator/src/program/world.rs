//! The world that the program serves: a seed, and what the arguments change of it.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use azconnect_core::Error;

use super::arguments::{Arguments, Throttle};
use super::clock::AdjustableClock;
use super::file;
use crate::base::settings::resource_manager::{ArmSettings, RetryAfter};
use crate::base::settings::{RateLimit, Settings};
use crate::setup::seed::{Seed, SeedFault};
use crate::shell::control::Controls;
use crate::shell::emulator::Emulator;
use crate::shell::seen::Log;

/// What the emulator starts with unless a seed is given.
const DEFAULT_SEED: &str = include_str!("../../data/seed.json");

/// The longest pause that answers name where operations take a time of the caller's choice.
const LONGEST_PAUSE: u32 = 10;

/// The budget of a caller at Azure DevOps: 200 units in a sliding window of five minutes. What a request costs there is not
/// published; here it is one unit.
const PUBLISHED: (u32, Duration) = (200, Duration::from_secs(300));

/// Makes the emulator that the arguments describe.
///
/// # Errors
/// [`InvalidInput`](azconnect_core::ErrorKind::InvalidInput) naming the file, and the place in it.
pub(super) fn made(arguments: &Arguments, clock: Arc<AdjustableClock>) -> Result<Emulator, Error> {
    let emulator = seeded(arguments, clock.clone())?;
    emulator.adjust(|settings| adjusted(settings, arguments));
    emulator.remember(arguments.keep, arguments.log.then_some(log()));
    emulator.set_latency(Duration::from_millis(arguments.latency.unwrap_or_default().into()));
    emulator.set_controls(Controls {
        clock: if clock.is_standing() { "virtual" } else { "real" },
        advance: Box::new(move |time| clock.advance(time)),
    });
    Ok(emulator)
}

fn seeded(arguments: &Arguments, clock: Arc<AdjustableClock>) -> Result<Emulator, Error> {
    let Some(path) = &arguments.seed else {
        return Emulator::from_seed(Seed::from_json(DEFAULT_SEED)?, clock);
    };
    let text = file::read("--seed", path)?;
    // As everybody writes paths in JSON, and with the file they are in.
    let place = |within: &str| within.replacen("seed", "$", 1);
    let wrong = |within: &str, message: &str, advice: &str| {
        let message = message.strip_prefix(within).map_or(message, str::trim_start);
        Error::invalid("--seed", format!("{}: {}: {message}", path.display(), place(within)))
            .with_advice(advice.to_owned())
    };
    let seed = Seed::from_json(&text);
    let seed = seed.map_err(|fault: SeedFault| wrong(fault.path(), &fault.to_string(), &fault.advice()))?;
    Emulator::from_seed(seed, clock).map_err(|error| match error.field() {
        Some(field) => wrong(field, error.message(), error.advice()),
        None => error,
    })
}

/// The settings of the seed, but for what the arguments say.
fn adjusted(settings: Settings, arguments: &Arguments) -> Settings {
    let mut arm = settings.resource_manager.clone();
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
            settings = settings.with_rate_limit(RateLimit::new(PUBLISHED.0, PUBLISHED.1));
        }
        Some(Throttle::Off) => {
            arm = ArmSettings::without_throttling(arm);
            settings = settings.without_rate_limit();
        }
        None => {}
    }
    settings.with_resource_manager(arm)
}

/// A line for each request, on the standard error: the standard output has the one line that it is ready.
fn log() -> Log {
    Box::new(|line| {
        // Nobody may be there to read it.
        drop(writeln!(std::io::stderr().lock(), "{line}"));
    })
}

//! The program `azconnect-emulator`: arguments, certificates, and one line of JSON when it is ready.

mod arguments;
mod certificate;
mod clock;
mod ending;
mod file;
mod state;
mod world;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use azconnect_core::{Clock, Error, ErrorKind};
use clap::Parser;
use serde_json::{Value, json};

use self::arguments::{Arguments, OriginCount};
use self::certificate::Certificates;
use self::world::World;
use crate::setup::seed::Seed;
use crate::shell::emulator::Emulator;
use crate::shell::server::{Plan, Server, bind};

/// Runs the program with these arguments, the program's own name first, until it is told to stop: by SIGTERM, SIGINT or
/// ctrl-c.
///
/// The exit code is 0 when it was told to stop, 2 when an argument or a file cannot be used, and 1 when anything else
/// failed, such as a port that is taken.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    main_with_seed(arguments, world::DEFAULT_SEED)
}

/// Runs the program as [`main`] does, for a program of yours: where the arguments name no seed, it starts with this one, a
/// document in JSON.
pub fn main_with_seed(arguments: impl IntoIterator<Item = OsString>, seed: &str) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(refused) => return ending::of_arguments(&refused),
    };
    if arguments.schema {
        return ending::of_schema(Seed::SCHEMA);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(&arguments, seed)),
        Err(error) => {
            Err(Error::new(ErrorKind::Unavailable, "cannot start the threads that answer").with_source(error))
        }
    };
    ending::of(outcome)
}

async fn run(arguments: &Arguments, seed: &str) -> Result<(), Error> {
    // Before anything is told to be ready: a signal that comes early must end it as well.
    let stop = ending::told_to_stop()?;
    arguments.check()?;
    let World { emulator, clock, save } = World::of(arguments, seed)?;
    let certificates = certificates(arguments, &emulator, &*clock)?;
    let server = bind(emulator, plan(arguments, certificates.as_ref())?).await?;
    tell_ready(arguments, &server);
    server.run_until(stop).await?;
    // After the last exchange has ended.
    save.map_or(Ok(()), |save| save())
}

/// The certificates, where anything is served with TLS.
fn certificates(arguments: &Arguments, emulator: &Emulator, clock: &dyn Clock) -> Result<Option<Certificates>, Error> {
    if !arguments.has_tls() {
        return Ok(None);
    }
    let mut names = emulator.registry_hosts();
    // Some clients take no wildcard below a name of one word.
    names.extend(emulator.vault_names().into_iter().map(|name| format!("{name}.localhost")));
    names.extend(arguments.public_host());
    let certificates = Certificates::make(names, clock.now())?;
    if let Some(path) = &arguments.ca {
        file::write("--ca", path, certificates.authority_pem(), file::Readers::Everybody)?;
    }
    Ok(Some(certificates))
}

fn plan(arguments: &Arguments, certificates: Option<&Certificates>) -> Result<Plan, Error> {
    Ok(Plan {
        http: arguments.http(),
        https: arguments.https,
        proxy: arguments.proxy,
        handshake: certificates.map(Certificates::handshake).transpose()?,
        one_origin: arguments.origins == OriginCount::One,
        public_url: arguments.public_url.as_ref().map(arguments::PublicUrl::origin),
        trusts_forwarded: arguments.trust_forwarded,
        has_control: !arguments.no_control,
    })
}

/// One line for whoever started it: where everything is.
fn tell_ready(arguments: &Arguments, server: &Server) {
    let mut line = json!({"ready": true, "origins": server.origins()});
    if let (Some(line), Ok(Value::Object(bound))) = (line.as_object_mut(), serde_json::to_value(server.bound())) {
        line.extend(bound);
        if let Some(path) = arguments.ca.as_deref().filter(|_| arguments.has_tls()) {
            line.insert("ca".to_owned(), json!(path));
        }
    }
    // A reader that went away is not our failure: the emulator serves on.
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

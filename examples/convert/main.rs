//! Converts service connections from secrets to workload identity federation, one by one or all at once.
//!
//! ```text
//! cargo run --example convert                    asks for each, on an emulator inside the program
//! cargo run --example convert -- --yes           converts all; shared ones are skipped
//! cargo run --example convert -- --dry-run       only shows what would be asked
//! cargo run --example convert -- --azure --organization NAME --project NAME
//! ```

mod ask;

use std::process::ExitCode;
use std::sync::Arc;

use azconnect::Azure;
use azconnect::core::{Clock, Error};
use azconnect::credential::CheckReport;
use azconnect::devops::{
    ConversionRules, Endpoint, EndpointQuery, Endpoints, OrganizationName, Progress, ProjectRef, conversion_checks,
};
use azconnect::http::SystemClock;
use azconnect_emulator::{Emulator, Seed};
use azconnect_examples::end::{EXIT_CODES, Ending, Failure, report};
use azconnect_examples::place::{Place, PlaceArguments};
use azconnect_examples::product::{CONTOSO_PRODUCT, Product};
use azconnect_examples::table::table;
use azconnect_examples::when::day;
use clap::Parser;

use crate::ask::{Answer, ask, say};

/// The seed of the emulator inside the program: connections of every kind that matters here.
const FEDERATION: &str = include_str!("../data/federation.json");

/// Convert Azure service connections from secrets to workload identity federation. Each conversion can be undone for seven
/// days.
#[derive(Debug, Parser)]
#[command(name = "convert", version, max_term_width = 80, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// The organization.
    #[arg(long, value_name = "NAME", default_value = "contoso")]
    organization: String,
    /// The project, by name or id.
    #[arg(long, value_name = "PROJECT", default_value = "Web")]
    project: String,
    /// Ask nothing: convert what one project uses, skip what is shared.
    #[arg(long)]
    yes: bool,
    /// Convert nothing, and show what would be.
    #[arg(long)]
    dry_run: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    let endpoints = endpoints(&arguments).await?;
    let query = EndpointQuery::new().with_type("azurerm").with_details(true);
    let connections = endpoints.list(&query).await?;
    let rules = ConversionRules::new().with_shared(true);
    let mut rows = Vec::new();
    let mut failed = false;
    let mut stopped = false;
    for connection in &connections {
        let checks = conversion_checks(connection, endpoints.project(), rules);
        let outcome = match checks.failures().next() {
            Some(check) => ("not convertible".to_owned(), check.cause.clone()),
            None if stopped => ("left".to_owned(), String::new()),
            None => match decide(&arguments, connection, &checks) {
                Answer::Exit => {
                    stopped = true;
                    ("left".to_owned(), String::new())
                }
                Answer::Skip => ("skipped".to_owned(), note(&checks)),
                Answer::Convert if arguments.dry_run => ("would be converted".to_owned(), note(&checks)),
                Answer::Convert => match convert(&endpoints, connection, rules).await {
                    Ok(deadline) => ("converted".to_owned(), deadline),
                    Err(error) => {
                        failed = true;
                        ("failed".to_owned(), format!("{error}; {}", error.advice()))
                    }
                },
            },
        };
        rows.push(vec![connection.name().unwrap_or("(without a name)").to_owned(), outcome.0, outcome.1]);
    }
    say(&format!("\n{}", table(&["connection", "outcome", "remark"], &rows)));
    if failed { Err(Failure::Told(Ending::Failed)) } else { Ok(()) }
}

/// What to do with a connection that can be converted. Shared ones are skipped unless somebody says otherwise.
fn decide(arguments: &Arguments, connection: &Endpoint, checks: &CheckReport) -> Answer {
    let default = if checks.is_empty() { Answer::Convert } else { Answer::Skip };
    if arguments.yes || arguments.dry_run {
        return default;
    }
    for check in checks {
        say(&format!("note: {}\n", check.cause));
    }
    ask(connection.name().unwrap_or("(without a name)"), default)
}

async fn convert(endpoints: &Endpoints, connection: &Endpoint, rules: ConversionRules) -> Result<String, Error> {
    // The list may be older than the last answer of the person.
    let current = endpoints.get(connection.id()).await?;
    let converted = match endpoints.convert(&current, rules).await? {
        Progress::Done(converted) => converted,
        Progress::Pending(_) => return Ok("Azure DevOps is still at work on it".to_owned()),
    };
    Ok(match converted.revert_deadline() {
        Some(deadline) => format!("can be undone until {}", day(deadline)),
        None => "cannot be undone".to_owned(),
    })
}

fn note(checks: &CheckReport) -> String {
    let texts: Vec<&str> = checks.iter().map(|check| check.cause.as_str()).collect();
    texts.join("; ")
}

/// The project's connections, after signing in.
async fn endpoints(arguments: &Arguments) -> Result<Endpoints, Error> {
    let organization = OrganizationName::new(&arguments.organization)?;
    let project = ProjectRef::new(&arguments.project)?;
    let place = place(&arguments.place).await?;
    let operator = Product::from_json(CONTOSO_PRODUCT)?.operator(&place)?;
    let azure = Azure::new(place.cloud.clone(), place.transport.clone(), place.clock.clone());
    let client = azure.identity_with_secret(operator.tenant, operator.client, operator.secret)?.devops();
    Ok(client.organization(&organization)?.endpoints(project))
}

/// The place; the emulator inside this program has a seed of its own.
async fn place(arguments: &PlaceArguments) -> Result<Place, Error> {
    if arguments.azure || arguments.emulator.is_some() || arguments.seed.is_some() {
        return arguments.find().await;
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let emulator = Emulator::from_seed(Seed::from_json(FEDERATION)?, clock.clone())?;
    let (cloud, transport) = (emulator.cloud(), emulator.transport());
    Ok(Place { cloud, transport, clock, embedded: Some(emulator), is_azure: false })
}

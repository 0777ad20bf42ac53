//! Shows which service connections can be refreshed: organization, project, permission, connections.
//!
//! ```text
//! cargo run --example connections                                    an emulator inside the program
//! cargo run --example connections -- --organization contoso --project Web
//! cargo run --example connections -- --emulator http://127.0.0.1:8001
//! cargo run --example connections -- --azure --organization NAME     who signs in comes from the environment
//! ```

use std::io::Write;
use std::process::ExitCode;

use azconnect::Azure;
use azconnect::core::Error;
use azconnect::devops::{
    DevOpsClient, Organization, OrganizationName, OrganizationTenant, Project, ProjectRef, ProjectState,
};
use azconnect_examples::end::{EXIT_CODES, Failure, report};
use azconnect_examples::page::hanging;
use azconnect_examples::place::PlaceArguments;
use azconnect_examples::product::{CONTOSO_PRODUCT, Product};
use azconnect_examples::table::table;
use clap::Parser;

/// Show the service connections of organizations and projects, and for each whether its secret can be refreshed.
///
/// By default on an emulator inside the program.
#[derive(Debug, Parser)]
#[command(name = "connections", version, max_term_width = 80, after_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// An organization; may be given several times. Needed for service principals, to whom Azure DevOps lists none.
    #[arg(long, value_name = "NAME")]
    organization: Vec<String>,
    /// Only this project, by name or id.
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    let names = arguments.names()?;
    let project = arguments.project.as_deref().map(ProjectRef::new).transpose()?;
    let place = arguments.place.find().await?;
    let operator = Product::from_json(CONTOSO_PRODUCT).map_err(Error::from)?.operator(&place)?;
    let azure = Azure::new(place.cloud.clone(), place.transport.clone(), place.clock.clone());
    let client = azure.identity_with_secret(operator.tenant, operator.client, operator.secret)?.devops();
    let found = client.organizations(&[], &names).await?;
    for check in &found.checks {
        say(&(hanging("", &format!("{}: {}", check.cause, check.remedy)) + "\n"));
    }
    for group in &found.groups {
        for entry in &group.organizations {
            say(&format!("\n{} — {}\n", entry.name, of_tenant(group.tenant)));
            show(&client, &entry.name, project.as_ref()).await?;
        }
    }
    Ok(())
}

impl Arguments {
    /// The organizations that are named, by the arguments or by the product of the examples.
    fn names(&self) -> Result<Vec<OrganizationName>, Error> {
        if !self.organization.is_empty() || self.place.azure {
            return self.organization.iter().map(OrganizationName::new).collect();
        }
        let product = Product::from_json(CONTOSO_PRODUCT)?;
        product.organizations.iter().map(|organization| OrganizationName::new(&organization.name)).collect()
    }
}

async fn show(client: &DevOpsClient, name: &OrganizationName, only: Option<&ProjectRef>) -> Result<(), Error> {
    let organization = client.organization(name)?;
    let caller = organization.caller().await?;
    say(&format!("signed in as {}\n", caller.display_name.as_deref().unwrap_or(&caller.id)));
    let projects = match only {
        Some(project) => vec![organization.project(project).await?],
        None => organization.projects(ProjectState::WellFormed).await?,
    };
    for project in &projects {
        show_project(&organization, project).await?;
    }
    Ok(())
}

async fn show_project(organization: &Organization, project: &Project) -> Result<(), Error> {
    let reference = ProjectRef::Id(project.id);
    let permission = organization.permission(&reference).await?;
    if !permission.allows() {
        say(&format!("\nproject {}: not permitted\n{}\n", project.name, hanging("  ", &permission.advice())));
        return Ok(());
    }
    let grounds: Vec<&str> = permission.grounds.iter().map(|ground| ground.as_str()).collect();
    say(&format!("\n{}\n", hanging(&format!("project {}: ", project.name), &grounds.join(", "))));
    let picker = organization.picker(&reference).await?;
    let rows: Vec<Vec<String>> = picker
        .choices
        .iter()
        .map(|choice| {
            let kind = format!("{} {}", choice.type_name, choice.scheme);
            vec![choice.name.clone(), kind, explained(choice)]
        })
        .collect();
    if rows.is_empty() {
        say("  no service connection\n");
    } else {
        say(&table(&["connection", "kind", "can it be refreshed?"], &rows));
    }
    if picker.unreadable > 0 {
        say(&format!("  {} records of the list cannot be read\n", picker.unreadable));
    }
    Ok(())
}

/// Whether it can be refreshed, and why not, or what is worth knowing.
fn explained(choice: &azconnect::devops::Choice) -> String {
    let answer = if choice.can_refresh() { "yes" } else { "no" };
    let texts: Vec<&str> = choice.checks.iter().map(|check| check.cause.as_str()).collect();
    if texts.is_empty() { answer.to_owned() } else { format!("{answer}: {}", texts.join("; ")) }
}

fn of_tenant(tenant: OrganizationTenant) -> String {
    match tenant {
        OrganizationTenant::Entra(id) => format!("tenant {id}"),
        OrganizationTenant::PersonalAccounts => "personal accounts".to_owned(),
        _ => "tenant not known".to_owned(),
    }
}

/// A reader that went away needs no more text.
fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

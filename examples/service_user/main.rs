//! A page on this machine on which an administrator links a service user: an account whose permissions a product uses when
//! nobody is there.
//!
//! ```text
//! cargo run --example service_user                       an emulator inside the program
//! cargo run --example service_user -- --state DIR        the link outlives the program
//! cargo run --example service_user -- --azure --client-id ID
//! ```
//!
//! The application needs the redirect URI `http://localhost:8085/linked` (type *web*) and the delegated permission
//! `user_impersonation` of Azure DevOps.
#![allow(unreachable_pub, reason = "a program's modules are its own")]

mod assemble;
mod html;
mod pages;
mod site;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use azconnect::core::{ClientId, Error, TenantId};
use azconnect_examples::end::{EXIT_CODES, Failure, report};
use clap::Parser;
use tokio::net::TcpListener;

/// Serves a page on which a service user is linked, checked and unlinked.
#[derive(Parser)]
#[command(name = "service_user", version, max_term_width = 80, after_help = EXIT_CODES)]
pub struct Arguments {
    /// The port of the page, on this machine only.
    #[arg(long, default_value_t = 8085)]
    port: u16,
    /// Keep the link in this folder, sealed.
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Sign in at Entra ID itself; the environment holds AZURE_CLIENT_SECRET.
    #[arg(long, requires = "client_id")]
    azure: bool,
    /// The application that people sign in to.
    #[arg(long, value_name = "ID", requires = "azure")]
    client_id: Option<ClientId>,
    /// Let people of this tenant sign in only, its guests included.
    #[arg(long, value_name = "ID", requires = "azure")]
    tenant: Option<TenantId>,
}

#[tokio::main]
async fn main() -> ExitCode {
    report(run(&Arguments::parse()).await)
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    azconnect_examples::log::start()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Error::invalid("--port", format!("cannot listen at {address}: {}", error.kind()))
            .with_advice("give another port")
    })?;
    let port = listener.local_addr().map_or(arguments.port, |bound| bound.port());
    let site = assemble::assemble(arguments, port).await?;
    let people = site.people.as_deref().map(|people| format!("on the emulator, sign in as {people}\n"));
    let told =
        format!("open http://localhost:{port}/ in a browser; Ctrl-C ends the program\n{}", people.unwrap_or_default());
    // Whoever does not listen any more still has the page.
    let _ = std::io::stdout().write_all(told.as_bytes());
    let served = axum::serve(listener, pages::router(site)).with_graceful_shutdown(async {
        // Without a signal handler nobody can ask.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    });
    served.await.map_err(|error| {
        Failure::Failed(Error::invalid("--port", format!("the page cannot be served: {}", error.kind())))
    })
}

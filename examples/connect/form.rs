//! The form: values from options, from questions at the terminal, or those of the emulator's applications.

use std::io::IsTerminal;

use azconnect::core::{Error, ErrorKind, Secret};
use azconnect::credential::ConnectionForm;
use azconnect_examples::end::environment;
use console::Term;

use crate::arguments::Arguments;

const SECRET: &str = "AZURE_CLIENT_SECRET";

/// Fills in the form.
pub fn filled(arguments: &Arguments) -> Result<ConnectionForm, Error> {
    let scene = Scene::of(arguments);
    let text = |question: &'static str, option: &'static str, given: &Option<String>, usual: Option<&str>| {
        let asks = arguments.ask || (usual.is_none() && !arguments.is_embedded());
        match (given, usual) {
            (Some(given), _) => Ok(given.clone()),
            (None, usual) if asks => answered(question, option, usual),
            (None, usual) => Ok(usual.unwrap_or_default().to_owned()),
        }
    };
    let known = |value: &'static str| arguments.is_embedded().then_some(value);
    let tenant = text("Tenant (GUID or name)", "--tenant", &arguments.tenant, known(TENANT))?;
    let client = text("Application (client) ID", "--client", &arguments.client, known(scene.client))?;
    let subscription = text("Subscription ID", "--subscription", &arguments.subscription, known(scene.subscription))?;
    let region = text("Region", "--region", &arguments.region, Some("westeurope"))?;
    let group = text("Resource group, if limited to one", "--group", &arguments.group, Some(scene.group))?;
    let secret = secret(arguments, &scene)?;
    Ok(ConnectionForm::new(secret)
        .with_id(&arguments.name)
        .with_display_name("Contoso")
        .with_tenant(tenant)
        .with_client(client)
        .with_subscription(subscription)
        .with_region(region)
        .with_resource_group(group))
}

const TENANT: &str = "contoso.onmicrosoft.com";

/// What is entered at the emulator inside the program where nobody says otherwise.
struct Scene {
    client: &'static str,
    /// A secret of the emulator's seed. Nothing else accepts it.
    emulator_secret: &'static str,
    subscription: &'static str,
    group: &'static str,
}

impl Scene {
    fn of(arguments: &Arguments) -> Self {
        let whole = Self {
            client: "c1000000-0000-4000-8000-000000000001",
            emulator_secret: "Emu8Q~only.for-the-embedded-emulator_00031",
            subscription: "22222222-2222-4222-8222-222222222222",
            group: "",
        };
        if arguments.group_only {
            let client = "c1000000-0000-4000-8000-000000000002";
            let emulator_secret = "Emu8Q~only.for-the-embedded-emulator_00032";
            Self { client, emulator_secret, group: "rg-builds", ..whole }
        } else if arguments.expired {
            let client = "c1000000-0000-4000-8000-000000000003";
            Self { client, emulator_secret: "Emu8Q~only.for-the-embedded-emulator_00033", ..whole }
        } else if arguments.no_role {
            let client = "c1000000-0000-4000-8000-000000000004";
            Self { client, emulator_secret: "Emu8Q~only.for-the-embedded-emulator_00034", ..whole }
        } else if arguments.wrong_subscription {
            Self { subscription: "33333333-3333-4333-8333-333333333333", ..whole }
        } else {
            whole
        }
    }
}

/// The secret: from the environment, else from a question that does not show it. The emulator's own applications have theirs.
fn secret(arguments: &Arguments, scene: &Scene) -> Result<Secret, Error> {
    let is_scene = arguments.is_embedded() && arguments.client.is_none() && arguments.place.seed.is_none();
    if is_scene && !arguments.ask {
        return Ok(Secret::new(scene.emulator_secret));
    }
    if let Ok(text) = environment(SECRET) {
        return Ok(Secret::new(text));
    }
    let term = terminal(SECRET)?;
    let hint = if is_scene { " (empty: the emulator's)" } else { "" };
    let typed = term
        .write_str(&format!("Client secret, not shown{hint}: "))
        .and_then(|()| term.read_secure_line())
        .map(Secret::new)
        .map_err(|_| nobody(SECRET))?;
    let is_left_out = is_scene && typed.expose().is_empty();
    Ok(if is_left_out { Secret::new(scene.emulator_secret) } else { typed })
}

fn answered(question: &str, option: &str, usual: Option<&str>) -> Result<String, Error> {
    let term = terminal(option)?;
    let hint = usual.filter(|usual| !usual.is_empty()).map(|usual| format!(" [{usual}]")).unwrap_or_default();
    let asked = term.write_str(&format!("{question}{hint}: ")).and_then(|()| term.read_line());
    let answer = asked.map_err(|_| nobody(option))?;
    let answer = answer.trim();
    Ok(if answer.is_empty() { usual.unwrap_or_default() } else { answer }.to_owned())
}

/// Questions go to the standard error, so that the output can be read by another program.
fn terminal(option: &str) -> Result<Term, Error> {
    if !std::io::stdin().is_terminal() {
        return Err(nobody(option));
    }
    Ok(Term::stderr())
}

fn nobody(option: &str) -> Error {
    let how = if option == SECRET { "set it in the environment" } else { "give it as an option" };
    Error::new(ErrorKind::InvalidInput, format!("{option}: is missing, and there is no terminal to ask at"))
        .with_field(option)
        .with_advice(format!("{how}, or run the program at a terminal"))
}

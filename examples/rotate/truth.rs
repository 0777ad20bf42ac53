//! What the emulator itself knows, whatever anybody was told.

use azconnect::core::KeyId;
use azconnect_emulator::{Held, Truth};
use azconnect_examples::short::Ids;
use azconnect_examples::table::table;

/// Every client secret and whether it is accepted; every connection that holds one and whether it works.
pub fn truth(truth: &Truth) -> String {
    let all = || truth.applications.iter().flat_map(|one| one.passwords.iter().map(move |password| (one, password)));
    let mut ids = Ids::default();
    all().for_each(|(_, password)| ids.learn(password.display_name.as_deref().unwrap_or_default()));
    let secrets: Vec<_> = all()
        .map(|(application, password)| {
            let state = match (password.live, password.accepted.everywhere) {
                (false, _) => "removed",
                (true, true) => "accepted everywhere",
                (true, false) => "not accepted",
            };
            let name = ids.shortened(password.display_name.as_deref().unwrap_or_default());
            vec![application.display_name.clone(), name, state.to_owned()]
        })
        .collect();
    let name_of =
        |key: KeyId| truth.password(key).and_then(|password| password.display_name.clone()).unwrap_or_default();
    let holding = truth.connections.iter().filter_map(|connection| match &connection.holds {
        Held::Key(key) => Some((connection, *key)),
        _ => None,
    });
    let connections: Vec<_> = holding
        .map(|(connection, key)| {
            let place = format!("{}/{}", connection.organization, connection.name);
            let works = if connection.secret_usable_now { "works" } else { "does not work" };
            vec![place, ids.shortened(&name_of(key)), works.to_owned()]
        })
        .collect();
    format!(
        "\nWhat the emulator knows\n\n{}\n{}",
        table(&["application", "secret", "state"], &secrets),
        table(&["connection", "holds", ""], &connections)
    )
}

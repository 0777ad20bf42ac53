//! The tables: whether they are ours, and how they are made.

use std::collections::BTreeMap;

use azconnect_core::{Effect, Error, ErrorKind};
use tokio_postgres::types::Type;

use super::failure::Fault;
use super::server::Server;
use super::transaction::{Lock, Mode, Transaction};
use super::{keys, reader, rows, secrets, store_key};
use crate::rules::known::Known;
use crate::seal::SealingKeys;
use crate::seal::journal::Totals;
use crate::seal::presence::Presence;
use crate::seal::store_key::StoreKeys;
use crate::stored::present::Present;

/// What leads from each version to the next; the first from nothing to version 1. Never change one that was released.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// The version this code writes.
const VERSION: usize = MIGRATIONS.len();

/// What there is at the newest version: its name, and its kind as the server's catalogue has it.
const OBJECTS: [(&str, &str); 10] = [
    ("document", "r"),
    ("document_revision", "S"),
    ("entry", "r"),
    ("journal", "r"),
    ("lease", "r"),
    ("sealing_key", "r"),
    ("secret", "r"),
    ("store_key", "r"),
    ("store_version", "r"),
    ("stream", "r"),
];

/// The oldest server whose behaviour is known: 12.
const OLDEST_SERVER: i32 = 120_000;

/// Opens the tables, or makes them where there are none, and says what the journal and the secrets are.
/// `own` are the wrapped keys of a store that has keys of its own.
pub(super) async fn open(
    server: &Server,
    keys: &SealingKeys,
    own: Option<&StoreKeys>,
) -> Result<(Known, Present), Fault> {
    let transaction = Transaction::begin(server, &[(Lock::Store, Mode::Shared), (Lock::Journal, Mode::Shared)]).await?;
    check_server(&transaction).await?;
    let writes = own.is_some_and(|own| own.added.is_some());
    if writes || version(&transaction, server).await? != Some(VERSION) {
        transaction.end().await?;
        return migrate(server, keys, own).await;
    }
    if let Some(own) = own {
        own.admit(keys, &store_key::rows(&transaction).await?)?;
    }
    keys::check(&transaction, keys).await?;
    let opened = look(&transaction, keys).await?;
    transaction.end().await?;
    Ok(opened)
}

/// Makes the tables, unless another process was faster, and adds a key that is to be added.
async fn migrate(server: &Server, keys: &SealingKeys, own: Option<&StoreKeys>) -> Result<(Known, Present), Fault> {
    let locks = [(Lock::Store, Mode::Exclusive), (Lock::Journal, Mode::Exclusive)];
    let transaction = Transaction::begin(server, &locks).await?;
    // Looked at once more: whoever had the lock before may have done it.
    let found = version(&transaction, server).await?;
    if found.is_some() {
        // First: another process may have made a key of which this one knows nothing.
        if let Some(own) = own {
            own.admit(keys, &store_key::rows(&transaction).await?)?;
        }
        keys::check(&transaction, keys).await?;
    } else {
        create_schema(&transaction, server).await?;
    }
    for (number, sql) in (1_usize..).zip(MIGRATIONS).skip(found.unwrap_or_default()) {
        transaction.batch(sql).await?;
        let version = i32::try_from(number).unwrap_or(i32::MAX);
        transaction.execute("UPDATE store_version SET version = $1", &[(&version, Type::INT4)]).await?;
    }
    if found.is_none() {
        keys::note_current(&transaction, keys).await?;
        let begun = Totals::begin(keys)?;
        let secrets = Presence::none(begun.id, keys.current().id()).mark(keys)?;
        rows::begin_totals(&transaction, keys, &Totals { secrets: Some(secrets), ..begun }).await?;
    }
    if let Some(own) = own {
        store_key::note(&transaction, keys, own).await?;
    }
    let opened = look(&transaction, keys).await?;
    transaction.commit().await?;
    Ok(opened)
}

/// Looks at the journal and at which secrets there are. Refuses what lacks anything.
async fn look(transaction: &Transaction<'_>, keys: &SealingKeys) -> Result<(Known, Present), Fault> {
    let known = reader::audit(transaction, keys).await?;
    let present = secrets::load(transaction, keys, known.totals()).await?;
    Ok((known, present))
}

async fn create_schema(transaction: &Transaction<'_>, server: &Server) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
    // Asked first: `IF NOT EXISTS` wants the right to make one also where it is there.
    if transaction.query_opt(sql, &[(&server.schema, Type::TEXT)]).await?.is_none() {
        transaction.batch(&format!("CREATE SCHEMA \"{}\"", server.schema)).await?;
    }
    Ok(())
}

/// Refuses a server on which the tables would not do what they must.
async fn check_server(transaction: &Transaction<'_>) -> Result<(), Fault> {
    let sql =
        "SELECT pg_catalog.current_setting('server_version_num')::int4, pg_catalog.current_setting('server_encoding')";
    let Some(row) = transaction.query_opt(sql, &[]).await? else { return Ok(()) };
    let (version, encoding): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
    let unsupported = |message: String, advice: &str| {
        Error::new(ErrorKind::Unsupported, message).with_effect(Effect::None).with_advice(advice)
    };
    if version < OLDEST_SERVER {
        let message = format!("the server is PostgreSQL {}, and this program needs 12 or later", version / 10_000);
        return Err(unsupported(message, "use a newer server").into());
    }
    if encoding != "UTF8" {
        let message = format!("the database has the encoding {encoding}, in which not every text can be written");
        return Err(unsupported(message, "create a database with ENCODING 'UTF8'").into());
    }
    Ok(())
}

/// The version of the tables, or none where there is nothing. Refuses what is not ours, not whole or newer.
pub(super) async fn version(transaction: &Transaction<'_>, server: &Server) -> Result<Option<usize>, Fault> {
    let found = objects(transaction, server).await?;
    if found.is_empty() {
        return Ok(None);
    }
    if !found.contains_key("store_version") {
        return Err(Error::invalid("schema", format!("the schema {} holds something else", server.schema))
            .with_advice("name a schema of its own for the store; it is made where there is none")
            .into());
    }
    let row = transaction.query_opt("SELECT version FROM store_version", &[]).await?;
    let version: i32 = row.map_or(Ok(0), |row| row.try_get(0))?;
    match usize::try_from(version) {
        Ok(1..=VERSION) => {}
        Ok(newer) if newer > VERSION => {
            let message = format!("the database has version {newer}, and this program knows versions up to {VERSION}");
            return Err(Error::new(ErrorKind::Unsupported, message)
                .with_effect(Effect::None)
                .with_advice("use the newer version of the program that wrote it")
                .into());
        }
        _ => return Err(foreign("store_version", "has no version").into()),
    }
    check_objects(&found)?;
    Ok(usize::try_from(version).ok())
}

/// The kind of an object, and whether it has a trigger or a rule, or hides rows.
struct Object {
    kind: String,
    has_own_will: bool,
}

async fn objects(transaction: &Transaction<'_>, server: &Server) -> Result<BTreeMap<String, Object>, Fault> {
    let sql = "SELECT c.relname::text, c.relkind::text,
                      c.relhasrules OR c.relrowsecurity
                      OR EXISTS (SELECT 1 FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
               FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = $1 AND c.relkind IN ('r', 'v', 'm', 'S', 'f', 'p')";
    let mut found = BTreeMap::new();
    for row in transaction.query(sql, &[(&server.schema, Type::TEXT)]).await? {
        found.insert(row.try_get(0)?, Object { kind: row.try_get(1)?, has_own_will: row.try_get(2)? });
    }
    Ok(found)
}

fn check_objects(found: &BTreeMap<String, Object>) -> Result<(), Error> {
    for (name, kind) in OBJECTS {
        match found.get(name) {
            Some(object) if object.kind != kind => return Err(foreign(name, "is not as this store makes it")),
            Some(object) if object.has_own_will => {
                return Err(foreign(name, "has a trigger, a rule or a policy that is not of this store"));
            }
            Some(_) => {}
            None => return Err(foreign(name, "is missing")),
        }
    }
    let other = found.keys().find(|name| !OBJECTS.iter().any(|(known, _)| known == name));
    other.map_or(Ok(()), |other| Err(foreign(other, "is not of this store")))
}

fn foreign(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{name:?} in the store's schema {what}")).with_effect(Effect::None).with_advice(
        "find out who can change the database; if it was added on purpose, move it to a schema of its own; else restore the \
         database from a backup",
    )
}

//! Whether a connection that an earlier run has kept is the one that the options speak of.

use std::str::FromStr;

use azconnect::core::{Error, TenantId};
use azconnect::credential::ConnectionRecord;
use azconnect::identity::TenantDiscovery;

use crate::arguments::Arguments;
use crate::assemble::Site;

/// Refuses options that name another customer than the record does: nobody means to rotate or end that one.
pub async fn check_same(arguments: &Arguments, site: &Site, record: &ConnectionRecord) -> Result<(), Error> {
    same("--client", &arguments.client, record.client, record)?;
    same("--subscription", &arguments.subscription, record.subscription, record)?;
    match &arguments.tenant {
        Some(name) if name.trim().parse::<TenantId>().is_err() => {
            let discovery = TenantDiscovery::new(site.azure.pipeline().clone(), site.azure.cloud());
            let found = discovery.find(name.trim()).await?;
            if found == record.tenant { Ok(()) } else { Err(another("--tenant", record)) }
        }
        given => same("--tenant", given, record.tenant, record),
    }
}

fn same<T>(option: &str, given: &Option<String>, known: T, record: &ConnectionRecord) -> Result<(), Error>
where
    T: FromStr<Err = Error> + PartialEq,
{
    let Some(given) = given else { return Ok(()) };
    let given: T = given.trim().parse().map_err(|error: Error| error.with_field(option))?;
    if given == known { Ok(()) } else { Err(another(option, record)) }
}

fn another(option: &str, record: &ConnectionRecord) -> Error {
    let id = &record.id;
    Error::invalid("--name", format!("the connection {id} is kept already, and is not that of {option}")).with_advice(
        format!("give the other connection a name of its own with --name, or leave {option} out to go on with {id}"),
    )
}

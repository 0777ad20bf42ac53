//! The settings of a seed.

use std::time::Duration;

use super::fault::SeedFault;
use super::node::Node;
use crate::base::settings::devops::DevOpsOutcome;
use crate::base::settings::{BadAuthentication, RateLimit, ReplicaChoice, Settings, UnsentSecrets};

const FIELDS: [&str; 23] = [
    "seed",
    "replicas",
    "replicaChoice",
    "addLagSeconds",
    "removeLagSeconds",
    "listLagSeconds",
    "createLagSeconds",
    "connectionLagSeconds",
    "conversionLagSeconds",
    "tokenLifetimeSeconds",
    "singleUseAssertions",
    "badAuthentication",
    "unsentSecrets",
    "pageSize",
    "rateLimit",
    "bomOnErrors",
    "numericStatusCodes",
    "graph",
    "backgroundFailure",
    "devopsOutcomes",
    "vaultThrottling",
    "resourceManager",
    "signIn",
];

/// Reads settings; what is left out is as by default.
pub(super) fn read(node: &Node<'_>) -> Result<Settings, SeedFault> {
    node.only(&FIELDS)?;
    let default = Settings::default();
    let mut settings = default
        .clone()
        .with_add_lag(seconds(node, "addLagSeconds", default.add_lag)?)
        .with_remove_lag(seconds(node, "removeLagSeconds", default.remove_lag)?)
        .with_list_lag(seconds(node, "listLagSeconds", default.list_lag)?)
        .with_create_lag(seconds(node, "createLagSeconds", default.create_lag)?)
        .with_connection_lag(seconds(node, "connectionLagSeconds", default.connection_lag)?)
        .with_conversion_lag(seconds(node, "conversionLagSeconds", default.conversion_lag)?)
        .with_token_lifetime(seconds(node, "tokenLifetimeSeconds", default.token_lifetime)?)
        .with_single_use_assertions(node.flag_or("singleUseAssertions", false)?)
        .with_bom_on_errors(node.flag_or("bomOnErrors", false)?)
        .with_numeric_status_codes(node.flag_or("numericStatusCodes", false)?)
        .with_vault_throttling(node.flag_or("vaultThrottling", false)?);
    if let Some(graph) = node.optional("graph")? {
        settings = settings.with_graph(super::graph::read_settings(&graph)?);
    }
    if let Some(arm) = node.optional("resourceManager")? {
        settings = settings.with_resource_manager(super::arm::read_settings(&arm)?);
    }
    if let Some(sign_in) = node.optional("signIn")? {
        settings = settings.with_sign_in(super::sign_in::read_settings(&sign_in)?);
    }
    if let Some(seed) = node.optional("seed")? {
        settings = settings.with_seed(seed.number()?.into());
    }
    if let Some(replicas) = node.optional("replicas")? {
        settings = settings.with_replicas(replicas.number()?);
    }
    if let Some(size) = node.optional("pageSize")? {
        settings = settings.with_page_size(usize::try_from(size.number()?).unwrap_or(usize::MAX));
    }
    if let Some(choice) = node.optional("replicaChoice")? {
        settings = settings.with_replica_choice(read_choice(&choice)?);
    }
    if let Some(shape) = node.optional("badAuthentication")? {
        settings = settings.with_bad_authentication(read_shape(&shape)?);
    }
    if let Some(rule) = node.optional("unsentSecrets")? {
        settings = settings.with_unsent_secrets(read_rule(&rule)?);
    }
    if let Some(text) = node.maybe_text("backgroundFailure")? {
        settings = settings.with_background_failure(&text);
    }
    for outcome in node.each("devopsOutcomes", read_outcome)? {
        settings = settings.with_other_outcome(outcome);
    }
    if let Some(rate) = read_limit(node, "rateLimit")? {
        settings = settings.with_rate_limit(rate);
    }
    Ok(settings)
}

/// A number of requests in a time, or nothing if the field is absent.
pub(super) fn read_limit(node: &Node<'_>, key: &str) -> Result<Option<RateLimit>, SeedFault> {
    let Some(rate) = node.optional(key)? else { return Ok(None) };
    rate.only(&["requests", "windowSeconds"])?;
    let window = seconds(&rate, "windowSeconds", Duration::from_secs(300))?;
    Ok(Some(RateLimit::new(rate.required("requests")?.number()?, window)))
}

fn seconds(node: &Node<'_>, key: &str, default: Duration) -> Result<Duration, SeedFault> {
    node.optional(key)?.map_or(Ok(default), |value| value.number().map(|number| Duration::from_secs(number.into())))
}

fn read_choice(node: &Node<'_>) -> Result<ReplicaChoice, SeedFault> {
    match node.text()? {
        "roundRobin" => Ok(ReplicaChoice::RoundRobin),
        "hashed" => Ok(ReplicaChoice::Hashed),
        _ => Err(node.wrong("is not a way to choose", "use roundRobin or hashed")),
    }
}

fn read_shape(node: &Node<'_>) -> Result<BadAuthentication, SeedFault> {
    match node.text()? {
        "html203" => Ok(BadAuthentication::Html203),
        "redirect302" => Ok(BadAuthentication::Redirect302),
        "empty401" => Ok(BadAuthentication::Empty401),
        "json401" => Ok(BadAuthentication::Json401),
        _ => Err(node.wrong("is not a shape", "use html203, redirect302, empty401 or json401")),
    }
}

fn read_rule(node: &Node<'_>) -> Result<UnsentSecrets, SeedFault> {
    match node.text()? {
        "nullKeeps" => Ok(UnsentSecrets::NullKeeps),
        "absentKeeps" => Ok(UnsentSecrets::AbsentKeeps),
        "alwaysKept" => Ok(UnsentSecrets::AlwaysKept),
        "alwaysLost" => Ok(UnsentSecrets::AlwaysLost),
        "absentRefused" => Ok(UnsentSecrets::AbsentRefused),
        _ => Err(node.wrong("is not a rule", "use nullKeeps, absentKeeps, alwaysKept, alwaysLost or absentRefused")),
    }
}

fn read_outcome(node: &Node<'_>) -> Result<DevOpsOutcome, SeedFault> {
    let name = node.text()?;
    let found = DevOpsOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == name);
    found.ok_or_else(|| node.wrong("is not an outcome", "use one of those that the schema of the seed names"))
}

//! The settings of Microsoft Graph in a seed.

use super::fault::SeedFault;
use super::node::Node;
use crate::base::settings::graph::{
    BusyAnswer, FederatedDuplicate, ForbiddenCredential, GraphSettings, MissingPassword, TenantSize, YoungObject,
};

const FIELDS: [&str; 14] = [
    "throttling",
    "tenantSize",
    "namedPauses",
    "federatedDuplicate",
    "forbiddenCredential",
    "busyEvery",
    "busyAnswer",
    "missingPassword",
    "youngObject",
    "pssProofs",
    "hints",
    "smallInnerError",
    "nestedMerged",
    "keyBytesRequired",
];

/// Reads the settings of Graph; what is left out is as by default.
pub(super) fn read_settings(node: &Node<'_>) -> Result<GraphSettings, SeedFault> {
    node.only(&FIELDS)?;
    let mut settings = GraphSettings::default()
        .with_named_pauses(node.flag_or("namedPauses", true)?)
        .with_pss_proofs(node.flag_or("pssProofs", false)?)
        .with_hints(node.flag_or("hints", true)?)
        .with_small_inner_error(node.flag_or("smallInnerError", false)?)
        .with_nested_merged(node.flag_or("nestedMerged", false)?)
        .with_key_bytes_required(node.flag_or("keyBytesRequired", false)?);
    if node.flag_or("throttling", false)? {
        settings = settings.with_throttling();
    }
    let sizes = [("small", TenantSize::Small), ("medium", TenantSize::Medium), ("large", TenantSize::Large)];
    if let Some(size) = one_of(node, "tenantSize", &sizes)? {
        settings = settings.with_tenant_size(size);
    }
    let answers = [("conflict409", FederatedDuplicate::Conflict409), ("invalid400", FederatedDuplicate::Invalid400)];
    if let Some(answer) = one_of(node, "federatedDuplicate", &answers)? {
        settings = settings.with_federated_duplicate(answer);
    }
    let answers =
        [("badRequest400", ForbiddenCredential::BadRequest400), ("denied403", ForbiddenCredential::Denied403)];
    if let Some(answer) = one_of(node, "forbiddenCredential", &answers)? {
        settings = settings.with_forbidden_credential(answer);
    }
    let answers = [
        ("conflict409", BusyAnswer::Conflict409),
        ("unavailable503", BusyAnswer::Unavailable503),
        ("badRequest400", BusyAnswer::BadRequest400),
        ("error500", BusyAnswer::Error500),
    ];
    let busy = one_of(node, "busyAnswer", &answers)?.unwrap_or(BusyAnswer::Conflict409);
    let every = node.optional("busyEvery")?.map_or(Ok(0), |changes| changes.number())?;
    settings = settings.with_busy_every(every, busy);
    let answers = [("badRequest400", MissingPassword::BadRequest400), ("notFound404", MissingPassword::NotFound404)];
    if let Some(answer) = one_of(node, "missingPassword", &answers)? {
        settings = settings.with_missing_password(answer);
    }
    let answers = [
        ("notFound404", YoungObject::NotFound404),
        ("denied403", YoungObject::Denied403),
        ("incomplete409", YoungObject::Incomplete409),
    ];
    if let Some(answer) = one_of(node, "youngObject", &answers)? {
        settings = settings.with_young_object(answer);
    }
    Ok(settings)
}

/// The meaning of a word, if the field is there.
fn one_of<T: Copy>(node: &Node<'_>, field: &str, words: &[(&str, T)]) -> Result<Option<T>, SeedFault> {
    let Some(given) = node.optional(field)? else { return Ok(None) };
    let text = given.text()?;
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    found.map(Some).ok_or_else(|| given.wrong("is none of the words", &format!("use one of {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_their_meaning_and_others_are_told_with_their_place() {
        let node = Node::document("x", r#"{"busyEvery": 3, "busyAnswer": "error500", "hints": false}"#).unwrap();
        let settings = read_settings(&node).unwrap();
        assert_eq!((settings.busy_every, settings.busy_answer), (3, BusyAnswer::Error500));
        assert!(!settings.shows_hints && settings.names_pauses);
        let wrong = read_settings(&Node::document("x", r#"{"tenantSize": "huge"}"#).unwrap()).unwrap_err();
        assert_eq!(wrong.path(), "x.tenantSize");
        assert!(wrong.advice().contains("small, medium, large"), "{}", wrong.advice());
    }
}

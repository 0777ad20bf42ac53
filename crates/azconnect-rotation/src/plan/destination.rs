//! Where a consumer's secret goes, if the consumer is told that by somebody else.

use azconnect_credential::{Check, SinkReport};

use crate::state::RotationState;
use crate::target::SinkBinding;

/// The host that was agreed for a consumer: by name when it was bound, or else the one that the first rotation found.
pub(super) fn agreed(binding: &SinkBinding, state: &RotationState) -> Option<String> {
    binding.destination.clone().or_else(|| state.destinations.get(binding.sink.id()).cloned())
}

/// A failed check, if the consumer names another host than was agreed. One that could not be looked at names none.
pub(super) fn changed(agreed: Option<&str>, report: &SinkReport) -> Option<Check> {
    let (agreed, found) = (agreed?, report.destination.as_deref());
    if (found.is_none() && !report.accepts()) || found.is_some_and(|found| found.eq_ignore_ascii_case(agreed)) {
        return None;
    }
    let found = found.unwrap_or("a host that it does not name");
    Some(Check::failed(
        "destination-changed",
        "destination",
        format!("its secret would go to {found}, and {agreed} was agreed"),
        format!(
            "find out who changed it; if {found} is right, bind the consumer again by name: \
             with_destination({found:?})"
        ),
    ))
}

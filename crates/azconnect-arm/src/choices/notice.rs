//! What a person is told beside a list, and what may be shown of a service's text.

use azconnect_core::{Diagnosis, Effect, ErrorKind};

use crate::resource::subscription::SubscriptionView;

/// The longest text of the service that is shown in a form.
const LONGEST_TEXT: usize = 128;

/// A text of the service as a form can show it: not empty, not long, in one line. `None` for any other.
pub(super) fn plain(text: String) -> Option<String> {
    (!text.is_empty() && text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control)).then_some(text)
}

/// That nothing can be created in a subscription, if so.
pub(super) fn closed(subscription: &SubscriptionView) -> Option<Diagnosis> {
    let open = ["", "Enabled", "Warned", "PastDue"];
    if open.iter().any(|state| subscription.state.eq_ignore_ascii_case(state)) {
        return None;
    }
    let state = plain(subscription.state.clone()).unwrap_or_else(|| "not enabled".to_owned());
    Some(
        Diagnosis::new(ErrorKind::Conflict, format!("the subscription is {state}: nothing can be created in it"))
            .with_effect(Effect::None)
            .with_advice("have the subscription's owner enable it"),
    )
}

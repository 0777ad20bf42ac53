//! Which pages of other origins may read the answer to a token request (CORS): those of single-page applications.

use url::Url;
use uuid::Uuid;

use crate::base::answer::{Answer, WithHeader};
use crate::base::call::Call;
use crate::model::registration::Registration;
use crate::model::sign_in::ClientKind;
use crate::model::world::World;

/// Lets the page of a single-page application read its answer, refusals included. Any other page reads none.
pub(super) fn allow(call: &Call, world: &World, answer: Answer) -> Answer {
    let Some(origin) = call.header("origin").filter(|_| call.path.ends_with("/token")) else { return answer };
    let form = call.form();
    let client = form.get("client_id").and_then(|id| Uuid::parse_str(id).ok());
    let registration = client.and_then(|id| Registration::of(&world.directory, id));
    let is_its = |registration: &Registration| {
        let pages = registration.redirects.iter().filter(|(kind, _)| *kind == ClientKind::Spa);
        let mut origins = pages.filter_map(|(_, address)| Url::parse(address).ok()).map(|url| url.origin());
        origins.any(|known| known.ascii_serialization().eq_ignore_ascii_case(origin))
    };
    if registration.is_some_and(|registration| is_its(&registration)) {
        answer.with_header("access-control-allow-origin", origin).with_header("vary", "Origin")
    } else {
        answer
    }
}

//! A proxy for clients whose host names are fixed: what they would ask of Microsoft is answered here.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::connection::Peer;
use super::listen::serve;
use super::place::not_played;
use super::refused::{Head, Refused};
use super::{Behind, Here};
use crate::base::answer::{Answer, empty};
use crate::shell::host::Played;

/// The port of `https`, the only one that a tunnel leads to.
const HTTPS: u16 = 443;

/// Opens a tunnel to a host that the emulator plays. It ends here, under the emulator's own certificate: no other machine is
/// ever dialled.
#[expect(clippy::disallowed_methods, reason = "a connection is a task of its own")]
pub(super) fn open(here: &Arc<Here>, peer: &Peer, request: Request<Incoming>) -> Answer {
    if let Err(refused) = check(here, &request) {
        return Head::of(None, &request).refuse(here, &refused);
    }
    let inside = Arc::new(Here { behind: Behind::RealHosts, handshake: here.tunnels.clone(), ..Here::clone(here) });
    let address = peer.address();
    tokio::spawn(async move {
        // A client that goes away before its tunnel stands concerns nobody.
        if let Ok(upgraded) = hyper::upgrade::on(request).await {
            serve(inside, Box::new(TokioIo::new(upgraded)), address).await;
        }
    });
    empty(200)
}

/// Refuses whatever leads anywhere but to a host that is played.
fn check(here: &Here, request: &Request<Incoming>) -> Result<(), Refused> {
    let authority = request.uri().authority().ok_or_else(|| Refused::new(400, "CONNECT names no host"))?;
    if authority.port_u16() != Some(HTTPS) {
        return Err(Refused::new(403, "the emulator's tunnels lead to port 443 only"));
    }
    let played = Played::at(&here.emulator, authority.host());
    played.map(drop).ok_or_else(|| not_played(authority.host()))
}

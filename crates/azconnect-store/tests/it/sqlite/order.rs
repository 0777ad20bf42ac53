//! In which order calls are done, also those that nobody waits for any more.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Waker};

use azconnect_core::{Journal, Sequence};

use super::{Place, append};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_after_a_dropped_append_shows_whether_it_was_done() {
    let place = Place::new();
    let store = place.open().await;
    let stream = "stream".parse().unwrap();
    let mut under_way = 0;
    for number in 0..2000 {
        {
            let mut dropped = pin!(store.append(append("stream", number, "payload")));
            // On a busy machine an append may be done before this thread has asked for it.
            under_way += u32::from(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let entries = store.read(&stream, Sequence(number)).await.unwrap();
        assert_eq!(entries.len(), 1, "the append {number} was overtaken");
    }
    assert!(under_way > 1000, "only {under_way} appends were dropped while they were under way");
}

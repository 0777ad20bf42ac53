//! How often a call repeats its transaction.

use std::time::Duration;

use azconnect_core::{Clock, Effect, Error};

use super::failure::{Fault, Next};

/// How many transactions one call makes at most.
const MOST: u32 = 5;

/// The pause before the third one; each later one is twice as long. The second follows at once: a connection of the pool that
/// the server has ended meanwhile is the usual reason.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The transactions of one call.
#[derive(Default)]
pub(super) struct Attempts {
    made: u32,
    in_doubt: bool,
}

impl Attempts {
    /// Whether to make another transaction after one that failed; pauses before it. A call that is the same when it is done
    /// twice is repeated as well where it may have been committed.
    pub(super) async fn again(&mut self, clock: &dyn Clock, fault: &Fault) -> bool {
        self.made += 1;
        self.in_doubt |= fault.next == Next::LookWhetherCommitted;
        if fault.next == Next::GiveUp || self.made >= MOST {
            return false;
        }
        if self.made > 1 {
            clock.sleep(FIRST_PAUSE * 2_u32.pow(self.made - 2)).await;
        }
        true
    }

    /// Says that it is known by now what became of the transactions so far: none was committed.
    pub(super) fn settle(&mut self) {
        self.in_doubt = false;
    }

    /// The error of the call: once the effect of one transaction is unknown, the whole call's is.
    pub(super) fn error(&self, fault: Fault, operation: &'static str) -> Error {
        let error = fault.error.in_operation(operation);
        if self.in_doubt { error.with_effect(Effect::Unknown) } else { error }
    }
}

/// Makes the transaction of a call until it succeeds, gives up, or has been made too often. For calls that come to the same when
/// they are done twice.
macro_rules! repeat {
    ($clock:expr, $operation:literal, $once:expr) => {{
        let mut attempts = $crate::postgres::attempts::Attempts::default();
        loop {
            match $once.await {
                Ok(done) => break Ok(done),
                Err(fault) if attempts.again($clock, &fault).await => {}
                Err(fault) => break Err(attempts.error(fault, $operation)),
            }
        }
    }};
}

pub(super) use repeat;

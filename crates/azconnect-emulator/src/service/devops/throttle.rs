//! The budget of each caller in each organization, after *Rate and usage limits*.

use std::time::Duration;

use super::Context;
use crate::base::answer::{Answer, WithHeader};
use crate::base::moment::later;
use crate::base::refusal::{OrRefusal, Refusal};
use crate::model::world::World;

/// How much of its budget a caller has used with the present request.
pub(super) struct Usage {
    used: u32,
    limit: u32,
    /// Until the use falls below the budget, in seconds from now.
    pause: u64,
    /// When nothing would be used any more, if no other request came.
    reset: i64,
}

impl Usage {
    /// Counts a request; beyond the budget, refuses it.
    pub(super) fn count(cx: &Context<'_>, world: &mut World) -> OrRefusal<Option<Self>> {
        let Some(rate) = world.settings.rate else { return Ok(None) };
        let now = cx.now;
        let organization = cx.organization_mut(world)?;
        let times = organization.usage.entry(cx.caller.id()).or_default();
        while times.front().is_some_and(|first| *first + rate.window <= now.elapsed) {
            times.pop_front();
        }
        let free = times.front().map_or(Duration::ZERO, |first| (*first + rate.window).saturating_sub(now.elapsed));
        let pause = free.as_secs() + u64::from(free.subsec_nanos() > 0);
        let used = u32::try_from(times.len()).unwrap_or(u32::MAX);
        let is_let_in = used < rate.requests;
        let last = times.back().copied().filter(|_| !is_let_in).unwrap_or(now.elapsed);
        let reset = later(now.wall, (last + rate.window).saturating_sub(now.elapsed)).unix_timestamp();
        let usage = Self { used: used.saturating_add(1), limit: rate.requests, pause, reset };
        if !is_let_in {
            return Err(usage.refusal());
        }
        // Only what was let through counts: a client that keeps knocking is let in again in time.
        times.push_back(now.elapsed);
        Ok(Some(usage))
    }

    fn refusal(&self) -> Box<Refusal> {
        let text = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource \
                    'Concurrency' in namespace 'User'. For more information on why your request was blocked, see the \
                    topic \"Rate limits\" on the Microsoft Web site (https://go.microsoft.com/fwlink/?LinkId=823950).";
        let refusal = Refusal::new(429, "RequestBlockedException", text).header("retry-after", &self.pause.to_string());
        self.headers().into_iter().fold(refusal, |refusal, (name, value)| refusal.header(name, &value))
    }

    /// Warns in a successful answer once four fifths of the budget are used.
    pub(super) fn warn(&self, answer: Answer) -> Answer {
        if u64::from(self.used) * 5 < u64::from(self.limit) * 4 {
            return answer;
        }
        // The service delays a request by 30 seconds at most.
        let answer = answer.with_header("retry-after", &self.pause.clamp(1, 30).to_string());
        self.headers().into_iter().fold(answer, |answer, (name, value)| answer.with_header(name, &value))
    }

    fn headers(&self) -> [(&'static str, String); 5] {
        [
            ("x-ratelimit-resource", "DevOps/Emulator".to_owned()),
            ("x-ratelimit-delay", self.pause.clamp(1, 30).to_string()),
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", self.limit.saturating_sub(self.used).to_string()),
            ("x-ratelimit-reset", self.reset.to_string()),
        ]
    }
}

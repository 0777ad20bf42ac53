//! Everything that can happen in the small world.

use std::time::Duration;

use crate::luck::{Kind, Luck};
use crate::play::{Answer, Beginning, Story, Told, tell};

const BEGINNINGS: [Beginning; 3] = [Beginning::ByHand, Beginning::Sealed, Beginning::WayBack];

/// A world of its own for each story: time is paused, and begins anew.
fn told(story: Story, plan: &[(usize, Luck)]) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(tell(story, plan))
}

/// What was told, and which of it broke a rule.
#[derive(Default)]
struct Book {
    stories: usize,
    blocked: usize,
    broken: Vec<String>,
}

impl Book {
    /// Tells a story; and, where a person was asked, once for each thing that a person can say.
    fn tell(&mut self, story: Story, plan: &[(usize, Luck)]) -> Told {
        let first = self.tell_once(story, plan);
        if first.was_blocked {
            self.blocked += 1;
            for resolution in Answer::ALL.into_iter().filter(|answer| *answer != story.resolution) {
                self.tell_once(Story { resolution, ..story }, plan);
            }
        }
        first
    }

    fn tell_once(&mut self, story: Story, plan: &[(usize, Luck)]) -> Told {
        self.stories += 1;
        let told = told(story, plan);
        if !told.violations.is_empty() {
            let happens = plan.iter().map(|(number, luck)| {
                let kind = told.calls.get(*number).map(|kind| format!("{kind:?}")).unwrap_or_default();
                format!("{luck:?} at call {number} ({kind})")
            });
            let happens: Vec<_> = happens.collect();
            let faults = told.violations.join("\n    ");
            let log = told.story.join("\n      ");
            self.broken.push(format!("{story:?}: {}\n    {faults}\n      {log}", happens.join(", ")));
        }
        told
    }

    #[track_caller]
    fn close(self, name: &str) {
        println!("{name}: {} stories, {} asked a person, {} broken", self.stories, self.blocked, self.broken.len());
        let shown: Vec<_> = self.broken.iter().take(8).map(String::as_str).collect();
        assert!(self.broken.is_empty(), "{} of {}:\n{}", self.broken.len(), self.stories, shown.join("\n"));
    }
}

/// The calls at which something is tried. A wait consists of renewals, of which the first and the last stand for all.
fn worth_trying(calls: &[Kind]) -> impl Iterator<Item = (usize, Kind)> {
    let renews = |number: Option<usize>| number.and_then(|number| calls.get(number)) == Some(&Kind::Renew);
    let in_a_wait =
        move |number: usize| renews(Some(number)) && renews(number.checked_sub(1)) && renews(Some(number + 1));
    calls.iter().copied().enumerate().filter(move |(number, _)| !in_a_wait(*number))
}

fn every_single_thing(name: &str, story: Story) {
    let calm = told(story, &[]);
    assert_eq!(calm.violations, Vec::<String>::new(), "{:#?}", calm.story);
    let mut book = Book::default();
    for (number, kind) in worth_trying(&calm.calls) {
        for luck in Luck::at(kind) {
            book.tell(story, &[(number, luck)]);
        }
    }
    book.close(name);
}

#[test]
fn whatever_happens_at_one_call_of_a_first_rotation() {
    every_single_thing("a first rotation", Story::new(Beginning::ByHand));
}

#[test]
fn whatever_happens_at_one_call_of_a_second_rotation() {
    every_single_thing("a second rotation", Story::new(Beginning::Sealed));
}

#[test]
fn whatever_happens_at_one_call_of_the_way_back() {
    every_single_thing("the way back", Story::new(Beginning::WayBack));
}

/// Every beginning in an optimised build, else the one that matters most.
fn some_of_them(most: Beginning) -> Vec<Beginning> {
    BEGINNINGS.into_iter().filter(|beginning| !cfg!(debug_assertions) || *beginning == most).collect()
}

#[test]
fn whatever_happens_at_one_call_of_many_short_runs() {
    for beginning in some_of_them(Beginning::ByHand) {
        let story = Story { patience: Duration::ZERO, ..Story::new(beginning) };
        every_single_thing(&format!("{beginning:?} in many short runs"), story);
    }
}

#[test]
fn whatever_happens_at_one_call_with_an_optional_consumer() {
    for beginning in some_of_them(Beginning::WayBack) {
        let story = Story { both_required: false, ..Story::new(beginning) };
        every_single_thing(&format!("{beginning:?} with an optional consumer"), story);
    }
}

/// A process dies, and something happens at any later call: all of them in an optimised build, else some for each death,
/// always the same.
#[test]
fn whatever_happens_after_a_death() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for beginning in BEGINNINGS {
        let story = Story::new(beginning);
        let mut book = Book::default();
        for (number, kind) in worth_trying(&told(story, &[]).calls) {
            for death in [Luck::CrashBefore, Luck::CrashAfter] {
                if kind.is_read() && death == Luck::CrashAfter {
                    continue;
                }
                let after = told(story, &[(number, death)]);
                let later: Vec<_> = worth_trying(&after.calls).filter(|(later, _)| *later > number).collect();
                for (later, kind) in later {
                    for luck in Luck::at(kind) {
                        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        if cfg!(debug_assertions) && !(random >> 33).is_multiple_of(250) {
                            continue;
                        }
                        book.tell(story, &[(number, death), (later, luck)]);
                    }
                }
            }
        }
        book.close(&format!("{beginning:?} after a death"));
    }
}

//! The plan of a world: everything that is chosen before it begins, from one number.

use std::fmt;
use std::time::Duration;

use azconnect::rotation::Policy;

use super::call::Call;
use super::dice::Dice;
use super::happening::{Deed, Edit, Fault, Happening, Part, Trigger, What};
use super::words::Span;

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

/// How many policies there are to choose from.
pub(super) const POLICIES: u8 = 4;

/// The events at which something may happen.
const EVENTS: [&str; 32] = [
    "begun",
    "mint_intended",
    "minted",
    "proven",
    "push_intended",
    "pushed",
    "sink_verified",
    "cut_over",
    "cleared",
    "removal_intended",
    "removal_answered",
    "key_read",
    "removed",
    "forgotten",
    "rotated",
    "rollback_begun",
    "restored",
    "rolled_back",
    "blocked",
    "marker_absent",
    "marker_watched",
    "mint_unanswered",
    "gate_held",
    "resumed",
    "sink_disproved",
    "restored",
    "back_cleared",
    "push_failed",
    "proof_deferred",
    "removal_failed",
    "marker_dropped",
    "abandoned",
];

/// The plan of a world. The same plan always makes the same world.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The number that it was made from, and from which the world's own small choices follow.
    pub seed: u64,
    /// The processes of the product.
    pub orchestrators: Vec<Orchestrator>,
    /// The service connections.
    pub connections: Vec<ConnectionPlan>,
    /// When the secret that was made by hand ends.
    pub old_ends_in_days: i64,
    /// Whether the service principal holds that secret, and not the application.
    pub old_on_principal: bool,
    /// The terms at the beginning, by number.
    pub policy: u8,
    /// How the services behave.
    pub weather: Weather,
    /// How long things happen. After that it is calm.
    pub chaos: Duration,
    /// What happens.
    pub happenings: Vec<Happening>,
}

/// One process of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orchestrator {
    /// How many seconds its clock is ahead.
    pub ahead: i64,
    /// When it starts.
    pub starts_after: Duration,
    /// How often it runs.
    pub cadence: Cadence,
    /// How long a run waits by itself.
    pub patience: Duration,
}

/// How often a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// When the last outcome says so, and twice a day.
    AsTold,
    /// Every hour.
    Hourly,
    /// At any time within some hours.
    AnyTime,
}

/// A service connection that holds the application's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionPlan {
    /// A private registry that cannot be asked, whose receipt counts; else Azure Resource Manager.
    pub is_registry: bool,
    /// Whether it is bound at the beginning.
    pub bound: bool,
    /// Whether it is required.
    pub required: bool,
}

/// How the services behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Until a new secret is accepted everywhere.
    pub add_lag: Duration,
    /// Until a removed secret is refused everywhere.
    pub remove_lag: Duration,
    /// Until every list shows a new secret.
    pub list_lag: Duration,
    /// Until no list shows a removed secret.
    pub unlist_lag: Duration,
    /// How many replicas answer.
    pub replicas: u32,
    /// Whether they take turns or answer at random.
    pub at_random: bool,
}

/// The terms by number.
pub(super) fn policy(number: u8) -> Policy {
    let (seconds, base) = (Duration::from_secs, Policy::default());
    match number {
        0 => base.with_settle(seconds(30)).with_grace(seconds(15 * MINUTE)),
        1 => base
            .with_lifetime(seconds(5 * DAY))
            .with_rotate_before(seconds(2 * DAY))
            .with_retry_budget(seconds(DAY))
            .with_settle(seconds(MINUTE))
            .with_grace(seconds(HOUR)),
        2 => base
            .with_lifetime(seconds(3 * DAY))
            .with_rotate_before(seconds(30 * HOUR))
            .with_retry_budget(seconds(20 * HOUR))
            .with_settle(seconds(10))
            .with_grace(seconds(5 * MINUTE))
            .with_attempts(3)
            .with_absence_spacing(seconds(30))
            .with_orphan_watch(seconds(30 * MINUTE)),
        _ => base,
    }
}

impl Plan {
    /// The world of a number.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x0077_6f72_6c64);
        let orchestrators =
            (0..dice.weighted(&[(5, 1), (4, 2), (1, 3)])).map(|at| orchestrator(&mut dice, at)).collect::<Vec<_>>();
        let connections =
            (0..dice.weighted(&[(3, 1), (4, 2), (2, 3)])).map(|at| connection(&mut dice, at)).collect::<Vec<_>>();
        let policy = dice.weighted(&[(2, 0), (4, 1), (3, 2), (1, 3)]);
        let weather = weather(&mut dice);
        let chaos = dice.seconds(6 * HOUR, 8 * DAY);
        let mut plan = Self {
            seed,
            orchestrators,
            connections,
            old_ends_in_days: dice.weighted(&[(6, 1), (2, 9), (1, -2)]),
            old_on_principal: Dice::new(!seed).chance(25),
            policy,
            weather,
            chaos,
            happenings: Vec::new(),
        };
        for _ in 0..dice.weighted(&[(1, 0), (2, 2), (4, 4), (3, 7), (1, 12)]) {
            let happening = happening(&mut dice, &plan);
            // Once at most: a clock that is two days behind lets any secret end, whoever keeps it.
            if !(plan.sets_a_clock() && matches!(happening.what, What::ClockSet { .. })) {
                plan.happenings.push(happening);
            }
        }
        plan
    }

    /// Whether anybody sets a clock.
    pub fn sets_a_clock(&self) -> bool {
        self.happenings.iter().any(|happening| matches!(happening.what, What::ClockSet { .. }))
    }

    /// The most that two clocks of this world differ, in seconds, while nobody sets one.
    pub fn skew(&self) -> Duration {
        let ahead = self.orchestrators.iter().map(|one| one.ahead);
        let (least, most) = (ahead.clone().min().unwrap_or_default().min(0), ahead.max().unwrap_or_default().max(0));
        Duration::from_secs((most - least).unsigned_abs())
    }
}

fn orchestrator(dice: &mut Dice, at: u64) -> Orchestrator {
    let ahead = if dice.chance(50) { 0 } else { dice.between(0, 600) as i64 - 300 };
    Orchestrator {
        ahead,
        starts_after: if at == 0 { Duration::from_secs(1) } else { dice.seconds(0, 8 * HOUR) },
        cadence: dice.weighted(&[(6, Cadence::AsTold), (1, Cadence::Hourly), (3, Cadence::AnyTime)]),
        patience: Duration::from_secs(dice.weighted(&[(5, 2 * MINUTE), (2, 20 * MINUTE), (1, 6 * HOUR), (1, 0)])),
    }
}

fn connection(dice: &mut Dice, at: u64) -> ConnectionPlan {
    let first = at == 0;
    ConnectionPlan {
        is_registry: dice.chance(20),
        bound: first || dice.chance(85),
        required: first && dice.chance(95) || dice.chance(75),
    }
}

fn weather(dice: &mut Dice) -> Weather {
    let lag = |dice: &mut Dice| match dice.below(10) {
        0..=3 => Duration::ZERO,
        4..=7 => dice.seconds(1, 20),
        8 => dice.seconds(20, 120),
        _ => dice.seconds(120, 420),
    };
    Weather {
        add_lag: lag(dice),
        remove_lag: lag(dice),
        list_lag: lag(dice),
        unlist_lag: lag(dice),
        replicas: dice.weighted(&[(1, 1), (2, 2), (4, 3)]),
        at_random: dice.chance(40),
    }
}

fn happening(dice: &mut Dice, plan: &Plan) -> Happening {
    match dice.below(100) {
        0..=49 => {
            let (when, call) = trigger(dice, plan);
            let times = dice.weighted(&[(8, 1), (1, 3), (1, 10)]);
            Happening { when, what: What::Fault { fault: fault(dice, call), times } }
        }
        50..=69 => Happening { when: moment(dice, plan), what: What::Deed(deed(dice, plan)) },
        70..=84 => Happening { when: moment(dice, plan), what: What::Edit(edit(dice, plan)) },
        85..=97 => Happening { when: moment(dice, plan), what: outage(dice) },
        _ => {
            let by = dice.pick(&[-86_400, -86_400, 86_400, -3600, 600]);
            Happening { when: at(dice, plan), what: What::ClockSet { process: process(dice, plan), by } }
        }
    }
}

fn process(dice: &mut Dice, plan: &Plan) -> usize {
    dice.below(plan.orchestrators.len() as u64) as usize
}

fn at(dice: &mut Dice, plan: &Plan) -> Trigger {
    // Most happens in the first hours of a world, when a rotation is sure to be under way.
    let longest = if dice.chance(60) { 4 * HOUR } else { plan.chaos.as_secs() };
    Trigger::At(dice.seconds(0, longest))
}

/// A moment for what people do: most of it at an event, since most of a world's time is idle.
fn moment(dice: &mut Dice, plan: &Plan) -> Trigger {
    match dice.below(10) {
        0..=2 => at(dice, plan),
        3..=7 => Trigger::Event { kind: dice.pick(&EVENTS), nth: dice.weighted(&[(5, 1), (2, 2), (1, 3)]) },
        _ => trigger(dice, plan).0,
    }
}

/// A call, and its kind.
fn trigger(dice: &mut Dice, plan: &Plan) -> (Trigger, Call) {
    if dice.chance(30) {
        let kind = dice.pick(&EVENTS);
        return (Trigger::Event { kind, nth: dice.weighted(&[(5, 1), (2, 2), (1, 3)]) }, Call::Append);
    }
    // The calls that change something matter most.
    let call = if dice.chance(45) {
        dice.weighted(&[(3, Call::Mint), (3, Call::Retire), (4, Call::Write), (1, Call::Seal), (1, Call::Forget)])
    } else {
        dice.pick(&Call::ALL)
    };
    let most = if dice.chance(50) { call.often().div_ceil(3) } else { call.often() };
    let nth = dice.between(1, most);
    (Trigger::Call { process: process(dice, plan), call, nth }, call)
}

fn fault(dice: &mut Dice, call: Call) -> Fault {
    let away = |dice: &mut Dice| match dice.below(10) {
        0..=1 => dice.seconds(1, 40),
        2..=4 => dice.seconds(40, 10 * MINUTE),
        5..=7 => dice.seconds(10 * MINUTE, 6 * HOUR),
        _ => dice.seconds(6 * HOUR, 4 * DAY),
    };
    match dice.below(100) {
        0..=9 => Fault::CrashBefore,
        10..=21 => Fault::CrashAfter,
        22..=34 => Fault::SuspendBefore(away(dice)),
        35..=45 => Fault::SuspendAfter(away(dice)),
        46..=57 => Fault::Lost,
        58..=65 => Fault::Dropped,
        66..=71 => Fault::Refused,
        72..=80 if call.is_exchange() => Fault::Status(dice.pick(&[401, 403, 404, 409, 500, 503])),
        81..=84 if call.is_exchange() => Fault::Throttled(Duration::from_secs(dice.pick(&[1, 20, 300, 3600]))),
        85..=88 => Fault::Slow(dice.seconds(1, 55)),
        89..=94 if call.is_exchange() => Fault::Late(dice.seconds(1, 40)),
        95..=97 => Fault::HangBefore,
        _ => Fault::HangAfter,
    }
}

fn outage(dice: &mut Dice) -> What {
    let of = dice.pick(&[
        Part::Graph,
        Part::Principal,
        Part::Principal,
        Part::Login,
        Part::DevOps,
        Part::Disk,
        Part::Journal,
        Part::Lease,
        Part::Secrets,
    ]);
    let fault = match of {
        Part::Principal => Fault::Status(dice.pick(&[403, 404])),
        Part::Graph | Part::Login | Part::DevOps => match dice.below(6) {
            0..=1 => Fault::Status(503),
            2 => Fault::Throttled(Duration::from_secs(dice.pick(&[60, 3600]))),
            3 => Fault::Dropped,
            4 => Fault::Status(500),
            _ => Fault::HangBefore,
        },
        Part::Disk => Fault::Refused,
        Part::Journal | Part::Lease | Part::Secrets => dice.pick(&[
            Fault::Refused,
            Fault::Dropped,
            Fault::Lost,
            Fault::HangBefore,
            Fault::Slow(Duration::from_secs(5)),
        ]),
    };
    let lasts = match dice.below(4) {
        0 => dice.seconds(10, 5 * MINUTE),
        1..=2 => dice.seconds(5 * MINUTE, 2 * HOUR),
        _ => dice.seconds(2 * HOUR, 12 * HOUR),
    };
    What::Outage { of, fault, lasts }
}

fn deed(dice: &mut Dice, plan: &Plan) -> Deed {
    let at = dice.below(plan.connections.len() as u64) as usize;
    match dice.below(20) {
        0..=4 => Deed::DeleteNewKey,
        5..=6 => Deed::DeleteOldKey,
        7..=10 => Deed::PutOldBack(at),
        11..=12 => Deed::PutHandMade(at),
        13..=14 => Deed::DeleteConnection(at),
        15..=16 => Deed::TouchConnection(at),
        17 => dice.pick(&[Deed::Disable, Deed::Enable]),
        18 => dice.pick(&[Deed::Hide(true), Deed::Hide(false), Deed::Show]),
        _ => dice.pick(&[Deed::DeleteApplication, Deed::RestoreApplication, Deed::RenameOrganization]),
    }
}

fn edit(dice: &mut Dice, plan: &Plan) -> Edit {
    let at = dice.below(plan.connections.len() as u64) as usize;
    match dice.below(20) {
        0..=2 => Edit::Bind(at),
        3..=6 => Edit::Unbind(at),
        7..=9 => Edit::Require(at, dice.chance(40)),
        10..=13 => Edit::Adopt(dice.chance(25)),
        14..=15 => Edit::Policy(dice.below(u64::from(POLICIES)) as u8),
        16 => Edit::Waive(dice.chance(50)),
        _ => Edit::Force,
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "world {}, policy {}, chaos for {}", self.seed, self.policy, Span(self.chaos))?;
        for (at, one) in self.orchestrators.iter().enumerate() {
            writeln!(
                f,
                "  process {at}: {:+} s, starts after {}, runs {:?}, waits for up to {}",
                one.ahead,
                Span(one.starts_after),
                one.cadence,
                Span(one.patience)
            )?;
        }
        for (at, one) in self.connections.iter().enumerate() {
            let kind = if one.is_registry { "registry" } else { "azurerm" };
            let bound = if one.bound { "bound" } else { "not bound" };
            writeln!(f, "  connection {at}: {kind}, {bound}, {}", if one.required { "required" } else { "optional" })?;
        }
        let Weather { add_lag, remove_lag, list_lag, unlist_lag, replicas, at_random } = self.weather;
        let turns = if at_random { "at random" } else { "in turns" };
        writeln!(
            f,
            "  the old secret ends in {} d, on {}; lags: added {}, removed {}, listed {}, unlisted {}; {replicas} replicas {turns}",
            self.old_ends_in_days,
            if self.old_on_principal { "the service principal" } else { "the application" },
            Span(add_lag),
            Span(remove_lag),
            Span(list_lag),
            Span(unlist_lag)
        )?;
        self.happenings.iter().try_for_each(|happening| writeln!(f, "  - {happening}"))
    }
}

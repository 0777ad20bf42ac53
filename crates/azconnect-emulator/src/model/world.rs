//! All that exists, behind one lock.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use uuid::Uuid;

use super::arm::Arm;
use super::devops::DevOps;
use super::directory::Directory;
use super::graph_budget::GraphBudgets;
use super::key_maker::KeyMaker;
use super::registry::Registry;
use super::replica::choose;
use super::sign_in::SignIns;
use super::token::Tokens;
use super::trust::Issuer;
use super::vault::Vault;
use crate::base::call::Call;
use crate::base::dice::{Dice, mix};
use crate::base::moment::Moment;
use crate::base::origins::Service;
use crate::base::settings::Settings;

/// How many different unknown routes the truth lists.
const UNKNOWN_ROUTES_LISTED: usize = 100;

/// The state of every service.
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) dice: Dice,
    pub(crate) directory: Directory,
    pub(crate) graph_budgets: GraphBudgets,
    pub(crate) tokens: Tokens,
    pub(crate) sign_ins: SignIns,
    pub(crate) subscriptions: Vec<Subscription>,
    pub(crate) arm: Arm,
    pub(crate) devops: DevOps,
    pub(crate) registries: Vec<Registry>,
    pub(crate) vaults: Vec<Vault>,
    pub(crate) key_maker: KeyMaker,
    /// Who issues tokens that applications may trust.
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) unknown_routes: u64,
    pub(crate) unknown_route_names: BTreeSet<String>,
    served: HashMap<Service, u64>,
}

/// A subscription of a tenant.
pub(crate) struct Subscription {
    pub(crate) id: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) name: String,
}

impl World {
    pub(crate) fn empty(settings: Settings, now: Moment) -> Self {
        Self {
            dice: dice(&settings, now),
            settings,
            directory: Directory::default(),
            graph_budgets: GraphBudgets::default(),
            tokens: Tokens::default(),
            sign_ins: SignIns::default(),
            subscriptions: Vec::new(),
            arm: Arm::default(),
            devops: DevOps::default(),
            registries: Vec::new(),
            vaults: Vec::new(),
            key_maker: KeyMaker::default(),
            issuers: Vec::new(),
            unknown_routes: 0,
            unknown_route_names: BTreeSet::new(),
            served: HashMap::new(),
        }
    }

    pub(crate) fn adopt(&mut self, settings: Settings, now: Moment) {
        // The seed of the dice is one of the settings. They go on from where they were: dice that began again would give
        // new keys the ids of those that the seed of the world was made with.
        let course = self.dice.number();
        self.dice = Dice::new(mix(course) ^ dice(&settings, now).number());
        self.settings = settings;
    }

    /// The replica that answers the next request of a service.
    pub(crate) fn next_replica(&mut self, service: Service) -> u32 {
        // Each service counts for itself: a call of Graph must not move the token endpoint on to its next replica.
        let served = self.served.entry(service).or_default();
        let number = choose(&self.settings, *served);
        *served = served.wrapping_add(1);
        number
    }

    pub(crate) fn note_unknown_route(&mut self, call: &Call) {
        self.unknown_routes += 1;
        if self.unknown_route_names.len() < UNKNOWN_ROUTES_LISTED {
            self.unknown_route_names.insert(format!("{} {} {}", call.service.name(), call.method, call.path));
        }
    }
}

/// Ids must differ between two emulators that start from one seed at different times: a client that outlives the
/// first one would take the second one's secrets for those it knows.
fn dice(settings: &Settings, now: Moment) -> Dice {
    let start = Duration::from_secs(now.wall.unix_timestamp().unsigned_abs());
    Dice::new(mix(settings.seed) ^ mix(start.as_secs() ^ (u64::from(now.wall.nanosecond()) << 32)))
}

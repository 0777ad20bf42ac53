//! The worlds that are searched.

use std::collections::{BTreeMap, BTreeSet};

use crate::node::{Node, key};
use crate::search::Search;
use crate::truth::{Key, OLD, Truth};

/// What there is, and how much may go wrong.
#[derive(Clone, Copy, Debug)]
struct Setting {
    /// Whether each consumer is required; and whether the last one joins only later.
    consumers: &'static [bool],
    joins_later: bool,
    waived: bool,
    sealed: bool,
    luck: u32,
    crashes: u32,
    people: u32,
    operators: u32,
}

const CALM: Setting = Setting {
    consumers: &[true, false],
    joins_later: false,
    waived: false,
    sealed: false,
    luck: 0,
    crashes: 0,
    people: 0,
    operators: 1,
};

fn start(setting: Setting) -> Node {
    let old = Key { marker: 0, alive: true, shown: true, since: -10_000, by_hand: false };
    let mut bound = vec![true; setting.consumers.len()];
    if setting.joins_later {
        *bound.last_mut().unwrap() = false;
    }
    let truth = Truth {
        now: 0,
        keys: BTreeMap::from([(OLD, old)]),
        held: vec![(OLD, -10_000); setting.consumers.len()],
        required: setting.consumers.to_vec(),
        bound,
        left_out: BTreeSet::new(),
        old_is_sealed: setting.sealed,
        adopted: !setting.sealed,
        waived: setting.waived,
        proved_at: None,
        vouched_at: None,
        put_back: None,
        sealed: BTreeSet::new(),
        next: 2,
        luck: setting.luck,
        crashes: setting.crashes,
        people: setting.people,
        operators: setting.operators,
        abandoned: false,
        broken: None,
    };
    let mut node = Node { state: azconnect_rotation::RotationState::default(), truth };
    if setting.sealed {
        node.begin(&[]);
        node.write(serde_json::json!({"event": "mint_intended", "marker": crate::node::marker(0)}));
        node.minted(OLD, 0, true);
        node.write(serde_json::json!({"event": "rotated"}));
        assert!(node.state.ledger.contains_key(&key(OLD)));
    }
    node.begin(&[OLD]);
    node
}

fn search(setting: Setting) {
    let search = Search::all(start(setting), 3_000_000);
    let (states, ends, blocked) = (search.states(), search.finals, search.blocked);
    println!("{setting:?}: {states} states, {ends} ends, {blocked} blocked");
    for (broken, story) in &search.broken {
        println!("\n{broken}\n  {}", story.join("\n  "));
    }
    assert!(search.broken.is_empty(), "{} rules are broken", search.broken.len());
    assert!(search.finals > 0, "some way ends");
}

#[test]
fn calm() {
    search(CALM);
    search(Setting { sealed: true, ..CALM });
    search(Setting { consumers: &[], ..CALM });
    search(Setting { consumers: &[], waived: true, ..CALM });
}

#[test]
fn one_thing_goes_wrong() {
    for sealed in [false, true] {
        search(Setting { sealed, luck: 1, ..CALM });
        search(Setting { sealed, crashes: 1, ..CALM });
        search(Setting { sealed, people: 1, ..CALM });
        search(Setting { sealed, joins_later: true, consumers: &[true, true], people: 1, ..CALM });
    }
}

/// What takes an optimised build: `cargo test --release -p azconnect-rotation --test state_search`.
#[cfg(not(debug_assertions))]
mod deep {
    use super::{CALM, Setting, search};
    use crate::truth::ANY;

    #[test]
    fn two_things_go_wrong() {
        for sealed in [false, true] {
            search(Setting { sealed, luck: 2, ..CALM });
            search(Setting { sealed, luck: 1, crashes: 1, ..CALM });
            search(Setting { sealed, luck: 1, people: 1, ..CALM });
            search(Setting { sealed, crashes: 1, people: 1, ..CALM });
        }
    }

    #[test]
    fn a_consumer_joins_while_things_go_wrong() {
        for sealed in [false, true] {
            let joins = Setting { sealed, joins_later: true, consumers: &[true, true], ..CALM };
            search(Setting { luck: 1, people: 2, ..joins });
            search(Setting { crashes: 1, people: 2, ..joins });
            search(Setting { luck: 1, crashes: 1, people: 1, ..joins });
        }
    }

    #[test]
    fn three_things_go_wrong() {
        for sealed in [false, true] {
            search(Setting { sealed, luck: 3, ..CALM });
            search(Setting { sealed, luck: 2, crashes: 1, ..CALM });
            search(Setting { sealed, luck: 1, crashes: 1, people: 1, ..CALM });
        }
    }

    #[test]
    fn many_things_go_wrong_with_one_consumer() {
        for sealed in [false, true] {
            search(Setting { sealed, luck: 5, crashes: 0, consumers: &[true], ..CALM });
            search(Setting { sealed, luck: 4, crashes: 1, consumers: &[true], ..CALM });
        }
    }
}

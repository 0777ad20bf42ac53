//! A process that is killed while it starts for the first time.

use std::io::Read as _;
use std::time::{Duration, Instant};

use super::{assert_kept, open, process, strangers};

/// How many processes are killed.
const KILLS: u32 = 100;

pub(crate) async fn a_first_start_that_is_killed_leaves_nothing_in_the_way() {
    let whole = time_of_a_start();
    let mut unfinished = 0;
    let mut folder = tempfile::tempdir().unwrap();
    for number in 0..KILLS {
        // Every fourth begins in an empty folder; the others find what those before them left behind.
        if number % 4 == 0 {
            folder = tempfile::tempdir().unwrap();
        }
        let name = format!("start-{number}");
        let mut child = process(&["open", folder.path().to_str().unwrap(), &name]);
        // Spread evenly over a start, by a step that has no common divisor with the count.
        std::thread::sleep(whole * (number * 37 % KILLS) / KILLS);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        unfinished += u32::from(said.is_empty());
        if number % 4 != 3 && said.is_empty() {
            continue;
        }
        let store = open(folder.path()).await.unwrap_or_else(|error| panic!("after kill {number}: {error:?}"));
        if !said.is_empty() {
            assert_kept(&store, &name).await;
        }
        let left = strangers(folder.path());
        assert!(left.is_empty(), "after kill {number}, left behind: {left:?}");
    }
    assert!(unfinished > KILLS / 4, "only {unfinished} were killed before they had started");
}

/// How long a start takes here at least, from its beginning to its end.
fn time_of_a_start() -> Duration {
    let times = (0..3).map(|_| {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let child = process(&["open", folder.path().to_str().unwrap(), "first"]);
        assert!(child.wait_with_output().unwrap().status.success());
        begun.elapsed()
    });
    // The shortest: on a busy machine a longer one would let most processes end before they are killed.
    times.min().unwrap_or_default()
}

//! Several processes that start for the first time at once.

use super::{assert_kept, open, process, strangers};

pub(crate) async fn first_starts_at_once_share_one_database_and_one_key() {
    for count in [2, 2, 2, 2, 8, 8, 8] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let names: Vec<String> = (0..count).map(|number| format!("process-{number}")).collect();
        let processes: Vec<_> = names.iter().map(|name| process(&["open", path, name])).collect();
        for child in processes {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "of {count}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let store = open(folder.path()).await.unwrap();
        for name in &names {
            assert_kept(&store, name).await;
        }
        assert!(strangers(folder.path()).is_empty(), "left behind: {:?}", strangers(folder.path()));
    }
}

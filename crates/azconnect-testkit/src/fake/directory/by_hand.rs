//! What people do, without a call through a port.

use azconnect_core::{KeyId, Secret};
use azconnect_credential::SinkId;
use time::OffsetDateTime;

use super::Directory;

impl Directory {
    /// A person adds a key under a name of their own. Lists and sign-ins hear of it after the lag.
    pub fn add_by_hand(&self, display_name: &str, ends_at: OffsetDateTime) -> KeyId {
        let now = self.clock.elapsed();
        self.world().add_key(Some(display_name), ends_at, Some(now))
    }

    /// A person deletes a key. Lists and sign-ins hear of it after the lag. Says whether there was such a key.
    pub fn delete_by_hand(&self, key: KeyId) -> bool {
        let now = self.clock.elapsed();
        self.world().remove_key(key, now)
    }

    /// A person puts the secret of a key into a consumer, also of a removed one, which counts as a change of the consumer.
    ///
    /// # Panics
    /// If there is no such consumer or key.
    #[track_caller]
    pub fn put_by_hand(&self, sink: &SinkId, key: KeyId) {
        let mut world = self.world();
        #[expect(clippy::expect_used, reason = "a test kit reports by panicking")]
        let secret = world.secret_of(key).expect("a key of this directory");
        world.sink(sink).take(secret);
    }

    /// A person gives a consumer a secret of its own: adds a key by hand, and puts it there.
    ///
    /// # Panics
    /// If there is no such consumer.
    #[track_caller]
    pub fn recreate_by_hand(&self, sink: &SinkId, display_name: &str, ends_at: OffsetDateTime) -> KeyId {
        let key = self.add_by_hand(display_name, ends_at);
        self.put_by_hand(sink, key);
        key
    }

    /// A person types something into a consumer that is no key's secret.
    ///
    /// # Panics
    /// If there is no such consumer.
    #[track_caller]
    pub fn spoil_by_hand(&self, sink: &SinkId) {
        self.world().sink(sink).take(Secret::new("typed by hand"));
    }

    /// A person deletes a consumer: what looks at it or pushes to it is told that it is not there. Says whether there was
    /// such a consumer. [`Directory::seed_sink`] makes it again.
    pub fn delete_sink_by_hand(&self, sink: &SinkId) -> bool {
        self.world().sinks.remove(sink).is_some()
    }
}

//! What the page keeps between two requests: sign-ins that were begun, and what to say next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azconnect::AccountLinks;
use azconnect::core::Secret;
use azconnect::credential::{AccountLending, LinkedAccounts};
use azconnect::identity::user::AccountLinking;
use uuid::Uuid;

/// The most sign-ins that may be under way. The oldest give way: each was begun by somebody at this machine.
const MOST_PENDING: usize = 64;

/// The page's state. It lies in memory: whoever is at the login while the program ends begins again.
pub struct Site {
    /// Links the service user, and unlinks it.
    pub linking: Arc<dyn AccountLinking>,
    /// Says who is linked.
    pub accounts: Arc<dyn LinkedAccounts>,
    /// What the service user lends.
    pub lending: Arc<dyn AccountLending>,
    /// Who can sign in, on the emulator.
    pub people: Option<String>,
    port: u16,
    form_token: String,
    pending: Mutex<BTreeMap<(u64, String), Pending>>,
    note: Mutex<Option<Note>>,
}

/// A sign-in that was begun, and in which browser.
struct Pending {
    browser: String,
    link: Secret,
}

/// What the next page says first.
pub struct Note {
    pub is_good: bool,
    pub text: String,
}

impl Site {
    pub fn new(links: &AccountLinks, port: u16, people: Option<String>) -> Self {
        Self {
            linking: links.linking(),
            accounts: links.accounts(),
            lending: links.lending(),
            people,
            port,
            form_token: Uuid::new_v4().simple().to_string(),
            pending: Mutex::default(),
            note: Mutex::default(),
        }
    }

    /// The address of the page. The login sends browsers back to this host, and the cookie of a sign-in is for this one only.
    pub fn address(&self) -> String {
        format!("http://{}/", self.own_host())
    }

    /// Whether a request came to this page by its own name: another name that leads here is somebody else's page.
    pub fn is_own_host(&self, host: &str) -> bool {
        host == self.own_host()
    }

    /// Whether a request came by the machine's other name, by which no sign-in could end.
    pub fn is_other_name(&self, host: &str) -> bool {
        host == format!("127.0.0.1:{}", self.port)
    }

    fn own_host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// What every form carries, so that no other page can post in its place.
    pub fn form_token(&self) -> &str {
        &self.form_token
    }

    /// Keeps a sign-in until its browser comes back.
    pub fn begin(&self, key: String, browser: String, link: Secret) {
        let mut pending = lock(&self.pending);
        let number = pending.last_key_value().map_or(0, |((number, _), _)| number + 1);
        pending.insert((number, key), Pending { browser, link });
        while pending.len() > MOST_PENDING {
            pending.pop_first();
        }
    }

    /// The sign-in that an answer belongs to, if it was begun in the same browser. Each is given once.
    pub fn come_back(&self, key: &str, browser: &str) -> Option<Secret> {
        let mut pending = lock(&self.pending);
        let found = pending.iter().find(|((_, own), begun)| own == key && begun.browser == browser)?.0.clone();
        Some(pending.remove(&found)?.link)
    }

    pub fn say(&self, is_good: bool, text: impl Into<String>) {
        *lock(&self.note) = Some(Note { is_good, text: text.into() });
    }

    pub fn said(&self) -> Option<Note> {
        lock(&self.note).take()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

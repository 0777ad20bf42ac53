//! Who is linked, and whether that still works.

use async_trait::async_trait;
use azconnect_core::{Error, Revision};
use azconnect_credential::{
    Check, CheckReport, LastCheck, LinkedAccount, LinkedAccounts, LinkedAs, RecordPage, RecordQuery, Revised,
};
use azconnect_identity::user::LinkState;

use super::{People, PeopleStep};
use crate::fake::page::page;

impl People {
    /// Notes what a check found, unless the account was linked anew or unlinked meanwhile.
    fn note(&self, found: &Revised<LinkedAccount>, report: &CheckReport) {
        let mut world = self.world();
        world.written += 1;
        let written = Revision(world.written);
        let now = world.accounts.get_mut(&found.value.linked_as().to_string());
        if let Some(now) = now.filter(|now| now.revision == found.revision) {
            now.value.checked = Some(LastCheck::new(self.clock.now(), report.clone()));
            now.revision = written;
        }
    }
}

#[async_trait]
impl LinkedAccounts for People {
    async fn get(&self, which: LinkedAs) -> Result<Option<Revised<LinkedAccount>>, Error> {
        self.faults.read(&PeopleStep::Store, || Ok(self.world().accounts.get(&which.to_string()).cloned()))
    }

    async fn list(&self, query: &RecordQuery) -> Result<RecordPage<LinkedAccount>, Error> {
        self.faults.read(&PeopleStep::Store, || page(&self.world().accounts, query))
    }

    async fn check(&self, which: LinkedAs) -> Result<CheckReport, Error> {
        let found = self.require(which)?;
        let account = &found.value;
        let outcome = self.token(account, account.person.id.tenant);
        let mut report = CheckReport::from(vec![standing(account, outcome.map(drop))]);
        if !account.missing.is_empty() {
            let cause = format!("these permissions were not granted: {}", account.missing.join(", "));
            let remedy = "link the account again and accept them";
            report.push(Check::failed("permissions-missing", account.person.to_string(), cause, remedy).as_warning());
        }
        self.note(&found, &report);
        Ok(report)
    }
}

pub(super) fn standing(account: &LinkedAccount, outcome: Result<(), Error>) -> Check {
    let subject = account.person.to_string();
    let Err(error) = outcome else {
        return Check::passed("linked", subject, "the login gives tokens in the person's name");
    };
    let failed = |code: &str, reason: String| Check::failed_by(code, subject.as_str(), &error).with_cause(reason);
    match LinkState::of(&error) {
        LinkState::MustLinkAgain(obstacle) => failed("must-link-again", format!("{obstacle}: {}", error.message())),
        LinkState::Blocked(obstacle) => failed("blocked", format!("{obstacle}: {}", error.message())),
        LinkState::RefusedByTenant(obstacle) => failed("refused-by-tenant", format!("{obstacle}: {}", error.message())),
        LinkState::Unlinked => failed("must-link-again", "what the person had lent is not there any more".to_owned()),
        _ => Check::unknown_by("not-known", subject.as_str(), &error),
    }
}

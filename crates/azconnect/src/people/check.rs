//! Whether a linked account still works, asked now.

use azconnect_core::{Error, ErrorKind, Scope};
use azconnect_credential::{Check, CheckReport, LastCheck, LinkedAccount, LinkedAs, Revised};
use azconnect_identity::user::{LinkState, Obstacle};
use azconnect_identity::{TokenRequest, TokenSource};

use super::AccountLinks;

impl AccountLinks {
    /// Refreshes a linked account now, and notes in its record what came of it. Idempotent.
    ///
    /// The codes: `linked`; `must-link-again` and `blocked`, with the reason in the cause and who has to act in the remedy;
    /// `not-known` while nobody can say, such as during an outage; `permissions-missing`, a warning, for what was asked for when
    /// the account was linked and not granted.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) with the field `link` if it is not linked; else if a store fails. What Entra ID says is
    /// in the report.
    pub async fn check(&self, which: LinkedAs) -> Result<CheckReport, Error> {
        let found = self.require(which).await?;
        let outcome = self.refresh(&found.value).await;
        if let Err(error) = &outcome
            && LinkState::of(error) == LinkState::Unlinked
        {
            // Unlinked, or linked anew, since the record was read: then there is nothing to note.
            self.require(which).await?;
        }
        let mut report = CheckReport::from(vec![standing(&found.value, &outcome)]);
        if !found.value.missing.is_empty() {
            report.push(permissions_missing(&found.value));
        }
        self.note(found, report.clone()).await;
        Ok(report)
    }

    /// Asks for a token once, whatever an earlier one says.
    async fn refresh(&self, account: &LinkedAccount) -> Result<(), Error> {
        let source = self.source(account, account.person.id.tenant)?;
        // For the resource alone: what was not granted of it is told apart from what was lent and works no more.
        let scope = Scope::of_resource(self.sign_in.scope().resource());
        source.fetch(TokenRequest::new(&scope)).await.map(drop)
    }

    /// A note that comes too late, or cannot be written, says nothing that the next check will not say.
    async fn note(&self, found: Revised<LinkedAccount>, report: CheckReport) {
        let mut account = found.value;
        account.checked = Some(LastCheck::new(self.now(), report));
        if let Err(error) = self.accounts.replace(&account, found.revision).await {
            tracing::debug!(%error, "what the check of a linked account found was not noted");
        }
    }
}

/// How it stands with an account, by what came of asking for a token in the person's name.
pub(super) fn standing(account: &LinkedAccount, outcome: &Result<(), Error>) -> Check {
    let subject = account.person.to_string();
    let error = match outcome {
        Ok(()) => return Check::passed("linked", subject, "Entra ID gives tokens in the person's name"),
        Err(error) => error,
    };
    match LinkState::of(error) {
        LinkState::MustLinkAgain(obstacle) => refused("must-link-again", subject, (error, obstacle)),
        LinkState::Blocked(obstacle) => refused("blocked", subject, (error, obstacle)),
        LinkState::RefusedByTenant(obstacle) => refused("refused-by-tenant", subject, (error, obstacle)),
        LinkState::Unlinked => Check::failed(
            "must-link-again",
            subject,
            "what the person had lent is not there any more",
            "ask the person to link the account again",
        ),
        _ if error.kind() == ErrorKind::Unsupported => Check::failed_by("must-link-again", subject, error),
        _ => Check::unknown_by("not-known", subject, error),
    }
}

fn refused(code: &'static str, subject: String, (error, obstacle): (&Error, Obstacle)) -> Check {
    Check::failed_by(code, subject, error).with_cause(format!("{obstacle}: {}", error.message()))
}

fn permissions_missing(account: &LinkedAccount) -> Check {
    let cause = format!("these permissions were not granted: {}", account.missing.join(", "));
    Check::failed(
        "permissions-missing",
        account.person.to_string(),
        cause,
        "link the account again and accept them, or send an administrator the address of the admin consent",
    )
    .as_warning()
}

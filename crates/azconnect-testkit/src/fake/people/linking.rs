//! Linking and unlinking.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azconnect_core::{Cloud, Effect, Error, ErrorKind, Retry, Revision, Scope, Secret};
use azconnect_credential::{LinkId, LinkRole, Linked, LinkedAccount, LinkedAs, Person, PersonId, Revised};
use azconnect_http::Pipeline;
use azconnect_identity::user::{
    AccountLinking, Obstacle, PendingLink, RedirectAnswer, SignInOptions, SignedIn, WebSignIn,
};
use azconnect_identity::{Application, Authority, PublicClient, TokenEndpoint};
use url::Url;

use super::refusal::{self, USED_UP};
use super::{Answer, Begun, Human, People, PeopleStep, World};
use crate::fake::{Conduct, Wire};

/// How long a sign-in may take.
const TIME_LIMIT: Duration = Duration::from_secs(600);

impl People {
    /// The sign-in that begins as a real one does, and of which nothing is ever sent.
    fn sign_in(&self) -> Result<WebSignIn, Error> {
        let (cloud, wire) = (Cloud::public(), Wire::new(self.clock.clone(), |_| Conduct::Refuse));
        let pipeline = Pipeline::new(Arc::new(wire), self.clock.clone());
        let endpoint = TokenEndpoint::at(pipeline, &cloud, Authority::organizations(&cloud));
        let scope = Scope::delegated(cloud.devops_scope().resource(), ["user_impersonation"])?.with_offline_access();
        let application = Application::new(endpoint, Self::application(), Arc::new(PublicClient));
        WebSignIn::new(application, "https://portal.example/linked".parse()?, scope)
    }

    /// Who signed in, if the answer is the one that this link waits for. It is used up by that, whatever becomes of the link.
    fn signed_in(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Person, Error> {
        let key = pending.key();
        if key != answer.key() {
            return Err(Error::invalid("answer", "it belongs to another sign-in, or to none")
                .with_advice("start the sign-in again, in the same browser"));
        }
        if self.clock.now() - pending.into_sign_in().began() > TIME_LIMIT {
            return Err(Error::new(ErrorKind::Timeout, "the sign-in was begun too long ago")
                .with_effect(Effect::None)
                .with_retry(Retry::No)
                .with_field("pending")
                .with_advice("start the sign-in again"));
        }
        let mut world = self.world();
        let begun = world.begun.get_mut(&key).ok_or_else(|| {
            Error::invalid("pending", "is no sign-in that was begun here").with_advice("start the sign-in again")
        })?;
        let (expected, brought) = (begun.expected, begun.answer.take());
        let person = match brought {
            Some(Answer::SignedIn(person)) => person,
            Some(Answer::Declined) => return Err(refusal::of_sign_in(refusal::number(Obstacle::Declined)?)),
            None => return Err(refusal::of_sign_in(USED_UP)),
        };
        drop(world);
        self.faults.read(&PeopleStep::Login, || self.world().admitted(person, expected))
    }

    /// Keeps what a person has lent, in the place of what was linked so before.
    fn link(&self, role: LinkRole, person: Person, (refresh, missing): (Secret, Vec<String>)) -> Result<Linked, Error> {
        self.faults.write(&PeopleStep::Store, || {
            let mut world = self.world();
            world.written += 1;
            let which = match role {
                LinkRole::ServiceUser => LinkedAs::ServiceUser,
                _ => LinkedAs::Person(person.id),
            };
            let link = LinkId::new(format!("{which}/{}", world.written))?;
            world.people.entry(person.id).or_insert_with(|| Human::new(person.clone()));
            let account = LinkedAccount::new(role, person, (Self::application(), link.clone()), self.clock.now());
            let account = account.with_missing(missing);
            world.lent.insert(link, refresh);
            let kept = Revised::new(account.clone(), Revision(world.written));
            let former = world.accounts.insert(which.to_string(), kept).map(|former| former.value);
            if let Some(former) = &former {
                world.forget(&former.link);
            }
            let replaced = former.map(|former| former.person.id).filter(|former| *former != account.person.id);
            Ok(Linked::new(account).with_replaced(replaced))
        })
    }
}

impl World {
    fn admitted(&mut self, person: PersonId, expected: Option<PersonId>) -> Result<Person, Error> {
        let human = self.human(person)?;
        if let Some(obstacle) = human.blocked {
            return Err(refusal::of_sign_in(refusal::number(obstacle)?));
        }
        if expected.is_some_and(|expected| expected != person) {
            return Err(Error::new(ErrorKind::Conflict, "somebody else signed in than the person who was expected")
                .with_effect(Effect::None)
                .with_retry(Retry::No)
                .with_field("person")
                .with_advice("sign in with the account that is linked, or unlink that one first"));
        }
        Ok(human.person.clone())
    }

    fn forget(&mut self, link: &LinkId) {
        self.lent.remove(link);
        self.refused.remove(link);
    }
}

#[async_trait]
impl AccountLinking for People {
    async fn begin(&self, role: LinkRole, options: &SignInOptions) -> Result<(Url, PendingLink), Error> {
        let (address, pending) = self.sign_in()?.start(options)?;
        self.world().begun.insert(pending.key(), Begun { expected: options.expected, answer: None });
        Ok((address, PendingLink::new(role, pending)))
    }

    async fn finish(&self, pending: PendingLink, answer: &RedirectAnswer) -> Result<Linked, Error> {
        let role = pending.role();
        let person = self.signed_in(pending, answer)?;
        let refresh = {
            let mut world = self.world();
            world.given += 1;
            Secret::new(format!("fake-refresh-token~{:08}", world.given))
        };
        self.link(role, person, (refresh, Vec::new()))
    }

    async fn keep(&self, role: LinkRole, signed_in: SignedIn) -> Result<Linked, Error> {
        if signed_in.application != Self::application() {
            return Err(Error::invalid("application", "the person signed in to another application")
                .with_advice("let the person sign in to the application that the account links were made with"));
        }
        let refresh = signed_in.refresh.ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the login gave no refresh token")
                .with_field("scope")
                .with_effect(Effect::None)
                .with_advice("ask for `offline_access`, and look whether a policy of the tenant forbids it")
        })?;
        self.link(role, signed_in.person, (refresh, signed_in.missing))
    }

    async fn unlink(&self, which: LinkedAs) -> Result<(), Error> {
        self.faults.write(&PeopleStep::Store, || {
            let mut world = self.world();
            if let Some(former) = world.accounts.remove(&which.to_string()) {
                world.forget(&former.value.link);
            }
            Ok(())
        })
    }
}

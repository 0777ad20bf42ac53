//! People who lend their accounts to a product, without a login, a store or Azure DevOps.

mod accounts;
mod fit;
mod lending;
mod linking;
mod refusal;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use azconnect_core::{ClientId, Clock, Effect, Error, ErrorKind, Secret, TenantId};
use azconnect_credential::{LinkId, LinkedAccount, LinkedAs, Person, PersonId, Revised};
use azconnect_identity::user::{Obstacle, RedirectAnswer};
use url::Url;
use uuid::Uuid;

use super::Faults;

/// A kind of call behind [`People`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeopleStep {
    /// Asking the login for a token, or for who signed in.
    Login,
    /// Reading or writing what the product keeps.
    Store,
    /// Asking Azure DevOps.
    DevOps,
}

/// People, the login at which they sign in, and what a product keeps of those who link an account: the ports
/// [`AccountLinking`](azconnect_identity::user::AccountLinking), [`LinkedAccounts`](azconnect_credential::LinkedAccounts) and
/// [`AccountLending`](azconnect_credential::AccountLending). Clones are the same world, as processes of one product have it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use azconnect_credential::{AccountLending, LinkRole, LinkedAs, Person, PersonId};
/// use azconnect_identity::user::{AccountLinking, LinkState, Obstacle, SignInOptions};
/// use azconnect_testkit::ManualClock;
/// use azconnect_testkit::fake::People;
///
/// let ann: PersonId = "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01/10000000-0000-4000-8000-000000000001".parse()?;
/// let people = People::new(Arc::new(ManualClock::new()));
/// people.seed(Person::new(ann));
///
/// let (address, pending) = people.begin(LinkRole::ServiceUser, &SignInOptions::new()).await?;
/// people.finish(pending, &people.visit(&address, ann)?).await?;
/// let lent = people.lend(LinkedAs::ServiceUser).await?;
///
/// // An administrator ends Ann's sign-ins: nobody but her can help.
/// people.refuse(ann, Obstacle::Revoked)?;
/// let outcome = lent.tokens.token(&"https://service.example/.default".parse()?).await;
/// assert_eq!(LinkState::after(&outcome), LinkState::MustLinkAgain(Obstacle::Revoked));
/// # Ok::<(), azconnect_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct People {
    clock: Arc<dyn Clock>,
    world: Arc<Mutex<World>>,
    faults: Faults<PeopleStep>,
}

#[derive(Default)]
struct World {
    people: BTreeMap<PersonId, Human>,
    begun: HashMap<String, Begun>,
    accounts: BTreeMap<String, Revised<LinkedAccount>>,
    /// The refresh token of each link.
    lent: HashMap<LinkId, Secret>,
    /// What the login says of a link until the person links again.
    refused: HashMap<LinkId, Obstacle>,
    organizations: BTreeMap<String, fit::Place>,
    /// Of all writes: a record that was removed and made anew has a revision that it never had.
    written: u64,
    given: u64,
}

struct Human {
    person: Person,
    guest_of: BTreeSet<TenantId>,
    blocked: Option<Obstacle>,
}

/// A link that was begun, and what the browser came back with.
struct Begun {
    expected: Option<PersonId>,
    answer: Option<Answer>,
}

#[derive(Clone, Copy)]
enum Answer {
    SignedIn(PersonId),
    Declined,
}

impl People {
    /// The application that people sign in to.
    pub fn application() -> ClientId {
        Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_00aa).into()
    }

    /// A world without people, in which nobody is linked.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, world: Arc::default(), faults: Faults::new() }
    }

    /// The failures of calls, to script more or to end them.
    pub fn faults(&self) -> &Faults<PeopleStep> {
        &self.faults
    }

    /// Adds a person, who may sign in.
    pub fn seed(&self, person: Person) {
        self.world().people.insert(person.id, Human::new(person));
    }

    /// Makes a person a guest of another tenant.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a person who is not in this world.
    pub fn invite(&self, person: PersonId, tenant: TenantId) -> Result<(), Error> {
        self.world().human(person)?.guest_of.insert(tenant);
        Ok(())
    }

    /// Adds an organization in Azure DevOps, and who is a member of it.
    pub fn seed_organization(&self, name: impl Into<String>, tenant: TenantId, members: &[PersonId]) {
        self.world().organizations.insert(name.into(), fit::Place::new(tenant, members));
    }

    /// Adds a project with a repository of its own name to an organization, and who sees it.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for an organization that is not in this world.
    pub fn seed_project(&self, organization: &str, name: impl Into<String>, seen_by: &[PersonId]) -> Result<(), Error> {
        let mut world = self.world();
        let place = world.organizations.get_mut(organization);
        place.ok_or_else(|| absent("organization"))?.add_project(name.into(), seen_by);
        Ok(())
    }

    /// Signs a person in at the address with which a link began: what their browser brings back.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a person who is not in this world, or an address with which no link began here.
    pub fn visit(&self, address: &Url, person: PersonId) -> Result<RedirectAnswer, Error> {
        self.world().human(person)?;
        self.answered(address, Answer::SignedIn(person))
    }

    /// Lets a person decline at the address with which a link began: what their browser brings back.
    ///
    /// # Errors
    /// As [`People::visit`].
    pub fn decline(&self, address: &Url) -> Result<RedirectAnswer, Error> {
        self.answered(address, Answer::Declined)
    }

    /// Lets the login refuse a person from now on. What linking again solves ends what the person has lent so far; all else stands
    /// in the way of a new sign-in too, until they are [admitted](People::admit).
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a person who is not in this world; [`InvalidInput`](ErrorKind::InvalidInput) for
    /// [`Obstacle::Left`], which is met on a page and never by a link.
    pub fn refuse(&self, person: PersonId, obstacle: Obstacle) -> Result<(), Error> {
        refusal::number(obstacle)?;
        let mut world = self.world();
        let human = world.human(person)?;
        if !obstacle.is_solved_by_linking() {
            human.blocked = Some(obstacle);
            return Ok(());
        }
        let of_person = world.accounts.values().filter(|account| account.value.person.id == person);
        let links: Vec<LinkId> = of_person.map(|account| account.value.link.clone()).collect();
        world.refused.extend(links.into_iter().map(|link| (link, obstacle)));
        Ok(())
    }

    /// Ends what stands in the way of a person and linking again does not solve.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a person who is not in this world.
    pub fn admit(&self, person: PersonId) -> Result<(), Error> {
        self.world().human(person)?.blocked = None;
        Ok(())
    }

    /// How many refresh tokens are kept.
    pub fn lent(&self) -> usize {
        self.world().lent.len()
    }

    fn answered(&self, address: &Url, answer: Answer) -> Result<RedirectAnswer, Error> {
        let mut pairs = address.query_pairs();
        let state = pairs.find(|(name, _)| name == "state").ok_or_else(|| absent("address"))?.1;
        // The state is made of letters that need no encoding.
        let brought = RedirectAnswer::from_query(&match answer {
            Answer::SignedIn(_) => format!("code=a-code-of-the-fake-login&state={state}"),
            Answer::Declined => format!("error=access_denied&error_description=AADSTS65004&state={state}"),
        })?;
        let mut world = self.world();
        world.begun.get_mut(&brought.key()).ok_or_else(|| absent("address"))?.answer = Some(answer);
        Ok(brought)
    }

    /// The account that is linked so. The product's store is asked.
    fn require(&self, which: LinkedAs) -> Result<Revised<LinkedAccount>, Error> {
        let found = self.faults.read(&PeopleStep::Store, || {
            let found = self.world().accounts.get(&which.to_string()).cloned();
            Ok(found)
        })?;
        found.ok_or_else(refusal::unlinked)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    fn human(&mut self, person: PersonId) -> Result<&mut Human, Error> {
        self.people.get_mut(&person).ok_or_else(|| absent("person"))
    }
}

impl Human {
    fn new(person: Person) -> Self {
        Self { person, guest_of: BTreeSet::new(), blocked: None }
    }
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let linked: Vec<String> = self.world().accounts.keys().cloned().collect();
        f.debug_struct("People").field("linked", &linked).field("faults", &self.faults).finish_non_exhaustive()
    }
}

fn absent(what: &'static str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no such {what} in the fake's world"))
        .with_field(what)
        .with_effect(Effect::None)
        .with_advice("seed it first")
}

//! Access tokens. They are JWTs, signed where somebody may look; what they stand for the emulator's table knows.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::base::dice::Dice;
use crate::base::signer::Signer;

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    Graph,
    ResourceManager,
    DevOps,
    /// The one origin of all services, where they share it.
    OneOrigin,
    /// A resource that is not emulated, such as a key vault.
    Other(String),
}

/// Who a token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// The object id of a service principal.
    ServicePrincipal(Uuid),
    /// The object id of a person.
    User(Uuid),
}

impl Identity {
    pub(crate) fn object_id(self) -> Uuid {
        match self {
            Self::ServicePrincipal(id) | Self::User(id) => id,
        }
    }
}

/// Who asks: an identity, the client it uses, and the tenant it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    pub(crate) client_id: Uuid,
    pub(crate) tenant: Uuid,
}

impl Caller {
    pub(crate) fn object_id(self) -> Uuid {
        self.identity.object_id()
    }

    /// Whether an application asks for itself, and nobody through it.
    pub(crate) fn is_application(self) -> bool {
        matches!(self.identity, Identity::ServicePrincipal(_))
    }
}

/// What a person let an application do.
#[derive(Clone, Debug)]
pub(crate) struct Consented {
    /// The delegated permissions of the resource, by name.
    pub(crate) scope: String,
    /// Whether more than a password showed who the person is.
    pub(crate) strong: bool,
}

/// What the table knows of a token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) identity: Identity,
    pub(crate) client_id: Uuid,
    pub(crate) tenant: Uuid,
    pub(crate) audience: Audience,
    /// What a person let an application do with it; none where a test or Azure's own command line signed in. Of a service
    /// principal it says nothing.
    pub(crate) consented: Option<Consented>,
    pub(crate) expires: OffsetDateTime,
}

impl Token {
    pub(crate) fn caller(&self) -> Caller {
        Caller { identity: self.identity, client_id: self.client_id, tenant: self.tenant }
    }

    /// The delegated permissions that it carries, where a person consented to them.
    pub(crate) fn scope(&self) -> Option<&str> {
        self.consented.as_ref().map(|consented| consented.scope.as_str())
    }
}

/// Why a service does not accept a text as a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenFault {
    Unknown,
    Expired,
    WrongAudience,
}

/// Every token that was issued and has not long expired; of those that live, the last 100,000.
pub(crate) struct Tokens {
    /// By a hash of their texts, each of which is some ten times as long as what is kept of it.
    issued: HashMap<Fingerprint, Token>,
    /// The assertions that were used once, each with the time until which it would be good.
    used: HashMap<String, OffsetDateTime>,
    /// Who signs; without one the signature is drawn, as it costs a thousand times less.
    pub(crate) signer: Option<&'static Signer>,
    /// The size at which expired tokens are swept out.
    sweep_at: usize,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { issued: HashMap::new(), used: HashMap::new(), signer: None, sweep_at: SWEEP_AT }
    }
}

type Fingerprint = [u8; 32];

fn fingerprint(text: &str) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    fingerprint
}

/// The least size at which expired tokens are swept out.
const SWEEP_AT: usize = 1_000;

/// How many live tokens are known: where time stands still none expires, and a long run would grow by each.
const MOST_LIVE: usize = 100_000;

impl Tokens {
    /// Issues a token. `resource` is the audience as the caller named it.
    pub(crate) fn issue(&mut self, dice: &mut Dice, token: Token, resource: &str, now: OffsetDateTime) -> String {
        let text = self.shape(dice, &token, resource, now);
        self.keep(&text, token, now);
        text
    }

    fn keep(&mut self, text: &str, token: Token, now: OffsetDateTime) {
        // A long simulation would otherwise keep every token it ever issued.
        if self.issued.len() >= self.sweep_at {
            self.sweep(now);
        }
        self.issued.insert(fingerprint(text), token);
    }

    /// Forgets the tokens that have expired, and if too many live on, those that expire first.
    fn sweep(&mut self, now: OffsetDateTime) {
        self.issued.retain(|_, token| token.expires > now);
        if self.issued.len() >= MOST_LIVE {
            let mut ends: Vec<OffsetDateTime> = self.issued.values().map(|token| token.expires).collect();
            ends.sort_unstable();
            let mut surplus = ends.len() - MOST_LIVE * 3 / 4;
            let last = ends.get(surplus).copied().unwrap_or(now);
            self.issued.retain(|_, token| {
                let goes = surplus > 0 && token.expires <= last;
                surplus -= usize::from(goes);
                !goes
            });
        }
        // Twice what is left, so that many live tokens cost what few do: each is looked at a few times in all.
        self.sweep_at = (2 * self.issued.len()).clamp(SWEEP_AT, MOST_LIVE);
    }

    /// Notes that an assertion was used; false if it had been before.
    pub(crate) fn use_assertion(&mut self, id: String, ends: OffsetDateTime, now: OffsetDateTime) -> bool {
        self.used.retain(|_, ends| *ends > now);
        self.used.insert(id, ends).is_none()
    }

    /// The token that a text stands for while it lives, whoever it is for.
    pub(crate) fn look_at(&self, text: &str, now: OffsetDateTime) -> Result<&Token, TokenFault> {
        let token = self.issued.get(&fingerprint(text)).ok_or(TokenFault::Unknown)?;
        if token.expires <= now { Err(TokenFault::Expired) } else { Ok(token) }
    }

    /// Whether a text is a token of this table, expired or not.
    pub(crate) fn is_known(&self, text: &str) -> bool {
        self.issued.contains_key(&fingerprint(text))
    }

    /// The token that a text stands for, if a service of this audience accepts it.
    pub(crate) fn check(&self, text: &str, audience: &Audience, now: OffsetDateTime) -> Result<&Token, TokenFault> {
        let token = self.issued.get(&fingerprint(text)).ok_or(TokenFault::Unknown)?;
        // The services look at the audience first, so an expired token for another service is a wrong one.
        if token.audience != *audience && token.audience != Audience::OneOrigin {
            return Err(TokenFault::WrongAudience);
        }
        if token.expires <= now { Err(TokenFault::Expired) } else { Ok(token) }
    }
}

impl Tokens {
    /// Some clients read the claims of a token, although Microsoft says not to.
    fn shape(&self, dice: &mut Dice, token: &Token, resource: &str, now: OffsetDateTime) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let key = self.signer.map_or("azconnect-emulator", |signer| signer.id.as_str());
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": key, "kid": key});
        let person = matches!(token.identity, Identity::User(_));
        let mut claims = json!({
            "aud": resource,
            "iss": format!("https://sts.windows.net/{}/", token.tenant),
            "iat": now.unix_timestamp(),
            "nbf": now.unix_timestamp(),
            "exp": token.expires.unix_timestamp(),
            "appid": token.client_id.to_string(),
            "idtyp": if person { "user" } else { "app" },
            "oid": token.identity.object_id().to_string(),
            "sub": token.identity.object_id().to_string(),
            "tid": token.tenant.to_string(),
            "uti": dice.text(22),
            "ver": "1.0",
        });
        if let (true, Some(map)) = (person, claims.as_object_mut()) {
            map.insert("scp".to_owned(), json!(token.scope().unwrap_or("user_impersonation")));
        }
        let text = format!("{}.{}", part(&header), part(&claims));
        // Drawn in any case, so that the order of ids does not depend on who signs.
        let drawn = dice.text(342);
        let signature = self.signer.and_then(|signer| signer.sign(&text)).unwrap_or(drawn);
        format!("{text}.{signature}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn token(lifetime: u64) -> Token {
        Token {
            identity: Identity::User(Uuid::nil()),
            client_id: Uuid::nil(),
            tenant: Uuid::nil(),
            audience: Audience::Graph,
            consented: None,
            expires: OffsetDateTime::UNIX_EPOCH + Duration::from_secs(lifetime),
        }
    }

    /// A clock that stands still lets no token expire.
    #[test]
    fn of_too_many_live_tokens_those_that_expire_last_are_known() {
        let mut tokens = Tokens::default();
        for number in 0..MOST_LIVE as u64 + 1_000 {
            tokens.keep(&number.to_string(), token(3600 + number), OffsetDateTime::UNIX_EPOCH);
        }
        assert!(tokens.issued.len() <= MOST_LIVE, "{}", tokens.issued.len());
        assert!(tokens.is_known(&(MOST_LIVE + 999).to_string()) && !tokens.is_known("0"));
    }

    #[test]
    fn many_live_tokens_are_not_looked_at_for_every_new_one() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let mut tokens = Tokens::default();
        for number in 0..4 * SWEEP_AT {
            let text = format!("{number}");
            tokens.keep(&text, token(if number % 2 == 0 { 3600 } else { 0 }), now + Duration::from_secs(1));
        }
        assert!(tokens.issued.len() < 3 * SWEEP_AT, "the expired ones are swept out: {}", tokens.issued.len());
        assert!((0..4 * SWEEP_AT).step_by(2).all(|number| tokens.is_known(&number.to_string())), "and no live one");
        assert!(tokens.sweep_at >= 2 * SWEEP_AT, "the next sweep waits until as many again are there");
    }
}

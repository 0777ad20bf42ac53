//! A key of Azure Key Vault that wraps other keys.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azconnect_core::{Cloud, Effect, Error, ErrorKind, KeyWrap, PlainKey, Scope, Secret, WrappedKey, WrappingKeyId};
use azconnect_credential::TokenProvider;
use azconnect_http::{
    Authorizer, Bearer, Call, Idempotency, Pipeline, SecretBuffer, endpoint, json, sensitive_json, with_query,
};
use azconnect_store::seal::{SealingKey, SealingKeys};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::key_vault_refusal::VaultDialect;
use crate::principal::Identity;

/// The version of the data plane.
const API_VERSION: &str = "7.6";

/// The only algorithm for an RSA key of a vault that is not discouraged.
const ALGORITHM: &str = "RSA-OAEP-256";

/// The first byte of a blob: the one form that there has been so far.
const FORM: u8 = 1;

/// A key of Azure Key Vault that wraps other keys, behind [`KeyWrap`]. The vault's key never leaves the vault.
///
/// The vault wraps a random key of 32 bytes for each call, and that one seals the key that was given, together with its context
/// and the id of the vault's key: RSA alone binds neither. A blob names the version of the vault's key, so that an earlier
/// version unwraps what it wrapped, also when it has expired; a disabled or deleted one does not.
///
/// Tokens come from the identity that was given, for the cloud's vaults only; where a vault's challenge would send this process
/// is never followed. The vault's address is that of the cloud's vaults, and what a database says of a key's address is compared
/// with it.
///
/// The identity needs the role *Key Vault Crypto Service Encryption User* on the key, which takes minutes to arrive. Whoever has
/// the key's public part can wrap without any role: see
/// [`SqliteOptions::with_expected_key`](azconnect_store::SqliteOptions::with_expected_key).
///
/// Documents: Microsoft's *Key Vault REST API*, `wrapKey` and `unwrapKey`. Both only compute, so they are repeated where no
/// answer comes.
#[derive(Clone)]
pub struct KeyVaultWrap {
    pipeline: Pipeline,
    authorizer: Arc<dyn Authorizer>,
    /// Of the vault, with its origin alone.
    base: Url,
    name: Box<str>,
    /// The version that wraps; the latest if there is none.
    version: Option<Box<str>>,
    login: Url,
}

impl Identity {
    /// A key of Azure Key Vault that this identity may use, such as `https://contoso.vault.azure.net/keys/seal`. With a version
    /// at its end, that one wraps; else the latest does. Nothing is sent.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not the address of a key in a vault of this cloud.
    pub fn key_vault_key(&self, address: &str) -> Result<KeyVaultWrap, Error> {
        KeyVaultWrap::new(self.azure.pipeline().clone(), self.azure.cloud(), self.tokens(), address)
    }
}

impl KeyVaultWrap {
    /// A key of a vault in a cloud, with tokens of a provider: see [`Identity::key_vault_key`].
    ///
    /// # Errors
    /// As [`Identity::key_vault_key`].
    pub fn new(
        pipeline: Pipeline,
        cloud: &Cloud,
        tokens: Arc<dyn TokenProvider>,
        address: &str,
    ) -> Result<Self, Error> {
        let suffix = cloud.key_vault_suffix();
        let place = Place::read(address, suffix).ok_or_else(|| {
            Error::invalid("wrapping_key", "it is not the address of a key in a vault of this cloud").with_advice(
                format!("give the key's identifier as the portal shows it, such as https://contoso.{suffix}/keys/seal"),
            )
        })?;
        let scope = Scope::of_resource(&format!("https://{suffix}"));
        let version = place.version.map(Into::into);
        Ok(Self {
            pipeline,
            authorizer: Arc::new(Bearer::new(tokens, scope)),
            base: place.base,
            name: place.name.into(),
            version,
            login: cloud.login().clone(),
        })
    }

    fn call(&self, call: Call) -> Call {
        call.with_authorizer(Arc::clone(&self.authorizer))
    }

    fn address(&self, below: &[&str]) -> Result<Url, Error> {
        let segments: Vec<&str> = ["keys", &self.name].into_iter().chain(below.iter().copied()).collect();
        Ok(with_query(endpoint(&self.base, &segments)?, &[("api-version", API_VERSION)]))
    }

    /// The version of an id, if it is one of this very key.
    fn version_of<'a>(&self, id: &'a str) -> Option<&'a str> {
        let (_, suffix) = self.base.host_str()?.split_once('.')?;
        let place = Place::read(id, suffix)?;
        let is_own = place.base == self.base && place.name.eq_ignore_ascii_case(&self.name);
        place.version.filter(|_| is_own)
    }

    fn id(&self, version: &str) -> Result<WrappingKeyId, Error> {
        WrappingKeyId::new(format!("{}keys/{}/{version}", self.base, self.name))
    }

    async fn current_version(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Shown {
            key: Key,
        }
        #[derive(Deserialize)]
        struct Key {
            kid: String,
        }
        if let Some(version) = &self.version {
            return Ok(version.to_string());
        }
        let call = self.call(Call::get("key_vault.key.get", self.address(&[])?));
        let answer = self.pipeline.execute(call, &self.dialect(false)).await.map_err(settled)?;
        let shown: Shown = json(&answer).map_err(settled)?;
        let version = self.version_of(&shown.key.kid).map(str::to_owned);
        version.ok_or_else(|| settled(Error::new(ErrorKind::Unexpected, "the vault answers with another key")))
    }

    /// Lets the vault wrap or unwrap 32 bytes.
    async fn ask(
        &self,
        operation: &'static str,
        (version, what): (&str, &str),
        bytes: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        #[derive(Serialize)]
        struct Asked<'a> {
            alg: &'static str,
            value: &'a str,
        }
        #[derive(Deserialize)]
        struct Told {
            kid: String,
            value: Secret,
        }
        // Written into room that is large enough, so that nothing is left behind in a smaller one.
        let mut text = SecretBuffer::with_capacity(bytes.len().saturating_mul(2));
        let mut room = Zeroizing::new(vec![0; bytes.len().saturating_mul(2)]);
        let length = URL_SAFE_NO_PAD.encode_slice(bytes, &mut room).map_err(|_| unreadable())?;
        text.push(room.get(..length).unwrap_or_default());
        let text = text.into_secret().ok_or_else(unreadable)?;
        let call = Call::post(operation, self.address(&[version, what])?)
            .with_idempotency(Idempotency::Idempotent)
            .with_json(&Asked { alg: ALGORITHM, value: text.expose() })?;
        let dialect = self.dialect(what == "unwrapkey");
        let answer = self.pipeline.execute(self.call(call), &dialect).await.map_err(settled)?;
        let told: Told = sensitive_json(&answer).map_err(settled)?;
        if self.version_of(&told.kid) != Some(version) {
            return Err(settled(Error::new(ErrorKind::Unexpected, "the vault answers with another key")));
        }
        let told = told.value.expose().trim_end_matches('=');
        let mut bytes = Zeroizing::new(vec![0; told.len()]);
        let length = URL_SAFE_NO_PAD.decode_slice(told, &mut bytes).map_err(|_| unreadable())?;
        bytes.truncate(length);
        Ok(bytes)
    }

    fn dialect(&self, unwraps: bool) -> VaultDialect<'_> {
        VaultDialect { unwraps, login: &self.login }
    }
}

#[async_trait]
impl KeyWrap for KeyVaultWrap {
    async fn current(&self) -> Result<WrappingKeyId, Error> {
        self.id(&self.current_version().await?)
    }

    async fn wrap(&self, context: &str, key: &PlainKey) -> Result<WrappedKey, Error> {
        let version = self.current_version().await?;
        let id = self.id(&version)?;
        let once = SealingKey::generate()?;
        let once_wrapped = self.ask("key_vault.key.wrap", (&version, "wrapkey"), once.to_plain()?.expose()).await?;
        let sealed = SealingKeys::new(once).wrap(&bound(&id, context), key).await?;
        let length = u16::try_from(once_wrapped.len()).map_err(|_| unreadable())?.to_be_bytes();
        let blob = [&[FORM], length.as_slice(), &once_wrapped, &sealed.blob].concat();
        Ok(WrappedKey::new(id, blob))
    }

    async fn unwrap(&self, context: &str, wrapped: &WrappedKey) -> Result<PlainKey, Error> {
        // Looked at before anything is sent: an address in a database is no reason to ask anybody.
        let version = self.version_of(wrapped.key.as_str()).ok_or_else(|| changed("is not of this vault's key"))?;
        let (once_wrapped, sealed) = parts(&wrapped.blob).ok_or_else(|| changed("was cut or changed"))?;
        let once = self.ask("key_vault.key.unwrap", (version, "unwrapkey"), once_wrapped).await?;
        let once = SealingKeys::new(SealingKey::from_bytes(&once).map_err(|_| changed("holds no key"))?);
        let sealed = WrappedKey::new(KeyWrap::current(&once).await?, sealed.to_vec());
        once.unwrap(&bound(&self.id(version)?, context), &sealed)
            .await
            .map_err(|error| changed("was changed, or is of another context").with_source(error))
    }
}

/// The wrapped key of one use, and what that sealed.
fn parts(blob: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = blob.strip_prefix(&[FORM])?.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

/// What is bound to a wrapped key: the version of the vault's key, and the context.
fn bound(id: &WrappingKeyId, context: &str) -> String {
    format!("{id}\n{context}")
}

/// The address of a key, taken apart.
struct Place<'a> {
    base: Url,
    name: &'a str,
    version: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// Reads `https://{vault}.{suffix}/keys/{name}[/{version}]`, and nothing that another reader could take for another address.
    fn read(address: &'a str, suffix: &str) -> Option<Self> {
        let (host, path) = address.strip_prefix("https://")?.split_once('/')?;
        let host = host.to_ascii_lowercase();
        let vault = host.strip_suffix(suffix)?.strip_suffix('.')?;
        let mut parts = path.strip_prefix("keys/")?.split('/');
        let (name, version) = (parts.next()?, parts.next());
        let is_name = |text: &str, longest: usize| {
            (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let fits = is_name(vault, 63) && is_name(name, 127) && version.is_none_or(|version| is_name(version, 64));
        let base = Url::parse(&format!("https://{host}/")).ok()?;
        (fits && parts.next().is_none()).then_some(Self { base, name, version })
    }
}

/// A failure of a call that only computes: nothing was changed, whatever the answer.
fn settled(error: Error) -> Error {
    error.with_effect(Effect::None).with_field("wrapping_key")
}

fn unreadable() -> Error {
    settled(Error::new(ErrorKind::Unexpected, "the vault's answer holds no wrapped key"))
}

fn changed(what: &str) -> Error {
    settled(Error::new(ErrorKind::Corrupt, format!("the wrapped key {what}"))).with_advice(
        "restore the wrapped key from a backup, or name the vault's key that wrapped it; nothing was changed",
    )
}

impl fmt::Debug for KeyVaultWrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyVaultWrap")
            .field("vault", &self.base.as_str())
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_s_own_address_in_a_vault_of_the_cloud_is_taken() {
        let read = |address: &str| Place::read(address, "vault.azure.net").map(|place| place.base.to_string());
        let base = Some("https://contoso.vault.azure.net/".to_owned());
        for address in ["https://contoso.vault.azure.net/keys/seal", "https://Contoso.Vault.azure.net/keys/Seal-1/0a1b"]
        {
            assert_eq!(read(address), base, "{address}");
        }
        for bad in [
            "http://contoso.vault.azure.net/keys/seal",
            "https://contoso.vault.azure.net.evil.example/keys/seal",
            "https://evil.example/contoso.vault.azure.net/keys/seal",
            "https://contoso.vault.azure.net@evil.example/keys/seal",
            "https://evil.example#.vault.azure.net/keys/seal",
            "https://evilvault.azure.net/keys/seal",
            "https://.vault.azure.net/keys/seal",
            "https://a.b.vault.azure.net/keys/seal",
            "https://contoso.vault.azure.net:8443/keys/seal",
            "https://contoso.vault.azure.cn/keys/seal",
            "https://contoso.vault.azure.net/secrets/seal",
            "https://contoso.vault.azure.net/keys/",
            "https://contoso.vault.azure.net/keys/seal/",
            "https://contoso.vault.azure.net/keys/seal/1/2",
            "https://contoso.vault.azure.net/keys/../secrets",
            "https://contoso.vault.azure.net/keys/seal?x=1",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

//! Which certificate belongs to which key, and in which order the chain goes up.

use azconnect_core::Error;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::fault;
use super::key::PrivateKey;

/// A certificate, and what is read of it.
pub(super) struct Leaf {
    pub(super) der: Vec<u8>,
    pub(super) starts: OffsetDateTime,
    pub(super) ends: OffsetDateTime,
}

/// A key, its certificate, and the certificates above that one.
pub(super) struct Pair {
    pub(super) key: PrivateKey,
    pub(super) leaf: Leaf,
    pub(super) above: Vec<Vec<u8>>,
}

struct Read<'a> {
    der: &'a [u8],
    parsed: X509Certificate<'a>,
}

/// Finds the one key that has a certificate among these, by comparing public keys: neither their order nor their number says
/// it, since people put key, chain and certificate together in any way.
pub(super) fn find(keys: Vec<PrivateKey>, certificates: &[Vec<u8>]) -> Result<Pair, Error> {
    match (keys.is_empty(), certificates.is_empty()) {
        (true, true) => return Err(fault::nothing()),
        (true, false) => return Err(fault::no_key()),
        (false, true) => return Err(fault::no_certificate()),
        (false, false) => {}
    }
    let read = certificates.iter().map(|der| read(der)).collect::<Result<Vec<_>, Error>>()?;
    let mut pairs: Vec<(PrivateKey, usize)> = Vec::new();
    for key in keys {
        let Some(leaf) = leaf_of(&key, &read) else { continue };
        // The same key twice is one key.
        if !pairs.iter().any(|(known, _)| known.public_bits() == key.public_bits()) {
            pairs.push((key, leaf));
        }
    }
    if pairs.len() > 1 {
        return Err(fault::several_pairs());
    }
    let (key, at) = pairs.pop().ok_or_else(fault::no_pair)?;
    let leaf = read.get(at).ok_or_else(fault::no_pair)?;
    let above = above(leaf, &read);
    let validity = leaf.parsed.validity();
    let (starts, ends) = (validity.not_before.to_datetime(), validity.not_after.to_datetime());
    Ok(Pair { key, leaf: Leaf { der: leaf.der.to_vec(), starts, ends }, above })
}

fn read(der: &[u8]) -> Result<Read<'_>, Error> {
    match X509Certificate::from_der(der) {
        Ok(([], parsed)) => Ok(Read { der, parsed }),
        _ => Err(fault::broken_certificate()),
    }
}

/// The certificate of a key. Of several, such as after a renewal with the same key, the one that ends last.
fn leaf_of(key: &PrivateKey, read: &[Read<'_>]) -> Option<usize> {
    let own =
        |one: &&(usize, &Read<'_>)| one.1.parsed.public_key().subject_public_key.data.as_ref() == key.public_bits();
    let all: Vec<_> = read.iter().enumerate().collect();
    all.iter().filter(own).max_by_key(|(_, one)| one.parsed.validity().not_after.timestamp()).map(|(at, _)| *at)
}

/// The certificates that lead up from a leaf, as far as they were given.
fn above(leaf: &Read<'_>, read: &[Read<'_>]) -> Vec<Vec<u8>> {
    let mut chain: Vec<&Read<'_>> = vec![leaf];
    while let Some(top) = chain.last() {
        let issuer = top.parsed.issuer().as_raw();
        let is_known = |one: &Read<'_>| chain.iter().any(|known| known.der == one.der);
        let next = read.iter().find(|one| one.parsed.subject().as_raw() == issuer && !is_known(one));
        // A root names itself, and is known by then.
        match next.filter(|_| top.parsed.subject().as_raw() != issuer) {
            Some(next) => chain.push(next),
            None => break,
        }
    }
    chain.into_iter().skip(1).map(|one| one.der.to_vec()).collect()
}

//! The few parts of DER that keys and certificates need: which bytes of a certificate are its public key.

/// The tag of a sequence.
const SEQUENCE: u8 = 0x30;

/// The tag of a whole number.
const INTEGER: u8 = 0x02;

/// One element: its tag, all of its bytes, and those of its content.
struct Element<'a> {
    tag: u8,
    whole: &'a [u8],
    content: &'a [u8],
}

/// Takes the first element off the front of some bytes.
fn next<'a>(bytes: &mut &'a [u8]) -> Option<Element<'a>> {
    let all = *bytes;
    let (tag, first) = (*all.first()?, usize::from(*all.get(1)?));
    let (length, head) = if first < 0x80 {
        (first, 2)
    } else {
        // Up to four bytes of length: a certificate is some kilobytes.
        let count = first - 0x80;
        let digits = all.get(2..2 + count).filter(|_| (1..=4).contains(&count))?;
        (digits.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), 2 + count)
    };
    let end = head.checked_add(length)?;
    let element = Element { tag, whole: all.get(..end)?, content: all.get(head..end)? };
    *bytes = all.get(end..)?;
    Some(element)
}

fn sequence<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    next(bytes).filter(|element| element.tag == SEQUENCE).map(|element| element.content)
}

/// The public key of a certificate, as `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
pub(crate) fn public_key(certificate: &[u8]) -> Option<&[u8]> {
    let mut rest = certificate;
    let mut body = sequence(&mut rest)?;
    let mut fields = sequence(&mut body)?;
    // The version stands in front under a tag of its own, unless it is the first one.
    let mut number = next(&mut fields)?;
    if number.tag == 0xa0 {
        number = next(&mut fields)?;
    }
    if number.tag != INTEGER {
        return None;
    }
    // Signature, issuer, validity and subject.
    for _ in 0..4 {
        sequence(&mut fields)?;
    }
    next(&mut fields).filter(|key| key.tag == SEQUENCE).map(|key| key.whole)
}

/// The modulus and the exponent of an RSA public key (RFC 8017, appendix A.1.1), without leading zeros.
pub(crate) fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = key;
    let mut numbers = sequence(&mut rest)?;
    let mut number = || {
        let element = next(&mut numbers).filter(|element| element.tag == INTEGER)?;
        Some(element.content.strip_prefix(&[0]).unwrap_or(element.content))
    };
    Some((number()?, number()?))
}

/// The modulus and the exponent in a `SubjectPublicKeyInfo` of an RSA key.
pub(crate) fn public_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = key;
    let mut fields = sequence(&mut rest)?;
    sequence(&mut fields)?;
    // A string of bits, whose first byte says that all of them count.
    let bits = next(&mut fields).filter(|bits| bits.tag == 0x03)?;
    rsa_numbers(bits.content.strip_prefix(&[0])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_key_of_a_certificate_is_found() {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap().self_signed(&key).unwrap();
        let expected = rcgen::PublicKeyData::subject_public_key_info(&key);
        assert_eq!(public_key(certificate.der()), Some(expected.as_slice()));
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_key() {
        let hopeless: [&[u8]; 6] =
            [&[], &[0x30], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 0x80], &[0x30, 3, 0x30, 1, 2], b"-----BEGIN"];
        assert!(hopeless.iter().all(|bytes| public_key(bytes).is_none() && rsa_numbers(bytes).is_none()));
    }
}

//! The few parts of DER that keys and certificates need: the public key and the times of a certificate.

use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

/// The tag of a sequence.
const SEQUENCE: u8 = 0x30;

/// The tag of a whole number.
const INTEGER: u8 = 0x02;

/// The tag of a moment with two digits of the year.
const UTC_TIME: u8 = 0x17;

/// The tag of a moment with four digits of the year.
const GENERALIZED_TIME: u8 = 0x18;

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
    let mut fields = from_signature(certificate)?;
    // Signature, issuer, validity and subject.
    for _ in 0..4 {
        sequence(&mut fields)?;
    }
    next(&mut fields).filter(|key| key.tag == SEQUENCE).map(|key| key.whole)
}

/// From when to when a certificate is valid (RFC 5280, section 4.1.2.5).
pub(crate) fn validity(certificate: &[u8]) -> Option<(OffsetDateTime, OffsetDateTime)> {
    let mut fields = from_signature(certificate)?;
    for _ in 0..2 {
        sequence(&mut fields)?;
    }
    let mut validity = sequence(&mut fields)?;
    Some((moment(&next(&mut validity)?)?, moment(&next(&mut validity)?)?))
}

/// A moment, in whole seconds of UTC, as certificates have to write it.
fn moment(element: &Element<'_>) -> Option<OffsetDateTime> {
    let text = std::str::from_utf8(element.content).ok()?.strip_suffix('Z')?;
    let (year, rest) = match element.tag {
        // Two digits stand for the years from 1950 to 2049.
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            let year: i32 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        GENERALIZED_TIME => {
            let (year, rest) = text.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    if rest.len() != 10 {
        return None;
    }
    let date = Date::from_calendar_date(year, Month::try_from(two(0)?).ok()?, two(2)?).ok()?;
    Some(PrimitiveDateTime::new(date, Time::from_hms(two(4)?, two(6)?, two(8)?).ok()?).assume_utc())
}

/// The fields of a certificate from that one on which names the algorithm of its signature.
fn from_signature(certificate: &[u8]) -> Option<&[u8]> {
    let mut rest = certificate;
    let mut body = sequence(&mut rest)?;
    let mut fields = sequence(&mut body)?;
    // The version stands in front under a tag of its own, unless it is the first one.
    let mut number = next(&mut fields)?;
    if number.tag == 0xa0 {
        number = next(&mut fields)?;
    }
    (number.tag == INTEGER).then_some(fields)
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
    fn the_times_of_a_certificate_are_read_in_either_form() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(1999, 2, 28);
        parameters.not_after = rcgen::date_time_ymd(2051, 3, 1);
        let certificate = parameters.self_signed(&key).unwrap();
        let expected = (rcgen::date_time_ymd(1999, 2, 28), rcgen::date_time_ymd(2051, 3, 1));
        assert_eq!(validity(certificate.der()), Some(expected));
    }

    #[test]
    fn bytes_that_are_no_certificate_have_no_key() {
        let hopeless: [&[u8]; 6] =
            [&[], &[0x30], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 0x80], &[0x30, 3, 0x30, 1, 2], b"-----BEGIN"];
        assert!(
            hopeless
                .iter()
                .all(|bytes| public_key(bytes).is_none() && validity(bytes).is_none() && rsa_numbers(bytes).is_none())
        );
    }
}

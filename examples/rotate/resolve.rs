//! What a person says of a rotation that does not end by itself.

use std::str::FromStr;

use azconnect::core::Error;
use azconnect::credential::SinkId;
use azconnect::rotation::{Resolution, RotationState};

/// A way out, as it is written behind `--resolve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayOut {
    Retry,
    LeaveOut(String),
    TakeAsIs,
    Abandon,
}

/// What may be written there.
const FORMS: &str = "retry, leave-out=CONSUMER, take-as-is or abandon";

impl FromStr for WayOut {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "retry" => Ok(Self::Retry),
            None if text == "take-as-is" => Ok(Self::TakeAsIs),
            None if text == "abandon" => Ok(Self::Abandon),
            Some(("leave-out", consumer)) if !consumer.is_empty() => Ok(Self::LeaveOut(consumer.to_owned())),
            _ => Err(format!("give {FORMS}")),
        }
    }
}

impl WayOut {
    /// The resolution of the rotation under way. A consumer is named by its id, or by any part of its title that no other
    /// one has.
    ///
    /// # Errors
    /// [`InvalidInput`](azconnect::core::ErrorKind::InvalidInput) unless exactly one consumer is meant.
    pub fn resolution(&self, state: &RotationState) -> Result<Resolution, Error> {
        Ok(match self {
            Self::Retry => Resolution::Retry,
            Self::TakeAsIs => Resolution::TakeAsIs,
            Self::Abandon => Resolution::Abandon,
            Self::LeaveOut(consumer) => Resolution::LeaveOut(meant(consumer, state)?),
        })
    }
}

fn meant(consumer: &str, state: &RotationState) -> Result<SinkId, Error> {
    let all: Vec<_> = state.rotation.iter().flat_map(|rotation| &rotation.sinks).map(|sink| &sink.terms).collect();
    let named = |name: &&str| name.contains(consumer);
    let found: Vec<_> = all.iter().filter(|terms| [terms.sink.as_str(), &terms.title].iter().any(named)).collect();
    match &*found {
        [only] => Ok(only.sink.clone()),
        _ => {
            let known: Vec<_> = all.iter().map(|terms| format!("{} ({})", terms.title, terms.sink)).collect();
            let many = if found.is_empty() { "no consumer" } else { "more than one consumer" };
            let advice = match known.is_empty() {
                true => "no rotation is under way: there is nothing to leave a consumer out of".to_owned(),
                false => format!("name one of: {}", known.join("; ")),
            };
            Err(Error::invalid("--resolve", format!("leave-out names {many} of the rotation under way"))
                .with_advice(advice))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_out_is_read_and_nothing_else() {
        assert_eq!("retry".parse(), Ok(WayOut::Retry));
        assert_eq!("take-as-is".parse(), Ok(WayOut::TakeAsIs));
        assert_eq!("abandon".parse(), Ok(WayOut::Abandon));
        assert_eq!("leave-out=a=b".parse(), Ok(WayOut::LeaveOut("a=b".to_owned())));
        for bad in ["", "Retry", "leave-out", "leave-out=", "retry=1"] {
            assert!(bad.parse::<WayOut>().unwrap_err().contains("leave-out=CONSUMER"), "{bad}");
        }
    }
}

//! Spot machines: capacity that nobody else needs at the moment, cheaper, and taken back at any time.

use std::fmt;
use std::str::FromStr;

use azconnect_core::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What happens to a Spot machine when its capacity is taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Eviction {
    /// It is deallocated and keeps its disks and its share of the quota; it can be started when there is capacity.
    #[default]
    Deallocate,
    /// It is deleted with its disks.
    Delete,
}

impl Eviction {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Deallocate => "Deallocate",
            Self::Delete => "Delete",
        }
    }
}

/// A price in US dollars an hour, with up to five decimals, such as `0.01538`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HourlyPrice(u32);

impl HourlyPrice {
    /// The parts of a dollar in which a price is counted, so that equal prices are equal.
    const PARTS: u32 = 100_000;

    fn dollars(self) -> f64 {
        f64::from(self.0) / f64::from(Self::PARTS)
    }
}

impl FromStr for HourlyPrice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::invalid("spot_price", "is not a price above zero")
                .with_advice("give US dollars an hour with up to five decimals, such as 0.01538, or no price at all")
        };
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 5 {
            return Err(wrong());
        }
        let parts: u32 = format!("{decimals:0<5}").parse().map_err(|_| wrong())?;
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let price = whole.checked_mul(Self::PARTS).and_then(|whole| whole.checked_add(parts));
        price.filter(|price| *price > 0).map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for HourlyPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dollars())
    }
}

impl From<HourlyPrice> for String {
    fn from(price: HourlyPrice) -> Self {
        price.to_string()
    }
}

impl TryFrom<String> for HourlyPrice {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

/// How a machine uses Spot capacity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spot {
    /// What happens to the machine when its capacity is taken back.
    pub eviction: Eviction,
    /// The highest price; `None` for at most the price of an ordinary machine, so that only a lack of capacity evicts it.
    pub max_price: Option<HourlyPrice>,
}

impl Spot {
    /// A machine that is deallocated when its capacity is taken back, at whatever price.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what happens when the capacity is taken back.
    #[must_use]
    pub fn with_eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = eviction;
        self
    }

    /// Sets the highest price. While the current one is higher, the machine is refused, or evicted.
    #[must_use]
    pub fn with_max_price(mut self, price: HourlyPrice) -> Self {
        self.max_price = Some(price);
        self
    }

    /// The highest price as the service takes it: -1 stands for the price of an ordinary machine.
    pub(crate) fn billing(&self) -> Value {
        json!({"maxPrice": self.max_price.map_or(-1.0, HourlyPrice::dollars)})
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = match self.eviction {
            Eviction::Deallocate => "deallocated",
            Eviction::Delete => "deleted",
        };
        write!(f, "Spot, {fate} when evicted")?;
        match self.max_price {
            Some(price) => write!(f, ", at most {price} US dollars an hour"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_as_it_is_written_and_sent_as_a_number() {
        let price: HourlyPrice = "0.01538".parse().unwrap();
        assert_eq!(price.to_string(), "0.01538");
        assert_eq!(Spot::new().with_max_price(price).billing(), json!({"maxPrice": 0.01538}));
        assert_eq!(Spot::new().billing(), json!({"maxPrice": -1.0}));
        assert_eq!(serde_json::from_str::<HourlyPrice>("\"2\"").unwrap(), "2.0".parse().unwrap());
        for bad in ["", "0", "0.0", "-1", "1.234567", ".5", "1.", "1e3", "99999999999"] {
            assert_eq!(bad.parse::<HourlyPrice>().unwrap_err().field(), Some("spot_price"), "{bad:?}");
        }
    }
}

//! Whether something can be done with a connection, judged from its document alone.

mod conversion;
mod kind;
mod refresh;

pub use self::conversion::{ConversionRules, conversion_checks};
pub use self::refresh::refresh_checks;

use self::refresh::automatic;

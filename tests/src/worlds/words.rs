//! Times as people read them.

use std::fmt;
use std::time::Duration;

/// A span of time in words, such as `2 d 3 h`.
#[derive(Clone, Copy)]
pub(super) struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{:.3} s", self.0.as_secs_f64()),
            (0, 0, minutes) => write!(f, "{minutes} min {} s", seconds % 60),
            (0, hours, minutes) => write!(f, "{hours} h {minutes} min"),
            (days, hours, _) => write!(f, "{days} d {hours} h"),
        }
    }
}

/// A moment of a world, counted from its beginning: `d hh:mm:ss.mmm`.
#[derive(Clone, Copy)]
pub(super) struct At(pub Duration);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        write!(
            f,
            "{:>3} {:02}:{:02}:{:02}.{:03}",
            seconds / 86_400,
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60,
            self.0.subsec_millis()
        )
    }
}

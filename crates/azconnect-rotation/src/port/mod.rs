//! The ports of use: what a product calls. [`Rotator`](crate::Rotator) implements them all; the testkit has a fake.

mod rotation_history;
mod rotation_operator;
mod rotations;

pub use rotation_history::RotationHistory;
pub use rotation_operator::RotationOperator;
pub use rotations::Rotations;

//! The front door, against the emulator.

mod connections;

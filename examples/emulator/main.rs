//! The program `azconnect-emulator` with the seed of these programs, for several of them at once.
//!
//! ```text
//! cargo run --example emulator -- --http 127.0.0.1:8001
//! cargo run --example rotate -- --emulator http://127.0.0.1:8001
//! ```
//!
//! It takes the same arguments and prints the same line as the program: see `--help`.

use std::process::ExitCode;

use azconnect_examples::place::CONTOSO;

fn main() -> ExitCode {
    azconnect_emulator::program::main_with_seed(std::env::args_os(), CONTOSO)
}

//! The emulator as a program. All of it is in the library, where it can be tested.

use std::process::ExitCode;

fn main() -> ExitCode {
    azconnect_emulator::program::main(std::env::args_os())
}

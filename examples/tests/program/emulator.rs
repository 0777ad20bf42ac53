//! A running emulator, which ends with the test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::program;

pub(crate) struct Emulator(Child, Value);

impl Emulator {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// One that starts with a seed of its own.
    pub(crate) fn seeded(seed: &Path) -> Self {
        Self::start_with(&["--seed".as_ref(), seed.as_os_str()])
    }

    pub(crate) fn start_with(arguments: &[&OsStr]) -> Self {
        let mut child = Command::new(program("emulator")).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).expect("one JSON line with the origins");
        Self(child, told.get("origins").unwrap().clone())
    }

    /// One of its addresses.
    pub(crate) fn address(&self) -> &str {
        self.1.get("graph").and_then(Value::as_str).unwrap()
    }

    /// Scripts a fault.
    pub(crate) fn fault(&self, script: &Value) {
        let answer = self.exchange("POST", "/_emulator/faults", &script.to_string());
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }

    /// Takes all faults away.
    pub(crate) fn no_faults(&self) {
        self.exchange("DELETE", "/_emulator/faults", "");
    }

    fn exchange(&self, method: &str, path: &str, body: &str) -> String {
        let host = self.address().trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nContent-Type: application/json\r\nConnection: close"
        );
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

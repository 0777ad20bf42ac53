//! A real browser, driven by its own driver (W3C *WebDriver*).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

/// The name under which the protocol gives an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often a page is asked for something before the test fails.
const TRIES: u32 = 150;

/// A browser with one window. It ends with the test.
pub(crate) struct Browser {
    driver: Child,
    host: String,
    session: String,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let mut driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let port = line.split("successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let host = format!("127.0.0.1:{}", port.expect("the driver says its port"));
        let mut browser = Self { driver, host, session: String::new() };
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let made = browser.ask("POST", "/session", &wanted).unwrap();
        browser.session = made.get("sessionId").and_then(Value::as_str).unwrap().to_owned();
        browser
    }

    pub(crate) fn open(&self, address: &str) {
        self.command("url", &json!({"url": address})).unwrap();
    }

    pub(crate) fn address(&self) -> String {
        let answer = self.ask("GET", &format!("/session/{}/url", self.session), &Value::Null).unwrap();
        answer.as_str().unwrap().to_owned()
    }

    /// Waits until the page has an element of this id.
    pub(crate) fn find(&self, id: &str) -> String {
        for _ in 0..TRIES {
            if let Some(found) = self.now(id) {
                return found;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("{} has no element {id}", self.address());
    }

    /// The element of this id, if the page has one now.
    pub(crate) fn now(&self, id: &str) -> Option<String> {
        let found = self.command("element", &json!({"using": "css selector", "value": format!("[id='{id}']")})).ok()?;
        found.get(ELEMENT).and_then(Value::as_str).map(str::to_owned)
    }

    pub(crate) fn click(&self, id: &str) {
        let element = self.find(id);
        self.command(&format!("element/{element}/click"), &json!({})).unwrap();
    }

    pub(crate) fn write(&self, id: &str, text: &str) {
        let element = self.find(id);
        self.command(&format!("element/{element}/clear"), &json!({})).unwrap();
        self.command(&format!("element/{element}/value"), &json!({"text": text})).unwrap();
    }

    pub(crate) fn text(&self, id: &str) -> String {
        let element = self.find(id);
        let path = format!("/session/{}/element/{element}/text", self.session);
        self.ask("GET", &path, &Value::Null).unwrap().as_str().unwrap().to_owned()
    }

    /// The whole cookie of the page, as the protocol gives it.
    pub(crate) fn take_cookie(&self, name: &str) -> Value {
        let path = format!("/session/{}/cookie/{name}", self.session);
        let cookie = self.ask("GET", &path, &Value::Null).unwrap();
        self.ask("DELETE", &path, &Value::Null).unwrap();
        cookie
    }

    pub(crate) fn give_cookie(&self, cookie: &Value) {
        self.command("cookie", &json!({"cookie": cookie})).unwrap();
    }

    fn command(&self, name: &str, body: &Value) -> Result<Value, String> {
        self.ask("POST", &format!("/session/{}/{name}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close",
            self.host,
            text.len()
        );
        stream.write_all(format!("{head}\r\n\r\n{text}").as_bytes()).unwrap();
        // The driver keeps the connection open, so that the length says where the answer ends.
        let mut reader = BufReader::new(stream);
        let (mut status, mut length) = (String::new(), 0);
        reader.read_line(&mut status).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            match line.trim().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap();
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let value: Value = serde_json::from_slice(&body).unwrap();
        match status.contains(" 200 ") {
            true => Ok(value.get("value").cloned().unwrap_or_default()),
            false => Err(value.to_string()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // It ends the browser too, which would stay otherwise.
            let _ = self.ask("DELETE", &format!("/session/{}", self.session), &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

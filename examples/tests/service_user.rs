//! The page on which a service user is linked, in a real browser.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test"
)]

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use program::browser::Browser;
use program::program;

/// The running program, which ends with the test.
struct Page {
    child: Child,
    address: String,
    /// Held, so that the program can go on printing.
    _printed: BufReader<ChildStdout>,
}

impl Page {
    fn start(state: Option<&Path>) -> Self {
        let mut command = Command::new(program("service_user"));
        command.args(["--port", "0"]).stdout(Stdio::piped()).stdin(Stdio::null());
        if let Some(folder) = state {
            command.arg("--state").arg(folder).env_remove("AZCONNECT_SEALING_KEY");
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        printed.read_line(&mut line).unwrap();
        let address = line.strip_prefix("open ").and_then(|rest| rest.split(' ').next()).expect(&line).to_owned();
        Self { child, address, _printed: printed }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the page answers to a request that names this host: its head.
fn head(page: &Page, host: &str) -> String {
    let port = page.address.trim_end_matches('/').rsplit(':').next().unwrap();
    let mut connection = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    let host = host.replace("PORT", port);
    write!(connection, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer.split("\r\n\r\n").next().unwrap().to_ascii_lowercase()
}

/// The login sends browsers back to `localhost`, for which alone the cookie of a sign-in is.
#[test]
fn the_page_is_at_one_name_only() {
    let page = Page::start(None);
    assert!(head(&page, "localhost:PORT").starts_with("http/1.1 200 "));
    let other = head(&page, "127.0.0.1:PORT");
    assert!(other.starts_with("http/1.1 303 ") && other.contains(&format!("location: {}", page.address)), "{other}");
    for host in ["evil.example", "evil.example:PORT", "localhost", "127.0.0.1", "localhost.evil.example:PORT"] {
        assert!(head(&page, host).starts_with("http/1.1 421 "), "{host}");
    }
}

/// Enters the name on the login's page, after its list of accounts if it shows one.
fn sign_in(browser: &Browser, user: &str) {
    for _ in 0..150 {
        if browser.now("email").is_some() {
            break;
        }
        if browser.now("other-account").is_some() {
            browser.click("other-account");
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    browser.write("email", user);
    browser.click("next");
}

fn link(browser: &Browser, user: &str) {
    browser.click("link");
    sign_in(browser, user);
    browser.click("accept");
}

#[test]
#[ignore = "needs chromium and its driver"]
fn an_account_is_linked_shown_checked_replaced_and_unlinked() {
    let (page, browser) = (Page::start(None), Browser::start());
    browser.open(&page.address);
    assert!(browser.text("state").contains("Nobody is linked"));
    link(&browser, "bob@contoso.com");
    assert_eq!(browser.text("person"), "Bob Example <bob@contoso.com>");
    browser.write("organization", "contoso");
    browser.write("projects", "Web, Payments");
    browser.write("repositories", "Web/Web");
    browser.click("fit");
    let checks = browser.text("checks");
    assert!(checks.contains("project Web the person sees it") || checks.contains("project Web"), "{checks}");
    assert!(checks.contains("project Payments") && checks.contains("grant the person read access"), "{checks}");
    browser.click("back");
    browser.click("refresh");
    assert!(browser.text("note").contains("gives tokens"), "{}", browser.text("note"));
    link(&browser, "ann@contoso.com");
    assert_eq!(browser.text("person"), "Ann Example <ann@contoso.com>");
    assert!(browser.text("note").contains("is linked now"), "{}", browser.text("note"));
    browser.click("unlink");
    assert!(browser.text("state").contains("Nobody is linked"));
}

#[test]
#[ignore = "needs chromium and its driver"]
fn somebody_who_declines_changes_nothing() {
    let (page, browser) = (Page::start(None), Browser::start());
    browser.open(&page.address);
    browser.click("link");
    sign_in(&browser, "bob@contoso.com");
    browser.click("cancel");
    assert!(browser.text("remedy").contains("accept the permissions"), "{}", browser.text("remedy"));
    browser.click("back");
    assert!(browser.text("state").contains("Nobody is linked"));
}

#[test]
#[ignore = "needs chromium and its driver"]
fn an_answer_counts_once_in_its_own_browser_and_with_its_own_state() {
    let (page, browser) = (Page::start(None), Browser::start());
    browser.open(&page.address);
    browser.click("link");
    sign_in(&browser, "bob@contoso.com");
    browser.find("accept");
    // As another browser would come back: without the cookie of the one that began.
    let login = browser.address();
    browser.open(&page.address);
    let cookie = browser.take_cookie("browser");
    browser.open(&login);
    browser.click("account-0");
    browser.click("accept");
    assert!(browser.text("note").contains("no sign-in was begun in this browser"), "{}", browser.text("note"));
    let answer = browser.address();
    browser.give_cookie(&cookie);
    let mut altered = url::Url::parse(&answer).unwrap();
    let pairs: Vec<_> = altered.query_pairs().into_owned().collect();
    let other = |name: &str, value: String| if name == "state" { "A".repeat(43) } else { value };
    altered.query_pairs_mut().clear().extend_pairs(pairs.into_iter().map(|(name, value)| {
        let value = other(&name, value);
        (name, value)
    }));
    browser.open(altered.as_str());
    assert!(browser.text("note").contains("no sign-in was begun"), "{}", browser.text("note"));
    browser.open(&answer);
    assert_eq!(browser.text("person"), "Bob Example <bob@contoso.com>");
    browser.open(&answer);
    assert!(browser.text("note").contains("finished already"), "{}: {}", browser.address(), browser.text("note"));
    browser.click("back");
    assert_eq!(browser.text("person"), "Bob Example <bob@contoso.com>");
}

#[test]
#[ignore = "needs chromium and its driver"]
fn a_form_of_another_page_and_another_name_of_the_page_are_refused() {
    let (page, browser) = (Page::start(None), Browser::start());
    let form = format!("<form method=post action='{}unlink'><input name=form value=x><button id=go>go", page.address);
    browser.open(&format!("data:text/html,{form}"));
    browser.click("go");
    assert!(browser.text("note").contains("the form is not this page's"), "{}", browser.text("note"));
}

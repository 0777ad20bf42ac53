//! A proxy that somebody put into the environment.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use azconnect::http::{ReqwestTransport, SystemClock};
use azconnect::store::SqliteStore;
use azconnect::{Azure, Storage};
use azconnect_emulator::server::serve;
use azconnect_emulator::{Emulator, Seed};
use azconnect_testkit::Canary;
use azconnect_tests::contoso::{SEED, old_key};

use crate::site::request;

/// Set in the process that lives in the hostile environment.
const INSIDE: &str = "AZCONNECT_TEST_BEHIND_A_PROXY";

/// A product connects a customer and tests the connection, over real sockets on this machine.
#[expect(clippy::disallowed_methods, reason = "the services run beside the product, as in the world")]
async fn work() {
    let clock = Arc::new(SystemClock::new());
    let emulator = Emulator::from_seed(Seed::from_json(SEED).unwrap(), clock.clone()).unwrap();
    let secret = emulator.secret_of(old_key()).unwrap();
    let server = serve(emulator, SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let cloud = server.cloud();
    let serving = tokio::spawn(server.run());
    let folder = tempfile::tempdir().unwrap();
    let (database, key) = (folder.path().join("azconnect.db"), folder.path().join("elsewhere.key"));
    let store = SqliteStore::open_with_key_file(database, key, clock.clone()).await.unwrap();
    for asked in [false, true] {
        let builder = ReqwestTransport::builder().danger_allow_http_loopback();
        let builder = if asked { builder.with_environment_proxy() } else { builder };
        let azure = Azure::new(cloud.clone(), Arc::new(builder.build().unwrap()), clock.clone());
        let connections = azure.connections(&Storage::of(Arc::new(store.clone())));
        let id = connections.connect(request("shop"), secret.duplicate()).await.unwrap().record.id;
        assert!(connections.test(&id).await.unwrap().is_accepted());
        connections.disconnect(&id).await.unwrap();
    }
    serving.abort();
}

/// Variables of a process under test cannot be set safely while its threads run, so this test starts itself once more.
#[tokio::test]
async fn a_proxy_of_the_environment_hears_nothing_of_what_is_said_on_this_machine() {
    if std::env::var_os(INSIDE).is_some() {
        return work().await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (heard, calls) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU64::new(0)));
    let (notes, count) = (heard.clone(), calls.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            let length = stream.and_then(|mut stream| stream.read(&mut buffer)).unwrap_or(0);
            notes.lock().unwrap().extend_from_slice(&buffer[..length]);
        }
    });
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "proxy::a_proxy_of_the_environment_hears_nothing_of_what_is_said_on_this_machine"])
        .env(INSIDE, "1")
        .env_remove("REQUEST_METHOD")
        .env("NO_PROXY", "")
        .env("no_proxy", "");
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, &address);
    }
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let canary = Canary::new();
    let emulator = Emulator::from_seed(Seed::from_json(SEED).unwrap(), Arc::new(SystemClock::new())).unwrap();
    canary.watch(&emulator.secret_of(old_key()).unwrap());
    canary.assert_absent("the proxy", &heard.lock().unwrap());
    assert_eq!(calls.load(Ordering::SeqCst), 0, "the proxy was asked");
}

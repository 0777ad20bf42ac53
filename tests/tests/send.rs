//! Every public future can be awaited in a spawned task: it is `Send`.
//!
//! One line names one public async function; a function that is not named fails the test at the end. A line compiles only
//! if its future is `Send`, and nothing here is ever called.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::future::Ready;
use std::path::{Path, PathBuf};

use azconnect::arm::choices::SubscriptionChoices;
use azconnect::arm::resource::compute::{RunCommands, VirtualMachine, VirtualMachines};
use azconnect::arm::{
    AnyResource, Arm, Fleet, Group, Handle, List, Pending, Provisioner, Skus, Subscription, preflight, preflight_fleet,
};
use azconnect::core::{ApplicationObjectId, ClientId};
use azconnect::credential::{ConnectionRecord, Records};
use azconnect::devops::{ConnectionSearch, DevOpsClient, Endpoints, Organization, RegistryCheck, binding_states};
use azconnect::graph::{DirectoryObjectId, FederatedCredentialId, GraphClient, PasswordHolder};
use azconnect::http::{Pages, Pipeline, Poller};
use azconnect::identity::managed::ManagedIdentity;
use azconnect::identity::user::{DeviceSignIn, WebSignIn};
use azconnect::identity::{Application, CloudDiscovery, KeptTokens, ProviderEndpoints, TenantDiscovery};
use azconnect::rotation::Rotator;
use azconnect::setup::ApplicationSetup;
use azconnect::store::{PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, seal::SealingKey};
use azconnect::{AccountLinks, Azure, Bindings, Connections, ExpiryRadar, LinkedIdentity, TenantIntegrations};
use azconnect_emulator::Visitor;
use azconnect_emulator::server::{Server, serve};
use azconnect_saga::{IllegalEvent, Saga, Session, audit, history, read, within};
use time::OffsetDateTime;

/// Every function whose lines are checked by the compiler.
const CHECKED: [fn(); 10] = [arm, devops, emulator, graph, http, rotation, saga, setup, store, facade];

fn is_send<F: Future + Send>(_: F) {}

/// Stands for any saga.
enum AnySaga {}

impl Saga for AnySaga {
    type State = ();
    type Event = String;

    fn kind(_: &String) -> &'static str {
        "any"
    }

    fn evolve((): (), _: &String, _: OffsetDateTime) -> Result<(), IllegalEvent> {
        Ok(())
    }

    fn is_at_rest((): &()) -> bool {
        true
    }
}

/// Stands for an argument of any type.
fn any<T>() -> T {
    panic!("these functions are compiled, and never called")
}

/// Of Azure Resource Manager.
fn arm() {
    is_send::<<List<VirtualMachine> as IntoFuture>::IntoFuture>(any());
    is_send(Group::validate(any(), any(), any()));
    is_send(Handle::<VirtualMachines>::get(any()));
    is_send(Handle::<VirtualMachines>::find(any()));
    is_send(Handle::<VirtualMachines>::create(any(), any::<&String>()));
    is_send(Handle::<VirtualMachines>::update(any(), any::<&String>()));
    is_send(Handle::<VirtualMachines>::delete(any()));
    is_send(Handle::<VirtualMachines>::instance_view(any()));
    is_send(Handle::<VirtualMachines>::sizes(any()));
    is_send(Handle::<VirtualMachines>::start(any()));
    is_send(Handle::<VirtualMachines>::power_off(any()));
    is_send(Handle::<VirtualMachines>::restart(any()));
    is_send(Handle::<VirtualMachines>::deallocate(any()));
    is_send(Handle::<VirtualMachines>::resize(any(), any()));
    is_send(Handle::<VirtualMachines>::tag(any(), any()));
    is_send(Handle::<VirtualMachines>::force_delete(any()));
    is_send(Handle::<RunCommands>::view(any()));
    is_send(Handle::<RunCommands>::run(any(), any(), any()));
    is_send(AnyResource::get(any()));
    is_send(AnyResource::find(any()));
    is_send(AnyResource::create(any(), any()));
    is_send(AnyResource::replace(any(), any()));
    is_send(AnyResource::update(any(), any()));
    is_send(AnyResource::delete(any()));
    is_send(AnyResource::post(any(), any(), any()));
    is_send(Pending::<()>::wait(any()));
    is_send(Pending::<()>::outcome(any()));
    is_send(Skus::next(any()));
    is_send(SubscriptionChoices::regions(any()));
    is_send(SubscriptionChoices::sizes(any(), any(), any()));
    is_send(SubscriptionChoices::images(any(), any()));
    is_send(SubscriptionChoices::groups(any()));
    is_send(Subscription::get(any()));
    is_send(Subscription::is_dns_label_free(any(), any(), any()));
    is_send(Subscription::provider(any(), any()));
    is_send(Subscription::register(any(), any()));
    is_send(Subscription::image(any(), any(), any()));
    is_send(Subscription::image_by_id(any(), any(), any()));
    is_send(Subscription::image_terms(any(), any()));
    is_send(Subscription::accept_terms(any(), any()));
    is_send(Subscription::own_machines(any()));
    is_send(Subscription::sizes(any(), any(), any()));
    is_send(Subscription::validate(any(), any(), any(), any()));
    is_send(preflight(any(), any()));
    is_send(preflight_fleet(any(), any()));
    is_send(Provisioner::plan(any(), any(), any()));
    is_send(Provisioner::run(any(), any()));
    is_send(Provisioner::run_until(any(), any(), any::<Ready<()>>()));
    is_send(Provisioner::resume(any(), any()));
    is_send(Provisioner::clean_up(any(), any()));
    is_send(Provisioner::state(any(), any()));
    is_send(Provisioner::progress(any(), any()));
    is_send(Provisioner::unfinished(any()));
    is_send(Provisioner::history(any(), any()));
    is_send(Provisioner::private_key(any(), any()));
    is_send(Provisioner::forget_private_key(any(), any(), any()));
    is_send(Fleet::plan(any(), any(), any()));
    is_send(Fleet::run(any(), any()));
    is_send(Fleet::run_until(any(), any(), any::<Ready<()>>()));
    is_send(Fleet::resume(any(), any()));
    is_send(Fleet::remove(any(), any(), any()));
    is_send(Fleet::clean_up(any(), any()));
    is_send(Fleet::machines(any(), any()));
    is_send(Provisioner::admin_password(any(), any()));
    is_send(Provisioner::forget_admin_password(any(), any(), any()));
    is_send(Arm::assign_role(any(), any()));
    is_send(Arm::roles_of(any(), any(), any()));
    is_send(Arm::remove_role(any(), any()));
}

/// Of Azure DevOps.
fn devops() {
    is_send(binding_states(any(), any(), any(), any()));
    is_send(Organization::create_connection(any(), any()));
    is_send(Endpoints::wait_until_ready(any(), any(), any()));
    is_send(Endpoints::wait_until_deleted(any(), any(), any()));
    is_send(Organization::caller(any()));
    is_send(DevOpsClient::organizations(any(), any(), any()));
    is_send(DevOpsClient::tenant_of(any(), any()));
    is_send(Organization::projects(any(), any()));
    is_send(Organization::project(any(), any()));
    is_send(Endpoints::update_all(any(), any()));
    is_send(Organization::share(any(), any(), any()));
    is_send(Organization::unshare(any(), any(), any()));
    is_send(Organization::delete_connection(any(), any(), any(), any()));
    is_send(ConnectionSearch::scan(any()));
    is_send(Endpoints::get(any(), any()));
    is_send(Endpoints::list(any(), any()));
    is_send(Endpoints::by_names(any(), any()));
    is_send(Endpoints::update(any(), any(), any()));
    is_send(Endpoints::scan(any(), any()));
    is_send(Endpoints::convert(any(), any(), any()));
    is_send(Endpoints::revert(any(), any()));
    is_send(Endpoints::with_old_issuer(any()));
    is_send(Endpoints::migrate_issuer(any(), any(), any()));
    is_send(Endpoints::create_federated(any(), any(), any()));
    is_send(Endpoints::complete_federated(any(), any(), any()));
    is_send(Endpoints::delete_federated(any(), any(), any(), any()));
    is_send(Endpoints::pipeline_grants(any(), any()));
    is_send(Endpoints::grant_all_pipelines(any(), any(), any()));
    is_send(Endpoints::grant_pipelines(any(), any(), any(), any()));
    is_send(Endpoints::executions(any(), any(), any(), any()));
    is_send(Endpoints::all_executions(any(), any(), any()));
    is_send(Organization::has_right(any(), any(), any()));
    is_send(Organization::permission(any(), any()));
    is_send(Organization::connection_permission(any(), any(), any()));
    is_send(Endpoints::secret_permission(any(), any()));
    is_send(Organization::picker(any(), any()));
    is_send(Organization::create_personal_token(any(), any()));
    is_send(Organization::personal_tokens(any()));
    is_send(Organization::extend_personal_token(any(), any(), any()));
    is_send(Organization::revoke_personal_token(any(), any()));
    is_send(Organization::endpoint_types(any(), any(), any()));
    is_send(Endpoints::verify_stored(any(), any(), any()));
    is_send(Endpoints::verify_candidate(any(), any(), any()));
    is_send(RegistryCheck::reachable(any(), any()));
    is_send(RegistryCheck::verify(any(), any(), any(), any()));
}

/// Of the emulator over HTTP.
fn emulator() {
    is_send(serve(any(), any()));
    is_send(Server::run(any()));
    is_send(Server::run_until(any(), any::<Ready<()>>()));
    is_send(Visitor::visit(any(), any(), any()));
}

/// Of Microsoft Graph.
fn graph() {
    is_send(GraphClient::password_of_secret(any(), any::<ClientId>(), any()));
    is_send(GraphClient::match_secret(any(), any::<ClientId>(), any()));
    is_send(GraphClient::compare_hints(any(), any::<PasswordHolder>(), any()));
    is_send(GraphClient::application(any(), any()));
    is_send(GraphClient::application_by_client_id(any(), any()));
    is_send(GraphClient::applications(any(), any()));
    is_send(GraphClient::federated_credentials(any(), any::<ClientId>()));
    is_send(GraphClient::federated_credential(any(), any::<ClientId>(), any::<FederatedCredentialId>()));
    is_send(GraphClient::create_federated_credential(any(), any::<ClientId>(), any()));
    is_send(GraphClient::update_federated_credential(any(), any::<ClientId>(), any::<FederatedCredentialId>(), any()));
    is_send(GraphClient::delete_federated_credential(any(), any::<ClientId>(), any::<FederatedCredentialId>()));
    is_send(GraphClient::ensure_federated_credential(any(), any::<ClientId>(), any()));
    is_send(GraphClient::add_password(any(), any::<ApplicationObjectId>(), any()));
    is_send(GraphClient::remove_password(any(), any::<ApplicationObjectId>(), any()));
    is_send(GraphClient::default_app_management_policy(any()));
    is_send(GraphClient::app_management_policies(any(), any()));
    is_send(GraphClient::application_marked(any(), any()));
    is_send(GraphClient::create_application(any(), any()));
    is_send(GraphClient::ensure_application(any(), any()));
    is_send(GraphClient::update_application(any(), any::<ClientId>(), any()));
    is_send(GraphClient::delete_application(any(), any::<ClientId>()));
    is_send(GraphClient::deleted_applications(any()));
    is_send(GraphClient::restore_application(any(), any()));
    is_send(GraphClient::purge_deleted_application(any(), any()));
    is_send(GraphClient::owners(any(), any::<ClientId>()));
    is_send(GraphClient::add_owner(any(), any::<ClientId>(), any::<DirectoryObjectId>()));
    is_send(GraphClient::remove_owner(any(), any::<ClientId>(), any::<DirectoryObjectId>()));
    is_send(GraphClient::add_certificate(any(), any::<ClientId>(), any(), any()));
    is_send(GraphClient::remove_certificate(any(), any::<ClientId>(), any()));
    is_send(GraphClient::redirect_uris(any(), any::<ClientId>()));
    is_send(GraphClient::add_redirect_uri(any(), any::<ClientId>(), any(), any()));
    is_send(GraphClient::remove_redirect_uri(any(), any::<ClientId>(), any(), any()));
    is_send(GraphClient::required_permissions(any(), any::<ClientId>()));
    is_send(GraphClient::add_required_permissions(any(), any::<ClientId>(), any()));
    is_send(GraphClient::remove_required_permissions(any(), any::<ClientId>(), any()));
    is_send(GraphClient::ensure_service_principal(any(), any()));
    is_send(GraphClient::delete_service_principal(any(), any()));
    is_send(GraphClient::service_principals_named(any(), any()));
    is_send(GraphClient::consents(any(), any()));
    is_send(GraphClient::grant_consent(any(), any()));
    is_send(GraphClient::revoke_consent(any(), any()));
    is_send(GraphClient::service_principal(any(), any()));
    is_send(GraphClient::service_principal_by_client_id(any(), any()));
}

/// Of the pipeline.
fn http() {
    is_send(Poller::wait(any()));
    is_send(Poller::poll(any()));
    is_send(Pages::<String>::next(any()));
    is_send(Pages::<String>::all(any(), any()));
    is_send(Pipeline::execute(any(), any(), any()));
    is_send(Pipeline::execute_streaming(any(), any(), any()));
}

/// Of rotation.
fn rotation() {
    is_send(Rotator::plan(any(), any()));
    is_send(Rotator::plan_now(any(), any()));
    is_send(Rotator::rotate(any(), any()));
    is_send(Rotator::rotate_now(any(), any()));
    is_send(Rotator::resume(any(), any()));
    is_send(Rotator::unblock(any(), any()));
    is_send(Rotator::resolve(any(), any(), any()));
    is_send(Rotator::disconnect(any(), any()));
    is_send(Rotator::audit(any(), any()));
    is_send(Rotator::state(any(), any()));
    is_send(Rotator::events(any(), any()));
    is_send(Rotator::history(any(), any()));
    is_send(Rotator::unfinished(any()));
    is_send(Rotator::rotate_due(any(), any(), any()));
}

/// Of sagas.
fn setup() {
    is_send(ApplicationSetup::secret(any(), any()));
}

fn saga() {
    is_send(read::<AnySaga>(any(), any()));
    is_send(history::<AnySaga>(any(), any()));
    is_send(audit::<AnySaga>(any(), any()));
    is_send(within(any(), any(), any(), any::<Ready<()>>()));
    is_send(Session::<AnySaga>::open(any(), any()));
    is_send(Session::<AnySaga>::append(any(), any()));
    is_send(Session::<AnySaga>::settle(any()));
    is_send(Session::<AnySaga>::guard(any(), any::<Ready<()>>()));
    is_send(Session::<AnySaga>::renew(any()));
    is_send(Session::<AnySaga>::close(any()));
}

/// Of the store.
fn store() {
    is_send(SqliteStore::open(any::<PathBuf>(), any::<SealingKey>(), any()));
    is_send(SqliteStore::open_with_key_file(any::<PathBuf>(), any::<PathBuf>(), any()));
    is_send(SqliteStore::reseal(any()));
    is_send(SqliteStore::reseal_some(any(), any()));
    is_send(SqliteStore::wrap_key(any(), any()));
    is_send(SqliteOptions::open_wrapped(any(), any::<PathBuf>(), any(), any()));
    is_send(PostgresOptions::open(any(), any::<SealingKey>(), any()));
    is_send(PostgresStore::open(any(), any::<SealingKey>(), any()));
    is_send(PostgresStore::reseal(any()));
    is_send(PostgresStore::reseal_some(any(), any()));
    is_send(PostgresStore::wrap_key(any(), any()));
    is_send(PostgresOptions::open_wrapped(any(), any(), any()));
    is_send(SqliteStore::set_aside(any(), any()));
    is_send(SqliteOptions::open(any(), any::<PathBuf>(), any::<SealingKey>(), any()));
    is_send(SqliteOptions::open_with_key_file(any(), any::<PathBuf>(), any::<PathBuf>(), any()));
}

/// Of the front door.
fn facade() {
    is_send(Azure::identity_with_record(any(), any(), any(), any()));
    is_send(Connections::connect(any(), any(), any()));
    is_send(Connections::test(any(), any()));
    is_send(Connections::identity(any(), any()));
    is_send(Connections::disconnect(any(), any()));
    is_send(Connections::replace_secret(any(), any(), any()));
    is_send(Connections::adopt(any(), any()));
    is_send(Connections::get(any(), any()));
    is_send(Connections::list(any(), any()));
    is_send(Connections::describe(any(), any(), any()));
    is_send(Connections::sweep(any(), any()));
    is_send(ExpiryRadar::look(any(), any()));
    is_send(ExpiryRadar::crossings(any(), any()));
    is_send(ExpiryRadar::acknowledge(any(), any()));
    is_send(ExpiryRadar::forget_removed(any()));
    is_send(Connections::check_form(any(), any()));
    is_send(AccountLinks::check(any(), any()));
    is_send(AccountLinks::finish(any(), any(), any()));
    is_send(AccountLinks::get(any(), any()));
    is_send(AccountLinks::keep(any(), any(), any()));
    is_send(AccountLinks::list(any(), any()));
    is_send(AccountLinks::sign_in(any(), any()));
    is_send(AccountLinks::sign_in_at(any(), any(), any()));
    is_send(AccountLinks::sweep(any(), any()));
    is_send(AccountLinks::sweep_with_nobody_linked(any(), any()));
    is_send(AccountLinks::unlink(any(), any()));
    is_send(KeptTokens::<Application>::forget(any()));
    is_send(LinkedIdentity::fit(any(), any()));
    is_send(Organization::repositories(any()));
    is_send(Connections::connect_checked(any(), any()));
    is_send(Connections::check(any(), any()));
    is_send(CloudDiscovery::discover(any()));
    is_send(ManagedIdentity::detect(any(), any(), any::<fn(&str) -> Option<String>>()));
    is_send(DeviceSignIn::poll(any(), any()));
    is_send(DeviceSignIn::start(any()));
    is_send(DeviceSignIn::wait(any(), any()));
    is_send(ProviderEndpoints::discover(any(), any()));
    is_send(WebSignIn::finish(any(), any(), any()));
    is_send(TenantDiscovery::find(any(), any()));
    is_send(TenantDiscovery::is_reachable(any()));
    is_send(Records::<ConnectionRecord>::insert(any(), any()));
    is_send(Records::<ConnectionRecord>::get(any(), any()));
    is_send(Records::<ConnectionRecord>::list(any(), any()));
    is_send(Records::<ConnectionRecord>::all(any(), any()));
    is_send(Records::<ConnectionRecord>::replace(any(), any(), any()));
    is_send(Records::<ConnectionRecord>::remove(any(), any(), any()));
    is_send(Azure::disconnect(any(), any(), any()));
    is_send(TenantIntegrations::get(any(), any()));
    is_send(TenantIntegrations::list(any(), any()));
    is_send(TenantIntegrations::validate(any(), any()));
    is_send(TenantIntegrations::save(any(), any()));
    is_send(TenantIntegrations::forget(any(), any()));
    is_send(TenantIntegrations::devops(any(), any()));
    is_send(TenantIntegrations::devops_of(any(), any()));
    is_send(TenantIntegrations::sweep(any(), any()));
    is_send(Bindings::get(any(), any()));
    is_send(Bindings::list(any(), any()));
    is_send(Bindings::bind(any(), any(), any(), any()));
    is_send(Bindings::unbind(any(), any(), any()));
    is_send(Bindings::adopt(any(), any(), any()));
    is_send(Bindings::target(any(), any()));
    is_send(Bindings::target_by(any(), any(), any()));
    is_send(Bindings::states(any(), any()));
    is_send(Bindings::steps(any(), any()));
    is_send(Bindings::bind_chosen(any(), any()));
}

/// The public async functions in the sources of the libraries, as `Type::function` or `function`. The testkit is left out:
/// a suite takes a test's own async closure, of which nobody can say that its future is `Send`.
fn declared() -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let mut found = BTreeSet::new();
    for folder in fs::read_dir(crates).unwrap().map(|entry| entry.unwrap().path()) {
        if !folder.ends_with("azconnect-testkit") {
            sources(&folder.join("src"), &mut |text| collect(text, &mut found));
        }
    }
    found
}

fn sources(folder: &Path, read: &mut dyn FnMut(&str)) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            sources(&path, read);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            read(&fs::read_to_string(path).unwrap());
        }
    }
}

/// Reads the functions of one file. Formatted code begins an `impl` and ends it at the margin.
fn collect(text: &str, found: &mut BTreeSet<String>) {
    let mut implemented = String::new();
    for line in text.lines() {
        if line.starts_with("impl") {
            let plain = without_generics(line.trim_start_matches("impl"));
            let words = plain.split_whitespace().skip_while(|word| plain.contains(" for ") && *word != "for");
            implemented = words.filter(|word| *word != "for").take(1).collect();
        } else if line.starts_with('}') {
            implemented.clear();
        }
        if let Some(rest) = line.trim_start().strip_prefix("pub async fn ") {
            let name: String = rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            found.insert(if implemented.is_empty() { name } else { format!("{implemented}::{name}") });
        }
    }
}

/// The text without what stands in angle brackets.
fn without_generics(text: &str) -> String {
    let mut depth = 0;
    let outside = text.chars().filter(|letter| {
        depth += i32::from(*letter == '<');
        let keep = depth == 0;
        depth -= i32::from(*letter == '>');
        keep
    });
    outside.collect()
}

#[test]
fn every_public_async_function_is_named() {
    let lines = include_str!("send.rs").lines().filter_map(|line| line.trim().strip_prefix("is_send("));
    let path = |line: &str| {
        let plain = without_generics(line).replace("::::", "::");
        plain.split('(').next().unwrap().trim_end_matches("::").to_owned()
    };
    let named: BTreeSet<String> = lines.map(path).collect();
    let declared = declared();
    let missing: Vec<_> = declared.difference(&named).collect();
    assert!(missing.is_empty(), "name these in send.rs, a line each: {missing:#?}");
    let gone: Vec<_> = named.difference(&declared).collect();
    assert!(gone.is_empty(), "these are public async functions no more: {gone:#?}");
    assert!(!CHECKED.is_empty());
}

#[test]
fn no_port_gives_up_send() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    // Written apart, so that this file does not find itself.
    let mark = concat!("async_trait(", "?Send)");
    sources(&crates, &mut |text| assert!(!text.contains(mark), "a port's futures are `Send`"));
}

//! The page's addresses.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Query, RawQuery, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HOST, REFERRER_POLICY, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use azconnect::core::Error;
use azconnect::credential::{LinkRole, LinkedAs};
use azconnect::identity::user::{Prompt, RedirectAnswer, SignInOptions};
use azconnect::{FitRequest, PendingLink};
use serde::Deserialize;
use uuid::Uuid;

use crate::html;
use crate::site::Site;

/// The cookie that says which browser a sign-in was begun in.
const BROWSER: &str = "browser";

type Shared = State<Arc<Site>>;

pub fn router(site: Site) -> Router {
    let site = Arc::new(site);
    Router::new()
        .route("/", get(home))
        .route("/linked", get(linked))
        .route("/fit", get(fit))
        .route("/link", post(link))
        .route("/refresh", post(refresh))
        .route("/unlink", post(unlink))
        .layer(from_fn_with_state(site.clone(), guarded))
        .with_state(site)
}

/// Lets only this page's own name in, and keeps what it shows to the browser that asked.
async fn guarded(State(site): Shared, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if site.is_other_name(host) && request.method() == Method::GET {
        return Redirect::to(&site.address()).into_response();
    }
    if !site.is_own_host(host) {
        return (StatusCode::MISDIRECTED_REQUEST, "open the page by the address that the program printed")
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The address that a browser comes back to holds a code.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

#[derive(Deserialize)]
struct Posted {
    form: String,
}

impl Posted {
    /// Refuses a form of another page.
    fn require(&self, site: &Site) -> Result<(), Told> {
        if self.form == site.form_token() {
            return Ok(());
        }
        Err(Error::invalid("form", "the form is not this page's, or the program was started anew")
            .with_advice("open the page again")
            .into())
    }
}

/// An error as the page says it, after which a person goes on at the start.
struct Told(Error);

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        let said = self.0.service_text().map(|text| format!("<p>The service says: {}</p>", html::escaped(text)));
        let body = format!(
            "<p id=\"note\" class=\"bad\">{}</p><p id=\"remedy\">{}</p>{}<p><a id=\"back\" href=\"/\">Back</a></p>",
            html::escaped(&self.0.to_string()),
            html::escaped(self.0.advice()),
            said.unwrap_or_default()
        );
        (StatusCode::BAD_REQUEST, Html(html::page(&body))).into_response()
    }
}

async fn home(State(site): Shared) -> Result<Html<String>, Told> {
    let found = site.accounts.get(LinkedAs::ServiceUser).await?;
    let note = site.said().map(|note| html::note(&note)).unwrap_or_default();
    let account = html::account(&site, found.as_ref().map(|found| &found.value));
    Ok(Html(html::page(&format!("{note}{account}"))))
}

/// Sends the browser to the login. What was begun is tied to this browser by a cookie, so that nobody can be made to finish
/// another's sign-in.
async fn link(State(site): Shared, headers: HeaderMap, Form(posted): Form<Posted>) -> Result<Response, Told> {
    posted.require(&site)?;
    // A browser that knows an account takes it without a word, and that may be the one that is linked already.
    let options = SignInOptions::new().with_prompt(Prompt::SelectAccount);
    let (address, pending) = site.linking.begin(LinkRole::ServiceUser, &options).await?;
    let browser = browser_of(&headers).unwrap_or_else(|| Uuid::new_v4().simple().to_string());
    site.begin(pending.key(), browser.clone(), pending.to_secret());
    let cookie = format!("{BROWSER}={browser}; Path=/; HttpOnly; SameSite=Lax");
    Ok(([(SET_COOKIE, cookie)], Redirect::to(address.as_str())).into_response())
}

/// Where the login sends the browser back to.
async fn linked(State(site): Shared, headers: HeaderMap, RawQuery(query): RawQuery) -> Result<Redirect, Told> {
    let answer = RedirectAnswer::from_query(query.as_deref().unwrap_or_default())?;
    let begun = browser_of(&headers).and_then(|browser| site.come_back(&answer.key(), &browser));
    let begun = begun.ok_or_else(|| {
        Error::invalid(
            "answer",
            "no sign-in was begun in this browser that this belongs to, or it was finished already",
        )
        .with_advice("link the account again")
    })?;
    let done = site.linking.finish(PendingLink::from_secret(&begun)?, &answer).await?;
    let text = match done.replaced {
        Some(_) => format!("{} is linked now. What the former account had lent is forgotten.", done.account.person),
        None => format!("{} is linked.", done.account.person),
    };
    site.say(true, text);
    Ok(Redirect::to("/"))
}

async fn refresh(State(site): Shared, Form(posted): Form<Posted>) -> Result<Redirect, Told> {
    posted.require(&site)?;
    let report = site.accounts.check(LinkedAs::ServiceUser).await?;
    match report.failures().next() {
        Some(check) => site.say(false, check.to_string()),
        None if report.iter().all(|check| !check.remedy.is_empty()) => site.say(false, "It could not be found out."),
        None => site.say(true, "Entra ID gives tokens in this person's name."),
    }
    Ok(Redirect::to("/"))
}

async fn unlink(State(site): Shared, Form(posted): Form<Posted>) -> Result<Redirect, Told> {
    posted.require(&site)?;
    site.linking.unlink(LinkedAs::ServiceUser).await?;
    site.say(true, "What was lent is forgotten. At Entra ID the person can withdraw the consent as well.");
    Ok(Redirect::to("/"))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    organization: String,
    #[serde(default)]
    projects: String,
    #[serde(default)]
    repositories: String,
}

async fn fit(State(site): Shared, Query(wanted): Query<Wanted>) -> Result<Html<String>, Told> {
    let names = |text: &str| {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut request = FitRequest::new(wanted.organization.trim());
    (request.projects, request.repositories) = (names(&wanted.projects), names(&wanted.repositories));
    let lent = site.lending.lend(LinkedAs::ServiceUser).await?;
    let report = site.lending.fit(&lent, &request).await;
    let body = format!(
        "<p>As {} sees {}:</p>{}<p><a id=\"back\" href=\"/\">Back</a></p>",
        html::escaped(&lent.account.person.to_string()),
        html::escaped(&request.organization),
        html::checks(&report)
    );
    Ok(Html(html::page(&body)))
}

/// Which browser asks, by its cookie.
fn browser_of(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == BROWSER).map(|(_, value)| value.to_owned())
}

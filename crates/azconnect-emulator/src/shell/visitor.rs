//! Somebody in front of a browser, for tests that have none: follows the pages of a sign-in and fills in their forms.

use std::sync::{Arc, Mutex, PoisonError};

use azconnect_core::{Error, ErrorKind, Secret};
use azconnect_http::Transport;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use url::Url;
use url::form_urlencoded::Serializer;

/// More pages than any sign-in has.
const PAGES: usize = 12;

/// Somebody in front of a browser that keeps its cookie, so that a second sign-in asks for nothing.
///
/// Every page is fetched and every form posted as a browser would, so that what a test sees is what the pages do.
///
/// ```
/// # use std::sync::Arc;
/// # use azconnect_emulator::{Conduct, Emulator, Seed};
/// # use azconnect_testkit::ManualClock;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let seed = Seed::from_json(r#"{"tenants": [{
///     "id": "6a4d7f5e-0c5c-4f6c-8d0f-1b9a3a0c1d01", "domain": "contoso.onmicrosoft.com",
///     "users": [{"userPrincipalName": "ada@contoso.onmicrosoft.com"}],
///     "applications": [{"displayName": "Portal", "clientId": "10000000-0000-4000-8000-000000000003",
///                       "webRedirectUris": ["https://portal.example/signed-in"]}]
/// }]}"#)?;
/// let emulator = Emulator::from_seed(seed, Arc::new(ManualClock::new()))?;
/// let address = "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/authorize\
///                ?client_id=10000000-0000-4000-8000-000000000003&response_type=code&scope=openid+User.Read\
///                &redirect_uri=https%3A%2F%2Fportal.example%2Fsigned-in&state=1";
/// let landing = emulator.visitor().visit(address, &Conduct::of("ada@contoso.onmicrosoft.com")).await?;
/// assert!(landing.field("code").is_some() && landing.field("state").as_deref() == Some("1"));
/// # Ok(())
/// # }
/// ```
pub struct Visitor {
    transport: Arc<dyn Transport>,
    cookie: Mutex<Option<String>>,
}

/// What a person does in front of the pages.
#[derive(Debug)]
#[non_exhaustive]
pub struct Conduct {
    user: String,
    password: Option<Secret>,
    code: Option<String>,
    consents: bool,
    for_organization: bool,
    approves: bool,
}

impl Conduct {
    /// Signs in under a name, consents and approves whatever it is asked.
    pub fn of(user_principal_name: &str) -> Self {
        Self {
            user: user_principal_name.to_owned(),
            password: None,
            code: None,
            consents: true,
            for_organization: false,
            approves: true,
        }
    }

    /// Enters this password where one is asked for.
    #[must_use]
    pub fn with_password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// Enters the code that a device shows.
    #[must_use]
    pub fn with_code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// Declines where it is asked to consent, or to let a device go on.
    #[must_use]
    pub fn declining(mut self) -> Self {
        self.consents = false;
        self
    }

    /// Consents for the whole organization, where that is offered.
    #[must_use]
    pub fn for_organization(mut self) -> Self {
        self.for_organization = true;
        self
    }

    /// Denies the request of the authenticator.
    #[must_use]
    pub fn denying(mut self) -> Self {
        self.approves = false;
        self
    }
}

/// Where a sign-in ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Landing {
    /// At an application, with the answer in the query or the fragment of its address.
    Redirected(Url),
    /// At an application, with the answer in a form that the browser posts to it.
    Posted {
        /// The address of the application.
        address: Url,
        /// The names and values of the form.
        fields: Vec<(String, String)>,
    },
    /// On a page that leads nowhere without the person, or on one that says that all is done.
    Shown {
        /// The name of the page, as its `data-page` says it.
        page: String,
        /// What the page complains about, or else what it says.
        text: String,
    },
}

impl Landing {
    /// A field of the answer, wherever it travels.
    pub fn field(&self, name: &str) -> Option<String> {
        let of = |text: &str| {
            let mut pairs = url::form_urlencoded::parse(text.as_bytes());
            pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        };
        match self {
            Self::Redirected(url) => url.fragment().and_then(of).or_else(|| url.query().and_then(of)),
            Self::Posted { fields, .. } => {
                fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
            }
            Self::Shown { .. } => None,
        }
    }
}

impl Visitor {
    /// Somebody whose browser uses a transport, such as one that reaches [`serve`](crate::server::serve).
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self { transport, cookie: Mutex::default() }
    }

    /// Opens an address of the sign-in, does what the pages ask, and says where that leads.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what is no address; [`Unexpected`](ErrorKind::Unexpected) for a page that is
    /// none of the sign-in's; and what the transport fails with.
    ///
    /// # Cancel safety
    /// Dropped, the sign-in stays on the page that it had reached.
    pub async fn visit(&self, address: &str, conduct: &Conduct) -> Result<Landing, Error> {
        let mut step = Step { method: Method::GET, address: parsed(address)?, form: Vec::new() };
        for _ in 0..PAGES {
            let answer = self.transport.send(self.request(&step)?).await?;
            self.keep_cookie(&answer);
            if let Some(location) = answer.headers().get(LOCATION) {
                return location.to_str().map_or_else(|_| Err(odd()), |text| parsed(text).map(Landing::Redirected));
            }
            let page = Html(String::from_utf8_lossy(answer.body()).into_owned());
            match page.next(&step.address, conduct)? {
                Ok(next) => step = next,
                Err(landing) => return Ok(landing),
            }
        }
        Err(odd())
    }

    fn request(&self, step: &Step) -> Result<azconnect_http::Request, Error> {
        let mut request = http::Request::builder().method(step.method.clone()).uri(step.address.as_str());
        if let Some(cookie) = &*self.cookie.lock().unwrap_or_else(PoisonError::into_inner) {
            request = request.header(COOKIE, cookie);
        }
        let mut body = Bytes::new();
        if step.method == Method::POST {
            body = Serializer::new(String::new()).extend_pairs(&step.form).finish().into();
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                // As every browser says it for a form.
                .header(ORIGIN, step.address.origin().ascii_serialization());
        }
        request.body(body).map_err(|error| odd().with_source(error))
    }

    fn keep_cookie(&self, answer: &azconnect_http::Response) {
        let told = answer.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
        if let Some(pair) = told.and_then(|told| told.split(';').next()) {
            let kept = Some(pair.to_owned()).filter(|pair| !pair.ends_with('='));
            *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        }
    }
}

impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

/// The next request of a browser.
struct Step {
    method: Method,
    address: Url,
    form: Vec<(String, String)>,
}

/// A page of the emulator's own, whose HTML is as plain as this needs it.
struct Html(String);

impl Html {
    /// What the person does on this page, or where it has landed.
    fn next(&self, here: &Url, conduct: &Conduct) -> Result<Result<Step, Landing>, Error> {
        let page = self.attribute("<body", "data-page").ok_or_else(odd)?;
        let shown =
            |text: Option<String>| Ok(Err(Landing::Shown { page: page.clone(), text: text.unwrap_or_default() }));
        if let Some(complaint) = self.text_of("complaint") {
            return shown(Some(complaint));
        }
        let password = conduct.password.as_ref().map(|password| password.expose().to_owned()).unwrap_or_default();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let action = |yes: bool, value: &str, other: &str| vec![pair("action", if yes { value } else { other })];
        let filled = match page.as_str() {
            "email" => vec![pair("email", &conduct.user), pair("action", "next")],
            "password" => vec![pair("password", &password), pair("action", "sign-in")],
            "account" => vec![pair("account", &self.account(&conduct.user))],
            "mfa" => action(conduct.approves, "approve", "deny"),
            "device-confirm" => action(conduct.consents, "continue", "cancel"),
            "consent" => {
                let mut fields = action(conduct.consents, "accept", "cancel");
                fields.extend(conduct.for_organization.then(|| pair("for-organization", "true")));
                fields
            }
            "approval-needed" => action(true, "leave", ""),
            "device-code" => match &conduct.code {
                Some(code) => vec![pair("code", code)],
                None => return shown(self.text_of("explanation")),
            },
            "posting" => {
                let address = parsed(&self.attribute("<form", "action").ok_or_else(odd)?)?;
                return Ok(Err(Landing::Posted { address, fields: self.hidden() }));
            }
            "error" => return shown(self.text_of("error")),
            _ => return shown(self.text_of("message")),
        };
        let action = self.attribute("<form", "action").ok_or_else(odd)?;
        let mut address = here.join(&action).map_err(|error| odd().with_source(error))?;
        if self.attribute("<form", "method").as_deref() == Some("get") {
            address.query_pairs_mut().clear().extend_pairs(&filled);
            return Ok(Ok(Step { method: Method::GET, address, form: Vec::new() }));
        }
        let form = self.hidden().into_iter().chain(filled).collect();
        Ok(Ok(Step { method: Method::POST, address, form }))
    }

    /// An attribute of the first element of a name.
    fn attribute(&self, element: &str, name: &str) -> Option<String> {
        let (_, rest) = self.0.split_once(element)?;
        value_of(rest.split('>').next()?, name)
    }

    /// The text of the paragraph with an id.
    fn text_of(&self, id: &str) -> Option<String> {
        let (_, rest) = self.0.split_once(&format!("<p id=\"{id}\""))?;
        let (_, rest) = rest.split_once('>')?;
        Some(unescape(rest.split("</p>").next()?))
    }

    fn hidden(&self) -> Vec<(String, String)> {
        let inputs = self.0.split("<input type=\"hidden\"").skip(1).filter_map(|rest| rest.split('>').next());
        inputs.filter_map(|input| Some((value_of(input, "name")?, value_of(input, "value")?))).collect()
    }

    /// The button of an account, or that of another one.
    fn account(&self, user: &str) -> String {
        let buttons = self.0.split("<button").skip(1).filter_map(|rest| rest.split("</button>").next());
        let mut named = buttons
            .filter(|button| button.rsplit('>').next().is_some_and(|label| unescape(label).eq_ignore_ascii_case(user)));
        named.next().and_then(|button| value_of(button, "value")).unwrap_or_else(|| "other".to_owned())
    }
}

fn value_of(element: &str, name: &str) -> Option<String> {
    let (_, rest) = element.split_once(&format!(" {name}=\""))?;
    Some(unescape(rest.split('"').next()?))
}

fn unescape(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&amp;", "&")
}

fn parsed(address: &str) -> Result<Url, Error> {
    Url::parse(address).map_err(|error| {
        Error::invalid("address", "it is no address")
            .with_source(error)
            .with_advice("give it whole, from its scheme on")
    })
}

fn odd() -> Error {
    Error::new(ErrorKind::Unexpected, "the sign-in answered with something that is no page of its own").with_advice(
        "give the address of an authorization request, of a device's page or of an administrator's consent",
    )
}

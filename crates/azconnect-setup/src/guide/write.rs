//! Writes a guide: each step with its clicks and its commands.

use azconnect_core::Cloud;

use super::shell::Command;
use super::{GuideStep, GuideValue, SetupGuide, portal};
use crate::part::Step;
use crate::permission::{ApiPermission, ApiPermissionKind};
use crate::spec::{
    CredentialWish, FederatedTrust, Platform, PublicCertificate, SetupAudience, SetupSpec, SubscriptionAccess,
};

/// The variables in which commands leave the client id and the object id of the service principal.
const APPLICATION: &str = "APP_ID";
const PRINCIPAL: &str = "SP_ID";

const ADMINISTRATOR: &str = "an Application Administrator";
const CONSENTING: &str = "a Cloud Application Administrator or a Privileged Role Administrator";

struct Writer<'a> {
    spec: &'a SetupSpec,
    cloud: &'a Cloud,
    steps: Vec<GuideStep>,
}

pub(super) fn guide(spec: &SetupSpec, cloud: &Cloud) -> SetupGuide {
    let mut writer = Writer { spec, cloud, steps: Vec::new() };
    writer.sign_in();
    writer.application();
    writer.addresses();
    writer.principal();
    writer.owners();
    writer.permissions();
    writer.credential();
    if let Some(access) = &spec.access {
        writer.group(access);
        writer.role(access);
    }
    writer.consent();
    SetupGuide {
        title: format!("Set up {} in the tenant {}", spec.display_name, spec.tenant),
        steps: writer.steps,
        bring_back: bring_back(spec),
    }
}

impl Writer<'_> {
    fn push(
        &mut self,
        step: Step,
        who: &str,
        title: impl Into<String>,
        portal: Vec<String>,
        commands: Vec<String>,
        values: Vec<GuideValue>,
    ) {
        let number = self.steps.len() + 1;
        self.steps.push(GuideStep { number, step, title: title.into(), who: who.to_owned(), portal, commands, values });
    }

    fn sign_in(&mut self) {
        let tenant = self.spec.tenant.to_string();
        let mut commands = Vec::new();
        if let Some(name) = az_cloud(self.cloud) {
            commands.push(Command::az("cloud set").with("--name", name).text());
        }
        commands.push(Command::az("login").with("--tenant", &tenant).flag("--allow-no-subscriptions").text());
        let clicks = vec![format!("Open the portal and switch to the directory {tenant}")];
        let values = vec![GuideValue::new("Directory (tenant) ID", tenant)];
        self.push(Step::Application, ADMINISTRATOR, "Sign in to the tenant", clicks, commands, values);
    }

    fn application(&mut self) {
        let spec = self.spec;
        if let Some(client) = spec.application {
            let client = client.to_string();
            let command = Command::az("ad app show").with("--id", &client).into_variable(APPLICATION, "appId");
            let clicks = vec![format!("Microsoft Entra ID > App registrations > All applications > {client}")];
            let values = vec![GuideValue::new("Application (client) ID", client)];
            self.push(Step::Application, ADMINISTRATOR, "Find the application", clicks, vec![command], values);
            return;
        }
        let audience = match spec.audience {
            SetupAudience::OwnTenant => "AzureADMyOrg",
            SetupAudience::AnyTenant => "AzureADMultipleOrgs",
        };
        let command = Command::az("ad app create")
            .with("--display-name", &spec.display_name)
            .with("--sign-in-audience", audience)
            .into_variable(APPLICATION, "appId");
        let values = vec![GuideValue::new("Name", &spec.display_name)];
        let title = "Register the application";
        self.push(Step::Application, ADMINISTRATOR, title, portal::application(spec), vec![command], values);
    }

    fn addresses(&mut self) {
        let spec = self.spec;
        if spec.redirect_uris.is_empty() {
            return;
        }
        let of = |platform: Platform| {
            spec.redirect_uris.iter().filter(move |uri| uri.platform == platform).map(|uri| uri.address.as_str())
        };
        let mut commands = Vec::new();
        let update = || Command::az("ad app update").with_variable("--id", APPLICATION);
        for (platform, option) in
            [(Platform::Web, "--web-redirect-uris"), (Platform::PublicClient, "--public-client-redirect-uris")]
        {
            if of(platform).next().is_some() {
                commands.push(update().with_all(option, of(platform)).text());
            }
        }
        if of(Platform::SinglePage).next().is_some() {
            // The program has no option of its own for them.
            let all: Vec<String> = of(Platform::SinglePage).map(json_text).collect();
            let set = format!("spa={{\"redirectUris\":[{}]}}", all.join(","));
            commands.push(update().with("--set", &set).text());
        }
        let values = spec.redirect_uris.iter().map(|uri| GuideValue::new("Redirect URI", &uri.address)).collect();
        let title = "Name the addresses to which sign-ins lead back";
        self.push(Step::Permissions, ADMINISTRATOR, title, portal::addresses(spec), commands, values);
    }

    fn principal(&mut self) {
        let command = Command::az("ad sp create").with_variable("--id", APPLICATION).into_variable(PRINCIPAL, "id");
        let clicks = vec!["Nothing: the portal has made it (Enterprise applications shows it)".to_owned()];
        let title = "Make it a service principal of the tenant";
        self.push(Step::Principal, ADMINISTRATOR, title, clicks, vec![command], Vec::new());
    }

    fn owners(&mut self) {
        if self.spec.owners.is_empty() {
            return;
        }
        let ids: Vec<String> = self.spec.owners.iter().map(ToString::to_string).collect();
        let add = |id: &String| {
            Command::az("ad app owner add").with_variable("--id", APPLICATION).with("--owner-object-id", id).text()
        };
        let mut clicks = vec!["App registrations > the application > Owners > Add owners".to_owned()];
        clicks.extend(ids.iter().map(|id| format!("Search for the object ID {id} and select it")));
        let values = ids.iter().map(|id| GuideValue::new("Object ID", id)).collect();
        self.push(Step::Owner, ADMINISTRATOR, "Name its owners", clicks, ids.iter().map(add).collect(), values);
    }

    fn permissions(&mut self) {
        let spec = self.spec;
        if spec.permissions.is_empty() && !spec.without_user_read {
            return;
        }
        let call = |words: &str, permission: &ApiPermission| {
            Command::az(words).with_variable("--id", APPLICATION).with("--api", &permission.resource.to_string())
        };
        let kind = |permission: &ApiPermission| match permission.kind {
            ApiPermissionKind::Delegated => "Scope",
            ApiPermissionKind::Application => "Role",
        };
        let add = |one: &ApiPermission| {
            let value = format!("{}={}", one.id, kind(one));
            call("ad app permission add", one).with("--api-permissions", &value).text()
        };
        let mut commands: Vec<String> = spec.permissions.iter().map(add).collect();
        // What is registered with the program asks for nothing; what the portal registers asks for User.Read.
        if spec.without_user_read && spec.application.is_some() {
            commands.push(call("ad app permission delete", &ApiPermission::graph_user_read()).text());
        }
        let values = spec.permissions.iter().map(|one| GuideValue::new(&one.resource_title(), &one.name)).collect();
        let title = "Choose the permissions that it asks for";
        self.push(Step::Permissions, ADMINISTRATOR, title, portal::permissions(spec), commands, values);
    }

    fn credential(&mut self) {
        let (title, clicks, command) = match &self.spec.credential {
            CredentialWish::Secret { lifetime } => secret(lifetime.as_secs().div_ceil(86_400)),
            CredentialWish::Certificate { certificate } => self::certificate(certificate),
            CredentialWish::Federated { trust } => federated(trust),
        };
        self.push(Step::Credential, ADMINISTRATOR, title, clicks, command, Vec::new());
    }

    fn group(&mut self, access: &SubscriptionAccess) {
        let Some((name, region)) =
            access.group.as_ref().and_then(|group| Some((&group.name, group.create_in.as_ref()?)))
        else {
            return;
        };
        let subscription = access.subscription.to_string();
        let command = Command::az("group create")
            .with("--name", name.as_str())
            .with("--location", region.as_str())
            .with("--subscription", &subscription);
        let clicks = vec![
            "Resource groups > Create".to_owned(),
            format!("Subscription: {subscription}; Resource group: {name}; Region: {region}"),
            "Review + create".to_owned(),
        ];
        let values = vec![
            GuideValue::new("Subscription", subscription),
            GuideValue::new("Resource group", name.as_str()),
            GuideValue::new("Region", region.as_str()),
        ];
        let who = "a Contributor or Owner of the subscription";
        self.push(Step::Group, who, "Create the resource group", clicks, vec![command.text()], values);
    }

    fn role(&mut self, access: &SubscriptionAccess) {
        let scope = access.scope();
        // By the id of the definition: a name may be that of a custom role as well.
        let command = Command::az("role assignment create")
            .with_variable("--assignee-object-id", PRINCIPAL)
            .with("--assignee-principal-type", "ServicePrincipal")
            .with("--role", &access.role.definition.to_string())
            .with("--scope", &scope);
        let values = vec![GuideValue::new("Role", &access.role.name), GuideValue::new("Scope", scope)];
        let who = "an Owner or a User Access Administrator";
        let title = format!("Give it the role {}", access.role.name);
        self.push(Step::Role, who, title, portal::role(access), vec![command.text()], values);
    }

    fn consent(&mut self) {
        if !self.spec.admin_consent {
            return;
        }
        let command = Command::az("ad app permission admin-consent").with_variable("--id", APPLICATION);
        let clicks = vec![
            "App registrations > the application > API permissions".to_owned(),
            "Grant admin consent for the directory > Yes".to_owned(),
        ];
        let title = "Consent to its permissions for everybody";
        self.push(Step::Consent, CONSENTING, title, clicks, vec![command.text()], Vec::new());
    }
}

type Written = (&'static str, Vec<String>, Vec<String>);

fn secret(days: u64) -> Written {
    // Appended, since the program removes every other secret of the application otherwise. What it prints is copied into the
    // product, and stands in no command.
    let command = format!(
        "{} --end-date \"$(date -u -d '+{days} days' +%Y-%m-%d)\" --query password --output tsv",
        Command::az("ad app credential reset")
            .with_variable("--id", APPLICATION)
            .flag("--append")
            .with("--display-name", "product")
            .text(),
    );
    let clicks = vec![
        "App registrations > the application > Certificates & secrets > New client secret".to_owned(),
        format!("Description: product; Expires: Custom, {days} days from today"),
        "Add; copy the Value at once, not the Secret ID: it is shown this once".to_owned(),
    ];
    ("Make a client secret, and copy its Value into the product", clicks, vec![command])
}

fn certificate(certificate: &PublicCertificate) -> Written {
    let command = Command::az("ad app credential reset")
        .with_variable("--id", APPLICATION)
        .flag("--append")
        .with("--cert", certificate.as_base64());
    let clicks = vec![
        "App registrations > the application > Certificates & secrets > Certificates".to_owned(),
        "Upload certificate: the public part, without its private key".to_owned(),
    ];
    ("Add the certificate that it signs in with", clicks, vec![command.text()])
}

fn federated(trust: &FederatedTrust) -> Written {
    let parameters = format!(
        "{{\"name\":\"product\",\"issuer\":{},\"subject\":{},\"audiences\":[{}]}}",
        json_text(&trust.issuer),
        json_text(&trust.subject),
        json_text(&trust.audience)
    );
    let command = Command::az("ad app federated-credential create")
        .with_variable("--id", APPLICATION)
        .with("--parameters", &parameters);
    let clicks = vec![
        "App registrations > the application > Certificates & secrets > Federated credentials > Add".to_owned(),
        "Federated credential scenario: Other issuer".to_owned(),
        format!("Issuer: {}", trust.issuer),
        format!("Subject identifier: {}", trust.subject),
        format!("Audience: {}; Name: product", trust.audience),
    ];
    ("Have it trust the tokens of the other issuer", clicks, vec![command.text()])
}

fn bring_back(spec: &SetupSpec) -> Vec<GuideValue> {
    let mut values = vec![
        GuideValue::new("Directory (tenant) ID", spec.tenant.to_string()),
        GuideValue::new("Application (client) ID", "the one that was shown when it was registered"),
    ];
    if matches!(spec.credential, CredentialWish::Secret { .. }) {
        values.push(GuideValue::new("Client secret", "its Value, in the product's own field and nowhere else"));
    }
    if let Some(access) = &spec.access {
        values.push(GuideValue::new("Subscription ID", access.subscription.to_string()));
        if let Some(group) = &access.group {
            values.push(GuideValue::new("Resource group", group.name.as_str()));
        }
    }
    values
}

/// The program's name of a cloud, where it is not the usual one.
fn az_cloud(cloud: &Cloud) -> Option<&'static str> {
    match cloud.login().host_str() {
        Some("login.microsoftonline.us") => Some("AzureUSGovernment"),
        Some("login.partner.microsoftonline.cn" | "login.chinacloudapi.cn") => Some("AzureChinaCloud"),
        _ => None,
    }
}

/// A text in JSON.
fn json_text(text: &str) -> String {
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

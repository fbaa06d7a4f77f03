//! Signing in at an identity provider on loopback, as browsers do it.

mod accounts;
mod addresses;
mod admin_mode;
mod answers;
mod provider;
mod tokens;

use std::{collections::BTreeMap, sync::Mutex};

use bursar::{demo::PASSWORD, oidc::OidcOptions};
use bursar_sdk::{Client, CreateFirstUserRequest, CreateUserRequest, LoginType, User};
use reqwest::redirect::Policy;
use serde_json::Value;
use testkit::{ServerOptions, TestDatabase, TestIssuer, TestServer, server::ACCESS_URL};
use url::Url;

use crate::support::login;

/// A deployment with an owner, whose people sign in at an issuer.
pub(crate) struct Scene {
    pub(crate) issuer: TestIssuer,
    pub(crate) database: TestDatabase,
    pub(crate) server: TestServer,
    pub(crate) owner: Client,
}

/// An answer to a browser.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) cookies: Vec<String>,
    pub(crate) text: String,
}

impl Page {
    /// Why somebody was not signed in.
    #[track_caller]
    pub(crate) fn kind(&self) -> String {
        assert!(self.status >= 400, "{self:?}");
        let body: Value = serde_json::from_str(&self.text).unwrap();
        assert!(
            body["message"].as_str().is_some_and(|m| m.ends_with('.')),
            "{self:?}"
        );
        assert!(self.cookies.is_empty(), "{self:?}");
        body["detail"].as_str().unwrap_or_default().to_owned()
    }
}

/// A browser: it keeps cookies, and goes where it is told by hand.
#[derive(Debug)]
pub(crate) struct Browser {
    http: reqwest::Client,
    /// Value and path, by name.
    cookies: Mutex<BTreeMap<String, (String, String)>>,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            cookies: Mutex::default(),
        }
    }

    /// Goes to an address. That of the deployment leads to this server, as a load balancer would do it.
    pub(crate) async fn go(&self, server: &TestServer, address: &str) -> Page {
        let (base, url) = (
            Url::parse(ACCESS_URL).unwrap(),
            Url::parse(address).unwrap(),
        );
        let ours = url.origin() == base.origin();
        let at = if ours {
            let path = url.path().strip_prefix(base.path()).unwrap();
            let query = url.query().unwrap_or_default();
            format!("{}{path}?{query}", server.url())
        } else {
            address.to_owned()
        };
        let mut request = self.http.get(at);
        if ours && let Some(cookies) = self.sent(url.path()) {
            request = request.header("cookie", cookies);
        }
        let response = request.send().await.unwrap();
        let all = |name| {
            let values = response.headers().get_all(name).into_iter();
            values
                .map(|value| value.to_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let page = Page {
            status: response.status().as_u16(),
            location: all("location").pop(),
            cookies: all("set-cookie"),
            text: String::new(),
        };
        if ours {
            page.cookies.iter().for_each(|cookie| self.keep(cookie));
        }
        let text = response.text().await.unwrap();
        Page { text, ..page }
    }

    fn keep(&self, cookie: &str) {
        let (pair, rest) = cookie.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        let path = rest
            .split("; ")
            .find_map(|part| part.strip_prefix("Path="))
            .unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        if rest.contains("Max-Age=0;") {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), (value.to_owned(), path.to_owned()));
        }
    }

    fn sent(&self, path: &str) -> Option<String> {
        let cookies = self.cookies.lock().unwrap();
        let here = cookies
            .iter()
            .filter(|(_, (_, at))| path.starts_with(at.as_str()));
        let pairs: Vec<_> = here
            .map(|(name, (value, _))| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The names of the cookies that are kept.
    pub(crate) fn cookie_names(&self) -> Vec<String> {
        self.cookies.lock().unwrap().keys().cloned().collect()
    }

    /// Leaves for the provider and comes back with its answer, which is not delivered yet.
    pub(crate) async fn leave(&self, server: &TestServer, query: &str) -> String {
        let start = format!("{ACCESS_URL}/api/v2/users/oidc/login{query}");
        let left = self.go(server, &start).await;
        assert_eq!(left.status, 303, "{left:?}");
        let there = self.go(server, &left.location.unwrap()).await;
        assert_eq!(there.status, 302, "{there:?}");
        there.location.unwrap()
    }

    /// Signs in, as far as it goes.
    pub(crate) async fn sign_in(&self, server: &TestServer) -> Page {
        let answer = self.leave(server, "").await;
        self.go(server, &answer).await
    }

    /// Signs in, and is who was signed in.
    pub(crate) async fn signed_in(&self, server: &TestServer) -> (Client, User) {
        let page = self.sign_in(server).await;
        assert_eq!(page.status, 303, "{page:?}");
        let client = self.session(server);
        let user = client.user_get("me").await.unwrap();
        (client, user)
    }

    /// The caller that the session cookie makes.
    pub(crate) fn session(&self, server: &TestServer) -> Client {
        let cookies = self.cookies.lock().unwrap();
        server
            .nobody()
            .with_token(cookies["bursar_session"].0.clone())
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut OidcOptions)) -> Self {
        let issuer = TestIssuer::start().await.unwrap();
        let mut oidc = issuer.options().unwrap();
        change(&mut oidc);
        let options = ServerOptions {
            oidc: Some(oidc),
            ..ServerOptions::default()
        };
        let database = TestDatabase::create().await.unwrap();
        let server = TestServer::start(&database, &options).await.unwrap();
        let first = CreateFirstUserRequest {
            email: "owner@example.com".to_owned(),
            username: "owner".to_owned(),
            name: String::new(),
            password: PASSWORD.into(),
        };
        server.nobody().first_user_create(&first).await.unwrap();
        let owner = login(server.nobody(), &first.email, PASSWORD)
            .await
            .unwrap();
        Self {
            issuer,
            database,
            server,
            owner,
        }
    }

    /// A sign-in of a new browser, as far as it goes.
    pub(crate) async fn sign_in(&self) -> Page {
        Browser::new().sign_in(&self.server).await
    }

    /// Who a new browser is, once it is signed in.
    pub(crate) async fn signed_in(&self) -> (Client, User) {
        Browser::new().signed_in(&self.server).await
    }

    /// An account of this address that an administrator made.
    pub(crate) async fn account(&self, username: &str, email: &str, kind: LoginType) -> User {
        let password = (kind == LoginType::Password).then(|| PASSWORD.into());
        let new = CreateUserRequest {
            email: email.to_owned(),
            username: username.to_owned(),
            name: String::new(),
            password,
            login_type: Some(kind),
            organization_ids: Vec::new(),
        };
        self.owner.user_create(&new).await.unwrap()
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        let client = self.database.owner().await.unwrap();
        let row = client
            .query_one(&format!("SELECT count(*) FROM {table}"), &[])
            .await
            .unwrap();
        row.get(0)
    }
}

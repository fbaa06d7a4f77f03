//! A sign-in that knows one token, and access that ends when a test says so.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use chrono::DateTime;
use http::{Extensions, HeaderMap};
use model::{GroupId, ProviderId, prices::ProviderKind, providers::Provider};
use secrecy::SecretString;
use tokio::sync::watch;
use uuid::Uuid;

use super::fakes::USER;
use crate::{
    AskFor,
    access::{Access, Denial, Entry, Names, Presence},
    ask::KEY_ID,
};

pub(super) const TOKEN: &str = "bursartoken-secretsecretsecretsec";
pub(super) const UNWANTED_TOKEN: &str = "bursartoken-withouttherighttouse";
pub(super) const PROVIDER: ProviderId = ProviderId(Uuid::from_u128(3));

/// Knows [`TOKEN`], and the providers `openai`, `compat` and `anthropic` at one address.
#[derive(Debug)]
pub(super) struct FakeAccess {
    pub(super) address: String,
    pub(super) key: String,
    pub(super) presence: FakePresence,
}

/// The caller's access: good until a test says otherwise.
#[derive(Debug, Clone, Default)]
pub(super) struct FakePresence {
    /// Whether whoever asks is told no.
    pub(super) refused: Arc<AtomicBool>,
    /// Whether those who go on are told to stop.
    pub(super) ended: watch::Sender<bool>,
}

const GONE: Denial = Denial::Unauthorized("the account is suspended");

#[async_trait]
impl Presence for FakePresence {
    async fn confirm(&self) -> Result<(), Denial> {
        match self.refused.load(Ordering::Relaxed) {
            true => Err(GONE),
            false => Ok(()),
        }
    }

    async fn ended(&self) -> Denial {
        let mut ended = self.ended.subscribe();
        ended.wait_for(|ended| *ended).await.unwrap();
        GONE
    }
}

#[derive(Debug)]
struct FakeNames;

#[async_trait]
impl Names for FakeNames {
    async fn group_name(&self, _group: GroupId) -> Option<String> {
        Some("team".to_owned())
    }
}

#[async_trait]
impl Access for FakeAccess {
    async fn enter(
        &self,
        headers: &HeaderMap,
        _extensions: &Extensions,
        provider: &str,
    ) -> Result<Entry, Denial> {
        let given = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let bearer = given("authorization").map(|text| text.replace("Bearer ", ""));
        match bearer.or_else(|| given("x-api-key")).as_deref() {
            Some(TOKEN) => {}
            Some(UNWANTED_TOKEN) => return Err(Denial::Forbidden),
            Some(_) | None => return Err(Denial::Unauthorized("sign in with a token")),
        }
        self.entry("bursartoken", provider)
    }

    async fn enter_for(&self, whom: AskFor, provider: &str) -> Result<Entry, Denial> {
        assert_eq!(whom.user_id, USER);
        self.presence.confirm().await?;
        self.entry(KEY_ID, provider)
    }
}

impl FakeAccess {
    fn entry(&self, api_key_id: &str, provider: &str) -> Result<Entry, Denial> {
        let (kind, path) = match provider {
            "openai" => (ProviderKind::OpenAi, "/v1"),
            "compat" => (ProviderKind::OpenAiCompatible, "/v1"),
            "anthropic" => (ProviderKind::Anthropic, ""),
            _ => return Err(Denial::NoProvider),
        };
        Ok(Entry {
            user_id: USER,
            api_key_id: api_key_id.to_owned(),
            request_id: Some(Uuid::from_u128(9)),
            provider: Provider {
                id: PROVIDER,
                name: provider.parse().unwrap(),
                kind,
                base_url: format!("{}{path}", self.address).parse().unwrap(),
                created_at: DateTime::UNIX_EPOCH,
                updated_at: DateTime::UNIX_EPOCH,
            },
            key: SecretString::from(self.key.clone()),
            price_version: 0,
            names: Box::new(FakeNames),
            presence: Arc::new(self.presence.clone()),
        })
    }
}

//! Prices that a deployment sets itself: upserts that change nothing when nothing changes, dates, aliases, the version
//! that servers keep their price book by, the audit log, and writers that do not wait for each other in a circle.

use chrono::{DateTime, Utc};
use db::{Database, local::LocalRole};
use futures_util::future::join_all;
use model::{
    PageRequest, ProviderId,
    audit::{AuditAction, AuditFilter},
    metering::UnitPrices,
    prices::{
        CustomPrice, CustomPrices, EffectiveDates, ModelAlias, PriceTier, ProviderKind, StoredPrice,
    },
};
use rbac::Visibility;
use store::{Store, WriteContext, providers::NewProvider};

use crate::support::{TestDb, begin, id, read};

use ProviderKind::{Anthropic, OpenAi};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn price(provider: ProviderKind, model: &str, from: Option<&str>, input: u64) -> CustomPrice {
    CustomPrice {
        provider,
        model: model.to_owned(),
        effective_from: from.map(at),
        prices: UnitPrices {
            input: Some(input),
            ..UnitPrices::default()
        },
        tiers: Vec::new(),
        context_window: None,
        max_output_tokens: None,
    }
}

fn whole(model: &str) -> CustomPrice {
    let prices = UnitPrices {
        input: Some(1),
        cache_read: Some(2),
        cache_write_5m: Some(3),
        cache_write_1h: Some(4),
        output: Some(5),
        audio_input: Some(6),
        audio_output: Some(7),
        web_searches: Some(8),
        requests: Some(0),
    };
    CustomPrice {
        prices,
        tiers: vec![PriceTier {
            starts_at: 200_000,
            prices,
        }],
        context_window: Some(9),
        max_output_tokens: Some(10),
        ..price(Anthropic, model, Some("2026-12-01T00:00:00.000001Z"), 0)
    }
}

fn alias(name: &str, model: &str) -> ModelAlias {
    ModelAlias {
        provider: OpenAi,
        provider_model: name.to_owned(),
        priced_model: model.to_owned(),
    }
}

async fn set(store: &Database, prices: &[CustomPrice]) -> u64 {
    let mut unit = begin(store).await;
    let changed = unit.model_price_upsert(prices).await.unwrap();
    unit.commit().await.unwrap();
    changed
}

async fn call(store: &Database, alias: &ModelAlias) -> DateTime<Utc> {
    let mut unit = begin(store).await;
    let stored = unit.model_alias_upsert(alias).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(stored.alias, *alias);
    stored.updated_at
}

async fn remove(store: &Database, model: &str, dates: EffectiveDates) -> u64 {
    let mut unit = begin(store).await;
    let removed = unit.model_price_delete(OpenAi, model, dates).await;
    unit.commit().await.unwrap();
    removed.unwrap()
}

async fn book(store: &Database) -> CustomPrices {
    read(store).await.price_book_get().await.unwrap()
}

fn prices(book: &CustomPrices) -> Vec<CustomPrice> {
    book.prices
        .iter()
        .map(|stored| stored.price.clone())
        .collect()
}

#[tokio::test]
async fn a_price_is_kept_whole_and_set_again_only_when_it_differs() {
    let db = TestDb::new().await;
    let store = db.store().await;
    assert_eq!(book(&store).await, CustomPrices::default());
    assert_eq!(
        set(&store, &[whole("m"), price(OpenAi, "m", None, 1)]).await,
        2
    );
    let first = book(&store).await;
    assert_eq!(prices(&first), [whole("m"), price(OpenAi, "m", None, 1)]);

    // The same again, and one that differs, the name in other letters.
    let again = [whole("m"), price(OpenAi, "M", None, 2)];
    assert_eq!(set(&store, &again).await, 1);
    let second = book(&store).await;
    assert_eq!(prices(&second), again);
    let times = |stored: &StoredPrice| (stored.created_at, stored.updated_at);
    assert_eq!(times(&second.prices[0]), times(&first.prices[0]));
    assert_eq!(second.prices[1].created_at, first.prices[1].created_at);
    assert!(second.prices[1].updated_at > first.prices[1].updated_at);
    assert!(second.version > first.version);

    // Unknown and free are two things.
    let mut unknown = whole("m");
    unknown.prices.requests = None;
    assert_eq!(set(&store, &[unknown.clone()]).await, 1);
    assert_eq!(prices(&book(&store).await)[0], unknown);
}

#[tokio::test]
async fn rows_differ_by_provider_model_and_instant_and_are_removed_by_them() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let later = "2027-01-01T00:00:00Z";
    let rows = [
        price(OpenAi, "m", None, 1),
        price(OpenAi, "m", Some("2026-01-01T00:00:00Z"), 2),
        price(OpenAi, "m", Some(later), 3),
        price(Anthropic, "m", None, 4),
        price(OpenAi, "n", None, 5),
    ];
    assert_eq!(set(&store, &rows).await, 5);
    let left = async || prices(&book(&store).await);
    assert_eq!(left().await, rows);
    assert_eq!(remove(&store, "x", EffectiveDates::All).await, 0);
    assert_eq!(
        remove(&store, "M", EffectiveDates::From(at(later))).await,
        1
    );
    assert_eq!(
        remove(&store, "m", EffectiveDates::From(at(later))).await,
        0
    );
    assert_eq!(remove(&store, "m", EffectiveDates::Always).await, 1);
    assert_eq!(left().await, [&rows[1..2], &rows[3..]].concat());
    assert_eq!(remove(&store, "m", EffectiveDates::All).await, 1);
    assert_eq!(left().await, rows[3..]);
}

#[tokio::test]
async fn what_a_row_must_not_hold_is_refused_by_the_table() {
    let db = TestDb::new().await;
    let client = db.client(LocalRole::App).await;
    client
        .batch_execute("SET bursar.actor_name = 'test'")
        .await
        .unwrap();
    let refused = async |table: &str, columns: &str, values: &str, constraint: &str| {
        let insert =
            format!("INSERT INTO {table} (provider, {columns}) VALUES ('openai', {values})");
        let error = client.batch_execute(&insert).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!(error.constraint(), Some(constraint), "{insert}: {error}");
    };
    let check = async |columns, values, constraint: &str| {
        let constraint = format!("ai_model_prices_{constraint}_check");
        refused("ai_model_prices", columns, values, &constraint).await;
    };
    check("model, input_price", "'', 1", "model").await;
    check("model", "'m'", "priced").await;
    check("model, cache_read_price", "'m', 1", "priced").await;
    check("model, input_price", "'m', -1", "amounts").await;
    check("model, input_price, request_price", "'m', 1, -1", "amounts").await;
    check("model, input_price, context_window", "'m', 1, 0", "amounts").await;
    check("model, input_price, tiers", "'m', 1, '{}'", "tiers").await;
    let check = async |values, constraint: &str| {
        let constraint = format!("ai_model_aliases_{constraint}_check");
        refused(
            "ai_model_aliases",
            "provider_model, priced_model",
            values,
            &constraint,
        )
        .await;
    };
    check("'', 'm'", "provider_model").await;
    check("'**', 'm'", "provider_model").await;
    check("'m', ''", "priced_model").await;
    check("'m', 'n*'", "priced_model").await;
    // The version is the triggers' alone.
    let raise = client
        .batch_execute("UPDATE ai_price_book SET version = 7")
        .await;
    assert_eq!(raise.unwrap_err().code().unwrap().code(), "42501");
}

#[tokio::test]
async fn an_alias_is_one_of_its_name() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let first = call(&store, &alias("prod", "a")).await;
    assert_eq!(call(&store, &alias("prod", "a")).await, first);
    assert!(call(&store, &alias("PROD", "b")).await > first);
    call(&store, &alias("prod-*", "c")).await;
    let aliases = book(&store).await.aliases;
    let aliases: Vec<_> = aliases.into_iter().map(|stored| stored.alias).collect();
    assert_eq!(aliases, [alias("PROD", "b"), alias("prod-*", "c")]);
    let mut unit = begin(&store).await;
    assert!(unit.model_alias_delete(OpenAi, "prod").await.unwrap());
    assert!(!unit.model_alias_delete(OpenAi, "prod").await.unwrap());
    assert!(!unit.model_alias_delete(Anthropic, "prod-*").await.unwrap());
    unit.commit().await.unwrap();
    assert_eq!(book(&store).await.aliases.len(), 1);
}

#[tokio::test]
async fn a_providers_key_comes_with_the_version_that_stands() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let provider = NewProvider {
        id: ProviderId(id()),
        name: "openai".parse().unwrap(),
        kind: OpenAi,
        base_url: "http://127.0.0.1:9/v1".parse().unwrap(),
        api_key: "sk".into(),
    };
    let mut unit = begin(&store).await;
    unit.provider_create(&provider).await.unwrap();
    unit.commit().await.unwrap();
    let told = async || {
        let key = read(&store).await.provider_key_get(provider.id).await;
        let version = key.unwrap().unwrap().price_version;
        assert_eq!(version, book(&store).await.version);
        version
    };
    let mut last = told().await;
    let mut raised = async |by: &str| {
        let version = told().await;
        assert!(version > last, "{by}");
        last = version;
    };
    set(&store, &[price(OpenAi, "m", None, 1)]).await;
    raised("a price").await;
    call(&store, &alias("n", "m")).await;
    raised("an alias").await;
    remove(&store, "m", EffectiveDates::All).await;
    raised("a price's end").await;
    let client = db.client(LocalRole::Owner).await;
    let by_hand = "SET bursar.actor_name = 'test'; UPDATE ai_model_aliases SET priced_model = 'o'";
    client.batch_execute(by_hand).await.unwrap();
    raised("somebody at the database").await;
    // What is rolled back raises nothing.
    let before = told().await;
    let mut unit = begin(&store).await;
    unit.model_price_upsert(&[price(OpenAi, "m", None, 1)])
        .await
        .unwrap();
    drop(unit);
    assert_eq!(told().await, before);
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_with_old_and_new_values() {
    let db = TestDb::new().await;
    let store = db.store().await;
    set(&store, &[price(OpenAi, "m", None, 1)]).await;
    set(&store, &[price(OpenAi, "m", None, 1)]).await;
    set(&store, &[price(OpenAi, "m", None, 2)]).await;
    call(&store, &alias("n", "m")).await;
    call(&store, &alias("n", "m")).await;
    remove(&store, "m", EffectiveDates::All).await;
    let filter = AuditFilter {
        resource_type: Some("ai_model_price".to_owned()),
        ..AuditFilter::default()
    };
    let all = PageRequest {
        limit: 100,
        offset: 0,
    };
    let page = read(&store)
        .await
        .audit_list(&filter, all, &Visibility::All)
        .await
        .unwrap();
    let lines: Vec<_> = page
        .items
        .iter()
        .rev()
        .map(|line| (line.action, line.resource_target.as_str()))
        .collect();
    use AuditAction::{Create, Delete, Write};
    assert_eq!(
        lines,
        [(Create, "m"), (Write, "m"), (Create, "n"), (Delete, "m")]
    );
    let changed = serde_json::json!({"input_price": {"old": 1, "new": 2, "secret": false}});
    assert_eq!(page.items[2].diff, changed);
}

#[tokio::test]
async fn many_at_once_set_the_same_prices_in_any_order() {
    let db = TestDb::new().await;
    let store = db.store().await;
    let names: Vec<String> = (0..20).map(|n| format!("m{n}")).collect();
    let one = async |n: usize| {
        let mut rows: Vec<_> = names
            .iter()
            .map(|name| price(OpenAi, name, None, u64::try_from(n).unwrap()))
            .collect();
        if n.is_multiple_of(2) {
            rows.reverse();
        }
        let context = WriteContext {
            user_id: None,
            actor_name: "test".to_owned(),
            request_id: None,
        };
        let mut unit = store.begin(&context).await.unwrap();
        unit.model_price_upsert(&rows).await.unwrap();
        unit.model_alias_upsert(&alias("a", &names[n]))
            .await
            .unwrap();
        unit.commit().await.unwrap();
    };
    join_all((0..10).map(one)).await;
    let book = book(&store).await;
    let inputs: Vec<_> = book
        .prices
        .iter()
        .map(|stored| stored.price.prices.input.unwrap())
        .collect();
    assert_eq!(inputs, [inputs[0]; 20]);
    assert_eq!(
        book.aliases[0].alias.priced_model,
        format!("m{}", inputs[0])
    );
}

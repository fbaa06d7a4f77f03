//! The API of prices and aliases: who may, what is refused and how it is said, what is listed and what is removed.

use bursar_sdk::{
    AiModelPriceSelection as Selection, AiModelPriceSource as Source, AiModelPriceTier,
    AiProviderType, ModelAliasDeleteQuery, ModelPriceDeleteQuery, ModelPriceListQuery,
    UpsertAiModelAliasRequest, UpsertAiModelPrice, UpsertAiModelPricesRequest,
};
use fakeprovider::Script;
use model::Micros;
use serde_json::{Value, json};
use testkit::{ServerOptions, World};

use crate::support::{Answer, ask, ask_text, get, is, refused, request, send, site, world};

const PRICES: &str = "/ai/model-prices";

pub(crate) fn priced(model: &str, input: i64, output: i64) -> UpsertAiModelPrice {
    UpsertAiModelPrice {
        input_price: Some(input),
        output_price: Some(output),
        ..UpsertAiModelPrice::new(AiProviderType::OpenAi, model)
    }
}

pub(crate) fn prices(prices: &[UpsertAiModelPrice]) -> UpsertAiModelPricesRequest {
    UpsertAiModelPricesRequest {
        prices: prices.to_vec(),
    }
}

fn of(model: &str, source: Option<Selection>) -> ModelPriceListQuery {
    ModelPriceListQuery {
        provider: Some(AiProviderType::OpenAi),
        model: Some(model.to_owned()),
        source,
    }
}

pub(crate) fn which(model: &str, from: Option<&str>) -> ModelPriceDeleteQuery {
    ModelPriceDeleteQuery {
        provider: AiProviderType::OpenAi,
        model: model.to_owned(),
        effective_from: from.map(str::to_owned),
    }
}

/// The reference's case 103, and the other ways to be wrong.
#[tokio::test]
async fn what_cannot_be_set_is_refused_whole_with_every_mistake_named() {
    let world = world().await;
    let owner = &world.cast.owner;
    let row = json!({
        "provider": "openai", "model": "m", "input_price": 1, "output_price": 2, "cache_read_price": null,
        "cache_write_price": 0,
    });
    let with = |changes: Value| {
        let mut row = row.clone();
        for (key, value) in changes.as_object().unwrap() {
            if value == "absent" {
                row.as_object_mut().unwrap().remove(key);
            } else {
                row[key] = value.clone();
            }
        }
        row
    };
    let check = async |rows: Value, fields: &[&str]| {
        let answer = ask(&world, owner, "POST", PRICES, &json!({"prices": rows})).await;
        is(&answer, 400);
        assert_eq!(answer.message(), "Invalid AI model prices.", "{rows}");
        assert_eq!(answer.fields(), fields, "{rows}");
        answer
    };
    let nothing = json!({
        "input_price": null, "output_price": null, "cache_read_price": null, "cache_write_price": null,
    });
    let answer = check(json!([with(nothing)]), &["prices[0]"]).await;
    assert!(
        answer.text.contains("at least one price"),
        "{}",
        answer.text
    );
    let negative = json!([row, with(json!({"model": "n", "output_price": -1}))]);
    check(negative, &["prices[1].output_price"]).await;
    check(json!([row, with(json!({"model": "M"}))]), &["prices[1]"]).await;
    check(
        json!([with(json!({"provider": "copilot"}))]),
        &["prices[0].provider"],
    )
    .await;
    let nobody = json!([with(json!({"provider": "absent", "model": ""}))]);
    check(nobody, &["prices[0].provider", "prices[0].model"]).await;
    let absent = json!([with(json!({"cache_read_price": "absent"}))]);
    check(absent, &["prices[0].cache_read_price"]).await;
    check(
        json!([with(json!({"input_price": "1"}))]),
        &["prices[0].input_price"],
    )
    .await;
    check(
        json!([with(json!({"input_price": 0.5}))]),
        &["prices[0].input_price"],
    )
    .await;
    check(json!([with(json!({"model": 5}))]), &["prices[0].model"]).await;
    let tomorrow = json!([with(json!({"effective_from": "tomorrow"}))]);
    check(tomorrow, &["prices[0].effective_from"]).await;
    let tier = json!([with(json!({"tiers": [{"starts_at": 0, "input_price": 1}]}))]);
    check(tier, &["prices[0].tiers[0].starts_at"]).await;
    check(json!([]), &["prices"]).await;
    check(json!("x"), &["prices"]).await;
    // All or none: of none of these lists anything was set.
    let all = ModelPriceListQuery {
        source: Some(Selection::Custom),
        ..ModelPriceListQuery::default()
    };
    assert_eq!(owner.model_price_list(&all).await.unwrap(), []);
}

#[tokio::test]
async fn a_body_is_json_and_not_too_large() {
    let world = world().await;
    let owner = &world.cast.owner;
    let not_json = ask_text(&world, owner, "POST", PRICES, "{\"prices\": [").await;
    is(&not_json, 400);
    assert_eq!(not_json.message(), "Request body must be valid JSON.");
    let large = format!(
        "{{\"prices\": [], \"more\": \"{}\"}}",
        "x".repeat(2_000_000)
    );
    let large = ask_text(&world, owner, "POST", PRICES, large).await;
    is(&large, 413);
    assert_eq!(large.message(), "Request body too large.");
}

#[tokio::test]
async fn only_who_may_see_and_set_prices_does() {
    let world = world().await;
    let auditor = site(&world, "auditor").await.client;
    let manager = site(&world, "user-admin").await.client;
    let set = prices(&[priced("m", 1, 2)]);
    let alias = UpsertAiModelAliasRequest {
        provider: AiProviderType::OpenAi,
        provider_model: "n".to_owned(),
        priced_model: "m".to_owned(),
    };
    let gone = ModelAliasDeleteQuery {
        provider: AiProviderType::OpenAi,
        provider_model: "n".to_owned(),
    };
    let owner = &world.cast.owner;
    owner.model_price_upsert(&set).await.unwrap();
    owner.model_alias_upsert(&alias).await.unwrap();
    for caller in [&world.cast.member, &auditor, &manager] {
        refused(
            caller
                .model_price_list(&ModelPriceListQuery::default())
                .await,
            403,
        );
        refused(caller.model_price_upsert(&set).await, 403);
        refused(caller.model_price_delete(&which("m", None)).await, 403);
        refused(caller.model_alias_list().await, 403);
        refused(caller.model_alias_upsert(&alias).await, 403);
        refused(caller.model_alias_delete(&gone).await, 403);
        // Also of what does not exist.
        refused(
            caller.model_price_delete(&which("nothing", None)).await,
            403,
        );
    }
    assert_eq!(
        owner.model_price_list(&of("m", None)).await.unwrap().len(),
        1
    );
    assert_eq!(owner.model_alias_list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn prices_need_their_feature() {
    let options = ServerOptions {
        aibridge: false,
        ..ServerOptions::default()
    };
    let database = testkit::TestDatabase::create().await.unwrap();
    let server = testkit::TestServer::start(&database, &options)
        .await
        .unwrap();
    let owner = bursar::demo::first_owner(server.nobody()).await.unwrap();
    let refusal = refused(
        owner
            .model_price_list(&ModelPriceListQuery::default())
            .await,
        403,
    );
    assert!(refusal.message.contains("`aibridge`"), "{refusal:?}");
    refused(owner.model_alias_list().await, 403);
}

/// A price of which everything is told.
fn whole() -> UpsertAiModelPrice {
    let mut whole = priced("gpt-4o", 1, 2);
    whole.cache_read_price = Some(3);
    whole.cache_write_price = Some(4);
    whole.cache_write_1h_price = Some(5);
    whole.audio_input_price = Some(6);
    whole.audio_output_price = Some(7);
    whole.web_search_price = Some(8);
    whole.request_price = Some(0);
    whole.context_window = Some(9);
    whole.max_output_tokens = Some(10);
    whole.tiers = vec![AiModelPriceTier {
        starts_at: 200_000,
        input_price: Some(2),
        ..AiModelPriceTier::default()
    }];
    whole
}

#[tokio::test]
async fn what_was_set_is_listed_beside_what_is_built_in_until_it_is_removed() {
    let world = world().await;
    let owner = &world.cast.owner;
    let list =
        async |model: &str, source| owner.model_price_list(&of(model, source)).await.unwrap();
    let built_in = list("gpt-4o", None).await.remove(0);
    assert_eq!(
        (built_in.source, built_in.effective),
        (Source::Default, true)
    );
    assert_eq!(
        (built_in.input_price, built_in.updated_at),
        (Some(2_500_000), None)
    );

    let whole = whole();
    let future = UpsertAiModelPrice {
        effective_from: Some("2090-01-01T00:00:00Z".parse().unwrap()),
        ..priced("gpt-4o", 8, 9)
    };
    owner
        .model_price_upsert(&prices(&[whole, future]))
        .await
        .unwrap();
    let rows = list("GPT-4o", Some(Selection::All)).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.source, row.effective, row.input_price))
        .collect();
    assert_eq!(
        told,
        [
            (Source::Default, false, Some(2_500_000)),
            (Source::Custom, true, Some(1)),
            (Source::Custom, false, Some(8)),
        ]
    );
    assert_eq!(list("GPT-4o", Some(Selection::Default)).await, rows[..1]);
    assert_eq!(list("GPT-4o", Some(Selection::Custom)).await, rows[1..]);
    assert_eq!(list("gpt-4o", None).await, rows[1..2]);
    // What is listed can be set again as it is.
    let again: Value = serde_json::to_value(&rows[1]).unwrap();
    let answer = ask(&world, owner, "POST", PRICES, &json!({"prices": [again]})).await;
    is(&answer, 204);
    assert_eq!(list("gpt-4o", None).await, rows[1..2]);

    // Of each model one row; all of it at once.
    let everything = owner
        .model_price_list(&ModelPriceListQuery::default())
        .await
        .unwrap();
    assert!(everything.len() > 500 && everything.iter().all(|row| row.effective));
    let found = |row: &&bursar_sdk::AiModelPrice| {
        row.model == "gpt-4o" && row.provider == AiProviderType::OpenAi
    };
    assert_eq!(everything.iter().filter(found).count(), 1);

    let delete = async |from| owner.model_price_delete(&which("GPT-4O", from)).await;
    refused(delete(Some("2091-01-01T00:00:00Z")).await, 404);
    refused(delete(Some("soon")).await, 400);
    delete(Some("2090-01-01T01:00:00+01:00")).await.unwrap();
    assert_eq!(list("gpt-4o", Some(Selection::Custom)).await.len(), 1);
    delete(Some("always")).await.unwrap();
    refused(delete(None).await, 404);
    assert_eq!(list("gpt-4o", Some(Selection::All)).await, [built_in]);
    let nothing = get(&world, owner, "/ai/model-prices?source=none").await;
    is(&nothing, 400);
    assert_eq!(nothing.fields(), ["source"]);
}

#[tokio::test]
async fn aliases_are_set_listed_and_removed() {
    let world = world().await;
    let owner = &world.cast.owner;
    let alias = |name: &str, model: &str| UpsertAiModelAliasRequest {
        provider: AiProviderType::OpenAi,
        provider_model: name.to_owned(),
        priced_model: model.to_owned(),
    };
    let set = owner
        .model_alias_upsert(&alias("prod", "gpt-4o"))
        .await
        .unwrap();
    assert_eq!(
        owner
            .model_alias_upsert(&alias("prod", "gpt-4o"))
            .await
            .unwrap(),
        set
    );
    let changed = owner
        .model_alias_upsert(&alias("prod", "gpt-4o-mini"))
        .await
        .unwrap();
    assert_eq!(changed.created_at, set.created_at);
    assert!(changed.updated_at > set.updated_at);
    owner
        .model_alias_upsert(&alias("blue-*", "gpt-4o"))
        .await
        .unwrap();
    let names: Vec<_> = owner.model_alias_list().await.unwrap();
    let names: Vec<_> = names
        .iter()
        .map(|alias| alias.provider_model.as_str())
        .collect();
    assert_eq!(names, ["blue-*", "prod"]);
    let listed = owner.model_price_list(&of("blue-1", None)).await.unwrap();
    let told = (listed[0].model.as_str(), listed[0].priced_model.as_str());
    assert_eq!(told, ("blue-1", "gpt-4o"));

    let refusal = refused(owner.model_alias_upsert(&alias("*", "gpt-4o")).await, 400);
    assert_eq!(refusal.message, "Invalid AI model alias.");
    assert_eq!(refusal.validations[0].field, "provider_model");
    refused(owner.model_alias_upsert(&alias("a", "A")).await, 400);
    let which = |name: &str| ModelAliasDeleteQuery {
        provider: AiProviderType::OpenAi,
        provider_model: name.to_owned(),
    };
    owner.model_alias_delete(&which("PROD")).await.unwrap();
    refused(owner.model_alias_delete(&which("prod")).await, 404);
}

#[tokio::test]
async fn existing_clients_find_the_prices_where_they_look_for_them() {
    let world = World::new(Script::default(), Micros::USD).await.unwrap();
    let experimental = async |method: &str, query: &str, body: Value| -> Answer {
        let path = format!("/api/experimental/ai/model-prices{query}");
        let request = request(&world, method, &path).body(body.to_string());
        let token = world.cast.owner.token().unwrap();
        send(request.header("Coder-Session-Token", token.expose())).await
    };
    let body = json!({"prices": [{
        "provider": "openai", "model": "m", "input_price": 1, "output_price": 2, "cache_read_price": null,
        "cache_write_price": null,
    }]});
    is(&experimental("POST", "", body).await, 204);
    let listed = experimental("GET", "?model=m", Value::Null).await;
    is(&listed, 200);
    assert_eq!(listed.json()[0]["source"], "custom");
    is(
        &experimental("DELETE", "?provider=openai&model=m", Value::Null).await,
        204,
    );
    is(
        &send(request(&world, "GET", "/api/experimental/ai/model-prices")).await,
        401,
    );
}

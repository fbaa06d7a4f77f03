//! Every way in which a budget, an override, a pool or a setting of budgets changes or vanishes over HTTP leaves
//! exactly one line, with what it was and what it is, who did it, to whom, and in which organization.

use std::fmt::{Display, Write};

use bursar_sdk::{AuditListQuery, AuditLog};
use futures_util::future::join_all;
use model::budgets::{BudgetPeriod, BudgetPolicy, BudgetSettingsUpdate};
use serde_json::Value;
use testkit::{ServerOptions, TestServer, World};
use uuid::Uuid;

use crate::{
    scenes::{play, scenes},
    support::{ask, brief, lines, world},
};

/// The types that this is about.
const TYPES: [&str; 3] = ["ai_budget", "deployment_config", "ai_model_price"];

/// A line in short: `action type target @organization column old→new …`, with names for known ids.
fn told(line: &AuditLog, known: &[(&str, &dyn Display)]) -> String {
    let organization = line
        .organization_id
        .map_or("-".to_owned(), |id| id.to_string());
    let mut text = format!("{} @{organization}", brief(line));
    for (column, change) in &line.diff {
        assert!(!change.secret && change.old != change.new, "{line:?}");
        if column == "id" {
            continue;
        }
        write!(text, " {column} {}→{}", change.old, change.new).unwrap();
    }
    for (name, id) in known {
        text = text.replace(&id.to_string(), name);
    }
    text
}

/// Plays scenes as the owner; what stands after `=>` are the lines that each leaves, sorted.
async fn leaves(world: &World, known: &[(&str, &dyn Display)], text: &str) {
    let owner = &world.cast.owner;
    let me = owner.user_get("me").await.unwrap().id;
    let expected = text.lines().map(str::trim).filter(|line| !line.is_empty());
    for (scene, text) in scenes(world, known, text).iter().zip(expected) {
        let answer = play(world, owner, scene).await;
        let mut found = lines(world, answer.request_id()).await;
        found.retain(|line| TYPES.contains(&line.resource_type.as_str()));
        for line in &found {
            let user = line.user.as_ref().unwrap();
            assert_eq!((user.id, line.actor_name.as_str()), (me, "owner"));
            let id = match line.resource_target.as_str() {
                "ada" => world.cast.member_id.to_string(),
                _ => line.resource_id.clone(),
            };
            assert_eq!(line.resource_id, id);
        }
        let mut found: Vec<String> = found.iter().map(|line| told(line, known)).collect();
        found.sort();
        let expected = text.split_once("=>").map_or("", |(_, lines)| lines.trim());
        assert_eq!(found.join("; "), expected, "{text}");
    }
}

const GROUP: &str = r#"
    200 PUT /groups/<crew>/ai/budget {"spend_limit_micros": 5} => create ai_budget crew @<beta> mode null→"enforce" spend_limit_micros null→5
    200 PUT /groups/<crew>/ai/budget {"spend_limit_micros": 5} =>
    400 PUT /groups/<crew>/ai/budget {"spend_limit_micros": -1} =>
    200 PUT /groups/<crew>/ai/budget {"spend_limit_micros": 6, "mode": "observe"} => write ai_budget crew @<beta> mode "enforce"→"observe" spend_limit_micros 5→6
    200 PUT /groups/<crew>/ai/budget {"spend_limit_micros": 6, "pool_limit_micros": 50, "pool_period": "week"} => write ai_budget crew @<beta> pool_limit_micros null→50 pool_period null→"week"
    200 PUT /groups/<crew>/ai/budget {"spend_limit_micros": 6, "pool_limit_micros": null, "pool_period": null} => write ai_budget crew @<beta> pool_limit_micros 50→null pool_period "week"→null
    204 DELETE /groups/<crew>/ai/budget => delete ai_budget crew @<beta> mode "observe"→null spend_limit_micros 6→null
    404 DELETE /groups/<crew>/ai/budget =>
"#;

/// An override that is charged to another group, in another organization: both are told, by name.
const PERSON: &str = r#"
    200 PUT /users/ada/ai/budget {"group_id": "<crew>", "spend_limit_micros": 7} => create ai_budget ada @<beta> group_id null→"<crew>" group_name null→"crew" mode null→"enforce" organization_id null→"<beta>" spend_limit_micros null→7
    200 PUT /users/ada/ai/budget {"group_id": "<crew>", "spend_limit_micros": 7} =>
    200 PUT /users/ada/ai/budget {"group_id": "<crew>", "spend_limit_micros": 0} => write ai_budget ada @<beta> spend_limit_micros 7→0
    400 PUT /users/owner/ai/budget {"group_id": "<crew>", "spend_limit_micros": 7} =>
    200 PUT /users/ada/ai/budget/override {"group_id": "<everyone>", "spend_limit_micros": 0, "expires_at": "2099-01-01T00:00:00Z"} => write ai_budget ada @<everyone> expires_at null→"2099-01-01T00:00:00+00:00" group_id "<crew>"→"<everyone>" group_name "crew"→"Everyone" organization_id "<beta>"→"<everyone>"
    204 DELETE /users/ada/ai/budget => delete ai_budget ada @<everyone> expires_at "2099-01-01T00:00:00+00:00"→null group_id "<everyone>"→null group_name "Everyone"→null mode "enforce"→null organization_id "<everyone>"→null spend_limit_micros 0→null
    404 DELETE /users/ada/ai/budget =>
"#;

const LEAVING: &str = r#"
    200 PUT /users/ada/ai/budget {"group_id": "<crew>", "spend_limit_micros": 7} => create <override>
    200 PATCH /groups/<crew> {"remove_users": ["<ada>"]} => delete <override>
    200 PATCH /groups/<crew> {"add_users": ["<ada>"]} =>
    200 PUT /users/ada/ai/budget {"group_id": "<crew>", "spend_limit_micros": 7} => create <override>
    204 DELETE /organizations/beta/members/ada => delete <override>
    200 POST /organizations/beta/members/ada =>
    200 PUT /users/ada/ai/budget {"group_id": "<beta>", "spend_limit_micros": 7} => create <default>
    204 DELETE /organizations/beta/members/ada => delete <default>
    200 POST /organizations/beta/members/ada =>
    200 PATCH /groups/<crew> {"add_users": ["<ada>"]} =>
    200 PUT /groups/<crew>/ai/budget {"spend_limit_micros": 5} => create <budget>
    200 PUT /users/ada/ai/budget {"group_id": "<crew>", "spend_limit_micros": 7} => create <override>
    200 DELETE /groups/<crew> => delete <override>; delete <budget>
    200 PUT /users/ada/ai/budget {"group_id": "<beta>", "spend_limit_micros": 7} => create <default>
    200 PUT /groups/<beta>/ai/budget {"spend_limit_micros": 5} => create <everyone-budget>
    200 DELETE /organizations/beta => delete <everyone-budget>; delete <default>
    200 PUT /users/ada/ai/budget {"group_id": "<everyone>", "spend_limit_micros": 7} => create <own>
    200 DELETE /users/ada => delete <own>
"#;

/// The lines of [`LEAVING`] written out: what is created comes from null, what is deleted goes to it.
fn written_out(text: &str) -> String {
    let of_person = |group: &str, name: &str, organization: &str| {
        format!(
            "ai_budget ada @{organization} group_id \"{group}\" group_name \"{name}\" mode \"enforce\" \
             organization_id \"{organization}\" spend_limit_micros 7"
        )
    };
    let known = [
        ("<override>", of_person("<crew>", "crew", "<beta>")),
        ("<default>", of_person("<beta>", "Everyone", "<beta>")),
        ("<own>", of_person("<everyone>", "Everyone", "<everyone>")),
        (
            "<budget>",
            "ai_budget crew @<beta> mode \"enforce\" spend_limit_micros 5".to_owned(),
        ),
        (
            "<everyone-budget>",
            "ai_budget Everyone @<beta> mode \"enforce\" spend_limit_micros 5".to_owned(),
        ),
    ];
    let one = |action: &str, line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (head, columns) = words.split_at(3);
        let columns = columns.chunks(2).map(|pair| match action {
            "create" => format!("{} null→{}", pair[0], pair[1]),
            _ => format!("{} {}→null", pair[0], pair[1]),
        });
        let columns: Vec<String> = columns.collect();
        format!("{action} {} {}", head.join(" "), columns.join(" "))
    };
    let mut text = text.to_owned();
    for (name, line) in &known {
        for action in ["create", "delete"] {
            text = text.replace(&format!("{action} {name}"), &one(action, line));
        }
    }
    text
}

#[tokio::test]
async fn every_change_of_a_budget_leaves_exactly_one_line() {
    let world = world().await;
    let owner = &world.cast.owner;
    let beta = r#"
        201 POST /organizations {"name": "beta"} =>
        200 POST /organizations/beta/members/ada =>
        201 POST /organizations/beta/groups {"name": "crew"} =>
    "#;
    leaves(&world, &[], beta).await;
    let beta = owner.organization_get("beta").await.unwrap().id;
    let groups = owner.organization_group_list("beta").await.unwrap();
    let crew = groups.iter().find(|group| group.name == "crew").unwrap().id;
    let everyone = world.cast.organization_id;
    let known: [(&str, &dyn Display); 3] = [
        ("<beta>", &beta),
        ("<crew>", &crew),
        ("<everyone>", &everyone),
    ];
    leaves(
        &world,
        &known,
        r#"200 PATCH /groups/<crew> {"add_users": ["<ada>"]} =>"#,
    )
    .await;
    leaves(&world, &known, GROUP).await;
    leaves(&world, &known, PERSON).await;
    leaves(&world, &known, &written_out(LEAVING)).await;
}

/// Prices are in no organization. A request sets many, each with a line of its own.
const PRICES: &str = r#"
    204 POST /ai/model-prices {"prices": [{"provider": "openai", "model": "m", "input_price": 1, "output_price": 2, "cache_read_price": null, "cache_write_price": null}, {"provider": "anthropic", "model": "n", "input_price": 3, "output_price": null, "cache_read_price": null, "cache_write_price": null}]} => create ai_model_price m @- input_price null→1 model null→"m" output_price null→2 provider null→"openai" tiers null→[]; create ai_model_price n @- input_price null→3 model null→"n" provider null→"anthropic" tiers null→[]
    204 POST /ai/model-prices {"prices": [{"provider": "openai", "model": "m", "input_price": 1, "output_price": 2, "cache_read_price": null, "cache_write_price": null}]} =>
    400 POST /ai/model-prices {"prices": [{"provider": "openai", "model": "m", "input_price": -1, "output_price": 2}]} =>
    204 POST /ai/model-prices {"prices": [{"provider": "openai", "model": "m", "input_price": 1, "output_price": 5, "cache_read_price": null, "cache_write_price": null}]} => write ai_model_price m @- output_price 2→5
    204 DELETE /ai/model-prices?provider=openai&model=m => delete ai_model_price m @- input_price 1→null model "m"→null output_price 5→null provider "openai"→null tiers []→null
    404 DELETE /ai/model-prices?provider=openai&model=m =>
"#;

#[tokio::test]
async fn every_change_of_a_price_leaves_exactly_one_line() {
    let world = world().await;
    leaves(&world, &[], PRICES).await;
}

const SETTINGS: &str = r#"
    200 PATCH /ai/budget-settings {"policy": "lowest"} => write deployment_config ai_budget @- policy "highest"→"lowest"
    200 PATCH /ai/budget-settings {"policy": "lowest"} =>
    200 PATCH /ai/budget-settings {} =>
    400 PATCH /ai/budget-settings {"time_zone": "Mars/Phobos"} =>
    200 PATCH /ai/budget-settings {"policy": "sum", "everyone": "default", "period": "week", "time_zone": "Europe/Berlin"} => write deployment_config ai_budget @- everyone "competes"→"default" period "month"→"week" policy "lowest"→"sum" time_zone "UTC"→"Europe/Berlin"
    200 PATCH /ai/budget-settings {"time_zone": "europe/berlin"} =>
"#;

async fn of_settings(world: &World) -> Vec<AuditLog> {
    let query = AuditListQuery {
        resource_type: Some("deployment_config".to_owned()),
        ..Default::default()
    };
    world
        .cast
        .owner
        .audit_list(&query)
        .await
        .unwrap()
        .audit_logs
}

#[tokio::test]
async fn settings_leave_a_line_when_they_change_by_the_api_or_by_an_option() {
    let world = world().await;
    leaves(&world, &[], SETTINGS).await;
    let seen = of_settings(&world).await.len();
    let options = ServerOptions {
        budgets: BudgetSettingsUpdate {
            policy: Some(BudgetPolicy::Highest),
            period: Some(BudgetPeriod::Week),
            ..BudgetSettingsUpdate::default()
        },
        ..ServerOptions::default()
    };
    // The second start says what is so already.
    for _ in 0..2 {
        let other = TestServer::start(&world.database, &options).await.unwrap();
        other.stop().await.unwrap();
        let lines = of_settings(&world).await;
        assert_eq!(lines.len(), seen + 1);
        let line = &lines[0];
        assert_eq!(
            told(line, &[]),
            "write deployment_config ai_budget @- policy \"sum\"→\"highest\""
        );
        assert_eq!((line.actor_name.as_str(), &line.user), ("options", &None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_that_many_ask_for_is_told_once() {
    let world = world().await;
    let owner = &world.cast.owner;
    let (group, ada): (Uuid, Uuid) = (world.cast.group_id, world.cast.member_id);
    let set = r#"200 PUT /users/ada/ai/budget {"group_id": "<group>", "spend_limit_micros": 7}"#;
    for scene in scenes(&world, &[("<group>", &group)], set) {
        play(&world, owner, &scene).await;
    }
    let path = "/users/ada/ai/budget";
    let removals = (0..8).map(|_| ask(&world, owner, "DELETE", path, &Value::Null));
    let removed = join_all(removals).await;
    assert_eq!(
        removed.iter().filter(|answer| answer.status == 204).count(),
        1
    );
    let query = AuditListQuery {
        resource_type: Some("ai_budget".to_owned()),
        resource_id: Some(ada.to_string()),
        ..Default::default()
    };
    let lines = owner.audit_list(&query).await.unwrap().audit_logs;
    let told: Vec<_> = lines.iter().map(brief).collect();
    assert_eq!(told, ["delete ai_budget ada", "create ai_budget ada"]);
    assert_eq!(lines[0].diff["spend_limit_micros"].old, 7);
}

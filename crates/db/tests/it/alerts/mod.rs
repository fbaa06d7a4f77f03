//! Alerts: who is told of what, once, whatever happens meanwhile.

mod many;

use chrono::Duration;
use db::{Database, local::LocalRole};
use model::{
    Change, Clock, Micros, OrganizationId, SystemClock, UserId,
    alerts::{AlertPass, AlertThresholds},
    budgets::{
        BudgetMode, BudgetOverrideUpsert, BudgetPeriod, BudgetSettingsUpdate, GroupBudgetUpsert,
    },
    groups::GroupUpdate,
    spend::LedgerOp,
    users::NewUser,
};
use tokio_postgres::Client;

use crate::{
    ledger::{admit, close, lease, request, settlement},
    support::{TestDb, World, begin, new_group, new_organization, new_user, read},
};

const NOTHING: [u16; 0] = [];

/// Ada, a member of acme whose Everyone group gives each a thousand micros; its administrator Boss; the site's
/// owner Olga; and some who are told nothing.
struct Office {
    db: TestDb,
    store: Database,
    acme: OrganizationId,
    ada: UserId,
    owner: Client,
}

impl Office {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let store = db.store().await;
        let World { organization, user } = World::new(&store, Some(Micros(1_000))).await;
        let beta = new_organization("beta");
        let with_roles = |name: &str, place: OrganizationId, roles: &[&str]| NewUser {
            roles: roles.iter().map(ToString::to_string).collect(),
            ..new_user(name, &[place])
        };
        let mut unit = begin(&store).await;
        unit.organization_create(&beta).await.unwrap();
        for new in [
            with_roles("boss", organization, &[]),
            with_roles("gone", organization, &["owner"]),
            with_roles("olga", beta.id, &["owner"]),
            with_roles("foreign", beta.id, &[]),
            with_roles("reader", organization, &["auditor"]),
        ] {
            unit.user_create(&new).await.unwrap();
        }
        unit.commit().await.unwrap();
        let owner = db.client(LocalRole::Owner).await;
        owner
            .batch_execute(
                "SET bursar.actor_name = 'test'; \
                 UPDATE organization_members AS m SET roles = '{organization-admin}' FROM users AS u \
                     WHERE u.id = m.user_id AND u.username IN ('boss', 'foreign'); \
                 UPDATE users SET status = 'suspended' WHERE username = 'gone'",
            )
            .await
            .unwrap();
        let office = Self {
            db,
            store,
            acme: organization,
            ada: user,
            owner,
        };
        office.evaluate().await;
        office
    }

    async fn spends(&self, user: UserId, micros: i64) {
        let store = &self.store;
        let lease = lease(store).await;
        let held = admit(store, &request(user, lease, 0, 0)).await;
        let settled = settlement(held, 1, Some(micros));
        close(store, LedgerOp::Settle(Box::new(settled))).await;
    }

    /// Looks until there is nothing to be looked at.
    async fn evaluate(&self) -> AlertPass {
        let mut sum = AlertPass::default();
        while read(&self.store).await.alerts_due().await.unwrap() {
            let pass = pass(&self.store).await;
            sum.checks += pass.checks;
            sum.alerts += pass.alerts;
            sum.notices += pass.notices;
        }
        sum
    }

    /// What was told since the last time, after a look: who, and what of which threshold.
    async fn told(&self) -> Vec<String> {
        self.evaluate().await;
        let told = "\
            WITH gone AS (DELETE FROM notifications RETURNING *) \
            SELECT u.username || ' ' || (g.data ->> 'limit_source') || ' ' || (g.data ->> 'threshold') \
                || CASE WHEN g.template LIKE '%admin' THEN ' ' || coalesce(g.data ->> 'username', '-') ELSE '' END \
            FROM gone AS g JOIN users AS u ON u.id = g.user_id ORDER BY 1";
        let rows = self.owner.query(told, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The thresholds that Ada was told of since the last time.
    async fn ada_told(&self) -> Vec<u16> {
        let told = self.told().await;
        let hers = told.iter().filter(|line| line.starts_with("ada "));
        let mut hers: Vec<u16> = hers
            .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
            .collect();
        hers.sort_unstable();
        hers
    }

    async fn limit(&self, budget: GroupBudgetUpsert) {
        let mut unit = begin(&self.store).await;
        let everyone = self.acme.everyone();
        unit.group_budget_upsert(everyone, &budget).await.unwrap();
        unit.commit().await.unwrap();
    }

    async fn settings(&self, update: BudgetSettingsUpdate) {
        let mut unit = begin(&self.store).await;
        unit.budget_settings_update(&update).await.unwrap();
        unit.commit().await.unwrap();
    }
}

async fn pass(store: &Database) -> AlertPass {
    let mut unit = begin(store).await;
    let pass = unit.alerts_evaluate(100).await.unwrap();
    unit.commit().await.unwrap();
    pass
}

fn members(limit: i64) -> GroupBudgetUpsert {
    GroupBudgetUpsert::limit(Micros(limit))
}

#[tokio::test]
async fn the_person_the_admins_and_the_owners_are_told_once() {
    let it = Office::new().await;
    it.spends(it.ada, 499).await;
    assert_eq!(it.told().await, [""; 0]);
    it.spends(it.ada, 1).await;
    assert_eq!(
        it.told().await,
        ["ada group 50", "boss group 50 ada", "olga group 50 ada"]
    );
    assert_eq!(it.told().await, [""; 0]);
    // Two thresholds in one step, each of them.
    it.spends(it.ada, 600).await;
    let both = |name: &str, of: &str| {
        [
            format!("{name} group 100{of}"),
            format!("{name} group 85{of}"),
        ]
    };
    let all = [both("ada", ""), both("boss", " ada"), both("olga", " ada")].concat();
    assert_eq!(it.told().await, all);
    // Nothing is left to be told, and the ledger notes nothing any more.
    let observed = "UPDATE group_ai_budgets SET mode = 'observe'";
    it.owner.batch_execute(observed).await.unwrap();
    it.evaluate().await;
    it.spends(it.ada, 500).await;
    assert!(!read(&it.store).await.alerts_due().await.unwrap());
    // Who is an administrator and spends is told as the person only.
    let boss = "SELECT id FROM users WHERE username = 'boss'";
    let boss: uuid::Uuid = it.owner.query_one(boss, &[]).await.unwrap().get(0);
    it.spends(boss.into(), 600).await;
    assert_eq!(it.told().await, ["boss group 50", "olga group 50 boss"]);
}

#[tokio::test]
async fn a_message_says_everything_by_name() {
    let it = Office::new().await;
    it.spends(it.ada, 500).await;
    it.evaluate().await;
    let sql = "SELECT n.data::text, n.title, n.content, to_char(p.period_start, 'FMMonth FMDD, YYYY'), \
            to_char(p.period_end, 'FMMonth FMDD, YYYY') \
        FROM notifications AS n JOIN users AS u ON u.id = n.user_id \
        CROSS JOIN bursar_period(bursar_now(), 'month', 'UTC') AS p WHERE u.username = 'ada'";
    let row = it.owner.query_one(sql, &[]).await.unwrap();
    let data: serde_json::Value = serde_json::from_str(row.get(0)).unwrap();
    let (start, end): (String, String) = (row.get(3), row.get(4));
    let (ada, acme) = (it.ada.to_string(), it.acme.to_string());
    for (name, value) in [
        ("threshold", "50"),
        ("limit", "$0.001"),
        ("spent", "$0.0005"),
        ("period", "monthly"),
        ("limit_source", "group"),
        ("mode", "enforce"),
        ("username", "ada"),
        ("user_id", &ada),
        ("group_id", &acme),
        ("organization_id", &acme),
        ("effective_group_name", "Everyone"),
        ("organization_name", "acme"),
        ("period_start", &start),
        ("period_end", &end),
    ] {
        assert_eq!(data[name], value, "{name}");
    }
    assert_eq!(row.get::<_, String>(1), "Your AI budget is used to 50%");
    assert!(row.get::<_, String>(2).contains(&end));
}

#[tokio::test]
async fn a_limit_that_changes_tells_and_forgets() {
    let it = Office::new().await;
    it.spends(it.ada, 400).await;
    assert_eq!(it.ada_told().await, NOTHING);
    it.limit(members(450)).await;
    assert_eq!(it.ada_told().await, [50, 85]);
    it.limit(members(300)).await;
    assert_eq!(it.ada_told().await, [100]);
    it.limit(members(450)).await;
    assert_eq!(it.ada_told().await, NOTHING);
    it.limit(members(1_000)).await;
    assert_eq!(it.ada_told().await, NOTHING);
    it.spends(it.ada, 450).await;
    assert_eq!(it.ada_told().await, [50, 85]);
    // Without a limit nothing is told, and a limit that comes back is another one.
    let mut unit = begin(&it.store).await;
    unit.group_budget_delete(it.acme.everyone()).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(it.ada_told().await, NOTHING);
    it.limit(members(1_000)).await;
    assert_eq!(it.ada_told().await, [50, 85]);
    // Zero is reached by nobody's spending.
    it.limit(members(0)).await;
    assert_eq!(it.ada_told().await, NOTHING);
}

#[tokio::test]
async fn an_override_tells_when_it_comes_and_when_it_ends() {
    let it = Office::new().await;
    it.spends(it.ada, 400).await;
    it.limit(members(450)).await;
    assert_eq!(it.ada_told().await, [50, 85]);
    let set = async |limit: i64, expires_at| {
        let budget = BudgetOverrideUpsert {
            group_id: it.acme.everyone(),
            spend_limit: Micros(limit),
            mode: BudgetMode::Enforce,
            expires_at,
        };
        let mut unit = begin(&it.store).await;
        unit.budget_override_upsert(it.ada, &budget).await.unwrap();
        unit.commit().await.unwrap();
    };
    set(400, None).await;
    let told = it.told().await;
    assert_eq!(told[0], "ada user_override 100", "{told:?}");
    // More for a while: nothing is reached.
    set(10_000, Some(SystemClock.now() + Duration::minutes(2))).await;
    assert_eq!(it.ada_told().await, NOTHING);
    it.db.shift_time("3 minutes").await;
    assert_eq!(it.ada_told().await, [50, 85]);
}

#[tokio::test]
async fn joining_and_leaving_a_group_changes_the_limit() {
    let it = Office::new().await;
    let team = new_group("team", it.acme);
    let mut unit = begin(&it.store).await;
    unit.group_create(&team).await.unwrap();
    unit.group_budget_upsert(team.id, &members(5_000))
        .await
        .unwrap();
    unit.group_update(team.id, &joins(it.ada)).await.unwrap();
    unit.commit().await.unwrap();
    it.spends(it.ada, 900).await;
    assert_eq!(it.ada_told().await, NOTHING);
    let mut unit = begin(&it.store).await;
    let leaves = GroupUpdate {
        remove_users: vec![it.ada],
        ..GroupUpdate::default()
    };
    unit.group_update(team.id, &leaves).await.unwrap();
    unit.commit().await.unwrap();
    assert_eq!(it.ada_told().await, [50, 85]);
}

fn joins(user: UserId) -> GroupUpdate {
    GroupUpdate {
        add_users: vec![user],
        ..GroupUpdate::default()
    }
}

#[tokio::test]
async fn pools_are_told_of_to_admins_and_owners() {
    let it = Office::new().await;
    let pool = |limit| GroupBudgetUpsert {
        pool_limit: Change::Set(Micros(limit)),
        pool_period: Change::Set(BudgetPeriod::Day),
        ..members(100_000)
    };
    it.limit(pool(2_000)).await;
    it.spends(it.ada, 1_200).await;
    let half = ["boss pool 50 -", "olga pool 50 -"];
    assert_eq!(it.told().await, half);
    it.limit(pool(1_300)).await;
    assert_eq!(it.told().await, ["boss pool 85 -", "olga pool 85 -"]);
    // A pool that ends takes its marks along.
    let none = GroupBudgetUpsert {
        pool_limit: Change::Remove,
        ..members(100_000)
    };
    it.limit(none).await;
    assert_eq!(it.told().await, [""; 0]);
    it.limit(pool(2_000)).await;
    assert_eq!(it.told().await, half);
}

#[tokio::test]
async fn what_holds_for_all_is_looked_at_for_all() {
    let it = Office::new().await;
    it.spends(it.ada, 700).await;
    assert_eq!(it.ada_told().await, [50]);
    let thresholds = |percents: &[i32]| BudgetSettingsUpdate {
        alert_thresholds: Some(AlertThresholds::new(percents).unwrap()),
        ..BudgetSettingsUpdate::default()
    };
    it.settings(thresholds(&[60, 70, 80])).await;
    assert_eq!(it.ada_told().await, [60, 70]);
    it.settings(thresholds(&[])).await;
    it.spends(it.ada, 300).await;
    assert_eq!(it.ada_told().await, NOTHING);
    // Another period is counted anew, and told of anew.
    it.settings(thresholds(&[100])).await;
    assert_eq!(it.ada_told().await, [100]);
    it.settings(BudgetSettingsUpdate {
        period: Some(BudgetPeriod::Quarter),
        time_zone: Some("Pacific/Auckland".to_owned()),
        ..BudgetSettingsUpdate::default()
    })
    .await;
    assert_eq!(it.ada_told().await, [100]);
}

/// How far the clock must be put to be so many seconds before the next month.
async fn before_next_month(owner: &Client, seconds: i64) -> i64 {
    let sql = "SELECT extract(epoch FROM p.period_end - bursar_now())::bigint \
        FROM bursar_period(bursar_now(), 'month', 'UTC') AS p";
    owner.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) - seconds
}

#[tokio::test]
async fn what_settles_after_the_end_of_its_period_is_told_of_that_period() {
    let it = Office::new().await;
    let shift = before_next_month(&it.owner, 30).await;
    it.db.shift_time(&format!("{shift} seconds")).await;
    it.spends(it.ada, 300).await;
    let lease = lease(&it.store).await;
    let late = admit(&it.store, &request(it.ada, lease, 0, 300)).await;
    assert_eq!(it.told().await, [""; 0]);
    it.db.shift_time(&format!("{} seconds", shift + 60)).await;
    it.spends(it.ada, 400).await;
    assert_eq!(it.told().await, [""; 0]);
    let settled = settlement(late, 1, Some(300));
    close(&it.store, LedgerOp::Settle(Box::new(settled))).await;
    assert_eq!(it.ada_told().await, [50]);
    let sql = "SELECT a.spent_micros, a.period_end <= bursar_now() FROM ai_budget_alerts AS a";
    let row = it.owner.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, bool>(1)), (600, true));
    // A limit that is lowered in the new period is not that of the old one.
    it.limit(members(500)).await;
    assert_eq!(it.ada_told().await, [50]);
    let new = "SELECT spent_micros FROM ai_budget_alerts WHERE period_end > bursar_now()";
    assert_eq!(
        it.owner.query_one(new, &[]).await.unwrap().get::<_, i64>(0),
        400
    );
}

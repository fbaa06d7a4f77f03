//! Every report against the events, on ledgers of chance.

use std::collections::BTreeMap;

use chrono::Duration;
use db::{Database, local::LocalRole};
use model::{
    GroupId, Micros, OrganizationId, PageRequest, ProviderId, UserId,
    budgets::{
        BudgetMode, BudgetOverrideUpsert, BudgetPeriod, BudgetSettingsUpdate, GroupBudgetUpsert,
    },
    groups::GroupUpdate,
    metering::TokenUsage,
    spend::{
        CredentialKind, LedgerAnswer, LedgerOp, LockWait, Period, Settlement, SettlementBasis,
        UsageReport,
    },
    spend_reports::{ExportGrain, SpendExportRow},
};
use rbac::Visibility;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{everybody, export};
use crate::{
    ledger::{Held, admit, lease, request, settle, settlement, spend, sweep},
    support::{TestDb, World, begin, new_group, new_organization, new_user, read},
};

/// Chance that is the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn micros(&mut self) -> i64 {
        i64::try_from(self.below(5_000)).unwrap()
    }
}

/// Two organizations with a team in the first; one person in each, and one in both and in the team.
struct Ledger {
    db: TestDb,
    store: Database,
    owner: Client,
    organizations: [OrganizationId; 2],
    team: GroupId,
    people: [UserId; 3],
    /// What was swept, to be corrected some day.
    swept: Vec<Held>,
    hours: u64,
}

impl Ledger {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let store = db.store().await;
        let world = World::new(&store, Some(Micros(1_000_000_000))).await;
        let beta = new_organization("beta");
        let both = [world.organization, beta.id];
        let (bob, cyd) = (new_user("bob", &both), new_user("cyd", &[beta.id]));
        let team = new_group("team", world.organization);
        let mut unit = begin(&store).await;
        unit.organization_create(&beta).await.unwrap();
        unit.user_create(&bob).await.unwrap();
        unit.user_create(&cyd).await.unwrap();
        unit.group_create(&team).await.unwrap();
        let joining = GroupUpdate {
            add_users: vec![bob.id],
            ..GroupUpdate::default()
        };
        unit.group_update(team.id, &joining).await.unwrap();
        unit.commit().await.unwrap();
        let owner = db.client(LocalRole::Owner).await;
        Self {
            organizations: both,
            team: team.id,
            people: [world.user, bob.id, cyd.id],
            swept: Vec::new(),
            hours: 0,
            db,
            store,
            owner,
        }
    }

    fn groups(&self) -> [GroupId; 3] {
        let [acme, beta] = self.organizations;
        [acme.everyone(), beta.everyone(), self.team]
    }

    /// One step of chance.
    async fn step(&mut self, chance: &mut Chance) {
        let who = usize::try_from(chance.below(3)).unwrap();
        let person = self.people[who];
        let cost = Some(chance.micros()).filter(|cost| cost % 7 != 0);
        match chance.below(12) {
            0..=4 => {
                let lease = lease(&self.store).await;
                let held = admit(&self.store, &request(person, lease, 100, 400)).await;
                settle(&self.store, &settlement(held, 50, cost)).await;
            }
            5 | 6 => self.report(person, cost).await,
            7 => {
                let lost = model::LeaseId(crate::support::id());
                let held = admit(&self.store, &request(person, lost, 100, 400)).await;
                sweep(&self.store).await;
                self.swept.push(held);
            }
            8 => {
                if let Some(held) = self.swept.pop() {
                    let truth = Settlement {
                        basis: SettlementBasis::Reported,
                        ..settlement(held, 20, cost)
                    };
                    settle(&self.store, &truth).await;
                }
            }
            9 => {
                let group = usize::try_from(chance.below(3)).unwrap();
                let limit = Micros(1_000_000_000 + chance.micros());
                let budget = GroupBudgetUpsert::limit(limit);
                let mut unit = begin(&self.store).await;
                unit.group_budget_upsert(self.groups()[group], &budget)
                    .await
                    .unwrap();
                unit.commit().await.unwrap();
            }
            10 => self.charge_elsewhere(chance).await,
            _ => {
                self.hours += chance.below(24 * 9);
                self.db.shift_time(&format!("{} hours", self.hours)).await;
            }
        }
    }

    async fn report(&self, user_id: UserId, cost: Option<i64>) {
        let report = UsageReport {
            user_id,
            api_key_id: "0123456789".to_owned(),
            provider_id: ProviderId(Uuid::nil()),
            provider_name: "elsewhere".to_owned(),
            model: "m".to_owned(),
            client: None,
            credential_kind: CredentialKind::Centralized,
            usage: TokenUsage::default(),
            basis: SettlementBasis::Reported,
            cost: cost.map(Micros),
            prices: None,
            response_model: None,
            provider_response_id: None,
        };
        let mut unit = begin(&self.store).await;
        let ops = [LedgerOp::Report(Box::new(report))];
        let batch = unit.ledger_batch(&ops, LockWait::Long).await.unwrap();
        unit.commit().await.unwrap();
        assert!(matches!(batch.answers[..], [LedgerAnswer::Reported(_)]));
    }

    /// Bob's spend is charged to one of his groups, or to whichever has the highest budget.
    async fn charge_elsewhere(&self, chance: &mut Chance) {
        let choice = usize::try_from(chance.below(4)).unwrap();
        let bob = self.people[1];
        let mut unit = begin(&self.store).await;
        match self.groups().get(choice) {
            Some(group) => {
                let budget = BudgetOverrideUpsert {
                    group_id: *group,
                    spend_limit: Micros(2_000_000_000),
                    mode: BudgetMode::Enforce,
                    expires_at: None,
                };
                unit.budget_override_upsert(bob, &budget).await.unwrap();
            }
            None => {
                unit.budget_override_delete(bob).await.unwrap();
            }
        }
        unit.commit().await.unwrap();
    }

    /// What the events come to, by a column, in a period.
    async fn events(&self, column: &str, which: &str, period: Period) -> BTreeMap<Uuid, i64> {
        let at = |place: u8| {
            format!("'epoch'::timestamptz + ${place}::bigint * interval '1 microsecond'")
        };
        let sql = format!(
            "SELECT {column}, sum(coalesce(cost_micros, 0))::bigint FROM ai_usage_events \
             WHERE {which} AND created_at >= {} AND created_at < {} GROUP BY 1",
            at(1),
            at(2)
        );
        let ends = [period.start, period.end].map(|end| end.timestamp_micros());
        let rows = self.owner.query(&sql, &[&ends[0], &ends[1]]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Every report against the events, to the micro.
    async fn check(&self) {
        let mut unit = read(&self.store).await;
        let group = unit.group_spend_get(self.team).await.unwrap();
        let period = group.period;
        let by_person = self.events("user_id", "true", period).await;
        let by_group = self
            .events(
                "effective_group_id",
                "effective_group_id IS NOT NULL",
                period,
            )
            .await;
        let of = |sums: &BTreeMap<Uuid, i64>, id: Uuid| sums.get(&id).copied().unwrap_or_default();
        let mut exported: BTreeMap<UserId, i64> = BTreeMap::new();
        for organization in self.organizations {
            let groups = unit
                .organization_group_spend_list(organization, &self.groups(), &Visibility::All)
                .await
                .unwrap();
            assert_eq!(groups.period, period);
            for one in &groups.groups {
                let expected = of(&by_group, one.group_id.0);
                assert_eq!(one.spent.0, expected, "{one:?} {period:?}");
                let which = format!("effective_group_id = '{}'", one.group_id.0);
                let members = self.events("user_id", &which, period).await;
                let told = unit
                    .group_member_spend_list(one.group_id, &self.people, &Visibility::All)
                    .await
                    .unwrap();
                assert!(!told.members.is_empty());
                for member in told.members {
                    let expected = of(&members, member.user_id.0);
                    assert_eq!(member.group_spent.0, expected, "{member:?}");
                }
            }
            let recent = Period {
                start: period.start - Duration::hours(100),
                end: period.start + Duration::hours(31),
            };
            for asked in [None, Some(recent)] {
                let within = asked.unwrap_or(period);
                let rows = self.check_organization(organization, asked, within).await;
                if asked.is_none() {
                    for row in rows {
                        *exported.entry(row.user_id).or_default() += row.cost.unwrap_or_default().0;
                    }
                }
            }
        }
        for person in self.people {
            let state = spend(&self.store, person).await;
            assert_eq!(state.period, period);
            assert_eq!(state.spent.0, of(&by_person, person.0));
            let told = exported.get(&person).copied().unwrap_or_default();
            assert_eq!(told, state.spent.0, "{person:?}");
        }
    }

    /// The export, in both grains, and the list of people of an organization.
    async fn check_organization(
        &self,
        organization: OrganizationId,
        asked: Option<Period>,
        within: Period,
    ) -> Vec<SpendExportRow> {
        let which = format!("organization_id = '{}'", organization.0);
        let expected = self.events("user_id", &which, within).await;
        let mut sums: BTreeMap<Uuid, i64> = BTreeMap::new();
        let mut unpriced = 0;
        let whole = export(&self.store, organization, asked, ExportGrain::Period).await;
        assert_eq!(whole.period, Some(within));
        for row in &whole.rows {
            assert_eq!(row.period, within);
            *sums.entry(row.user_id.0).or_default() += row.cost.unwrap_or_default().0;
            unpriced += u64::try_from(row.unpriced).unwrap();
        }
        assert_eq!(sums, expected);
        let mut days: BTreeMap<Uuid, i64> = BTreeMap::new();
        for row in export(&self.store, organization, asked, ExportGrain::Day)
            .await
            .rows
        {
            let Period { start, end } = row.period;
            assert!(within.start <= start && start < end && end <= within.end);
            assert!(end - start <= Duration::days(1));
            assert_eq!(
                start.date_naive(),
                (end - Duration::microseconds(1)).date_naive()
            );
            *days.entry(row.user_id.0).or_default() += row.cost.unwrap_or_default().0;
        }
        assert_eq!(days, expected);
        let page = PageRequest {
            limit: 100,
            offset: 0,
        };
        let mut unit = read(&self.store).await;
        let people = unit
            .spend_user_list(&everybody(organization, asked), page)
            .await
            .unwrap();
        assert_eq!(people.period, within);
        let listed = people.users.iter().map(|one| (one.user_id.0, one.cost.0));
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), expected);
        assert_eq!(people.count, u64::try_from(expected.len()).unwrap());
        assert_eq!(people.cost.0, expected.values().sum::<i64>());
        assert_eq!(people.unpriced, unpriced);
        assert!(
            people
                .users
                .is_sorted_by_key(|one| std::cmp::Reverse(one.cost))
        );
        whole.rows
    }

    async fn reckon(&self, period: BudgetPeriod, zone: &str) {
        let update = BudgetSettingsUpdate {
            period: Some(period),
            time_zone: Some(zone.to_owned()),
            ..BudgetSettingsUpdate::default()
        };
        let mut unit = begin(&self.store).await;
        unit.budget_settings_update(&update).await.unwrap();
        unit.commit().await.unwrap();
    }
}

#[tokio::test]
async fn every_report_agrees_with_the_events_to_the_micro() {
    for seed in 1..=2 {
        let mut ledger = Ledger::new().await;
        let mut chance = Chance(seed);
        for (period, zone) in [
            (BudgetPeriod::Month, "UTC"),
            (BudgetPeriod::Week, "Asia/Kolkata"),
            (BudgetPeriod::Day, "America/New_York"),
        ] {
            ledger.reckon(period, zone).await;
            for _ in 0..3 {
                for _ in 0..15 {
                    ledger.step(&mut chance).await;
                }
                ledger.check().await;
            }
        }
        let events: i64 = ledger
            .owner
            .query_one("SELECT count(*) FROM ai_usage_events", &[])
            .await
            .unwrap()
            .get(0);
        assert!(events > 50, "{events}");
    }
}

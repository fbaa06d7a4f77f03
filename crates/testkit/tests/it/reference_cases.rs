//! Every behavioural case of the reference's section 11: which test shows it, or what this design does instead and
//! why, or why there is nothing to show.
//!
//! The list does not rot: a test reads it, looks for each test that it names in the sources, and counts the cases.

use std::{collections::BTreeSet, fs, path::Path};

/// The numbers that the reference has.
const NUMBERS: &str = "1 2 4 5 7 8 10 11 13 14 16 17 19 20 22 23 25 26 28 29 31 32 34 35 37 38 40 41 43 44 46 47 49 50 52 \
    53 55 56 58 59 61 62 64 65 67 68 70 71 73 74 76 77 79 80 82 83 85 86 88 89 91 92 94 95 97 98 100 101 103 104 \
    106 107 109 110 112 113 115 116 118";

/// `number | shown, instead or none | the case, or what is done instead of it and why | tests`. A test is named as
/// its file in `crates`, `#`, and its function; several of one file are joined by `+`.
const CASES: &str = "
Resolution
1 | shown | no budget: Everyone of the default organization, no limit | testkit/tests/it/reference.rs#resolution_falls_back_to_everyone_and_an_override_wins
2 | shown | an override wins over a higher group budget, and so does its group | testkit/tests/it/reference.rs#resolution_falls_back_to_everyone_and_an_override_wins
4 | shown | the highest of two budgets, charged to its group | model/src/budgets/resolve/tests.rs#the_policy_makes_one_limit_of_several testkit/tests/it/reference.rs#the_policy_is_a_setting_of_the_deployment
5 | shown | of equal limits, that of the organization joined first | model/src/budgets/resolve/tests.rs#the_policy_makes_one_limit_of_several
7 | shown | Everyone's budget competes | testkit/tests/it/reference.rs#the_policy_is_a_setting_of_the_deployment
8 | shown | budgets of removed organizations are ignored, overrides too | db/tests/it/ledger.rs#the_highest_budget_of_a_living_organization_holds
10 | shown | nobody without an organization is charged anywhere | testkit/tests/it/reference.rs#resolution_falls_back_to_everyone_and_an_override_wins db/tests/it/ledger.rs#a_person_without_an_organization_spends_for_no_group
11 | shown | without a default organization, Everyone of the one joined first | model/src/budgets/resolve/tests.rs#spend_without_a_budget_falls_to_an_everyone_group
13 | instead | there is no lookup of its own that may fail: the budget is resolved in the reservation's transaction, which fails as a whole, and the answer is 503 | gateway/src/tests/trouble.rs#a_reservation_whose_answer_was_lost_is_undone
14 | instead | there are other policies; a word that is none is refused where it is set | testkit/tests/it/reference.rs#the_policy_is_a_setting_of_the_deployment

Enforcement
16 | shown | below the limit | model/src/admission/tests/mod.rs#one_limit_judges_by_room_and_rest
17 | shown | at the limit | model/src/admission/tests/mod.rs#one_limit_judges_by_room_and_rest
19 | shown | a limit of zero blocks | testkit/tests/it/reference.rs#limits_block_until_they_are_raised_removed_or_begin_anew testkit/tests/it/caps.rs#a_budget_of_zero_blocks_what_costs_and_nothing_else
20 | shown | an override below what was spent blocks, counted for its group | testkit/tests/it/reference.rs#limits_block_until_they_are_raised_removed_or_begin_anew testkit/tests/it/metrics.rs#whom_limits_block_is_counted_by_the_group_that_is_charged
22 | instead | nothing is sent when the spend cannot be read: 503, where the reference has 500 | gateway/src/tests/trouble.rs#a_reservation_whose_answer_was_lost_is_undone
23 | shown | what was spent in another period does not count | testkit/tests/it/reference.rs#limits_block_until_they_are_raised_removed_or_begin_anew testkit/tests/it/money.rs#a_request_over_the_end_of_a_month_is_charged_to_the_month_that_it_began_in
25 | shown | without a budget everything is admitted and counted | db/tests/it/ledger.rs#without_a_limit_everything_is_admitted_and_still_durable
26 | shown | each check is observed once, with its outcome | gateway/src/telemetry.rs#every_decision_is_observed_once_and_blocks_are_counted_by_group
28 | instead | 403 in the provider's own JSON, not plain text | gateway/src/tests/refusals.rs#what_cannot_fit_is_refused_at_once_and_says_why
29 | instead | lists of models cost nothing and are never refused for money | gateway/src/tests/answers.rs#lists_and_counts_pass_whatever_the_budget
31 | instead | as 22 | gateway/src/tests/trouble.rs#a_reservation_whose_answer_was_lost_is_undone
32 | instead | two requests cannot pass a limit together: what may be needed is reserved first | db/tests/it/ledger_races.rs#fifty_requests_on_two_servers_never_pass_the_limit testkit/tests/it/burst.rs#with_a_cap_on_two_servers
34 | shown | without its budget the next request passes | testkit/tests/it/reference.rs#limits_block_until_they_are_raised_removed_or_begin_anew
35 | instead | 401, as providers say it, before any budget is looked at | testkit/tests/it/gateway.rs#callers_are_told_apart_by_their_token_and_never_by_a_cookie gateway/src/tests/refusals.rs#callers_are_told_apart_before_anything_is_said_about_providers
37 | none | there are no WebSockets |

Cost
38 | shown | 1552 | model/src/metering/tests.rs#every_kind_is_rounded_down_on_its_own
40 | shown | no price known of any kind: 0 | model/src/metering/tests.rs#every_kind_is_rounded_down_on_its_own
41 | shown | no tokens: 0 | model/src/metering/tests.rs#every_kind_is_rounded_down_on_its_own
43 | shown | less than a micro: 0 | model/src/metering/tests.rs#every_kind_is_rounded_down_on_its_own
44 | shown | 0 and 1 | model/src/metering/tests.rs#every_kind_is_rounded_down_on_its_own
46 | shown | each kind is rounded down on its own | model/src/metering/tests.rs#every_kind_is_rounded_down_on_its_own
47 | instead | a count is no negative number by its type; one above a trillion makes the charge an estimate, and nothing is thrown away | model/src/metering/tests.rs#impossible_counts_and_costs_are_errors gateway/src/held.rs#impossible_figures_fall_back_to_an_estimate
49 | shown | the cost end to end, and in the figure of the day | testkit/tests/it/money.rs#every_kind_of_token_is_charged_its_price_and_none_twice db/tests/it/spend_days.rs#a_day_has_a_figure_where_something_was_charged
50 | none | there are no providers of the type `bedrock`; a price is found by the provider's type |
52 | instead | a request is priced by the provider that it goes to, whose type and prices it takes along: what had the name before is not asked | model/src/metering/tests.rs#a_snapshot_survives_storage_and_leaves_out_what_is_not_known
53 | shown | without a price the tokens are counted and the cost is not known | testkit/tests/it/caps.rs#a_model_without_a_price_is_refused_under_a_limit_and_counted_without_one testkit/tests/it/metrics.rs#usage_without_a_price_is_counted_by_provider_and_model db/tests/it/spend_days.rs#a_day_has_a_figure_where_something_was_charged
55 | shown | a price that changes later changes no cost | model/src/prices/tests/own.rs#prices_hold_from_their_instant_until_the_next model/src/metering/tests.rs#a_snapshot_survives_storage_and_leaves_out_what_is_not_known

Recording
56 | shown | one event, and one step of the day's figure, in one transaction | db/tests/it/ledger.rs#a_reservation_holds_and_a_settlement_charges db/tests/it/spend_days.rs#a_day_has_a_figure_where_something_was_charged
58 | instead | a step that cannot be taken fails its whole transaction, and is tried again until it can | gateway/src/tests/trouble.rs#a_settlement_is_tried_until_the_database_is_back testkit/tests/it/faults.rs#a_settlement_without_a_database_is_tried_again_and_lands_once
59 | shown | what is free leaves an event and no figure of a day | db/tests/it/spend_days.rs#a_day_has_a_figure_where_something_was_charged
61 | shown | the day is the request's, however late it is settled | db/tests/it/spend_days.rs#a_request_before_midnight_is_of_that_day_however_late_it_is_settled
62 | shown | a hundred at once add up | db/tests/it/spend_days.rs#a_hundred_settlements_at_once_add_up
64 | instead | recording is no call that may time out: the answer passes, and the settlement is tried again until it lands | testkit/tests/it/faults.rs#a_settlement_without_a_database_is_tried_again_and_lands_once
65 | instead | nothing is sent that could not be written down first: 503 | gateway/src/tests/trouble.rs#a_reservation_whose_answer_was_lost_is_undone

Budgets of groups
67 | shown | set and read | testkit/tests/it/budgets.rs#a_budget_is_set_read_set_again_and_removed testkit/tests/it/reference.rs#the_api_of_group_budgets
68 | shown | set again: another limit and `updated_at`, the same `created_at` | testkit/tests/it/budgets.rs#a_budget_is_set_read_set_again_and_removed
70 | shown | below zero | testkit/tests/it/budgets.rs#limits_are_bounded_and_the_refusals_say_how
71 | shown | above a million dollars, and exactly that | testkit/tests/it/budgets.rs#limits_are_bounded_and_the_refusals_say_how
73 | shown | a member reads and does not write | testkit/tests/it/budgets_matrix.rs#every_route_answers_everybody_as_the_matrix_says
74 | shown | members of another organization do not even read | testkit/tests/it/budgets_matrix.rs#every_route_answers_everybody_as_the_matrix_says testkit/tests/it/reference.rs#the_api_of_group_budgets
76 | shown | without the feature, 403 that names it; there are no licences | testkit/tests/it/budgets_matrix.rs#without_the_feature_every_route_says_so
77 | shown | a group takes its budget with it | testkit/tests/it/budgets.rs#a_budget_is_set_read_set_again_and_removed

Overrides
79 | shown | charged to Everyone | testkit/tests/it/reference.rs#the_api_of_overrides
80 | shown | a group that is not there | testkit/tests/it/reference.rs#the_api_of_overrides
82 | shown | an organization's admin does not, a user admin does; beyond that a role of one's own may carry `ai_budget:update` | testkit/tests/it/overrides.rs#the_role_matrix_of_overrides testkit/tests/it/budgets_matrix.rs#every_route_answers_everybody_as_the_matrix_says+a_keeper_of_budgets_reaches_the_organizations_own_people_and_groups_only
83 | shown | one's own, as `me` | testkit/tests/it/reference.rs#the_api_of_overrides
85 | shown | the membership takes the override with it | testkit/tests/it/reference.rs#the_api_of_overrides db/tests/it/overrides.rs#an_override_goes_with_the_membership_and_is_recorded db/tests/it/override_races.rs#a_removal_that_comes_first_lets_no_override_be_made+a_removal_that_comes_second_takes_the_override_with_it
86 | shown | removed twice: 204, 404, and one line in the audit log | testkit/tests/it/overrides.rs#each_change_is_one_line_and_none_is_none+one_of_many_removals_wins

Spend
88 | shown | the month, from its first instant to the next one's | testkit/tests/it/spend_reports/groups.rs#case_88_the_period_is_the_month testkit/tests/it/budgets.rs#spend_is_told_with_the_limit_the_rest_and_the_month
89 | shown | which groups: none, too many, wrong ones, unknown parameters | testkit/tests/it/spend_reports/groups.rs#case_89_ids_are_asked_for_and_bounded
91 | shown | the total of a group's limits: members, and overrides that are charged to it | testkit/tests/it/spend_reports/groups.rs#case_91_a_total_adds_up_limits_and_overrides
92 | shown | no total without a budget of the group's own | testkit/tests/it/spend_reports/groups.rs#case_92_without_a_budget_there_is_no_total
94 | shown | a member sees its own row only | testkit/tests/it/spend_reports/members.rs#case_94_and_97_members_that_may_be_seen
95 | shown | budgets of another organization are not told, spend that is charged here is | testkit/tests/it/spend_reports/members.rs#case_95_and_96_what_another_organization_gives_is_not_told
97 | shown | whoever is no member is left out | testkit/tests/it/spend_reports/members.rs#case_94_and_97_members_that_may_be_seen

Export
98 | shown | periods: one bound, the wrong order, 32 days, 31 days | testkit/tests/it/spend_reports/exports.rs#case_98_periods_have_two_ends_in_order_and_31_days_at_most
100 | shown | a cell that could be a formula | testkit/tests/it/spend_reports/exports.rs#case_100_no_cell_is_a_formula
101 | shown | who may; an empty export has its head | testkit/tests/it/spend_reports/exports.rs#case_101_members_are_refused_and_an_empty_export_has_its_header

Prices
103 | shown | what is wrong with prices is told | model/src/prices/tests/drafts.rs#every_mistake_is_told_with_its_place+an_empty_list_is_a_mistake
104 | shown | what comes with the program is read at each start from the program; what is set by hand is kept beside it and counts | model/src/prices/tests/own.rs#what_was_set_comes_before_the_files_and_the_catalogue model/src/prices/tests/lists.rs#a_model_has_one_effective_row

Notices
106 | shown | thresholds that are passed, and that are not | model/src/alerts/mod.rs#each_threshold_is_told_once_when_it_is_reached
107 | shown | what a notice says | model/src/alerts/notice.rs#the_labels_are_those_of_the_reference db/tests/it/alerts/mod.rs#a_message_says_everything_by_name
109 | instead | the ledger writes down that somebody has to be told, in its own transaction, and tells nobody itself: nothing of a charge can fail with a notice, and no notice is lost | db/tests/it/alerts/many.rs#a_server_that_dies_half_way_loses_nothing
110 | shown | a limit of zero | model/src/alerts/mod.rs#each_threshold_is_told_once_when_it_is_reached

The gateway's protection
112 | none | how many requests are under way is bounded by people's limits and by the database's connections; rates are not limited yet |
113 | none | there is no breaker: a provider's error passes to its client, costs nothing and holds nobody up |
115 | none | providers' keys are the deployment's; a client cannot bring its own |
116 | shown | no token of ours goes to a provider | testkit/tests/it/gateway.rs#the_token_stays_here_and_the_key_stays_there gateway/src/tests/answers.rs#no_key_reaches_the_wrong_side
118 | instead | models without a price are counted as they are used, and refused under a limit: nothing waits for a weekly report | testkit/tests/it/metrics.rs#usage_without_a_price_is_counted_by_provider_and_model testkit/tests/it/caps.rs#a_model_without_a_price_is_refused_under_a_limit_and_counted_without_one
";

/// What is wrong with naming this test.
fn complaint(place: &str) -> Option<String> {
    let (file, names) = place.split_once('#')?;
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let Ok(source) = fs::read_to_string(crates.join(file)) else {
        return Some(format!("there is no `{file}`"));
    };
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_test = |name: &str| {
        let sync = format!("fn {name}(");
        let at = lines.iter().position(|line| {
            line.strip_prefix("async ")
                .unwrap_or(line)
                .starts_with(&sync)
        });
        let above = at.map_or(&[][..], |at| &lines[at.saturating_sub(4)..at]);
        let test = |line: &&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        above.iter().any(test)
    };
    let missing = names.split('+').find(|name| !is_test(name));
    missing.map(|name| format!("there is no test `{name}` in `{file}`"))
}

/// Checks a list of cases: that it has these numbers, each once, and that the tests it names are there.
pub(crate) fn check(cases: &str, numbers: &str) {
    let mut seen = Vec::new();
    let mut wrong = Vec::new();
    for line in cases.lines().filter(|line| line.contains(" | ")) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [number, kind, what, tests] = columns[..] else {
            panic!("{line}");
        };
        seen.push(number);
        let places: Vec<&str> = tests.split_whitespace().collect();
        let good = match kind {
            "shown" | "instead" => !places.is_empty(),
            "none" => places.is_empty(),
            _ => false,
        };
        if !good || what.is_empty() {
            wrong.push(line.to_owned());
        }
        for place in places {
            if !place.contains('#') {
                wrong.push(format!("{number}: `{place}` names no test"));
            }
            wrong.extend(complaint(place).map(|words| format!("{number}: {words}")));
        }
    }
    assert_eq!(
        seen.join(" "),
        numbers.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    let unique: BTreeSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len());
}

#[test]
fn every_case_is_shown_or_explained() {
    check(CASES, NUMBERS);
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    let here = "testkit/tests/it/reference_cases.rs";
    let check = |name: &str, expected: bool| {
        assert_eq!(
            complaint(&format!("{here}#{name}")).is_none(),
            expected,
            "{name}"
        );
    };
    check("every_case_is_shown_or_explained", true);
    check(
        "every_case_is_shown_or_explained+a_test_that_is_not_there_is_missed",
        true,
    );
    check("every_case_is_shown", false);
    check("complaint", false);
    assert!(complaint("testkit/tests/it/nowhere.rs#x").is_some());
}

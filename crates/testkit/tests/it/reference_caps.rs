//! Every behavioural case of the reference of budget caps: which test shows it, or what this design does instead and
//! why, or why there is nothing to show. Read, and held against the sources, as `reference_cases` is.

use crate::reference_cases;

/// The numbers that the reference has.
const NUMBERS: &str = "1 2 4 5 7 8 10 11 13 14 16 17 19 20 22 23 25 26 28 29 31 32 34 35 37 38 40 41 43 44 46 47 49 50 52 \
    53 55 56 58 59 61 62 64 65 67 68 70 71 73 74 76 77 79";

/// Written as the list of `reference_cases`.
const CASES: &str = "
Query
1 | shown | all caps, exactly | testkit/tests/it/graphql/queries.rs#caps_are_null_until_they_are_set
2 | shown | nothing was ever set | testkit/tests/it/graphql/queries.rs#caps_are_null_until_they_are_set
4 | shown | unknown and forbidden are told alike, byte for byte | testkit/tests/it/graphql/rights.rs#an_organizations_caps_are_for_its_administrators_and_owners api/src/graphql/failure.rs#missing_and_forbidden_look_alike_and_nothing_internal_is_told
5 | shown | a path into an organization, by who may know of it and by others | testkit/tests/it/graphql/rights.rs#an_organizations_caps_are_for_its_administrators_and_owners
7 | shown | names ignore case | testkit/tests/it/graphql/rights.rs#an_organizations_caps_are_for_its_administrators_and_owners
8 | shown | the deployment's are for owners in admin mode, or by a token with the scope `admin_mode` | testkit/tests/it/graphql/rights.rs#the_deployments_caps_are_for_owners_in_admin_mode testkit/tests/it/admin_mode.rs#a_token_has_the_scope_instead_and_a_session_in_admin_mode_gives_it
10 | shown | an owner reads any organization's | testkit/tests/it/graphql/rights.rs#an_organizations_caps_are_for_its_administrators_and_owners
11 | shown | the feature is off, or on for one organization only | testkit/tests/it/graphql/queries.rs#caps_are_not_shown_while_the_feature_is_off testkit/tests/it/caps_portal/order.rs#the_portal_hears_nothing_while_the_feature_is_off
13 | shown | somebody without a cap of their own | testkit/tests/it/graphql/queries.rs#own_caps_come_in_pages_by_the_peoples_ids
14 | shown | pages, forwards | testkit/tests/it/graphql/queries.rs#own_caps_come_in_pages_by_the_peoples_ids
16 | shown | the better mode: all 25 on one page | testkit/tests/it/graphql/queries.rs#own_caps_come_in_pages_by_the_peoples_ids
17 | instead | who left an organization keeps the cap and is named; with an account, its caps go, so that no row is nobody's | testkit/tests/it/graphql/queries.rs#somebody_who_left_keeps_a_cap_until_the_account_is_gone
19 | instead | a document reads the portal once at most, filters or not, and not at all while what was read is fresh | testkit/tests/it/caps_portal/reads.rs#a_document_reads_the_portal_once_at_most
20 | shown | dates that cannot be | testkit/tests/it/graphql/queries.rs#arguments_that_cannot_be_are_refused
22 | shown | the better mode: null and an error with a code, the rest stands | testkit/tests/it/caps_portal/failures.rs#a_read_that_fails_is_told_where_the_caps_would_be+silence_is_told_in_time
23 | shown | ids of something else, and of nothing | testkit/tests/it/graphql/queries.rs#arguments_that_cannot_be_are_refused

upsertFlatUserCap
25 | shown | an integer | testkit/tests/it/graphql/flat.rs#a_flat_cap_is_set_and_read_as_it_was_given
26 | shown | zero, and less, of which the portal hears nothing | testkit/tests/it/graphql/flat.rs#a_flat_cap_is_set_and_read_as_it_was_given+an_amount_that_cannot_be_is_refused_before_anything_else testkit/tests/it/caps_portal/order.rs#the_portal_hears_nothing_of_what_cannot_be
28 | shown | whoever may not, of whom the portal hears nothing | testkit/tests/it/graphql/rights.rs#an_organizations_caps_are_for_its_administrators_and_owners testkit/tests/it/caps_portal/order.rs#the_portal_hears_nothing_from_whoever_may_not
29 | shown | a path into an organization, and an unknown one | testkit/tests/it/graphql/rights.rs#an_organizations_caps_are_for_its_administrators_and_owners
31 | none | there are no trial licences: the one that is sent is the one that the server was given |
32 | shown | the feature is off | testkit/tests/it/graphql/flat.rs#nothing_is_set_while_the_feature_is_off testkit/tests/it/caps_portal/order.rs#the_portal_hears_nothing_while_the_feature_is_off
34 | shown | whatever the portal answers that is no confirmation | testkit/tests/it/caps_portal/failures.rs#a_write_that_fails_is_told portal/tests/it/misbehaviour.rs#null_without_a_word_is_no_success+errors_beside_the_data_or_in_it_are_no_success api/src/graphql/failure.rs#what_the_portal_wrote_is_in_no_message
35 | shown | one that is disabled keeps its amount | testkit/tests/it/graphql/flat.rs#a_flat_cap_is_set_and_read_as_it_was_given
37 | shown | `clientMutationId` | testkit/tests/it/graphql/flat.rs#a_flat_cap_is_set_and_read_as_it_was_given
38 | instead | scopes of tokens are `budget_cap:read` and `budget_cap:update`; whoever lacks one is told what everybody is who may not | testkit/tests/it/graphql/rights.rs#a_token_does_what_its_scopes_say
40 | none | there is no read-only mode |

upsertUserBudgetCapOverrides
41 | shown | two people | testkit/tests/it/graphql/overrides.rs#own_caps_are_set_after_the_flat_one
43 | shown | no record yet; the better mode is an option | testkit/tests/it/graphql/overrides.rs#own_caps_are_set_after_the_flat_one+own_caps_need_no_flat_one_where_the_option_says_so testkit/tests/it/caps_portal/writes.rs#what_the_portal_rejects_is_told_in_its_words+own_caps_may_make_the_record_on_the_way
44 | shown | a record with a flat cap that is disabled | testkit/tests/it/graphql/overrides.rs#own_caps_are_set_after_the_flat_one
46 | shown | unknown people | testkit/tests/it/graphql/overrides.rs#one_bad_row_rejects_all_before_anything_is_written
47 | shown | people of elsewhere, and a mixed batch | testkit/tests/it/graphql/overrides.rs#one_bad_row_rejects_all_before_anything_is_written
49 | shown | somebody in no organization, for the whole deployment; the portal is told the instance | testkit/tests/it/graphql/overrides.rs#the_deployment_caps_anybody_and_an_organization_its_leavers testkit/tests/it/caps_portal/writes.rs#own_caps_of_the_deployment_are_set_for_its_instance
50 | shown | 200 are set at once; 201 are too many, and the portal hears nothing | db/tests/it/caps/upserts.rs#two_hundred_own_caps_are_set_at_once_and_answered_as_they_were_asked testkit/tests/it/graphql/overrides.rs#one_bad_row_rejects_all_before_anything_is_written+what_is_wrong_with_some_rows_is_told_with_their_places testkit/tests/it/caps_portal/order.rs#the_portal_hears_nothing_of_what_cannot_be
52 | shown | nobody | testkit/tests/it/graphql/overrides.rs#own_caps_are_set_after_the_flat_one
53 | shown | the better mode: somebody named twice is refused, with both places | testkit/tests/it/graphql/overrides.rs#one_bad_row_rejects_all_before_anything_is_written
55 | shown | set again | testkit/tests/it/graphql/overrides.rs#own_caps_are_set_after_the_flat_one db/tests/it/caps/upserts.rs#an_own_cap_that_is_set_again_keeps_its_place_its_beginning_and_its_mode
56 | shown | at once | testkit/tests/it/graphql/overrides.rs#two_owners_at_once_leave_one_row

Enforcement
58 | shown | a cap takes nothing of what is included, one of zero neither | testkit/tests/it/graphql/admitted.rs#a_cap_takes_nothing_of_what_is_included db/tests/it/ledger_caps.rs#a_user_cap_blocks_at_the_greater_of_itself_and_what_is_included
59 | shown | one's own cap in place of the flat one, above it and below | testkit/tests/it/graphql/admitted.rs#ones_own_cap_stands_in_for_the_flat_one_and_stops_nobody_else db/tests/it/ledger_caps.rs#a_user_cap_blocks_at_the_greater_of_itself_and_what_is_included
61 | shown | nobody else is stopped | testkit/tests/it/graphql/admitted.rs#ones_own_cap_stands_in_for_the_flat_one_and_stops_nobody_else
62 | shown | a subscription's cap of zero leaves each what is included | testkit/tests/it/graphql/admitted.rs#a_subscriptions_cap_counts_what_is_beyond_the_included_only db/tests/it/ledger_caps.rs#a_subscriptions_cap_leaves_everybody_what_is_included
64 | shown | what is included counts nothing for the subscription | testkit/tests/it/graphql/admitted.rs#a_subscriptions_cap_counts_what_is_beyond_the_included_only
65 | shown | reached exactly, and raised | testkit/tests/it/graphql/admitted.rs#a_subscriptions_cap_counts_what_is_beyond_the_included_only db/tests/it/ledger_caps.rs#a_cap_that_is_reached_exactly_blocks_until_it_is_raised_on_every_server
67 | shown | the end of months of 28 to 31 days | testkit/tests/it/graphql/periods.rs#the_first_instant_of_a_month_begins_anew_and_the_last_one_does_not db/tests/it/ledger_caps.rs#caps_persist_and_counters_begin_anew_with_the_period db/tests/it/periods.rs#a_period_is_what_the_calendar_says
68 | none | nobody is told by mail of a cap: mails and notices are about budgets, and there are no managers of billing accounts to tell. Who is refused is told which cap it was, and whoever keeps caps sees who is stopped |
70 | shown | who is stopped, and who is not | testkit/tests/it/graphql/users.rs#who_is_stopped_is_told_with_the_first_cap_that_does_it testkit/tests/it/caps_portal/blocked.rs#the_portal_says_who_is_stopped_beside_those_whom_the_ledger_stops
71 | none | there is no verdict to ask for: the gateway decides itself, and other gateways reserve room |
73 | shown | a raise holds with the next request, on every server | testkit/tests/it/graphql/admitted.rs#a_cap_that_is_raised_lets_the_next_request_through testkit/tests/it/caps_portal/writes.rs#what_is_set_is_kept_by_the_portal_and_holds_at_once_on_every_server
74 | shown | what ends late is charged to the month that it began in | testkit/tests/it/graphql/periods.rs#what_began_in_the_old_month_counts_nothing_in_the_new_one db/tests/it/ledger_caps.rs#caps_persist_and_counters_begin_anew_with_the_period

Limits
76 | shown | the enforced mode, which is the only one: for each person, one count for all changes, refused ones are not counted, 0 is off | testkit/tests/it/graphql/limits.rs#changes_are_counted_for_each_person_once_they_are_allowed
77 | shown | a long query, and the same batch by variables | testkit/tests/it/graphql/limits.rs#requests_are_bounded
79 | shown | what clients know of the schema is there, and may be asked for | api/src/graphql/tests.rs#what_existing_clients_know_is_there_as_they_know_it testkit/tests/it/graphql/limits.rs#nobody_may_ask_for_the_schema_as_stock_clients_do
";

#[test]
fn every_case_of_caps_is_shown_or_explained() {
    reference_cases::check(CASES, NUMBERS);
}

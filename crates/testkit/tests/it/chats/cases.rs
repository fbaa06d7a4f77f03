//! Every behavioural case of the reference's section 10: which test shows it, or what is done instead and why, or why there
//! is nothing to show.

use crate::reference_cases::check;

/// The numbers that the reference has.
const NUMBERS: &str = "1 2 4 5 7 8 10 11 13 14 16 17 19 20 22 23 25 26 28 29 31 32 34 35 37 38 40 41 43 44 46 47 49 50 52 \
    53 55 56 58 59 61 62 64 65 67 68 70 71 73 74 76 77 79 80 82 83";

/// As the budgets' cases in `reference_cases`.
const CASES: &str = "
Access and grant
1 | shown | before a grant, a chat is as one that is not there | testkit/tests/it/chats/access.rs#who_is_granted_a_chat_reads_it_until_the_grant_ends
2 | shown | after it, it is there, with its owner's name | testkit/tests/it/chats/access.rs#who_is_granted_a_chat_reads_it_until_the_grant_ends
4 | shown | messages, prompts, stream and files are read; a stranger has nothing | testkit/tests/it/chats/matrix.rs#every_route_answers_everybody_as_the_matrix_says testkit/tests/it/chats/files.rs#a_file_is_read_with_its_chat_and_kept_by_its_owner_only
5 | shown | an entry ends, another does not | testkit/tests/it/chats/access.rs#who_is_granted_a_chat_reads_it_until_the_grant_ends
7 | shown | by an entry and by a group | testkit/tests/it/chats/access.rs#two_grants_are_two_and_a_group_is_left_without_a_change_of_the_acl
8 | shown | out of the group | testkit/tests/it/chats/access.rs#two_grants_are_two_and_a_group_is_left_without_a_change_of_the_acl
10 | shown | `shared` is false when nobody is left | testkit/tests/it/chats/access.rs#who_is_granted_a_chat_reads_it_until_the_grant_ends
11 | shown | the same again changes nothing | testkit/tests/it/chats/access.rs#an_acl_is_changed_entry_by_entry
13 | shown | who is not named keeps their entry | testkit/tests/it/chats/access.rs#an_acl_is_changed_entry_by_entry
14 | shown | changes at once all count | testkit/tests/it/chats/access.rs#changes_of_an_acl_at_once_all_count

Validation and order
16 | shown | the role `admin` | testkit/tests/it/chats/sharing.rs#all_that_is_wrong_is_told_together
17 | shown | the roles `use` and `write` | testkit/tests/it/chats/sharing.rs#all_that_is_wrong_is_told_together
19 | shown | unknown people and groups | testkit/tests/it/chats/sharing.rs#all_that_is_wrong_is_told_together
20 | shown | all of it together | testkit/tests/it/chats/sharing.rs#all_that_is_wrong_is_told_together
22 | shown | capital letters | testkit/tests/it/chats/sharing.rs#ids_are_read_in_every_spelling_and_named_once
23 | shown | the same id twice | testkit/tests/it/chats/sharing.rs#ids_are_read_in_every_spelling_and_named_once
25 | shown | entries of who is gone | testkit/tests/it/chats/sharing.rs#entries_of_who_is_gone_can_be_taken_away
26 | shown | a reader is told nothing of ids | testkit/tests/it/chats/sharing.rs#who_may_not_share_learns_nothing_and_who_may_cannot_name_themself
28 | shown | a torn body, by the owner and by a reader | testkit/tests/it/chats/sharing.rs#who_may_not_share_learns_nothing_and_who_may_cannot_name_themself
29 | shown | an administrator shares, but not with themself | testkit/tests/it/chats/sharing.rs#who_may_not_share_learns_nothing_and_who_may_cannot_name_themself
31 | shown | whoever is suspended changes nothing | testkit/tests/it/chats/sharing.rs#who_may_not_share_learns_nothing_and_who_may_cannot_name_themself

Sub-chats
32 | shown | they are read, and listed with their root | testkit/tests/it/chats/families.rs#a_family_is_read_by_its_roots_acl_at_any_depth
34 | shown | an end at the root is an end for all | testkit/tests/it/chats/families.rs#a_family_is_read_by_its_roots_acl_at_any_depth
35 | shown | at the depths 2 and 3 as well | testkit/tests/it/chats/families.rs#a_family_is_read_by_its_roots_acl_at_any_depth
37 | instead | a root takes its family with it: no part is left behind, shared or not | db/tests/it/chats/upkeep.rs#archived_families_are_removed_with_all_that_is_theirs
38 | shown | made after the grant | testkit/tests/it/chats/families.rs#a_family_is_read_by_its_roots_acl_at_any_depth

Switch
40 | shown | off: the owner's list as before, readers' lists empty, files 404; also by organization | testkit/tests/it/chats/switches.rs#a_deployment_that_lets_nobody_share_keeps_what_was_shared+an_organization_that_lets_nobody_share_keeps_what_was_shared
41 | shown | on again: old grants count | testkit/tests/it/chats/switches.rs#a_deployment_that_lets_nobody_share_keeps_what_was_shared+an_organization_that_lets_nobody_share_keeps_what_was_shared

List
43 | shown | by default one's own only | testkit/tests/it/chats/lists.rs#whose_chats_are_listed_is_asked_for
44 | shown | shared ones, both, and none that are not shared | testkit/tests/it/chats/lists.rs#whose_chats_are_listed_is_asked_for
46 | shown | nothing is shared with its owner | testkit/tests/it/chats/lists.rs#whose_chats_are_listed_is_asked_for
47 | shown | an unknown source, a bare word | testkit/tests/it/chats/lists.rs#what_no_list_can_be_asked_for_is_told
49 | shown | by `after_id` and by cursor, with places on top | testkit/tests/it/chats/lists.rs#every_chat_is_on_one_page
50 | shown | labels of what is shared; one that is none | testkit/tests/it/chats/lists.rs#labels_narrow_what_is_shared_too+what_no_list_can_be_asked_for_is_told

Read-only
52 | shown | a reader changes nothing | testkit/tests/it/chats/readers.rs#readers_change_nothing
53 | shown | what only the owner does | testkit/tests/it/chats/readers.rs#readers_change_nothing
55 | shown | a reader sees answers and leaves the owner's cursor alone | testkit/tests/it/chats/readers.rs#who_reads_moves_their_own_cursor_and_nobody_elses
56 | shown | the owner's cursor, on coming and on going | testkit/tests/it/chats/readers.rs#who_reads_moves_their_own_cursor_and_nobody_elses
58 | none | there are no streams of workspaces; a chat's workspace is asked about when a turn begins |

Events
59 | instead | a reader is told messages and `history_reset`; what waits is the owner's alone to see | testkit/tests/it/chats/two_servers.rs#an_edit_while_a_turn_runs_begins_anew_everywhere testkit/tests/it/chats/readers.rs#readers_see_neither_what_waits_nor_what_it_took
61 | shown | out of the group, out of the stream | testkit/tests/it/chats/revocation.rs#who_is_taken_out_of_the_acl_or_the_group_is_turned_away+a_groups_end_and_a_suspension_end_all_streams_that_hung_on_them
62 | shown | `granted` and `revoked`; `shared` changes in the owner's other windows | testkit/tests/it/chats/watching.rs#readers_are_told_what_they_may_read_from_when_on_and_until_when+an_owner_is_told_of_every_change_at_every_server
64 | shown | parts of another turn are told nobody | db/tests/it/chats/finishing.rs#nothing_is_done_to_another_turn testkit/tests/it/chats/two_servers.rs#an_edit_while_a_turn_runs_begins_anew_everywhere
65 | shown | titles, states, beginnings and ends of one's own chats | testkit/tests/it/chats/watching.rs#an_owner_is_told_of_every_change_at_every_server

Messages and audit
67 | shown | groups, initiators and owners are told nothing | testkit/tests/it/chats/events.rs#a_direct_grant_is_told_once_and_nothing_else_is
68 | shown | the message is written with the grant, in its transaction, and mail follows from it | db/tests/it/chats/audit.rs#a_direct_share_is_told_once_and_only_to_whom_it_was_made_for
70 | instead | a family that is put away is one line, of `archived` only; where a job does it, the line names the job's actor, since the owner did nothing | testkit/tests/it/chats/events.rs#what_is_done_to_a_chat_is_one_line_each db/tests/it/chats/audit.rs#the_log_tells_of_a_chats_life_and_not_of_its_conversation
71 | shown | what is on top, active or recent is left alone, looked at again under the lock | db/tests/it/chats/upkeep.rs#families_that_are_left_alone_are_archived_as_one+whoever_has_changed_it_meanwhile_keeps_it

Files
73 | shown | a reader's address ends with the grant, and is not kept by anybody | testkit/tests/it/chats/files.rs#an_address_holds_as_long_as_who_made_it_may_read
74 | shown | readers keep no file | testkit/tests/it/chats/files.rs#a_file_is_read_with_its_chat_and_kept_by_its_owner_only
76 | shown | a file of another chat, or of somebody else | testkit/tests/it/chats/files.rs#a_file_is_of_one_chat_and_of_whoever_brought_it

Rules
77 | shown | putting away: at the root, once, with the family, off the top, and not while a turn runs | testkit/tests/it/chats/families.rs#a_family_is_put_away_and_taken_out_as_one testkit/tests/it/chats/rules.rs#a_chat_whose_turn_runs_is_not_put_away
79 | shown | titles | testkit/tests/it/chats/rules.rs#a_title_has_a_length_and_a_change_is_whole_or_not_at_all
80 | shown | pages of messages | testkit/tests/it/chats/rules.rs#pages_of_messages_have_bounds_and_an_order
82 | shown | a foreign organization, none, too much | testkit/tests/it/chats/rules.rs#a_chat_is_made_by_members_with_words_of_a_size
83 | shown | one mistake, and nothing is changed | testkit/tests/it/chats/rules.rs#a_title_has_a_length_and_a_change_is_whole_or_not_at_all
";

#[test]
fn every_case_of_chats_is_shown_or_explained() {
    check(CASES, NUMBERS);
}

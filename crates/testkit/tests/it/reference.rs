//! The behavioural cases of the reference, told as stories; their numbers are the reference's.
//! All of them, and where each is shown, are listed in `reference_cases`.

use crate::story::Story;

async fn tell(text: &str) {
    Story::new().await.tell(text).await;
}

#[tokio::test]
async fn resolution_falls_back_to_everyone_and_an_override_wins() {
    tell(
        r#"
        # 1 no budget: an Everyone group is charged, without a limit
        ada GET /users/me/ai/spend => 200 /effective_group_id={acme} /effective_budget=null /why=[]
        # 2 an override wins over a higher group budget, and so does its group
        owner PUT /groups/{group}/ai/budget {"spend_limit_micros":900} => 200
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":5} => 200
        ada GET /users/me/ai/spend => 200 /effective_group_id={acme} /effective_budget/spend_limit_micros=5 /effective_budget/limit_source=user_override /effective_budget/mode=enforce
        ada GET /users/me/ai/spend => 200 /why/0/reason=holds /why/0/organization_id={acme} /why/1/reason=overridden /why/1/group_id={group} /why/1/spend_limit_micros=900
        # 10 nobody without an organization is charged anywhere
        stranger GET /users/me/ai/spend => 200 /effective_group_id=null /effective_budget=null /current_spend_micros=0 /remaining_micros=null
        "#,
    )
    .await;
}

#[tokio::test]
async fn the_policy_is_a_setting_of_the_deployment() {
    tell(
        r#"
        # 4 the highest holds, 7 Everyone competes
        join {other}
        owner PUT /groups/{group}/ai/budget {"spend_limit_micros":10} => 200
        owner PUT /groups/{other}/ai/budget {"spend_limit_micros":50} => 200
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":70} => 200
        ada GET /users/me/ai/spend => 200 /effective_group_id={acme} /effective_budget/spend_limit_micros=70
        owner PATCH /ai/budget-settings {"everyone":"default"} => 200 /everyone=default /policy=highest
        ada GET /users/me/ai/spend => 200 /effective_group_id={other} /effective_budget/spend_limit_micros=50
        owner PATCH /ai/budget-settings {"policy":"lowest"} => 200 /everyone=default /policy=lowest
        ada GET /users/me/ai/spend => 200 /effective_group_id={group} /effective_budget/spend_limit_micros=10
        owner PATCH /ai/budget-settings {"policy":"sum"} => 200
        ada GET /users/me/ai/spend => 200 /effective_group_id={other} /effective_budget/spend_limit_micros=60
        ada CHAT => 403 "the limit is $0.00006, the budgets of your groups together"
        # 14 a word that is no policy, and a zone that is none
        owner PATCH /ai/budget-settings {"policy":"cheapest"} => 400 /validations/0/field=policy
        owner PATCH /ai/budget-settings {"period":"year"} => 400 /validations/0/field=period
        owner PATCH /ai/budget-settings {"time_zone":"Mars/Olympus"} => 400 /validations/0/field=time_zone
        owner GET /ai/budget-settings => 200 /policy=sum /period=month /time_zone=UTC
        # who may
        auditor GET /ai/budget-settings => 200 /policy=sum
        auditor PATCH /ai/budget-settings {"policy":"highest"} => 404
        org-admin GET /ai/budget-settings => 404
        user-admin PATCH /ai/budget-settings {} => 404
        ada GET /ai/budget-settings => 404
        nobody GET /ai/budget-settings => 401
        "#,
    )
    .await;
}

#[tokio::test]
async fn limits_block_until_they_are_raised_removed_or_begin_anew() {
    tell(
        r#"
        # 19 a limit of zero blocks everything
        owner PUT /groups/{group}/ai/budget {"spend_limit_micros":0} => 200
        ada CHAT => 403 "the limit is $0.00 for each member of the group"
        # 34 without the budget the next request passes
        owner DELETE /groups/{group}/ai/budget => 204
        ada CHAT => 200
        # 20 an override below what was spent blocks, and says so
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":100} => 200
        ada CHAT => 403 "the limit is $0.0001, set for you"
        ada GET /users/me/ai/spend => 200 /remaining_micros=0
        owner PUT /users/ada/ai/budget/override {"group_id":"{acme}","spend_limit_micros":1000000} => 200
        ada CHAT => 200
        # 23 what was spent in another period does not count
        owner PATCH /ai/budget-settings {"period":"day"} => 200
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":300} => 200
        ada CHAT => 403
        clock 1 day
        ada CHAT => 200
        ada CHAT => 403
        "#,
    )
    .await;
}

#[tokio::test]
async fn what_is_observed_counts_and_blocks_nobody() {
    tell(
        r#"
        owner PUT /groups/{group}/ai/budget {"spend_limit_micros":1,"mode":"observe"} => 200 /mode=observe
        ada CHAT => 200
        ada GET /users/me/ai/spend => 200 /effective_budget/mode=observe /effective_budget/spend_limit_micros=1 /remaining_micros=0 /why/0/reason=observed
        owner PUT /groups/{group}/ai/budget {"spend_limit_micros":1,"mode":"enforce"} => 200
        ada CHAT => 403
        # an override that is observed stands in for nothing
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":9000000,"mode":"observe"} => 200
        ada CHAT => 403 "for each member of the group"
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":9000000} => 200 /mode=enforce
        ada CHAT => 200
        # one that has expired counts for nothing
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":9000000,"expires_at":"2020-01-01T00:00:00Z"} => 200
        ada CHAT => 403
        ada GET /users/me/ai/spend => 200 /why/0/reason=expired /why/1/reason=holds
        "#,
    )
    .await;
}

#[tokio::test]
async fn a_pool_limits_all_that_is_charged_to_the_group() {
    tell(
        r#"
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":1000000,"pool_limit_micros":300} => 200 /pool_limit_micros=300 /mode=enforce
        colleague CHAT => 200
        ada CHAT => 403 "for all members of the group `Everyone` together"
        ada GET /users/me/ai/spend => 200 /current_spend_micros=0 /pool/group_id={acme} /pool/pool_limit_micros=300 /pool/reserved_micros=0 /pool/mode=enforce
        # what is not named stays, null removes
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":2000000} => 200 /pool_limit_micros=300
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":2000000,"pool_limit_micros":null} => 200 /pool_limit_micros=null
        ada GET /users/me/ai/spend => 200 /pool=null
        ada CHAT => 200
        # a pool that begins counts what was charged in its period before
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":2000000,"pool_limit_micros":200,"pool_period":"week","pool_time_zone":"asia/kathmandu"} => 200 /pool_period=week /pool_time_zone=Asia/Kathmandu
        ada CHAT => 403 "together"
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":2000000,"mode":"observe"} => 200 /pool_limit_micros=200
        ada CHAT => 200
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":1,"pool_limit_micros":-1} => 400 /validations/0/field=pool_limit_micros
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":1,"pool_limit_micros":1000000000001} => 400 "Invalid AI spend limit." /validations/0/field=pool_limit_micros
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":1,"pool_time_zone":"Mars/Olympus"} => 400 /validations/0/field=pool_time_zone
        owner PUT /groups/{acme}/ai/budget {"spend_limit_micros":1,"mode":"warn"} => 400 /validations/0/field=mode
        "#,
    )
    .await;
}

#[tokio::test]
async fn the_api_of_group_budgets() {
    tell(
        r#"
        # 67, 68, 70
        owner PUT /groups/{other}/ai/budget {"spend_limit_micros":5000000} => 200 /spend_limit_micros=5000000 /group_id={other}
        owner GET /groups/{other}/ai/budget => 200 /spend_limit_micros=5000000 /pool_limit_micros=null
        owner PUT /groups/{other}/ai/budget {"spend_limit_micros":-1} => 400 /validations/0/field=spend_limit_micros
        # 71
        owner PUT /groups/{other}/ai/budget {"spend_limit_micros":1000000000001} => 400 "Invalid AI spend limit."
        owner PUT /groups/{other}/ai/budget {"spend_limit_micros":1000000000000} => 200
        # 73
        owner PUT /groups/{group}/ai/budget {"spend_limit_micros":5} => 200
        ada GET /groups/{group}/ai/budget => 200
        ada PUT /groups/{group}/ai/budget {"spend_limit_micros":6} => 404
        ada DELETE /groups/{group}/ai/budget => 404
        # 74
        owner PUT /groups/{far}/ai/budget {"spend_limit_micros":5} => 200
        ada GET /groups/{far}/ai/budget => 404
        # 77
        owner DELETE /groups/{far} => 200
        owner GET /groups/{far}/ai/budget => 404
        "#,
    )
    .await;
}

#[tokio::test]
async fn the_api_of_overrides() {
    tell(
        r#"
        owner GET /users/ada/ai/budget => 404
        owner DELETE /users/ada/ai/budget => 404
        # 79, 83; both addresses are one
        owner PUT /users/ada/ai/budget/override {"group_id":"{acme}","spend_limit_micros":7} => 200 /user_id={ada} /group_id={acme} /spend_limit_micros=7 /mode=enforce /expires_at=null
        ada GET /users/me/ai/budget => 200 /spend_limit_micros=7
        ada GET /users/me/ai/budget/override => 200 /spend_limit_micros=7
        # the checks in their order: body, greatest limit, group, membership
        owner PUT /users/ada/ai/budget { => 400 "Request body must be valid JSON."
        owner PUT /users/ada/ai/budget {"spend_limit_micros":1} => 400 "Validation failed." /validations/0/field=group_id
        owner PUT /users/ada/ai/budget {"group_id":"x","spend_limit_micros":1} => 400 "Validation failed." /validations/0/field=group_id
        owner PUT /users/ada/ai/budget {"group_id":"{unknown}"} => 400 /validations/0/field=spend_limit_micros
        owner PUT /users/ada/ai/budget {"group_id":"{unknown}","spend_limit_micros":-1} => 400 /validations/0/field=spend_limit_micros
        owner PUT /users/ada/ai/budget {"group_id":"{unknown}","spend_limit_micros":1000000000001} => 400 "Invalid AI spend limit." /validations/0/field=spend_limit_micros
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":1,"mode":"warn"} => 400 /validations/0/field=mode
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":1,"expires_at":"soon"} => 400 /validations/0/field=expires_at
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":1,"expires_at":"+99999-01-01T00:00:00Z"} => 400 /validations/0/field=expires_at
        # 80
        owner PUT /users/ada/ai/budget {"group_id":"{unknown}","spend_limit_micros":1} => 404
        owner PUT /users/ada/ai/budget {"group_id":"{other}","spend_limit_micros":1} => 400 "User is not a member of the referenced group." /validations/0/field=group_id
        owner PUT /users/ada/ai/budget {"group_id":"{far}","spend_limit_micros":1} => 400 "User is not a member of the referenced group."
        owner PUT /users/nobody/ai/budget {"group_id":"{acme}","spend_limit_micros":1} => 404
        ada GET /users/me/ai/budget => 200 /spend_limit_micros=7
        # 82
        org-admin PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":8} => 404
        user-admin PUT /users/ada/ai/budget {"group_id":"{group}","spend_limit_micros":8} => 200 /group_id={group}
        # 85, and the same for a group
        owner PATCH /groups/{group} {"remove_users":["{ada}"]} => 200
        ada GET /users/me/ai/budget => 404
        owner PUT /users/ada/ai/budget {"group_id":"{acme}","spend_limit_micros":8} => 200
        owner DELETE /organizations/{acme}/members/{ada} => 204
        ada GET /users/me/ai/budget => 404
        "#,
    )
    .await;
}

//! People's own caps.

use std::collections::HashMap;

use async_graphql::{Context, InputObject, Name, Object, SimpleObject, Value};
use dbauthz::CapUpsertOutcome;
use model::{
    UserId,
    caps::{Cap, CapOverride, CapOverrideUpsert, CapScope},
};
use uuid::Uuid;

use super::{
    super::{
        failure::{Code, Failure, Field, field},
        ids::GlobalId,
        money,
        viewer::Viewer,
    },
    overrides::{CapUserOverride, DisabledMode},
    payload::{ErrorDetail, Errors, changed},
    scope::settable,
    users,
};

/// The most caps that are set at once.
const MAX_OVERRIDES: usize = 200;

/// Stands for whoever can be nobody: no account has the nil id.
const NOBODY: UserId = UserId(Uuid::nil());

/// A person's own cap.
#[derive(Debug, InputObject)]
struct BudgetCapUserOverrideInput {
    /// Whose.
    user_id: GlobalId,
    /// The cap in a period, in dollars: from 0 to 1000000000, with at most six decimals.
    cap: f64,
    /// Whether it is enforced.
    enabled: bool,
    /// What it means while it is not enforced; stays as it is when absent, and is `EXEMPT` at first.
    disabled_mode: Option<DisabledMode>,
}

/// What to set.
#[derive(Debug, InputObject)]
struct UpsertUserBudgetCapOverridesInput {
    /// At most 200 people, each named once.
    overrides: Vec<BudgetCapUserOverrideInput>,
    /// The organization's name; without it, caps over the whole deployment are meant.
    namespace_path: Option<String>,
    /// Comes back as it is.
    client_mutation_id: Option<String>,
}

/// What is set now.
#[derive(Debug, SimpleObject)]
struct UpsertUserBudgetCapOverridesPayload {
    /// The caps that were given, in their order; none when nothing was set.
    user_overrides: Option<Vec<CapUserOverride>>,
    /// Why nothing was set.
    errors: Vec<String>,
    /// The same for programs.
    error_details: Vec<ErrorDetail>,
    /// As it was given.
    client_mutation_id: Option<String>,
}

/// What is set for somebody, read.
struct Row {
    gid: GlobalId,
    /// [`NOBODY`] when the id can be nobody's.
    user: UserId,
    cap: Cap,
    disabled_mode: Option<DisabledMode>,
}

#[derive(Debug, Default)]
pub(super) struct OverrideUpsert;

#[Object]
impl OverrideUpsert {
    /// Set people's own caps, which stand in for the flat one. All are set or none. Takes effect with the next request.
    async fn upsert_user_budget_cap_overrides(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to set.")] input: UpsertUserBudgetCapOverridesInput,
    ) -> Field<UpsertUserBudgetCapOverridesPayload> {
        let outcome = async {
            let rows = input.overrides.into_iter().enumerate().map(read);
            let rows = rows.collect::<Result<Vec<Row>, Failure>>()?;
            let (viewer, path) = (Viewer::of(ctx)?, input.namespace_path.as_deref());
            let operation = "upsertUserBudgetCapOverrides";
            let writing = settable(viewer, operation, path).await?;
            if rows.len() > MAX_OVERRIDES {
                let message = format!("Cannot upsert more than {MAX_OVERRIDES} overrides at once");
                return Err(Failure::told(Code::BatchTooLarge, message));
            }
            let upserts = upserts(&rows)?;
            let (scope, state) = (writing.scope, &viewer.state);
            let implicit = state.graphql.implicit_flat_cap;
            let outcome = state.caps.override_upsert(writing, &upserts, implicit);
            let (outcome, mut errors) = changed(outcome.await)?;
            let stored = match outcome {
                None => None,
                Some(CapUpsertOutcome::Done(stored)) => Some(told(ctx, scope, stored).await?),
                Some(CapUpsertOutcome::NoRecord) => {
                    errors = Errors::no_record();
                    None
                }
                Some(CapUpsertOutcome::Unknown(users)) => {
                    let said = "Users not found";
                    return Err(named(Code::UserNotFound, said, &rows, &users));
                }
                Some(CapUpsertOutcome::Outside(users)) => {
                    let said = "Users are not part of the namespace";
                    return Err(named(Code::UserOutsideNamespace, said, &rows, &users));
                }
            };
            Ok::<_, Failure>(Some(UpsertUserBudgetCapOverridesPayload {
                user_overrides: stored,
                errors: errors.errors,
                error_details: errors.details,
                client_mutation_id: input.client_mutation_id,
            }))
        };
        field(outcome.await)
    }
}

/// Reads one of the rows.
///
/// # Errors
/// When it names nobody, or an amount that cannot be; both with the row's place.
fn read((index, input): (usize, BudgetCapUserOverrideInput)) -> Result<Row, Failure> {
    let here = |failure: Failure| failure.with("index", index);
    Ok(Row {
        user: input.user_id.read().map_err(here)?.unwrap_or(NOBODY),
        cap: Cap {
            amount: money::read("cap", input.cap)
                .map_err(|failure| here(failure).with("userId", input.user_id.text()))?,
            enabled: input.enabled,
        },
        gid: input.user_id,
        disabled_mode: input.disabled_mode,
    })
}

/// What the store is to set; who can be nobody is there once, and found to be unknown with the others.
///
/// # Errors
/// When somebody is named twice.
fn upserts(rows: &[Row]) -> Result<Vec<CapOverrideUpsert>, Failure> {
    let mut seen: HashMap<UserId, usize> = HashMap::new();
    let mut upserts = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        match seen.insert(row.user, index) {
            None => upserts.push(CapOverrideUpsert {
                user_id: row.user,
                cap: row.cap,
                disabled_mode: row.disabled_mode.map(Into::into),
            }),
            Some(_) if row.user == NOBODY => {}
            Some(first) => {
                let gid = row.gid.text();
                let message = format!("overrides {first} and {index} name the same user: {gid}");
                let indexes = [first, index].map(Value::from);
                let failure = Failure::told(Code::DuplicateUser, message);
                return Err(failure.with("indexes", Value::List(indexes.into())));
            }
        }
    }
    Ok(upserts)
}

/// A failure that names these people as they were named.
fn named(code: Code, said: &str, rows: &[Row], users: &[UserId]) -> Failure {
    let those = || {
        let all = rows.iter().enumerate();
        all.filter(|(_, row)| users.contains(&row.user))
    };
    let texts: Vec<&str> = those().map(|(_, row)| row.gid.text()).collect();
    let told = those().map(|(index, row)| {
        let told = [
            (Name::new("index"), Value::from(index)),
            (Name::new("userId"), Value::from(row.gid.text())),
        ];
        Value::Object(told.into_iter().collect())
    });
    let more = Value::List(told.collect());
    Failure::told(code, format!("{said}: {}", texts.join(", "))).with("users", more)
}

async fn told(
    ctx: &Context<'_>,
    scope: CapScope,
    stored: Vec<CapOverride>,
) -> Result<Vec<CapUserOverride>, Failure> {
    let people: Vec<UserId> = stored.iter().map(|one| one.user_id).collect();
    let wanted = ctx.look_ahead().field("userOverrides").field("user");
    let known = users::known(Viewer::of(ctx)?, scope, &people, wanted.exists()).await?;
    let told = |one| CapUserOverride::new(one, &known);
    Ok(stored.into_iter().map(told).collect())
}

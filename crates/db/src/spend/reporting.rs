//! What was spent elsewhere, in a batch's books.

use model::{
    Micros, ReservationId,
    admission::{LimitState, passed},
    spend::{Reported, SettlementBasis, UsageReport},
};
use store::StoreResult;
use uuid::Uuid;

use super::{books::Books, candidates::Standing, event::EventRow, moves::Delta};

impl Books {
    /// Charges what was spent elsewhere, at this instant. What passes a limit is charged all the same, and marked.
    pub(super) fn report(&mut self, report: &UsageReport) -> StoreResult<Reported> {
        let standing = self.standings.get(&report.user_id).copied();
        let standing = standing.unwrap_or_default();
        let account = standing.account(report.user_id);
        let id = ReservationId::of(self.calendar.now, &rand::random());
        let cost = report.cost.unwrap_or_default();
        let moves = self.moves(account, id.instant())?;
        let state = self.state(report.user_id, &standing, id.instant())?;
        let bounds = self.bounds(report.user_id, &state, Micros::ZERO, cost)?;
        let states: Vec<LimitState> = bounds.iter().map(|one| one.limit.state).collect();
        let place = passed(&states, cost);
        let passed = place
            .and_then(|place| bounds.get(place))
            .map(|one| one.kind);
        self.shift(&moves, Delta::spent(cost))?;
        let price_id = self.new.snapshots.note(report.prices.as_ref())?;
        let over = if passed.is_some() { cost } else { Micros::ZERO };
        self.record(event(id, report, &standing, price_id, over));
        Ok(Reported {
            id,
            account,
            organization_id: standing.organization,
            cost: report.cost,
            passed,
        })
    }
}

fn event(
    id: ReservationId,
    report: &UsageReport,
    standing: &Standing,
    price_id: Option<Uuid>,
    over_hold: Micros,
) -> EventRow {
    EventRow {
        id: id.0,
        corrects: None,
        user_id: report.user_id.0,
        effective_group_id: standing.group.map(Into::into),
        organization_id: standing.organization.map(Into::into),
        api_key_id: report.api_key_id.clone(),
        provider_id: report.provider_id.0,
        provider_name: report.provider_name.clone(),
        model: report.model.clone(),
        client: report.client.clone(),
        credential_kind: report.credential_kind.to_string(),
        priced_model: report.prices.as_ref().map(|prices| prices.model.clone()),
        response_model: report.response_model.clone(),
        provider_response_id: report.provider_response_id.clone(),
        tokens: (&report.usage).into(),
        price_id,
        cost_micros: report.cost.map(|cost| cost.0),
        hold_micros: 0,
        over_hold_micros: over_hold.0,
        estimated: report.basis == SettlementBasis::Estimated,
        swept: false,
    }
}

//! Calls and checks of spend reports.

use std::ops::ControlFlow;

use async_trait::async_trait;
use model::{
    PageRequest,
    spend::Period,
    spend_reports::{ExportGrain, SpendExportFilter, SpendExportRow, SpendUserFilter},
};
use rbac::{
    Action::Read,
    Object,
    ResourceType::{Group, GroupMember},
};
use store::spend_reports::SpendExportSink;

use super::{Case, allow, case, rows};
use crate::tests::world::{BOB, GROUP, ORG};

/// Takes an export and keeps nothing.
struct Nowhere;

#[async_trait]
impl SpendExportSink for Nowhere {
    async fn begin(&mut self, _period: Period) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    async fn rows(&mut self, _rows: Vec<SpendExportRow>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn everything() -> SpendExportFilter {
    SpendExportFilter {
        organization_id: ORG,
        period: None,
        grain: ExportGrain::Period,
    }
}

fn everybody() -> SpendUserFilter {
    SpendUserFilter {
        organization_id: ORG,
        period: None,
        provider_name: None,
        model: None,
        client: None,
    }
}

const PAGE: PageRequest = PageRequest {
    limit: 10,
    offset: 0,
};

pub(super) fn spend_reports() -> Vec<Case> {
    let group = || allow(Read, Object::group(ORG.0, GROUP.0));
    let members = || allow(Read, Object::new(GroupMember).in_org(ORG.0));
    vec![
        case!("group_spend_get", u => u.spend_reports().group_spend_get(GROUP), [group()]),
        case!(
            list "organization_group_spend_list",
            u => async {
                let report = u.spend_reports().organization_group_spend_list(ORG, &[GROUP]).await;
                report.map(|report| report.groups)
            },
            [rows(Group)]
        ),
        case!(
            list "group_member_spend_list",
            u => async {
                let report = u.spend_reports().group_member_spend_list(GROUP, &[BOB]).await;
                report.map(|report| report.members)
            },
            [group(), rows(GroupMember)]
        ),
        case!("spend_export", u => u.spend_reports().spend_export(&everything(), &mut Nowhere), [
            members(),
        ]),
        case!("spend_user_list", u => u.spend_reports().spend_user_list(&everybody(), PAGE), [
            members(),
        ]),
    ]
}

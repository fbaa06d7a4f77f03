//! A file of everything that was charged to an organization's groups.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bursar_sdk::{SpendExportFormat, SpendExportQuery};
use model::{
    spend::Period,
    spend_reports::{ExportGrain, SpendExportFilter},
};
use store::StoreError;

use super::{
    formats::{Place, encoder},
    parse::{MONTH_DAYS, span},
    stream,
};
use crate::{
    error::{ApiError, ApiResult},
    extract::{AiBridgeSession, PathParams, QueryParams},
};

/// How many days a file for programs may cover: the longest year.
const YEAR_DAYS: i64 = 366;

/// Get everything that was charged to groups of an organization in a period, as a file: by person, group, model and
/// provider.
///
/// The period is the present one of budgets unless both ends are given: at most 31 days apart for `csv`, 366 for
/// `focus`, which tells days apart, and `parquet`. The file is written while it is read and has no length beforehand.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/ai/spend/export",
    tag = "spend",
    params(
        ("organization" = String, Path, description = "An id, a name or `default`."),
        SpendExportQuery,
    ),
    responses(
        (
            status = 200, description = "The file.",
            content((String = "text/csv"), (String = "application/vnd.apache.parquet")),
        ),
        (
            status = 403,
            description = "The feature `aibridge` is off, or the caller may not read all members of the organization's \
                groups.",
            body = bursar_sdk::ErrorBody,
        ),
    ),
)]
pub(crate) async fn spend_export(
    AiBridgeSession(caller): AiBridgeSession,
    PathParams(organization): PathParams<String>,
    query: ApiResult<QueryParams<SpendExportQuery>>,
) -> ApiResult<Response> {
    let permit = stream::permit().await?;
    let mut unit = caller.store.read().await?;
    let found = unit
        .organizations()
        .organization_find(&organization)
        .await?;
    let QueryParams(query) = query?;
    let format = query.format.unwrap_or_default();
    let (max_days, grain) = match format {
        SpendExportFormat::Csv => (MONTH_DAYS, ExportGrain::Period),
        SpendExportFormat::Focus => (YEAR_DAYS, ExportGrain::Day),
        SpendExportFormat::Parquet => (YEAR_DAYS, ExportGrain::Period),
    };
    let filter = SpendExportFilter {
        organization_id: found.id,
        period: span(query.period_start, query.period_end, max_days)?,
        grain,
    };
    let place = Place {
        organization_id: found.id,
        organization_name: found.name.to_string(),
    };
    let encoder = encoder(format, place);
    let (period, body) = stream::start(permit, unit, filter, encoder)
        .await
        .map_err(ApiError::of_readable)?;
    let headers = headers(format, found.name.as_str(), period).map_err(ApiError::Store)?;
    Ok((headers, body).into_response())
}

fn headers(
    format: SpendExportFormat,
    organization: &str,
    period: Period,
) -> Result<[(HeaderName, HeaderValue); 2], StoreError> {
    let (kind, name, ending) = match format {
        SpendExportFormat::Csv => ("text/csv; charset=utf-8", "ai-spend-export", "csv"),
        SpendExportFormat::Focus => ("text/csv; charset=utf-8", "ai-spend-focus", "csv"),
        SpendExportFormat::Parquet => (
            "application/vnd.apache.parquet",
            "ai-spend-export",
            "parquet",
        ),
    };
    let (start, end) = (period.start.date_naive(), period.end.date_naive());
    let attachment =
        format!("attachment; filename=\"{name}-{organization}-{start}-to-{end}.{ending}\"");
    let attachment =
        HeaderValue::try_from(attachment).map_err(|error| StoreError::Internal(Box::new(error)))?;
    Ok([
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, attachment),
    ])
}

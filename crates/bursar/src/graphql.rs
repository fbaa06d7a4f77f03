//! The options of GraphQL: caps without a flat one, and how often people may ask.

use api::{GraphqlOptions, RateLimit, RateLimits};
use clap::Args;

/// How caps are offered over GraphQL. Limits are for each person at each server, and 0 is without one.
#[derive(Debug, Clone, Copy, Args)]
pub struct CapsOptions {
    /// Let a person's own cap be set before the flat one was. Otherwise that answers `Subscription budget cap not
    /// found`, as existing clients expect.
    #[arg(
        long,
        env = "BURSAR_IMPLICIT_FLAT_CAP",
        default_value_t = false,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        help_heading = "Budgets"
    )]
    pub implicit_flat_cap: bool,
    /// How often a person may change caps in a minute; 0 is without a limit.
    #[arg(
        long,
        env = "BURSAR_BUDGET_CAP_UPDATE_PER_MINUTE_LIMIT",
        default_value_t = 150,
        value_name = "NUMBER",
        help_heading = "Budgets"
    )]
    pub budget_cap_update_per_minute_limit: u32,
    /// How often a person may change caps in an hour; 0 is without a limit.
    #[arg(
        long,
        env = "BURSAR_BUDGET_CAP_UPDATE_PER_HOUR_LIMIT",
        default_value_t = 1_000,
        value_name = "NUMBER",
        help_heading = "Budgets"
    )]
    pub budget_cap_update_per_hour_limit: u32,
    /// How often a person may change caps in a day, which ends at midnight UTC; 0 is without a limit.
    #[arg(
        long,
        env = "BURSAR_BUDGET_CAP_UPDATE_PER_DAY_LIMIT",
        default_value_t = 20_000,
        value_name = "NUMBER",
        help_heading = "Budgets"
    )]
    pub budget_cap_update_per_day_limit: u32,
    /// How often a person may read caps and usage in a minute; 0 is without a limit.
    #[arg(
        long,
        env = "BURSAR_SUBSCRIPTION_USAGE_PER_MINUTE_LIMIT",
        default_value_t = 300,
        value_name = "NUMBER",
        help_heading = "Budgets"
    )]
    pub subscription_usage_per_minute_limit: u32,
    /// How often a person may read caps and usage in an hour; 0 is without a limit.
    #[arg(
        long,
        env = "BURSAR_SUBSCRIPTION_USAGE_PER_HOUR_LIMIT",
        default_value_t = 10_000,
        value_name = "NUMBER",
        help_heading = "Budgets"
    )]
    pub subscription_usage_per_hour_limit: u32,
    /// How often a person may read caps and usage in a day, which ends at midnight UTC; 0 is without a limit.
    #[arg(
        long,
        env = "BURSAR_SUBSCRIPTION_USAGE_PER_DAY_LIMIT",
        default_value_t = 40_000,
        value_name = "NUMBER",
        help_heading = "Budgets"
    )]
    pub subscription_usage_per_day_limit: u32,
}

impl CapsOptions {
    /// What the API is told of them.
    #[must_use]
    pub const fn graphql(&self) -> GraphqlOptions {
        GraphqlOptions {
            implicit_flat_cap: self.implicit_flat_cap,
            rates: RateLimits {
                updates: RateLimit {
                    per_minute: self.budget_cap_update_per_minute_limit,
                    per_hour: self.budget_cap_update_per_hour_limit,
                    per_day: self.budget_cap_update_per_day_limit,
                },
                queries: RateLimit {
                    per_minute: self.subscription_usage_per_minute_limit,
                    per_hour: self.subscription_usage_per_hour_limit,
                    per_day: self.subscription_usage_per_day_limit,
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use api::GraphqlOptions;

    use crate::cli::ServerOptions;

    #[test]
    fn the_defaults_are_those_of_the_api() {
        let options = ServerOptions::with_defaults().unwrap().caps;
        assert_eq!(options.graphql(), GraphqlOptions::default());
    }
}

//! `nrwdirekt report`.

mod agents;
mod changes;
mod compare;
pub(super) mod forecast;
pub(super) mod form;
mod intervals;
mod live;
mod percentiles;
mod profile;
mod promise;
mod refusal;
mod statements;
mod totals;

use wire::v1::reporting as proto;
use wire::v1::reporting::figures_client::FiguresClient;

use self::refusal::refused;
use crate::cli::{DaysArguments, GroupBy, Report, ReportArguments, ScopeArguments, ServerArguments};
use crate::client::{self, Connection};

/// Largest answer that is taken, in bytes: a stream is told in chunks, but one chunk may have many thresholds.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Makes a report.
pub(crate) async fn run(arguments: ReportArguments) -> anyhow::Result<()> {
    match arguments.report {
        Report::Totals(arguments) => totals::run(arguments).await,
        Report::Intervals(arguments) => intervals::run(arguments).await,
        Report::Percentiles(arguments) => percentiles::run(arguments).await,
        Report::Live(arguments) => live::run(arguments).await,
        Report::Promise(arguments) => promise::run(arguments).await,
        Report::Profile(arguments) => profile::run(arguments).await,
        Report::Compare(arguments) => compare::run(arguments).await,
        Report::Changes(arguments) => changes::run(arguments).await,
        Report::Seal(arguments) => statements::seal(arguments).await,
        Report::Statements(arguments) => statements::run(arguments).await,
        Report::Agents {
            from,
            to,
            json,
            server,
        } => agents::run(from, to, json, &server).await,
        Report::Rejected(arguments) => super::rejected::list(arguments).await,
    }
}

pub(super) async fn connect(server: &ServerArguments) -> anyhow::Result<FiguresClient<Connection>> {
    let connection = client::connect(&server.server).await?;
    Ok(FiguresClient::new(connection).max_decoding_message_size(ANSWER_BYTES_MAX))
}

fn grouping(by: Option<GroupBy>) -> proto::Grouping {
    match by {
        None => proto::Grouping::Unspecified,
        Some(GroupBy::Hotline) => proto::Grouping::Hotline,
        Some(GroupBy::Group) => proto::Grouping::Group,
    }
}

/// What a report is about, as it is sent.
fn scope(days: DaysArguments, scope: ScopeArguments) -> proto::Scope {
    let by = grouping(scope.by);
    proto::Scope {
        from: days.from.to_string(),
        to: days.to.to_string(),
        zone: scope.zone,
        by: by.into(),
        hotlines: scope.hotlines,
        task_types: scope.task_type,
        policy: scope.policy,
        within_seconds: scope.within,
    }
}

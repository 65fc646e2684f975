//! `nrwdirekt privacy access-log`.

use serde_json::{Value, json};
use wire::v1::privacy as proto;
use wire::v1::privacy::access_log_client::AccessLogClient;

use crate::cli::AccessLogArguments;
use crate::client;
use crate::commands::ticket::local;
use crate::exit::Failure;
use crate::output::say;

/// Lists accesses, or counts them.
pub(super) async fn run(arguments: AccessLogArguments) -> anyhow::Result<()> {
    let client = AccessLogClient::new(client::connect(&arguments.server.server).await?);
    match arguments.statistics {
        true => statistics(client, arguments).await,
        false => list(client, arguments).await,
    }
}

async fn list(
    mut client: AccessLogClient<client::Connection>,
    arguments: AccessLogArguments,
) -> anyhow::Result<()> {
    let mut request = proto::ListAccessesRequest {
        resource: arguments.resource.unwrap_or_default(),
        outcome: arguments.outcome.unwrap_or_default(),
        from: arguments.from.unwrap_or_default(),
        to: arguments.to.unwrap_or_default(),
        ..proto::ListAccessesRequest::default()
    };
    let mut left = arguments.max;
    while left > 0 {
        request.page_size = left.min(500);
        let page = client.list(request.clone()).await;
        let page = page.map_err(|status| Failure::of_status(&status))?.into_inner();
        for access in &page.accesses {
            match arguments.json {
                true => say!("{}", object(access)),
                false => say!("{}", line(access)),
            }
        }
        left = left.saturating_sub(page.accesses.len() as u32);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    Ok(())
}

fn object(access: &proto::Access) -> Value {
    json!({
        "number": access.number,
        "at": local(access.at_unix_ms),
        "resource": access.resource,
        "action": access.action,
        "outcome": access.outcome,
        "bytes": access.bytes,
        "ip_address": access.ip_address,
        "client": access.client,
    })
}

fn line(access: &proto::Access) -> String {
    format!(
        "{}  {:39}  {:5} {:17} {:>9}  {}  {}",
        local(access.at_unix_ms),
        access.ip_address,
        access.action,
        access.outcome,
        access.bytes,
        access.resource,
        access.client
    )
}

async fn statistics(
    mut client: AccessLogClient<client::Connection>,
    arguments: AccessLogArguments,
) -> anyhow::Result<()> {
    let request = proto::AccessStatisticsRequest {
        from: arguments.from.unwrap_or_default(),
        to: arguments.to.unwrap_or_default(),
    };
    let told = client.statistics(request).await;
    let told = told.map_err(|status| Failure::of_status(&status))?.into_inner();
    if arguments.json {
        say!("{}", statistics_object(&told));
        return Ok(());
    }
    for count in &told.counts {
        say!(
            "{}  {:5} {:17} {:>9}  {:>12} bytes  {}",
            count.day,
            count.action,
            count.outcome,
            count.accesses,
            count.bytes,
            count.resource
        );
    }
    for network in &told.networks {
        say!(
            "{:24}  {:>9}  refused or failed {:>9}",
            network.network,
            network.accesses,
            network.refused
        );
    }
    if told.incomplete {
        say!("there are more counts: ask for fewer days");
    }
    Ok(())
}

fn statistics_object(told: &proto::AccessStatisticsResponse) -> Value {
    let count = |count: &proto::AccessCount| {
        json!({
            "day": count.day,
            "resource": count.resource,
            "action": count.action,
            "outcome": count.outcome,
            "accesses": count.accesses,
            "bytes": count.bytes,
        })
    };
    let network = |network: &proto::AccessNetwork| json!({ "network": network.network, "accesses": network.accesses, "refused": network.refused });
    json!({
        "counts": told.counts.iter().map(count).collect::<Vec<_>>(),
        "networks": told.networks.iter().map(network).collect::<Vec<_>>(),
        "incomplete": told.incomplete,
    })
}

//! What people do with a ticket that is there: `nrwdirekt ticket withdraw`, `close`, `reopen`, `reroute`, `erase`.

use serde_json::json;
use wire::v1::tickets as proto;
use wire::v1::tickets::ticketing_client::TicketingClient;

use super::ticket::{local, summary};
use crate::cli::TicketActArguments;
use crate::client::{self, Once};
use crate::output::say;

type Client = TicketingClient<client::Connection>;
type Answer = Result<tonic::Response<proto::ActOnTicketResponse>, tonic::Status>;

/// The citizen needs no answer any more.
pub(crate) async fn withdraw(arguments: TicketActArguments) -> anyhow::Result<()> {
    perform(arguments, async |client, request| {
        client.withdraw_ticket(request).await
    })
    .await
}

/// Ends a ticket.
pub(crate) async fn close(arguments: TicketActArguments) -> anyhow::Result<()> {
    perform(arguments, async |client, request| {
        client.close_ticket(request).await
    })
    .await
}

/// Erases what a ticket says about the citizen.
pub(crate) async fn erase(arguments: TicketActArguments) -> anyhow::Result<()> {
    perform(arguments, async |client, request| {
        client.erase_ticket(request).await
    })
    .await
}

/// An answer is owed again.
pub(crate) async fn reopen(arguments: TicketActArguments, call: Option<String>) -> anyhow::Result<()> {
    perform(arguments, async |client, plain| {
        let request = proto::ReopenTicketRequest {
            idempotency_key: plain.idempotency_key,
            ticket_id: plain.ticket_id,
            reason: plain.reason,
            agent: plain.agent,
            call: call.clone().unwrap_or_default(),
        };
        client.reopen_ticket(request).await
    })
    .await
}

/// Sends a ticket elsewhere.
pub(crate) async fn reroute(arguments: TicketActArguments, department: String) -> anyhow::Result<()> {
    perform(arguments, async |client, plain| {
        let request = proto::RerouteTicketRequest {
            idempotency_key: plain.idempotency_key,
            ticket_id: plain.ticket_id,
            reason: plain.reason,
            agent: plain.agent,
            department: department.clone(),
        };
        client.reroute_ticket(request).await
    })
    .await
}

async fn perform(
    arguments: TicketActArguments,
    ask: impl AsyncFn(&mut Client, proto::ActOnTicketRequest) -> Answer,
) -> anyhow::Result<()> {
    let once = Once::by_key(arguments.idempotency_key);
    let request = proto::ActOnTicketRequest {
        idempotency_key: once.key(),
        ticket_id: arguments.id,
        reason: arguments.reason,
        agent: arguments.agent.unwrap_or_default(),
    };
    let answer = client::act(
        &arguments.server.server,
        request,
        &once,
        async |connection, request| ask(&mut Client::new(connection), request).await,
    );
    let answer = answer.await?;
    let ticket = answer.ticket.unwrap_or_default();
    if arguments.json {
        let mut object = summary(&ticket);
        object["repeated"] = json!(answer.repeated);
        say!("{object}");
    } else {
        say!(
            "{}  {}  {}  due {}",
            ticket.ticket_id,
            ticket.state,
            ticket.department,
            local(ticket.due_at_unix_ms)
        );
    }
    Ok(())
}

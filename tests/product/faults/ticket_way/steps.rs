//! The steps of the way, each repeated until it is acknowledged.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use domain::ids::DepartmentId;
use store::postgres::{Database, PostgresTickets};
use store::sqlite::SqliteTickets;
use store::tickets::TicketStore;
use tempfile::TempDir;
use testkit::{Backend, Builder, PATIENCE, TestNode};
use wire::v1::tickets::handover_client::HandoverClient;
use wire::v1::tickets::ticketing_client::TicketingClient;
use wire::v1::tickets::{GetTicketRequest, LogCallbackRequest, ReplyRequest, Ticket};

use super::traces;

pub(super) const CRASH: &str = "NRWDIREKT_TEST_CRASH";
const AHEAD: &str = "NRWDIREKT_TEST_CLOCK_AHEAD_S";
/// The signal of a process that aborts.
const SIGABRT: i32 = 6;
/// After so long nobody holds the leases of a node that died.
const LEASES_ARE_OVER: TimeDelta = TimeDelta::seconds(20);

pub(super) const TAXES: &str = "finanzamt";
pub(super) const SCHOOLS: &str = "schulamt";

const ROUTING: &str = r#"
clearing = "schulamt"
department = [{ id = "finanzamt", name = "Finanzamt" }, { id = "schulamt", name = "Schulamt" }]
hotline = [{ name = "Steuern" }]
rule = [{ id = "steuern", hotline = "Steuern", department = "finanzamt" }]
"#;

/// A way of two tickets, on a node that may die on it once.
pub(super) struct Way {
    node: TestNode,
    /// Where it dies; `None` once it has.
    cut: Option<String>,
    /// How far its clock is ahead.
    ahead: TimeDelta,
    _rules: TempDir,
}

impl Way {
    /// Goes it to its end, and looks at what it left behind.
    pub(super) async fn go(backend: Backend, cut: Option<String>) {
        let rules = tempfile::tempdir().expect("a temporary folder");
        let routing = rules.path().join("routing.toml");
        std::fs::write(&routing, ROUTING).expect("the folder can be written");
        let routing = routing.to_str().expect("a path of text");
        let mut way = Self {
            node: Builder::on(backend)
                .set("routing.file", routing)
                .set("intervals.publish", "false")
                .prepare()
                .await,
            cut,
            ahead: TimeDelta::zero(),
            _rules: rules,
        };
        way.start().await;
        let (answered, returned) = way.go_until_answered().await;
        for days in [15, 46] {
            way.go_on_after(TimeDelta::days(days)).await;
            way.wait_for(&answered, TAXES, "closed").await;
            // Nobody has answered the other one.
            way.wait_for_alarm(&returned).await;
            way.wait_until_all_is_out().await;
        }
        way.stop().await;
        assert_eq!(way.cut, None, "it never came to this point");
        way.start().await;
        traces::check_tickets(&way.node, &answered, &returned).await;
        way.stop().await;
        traces::check_topics(&way.node, &answered, &returned).await;
    }

    async fn go_until_answered(&mut self) -> (String, String) {
        let first = self.log("anruf-1", "").await;
        self.wait_for(&first, TAXES, "handed_over").await;
        self.wait_until_all_is_out().await;
        let second = self.log("anruf-2", "").await;
        self.wait_for(&second, TAXES, "handed_over").await;
        self.wait_until_all_is_out().await;
        assert_eq!(self.log("anruf-3", &first).await, first);
        self.wait_until_all_is_out().await;
        self.reply(&first, "angenommen", r#""type":"accepted""#).await;
        self.wait_until_all_is_out().await;
        let returned = r#""type":"returned","reason":"nicht zuständig","suggested_department":"schulamt""#;
        self.reply(&second, "zurück", returned).await;
        self.wait_for(&second, SCHOOLS, "handed_over").await;
        self.wait_until_all_is_out().await;
        self.reply(&first, "erledigt", r#""type":"answered","note":"erläutert""#)
            .await;
        self.wait_until_all_is_out().await;
        self.repeat("both callbacks to be counted", async |node| {
            (traces::callbacks_counted(node).await? == 2).then_some(())
        })
        .await;
        (first, second)
    }

    /// Logs a callback, or adds to the ticket that is named; gives the ticket.
    async fn log(&mut self, key: &str, add_to: &str) -> String {
        let fields = [("phone", "0221 4710123"), ("concern", "Frage zum Bescheid")];
        let request = LogCallbackRequest {
            idempotency_key: key.to_owned(),
            hotline: "Steuern".to_owned(),
            add_to: add_to.to_owned(),
            fields: fields.map(|(id, value)| (id.to_owned(), value.to_owned())).into(),
            ..Default::default()
        };
        self.repeat("a ticket", async |node| {
            let mut client = TicketingClient::new(node.connection());
            let logged = client.log_callback(request.clone()).await.ok()?.into_inner();
            Some(logged.ticket?.ticket_id)
        })
        .await
    }

    /// The first department replies, until it hears what became of it.
    async fn reply(&mut self, ticket: &str, id: &str, content: &str) {
        let request = ReplyRequest {
            department: TAXES.to_owned(),
            reply_id: id.to_owned(),
            payload: format!(r#"{{"ticket_id":"{ticket}",{content}}}"#),
        };
        let answer = self
            .repeat("a reply to be settled", async |node| {
                let mut client = HandoverClient::new(node.connection());
                let answer = client.reply(request.clone()).await.ok()?.into_inner();
                (!answer.pending).then_some(answer)
            })
            .await;
        assert!(answer.applied, "{answer:?}");
    }

    async fn wait_for(&mut self, ticket: &str, department: &str, state: &str) {
        self.repeat(&format!("{state} at {department}"), async |node| {
            let ticket = show(node, ticket).await?;
            (ticket.department == department && ticket.state == state).then_some(())
        })
        .await;
    }

    async fn wait_for_alarm(&mut self, ticket: &str) {
        self.repeat("an alarm", async |node| {
            let ticket = show(node, ticket).await?;
            (ticket.alarm == "escalated").then_some(())
        })
        .await;
    }

    /// Waits until nothing is pending towards departments or figures.
    async fn wait_until_all_is_out(&mut self) {
        let store = tickets(&self.node).await;
        let now = Utc::now() + self.ahead;
        self.repeat("everything to be published", async |_| {
            for department in [TAXES, SCHOOLS].map(DepartmentId::new) {
                let pending = store.pending(&department, now, 1).await.ok()?;
                if !pending.is_empty() {
                    return None;
                }
            }
            store.call_notices(1).await.ok()?.is_empty().then_some(())
        })
        .await;
    }

    /// Does a step until it succeeds. When the node dies, it is started again.
    async fn repeat<T>(&mut self, what: &str, step: impl AsyncFn(&TestNode) -> Option<T>) -> T {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(outcome) = step(&self.node).await {
                return outcome;
            }
            let late = tokio::time::Instant::now() > deadline;
            assert!(!late, "cut at {:?}: never {what}", self.cut);
            tokio::time::sleep(Duration::from_millis(25)).await;
            if let Some(status) = self.node.ended() {
                self.mourn(status);
                self.start().await;
            }
        }
    }

    async fn start(&mut self) {
        let ahead = self.ahead.num_seconds().to_string();
        self.node.set_variable(AHEAD, Some(&ahead));
        self.node.set_variable(CRASH, self.cut.as_deref());
        if let Err(status) = self.node.try_to_start().await {
            self.mourn(status);
            self.node.set_variable(CRASH, None);
            self.node.start_again().await;
        }
    }

    async fn stop(&mut self) {
        let status = self.node.terminate().await;
        if !status.success() {
            self.mourn(status);
        }
    }

    async fn go_on_after(&mut self, time: TimeDelta) {
        self.stop().await;
        self.ahead = time;
        self.start().await;
    }

    /// It died where it was to, for the first time.
    fn mourn(&mut self, status: ExitStatus) {
        assert_eq!(status.signal(), Some(SIGABRT), "{status}\n{}", self.node.log());
        assert!(self.cut.take().is_some(), "it died twice");
        self.ahead += LEASES_ARE_OVER;
    }
}

async fn show(node: &TestNode, ticket: &str) -> Option<Ticket> {
    let request = GetTicketRequest {
        ticket_id: ticket.to_owned(),
    };
    let mut client = TicketingClient::new(node.connection());
    Some(client.get_ticket(request).await.ok()?.into_inner())
}

/// The value of an argument that the node is started with.
pub(super) fn argument<'a>(node: &'a TestNode, name: &str) -> Option<&'a str> {
    let mut arguments = node.arguments().iter();
    arguments.find(|argument| *argument == name)?;
    arguments.next().map(String::as_str)
}

/// The node's store, beside it.
async fn tickets(node: &TestNode) -> Arc<dyn TicketStore> {
    match argument(node, "--store") {
        None => Arc::new(SqliteTickets::open(&node.data().join("tickets.db")).expect("the file opens")),
        Some(url) => {
            let database = Database::new(url).expect("a URL");
            let tickets = PostgresTickets::connect(&database).await;
            Arc::new(tickets.expect("the database answers"))
        }
    }
}

//! Every method with every role, against a table that was written by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use testkit::{Backend, Connection, Token, connect};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

use super::{ROLES, by, node};

/// Whoever comes, without a token too.
const OPEN: &str = "open";
/// Whoever has a token.
const ANYBODY: &str = "ASDPMFO";

/// What is expected: each method, and the letters of the roles that it is for. The operator may call all.
pub(super) const EXPECTED: &[(&str, &str)] = &[
    ("/nrwdirekt.access.v1.Sessions/Ways", OPEN),
    ("/nrwdirekt.access.v1.Sessions/SignIn", OPEN),
    ("/nrwdirekt.access.v1.Sessions/BeginOpenId", OPEN),
    ("/nrwdirekt.access.v1.Sessions/FinishOpenId", OPEN),
    ("/nrwdirekt.access.v1.Sessions/WhoAmI", ANYBODY),
    ("/nrwdirekt.access.v1.Sessions/SignOut", ANYBODY),
    ("/nrwdirekt.access.v1.Sessions/ChangePassword", ANYBODY),
    ("/nrwdirekt.access.v1.Users/ListUsers", "M"),
    ("/nrwdirekt.access.v1.Users/AddUser", "M"),
    ("/nrwdirekt.access.v1.Users/ChangeUser", "M"),
    ("/nrwdirekt.access.v1.Users/ResetPassword", "M"),
    ("/nrwdirekt.access.v1.Users/EndSessions", "M"),
    ("/nrwdirekt.privacy.v1.Rights/FindPersons", "P"),
    ("/nrwdirekt.privacy.v1.Rights/TellPerson", "P"),
    ("/nrwdirekt.privacy.v1.Rights/RectifyTicket", "P"),
    ("/nrwdirekt.privacy.v1.Rights/Restrict", "P"),
    ("/nrwdirekt.privacy.v1.Rights/LiftRestriction", "P"),
    ("/nrwdirekt.privacy.v1.Rights/ListRecipients", "P"),
    ("/nrwdirekt.privacy.v1.Rights/ConfirmRecipient", "P"),
    ("/nrwdirekt.privacy.v1.Rights/OpenCase", "P"),
    ("/nrwdirekt.privacy.v1.Rights/ListCases", "P"),
    ("/nrwdirekt.privacy.v1.Rights/GetCase", "P"),
    ("/nrwdirekt.privacy.v1.Rights/ChangeCase", "P"),
    ("/nrwdirekt.privacy.v1.Audit/ListEntries", "P"),
    ("/nrwdirekt.privacy.v1.Audit/Verify", "P"),
    ("/nrwdirekt.privacy.v1.Backups/CreateBackup", "M"),
    ("/nrwdirekt.privacy.v1.Backups/ListBackups", "M"),
    ("/nrwdirekt.privacy.v1.Backups/FetchBackup", "M"),
    ("/nrwdirekt.privacy.v1.Register/GetRegister", "PM"),
    ("/nrwdirekt.privacy.v1.AccessLog/List", "M"),
    ("/nrwdirekt.privacy.v1.AccessLog/Statistics", "PM"),
    ("/nrwdirekt.privacy.v1.Erasures/Erase", "P"),
    ("/nrwdirekt.privacy.v1.Erasures/PlanErasure", "P"),
    ("/nrwdirekt.privacy.v1.Erasures/GetOrder", "P"),
    ("/nrwdirekt.privacy.v1.Erasures/ListOrders", "P"),
    ("/nrwdirekt.privacy.v1.Retention/Plan", "P"),
    ("/nrwdirekt.privacy.v1.Retention/Run", "P"),
    ("/nrwdirekt.privacy.v1.Retention/ListRuns", "P"),
    ("/nrwdirekt.calls.v1.Intake/SubmitReports", "FM"),
    ("/nrwdirekt.calls.v1.Intake/StreamReports", "F"),
    ("/nrwdirekt.calls.v1.Intake/FinishReplacement", "F"),
    ("/nrwdirekt.tickets.v1.Ticketing/LogCallback", "A"),
    ("/nrwdirekt.tickets.v1.Ticketing/PreviewCallback", "A"),
    ("/nrwdirekt.tickets.v1.Ticketing/DescribeRouting", ANYBODY),
    ("/nrwdirekt.tickets.v1.Ticketing/GetTicket", "ASDP"),
    ("/nrwdirekt.tickets.v1.Ticketing/ExplainRoute", ANYBODY),
    ("/nrwdirekt.tickets.v1.Ticketing/WithdrawTicket", "AS"),
    ("/nrwdirekt.tickets.v1.Ticketing/CloseTicket", "AS"),
    ("/nrwdirekt.tickets.v1.Ticketing/ReopenTicket", "AS"),
    ("/nrwdirekt.tickets.v1.Ticketing/RerouteTicket", "AS"),
    ("/nrwdirekt.tickets.v1.Ticketing/EraseTicket", "P"),
    ("/nrwdirekt.tickets.v1.Ticketing/FindTickets", "AP"),
    ("/nrwdirekt.tickets.v1.Ticketing/ListTickets", "SDP"),
    ("/nrwdirekt.tickets.v1.Ticketing/CountTickets", "SDP"),
    ("/nrwdirekt.tickets.v1.Ticketing/ListSlots", "ASD"),
    ("/nrwdirekt.tickets.v1.Ticketing/RebookTicket", "AS"),
    ("/nrwdirekt.tickets.v1.Ticketing/ListProcedures", ANYBODY),
    ("/nrwdirekt.tickets.v1.Ticketing/GetProcedure", ANYBODY),
    ("/nrwdirekt.tickets.v1.Rules/ApplyRules", "M"),
    ("/nrwdirekt.tickets.v1.Rules/GetRules", "SPM"),
    ("/nrwdirekt.tickets.v1.Rules/ListRules", "SPM"),
    ("/nrwdirekt.tickets.v1.Handover/Subscribe", "D"),
    ("/nrwdirekt.tickets.v1.Handover/WatchInbox", "D"),
    ("/nrwdirekt.tickets.v1.Handover/ListTold", "D"),
    ("/nrwdirekt.tickets.v1.Handover/Reply", "D"),
    ("/nrwdirekt.tickets.v1.Mails/ListMails", "M"),
    ("/nrwdirekt.tickets.v1.Mails/ListMailsToPeople", "M"),
    ("/nrwdirekt.tickets.v1.Mails/RetryMail", "M"),
    ("/nrwdirekt.tickets.v1.Mails/ReportBounce", "F"),
    ("/nrwdirekt.tickets.v1.Registrations/ListOffers", OPEN),
    ("/nrwdirekt.tickets.v1.Registrations/Register", OPEN),
    ("/nrwdirekt.tickets.v1.Registrations/GetLink", OPEN),
    ("/nrwdirekt.tickets.v1.Registrations/Confirm", OPEN),
    ("/nrwdirekt.tickets.v1.Registrations/End", OPEN),
    ("/nrwdirekt.tickets.v1.Registrations/ListOfferStates", "DM"),
    ("/nrwdirekt.tickets.v1.Registrations/ListEntries", "DM"),
    ("/nrwdirekt.tickets.v1.Registrations/ExportEntries", "DM"),
    ("/nrwdirekt.tickets.v1.Registrations/FindEntries", "P"),
    ("/nrwdirekt.tickets.v1.Registrations/ClearOffer", "D"),
    ("/nrwdirekt.reporting.v1.Reporting/Totals", "S"),
    ("/nrwdirekt.reporting.v1.Reporting/AwaitFigures", "FS"),
    ("/nrwdirekt.reporting.v1.Reporting/GetImportRun", "FS"),
    ("/nrwdirekt.reporting.v1.Reporting/Agents", "S"),
    ("/nrwdirekt.reporting.v1.Reporting/ListRejected", "SPM"),
    ("/nrwdirekt.reporting.v1.Figures/Intervals", "S"),
    ("/nrwdirekt.reporting.v1.Figures/Percentiles", "S"),
    ("/nrwdirekt.reporting.v1.Figures/PercentilesByInterval", "S"),
    ("/nrwdirekt.reporting.v1.Figures/Promise", "S"),
    ("/nrwdirekt.reporting.v1.Figures/Profile", "S"),
    ("/nrwdirekt.reporting.v1.Figures/Forecast", "S"),
    ("/nrwdirekt.reporting.v1.Figures/Changes", "S"),
    ("/nrwdirekt.reporting.v1.Figures/Seal", "S"),
    ("/nrwdirekt.reporting.v1.Figures/Statements", "S"),
    ("/nrwdirekt.reporting.v1.Figures/GetStatement", "S"),
    ("/nrwdirekt.reporting.v1.Live/Watch", "AS"),
    ("/nrwdirekt.reporting.v1.Live/WatchDesk", "A"),
    ("/nrwdirekt.reporting.v1.Records/ListCalls", "SP"),
    ("/nrwdirekt.reporting.v1.Records/GetCall", "SP"),
    ("/nrwdirekt.reporting.v1.Records/ListVisits", "SP"),
    ("/nrwdirekt.reporting.v1.Records/ExportCalls", "P"),
    ("/nrwdirekt.reporting.v1.RejectedItems/ListItems", "SPM"),
    ("/nrwdirekt.reporting.v1.RejectedItems/CountItems", "SPM"),
    ("/nrwdirekt.reporting.v1.RejectedItems/GetItem", "SPM"),
    ("/nrwdirekt.reporting.v1.RejectedItems/DiscardItems", "SPM"),
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ANYBODY,
    ),
    ("/grpc.health.v1.Health/Check", OPEN),
    ("/grpc.health.v1.Health/Watch", OPEN),
];

/// Every method of the services that are compiled in.
fn all_methods() -> BTreeSet<String> {
    let sets = [
        wire::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
    ];
    let mut methods = BTreeSet::new();
    for set in sets {
        for file in FileDescriptorSet::decode(set).expect("descriptors").file {
            for service in &file.service {
                for method in &service.method {
                    methods.insert(format!(
                        "/{}.{}/{}",
                        file.package(),
                        service.name(),
                        method.name()
                    ));
                }
            }
        }
    }
    methods
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// The service was asked, whatever it answered.
    Through,
    Denied,
    Unknown,
    /// No service of this node has the method.
    NotServed,
}

/// Calls a method with an empty message, and waits for the head of the answer alone: streams go on for ever.
async fn call(connection: Connection, method: &str) -> Came {
    let asked = async {
        let mut client = tonic::client::Grpc::new(connection);
        client
            .ready()
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
        let codec = tonic_prost::ProstCodec::<(), ()>::default();
        let path = PathAndQuery::try_from(method).expect("a path");
        let message = Request::new(tokio_stream::once(()));
        client.streaming(message, path, codec).await.map(drop)
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), asked).await;
    match answer.unwrap_or_else(|_| panic!("no answer from {method}")) {
        Ok(()) => Came::Through,
        Err(status) => match status.code() {
            Code::PermissionDenied => Came::Denied,
            // A wrong password is answered by the service; a wrong token by the gate.
            Code::Unauthenticated if status.message().starts_with("no valid token") => Came::Unknown,
            Code::Unimplemented if status.message().starts_with("no such method") => Came::NotServed,
            Code::Internal => panic!("{method}: {status}"),
            _ => Came::Through,
        },
    }
}

#[tokio::test]
async fn every_method_answers_its_roles_alone_and_a_new_one_must_be_in_the_table() {
    let mut node = node(Backend::Embedded).await;
    let expected: BTreeMap<&str, &str> = EXPECTED.iter().copied().collect();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for method in all_methods() {
        let Some(roles) = expected.get(method.as_str()) else {
            wrong.push(format!("{method} is not in the table of this test"));
            continue;
        };
        seen += 1;
        let mut check = |who: &str, came: Came, should: Came| {
            if came != should {
                wrong.push(format!("{method}: {who} came {came:?} instead of {should:?}"));
            }
        };
        let operator = call(node.connection(), &method).await;
        if operator == Came::NotServed {
            continue;
        }
        check("the operator", operator, Came::Through);
        let without = if *roles == OPEN {
            Came::Through
        } else {
            Came::Unknown
        };
        let nobody = connect(&node.url(), Token::none());
        check("nobody", call(nobody, &method).await, without);
        let guessed = call(by(&node, "guessed"), &method).await;
        check("a wrong token", guessed, without);
        for (letter, role) in ROLES {
            let should = match *roles == OPEN || roles.contains(letter) {
                true => Came::Through,
                false => Came::Denied,
            };
            check(role, call(by(&node, role), &method).await, should);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(seen, EXPECTED.len(), "the table names methods that are not there");
    node.stop().await;
}

#[tokio::test]
async fn a_method_that_no_table_names_is_for_the_operator_alone() {
    let node = node(Backend::Embedded).await;
    let invented = "/nrwdirekt.tickets.v1.Ticketing/Invented";
    for (_, role) in ROLES {
        let came = call(by(&node, role), invented).await;
        assert_eq!(came, Came::Denied, "{role}");
    }
    assert_eq!(call(node.connection(), invented).await, Came::Through);
}

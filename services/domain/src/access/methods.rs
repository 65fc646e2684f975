//! Every method, and who may call it.

use super::Role::{self, Administrator, Agent, DataProtection, Department, Feed, Supervisor};

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Whoever comes: signing in, and health.
    Open,
    /// Whoever has a valid token or session, of any role.
    SignedIn,
    /// Whoever has one of these roles, and the operator.
    Roles(&'static [Role]),
}

const ANYBODY: Admission = Admission::SignedIn;
const FEED: Admission = Admission::Roles(&[Feed]);
const FIGURES: Admission = Admission::Roles(&[Supervisor]);
const DESK: Admission = Admission::Roles(&[Agent, Supervisor]);
const ADMINISTRATION: Admission = Admission::Roles(&[Administrator]);
const OFFERS: Admission = Admission::Roles(&[Department, Administrator]);
const RIGHTS: Admission = Admission::Roles(&[DataProtection]);
const PRIVACY: Admission = Admission::Roles(&[DataProtection]);
const REPAIR: Admission = Admission::Roles(&[Supervisor, Administrator, DataProtection]);

/// The table: `/package.Service/Method`, and who may call it.
pub const METHODS: &[(&str, Admission)] = &[
    // Who somebody is.
    ("/nrwdirekt.access.v1.Sessions/Ways", Admission::Open),
    ("/nrwdirekt.access.v1.Sessions/SignIn", Admission::Open),
    ("/nrwdirekt.access.v1.Sessions/BeginOpenId", Admission::Open),
    ("/nrwdirekt.access.v1.Sessions/FinishOpenId", Admission::Open),
    ("/nrwdirekt.access.v1.Sessions/WhoAmI", ANYBODY),
    ("/nrwdirekt.access.v1.Sessions/SignOut", ANYBODY),
    ("/nrwdirekt.access.v1.Sessions/ChangePassword", ANYBODY),
    ("/nrwdirekt.access.v1.Users/ListUsers", ADMINISTRATION),
    ("/nrwdirekt.access.v1.Users/AddUser", ADMINISTRATION),
    ("/nrwdirekt.access.v1.Users/ChangeUser", ADMINISTRATION),
    ("/nrwdirekt.access.v1.Users/ResetPassword", ADMINISTRATION),
    ("/nrwdirekt.access.v1.Users/EndSessions", ADMINISTRATION),
    ("/nrwdirekt.privacy.v1.Rights/FindPersons", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/TellPerson", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/RectifyTicket", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/Restrict", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/LiftRestriction", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/ListRecipients", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/ConfirmRecipient", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/OpenCase", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/ListCases", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/GetCase", RIGHTS),
    ("/nrwdirekt.privacy.v1.Rights/ChangeCase", RIGHTS),
    (
        "/nrwdirekt.privacy.v1.Audit/ListEntries",
        Admission::Roles(&[DataProtection]),
    ),
    (
        "/nrwdirekt.privacy.v1.Audit/Verify",
        Admission::Roles(&[DataProtection]),
    ),
    ("/nrwdirekt.privacy.v1.Backups/CreateBackup", ADMINISTRATION),
    ("/nrwdirekt.privacy.v1.Backups/ListBackups", ADMINISTRATION),
    ("/nrwdirekt.privacy.v1.Backups/FetchBackup", ADMINISTRATION),
    (
        "/nrwdirekt.privacy.v1.Register/GetRegister",
        Admission::Roles(&[DataProtection, Administrator]),
    ),
    ("/nrwdirekt.privacy.v1.AccessLog/List", ADMINISTRATION),
    (
        "/nrwdirekt.privacy.v1.AccessLog/Statistics",
        Admission::Roles(&[DataProtection, Administrator]),
    ),
    (
        "/nrwdirekt.privacy.v1.Erasures/Erase",
        Admission::Roles(&[DataProtection]),
    ),
    (
        "/nrwdirekt.privacy.v1.Erasures/PlanErasure",
        Admission::Roles(&[DataProtection]),
    ),
    (
        "/nrwdirekt.privacy.v1.Erasures/GetOrder",
        Admission::Roles(&[DataProtection]),
    ),
    (
        "/nrwdirekt.privacy.v1.Erasures/ListOrders",
        Admission::Roles(&[DataProtection]),
    ),
    ("/nrwdirekt.privacy.v1.Retention/Plan", PRIVACY),
    ("/nrwdirekt.privacy.v1.Retention/Run", PRIVACY),
    ("/nrwdirekt.privacy.v1.Retention/ListRuns", PRIVACY),
    // Reports of calls.
    // An administrator sends repaired items again.
    (
        "/nrwdirekt.calls.v1.Intake/SubmitReports",
        Admission::Roles(&[Feed, Administrator]),
    ),
    ("/nrwdirekt.calls.v1.Intake/StreamReports", FEED),
    ("/nrwdirekt.calls.v1.Intake/FinishReplacement", FEED),
    // Tickets.
    (
        "/nrwdirekt.tickets.v1.Ticketing/LogCallback",
        Admission::Roles(&[Agent]),
    ),
    ("/nrwdirekt.tickets.v1.Ticketing/DescribeRouting", ANYBODY),
    (
        "/nrwdirekt.tickets.v1.Ticketing/CountTickets",
        Admission::Roles(&[Supervisor, Department, DataProtection]),
    ),
    (
        "/nrwdirekt.tickets.v1.Ticketing/PreviewCallback",
        Admission::Roles(&[Agent]),
    ),
    (
        "/nrwdirekt.tickets.v1.Ticketing/GetTicket",
        Admission::Roles(&[Agent, Supervisor, Department, DataProtection]),
    ),
    ("/nrwdirekt.tickets.v1.Ticketing/ExplainRoute", ANYBODY),
    ("/nrwdirekt.tickets.v1.Ticketing/WithdrawTicket", DESK),
    ("/nrwdirekt.tickets.v1.Ticketing/CloseTicket", DESK),
    ("/nrwdirekt.tickets.v1.Ticketing/ReopenTicket", DESK),
    ("/nrwdirekt.tickets.v1.Ticketing/RerouteTicket", DESK),
    (
        "/nrwdirekt.tickets.v1.Ticketing/EraseTicket",
        Admission::Roles(&[DataProtection]),
    ),
    (
        "/nrwdirekt.tickets.v1.Ticketing/FindTickets",
        Admission::Roles(&[Agent, DataProtection]),
    ),
    (
        "/nrwdirekt.tickets.v1.Ticketing/ListTickets",
        Admission::Roles(&[Supervisor, Department, DataProtection]),
    ),
    (
        "/nrwdirekt.tickets.v1.Ticketing/ListSlots",
        Admission::Roles(&[Agent, Supervisor, Department]),
    ),
    ("/nrwdirekt.tickets.v1.Ticketing/RebookTicket", DESK),
    ("/nrwdirekt.tickets.v1.Ticketing/ListProcedures", ANYBODY),
    ("/nrwdirekt.tickets.v1.Ticketing/GetProcedure", ANYBODY),
    ("/nrwdirekt.tickets.v1.Rules/ApplyRules", ADMINISTRATION),
    (
        "/nrwdirekt.tickets.v1.Rules/GetRules",
        Admission::Roles(&[Administrator, Supervisor, DataProtection]),
    ),
    (
        "/nrwdirekt.tickets.v1.Rules/ListRules",
        Admission::Roles(&[Administrator, Supervisor, DataProtection]),
    ),
    (
        "/nrwdirekt.tickets.v1.Handover/Subscribe",
        Admission::Roles(&[Department]),
    ),
    (
        "/nrwdirekt.tickets.v1.Handover/Reply",
        Admission::Roles(&[Department]),
    ),
    (
        "/nrwdirekt.tickets.v1.Handover/WatchInbox",
        Admission::Roles(&[Department]),
    ),
    (
        "/nrwdirekt.tickets.v1.Handover/ListTold",
        Admission::Roles(&[Department]),
    ),
    ("/nrwdirekt.tickets.v1.Mails/ListMails", ADMINISTRATION),
    ("/nrwdirekt.tickets.v1.Mails/ListMailsToPeople", ADMINISTRATION),
    ("/nrwdirekt.tickets.v1.Mails/RetryMail", ADMINISTRATION),
    ("/nrwdirekt.tickets.v1.Mails/ReportBounce", FEED),
    ("/nrwdirekt.tickets.v1.Registrations/ListOffers", Admission::Open),
    ("/nrwdirekt.tickets.v1.Registrations/Register", Admission::Open),
    ("/nrwdirekt.tickets.v1.Registrations/GetLink", Admission::Open),
    ("/nrwdirekt.tickets.v1.Registrations/Confirm", Admission::Open),
    ("/nrwdirekt.tickets.v1.Registrations/End", Admission::Open),
    ("/nrwdirekt.tickets.v1.Registrations/ListOfferStates", OFFERS),
    ("/nrwdirekt.tickets.v1.Registrations/ListEntries", OFFERS),
    ("/nrwdirekt.tickets.v1.Registrations/ExportEntries", OFFERS),
    (
        "/nrwdirekt.tickets.v1.Registrations/FindEntries",
        Admission::Roles(&[DataProtection]),
    ),
    (
        "/nrwdirekt.tickets.v1.Registrations/ClearOffer",
        Admission::Roles(&[Department]),
    ),
    // Figures.
    ("/nrwdirekt.reporting.v1.Reporting/Totals", FIGURES),
    (
        "/nrwdirekt.reporting.v1.Reporting/AwaitFigures",
        Admission::Roles(&[Feed, Supervisor]),
    ),
    (
        "/nrwdirekt.reporting.v1.Reporting/GetImportRun",
        Admission::Roles(&[Feed, Supervisor]),
    ),
    ("/nrwdirekt.reporting.v1.Reporting/Agents", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/Intervals", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/Percentiles", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/PercentilesByInterval", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/Promise", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/Profile", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/Forecast", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/Changes", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/Seal", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/Statements", FIGURES),
    ("/nrwdirekt.reporting.v1.Figures/GetStatement", FIGURES),
    ("/nrwdirekt.reporting.v1.Live/Watch", DESK),
    (
        "/nrwdirekt.reporting.v1.Live/WatchDesk",
        Admission::Roles(&[Agent]),
    ),
    (
        "/nrwdirekt.reporting.v1.Records/ListCalls",
        Admission::Roles(&[Supervisor, DataProtection]),
    ),
    (
        "/nrwdirekt.reporting.v1.Records/ListVisits",
        Admission::Roles(&[Supervisor, DataProtection]),
    ),
    (
        "/nrwdirekt.reporting.v1.Records/GetCall",
        Admission::Roles(&[Supervisor, DataProtection]),
    ),
    (
        "/nrwdirekt.reporting.v1.Records/ExportCalls",
        Admission::Roles(&[DataProtection]),
    ),
    ("/nrwdirekt.reporting.v1.Reporting/ListRejected", REPAIR),
    ("/nrwdirekt.reporting.v1.RejectedItems/ListItems", REPAIR),
    ("/nrwdirekt.reporting.v1.RejectedItems/CountItems", REPAIR),
    ("/nrwdirekt.reporting.v1.RejectedItems/GetItem", REPAIR),
    ("/nrwdirekt.reporting.v1.RejectedItems/DiscardItems", REPAIR),
    // How the interfaces look.
    (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ANYBODY,
    ),
    ("/grpc.health.v1.Health/Check", Admission::Open),
    ("/grpc.health.v1.Health/Watch", Admission::Open),
    ("/grpc.health.v1.Health/List", Admission::Open),
];

/// Who may call a method; `None` if the table does not name it.
pub fn admission(method: &str) -> Option<Admission> {
    METHODS
        .iter()
        .find_map(|(name, admission)| (*name == method).then_some(*admission))
}

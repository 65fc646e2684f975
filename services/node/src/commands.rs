//! What each command does.

mod backup;
mod calendar;
mod call;
mod config;
mod department;
mod export;
pub(crate) mod import;
mod mail;
mod privacy;
mod register;
mod registrations;
mod rejected;
mod report;
mod route;
mod rules;
pub(crate) mod simulate;
mod slot;
mod staffing;
mod ticket;
mod ticket_acts;
mod topics;
mod user;

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{
    Arguments, CalendarAction, CallAction, CallbackAction, Command, DepartmentAction, MailAction,
    RejectedAction, Role, RouteAction, ServeArguments, SlotAction, StorageArguments, TicketAction,
    UpArguments,
};
use crate::config::Config;
use crate::output::say;
use crate::{node, telemetry};

/// Runs the command.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Up(arguments) => up(arguments).await?,
        Command::Serve(arguments) => serve(arguments).await?,
        Command::Config(arguments) => config::run(arguments.action).await?,
        Command::Topics(arguments) => return topics::run(arguments.action).await,
        Command::Import(arguments) => return import::run(arguments).await,
        Command::Call(arguments) => match arguments.action {
            CallAction::List(arguments) => call::list(*arguments).await?,
            CallAction::Show(arguments) => call::show(arguments).await?,
        },
        Command::Export(arguments) => export::run(arguments).await?,
        Command::Rejected(arguments) => match arguments.action {
            RejectedAction::List(arguments) => rejected::list(arguments).await?,
            RejectedAction::Show(arguments) => rejected::show(arguments).await?,
            RejectedAction::Retry(arguments) => return rejected::retry(arguments).await,
            RejectedAction::Discard(arguments) => rejected::discard(arguments).await?,
        },
        Command::Report(arguments) => report::run(*arguments).await?,
        Command::Staffing(arguments) => staffing::run(*arguments).await?,
        Command::Simulate(arguments) => return simulate::run(*arguments).await,
        Command::Callback(arguments) => {
            let CallbackAction::Log(arguments) = arguments.action;
            ticket::log_callback(*arguments).await?;
        }
        Command::Ticket(arguments) => match arguments.action {
            TicketAction::Log(arguments) => ticket::log_any(*arguments).await?,
            TicketAction::Show { id, json, server } => ticket::show(&id, json, &server).await?,
            TicketAction::List(arguments) => ticket::list(arguments).await?,
            TicketAction::Find(arguments) => ticket::find(arguments).await?,
            TicketAction::Rebook(arguments) => slot::rebook(arguments).await?,
            TicketAction::Withdraw(act) => ticket_acts::withdraw(act).await?,
            TicketAction::Close(act) => ticket_acts::close(act).await?,
            TicketAction::Erase(act) => ticket_acts::erase(act).await?,
            TicketAction::Reopen { call, act } => ticket_acts::reopen(act, call).await?,
            TicketAction::Reroute { department, act } => ticket_acts::reroute(act, department).await?,
        },
        Command::Slot(arguments) => {
            let SlotAction::List(arguments) = arguments.action;
            slot::list(arguments).await?;
        }
        Command::Register(arguments) => return register::run(&arguments.action),
        Command::Route(arguments) => match arguments.action {
            RouteAction::Explain(arguments) => route::explain(*arguments).await?,
            RouteAction::Check(arguments) => return route::check(&arguments),
        },
        Command::Calendar(arguments) => match arguments.action {
            CalendarAction::Due(arguments) => calendar::due(&arguments)?,
            CalendarAction::Holidays { year, json } => calendar::list_holidays(year, json)?,
        },
        Command::Department(arguments) => match arguments.action {
            DepartmentAction::Consume {
                department,
                follow,
                max,
                json,
                server,
            } => {
                department::consume(department, follow, max, json, &server).await?;
            }
            DepartmentAction::Reply(arguments) => return department::reply(arguments).await,
            DepartmentAction::Acls(arguments) => department::acls::print(&arguments)?,
        },
        Command::Mail(arguments) => match arguments.action {
            MailAction::List { max, json, server } => mail::list(max, json, &server).await?,
            MailAction::Retry { id, server } => mail::retry(id, &server).await?,
            MailAction::Bounced { recipient, server } => mail::bounced(recipient, &server).await?,
        },
        Command::Newsletter(arguments) => registrations::newsletter(arguments.action).await?,
        Command::Accreditation(arguments) => registrations::accreditation(arguments.action).await?,
        Command::Privacy(arguments) => return privacy::run(arguments.action).await,
        Command::Backup(arguments) => return backup::run(*arguments).await,
        Command::Restore(arguments) => backup::restore::run(arguments).await?,
        Command::User(arguments) => user::run(arguments.action).await?,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "nrwdirekt", &mut script);
            say!("{}", String::from_utf8_lossy(&script).trim_end());
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn up(arguments: UpArguments) -> anyhow::Result<()> {
    telemetry::start_logs();
    let config = with_storage(crate::config::read(&arguments.config)?, &arguments.storage)?;
    let roles = vec![
        Role::Intake,
        Role::Ledger,
        Role::Ticketing,
        Role::Handover,
        Role::Reporting,
        Role::Privacy,
        Role::Console,
    ];
    node::run(node::Start {
        config,
        data: Some(arguments.data),
        roles,
        prepare: true,
        demo: !arguments.empty,
    })
    .await
}

async fn serve(arguments: ServeArguments) -> anyhow::Result<()> {
    telemetry::start_logs();
    let config = with_storage(crate::config::read(&arguments.config)?, &arguments.storage)?;
    node::run(node::Start {
        config,
        data: arguments.data,
        roles: each_once(arguments.roles),
        prepare: false,
        demo: false,
    })
    .await
}

fn with_storage(mut config: Config, storage: &StorageArguments) -> anyhow::Result<Config> {
    if let Some(listen) = storage.listen {
        config.listen = listen;
    }
    if let Some(bus) = &storage.bus {
        config.bus = crate::config::bus_choice(bus)?;
    }
    if let Some(store) = &storage.store {
        config.store = crate::config::store_choice(store)?;
    }
    Ok(config)
}

fn each_once(mut roles: Vec<Role>) -> Vec<Role> {
    roles.sort_unstable();
    roles.dedup();
    roles
}

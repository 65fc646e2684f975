//! `nrwdirekt staffing`: a load works out of itself, without a server; a forecast asks one.

use domain::staffing::{Load, Requirement, Staffing, staff};
use serde_json::{Value, json};

use super::report;
use crate::cli::{LoadArguments, StaffingAction, StaffingArguments};
use crate::exit::Failure;
use crate::output::say;

/// How many agents a load, or the next days, need.
pub(crate) async fn run(arguments: StaffingArguments) -> anyhow::Result<()> {
    match arguments.action {
        Some(StaffingAction::Forecast(arguments)) => report::forecast::run(arguments).await,
        None => of_load(&arguments.load),
    }
}

fn of_load(arguments: &LoadArguments) -> anyhow::Result<()> {
    let (Some(offered), Some(handling_seconds)) = (arguments.offered, arguments.aht) else {
        return Err(Failure::usage(
            "give a load: --offered N --aht SECONDS; or ask for a `forecast`",
        ));
    };
    let load = Load {
        offered,
        interval_seconds: f64::from(arguments.interval.0),
        handling_seconds,
    };
    let wanted = &arguments.wanted;
    let requirement = Requirement {
        target: wanted.target,
        within_seconds: wanted.within,
        max_occupancy: wanted.max_occupancy,
        shrinkage: wanted.shrinkage,
    };
    let staffing = staff(load, requirement).map_err(|fault| {
        let argument = fault.field.replace('_', "-");
        Failure::usage(format!("--{argument}: {}", fault.remedy))
    })?;
    if arguments.json {
        say!("{}", as_json(&staffing, load.erlangs()));
    } else {
        print(&staffing, load.erlangs());
    }
    Ok(())
}

fn as_json(staffing: &Staffing, erlangs: f64) -> Value {
    let mut answer = json!({
        "agents": staffing.agents,
        "positions": staffing.positions,
        "erlangs": erlangs,
    });
    if let Some(queue) = staffing.queue {
        answer["service_level"] = json!(queue.service_level);
        answer["occupancy"] = json!(queue.occupancy);
        answer["waiting_probability"] = json!(queue.waiting_probability);
    }
    answer
}

fn print(staffing: &Staffing, erlangs: f64) {
    say!("agents               {:>8}", staffing.agents);
    say!("positions            {:>8}", staffing.positions);
    say!("erlangs              {erlangs:>8.2}");
    if let Some(queue) = staffing.queue {
        for (name, share) in [
            ("service level", queue.service_level),
            ("occupancy", queue.occupancy),
            ("waiting probability", queue.waiting_probability),
        ] {
            say!("{name:20} {:>6.1} %", share * 100.0);
        }
    }
}

//! `nrwdirekt register`: what can be asked for, by the register of a configuration.

use std::process::ExitCode;

use domain::procedure::{
    FieldId, FieldKind, FieldRule, Period, Procedure, Register, RegisterFault, request_schema,
};
use serde_json::{Value, json};

use crate::cli::{RegisterAction, RegisterSource};
use crate::config;
use crate::exit::Failure;
use crate::output::say;

/// Exit code of a register with faults: wrong input.
const FAULTY: u8 = 2;

/// Checks or shows the register.
pub(crate) fn run(action: &RegisterAction) -> anyhow::Result<ExitCode> {
    match action {
        RegisterAction::Check { source, json } => return check(source, *json),
        RegisterAction::List { source, json } => list(&sound(source)?, *json),
        RegisterAction::Show { id, source, json } => show(procedure(&sound(source)?, id)?, *json),
        RegisterAction::Schema {
            procedure: id,
            source,
        } => {
            let schema = request_schema(procedure(&sound(source)?, id)?);
            say!("{schema:#}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn check(source: &RegisterSource, as_json: bool) -> anyhow::Result<ExitCode> {
    let files = config::register::written(source)?;
    let (procedures, faults) = match Register::with(&files) {
        Ok(register) => (register.procedures().len(), Vec::new()),
        Err(faults) => (Register::built_in().procedures().len(), faults),
    };
    let faults: Vec<String> = faults.iter().map(RegisterFault::to_string).collect();
    if as_json {
        say!("{}", json!({ "procedures": procedures, "faults": faults }));
    } else if faults.is_empty() {
        say!("{procedures} procedures are sound");
    } else {
        faults.iter().for_each(|fault| say!("{fault}"));
    }
    Ok(match faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAULTY),
    })
}

/// The register of a configuration.
///
/// # Errors
/// Every fault of it.
pub(super) fn sound(source: &RegisterSource) -> anyhow::Result<Register> {
    Register::with(&config::register::written(source)?).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(RegisterFault::to_string).collect();
        Failure::usage(faults.join("; "))
    })
}

fn procedure<'r>(register: &'r Register, id: &str) -> anyhow::Result<&'r Procedure> {
    register
        .procedure(id)
        .ok_or_else(|| Failure::usage("there is no such procedure; `nrwdirekt register list` names all"))
}

fn list(register: &Register, as_json: bool) {
    if as_json {
        let procedures: Vec<Value> = register.procedures().iter().map(whole).collect();
        say!("{}", json!({ "procedures": procedures }));
        return;
    }
    for procedure in register.procedures() {
        say!(
            "{:20}  {:6}  {:2} fields  {}",
            procedure.id.as_str(),
            procedure.kind.name(),
            procedure.fields.len(),
            procedure.title
        );
    }
}

fn show(procedure: &Procedure, as_json: bool) {
    if as_json {
        say!("{:#}", whole(procedure));
        return;
    }
    say!("{}  {}  {}", procedure.id, procedure.kind.name(), procedure.title);
    say!("{}", procedure.purpose);
    for (heading, texts) in [
        ("legal basis", &procedure.legal_basis),
        ("persons", &procedure.persons),
        ("recipients", &procedure.recipients),
        ("processors", &procedure.processors),
    ] {
        texts.iter().for_each(|text| say!("  {heading:11}  {text}"));
    }
    say!("  {:11}  {}", "retention", procedure.retention.text);
    for field in &procedure.fields {
        say!(
            "  {:26}  {:11}  {:8}  {}",
            field.id.as_str(),
            field.kind.name(),
            note_on(field),
            field.title
        );
    }
}

fn note_on(field: &FieldRule) -> &'static str {
    match (field.required, field.from_system) {
        (true, _) => "required",
        (false, true) => "added",
        (false, false) => "",
    }
}

/// Everything that is declared.
fn whole(procedure: &Procedure) -> Value {
    let mut object = json!({
        "id": procedure.id,
        "title": procedure.title,
        "kind": procedure.kind.name(),
        "purpose": procedure.purpose,
        "legal_basis": procedure.legal_basis,
        "persons": procedure.persons,
        "recipients": procedure.recipients,
        "processors": procedure.processors,
        "retention": retention(procedure),
        "fields": procedure.fields.iter().map(field).collect::<Vec<_>>(),
    });
    if let Some(rules) = procedure.ticket_rules() {
        object["department"] = json!(rules.department);
        object["by_phone"] = json!(rules.by_phone);
        object["counts_as_callback"] = json!(rules.counts_as_callback);
        object["reachable_by"] = json!(rules.reachable_by);
        object["unreachable_after"] = json!(rules.unreachable_after);
        object["concern"] = json!(rules.concern);
    }
    object
}

fn retention(procedure: &Procedure) -> Value {
    let retention = &procedure.retention;
    let (unit, period) = match retention.period {
        Period::Days(days) => ("days", days),
        Period::Months(months) => ("months", months),
        Period::Years(years) => ("years", years),
    };
    json!({ "after": retention.after.name(), unit: period, "text": retention.text })
}

fn field(field: &FieldRule) -> Value {
    let options = match &field.kind {
        FieldKind::Choice(options) => Some(options),
        _ => None,
    };
    json!({
        "id": field.id,
        "title": field.title,
        "type": field.kind.name(),
        "required": field.required,
        "longest": field.kind.longest(),
        "options": options,
        "requires": field.requires.iter().map(FieldId::as_str).collect::<Vec<_>>(),
        "only_with": field.only_with,
        "from_system": field.from_system,
    })
}

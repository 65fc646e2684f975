//! The register of an installation: the built-in procedures, and the files of a folder.

use std::path::{Path, PathBuf};

use anyhow::Context;
use domain::procedure::{Register, RegisterFault, RegisterFile};
use domain::routing::RoutingTable;

use crate::cli::RegisterSource;
use crate::exit::Failure;

/// The register with the files of a folder, checked.
pub(super) fn read(folder: Option<&Path>, routing: &RoutingTable) -> anyhow::Result<Register> {
    let register = Register::with(&files(folder)?).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(RegisterFault::to_string).collect();
        Failure::usage(faults.join("; "))
    })?;
    let faults = unknown_departments(&register, routing);
    match faults.is_empty() {
        true => Ok(register),
        false => Err(Failure::usage(faults.join("; "))),
    }
}

/// Procedures whose department nobody knows.
fn unknown_departments(register: &Register, routing: &RoutingTable) -> Vec<String> {
    let known = |id| routing.departments().iter().any(|department| department.id == id);
    let departments = register
        .procedures()
        .iter()
        .filter_map(|procedure| Some((&procedure.id, procedure.ticket_rules()?.department.clone()?)));
    departments
        .filter(|(_, department)| !known(department.clone()))
        .map(|(procedure, department)| {
            format!("procedure {procedure}: department: {department:?} is not configured; name one of routing.file, or leave it out")
        })
        .collect()
}

/// The files of the register that a command is about, unchecked.
///
/// # Errors
/// The configuration, the folder or a file of it cannot be read.
pub(crate) fn written(source: &RegisterSource) -> anyhow::Result<Vec<RegisterFile>> {
    if let Some(folder) = &source.folder {
        return files(Some(folder));
    }
    let base = source.config.config.as_deref().and_then(Path::parent);
    let folder = super::written(&source.config)?.register.folder;
    let folder = folder.map(|folder| base.map_or_else(|| folder.clone(), |base| base.join(&folder)));
    files(folder.as_deref())
}

/// The `*.toml` files of a folder, by name.
fn files(folder: Option<&Path>) -> anyhow::Result<Vec<RegisterFile>> {
    let Some(folder) = folder else {
        return Ok(Vec::new());
    };
    let named = || format!("register.folder {}", folder.display());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .with_context(named)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .with_context(named)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let file = |path: PathBuf| {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).with_context(|| format!("register.folder: {name}"))?;
        Ok(RegisterFile { name, text })
    };
    paths.into_iter().map(file).collect()
}

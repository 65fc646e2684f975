//! The register of an installation: the built-in procedures, and the files of a folder.

use std::path::{Path, PathBuf};

use anyhow::Context;
use domain::procedure::RegisterFile;
use domain::rulebook::{Documents, REGISTER};

use crate::cli::RegisterSource;

/// The files of a folder as documents of the rules.
pub(crate) fn documents(folder: Option<&Path>) -> anyhow::Result<Documents> {
    let document = |file: RegisterFile| {
        let name = Path::new(&file.name).file_name().unwrap_or_default();
        (format!("{REGISTER}{}", name.to_string_lossy()), file.text)
    };
    Ok(files(folder)?.into_iter().map(document).collect())
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

//! `caproni drivers new`

mod language;
mod sdk;

use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use caproni_driver::command_line;
use clap::Args;

use crate::commands::App;
use crate::discovery::check_name;
use crate::error::Error;
use crate::exit;
use crate::output::WrittenDriver;
use crate::ui::clean;
use language::{File, Language, Template};
use sdk::Sdk;

/// Write a new driver: a folder with one that passes `caproni drivers check`, and its test
///
/// Its clusters are files; it is yours to make it drive a backend.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni drivers new --lang python mine
  caproni drivers new --lang rust --into drivers/mine mine")]
pub(crate) struct New {
    /// The driver's name, as in `caproni --driver NAME`
    name: String,
    /// The language to write it in
    #[arg(long, value_name = "LANGUAGE")]
    lang: Language,
    /// The folder to write, which must not exist; by default one with the driver's name
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// For Rust: the folder of the crate `caproni-driver`, found by itself inside a checkout of caproni
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

impl New {
    pub(crate) fn run(self, app: &App) -> Result<u8, Error> {
        check_name(&self.name)?;
        let named = self.into.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        let folder = std::path::absolute(&named).map_err(|error| cannot_write(&named, &error))?;
        let template = self.template(&folder)?;
        write(&folder, &template.files)?;
        self.tell(app, &named, &folder, &template)
    }

    fn template(&self, folder: &Path) -> Result<Template, Error> {
        if self.lang != Language::Rust {
            if self.sdk.is_some() {
                return Err(Error::usage("`--sdk` is for drivers in Rust only")
                    .with_hint("leave it out, or add `--lang rust`"));
            }
            sdk::is_no_place_for_others(folder)?;
            return self.lang.template(&self.name, None);
        }
        self.lang.template(&self.name, Some(&Sdk::find(self.sdk.as_deref(), folder)?))
    }

    fn tell(
        &self,
        app: &App,
        named: &Path,
        folder: &Path,
        template: &Template,
    ) -> Result<u8, Error> {
        let (name, next) = (&self.name, self.next(named, template));
        let files: Vec<_> = template.files.iter().map(|file| file.path.clone()).collect();
        let text = format!(
            "driver `{name}` is written into `{}`: {}\n\nnext:\n  {}\n",
            named.display(),
            files.join(", "),
            next.join("\n  "),
        );
        if let Some(warning) = &template.warning {
            app.ui.warn(warning);
        }
        let written = WrittenDriver {
            name: name.clone(),
            language: self.lang.to_string(),
            folder: folder.display().to_string(),
            files,
            next,
            warning: template.warning.clone(),
        };
        app.ui.done_result(&clean(&text), &written)?;
        Ok(exit::OK)
    }

    /// The commands that lead from here to a cluster, as one can paste them.
    fn next(&self, named: &Path, template: &Template) -> Vec<String> {
        let name = &self.name;
        let mut next = vec![command_line(["cd", &*named.to_string_lossy()])];
        next.extend(template.steps.iter().cloned());
        next.push(format!("caproni drivers check --destructive {name}"));
        next.push(format!("caproni --driver {name} start"));
        next
    }
}

/// Writes all the files into a new folder, or none.
fn write(folder: &Path, files: &[File]) -> Result<(), Error> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| cannot_write(parent, &error))?;
    fs::create_dir(folder).map_err(|error| match error.kind() {
        IoErrorKind::AlreadyExists => is_there(folder),
        _ => cannot_write(folder, &error),
    })?;
    let written = files.iter().try_for_each(|file| write_file(&folder.join(&file.path), file));
    written.map_err(|error| {
        // It is ours, and not whole; what cannot be removed stays to be seen.
        let _ = fs::remove_dir_all(folder);
        cannot_write(folder, &error)
    })
}

fn write_file(path: &Path, file: &File) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, &file.text)?;
    if file.is_executable {
        let mut permissions = fs::metadata(path)?.permissions();
        // Whoever may read it may run it, as the user's umask has it.
        permissions.set_mode(permissions.mode() | (permissions.mode() & 0o444) >> 2);
        fs::set_permissions(path, permissions)?;
    }
    Ok(())
}

fn is_there(folder: &Path) -> Error {
    Error::usage(format!("`{}` is there already, and is not touched", folder.display()))
        .with_hint("name another folder with `--into`")
}

fn cannot_write(folder: &Path, error: &std::io::Error) -> Error {
    Error::usage(format!("the folder `{}` cannot be written: {error}", folder.display()))
        .with_hint("name another folder with `--into`")
}

//! `caproni man`

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, roman};

use super::{App, help};
use crate::cli;
use crate::error::Error;
use crate::exit;
use crate::output::ManualPages;

/// Write the manual: a page for caproni, and one for each of its commands
///
/// For those who make packages.
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct Man {
    /// The folder to write them into, which is made where it is missing
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(self, app: &App) -> Result<u8, Error> {
        let command = cli::whole_command();
        let mut names = Vec::new();
        fs::create_dir_all(&self.folder)
            .and_then(|()| write_all(&command, "", &self.folder, &mut names))
            .map_err(|error| {
                let what = format!("cannot write the manual into `{}`", self.folder.display());
                Error::internal(&what, error)
            })?;
        app.ui.done_result(&names.join("\n"), &ManualPages { pages: names.clone() })?;
        Ok(exit::OK)
    }
}

fn write_all(
    command: &clap::Command,
    above: &str,
    folder: &Path,
    names: &mut Vec<String>,
) -> std::io::Result<()> {
    let title = format!("{above}{}", command.get_name());
    let name = format!("{title}.1");
    fs::write(folder.join(&name), page(command, &title)?)?;
    names.push(name);
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write_all(below, &format!("{title}-"), folder, names)?;
    }
    Ok(())
}

fn page(command: &clap::Command, title: &str) -> std::io::Result<Vec<u8>> {
    let page = Page::new(command.clone());
    // Without the date, so that two builds of one source are the same; clap_mangen would leave
    // the empty field out, and man take the next one for the date.
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(".TH {title} 1 \"\" \"caproni {version}\" \"caproni\"\n").into_bytes();
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if command.has_subcommands() {
        page.render_subcommands_section(&mut text)?;
    }
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let examples = examples.strip_prefix("Examples:\n").unwrap_or_default();
    as_it_is("EXAMPLES", examples, &mut text)?;
    if title == "caproni" {
        topic_section("EXIT STATUS", "exit-codes", &mut text)?;
        topic_section("ENVIRONMENT", "environment", &mut text)?;
    }
    Ok(text)
}

fn topic_section(heading: &str, name: &str, page: &mut Vec<u8>) -> std::io::Result<()> {
    let text = help::topic(name).map(|topic| topic.text).unwrap_or_default();
    let without_title = text.split_once("\n\n").map_or(text, |(_, rest)| rest);
    as_it_is(heading, without_title, page)
}

/// A section whose lines stay as they are, columns and all.
fn as_it_is(heading: &str, text: &str, page: &mut Vec<u8>) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut roff = Roff::new();
    roff.control("SH", [heading]).control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []).to_writer(page)
}

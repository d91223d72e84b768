//! `caproni drivers describe`

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use super::list::shown;
use crate::commands::App;
use crate::completion;
use crate::config::{Field, fields};
use crate::error::Error;
use crate::exit;
use crate::output::DescribedDriver;
use crate::session::Session;
use crate::ui::{Width, clean, value, wrap, wrapped_table};

/// A default that is longer than this is told below the field.
const SHORT: usize = 20;

/// Tell what a driver can do, and every field of its config
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  caproni drivers describe k3d
  caproni drivers describe ./caproni-driver-mine")]
pub(crate) struct Describe {
    /// The driver: its name, or the path of its executable
    #[arg(value_name = "NAME|PATH", add = ArgValueCompleter::new(completion::drivers))]
    driver: String,
}

impl Describe {
    pub(crate) async fn run(self, app: &App) -> Result<u8, Error> {
        let driver = app.search.find(&self.driver)?;
        let session =
            Session::open(&driver, app.global.timeout, &app.interrupt, app.listener()).await?;
        let described = DescribedDriver {
            path: driver.path.display().to_string(),
            description: session.description.clone(),
            shadowed: shown(&driver.shadowed),
        };
        let text = to_text(&session, app.ui.width());
        session.close().await;
        app.ui.result(&text, &described)?;
        Ok(exit::OK)
    }
}

fn to_text(session: &Session, width: u16) -> String {
    let (driver, said) = (&session.driver, &session.description);
    let capabilities = &said.capabilities;
    let rows = [
        ("driver", format!("{} {}", said.name, said.version)),
        ("path", driver.path.display().to_string()),
        ("shadows", shown(&driver.shadowed).join(", ")),
        ("protocol", said.protocol_version.to_string()),
        ("methods", capabilities.methods.join(", ")),
        ("features", capabilities.features.join(", ")),
    ];
    let told = rows.iter().filter(|(_, value)| !value.is_empty());
    let mut text: String = told.map(|(name, value)| format!("{name:<11} {value}\n")).collect();
    text = clean(&text);
    match fields(&said.config_schema).as_slice() {
        [] => text += "\nIt names no fields of its config.\n",
        fields => text += &format!("\n{}", fields_table(fields, width)),
    }
    text
}

/// A row for each field, with what it is below it, where there is room for sentences.
fn fields_table(fields: &[Field], width: u16) -> String {
    let columns = ["FIELD", "TYPE", "DEFAULT", "CHANGE"].map(|head| (head, Width::Content));
    let table = wrapped_table(width, columns, fields.iter().map(cells));
    let mut lines = table.lines();
    let mut text = format!("{}\n", lines.next().unwrap_or_default());
    for (line, field) in lines.zip(fields) {
        text += &format!("{line}\n{}", wrap(&sentences(field), width, "    "));
    }
    text
}

fn cells(field: &Field) -> [String; 4] {
    let secret = if field.sensitive { ", secret" } else { "" };
    let default = match default(field) {
        Some(short) if short.len() <= SHORT => short,
        Some(_) => "(below)".into(),
        None if field.required => "(required)".into(),
        None => "-".into(),
    };
    let takes = format!("{}{secret}", field.takes);
    [field.path.clone(), takes, default, field.change.to_string()]
}

/// The default of a section is that of its fields.
fn default(field: &Field) -> Option<String> {
    field.default.as_ref().filter(|_| field.takes != "section").map(value)
}

fn sentences(field: &Field) -> String {
    let long = default(field).filter(|default| default.len() > SHORT);
    let long = long.map(|default| format!("by default `{default}`"));
    let more: Vec<String> = field.limits.iter().cloned().chain(long).collect();
    match more.as_slice() {
        [] => field.description.clone(),
        more => format!("{} ({})", field.description, more.join("; ")),
    }
}

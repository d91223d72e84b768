//! Making the document of the types, and holding it against the commands that there are.

use std::collections::BTreeSet;
use std::path::Path;

use caproni_driver::ErrorData;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use snapbox::assert_data_eq;
use snapbox::data::{Data, DataFormat};

use super::*;
use crate::conformance::report::Report;
use crate::output::context::KubeconfigFile;
use crate::output::failure::{FailedCommand, Failure};
use crate::output::*;

/// The document of the types as they are.
struct Document {
    generator: SchemaGenerator,
    commands: Map<String, Value>,
}

impl Document {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
            settings.definitions_path = "/$defs".into();
            settings.meta_schema = None;
        });
        let generator = settings.with_transform(tidy).into_generator();
        Self { generator, commands: Map::new() }
    }

    fn made() -> Value {
        let mut document = Self::new();
        document.of_clusters();
        document.of_files_and_drivers();
        document.of_the_program();
        let mut definitions = document.commands;
        definitions.extend(document.generator.take_definitions(true));
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "urn:caproni:output",
            "title": "What caproni prints with `-o json` and `-o yaml`",
            "description": "Under `$defs` by the name of each command, of `error` for what is on \
                            stderr when one fails, and of `watch` for what `status --watch` \
                            prints. Fields and words are only added.",
            "$defs": definitions,
        })
    }

    fn of<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// What a command prints, one of these.
    fn add<const N: usize>(&mut self, name: &str, prints: &str, schemas: [Value; N]) {
        let mut schema = json!({ "description": prints });
        match schemas.as_slice() {
            [] => schema["not"] = json!({}),
            [one] => schema["$ref"] = one["$ref"].clone(),
            several => schema["anyOf"] = several.into(),
        }
        self.commands.insert(name.into(), schema);
    }

    fn of_clusters(&mut self) {
        let (up, diff) = (self.of::<BroughtUp>(), self.of::<Diff>());
        let says = "What was done; with `--dry-run` what would be done.";
        self.add("start", says, [up.clone(), diff.clone()]);
        self.add("restart", "What was done.", [up]);
        let changed = self.of::<Changed>();
        self.add("stop", "What was done.", [changed.clone()]);
        self.add("destroy", "What was done.", [changed]);
        let status = self.of::<StatusReport>();
        self.add(
            "status",
            "The state of the cluster; with `--watch` see `watch`.",
            [status.clone()],
        );
        self.add("wait", "The state of the cluster that was waited for.", [status]);
        let event = self.of::<WatchEvent>();
        self.add("watch", "What `status --watch` prints for each change.", [event]);
        self.add("diff", "What a start would change.", [diff]);
        let (list, usage, images) =
            (self.of::<ClusterList>(), self.of::<ClusterUsage>(), self.of::<LoadedImages>());
        self.add("list", "The clusters of all drivers.", [list]);
        self.add("usage", "What the nodes use.", [usage]);
        self.add("image load", "What was done.", [images]);
        let (file, kept) = (self.of::<KubeconfigFile>(), self.of::<KeptContext>());
        let says = "The kubeconfig; with `--merge` and `--file` where it is.";
        self.add("kubeconfig", says, [file, kept]);
        let (switched, environment) = (self.of::<SwitchedContext>(), self.of::<Environment>());
        self.add("use", "The current context, before and now.", [switched]);
        self.add("env", "The variables that are to be set.", [environment]);
        let says = "Nothing of its own: stdout is that of the program that is run.";
        for command in ["kubectl", "exec", "logs"] {
            self.add(command, says, []);
        }
    }

    fn of_files_and_drivers(&mut self) {
        let (valid, effective) = (self.of::<ValidConfig>(), self.of::<EffectiveConfig>());
        self.add("config validate", "That no mistake was found, and where.", [valid]);
        self.add("config show", "What the config comes to.", [effective]);
        let (written, document) = (self.of::<WrittenConfig>(), self.of::<SchemaDocument>());
        self.add("config init", "The file that was written.", [written]);
        self.add("config schema", "The JSON Schema of the config file.", [document.clone()]);
        let (list, described) = (self.of::<DriverList>(), self.of::<DescribedDriver>());
        self.add("drivers list", "All drivers.", [list]);
        self.add("drivers describe", "What the driver says of itself.", [described]);
        let (written, report) = (self.of::<WrittenDriver>(), self.of::<Report>());
        self.add("drivers new", "The driver that was written.", [written]);
        let rules = self.of::<RuleList>();
        let says = "What each rule came to; with `--rules` the rules.";
        self.add("drivers check", says, [report, rules]);
        let answer = self.of::<DriverAnswer>();
        self.add("drivers call", "The driver's answer as it is.", [answer]);
        let says = "Nothing of its own: stdout is that of the command that is recorded.";
        self.add("drivers record", says, []);
        let replayed = self.of::<Replayed>();
        let says = "What came of it; with `--as-driver` stdout is for the protocol.";
        self.add("drivers replay", says, [replayed]);
        let says = "The JSON Schema of the protocol, or its OpenRPC document.";
        self.add("drivers schema", says, [document]);
    }

    fn of_the_program(&mut self) {
        let (versions, checkup) = (self.of::<Versions>(), self.of::<Checkup>());
        self.add("version", "The versions of all that takes part.", [versions]);
        self.add("doctor", "What was looked at, and what came out.", [checkup]);
        let (script, pages) = (self.of::<CompletionScript<'_>>(), self.of::<ManualPages>());
        self.add("completion", "The script.", [script]);
        self.add("man", "The pages that were written.", [pages]);
        let (text, document) = (self.of::<HelpText>(), self.of::<SchemaDocument>());
        self.add("help", "The text; with `--schema` the JSON Schema.", [text, document]);
        let error = self.of::<FailedCommand>();
        self.add("error", "What is on stderr when a command fails.", [error]);
    }
}

/// A document that is described elsewhere.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is made of it")]
struct SchemaDocument(Map<String, Value>);

/// Whatever a driver answers.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is made of it")]
struct DriverAnswer(Value);

/// Puts the lines of descriptions together, leaves out formats that only Rust has, and says of a
/// field that may be absent, or that a driver may leave out, that it is not null.
fn tidy(schema: &mut Schema) {
    transform_subschemas(&mut tidy, schema);
    let Some(fields) = schema.as_object_mut() else { return };
    if let Some(Value::String(text)) = fields.get_mut("description") {
        let joined: Vec<_> = text.split("\n\n").map(|part| part.replace('\n', " ")).collect();
        *text = joined.join("\n\n");
    }
    let format = fields.get("format").and_then(Value::as_str).unwrap_or_default();
    if ["uint8", "int32", "uint32", "uint64", "uint", "double"].contains(&format) {
        fields.shift_remove("format");
    }
    let required: Vec<Value> =
        fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
    for (name, field) in properties.into_iter().flatten() {
        let may_be_absent = !required.contains(&json!(name)) || field.get("default").is_some();
        if let (Some(field), true) = (field.as_object_mut(), may_be_absent) {
            never_null(field);
        }
    }
}

fn never_null(field: &mut Map<String, Value>) {
    field.shift_remove("default");
    if let Some(Value::Array(types)) = field.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = types.as_slice() {
            field["type"] = one.clone();
        }
    }
    if let Some(Value::Array(choices)) = field.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [one] = choices.as_slice() {
            let only = one.as_object().cloned().unwrap_or_default();
            field.shift_remove("anyOf");
            field.extend(only);
        }
    }
}

/// After a change of the types: `SNAPSHOTS=overwrite cargo test -p caproni --lib output`.
#[test]
fn the_document_is_that_of_the_types() {
    let made = format!("{:#}\n", Document::made());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/output.schema.json");
    let written = Data::read_from(Path::new(path), Some(DataFormat::Text));
    assert_data_eq!(made, written.raw());
}

#[test]
fn every_command_has_a_schema_and_no_other_has_one() {
    fn leaves(command: &clap::Command, above: &str, found: &mut BTreeSet<String>) {
        for below in command.get_subcommands() {
            let words = format!("{above} {}", below.get_name()).trim_start().to_owned();
            match below.has_subcommands() {
                true => leaves(below, &words, found),
                false => drop(found.insert(words)),
            }
        }
    }
    let mut commands: BTreeSet<String> = ["error", "watch"].map(str::to_owned).into();
    leaves(&crate::cli::whole_command(), "", &mut commands);
    assert_eq!(names().into_iter().collect::<BTreeSet<_>>(), commands);
    let topic = crate::commands::help::topic("output").unwrap().text;
    for command in &commands {
        assert!(topic.contains(&format!("    {command} ")), "{command} is not in the topic");
    }
}

#[test]
fn every_schema_is_one_and_holds_all_that_it_refers_to() {
    for name in names() {
        let schema = of(&name).unwrap();
        // It refuses a reference that leads nowhere.
        jsonschema::draft202012::new(&schema).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        let all = needed(&schema[DEFINITIONS], &schema);
        let held: BTreeSet<_> = schema[DEFINITIONS].as_object().unwrap().keys().cloned().collect();
        assert_eq!(held, all, "{name}");
    }
    assert_eq!(of("BroughtUp"), None);
    assert_eq!(of("drivers"), None);
}

#[test]
fn a_failure_has_every_field_of_the_protocol_s_errors() {
    let fields = |schema: Schema| {
        let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap();
        properties.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>()
    };
    let generator = &mut SchemaGenerator::default();
    let mut of_protocol = fields(ErrorData::json_schema(generator));
    assert!(of_protocol.remove("exitCode"));
    of_protocol.insert("commandExitCode".into());
    let told = fields(Failure::json_schema(generator));
    assert_eq!(of_protocol.difference(&told).collect::<Vec<_>>(), Vec::<&String>::new());
}

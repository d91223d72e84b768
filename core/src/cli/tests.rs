use super::*;
use crate::commands::help::TOPICS;

/// The grammar, and each command below it.
fn all_commands() -> Vec<clap::Command> {
    fn with_those_below(command: clap::Command) -> Vec<clap::Command> {
        let below: Vec<_> = command.get_subcommands().cloned().collect();
        let below = below.into_iter().flat_map(with_those_below);
        std::iter::once(command).chain(below).collect()
    }
    let mut command = command();
    command.build();
    with_those_below(command)
}

/// The command lines of caproni in a text: at the beginning of an indented line, up to two spaces
/// or a comment, or in backticks.
fn command_lines(text: &str) -> Vec<String> {
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let indented = text.lines().filter(|line| line.starts_with("  ")).map(str::trim_start);
    let lines = quoted.chain(indented).filter(|line| line.starts_with("caproni "));
    // Up to a comment, or to what the shell does with the rest.
    let end = |line: &str| {
        let ends = ["  ", " >", " | ", " & "].into_iter().filter_map(|end| line.find(end));
        line[..ends.min().unwrap_or(line.len())].to_owned()
    };
    lines.map(end).filter(|line| !line.contains("TOPIC")).collect()
}

fn assert_understood(line: &str) {
    let words = shlex::split(line).unwrap_or_else(|| panic!("no command line: {line}"));
    let parsed = command().try_get_matches_from(words);
    let asked = |error: &clap::Error| error.kind() == ClapErrorKind::DisplayHelp;
    if let Err(error) = parsed.map(drop).or_else(|e| if asked(&e) { Ok(()) } else { Err(e) }) {
        panic!("{line}\n{error}");
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_shows_examples_that_are_command_lines() {
    let commands = all_commands();
    assert!(commands.len() > 15, "{}", commands.len());
    for command in commands.iter().filter(|command| !command.is_hide_set()) {
        let name = command.get_bin_name().unwrap();
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = text.strip_prefix("Examples:\n");
        let examples = examples.unwrap_or_else(|| panic!("`{name} --help` has no examples"));
        let lines = command_lines(examples);
        let words = name.trim_start_matches("caproni");
        assert!(lines.iter().any(|line| line.contains(words)), "`{name}` is not in: {examples}");
        for line in examples.lines() {
            assert!(line.chars().count() <= 80, "{name}: {line}");
        }
        lines.iter().for_each(|line| assert_understood(line));
    }
}

#[test]
fn help_is_plain_ascii_which_every_manual_can_show() {
    for mut command in all_commands() {
        let text = command.render_long_help().to_string();
        let odd = text.lines().find(|line| !line.is_ascii());
        assert_eq!(odd, None, "{}", command.get_name());
    }
}

#[test]
fn every_command_line_in_the_topics_is_understood() {
    let lines: Vec<_> = TOPICS.iter().flat_map(|topic| command_lines(topic.text)).collect();
    assert!(lines.len() > 40, "{lines:?}");
    lines.iter().for_each(|line| assert_understood(line));
}

#[test]
fn every_topic_fits_80_columns() {
    for topic in TOPICS {
        for line in topic.text.lines() {
            assert!(line.chars().count() <= 80, "{}: {line}", topic.name);
        }
    }
}

#[test]
fn every_variable_of_an_option_is_in_the_topic_on_the_environment() {
    let text = crate::commands::help::topic("environment").unwrap().text;
    for command in all_commands() {
        for arg in command.get_arguments() {
            let Some(name) = arg.get_env() else { continue };
            assert!(text.contains(&format!(" {} ", name.display())), "{}", name.display());
        }
    }
}

#[test]
fn every_exit_code_is_in_its_topic() {
    let text = crate::commands::help::topic("exit-codes").unwrap().text;
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 130] {
        let told = text.lines().any(|line| line.trim_start().starts_with(&format!("{code} ")));
        assert!(told, "{code}");
    }
}

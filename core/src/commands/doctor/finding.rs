//! What was looked at, and what came out: for people, for programs, and as an exit code.

use caproni_driver::{Action, HealthCheck, Verdict};
use serde_json::{Value, json};

use crate::error::Error;
use crate::exit;
use crate::ui::{clean, state, wrap};

/// Who looks at what belongs to no driver.
const HOST: &str = "caproni";

/// Which code a script is told of several: what keeps most from working comes first.
const GRAVEST_FIRST: [u8; 5] =
    [exit::DRIVER_FAULT, exit::NO_DRIVER, exit::BACKEND, exit::RESOURCES, exit::CONFIG];

/// One check and whose it is.
#[derive(Debug)]
pub(super) struct Finding {
    /// The driver, or `caproni`.
    of: String,
    check: HealthCheck,
    /// The exit code if it failed.
    code: u8,
    /// Whether it stands in the way here: not so a backend that nobody uses.
    counts: bool,
}

/// All findings of one look.
#[derive(Debug)]
pub(super) struct Examination {
    pub(super) findings: Vec<Finding>,
}

impl Finding {
    /// What the host itself looked at.
    pub(super) fn of_host(check: HealthCheck, code: u8) -> Self {
        Self { of: HOST.into(), check, code, counts: true }
    }

    /// What a driver looked at.
    pub(super) fn of_driver(driver: &str, check: HealthCheck, counts: bool) -> Self {
        let code = code_of(&check.name);
        Self { of: driver.into(), check, code, counts }
    }

    /// That a driver could not be asked.
    pub(super) fn of_broken(driver: &str, check: HealthCheck, code: u8, counts: bool) -> Self {
        Self { of: driver.into(), check, code, counts }
    }

    fn is_ok(&self) -> bool {
        self.check.verdict == Verdict::Ok
    }

    fn has_failed(&self) -> bool {
        !matches!(self.check.verdict, Verdict::Ok | Verdict::Warning)
    }

    fn to_json(&self) -> Value {
        let check = &self.check;
        let actions: Vec<Value> = check.actions.iter().map(action_json).collect();
        json!({
            "of": self.of,
            "name": check.name,
            "verdict": check.verdict,
            "message": check.message,
            "hint": check.hint,
            "actions": actions,
            "counts": self.counts,
        })
    }

    fn to_text(&self, names: usize, width: u16) -> String {
        let check = &self.check;
        let verdict = verdict_name(&check.verdict);
        let (gap, name) =
            (" ".repeat(VERDICT.saturating_sub(verdict.chars().count())), clean(&check.name));
        let indentation = " ".repeat(format!("  {verdict}{gap}  {name:<names$}  ").chars().count());
        let head = format!("  {}{gap}  {name:<names$}  ", state(&verdict));
        let mut text = wrap(&check.message, width, &indentation);
        text.replace_range(..indentation.len().min(text.len()), &head);
        if self.is_ok() {
            return text;
        }
        // What only names the command that stands below, broken into lines, is said twice.
        let repeats = |hint: &str| {
            check.actions.iter().any(|it| hint.ends_with(&format!("`{}`", it.command_line())))
        };
        if let Some(hint) = check.hint.as_deref().filter(|hint| !repeats(hint)) {
            text += &wrap(hint, width, &indentation);
        }
        for action in &check.actions {
            let rights = if action.privileged { " (as administrator)" } else { "" };
            text += &wrap(&format!("{}{rights}:", action.title), width, &indentation);
            // On a line of its own and unbroken, to be pasted.
            text += &format!("{indentation}  {}\n", clean(&action.command_line()));
        }
        text
    }
}

impl Examination {
    /// The commands that mend what counts, each once, in the order of the checks.
    pub(super) fn actions(&self) -> Vec<Action> {
        let mut actions: Vec<Action> = Vec::new();
        let wrong = self.findings.iter().filter(|finding| finding.counts && !finding.is_ok());
        for action in wrong.flat_map(|finding| &finding.check.actions) {
            if !actions.iter().any(|known| known.argv == action.argv) {
                actions.push(action.clone());
            }
        }
        actions
    }

    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        let failed = self.findings.iter().filter(|finding| finding.counts && finding.has_failed());
        let codes: Vec<u8> = failed.map(|finding| finding.code).collect();
        let gravest = GRAVEST_FIRST.iter().find(|code| codes.contains(code));
        gravest.or(codes.first()).copied().unwrap_or(exit::OK)
    }

    pub(super) fn to_json(&self) -> Value {
        let checks: Vec<Value> = self.findings.iter().map(Finding::to_json).collect();
        json!({ "ok": self.code() == exit::OK, "exitCode": self.code(), "checks": checks })
    }

    pub(super) fn to_text(&self, width: u16) -> String {
        let names = self.findings.iter().map(|finding| finding.check.name.chars().count());
        let names = names.max().unwrap_or_default().min(LONGEST_NAME);
        let mut text = String::new();
        let mut of = None;
        for finding in &self.findings {
            if of != Some(&finding.of) {
                let gap = if of.is_some() { "\n" } else { "" };
                let unused = if finding.counts { "" } else { " (not in use)" };
                text += &format!("{gap}{}{unused}\n", clean(&finding.of));
                of = Some(&finding.of);
            }
            text += &finding.to_text(names, width);
        }
        text + "\n" + &wrap(&self.summary(), width, "")
    }

    fn summary(&self) -> String {
        let count = |is: fn(&Finding) -> bool| {
            self.findings.iter().filter(|finding| finding.counts && is(finding)).count()
        };
        let failed = count(Finding::has_failed);
        let warnings = count(|finding| !finding.is_ok() && !finding.has_failed());
        let failed = match failed {
            0 => "nothing keeps clusters from working".to_owned(),
            1 => "1 check failed".to_owned(),
            _ => format!("{failed} checks failed"),
        };
        let warnings = match warnings {
            0 => String::new(),
            1 => ", 1 warning".into(),
            _ => format!(", {warnings} warnings"),
        };
        let next = match self.actions().is_empty() {
            true => "",
            false => "; `caproni doctor --fix` runs the commands above",
        };
        format!("{failed}{warnings}{next}")
    }
}

/// How wide the column of the verdicts is.
const VERDICT: usize = "warning".len();

/// A longer name pushes its own line alone.
const LONGEST_NAME: usize = 16;

/// A failure as a check.
pub(super) fn from_error(name: &str, error: &Error) -> HealthCheck {
    let causes: String = error.data.causes.iter().map(|cause| format!(": {cause}")).collect();
    let check = HealthCheck::new(name, Verdict::Failed, format!("{}{causes}", error.message));
    let check = check.with_actions(error.data.actions.clone());
    match &error.data.hint {
        Some(hint) => check.with_hint(hint),
        None => check,
    }
}

/// The exit code of a driver's check that failed: checks have no kind, but stable names.
fn code_of(name: &str) -> u8 {
    let resources = ["port", "disk", "memory", "limit", "permission"];
    match resources.iter().any(|resource| name.contains(resource)) {
        true => exit::RESOURCES,
        false => exit::BACKEND,
    }
}

fn verdict_name(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Ok => "ok".into(),
        Verdict::Warning => "warning".into(),
        Verdict::Other(name) => clean(name),
        _ => "failed".into(),
    }
}

fn action_json(action: &Action) -> Value {
    json!({
        "title": action.title,
        "reason": action.reason,
        "argv": action.argv,
        "privileged": action.privileged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(name: &str, code: u8) -> Finding {
        Finding::of_host(HealthCheck::new(name, Verdict::Failed, "no"), code)
    }

    #[test]
    fn the_gravest_of_several_is_the_exit_code() {
        let both =
            |first, second| Examination { findings: vec![failed("a", first), failed("b", second)] };
        assert_eq!(both(exit::CONFIG, exit::BACKEND).code(), exit::BACKEND);
        assert_eq!(both(exit::RESOURCES, exit::CONFIG).code(), exit::RESOURCES);
        assert_eq!(both(exit::BACKEND, exit::DRIVER_FAULT).code(), exit::DRIVER_FAULT);
        assert_eq!(both(exit::FAILED, exit::FAILED).code(), exit::FAILED);
    }

    #[test]
    fn warnings_and_drivers_that_nobody_uses_are_no_failure() {
        let warning = HealthCheck::new("disk", Verdict::Warning, "little is left");
        let unused =
            HealthCheck::new("k3d", Verdict::Failed, "`k3d` is not installed").with_actions([
                Action::new("Install k3d", "it is missing", ["brew", "install", "k3d"]),
            ]);
        let found = Examination {
            findings: vec![
                Finding::of_driver("mock", warning, true),
                Finding::of_driver("k3d", unused, false),
            ],
        };
        assert_eq!(found.code(), exit::OK);
        assert!(found.actions().is_empty());
    }

    #[test]
    fn a_hint_that_only_names_the_command_is_not_said_twice() {
        let shown = |hint: &str| {
            let check = HealthCheck::new("engine", Verdict::Failed, "no")
                .with_hint(hint)
                .with_actions([Action::new("Mend it", "it is broken", ["mend", "it"])]);
            Examination { findings: vec![Finding::of_driver("k3d", check, true)] }.to_text(80)
        };
        assert!(!shown("run `mend it`").contains("run `"));
        assert!(shown("run `mend it`, then log out").contains("then log out"));
    }

    #[test]
    fn a_command_is_never_broken_and_all_else_fits() {
        let line = ["sudo", "a-command-that-is-longer-than-what-is-left-of-the-line-here", "now"];
        let check = HealthCheck::new("engine", Verdict::Failed, "words ".repeat(30))
            .with_hint("advice ".repeat(30))
            .with_actions([Action::new("Mend it", "it is broken", line).privileged()]);
        let text =
            Examination { findings: vec![Finding::of_driver("k3d", check, true)] }.to_text(80);
        let text = caproni_driver::strip_ansi(&text);
        let command = line.join(" ");
        assert!(text.lines().any(|line| line.trim() == command), "{text}");
        for line in text.lines().filter(|line| line.trim() != command) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

//! The outcome of a check: as text, as JSON, and as JUnit's XML.

use serde::Serialize;

use super::coverage::{self, How, Level};
use super::judge::{Finding, Judge, Verdict};
use super::rules::{self, Rule};
use crate::discovery::Driver;

/// What a check came to.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The driver's name.
    pub driver: String,
    /// Its executable.
    pub path: String,
    /// How far the check went.
    pub level: Level,
    /// Whether no rule that was tried is broken.
    pub passed: bool,
    /// One entry for each rule, in the page's order.
    pub rules: Vec<Outcome>,
}

/// What a check came to, for one rule.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The rule's stable name.
    pub id: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// What the rule says.
    pub rule: String,
    /// What was done to try it, or why it was not tried.
    pub check: String,
    /// What is not as the rule says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Report {
    pub(super) fn of(driver: &Driver, level: Level, judge: &Judge) -> Self {
        let rules: Vec<_> =
            rules::all().into_iter().map(|rule| Outcome::of(rule, level, judge)).collect();
        Self {
            driver: driver.name.clone(),
            path: driver.path.display().to_string(),
            level,
            passed: rules.iter().all(|rule| rule.verdict != Verdict::Failed),
            rules,
        }
    }

    /// The rules with this verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Outcome> {
        self.rules.iter().filter(move |rule| rule.verdict == verdict)
    }

    /// As text for people: what is broken in full, the rest in numbers.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (verdict, word) in [(Verdict::Failed, "FAILED"), (Verdict::Warning, "warning")] {
            for rule in self.with(verdict) {
                text += &format!("{word} [{}] {}\n", rule.id, rule.rule);
                rule.findings.iter().for_each(|finding| text += &finding_text(finding));
                text.push('\n');
            }
        }
        text += &self.numbers();
        if self.level < Level::Destructive {
            text += "with --destructive it is also checked with a cluster that is really made and removed\n";
        }
        text
    }

    fn numbers(&self) -> String {
        let count = |verdict| self.with(verdict).count();
        let outside = |rule: &&Outcome| matches!(coverage::of(rule.id), Some(How::NotChecked(_)));
        let outside = self.with(Verdict::NotChecked).filter(outside).count();
        format!(
            "driver `{}`: {} rules passed, {} failed, {} warned of\n\
             {} do not apply, {} were not reached, {outside} cannot be checked from outside\n",
            self.driver,
            count(Verdict::Passed),
            count(Verdict::Failed),
            count(Verdict::Warning),
            count(Verdict::NotApplicable),
            count(Verdict::NotChecked) - outside,
        )
    }

    /// As a table of every rule with its verdict.
    pub fn to_table(&self) -> String {
        let rows = self.rules.iter().map(|rule| {
            [rule.id.to_owned(), verdict_word(rule.verdict).to_owned(), rule.check.clone()]
        });
        crate::ui::table(["RULE", "VERDICT", "HOW"], rows)
    }

    /// As JUnit's XML, one test case for each rule.
    pub fn to_junit(&self) -> String {
        let skipped =
            |rule: &&Outcome| matches!(rule.verdict, Verdict::NotApplicable | Verdict::NotChecked);
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"caproni-driver-{}\" \
             tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n",
            escape(&self.driver),
            self.rules.len(),
            self.with(Verdict::Failed).count(),
            self.rules.iter().filter(skipped).count(),
        );
        self.rules.iter().for_each(|rule| xml += &case(&self.driver, rule));
        xml + "</testsuite>\n"
    }
}

impl Outcome {
    fn of(rule: Rule, level: Level, judge: &Judge) -> Self {
        let record = judge.record(rule.id);
        let check = match (coverage::of(rule.id), record.reason()) {
            (_, Some(reason)) if record.verdict() == Verdict::NotApplicable => reason.to_owned(),
            (Some(How::Checked(needs, _)), _)
                if record.verdict() == Verdict::NotChecked && needs > level =>
            {
                format!("at the level `{}`", level_word(needs))
            }
            (Some(How::Checked(_, words) | How::NotChecked(words)), _) => words.to_owned(),
            (None, _) => String::new(),
        };
        let verdict = record.verdict();
        let findings = record.failures.into_iter().chain(record.warnings).collect();
        Self { id: rule.id, verdict, rule: rule.text, check, findings }
    }
}

fn finding_text(finding: &Finding) -> String {
    let mut text = format!("  {}\n", finding.what);
    finding.sent.iter().for_each(|line| text += &format!("    -> {line}\n"));
    finding.received.iter().for_each(|line| text += &format!("    <- {line}\n"));
    text
}

fn case(driver: &str, rule: &Outcome) -> String {
    let head = format!(
        "  <testcase classname=\"caproni-driver-{}\" name=\"{}: {}\"",
        escape(driver),
        rule.id,
        escape(&rule.rule)
    );
    let said: String = rule.findings.iter().map(finding_text).collect();
    match rule.verdict {
        Verdict::Failed => {
            let what = rule.findings.first().map(|finding| escape(&finding.what));
            format!(
                "{head}>\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n",
                what.unwrap_or_default(),
                escape(&said)
            )
        }
        Verdict::Warning => {
            format!("{head}>\n    <system-out>{}</system-out>\n  </testcase>\n", escape(&said))
        }
        Verdict::NotApplicable | Verdict::NotChecked => {
            let check = escape(&rule.check);
            format!("{head}>\n    <skipped message=\"{check}\"/>\n  </testcase>\n")
        }
        Verdict::Passed => format!("{head}/>\n"),
    }
}

/// What XML 1.0 takes: its five marks spelt out, and no control characters at all.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&apos;",
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "FAILED",
        Verdict::Warning => "warning",
        Verdict::NotApplicable => "does not apply",
        Verdict::NotChecked => "not checked",
    }
}

/// A level as it is spelt on the command line.
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Wire => "wire",
        Level::Lifecycle => "lifecycle",
        Level::Meaning => "meaning",
        Level::Destructive => "destructive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_holds_nothing_that_is_not_xml() {
        assert_eq!(escape("a<b>&\"'\u{1b}\n"), "a&lt;b&gt;&amp;&quot;&apos;\u{fffd}\n");
    }
}

//! The rules, as `protocol.md` states them.

/// The page itself; this crate carries it, so that a check can quote the rule it is about.
const PAGE: &str = caproni_driver::PROTOCOL_TEXT;

/// One rule of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its stable name, such as `FRAME-1`.
    pub id: &'static str,
    /// What it says, in one line.
    pub text: String,
}

/// All rules, in the page's order.
pub fn all() -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut lines = PAGE.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((id, first)) = line.strip_prefix("- [").and_then(|line| line.split_once("] "))
        else {
            continue;
        };
        let mut text = first.to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with("  ")) {
            text += &format!(" {}", more.trim());
        }
        rules.push(Rule { id, text });
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_its_whole_text_in_one_line() {
        let rules = all();
        let rule = rules.iter().find(|rule| rule.id == "FRAME-8").unwrap();
        assert!(rule.text.starts_with("A reply has `\"jsonrpc\": \"2.0\"`"), "{rule:?}");
        assert!(rule.text.ends_with("Notifications get none."), "{rule:?}");
        assert!(rules.len() > 70, "{}", rules.len());
    }
}

//! What stands on a terminal's screen after all that was sent to it.

/// The screen of a terminal of this size, without what is blank at the ends.
pub(crate) fn screen(rows: u16, columns: u16, sent: &str) -> String {
    let mut terminal = vt100::Parser::new(rows, columns, 0);
    terminal.process(sent.as_bytes());
    terminal.screen().contents().trim_end().to_owned() + "\n"
}

//! Rows in columns.

use std::borrow::Cow;

use comfy_table::Width::Fixed;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use unicode_width::UnicodeWidthStr;

use super::{clean, wrap};

/// The space between two columns.
pub(super) const PADDING: u16 = 2;

/// What the columns that others leave little for have at least.
const LEAST_REST: u16 = 26;

/// Rows under a head, in columns as wide as they must be.
pub fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.collect();
    match rows.iter().flatten().any(|cell| cell.contains('\n')) {
        true => lines(&of_several_lines(head, &rows)),
        false => plain(head, &rows, widths(head, &rows)),
    }
}

/// How wide a column of a [`wrapped_table`] is.
#[derive(Debug, Clone, Copy)]
pub enum Width {
    /// As wide as what is in it, which is never broken.
    Content,
    /// At most so many columns of the terminal.
    AtMost(u16),
    /// What the others leave; what cannot be broken there, a path say, is whole all the same.
    Rest,
}

/// A table that keeps to a number of columns, as far as that can be.
pub fn wrapped_table<'a, T: Into<Cow<'a, str>>, const N: usize>(
    total: u16,
    columns: [(&str, Width); N],
    rows: impl Iterator<Item = [T; N]>,
) -> String {
    let rows: Vec<_> = rows.map(|row| row.map(|cell| one_line(cell.into()))).collect();
    let heads = columns.map(|(head, _)| head);
    let needed = widths(heads, &rows);
    let fixed = needed.iter().zip(&columns).map(|(needed, (_, width))| match width {
        Width::Content => needed.saturating_add(PADDING),
        Width::AtMost(most) => needed.min(most) + PADDING,
        Width::Rest => 0,
    });
    let rest = fixed.fold(total, u16::saturating_sub).max(LEAST_REST) - PADDING;
    let fits = |(needed, (_, width)): (&u16, &(&str, Width))| match width {
        Width::Content => true,
        Width::AtMost(most) => needed <= most,
        Width::Rest => *needed <= rest,
    };
    if needed.iter().zip(&columns).all(fits) {
        return plain(heads, &rows, needed);
    }
    let rows = rows.into_iter().map(|row| {
        let mut widths = columns.iter().map(|(_, width)| width);
        row.map(|cell| match widths.next() {
            Some(Width::Rest) => wrap(&cell, rest, "").trim_end().to_owned(),
            _ => cell.into_owned(),
        })
    });
    let mut table = of_several_lines(heads, &rows.collect::<Vec<_>>());
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::MAX);
    table.set_constraints(columns.map(|(_, width)| match width {
        Width::Content | Width::Rest => ColumnConstraint::ContentWidth,
        Width::AtMost(most) => ColumnConstraint::UpperBoundary(Fixed(most + PADDING)),
    }));
    lines(&table)
}

/// A cell without what could command the terminal or begin another line.
fn one_line(cell: Cow<'_, str>) -> Cow<'_, str> {
    // As most are, names and paths.
    if cell.bytes().all(|byte| byte.is_ascii_graphic()) {
        return cell;
    }
    clean(&cell).split_whitespace().collect::<Vec<_>>().join(" ").into()
}

/// How wide each column must be.
fn widths<const N: usize>(head: [&str; N], rows: &[[impl AsRef<str>; N]]) -> [u16; N] {
    let mut widths = head.map(width);
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = width(cell.as_ref()).max(*widest);
        }
    }
    widths
}

/// How many columns of a terminal a text takes.
fn width(text: &str) -> u16 {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let width = if is_plain { text.len() } else { text.width() };
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// A table of cells that are one line each.
///
/// It is what comfy-table would make of them. That makes five texts of each cell and measures it three
/// times, which was a third of all that listing a cluster takes; what is worth a library is the rest,
/// cells that must be broken.
fn plain<const N: usize>(
    head: [&str; N],
    rows: &[[impl AsRef<str>; N]],
    widths: [u16; N],
) -> String {
    let mut text = String::new();
    put_line(&mut text, head.into_iter(), widths);
    for row in rows {
        put_line(&mut text, row.iter().map(AsRef::as_ref), widths);
    }
    text
}

fn put_line<'a, const N: usize>(
    text: &mut String,
    cells: impl Iterator<Item = &'a str>,
    widths: [u16; N],
) {
    let begin = text.len();
    for (cell, widest) in cells.zip(widths) {
        text.push_str(cell);
        put_space(text, usize::from(widest.saturating_sub(width(cell))) + usize::from(PADDING));
    }
    let shown = text[begin..].trim_end().len();
    text.truncate(begin + shown);
    text.push('\n');
}

fn put_space(text: &mut String, mut count: usize) {
    const SPACE: &str = "                                ";
    while count > 0 {
        let part = count.min(SPACE.len());
        text.push_str(&SPACE[..part]);
        count -= part;
    }
}

fn of_several_lines<const N: usize>(head: [&str; N], rows: &[[impl AsRef<str>; N]]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row.each_ref().map(AsRef::as_ref));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, PADDING));
    }
    table
}

fn lines(table: &Table) -> String {
    let text = table.to_string();
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_table_keeps_to_its_width_and_breaks_no_path() {
        let columns =
            [("NAME", Width::AtMost(6)), ("WHAT", Width::Rest), ("FOLDER", Width::Content)];
        let row = |name, what| [name, what, "/a/folder/that-is/never-broken"];
        let rows =
            [row("short", "one\ntwo"), row("a name", "more words than it has room for in it")];
        assert_eq!(
            wrapped_table(72, columns, rows.into_iter()),
            "NAME    WHAT                         FOLDER\n\
             short   one two                      /a/folder/that-is/never-broken\n\
             a name  more words than it has room  /a/folder/that-is/never-broken\n\
             \x20       for in it\n"
        );
    }

    /// What is as wide as it is long, wider, narrower, and of no width at all.
    const CELLS: [&str; 12] = [
        "",
        "-",
        "k3d-demo",
        "two words",
        "ünïcode",
        "e\u{301}",
        "漢字",
        "👩‍👩‍👧 🇩🇪 ☀\u{fe0f}",
        "\u{200b}",
        "a\tb",
        " lead",
        "trail \u{a0}",
    ];

    #[test]
    fn lines_are_laid_out_as_the_library_would_lay_them_out() {
        let head = ["A", "SECOND", ""];
        let mut random = fastrand::Rng::with_seed(1);
        for count in 0..200 {
            let row = |_| std::array::from_fn(|_| random.choice(CELLS).unwrap_or_default());
            let rows: Vec<[&str; 3]> = (0..count % 7).map(row).collect();
            let shown = plain(head, &rows, widths(head, &rows));
            assert_eq!(shown, lines(&of_several_lines(head, &rows)), "{rows:?}");
        }
    }

    #[test]
    fn a_cell_of_any_length_is_shown() {
        let long = "x".repeat(100_000);
        let columns = [("A", Width::Content), ("B", Width::Content), ("C", Width::Rest)];
        let rows = [[long.as_str(), "b", "c"], ["", &long, ""]];
        let shown = wrapped_table(80, columns, rows.into_iter());
        assert!(shown.contains(&format!("\n{long}  b")), "{:?}", shown.lines().nth(1));
    }

    #[test]
    fn a_cell_of_several_lines_stays_in_its_column() {
        let row = ["one\ntwo".into(), "b".into()];
        assert_eq!(table(["A", "B"], [row].into_iter()), "A    B\none  b\ntwo\n");
    }
}

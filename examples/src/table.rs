//! Plain tables that line up in a terminal, and fit it.

use console::measure_text_width;

use crate::page::{self, wrapped};

/// The columns before the first cell, and between two cells.
const GAP: usize = 2;

/// No column is made narrower than this.
const NARROWEST: usize = 6;

/// Lays rows out in columns, under a heading, within the width of the page. A cell that is too wide takes several lines.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    table_within(heading, rows, page::width())
}

fn table_within(heading: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let natural = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| measure_text_width(cell));
        cells.chain(heading.get(column).map(|cell| measure_text_width(cell))).max().unwrap_or(0)
    };
    let widths = fitted((0..heading.len()).map(natural).collect(), width.saturating_sub(GAP * heading.len()));
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    let mut text = lines(heading, &widths);
    text.push_str(&lines(&rule, &widths));
    for row in rows {
        text.push_str(&lines(row, &widths));
    }
    text
}

/// Takes what is too much from the widest columns, so that narrow ones keep what they need.
fn fitted(natural: Vec<usize>, room: usize) -> Vec<usize> {
    let capped = |cap: usize| natural.iter().map(move |width| (*width).min(cap));
    let widest = natural.iter().copied().max().unwrap_or(0);
    let cap = (NARROWEST..=widest).rev().find(|cap| capped(*cap).sum::<usize>() <= room).unwrap_or(NARROWEST);
    let mut widths: Vec<usize> = capped(cap).collect();
    // What the cap left over goes to the last column, where the longest texts stand.
    let spare = room.saturating_sub(widths.iter().sum());
    if let (Some(last), Some(wanted)) = (widths.last_mut(), natural.last()) {
        *last = (*last + spare).min(*wanted);
    }
    widths
}

/// One row, in as many lines as its longest cell needs.
fn lines(cells: &[impl AsRef<str>], widths: &[usize]) -> String {
    let cells: Vec<Vec<String>> =
        cells.iter().zip(widths).map(|(cell, width)| wrapped(cell.as_ref(), (*width).max(1))).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for number in 0..height {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let piece = cell.get(number).map_or("", String::as_str);
            let padding = " ".repeat(width.saturating_sub(measure_text_width(piece)));
            line.push_str(&format!("{}{piece}{padding}", " ".repeat(GAP)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
        cells.map(String::from).to_vec()
    }

    #[test]
    fn columns_line_up() {
        let text = table_within(&["a", "bb"], &[row(["long", "x"]), row(["é", "y"]), row(["漢", "z"])], 80);
        assert_eq!(text, "  a     bb\n  ────  ──\n  long  x\n  é     y\n  漢    z\n");
    }

    #[test]
    fn what_is_too_wide_takes_several_lines_and_narrow_columns_keep_their_width() {
        let text = table_within(
            &["name", "why"],
            &[row(["production", "it is disabled"]), row(["hub", "a connection of this type is not refreshed here"])],
            40,
        );
        let wanted = concat!(
            "  name        why\n",
            "  ──────────  ──────────────────────────\n",
            "  production  it is disabled\n",
            "  hub         a connection of this type\n",
            "              is not refreshed here\n",
        );
        assert_eq!(text, wanted);
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        let cell = "a-long-word-without-any-blank-in-it and some more, with 漢字 of two columns";
        for width in 40..120 {
            let text = table_within(&["one", "two", "three"], &[row([cell, cell, cell]), row(["a", "b", "c"])], width);
            let widest = text.lines().map(measure_text_width).max();
            assert!(widest <= Some(width), "{widest:?} at {width}:\n{text}");
        }
    }
}

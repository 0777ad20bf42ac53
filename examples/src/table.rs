//! Plain tables that line up in a terminal.

/// Lays rows out in columns, under a heading.
pub fn table(heading: &[&str], rows: &[Vec<String>]) -> String {
    let columns = heading.len();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(heading.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("  {}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    let mut text = line(heading.to_vec());
    text.push_str(&line(rule.iter().map(String::as_str).collect()));
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let text = table(&["a", "bb"], &[vec!["long".into(), "x".into()], vec!["é".into(), "y".into()]]);
        assert_eq!(text, "  a     bb\n  ────  ──\n  long  x\n  é     y\n");
    }
}

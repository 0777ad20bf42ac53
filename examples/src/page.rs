//! How wide a page is, and text that stays within it.

use console::{Term, measure_text_width};

/// The width of a page that is no terminal, such as a file or a pipe.
const PLAIN: usize = 80;

/// Narrower than this, nothing can be laid out.
const NARROWEST: usize = 40;

/// How many columns a line may have: what `COLUMNS` says, else as many as the terminal has, else 80.
pub fn width() -> usize {
    let said = crate::end::environment("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
    let seen = || Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    said.or_else(seen).unwrap_or(PLAIN).max(NARROWEST)
}

/// Breaks a text into lines of at most so many columns, between words where that is possible.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        for (number, piece) in pieces(word, width).into_iter().enumerate() {
            let line = lines.last_mut().map_or("", |line| line.as_str());
            let fits = measure_text_width(line) + 1 + measure_text_width(&piece) <= width;
            match lines.last_mut() {
                Some(line) if line.is_empty() => *line = piece,
                Some(line) if fits && number == 0 => *line = format!("{line} {piece}"),
                _ => lines.push(piece),
            }
        }
    }
    lines
}

/// A word, cut where it is wider than a line.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in word.chars() {
        let own = measure_text_width(character.encode_utf8(&mut [0; 4]));
        match pieces.last_mut() {
            Some(piece) if piece.is_empty() || measure_text_width(piece) + own <= width => piece.push(character),
            _ => pieces.push(character.into()),
        }
    }
    pieces
}

/// A text within the page: its first line after `first`, the following ones as far to the right.
pub fn hanging(first: &str, text: &str) -> String {
    hanging_within(first, text, width())
}

fn hanging_within(first: &str, text: &str, width: usize) -> String {
    let indent = measure_text_width(first);
    let lines = wrapped(text, width.saturating_sub(indent).max(NARROWEST / 2));
    format!("{first}{}", lines.join(&format!("\n{}", " ".repeat(indent)))).trim_end().to_owned()
}

/// A text in one line of the page, cut at its end where it is too long.
pub fn one_line(text: &str) -> String {
    console::truncate_str(text, width(), "…").into_owned()
}

/// Names in one line of at most so many columns: those that fit, and how many more there are.
pub fn names(names: &[String], width: usize) -> String {
    let Some((first, rest)) = names.split_first() else { return "none".to_owned() };
    let mut text = first.clone();
    for (number, name) in rest.iter().enumerate() {
        let left = rest.len() - number;
        let longer = format!("{text}, {name}");
        let room = if left > 1 { width.saturating_sub(format!(" and {} more", left - 1).len()) } else { width };
        if measure_text_width(&longer) > room {
            return console::truncate_str(&format!("{text} and {left} more"), width, "…").into_owned();
        }
        text = longer;
    }
    console::truncate_str(&text, width, "…").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_within_words_that_are_too_long() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a-very-long-words b", 6), ["a-very", "-long-", "words", "b"]);
        assert_eq!(wrapped("", 7), [""]);
        // Two columns a character.
        assert_eq!(wrapped("漢字漢字", 4), ["漢字", "漢字"]);
    }

    #[test]
    fn following_lines_stand_below_the_first_text() {
        let text = hanging_within("  remedy: ", "convert it, or create another connection by hand", 40);
        assert_eq!(text, "  remedy: convert it, or create another\n          connection by hand");
        assert_eq!(hanging_within("  done", "", 40), "  done");
    }

    #[test]
    fn names_that_do_not_fit_are_counted() {
        let all: Vec<String> = ["Contoso deploy", "Contoso billing", "Contoso metrics"].map(String::from).to_vec();
        assert_eq!(names(&all, 80), "Contoso deploy, Contoso billing, Contoso metrics");
        assert_eq!(names(&all, 42), "Contoso deploy, Contoso billing and 1 more");
        assert_eq!(names(&all, 26), "Contoso deploy and 2 more");
        assert_eq!(names(&[], 40), "none");
    }
}

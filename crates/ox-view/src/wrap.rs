//! Lines of a terminal's width, and rules without their comments.

/// Breaks text at blanks into lines of at most `width` columns: the first is indented by `indent`, the others by `hang`.
/// A word that is longer than a line stands alone on its own.
pub fn wrap(text: &str, width: usize, indent: usize, hang: usize) -> Vec<String> {
    let lead = text.len() - text.trim_start().len();
    let mut lines = Vec::new();
    let mut line = " ".repeat(indent + lead);
    let mut empty = true;
    // Runs of blanks inside, as columns of a table are made of, are kept.
    for (i, word) in text.trim_start().split(' ').enumerate() {
        let gap = usize::from(i > 0 && !empty);
        if !empty && !word.is_empty() && columns(&line) + gap + columns(word) > width.max(20) {
            lines.push(std::mem::replace(&mut line, " ".repeat(hang)));
            line.push_str(word);
            continue;
        }
        if gap > 0 {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

/// A rule's text without `-m comment --comment "…"`, which is shown by itself.
pub fn strip_comment(text: &str) -> String {
    const MARK: &str = " -m comment --comment ";
    let Some(start) = text.find(MARK) else { return text.to_owned() };
    let value = &text[start + MARK.len()..];
    let end = if let Some(quoted) = value.strip_prefix('"') {
        let mut escaped = false;
        let close = quoted.char_indices().find(|&(_, c)| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        close.map_or(value.len(), |(i, _)| i + 2)
    } else {
        value.find(' ').unwrap_or(value.len())
    };
    format!("{}{}", &text[..start], &value[end..])
}

#[cfg(test)]
mod tests {
    use super::{strip_comment, wrap};

    #[test]
    fn lines_stay_within_their_width() {
        let lines = wrap("one two three four five six seven eight nine ten", 24, 2, 4);
        assert!(lines.iter().all(|l| l.len() <= 24), "{lines:?}");
        assert_eq!(lines[0], "  one two three four");
        assert_eq!(lines[1], "    five six seven eight");
    }

    #[test]
    fn comments_are_taken_out_of_rules() {
        let rule = r#"-A A -p tcp -m comment --comment "say \"no\" now" -m tcp --dport 80 -j B"#;
        assert_eq!(strip_comment(rule), "-A A -p tcp -m tcp --dport 80 -j B");
        assert_eq!(strip_comment("-A A -m comment --comment one -j B"), "-A A -j B");
        assert_eq!(strip_comment("-A A -j B"), "-A A -j B");
    }
}

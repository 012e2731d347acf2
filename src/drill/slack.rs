//! Slack's markup as HTML: a message on the page looks as it does in the channel.

use crate::drill::page::escaped;

/// The emoji that the shipped templates use.
const EMOJI: [(&str, &str); 3] =
    [(":rotating_light:", "🚨"), (":warning:", "⚠️"), (":white_check_mark:", "✅")];

/// The text as HTML. What Slack would show as text stays text: `&lt;` is a `<`, and no tag.
pub fn html(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn line(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        shown.push_str(&styled(before));
        let Some((link, after)) = from[1..].split_once('>') else {
            shown.push_str(&styled(from));
            return shown;
        };
        shown.push_str(&linked(link));
        rest = after;
    }
    shown.push_str(&styled(rest));
    shown
}

/// `https://…|Runbook`; anything else in angle brackets calls somebody, and is shown as it is.
fn linked(link: &str) -> String {
    let (url, name) = link.split_once('|').unwrap_or((link, link));
    if url.starts_with("https://") || url.starts_with("http://") {
        return format!("<a href=\"{}\">{}</a>", escaped(&plain(url)), escaped(&plain(name)));
    }
    format!("&lt;{}&gt;", escaped(&plain(link)))
}

/// Bold and italic, which begin and end with their sign; and emoji.
fn styled(text: &str) -> String {
    let mut text = escaped(&plain(text));
    for (name, sign) in EMOJI {
        text = text.replace(name, sign);
    }
    between(&between(&text, '*', "strong"), '_', "em")
}

/// Pairs of a sign that stand at the edges of words.
fn between(text: &str, sign: char, tag: &str) -> String {
    let opens = |before: Option<char>| before.is_none_or(|c| !c.is_alphanumeric());
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(sign) {
        let (before, from) = rest.split_at(at);
        shown.push_str(before);
        let inner = &from[1..];
        let end =
            inner.match_indices(sign).map(|(end, _)| end).find(|end| opens(inner[end + 1..].chars().next()));
        let pair = end.filter(|end| *end > 0 && opens(before.chars().next_back()) && !inner.starts_with(' '));
        if let Some(end) = pair {
            shown.push_str(&format!("<{tag}>{}</{tag}>", &inner[..end]));
            rest = &inner[end + 1..];
        } else {
            shown.push(sign);
            rest = inner;
        }
    }
    shown.push_str(rest);
    shown
}

/// Slack's three entities.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_slack_shows() {
        for (text, expected) in [
            ("*Crank down* (a:1)", "<strong>Crank down</strong> (a:1)"),
            ("_severity critical_", "<em>severity critical</em>"),
            ("snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"),
            ("<https://g/d/x?a=1&amp;b=2|Dash> · x", "<a href=\"https://g/d/x?a=1&amp;b=2\">Dash</a> · x"),
            (":rotating_light: [TEST]", "🚨 [TEST]"),
            ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
            ("<!channel> hi", "&lt;!channel&gt; hi"),
        ] {
            assert_eq!(html(text), expected);
        }
    }

    #[test]
    fn no_text_becomes_a_tag() {
        for text in
            ["<script>alert(1)</script>", "<javascript:alert(1)|x>", "<http://x\" onload=\"y|z>", "*<b>*"]
        {
            let shown = html(text);
            assert!(!shown.contains("<script") && !shown.contains("href=\"java"), "{shown}");
            assert!(!shown.contains("\" onload=\"") && !shown.contains("<b>"), "{shown}");
        }
    }
}

//! Columns that fit the terminal: words are never broken, the least useful column goes first.

/// One column. Columns with a higher `drop` go first when the line is too long; 0 always stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub head: &'static str,
    pub drop: u8,
    /// True for sentences, which go on in the next line.
    wraps: bool,
}

/// Space between two columns.
const GAP: usize = 2;
/// The least width in which sentences can be read.
const LEAST: usize = 28;

/// A table without lines around it.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

/// Gives a cell its style: the row's number (0 is the head), the column's head, the text.
pub type Paint<'a> = dyn Fn(usize, &'static str, &str) -> String + 'a;

impl Table {
    /// A table whose columns are given as head and `drop` (see [`Column`]).
    pub fn new(columns: &[(&'static str, u8)]) -> Self {
        let columns = columns.iter().map(|(head, drop)| Column { head, drop: *drop, wraps: false }).collect();
        Self { columns, rows: Vec::new() }
    }

    /// The same with sentences in this column.
    #[must_use]
    pub fn wrapping(mut self, head: &str) -> Self {
        for column in self.columns.iter_mut().filter(|column| column.head == head) {
            column.wraps = true;
        }
        self
    }

    /// A row has one cell per column; an empty one shows as `-`.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { cell });
        self.rows.push(cells.collect());
    }

    /// Head and rows as lines; `width` is that of the terminal, `None` where there is none. `paint` styles a
    /// cell by its column's head (row 0 is the head); colour takes no space.
    pub fn lines(
        &self,
        width: Option<usize>,
        paint: impl Fn(usize, &'static str, &str) -> String,
    ) -> Vec<String> {
        let kept = self.kept(width);
        let heads = self.columns.iter().map(|column| column.head.to_owned()).collect();
        std::iter::once(&heads)
            .chain(&self.rows)
            .enumerate()
            .flat_map(|(number, cells)| self.row_lines(number, cells, &kept, &paint))
            .collect()
    }

    /// The lines as text.
    pub fn text(&self, width: Option<usize>, paint: impl Fn(usize, &'static str, &str) -> String) -> String {
        self.lines(width, paint).into_iter().map(|line| format!("{line}\n")).collect()
    }

    fn row_lines(
        &self,
        number: usize,
        cells: &[String],
        kept: &[(usize, usize)],
        paint: &Paint<'_>,
    ) -> Vec<String> {
        let cell = |column: usize| cells.get(column).map_or("", String::as_str);
        let wrapped: Vec<Vec<String>> = kept
            .iter()
            .map(|(column, width)| {
                if self.columns[*column].wraps {
                    wrapped(cell(*column), *width)
                } else {
                    vec![cell(*column).to_owned()]
                }
            })
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
        let line = |at: usize| {
            let parts = kept.iter().zip(&wrapped).map(|((column, width), lines)| {
                let text = lines.get(at).map_or("", String::as_str);
                let space = width.saturating_sub(text.chars().count()) + GAP;
                format!("{}{}", paint(number, self.columns[*column].head, text), " ".repeat(space))
            });
            parts.collect::<String>().trim_end().to_owned()
        };
        (0..height).map(line).collect()
    }

    /// A word is never broken, so its column is never narrower.
    fn longest_word(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        let words = cells.flat_map(|cell| cell.split_whitespace());
        words.map(|word| word.chars().count()).max().unwrap_or(0)
    }

    /// The columns that stay, with their widths.
    fn kept(&self, limit: Option<usize>) -> Vec<(usize, usize)> {
        let width_of = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([self.columns[column].head.chars().count()]).max().unwrap_or(0)
        };
        let mut kept: Vec<(usize, usize)> =
            (0..self.columns.len()).map(|column| (column, width_of(column))).collect();
        let Some(limit) = limit else { return kept };
        let wraps = |column: usize| self.columns[column].wraps;
        let least = |(column, width): &(usize, usize)| {
            if wraps(*column) { self.longest_word(*column).max(LEAST).min(*width) } else { *width }
        };
        let total = |kept: &[(usize, usize)]| {
            kept.iter().map(|one| least(one) + GAP).sum::<usize>().saturating_sub(GAP)
        };
        while total(&kept) > limit {
            let least = (0..kept.len()).max_by_key(|at| self.columns[kept[*at].0].drop);
            match least.filter(|at| self.columns[kept[*at].0].drop > 0) {
                Some(at) => drop(kept.remove(at)),
                None => break,
            }
        }
        let spare = limit.saturating_sub(total(&kept));
        for one in kept.iter_mut().filter(|(column, _)| wraps(*column)) {
            one.1 = one.1.min(least(one) + spare);
        }
        kept
    }
}

/// Lines of at most so many characters; a word that is longer stands alone.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A line that goes on below itself, `indent` columns in, where the terminal ends. Colour takes no space.
pub fn folded(line: &str, width: Option<usize>, indent: usize) -> String {
    let Some(width) = width.filter(|width| visible(line) > *width && *width >= indent + LEAST) else {
        return line.to_owned();
    };
    // What stands before the first word stays: it is the line's own indentation.
    let own = line.len() - line.trim_start_matches(' ').len();
    let (mut text, mut column) = (line[..own].to_owned(), own);
    for (at, word) in line[own..].split(' ').enumerate() {
        let length = visible(word);
        if at > 0 && column + 1 + length > width {
            text.push_str(&format!("\n{}", " ".repeat(indent)));
            column = indent;
        } else if at > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}

/// Characters of a text without its colours.
fn visible(text: &str) -> usize {
    let mut count = 0;
    let mut in_colour = false;
    for c in text.chars() {
        match c {
            '\u{1b}' => in_colour = true,
            'm' if in_colour => in_colour = false,
            _ => count += usize::from(!in_colour),
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_below_itself_and_colour_takes_no_space() {
        let line = "  \u{1b}[31mdown\u{1b}[0m  http://localhost:1/metrics: connect: connection refused by it";
        assert_eq!(folded(line, None, 4), line);
        assert_eq!(
            folded(line, Some(40), 4),
            "  \u{1b}[31mdown\u{1b}[0m  http://localhost:1/metrics:\n    connect: connection refused by it"
        );
        // A word that is longer stands alone, and in a terminal that is too narrow nothing is folded.
        assert_eq!(
            folded("a bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb c", Some(32), 2),
            "a\n  bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n  c"
        );
        assert_eq!(folded(line, Some(20), 4), line);
    }

    fn table() -> Table {
        let mut table = Table::new(&[("NAME", 0), ("IMAGE", 2), ("URL", 1)]);
        table
            .row(["grafana", "docker.io/grafana/grafana:13.2.0", "http://localhost:3002"].map(str::to_owned));
        table.row(["redis", "", "redis://localhost:6379"].map(str::to_owned));
        table
    }

    #[test]
    fn the_least_useful_column_goes_first_and_no_word_is_cut() {
        let lines = |width| table().lines(width, |_, _, cell| cell.to_owned());
        assert_eq!(lines(None)[2], "redis    -                                 redis://localhost:6379");
        assert_eq!(lines(Some(80)), lines(None));
        assert_eq!(
            lines(Some(40)),
            ["NAME     URL", "grafana  http://localhost:3002", "redis    redis://localhost:6379"]
        );
        assert_eq!(lines(Some(4)), ["NAME", "grafana", "redis"]);
    }

    #[test]
    fn sentences_go_on_in_the_next_line() {
        let mut table = Table::new(&[("ALERT", 0), ("RECEIVERS", 1), ("RESULT", 0)]).wrapping("RESULT");
        table.row(["Slow", "warning", "nobody is told: its route ends in `later`"].map(str::to_owned));
        let lines = |width| table.lines(width, |_, _, cell| cell.to_owned());
        assert_eq!(lines(None)[1], "Slow   warning    nobody is told: its route ends in `later`");
        assert_eq!(
            lines(Some(50)),
            [
                "ALERT  RECEIVERS  RESULT",
                "Slow   warning    nobody is told: its route ends",
                "                  in `later`"
            ]
        );
        // Less than that is no use: a column goes first.
        assert_eq!(lines(Some(40))[1], "Slow   nobody is told: its route ends in");
    }
}

//! Columns that fit the terminal: words are never broken, the least useful column goes first.

/// One column. Columns with a higher `drop` go first when the line is too long; 0 always stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    pub head: &'static str,
    pub drop: u8,
}

/// Space between two columns.
const GAP: usize = 2;

/// A table without lines around it.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table whose columns are given as head and `drop` (see [`Column`]).
    pub fn new(columns: &[(&'static str, u8)]) -> Self {
        let columns = columns.iter().map(|(head, drop)| Column { head, drop: *drop }).collect();
        Self { columns, rows: Vec::new() }
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
            .map(|(number, cells)| self.line(number, cells, &kept, &paint))
            .collect()
    }

    fn line(
        &self,
        number: usize,
        cells: &[String],
        kept: &[(usize, usize)],
        paint: &impl Fn(usize, &'static str, &str) -> String,
    ) -> String {
        let last = kept.last().map(|(column, _)| *column);
        let mut line = String::new();
        for (column, width) in kept {
            let cell = cells.get(*column).map_or("", String::as_str);
            line.push_str(&paint(number, self.columns[*column].head, cell));
            if Some(*column) != last {
                line.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + GAP));
            }
        }
        line.trim_end().to_owned()
    }

    /// The columns that stay, with their widths.
    fn kept(&self, width: Option<usize>) -> Vec<(usize, usize)> {
        let width_of = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([self.columns[column].head.chars().count()]).max().unwrap_or(0)
        };
        let mut kept: Vec<(usize, usize)> =
            (0..self.columns.len()).map(|column| (column, width_of(column))).collect();
        let Some(limit) = width else { return kept };
        let total = |kept: &[(usize, usize)]| {
            kept.iter().map(|(_, width)| width + GAP).sum::<usize>().saturating_sub(GAP)
        };
        while total(&kept) > limit {
            let least = (0..kept.len()).max_by_key(|at| self.columns[kept[*at].0].drop);
            match least.filter(|at| self.columns[kept[*at].0].drop > 0) {
                Some(at) => drop(kept.remove(at)),
                None => break,
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}

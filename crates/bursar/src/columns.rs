//! Tables that commands print.

/// The rows as lines, their cells below each other.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn cells_stand_below_each_other() {
        let check = |rows: &[[&str; 2]], text: &str| {
            let rows: Vec<_> = rows.iter().map(|row| row.map(str::to_owned)).collect();
            assert_eq!(columns(&rows), text);
        };
        check(&[], "");
        check(
            &[["a", "b"], ["\u{e9}\u{e9}\u{e9}", ""]],
            "a    b\n\u{e9}\u{e9}\u{e9}",
        );
        check(&[["aaa", "b"], ["", "c"]], "aaa  b\n     c");
    }
}

//! A sheet of a report as a table of a page: the same headings, values as people read them.

use chrono::Timelike as _;
use reports::sheet::{Cell, Sheet};

use crate::format;

/// A table of a page.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) heads: Vec<Head>,
    pub(super) rows: Vec<Vec<Shown>>,
    /// Rows that only an export has.
    pub(super) left_out: usize,
}

/// A column.
pub(super) struct Head {
    pub(super) heading: String,
    pub(super) is_figure: bool,
}

/// A value.
pub(super) struct Shown {
    pub(super) text: String,
    /// To what is behind it.
    pub(super) link: Option<String>,
    /// A colour beside the words.
    pub(super) class: &'static str,
}

/// Where the value of a column leads, by its row.
pub(super) type Leads<'a> = &'a dyn Fn(&Sheet, &[Cell], usize) -> Option<String>;

impl Table {
    /// The sheet, as far as a page has room.
    pub(super) fn of(sheet: &Sheet, all_columns: bool, rows_max: usize, leads: Leads<'_>) -> Self {
        let shown: Vec<usize> = (0..sheet.columns.len())
            .filter(|place| all_columns || sheet.columns[*place].title.is_some())
            .collect();
        let is_date: Vec<bool> = (0..sheet.columns.len())
            .map(|place| is_date(sheet, place))
            .collect();
        let head = |place: &usize| Head {
            heading: sheet.columns[*place].heading.clone(),
            is_figure: sheet.rows.iter().any(|row| is_figure(&row[*place])),
        };
        let rows = sheet.rows.iter().take(rows_max).map(|row| {
            let cell = |place: &usize| Shown {
                text: text(&row[*place], is_date[*place]),
                link: match row[*place] {
                    Cell::Count(count) if count > 0 => leads(sheet, row, *place),
                    _ => None,
                },
                class: match row[*place] {
                    Cell::Word("yes", _) => "kept",
                    Cell::Word("no", _) => "missed",
                    _ => "",
                },
            };
            shown.iter().map(cell).collect()
        });
        Self {
            name: sheet.name.clone(),
            heads: shown.iter().map(head).collect(),
            rows: rows.collect(),
            left_out: sheet.rows.len().saturating_sub(rows_max),
        }
    }
}

fn is_figure(cell: &Cell) -> bool {
    matches!(
        cell,
        Cell::Count(_) | Cell::Number(_) | Cell::Share(_) | Cell::Above(_)
    )
}

/// A column of midnights tells days.
fn is_date(sheet: &Sheet, place: usize) -> bool {
    let mut times = sheet.rows.iter().filter_map(|row| match &row[place] {
        Cell::Time(time) => Some(time),
        _ => None,
    });
    times.all(|time| time.num_seconds_from_midnight() == 0)
}

fn text(cell: &Cell, is_date: bool) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Word(_, german) => (*german).to_owned(),
        Cell::Above(count) => format!("über {}", format::count(*count)),
        Cell::Count(count) => format::count(*count),
        Cell::Number(number) => format!("{number:.1}").replace('.', ","),
        Cell::Share(share) => format::percent(Some(*share)),
        Cell::Time(time) => {
            let weekday = format::weekday(chrono::Datelike::weekday(time));
            match is_date {
                true => format!("{weekday} {}", time.format("%d.%m.%Y")),
                false => format!("{weekday} {}", time.format("%d.%m. %H:%M")),
            }
        }
        Cell::Absent => format::NOTHING.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use reports::sheet::Column;

    use super::*;

    #[test]
    fn values_are_german_and_a_column_of_midnights_tells_days() {
        let at = |text: &str| Cell::Time(DateTime::parse_from_rfc3339(text).unwrap());
        let columns = vec![
            Column::new("from", "Beginn"),
            Column::extra("Ende"),
            Column::new("level", "Servicelevel"),
            Column::new("offered", "Angeboten"),
        ];
        let row = vec![
            at("2026-11-27T00:00:00+01:00"),
            at("2026-11-27T09:15:00+01:00"),
            Cell::Share(0.8125),
            Cell::Count(8948),
        ];
        let sheet = Sheet::new("Intervalle", columns, vec![row.clone(), row]);
        let leads = |_: &Sheet, _: &[Cell], place: usize| (place == 3).then(|| "/anrufe".to_owned());
        let table = Table::of(&sheet, true, 1, &leads);
        let texts: Vec<&str> = table.rows[0].iter().map(|cell| cell.text.as_str()).collect();
        assert_eq!(
            texts,
            ["Fr 27.11.2026", "Fr 27.11. 09:15", "81,3\u{a0}%", "8.948"]
        );
        assert_eq!(
            (table.left_out, table.rows[0][3].link.as_deref()),
            (1, Some("/anrufe"))
        );
        assert_eq!(Table::of(&sheet, false, 9, &leads).heads.len(), 3);
    }
}

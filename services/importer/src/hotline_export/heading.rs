//! The heading line: which column holds which field.

use domain::record::Field;

use crate::delimited::Cells;
use crate::error::ImportError;
use crate::hotline_export::map::ExportMap;

/// Fields without which a row is no call.
const MANDATORY: [Field; 4] = [
    Field::StartedAt,
    Field::TaskType,
    Field::Hotline,
    Field::ConnectionStatus,
];

/// What the columns of a file were taken for; for the report of the import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// In the order of the file.
    pub recognised: Vec<RecognisedColumn>,
    /// Headings that mean nothing here; their columns are left out.
    pub unknown: Vec<String>,
    /// Fields that the file does not have; they are absent in every record.
    pub missing: Vec<Field>,
}

/// A column that holds a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecognisedColumn {
    /// The field.
    pub field: Field,
    /// The heading as written.
    pub heading: String,
    /// Position in the file, from 1.
    pub position: usize,
}

/// Where the fields stand.
#[derive(Clone, Debug)]
pub(super) struct Heading {
    pub(super) separator: u8,
    /// The columns up to the last that has a heading: a row has at least as many.
    pub(super) columns_min: usize,
    /// All columns.
    pub(super) columns_max: usize,
    pub(super) report: Columns,
    of_field: [Option<usize>; Field::ALL.len()],
}

impl Heading {
    /// Reads the heading line; the separator is the one that shows the most known headings.
    pub(super) fn read(text: &str, line: u64, map: &ExportMap) -> Result<Self, ImportError> {
        let mut cells = Cells::default();
        let mut folded = String::new();
        let mut known = |separator| {
            cells.split(text, separator);
            cells
                .iter(text)
                .filter(|heading| map.headings.get(heading, &mut folded).is_some())
                .count()
        };
        // Of several maxima max_by_key takes the last.
        let separator = [b'\t', b',', b';']
            .into_iter()
            .max_by_key(|separator| known(*separator))
            .unwrap_or(b';');
        cells.split(text, separator);
        let headings: Vec<&str> = cells.iter(text).collect();
        Self::of(&headings, separator, line, map)
    }

    fn of(headings: &[&str], separator: u8, line: u64, map: &ExportMap) -> Result<Self, ImportError> {
        let mut folded = String::new();
        let mut of_field = [None; Field::ALL.len()];
        let (mut recognised, mut unknown): (Vec<RecognisedColumn>, _) = (Vec::new(), Vec::new());
        for (column, heading) in headings.iter().enumerate() {
            let Some(field) = map.headings.get(heading, &mut folded) else {
                if !heading.is_empty() {
                    unknown.push((*heading).to_owned());
                }
                continue;
            };
            if let Some(first) = of_field[*field as usize].replace(column) {
                let [first, second] = [first, column].map(|column| headings[column].to_owned());
                return Err(ImportError::DuplicateColumn {
                    field: *field,
                    first,
                    second,
                });
            }
            let heading = (*heading).to_owned();
            recognised.push(RecognisedColumn {
                field: *field,
                heading,
                position: column + 1,
            });
        }
        if recognised.is_empty() {
            return Err(ImportError::NoHeading { line });
        }
        let missing: Vec<Field> = Field::ALL
            .into_iter()
            .filter(|field| of_field[*field as usize].is_none())
            .collect();
        let mandatory: Vec<Field> = MANDATORY
            .into_iter()
            .filter(|field| missing.contains(field))
            .collect();
        if !mandatory.is_empty() {
            return Err(ImportError::MissingColumns(mandatory));
        }
        let columns_min = headings
            .iter()
            .rposition(|heading| !heading.is_empty())
            .map_or(0, |last| last + 1);
        let report = Columns {
            recognised,
            unknown,
            missing,
        };
        Ok(Self {
            separator,
            columns_min,
            columns_max: headings.len(),
            report,
            of_field,
        })
    }

    /// The column of a field, from 0.
    pub(super) fn column(&self, field: Field) -> Option<usize> {
        self.of_field[field as usize]
    }

    /// The field that a column holds.
    pub(super) fn field(&self, column: usize) -> Option<Field> {
        Field::ALL
            .into_iter()
            .find(|field| self.column(*field) == Some(column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Heading, String> {
        Heading::read(text, 1, &ExportMap::built_in()).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_in_any_order_separator_and_spelling() {
        for text in [
            "Verbindungsstatus;Note;TASK TYP; zeitstempel ;Gewaehlte Adresse;Eingangsthema",
            "\"Verbindungsstatus\",\"Note\",\"Task Typ\",Zeitstempel,\"Gewählte Adresse\",Hotline",
            "Verbindungsstatus\tNote\tTask Typ\tZeitstempel\tGewählte Adresse\tEingangsthema (angerufene Hotline)\t\t",
        ] {
            let heading = read(text).unwrap();
            let found = [
                Field::ConnectionStatus,
                Field::TaskType,
                Field::StartedAt,
                Field::DialledAddress,
            ];
            assert_eq!(found.map(|field| heading.column(field)), [0, 2, 3, 4].map(Some));
            assert_eq!(heading.report.unknown, ["Note"]);
            assert_eq!(heading.report.missing.len(), 19);
            assert_eq!(heading.columns_min, 6);
        }
    }

    #[test]
    fn a_missing_mandatory_column_is_named_with_the_remedy() {
        let message = read("Zeitstempel;Verbindungsstatus;Fax").unwrap_err();
        assert_eq!(
            message,
            "the file has no column \"Task Typ\" (task_type), \"Eingangsthema (angerufene Hotline)\" (hotline); \
             add it to the export, or name its heading in the map under [headings]"
        );
    }

    #[test]
    fn two_columns_for_one_field_are_an_error() {
        let message = read("Zeitstempel;Anrufer;Absender").unwrap_err();
        assert!(message.contains(
            "two columns for \"Anrufer/Absender (Telefonnummer)\" (caller), \"Anrufer\" and \"Absender\""
        ));
    }

    #[test]
    fn a_file_without_heading_line_is_an_error() {
        let message = read("01.02.1999 07:02:47;Anruf eingehend;115").unwrap_err();
        assert!(
            message.starts_with("line 1 holds none of the headings"),
            "{message}"
        );
    }
}

//! A sheet as CSV for German spreadsheets: `;`, decimal commas, headings in German.

use crate::sheet::{Cell, Sheet};
use crate::{Encoding, Fault};

/// The bytes of the file. What is told of all rows stands at the end of each: a spreadsheet reads one table.
pub(crate) fn write(
    sheet: &Sheet,
    of_all: &[(&'static str, Cell)],
    encoding: Encoding,
) -> Result<Vec<u8>, Fault> {
    let mut writer = ::csv::WriterBuilder::new()
        .delimiter(b';')
        .from_writer(Vec::new());
    let headings = sheet.columns.iter().map(|column| column.heading.as_str());
    let headings = headings.chain(of_all.iter().map(|(heading, _)| *heading));
    writer
        .write_record(headings.map(harmless))
        .map_err(Fault::unwritten)?;
    for row in &sheet.rows {
        let cells = row.iter().chain(of_all.iter().map(|(_, cell)| cell));
        writer.write_record(cells.map(text)).map_err(Fault::unwritten)?;
    }
    let bytes = writer.into_inner().map_err(Fault::unwritten)?;
    let text = String::from_utf8(bytes).map_err(Fault::unwritten)?;
    match encoding {
        Encoding::Utf8 => Ok(text.into_bytes()),
        Encoding::Utf8Bom => Ok([b"\xef\xbb\xbf", text.as_bytes()].concat()),
        Encoding::Windows1252 => {
            let (bytes, _, lossy) = encoding_rs::WINDOWS_1252.encode(&text);
            match lossy {
                false => Ok(bytes.into_owned()),
                true => Err(Fault::NotInEncoding),
            }
        }
    }
}

fn text(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => harmless(text),
        Cell::Word(_, german) => (*german).to_owned(),
        Cell::Above(count) => format!("über {count}"),
        Cell::Count(count) => count.to_string(),
        Cell::Number(number) | Cell::Share(number) => number.to_string().replace('.', ","),
        Cell::Time(time) => time.format("%Y-%m-%d %H:%M:%S").to_string(),
        Cell::Absent => String::new(),
    }
}

/// Spreadsheets calculate what begins like a formula; names of hotlines come from outside.
fn harmless(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Column;

    fn sheet(name: &str) -> Sheet {
        let columns = vec![
            Column::extra("Gruppe"),
            Column::extra("Größe"),
            Column::extra("Anteil"),
        ];
        let rows = vec![vec![
            Cell::Text(name.to_owned()),
            Cell::Count(-3),
            Cell::Share(0.25),
        ]];
        Sheet::new("x", columns, rows)
    }

    #[test]
    fn headings_are_german_and_numbers_too() {
        let text = write(
            &sheet("A;B"),
            &[("Nach", Cell::Text("of-offered".to_owned()))],
            Encoding::Utf8,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "Gruppe;Größe;Anteil;Nach\n\"A;B\";-3;0,25;of-offered\n"
        );
    }

    #[test]
    fn a_name_is_never_calculated() {
        let text = write(&sheet("=1+1"), &[], Encoding::Utf8).unwrap();
        assert!(String::from_utf8(text).unwrap().contains("\n'=1+1;"));
    }

    #[test]
    fn other_encodings_are_written_or_refused() {
        let bytes = write(&sheet("A"), &[], Encoding::Utf8Bom).unwrap();
        assert!(bytes.starts_with(b"\xef\xbb\xbfGruppe"));
        let bytes = write(&sheet("A"), &[], Encoding::Windows1252).unwrap();
        assert!(bytes.windows(5).any(|part| part == b"Gr\xf6\xdfe"));
        assert!(write(&sheet("ŵ"), &[], Encoding::Windows1252).is_err());
    }
}

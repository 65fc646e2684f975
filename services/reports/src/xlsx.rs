//! A report as a workbook, with charts.

use rust_xlsxwriter::{ChartType, Format, Workbook, Worksheet, XlsxError};

use crate::Fault;
use crate::sheet::{Cell, Chart, Sheet};

/// Rows of a worksheet at most, without the headings.
const ROWS_MAX: usize = 1_048_575;
/// Rows between charts.
const CHART_ROWS: u32 = 22;

/// The bytes of the file. `particulars` come last.
pub(crate) fn write(sheets: &[Sheet], particulars: &Sheet) -> Result<Vec<u8>, Fault> {
    if sheets.iter().any(|sheet| sheet.rows.len() > ROWS_MAX) {
        return Err(Fault::TooManyRows(ROWS_MAX));
    }
    let mut workbook = Workbook::new();
    for sheet in sheets {
        add(workbook.add_worksheet(), sheet).map_err(Fault::unwritten)?;
    }
    if !particulars.rows.is_empty() {
        add(workbook.add_worksheet(), particulars).map_err(Fault::unwritten)?;
    }
    workbook.save_to_buffer().map_err(Fault::unwritten)
}

fn add(worksheet: &mut Worksheet, sheet: &Sheet) -> Result<(), XlsxError> {
    let heading = Format::new().set_bold().set_text_wrap();
    let formats = Formats::new();
    worksheet.set_name(&sheet.name)?.set_freeze_panes(1, 1)?;
    for (column, it) in (0..).zip(&sheet.columns) {
        worksheet.write_with_format(0, column, it.heading.as_str(), &heading)?;
        worksheet.set_column_width(column, if column == 0 { 22 } else { 14 })?;
    }
    for (row, cells) in (1..).zip(&sheet.rows) {
        for (column, cell) in (0..).zip(cells) {
            write_cell(worksheet, row, column, cell, &formats)?;
        }
    }
    if sheet.rows.is_empty() {
        return Ok(());
    }
    let beside = sheet.columns.len() as u16 + 1;
    for (place, chart) in (0..).zip(&sheet.charts) {
        worksheet.insert_chart(1 + place * CHART_ROWS, beside, &drawn(chart, sheet))?;
    }
    Ok(())
}

struct Formats {
    number: Format,
    share: Format,
    time: Format,
}

impl Formats {
    fn new() -> Self {
        Self {
            number: Format::new().set_num_format("0.0"),
            share: Format::new().set_num_format("0.0%"),
            time: Format::new().set_num_format("dd.mm.yyyy hh:mm"),
        }
    }
}

fn write_cell(
    worksheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: &Cell,
    formats: &Formats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Text(text) => worksheet.write_string(row, column, text)?,
        Cell::Word(_, german) => worksheet.write_string(row, column, *german)?,
        Cell::Above(count) => worksheet.write_string(row, column, format!("über {count}"))?,
        // Exact up to 2⁵³.
        Cell::Count(count) => worksheet.write_number(row, column, *count as f64)?,
        Cell::Number(number) => worksheet.write_number_with_format(row, column, *number, &formats.number)?,
        Cell::Share(share) => worksheet.write_number_with_format(row, column, *share, &formats.share)?,
        Cell::Time(time) => {
            worksheet.write_datetime_with_format(row, column, time.naive_local(), &formats.time)?
        }
        Cell::Absent => return Ok(()),
    };
    Ok(())
}

fn drawn(chart: &Chart, sheet: &Sheet) -> rust_xlsxwriter::Chart {
    let last = sheet.rows.len() as u32;
    let name = sheet.name.as_str();
    let mut drawn = rust_xlsxwriter::Chart::new(ChartType::Line);
    drawn.title().set_name(chart.title);
    drawn.set_width(900).set_height(400);
    for column in chart.columns.iter().map(|column| *column as u16) {
        drawn
            .add_series()
            .set_name((name, 0, column))
            .set_categories((name, 1, 0, last, 0))
            .set_values((name, 1, column, last, column));
    }
    if chart.is_share {
        drawn.y_axis().set_min(0).set_max(1).set_num_format("0%");
    }
    drawn.x_axis().set_num_format("dd.mm. hh:mm");
    drawn
}

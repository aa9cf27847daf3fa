//! Excel workbooks.

use super::packed::zip;
use super::*;

/// A cell's reference, such as B3.
fn place(row: usize, column: usize) -> String {
    format!("{}{}", (b'A' + column as u8) as char, row + 1)
}

fn text(place: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn sheet(rows: &[String]) -> String {
    let rows: String = rows.iter().map(|row| format!("<row>{row}</row>")).collect();
    format!(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\">\
         <dimension ref=\"A1:XFD1048576\"/><sheetData>{rows}</sheetData></worksheet>"
    )
}

/// A workbook of named sheets; style 1 is that of dates, 2 that of durations.
fn workbook(sheets: &[(&str, String)]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let named = |i: usize, name: &str| format!("<sheet name=\"{name}\" sheetId=\"{}\" r:id=\"rId{}\"/>", i + 1, i + 1);
    let list: String = sheets.iter().enumerate().map(|(i, (name, _))| named(i, name)).collect();
    let book = format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{list}</sheets></workbook>");
    let part = |i: usize| {
        let kind = format!("{OFFICE}/worksheet");
        format!("<Relationship Id=\"rId{}\" Type=\"{kind}\" Target=\"worksheets/sheet{}.xml\"/>", i + 1, i + 1)
    };
    let parts: String = (0..sheets.len()).map(part).collect();
    let parts = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{parts}\
         <Relationship Id=\"rId99\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/></Relationships>"
    );
    let styles = format!(
        "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"3\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"46\"/>\
         </cellXfs></styleSheet>"
    );
    let root = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" \
         Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let names: Vec<String> = (0..sheets.len()).map(|i| format!("xl/worksheets/sheet{}.xml", i + 1)).collect();
    let mut members = vec![
        ("[Content_Types].xml", &b"<Types/>"[..]),
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", parts.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
    ];
    members.extend(names.iter().zip(sheets).map(|(name, (_, sheet))| (&**name, sheet.as_bytes())));
    zip(&members)
}

/// Days since 1899-12-30, as Excel counts them.
fn serial(house: &House) -> i64 {
    let [year, month, day] = house.built;
    let date = jiff::civil::date(year as i16, month as i8, day as i8);
    (date - jiff::civil::date(1899, 12, 30)).get_days().into()
}

fn house_sheet() -> String {
    let names = ["size", "town", "built", "sold", "price"];
    let header = names.iter().enumerate().map(|(i, name)| text(&place(0, i), name)).collect();
    let row = |(i, house): (usize, &House)| {
        let at = |column| place(i + 1, column);
        let size = house.size.map(|size| format!("<c r=\"{}\"><v>{size}</v></c>", at(0))).unwrap_or_default();
        let (town, sold) = (text(&at(1), house.town), u8::from(house.sold));
        let (built, truth, price) = (at(2), at(3), at(4));
        format!(
            "{size}{town}<c r=\"{built}\" s=\"1\"><v>{}</v></c><c r=\"{truth}\" t=\"b\"><v>{sold}</v></c>\
             <c r=\"{price}\"><v>{}</v></c>",
            serial(house),
            house.price
        )
    };
    let rows: Vec<String> = std::iter::once(header).chain(houses().iter().enumerate().map(row)).collect();
    sheet(&rows)
}

#[test]
fn workbooks_give_what_csv_gives() {
    let folder = tempfile::tempdir().unwrap();
    let expected = seen(&write(&folder, "houses.csv", csv()));
    for (name, sheets) in [
        ("t.xlsx", vec![("Houses", house_sheet())]),
        ("t.bin", vec![("Notes", sheet(&[])), ("Houses", house_sheet()), ("More", house_sheet())]),
    ] {
        let path = write(&folder, name, workbook(&sheets));
        assert_eq!(seen(&path), expected, "{name}");
        let data = load(&path, |_| {}).unwrap();
        let told = data.decisions.iter().find(|decision| decision.flag().contains("--sheet"));
        assert_eq!(
            told.map(|told| told.what.contains("\"Houses\"") && told.why.contains("\"More\"")),
            (sheets.len() > 1).then_some(true)
        );
    }
}

#[test]
fn sheets_cells_and_places_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        text("B2", "a") + &text("C2", "when") + &text("D2", "took"),
        "<c r=\"B4\"><v>1.50</v></c><c r=\"C4\" s=\"1\"><v>45943.5</v></c><c r=\"D4\" s=\"2\"><v>1.5</v></c>".into(),
        "<c r=\"B5\" t=\"e\"><v>#N/A</v></c><c r=\"C5\" s=\"1\"><v>0.25</v></c><c r=\"D5\" s=\"2\"><v>0.00001</v></c>"
            .into(),
    ];
    let other = [text("A1", "x"), "<c r=\"A2\"><v>7</v></c>".into()];
    let path = write(&folder, "t.xlsx", workbook(&[("One", sheet(&rows)), ("Two", sheet(&other))]));
    let found = table(&path).unwrap();
    assert_eq!((&found.names[..], &found.lines[..]), (&["a", "when", "took"].map(String::from)[..], &[4, 5][..]));
    assert_eq!(super::rows(&found), [["1.5", "2025-10-13T12:00:00", "129600"], ["", "06:00:00", "0.864"]]);
    let open = |sheet: &str| {
        let options = config::Data { sheet: Some(sheet.into()), ..Default::default() };
        source::open(path.to_str().unwrap(), &options)
    };
    let Ok(Source::Table(reader)) = open("Two") else { panic!() };
    assert_eq!(super::rows(&reader.read_all().unwrap()), [["7"]]);
    let told = open("Twos").err().unwrap().to_string();
    assert!(told.contains("did you mean \"Two\"") && told.contains("--sheet"), "{told}");
    // A far-away cell does not create a table of 17 billion cells.
    let far = [text("A1", "x"), "<c r=\"A2\"><v>7</v></c><c r=\"XFD1048576\"><v>1</v></c>".into()];
    let told = refused("far.xlsx", workbook(&[("One", sheet(&far))]));
    assert!(told.contains("row 1048576, column 16384"), "{told}");
    assert!(refused("none.xlsx", workbook(&[("One", sheet(&[]))])).contains("no sheet has"), "an empty one");
}

#[test]
fn damaged_workbooks_are_read_or_refused() {
    survives_damage("t.xlsx", &workbook(&[("Houses", house_sheet())]));
    assert!(refused("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0").contains("workbook"));
}

//! The benchmarks as a picture: for each workload, how many times Thalweg's time each system takes, on a log scale.

use super::systems::{Measured, OURS};

const LEFT: f64 = 150.0;
const WIDTH: f64 = 760.0;
const BAR: f64 = 20.0;

/// An SVG.
pub(super) fn draw(rows: &[Measured]) -> String {
    let ours = |row: &Measured| rows.iter().find(|other| other.is_ours_for(row)).map_or(f64::NAN, Measured::median);
    let ratios: Vec<f64> = rows.iter().map(|row| row.median() / ours(row)).collect();
    let (low, high) = ratios.iter().fold((0.5, 2.0), |(low, high), &x| (f64::min(low, x), f64::max(high, x)));
    let at = |ratio: f64| LEFT + (WIDTH - LEFT - 90.0) * (ratio / low).ln() / (high / low).ln();
    let (mut y, mut body, mut last) = (34.0, String::new(), "");
    for (row, &ratio) in rows.iter().zip(&ratios) {
        if row.workload != last {
            y += 18.0;
            body +=
                &format!(r#"<text x="8" y="{:.0}" font-weight="700">{}</text>"#, y + 14.0, row.workload.to_uppercase());
            last = row.workload;
        }
        let (from, to) = (f64::min(at(1.0), at(ratio)), f64::max(at(1.0), at(ratio)));
        let fill = if OURS.contains(&row.system) { "#2563c9" } else { "#c2550c" };
        body += &format!(
            r##"<text x="{:.0}" y="{:.0}" text-anchor="end">{}</text><rect x="{from:.1}" y="{y:.0}" width="{:.1}" height="{:.0}" rx="2" fill="{fill}"/><text x="{:.0}" y="{:.0}">{ratio:.2}× · {}</text>"##,
            LEFT - 8.0,
            y + 14.0,
            row.system,
            f64::max(to - from, 2.0),
            BAR - 4.0,
            to + 6.0,
            y + 13.0,
            row.told(row.median()),
        );
        y += BAR;
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {:.0} {:.0}" font-family="system-ui, sans-serif" font-size="13" fill="#1c1c1c"><rect width="100%" height="100%" fill="#fff"/><text x="8" y="22" font-size="15" font-weight="700">Time as a multiple of Thalweg's (log scale; longer is slower)</text>{body}</svg>"##,
        WIDTH + 60.0,
        y + 16.0
    )
}

//! The benchmark chart: for each workload, each system's time relative to Thalweg's, on a log scale.

use serde_json::Value;

use super::systems::Measured;

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
        let fill = if row.is_ours() { "#2563c9" } else { "#c2550c" };
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

/// A quantity as a function of another: its points, and their labels.
struct Growth<'a> {
    over: &'a str,
    points: Vec<[f64; 2]>,
    told: fn(f64) -> String,
}

impl<'a> Growth<'a> {
    fn new(measured: &Value, over: &'a str, of: &str, told: fn(f64) -> String) -> Self {
        let point = |point: &Value| Some([point[over].as_f64()?, point[of].as_f64()?]);
        Growth { over, points: measured.as_array().into_iter().flatten().filter_map(point).collect(), told }
    }
}

/// An epoch's time as a function of rows and of parameters.
pub(super) fn draw_scaling(scaling: &Value) -> String {
    let told = |seconds: f64| format!("{:.0} ms", seconds * 1e3);
    draw_growth(
        "Time of an epoch",
        &["rows", "parameters"].map(|over| Growth::new(&scaling[over], over, "seconds", told)),
    )
}

/// The time and memory of reading a table as a function of its columns.
pub(super) fn draw_wide(wide: &Value) -> String {
    let seconds = |seconds: f64| format!("{seconds:.2} s");
    let memory = |memory: f64| format!("{memory:.0} MiB");
    draw_growth(
        "Time and memory of reading 20 rows",
        &[Growth::new(wide, "columns", "seconds", seconds), Growth::new(wide, "columns", "memory", memory)],
    )
}

/// Log-log panels, each with a line of proportional growth through its last point.
fn draw_growth(title: &str, panels: &[Growth]) -> String {
    let mut body = String::new();
    for (panel, Growth { over, points, told }) in panels.iter().enumerate() {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
        // Both axes span the same factor, so that proportional growth rises at 45°.
        let span = (last[0] / first[0]).max(last[1] / first[1]) * 1.6;
        let left = 70.0 + 390.0 * panel as f64;
        let at = |[x, y]: [f64; 2]| {
            [(x, last[0], left + 300.0), (y, last[1], -60.0)]
                .map(|(v, end, edge): (f64, f64, f64)| edge.abs() + 280.0 * (v / end).ln() / span.ln() * edge.signum())
        };
        let [end_x, end_y] = at(*last);
        let [start_x, start_y] = at([last[0] / span, last[1] / span]);
        body += &format!(
            r##"<path d="M{start_x:.1} {start_y:.1}L{end_x:.1} {end_y:.1}" stroke="#9a9a9a" stroke-dasharray="4 4"/><text x="{:.0}" y="366" text-anchor="middle">{over}</text>"##,
            left + 150.0
        );
        for point in points {
            let [x, y] = at(*point);
            body += &format!(
                r##"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="#2563c9"/><text x="{:.0}" y="{:.0}" text-anchor="end" font-size="11">{} · {}</text>"##,
                x - 8.0,
                y - 6.0,
                thousands(point[0]),
                told(point[1]),
            );
        }
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 380" font-family="system-ui, sans-serif" font-size="13" fill="#1c1c1c"><rect width="100%" height="100%" fill="#fff"/><text x="8" y="22" font-size="15" font-weight="700">{title} (log scales; dashed: proportional growth)</text>{body}</svg>"##
    )
}

fn thousands(x: f64) -> String {
    if x >= 1e6 { format!("{:.2} M", x / 1e6) } else { format!("{:.0} k", x / 1e3) }
}

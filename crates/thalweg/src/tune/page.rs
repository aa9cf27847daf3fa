//! A study's page: a summary, which options mattered, and where good values are.

use std::fmt::Write;
use std::path::Path;

use super::{Dimension, Importance, Scale, SeedNoise, Space, Study, Surrogate, Trial, TrialKind, TrialState};
use crate::error::Result;
use crate::report::chart::{
    Along, Bar, Bars, Caption, Contour, Drawing, Panel, Parallel, Point, Points, Thread, Upright,
};
use crate::report::page::{card, document, list, section};
use crate::report::tables::folded;
use crate::report::text::{self, duration, escape, metric_name, metric_value, percent, plural, shorten};
use crate::report::theme::LAYERS;
use crate::report::{Figure, save_figures};

/// Cells along each side of the heat map of expected values.
const CELLS: usize = 24;
/// Larger values are clamped to this, so that differences do not overflow.
const LARGEST: f64 = 1e300;

/// A study, read for its page.
struct StudySummary {
    name: String,
    data: String,
    objective: String,
    higher: bool,
    space: Space,
    trials: Vec<Trial>,
    noise: Option<SeedNoise>,
    importance: Vec<Importance>,
    /// Secondary objectives, and the Pareto front.
    secondary: Vec<String>,
    run: Option<String>,
}

/// Writes every figure of a study to a folder, as SVG and, with the feature `figures`, as PNG.
///
/// # Errors
/// If the study cannot be read, or the folder cannot be written.
pub fn write_study_figures(study: &Study, folder: &Path) -> Result<()> {
    save_figures(&study_figures(study)?, folder)
}

/// A study as one self-contained page, without network access or scripts.
///
/// # Errors
/// If the study cannot be read.
pub fn study_html(study: &Study) -> Result<String> {
    let summary = StudySummary::read(study)?;
    let sections = sections(&summary);
    let source = format!("Written by Thalweg {} from the study’s file.", env!("CARGO_PKG_VERSION"));
    Ok(document(&summary.name, &claim(&summary), &header(&summary), &sections, &source))
}

/// What the page says of a study, as HTML for another page; the styles are [`css`](crate::report::css).
///
/// # Errors
/// If the study cannot be read.
pub fn study_sections(study: &Study) -> Result<String> {
    let summary = StudySummary::read(study)?;
    Ok(header(&summary) + &sections(&summary))
}

fn sections(summary: &StudySummary) -> String {
    [chance(summary), history(summary), mattered(summary), lay(summary), front(summary), trials(summary)].concat()
}

/// The figures of a study, in the page's order.
///
/// # Errors
/// If the study cannot be read.
pub fn study_figures(study: &Study) -> Result<Vec<Figure>> {
    let summary = StudySummary::read(study)?;
    let drawings = [
        progress(&summary),
        importance(&summary),
        contour(&summary),
        slices(&summary),
        parallel(&summary),
        pareto(&summary),
    ];
    Ok(drawings.into_iter().flatten().map(Figure::new).collect())
}

impl StudySummary {
    fn read(study: &Study) -> Result<StudySummary> {
        let config = study.config()?;
        let (space, trials) = (Space::new(&config)?, study.trials()?);
        Ok(StudySummary {
            name: study.path().file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            data: config.data.path.clone(),
            objective: study.objective.clone(),
            higher: study.higher,
            noise: SeedNoise::measure(&trials),
            importance: super::importance(&space, &trials),
            secondary: config.tune.objective.iter().skip(1).cloned().collect(),
            run: study.run()?.map(|run| run.display().to_string()),
            space,
            trials,
        })
    }

    fn value(&self, value: f64) -> String {
        metric_value(&self.objective, value)
    }

    /// Search trials that have a value, and the baseline.
    fn valued(&self) -> impl Iterator<Item = (&Trial, f64)> {
        let search = self.trials.iter().filter(|trial| trial.kind != TrialKind::Seed);
        search
            .filter_map(|trial| Some((trial, trial.value.filter(|value| value.is_finite())?.clamp(-LARGEST, LARGEST))))
    }

    /// The tooltip of a trial.
    fn hover(&self, trial: &Trial) -> String {
        let value = trial.value.map_or("no value".into(), |value| self.value(value));
        let point: Vec<String> = trial.point.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let early = if trial.state == TrialState::Pruned { ", ended early" } else { "" };
        let point = if point.is_empty() { "as configured".into() } else { point.join(", ") };
        format!("trial {}: {value}{early} · {point}", trial.number)
    }

    /// The values that charts cover: all but the worst outliers, which are drawn at the edge.
    fn range(&self) -> (f64, f64) {
        let mut costs: Vec<f64> = self.valued().map(|(_, value)| if self.higher { -value } else { value }).collect();
        costs.sort_by(f64::total_cmp);
        let (Some(best), Some(worst)) = (costs.first(), costs.last()) else { return (0.0, 1.0) };
        let (quarter, most) = (costs[costs.len() / 4], costs[costs.len() * 3 / 4]);
        let edge = worst.min(most + 2.0 * (most - quarter)).max(best + 1e-12);
        if self.higher { (-edge, -best) } else { (*best, edge) }
    }

    fn dot(&self, trial: &Trial, x: f64, y: f64) -> Point {
        let best = super::best(&self.trials).is_some_and(|best| best.number == trial.number);
        let class = if best { "dev" } else { "train" };
        let opacity = if trial.state == TrialState::Pruned { 0.25 } else { 0.75 };
        Point { x, y, class, opacity, hover: self.hover(trial) }
    }
}

fn claim(summary: &StudySummary) -> String {
    match super::best(&summary.trials).and_then(|best| Some((best.number, best.value?))) {
        Some((number, value)) => {
            format!("Dev {} {} in trial {number}", metric_name(&summary.objective), summary.value(value))
        }
        None => "No trial has gone to its end yet".into(),
    }
}

fn header(summary: &StudySummary) -> String {
    let count = |state: TrialState| summary.trials.iter().filter(|trial| trial.state == state).count();
    let mut lead = vec![plural(summary.trials.len(), "trial")];
    for (state, words) in [(TrialState::Pruned, "ended early"), (TrialState::Failed, "failed")] {
        if count(state) > 0 {
            lead.push(format!("{} {words}", count(state)));
        }
    }
    lead.push(format!("{} of training", duration(summary.trials.iter().map(|trial| trial.seconds).sum())));
    let best = super::best(&summary.trials);
    let mut about = String::new();
    let mut fact = |name: &str, value: &str| {
        let _ = write!(about, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
    };
    fact("Data", &summary.data);
    let baseline = summary.trials.iter().find(|trial| trial.kind == TrialKind::Baseline).and_then(|trial| trial.value);
    if let Some(value) = baseline {
        fact("As configured", &summary.value(value));
    }
    for (name, value) in best.into_iter().flat_map(|best| &best.point) {
        fact(name, value);
    }
    if let Some(run) = &summary.run {
        fact("Its run", run);
    }
    format!(
        r#"<header><p class="eyebrow">Thalweg study · {}</p><h1>{}</h1><p class="lead">{}</p><dl class="about">{about}</dl></header>"#,
        escape(&summary.name),
        escape(&claim(summary)),
        escape(&lead.join(" · "))
    )
}

/// How much of the differences is noise.
fn chance(summary: &StudySummary) -> String {
    let (Some(noise), Some(best)) = (&summary.noise, super::best(&summary.trials)) else { return String::new() };
    let mut lines = vec![format!(
        "Trial {} had {} when it was chosen; trained with {} other seeds it has {} ± {}.",
        best.number,
        best.value.map_or(String::new(), |value| summary.value(value)),
        noise.seeds,
        summary.value(noise.mean),
        summary.value(noise.deviation)
    )];
    lines.push(match noise.alike.len() {
        0 => "Every other trial is worse by more than chance.".into(),
        n => {
            let numbers: Vec<String> = noise.alike.iter().take(20).map(usize::to_string).collect();
            let more = if n > 20 { ", …" } else { "" };
            format!("{} cannot be told from it: {}{more}.", plural(n, "trial"), numbers.join(", "))
        }
    });
    section("What is chance", "The best of many is lucky, too: other seeds show by how much.", &list(&lines))
}

fn history(summary: &StudySummary) -> String {
    progress(summary).map_or(String::new(), |drawing| {
        section(
            "Trial by trial",
            "A point a trial, pale where it was ended early; the line is the best so far.",
            &card(&drawing),
        )
    })
}

fn progress(summary: &StudySummary) -> Option<Drawing> {
    let points: Vec<Point> =
        summary.valued().map(|(trial, value)| summary.dot(trial, trial.number as f64, value)).collect();
    let last = points.last()?.x;
    let mut best: Option<f64> = None;
    let mut steps = Vec::new();
    for (trial, value) in summary.valued().filter(|(trial, _)| trial.state == TrialState::Done) {
        let better = best.is_none_or(|best| if summary.higher { value > best } else { value < best });
        if better {
            best = Some(value);
            steps.push((trial.number as f64, value));
        }
    }
    steps.extend(best.map(|best| (last, best)));
    let caption = Caption {
        name: "history",
        title: format!("Dev {} by trial", metric_name(&summary.objective)),
        description: format!("{}; {}.", claim(summary), plural(points.len(), "trial")),
    };
    let panel = Panel { name: "trial".into(), along: Along::Whole(0.0, last), points, steps };
    let y = metric_name(&summary.objective).into();
    Some(Points { caption, size: (1000.0, 320.0), columns: 1, y, range: summary.range(), panels: vec![panel] }.draw())
}

fn mattered(summary: &StudySummary) -> String {
    let figures: Vec<String> = [importance(summary), contour(summary)].iter().flatten().map(card).collect();
    let note = "How much worse a forest of regression trees, fitted to the trials, predicts them with one option’s values \
                shuffled; and what it expects over the two options that matter most, the darker the better.";
    match figures.len() {
        0 => String::new(),
        1 => section("What mattered", note, &figures.concat()),
        _ => section("What mattered", note, &format!(r#"<div class="pair">{}</div>"#, figures.concat())),
    }
}

fn importance(summary: &StudySummary) -> Option<Drawing> {
    let most = summary.importance.first().filter(|first| first.share > 0.0)?.share;
    let bar = |each: &Importance| Bar { name: each.name.clone(), share: each.share / most, value: percent(each.share) };
    let caption = Caption {
        name: "importance",
        title: "Importance of each option".into(),
        description: format!("Most important: {}.", summary.importance[0].name),
    };
    Some(Bars { caption, width: 460.0, bars: summary.importance.iter().map(bar).collect() }.draw())
}

/// Labels at some positions of a scale.
fn ticks(dimension: &Dimension, most: usize) -> Vec<(f64, String)> {
    let tick = |value: String| Some((dimension.scale.place(&value)?, shorten(&brief(&value), 14)));
    match &dimension.scale {
        Scale::Choice(choices) => choices.iter().cloned().filter_map(tick).collect(),
        scale => {
            let values = (0..most).map(|i| scale.value(i as f64 / (most - 1) as f64));
            let mut ticks: Vec<(f64, String)> = values.filter_map(tick).collect();
            ticks.dedup_by(|a, b| a.1 == b.1);
            ticks
        }
    }
}

/// A value to three significant digits.
fn brief(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(x) if x != 0.0 && value.len() > 6 && x.abs() < 0.9 => {
            format!("{x:.2e}").parse::<f64>().map_or(value.into(), |x| x.to_string())
        }
        _ => value.into(),
    }
}

/// The forest's predictions over the two most important options.
fn contour(summary: &StudySummary) -> Option<Drawing> {
    let of = |importance: &Importance| {
        let i = summary.space.dimensions.iter().position(|dimension| dimension.name == importance.name)?;
        Some((i, &summary.space.dimensions[i]))
    };
    let [first, second, ..] = &summary.importance[..] else { return None };
    let ((i, x), (j, y)) = (of(first)?, of(second)?);
    let surrogate = Surrogate::fit(&summary.space, &summary.trials)?;
    let best = summary.space.places(&super::best(&summary.trials)?.point);
    let centre = |cell: usize| (cell as f64 + 0.5) / CELLS as f64;
    let row = |cell: usize| {
        let mut row: Vec<f64> = best.iter().map(|place| place.unwrap_or(0.5)).collect();
        (row[i], row[j]) = (centre(cell % CELLS), centre(cell / CELLS));
        row
    };
    let costs = surrogate.predict(&(0..CELLS * CELLS).map(row).collect::<Vec<_>>())?;
    // Nothing can be predicted from unbounded values.
    if !costs.iter().all(|cost| cost.abs() <= LARGEST) {
        return None;
    }
    let (low, high) = costs.iter().fold((f64::MAX, f64::MIN), |(low, high), &cost| (low.min(cost), high.max(cost)));
    let good = |cost: &f64| 1.0 - (cost - low) / (high - low).max(f64::MIN_POSITIVE);
    let points = summary.valued().filter_map(|(trial, _)| {
        let places = summary.space.places(&trial.point);
        Some(summary.dot(trial, places[i]?, places[j]?))
    });
    let drawing = Contour {
        caption: Caption {
            name: "contour",
            title: format!("{} and {}", x.name, y.name),
            description: "Expected values over the two options that matter most, the rest as in the best trial.".into(),
        },
        size: (460.0, 380.0),
        axes: [(x.name.clone(), ticks(x, 5)), (y.name.clone(), ticks(y, 5))],
        cells: costs.chunks(CELLS).map(|row| row.iter().map(good).collect()).collect(),
        points: points.collect(),
    };
    Some(drawing.draw())
}

fn lay(summary: &StudySummary) -> String {
    let figures: String = [slices(summary), parallel(summary)].iter().flatten().map(card).collect();
    if figures.is_empty() {
        return figures;
    }
    section(
        "Where good values lie",
        "Each option by itself; then all of them, a line a trial, the best ones on top.",
        &figures,
    )
}

/// One panel per option: its values and what they reached.
fn slices(summary: &StudySummary) -> Option<Drawing> {
    let panel = |(i, dimension): (usize, &Dimension)| {
        let points = summary
            .valued()
            .filter_map(|(trial, value)| Some(summary.dot(trial, summary.space.places(&trial.point)[i]?, value)));
        Panel {
            name: dimension.name.clone(),
            along: Along::Named(ticks(dimension, 4)),
            points: points.collect(),
            steps: Vec::new(),
        }
    };
    summary.valued().find(|(trial, _)| !trial.point.is_empty())?;
    let caption = Caption {
        name: "slices",
        title: format!("Dev {} by option", metric_name(&summary.objective)),
        description: "Each trial’s value over the values of each option.".into(),
    };
    let panels = summary.space.dimensions.iter().enumerate().map(panel).collect();
    let y = metric_name(&summary.objective).into();
    Some(Points { caption, size: (310.0, 250.0), columns: 3, y, range: summary.range(), panels }.draw())
}

fn parallel(summary: &StudySummary) -> Option<Drawing> {
    let (low, high) = summary.range();
    let place = |value: f64| ((value - low) / (high - low).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    let mut axes: Vec<Upright> = summary
        .space
        .dimensions
        .iter()
        .map(|dimension| Upright { name: dimension.name.clone(), ticks: ticks(dimension, 4) })
        .collect();
    let middle = 0.5 * (low + high);
    axes.push(Upright {
        name: metric_name(&summary.objective).into(),
        ticks: [low, middle, high].map(|value| (place(value), summary.value(value))).to_vec(),
    });
    let mut trials: Vec<(&Trial, f64)> = summary.valued().filter(|(trial, _)| !trial.point.is_empty()).collect();
    trials.sort_by(|a, b| if summary.higher { a.1.total_cmp(&b.1) } else { b.1.total_cmp(&a.1) });
    let thread = |(trial, value): &(&Trial, f64)| {
        let good = if summary.higher { place(*value) } else { 1.0 - place(*value) };
        let mut places = summary.space.places(&trial.point);
        places.push(Some(place(*value)));
        Thread {
            places,
            class: LAYERS[((1.0 - good) * (LAYERS.len() - 1) as f64).round() as usize],
            opacity: 0.15 + 0.75 * good * good,
            hover: summary.hover(trial),
        }
    };
    let threads: Vec<Thread> = trials.iter().map(thread).collect();
    threads.first()?;
    let caption = Caption {
        name: "parallel",
        title: "All options at once".into(),
        description: "A line a trial across all options; the darkest lines are the best trials.".into(),
    };
    Some(Parallel { caption, size: (1000.0, 340.0), axes, threads }.draw())
}

fn front(summary: &StudySummary) -> String {
    pareto(summary).map_or(String::new(), |drawing| {
        let note = "Trials with orange points are not beaten: what is better in one thing is worse in another.";
        section("What it costs", note, &card(&drawing))
    })
}

/// The value against each secondary objective.
fn pareto(summary: &StudySummary) -> Option<Drawing> {
    let beside = summary.secondary.first()?;
    let front: Vec<usize> =
        super::front(&summary.trials, &summary.secondary).iter().map(|trial| trial.number).collect();
    let costs = |trial: &Trial| trial.others.get(beside).copied().filter(|x| *x > 0.0);
    let all: Vec<(&Trial, f64, f64)> = summary
        .valued()
        .filter(|(trial, _)| trial.state == TrialState::Done)
        .filter_map(|(trial, value)| Some((trial, costs(trial)?.log10(), value)))
        .collect();
    let (low, high) = all.iter().fold((f64::MAX, f64::MIN), |(low, high), (_, x, _)| (low.min(*x), high.max(*x)));
    let span = (high - low).max(1e-9);
    let points = all.iter().map(|(trial, x, value)| {
        let class = if front.contains(&trial.number) { "dev" } else { "train" };
        let hover = format!("{} · {beside} {}", summary.hover(trial), text::number(10f64.powf(*x), 3));
        Point { x: 0.05 + 0.9 * (x - low) / span, y: *value, class, opacity: 0.75, hover }
    });
    let tick = |share: f64| (0.05 + 0.9 * share, text::number(10f64.powf(low + share * span), 2));
    let panel = Panel {
        name: format!("{beside} (log scale)"),
        along: Along::Named([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0].map(tick).to_vec()),
        points: points.collect(),
        steps: Vec::new(),
    };
    let caption = Caption {
        name: "front",
        title: format!("Dev {} and {beside}", metric_name(&summary.objective)),
        description: format!("{} are not beaten.", plural(front.len(), "trial")),
    };
    let y = metric_name(&summary.objective).into();
    (!all.is_empty()).then(|| {
        Points { caption, size: (1000.0, 320.0), columns: 1, y, range: summary.range(), panels: vec![panel] }.draw()
    })
}

fn trials(summary: &StudySummary) -> String {
    let mut all: Vec<&Trial> = summary.trials.iter().collect();
    let cost = |trial: &Trial| (trial.state != TrialState::Done, trial.cost.unwrap_or(f64::MAX));
    all.sort_by(|a, b| cost(a).0.cmp(&cost(b).0).then(cost(a).1.total_cmp(&cost(b).1)));
    let row = |trial: &&Trial| {
        let what = match trial.kind {
            TrialKind::Baseline => "as configured".into(),
            TrialKind::Seed => format!("the best one, seed {}", trial.seed),
            TrialKind::Search => {
                trial.point.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
            }
        };
        let state = match trial.state {
            TrialState::Done => "",
            TrialState::Pruned => "ended early",
            TrialState::Failed => "failed",
            _ => "under way",
        };
        let why = trial.why.as_deref().filter(|_| trial.state == TrialState::Failed).unwrap_or_default();
        format!(
            r#"<tr><td class="r">{}</td><td class="r">{}</td><td>{state}</td><td class="wide">{} {}</td><td class="r">{}</td><td class="r">{}</td></tr>"#,
            trial.number,
            trial.value.map_or("–".into(), |value| summary.value(value)),
            escape(&what),
            escape(&shorten(why, 160)),
            trial.epochs,
            duration(trial.seconds)
        )
    };
    let head = format!(
        r#"<th class="r">Trial</th><th class="r">Dev {}</th><th></th><th>Values</th><th class="r">Epochs</th><th class="r">Time</th>"#,
        escape(metric_name(&summary.objective))
    );
    let rows: Vec<String> = all.iter().map(row).collect();
    section(
        "All trials",
        "From the best to the worst.",
        &format!(r#"<div class="card">{}</div>"#, folded(&head, &rows, "trials")),
    )
}

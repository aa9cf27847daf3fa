//! 95 % intervals have the value of the population in about 95 of 100 samples.

use thalweg::metrics::{self, Metrics};
use thalweg::random::Stream;
use thalweg::task::Task;

const SAMPLES: usize = 1_000;
const ROWS: usize = 200;

/// The draws of one sample.
struct Draws {
    stream: Stream,
    next: u32,
}

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.next += 1;
        self.stream.uniform(0, self.next)
    }

    /// By Box and Muller.
    fn normal(&mut self) -> f64 {
        let (radius, angle) = ((-2.0 * (1.0 - self.uniform()).ln()).sqrt(), std::f64::consts::TAU * self.uniform());
        radius * angle.cos()
    }
}

/// In what share of the samples each interval has the true value.
fn coverage(truth: &[(&str, f64)], sample: impl Fn(&mut Draws) -> Metrics) -> Vec<f64> {
    let mut covered = vec![0.0; truth.len()];
    for i in 0..SAMPLES {
        let metrics = sample(&mut Draws { stream: Stream::new(i as u64, 99), next: 0 });
        for (covered, (name, value)) in covered.iter_mut().zip(truth) {
            let metric = metrics[*name];
            *covered += f64::from(metric.low.unwrap() <= *value && *value <= metric.high.unwrap()) / SAMPLES as f64;
        }
    }
    covered
}

fn check(what: &str, truth: &[(&str, f64)], sample: impl Fn(&mut Draws) -> Metrics) {
    for (share, (name, _)) in coverage(truth, sample).into_iter().zip(truth) {
        assert!((0.925..0.98).contains(&share), "{what}: {name} is covered in {share}");
    }
}

/// Φ by integration of the density, to 10⁻⁹.
fn normal_cdf(x: f64) -> f64 {
    let (from, steps) = (-9.0, 20_000);
    let step = (x - from) / f64::from(steps);
    let density = |t: f64| (-t * t / 2.0).exp() / std::f64::consts::TAU.sqrt();
    (0..steps).map(|i| density(from + (f64::from(i) + 0.5) * step) * step).sum()
}

#[test]
fn of_rankings() {
    // Negatives are N(0, 1), positives N(1, 1), 2 in 5 rows. The AUC is Φ(1/√2), the average precision ∫ P/(P + N) dP.
    let share = 0.4;
    let (mut precision, step) = (0.0, 0.005);
    for i in 0..2_800 {
        let t = -6.0 + (f64::from(i) + 0.5) * step;
        let density = (-(t - 1.0) * (t - 1.0) / 2.0).exp() / std::f64::consts::TAU.sqrt();
        let (p, n) = (share * normal_cdf(1.0 - t), (1.0 - share) * normal_cdf(-t));
        precision += step * density * p / (p + n);
    }
    let truth = [("roc_auc", normal_cdf(0.5f64.sqrt())), ("pr_auc", precision)];
    check("binormal", &truth, |draws| {
        let truths: Vec<f64> = (0..ROWS).map(|_| f64::from(draws.uniform() < share)).collect();
        let answers: Vec<f64> = truths.iter().map(|y| 1.0 / (1.0 + (-y - draws.normal()).exp())).collect();
        metrics::evaluate(Task::Binary, &answers, 1, &truths, None)
    });
}

#[test]
fn of_classes_and_weights() {
    // Three classes of 1/2, 3/10 and 1/5, found in 4 of 5 rows and otherwise the next one.
    let shares = [0.5, 0.3, 0.2];
    let next = |class: usize| (class + 1) % 3;
    let f1 = |class: usize| {
        let before = shares[(class + 2) % 3];
        2.0 * 0.8 * shares[class] / (shares[class] + 0.8 * shares[class] + 0.2 * before)
    };
    let truth = [("accuracy", 0.8), ("f1_macro", (f1(0) + f1(1) + f1(2)) / 3.0)];
    for weighted in [false, true] {
        check(if weighted { "classes, weighted" } else { "classes" }, &truth, |draws| {
            let (mut answers, mut truths, mut weights) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..ROWS {
                let u = draws.uniform();
                let class = if u < 0.5 {
                    0
                } else if u < 0.8 {
                    1
                } else {
                    2
                };
                let chosen = if draws.uniform() < 0.8 { class } else { next(class) };
                answers.extend((0..3).map(|column| if column == chosen { 0.8 } else { 0.1 }));
                truths.push(class as f64);
                weights.push(0.5 + draws.uniform());
            }
            metrics::evaluate(Task::Multiclass, &answers, 3, &truths, weighted.then_some(&weights[..]))
        });
    }
}

#[test]
fn of_numbers() {
    // y is uniform on (1, 3), its variance 1/3; e is N(0, 0.3²). E|e/y| = 0.3·√(2/π)·ln 3 / 2.
    let truth = [
        ("rmse", 0.3),
        ("mae", 0.3 * std::f64::consts::FRAC_2_PI.sqrt()),
        ("r2", 1.0 - 0.09 * 3.0),
        ("mape", 0.3 * std::f64::consts::FRAC_2_PI.sqrt() * 3f64.ln() / 2.0),
    ];
    check("numbers", &truth, |draws| {
        let truths: Vec<f64> = (0..ROWS).map(|_| 1.0 + 2.0 * draws.uniform()).collect();
        let answers: Vec<f64> = truths.iter().map(|y| y + 0.3 * draws.normal()).collect();
        metrics::evaluate(Task::Regression, &answers, 1, &truths, None)
    });
}

/// Chance only adds to the error, so the interval is wider than it need be.
#[test]
fn of_calibration() {
    // Probabilities in the middles of bins come true as often as they say, or a tenth of the way to a half less.
    for (wrong, error) in [(0.0, 0.0), (0.1, 0.1 * 56.0 / 225.0)] {
        let covered = coverage(&[("ece", error)], |draws| {
            let answers: Vec<f64> = (0..ROWS).map(|_| ((draws.uniform() * 15.0).floor() + 0.5) / 15.0).collect();
            let comes = |p: f64| p + wrong * (0.5 - p);
            let truths: Vec<f64> = answers.iter().map(|p| f64::from(draws.uniform() < comes(*p))).collect();
            metrics::evaluate(Task::Binary, &answers, 1, &truths, None)
        });
        assert!(covered[0] > 0.95, "{error} is covered in {}", covered[0]);
    }
}

//! Runs that each have one known fault, and healthy ones.

use std::path::Path;

/// A run with one fault.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    /// The finding that must come first.
    pub(crate) code: &'static str,
    pub(crate) data: Data,
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// The dev metric that what is prescribed is to make better.
    pub(crate) metric: &'static str,
    /// Whether the short form has it, too.
    pub(crate) short: bool,
}

/// What a run is trained on.
#[derive(Clone, Copy)]
pub(crate) enum Data {
    Named(&'static str),
    /// A table, and dev rows of their own where there are any.
    Made(fn() -> (String, Option<String>)),
    /// A folder of sounds, high and low.
    Sounds,
}

/// Numbers from 0 to 1 that are the same on every machine (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Of deviation 1, by the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() - 6.0
    }
}

/// Two classes about ± `apart` in four columns; `columns` adds cells to a row from its number and its class.
fn blobs(
    rows: usize,
    apart: f64,
    seed: u64,
    mut more: impl FnMut(&mut Numbers, usize, bool) -> (String, bool),
) -> String {
    let mut numbers = Numbers(seed);
    let mut text = String::new();
    for row in 0..rows {
        let class = numbers.next() < 0.5;
        let x = (0..4).map(|column| {
            let center = if class == (column % 2 == 0) { apart } else { -apart };
            format!("{:.5}", center + numbers.normal())
        });
        let cells = x.collect::<Vec<_>>().join(",");
        let (added, label) = more(&mut numbers, row, class);
        text += &format!("{cells}{added},{}\n", if label { "yes" } else { "no" });
    }
    text
}

fn leak() -> (String, Option<String>) {
    let rows =
        blobs(600, 0.5, 1, |_, row, class| (format!(",{}", if class { 50 + row % 7 } else { 10 + row % 7 }), class));
    (format!("a,b,c,d,refund,label\n{rows}"), None)
}

fn shifted_dev() -> (String, Option<String>) {
    // Two columns of dev are in other units.
    let part = |rows, seed, shift: f64| {
        blobs(rows, 0.6, seed, move |numbers, _, class| {
            let e = if class { 0.5 } else { -0.5 } + numbers.normal() + shift;
            let f = if class { 0.5 } else { -0.5 } + numbers.normal() + shift;
            (format!(",{e:.4},{f:.4}"), class)
        })
    };
    let header = "a,b,c,d,e,f,label\n";
    (format!("{header}{}", part(800, 2, 0.0)), Some(format!("{header}{}", part(300, 3, 4.0))))
}

fn wrong_labels() -> (String, Option<String>) {
    let rows = blobs(1_500, 1.5, 4, |numbers, _, class| (String::new(), class != (numbers.next() < 0.2)));
    (format!("a,b,c,d,label\n{rows}"), None)
}

fn few_rows_many_columns() -> (String, Option<String>) {
    let columns = (0..150).map(|i| format!("n{i}")).collect::<Vec<_>>().join(",");
    let rows = blobs(400, 0.45, 5, |numbers, _, class| {
        ((0..150).map(|_| format!(",{:.4}", numbers.normal())).collect(), class)
    });
    (format!("a,b,c,d,{columns},label\n{rows}"), None)
}

fn exclusive_or() -> (String, Option<String>) {
    let mut numbers = Numbers(6);
    let rows = (0..600).map(|_| {
        let (a, b) = (2.0 * numbers.next() - 1.0, 2.0 * numbers.next() - 1.0);
        format!("{a:.5},{b:.5},{}\n", if (a > 0.0) != (b > 0.0) { "yes" } else { "no" })
    });
    (format!("a,b,label\n{}", rows.collect::<String>()), None)
}

fn imbalanced() -> (String, Option<String>) {
    let mut numbers = Numbers(7);
    let rows = (0..4_000).map(|i| {
        let rare = i % 100 == 0;
        let x: Vec<String> =
            (0..4).map(|_| format!("{:.5}", numbers.normal() + if rare { 1.1 } else { 0.0 })).collect();
        format!("{},{}\n", x.join(","), if rare { "fraud" } else { "fair" })
    });
    (format!("a,b,c,d,label\n{}", rows.collect::<String>()), None)
}

fn copied_rows() -> (String, Option<String>) {
    let rows = blobs(500, 0.5, 8, |_, _, class| (String::new(), class));
    let copies: String = rows.lines().map(|line| format!("{line}\n{line}\n")).collect();
    (format!("a,b,c,d,label\n{copies}"), None)
}

/// Each row is measured twice.
fn measured_twice() -> (String, Option<String>) {
    let mut numbers = Numbers(12);
    let rows = blobs(500, 0.5, 13, |_, _, class| (String::new(), class));
    let mut again = |line: &str| {
        let cell =
            |cell: &str| cell.parse::<f64>().map_or(cell.into(), |x| format!("{:.5}", x + 2e-4 * numbers.normal()));
        line.split(',').map(cell).collect::<Vec<_>>().join(",")
    };
    let twice: String = rows.lines().map(|line| format!("{line}\n{}\n", again(line))).collect();
    (format!("a,b,c,d,label\n{twice}"), None)
}

/// One column tells the answer in train, another in dev.
fn another_relation() -> (String, Option<String>) {
    let part = |rows, seed, telling: usize| {
        let mut numbers = Numbers(seed);
        let row = |_| {
            let x: [f64; 4] = std::array::from_fn(|_| numbers.normal());
            let label = if x[telling] + 0.3 * numbers.normal() > 0.0 { "yes" } else { "no" };
            format!("{:.4},{:.4},{:.4},{:.4},{label}\n", x[0], x[1], x[2], x[3])
        };
        format!("a,b,c,d,label\n{}", (0..rows).map(row).collect::<String>())
    };
    (part(800, 14, 0), Some(part(300, 15, 1)))
}

/// Prices of houses, all near one value.
fn far_from_zero() -> (String, Option<String>) {
    let mut numbers = Numbers(9);
    let rows = (0..800).map(|_| {
        let x: Vec<f64> = (0..3).map(|_| numbers.normal()).collect();
        let y = 300.0 + 2.0 * x[0] - x[1] + 0.5 * x[0] * x[2] + 0.3 * numbers.normal();
        format!("{:.4},{:.4},{:.4},{y:.4}\n", x[0], x[1], x[2])
    });
    (format!("size,rooms,age,price\n{}", rows.collect::<String>()), None)
}

fn separable() -> (String, Option<String>) {
    (format!("a,b,c,d,label\n{}", blobs(1_200, 0.5, 10, |_, _, class| (String::new(), class))), None)
}

const DIGITS: Data = Data::Named("sample:digits");

const fn planted(
    name: &'static str,
    code: &'static str,
    data: Data,
    settings: &'static [(&'static str, &'static str)],
) -> Planted {
    Planted { name, code, data, settings, metric: "accuracy", short: false }
}

const fn in_short(of: Planted) -> Planted {
    Planted { short: true, ..of }
}

/// One fault each.
pub(crate) const PLANTED: [Planted; 24] = [
    in_short(planted(
        "too deep, weights of 0",
        "zero-initialisation",
        DIGITS,
        &[("layers", "32,32,32,32,32,32,32,32"), ("init", "zeros"), ("epochs", "6")],
    )),
    planted(
        "too deep, large weights",
        "initial-weights-too-large",
        DIGITS,
        &[("layers", "64,64,64,64,64,64,64,64"), ("init", "normal"), ("init_scale", "1"), ("epochs", "10")],
    ),
    planted(
        "products that explode",
        "exploding-signals",
        DIGITS,
        &[
            ("layers", "32,32,32,32,32,32,32,32,32,32,32,32,32,32,32,32"),
            ("activation", "identity"),
            ("init", "he_normal"),
            ("epochs", "10"),
        ],
    ),
    planted(
        "deep sigmoids",
        "vanishing-signals",
        DIGITS,
        &[("layers", "32,32,32,32,32,32"), ("activation", "sigmoid"), ("epochs", "10")],
    ),
    in_short(planted(
        "rate × 100",
        "learning-rate-too-high",
        DIGITS,
        &[("layers", "64,32"), ("learning_rate", "0.2"), ("epochs", "10")],
    )),
    planted(
        "rate ÷ 1000",
        "learning-rate-too-low",
        DIGITS,
        &[("layers", "64,32"), ("learning_rate", "0.000002"), ("epochs", "10")],
    ),
    planted(
        "dead ReLUs",
        "dead-from-the-start",
        DIGITS,
        &[
            ("normalise", "min_max"),
            (
                "layer",
                r#"[{kind="linear",units=64,activation="relu",init={constant=-0.1}},{kind="linear",units=32,activation="relu"}]"#,
            ),
            ("epochs", "10"),
        ],
    ),
    planted(
        "raw inputs",
        "inputs-not-normalised",
        Data::Named("sample:breast-cancer"),
        &[("layers", "32,16"), ("normalise", "none"), ("epochs", "20")],
    ),
    Planted {
        metric: "r2",
        ..planted(
            "raw inputs of tanh",
            "saturated-units",
            Data::Named("sample:diabetes"),
            &[("layers", "32,16"), ("activation", "tanh"), ("normalise", "none"), ("epochs", "20")],
        )
    },
    in_short(planted("a leak", "leakage", Data::Made(leak), &[("layers", "16"), ("epochs", "20")])),
    in_short(planted(
        "shifted dev",
        "distribution-shift",
        Data::Made(shifted_dev),
        &[("layers", "16"), ("epochs", "20"), ("split", "0.8,0,0.2")],
    )),
    planted("20 % wrong labels", "suspect-labels", Data::Made(wrong_labels), &[("layers", "64,64"), ("epochs", "40")]),
    Planted {
        metric: "log_loss",
        ..planted(
            "few rows, many columns",
            "high-variance",
            Data::Made(few_rows_many_columns),
            &[("layers", "256,256"), ("dropout", "0"), ("epochs", "100"), ("patience", "0"), ("monitor", "accuracy")],
        )
    },
    in_short(planted(
        "a linear network on XOR",
        "no-hidden-layers",
        Data::Made(exclusive_or),
        &[("layers", "none"), ("epochs", "40")],
    )),
    planted(
        "batch norm with batches of 2",
        "batch-norm-tiny-batch",
        Data::Named("sample:breast-cancer"),
        &[("layers", "32,16"), ("batch_norm", "true"), ("batch_size", "2"), ("epochs", "8")],
    ),
    planted(
        "a threshold out of reach",
        "constant-answers",
        Data::Made(separable),
        &[("layers", "16"), ("epochs", "20"), ("threshold", "1")],
    ),
    planted(
        "too few epochs",
        "still-improving",
        DIGITS,
        &[("layers", "32"), ("epochs", "3"), ("schedule", "constant"), ("learning_rate", "0.0005")],
    ),
    planted(
        "too strong L2",
        "too-much-regularisation",
        DIGITS,
        &[("layers", "64,32"), ("l2", "3000"), ("epochs", "15")],
    ),
    Planted {
        metric: "f1_macro",
        ..planted(
            "one in a hundred, by accuracy",
            "class-imbalance",
            Data::Made(imbalanced),
            &[("layers", "16"), ("epochs", "15")],
        )
    },
    planted(
        "copies across splits",
        "equal-rows-across-splits",
        Data::Made(copied_rows),
        &[("layers", "16"), ("epochs", "15")],
    ),
    in_short(planted(
        "rows measured twice",
        "near-copies-across-splits",
        Data::Made(measured_twice),
        &[("layers", "16"), ("epochs", "15")],
    )),
    in_short(planted(
        "another relation in dev",
        "data-mismatch",
        Data::Made(another_relation),
        &[("layers", "16"), ("epochs", "15"), ("split", "0.8,0,0.2")],
    )),
    Planted {
        metric: "r2",
        ..planted(
            "an output far from its target",
            "high-initial-loss",
            Data::Made(far_from_zero),
            &[("layers", "16"), ("scale_target", "false"), ("epochs", "20")],
        )
    },
    Planted {
        metric: "log_loss",
        ..planted(
            "data that keeps training waiting",
            "data-starves-training",
            Data::Sounds,
            &[("layers", "8"), ("pitch", "4"), ("epochs", "15")],
        )
    },
];

/// A run without a fault.
pub(crate) struct Healthy {
    pub(crate) name: &'static str,
    /// Its data; `DATA` is the folder of real data sets.
    pub(crate) data: &'static str,
    pub(crate) settings: &'static [(&'static str, &'static str)],
    pub(crate) short: bool,
}

const fn healthy(name: &'static str, data: &'static str, settings: &'static [(&'static str, &'static str)]) -> Healthy {
    Healthy { name, data, settings, short: false }
}

/// The samples and real data, with default settings and with networks that people write.
pub(crate) const HEALTHY: [Healthy; 12] = [
    Healthy { short: true, ..healthy("iris", "sample:iris", &[]) },
    healthy("digits", "sample:digits", &[]),
    healthy("breast cancer", "sample:breast-cancer", &[]),
    healthy("wine quality", "sample:wine-quality", &[]),
    healthy("diabetes", "sample:diabetes", &[]),
    healthy("digits, two layers", "sample:digits", &[("layers", "64,32"), ("epochs", "30")]),
    healthy("digits, batch norm", "sample:digits", &[("layers", "64,64"), ("batch_norm", "true"), ("epochs", "30")]),
    healthy("breast cancer, tanh", "sample:breast-cancer", &[("layers", "16,16"), ("activation", "tanh")]),
    healthy("diabetes, linear", "sample:diabetes", &[("layers", "none")]),
    healthy("iris, the course’s recipe", "sample:iris", &[("recipe", "course"), ("layers", "16"), ("epochs", "200")]),
    healthy("titanic", "DATA/titanic/train.csv", &[("target", "Survived")]),
    healthy(
        "adult",
        "DATA/adult/adult-train.csv",
        &[("test", "DATA/adult/adult-test.csv"), ("layers", "64,32"), ("epochs", "6")],
    ),
];

/// Writes a run's data to a folder; gives its path and that of dev.
pub(crate) fn write(data: Data, folder: &Path) -> (String, Option<String>) {
    let save = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    match data {
        Data::Named(name) => (name.into(), None),
        Data::Made(make) => {
            let (main, dev) = make();
            (save("rows.csv", main), dev.map(|dev| save("dev.csv", dev)))
        }
        Data::Sounds => {
            let sounds = folder.join("sounds");
            write_sounds(&sounds);
            (sounds.display().to_string(), None)
        }
    }
}

/// A second of a tone with noise each, as WAV files of 16 bits at 8 kHz.
fn write_sounds(folder: &Path) {
    let mut numbers = Numbers(11);
    for (class, pitch) in [("low", 330.0), ("high", 440.0)] {
        std::fs::create_dir_all(folder.join(class)).unwrap();
        for i in 0..40 {
            let pitch = pitch * (1.0 + 0.08 * numbers.next());
            let sample = |t: usize, noise: f64| {
                6000.0 * (std::f64::consts::TAU * pitch * t as f64 / 8000.0).sin() + 2500.0 * noise
            };
            let samples = (0..8000).flat_map(|t| (sample(t, numbers.normal()) as i16).to_le_bytes());
            let samples: Vec<u8> = samples.collect();
            let mut file = b"RIFF".to_vec();
            file.extend((36 + samples.len() as u32).to_le_bytes());
            file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
            file.extend(8000_u32.to_le_bytes());
            file.extend(16000_u32.to_le_bytes());
            file.extend(b"\x02\0\x10\0data");
            file.extend((samples.len() as u32).to_le_bytes());
            file.extend(samples);
            std::fs::write(folder.join(class).join(format!("{i}.wav")), file).unwrap();
        }
    }
}

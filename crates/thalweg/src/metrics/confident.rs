//! Confident learning: which labels the answers of models that have not seen them contradict ("Confident Learning:
//! Estimating Uncertainty in Dataset Labels", Northcutt, Jiang and Chuang 2021).

/// For each row the class that contradicts its label; none where no class does.
///
/// With p_k the probability of class k by a model that was not trained on the row, and
///
/// t_k = mean of p_k over the rows labelled k,
///
/// row i, labelled y, counts as one of class j = argmax of p_k over the classes with p_k ≥ t_k. Rows with j ≠ y are those
/// off the diagonal of the confident joint; of these the ones that the model answers with y all the same are left out.
///
/// ```
/// use thalweg::metrics::contradicting_classes;
///
/// let labels = [0, 0, 0, 1, 1, 1];
/// let p = [0.9, 0.1, 0.8, 0.2, 0.1, 0.9, 0.3, 0.7, 0.1, 0.9, 0.2, 0.8];
/// assert_eq!(contradicting_classes(&labels, &p, 2), [None, None, Some(1), None, None, None]);
/// ```
///
/// # Panics
/// If there are not `classes` probabilities for each label.
pub fn contradicting_classes(labels: &[usize], probabilities: &[f64], classes: usize) -> Vec<Option<usize>> {
    assert_eq!(probabilities.len(), labels.len() * classes, "probabilities of every row");
    let rows = || labels.iter().zip(probabilities.chunks_exact(classes.max(1)));
    let (mut sums, mut counts) = (vec![0.0; classes], vec![0.0; classes]);
    for (&label, p) in rows() {
        sums[label] += p[label];
        counts[label] += 1.0;
    }
    // The threshold of a class without rows is NaN, and no probability reaches it.
    let thresholds: Vec<f64> = sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect();
    let likeliest = |p: &[f64], among: &dyn Fn(usize) -> bool| {
        let known = (0..classes).filter(|class| among(*class));
        known.reduce(|best, class| if p[class] > p[best] { class } else { best })
    };
    let contradicting = |(&label, p): (&usize, &[f64])| {
        let class = likeliest(p, &|class| p[class] >= thresholds[class])?;
        (class != label && likeliest(p, &|_| true) != Some(label)).then_some(class)
    };
    rows().map(contradicting).collect()
}

/// (1 + p_y − max over k ≠ y of p_k) / 2: from 0, where another class than the label y is certain, to 1.
pub fn normalised_margin(label: usize, probabilities: &[f64]) -> f64 {
    let others = probabilities.iter().enumerate().filter(|(class, _)| *class != label).map(|(_, p)| *p);
    (1.0 + probabilities[label] - others.fold(0.0, f64::max)) / 2.0
}

/// How far each number is from the median, in units of the median distance from it:
/// 0.6745 (x − median) / MAD; more than 3.5 is an outlier ("How to Detect and Handle Outliers", Iglewicz and Hoaglin
/// 1993). Where more than half of the numbers are equal, the mean distance takes the place: (x − median) / (1.2533 mean).
///
/// ```
/// let z = thalweg::metrics::modified_z_scores(&[1.0, 2.0, 3.0, 4.0, 100.0]);
/// assert!((z[4] - 0.6745 * 97.0).abs() < 1e-12 && z[2] == 0.0);
/// ```
pub fn modified_z_scores(numbers: &[f64]) -> Vec<f64> {
    let centre = median(numbers);
    let distances: Vec<f64> = numbers.iter().map(|x| (x - centre).abs()).collect();
    let unit = match median(&distances) {
        mad if mad > 0.0 => mad / 0.6745,
        _ => 1.2533 * distances.iter().sum::<f64>() / distances.len().max(1) as f64,
    };
    numbers.iter().map(|x| if unit > 0.0 { (x - centre) / unit } else { 0.0 }).collect()
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

//! Optimisers.

use serde_json::Value;
use thalweg::optimizers::{self, Adam, Epsilon, GradientDescent, Momentum, MomentumForm, Optimizer, RmsProp, Step};
use thalweg::tensor::{Dtype, Tensor, ops};

use super::numbers::{assert_near, distance, golden, list, number, numbers, tensor, text};

/// In [−1, 1), exact: SplitMix64's output for state i.
fn uniform(i: u64) -> f64 {
    let z = i.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0
}

fn optimizer(kind: &str, settings: &Value) -> Box<dyn Optimizer> {
    let of = |key: &str| number(&settings[key]);
    let placement = || if text(&settings["placement"]) == "inside" { Epsilon::Inside } else { Epsilon::Outside };
    let is = |key: &str| settings[key].as_bool().unwrap();
    match kind {
        "gradient_descent" => Box::new(GradientDescent),
        "momentum" => Box::new(Momentum {
            beta: of("beta"),
            form: if text(&settings["form"]) == "pytorch" { MomentumForm::Pytorch } else { MomentumForm::Course },
            nesterov: is("nesterov"),
            bias_correction: is("bias_correction"),
        }),
        "rmsprop" => Box::new(RmsProp {
            beta: of("beta"),
            epsilon: of("epsilon"),
            placement: placement(),
            bias_correction: is("bias_correction"),
        }),
        "adam" => Box::new(Adam {
            beta1: of("beta1"),
            beta2: of("beta2"),
            epsilon: of("epsilon"),
            placement: placement(),
            weight_decay: of("weight_decay"),
        }),
        _ => panic!("no optimiser {kind}"),
    }
}

/// θ and the state after 1,000 steps on gradients that both sides compute exactly: from 1 down to 1e-10, and zeros.
#[test]
fn optimizers_over_a_thousand_steps() {
    let golden = golden("optimizers");
    let exponents = numbers(&golden["exponents"]);
    let every = numbers(&golden["every"]);
    let gradient_at = |t: u64| -> Vec<f64> {
        let entry = |j: usize| match t.is_multiple_of(every[j] as u64) {
            true => exponents[j].exp2() * uniform(16 * (t - 1) + j as u64),
            false => 0.0,
        };
        (0..16).map(entry).collect()
    };
    assert_eq!(gradient_at(1), numbers(&golden["first_gradient"]), "both sides take the same gradients");
    let mut finals: Vec<(String, Vec<f64>)> = Vec::new();
    for case in list(&golden["cases"]) {
        let (name, settings) = (text(&case["name"]), &case["settings"]);
        let optimizer = optimizer(text(&case["optimizer"]), settings);
        let learning_rate = number(&settings["learning_rate"]);
        let l2 = settings.get("l2").map_or(0.0, number);
        let mut theta = tensor([16], &golden["theta0"]);
        let mut state = optimizers::new_state(&*optimizer, 16, Dtype::F64);
        let mut saved = list(&case["saved"]).iter().peekable();
        for t in 1..=1000 {
            let mut gradient = Tensor::from_f64([16], gradient_at(t));
            ops::add_scaled(gradient.view_mut(), l2, theta.view());
            // Decoupled decay is up to the training loop, which knows which entries are weights.
            ops::scale(theta.view_mut(), 1.0 - learning_rate * optimizer.weight_decay());
            optimizer.step(Step { t, learning_rate }, theta.view_mut(), gradient.view(), &mut state);
            if let Some(expected) = saved.next_if(|saved| number(&saved["t"]) == t as f64) {
                assert_near(
                    &format!("{name}, θ after {t} steps"),
                    &theta.to_f64(),
                    &numbers(&expected["theta"]),
                    1e-15,
                );
                let vectors = list(&expected["state"]);
                assert_eq!(state.len(), vectors.len(), "{name}: vectors of state");
                for (ours, theirs) in state.iter().zip(vectors) {
                    let what = format!("{name}, state after {t} steps");
                    assert_near(&what, &ours.to_f64(), &numbers(theirs), 1e-14);
                }
            }
        }
        assert!(saved.next().is_none(), "{name}: a saved step was not reached");
        // The test can tell the variants apart: no two cases end near each other.
        for (other, theta_of_other) in &finals {
            let apart = distance(&theta.to_f64(), theta_of_other);
            assert!(apart > 1e-10, "{name} and {other} end only {apart:e} apart");
        }
        finals.push((name.into(), theta.to_f64()));
    }
}

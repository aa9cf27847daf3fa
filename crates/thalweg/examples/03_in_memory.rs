//! Numbers of one's own, without files: fit, judge, answer. `cargo run -p thalweg --example 03_in_memory`

use thalweg::Training;
use thalweg::data::arrays::Arrays;

fn main() -> thalweg::Result<()> {
    // y = sin x, at 300 places.
    let x: Vec<f32> = (0..300).map(|i| i as f32 * 0.02).collect();
    let y = x.iter().map(|x| x.sin().to_string());
    let sine = Arrays::new("sine", &[1], x.clone())?.with_answers("y", y)?;

    let trained = Training::new().layers([32, 32]).learning_rate(0.01).epochs(200).fit(&sine)?;
    let metrics = &trained.model.provenance.metrics;
    println!("r2 on test rows {:.4}", metrics.test["r2"].value);

    let places = Arrays::new("places", &[1], vec![0.5, 1.5, 3.0])?;
    let answers = trained.model.answer_arrays(&places, Default::default())?;
    for (x, answer) in places.x.iter().zip(answers.predictions) {
        println!("sin {x} is about {}", answer[0]);
    }
    Ok(())
}

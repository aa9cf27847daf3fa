//! From a table to answers: train, load the model, ask it. `cargo run -p thalweg --example 02_table`

use thalweg::event::Event;
use thalweg::model::Model;
use thalweg::{Task, Training};

fn main() -> thalweg::Result<()> {
    let folder = std::env::temp_dir().join(format!("thalweg-example-{}", std::process::id()));
    let outcome = Training::on("sample:iris")
        .target("species")
        .task(Task::Multiclass)
        .layers([16])
        .learning_rate(0.02)
        .epochs(100)
        .out(&folder)
        .listen(|event| {
            if let Event::EpochEnded { epoch, cost, .. } = event
                && epoch % 20 == 0
            {
                println!("epoch {epoch}: cost {cost:.4}");
            }
        })
        .run()?;
    println!("test accuracy {:.3}", outcome.metrics.test["accuracy"].value);

    // The model file has its preprocessing: it takes the table's columns, in any order.
    let model = Model::load(&outcome.model)?;
    let mut shown = 0;
    model.predict("sample:iris", &Default::default(), Default::default(), &mut |answers| {
        for (answer, probabilities) in answers.predictions.iter().zip(&answers.probabilities).take(3 - shown) {
            println!("{} {probabilities:.2?}", answer[0]);
            shown += 1;
        }
        Ok(())
    })?;
    std::fs::remove_dir_all(&folder).ok();
    Ok(())
}

//! A training step allocates nothing after the first has allocated its buffers.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use thalweg::event::Event;
use thalweg::layers::{Average, BatchNorm, Dropout, Ensemble, Gru, Layer, Linear, Sequence, Tokens};
use thalweg::losses::SoftmaxCrossEntropy;
use thalweg::metrics::Metrics;
use thalweg::network::Network;
use thalweg::optimizers::Adam;
use thalweg::tensor::{Activation, Dtype, Tensor};
use thalweg::train::{Callback, State, TensorDataset, TrainSettings, Trainer};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Records the allocation count before each step: the trainer polls for a stop there.
struct Counts(Cell<Vec<u64>>);

impl Callback for Counts {
    fn event(&mut self, _: &Event) {}

    fn stop(&self) -> bool {
        let mut counts = self.0.take();
        counts.push(ALLOCATIONS.get());
        self.0.set(counts);
        false
    }
}

#[test]
fn steps_after_the_first_do_not_allocate() {
    let layers = || -> Vec<Box<dyn Layer>> {
        vec![
            Box::new(Linear { bias: false, ..Linear::new(32, Activation::Identity) }),
            Box::new(BatchNorm::default()),
            Box::new(Dropout { rate: 0.2 }),
            Box::new(Linear::new(16, Activation::Gelu)),
            Box::new(Linear::new(3, Activation::Identity)),
        ]
    };
    steps_do_not_allocate(layers());
    let average = Average::new(2, Activation::Softmax);
    steps_do_not_allocate(vec![Box::new(Ensemble::new(vec![layers(), layers()])), Box::new(average)]);
    let sequence = Sequence::new(vec![Box::new(Tokens { tokens: 3, dimension: 4 }), Box::new(Gru::new(5))]);
    steps_do_not_allocate(vec![Box::new(sequence), Box::new(Linear::new(3, Activation::Identity))]);
}

fn steps_do_not_allocate(layers: Vec<Box<dyn Layer>>) {
    thalweg_kernels::pool::set_threads(1);
    let network = Network::new(8, layers).unwrap();
    let m = 640;
    let x = Tensor::from_f32([m, 8], (0..m * 8).map(|i| (i % 17) as f32 / 8.0 - 1.0).collect());
    let y = Tensor::from_f32([m, 1], (0..m).map(|i| (i % 3) as f32).collect());
    let train = TensorDataset::new(x, y, None).unwrap();
    let settings =
        TrainSettings { batch_size: 64, epochs: 2, l2: 0.1, clip_norm: 1.0, average: 0.9, ..TrainSettings::default() };
    let trainer = Trainer {
        network: &network,
        loss: &SoftmaxCrossEntropy::default(),
        optimizer: &Adam::USUAL,
        settings,
        train: &train,
        dev: None,
        evaluate: &|_| Metrics::new(),
    };
    let mut state = State::new(&network, &Adam::USUAL, 0, 0.9, Dtype::F32);
    let mut counts = Counts(Cell::new(Vec::with_capacity(64)));
    trainer.fit(&mut state, &mut counts).unwrap();
    let counts = counts.0.take();
    assert_eq!(counts.len(), 20);
    // The second epoch after its first step, in which the report's scales are sampled.
    let steps: Vec<u64> = counts[11..].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps, [0; 8]);
}

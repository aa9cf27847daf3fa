//! Several processes that train one network together; here they are threads.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use thalweg::config::Reduction;
use thalweg::event::Event;
use thalweg::layers::{BatchNorm, Dropout, Layer, Linear};
use thalweg::losses::SoftmaxCrossEntropy;
use thalweg::metrics::Metrics;
use thalweg::network::Network;
use thalweg::optimizers::Adam;
use thalweg::ranks::Ranks;
use thalweg::run::Callback;
use thalweg::tensor::{Activation, Dtype, Tensor};
use thalweg::train::{State, StopReason, TensorDataset, TrainSettings, Trainer};

/// A thread among others.
struct Thread {
    rank: usize,
    all: Arc<All>,
}

/// What threads share: what each shows the others, and how often any of them has come to where they wait.
struct All {
    slots: Mutex<Vec<Vec<u8>>>,
    arrivals: Mutex<usize>,
    arrived: Condvar,
}

impl All {
    /// Waits for the others: not forever, as one may have failed.
    fn wait(&self, size: usize) {
        let mut arrivals = self.arrivals.lock().unwrap();
        let until = (*arrivals / size + 1) * size;
        *arrivals += 1;
        self.arrived.notify_all();
        let limit = Duration::from_secs(60);
        let waited = self.arrived.wait_timeout_while(arrivals, limit, |arrivals| *arrivals < until);
        let late = waited.unwrap().1;
        assert!(!late.timed_out(), "another thread does not come");
    }
}

impl Thread {
    /// So many threads.
    fn all(size: usize) -> Vec<Thread> {
        let slots = Mutex::new(vec![Vec::new(); size]);
        let all = Arc::new(All { slots, arrivals: Mutex::new(0), arrived: Condvar::new() });
        (0..size).map(|rank| Thread { rank, all: all.clone() }).collect()
    }

    /// Shows the others some bytes, and looks at theirs.
    fn share<T>(&self, own: &[u8], look: impl FnOnce(&[Vec<u8>]) -> T) -> T {
        let size = self.size();
        self.all.slots.lock().unwrap()[self.rank] = own.to_vec();
        self.all.wait(size);
        let found = look(&self.all.slots.lock().unwrap());
        self.all.wait(size);
        found
    }
}

impl Ranks for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.all.slots.lock().unwrap().len()
    }

    fn broadcast(&self, bytes: &mut Vec<u8>) {
        *bytes = self.share(&bytes.clone(), |all| all[0].clone());
    }

    fn gather(&self, own: &[u8], lengths: &[usize], all: &mut [u8]) {
        assert_eq!(own.len(), lengths[self.rank]);
        all.copy_from_slice(&self.share(own, |all| all.concat()));
    }

    fn exchange(&self, to: &[u8], to_lengths: &[usize], from: &mut [u8], from_lengths: &[usize]) {
        let lengths: Vec<u8> = to_lengths.iter().flat_map(|length| length.to_le_bytes()).collect();
        let lengths = self.share(&lengths, <[Vec<u8>]>::to_vec);
        let found: Vec<Vec<u8>> = self.share(to, |all| {
            let part = |(to, lengths): (&Vec<u8>, &Vec<u8>)| {
                let lengths: Vec<usize> =
                    lengths.chunks(8).map(|length| usize::from_le_bytes(length.try_into().unwrap())).collect();
                let start: usize = lengths[..self.rank].iter().sum();
                to[start..start + lengths[self.rank]].to_vec()
            };
            all.iter().zip(&lengths).map(part).collect()
        });
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), from_lengths);
        from.copy_from_slice(&found.concat());
    }

    fn sum_f32(&self, own: &[f32], sums: &mut [f32]) {
        let bytes: Vec<u8> = own.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.share(&bytes, |all| {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = all.iter().map(|x| f32::from_le_bytes(x[4 * i..][..4].try_into().unwrap())).sum();
            }
        });
    }

    fn sum_f64(&self, own: &[f64], sums: &mut [f64]) {
        let bytes: Vec<u8> = own.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.share(&bytes, |all| {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum = all.iter().map(|x| f64::from_le_bytes(x[8 * i..][..8].try_into().unwrap())).sum();
            }
        });
    }

    fn threads(&self) -> usize {
        1
    }
}

fn examples(rows: usize, dtype: Dtype, weighted: bool) -> TensorDataset {
    let number = |i: usize| ((i * 7919 % 1009) as f64 / 1009.0 - 0.5) * 2.0;
    let x = Tensor::from_f64([rows, 12], (0..rows * 12).map(number).collect());
    let class = |i: usize| (0..3).max_by(|&a, &b| number(12 * i + a).total_cmp(&number(12 * i + b))).unwrap();
    let y = Tensor::from_f64([rows, 1], (0..rows).map(|i| class(i) as f64).collect());
    let weights = weighted.then(|| Tensor::from_f64([rows], (0..rows).map(|i| (1 + i % 3) as f64).collect()));
    TensorDataset::new(x.to(dtype), y.to(dtype), weights.map(|weights| weights.to(dtype))).unwrap()
}

/// A training to be done by different numbers of processes.
struct Case {
    dtype: Dtype,
    weighted: bool,
    batch_norm: bool,
    batch_size: usize,
    reduction: Reduction,
}

impl Case {
    fn network(&self) -> Network {
        let mut layers: Vec<Box<dyn Layer>> = vec![Box::new(Linear::new(20, Activation::Relu))];
        if self.batch_norm {
            layers.push(Box::new(BatchNorm::default()));
        }
        layers.push(Box::new(Dropout { rate: 0.2 }));
        layers.push(Box::new(Linear::new(3, Activation::Identity)));
        Network::new(12, layers).unwrap()
    }

    /// Trains among `ranks`; a callback of this rank.
    fn train(&self, ranks: Option<&dyn Ranks>, callback: &mut dyn Callback) -> (State, StopReason) {
        let network = self.network();
        let (train, dev) = (examples(203, self.dtype, self.weighted), examples(57, self.dtype, self.weighted));
        let evaluate = |answers: &[f64]| {
            assert_eq!(answers.len(), 57 * 3);
            Metrics::new()
        };
        let trainer = Trainer {
            network: &network,
            loss: &SoftmaxCrossEntropy::default(),
            optimizer: &Adam::USUAL,
            settings: TrainSettings {
                batch_size: self.batch_size,
                epochs: 6,
                clip_norm: 1.0,
                l2: 0.1,
                reduction: self.reduction,
                seed: 4,
                ..TrainSettings::default()
            },
            train: &train,
            dev: Some(&dev),
            evaluate: &evaluate,
        };
        let mut state = State::new(&network, &Adam::USUAL, 3, 0.9, self.dtype);
        let end = trainer.fit_among(ranks, &mut state, callback).unwrap();
        (state, end)
    }

    /// Trains by so many processes; each one's state.
    fn by(&self, size: usize) -> Vec<State> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = Thread::all(size)
                .into_iter()
                .map(|thread| scope.spawn(move || self.train(Some(&thread), &mut |_: &Event| ()).0))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }
}

fn bits(state: &State) -> (Vec<u64>, Vec<u64>, usize, u64, u64) {
    let bits = |tensor: &Tensor| tensor.to_f64().into_iter().map(f64::to_bits).collect();
    (
        bits(&state.theta),
        bits(&state.best_theta),
        state.best_epoch,
        state.best.value.to_bits(),
        state.learning_rate.to_bits(),
    )
}

#[test]
fn any_number_of_processes_has_the_same_bits_when_they_add_in_order() {
    for (dtype, weighted, batch_norm, batch_size) in [
        (Dtype::F32, false, false, 64),
        (Dtype::F64, true, false, 33),
        (Dtype::F32, false, true, 48),
        // Fewer examples than parts, and a last batch of one.
        (Dtype::F32, true, false, 6),
        (Dtype::F64, false, false, 101),
    ] {
        let case = Case { dtype, weighted, batch_norm, batch_size, reduction: Reduction::Ordered };
        let (alone, end) = case.train(None, &mut |_: &Event| ());
        assert_eq!(end, StopReason::Done);
        for size in [1, 2, 3, 4, 5, 8] {
            for state in case.by(size) {
                assert_eq!(bits(&state), bits(&alone), "{size} processes, batches of {batch_size}");
            }
        }
    }
}

#[test]
fn shares_as_a_whole_are_the_same_training_but_for_rounding() {
    let case = |reduction| Case { dtype: Dtype::F64, weighted: true, batch_norm: false, batch_size: 50, reduction };
    let (alone, _) = case(Reduction::Fast).train(None, &mut |_: &Event| ());
    let (ordered, _) = case(Reduction::Ordered).train(None, &mut |_: &Event| ());
    let near = |state: &State| {
        let pairs = state.theta.to_f64().into_iter().zip(alone.theta.to_f64());
        let most = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(most < 1e-12 && state.best_epoch == alone.best_epoch, "{most}");
    };
    near(&ordered);
    for size in [2, 3, 7] {
        let (states, again) = (case(Reduction::Fast).by(size), case(Reduction::Fast).by(size));
        states.iter().zip(&again).for_each(|(state, again)| {
            near(state);
            assert_eq!(bits(state), bits(&states[0]), "every process has the same");
            assert_eq!(bits(state), bits(again), "and always");
        });
    }
}

#[test]
fn statistics_of_batch_norm_are_of_all_parts() {
    let case = |reduction, size: usize| {
        let case = Case { dtype: Dtype::F64, weighted: false, batch_norm: true, batch_size: 203, reduction };
        if size == 1 { case.train(None, &mut |_: &Event| ()).0 } else { case.by(size).swap_remove(size - 1) }
    };
    let trained = case(Reduction::Fast, 1);
    let network =
        Case { dtype: Dtype::F64, weighted: false, batch_norm: true, batch_size: 1, reduction: Reduction::Fast };
    let means = |state: &State| state.theta.to_f64().split_off(network.network().layout().trained());
    for other in [case(Reduction::Ordered, 1), case(Reduction::Fast, 2), case(Reduction::Ordered, 3)] {
        for (own, all) in means(&other).iter().zip(means(&trained)) {
            // Each part is normalised by its own statistics, so that the networks differ a little.
            assert!((own - all).abs() < 0.2 * all.abs().max(0.2), "{own}, {all}");
        }
    }
}

#[test]
fn all_stop_where_one_is_asked_to() {
    struct AskedAt(usize, usize);
    impl Callback for AskedAt {
        fn event(&mut self, _: &Event) {}
        fn step(&mut self, _: f64, _: f64) {
            self.1 += 1;
        }
        fn stop(&self) -> bool {
            self.1 >= self.0
        }
    }
    let case =
        Case { dtype: Dtype::F32, weighted: false, batch_norm: false, batch_size: 32, reduction: Reduction::Ordered };
    let states: Vec<(State, StopReason)> = std::thread::scope(|scope| {
        let threads = Thread::all(3).into_iter().map(|thread| {
            let (case, at) = (&case, if thread.rank == 1 { 9 } else { usize::MAX });
            scope.spawn(move || case.train(Some(&thread), &mut AskedAt(at, 0)))
        });
        threads.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // The others hear of it in the next step.
    let (alone, _) = case.train(None, &mut AskedAt(10, 0));
    for (state, end) in &states {
        assert_eq!((*end, state.t), (StopReason::Interrupted, 10));
        assert_eq!(bits(state), bits(&alone));
    }
}

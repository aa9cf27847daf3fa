//! Thalweg in f64 against PyTorch, scikit-learn and 50-digit arithmetic; `make.py` and the scripts beside it wrote the
//! JSON files.

mod confident;
mod functions;
mod intervals;
mod layers;
mod metrics;
mod networks;
mod numbers;
mod optimizers;
mod over_time;
mod paired;
mod sequences;

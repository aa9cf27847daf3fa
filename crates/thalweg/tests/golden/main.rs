//! Thalweg's numbers in f64 against PyTorch's, scikit-learn's and 50-digit arithmetic; `make.py` wrote the JSON files.

mod functions;
mod layers;
mod metrics;
mod networks;
mod numbers;
mod optimizers;
mod over_time;

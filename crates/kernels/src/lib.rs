//! The numerical kernels of Thalweg: slices in, slices out.

//! Several processes that train one network together, wherever they are: what MPI calls ranks.

use std::sync::OnceLock;

/// The processes of one program, of which this is one. Operations are collective: all ranks call the same ones in the same
/// order, and each waits in them for what the others have.
pub trait Ranks: Send + Sync {
    /// This process's number, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Gives all ranks the bytes of rank 0. Those that wait use no processor, for it may take long until there is something.
    fn broadcast(&self, bytes: &mut Vec<u8>);

    /// Puts what each rank gives into `all`, by rank; `lengths` are those of what they give.
    fn gather(&self, own: &[u8], lengths: &[usize], all: &mut [u8]);

    /// Gives each rank its part of `to`, and puts what they have for this one into `from`, by rank. The first lengths are those
    /// of the parts of `to`, the others those of the parts of `from`.
    fn exchange(&self, to: &[u8], to_lengths: &[usize], from: &mut [u8], from_lengths: &[usize]);

    /// The sums of the ranks' values: for this number of ranks always in the same order.
    fn sum_f32(&self, own: &[f32], sums: &mut [f32]);

    /// The same in double precision.
    fn sum_f64(&self, own: &[f64], sums: &mut [f64]);

    /// How many threads each rank of this machine may have, so that together they have as many as it has cores.
    fn threads(&self) -> usize;
}

static JOINED: OnceLock<Box<dyn Ranks>> = OnceLock::new();

/// Makes this process one of several for good: its runs are then trained by all of them. The others
/// [assist](crate::run::assist).
pub fn join(ranks: Box<dyn Ranks>) {
    _ = JOINED.set(ranks);
}

/// The ranks that this process is among, if there is more than one.
pub fn joined() -> Option<&'static dyn Ranks> {
    JOINED.get().map(|ranks| &**ranks).filter(|ranks| ranks.size() > 1)
}

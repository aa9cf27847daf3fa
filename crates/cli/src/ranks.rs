//! Processes that MPI has started together: the first does what the command says, the others train with it.

use std::thread::sleep;
use std::time::Duration;

use mpi::collective::SystemOperation;
use mpi::datatype::{Partition, PartitionMut};
use mpi::request::{self, Request};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use mpi::{Count, Threading};
use thalweg::event::Event;
use thalweg::ranks::Ranks;
use thalweg::run::{self, Callback};

use crate::print::signals::Signals;

/// What the launchers of MPI programs tell the processes that they start.
const LAUNCHED: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE"];
/// How often a rank that waits for something to train looks for it.
const GLANCE: Duration = Duration::from_millis(1);

/// Runs a command on the first rank, which the others help to train, or here alone. The exit code is an error where the command
/// failed.
pub(crate) fn run(command: impl FnOnce() -> Result<u8, u8>) -> Result<u8, u8> {
    let launched = LAUNCHED.iter().any(|name| std::env::var_os(name).is_some());
    let Some(universe) = launched.then(|| mpi::initialize_with_threading(Threading::Serialized)).flatten() else {
        return command();
    };
    let world = World::new();
    if world.size == 1 {
        return command();
    }
    let code = if world.rank == 0 {
        thalweg::ranks::join(Box::new(world));
        command()
    } else {
        assist(world)
    };
    if let Err(code) = code {
        // Another rank may be waiting for this one in the middle of a step.
        everyone().abort(code.into());
    }
    if world.rank == 0 {
        run::dismiss(&world);
    }
    drop(universe);
    code
}

/// Trains with the first rank.
fn assist(world: World) -> Result<u8, u8> {
    /// Says nothing, and tells the others of a signal.
    struct Silent(Signals);

    impl Callback for Silent {
        fn event(&mut self, _: &Event) {}

        fn stop(&self) -> bool {
            self.0.have_come()
        }
    }

    let done = Signals::catch().and_then(|signals| Ok(run::assist(&world, &mut Silent(signals))?));
    done.map(|()| 0).map_err(crate::failed)
}

fn everyone() -> SimpleCommunicator {
    SimpleCommunicator::world()
}

/// This process among all ranks.
#[derive(Debug, Clone, Copy)]
struct World {
    rank: usize,
    size: usize,
    /// How many ranks this machine has.
    local: usize,
}

impl World {
    fn new() -> World {
        let world = everyone();
        let local = world.split_shared(world.rank()).size();
        World { rank: world.rank() as usize, size: world.size() as usize, local: local as usize }
    }
}

/// How many bytes go to each rank, or come from it, and where they begin.
fn counts(lengths: &[usize]) -> (Vec<Count>, Vec<Count>) {
    let count = |n: usize| Count::try_from(n).expect("less than 2 GiB are sent at once");
    let starts = lengths.iter().scan(0, |start, length| Some(std::mem::replace(start, *start + length)));
    (lengths.iter().map(|length| count(*length)).collect(), starts.map(count).collect())
}

/// Waits for a request without using the processor, unlike MPI.
fn wait_idly<'a, D: ?Sized, S: request::Scope<'a>>(mut request: Request<'a, D, S>) {
    loop {
        match request.test() {
            Ok(_) => return,
            Err(pending) => request = pending,
        }
        sleep(GLANCE);
    }
}

impl Ranks for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn broadcast(&self, bytes: &mut Vec<u8>) {
        /// At once, as a count has 31 bits.
        const MOST: usize = 1 << 30;
        let (world, mut length) = (everyone(), bytes.len() as u64);
        let first = world.process_at_rank(0);
        request::scope(|scope| wait_idly(first.immediate_broadcast_into(scope, &mut length)));
        bytes.resize(length as usize, 0);
        for bytes in bytes.chunks_mut(MOST) {
            request::scope(|scope| wait_idly(first.immediate_broadcast_into(scope, bytes)));
        }
    }

    fn gather(&self, own: &[u8], lengths: &[usize], all: &mut [u8]) {
        let (counts, starts) = counts(lengths);
        everyone().all_gather_varcount_into(own, &mut PartitionMut::new(all, counts, starts));
    }

    fn exchange(&self, to: &[u8], to_lengths: &[usize], from: &mut [u8], from_lengths: &[usize]) {
        let ((to_counts, to_starts), (from_counts, from_starts)) = (counts(to_lengths), counts(from_lengths));
        let to = Partition::new(to, to_counts, to_starts);
        everyone().all_to_all_varcount_into(&to, &mut PartitionMut::new(from, from_counts, from_starts));
    }

    fn sum_f32(&self, own: &[f32], sums: &mut [f32]) {
        everyone().all_reduce_into(own, sums, SystemOperation::sum());
    }

    fn sum_f64(&self, own: &[f64], sums: &mut [f64]) {
        everyone().all_reduce_into(own, sums, SystemOperation::sum());
    }

    fn threads(&self) -> usize {
        // A launcher that binds a rank to its own cores leaves it no others.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (cores / self.local).max(1)
    }
}

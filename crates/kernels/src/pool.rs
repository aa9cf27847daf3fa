//! A small thread pool for regions of a few microseconds: workers spin for a while, then sleep.
//!
//! What a task computes must not depend on which thread runs it, so results never depend on the number of threads. Each
//! thread begins with its own tasks, the same ones in every region with as many: their data may still be in its cache.
//! A thread that has finished takes over what is left of the others' tasks.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, TryLockError};
use std::time::{Duration, Instant};

/// How long a worker spins for the next region before it sleeps.
const SPIN: Duration = Duration::from_micros(50);

/// Spins of a worker between two clock reads.
const SPINS_PER_CLOCK_READ: u32 = 32;

/// Spins of a caller waiting for workers before it yields its core.
const SPINS_BEFORE_YIELD: u32 = 1000;

/// A caller that waits this many times as long as its own tasks took assumes that the workers' cores are busy.
const BUSY_FACTOR: u32 = 20;

/// It then runs alone for this many times as long as it waited, up to `MAX_SOLO`.
const SOLO_FACTOR: u32 = 10;
const MAX_SOLO: Duration = Duration::from_millis(50);

/// The maximum number of shares that the tasks of a region are divided into.
const SHARES: usize = 64;

struct Job {
    run: *const (dyn Fn(usize) + Sync),
    tasks: usize,
    shares: usize,
    /// The payload of the first task to panic.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

struct Pool {
    /// Threads that a region may use, including the caller (0: not yet determined).
    threads: AtomicUsize,
    workers: Mutex<usize>,
    /// Counts regions, so that a worker sees a new one.
    region: AtomicU64,
    job: AtomicPtr<Job>,
    /// Workers that may be accessing the job.
    inside: AtomicUsize,
    asleep: Mutex<()>,
    wake: Condvar,
    sleepers: AtomicUsize,
    /// The next task of each share.
    next: [Share; SHARES],
    /// Held by the thread whose region is running.
    busy: Mutex<()>,
    /// Until when callers run without workers, whose cores were busy, in nanoseconds since `clock` (0: with workers).
    alone: AtomicU64,
    clock: OnceLock<Instant>,
}

/// A counter in a cache line of its own.
#[repr(align(128))]
struct Share(AtomicUsize);

static POOL: Pool = Pool {
    threads: AtomicUsize::new(0),
    workers: Mutex::new(0),
    region: AtomicU64::new(0),
    job: AtomicPtr::new(std::ptr::null_mut()),
    inside: AtomicUsize::new(0),
    asleep: Mutex::new(()),
    wake: Condvar::new(),
    sleepers: AtomicUsize::new(0),
    next: [const { Share(AtomicUsize::new(0)) }; SHARES],
    busy: Mutex::new(()),
    alone: AtomicU64::new(0),
    clock: OnceLock::new(),
};

thread_local! {
    static IN_REGION: Cell<bool> = const { Cell::new(false) };
}

/// Sets the number of threads for regions, for the entire process (0: one per core).
pub fn set_threads(threads: usize) {
    let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
    let threads = if threads == 0 { cores() } else { threads };
    POOL.threads.store(threads, SeqCst);
    let mut workers = POOL.workers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    while *workers + 1 < threads {
        let index = *workers;
        let spawned = std::thread::Builder::new().name(format!("thalweg-{index}")).spawn(move || work(index));
        if spawned.is_err() {
            break;
        }
        *workers += 1;
    }
}

/// The number of threads for regions.
pub fn threads() -> usize {
    if POOL.threads.load(SeqCst) == 0 {
        set_threads(0);
    }
    POOL.threads.load(SeqCst)
}

/// The number of threads that a region begun here would have: one within another region.
pub(crate) fn threads_here() -> usize {
    if IN_REGION.get() { 1 } else { threads() }
}

/// Runs f(0), …, f(tasks − 1) on the pool's threads, in any order, and waits for all. Regions within a region, and
/// those of a thread that finds the pool in use by another, run on their own thread.
///
/// # Panics
/// If a task panics; tasks not yet started are then skipped.
pub fn for_each(tasks: usize, f: impl Fn(usize) + Sync) {
    let free = tasks > 1 && !IN_REGION.get() && threads() > 1 && !alone();
    let Some(region) = free.then(try_busy).flatten() else {
        (0..tasks).for_each(f);
        return;
    };
    let begin = Instant::now();
    let run: &(dyn Fn(usize) + Sync) = &f;
    // SAFETY: only the lifetime changes; the job is withdrawn and every worker has left it before `f` is dropped.
    let run: &'static (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(run) };
    let job = Job { run, tasks, shares: threads().min(SHARES), panic: Mutex::new(None) };
    for (share, next) in POOL.next[..job.shares].iter().enumerate() {
        next.0.store(job.begin(share), SeqCst);
    }
    POOL.job.store((&raw const job).cast_mut(), SeqCst);
    POOL.region.fetch_add(1, SeqCst);
    if POOL.sleepers.load(SeqCst) > 0 {
        drop(POOL.asleep.lock());
        POOL.wake.notify_all();
    }
    take_part(&job, 0);
    POOL.job.store(std::ptr::null_mut(), SeqCst);
    wait(begin);
    drop(region);
    if let Some(panic) = job.panic.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
        resume_unwind(panic);
    }
}

/// Waits until the workers have left the job of a region that started at `begin`.
///
/// A worker that loses its core comes back after milliseconds, in which thousands of small regions could have been run
/// alone.
fn wait(begin: Instant) {
    let workers_are_inside = || POOL.inside.load(SeqCst) > 0;
    for _ in 0..SPINS_BEFORE_YIELD {
        if !workers_are_inside() {
            return;
        }
        std::hint::spin_loop();
    }
    let own = begin.elapsed();
    while workers_are_inside() {
        std::thread::yield_now();
    }
    let waited = begin.elapsed() - own;
    if waited > own * BUSY_FACTOR {
        let until = POOL.clock.get_or_init(Instant::now).elapsed() + (waited * SOLO_FACTOR).min(MAX_SOLO);
        POOL.alone.store(until.as_nanos() as u64, SeqCst);
    }
}

/// Whether callers run without workers.
fn alone() -> bool {
    let until = POOL.alone.load(SeqCst);
    if until == 0 {
        return false;
    }
    let alone = POOL.clock.get_or_init(Instant::now).elapsed() < Duration::from_nanos(until);
    if !alone {
        POOL.alone.store(0, SeqCst);
    }
    alone
}

/// The pool, unless another thread's region is using it.
fn try_busy() -> Option<MutexGuard<'static, ()>> {
    match POOL.busy.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Runs f(i, chunk) on each chunk of this length of a slice, the last one shorter.
pub fn for_each_chunk<T: Send>(data: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T]) + Sync) {
    let len = data.len();
    let start = Shared(data.as_mut_ptr());
    for_each(len.div_ceil(chunk.max(1)), |i| {
        let begin = i * chunk;
        // SAFETY: chunks of different tasks do not overlap, are within `data`, and each task runs once.
        f(i, unsafe { std::slice::from_raw_parts_mut(start.get().add(begin), chunk.min(len - begin)) });
    });
}

/// The elements of as many complete rows as fit into `len`, at least one row.
pub(crate) fn whole_rows(len: usize, columns: usize) -> usize {
    (len / columns).max(1) * columns
}

/// Runs f(i, chunk of a, chunk of b) on the chunks of this length of two slices of equal length, the last ones shorter.
///
/// # Panics
/// If the lengths differ.
pub fn for_each_pair<T: Send>(a: &mut [T], b: &mut [T], chunk: usize, f: impl Fn(usize, &mut [T], &mut [T]) + Sync) {
    let len = a.len();
    assert_eq!(len, b.len());
    let start = Shared(b.as_mut_ptr());
    for_each_chunk(a, chunk, |i, a| {
        // SAFETY: as for the chunks of a, which have the same bounds.
        f(i, a, unsafe { std::slice::from_raw_parts_mut(start.get().add(i * chunk), a.len()) });
    });
}

/// Runs f(i, chunks) on the chunks i of several slices, each with a chunk length of its own, the last ones shorter.
pub fn for_each_chunks<T: Send, const K: usize>(
    slices: [(&mut [T], usize); K],
    f: impl Fn(usize, [&mut [T]; K]) + Sync,
) {
    let tasks = slices.iter().map(|(data, chunk)| data.len().div_ceil((*chunk).max(1))).max().unwrap_or(0);
    let slices = slices.map(|(data, chunk)| (Shared(data.as_mut_ptr()), data.len(), chunk));
    for_each(tasks, |i| {
        let chunks = slices.each_ref().map(|(start, len, chunk)| {
            let begin = (i * chunk).min(*len);
            // SAFETY: chunks of different tasks do not overlap, are within their slice, and each task runs once.
            unsafe { std::slice::from_raw_parts_mut(start.get().add(begin), (*chunk).min(len - begin)) }
        });
        f(i, chunks);
    });
}

/// f(0), …, f(n − 1), computed on the pool's threads.
pub fn map<T: Send>(n: usize, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let mut results: Vec<Option<T>> = (0..n).map(|_| None).collect();
    for_each_chunk(&mut results, 1, |i, result| result[0] = Some(f(i)));
    // In place: there may be very many.
    results.into_iter().map(|result| result.expect("every task has run")).collect()
}

/// A pointer that tasks on several threads may write disjoint parts through.
pub(crate) struct Shared<T>(pub(crate) *mut T);

// SAFETY: its users write disjoint parts.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn get(&self) -> *mut T {
        self.0
    }
}

impl Job {
    /// The first task of a share.
    fn begin(&self, share: usize) -> usize {
        self.tasks * share / self.shares
    }
}

/// Runs the tasks of a thread's own share, then what is left of the others'.
fn take_part(job: &Job, thread: usize) {
    IN_REGION.set(true);
    let run = catch_unwind(AssertUnwindSafe(|| {
        for share in (0..job.shares).map(|i| (thread + i) % job.shares) {
            loop {
                let task = POOL.next[share].0.fetch_add(1, SeqCst);
                if task >= job.begin(share + 1) {
                    break;
                }
                // SAFETY: the caller waits in `for_each` until every worker has left the job.
                unsafe { (*job.run)(task) };
            }
        }
    }));
    IN_REGION.set(false);
    if let Err(panic) = run {
        POOL.next.iter().for_each(|next| next.0.store(job.tasks, SeqCst));
        job.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get_or_insert(panic);
    }
}

fn work(index: usize) {
    let mut seen = 0;
    loop {
        let start = Instant::now();
        let mut looks = 0;
        while POOL.region.load(SeqCst) == seen {
            looks += 1;
            if looks % SPINS_PER_CLOCK_READ != 0 || start.elapsed() < SPIN {
                std::hint::spin_loop();
                continue;
            }
            POOL.sleepers.fetch_add(1, SeqCst);
            let mut guard = POOL.asleep.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            while POOL.region.load(SeqCst) == seen {
                guard = POOL.wake.wait(guard).unwrap_or_else(|poisoned| poisoned.into_inner());
            }
            drop(guard);
            POOL.sleepers.fetch_sub(1, SeqCst);
        }
        seen = POOL.region.load(SeqCst);
        if index + 1 < POOL.threads.load(SeqCst) {
            POOL.inside.fetch_add(1, SeqCst);
            let job = POOL.job.load(SeqCst);
            // SAFETY: a job is withdrawn before its caller waits for `inside` to be 0, so a non-null pointer is valid.
            if let Some(job) = unsafe { job.as_ref() } {
                take_part(job, index + 1);
            }
            POOL.inside.fetch_sub(1, SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_for_any_number_of_threads() {
        for threads in [1, 2, 3, 7, 1] {
            set_threads(threads);
            for _ in 0..if cfg!(miri) { 3 } else { 200 } {
                let mut counts = vec![0u32; 101];
                for_each_chunk(&mut counts, 10, |i, chunk| chunk.iter_mut().for_each(|count| *count += i as u32 + 1));
                let expected: Vec<u32> = (0..101).map(|i| i / 10 + 1).collect();
                assert_eq!(counts, expected);
            }
        }
    }

    #[test]
    fn chunks_of_several_slices_go_together() {
        set_threads(3);
        let (mut a, mut b, mut none) = (vec![0; 7], vec![0; 13], vec![0; 0]);
        for_each_chunks([(&mut a, 2), (&mut b, 4), (&mut none, 0)], |i, [a, b, none]| {
            assert!(none.is_empty());
            a.iter_mut().chain(b).for_each(|x| *x += i + 1);
        });
        assert_eq!((a, b), (vec![1, 1, 2, 2, 3, 3, 4], vec![1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4]));
    }

    #[test]
    fn results_come_in_order() {
        set_threads(3);
        assert_eq!(map(100, |i| i.to_string()), (0..100).map(|i| i.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn regions_within_regions_and_beside_each_other_run() {
        set_threads(3);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..if cfg!(miri) { 3 } else { 100 } {
                        let total = AtomicUsize::new(0);
                        for_each(5, |_| for_each(4, |i| _ = total.fetch_add(i, SeqCst)));
                        assert_eq!(total.load(SeqCst), 30);
                    }
                });
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        for _ in 0..if cfg!(miri) { 2 } else { 20 } {
            set_threads(2);
            let panic = catch_unwind(|| for_each(8, |i| assert!(i != 5, "task {i}"))).unwrap_err();
            assert_eq!(panic.downcast_ref::<String>().unwrap(), "task 5");
        }
        // Other tests may be using the pool, so that a region runs on one thread.
        let tries = (0..10_000).find(|_| {
            set_threads(2);
            let seen = Mutex::new(std::collections::HashSet::new());
            for_each(2, |_| {
                seen.lock().unwrap().insert(std::thread::current().id());
                std::thread::sleep(Duration::from_millis(1));
            });
            seen.into_inner().unwrap().len() == 2
        });
        assert!(tries.is_some(), "no region ran on two threads after a panic");
    }

    #[test]
    #[cfg_attr(miri, ignore = "waits")]
    fn a_worker_that_does_not_come_back_is_done_without_for_a_while() {
        // Other tests may be using the pool: this thread then runs both tasks, and stops waiting for the other one.
        let tries = (0..1000).find(|_| {
            set_threads(2);
            let caller = std::thread::current().id();
            let begun = AtomicUsize::new(0);
            let begin = Instant::now();
            for_each(2, |_| {
                begun.fetch_add(1, SeqCst);
                if std::thread::current().id() != caller {
                    std::thread::sleep(2 * BUSY_FACTOR * begin.elapsed() + Duration::from_millis(5));
                    return;
                }
                while begun.load(SeqCst) < 2 && begin.elapsed() < Duration::from_millis(50) {
                    std::thread::yield_now();
                }
            });
            alone()
        });
        assert!(tries.is_some(), "a worker held up its caller, and was asked again");
        while alone() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

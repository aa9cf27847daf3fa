//! Training by several processes: each has a share of every batch, and all have the same state after every step.

use super::reduction::{self, Share};
use crate::config::Reduction;
use crate::ranks::Ranks;
use crate::tensor::ops;
use crate::tensor::{Dtype, Tensor};

/// The processes that train together, or one alone.
#[derive(Clone, Copy)]
pub(crate) struct Team<'a> {
    ranks: Option<&'a dyn Ranks>,
    reduction: Reduction,
}

impl<'a> Team<'a> {
    pub(crate) const ALONE: Team<'static> = Team { ranks: None, reduction: Reduction::Fast };

    pub(super) fn new(ranks: Option<&'a dyn Ranks>, reduction: Reduction) -> Team<'a> {
        Team { ranks, reduction }
    }

    /// Whether gradients are added up here at all, rather than those of one process's parts.
    pub(super) fn reduces(self) -> bool {
        self.ranks.is_some() || self.reduction == Reduction::Ordered
    }

    pub(super) fn is_alone(self) -> bool {
        self.ranks.is_none()
    }

    pub(super) fn is_ordered(self) -> bool {
        self.reduction == Reduction::Ordered
    }

    /// Which examples this process has.
    pub(super) fn share(self) -> Share {
        let (rank, size) = self.ranks.map_or((0, 1), |ranks| (ranks.rank(), ranks.size()));
        Share::new(rank, size, self.reduction)
    }

    /// Whether any process has been asked to stop, and the first one's share of the time limit.
    pub(super) fn agree(self, own: Asked) -> Asked {
        let Some(ranks) = self.ranks else { return own };
        Asked::of_all(&gather(ranks, &vec![2; ranks.size()], &own.numbers()))
    }

    /// What all processes have, by process; each knows how many numbers the others have.
    pub(super) fn gather(self, own: Vec<f64>, count: impl Fn(Share) -> usize) -> Vec<f64> {
        match self.ranks {
            None => own,
            Some(ranks) => {
                let counts: Vec<usize> = (0..ranks.size()).map(|rank| count(self.share().of(rank))).collect();
                gather(ranks, &counts, &own)
            }
        }
    }

    /// What [`Team::agree`] gives, with the sum over all parts of a batch of m examples, of which this process has these.
    pub(super) fn agree_and_sum(self, asked: Asked, own: Vec<f64>, m: usize) -> (Asked, f64) {
        let Some(ranks) = self.ranks else { return (asked, self.sum(own, m)) };
        let own = if self.is_ordered() { own } else { vec![own.into_iter().sum()] };
        let count = |rank| if self.is_ordered() { self.share().of(rank).parts(m).len() } else { 1 };
        let counts: Vec<usize> = (0..ranks.size()).map(|rank| 2 + count(rank)).collect();
        let all = gather(ranks, &counts, &[&asked.numbers()[..], &own].concat());
        let (mut rest, mut asked, mut parts) = (&all[..], Vec::new(), Vec::new());
        for count in counts {
            let (of_rank, others) = rest.split_at(count);
            asked.extend(&of_rank[..2]);
            parts.extend(&of_rank[2..]);
            rest = others;
        }
        (Asked::of_all(&asked), self.sum_of_all(parts))
    }

    /// The sum over all parts of a batch of m examples, of which this process has these.
    pub(super) fn sum(self, own: Vec<f64>, m: usize) -> f64 {
        if !self.is_ordered() {
            let own: f64 = own.into_iter().sum();
            return self.gather(vec![own], |_| 1).into_iter().sum();
        }
        self.sum_of_all(self.gather(own, |share| share.parts(m).len()))
    }

    fn sum_of_all(self, mut parts: Vec<f64>) -> f64 {
        if !self.is_ordered() {
            return parts.into_iter().sum();
        }
        for (first, second, _) in reduction::additions(parts.len()) {
            parts[first] += parts[second];
        }
        parts.first().copied().unwrap_or(0.0)
    }

    /// Adds up the gradients of all parts of a batch of m examples; the first tensor is then the sum. There is always one.
    pub(super) fn sum_gradients(self, parts: &mut [&mut Tensor], buffers: &mut Buffers, m: usize) {
        if self.is_ordered() {
            self.sum_in_order(parts, buffers, m);
            return;
        }
        let (first, others) = parts.split_first_mut().expect("there is always one");
        others.iter().for_each(|other| ops::add_scaled(first.view_mut(), 1.0, other.view()));
        let Some(ranks) = self.ranks else { return };
        let sums = buffers.from.get_or_insert_with(|| Tensor::zeros(first.shape(), first.dtype()));
        let (own, into) = (ops::bytes(first.view()), ops::bytes_mut(sums.view_mut()));
        match first.dtype() {
            Dtype::F32 => ranks.sum_f32(bytemuck::cast_slice(own), bytemuck::cast_slice_mut(into)),
            Dtype::F64 => ranks.sum_f64(bytemuck::cast_slice(own), bytemuck::cast_slice_mut(into)),
        }
        std::mem::swap(*first, sums);
    }

    fn sum_in_order(self, parts: &mut [&mut Tensor], buffers: &mut Buffers, m: usize) {
        let (own, all) = (self.share().parts(m), reduction::parts(m));
        for (first, second, end) in reduction::additions(all) {
            if own.start <= first && end <= own.end {
                let (before, from_second) = parts.split_at_mut(second - own.start);
                ops::add_scaled(before[first - own.start].view_mut(), 1.0, from_second[0].view());
            }
        }
        let Some(ranks) = self.ranks else { return };
        // Each process adds up a segment of what is left, and gives the others the sum.
        let (size, n, dtype) = (ranks.size(), parts[0].shape().size(), parts[0].dtype());
        let left: Vec<Vec<usize>> =
            (0..size).map(|rank| reduction::left(self.share().of(rank).parts(m), all)).collect();
        let segment = |rank| reduction::split(n, size, rank);
        let (mine, bytes) = (segment(ranks.rank()), bytes_of(dtype));
        let to_lengths: Vec<usize> = (0..size).map(|to| left[ranks.rank()].len() * segment(to).len() * bytes).collect();
        let from_lengths: Vec<usize> = left.iter().map(|left| left.len() * mine.len() * bytes).collect();
        let to = Buffers::of(&mut buffers.to, left[ranks.rank()].len() * n, dtype);
        let mut at = 0;
        for to_segment in (0..size).map(segment) {
            for part in &left[ranks.rank()] {
                let shape = [to_segment.len()];
                ops::copy(parts[part - own.start].view().part(to_segment.start, shape), to.view_mut().part(at, shape));
                at += to_segment.len();
            }
        }
        let received: usize = left.iter().map(Vec::len).sum();
        let from = Buffers::of(&mut buffers.from, received * mine.len(), dtype);
        let sent = ops::bytes(to.view().part(0, [at]));
        let into = from.view_mut().part(0, [received * mine.len()]);
        ranks.exchange(sent, &to_lengths, ops::bytes_mut(into), &from_lengths);
        let left: Vec<usize> = left.concat();
        for (first, second, _) in reduction::additions(all) {
            // Those that a process has added up by itself have no second any more.
            let at = |part| left.iter().position(|left| *left == part);
            let (Some(first), Some(second)) = (at(first), at(second)) else { continue };
            let (mut before, from_second) = from.view_mut().split(second * mine.len());
            let first = before.reborrow().part(first * mine.len(), [mine.len()]);
            ops::add_scaled(first, 1.0, from_second.view().part(0, [mine.len()]));
        }
        let sum = from.view().part(0, [mine.len()]);
        let lengths: Vec<usize> = (0..size).map(|rank| segment(rank).len() * bytes).collect();
        ranks.gather(ops::bytes(sum), &lengths, ops::bytes_mut(parts[0].view_mut()));
    }
}

/// What a process is asked for between steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) stop: bool,
    /// The share of the time limit that has passed.
    pub(super) time: f64,
}

impl Asked {
    fn numbers(self) -> [f64; 2] {
        [f64::from(u8::from(self.stop)), self.time]
    }

    /// Any process may ask for a stop; the first one's clock counts.
    fn of_all(each: &[f64]) -> Asked {
        Asked { stop: each.iter().step_by(2).any(|stop| *stop > 0.0), time: each[1] }
    }
}

/// Memory for what processes send each other.
#[derive(Default)]
pub(super) struct Buffers {
    to: Option<Tensor>,
    from: Option<Tensor>,
}

impl Buffers {
    /// A buffer for at least so many values.
    fn of(buffer: &mut Option<Tensor>, count: usize, dtype: Dtype) -> &mut Tensor {
        if buffer.as_ref().is_none_or(|buffer| buffer.shape().size() < count) {
            *buffer = Some(Tensor::zeros([count], dtype));
        }
        buffer.as_mut().expect("it is there now")
    }
}

fn bytes_of(dtype: Dtype) -> usize {
    match dtype {
        Dtype::F32 => 4,
        Dtype::F64 => 8,
    }
}

fn gather(ranks: &dyn Ranks, counts: &[usize], own: &[f64]) -> Vec<f64> {
    let mut all = vec![0.0; counts.iter().sum()];
    let lengths: Vec<usize> = counts.iter().map(|count| count * size_of::<f64>()).collect();
    ranks.gather(bytemuck::cast_slice(own), &lengths, bytemuck::cast_slice_mut(&mut all));
    all
}

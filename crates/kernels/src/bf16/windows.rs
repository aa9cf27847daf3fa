//! Convolution in squares of C, without a matrix in which each pixel would stand once for every window that it is in.
//!
//! The pixels of an image are packed once, in order. Where windows step by one pixel, those of a row of the image begin
//! with pixels that follow each other, and so do the pixels that any one of their taps looks at: both are rows of a panel.
//! The panel goes on at the end of a row of windows as the pixels do. The windows that reach into the next row of the
//! image there are computed with the others, and left out of C.

use std::cell::RefCell;
use std::ops::Range;

use super::pack::{Block, Lie, Piece, Place, block, panel};
use super::unit::{Rows, Steps};
use super::{DEPTH, LINES, SIDE, Square, Unit};
use crate::gemm::Matrix;
use crate::room::with_room;

/// Windows that step by one pixel over an image and the zeros around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Height, width and channels of the image.
    pub(crate) image: [usize; 3],
    /// Zeros above and left of it.
    pub(crate) before: [usize; 2],
    /// Pixels of a row with its zeros.
    pub(crate) width: usize,
    /// Taps of a window, down and across, and the steps between them.
    pub(crate) size: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Windows, down and across.
    pub(crate) output: [usize; 2],
}

impl Grid {
    /// Pixels from the first window's to the last one's.
    fn places(&self) -> usize {
        (self.output[0] - 1) * self.width + self.output[1]
    }

    fn taps(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// How many pixels a tap is behind a window's first one.
    fn tap(&self, tap: usize) -> usize {
        tap / self.size[1] * self.dilation[0] * self.width + tap % self.size[1] * self.dilation[1]
    }

    /// The pixels of a row of the image that windows see, and where they begin among those with zeros.
    fn row<'a>(&self, image: &'a [f32], row: usize) -> (Matrix<'a, f32>, usize) {
        let ([_, width, channels], [above, left]) = (self.image, self.before);
        let seen = width.min(self.width - left);
        let pixels = &image[row * width * channels..][..seen * channels];
        (Matrix::new(pixels, seen, channels), (above + row) * self.width + left)
    }

    /// Runs `f` for each row of windows in a range of places: with where it begins in the range, its first window, and how
    /// many there are.
    fn for_each_row(&self, places: Range<usize>, mut f: impl FnMut(usize, usize, usize)) {
        let mut place = places.start;
        while place < places.end {
            let [row, column] = [place / self.width, place % self.width];
            if row < self.output[0] && column < self.output[1] {
                let count = (self.output[1] - column).min(places.end - place);
                f(place - places.start, row * self.output[1] + column, count);
            }
            place += self.width - column;
        }
    }
}

/// What a thread packs into.
#[derive(Default)]
struct Scratch {
    image: Vec<Block>,
    panels: Vec<Block>,
    steps: Vec<usize>,
}

thread_local! {
    static FILTERS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Filters, packed: for each panel of them the taps, and for each tap the channels.
pub(crate) struct Filters<'a> {
    unit: Unit,
    parts: usize,
    blocks: &'a [Block],
    count: usize,
}

/// Packs filters of so many channels, a filter a line; `f` gets none where a number is to be split that is not finite.
pub(crate) fn with_filters<R>(
    unit: Unit,
    parts: usize,
    filters: Matrix<f32>,
    channels: usize,
    f: impl FnOnce(Option<&Filters>) -> R,
) -> R {
    let steps = filters.columns / channels * channels.div_ceil(DEPTH);
    let mut blocks = FILTERS.take();
    blocks.resize(filters.rows.div_ceil(SIDE) * steps * 2 * parts, Block::EMPTY);
    let mut finite = true;
    for (i, blocks) in blocks.chunks_exact_mut(2 * parts).enumerate() {
        let (first, step) = (i / steps * SIDE, i % steps);
        let (tap, channel) = (step / channels.div_ceil(DEPTH), step % channels.div_ceil(DEPTH) * DEPTH);
        for half in 0..2 {
            let piece = Piece::new(filters, [first + half * LINES, tap * channels + channel]).up_to(channels - channel);
            // SAFETY: the blocks of a step have room for both halves of all parts.
            finite &= unsafe {
                let place = Place::of(blocks.as_mut_ptr().add(half), 2 * Block::WORDS);
                block(unit, parts, piece, Lie::Pairs, place)
            };
        }
    }
    let packed = Filters { unit, parts, blocks: &blocks, count: filters.rows };
    let result = f((finite || parts == 1).then_some(&packed));
    FILTERS.set(blocks);
    result
}

/// y = windows of an image times filters, plus a bias a filter: windows × filters. False, and y without meaning, where a
/// number is to be split that is not finite.
pub(crate) fn forward(grid: &Grid, filters: &Filters, image: &[f32], bias: Option<&[f32]>, y: &mut [f32]) -> bool {
    let Filters { unit, parts, blocks, count } = *filters;
    SCRATCH.with_borrow_mut(|Scratch { image: packed, steps, .. }| {
        let [height, _, channels] = grid.image;
        let deep = channels.div_ceil(DEPTH);
        let pixels = grid.places().next_multiple_of(SIDE) + grid.tap(grid.taps() - 1);
        // A row's last block may reach beyond its pixels, into those that are written next.
        let groups = pixels.div_ceil(LINES) + 1;
        packed.clear();
        packed.resize(parts * deep * groups, Block::EMPTY);
        let mut finite = true;
        for row in 0..height {
            let (row, first) = grid.row(image, row);
            for (pixel, group) in (0..row.rows).step_by(LINES).flat_map(|pixel| (0..deep).map(move |i| (pixel, i))) {
                if first + pixel >= pixels {
                    continue;
                }
                let place = Place {
                    to: packed
                        .as_mut_ptr()
                        .wrapping_add(group * groups)
                        .cast::<u32>()
                        .wrapping_add((first + pixel) * LINES),
                    row: LINES,
                    part: deep * groups * Block::WORDS,
                };
                // SAFETY: each group of channels has room for all pixels, and for a block more.
                finite &= unsafe { block(unit, parts, Piece::new(row, [pixel, group * DEPTH]), Lie::Lines, place) };
            }
        }
        if parts > 1 && !finite {
            return false;
        }
        let pixel = size_of::<Block>() / LINES;
        steps.clear();
        steps.extend((0..grid.taps() * deep).map(|i| (i % deep * groups * LINES + grid.tap(i / deep)) * pixel));
        let _ready = unit.ready();
        let width = count.next_multiple_of(SIDE);
        with_room(SIDE * width, |strip: &mut [f32]| {
            for first in (0..grid.places()).step_by(SIDE) {
                let a = Rows {
                    first: packed.as_ptr().cast::<u8>().wrapping_add(first * pixel),
                    steps: Steps::At(steps),
                    row: pixel,
                    half: LINES * pixel,
                    part: deep * groups * size_of::<Block>(),
                };
                for (i, panel) in blocks.chunks_exact(2 * parts * steps.len()).enumerate() {
                    let c = strip.as_mut_ptr().wrapping_add(i * SIDE);
                    let square = Square { c, width, rows: SIDE, columns: SIDE };
                    let mut start = [0.0; SIDE];
                    if let Some(bias) = bias {
                        let bias = &bias[i * SIDE..count.min((i + 1) * SIDE)];
                        start[..bias.len()].copy_from_slice(bias);
                    }
                    let bias = bias.map(|_| &start[..]);
                    // SAFETY: the unit is ready; all pixels of the places and their taps are packed; the strip has room.
                    unsafe { square.add(unit, [parts, steps.len()], a, panel.as_ptr(), bias, false) };
                }
                grid.for_each_row(first..first + SIDE, |i, window, n| {
                    let (from, to) = (&strip[i * width..][..n * width], &mut y[window * count..][..n * count]);
                    if width == count {
                        to.copy_from_slice(from);
                    } else {
                        let rows = to.chunks_exact_mut(count).zip(from.chunks_exact(width));
                        rows.for_each(|(to, from)| to.copy_from_slice(&from[..count]));
                    }
                });
            }
        });
        true
    })
}

/// The filters' gradient of an image, windowsᵀ · dy, numbers of a window × filters, added to what `sums` holds or not.
/// False, and `sums` without meaning, where a number is to be split that is not finite.
pub(crate) fn filter_gradient(
    (unit, parts): (Unit, usize),
    grid: &Grid,
    image: &[f32],
    dy: &[f32],
    sums: &mut [f32],
    holds: bool,
) -> bool {
    let [height, _, channels] = grid.image;
    let count = sums.len() / (grid.taps() * channels);
    let places = grid.places().next_multiple_of(DEPTH);
    let steps = places / DEPTH;
    SCRATCH.with_borrow_mut(|Scratch { image: packed, panels, .. }| {
        // Lines of pixels, one for each channel; words hold two. A row's last block may reach beyond its pixels.
        let pixels = places + grid.tap(grid.taps() - 1);
        let line = (pixels + DEPTH).next_multiple_of(DEPTH) / 2;
        let part = channels.next_multiple_of(SIDE) * line;
        packed.clear();
        packed.resize((parts * part).div_ceil(Block::WORDS), Block::EMPTY);
        let mut finite = true;
        for channel in (0..channels).step_by(LINES) {
            for row in 0..height {
                let (row, first) = grid.row(image, row);
                for pixel in (0..row.rows).step_by(DEPTH).take_while(|pixel| first + pixel < pixels) {
                    let to = packed.as_mut_ptr().cast::<u32>().wrapping_add(channel * line);
                    let to = to.wrapping_byte_add(2 * (first + pixel));
                    // SAFETY: each part has a line for each channel, with room for all pixels and for a block more.
                    finite &= unsafe {
                        let place = Place { to, row: line, part };
                        block(unit, parts, Piece::new(row.t(), [channel, pixel]), Lie::Lines, place)
                    };
                }
            }
        }
        panels.resize(count.div_ceil(SIDE) * steps * 2 * parts, Block::EMPTY);
        with_room(places * count, |gradients: &mut [f32]| {
            let mut end = 0;
            grid.for_each_row(0..places, |first, window, n| {
                gradients[end * count..first * count].fill(0.0);
                gradients[first * count..][..n * count].copy_from_slice(&dy[window * count..][..n * count]);
                end = first + n;
            });
            gradients[end * count..].fill(0.0);
            let gradients = Matrix::new(gradients, places, count).t();
            for (i, blocks) in panels.chunks_exact_mut(steps * 2 * parts).enumerate() {
                finite &= panel(unit, parts, gradients, [i * SIDE, 0], Lie::Pairs, blocks);
            }
        });
        if parts > 1 && !finite {
            return false;
        }
        let _ready = unit.ready();
        for (i, panel) in panels.chunks_exact(steps * 2 * parts).enumerate() {
            for tap in 0..grid.taps() {
                for channel in (0..channels).step_by(SIDE) {
                    let a = Rows {
                        first: packed.as_ptr().cast::<u8>().wrapping_add(4 * channel * line + 2 * grid.tap(tap)),
                        steps: Steps::Every(2 * DEPTH),
                        row: 4 * line,
                        half: LINES * 4 * line,
                        part: 4 * part,
                    };
                    let c = sums.as_mut_ptr().wrapping_add((tap * channels + channel) * count + i * SIDE);
                    let square = Square { c, width: count, rows: channels - channel, columns: count - i * SIDE };
                    // SAFETY: the unit is ready; a tap's pixels end before its line does; the square lies in the sums.
                    unsafe { square.add(unit, [parts, steps], a, panel.as_ptr(), None, holds) };
                }
            }
        }
        true
    })
}

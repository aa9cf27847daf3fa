//! Convolution in squares of C, without the matrix that holds each pixel once for every window that contains it
//! (im2col).
//!
//! The pixels of an image are packed once, in order. With a stride of 1, the windows of a row begin at consecutive
//! pixels, and any one of their taps reads consecutive pixels: both are rows of a panel. At the end of a row of
//! windows, the panel continues with the pixels. The windows there, which reach into the next row of the image, are
//! computed with the others, but left out of C.

use std::cell::RefCell;
use std::ops::Range;

use super::pack::{self, Block, BlockLayout, PackDst, Packing, SubMatrix};
use super::unit::{LhsPanel, Steps};
use super::{DEPTH, LINES, SIDE, Square, Unit};
use crate::matrix::Matrix;
use crate::scratch::with_scratch;

/// Windows with a stride of 1 over an image and its zero padding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Height, width and channels of the image.
    pub(crate) image: [usize; 3],
    /// Padding above and left of it.
    pub(crate) before: [usize; 2],
    /// Pixels of a row including its padding.
    pub(crate) width: usize,
    /// Taps of a window, down and across, and the distance between them in pixels.
    pub(crate) size: [usize; 2],
    pub(crate) dilation: [usize; 2],
    /// Windows, down and across.
    pub(crate) output: [usize; 2],
}

impl Grid {
    /// Positions from the first window to the last, including those at row ends, where no window begins.
    fn positions(&self) -> usize {
        (self.output[0] - 1) * self.width + self.output[1]
    }

    fn taps(&self) -> usize {
        self.size[0] * self.size[1]
    }

    /// The offset of a tap from the first, in pixels.
    fn tap(&self, tap: usize) -> usize {
        tap / self.size[1] * self.dilation[0] * self.width + tap % self.size[1] * self.dilation[1]
    }

    /// The pixels of a row of the image that windows see, and the position of the first in the padded image.
    fn row<'a>(&self, image: &'a [f32], row: usize) -> (Matrix<'a, f32>, usize) {
        let ([_, width, channels], [above, left]) = (self.image, self.before);
        let seen = width.min(self.width - left);
        let pixels = &image[row * width * channels..][..seen * channels];
        (Matrix::new(pixels, seen, channels), (above + row) * self.width + left)
    }

    /// Calls `f` for each row of windows in a range of positions, with its start in the range, its first window, and
    /// the number of its windows.
    fn for_each_row(&self, positions: Range<usize>, mut f: impl FnMut(usize, usize, usize)) {
        let mut dst = positions.start;
        while dst < positions.end {
            let [row, column] = [dst / self.width, dst % self.width];
            if row < self.output[0] && column < self.output[1] {
                let count = (self.output[1] - column).min(positions.end - dst);
                f(dst - positions.start, row * self.output[1] + column, count);
            }
            dst += self.width - column;
        }
    }
}

/// A thread's packing buffers.
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

/// Packed filters: for each panel of them the taps, and for each tap the channels.
pub(crate) struct Filters<'a> {
    unit: Unit,
    parts: usize,
    blocks: &'a [Block],
    count: usize,
}

/// Packs filters of this many channels, one per line; `f` gets none if a value to be split is not finite.
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
    let packing = Packing { unit, parts, layout: BlockLayout::Pairs };
    let mut finite = true;
    for (i, blocks) in blocks.chunks_exact_mut(2 * parts).enumerate() {
        let (first, step) = (i / steps * SIDE, i % steps);
        let (tap, channel) = (step / channels.div_ceil(DEPTH), step % channels.div_ceil(DEPTH) * DEPTH);
        let corner = [first, tap * channels + channel];
        finite &= pack::step(packing, filters, corner, channels - channel, 2 * parts, blocks);
    }
    let packed = Filters { unit, parts, blocks: &blocks, count: filters.rows };
    let result = f(finite.then_some(&packed));
    FILTERS.set(blocks);
    result
}

/// y = windows of an image times filters, plus a bias per filter: windows × filters. Returns false, with y unspecified,
/// if a value to be split is not finite.
pub(crate) fn forward(grid: &Grid, filters: &Filters, image: &[f32], bias: Option<&[f32]>, y: &mut [f32]) -> bool {
    let Filters { unit, parts, blocks, count } = *filters;
    SCRATCH.with_borrow_mut(|Scratch { image: packed, steps, .. }| {
        let [height, _, channels] = grid.image;
        let deep = channels.div_ceil(DEPTH);
        let pixels = grid.positions().next_multiple_of(SIDE) + grid.tap(grid.taps() - 1);
        // A row's last block may extend beyond its pixels, into those written next.
        let groups = pixels.div_ceil(LINES) + 1;
        packed.resize(parts * deep * groups, Block::EMPTY);
        let mut clear = |pixels: Range<usize>| {
            for blocks in packed.chunks_exact_mut(groups) {
                for pixel in pixels.clone() {
                    blocks[pixel / LINES].0[pixel % LINES * LINES..][..LINES].fill(0);
                }
            }
        };
        let mut end = 0;
        for row in 0..height {
            let (row, first) = grid.row(image, row);
            if first < pixels {
                clear(end..first);
                end = (first + row.rows).min(pixels);
            }
        }
        clear(end..groups * LINES);
        let packing = Packing { unit, parts, layout: BlockLayout::Lines };
        let mut finite = true;
        for row in 0..height {
            let (row, first) = grid.row(image, row);
            for (pixel, group) in (0..row.rows).step_by(LINES).flat_map(|pixel| (0..deep).map(move |i| (pixel, i))) {
                if first + pixel >= pixels {
                    continue;
                }
                let dst = PackDst {
                    to: packed
                        .as_mut_ptr()
                        .wrapping_add(group * groups)
                        .cast::<u32>()
                        .wrapping_add((first + pixel) * LINES),
                    row: LINES,
                    part: deep * groups * Block::WORDS,
                    half: 0,
                    panel: 0,
                };
                // SAFETY: each group of channels has space for all pixels and one more block.
                finite &= unsafe { pack::blocks(packing, SubMatrix::new(row, [pixel, group * DEPTH], 1), dst) };
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
        with_scratch(SIDE * width, |strip: &mut [f32]| {
            for first in (0..grid.positions()).step_by(SIDE) {
                let a = LhsPanel {
                    first: packed.as_ptr().cast::<u8>().wrapping_add(first * pixel),
                    steps: Steps::At(steps),
                    row: pixel,
                    half: LINES * pixel,
                    part: deep * groups * size_of::<Block>(),
                };
                for (i, panel) in blocks.chunks_exact(2 * parts * steps.len()).enumerate() {
                    let c = strip.as_mut_ptr().wrapping_add(i * SIDE);
                    let square = Square { c, width, rows: SIDE, columns: SIDE, holds: false, far: false };
                    let mut start = [0.0; SIDE];
                    if let Some(bias) = bias {
                        let bias = &bias[i * SIDE..count.min((i + 1) * SIDE)];
                        start[..bias.len()].copy_from_slice(bias);
                    }
                    let bias = bias.map(|_| &start[..]);
                    // SAFETY: the unit is ready; the pixels of all positions and taps are packed; the square is in the
                    // strip.
                    unsafe { square.add(unit, [parts, steps.len()], a, panel.as_ptr(), bias, || ()) };
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

/// The filters' gradient of an image, windowsᵀ · dy, elements of a window × filters; added to `sums` if `holds`.
/// Returns false, with `sums` unspecified, if a value to be split is not finite.
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
    let positions = grid.positions().next_multiple_of(DEPTH);
    let steps = positions / DEPTH;
    SCRATCH.with_borrow_mut(|Scratch { image: packed, panels, .. }| {
        // One line of pixels per channel, two to a word. A row's last block may extend beyond its pixels.
        let pixels = positions + grid.tap(grid.taps() - 1);
        let line = (pixels + DEPTH).next_multiple_of(DEPTH) / 2;
        let part = channels.next_multiple_of(SIDE) * line;
        packed.clear();
        packed.resize((parts * part).div_ceil(Block::WORDS), Block::EMPTY);
        let packing = Packing { unit, parts, layout: BlockLayout::Lines };
        let mut finite = true;
        for channel in (0..channels).step_by(LINES) {
            for row in 0..height {
                let (row, first) = grid.row(image, row);
                for pixel in (0..row.rows).step_by(DEPTH).take_while(|pixel| first + pixel < pixels) {
                    let to = packed.as_mut_ptr().cast::<u32>().wrapping_add(channel * line);
                    let to = to.wrapping_byte_add(2 * (first + pixel));
                    // SAFETY: each part has a line for each channel, with space for all pixels and one more block.
                    finite &= unsafe {
                        let dst = PackDst { to, row: line, part, half: 0, panel: 0 };
                        pack::blocks(packing, SubMatrix::new(row.t(), [channel, pixel], 1), dst)
                    };
                }
            }
        }
        panels.resize(count.div_ceil(SIDE) * steps * 2 * parts, Block::EMPTY);
        with_scratch(positions * count, |gradients: &mut [f32]| {
            let mut end = 0;
            grid.for_each_row(0..positions, |first, window, n| {
                gradients[end * count..first * count].fill(0.0);
                gradients[first * count..][..n * count].copy_from_slice(&dy[window * count..][..n * count]);
                end = first + n;
            });
            gradients[end * count..].fill(0.0);
            let gradients = Matrix::new(gradients, positions, count).t();
            let packing = Packing { unit, parts, layout: BlockLayout::Pairs };
            finite &= pack::panels(packing, gradients, [0, 0], steps * 2 * parts, panels);
        });
        if parts > 1 && !finite {
            return false;
        }
        let _ready = unit.ready();
        for (i, panel) in panels.chunks_exact(steps * 2 * parts).enumerate() {
            for tap in 0..grid.taps() {
                for channel in (0..channels).step_by(SIDE) {
                    let a = LhsPanel {
                        first: packed.as_ptr().cast::<u8>().wrapping_add(4 * channel * line + 2 * grid.tap(tap)),
                        steps: Steps::Every(2 * DEPTH),
                        row: 4 * line,
                        half: LINES * 4 * line,
                        part: 4 * part,
                    };
                    let c = sums.as_mut_ptr().wrapping_add((tap * channels + channel) * count + i * SIDE);
                    let (rows, columns) = (channels - channel, count - i * SIDE);
                    let square = Square { c, width: count, rows, columns, holds, far: false };
                    // SAFETY: the unit is ready; a tap's pixels end before its line does; the square is in the sums.
                    unsafe { square.add(unit, [parts, steps], a, panel.as_ptr(), None, || ()) };
                }
            }
        }
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// A 5 × 6 image with one zero on each side, windows of 2 × 2 whose taps are 1 and 2 apart, 18 filters.
    const GRID: Grid =
        Grid { image: [5, 6, 17], before: [1, 1], width: 8, size: [2, 2], dilation: [1, 2], output: [6, 6] };
    const FILTERS: usize = 18;

    fn normal(n: usize, purpose: u32) -> Vec<f32> {
        let mut x = vec![0.0; n];
        Stream::new(17, purpose).fill_normal(0, &mut x);
        x
    }

    /// The elements of all windows, one window per row.
    fn windows(image: &[f32]) -> Vec<f64> {
        let ([height, width, channels], [above, left]) = (GRID.image, GRID.before);
        let at = |window: usize, tap: usize, channel: usize| {
            let y = (window / GRID.output[1] + tap / GRID.size[1] * GRID.dilation[0]).wrapping_sub(above);
            let x = (window % GRID.output[1] + tap % GRID.size[1] * GRID.dilation[1]).wrapping_sub(left);
            if y < height && x < width { f64::from(image[(y * width + x) * channels + channel]) } else { 0.0 }
        };
        let windows = 0..GRID.output[0] * GRID.output[1];
        windows.flat_map(|w| (0..4 * channels).map(move |i| at(w, i / channels, i % channels))).collect()
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn convolutions_and_their_gradients_are_products_with_all_windows() {
        let (n_windows, window_len) = (GRID.output[0] * GRID.output[1], 4 * GRID.image[2]);
        let image = normal(GRID.image.iter().product(), 1);
        let (filters, bias, dy) = (normal(FILTERS * window_len, 2), normal(FILTERS, 3), normal(n_windows * FILTERS, 4));
        let rows = windows(&image);
        for unit in [Unit::Portable, Unit::Tiles].into_iter().filter(|unit| unit.is_here()) {
            for (parts, tolerance) in [(1, 0.3), (2, 1e-3), (3, 2e-5)] {
                let mut y = vec![f32::NAN; n_windows * FILTERS];
                let matrix = Matrix::new(&filters, FILTERS, window_len);
                let done = with_filters(unit, parts, matrix, GRID.image[2], |filters| {
                    forward(&GRID, filters.unwrap(), &image, Some(&bias), &mut y)
                });
                // Twice the gradient, since it is added once.
                let mut sums = vec![f32::NAN; window_len * FILTERS];
                assert!(done && filter_gradient((unit, parts), &GRID, &image, &dy, &mut sums, false));
                assert!(filter_gradient((unit, parts), &GRID, &image, &dy, &mut sums, true));
                let (x, f, d) = (|w: usize, i: usize| rows[w * window_len + i], &filters, &dy);
                for (i, y) in y.iter().enumerate() {
                    let (w, filter) = (i / FILTERS, i % FILTERS);
                    let sum: f64 = (0..window_len).map(|i| x(w, i) * f64::from(f[filter * window_len + i])).sum();
                    let expected = sum + f64::from(bias[filter]);
                    assert!((f64::from(*y) - expected).abs() < tolerance, "{unit:?}, {parts}, y {i}: {y} {expected}");
                }
                for (i, sum) in sums.iter().enumerate() {
                    let (number, filter) = (i / FILTERS, i % FILTERS);
                    let expected: f64 =
                        (0..n_windows).map(|w| 2.0 * x(w, number) * f64::from(d[w * FILTERS + filter])).sum();
                    let error = (f64::from(*sum) - expected).abs();
                    assert!(error < 2.0 * tolerance, "{unit:?}, {parts}, sum {i}: {sum} {expected}");
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "long")]
    fn what_is_split_must_be_finite() {
        let mut image = normal(GRID.image.iter().product(), 1);
        image[100] = f32::INFINITY;
        let (filters, dy) = (normal(FILTERS * 68, 2), normal(36 * FILTERS, 4));
        let matrix = Matrix::new(&filters, FILTERS, 68);
        for parts in 1..=3 {
            let done = with_filters(Unit::Portable, parts, matrix, 17, |filters| {
                forward(&GRID, filters.unwrap(), &image, None, &mut [0.0; 36 * FILTERS])
            });
            assert_eq!(done, parts == 1);
            let mut sums = [0.0; 68 * FILTERS];
            assert_eq!(filter_gradient((Unit::Portable, parts), &GRID, &image, &dy, &mut sums, false), parts == 1);
        }
    }
}

// A line chart: uPlot on a canvas, with a legend of live values, zooming by mouse and keys, and words for screen readers.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

import { number, short } from "../format.ts";
import { lastOf, wide, type Value } from "../series.ts";
import { colour, useThemeChange } from "../theme.ts";

export interface Line {
  name: string;
  /** The name of a colour of the style sheet. */
  colour: string;
  y: readonly Value[];
  format?: (value: number) => string;
  /** Without a place in the legend: the raw values behind a smoothed line. */
  faint?: boolean;
  dash?: number[];
}

export interface Mark {
  x: number;
  text: string;
}

interface PlotProps {
  title: string;
  x: readonly number[];
  lines: Line[];
  xName: string;
  xFormat?: (value: number) => string;
  yFormat?: (value: number) => string;
  log?: boolean;
  height?: number;
  marks?: Mark[];
  /** Two lines of which the space between is shaded. */
  between?: readonly [string, string];
  /** Of many lines, the legend has the first and the last, the highest and the lowest. */
  brief?: boolean;
  /** Charts of one group share their cursor. */
  group?: string;
  /** What to do with a range that was dragged over, or asked for by keys. */
  zoom?: (from: number, to: number) => void;
  reset?: () => void;
}

const FONT = '11px Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
/** More points than this are drawn with a finer line. */
const MANY = 300;
/** Steps between ticks of epochs and of steps, of which there are no halves. */
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
const whole = (value: number) => short(value, 7);

export function Plot(props: PlotProps) {
  const { x, lines, log = false, height = 240, group } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [cursor, setCursor] = useState<number | null>(null);
  const [hidden, hide] = useState<ReadonlySet<string>>(new Set());

  // A log scale has no place for values that are not positive.
  const data = useMemo(() => {
    // Where lines of different x are joined, `undefined` is bridged and null is a gap.
    const shown = (value: Value | undefined) => (log && typeof value === "number" && value <= 0 ? null : value);
    return [x, ...lines.map((line) => line.y.map(shown))] as uPlot.AlignedData;
  }, [x, log, ...lines.map((line) => line.y)]);

  // What the chart is made of; only its data change without making it anew.
  const made = JSON.stringify([log, height, group, lines.map(({ name, colour, faint, dash, y }) => [name, colour, faint, dash, y.length > MANY]), props.between]);
  useEffect(() => {
    const { lines, between } = latest.current;
    const at = (name: string) => lines.findIndex((line) => line.name === name && !line.faint) + 1;
    const axis = (): Partial<uPlot.Axis> => ({
      font: FONT,
      labelFont: FONT,
      stroke: () => colour("muted"),
      grid: { stroke: () => colour("grid"), width: 1 },
      ticks: { show: false },
    });
    const made = new uPlot(
      {
        width: box.current!.clientWidth || 300,
        height,
        legend: { show: false },
        padding: [18, 22, 0, 0],
        scales: { x: { time: false }, y: log ? { distr: 3 } : { range: room } },
        cursor: {
          drag: { x: true, y: false, setScale: false, dist: 6 },
          points: { size: 7, width: 1.5, fill: () => colour("surface"), stroke: (u, i) => (u.series[i]!.stroke as () => string)() },
          y: false,
          ...(group !== undefined && { sync: { key: group, setSeries: false } }),
        },
        axes: [
          {
            ...axis(),
            grid: { show: false },
            size: 24,
            gap: 6,
            space: 56,
            ...(latest.current.xFormat ? {} : { incrs: WHOLE_STEPS }),
            values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : (latest.current.xFormat ?? whole)(tick))),
          },
          {
            ...axis(),
            ...(log && { grid: { ...axis().grid!, filter: labelled }, filter: labelled }),
            size: (u, labels) => Math.ceil(labels?.length ? Math.max(...labels.map((text) => measure(u, text))) + 14 : 40),
            space: 36,
            values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : (latest.current.yFormat ?? ((v) => short(v, 3)))(tick))),
          },
        ],
        series: [
          {},
          ...lines.map((line): uPlot.Series => ({
            stroke: () => (line.faint ? `${colour(line.colour)}59` : colour(line.colour)),
            width: line.faint ? 1 : lines.length > 4 || line.y.length > MANY ? 1.4 : 2,
            ...(line.dash?.length && { dash: line.dash }),
            points: { show: (u) => u.data[0].length < 3 },
            spanGaps: false,
          })),
        ],
        hooks: {
          setCursor: [(u) => setCursor(u.cursor.idx ?? null)],
          setSelect: [
            (u) => {
              if (u.select.width < 6) return;
              latest.current.zoom?.(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
          drawAxes: [(u) => between && shade(u, at(between[0]), at(between[1]))],
          draw: [(u) => drawMarks(u, latest.current.marks ?? [])],
        },
      },
      data,
      box.current!,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => {
      const width = box.current?.clientWidth ?? 0;
      if (width > 0 && width !== made.width) made.setSize({ width, height });
    });
    resized.observe(box.current!);
    return () => {
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [made]);

  useEffect(() => plot.current?.setData(data), [data, made]);
  const marks = JSON.stringify(props.marks);
  useEffect(() => plot.current?.redraw(false), [marks]);
  useEffect(() => {
    lines.forEach((line, i) => {
      const show = !hidden.has(line.name);
      if (plot.current && plot.current.series[i + 1]!.show !== show) plot.current.setSeries(i + 1, { show });
    });
  }, [hidden, made]);
  useThemeChange(() => plot.current?.redraw(false));

  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    hide(next);
  };

  /** The arrow keys move the cursor, + and − zoom about it, 0 shows everything. */
  const keys = (event: KeyboardEvent) => {
    const u = plot.current;
    if (!u || x.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = u.cursor.idx ?? x.length - 1;
    const stride = event.shiftKey ? 10 : 1;
    const step = { ArrowLeft: -stride, ArrowRight: stride, Home: -x.length, End: x.length }[event.key];
    if (step !== undefined) {
      const index = Math.min(x.length - 1, Math.max(0, now + step));
      u.setCursor({ left: u.valToPos(x[index]!, "x"), top: 1 });
    } else if ((event.key === "+" || event.key === "-") && props.zoom) {
      const [low, high] = [x[0]!, x[x.length - 1]!];
      const factor = event.key === "+" ? 0.5 : 2;
      props.zoom(x[now]! - (x[now]! - low) * factor, x[now]! + (high - x[now]!) * factor);
    } else if (event.key === "0" && props.reset) {
      props.reset();
    } else {
      return;
    }
    event.preventDefault();
  };

  const named = lines.filter((line) => !line.faint);
  const xFormat = props.xFormat ?? whole;
  const read = (line: Line, at: number | null) => {
    const value = at === null ? lastOf(line.y)?.value : line.y[at];
    return value === null || value === undefined ? number(null) : (line.format ?? ((v) => number(v, 3)))(value);
  };
  const inside = cursor !== null && cursor < x.length ? cursor : null;
  const listed = props.brief ? outermost(named, inside) : named;
  const words = listed.map((line) => `${line.name} ${read(line, null)}`).join(", ");
  return (
    <div class="plot">
      <div class="legend">
        {listed.map((line) => (
          <button key={line.name} type="button" aria-pressed={!hidden.has(line.name)} title={`Show or hide ${line.name}`} onClick={() => toggle(line.name)}>
            <i class={line.dash?.length ? "dashed" : ""} style={{ color: `var(--${line.colour})` }} />
            <span>{line.name}</span>
            <b>{read(line, inside)}</b>
          </button>
        ))}
        <span class="at">{x.length > 0 && `${props.xName} ${xFormat(x[inside ?? x.length - 1]!)}`}</span>
      </div>
      <div
        ref={box}
        class="canvas"
        role="img"
        tabIndex={0}
        aria-label={`${props.title}${log ? ", logarithmic" : ""}. At ${props.xName} ${x.length > 0 ? xFormat(x[x.length - 1]!) : number(null)}: ${words}.`}
        style={{ height: `${height}px` }}
        onKeyDown={keys}
        onDblClick={() => props.reset?.()}
      />
    </div>
  );
}

/** The first and the last line, and those with the highest and the lowest value at an index, else at the end. */
function outermost(lines: Line[], at: number | null): Line[] {
  const value = (line: Line) => (at === null ? lastOf(line.y)?.value : line.y[at]) ?? NaN;
  const order = lines.filter((line) => !Number.isNaN(value(line))).sort((a, b) => value(a) - value(b));
  const kept = new Set([lines[0], lines.at(-1), order[0], order.at(-1)]);
  return lines.filter((line) => kept.has(line));
}

/** Whether a log scale suits these lines. */
export const suitsLog = (lines: Line[]) => wide(lines.map((line) => line.y));

function measure(u: uPlot, text: string): number {
  u.ctx.font = FONT;
  return u.ctx.measureText(text).width;
}

/** Room for the values of a linear scale: all but equal ones are drawn as the level line that they are. */
function room(_: uPlot, low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low <= 1e-6 * size) return size === 0 ? [0, 1] : [Math.min(low, 0, 2 * low), Math.max(high, 0, 2 * high)];
  return uPlot.rangeNum(low, high, 0.1, true) as [number, number];
}

/** Of the ticks of a log scale those that are labelled: powers of ten, and 2 and 5 where there are few of these. */
function labelled(_: uPlot, ticks: number[]): (number | null)[] {
  const digit = (tick: number) => Number(tick.toExponential(0).split("e")[0]);
  const powers = ticks.filter((tick) => digit(tick) === 1).length;
  return ticks.map((tick) => (digit(tick) === 1 || (powers < 3 && (digit(tick) === 2 || digit(tick) === 5)) ? tick : null));
}

/** The space between two lines, wherever both have a value. */
function shade(u: uPlot, a: number, b: number) {
  if (!(a > 0 && b > 0 && u.series[a]?.show && u.series[b]?.show)) return;
  const [x, upper, lower] = [u.data[0], u.data[a]!, u.data[b]!];
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = `${colour("dev")}1f`;
  const there = (i: number) => upper[i] != null && lower[i] != null;
  const point = (i: number, y: typeof upper) => ctx.lineTo(u.valToPos(x[i]!, "x", true), u.valToPos(y[i]!, "y", true));
  for (let start = 0; start < x.length; start++) {
    if (!there(start)) continue;
    let end = start;
    while (end + 1 < x.length && there(end + 1)) end++;
    ctx.beginPath();
    for (let i = start; i <= end; i++) point(i, upper);
    for (let i = end; i >= start; i--) point(i, lower);
    ctx.fill();
    start = end;
  }
  ctx.restore();
}

/** Dotted verticals with words above: the best epoch, where the run was resumed. */
function drawMarks(u: uPlot, marks: Mark[]) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${11 * scale}px ${FONT.slice(5)}`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  let free = -Infinity;
  for (const mark of [...marks].sort((a, b) => a.x - b.x)) {
    const x = Math.round(u.valToPos(mark.x, "x", true));
    if (!(x >= left && x <= left + width)) continue;
    ctx.strokeStyle = colour("muted");
    ctx.lineWidth = scale;
    ctx.setLineDash([2 * scale, 3 * scale]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    const wide = ctx.measureText(mark.text).width;
    const start = Math.min(Math.max(left, x - wide / 2), left + width - wide);
    if (start < free) continue;
    free = start + wide + 8 * scale;
    ctx.fillStyle = colour("ink");
    ctx.fillText(mark.text, start, top - 3 * scale);
  }
  ctx.restore();
}
